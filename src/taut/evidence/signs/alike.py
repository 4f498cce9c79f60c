"""Rows that are the same, and whether chance would make them so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.sign import Indices

_MOST_COLUMNS = 8
_EXACT_BY_NEAR = 2.0


def alike(values: NDArray[np.float32]) -> Indices:
    """Give identical rows the same number, counted from 0; by a hash of 64 bits.

    Parameters
    ----------
    values : float32 (n_rows, n_columns)
        Of a matrix; missing values are alike, and so are zeros of both signs.

    Returns
    -------
    int64 (n_rows,)
    """
    return np.unique(_hash(values), return_inverse=True)[1].astype(np.int64)


def entered_twice(values: NDArray[np.float32]) -> bool:
    """Tell whether identical rows are the same observation, rather than alike by chance.

    Where chance makes rows alike in all columns, it makes still more of them alike in all columns but one.
    So identical rows are the same observation where the rows that come again (each counted once) are at
    least twice as many as those that differ from another in just one of the eight columns with the most
    values.
    """
    whole, first, count = np.unique(_hash(values), return_index=True, return_counts=True)
    n_exact = int((count > 1).sum())
    if not n_exact:
        return False
    sample = values[:: max(1, len(values) // 20_000)]
    n_values = [len(np.unique(column[~np.isnan(column)])) for column in sample.T]
    n_near = 0
    for column in np.argsort(n_values)[::-1][:_MOST_COLUMNS]:
        without = whole - _term(values[first, column], int(column))
        n_near += len(without) - len(np.unique(without))
    return n_exact >= _EXACT_BY_NEAR * n_near


def _hash(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(values), dtype=np.uint64)
    for column in range(values.shape[1]):
        mixed += _term(values[:, column], column)
    return mixed


def _term(column: NDArray[np.float32], place: int) -> NDArray[np.uint64]:
    """What a column adds to the hash: a sum, so that it can be taken away again."""
    bits = np.where(np.isnan(column), np.float32(np.nan), column + np.float32(0)).view(np.uint32)
    drawn = np.random.default_rng(place).integers(1, 2**62, size=(2,), dtype=np.uint64)
    word = (bits.astype(np.uint64) + drawn[0]) * (np.uint64(2) * drawn[1] + np.uint64(1))
    word ^= word >> np.uint64(31)
    word *= np.uint64(0x9E3779B97F4A7C15)
    mixed: NDArray[np.uint64] = word ^ (word >> np.uint64(29))
    return mixed
