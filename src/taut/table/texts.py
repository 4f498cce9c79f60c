"""A column of texts -> what it holds: numbers, dates, yes or no, or really texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.dates import DateReading, of_two_forms, parse_dates
from taut.table.frame import (
    MISSING_CODE,
    BooleanColumn,
    Codes,
    Column,
    DateColumn,
    Decimal,
    Floats,
    Mask,
    Note,
    NumberColumn,
    NumberText,
    TextColumn,
    listing,
    warn,
)
from taut.table.numbers import EXACT, decimal_mark, marks, parse_numbers, seen_marks
from taut.table.words import boolean_words, is_missing, parse_booleans

MOST_ODD = 0.05  # share of rows with text that a column of numbers or dates may have
_CODES_FROM = 0.01  # share of rows with leading zeros (or too many figures) from which they are codes
_MANY_NUMBERS = 30  # a column with more different numbers than this is not a list of categories
_FEW_WORDS = 5  # words like "unknown" among numbers; codes with letters are many
_HEAD = 1000
_SAMPLE = 1000

#: Begin the notes on an ambiguous column.
NO_DATE_TELLS, NO_VALUE_TELLS = "no date tells", "no value tells"
#: Begins the note on marks that were ignored.
PAST_MARKS = "read as numbers with these marks: "

_WHOLE = re.compile(r"[+-]?\d+")
_LEADING_ZERO = re.compile(r"[+-]?0\d+")


@final
@dataclass(frozen=True, slots=True)
class Hints:
    """What the whole file tells about an ambiguous column.

    Attributes
    ----------
    decimal : "." or ","
        The decimal mark of the file's other numbers.
    day_first : bool or None
        Whether days come first where no date decides; None: by the mark between them.
    kept : frozenset of str or None
        The columns whose text is kept as it stands, beside what it was read as; None: all.
    """

    decimal: Decimal = "."
    day_first: bool | None = None
    kept: frozenset[str] | None = frozenset()


def dictionary(values: Iterable[str | None], n_rows: int) -> tuple[Codes, list[str]]:
    """Store each text once: (codes int32 (n_rows,), the levels by first appearance)."""
    cells = values if isinstance(values, (Sequence, np.ndarray)) else list(values)
    levels = [value for value in dict.fromkeys(cells) if value is not None]
    code_of: dict[str | None, int] = {level: code for code, level in enumerate(levels)}
    code_of[None] = MISSING_CODE
    return np.fromiter(map(code_of.__getitem__, cells), np.int32, n_rows), levels


def clean(column: TextColumn, kept: Collection[str] = ()) -> TextColumn:
    """Strip spaces, and remove the words for "missing" except those to be kept."""
    merged: dict[str, int] = {}
    to = np.empty(len(column.levels) + 1, dtype=np.int32)  # the last is what a missing code (-1) finds
    to[-1] = MISSING_CODE
    for index, level in enumerate(column.levels):
        text = level.strip()
        to[index] = (
            MISSING_CODE if is_missing(text) and text not in kept else merged.setdefault(text, len(merged))
        )
    return TextColumn(column.name, to[column.codes], tuple(merged))


def typed(column: TextColumn, hints: Hints) -> tuple[Column, list[Note]]:
    """Find out what a column of texts holds.

    It is yes or no where every value is one of a pair of words; dates or numbers where at most 5 % of the
    rows are something else, which is then counted as missing; else it stays text.

    Parameters
    ----------
    column : TextColumn
        As it stands in the file.
    hints : Hints
        What to assume where the column is ambiguous.

    Returns
    -------
    column : Column
    notes : list of Note

    Raises
    ------
    DataError
        If it is a column of numbers, but with text in more than 5 % of the rows.

    Warns
    -----
    DataWarning
        If text is counted as missing, and where numbers stay text: leading zeros, too many figures.
    """
    if hints.kept is None or column.name in hints.kept:
        try:
            read, notes = typed(column, replace(hints, kept=frozenset()))
        except DataError as error:
            if hints.kept is not None:
                raise
            # The purpose of reading is not known: a model may read the texts by its own rules.
            read, notes = replace(clean(column), fault=str(error)), []
        return replace(read, source=column), notes
    column = clean(column)
    counts = column.counts()
    if not column.levels:
        return NumberColumn(column.name, np.full(len(column), np.nan), NumberText()), []
    words = boolean_words([column.levels[index] for index in np.argsort(-counts, kind="stable")[:7]])
    if words is not None and len(column.levels) < 7:
        return BooleanColumn(column.name, spread(column.codes, parse_booleans(column.levels)), words), []
    sample = column.levels[:: max(1, len(column.levels) // _SAMPLE)]
    reading = parse_dates(sample, [1] * len(sample))
    if 2 * reading.is_date.sum() > len(sample):
        dates = _dates(column, counts, hints, reading)
        if dates is not None:
            return dates
    if 3 * parse_numbers(sample, hints.decimal)[1].sum() > len(sample):
        return _numbers(column, counts, hints)
    return column, []


def spread(codes: Codes, values: Floats) -> Floats:
    """Each row's value, by its level, (n_rows,); NaN where the code is -1."""
    return np.append(values, np.nan)[codes]


def odd_rows(column: TextColumn, is_odd: Mask) -> tuple[int, str]:
    """Count the rows whose level is odd, and say which: "'abc' and 'x y' (first in row 12)"."""
    indices = np.flatnonzero(np.append(is_odd, False)[column.codes])
    levels = [column.levels[index] for index in np.flatnonzero(is_odd)]
    return len(indices), f"{listing(levels, 3)} (first in row {indices[0] + 1:,})"


