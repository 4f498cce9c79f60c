"""A column -> the codes of a category: each value's index among those that training distinguished."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from taut.table.frame import BooleanColumn, Codes, Column, Note, NumberColumn, TextColumn, listing
from taut.table.numbers import EXACT, number_text
from taut.table.schema import ColumnSchema
from taut.table.words import parse_booleans

#: Part of the note on values that are not among a category's levels.
NOT_TOLD_APART = "hold a value that is not told apart"


def category_codes(column: ColumnSchema, given: Column, notes: list[Note]) -> Codes:
    """Find each value's code, int32 (n_rows,): its level's, then "other", then missing.

    A value is found by its text. A number, or yes or no, whose text is not a level is found by its value,
    if just one level has it: 1234 is "01234", as the zeros of a code may have been lost since the table was
    written; and a boolean is "TRUE" or "yes".

    Parameters
    ----------
    column : ColumnSchema
        A category.
    given : Column
    notes : list of Note
        What was found is added.
    """
    texts = as_text(given)
    other, missing = len(column.levels), len(column.levels) + 1
    # Without spaces around: a file's texts have none, and those of a data frame may.
    code_of = {level.strip(): code for code, level in reversed(list(enumerate(column.levels)))}
    to = np.array([code_of.get(level.strip(), other) for level in texts.levels] + [missing], dtype=np.int32)
    strange = np.flatnonzero(to[:-1] == other)
    if len(strange):
        value_of = _boolean if isinstance(given, BooleanColumn) else _number
        to[strange] = _by_value(column.levels, [texts.levels[i] for i in strange], value_of)
    codes = to[texts.codes]
    by_value = strange[to[strange] != other]
    rows = np.flatnonzero(np.isin(texts.codes, by_value)) if len(by_value) else by_value
    if len(rows):
        example = f"{texts.levels[texts.codes[rows[0]]]!r} for {column.levels[codes[rows[0]]]!r}"
        text = f"{len(rows):,} of {len(codes):,} rows write a value otherwise than in training, as {example}"
        notes.append(Note(column.name, f"{text}; they are taken for the same."))
    n_other = int((codes == other).sum())
    if n_other:
        unknown = [texts.levels[found] for found in np.unique(texts.codes[codes == other])[:3]]
        text = f"{n_other:,} of {len(codes):,} rows {NOT_TOLD_APART}"
        notes.append(Note(column.name, f"{text}, such as {listing(unknown)}; they count as 'other'."))
    return codes


def as_text(given: Column) -> TextColumn:
    """Give any column as texts."""
    if isinstance(given, TextColumn):
        return given
    if isinstance(given, BooleanColumn):
        return given.as_text()
    found, inverse = np.unique(given.values, return_inverse=True)
    if isinstance(given, NumberColumn):
        levels = tuple(number_text(float(value)) for value in found)
    else:
        levels = tuple(str(value) for value in found)
    codes = np.where(given.missing, -1, inverse).astype(np.int32)
    return TextColumn(given.name, codes, levels)


def _by_value(
    levels: Sequence[str], texts: Sequence[str], value_of: Callable[[str], float | None]
) -> NDArray[np.int32]:
    """Find the code of each text by its value, int32 (n_texts,); "other" where none or several match."""
    other = len(levels)
    code_of: dict[float, int] = {}
    for code, level in enumerate(levels):
        value = value_of(level)
        if value is not None:
            code_of[value] = other if value in code_of else code
    found = [None if value is None else code_of.get(value) for value in map(value_of, texts)]
    return np.array([other if code is None else code for code in found], dtype=np.int32)


def _number(text: str) -> float | None:
    """Read plain numbers; integers that float64 confuses have no value."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if "_" not in text and abs(value) < EXACT else None


def _boolean(text: str) -> float | None:
    value = float(parse_booleans([text])[0])
    return None if value != value else value
