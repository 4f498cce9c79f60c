"""The groups that the user gives: one for each row; a group's rows stay in one fold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.estimators.problem import is_frame


def read_groups(groups: Any, n_rows: int) -> NDArray[Any]:
    """Groups as an array, shape (n_rows,).

    They keep their values, for splitters that look at them; values of several types become numbers, as these
    can't be sorted.

    Parameters
    ----------
    groups : array, series, list, or a frame or array of one column
    n_rows : int

    Raises
    ------
    DataError
        If there is not one for each row.
    """
    if is_frame(groups):
        import narwhals

        frame = narwhals.from_native(groups, eager_only=True)
        if len(frame.columns) != 1:
            raise DataError(f"groups has {len(frame.columns)} columns, and one is wanted: give that column.")
        groups = frame[frame.columns[0]].to_native()
    if isinstance(groups, (str, bytes, dict, set)):
        raise DataError(f"groups must have a value for each row of X, and it is {groups!r:.80}.")
    if isinstance(groups, (list, tuple)) and len({type(value) for value in groups}) > 1:
        values = np.empty(len(groups), dtype=object)  # numpy would make text of numbers and text
        values[:] = groups
    else:
        values = np.asarray(groups)
    if values.ndim == 2 and values.shape[-1] == 1:
        values = values.reshape(-1)
    if values.ndim != 1:
        raise DataError(
            f"groups must have a value for each row of X, and it is an array of shape {values.shape}."
        )
    if len(values) != n_rows:
        raise DataError(f"groups has {len(values):,} rows, and X has {n_rows:,}.")
    missing = _missing(groups, values)
    if missing.any():
        first = int(missing.argmax()) + 1
        raise DataError(
            f"groups has no value in {int(missing.sum()):,} of {n_rows:,} rows, row {first:,} first: give "
            "each of them a group, such as one of its own."
        )
    try:
        np.unique(values)
    except TypeError:
        return _numbered(values)
    return values


def group_codes(groups: Any, n_rows: int) -> NDArray[np.intp]:
    """Groups as numbers from 0, shape (n_rows,); see :func:`read_groups`."""
    return np.asarray(np.unique(read_groups(groups, n_rows), return_inverse=True)[1], dtype=np.intp)


def _missing(given: Any, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a value is missing: a mask, None, NaN, NaT or pandas' NA."""
    missing = np.zeros(len(values), dtype=bool)
    if values.dtype.kind in "fcmM":
        missing |= values != values
    elif values.dtype.kind == "O":
        missing[:] = [_is_missing(value) for value in values]
    if isinstance(given, np.ma.MaskedArray):
        missing |= np.ma.getmaskarray(given).reshape(-1)
    return missing


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # pandas' NA has no truth value
        return True


def _numbered(values: NDArray[Any]) -> NDArray[np.intp]:
    numbers: dict[Any, int] = {}
    try:
        return np.array([numbers.setdefault((type(v), v), len(numbers)) for v in values], dtype=np.intp)
    except TypeError as error:
        kind = type(values[0]).__name__
        raise DataError(
            f"groups holds values that can't be compared, such as a {kind}: make them text."
        ) from error
