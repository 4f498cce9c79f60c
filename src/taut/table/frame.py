"""The user's table in memory: named columns of four kinds, and notes on how they were read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, final, overload

import numpy as np
from numpy.typing import NDArray

from taut import warned
from taut.errors import DataError, DataWarning

if TYPE_CHECKING:
    import pandas

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int32]
Dates: TypeAlias = NDArray[np.datetime64]
Mask: TypeAlias = NDArray[np.bool_]
RowIndex: TypeAlias = NDArray[Any]
Decimal: TypeAlias = Literal[".", ","]

MISSING_CODE = -1
_MOST_SHOWN = 100  # characters of a name or value in a message


@final
@dataclass(frozen=True, slots=True)
class Note:
    """A sentence to be recorded and shown.

    Attributes
    ----------
    where : str
        The column it is about; ``""`` for the whole table or file.
    what : str
        What was done or found.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"column {self.where!r}: {self.what}" if self.where else self.what


def warn(note: Note) -> Note:
    """Show a note as a ``DataWarning``, and give it back to be recorded."""
    warned.warn(str(note), DataWarning)
    return note


@final
@dataclass(frozen=True, slots=True)
class NumberText:
    """How text was read as numbers, so that the next file is read the same way.

    Attributes
    ----------
    decimal : "." or ","
        By which of them "1,234" and "1.234" are read.
    not_numbers : tuple of str
        Words that were found among the numbers and counted as missing.
    seen : tuple of str, or None
        The marks that were in the numbers (``taut.table.numbers.seen_marks``); None where that is not known.
    """

    decimal: Decimal = "."
    not_numbers: tuple[str, ...] = ()
    seen: tuple[str, ...] | None = None


@final
@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn:
    """Numbers; ``values`` is float64 (n_rows,), NaN where missing, and may hold infinities."""

    name: str
    values: Floats
    text: NumberText | None = None  # None where they came as numbers
    source: TextColumn | None = None  # as it stands in the file, where that was to be kept

    @property
    def missing(self) -> Mask:
        """Which values are missing, (n_rows,)."""
        return np.isnan(self.values)

    def take(self, rows: RowIndex) -> Self:
        """The same column with only these rows."""
        return replace(self, values=self.values[rows], source=_taken(self.source, rows))

    def __len__(self) -> int:
        return len(self.values)


