"""A data frame or an array in memory -> a Frame."""

from __future__ import annotations

import datetime as dt
import numbers
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.doubts import Typed, in_doubt, settle
from taut.table.frame import (
    BooleanColumn,
    Column,
    DateColumn,
    Frame,
    Note,
    NumberColumn,
    TextColumn,
    warn,
)
from taut.table.index import find_index, may_be_index, note_of, unnamed
from taut.table.numbers import EXACT, decimal_mark, number_text
from taut.table.objects import is_none, is_whole, kind_of
from taut.table.texts import Hints, clean, dictionary, typed

if TYPE_CHECKING:
    import narwhals as nw

    from taut.table.schema import Schema

_MICROSECOND = np.dtype("datetime64[us]")
_CELLS = 200  # texts of a column that are examined for the decimal mark


class _Unusable(Exception):
    """A column that cannot be read, and why."""


@final
@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts yet to be parsed, as those of a file are."""

    column: TextColumn


_Converted: TypeAlias = "Column | _Texts"


def frame_from(X: Any, schema: Schema | None = None) -> Frame:
    """Give a data frame or a two-dimensional array as a ``Frame``.

    Its texts are read as those of a file are (``taut.table.texts.typed``): numbers, dates, yes or no, and
    words for "missing" are what they say. A category stays one, whatever its values look like. Integers that
    float64 would confuse are texts.

    Parameters
    ----------
    X : data frame or array-like (n_rows, n_columns)
        Any data frame in memory that narwhals knows (pandas, polars, pyarrow, ...), a NumPy array, or a list
        of rows. The columns of an array are named x0, x1, ...
    schema : Schema, optional
        Of the table that a model was trained on. Texts are left to its rules then (``taut.table.matrices``).

    Returns
    -------
    Frame
        Numbers, decimals, durations and times of the day (in seconds) become numbers; columns of mixed
        content are read as text; infinities stay.

    Raises
    ------
    DataError
        If it is not a table, two columns share a name, or columns are nested, binary, complex or of an
        unknown kind; the message names all of them. Where a column holds numbers, but with text in more than
        5 % of the rows.

    Warns
    -----
    DataWarning
        If text is counted as missing, and where numbers stay text.
    """
    if isinstance(X, (np.ndarray, list, tuple)):
        return _from_array(X if isinstance(X, np.ndarray) else _as_objects(X), schema)
    import narwhals as nw

    try:
        table = nw.from_native(X, eager_only=True)
        series = list(table.iter_columns())
    except (TypeError, ValueError, AttributeError, nw.exceptions.NarwhalsError) as error:
        if "unique column names" in str(error):
            raise DataError(f"two columns have the same name: {' '.join(str(error).split())}") from error
        raise DataError(
            f"a table is needed, and not a {type(X).__name__}: a data frame in memory (pandas, polars, "
            "pyarrow) or a two-dimensional array."
        ) from error
    return _assembled([(str(one.name), _from_series, one) for one in series], len(table), schema)


def without_index(X: Any, known: Collection[str] | None = None) -> Any:
    """Leave the index out of a data frame, as ``taut.table.index`` does in a file.

    Parameters
    ----------
    X : data frame
    known : collection of str, optional
        The columns that a model was trained on: they stay, and others that have the name of an index go.
        Without it, the values decide.

    Returns
    -------
    data frame
        X itself, if it has no index, or nothing else.

    Warns
    -----
    DataWarning
        In training, of what is left out.
    """
    import narwhals as nw

    table = nw.from_native(X, eager_only=True)
    names = [str(name) for name in table.columns]
    metadata = getattr(getattr(X, "schema", None), "pandas_metadata", None)  # of pyarrow's tables
    marked = frozenset(name for name in (metadata or {}).get("index_columns", ()) if name in names)
    maybe = [name for name in table.columns if name in may_be_index(names) | marked]
    if not maybe or len(maybe) == len(names):
        return X
    if known is not None:
        left_out = [name for name in maybe if name not in known]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            columns = frame_from(table.select(maybe).to_native()).columns
        index = find_index(columns, unnamed(names), marked)
        left_out = list(index)
        for name, one in index.items():
            note = note_of(name, one)
            warn(note if name else replace(note, what=f"a column without a name: {note.what}"))
    return table.drop(left_out).to_native() if left_out else X


def _assembled(
    parts: Sequence[tuple[str, Callable[[str, Any], _Converted], Any]], n_rows: int, schema: Schema | None
) -> Frame:
    converted: list[_Converted] = []
    bad = []
    for name, convert, content in parts:
        try:
            converted.append(convert(name, content))
        except _Unusable as error:
            bad.append(f"{name!r} ({error})")
    if bad:
        raise DataError(f"these columns cannot be used: {', '.join(bad)}; leave them out or convert them.")
    columns: list[Column] = []
    notes: list[Note] = []
    if schema is not None:
        columns += [one.column if isinstance(one, _Texts) else one for one in converted]
        return as_text_for(schema, Frame(tuple(columns), n_rows))
    hints = _hints([one.column for one in converted if isinstance(one, _Texts)])
    read: list[Typed] = [
        typed(one.column, hints) if isinstance(one, _Texts) else (one, []) for one in converted
    ]
    doubtful = {
        index: one.column
        for index, one in enumerate(converted)
        if isinstance(one, _Texts) and in_doubt(read[index][1])
    }
    for column, found in settle(read, doubtful, hints):
        columns.append(column)
        notes += found
    return Frame(tuple(columns), n_rows, tuple(notes))


def as_text_for(schema: Schema, frame: Frame) -> Frame:
    """Give the texts of a table as they stand, for a schema's rules, where they were kept."""
    levels = {column.name: {level.strip() for level in column.levels} for column in schema.columns}
    columns: list[Column] = []
    for column in frame.columns:
        texts = column.source or column
        columns.append(clean(texts, levels.get(texts.name, ())) if isinstance(texts, TextColumn) else texts)
    return replace(frame, columns=tuple(columns))


