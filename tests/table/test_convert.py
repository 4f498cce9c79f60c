from __future__ import annotations

import datetime as dt
import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from taut.errors import DataError, DataWarning
from taut.table.convert import frame_from
from taut.table.frame import BooleanColumn, DateColumn, Frame, NumberColumn, TextColumn
from taut.table.schema import ColumnSchema, Schema

NAN = float("nan")


def values(frame: Frame, name: str) -> list[Any]:
    column = frame.column(name)
    if isinstance(column, TextColumn):
        return [None if code < 0 else column.levels[code] for code in column.codes]
    return [
        None if gone else value for value, gone in zip(column.values.tolist(), column.missing, strict=True)
    ]


POLARS = {
    "integer": pl.Series([1, None, 3]),
    "float": pl.Series([1.5, None, float("inf")], dtype=pl.Float32),
    "decimal": pl.Series([Decimal("1.5"), None, Decimal("2")]),
    "flag": pl.Series([True, None, False]),
    "text": pl.Series(["b", None, " a"]),
    "category": pl.Series(["b", None, "a"], dtype=pl.Categorical),
    "date": pl.Series([dt.date(2024, 1, 1), None, dt.date(2024, 1, 2)]),
    "moment": pl.Series([dt.datetime(2024, 1, 1, 5), None, dt.datetime(2024, 1, 2)]),
    "duration": pl.Series([dt.timedelta(hours=1), None, dt.timedelta(milliseconds=1)]),
    "time": pl.Series([dt.time(1), None, dt.time(0, 0, 1)]),
    "nothing": pl.Series([None, None, None]),
}
EXPECTED: dict[str, tuple[type, list[Any]]] = {
    "integer": (NumberColumn, [1.0, None, 3.0]),
    "float": (NumberColumn, [1.5, None, float("inf")]),
    "decimal": (NumberColumn, [1.5, None, 2.0]),
    "flag": (BooleanColumn, [1.0, None, 0.0]),
    "text": (TextColumn, ["b", None, "a"]),
    "category": (TextColumn, ["b", None, "a"]),
    "date": (DateColumn, [dt.datetime(2024, 1, 1), None, dt.datetime(2024, 1, 2)]),
    "moment": (DateColumn, [dt.datetime(2024, 1, 1, 5), None, dt.datetime(2024, 1, 2)]),
    "duration": (NumberColumn, [3600.0, None, 0.001]),
    "time": (NumberColumn, [3600.0, None, 1.0]),
    "nothing": (NumberColumn, [None, None, None]),
}


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "pandas", "pandas with arrow"])
def test_a_data_frame_of_all_kinds(kind: str) -> None:
    data = pl.DataFrame(POLARS)
    X: Any = {
        "polars": lambda: data,
        "pyarrow": data.to_arrow,
        "pandas": data.to_pandas,
        "pandas with arrow": lambda: data.to_pandas(use_pyarrow_extension_array=True),
    }[kind]()
    frame = frame_from(X)
    assert frame.names == tuple(EXPECTED)
    assert frame.n_rows == 3
    for name, (column_type, expected) in EXPECTED.items():
        if (kind, name) == ("pandas with arrow", "time"):
            continue  # pandas gives these as Python objects, tested below
        assert isinstance(frame.column(name), column_type), name
        assert values(frame, name) == expected, name


def test_enumerations_of_polars() -> None:
    frame = frame_from(pl.DataFrame({"a": pl.Series(["y", None], dtype=pl.Enum(["x", "y"]))}))
    assert values(frame, "a") == ["y", None]


