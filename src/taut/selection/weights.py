"""A network's weights, counted by size: enough for a histogram at any scale, and for the share of zeros."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Fitted

#: Bins of equal width from ``-LIMIT`` to ``LIMIT``; weights beyond are counted in the first and the last one.
LIMIT, N_BINS = 4.0, 800

_WIDTH = 2 * LIMIT / N_BINS


def count_weights(network: Fitted) -> NDArray[np.int64]:
    """Count a network's penalized weights by size.

    Returns
    -------
    int64 array, shape (N_BINS + 1,)
        The last number counts exact zeros, which are in no bin.
    """
    counts = np.zeros(N_BINS + 1, dtype=np.int64)
    for _, array in network.penalized_weights():
        # Once an epoch for each network of early stopping's path: few passes, in the array's own type.
        bins = np.floor(array.ravel() * array.dtype.type(1.0 / _WIDTH))
        np.clip(bins, -N_BINS // 2, N_BINS // 2 - 1, out=bins)
        found = np.bincount(bins.astype(np.intp) + N_BINS // 2, minlength=N_BINS)
        n_zero = array.size - np.count_nonzero(array)
        found[N_BINS // 2] -= n_zero
        counts[:-1] += found
        counts[-1] += n_zero
    return counts


def in_bins(counts: NDArray[np.int64], step: int, n: int) -> NDArray[np.int64]:
    """Join fine bins to ``n`` wide ones around zero; the outermost take what is beyond them.

    Parameters
    ----------
    counts : int64 array, shape (N_BINS + 1,)
    step : int
        Fine bins in a wide one.
    n : int
        An even number of wide bins, ``n * step`` of fine ones, ``N_BINS`` at most.

    Returns
    -------
    int64 array, shape (n,)
    """
    fine, middle, half = counts[:-1], N_BINS // 2, n // 2 * step
    joined: NDArray[np.int64] = fine[middle - half : middle + half].reshape(n, step).sum(axis=1)
    joined[0] += fine[: middle - half].sum()
    joined[-1] += fine[middle + half :].sum()
    return joined


def fitting_step(counts: NDArray[np.int64], n: int, share: float = 0.998) -> int:
    """The smallest step at which ``n`` wide bins hold this share of all nonzero weights."""
    fine, middle = counts[:-1], N_BINS // 2
    by_distance = fine[middle:] + fine[:middle][::-1]
    within = np.cumsum(by_distance)
    far = int(np.searchsorted(within, share * within[-1])) + 1 if within[-1] else 1
    return min(max(1, -(-far // (n // 2))), N_BINS // n)
