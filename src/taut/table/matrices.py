"""A table -> one float32 matrix, the same way for training and for prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.columns import date_part, describe_numbers
from taut.table.dates import parse_dates
from taut.table.doubts import date_orders, decimal_marks
from taut.table.frame import (
    BooleanColumn,
    Column,
    DateColumn,
    Dates,
    Decimal,
    Floats,
    Frame,
    Mask,
    Note,
    NumberColumn,
    TextColumn,
    listing,
    warn,
)
from taut.table.levels import category_codes
from taut.table.numbers import parse_numbers
from taut.table.schema import ColumnSchema, Part, Schema
from taut.table.texts import clean, odd_rows, spread
from taut.table.words import parse_booleans

# In units of the column. Far enough to change nothing: the encoder's squash is flat there. Near enough that
# no product with a scale, nor its square, leaves float32 (see MOST_SCALE in encoder.py).
MOST = 1e12
_BLOCK_ROWS = 4096


@final
@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A table as numbers, once for all folds; what depends on training rows comes later (``Encoder``).

    Attributes
    ----------
    values : float32 (n_rows, n_numbers + n_categories), C-contiguous
        First the numbers, NaN where missing; then the categories' codes: 0 to levels - 1, then "other"
        (also for a value not seen in training), then missing.
    names : tuple of str
        A readable name of each column.
    n_numbers : int
    levels : tuple of tuple of str
        The values of each category by their codes.
    notes : tuple of Note
        What was found and changed on the way.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    n_numbers: int
    levels: tuple[tuple[str, ...], ...]
    notes: tuple[Note, ...] = ()

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.values)

    @property
    def n_levels(self) -> NDArray[np.int32]:
        """The number of codes of each category, "other" and missing included: int32 (n_categories,)."""
        return np.array([len(levels) + 2 for levels in self.levels], dtype=np.int32)


def matrix(schema: Schema, frame: Frame, *, strict: bool) -> Matrix:
    """Turn a table into a matrix as the schema says.

    Columns are found by their names: the order does not matter, and others may be there.

    Parameters
    ----------
    schema : Schema
        Of the training table.
    frame : Frame
    strict : bool
        Whether an infinite number is an error; else it is missing.

    Returns
    -------
    Matrix

    Raises
    ------
    DataError
        If columns are missing (all are listed), or a column holds something other than in training.

    Warns
    -----
    DataWarning
        If infinite numbers count as missing, or huge ones are clipped.
    """
    by_name = {column.name: column for column in frame.columns}
    absent = [
        column.name for column in schema.columns if column.kind != "dropped" and column.name not in by_name
    ]
    if absent:
        be = "is" if len(absent) == 1 else "are"
        raise DataError(
            f"{len(absent):,} of the columns that the model was trained on {be} not there: {listing(absent)}."
        )
    values = np.empty((frame.n_rows, len(schema.matrix_names)), dtype=np.float32)
    notes: list[Note] = []
    numbers_of = [(column, by_name[column.name]) for column in schema.columns if column.kind == "number"]
    dates_of = [(column, by_name[column.name]) for column in schema.columns if column.kind == "date"]
    decimals = decimal_marks(numbers_of, frame.reading, notes)
    orders = date_orders(dates_of, frame.reading, notes)
    index = 0
    for column in schema.columns:
        if not column.parts:
            continue
        given = by_name[column.name]
        # What is read as text by the rules of training, and by this table's own evidence.
        if column.name in decimals and isinstance(given, TextColumn):
            given = _numbers_from(column, given, decimals[column.name])
        elif column.name in orders and isinstance(given, TextColumn):
            given = _dates_from(column, given, orders[column.name])
        for part, numbers in _parts(column, given, strict, notes):
            values[:, index] = _fit(numbers, part, column.name, notes)
            index += 1
    n_numbers = index
    for column in schema.categories:
        values[:, index] = category_codes(column, by_name[column.name], notes)
        index += 1
    levels = tuple(column.levels for column in schema.categories)
    return Matrix(values, schema.matrix_names, n_numbers, levels, tuple(notes))


def matrix_from_numbers(X: NDArray[Any], schema: Schema | None = None) -> tuple[Schema, Matrix]:
    """Turn an array of numbers into a matrix; quick and lean, for the estimators.

    Parameters
    ----------
    X : real array (n_rows, n_columns)
        NaN where missing, without infinities.
    schema : Schema, optional
        Of the training rows; without it, X is described.

    Returns
    -------
    schema : Schema
    matrix : Matrix
        Its values are X itself where that is float32, writable and contiguous; else a copy.

    Raises
    ------
    DataError
        If X has another number of columns than the schema.

    Warns
    -----
    DataWarning
        If huge numbers are clipped.
    """
    schema = describe_numbers(X) if schema is None else schema
    if X.shape[1] != len(schema.columns):
        raise DataError(
            f"X has {X.shape[1]:,} columns, and the model was trained on {len(schema.columns):,}."
        )
    kept = np.flatnonzero([column.kind == "number" for column in schema.columns])
    origin = np.array([part.origin for _, part in schema.numbers])
    unit = np.array([part.unit for _, part in schema.numbers])
    all_kept = len(kept) == X.shape[1]
    plain = not origin.any() and bool((unit == 1.0).all())
    own = all_kept and plain and X.dtype == np.float32 and X.flags.c_contiguous and X.flags.writeable
    values = X if own else np.empty((len(X), len(kept)), dtype=np.float32)
    n_clipped = np.zeros(len(kept), dtype=np.int64)
    for start in range(0, len(X), _BLOCK_ROWS):
        block = X[start : start + _BLOCK_ROWS]
        if not all_kept:
            block = block[:, kept]
        if not plain:
            with np.errstate(over="ignore"):
                block = (block - origin) / unit
        if len(kept) and np.fmax.reduce(np.abs(block), axis=None) > MOST:
            if own:  # the user's array must not change
                own, values = False, X.copy()
            n_clipped += (np.abs(block) > MOST).sum(axis=0)
            block = np.clip(block, -MOST, MOST)
        if not own:
            values[start : start + _BLOCK_ROWS] = block
    names = schema.matrix_names
    notes = tuple(_clip_note(names[index], int(n_clipped[index])) for index in np.flatnonzero(n_clipped))
    return schema, Matrix(values, names, len(kept), (), notes)


def _fit(numbers: Floats, part: Part, name: str, notes: list[Note]) -> Floats:
    with np.errstate(over="ignore"):
        scaled = (numbers - part.origin) / part.unit
    n_clipped = int((np.abs(scaled) > MOST).sum())
    if n_clipped:
        scaled = np.clip(scaled, -MOST, MOST)
        notes.append(_clip_note(name, n_clipped))
    return scaled


def _clip_note(name: str, count: int) -> Note:
    rest = "it is" if count == 1 else "they are"
    return warn(Note(name, f"{count:,} {_numbers(count)} too far from the others; {rest} clipped."))


def _parts(
    column: ColumnSchema, given: Column, strict: bool, notes: list[Note]
) -> Sequence[tuple[Part, Floats]]:
    if column.kind == "date":
        dates = _dates(column, given)
        return [(part, date_part(dates, part.what)) for part in column.parts]
    if column.kind == "boolean":
        return [(column.parts[0], _booleans(column, given))]
    numbers = _numbers_of(column, given)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        if strict:
            raise DataError(
                f"column {column.name!r} contains infinity, in {infinite:,} of {len(numbers):,} rows."
            )
        numbers = np.where(np.isinf(numbers), np.nan, numbers)
        rest = "it counts" if infinite == 1 else "they count"
        text = f"{infinite:,} {_numbers(infinite)} infinite; {rest} as missing."
        notes.append(warn(Note(column.name, text)))
    return [(column.parts[0], numbers)]


def _numbers_from(column: ColumnSchema, given: TextColumn, decimal: Decimal) -> NumberColumn:
    texts = clean(given)
    values, is_number = parse_numbers(texts.levels, decimal)
    values[~is_number] = np.nan
    passed = set(() if column.text is None else column.text.not_numbers)
    odd = np.array([level not in passed for level in texts.levels], dtype=bool) & ~is_number
    _refuse(column, texts, odd, "numbers")
    return NumberColumn(column.name, spread(texts.codes, values))


def _dates_from(column: ColumnSchema, given: TextColumn, day_first: bool | None) -> DateColumn:
    texts = clean(given)
    reading = parse_dates(texts.levels, texts.counts().tolist(), day_first=day_first)
    _refuse(column, texts, ~reading.is_date, "dates")
    return DateColumn(column.name, np.append(reading.values, np.datetime64("NaT"))[texts.codes])


def _numbers_of(column: ColumnSchema, given: Column) -> Floats:
    if isinstance(given, (NumberColumn, BooleanColumn)):
        return given.values
    if given.missing.all():
        return np.full(len(given), np.nan)
    raise DataError(f"column {column.name!r} holds dates, and held numbers in training.")


def _booleans(column: ColumnSchema, given: Column) -> Floats:
    if isinstance(given, BooleanColumn):
        return given.values
    if isinstance(given, TextColumn):
        texts = clean(given)
        values = parse_booleans(texts.levels)
        # A data frame may bring the figures 0 and 1 as text.
        values = np.array(
            [{"0": 0.0, "1": 1.0}.get(*pair) for pair in zip(texts.levels, values, strict=True)]
        )
        _refuse(column, texts, np.isnan(values), "yes or no")
        return spread(texts.codes, values)
    if isinstance(given, NumberColumn):
        n_odd = int((~np.isnan(given.values) & (given.values != 0) & (given.values != 1)).sum())
        if not n_odd:
            return given.values
        raise DataError(
            f"column {column.name!r} held yes or no in training, and {n_odd:,} of {len(given):,} rows now "
            "hold numbers other than 0 and 1."
        )
    if given.missing.all():
        return np.full(len(given), np.nan)
    raise DataError(f"column {column.name!r} holds dates, and held yes or no in training.")


def _dates(column: ColumnSchema, given: Column) -> Dates:
    if isinstance(given, DateColumn):
        return given.values
    if given.missing.all():
        return np.full(len(given), np.datetime64("NaT"), dtype="datetime64[us]")
    raise DataError(f"column {column.name!r} holds numbers, and held dates in training.")


def _refuse(column: ColumnSchema, texts: TextColumn, odd: Mask, wanted: str) -> None:
    if odd.any():
        n_odd, which = odd_rows(texts, odd)
        if n_odd:
            raise DataError(
                f"column {column.name!r} held {wanted} in training, and {n_odd:,} of {len(texts):,} rows now "
                f"hold text: {which}; correct them or leave them empty."
            )


def _numbers(count: int) -> str:
    return "number is" if count == 1 else "numbers are"
