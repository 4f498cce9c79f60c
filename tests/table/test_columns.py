from __future__ import annotations

import numpy as np
import pytest

from taut.errors import DataError, DataWarning
from taut.table.columns import MOST_LEVELS, date_part, describe, describe_numbers
from taut.table.frame import (
    BooleanColumn,
    Column,
    DateColumn,
    Frame,
    Note,
    NumberColumn,
    NumberText,
    TextColumn,
)
from taut.table.schema import ColumnSchema, Part
from taut.table.texts import dictionary

VARYING = NumberColumn("other", np.array([0.5, 1.5] * 50))


def text_column(name: str, values: list[str | None]) -> TextColumn:
    codes, levels = dictionary(values, len(values))
    return TextColumn(name, codes, tuple(levels))


def describe_one(column: Column, *notes: Note) -> ColumnSchema:
    other = NumberColumn("other", np.arange(len(column)) % 2.0)
    return describe(Frame((column, other), len(column), notes)).columns[0]


def number(values: np.ndarray, name: str = "x") -> ColumnSchema:
    return describe_one(NumberColumn(name, np.asarray(values, dtype=np.float64)))


def test_numbers_stay_numbers() -> None:
    column = number(np.array([1.5, np.nan, 3.0, np.inf]))
    assert (column.kind, column.parts) == ("number", (Part("value"),))
    assert column.why == "numbers from 1.5 to 3, 2 missing"


def test_integers_stay_numbers() -> None:
    assert number(np.array([3, 1, 2, 1])).why == "integers from 1 to 3"
    assert number(np.array([3, 1, 2, 1])).kind == "number"


def test_how_a_number_was_read_stays_known() -> None:
    column = NumberColumn("x", np.array([1.0, 2.0]), NumberText(",", ("oops",)))
    found = describe_one(column, Note("x", "read with care."), Note("y", "not of x."))
    assert found.text == NumberText(",", ("oops",))
    assert found.why == "integers from 1 to 2; read with care"


# FAULTS 24


@pytest.mark.parametrize(
    "column",
    [
        NumberColumn("x", np.full(100, 3.0)),
        TextColumn("x", np.zeros(100, dtype=np.int32), ("a", "never there")),
        BooleanColumn("x", np.ones(100)),
        DateColumn("x", np.full(100, np.datetime64("2024-01-01", "us"))),
    ],
)
def test_a_constant_column_is_dropped(column: Column) -> None:
    found = describe_one(column)
    assert (found.kind, found.why) == ("dropped", "all values are the same")


@pytest.mark.parametrize(
    "column",
    [
        NumberColumn("x", np.full(100, np.nan)),
        NumberColumn("x", np.full(100, np.inf)),
        TextColumn("x", np.full(100, -1, dtype=np.int32), ("a",)),
        BooleanColumn("x", np.full(100, np.nan)),
        DateColumn("x", np.full(100, np.datetime64("NaT"), dtype="datetime64[us]")),
    ],
)
def test_an_all_missing_column_is_dropped(column: Column) -> None:
    found = describe_one(column)
    assert (found.kind, found.why) == ("dropped", "all values are missing")


@pytest.mark.parametrize(
    "column",
    [
        NumberColumn("x", np.array([3.0, np.nan] * 50)),
        TextColumn("x", np.array([0, -1] * 50, dtype=np.int32), ("a",)),
        BooleanColumn("x", np.array([1, np.nan] * 50)),
        DateColumn("x", np.array(["2024-01-01", "NaT"] * 50, dtype="datetime64[us]")),
    ],
)
def test_one_value_or_none_tells_something(column: Column) -> None:
    assert describe_one(column).kind != "dropped"


def test_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="no column to learn from: 'a': all values are the same"):
        describe(Frame((NumberColumn("a", np.zeros(3)),), 3))
    with pytest.raises(DataError, match="no column to learn from: it has no columns"):
        describe(Frame((), 3))
    with pytest.raises(DataError, match="the table has no rows"):
        describe(Frame((NumberColumn("a", np.zeros(0)),), 0))


# FAULTS 25


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", np.arange(100)),
        ("x", np.arange(0, 300, 3)),
        ("x", np.random.default_rng(0).permutation(100)),
        ("customer_id", np.random.default_rng(0).permutation(1000)[:100]),
        ("customerID", np.random.default_rng(0).permutation(1000)[:100]),
    ],
)
def test_an_identifier_of_numbers_is_warned_of(name: str, values: np.ndarray) -> None:
    with pytest.warns(
        DataWarning, match=f"column '{name}': every value is a different integer.*leave the column out"
    ):
        found = number(values, name)
    assert found.kind == "number"
    assert "like a row number or an identifier" in found.why


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", np.random.default_rng(0).permutation(1000)[:100]),
        ("paid", np.random.default_rng(0).permutation(1000)[:100]),
        ("x", np.arange(100) / 3),
        ("id", np.arange(100) % 50),
        ("x", np.arange(10)),
    ],
)
def test_other_numbers_are_no_identifier(name: str, values: np.ndarray) -> None:
    assert "identifier" not in number(values, name).why


def test_texts_that_are_all_different_are_dropped() -> None:
    with pytest.warns(
        DataWarning, match="column 'x': text with 100 different values in 100 rows.*is left out"
    ):
        found = describe_one(text_column("x", [f"name {place}" for place in range(100)]))
    assert found.kind == "dropped"
    assert "like a name or an identifier" in found.why


def test_texts_of_a_short_table_are_kept() -> None:
    assert describe_one(text_column("x", ["a", "b", "c"])).kind == "category"