def test_nullable_and_categorical_pandas() -> None:
    frame = frame_from(
        pd.DataFrame(
            {
                "Int64": pd.array([1, None], dtype="Int64"),
                "boolean": pd.array([None, True], dtype="boolean"),
                "string": pd.array(["x", None], dtype="string"),
                "text category": pd.Categorical(["x", None], categories=["unused", "x"]),
                "integer category": pd.Categorical([5, None]),
                "float category": pd.Categorical([5.0, 2.5]),
            }
        )
    )
    assert values(frame, "Int64") == [1.0, None]
    assert isinstance(frame.column("boolean"), BooleanColumn)
    assert values(frame, "boolean") == [None, 1.0]
    assert values(frame, "string") == ["x", None]
    assert values(frame, "text category") == ["x", None]
    assert values(frame, "integer category") == ["5", None]
    assert values(frame, "float category") == ["5", "2.5"]


def test_zones_are_given_in_utc() -> None:
    moment = pd.Timestamp("2024-07-01 12:00", tz="Europe/Oslo")
    for data in (
        pd.DataFrame({"a": [moment]}),
        pl.DataFrame({"a": [moment.to_pydatetime()]}),
        pd.DataFrame({"a": pd.Series([moment.to_pydatetime()], dtype=object)}),
    ):
        assert values(frame_from(data), "a") == [dt.datetime(2024, 7, 1, 10)]


@pytest.mark.parametrize(
    ("content", "column_type", "expected"),
    [
        ([1, 2.5, None], NumberColumn, [1.0, 2.5, None]),
        ([Decimal("1.5"), np.int8(2), NAN], NumberColumn, [1.5, 2.0, None]),
        ([True, None, False], BooleanColumn, [1.0, None, 0.0]),
        ([True, 2, None], NumberColumn, [1.0, 2.0, None]),
        ([float(10**300), 10**400, 0.5], NumberColumn, [1e300, float("inf"), 0.5]),
        (["a", 1, "b"], TextColumn, ["a", "1", "b"]),
        (["a", 1.0, "b"], TextColumn, ["a", "1", "b"]),
        (["a", NAN, "b"], TextColumn, ["a", None, "b"]),
        ([pd.NA, "a", pd.NaT], TextColumn, [None, "a", None]),
        ([dt.date(2024, 1, 1), None, pd.NaT], DateColumn, [dt.datetime(2024, 1, 1), None, None]),
        (
            [np.datetime64("2024-01-01"), dt.datetime(2024, 1, 1), None],
            DateColumn,
            [dt.datetime(2024, 1, 1)] * 2 + [None],
        ),
        ([dt.timedelta(1), np.timedelta64(1, "m"), dt.time(0, 1)], NumberColumn, [86400.0, 60.0, 60.0]),
        ([None, None, NAN], NumberColumn, [None, None, None]),
    ],
)
def test_objects_are_read_by_what_they_are(
    content: list[Any], column_type: type, expected: list[Any]
) -> None:
    array = np.empty((3, 1), dtype=object)
    array[:, 0] = content
    series = pd.Series(np.array([*content, None], dtype=object)[:3], dtype=object)
    for X in (array, pd.DataFrame({"x0": series}), [[value] for value in content]):
        frame = frame_from(X)
        assert isinstance(frame.column("x0"), column_type)
        assert values(frame, "x0") == expected


@pytest.mark.parametrize(
    ("array", "column_type", "expected"),
    [
        (np.array([[1, 2], [3, 4]], dtype=np.int8), NumberColumn, [2.0, 4.0]),
        (np.array([[1, 2], [3, NAN]], dtype=np.float32), NumberColumn, [2.0, None]),
        (np.array([[True, False], [True, True]]), BooleanColumn, [0.0, 1.0]),
        (np.array([["a", "b"], ["c", ""]]), TextColumn, ["b", None]),
        (np.array([["2024-01-01", "NaT"]] * 2, dtype="datetime64[D]"), DateColumn, [None, None]),
        (np.array([[1, 2], [3, 4]], dtype="timedelta64[m]"), NumberColumn, [120.0, 240.0]),
    ],
)
def test_arrays(array: np.ndarray, column_type: type, expected: list[Any]) -> None:
    frame = frame_from(array)
    assert frame.names == ("x0", "x1")
    assert isinstance(frame.column("x1"), column_type)
    assert values(frame, "x1") == expected


