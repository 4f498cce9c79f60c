"""Which of very many columns are worth measuring one by one: a quick measure of all of them at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.view import View, thinned
from taut.streams import Stream

_NUMBERS = 4_000_000  # that are sorted at most
_FEWEST_ROWS, _MOST_ROWS = 300, 2000
_BLOCK = 1_000  # columns at a time
_ROWS_PER_BIN, _MOST_BINS = 10, 64

Vector = NDArray[np.float64]


def screened(view: View) -> Vector:
    """Roughly how well each column of the matrix alone tells the target, shape (n_columns,): 1 is best.

    The rows are sorted by the column and cut into bins, and the bins are measured on the rows that they were
    learned from, so that no good column is missed, and some that are not look good. For classes it is the
    mean area under the curve, for amounts the share of the variance between the bins, of the amounts or of
    their ranks, whichever is more. At most some thousand rows take part.
    """
    n_columns = view.matrix.values.shape[1]
    rows = _some(view, n_columns)
    target = view.target[rows]
    n_bins = int(np.clip(len(rows) // _ROWS_PER_BIN, 2, _MOST_BINS))
    edges = (np.arange(n_bins) * len(rows)) // n_bins
    if view.n_classes:
        sides = [(target == c).astype(np.float64) for c in range(view.n_classes)]
    else:
        ranks = target.argsort(kind="stable").argsort().astype(np.float64)
        sides = [target - target.mean(), ranks - ranks.mean()]
    out = np.empty(n_columns)
    for start in range(0, n_columns, _BLOCK):
        values = view.matrix.values[rows, start : start + _BLOCK]
        order = np.argsort(values, axis=0)
        each = [np.add.reduceat(side[order], edges, axis=0) for side in sides]
        counts = np.diff(np.append(edges, len(rows)))[:, None].astype(np.float64)
        if view.n_classes:
            shares = np.array([side.mean() for side in sides])
            found = sum(
                w * areas(positives, counts - positives)
                for w, positives in zip(shares, each, strict=True)
                if w
            )
        else:
            totals = [float(side @ side) or 1.0 for side in sides]
            parts = [(s**2 / counts).sum(axis=0) / t for s, t in zip(each, totals, strict=True)]
            found = np.max(parts, axis=0)
        out[start : start + _BLOCK] = found
    return out


def missing_screened(view: View) -> Vector:
    """Roughly how well the target tells where each column is missing, shape (n_columns,); 0.5 is not at all.

    As :func:`screened` does; 0 where too few rows are missing, or present, to tell.
    """
    n_columns = view.matrix.values.shape[1]
    rows = _some(view, n_columns)
    target = view.target[rows]
    bins = target.astype(np.int64)
    if not view.n_classes:
        n_bins = int(np.clip(len(rows) // _ROWS_PER_BIN, 2, _MOST_BINS))
        bins = target.argsort(kind="stable").argsort() * n_bins // len(rows)
    by_bin = (bins[:, None] == np.unique(bins)).astype(np.float32)
    out = np.zeros(n_columns)
    for start in range(0, n_columns, _BLOCK):
        stop = min(start + _BLOCK, n_columns)
        flags = np.stack([is_missing(view, rows, i) for i in range(start, stop)], axis=1)
        some = flags.any(axis=0)
        if some.any():
            positives = (by_bin.T @ flags[:, some]).astype(np.float64)
            out[start:stop][some] = areas(positives, by_bin.sum(axis=0)[:, None] - positives)
    return out


def is_missing(view: View, rows: NDArray[np.int64], index: int) -> NDArray[np.float32]:
    """1 where a column of the matrix has no value, else 0."""
    column = view.matrix.values[rows, index]
    n_levels = view.level_count(index)
    missing: NDArray[np.bool_] = column == n_levels - 1 if n_levels else np.isnan(column)
    return missing.astype(np.float32)


def areas(positives: Vector, others: Vector) -> Vector:
    """Area under the curve by column, from counts by bin, the bins ranked by their own share of positives.

    Parameters
    ----------
    positives, others : float64 array, shape (n_bins, n_columns)
    """
    order = np.argsort(positives / np.maximum(positives + others, 1e-9), axis=0)
    positives, others = np.take_along_axis(positives, order, 0), np.take_along_axis(others, order, 0)
    below = np.cumsum(others, axis=0) - others / 2
    pairs = positives.sum(axis=0) * others.sum(axis=0)
    found: Vector = np.divide(
        (positives * below).sum(axis=0), pairs, out=np.full(positives.shape[1], 0.5), where=pairs > 0
    )
    return found


def _some(view: View, n_columns: int) -> NDArray[np.int64]:
    most = int(np.clip(_NUMBERS // max(1, n_columns), _FEWEST_ROWS, _MOST_ROWS))
    return thinned(view.sample, most, view.seed, Stream.SCREEN_ROWS)
