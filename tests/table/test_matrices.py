from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from taut.errors import DataError, DataWarning
from taut.table.columns import describe
from taut.table.convert import frame_from
from taut.table.frame import BooleanColumn, Column, DateColumn, Frame, NumberColumn, NumberText, TextColumn
from taut.table.matrices import MOST, Matrix, matrix, matrix_from_numbers
from taut.table.schema import ColumnSchema, Part, Schema

TRAIN = frame_from(
    pd.DataFrame(
        {
            "age": [20.0, 30.0, np.nan, 50.0],
            "city": ["Oslo", "Rome", "Oslo", None],
            "member": pd.array([True, False, None, True], dtype="boolean"),
            "joined": pd.to_datetime(["2024-01-01", "2024-01-08", None, "2024-01-15"]),
            "constant": [1, 1, 1, 1],
        }
    )
)
SCHEMA = describe(TRAIN)


def one(column: Column, schema: ColumnSchema, strict: bool = False) -> Matrix:
    return matrix(Schema((schema,)), Frame((column,), len(column)), strict=strict)


def number(values: list[float], name: str = "x") -> NumberColumn:
    return NumberColumn(name, np.array(values, dtype=np.float64))


def text(values: list[str | None]) -> TextColumn:
    levels = tuple(dict.fromkeys(value for value in values if value is not None))
    codes = [-1 if value is None else levels.index(value) for value in values]
    return TextColumn("x", np.array(codes, dtype=np.int32), levels)


NUMBER = ColumnSchema("x", "number", "", (Part("value"),))
CATEGORY = ColumnSchema("x", "category", "", levels=("a", "b"))
BOOLEAN = ColumnSchema("x", "boolean", "", (Part("value"),))
DATE = ColumnSchema("x", "date", "", (Part("days"),))


def test_numbers_first_then_codes() -> None:
    found = matrix(SCHEMA, TRAIN, strict=True)
    assert found.names == ("age", "member", "joined (days)", "city")
    assert found.n_numbers == 3
    assert found.levels == (("Oslo", "Rome"),)
    assert found.n_levels.tolist() == [4]
    assert found.n_levels.dtype == np.int32
    assert found.values.dtype == np.float32
    assert found.values.flags.c_contiguous
    assert found.n_rows == 4
    expected = [[20, 1, -7, 0], [30, 0, 0, 1], [np.nan, np.nan, np.nan, 0], [50, 1, 7, 3]]
    assert np.array_equal(found.values, expected, equal_nan=True)
    assert found.notes == ()


# FAULTS 30 and 31


def test_missing_columns_are_listed() -> None:
    with pytest.raises(
        DataError, match="2 of the columns that the model was trained on are not there: 'age', 'joined'"
    ):
        matrix(SCHEMA, TRAIN.without(["age", "joined"]), strict=False)


def test_a_dropped_column_may_be_missing() -> None:
    assert matrix(SCHEMA, TRAIN.without(["constant"]), strict=False).n_rows == 4


def test_the_order_and_other_columns_do_not_matter() -> None:
    shuffled = Frame((number([9] * 4, "extra"), *TRAIN.columns[::-1]), 4)
    assert np.array_equal(
        matrix(SCHEMA, shuffled, strict=False).values,
        matrix(SCHEMA, TRAIN, strict=False).values,
        equal_nan=True,
    )


# FAULTS 29


def test_unseen_categories_are_other_and_counted() -> None:
    found = one(text(["b", "new", None, "newer", "a"]), CATEGORY)
    assert found.values[:, 0].tolist() == [1, 2, 3, 2, 0]
    assert str(found.notes[0]) == (
        "column 'x': 2 of 5 rows hold a value that is not told apart, such as 'new', 'newer'; "
        "they count as 'other'."
    )


def test_categories_that_come_as_something_else() -> None:
    schema = ColumnSchema("x", "category", "", levels=("1", "2.5", "yes", " b"))
    assert one(number([2.5, 1, np.nan, 7]), schema).values[:, 0].tolist() == [1, 0, 5, 4]
    flags = BooleanColumn("x", np.array([1, 0, np.nan]), ("no", "yes"))
    assert one(flags, schema).values[:, 0].tolist() == [2, 4, 5]
    assert one(text(["b", "yes "]), schema).values[:, 0].tolist() == [3, 2]
    days = DateColumn("x", np.array(["2024-01-01", "NaT"], dtype="datetime64[us]"))
    assert one(days, schema).values[:, 0].tolist() == [4, 5]
    assert one(number([np.nan] * 2), schema).values[:, 0].tolist() == [5, 5]


# FAULTS 32


