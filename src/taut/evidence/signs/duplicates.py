"""Rows that are the same: on both sides of a split, in the second file, or with contradictory targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.sign import Indices, Sign, row_list
from taut.evidence.signs.view import View
from taut.learning.problem import Fold
from taut.table.duplicates import duplicate_codes, duplicate_groups
from taut.table.matrices import Matrix

_FEW = 0.005  # of the rows: below, what stays in one fold is not worth a word
_LEAST_ROWS = 5
_FLOOR_SHARE = 0.25  # of the network's own error


def duplicates(view: View, folds: Sequence[Fold], outputs: NDArray[np.floating]) -> list[Sign]:
    """Find rows that stand in a table several times.

    Which identical rows are one observation entered twice, ``taut.table.duplicate_groups`` tells, by which
    taut's own folds are made. It is severe where a held-out row's twin trains, and worth a look where twins
    stay in one fold; both from 0.5 % of the rows, and 5 at least.

    Contradictions (the same features, another target) are worth a look where they concern twins, or where
    the error that no model can go below is a quarter or more of the networks' own.
    """
    signs = []
    groups, _ = duplicate_groups(view.matrix)
    again = view.rows[groups[view.rows] != view.rows]
    if len(again):
        signs += _twins(view, folds, groups, again)
    signs += _contradictions(view, groups, outputs)
    return signs


def shared_rows(view: View, test: Matrix) -> list[Sign]:
    """Find rows of a second file that stand in the table too, other than by chance.

    From 0.5 % of its rows, and 5 at least.
    """
    n = len(view.matrix.values)
    both = Matrix(
        np.concatenate([view.matrix.values, test.values]), view.matrix.names, test.n_numbers, test.levels
    )
    groups, _ = duplicate_groups(both)
    rows = np.flatnonzero(np.isin(groups[n:], groups[view.rows])).astype(np.int64)
    share = len(rows) / max(1, test.n_rows)
    if len(rows) < _LEAST_ROWS or share < _FEW:
        return []
    text = (
        f"{len(rows):,} rows of the second file ({share:.1%}) are identical to rows of the table, more than "
        f"chance would make: {row_list(rows)}. Leave them out before judging by that file: a network may "
        "recite them."
    )
    return [Sign("duplicates", "severe", text, rows=rows, rows_of="second file", figures={"share": share})]


def _twins(view: View, folds: Sequence[Fold], groups: Indices, again: Indices) -> list[Sign]:
    apart = np.zeros(len(groups), dtype=bool)
    for fold in folds:
        same = np.isin(groups[fold.validation], groups[fold.train])
        apart[fold.validation[same]] = True
    split = np.flatnonzero(apart).astype(np.int64)
    least = max(_LEAST_ROWS, _FEW * len(view.rows))
    if len(split) >= least:
        text = (
            f"{len(split):,} held-out rows are identical to rows that train, more than chance would make: "
            f"{row_list(split)}. The networks may recite them, so the losses are too good. Remove the "
            "copies, or keep them together by groups."
        )
        return [
            Sign("duplicates", "severe", text, rows=split, figures={"share": len(split) / len(view.rows)})
        ]
    share = len(again) / len(view.rows)
    if len(again) < least:
        return []
    text = (
        f"{len(again):,} rows ({share:.1%}) are identical to an earlier one, more than chance would make: "
        f"{row_list(again)}. They stay in one fold here, so no loss is flattered; but if they are the same "
        "observation entered again, remove them, for they count twice."
    )
    return [Sign("duplicates", "worth a look", text, rows=again, figures={"share": share})]


def _contradictions(view: View, groups: Indices, outputs: NDArray[np.floating]) -> list[Sign]:
    same = duplicate_codes(view.matrix.values[view.rows])
    target = view.target[view.rows]
    low, high = np.full(len(same), np.inf), np.full(len(same), -np.inf)
    np.minimum.at(low, same, target)
    np.maximum.at(high, same, target)
    differs = (low < high)[same]
    if not differs.any():
        return []
    rows = view.rows[differs]
    twins = groups[rows]
    _, index, count = np.unique(twins, return_inverse=True, return_counts=True)
    n_twins = int((count[index] > 1).sum())
    floor, own = (_class_floor if view.n_classes else _amount_floor)(view, same, outputs)
    much = own > 0 and floor >= _FLOOR_SHARE * own and len(rows) >= 2 * _LEAST_ROWS
    entered_twice = n_twins >= max(_LEAST_ROWS, _FEW * len(view.rows))
    if not much and not entered_twice:
        return []
    unit = "of all rows wrong" if view.n_classes else "of the target's variance"
    text = (
        f"{len(rows):,} rows have the same values in all columns as another row and a different target: "
        f"{row_list(rows)}. No model can have less than {floor:.1%} {unit} on this table"
    )
    text += f" (these networks: {own:.1%})." if own > 0 else "."
    text += " Check these targets, or add a column that tells the rows apart."
    figures = {"floor": floor, "error": own, "share": len(rows) / len(view.rows)}
    return [Sign("duplicates", "worth a look", text, rows=rows, figures=figures)]


def _class_floor(view: View, same: Indices, outputs: NDArray[np.floating]) -> tuple[float, float]:
    """Lowest share of rows wrong, and the networks' own."""
    codes = view.codes[view.rows]
    pair, count = np.unique(same * view.n_classes + codes, return_counts=True)
    best = np.zeros(len(same), dtype=np.int64)
    np.maximum.at(best, pair // view.n_classes, count)
    scored = view.rows[~np.isnan(outputs[view.rows]).any(axis=1)]
    own = float(np.mean(outputs[scored].argmax(axis=1) != view.codes[scored])) if len(scored) else 0.0
    return 1.0 - float(best.sum()) / len(codes), own


def _amount_floor(view: View, same: Indices, outputs: NDArray[np.floating]) -> tuple[float, float]:
    """Lowest share of the target's variance left, and the networks' own."""
    y = view.target[view.rows]
    count = np.maximum(np.bincount(same, minlength=len(same)), 1)
    mean = np.bincount(same, y, len(same)) / count
    variance = float(np.var(y)) or 1.0
    scored = view.rows[~np.isnan(outputs[view.rows, 0])]
    missed = (outputs[scored, 0] - view.target[scored]) ** 2
    own = float(np.mean(missed)) / variance if len(scored) else 0.0
    return float(np.mean((y - mean[same]) ** 2)) / variance, own