# Categories


def test_levels_come_by_frequency_then_by_name() -> None:
    found = describe_one(text_column("x", ["b", "c", "a", None, "c", "b", "d", "c"]))
    assert (found.kind, found.levels) == ("category", ("c", "b", "a", "d"))
    assert found.why == "text with 4 different values, 1 missing"


def test_very_many_categories_are_grouped() -> None:  # FAULTS 28
    values: list[str | None] = [f"v{place}" for place in range(100_000)] + ["v5"] * 100_000
    found = describe_one(text_column("x", values))
    assert found.kind == "category"
    assert len(found.levels) == MOST_LEVELS
    assert found.levels[0] == "v5"
    assert (
        "100,000 different values; the 2,000 most frequent are told apart, 49.0% of the rows are 'other'"
        in found.why
    )


def test_yes_or_no() -> None:
    found = describe_one(BooleanColumn("x", np.array([1.0, 0.0, 1.0, np.nan]), ("no", "yes")))
    assert (found.kind, found.parts, found.why) == (
        "boolean",
        (Part("value"),),
        "yes or no, 67% yes, 1 missing",
    )


# Dates


def dates(*moments: str) -> DateColumn:
    return DateColumn("x", np.array(moments, dtype="datetime64[us]"), True)


def test_the_parts_of_dates_are_those_that_vary() -> None:
    found = describe_one(dates("2024-01-01", "2024-01-08", "NaT"))
    assert [part.what for part in found.parts] == ["days"]
    assert (found.why, found.day_first) == ("dates from 2024-01-01 to 2024-01-08, 1 missing", True)
    found = describe_one(dates("2024-01-01", "2024-01-02", "2024-01-03", "2024-08-01"))
    assert [part.what for part in found.parts] == [
        "days",
        "season sin",
        "season cos",
        "weekday sin",
        "weekday cos",
    ]
    found = describe_one(dates("2024-01-01T10:00", "2024-01-01T11:00"))
    assert [part.what for part in found.parts] == ["days", "hour sin", "hour cos"]


def test_the_values_of_date_parts() -> None:
    column = dates("1970-01-02", "2024-07-01T06:00", "NaT").values
    assert date_part(column, "days")[:2].tolist() == [1.0, 19905.25]
    assert date_part(column, "hour sin")[:2].tolist() == pytest.approx([0.0, 1.0])
    assert date_part(column, "hour cos")[:2].tolist() == pytest.approx([1.0, 0.0])
    assert date_part(column, "season cos")[1] == pytest.approx(-1.0, abs=0.01)
    for what in ("days", "season sin", "season cos", "weekday sin", "weekday cos", "hour sin", "hour cos"):
        assert np.isnan(date_part(column, what)[2])  # type: ignore[arg-type]


def test_days_of_the_week_come_round() -> None:
    week = np.arange("2024-01-01", "2024-01-16", dtype="datetime64[D]").astype("datetime64[us]")
    sine, cosine = date_part(week, "weekday sin"), date_part(week, "weekday cos")
    assert sine[:7] == pytest.approx(sine[7:14])
    assert len({(round(a, 9), round(b, 9)) for a, b in zip(sine, cosine, strict=True)}) == 7


# Origin and unit


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (np.linspace(0, 1e5, 50) ** 1.1, Part("value")),
        (1e9 + np.linspace(-1, 1, 51), Part("value", 1e9, 1.0)),
        (np.linspace(-1, 1, 51) * 1e-30, Part("value", 0.0, 1e-30)),
        (np.linspace(-1, 1, 51) * 5e300, Part("value", 0.0, 1e300)),
        (np.array([0.0, 1.0] * 10), Part("value")),
        (np.array([0.0] * 99 + [1.0]), Part("value")),
    ],
)
def test_origin_and_unit(values: np.ndarray, part: Part) -> None:
    assert number(values).parts == (part,)


def test_an_outlier_does_not_hide_the_figures_of_the_others() -> None:
    values = np.concatenate([1e9 + np.linspace(-1, 1, 99), [0.0]])
    assert number(values).parts[0].origin == pytest.approx(1e9)


def test_values_at_the_end_of_float64() -> None:
    part = number(np.array([-1.7e308, 1.7e308, 0.0, 1.0])).parts[0]
    assert part.origin == 0.0
    assert np.isfinite(part.unit)


# Arrays


def test_describe_numbers_agrees_with_describe() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    X[:, 1] = 1e9 + X[:, 1]
    X[:, 2] *= 1e-20
    X[::3, 3] = np.nan
    X[:, 4] = 5.0
    X[:, 5] = np.nan
    columns = tuple(NumberColumn(f"x{place}", X[:, place]) for place in range(6))
    table, array = describe(Frame(columns, 200)), describe_numbers(X)
    for one, other in zip(table.columns, array.columns, strict=True):
        assert (one.name, one.kind, one.why) == (other.name, other.kind, other.why)
        assert [part.unit for part in one.parts] == [part.unit for part in other.parts]
        assert [part.origin for part in one.parts] == pytest.approx([part.origin for part in other.parts])


def test_an_array_of_constants_keeps_an_input() -> None:
    schema = describe_numbers(np.ones((5, 2)))
    assert [column.kind for column in schema.columns] == ["number", "dropped"]
    assert "kept, because a network needs an input" in schema.columns[0].why
    assert [column.kind for column in describe_numbers(np.full((5, 1), np.nan)).columns] == ["number"]


def test_arrays_of_integers() -> None:
    assert describe_numbers(np.arange(6).reshape(3, 2)).columns[0].why == "numbers from 0 to 4"
