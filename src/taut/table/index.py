"""Columns that only identify the row: the index that pandas saves, and R's row names.

A network that learns from them learns how the file is sorted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.frame import Column, Note, NumberColumn, TextColumn, listing

_LEVEL = re.compile(r"__index_level_\d+__|__null_dask_index__")
# What pandas calls a blank first name, and saves.
_UNNAMED = re.compile(r"Unnamed: 0(\.\d+)*(_level_\d+)?")
_COUNTER = re.compile(r"index|level_0|row[ ._]?(names?|numbers?|nr|no)|\.\.\.1|_c0|column0+", re.IGNORECASE)
_MOSTLY = 0.9  # share of the steps from row to row; tables that were concatenated begin again


@final
@dataclass(frozen=True, slots=True)
class Index:
    """A column that is an index.

    Attributes
    ----------
    why : str
        How that is known.
    content : bool
        Whether there may be something to learn from it even so: it is named, or not a number.
    how : str
        What to do in order to learn from it.
    """

    why: str
    content: bool
    how: str


def unnamed(names: Sequence[str], renamed: Sequence[Note] = ()) -> frozenset[str]:
    """The names of an index that was saved without one: blank ones at the front, and pandas' own.

    Parameters
    ----------
    names : sequence of str
        Of all columns, in the file's order.
    renamed : sequence of Note
        On those that have another name in the file, or none.
    """
    blank = {"", *(note.where for note in renamed if note.what.endswith("has no name."))}
    pandas = (name for name in names if _UNNAMED.fullmatch(name) or _LEVEL.fullmatch(name))
    return frozenset([*takewhile(lambda name: name in blank, names), *pandas])


def may_be_index(names: Sequence[str]) -> frozenset[str]:
    """Those of a table's names, in their order, that an index may have; its values decide."""
    first = [name for name in names[:1] if _COUNTER.fullmatch(name)]
    return frozenset([*unnamed(names), *first])


def find_index(
    columns: Sequence[Column], nameless: Collection[str], marked: Collection[str]
) -> dict[str, Index]:
    """Find the columns that are an index.

    These are: the columns that pandas marked as such in a Parquet file; columns without a name of
    their own (blank and first, ``Unnamed: 0``, ``__index_level_0__``) that hold whole numbers, all different
    or counting up, or another text or date in each row; and a first column ``index``, ``rownames`` or the
    like that counts the rows.

    Parameters
    ----------
    columns : sequence of Column
        In the file's order.
    nameless : collection of str
        Those that have no name of their own (``unnamed``).
    marked : collection of str
        Those that pandas marked as the index.
    """
    found = {}
    for index, column in enumerate(columns):
        name = column.name
        number = isinstance(column, NumberColumn)
        if name in marked:
            content = not (name in nameless and number)
            found[name] = Index("pandas saved it as the index", content, "make it a column (reset_index)")
        elif isinstance(column, NumberColumn):
            counter = name in nameless or (index == 0 and _COUNTER.fullmatch(name))
            if (counter and _counts_rows(column.values)) or (
                name in nameless and _is_row_number(column.values)
            ):
                why = "it numbers the rows, like the index that pandas and R save"
                found[name] = Index(why, False, "give it another name")
        elif name in nameless and _is_another_in_each_row(column):
            why = "it has no name and another value in every row, like R's names of rows"
            found[name] = Index(why, True, "give it a name")
    return found


def leave_out(
    columns: Sequence[Column], index: dict[str, Index], asked: Collection[str], what: str
) -> tuple[list[Column], list[Note]]:
    """Leave the index out, but for a column that is asked for by name.

    If nothing else is left, an index that holds more than row numbers stays.

    Parameters
    ----------
    columns : sequence of Column
    index : dict of str to Index
        The columns that are an index.
    asked : collection of str
        The target, and other columns that the user named.
    what : str
        The file's name for messages.

    Raises
    ------
    DataError
        If there are only row numbers to learn from.
    """
    left = {name: one for name, one in index.items() if name not in asked}
    others = [column for column in columns if column.name not in left and column.name not in asked]
    if others or not left:
        notes = [note_of(name, one) for name, one in left.items()]
        return [column for column in columns if column.name not in left], notes
    stays = {name: one for name, one in left.items() if one.content or not asked}
    if not stays:
        raise DataError(
            f"{what} has nothing to learn from but row numbers: {listing(list(left))}; give it another name."
        )
    notes = [Note(name, f"{one.why}; it is used, for there is no other.") for name, one in stays.items()]
    return [column for column in columns if column.name in asked or column.name in stays], notes


def note_of(name: str, index: Index) -> Note:
    """The note that an index is left out."""
    return Note(name, f"{index.why}; it is left out. To learn from it, {index.how}.")


def _counts_rows(numbers: NDArray[np.float64]) -> bool:
    """Whether values are 0, 1, 2, ... or 1, 2, 3, ..."""
    return len(numbers) > 1 and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _is_row_number(numbers: NDArray[np.float64]) -> bool:
    """Whether values are whole numbers from 0 that are all different, or mostly count up by one."""
    if not (np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers == np.rint(numbers)).all()):
        return False
    if len(np.unique(numbers)) == len(numbers):
        return True
    return bool(np.mean(np.diff(numbers) == 1) >= _MOSTLY)


def _is_another_in_each_row(column: Column) -> bool:
    if isinstance(column, TextColumn):
        return len(column) > 1 and bool((column.counts() == 1).all()) and not column.missing.any()
    return len(column) > 1 and not column.missing.any() and len(np.unique(column.values)) == len(column)
