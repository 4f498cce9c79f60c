"""How much weight each column of the table has in the first layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taut.evidence.importance import Owners
from taut.paths.result import RegularizationPath
from taut.paths.training import PathRow


def column_norms(rows: Sequence[PathRow], owners: Owners) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """L2 norm of the first layer's weights for each column of the table, mean over the folds.

    Parameters
    ----------
    rows : sequence of PathRow
    owners : Owners
        A date's parts belong to the date; dropped columns are not included.

    Returns
    -------
    names : tuple of str, (n_columns,)
        In the table's order.
    norms : float64 array, shape (n_rows, n_columns)
        NaN if a row failed.
    """
    n_columns, owner = len(owners.names), np.array(owners.owners, dtype=np.intp)
    norms = np.full((len(rows), n_columns), np.nan)
    for i, row in enumerate(rows):
        if row.weights is not None:
            squares = [
                np.bincount(owner, by_matrix_column, minlength=n_columns)
                for by_matrix_column in row.weights.column_squares
            ]
            norms[i] = np.mean(np.sqrt(squares), axis=0)
    return owners.names, norms


def holding_out(path: RegularizationPath) -> list[int]:
    """Order the columns by how long their weights last, the longest first.

    The measure is the share of its weight without the technique that a column has left, mean over the points
    at which at least half of all weights are zero: before, all columns lose equally. A column of many
    features starts with more weight than one of few, so shares are compared and not weights.

    Returns
    -------
    list of int
        Places in ``column_names``.
    """
    norms = path.column_norms
    start = np.nan_to_num(norms[path.off_index])
    scored = [i for i, point in enumerate(path.points) if not point.failed]
    late = [i for i in scored if path.points[i].zero_share >= 0.5] or scored
    left = np.zeros((len(late), len(start)))
    np.divide(norms[late], start, out=left, where=start > 0)
    return [int(i) for i in np.argsort(-left.mean(axis=0), kind="stable")]
