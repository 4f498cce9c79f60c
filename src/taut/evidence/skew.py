"""The interval of a mean where the rows' values are skewed, as losses are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.evidence.interval import LEVEL, Interval


def skewed_interval(
    value: float, rows: NDArray[np.floating], weight: NDArray[np.floating] | None, wider: float = 1.0
) -> Interval:
    """An interval around the mean of rows, longer on the side of their tail.

    Parameters
    ----------
    value : float
        The middle; the rows' mean, or that mean corrected.
    rows : array, shape (n_rows,)
    weight : array, shape (n_rows,), or None
    wider : float
        What the standard error is multiplied by.

    Notes
    -----
    With ``t = (mean - truth) / se`` and the rows' skewness ``s``, ``g(t) = t + s t**2 / (3 sqrt(n)) + s**2
    t**3 / (27 n) + s / (6 sqrt(n))`` is nearly normal, so that the ends are ``value - se * g_inverse(z)``,
    ``g_inverse(z) = 3 sqrt(n) / s * (cbrt(1 + s (z / sqrt(n) - s / (6 n))) - 1)`` (Hall, 1992, Journal of
    the Royal Statistical Society B 54, "On the removal of skewness by transformation").  With a skewness of
    zero it is the usual interval.  Few rows rarely hold any of a long tail, so that the usual interval is
    too short above.  Student's quantile replaces the normal ``z``, with as many degrees of freedom
    as a variance from n rows of this kurtosis k has, ``2 n / (k - 1)``, two at least: where one row in a
    hundred makes most of the variance, the standard error is hardly known either.
    """
    from scipy.stats import t

    used = np.ones(len(rows)) if weight is None else weight.astype(np.float64)
    total = float(used.sum())
    n = total**2 / float(np.sum(used**2)) if total > 0 else 0.0
    if n < 2:
        return Interval(value, float("nan"), float("nan"))
    mean = float(np.average(rows, weights=used))
    away = rows.astype(np.float64) - mean
    variance = float(np.average(away**2, weights=used))
    if not variance > 0:
        return Interval(value, value, value)
    spread = np.sqrt(variance)
    skewness = float(np.average((away / spread) ** 3, weights=used))
    error = spread / np.sqrt(n - 1)
    kurtosis = float(np.average((away / spread) ** 4, weights=used))
    freedom = max(2.0, 2.0 * n / max(kurtosis - 1.0, 1e-9))
    z = float(t.ppf((1 + LEVEL) / 2, freedom)) * wider
    ends = sorted(value - error * _inverse(x, skewness, n) for x in (z, -z))
    # If only two or three rows vary, both ends may be on one side of the middle.
    return Interval(value, min(value, float(ends[0])), max(value, float(ends[1])))


def _inverse(x: float, skewness: float, n: float) -> float:
    """Hall's ``g_inverse``."""
    root = np.sqrt(n)
    if abs(skewness) < 1e-6:
        return x
    inside = 1 + skewness * (x / root - skewness / (6 * n))
    return float(3 * root / skewness * (np.cbrt(inside) - 1))