def test_text_that_is_numbers_is_read() -> None:
    assert np.array_equal(
        one(text(["1.5", "€2,000", "NA", None]), NUMBER).values[:, 0],
        [1.5, 2000, np.nan, np.nan],
        equal_nan=True,
    )
    comma = ColumnSchema("x", "number", "", (Part("value"),), text=NumberText(",", ("oops",)))
    assert np.array_equal(
        one(text(["1,234", "oops"]), comma).values[:, 0], [np.float32(1.234), np.nan], equal_nan=True
    )


def test_text_that_is_no_number_is_counted() -> None:
    with pytest.raises(
        DataError,
        match="'x' held numbers in training, and 3 of 4 rows now hold text: 'abc', 'd' .first in row 2",
    ):
        one(text(["1", "abc", "d", "abc"]), NUMBER)


@pytest.mark.parametrize(
    ("column", "schema", "said"),
    [
        (
            DateColumn("x", np.array(["2024-01-01"], dtype="datetime64[us]")),
            NUMBER,
            "holds dates, and held numbers",
        ),
        (
            DateColumn("x", np.array(["2024-01-01"], dtype="datetime64[us]")),
            BOOLEAN,
            "holds dates, and held yes or no",
        ),
        (number([1.0]), DATE, "holds numbers, and held dates"),
        (text(["soon"]), DATE, "held dates in training, and 1 of 1 rows now hold text: 'soon'"),
        (text(["maybe"]), BOOLEAN, "held yes or no in training, and 1 of 1 rows now hold text: 'maybe'"),
        (number([0.0, 2.0]), BOOLEAN, "1 of 2 rows now hold numbers other than 0 and 1"),
    ],
)
def test_another_kind_than_in_training(column: Column, schema: ColumnSchema, said: str) -> None:
    with pytest.raises(DataError, match=said):
        one(column, schema)


def test_the_same_in_another_dress() -> None:
    assert one(BooleanColumn("x", np.array([1.0, 0.0])), NUMBER).values[:, 0].tolist() == [1, 0]
    assert one(text(["Yes", "F", "1", "0"]), BOOLEAN).values[:, 0].tolist() == [1, 0, 1, 0]
    assert one(number([1, 0]), BOOLEAN).values[:, 0].tolist() == [1, 0]
    assert one(text(["1970-01-03", "1970-01-01 12:00"]), DATE).values[:, 0].tolist() == [2, 0.5]
    first = ColumnSchema("x", "date", "", (Part("days"),), day_first=True)
    assert one(text(["2/1/1970"]), first).values[0, 0] == 1


@pytest.mark.parametrize("schema", [NUMBER, CATEGORY, BOOLEAN, DATE])
@pytest.mark.parametrize(
    "column",
    [
        number([np.nan] * 2),
        text([None] * 2),
        text(["", "NA"]),
        BooleanColumn("x", np.full(2, np.nan)),
        DateColumn("x", np.full(2, np.datetime64("NaT"), dtype="datetime64[us]")),
    ],
)
def test_nothing_at_all_fits_every_kind(schema: ColumnSchema, column: Column) -> None:
    values = one(column, schema).values[:, 0]
    if schema is not CATEGORY:
        assert np.isnan(values).all()
    elif isinstance(column, TextColumn) and column.levels:
        assert values.tolist() == [2, 2]  # a data frame's texts are taken as they are
    else:
        assert values.tolist() == [3, 3]


# FAULTS 26 and 27


def test_infinities_are_missing_with_a_warning() -> None:
    with pytest.warns(DataWarning, match="column 'x': 2 numbers are infinite; they count as missing"):
        found = one(number([np.inf, 1, -np.inf]), NUMBER)
    assert np.array_equal(found.values[:, 0], [np.nan, 1, np.nan], equal_nan=True)
    assert len(found.notes) == 1


def test_infinities_are_an_error_where_strict() -> None:
    with pytest.raises(DataError, match="column 'x' contains infinity, in 1 of 2 rows"):
        one(number([np.inf, 1]), NUMBER, strict=True)


def test_huge_values_are_clipped_with_a_warning() -> None:
    with pytest.warns(
        DataWarning, match="column 'x': 2 numbers are too far from the others; they are clipped"
    ):
        found = one(number([1e300, 1, -1e300]), NUMBER)
    assert found.values[:, 0].tolist() == [np.float32(MOST), 1, -np.float32(MOST)]
    X = np.random.default_rng(0).normal(size=(100, 1))
    X[7] = 1e300
    with pytest.warns(DataWarning, match="column 'x0': 1 number is too far"):
        _, array = matrix_from_numbers(X)
    assert array.values[7, 0] == np.float32(MOST)


