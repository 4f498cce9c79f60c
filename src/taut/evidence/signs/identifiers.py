"""Columns that identify the row: counters, identifiers, columns in the file's order."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.power import Power, amount_power, class_power
from taut.evidence.signs.sign import Sign
from taut.evidence.signs.view import View

_LEAST_ROWS = 20
_ALL_DIFFERENT = 0.99
_IN_ORDER = 0.99  # of the steps go one way
_MANY_LEVELS = 0.5  # values of a category, by rows
_WITHOUT_GAP = 1.05
_TELLS = (0.55, 0.02)  # AUC, R squared, from which a column tells something about the target
# As in taut.table.columns, which warns of it; narrower for numbers that recur.
_NAME = re.compile(r"(^|[^a-z])(id|ids|uuid|guid|key|index|row|rows|rownames?)$|[a-z]I[Dd]$", re.ASCII)
_GROUP_NAME = re.compile(r"(^|[^a-z])(id|ids|uuid|guid)$|[a-z]I[Dd]$", re.ASCII)


def identifiers(view: View) -> list[Sign]:
    """Find columns that count upwards, are unique to each row, or are in the order of the rows.

    Severe where such a column of numbers tells something about the target: a network can then learn it, and
    the next rows have other numbers.
    """
    signs = []
    for index, (column, part) in enumerate(view.schema.numbers):
        if column.kind == "boolean" or part.what not in ("value", "days"):
            continue
        values = view.matrix.values[view.rows, index].astype(np.float64)
        values = values[~np.isnan(values)] * part.unit
        if len(values) < max(_LEAST_ROWS, 0.9 * len(view.rows)):
            continue
        found = _number(column.name, values, _whole(values, part.origin), column.kind == "date")
        if found:
            signs.append(_sign(view, index, column.name, found))
    for index, column in enumerate(view.schema.categories):
        signs += _category(view, view.matrix.n_numbers + index, column.name)
    return signs


def _number(name: str, values: NDArray[np.float64], whole: bool, is_date: bool) -> str:
    """Say why numbers look like an identifier, or ""."""
    different = np.unique(values)
    steps = np.diff(values)
    in_order = max(float(np.mean(steps > 0)), float(np.mean(steps < 0))) >= _IN_ORDER
    if len(different) >= _ALL_DIFFERENT * len(values):
        if in_order:
            return (
                "it counts with the rows of the file" if whole and not is_date else "it is in the rows' order"
            )
        if whole and different[-1] - different[0] <= _WITHOUT_GAP * len(values):
            return "its values are whole numbers, all different and almost without a gap, like row numbers"
        if whole and not is_date and _NAME.search(name):
            return "its name and its values, which are all different, are those of an identifier"
    if whole and not is_date and _GROUP_NAME.search(name) and len(different) > _LEAST_ROWS:
        return "its name is that of an identifier, and its values come again"
    return ""


def _whole(values: NDArray[np.float64], origin: float) -> bool:
    """Whether values are whole numbers, but for float32's rounding."""
    moved = values + origin
    return bool(np.all(np.abs(moved - np.rint(moved)) <= 1e-6 * np.maximum(np.abs(values), 1.0)))


def _sign(view: View, index: int, name: str, why: str) -> Sign:
    power = column_power(view, index)
    tells = power.lower > _TELLS[0 if view.n_classes else 1]
    measure = "AUC" if view.n_classes else "R squared"
    text = f"column {name!r} looks like an identifier: {why}"
    if tells:
        text += f"; alone it tells something of the target ({measure} {power.value:.2f}), which new rows "
        text += "may not keep"
    if "come again" in why:
        text += ". Leave it out, and give it as groups if the rows of one value belong together."
    else:
        text += ". Leave it out, or make a number of it that new rows have too."
    figures = {"auc" if view.n_classes else "r2": power.value}
    return Sign("identifier", "severe" if tells else "worth a look", text, columns=(name,), figures=figures)


def _category(view: View, index: int, name: str) -> list[Sign]:
    codes = view.matrix.values[view.rows, index].astype(np.int64)
    n_levels = view.level_count(index) - 2
    present = codes[codes <= n_levels]
    counts = np.bincount(present, minlength=n_levels + 1)
    kept = counts[:n_levels]
    # Values beyond those told apart are at most as frequent as the rarest of these.
    n_different = int((kept > 0).sum()) + counts[n_levels] // max(1, kept.min(initial=1))
    share = n_different / max(1, len(present))
    by_name = _GROUP_NAME.search(name) is not None and n_different > _LEAST_ROWS
    if len(present) < _LEAST_ROWS or not (share >= _MANY_LEVELS or by_name):
        return []
    text = f"column {name!r} has {n_different:,} different values in {len(present):,} rows"
    if share >= _MANY_LEVELS:
        text += ": almost one for each row, so new rows will have others. Leave it out, or group its values."
    else:
        text += ", and the name of an identifier. Leave it out, and give it as groups if the rows of one "
        text += "value belong together."
    return [Sign("identifier", "worth a look", text, columns=(name,), figures={"share": share})]


def column_power(view: View, index: int) -> Power:
    """Measure what one column of the matrix alone tells about the target."""
    column = view.matrix.values[view.sample, index]
    n_levels = view.level_count(index)
    if view.n_classes:
        return class_power(column, n_levels, view.codes[view.sample], view.n_classes, view.seed)
    return amount_power(column, n_levels, view.target[view.sample], view.seed)
