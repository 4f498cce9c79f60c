"""One strength's networks, and one technique's strengths, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Curve
from taut.report.schema import ExplorerPoint, ExplorerTechnique, Number
from taut.report.thinning import short, thinned
from taut.selection.weights import LIMIT, N_BINS, fitting_step, in_bins
from taut.techniques.base import Technique

_MOST_EPOCHS = 80  # of one curve
_MOST_FOLDS = 5  # as thin lines; the means are over all
_BINS = 40


@final
@dataclass(frozen=True, eq=False)
class Look:
    """What is known of one strength, in people's units.

    Parameters
    ----------
    strength : float
    label : str
    curves : tuple of Curve
        One a fold.
    epoch : int
        The one that is kept.
    train_loss, loss, standard_error, metric : float
        Means over the folds; the standard error is of the validation loss.
    zero_share : float
        Of the weights that are kept; NaN where it is not known.
    counts : int64 array, shape (N_BINS + 1,)
        Of the weights at the end of training; all zero where they are not known.
    within_chance : bool or None
        Whether the loss differs from that of off by no more than one standard error of the folds' own
        differences; None where that is unknown.
    note : str
        What else has to be said of it.
    """

    strength: float
    label: str
    curves: tuple[Curve, ...]
    epoch: int
    train_loss: float
    loss: float
    standard_error: float
    metric: float
    zero_share: float
    counts: NDArray[np.int64]
    within_chance: bool | None = None
    note: str = ""


@final
@dataclass(frozen=True)
class Setting:
    """What all networks of a technique have in common.

    Parameters
    ----------
    source : {"search", "path"}
    beside : str
        The techniques that are in every network beside it; empty where there are none.
    hidden : tuple of int
    learning_rate : float
    n_folds : int
    """

    source: Literal["search", "path"]
    beside: str
    hidden: tuple[int, ...]
    learning_rate: float
    n_folds: int


def technique_of(
    kind: type[Technique],
    axis: Literal["strength", "epoch", "switch"],
    setting: Setting,
    looks: Sequence[Look],
    off: int | None,
    *,
    left_out: Sequence[str] = (),
    interrupted: bool = False,
) -> ExplorerTechnique:
    """Give one technique's strengths as plain values; ``off`` is its place in ``looks``, if it has one."""
    step, edges = shared_edges([look.counts for look in looks])
    losses = [look.loss for look in looks]
    scored = [i for i, loss in enumerate(losses) if math.isfinite(loss)]
    return {
        "name": kind.name,
        "title": kind.page.title,
        "raising": kind.page.raising,
        "axis": axis,
        "log": kind.search_range.scale == "log",
        "source": setting.source,
        "beside": setting.beside,
        "hidden": list(setting.hidden),
        "learning_rate": float(setting.learning_rate),
        "n_folds": setting.n_folds,
        "points": [point_of(look, step) for look in looks],
        "best": min(scored, key=losses.__getitem__, default=0),
        "off": off,
        "edges": edges,
        "left_out": list(left_out),
        "interrupted": interrupted,
    }


def shared_edges(counts: Sequence[NDArray[np.int64]]) -> tuple[int, list[float]]:
    """Give how many fine bins make one that is shown, and the edges: the same for all strengths."""
    step = fitting_step(np.sum(counts, axis=0), _BINS) if len(counts) else 1
    width = 2 * LIMIT / N_BINS * step
    return step, [round((i - _BINS // 2) * width, 6) for i in range(_BINS + 1)]


def point_of(look: Look, step: int) -> ExplorerPoint:
    """Give a strength's networks as plain values."""
    n = min((len(curve) for curve in look.curves), default=0)
    epochs = [place + 1 for place in thinned(n, look.epoch, _MOST_EPOCHS)]
    at = np.array(epochs, dtype=np.intp) - 1
    known = int(look.counts.sum())
    return {
        "strength": look.strength,
        "label": look.label,
        "note": look.note,
        "within_chance": look.within_chance,
        "epochs": epochs,
        "train": _short(np.mean([c.train[at] for c in look.curves], axis=0)) if epochs else [],
        "validation": _short(np.mean([c.validation[at] for c in look.curves], axis=0)) if epochs else [],
        "folds": [
            {"train_loss": _short(c.train[at]), "validation_loss": _short(c.validation[at])}
            for c in (look.curves if len(look.curves) > 1 else ())[:_MOST_FOLDS]
        ],
        "epoch": look.epoch,
        "train_loss": look.train_loss,
        "loss": look.loss,
        "standard_error": look.standard_error,
        "metric": look.metric,
        "zero_share": look.zero_share,
        "n_zero": int(look.counts[-1]),
        "counts": in_bins(look.counts, step, _BINS).tolist() if known else [],
        "surface": None,
    }


def evenly(n: int, most: int, kept: set[int]) -> list[int]:
    """Give places of 0 to n - 1, ``most`` at most: these, both ends, and others evenly spread."""
    if n <= most:
        return list(range(n))
    chosen, steps = {0, n - 1, *kept}, most
    while steps > 1:
        chosen = {0, n - 1, *kept} | {round(i * (n - 1) / (steps - 1)) for i in range(steps)}
        if len(chosen) <= most:
            break
        steps -= 1
    return sorted(chosen)


def _short(values: NDArray[np.float64]) -> list[Number]:
    return [short(value) for value in values.tolist()]