def _dates(
    column: TextColumn, counts: NDArray[np.int64], hints: Hints, reading: DateReading
) -> tuple[DateColumn, list[Note]] | None:
    if len(reading.values) < len(column.levels) or reading.day_first is not None:  # the rest, the order
        reading = parse_dates(column.levels, counts.tolist(), otherwise=hints.day_first)
    notes = []
    if not reading.is_date.all():
        n_odd, which = odd_rows(column, ~reading.is_date)
        if n_odd > MOST_ODD * counts.sum():
            return None
        what = f"{n_odd:,} of {counts.sum():,} rows hold no date: {which}; they are counted as missing."
        notes.append(warn(Note(column.name, what)))
    if reading.in_doubt:
        order = "day first" if reading.day_first else "month first"
        what = f"{NO_DATE_TELLS} whether the day or the month comes first; they were read {order}."
        notes.append(Note(column.name, what))
    both = of_two_forms(column.levels) if reading.day_first is not None else None
    if both is not None:
        order = "day first" if reading.day_first else "month first"
        what = f"dates are written in two forms, as {both[0]!r} and {both[1]!r}; all were read {order}."
        notes.append(warn(Note(column.name, what)))
    values = np.append(reading.values, np.datetime64("NaT"))[column.codes]
    return DateColumn(column.name, values, reading.day_first), notes


def _numbers(column: TextColumn, counts: NDArray[np.int64], hints: Hints) -> tuple[Column, list[Note]]:
    name, levels = column.name, column.levels
    decimal, in_doubt = decimal_mark(levels, counts.tolist(), hints.decimal)
    values, is_number = parse_numbers(levels, decimal)
    reason = _codes(levels, counts, values, is_number)
    if reason:
        return column, [warn(Note(name, f"{reason}; it is kept as text."))]

    notes = []
    n_rows = int(counts.sum())
    n_odd = n_rows - int(counts[is_number].sum())
    if n_odd:
        _, which = odd_rows(column, ~is_number)
        found = f"{n_odd:,} of {n_rows:,} rows ({100 * n_odd / n_rows:.2g} %)"
        if n_odd > MOST_ODD * n_rows:
            if not _is_measure(column, counts, values, is_number):
                what = f"not all rows hold numbers, {found} hold text: {which}. The column is text."
                return column, [Note(name, what)] if 2 * n_odd < n_rows else []
            raise DataError(
                f"column {name!r} holds numbers, but {found} hold text: {which}. At most {100 * MOST_ODD:g} "
                "% are counted as missing: correct these rows or leave them empty."
            )
        what = f"{found} hold no number: {which}; they are counted as missing."
        notes.append(warn(Note(name, what)))
    numbers = [level for level, good in zip(levels, is_number, strict=True) if good]
    past = marks(numbers[:_SAMPLE], decimal)
    if past:
        notes.append(Note(name, f"{PAST_MARKS}{', '.join(past)}."))
    example = next((number for number in numbers if "," in number or (decimal == "," and "." in number)), "")
    if in_doubt and example:  # "1.234" alone, read as it is written, is not worth a note
        role = "decimal mark" if decimal in example else "thousands mark"
        what = f"{NO_VALUE_TELLS} how to read {example!r}; the mark was taken as a {role}."
        notes.append(Note(name, what))
    odd = tuple(level for level, good in zip(levels, is_number, strict=True) if not good)
    values[~is_number] = np.nan
    seen = seen_marks(numbers[:: max(1, len(numbers) // _SAMPLE)], decimal)
    return NumberColumn(name, spread(column.codes, values), NumberText(decimal, odd, seen)), notes


def _codes(levels: Sequence[str], counts: NDArray[np.int64], values: Floats, is_number: Mask) -> str:
    """Say why numbers are really codes, or "" if they are not."""
    numbers = [level for level, good in zip(levels, is_number, strict=True) if good]
    if not numbers or not all(_WHOLE.fullmatch(number) for number in numbers):
        return ""
    rows, n_rows = counts[is_number], counts.sum()
    zeros = np.array([_LEADING_ZERO.fullmatch(number) is not None for number in numbers])
    same_length = len({len(number) for number in numbers}) == 1
    if zeros.any() and (same_length or rows[zeros].sum() >= _CODES_FROM * n_rows):
        example = numbers[int(np.flatnonzero(zeros)[0])]
        return f"its numbers have leading zeros, as in {example!r}, that a number would lose"
    long = np.abs(values[is_number]) > EXACT
    for index in np.flatnonzero(np.abs(values[is_number]) == EXACT):  # it, or the next that float64 has not
        long[index] = numbers[index].lstrip("+-0") != str(EXACT)
    if rows[long].sum() >= _CODES_FROM * n_rows and long.any():
        example = numbers[int(np.flatnonzero(long)[0])]
        return f"its integers have more figures than a number holds, as in {example!r}"
    return ""


def _is_measure(column: TextColumn, counts: NDArray[np.int64], values: Floats, is_number: Mask) -> bool:
    """Tell numbers with faults from codes, some of which happen to be numbers ("113803", "A/5 21171").

    A measure has many different numbers, in more than half of the rows, and one of: text that comes late,
    fractions, or few different words.
    """
    n_number_rows = int(counts[is_number].sum())
    n_numbers = int(is_number.sum())
    if 2 * n_number_rows < counts.sum() or n_numbers <= min(_MANY_NUMBERS, n_number_rows // 2):
        return False
    present = column.codes[column.codes >= 0]
    head = present[: min(_HEAD, max(1, len(present) // 2))]
    if np.mean(~is_number[head]) <= MOST_ODD:
        return True
    fractions = values[is_number] % 1 != 0
    return 2 * int(fractions.sum()) > n_numbers or int((~is_number).sum()) <= _FEW_WORDS