def _hints(texts: Sequence[TextColumn]) -> Hints:
    """Find the decimal mark of ambiguous columns from those that are not."""
    cells = [level for column in texts for level in column.levels[:_CELLS]]
    decimal = decimal_mark(cells, [1] * len(cells), ".")[0]
    return Hints(decimal, True if decimal == "," else None)


def exact_integers(name: str, values: Sequence[Any] | NDArray[Any]) -> TextColumn | None:
    """Give integers as text if float64 cannot tell some apart, else None; None is missing."""
    if isinstance(values, np.ndarray) and not ((values > EXACT) | (values < -EXACT)).any():
        return None
    present = [None if is_none(value) else int(value) for value in np.asarray(values, dtype=object).tolist()]
    if not any(value is not None and abs(value) > EXACT for value in present):
        return None
    codes, levels = dictionary((None if value is None else str(value) for value in present), len(present))
    return TextColumn(name, codes, tuple(levels))


def _as_objects(X: Any) -> NDArray[Any]:
    try:
        return np.array(X, dtype=object)
    except ValueError as error:
        raise DataError(f"the rows are of different lengths: {error}.") from error


def _from_array(X: NDArray[Any], schema: Schema | None) -> Frame:
    if X.ndim != 2:
        raise DataError(
            f"Expected 2D array, got {X.ndim}D array instead: a table has rows and columns. Reshape it with "
            "X.reshape(-1, 1) if it has a single column, or X.reshape(1, -1) if it is a single row."
        )
    if X.dtype.names is not None:
        raise DataError("an array with named fields is not a table; make a data frame of it.")
    parts = [(f"x{index}", _from_values, X[:, index]) for index in range(X.shape[1])]
    return _assembled(parts, len(X), schema)


def _from_values(name: str, values: NDArray[Any]) -> _Converted:
    kind = values.dtype.kind
    if kind == "b":
        return BooleanColumn(name, values.astype(np.float64))
    if kind in "iuf":
        exact = exact_integers(name, values) if kind in "iu" else None
        return NumberColumn(name, values.astype(np.float64)) if exact is None else _Texts(exact)
    if kind == "M":
        return DateColumn(name, values.astype(_MICROSECOND))
    if kind == "m":
        return NumberColumn(name, values / np.timedelta64(1, "s"))
    if kind == "U":
        return _texts(name, values.tolist())
    if kind == "O":
        return _from_objects(name, values.tolist())
    raise _Unusable("binary" if kind in "SV" else str(values.dtype))


