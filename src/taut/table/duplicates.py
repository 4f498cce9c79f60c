"""Identical rows: which are one observation entered several times, and which chance repeats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.table.matrices import Matrix

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

# A row, or a column's value, that is a thirtieth of all, and comes five times or more, will come again: six
# doses, a factorial plan, a blank form.
_COMMON_SHARE, _COMMON_ROWS = 1 / 30, 5
_MOSTLY = 0.8  # of the rows: values that come once
# Fewer different rows or values may be the settings of a plan, each measured two or three times.
_LEAST_ROWS, _LEAST_VALUES, _LEAST_CATEGORIES = 10, 20, 100
_SURE = 0.01
_BY_CHANCE, _MORE_OFTEN = 2.0, 10.0
_MOST_NEAR = 8  # columns that are left out one by one
_MOST_COLUMNS = 64  # that are tested for being continuous
_SAMPLE_ROWS = 20_000
_BLOCK = 2**22  # numbers that are hashed or sorted at a time


def duplicate_codes(values: NDArray[np.float32]) -> Indices:
    """Give identical rows the same number, counted from 0; by a hash of 64 bits.

    Parameters
    ----------
    values : float32 (n_rows, n_columns)
        Of a matrix; missing values are equal, and so are zeros of both signs.

    Returns
    -------
    int64 (n_rows,)
    """
    return np.unique(_hash(values), return_inverse=True)[1].astype(np.int64)


def duplicate_groups(matrix: Matrix) -> tuple[Indices, int]:
    """Group identical rows that chance would not repeat.

    On both sides of a split, an observation that was entered twice lets a network recite what it has seen.
    Identical rows of a few categories, whole numbers or doses occur by chance, and have to stay apart: with
    a row's duplicates all in one fold, no network could learn what goes with it.

    Parameters
    ----------
    matrix : Matrix
        Of the features alone.

    Returns
    -------
    groups : int64 (n_rows,)
        A number for each row; the rows of a group share the first one's.
    n_others : int
        How many further rows are identical to an earlier one, as chance repeats them.

    Notes
    -----
    A row that is a thirtieth of the table occurs by chance. Other identical rows are one observation where

    - those that come again (each counted once) are at least twice as many as chance makes, by those that
      differ from another in just one of the eight columns with the most values (:func:`_by_chance`);
      continuous columns are passed over there, since all rows differ in them;
    - and a continuous column is among them, or most rows come once, or two columns that are no function of
      each other each tell most of the rows apart (a person's weight and blood pressure).

    A column is continuous where four fifths of its values come once, common ones aside, or where more come
    exactly twice (or three times) than chance can make of any distribution: if ``f_k`` values come k times,
    ``k! f_k`` is expected to be convex on a logarithmic scale, since the counts are a mixture of Poisson
    distributions. Rows that are repeated like that, and not all as often, are one observation whatever else
    they are like: that is a table of categories that was entered twice as a whole.
    """
    hashes = _hash(matrix.values)
    _, first, inverse, count = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    groups = np.arange(len(hashes), dtype=np.int64)
    if len(first) == len(hashes):
        return groups, 0
    # Hashes have no order: every nth row is a random sample, and has all its duplicates.
    again = np.zeros(len(first), dtype=bool)
    rare = np.flatnonzero(~_is_common(count))
    if len(rare):
        again[rare] = _entered_again(matrix, first[rare], hashes[first[rare]], count[rare])
    together = again[inverse]
    groups[together] = first[inverse[together]]
    return groups, int((count - 1)[~again].sum())


def _entered_again(matrix: Matrix, first: Indices, hashes: NDArray[np.uint64], count: Indices) -> Mask:
    """Whether each distinct row's duplicates are the same observation: bool (n,)."""
    sample = np.arange(len(first))[:: max(1, len(first) // _SAMPLE_ROWS)]
    continuous, proved = _continuous(matrix, first, sample, count)
    again = np.zeros(len(first), dtype=bool)
    for rows, without in ((proved, continuous), (~proved, [])):
        n_exact = int((count[rows] > 1).sum())
        if not n_exact:
            continue
        counted = count[rows]
        many = len(counted) >= _LEAST_CATEGORIES and len(np.unique(counted)) > 1
        if many and not without and _unlike_chance(counted):
            again |= rows
        elif without or _mostly_once(counted) or _unlike_chance(counted) or _tells_apart(matrix, first[rows]):
            expected = _by_chance(matrix, first[rows], hashes[rows], counted, without)
            again |= rows & (n_exact >= _BY_CHANCE * expected)
    return again & (count > 1)


def _continuous(matrix: Matrix, first: Indices, sample: Indices, count: Indices) -> tuple[list[int], Mask]:
    """Find columns whose values chance would not repeat, and the rows that have such a value."""
    drawn = matrix.values[first[sample], : matrix.n_numbers]
    found: list[int] = []
    proved = np.zeros(len(first), dtype=bool)
    for column in np.argsort(-_n_values(drawn), kind="stable")[:_MOST_COLUMNS]:
        present = ~np.isnan(drawn[:, column])
        values, index = np.unique(drawn[present, column], return_inverse=True)
        times = np.bincount(index, count[sample][present]).astype(np.int64)
        common = _is_common(times)
        rare = times[~common]
        if len(rare) > 1 and (_mostly_once(rare) or _unlike_chance(rare)):
            own = matrix.values[first, column]
            found.append(int(column))
            proved |= ~(np.isnan(own) | np.isin(own, values[common]))
    return found, proved


def _is_common(times: Indices) -> Mask:
    return times >= max(_COMMON_ROWS, _COMMON_SHARE * int(times.sum()))


def _mostly_once(times: Indices) -> bool:
    return bool((times == 1).sum() >= _MOSTLY * times.sum())


def _unlike_chance(times: Indices) -> bool:
    """Whether more values come just twice, or three times, than chance makes of any distribution.

    ``(k! f_k)**2 <= (k - 1)! f_(k - 1) (k + 1)! f_(k + 1)`` holds for the expected counts of any mixture of
    Poisson distributions (Cauchy-Schwarz). Counts on the right are taken as high, and those on the left as
    low, as chance may have had them.
    """
    from scipy.special import pdtr

    if len(times) < _LEAST_VALUES:
        return False
    f = np.bincount(times, minlength=5).astype(np.float64)
    for k in (2, 3):
        below, own = f[k - 1] + 3.0 * np.sqrt(f[k - 1]) + 4.0, max(0.0, f[k] - 2.0 * np.sqrt(f[k]))
        if pdtr(f[k + 1], own**2 * k / ((k + 1) * below)) < _SURE:
            return True
    return False


def _tells_apart(matrix: Matrix, rows: Indices) -> bool:
    """Whether two columns of numbers, no function of each other, each have half as many values as rows."""
    if len(rows) < _LEAST_ROWS:
        return False
    drawn = matrix.values[rows[:: max(1, len(rows) // _SAMPLE_ROWS)], : matrix.n_numbers]
    n_values = _n_values(drawn)
    indices = np.argsort(-n_values, kind="stable")[:_MOST_NEAR]
    many = [int(index) for index in indices if 2 * n_values[index] >= len(drawn)]
    if len(many) < 2:
        return False
    ordered = drawn[np.argsort(drawn[:, many[0]], kind="stable")]
    return any(_turns(ordered[:, column]) > len(drawn) / 3 for column in many[1:])


def _turns(values: NDArray[np.float32]) -> int:
    """How often a sequence changes its direction: two times in three if it is random."""
    steps = np.sign(np.diff(values[~np.isnan(values)]))
    steps = steps[steps != 0]
    return int((steps[1:] != steps[:-1]).sum())


def _by_chance(
    matrix: Matrix, rows: Indices, hashes: NDArray[np.uint64], count: Indices, without: list[int]
) -> float:
    """How many of these distinct rows recur by chance, from those that differ in just one column.

    Of the pairs that are equal in all other columns, let a share q be equal in this one too: then q / (1 - q)
    times as many are equal in all as differ here. Rows that are equal elsewhere are more often equal here
    than any two are: q is taken as ten times the share of all pairs that are, and a half at most. Where only
    one column varies, no others tell what chance makes of it.
    """
    n_values = _n_values(matrix.values[rows[:: max(1, len(rows) // _SAMPLE_ROWS)]])
    if not without and (n_values > 1).sum() < 2:
        return float("inf")
    n_values[without] = 0
    n_rows, expected = float(count.sum()), 0.0
    for column in np.argsort(-n_values, kind="stable")[:_MOST_NEAR]:
        if n_values[column] > 1:
            own = matrix.values[rows, column]
            rest = hashes - _terms(own[:, None], int(column))[:, 0]
            times = np.bincount(np.unique(own, return_inverse=True)[1], count)
            same = float((times * (times - 1)).sum()) / (n_rows * (n_rows - 1))
            share = min(0.5, _MORE_OFTEN * same)
            expected += (len(rest) - len(np.unique(rest))) * share / (1.0 - share)
    return expected


def _n_values(values: NDArray[np.float32]) -> Indices:
    """Count the different values of each column, missing ones aside: int64 (n_columns,)."""
    n = np.zeros(values.shape[1], dtype=np.int64)
    for columns in _blocks(values):
        ordered = np.sort(values[:, columns], axis=0)
        n[columns] = (ordered[1:] > ordered[:-1]).sum(axis=0) + ~np.isnan(ordered[0])
    return n


def _hash(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(values), dtype=np.uint64)
    for columns in _blocks(values):
        mixed += _terms(values[:, columns], columns.start).sum(axis=1, dtype=np.uint64)
    return mixed


def _blocks(values: NDArray[np.float32]) -> list[slice]:
    width = max(1, _BLOCK // max(1, len(values)))
    return [slice(start, start + width) for start in range(0, values.shape[1], width)]


def _terms(values: NDArray[np.float32], start: int) -> NDArray[np.uint64]:
    """What columns from ``start`` on add to the hash: a sum, so that one can be taken away again."""
    bits = np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0)).view(np.uint32)
    indices = np.arange(start + 1, start + 1 + values.shape[1], dtype=np.uint64)
    key = _mixed(indices * np.uint64(0x9E3779B97F4A7C15))
    return _mixed((bits.astype(np.uint64) + key) * (_mixed(key) | np.uint64(1)))


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix bits: the end of SplitMix64 (Steele, Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = words ^ (words >> np.uint64(31))
    return mixed