def test_float32_keeps_the_figures_of_large_numbers() -> None:
    values = 1.7e9 + np.random.default_rng(0).normal(size=1000)
    frame = Frame((NumberColumn("x", values),), 1000)
    schema = describe(frame)
    found = matrix(schema, frame, strict=False).values[:, 0]
    assert np.allclose(np.float64(found) + schema.columns[0].parts[0].origin, values, rtol=0, atol=1e-6)
    _, array = matrix_from_numbers(values[:, None])
    assert np.array_equal(array.values[:, 0], found)


# Arrays


def test_a_fit_array_is_shared_and_left_alone() -> None:
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    X[0, 0] = np.nan
    before = X.copy()
    schema, found = matrix_from_numbers(X)
    assert found.values is X
    assert found.names == ("x0", "x1", "x2")
    assert (found.n_numbers, found.levels, found.n_levels.shape) == (3, (), (0,))
    again, other = matrix_from_numbers(X, schema)
    assert again is schema
    assert other.values is X
    X[0, 1] = 1e30
    with pytest.warns(DataWarning, match="clipped"):
        _, clipped = matrix_from_numbers(X, schema)
    assert clipped.values is not X
    assert X[0, 1] == np.float32(1e30)
    assert clipped.values[0, 1] == np.float32(MOST)
    assert np.array_equal(clipped.values[1:], before[1:], equal_nan=True)


def test_clipping_in_a_later_block_keeps_the_earlier_ones() -> None:
    X = np.random.default_rng(0).normal(size=(10_000, 2)).astype(np.float32)
    X[9_000, 1] = 1e30
    with pytest.warns(DataWarning, match="column 'x1': 1 number"):
        _, found = matrix_from_numbers(X)
    expected = X.copy()
    expected[9_000, 1] = MOST
    assert np.array_equal(found.values, expected)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, np.bool_])
def test_arrays_of_other_types_and_orders(order: str, dtype: type) -> None:
    X = np.asarray(np.random.default_rng(0).integers(0, 2, (40, 3)), dtype=dtype, order=order)  # type: ignore[call-overload]
    X.flags.writeable = False
    _, found = matrix_from_numbers(X)
    assert found.values.flags.c_contiguous
    assert found.values.flags.writeable
    assert np.array_equal(found.values, X)


def test_dropped_columns_of_an_array() -> None:
    X = np.random.default_rng(0).normal(size=(20, 4))
    X[:, 1] = 3.0
    schema, found = matrix_from_numbers(X)
    assert found.names == ("x0", "x2", "x3")
    assert np.array_equal(found.values, X[:, [0, 2, 3]].astype(np.float32))
    _, again = matrix_from_numbers(X[:5] + 1, schema)
    assert again.values.shape == (5, 3)
    with pytest.raises(DataError, match="X has 2 columns, and the model was trained on 4"):
        matrix_from_numbers(X[:, :2], schema)


def test_no_rows() -> None:
    schema, _ = matrix_from_numbers(np.eye(3))
    assert matrix_from_numbers(np.empty((0, 3)), schema)[1].values.shape == (0, 3)
    assert matrix(SCHEMA, TRAIN.take(np.array([], dtype=int)), strict=False).values.shape == (0, 4)


@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(2, 30), st.integers(1, 4)), elements=st.floats(allow_infinity=False)
    )
)
@pytest.mark.filterwarnings("ignore::taut.errors.DataWarning")
def test_any_array_becomes_a_finite_matrix(X: np.ndarray) -> None:
    schema, found = matrix_from_numbers(X)
    kept = [int(name[1:]) for name in found.names]
    assert np.array_equal(np.isnan(found.values), np.isnan(X[:, kept]))
    assert np.nanmax(np.abs(found.values), initial=0) <= np.float32(MOST)
    for place, (_, part) in enumerate(schema.numbers):  # the order of the values stays
        order = np.argsort(X[:, kept[place]], kind="stable")
        sorted_values = found.values[order, place]
        assert (np.diff(sorted_values[~np.isnan(sorted_values)]) >= 0).all()
        assert part.unit > 0


def test_one_copy_at_most() -> None:
    """The peak of memory, as Python's allocator counts it: one float32 copy and some blocks."""
    import tracemalloc

    X = np.random.default_rng(0).normal(size=(100_000, 20))
    tracemalloc.start()
    _, found = matrix_from_numbers(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.values.nbytes == X.nbytes / 2
    assert peak < found.values.nbytes + 4_000_000


def test_a_frame_needs_one_copy_and_a_column() -> None:
    import tracemalloc

    X = np.random.default_rng(0).normal(size=(100_000, 20))
    frame = Frame(tuple(NumberColumn(f"x{place}", X[:, place].copy()) for place in range(20)), 100_000)
    schema = describe(frame)
    tracemalloc.start()
    found = matrix(schema, frame, strict=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < found.values.nbytes + 4 * 100_000 * 8
