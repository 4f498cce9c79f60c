"""Targets in memory of every type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from taut.errors import DataError
from taut.table.frame import BooleanColumn, DateColumn, Frame, NumberColumn, TextColumn
from taut.table.target import target_array, target_column
from tests.ids import without_address

BIG = 2**60


def objects(*values: Any) -> np.ndarray:
    return np.array([*values, None], dtype=object)[:-1]


@pytest.mark.fault(73)
@pytest.mark.parametrize(
    ("y", "kind", "expected"),
    [
        (objects(1.5, 2.5), "f", [1.5, 2.5]),
        (objects(1, 2.5), "f", [1.0, 2.5]),
        (objects(Decimal("1.5"), Decimal("2")), "f", [1.5, 2.0]),
        (objects(Fraction(1, 2), 2), "f", [0.5, 2.0]),
        (objects(True, False), "b", [True, False]),
        (objects(np.bool_(True), False), "b", [True, False]),
        (objects(1, 2), "i", [1, 2]),
        (objects(True, 2), "i", [1, 2]),
        (objects(BIG, BIG + 1), "i", [BIG, BIG + 1]),
        (objects(2**63, 2**64 - 1), "u", [2**63, 2**64 - 1]),
        (objects(2**80, -(2**81)), "f", [2.0**80, -(2.0**81)]),
        (objects("a", "b"), "O", ["a", "b"]),
        ([1, 2], "i", [1, 2]),
        ([BIG, BIG + 1], "i", [BIG, BIG + 1]),
        ([2**63, -1], "f", [2.0**63, -1.0]),
        ([True, False], "b", [True, False]),
        (["a", "b"], "U", ["a", "b"]),
        ([Decimal("0.5"), 1], "f", [0.5, 1.0]),
        (pd.Series([BIG, BIG + 1], dtype="Int64"), "i", [BIG, BIG + 1]),
        (pd.Series([BIG, BIG + 1], dtype="int64[pyarrow]"), "i", [BIG, BIG + 1]),
        (pd.Series([True, False], dtype="boolean"), "b", [True, False]),
        (pd.Series([True, False], dtype="bool[pyarrow]"), "b", [True, False]),
        (pd.Series(["a", "b"], dtype="string[pyarrow]"), "O", ["a", "b"]),
        (pd.Series(["a", "b"], dtype="string"), "O", ["a", "b"]),
        (pd.Series([3, 1], dtype="category"), "i", [3, 1]),
        (pd.Series([0.5, 1.5], dtype="Float64"), "f", [0.5, 1.5]),
        (pd.array([1, 2], dtype="Int64"), "i", [1, 2]),
        (pd.Index([1, 2]), "i", [1, 2]),
        (pd.Categorical(["b", "a"]), "O", ["b", "a"]),
        (pl.Series([BIG, BIG + 1]), "i", [BIG, BIG + 1]),
        (pl.Series([Decimal("1.5"), Decimal("2")]), "f", [1.5, 2.0]),
        (pl.Series(["a", "b"], dtype=pl.Categorical), "O", ["a", "b"]),
        (pa.chunked_array([[True, False]]), "b", [True, False]),
        (pa.array([BIG, BIG + 1]), "i", [BIG, BIG + 1]),
        (pa.array(["a", "b"]).dictionary_encode(), "O", ["a", "b"]),
        (np.ma.array([1, 2], mask=[False, False]), "i", [1, 2]),
        (np.array([1, 2], dtype=np.uint8), "u", [1, 2]),
    ],
    ids=lambda value: without_address(f"{getattr(value, 'dtype', '')}{value!r}")[:60].replace("\n", " "),
)
def test_a_target_keeps_its_type_or_is_read_by_what_it_holds(y: Any, kind: str, expected: list[Any]) -> None:
    found = target_array(y)
    assert found.dtype.kind == kind
    assert found.tolist() == expected
    assert [type(value) for value in found.tolist()] == [type(value) for value in expected]


DATES = "the target 'y' holds dates; make a number of it, such as days from a start"
DURATIONS = "the target 'y' holds durations or times of the day; make a number of it, such as seconds"
MISSING = "y has missing values: leave out those rows"


@pytest.mark.fault(73)
@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"), DATES),
        (objects(dt.date(2024, 1, 1), pd.NaT), DATES),
        ([dt.datetime(2024, 1, 1)] * 2, DATES),
        (pl.Series([dt.date(2024, 1, 1)]), DATES),
        (pd.Series(pd.date_range("2024", periods=2), name="when"), DATES.replace("'y'", "'when'")),
        (pd.DatetimeIndex(["2024-01-01"]), DATES),
        (np.array([1, 2], dtype="timedelta64[s]"), DURATIONS),
        (pd.Series(pd.to_timedelta([1, 2], unit="s")), DURATIONS),
        (objects(dt.timedelta(1), dt.timedelta(2)), DURATIONS),
        ([dt.time(1)], DURATIONS),
        (pl.Series([dt.time(1)]), DURATIONS),
        ([pd.NaT, pd.NaT], MISSING),
        (
            np.ma.array([1, 2, 3], mask=[False, True, False]),
            "y is masked in 1 of 3 rows: leave out those rows",
        ),
        (objects(1, None), MISSING),
        (objects("a", float("nan")), MISSING),
        (objects(pd.NA, True), MISSING),
        (pd.Series([1, None], dtype="Int64"), MISSING),
        (pd.Series(["a", None], dtype="string[pyarrow]"), MISSING),
        (pl.Series([1, None]), MISSING),
        (pa.array([1, None]), MISSING),
        (objects("a", 1), "y mixes int and str: make all classes text, or all numbers"),
        (["a", 1], "y mixes int and str: make all classes text, or all numbers"),
        ([b"a", b"b"], "y holds values of the type bytes: make them numbers or text"),
        ([(1, 2), (3,)], "y holds values of the type tuple"),
        (pd.Series(pd.period_range("2024", periods=2)), "y holds values of the type Period"),
        ([2**80, 2**80 + 1], "y has integers of more than 64 bits"),
        ([10**400, 1], "y has integers that are too large"),
        (Frame((NumberColumn("a", np.zeros(2)),), 2), "y is a table: give one column of it"),
    ],
    ids=without_address,
)
def test_what_is_no_target_is_refused_in_a_sentence(y: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        target_array(y)


@pytest.mark.parametrize("y", [np.zeros((3, 2)), [[1, 2], [3, 4]], 3, "abc", None], ids=str)
def test_what_is_no_column_is_left_to_the_checks_of_its_shape(y: Any) -> None:
    assert np.ndim(target_array(y)) != 1


@pytest.mark.parametrize(
    ("values", "column"),
    [
        (np.array([True, False]), BooleanColumn),
        (np.array(["yes", "no"]), BooleanColumn),
        (np.array([1, 2]), NumberColumn),
        (np.array(["$1,200", "$7"]), NumberColumn),
        (np.array([BIG, BIG + 1]), TextColumn),
        (np.array(["01234", "99501"]), TextColumn),
        (np.array(["a", "b"], dtype=object), TextColumn),
        (np.array(["2024-01-01", "2024-02-01"]), DateColumn),
        (np.array([f"{place}.5" for place in range(90)] + ["a", "b"] * 5), TextColumn),
    ],
    ids=lambda value: without_address(value)[:40],
)
def test_the_column_is_that_of_a_file_with_the_same_values(values: np.ndarray, column: type) -> None:
    assert isinstance(target_column(values), column)


@pytest.mark.fault(74)
def test_words_for_missing_are_classes_among_text_and_yes_or_no() -> None:
    for values in (["None", "Beer", "Wine"], ["yes", "no", "-"]):
        column = target_column(np.array(values * 10))
        assert isinstance(column, TextColumn)
        assert set(column.levels) == set(values)
        assert not column.missing.any()
