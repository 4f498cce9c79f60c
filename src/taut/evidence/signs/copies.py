"""Columns that repeat the target: copied, with some values changed, or with added noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.streams import Stream, generator

_ROUNDED = 10  # different values of a rounded copy at least
_FEW_ROWS = 10  # with fewer, a column may be one-to-one with the target by chance
_SAME_ORDER = 0.99999  # correlation
_ON_A_LINE, _CLOSE = 0.9, 1e-4  # share of the rows, and how near to the line by the column's spread
_RIGHT = 0.98  # of the rows
_APART, _TOGETHER = 0.25, 0.97  # of the way to the next class's median; of the rows
_PAIRS = 500


def copy_of(column: NDArray[np.floating], target: NDArray[np.float64], n_classes: int, *, code: bool) -> str:
    """Say how a column is the target itself, or "" if it is not.

    Parameters
    ----------
    column : float array, shape (n,)
        NaN where missing.
    target : float64 array, shape (n,)
        Class numbers, or amounts.
    n_classes : int
        0 for amounts.
    code : bool
        Whether the column's values are codes of a category, which have no order.

    Returns
    -------
    str
        "it is a copy": one-to-one with it, or on a line with it; "it has the same order"; "but for
        rounding it has the same order": steps that never overlap; "it is a copy in 99 % of the rows".
    """
    known = ~np.isnan(column)
    x, y = column[known].astype(np.float64), target[known]
    if len(x) < _FEW_ROWS:
        return ""
    found, codes = np.unique(x, return_inverse=True)
    aims, aim_codes = np.unique(y, return_inverse=True)
    if len(found) < 2 or len(aims) < 2:
        return ""
    pairs, count = np.unique(codes.astype(np.int64) * len(aims) + aim_codes, return_counts=True)
    if len(found) == len(aims) == len(pairs) and 2 * len(aims) <= len(x):
        return "it is a copy"
    if n_classes:
        if len(found) <= n_classes + 1:
            return _in_most_rows(pairs // len(aims), pairs % len(aims), count, len(aims))
        return ""
    if code:
        return ""
    if len(found) == len(aims) and (codes == aim_codes).all():
        return "it has the same order"
    if len(found) == len(aims) and (codes + aim_codes == len(aims) - 1).all():
        return "it has the opposite order"
    with np.errstate(all="ignore"):
        if abs(np.corrcoef(x, y)[0, 1]) > _SAME_ORDER:
            return "it is a copy"
    if min(len(found), len(aims)) >= _ROUNDED:
        for sign, order in ((1.0, "same"), (-1.0, "opposite")):
            by_column = np.lexsort((sign * y, x))
            if (np.diff(sign * y[by_column]) >= 0).all():
                return f"but for rounding it has the {order} order"
    share = _on_a_line(x, y)
    return f"it is a copy in {100 * share:.0f} % of the rows" if share >= _ON_A_LINE else ""


def is_noisy_copy(column: NDArray[np.floating], codes: NDArray[np.int64]) -> bool:
    """Whether a column of numbers has nearly all rows of each class close together, and far from the others.

    Of the rows, 97 % are nearer to their class's median than a quarter of its distance to the next one. A
    number that only happens to part the classes at some threshold is far from that.
    """
    known = ~np.isnan(column)
    x, classes = column[known].astype(np.float64), codes[known]
    medians = [float(np.median(x[classes == c])) for c in np.unique(classes)]
    if len(medians) < 2:
        return False
    order = np.argsort(medians)
    apart = np.diff(np.array(medians)[order])
    nearest = np.empty(len(medians))
    nearest[order] = np.minimum(np.append(apart, np.inf), np.append(np.inf, apart))
    own = np.unique(classes, return_inverse=True)[1]
    return bool(np.mean(np.abs(x - np.array(medians)[own]) < _APART * nearest[own]) >= _TOGETHER)


def _in_most_rows(
    values: NDArray[np.int64], classes: NDArray[np.int64], count: NDArray[np.int64], n_classes: int
) -> str:
    """Whether nearly all rows of a value are of one class, and every class has its own value."""
    table = np.zeros((int(values.max()) + 1, n_classes), dtype=np.int64)
    table[values, classes] = count
    share = table.max(axis=1).sum() / table.sum()
    right = np.zeros(n_classes)
    np.add.at(right, table.argmax(axis=1), table.max(axis=1))
    # Half of each class at least: a column that always says the most frequent one is not a copy.
    if share < _RIGHT or np.any(right < 0.5 * table.sum(axis=0)):
        return ""
    return f"it is a copy in {100 * share:.0f} % of the rows"


def _on_a_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The share of rows on the straight line that most pairs of rows are on (Theil, 1950)."""
    stream = generator(0, Stream.COPY_PAIRS)
    i, j = stream.integers(0, len(x), (2, _PAIRS))
    apart = y[i] != y[j]
    if not apart.any():
        return 0.0
    slope = float(np.median((x[i] - x[j])[apart] / (y[i] - y[j])[apart]))
    rest = x - slope * y
    spread = float(np.subtract(*np.quantile(x, [0.75, 0.25]))) or float(x.std())
    if slope == 0.0 or not spread > 0:
        return 0.0
    return float(np.mean(np.abs(rest - np.median(rest)) <= _CLOSE * spread))
