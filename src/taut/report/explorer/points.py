"""One strength's networks, and one technique's strengths, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Curve
from taut.report.figures import short, thinned
from taut.report.schema import ExplorerPoint, ExplorerTechnique, Number
from taut.selection.weights import LIMIT, N_BINS, fitting_step, in_bins
from taut.techniques.base import Technique

#: Weights at the end of training by size, last how many are exactly zero; all zero where they are not known.
Counts: TypeAlias = NDArray[np.int64]
#: A strength's networks, and their weights in fine bins.
Counted: TypeAlias = tuple[ExplorerPoint, Counts]

_MOST_EPOCHS = 80  # of one curve
_MOST_FOLDS = 5  # as thin lines; the means are over all
_BINS = 40


def point_of(
    curves: Sequence[Curve],
    counts: Counts,
    *,
    strength: float,
    label: str,
    epoch: int,
    train_loss: float,
    loss: float,
    standard_error: float,
    metric: float,
    zero_share: float,
    within_chance: bool | None = None,
    note: str = "",
) -> Counted:
    """Give a strength's networks, whose ``curves`` are one a fold; see :class:`ExplorerPoint`."""
    n = min(map(len, curves), default=0)
    epochs = [place + 1 for place in thinned(n, epoch, _MOST_EPOCHS)]
    at = np.array(epochs, dtype=np.intp) - 1
    point: ExplorerPoint = {
        "strength": strength,
        "label": label,
        "note": note,
        "within_chance": within_chance,
        "epochs": epochs,
        "train": _short(np.mean([c.train[at] for c in curves], axis=0)) if epochs else [],
        "validation": _short(np.mean([c.validation[at] for c in curves], axis=0)) if epochs else [],
        "folds": [
            {"train_loss": _short(c.train[at]), "validation_loss": _short(c.validation[at])}
            for c in (curves if len(curves) > 1 else ())[:_MOST_FOLDS]
        ],
        "epoch": epoch,
        "train_loss": train_loss,
        "loss": loss,
        "standard_error": standard_error,
        "metric": metric,
        "zero_share": zero_share,
        "n_zero": int(counts[-1]),
        "counts": [],
        "surface": None,
    }
    return point, counts


def technique_of(
    kind: type[Technique],
    axis: Literal["strength", "epoch", "switch"],
    counted: Sequence[Counted],
    off: int | None,
    *,
    source: Literal["search", "path"],
    beside: str,
    hidden: Sequence[int],
    learning_rate: float,
    n_folds: int,
    left_out: Sequence[str] = (),
    interrupted: bool = False,
) -> ExplorerTechnique:
    """Give one technique's strengths, their weights in the same bins; see :class:`ExplorerTechnique`."""
    step = fitting_step(np.sum([counts for _, counts in counted], axis=0), _BINS) if counted else 1
    width = 2 * LIMIT / N_BINS * step
    points: list[ExplorerPoint] = [
        {**point, "counts": in_bins(counts, step, _BINS).tolist() if counts.any() else []}
        for point, counts in counted
    ]
    losses = [math.inf if math.isnan(point["loss"] or 0.0) else point["loss"] or 0.0 for point in points]
    return {
        "name": kind.name,
        "title": kind.page.title,
        "raising": kind.page.raising,
        "axis": axis,
        "log": kind.search_range.scale == "log",
        "source": source,
        "beside": beside,
        "hidden": list(hidden),
        "learning_rate": float(learning_rate),
        "n_folds": n_folds,
        "points": points,
        "best": losses.index(min(losses)) if losses else 0,
        "off": off,
        "edges": [round((i - _BINS // 2) * width, 6) for i in range(_BINS + 1)],
        "left_out": list(left_out),
        "interrupted": interrupted,
    }


def strength_label(strength: float, *, off: bool, switch: bool) -> str:
    """Name a strength: "off", "on", "0.3"."""
    return "off" if off else "on" if switch else f"{strength:.3g}"


def evenly(n: int, most: int, kept: set[int]) -> list[int]:
    """Give places of 0 to n - 1, ``most`` at most: these, both ends, and others evenly spread."""
    if n <= most:
        return list(range(n))
    always = {0, n - 1, *kept}
    spread = ({round(i * (n - 1) / (steps - 1)) for i in range(steps)} for steps in range(most, 1, -1))
    return sorted(next((found for one in spread if len(found := always | one) <= most), always))


def _short(values: NDArray[np.float64]) -> list[Number]:
    return [short(value) for value in values.tolist()]
