"""Describe columns: what each becomes, and why."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.frame import (
    BooleanColumn,
    Column,
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

MOST_LEVELS = 2000
_NEARLY_ALL = 0.9  # a text column with more different values than this, by rows, is no category
_ENOUGH_ROWS = 20  # with fewer rows, all different is no wonder
_SHIFT_FROM = 1000.0  # spreads away from 0, where float32 still has 1e-4 of a spread
_UNITS = (1e-6, 1e6)  # a spread inside needs no other unit
_SAMPLE_ROWS = 20_000
_EXACT = 2.0**53  # above, float64 has no fractions to tell an integer by
_BLOCK_ROWS = 4096

_IDENTIFIER = re.compile(r"(^|[^a-z])(id|ids|uuid|guid|key|index|row|rows|rownames?)$|[a-z]I[Dd]$", re.ASCII)
_DAY = np.timedelta64(1, "D") / np.timedelta64(1, "us")
_YEAR_DAYS = 365.2425


def describe(frame: Frame) -> Schema:
    """Decide what each column becomes.

    Numbers stay numbers, integers too. Texts become categories: the 2,000 most frequent values are told
    apart, all others are "other". Dates become days and, where they vary, the place in the year, in the week
    and in the day. Columns with a single value or none are dropped, and texts that are nearly all different.

    Parameters
    ----------
    frame : Frame
        Without the target.

    Raises
    ------
    DataError
        Where there are no rows, or no column is left.

    Warns
    -----
    DataWarning
        Where a column looks like an identifier.
    """
    if frame.n_rows == 0:
        raise DataError("the table has no rows.")
    said: dict[str, list[str]] = {}
    for note in frame.notes:
        said.setdefault(note.where, []).append(note.what)
    columns = tuple(_column(column, " ".join(said.get(column.name, ()))) for column in frame.columns)
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
    sample = X[:: max(1, len(X) // _SAMPLE_ROWS)]
    columns = []
    for place in range(X.shape[1]):
        name = f"x{place}"
        why = _without_content(n_missing[place] == len(X), low[place] == high[place] and not n_missing[place])
        if why:
            columns.append(ColumnSchema(name, "dropped", why))
            continue
        why = f"numbers from {low[place]:g} to {high[place]:g}{_missing(int(n_missing[place]))}"
        part = _part("value", np.asarray(sample[:, place], dtype=np.float64), high[place] - low[place])
        columns.append(ColumnSchema(name, "number", why, (part,)))
    if columns and all(column.kind == "dropped" for column in columns):
        # scikit-learn's estimators fit such an X too; it predicts the mean then.
        why = f"{columns[0].why}; kept, because a network needs an input"
        columns[0] = ColumnSchema("x0", "number", why, (Part("value"),))
    return Schema(tuple(columns))


def _column(column: Column, said: str) -> ColumnSchema:
    missing = column.missing
    if isinstance(column, NumberColumn):
        return _number(column, missing, said)
    if isinstance(column, TextColumn):
        return _category(column, missing, said)
    if missing.all():
        return ColumnSchema(column.name, "dropped", _without_content(True, False))
    if not missing.any() and (column.values == column.values[0]).all():
        return ColumnSchema(column.name, "dropped", _without_content(False, True))
    if isinstance(column, BooleanColumn):
        present = column.values[~missing]
        share = f"{np.mean(present):.0%}"
        why = f"yes or no, {share} {column.words[1] if column.words else 'true'}{_missing(missing.sum())}"
        return ColumnSchema(column.name, "boolean", _join(why, said), (Part("value"),))
    dates = column.values[~missing]
    first, last = (str(moment)[:10] for moment in (dates.min(), dates.max()))
    why = f"dates from {first} to {last}{_missing(missing.sum())}"
    parts = tuple(
        _part(what, date_part(dates, what)) if what == "days" else Part(what) for what in _moving(dates)
    )
    return ColumnSchema(column.name, "date", _join(why, said), parts, day_first=column.day_first)


def _number(column: NumberColumn, missing: Mask, said: str) -> ColumnSchema:
    finite = column.values[np.isfinite(column.values)]
    n_missing = len(missing) - len(finite)
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    why = _without_content(not len(finite), low == high and not n_missing)
    if why:
        return ColumnSchema(column.name, "dropped", why)
    whole = bool((finite == np.rint(finite)).all())
    why = f"{'integers' if whole else 'numbers'} from {low:g} to {high:g}{_missing(n_missing)}"
    if whole and _is_identifier(column.name, finite):
        text = "every value is a different integer, like a row number or an identifier"
        warn(Note(column.name, f"{text}; leave the column out if it is one."))
        why = f"{why}; {text}"
    sample = finite[:: max(1, len(finite) // _SAMPLE_ROWS)]
    with np.errstate(over="ignore"):
        part = _part("value", sample, high - low)
    return ColumnSchema(column.name, "number", _join(why, said), (part,), text=column.text)


def _category(column: TextColumn, missing: Mask, said: str) -> ColumnSchema:
    counts = column.counts()
    n_missing, n_levels = int(missing.sum()), int((counts > 0).sum())
    n_present = len(column) - n_missing
    why = _without_content(not n_levels, n_levels == 1 and not n_missing)
    if why:
        return ColumnSchema(column.name, "dropped", why)
    if n_present >= _ENOUGH_ROWS and n_levels >= _NEARLY_ALL * n_present:
        why = f"text with {n_levels:,} different values in {n_present:,} rows, like a name or an identifier"
        warn(Note(column.name, f"{why}; the column is left out."))
        return ColumnSchema(column.name, "dropped", _join(why, said))
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda place: (-counts[place], column.levels[place]))
    kept = order[:MOST_LEVELS]
    why = f"text with {n_levels:,} different values{_missing(n_missing)}"
    if len(order) > len(kept):
        share = 1 - counts[kept].sum() / n_present
        why += f"; the {MOST_LEVELS:,} most frequent are told apart, {share:.1%} of the rows are 'other'"
    levels = tuple(column.levels[place] for place in kept)
    return ColumnSchema(column.name, "category", _join(why, said), levels=levels)


def _without_content(all_missing: object, constant: object) -> str:
    if all_missing:
        return "all values are missing"
    return "all values are the same" if constant else ""


def _missing(count: object) -> str:
    return f", {count:,} missing" if count else ""


def _join(why: str, said: str) -> str:
    return f"{why}; {said.rstrip('.')}" if said else why


def _is_identifier(name: str, values: Floats) -> bool:
    """Tell integers that are all different and count up, fill a range without a gap, or have such a name."""
    if len(values) < _ENOUGH_ROWS or np.abs(values).max() > _EXACT:
        return False
    if (np.diff(values) > 0).all():
        return True
    by_name = _IDENTIFIER.search(name) is not None
    without_gap = values.max() - values.min() == len(values) - 1
    return bool((by_name or without_gap) and len(np.unique(values)) == len(values))


def _part(what: What, sample: Floats, span: float = 0.0) -> Part:
    """Choose origin and unit so that float32 keeps the figures that differ.

    Parameters
    ----------
    what : str
    sample : float64 (n,)
        Some of the values; NaN are passed over.
    span : float
        The range of all values, for a sample that does not vary.
    """
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return Part(what)
    with np.errstate(over="ignore", invalid="ignore"):  # from -1e308 to 1e308
        median, *bounds = np.quantile(sample, [0.5, 0.25, 0.75, 0.05, 0.95, 0.01, 0.99, 0.0, 1.0]).tolist()
    spreads = [upper - lower for lower, upper in zip(bounds[::2], bounds[1::2], strict=True)]
    # The widest that all values but outliers lie in: an outlier must not take the figures from the others.
    spread = next((spread for spread in [*spreads, span] if 0.0 < spread < np.inf), 0.0)
    if not spread:
        return Part(what)
    origin = median if abs(median) > _SHIFT_FROM * spread else 0.0
    inside = _UNITS[0] <= spread <= _UNITS[1]
    unit = 1.0 if inside else 10.0 ** np.clip(np.floor(np.log10(spread)), -290, 300)
    return Part(what, float(origin), float(unit))


def _moving(dates: Dates) -> list[What]:
    """List the parts of dates that vary."""
    days = dates.astype("datetime64[D]")
    parts: list[What] = ["days"]
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
