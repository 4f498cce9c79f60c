"""Describe columns: what each becomes, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.frame import (
    BooleanColumn,
    Column,
    DateColumn,
    Dates,
    Floats,
    Frame,
    Mask,
    Note,
    NumberColumn,
    TextColumn,
    warn,
)
from taut.table.schema import ColumnSchema, Part, Schema, What
from taut.table.spans import Span, blocks, spans, value_parts

MOST_LEVELS = 2000
_NEARLY_ALL = 0.9  # a text column with more different values than this, by rows, is no category
_ENOUGH_ROWS = 20  # with fewer rows, it is no surprise that all are different
_SAMPLE_ROWS = 20_000
_EXACT = 2.0**53  # above, float64 has no fractions that would tell it from an integer
_BLOCK_ROWS = 4096

_IDENTIFIER = re.compile(r"(^|[^a-z])(id|ids|uuid|guid|key|index|row|rows|rownames?)$|[a-z]I[Dd]$", re.ASCII)
_DAY = np.timedelta64(1, "D") / np.timedelta64(1, "us")
_YEAR_DAYS = 365.2425


def describe(frame: Frame) -> Schema:
    """Decide what each column becomes.

    Numbers stay numbers, integers too. Texts become categories: the 2,000 most frequent values are told
    apart, all others are "other". Dates become days and, where they vary, positions in the year, in the week
    and in the day. Columns with a single value or none are dropped, and texts that are nearly all different.

    Parameters
    ----------
    frame : Frame
        Without the target.

    Raises
    ------
    DataError
        If there are no rows, or no column is left.

    Warns
    -----
    DataWarning
        If a column looks like an identifier.
    """
    if frame.n_rows == 0:
        raise DataError("the table has no rows.")
    remarks: dict[str, list[str]] = {}
    for note in frame.notes:
        remarks.setdefault(note.where, []).append(note.what)
    numbers = [column for column in frame.columns if isinstance(column, NumberColumn)]
    dates = [column for column in frame.columns if isinstance(column, DateColumn)]
    found: dict[str, Span | Part] = {}
    found |= zip([column.name for column in numbers], spans([c.values for c in numbers]), strict=True)
    found |= zip([column.name for column in dates], _day_parts(dates), strict=True)
    columns = tuple(
        _column(column, found.get(column.name), " ".join(remarks.get(column.name, ())))
        for column in frame.columns
    )
    if all(column.kind == "dropped" for column in columns):
        reasons = (
            "; ".join(f"{column.name!r}: {column.why}" for column in columns[:10]) or "it has no columns"
        )
        raise DataError(f"the table has no column to learn from: {reasons}.")
    return Schema(columns)


def describe_numbers(X: NDArray[Any]) -> Schema:
    """Decide what each column of an array of numbers becomes, as ``describe`` does for a table.

    Parameters
    ----------
    X : real array (n_rows, n_columns)
        NaN where missing, without infinities.
    """
    low, high, n_missing = _ranges(X)
    with np.errstate(over="ignore"):
        parts = _value_parts(X[:: max(1, len(X) // _SAMPLE_ROWS)], high - low)
    columns = []
    for index in range(X.shape[1]):
        name = f"x{index}"
        why = _without_content(n_missing[index] == len(X), low[index] == high[index] and not n_missing[index])
        if why:
            columns.append(ColumnSchema(name, "dropped", why))
            continue
        why = f"numbers from {low[index]:g} to {high[index]:g}{_missing(int(n_missing[index]))}"
        columns.append(ColumnSchema(name, "number", why, (parts[index],)))
    if columns and all(column.kind == "dropped" for column in columns):
        # scikit-learn's estimators fit such an X too; it predicts the mean then.
        why = f"{columns[0].why}; kept, because a network needs an input"
        columns[0] = ColumnSchema("x0", "number", why, (Part("value"),))
    return Schema(tuple(columns))


def _value_parts(sample: NDArray[Any], width: Floats) -> list[Part]:
    parts = []
    for indices in blocks(*sample.shape):
        parts += value_parts(np.asarray(sample[:, indices].T, dtype=np.float64), width[indices])
    return parts


def _day_parts(columns: Sequence[DateColumn]) -> list[Part]:
    parts = []
    for indices in blocks(len(columns[0]) if columns else 0, len(columns)):
        days = np.stack([date_part(column.values, "days") for column in columns[indices]])
        parts += value_parts(days, np.zeros(len(days)), "days")
    return parts


def _column(column: Column, found: Span | Part | None, remarks: str) -> ColumnSchema:
    if isinstance(column, NumberColumn):
        assert isinstance(found, Span)
        return _number(column, found, remarks)
    missing = column.missing
    if isinstance(column, TextColumn):
        return _category(column, missing, remarks)
    if missing.all():
        return ColumnSchema(column.name, "dropped", _without_content(True, False))
    if not missing.any() and (column.values == column.values[0]).all():
        return ColumnSchema(column.name, "dropped", _without_content(False, True))
    if isinstance(column, BooleanColumn):
        present = column.values[~missing]
        share = f"{np.mean(present):.0%}"
        why = f"yes or no, {share} {column.words[1] if column.words else 'true'}{_missing(missing.sum())}"
        return ColumnSchema(column.name, "boolean", _join(why, remarks), (Part("value"),))
    dates = column.values[~missing]
    first, last = (str(moment)[:10] for moment in (dates.min(), dates.max()))
    why = f"dates from {first} to {last}{_missing(missing.sum())}"
    assert isinstance(found, Part)
    parts = (found, *(Part(what) for what in _moving(dates)))
    return ColumnSchema(column.name, "date", _join(why, remarks), parts, day_first=column.day_first)


def _number(column: NumberColumn, span: Span, remarks: str) -> ColumnSchema:
    n_missing = len(column) - span.n_finite
    why = _without_content(not span.n_finite, span.low == span.high and not n_missing)
    if why:
        return ColumnSchema(column.name, "dropped", why)
    why = f"{'integers' if span.whole else 'numbers'} from {span.low:g} to {span.high:g}{_missing(n_missing)}"
    if span.whole and _is_identifier(column, span):
        text = "every value is a different integer, like a row number or an identifier"
        warn(Note(column.name, f"{text}; leave the column out if it is one."))
        why = f"{why}; {text}"
    return ColumnSchema(column.name, "number", _join(why, remarks), (span.part,), text=column.text)


def _category(column: TextColumn, missing: Mask, remarks: str) -> ColumnSchema:
    counts = column.counts()
    n_missing, n_levels = int(missing.sum()), int((counts > 0).sum())
    n_present = len(column) - n_missing
    why = _without_content(not n_levels, n_levels == 1 and not n_missing)
    if why:
        return ColumnSchema(column.name, "dropped", why)
    if n_present >= _ENOUGH_ROWS and n_levels >= _NEARLY_ALL * n_present:
        why = f"text with {n_levels:,} different values in {n_present:,} rows, like a name or an identifier"
        warn(Note(column.name, f"{why}; the column is left out."))
        return ColumnSchema(column.name, "dropped", _join(why, remarks))
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda index: (-counts[index], column.levels[index]))
    kept = order[:MOST_LEVELS]
    why = f"text with {n_levels:,} different values{_missing(n_missing)}"
    if len(order) > len(kept):
        share = 1 - counts[kept].sum() / n_present
        why += f"; the {MOST_LEVELS:,} most frequent are told apart, {share:.1%} of the rows are 'other'"
    levels = tuple(column.levels[index] for index in kept)
    return ColumnSchema(column.name, "category", _join(why, remarks), levels=levels)


def _without_content(all_missing: object, constant: object) -> str:
    if all_missing:
        return "all values are missing"
    return "all values are the same" if constant else ""


def _missing(count: object) -> str:
    return f", {count:,} missing" if count else ""


def _join(why: str, remarks: str) -> str:
    return f"{why}; {remarks.rstrip('.')}" if remarks else why


def _is_identifier(column: NumberColumn, span: Span) -> bool:
    """Whether integers are all different and count up, fill a range without a gap, or have such a name."""
    if span.n_finite < _ENOUGH_ROWS or max(-span.low, span.high) > _EXACT:
        return False
    by_name = _IDENTIFIER.search(column.name) is not None
    without_gap = span.high - span.low == span.n_finite - 1
    if not (span.rising or by_name or without_gap):
        return False
    values = column.values[np.isfinite(column.values)]
    if span.rising and (np.diff(values) > 0).all():
        return True
    return bool((by_name or without_gap) and len(np.unique(values)) == len(values))


def _moving(dates: Dates) -> list[What]:
    """List the parts of dates that vary, besides the days."""
    days = dates.astype("datetime64[D]")
    parts: list[What] = []
    if (days.max() - days.min()) / np.timedelta64(1, "D") > _YEAR_DAYS / 4:
        parts += ["season sin", "season cos"]
    if len(np.unique(days.astype(np.int64) % 7)) > 2:
        parts += ["weekday sin", "weekday cos"]
    if (dates != days).any():
        parts += ["hour sin", "hour cos"]
    return parts


def date_part(dates: Dates, what: What) -> Floats:
    """Give a part of dates as numbers, (n_rows,), NaN for NaT."""
    micros = dates.astype("datetime64[us]").astype(np.int64).astype(np.float64)
    days: Floats = np.where(np.isnat(dates), np.nan, micros / _DAY)
    if what == "days":
        return days
    if what.startswith("season"):
        start = dates.astype("datetime64[Y]").astype("datetime64[us]")
        turns = ((dates - start) / np.timedelta64(1, "D")) / 366.0
        turns = np.where(np.isnat(dates), np.nan, turns)
    elif what.startswith("weekday"):
        turns = np.floor(days) % 7 / 7.0
    else:
        turns = days % 1.0
    wave: Floats = np.sin(2 * np.pi * turns) if what.endswith("sin") else np.cos(2 * np.pi * turns)
    return wave


def _ranges(X: NDArray[Any]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Find minimum, maximum and number of missing values of each column, block by block of rows."""
    low = np.full(X.shape[1], np.inf)
    high = np.full(X.shape[1], -np.inf)
    n_missing = np.zeros(X.shape[1], dtype=np.int64)
    for start in range(0, len(X), _BLOCK_ROWS):
        block = X[start : start + _BLOCK_ROWS]
        low = np.fmin(low, np.fmin.reduce(block, axis=0))
        high = np.fmax(high, np.fmax.reduce(block, axis=0))
        if block.dtype.kind == "f":
            n_missing += np.isnan(block).sum(axis=0)
    return low, high, n_missing
