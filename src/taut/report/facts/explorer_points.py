"""One strength's networks as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Curve
from taut.report.schema import ExplorerPoint, Number
from taut.selection.weights import LIMIT, N_BINS, fitting_step, in_bins

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
    counts : int64 array, shape (N_BINS + 1,)
        All zero where the weights are not known.
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
    counts: NDArray[np.int64]
    note: str = ""


def shared_edges(counts: Sequence[NDArray[np.int64]]) -> tuple[int, list[float]]:
    """Give how many fine bins make one that is shown, and the edges: the same for all strengths."""
    step = fitting_step(np.sum(counts, axis=0), _BINS) if len(counts) else 1
    width = 2 * LIMIT / N_BINS * step
    return step, [round((i - _BINS // 2) * width, 6) for i in range(_BINS + 1)]


def point_of(look: Look, step: int) -> ExplorerPoint:
    """Give a strength's networks as plain values."""
    n = min((len(curve) for curve in look.curves), default=0)
    epochs = _epochs(n, look.epoch)
    at = np.array(epochs, dtype=np.intp) - 1
    known = int(look.counts.sum())
    return {
        "strength": look.strength,
        "label": look.label,
        "note": look.note,
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
        "zero_share": int(look.counts[-1]) / known if known else None,
        "n_zero": int(look.counts[-1]),
        "counts": in_bins(look.counts, step, _BINS).tolist() if known else [],
        "surface": None,
    }


def _epochs(n: int, kept: int) -> list[int]:
    """Some of the epochs 1 to n, the kept one and both ends among them."""
    if n == 0:
        return []
    step = max(1, -(-n // _MOST_EPOCHS))
    return sorted({*range(1, n + 1, step), n} | ({kept} if 1 <= kept <= n else set()))


def _short(values: NDArray[np.float64]) -> list[Number]:
    """Five digits are as many as a figure shows."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values.tolist()]