# FAULTS 9


def test_columns_that_are_not_read_are_all_named() -> None:
    data = pl.DataFrame({"ok": [1], "list": [[1]], "struct": [{"a": 1}], "bytes": [b"x"]})
    with pytest.raises(
        DataError, match=r"'list' \(nested\), 'struct' \(nested\), 'bytes' \(binary\); leave them out"
    ):
        frame_from(data)
    with pytest.raises(DataError, match="'list' .*'struct' .*'bytes'"):
        frame_from(data.to_arrow())
    data = pd.DataFrame(
        {
            "dict": [{"a": 1}],
            "complex": [1j],
            "object": [object()],
            "period": pd.period_range("2024", periods=1),
        }
    )
    with pytest.raises(
        DataError, match=r"'dict' \(nested, such as dict\), 'complex' \(of the type complex128\)"
    ):
        frame_from(data)
    with pytest.raises(
        DataError, match=r"'object' \(unknown, such as object\), 'period' \(of the type period"
    ):
        frame_from(data)
    with pytest.raises(DataError, match="'x0' .binary"):
        frame_from(np.array([[b"x"]]))
    with pytest.raises(DataError, match="'x0' .complex128"):
        frame_from(np.array([[1j]]))


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.zeros(3), "Expected 2D array, got 1D array instead"),
        (np.zeros((2, 2, 2)), "got 3D array"),
        ([1, 2], "Expected 2D array"),
        (np.zeros(2, dtype=[("a", float)]), "Expected 2D array"),
        (np.zeros((2, 1), dtype=[("a", float)]), "named fields"),
        ([[1, 2], [3]], "Expected 2D array|different lengths"),
        (pd.Series([1]), "a table is needed, and not a Series"),
        (pl.LazyFrame({"a": [1]}), "not a LazyFrame: a data frame in memory"),
        ("table.csv", "not a str"),
        (None, "not a NoneType"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns have the same name"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "two columns are named '1'"),
    ],
)
def test_what_is_no_table(X: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        frame_from(X)


def test_names_of_pandas_that_are_no_text() -> None:
    assert frame_from(pd.DataFrame([[1, 2]])).names == ("0", "1")


def test_no_rows_are_no_error_yet() -> None:
    assert frame_from(pd.DataFrame({"a": pd.Series([], dtype=float)})).n_rows == 0
    assert frame_from(np.empty((0, 2))).names == ("x0", "x1")


def test_the_data_frame_is_left_alone() -> None:
    data = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["x", "y"])})
    before = data.copy(deep=True)
    frame_from(data)
    pd.testing.assert_frame_equal(data, before)
    assert frame_from(pa.table({"a": [1]})).names == ("a",)


# Texts are read as those of files (FAULTS 67), and integers that numbers would confuse are texts (72)

PRICES = [f"${price:,}.50" for price in range(1, 4000, 101)]
ZIPS = ["01234", "99501"] * 20


@pytest.mark.fault(67)
@pytest.mark.parametrize(
    "library",
    [
        pd.DataFrame,
        lambda data: pd.DataFrame(data, dtype=object),
        lambda data: pd.DataFrame(data, dtype="string[pyarrow]"),
        pl.DataFrame,
        pa.table,
    ],
    ids=["pandas", "pandas objects", "pandas arrow", "polars", "pyarrow"],
)
def test_texts_are_read_as_those_of_files(library: Any) -> None:
    data = library(
        {
            "price": PRICES,
            "when": [f"{1 + place % 28}.2.2024" for place in range(40)],
            "ok": ["yes", "no", "-", "yes"] * 10,
            "zip": ZIPS,
            "nothing": ["NA", "", "?", "none"] * 10,
        }
    )
    with pytest.warns(DataWarning, match="'zip': its numbers have leading zeros") as caught:
        frame = frame_from(data)
    assert len(caught) == 1
    assert values(frame, "price") == [price + 0.5 for price in range(1, 4000, 101)]
    assert values(frame, "when")[:2] == [dt.datetime(2024, 2, 1), dt.datetime(2024, 2, 2)]
    assert values(frame, "ok") == [1.0, 0.0, None, 1.0] * 10
    assert values(frame, "zip") == ZIPS
    assert values(frame, "nothing") == [None] * 40
    assert "column 'price': read as numbers with these marks: $, thousands marks." in map(str, frame.notes)


