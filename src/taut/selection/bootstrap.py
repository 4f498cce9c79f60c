"""How likely one candidate is better than another: a paired bootstrap of the same rows' losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.streams import race_generator

_RESAMPLES = 1000
# Many rows are first randomly pooled into this many groups: the means' spread stays, the work does not.
_MOST_GROUPS = 1000


def probability_better(
    differences: NDArray[np.floating], weights: NDArray[np.floating] | None, seed: int
) -> float:
    """Share of bootstrap resamples of the rows in which the mean difference is below zero.

    Parameters
    ----------
    differences : array, shape (n,)
        Loss of one less loss of the other, row by row; may hold infinities.
    weights : array, shape (n,), or None
        Of the rows.
    seed : int

    Returns
    -------
    float
        From 0 to 1; resamples whose mean is zero count half.

    Notes
    -----
    The bootstrap of row losses to drop candidates early is from Tsamardinos, Greasidou and Borboudakis (2018,
    Machine Learning 107).
    """
    n = len(differences)
    stream = race_generator(seed, n)
    weight = np.ones(n) if weights is None else weights.astype(np.float64)
    # Only the sign of the mean counts, so that an infinite loss can be replaced by any large one.
    difference: NDArray[Any] = np.clip(differences.astype(np.float64), -1e100, 1e100) * weight
    if n > _MOST_GROUPS:
        group = stream.permutation(n) % _MOST_GROUPS
        difference = np.bincount(group, difference, minlength=_MOST_GROUPS)
    counts = stream.multinomial(
        len(difference), np.full(len(difference), 1.0 / len(difference)), size=_RESAMPLES
    )
    means = counts @ difference
    return float(np.mean(means < 0.0) + 0.5 * np.mean(means == 0.0))


def paired_standard_error(
    differences: NDArray[np.floating], weights: NDArray[np.floating] | None
) -> tuple[float, float]:
    """Weighted mean of the rows' differences, and its standard error.

    Formula: ``sqrt(sum(w**2 * (d - mean)**2)) / sum(w)`` times ``sqrt(n / (n - 1))``.
    """
    n = len(differences)
    weight = np.ones(n) if weights is None else weights.astype(np.float64)
    d = differences.astype(np.float64)
    mean = float(np.average(d, weights=weight))
    if n < 2:
        return mean, float("nan")
    spread = np.sqrt(np.sum((weight * (d - mean)) ** 2)) / np.sum(weight)
    return mean, float(spread * np.sqrt(n / (n - 1)))