@final
@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """Texts, each stored once: ``codes`` is int32 (n_rows,) into ``levels``, -1 where missing."""

    name: str
    codes: Codes
    levels: tuple[str, ...]
    source: TextColumn | None = None
    fault: str = ""  # why it cannot be trained on

    @property
    def missing(self) -> Mask:
        """Which values are missing, (n_rows,)."""
        return self.codes < 0

    def take(self, rows: RowIndex) -> Self:
        """The same column with only these rows; the levels stay."""
        return replace(self, codes=self.codes[rows], source=_taken(self.source, rows))

    def counts(self) -> NDArray[np.int64]:
        """Count the rows of each level, (n_levels,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels)).astype(np.int64)

    def __len__(self) -> int:
        return len(self.codes)


@final
@dataclass(frozen=True, slots=True, eq=False)
class BooleanColumn:
    """Yes or no; ``values`` is float64 (n_rows,) of 0, 1 and NaN where missing."""

    name: str
    values: Floats
    words: tuple[str, str] | None = None  # what 0 and 1 were called, where they came as text
    source: TextColumn | None = None

    @property
    def missing(self) -> Mask:
        """Which values are missing, (n_rows,)."""
        return np.isnan(self.values)

    def take(self, rows: RowIndex) -> Self:
        """The same column with only these rows."""
        return replace(self, values=self.values[rows], source=_taken(self.source, rows))

    def as_text(self) -> TextColumn:
        """Give the column in its words, or in "False" and "True" where it had none."""
        codes = np.where(self.missing, MISSING_CODE, self.values).astype(np.int32)
        return TextColumn(self.name, codes, self.words or ("False", "True"))

    def __len__(self) -> int:
        return len(self.values)


@final
@dataclass(frozen=True, slots=True, eq=False)
class DateColumn:
    """Dates, or dates with a time; ``values`` is datetime64[us] (n_rows,), NaT where missing."""

    name: str
    values: Dates
    day_first: bool | None = None  # how "1/2/2024" was read, where there were such
    source: TextColumn | None = None

    @property
    def missing(self) -> Mask:
        """Which values are missing, (n_rows,)."""
        return np.isnat(self.values)

    def take(self, rows: RowIndex) -> Self:
        """The same column with only these rows."""
        return replace(self, values=self.values[rows], source=_taken(self.source, rows))

    def __len__(self) -> int:
        return len(self.values)


Column: TypeAlias = NumberColumn | TextColumn | BooleanColumn | DateColumn


def _taken(source: TextColumn | None, rows: RowIndex) -> TextColumn | None:
    return None if source is None else source.take(rows)


def _as_array(column: Column) -> NDArray[Any]:
    """A column as Python's values; text, and yes or no with missing values, as objects, (n_rows,)."""
    if isinstance(column, BooleanColumn):
        if column.words is None and not column.missing.any():
            return column.values.astype(bool)
        levels: tuple[Any, ...] = column.words or (False, True)
        codes = column.as_text().codes
    elif isinstance(column, TextColumn):
        levels, codes = column.levels, column.codes
    else:
        return column.values
    return np.array([*levels, None], dtype=object)[codes]


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """How a file was read, so that others can read it the same way.

    Attributes
    ----------
    kind : {"text", "parquet"}
        The rest is of text alone.
    packed : bool
        Whether it is compressed (gzip).
    encoding : str
        Python's name of it.
    separator : str
    decimal : "." or ","
        The decimal mark of its numbers, where a column is ambiguous.
    backslash : bool
        Whether quotes inside a quoted field are escaped by a backslash, and not by another quote.
    skipped : int
        Lines before the first row.
    header : bool
        Whether the first row is the header.
    names : tuple of str, or None
        The columns' names, where they are not what the header says.
    marked : dict of str to "." or ","
        Columns of numbers with more marks than that decimal one (thousands, currencies, words among them),
        and the decimal mark of each: others would read them as text.
    """

    kind: Literal["text", "parquet"]
    packed: bool = False
    encoding: str = "utf-8"
    separator: str = ","
    decimal: Decimal = "."
    backslash: bool = False
    skipped: int = 0
    header: bool = True
    names: tuple[str, ...] | None = None
    marked: dict[str, Decimal] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame:
    """A table: columns of one length, each with its own name.

    ``len(frame)`` is its number of rows, ``frame["age"]`` a column as an array (n_rows,), ``frame[["age",
    "sex"]]`` some columns, and ``frame[rows]`` some rows (numbers of them, a mask or a slice): enough for
    scikit-learn to split it.

    Attributes
    ----------
    columns : tuple of Column
        In the order of the file or data frame.
    n_rows : int
        The length of each.
    notes : tuple of Note
        What was found and done while reading.
    reading : Reading or None
        How it was read; None where it is not from a file.

    Raises
    ------
    DataError
        If two columns have one name, or a column has another length.
    """

    columns: tuple[Column, ...]
    n_rows: int
    notes: tuple[Note, ...] = ()
    reading: Reading | None = None

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise DataError(f"two columns are named {column.name!r}; rename one of them.")
            seen.add(column.name)
            if len(column) != self.n_rows:
                raise DataError(
                    f"column {column.name!r} has {len(column):,} rows and the table {self.n_rows:,}."
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.n_rows, len(self.columns)

    def __len__(self) -> int:
        return self.n_rows

    def __repr__(self) -> str:
        return f"<Frame: {self.n_rows:,} rows; columns {listing(self.names)}>"

    @overload
    def __getitem__(self, key: str) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, key: RowIndex | slice | list[Any] | tuple[Any, ...]) -> Frame: ...

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return _as_array(self.column(key))
        if isinstance(key, list) and key and all(isinstance(name, str) for name in key):
            return replace(self, columns=tuple(self.column(name) for name in key))
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:  # as scikit-learn asks for rows
            key = key[0]
        rows = np.arange(self.n_rows)[key]
        if np.ndim(rows) != 1:
            raise TypeError(f"rows are asked for as frame[[3]] or frame[3:4], and not as frame[{key!r}].")
        return self.take(rows)

    def to_pandas(self) -> pandas.DataFrame:
        """Give the table as a data frame of pandas, which has to be installed.

        Raises
        ------
        ImportError
            If it is not.
        """
        import pandas

        return pandas.DataFrame({column.name: _as_array(column) for column in self.columns})

    def column(self, name: str) -> Column:
        """Find a column by its name.

        Raises
        ------
        DataError
            If there is none; the message has the closest names.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(f"there is no column {name!r}; {closest(name, self.names)}")

    def without(self, names: Iterable[str]) -> Frame:
        """Leave columns out; a name that is not there is an error, as in ``column``."""
        left_out = {self.column(name).name for name in names}
        kept = tuple(column for column in self.columns if column.name not in left_out)
        return replace(self, columns=kept)

    def check(self) -> None:
        """Refuse columns that cannot be trained on.

        Raises
        ------
        DataError
            If there are such.
        """
        for column in self.columns:
            if isinstance(column, TextColumn) and column.fault:
                raise DataError(column.fault)

    def take(self, rows: RowIndex) -> Frame:
        """The same table with only these rows.

        Parameters
        ----------
        rows : int array (n,) or boolean array (n_rows,)
        """
        n_rows = len(np.arange(self.n_rows)[rows])
        return replace(self, columns=tuple(column.take(rows) for column in self.columns), n_rows=n_rows)


def closest(name: str, names: Sequence[str]) -> str:
    """Say which names a wrong one may mean, "did you mean ...?", or which there are."""
    folded = {other.casefold(): other for other in reversed(names)}
    near = get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(folded[other]) for other in near) + "?"
    return f"the columns are {listing(names)}." if names else "there are no columns."


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 4]}...{text[-1]}"


def listing(names: Sequence[object], most: int = 10) -> str:
    """Write names as "'a', 'b' and 3 more"."""
    shown = ", ".join(_shortened(repr(name)) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