@pytest.mark.fault(67)
def test_a_category_is_one_whatever_its_values_look_like() -> None:
    for data in (
        pd.DataFrame({"a": pd.Categorical(["$1", "NA", "yes"])}),
        pl.DataFrame({"a": pl.Series(["$1", "NA", "yes"], dtype=pl.Categorical)}),
        pl.DataFrame({"a": pl.Series(["$1", "NA", "yes"], dtype=pl.Enum(["$1", "NA", "yes"]))}),
        pa.table({"a": pa.array(["$1", "NA", "yes"]).dictionary_encode()}),
    ):
        assert values(frame_from(data), "a") == ["$1", "NA", "yes"]


@pytest.mark.fault(67)
def test_columns_without_a_doubt_tell_the_decimal_mark_of_one_with() -> None:
    doubt = ["1,234", "5,678"] * 10
    assert values(frame_from(pd.DataFrame({"a": doubt})), "a")[:2] == [1234.0, 5678.0]
    sure = pd.DataFrame({"a": doubt, "b": ["0,5", "12,75"] * 10})
    assert values(frame_from(sure), "a")[:2] == [1.234, 5.678]


@pytest.mark.fault(67)
def test_with_a_schema_texts_are_left_to_it() -> None:
    levels = ("NA", "x")
    schema = Schema((ColumnSchema("a", "category", "", levels=levels), ColumnSchema("b", "dropped", "")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = frame_from(pd.DataFrame({"a": ["NA", " 007", "?"], "b": ["$1", "$2", "many"]}), schema)
    assert values(frame, "a") == ["NA", "007", None]
    assert values(frame, "b") == ["$1", "$2", "many"]


BIG = 2**53


@pytest.mark.fault(72)
@pytest.mark.parametrize(
    "series",
    [
        pd.Series([BIG + 1, BIG + 2, None], dtype="Int64"),
        pd.Series([BIG + 1, BIG + 2, None], dtype="int64[pyarrow]"),
        pd.Series([BIG + 1, BIG + 2, None], dtype=object),
        pd.Series([Decimal(BIG + 1), Decimal(BIG + 2), None], dtype=object),
        pl.Series([BIG + 1, BIG + 2, None]),
        pl.Series([BIG + 1, BIG + 2, None], dtype=pl.UInt64),
        pl.Series([Decimal(BIG + 1), Decimal(BIG + 2), None], dtype=pl.Decimal(38, 0)),
        pl.Series([str(BIG + 1), str(BIG + 2), None]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_integers_that_numbers_would_confuse_are_texts(series: Any) -> None:
    data = pl.DataFrame({"a": series}) if isinstance(series, pl.Series) else pd.DataFrame({"a": series})
    said = (
        "column 'a': its integers have more figures than a number holds, as in '9007199254740993'; it is kept"
    )
    with pytest.warns(DataWarning, match=said):
        frame = frame_from(data)
    assert values(frame, "a") == [str(BIG + 1), str(BIG + 2), None]


@pytest.mark.fault(72)
@pytest.mark.parametrize("large", [BIG, -BIG, 2**60])
def test_few_large_integers_are_numbers_still(large: int) -> None:
    column = frame_from(pd.DataFrame({"a": [large, *range(199)]})).column("a")
    assert isinstance(column, NumberColumn)
    assert column.values[:2].tolist() == [float(large), 0.0]
    fractions = pl.DataFrame({"a": pl.Series([Decimal("9007199254740993.5")] * 3)})
    assert isinstance(frame_from(fractions).column("a"), NumberColumn)
