"""By how much the best of several is better, corrected for having picked it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.evidence.interval import Interval, percentiles

Vector = NDArray[np.float64]


def corrected_gain(inside: Vector, base_inside: Vector, outside: Vector, base_outside: Vector) -> Interval:
    """By which share the loss of the picked one is lower than a baseline's.

    Every resample of the rows picks anew, and its gain is measured on the rows that it left out: the figure
    is their mean. The spread is that of the rows drawn; that of the third left out would be too wide.

    Parameters
    ----------
    inside, base_inside : float64 array, shape (n_resamples,)
        Total losses of the picked one and of the baseline on the rows that were drawn.
    outside, base_outside : float64 array, shape (n_resamples,)
        The same on the rows that were left out.

    Returns
    -------
    Interval
        At most 1, since no loss is below 0.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        corrected = float(1.0 - outside.sum() / base_outside.sum())
        spread = 1.0 - inside / base_inside
    known = spread[np.isfinite(spread)]
    middle = float(known.mean()) if len(known) else float("nan")
    return percentiles(corrected, spread - middle + corrected).within(-np.inf, 1.0)
