"""A target in memory -> an array of one type, and the column that a file would yield."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.convert import exact_integers
from taut.table.frame import BooleanColumn, Column, Frame, NumberColumn, TextColumn
from taut.table.objects import is_none, kinds_of
from taut.table.texts import Hints, dictionary, typed

#: What a target of such a kind is, and what to do.
MAKE_A_NUMBER = {
    "date": "holds dates; make a number of it, such as days from a start",
    "duration": "holds durations or times of the day; make a number of it, such as seconds",
}


def target_array(y: Any) -> NDArray[Any]:
    """A target as an array whose type says what it holds.

    A list or an array of Python objects, which has no type, is read by its values; nullable and Arrow
    types of data frames stand for themselves.

    Parameters
    ----------
    y : array-like (n_rows,)
        A series of any library that narwhals knows, an array, a list.

    Returns
    -------
    array (n_rows,)
        Booleans, integers, floats or text. What is of another shape, or not an array, is returned as it is,
        for scikit-learn's checks to refuse.

    Raises
    ------
    DataError
        If values are missing or masked, or are dates, durations, of several kinds or of another one.
    """
    if isinstance(y, Frame):
        raise DataError("y is a table: give one column of it, such as table['y'].")
    name = target_name(y)
    if isinstance(y, np.ma.MaskedArray):
        n_masked = int(np.ma.getmaskarray(y).sum())
        if n_masked:
            raise DataError(f"y is masked in {n_masked:,} of {y.size:,} rows: leave out those rows.")
        y = y.data
    if isinstance(y, (list, tuple)):
        try:
            array = np.asarray(y)
        except ValueError:  # of lists of different lengths
            array = np.array(y, dtype=object)
        return array if array.ndim != 1 else _by_content(y, name, array)
    if not isinstance(y, np.ndarray):
        y = _from_series(y)
    if not isinstance(y, np.ndarray):
        return y  # type: ignore[no-any-return]
    kind = {"M": "date", "m": "duration"}.get(y.dtype.kind)
    if kind is not None:
        _refuse(kind, name)
    if y.ndim == 1 and y.dtype.kind in "OT":
        return _by_content(y.tolist(), name, y)
    return y


def target_name(y: Any) -> str:
    """The name of a target in messages: that of a series, else y."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else "y"


def target_column(values: NDArray[Any], name: str = "y") -> Column:
    """The column that would be read from a file with these values.

    Parameters
    ----------
    values : array (n_rows,)
        As ``target_array`` gives them.
    name : str
    """
    kind = values.dtype.kind
    if kind == "b":
        return BooleanColumn(name, values.astype(np.float64))
    if kind not in "iufOU":
        raise DataError(f"y holds values of the type {values.dtype}: make them numbers or text.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # codes among numbers are warned of, and these are classes
        text = exact_integers(name, values) if kind in "iu" else None
        if text is None and kind in "iuf":
            return NumberColumn(name, values.astype(np.float64))
        if text is None:
            codes, levels = dictionary(values.tolist(), len(values))
            text = TextColumn(name, codes, tuple(levels))
        try:
            column = typed(text, Hints())[0]
        except DataError:  # numbers with text among them are not amounts, but may be classes
            return text
        # A word for "missing" may be the name of a class, where there is more than numbers.
        is_classes = isinstance(column, (TextColumn, BooleanColumn)) and column.missing.any()
        return text if is_classes else column


def _refuse(kind: str, name: str) -> NoReturn:
    raise DataError(f"the target {name!r} {MAKE_A_NUMBER[kind]}.")


def _from_series(y: Any) -> Any:
    import narwhals as nw

    series = nw.from_native(y, series_only=True, pass_through=True)
    if not isinstance(series, nw.Series):
        if hasattr(y, "to_pylist"):  # an array of pyarrow, which has no name
            return np.array([*y.to_pylist(), None], dtype=object)[:-1]
        return np.asarray(y) if hasattr(y, "__array__") else y
    dtype = series.dtype
    dates = isinstance(dtype, (nw.Date, nw.Datetime))
    if dates or isinstance(dtype, (nw.Duration, nw.Time)):
        _refuse("date" if dates else "duration", target_name(y))
    if series.null_count():
        raise DataError("y has missing values: leave out those rows.")
    values = series.to_numpy()
    # Text stays Python's, as scikit-learn gives it back then.
    return values.astype(object) if values.dtype.kind == "U" else values


def _by_content(values: Sequence[Any], name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Read values by their types.

    Parameters
    ----------
    values : sequence
    name : str
    array : array
        What NumPy makes of them, which is returned where it has lost nothing.
    """
    kinds = kinds_of(values)
    for kind in ("date", "duration"):
        if kind in kinds:
            _refuse(kind, name)
    of_numbers = kinds.keys() <= {"number", "boolean"}
    if "none" in kinds or (len(kinds) > 1 and not of_numbers and any(map(is_none, values))):
        text = ", or give them a class of their own" if kinds.keys() & {"text", "boolean"} else ""
        raise DataError(f"y has missing values: leave out those rows{text}.")
    for kind in ("binary", "nested", "complex", "unknown"):
        if kind in kinds:
            raise DataError(
                f"y holds values of the type {type(kinds[kind]).__name__}: make them numbers or text."
            )
    if kinds.keys() == {"text"}:
        return array if array.dtype.kind in "OU" else np.array([*values, None], dtype=object)[:-1]
    if not of_numbers:
        names = sorted({type(value).__name__ for value in values})
        raise DataError(f"y mixes {' and '.join(names)}: make all classes text, or all numbers.")
    if kinds.keys() == {"boolean"}:
        return np.array(values, dtype=bool)
    return array if array.dtype.kind in "iu" else _numbers(values)


def _numbers(values: Sequence[Any]) -> NDArray[Any]:
    """Python's numbers as NumPy's, integers as integers."""
    whole = all(isinstance(value, (int, np.integer, np.bool_)) for value in values)
    if whole and values:
        for integer in (np.int64, np.uint64):
            try:
                return np.array([int(value) for value in values], dtype=integer)
            except OverflowError:
                continue
    try:
        found = np.array([float(value) for value in values], dtype=np.float64)
    except OverflowError:
        raise DataError("y has integers that are too large for a number: make them text.") from None
    if whole and len(np.unique(found)) < len(set(values)):
        raise DataError(
            "y has integers of more than 64 bits, which a number cannot tell apart: make them text."
        )
    return found