def _from_series(name: str, series: nw.Series[Any]) -> _Converted:
    import narwhals as nw

    dtype = series.dtype
    if isinstance(dtype, nw.Boolean):
        return BooleanColumn(name, _floats(series))
    if dtype.is_numeric():
        exact = _exact(name, series) if dtype.is_integer() or dtype.is_decimal() else None
        return NumberColumn(name, _floats(series)) if exact is None else _Texts(exact)
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        return _from_categories(name, series)
    if isinstance(dtype, nw.String):
        return _texts(name, series.to_list())
    if isinstance(dtype, (nw.Date, nw.Datetime)):
        if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return DateColumn(name, series.cast(nw.Datetime("us")).to_numpy().astype(_MICROSECOND))
    if isinstance(dtype, nw.Duration):
        return NumberColumn(name, _floats(series.dt.total_microseconds()) / 1e6)
    if isinstance(dtype, (nw.Object, nw.Time)):
        return _from_objects(name, series.to_list())
    if isinstance(dtype, nw.Binary):
        raise _Unusable("binary")
    if dtype.is_nested():
        raise _Unusable("nested")
    if len(series) and series.null_count() == len(series):  # polars and pyarrow have a type for nothing
        return NumberColumn(name, np.full(len(series), np.nan))
    raise _Unusable(
        f"of the type {getattr(series.to_native(), 'dtype', getattr(series.to_native(), 'type', dtype))}"
    )


def _exact(name: str, series: nw.Series[Any]) -> TextColumn | None:
    ends = [series.min(), series.max()] if len(series) > series.null_count() else []
    if not any(abs(end) > EXACT for end in ends):
        return None
    values = series.to_list()
    if not all(is_none(value) or is_whole(value) for value in values):  # decimals with fractions
        return None
    return exact_integers(name, values)


def _floats(series: nw.Series[Any]) -> NDArray[np.float64]:
    import narwhals as nw

    values = series.cast(nw.Float64).to_numpy()
    return np.ascontiguousarray(values, dtype=np.float64)


def _from_categories(name: str, series: nw.Series[Any]) -> TextColumn | NumberColumn:
    native = series.to_native()
    if hasattr(native, "cat") and hasattr(native.cat, "codes"):  # pandas: no need to write out the texts
        levels = [_level(value) for value in native.cat.categories]
        if len(set(levels)) == len(levels):
            return TextColumn(name, native.cat.codes.to_numpy().astype(np.int32), tuple(levels))
        codes = native.cat.codes.to_numpy()
        return _levels(name, [levels[code] if code >= 0 else None for code in codes])
    return _levels(name, series.to_list())


def _texts(name: str, values: Sequence[Any]) -> _Converted:
    column = _levels(name, values)
    return _Texts(column) if isinstance(column, TextColumn) else column


def _levels(name: str, values: Sequence[Any]) -> TextColumn | NumberColumn:
    codes, levels = dictionary((None if is_none(value) else value for value in values), len(values))
    if not levels:  # pandas and narwhals call an empty column text
        return NumberColumn(name, np.full(len(values), np.nan))
    return TextColumn(name, codes, tuple(str(level) for level in levels))


def _from_objects(name: str, values: Sequence[Any]) -> _Converted:
    """Read a column of Python objects by their types: all of one kind, or texts."""
    kinds = {kind_of(value) for value in values}
    kinds.discard("none")
    for unusable in ("nested", "binary", "complex", "unknown"):
        if unusable in kinds:
            example = next(value for value in values if kind_of(value) == unusable)
            raise _Unusable(f"{unusable}, such as {type(example).__name__}")
    if kinds == {"boolean"}:
        return BooleanColumn(name, np.array([np.nan if is_none(value) else float(value) for value in values]))
    if kinds <= {"number", "boolean"}:
        exact = exact_integers(name, values) if all(is_none(v) or is_whole(v) for v in values) else None
        if exact is not None:
            return _Texts(exact)
        return NumberColumn(name, np.array([_number(value) for value in values], dtype=np.float64))
    if kinds == {"date"}:
        return DateColumn(name, np.array([_moment(value) for value in values], dtype=_MICROSECOND))
    if kinds == {"duration"}:
        return NumberColumn(name, np.array([_seconds(value) for value in values]))
    return _texts(name, [None if is_none(value) else _level(value) for value in values])


def _level(value: Any) -> str:
    """Write a value as the name of a category."""
    if is_whole(value):
        return str(int(value))
    if isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, (bool, np.bool_)):
        return number_text(float(value))
    return str(value)


def _number(value: Any) -> float:
    if is_none(value):
        return float("nan")
    try:
        return float(value)
    except OverflowError:  # an integer beyond float64
        return float("inf") if value > 0 else float("-inf")


def _moment(value: Any) -> np.datetime64:
    if is_none(value):
        return np.datetime64("NaT", "us")
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    return np.datetime64(value, "us")


def _seconds(value: Any) -> float:
    if is_none(value):
        return float("nan")
    if isinstance(value, dt.time):
        return value.hour * 3600.0 + value.minute * 60 + value.second + value.microsecond / 1e6
    if isinstance(value, np.timedelta64):
        return float(value / np.timedelta64(1, "s"))
    return float(value.total_seconds())
