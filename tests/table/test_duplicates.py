from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.table.duplicates import duplicate_codes, duplicate_groups
from taut.table.matrices import Matrix

RNG = np.random.default_rng(0)
AGES = np.rint(RNG.normal(40, 15, 1000)).clip(0)
WHOLE = RNG.integers(0, 17, (1000, 20))
CATEGORIES = RNG.integers(0, 3, (1000, 3))
PLAN = np.array([(month, sex) for month in range(12) for sex in range(2)])
MIXED = np.column_stack([RNG.normal(size=1000), CATEGORIES])
VISITS = np.arange(100) % 9 + 1
HOURS = RNG.integers(0, 168, 1000)
SMALL = np.column_stack(  # much like the passengers of the Titanic: class, sex, age, relatives
    [
        RNG.integers(1, 4, 900), RNG.integers(0, 2, 900), np.rint(RNG.normal(30, 14, 900)).clip(0),
        RNG.poisson(0.5, 900), RNG.poisson(0.4, 900),
    ]
)  # fmt: skip


def matrix(values: Any, n_categories: int = 0) -> Matrix:
    values = np.asarray(values, dtype=np.float32)
    values = values[:, None] if values.ndim == 1 else values
    names = tuple(f"x{place}" for place in range(values.shape[1]))
    levels = tuple(("a", "b", "c") for _ in range(n_categories))
    return Matrix(values, names, values.shape[1] - n_categories, levels)


def again(values: Any, n: int) -> Any:
    """The first rows once more at the end."""
    return np.concatenate([values, values[:n]])


# Met by chance: apart, and counted (FAULTS 33, 61)


@pytest.mark.fault(61)
@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (50, 1)), id="exclusive or"),
        pytest.param(np.repeat([0.1, 0.2, 0.5, 1, 2, 5], 40), id="doses"),
        pytest.param(
            np.log(np.repeat([[0.1, 3], [0.2, 7], [0.5, 1], [1, 2], [2, 9]], 40, 0)), id="two doses"
        ),
        pytest.param(RNG.integers(0, 2, (300, 2)), id="two columns of 0 and 1"),
        pytest.param(PLAN[RNG.integers(0, 24, 500)], id="month and sex"),
        pytest.param(np.tile(PLAN, (2, 1)), id="month and sex, twice each"),
        pytest.param(np.tile(PLAN, (20, 1)), id="month and sex, 20 times each"),
        pytest.param(AGES, id="ages"),
        pytest.param((AGES - 40) / 15.3, id="ages, standardized"),
        pytest.param(AGES[:100], id="100 ages"),
        pytest.param(np.column_stack([AGES, RNG.random(1000) < 0.03]), id="ages and a rare flag"),
        pytest.param(np.round(RNG.normal(size=1000), 2), id="rounded"),
        pytest.param(np.round(RNG.normal(size=(1000, 2)), 1), id="two columns, rounded"),
        pytest.param(np.repeat(np.arange(40), 25), id="numbers of 40 shops"),
        pytest.param(np.tile(np.arange(100), 10), id="100 levels"),
        pytest.param(np.column_stack([HOURS, np.sin(HOURS / 4), np.cos(HOURS / 27)]), id="hours of a week"),
        pytest.param(np.eye(40)[RNG.integers(0, 40, 1000)], id="40 shops as columns of 0 and 1"),
        pytest.param(np.tile([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], (20, 1)), id="orthogonal plan"),
        pytest.param(SMALL, id="few small columns"),
        pytest.param(np.ones((100, 3)), id="all identical"),
        pytest.param(np.ones((3, 3)), id="three rows"),
        pytest.param(np.full((50, 2), np.nan), id="nothing"),
        pytest.param(RNG.normal(size=(1000, 3)) * (RNG.random(1000) < 0.7)[:, None], id="zero or measured"),
    ],
)
def test_rows_that_chance_repeats_stay_apart_and_are_counted(values: Any) -> None:
    made = matrix(values)
    groups, n_others = duplicate_groups(made)
    assert np.array_equal(groups, np.arange(len(values)))
    assert n_others == len(values) - len(np.unique(duplicate_codes(made.values)))
    assert n_others > 0


def test_categories_that_come_again_stay_apart() -> None:
    groups, n_others = duplicate_groups(matrix(RNG.integers(0, 3, size=(500, 3)), n_categories=1))
    assert len(np.unique(groups)) == 500
    assert n_others > 400
    groups, n_others = duplicate_groups(matrix(np.arange(100.0) % 90, n_categories=1))
    assert len(np.unique(groups)) == 100
    assert n_others == 10


# One observation, entered again: together


@pytest.mark.fault(33)
@pytest.mark.fault(61)
@pytest.mark.parametrize(
    ("values", "n_again"),
    [
        pytest.param(again(RNG.normal(size=(1000, 3)), 100), 100, id="continuous"),
        pytest.param(again(RNG.normal(size=(1000, 3)), 3), 3, id="three rows"),
        pytest.param(again(RNG.normal(size=1000), 100), 100, id="one column"),
        pytest.param(again(MIXED, 100), 100, id="categories too"),
        pytest.param(again(MIXED, 10), 10, id="ten of them"),
        pytest.param(again(MIXED, 500), 500, id="half of them"),
        pytest.param(again(WHOLE, 50), 50, id="whole numbers"),
        pytest.param(np.tile(WHOLE, (2, 1)), 1000, id="whole numbers, each row twice"),
        pytest.param(np.tile(RNG.normal(size=(500, 3)), (2, 1)), 500, id="each row twice"),
        pytest.param(np.tile(RNG.normal(size=(20, 3)), (2, 1)), 20, id="each of few rows twice"),
        pytest.param(np.tile(RNG.normal(size=(500, 3)), (3, 1)), 1000, id="each row three times"),
        pytest.param(np.tile(RNG.normal(size=(50, 2)), (10, 1)), 450, id="each row ten times"),
        pytest.param(np.tile(MIXED, (2, 1)), 1000, id="with categories, each row twice"),
        pytest.param(
            np.repeat(MIXED[:100, [0, 0]] * RNG.normal(size=(100, 2)), VISITS, axis=0), 396, id="people"
        ),
    ],
)
def test_rows_that_chance_would_not_repeat_share_a_group(values: Any, n_again: int) -> None:
    made = matrix(values)
    groups, n_others = duplicate_groups(made)
    assert len(values) - len(np.unique(groups)) == n_again
    assert n_others == 0
    assert np.array_equal(made.values[groups], made.values)
    assert np.array_equal(groups[np.unique(groups)], np.unique(groups))  # the first row's number


@pytest.mark.fault(61)
def test_a_table_of_categories_that_was_entered_twice_as_a_whole() -> None:
    groups, n_others = duplicate_groups(matrix(np.tile(SMALL, (2, 1))))
    assert np.array_equal(groups[:900], groups[900:])
    assert n_others == 0


def test_a_row_three_times_shares_the_first_ones_number() -> None:
    values = RNG.normal(size=(100, 3))
    values[40], values[99], values[50] = values[7], values[7], values[20]
    groups, n_others = duplicate_groups(matrix(values))
    assert groups[40] == groups[99] == groups[7] == 7
    assert groups[50] == groups[20] == 20
    assert len(np.unique(groups)) == 97
    assert n_others == 0


def test_a_missing_continuous_value_proves_nothing() -> None:
    values = np.column_stack([RNG.normal(size=100), RNG.integers(0, 2, 100)])
    values[:10, 0] = np.nan
    groups, n_others = duplicate_groups(matrix(values))
    assert len(np.unique(groups)) == 100
    assert n_others == 8
    values = np.column_stack([RNG.normal(size=1000), RNG.integers(0, 2, 1000)])
    values[:300, 0] = np.nan
    groups, n_others = duplicate_groups(matrix(again(values[::-1], 50)))
    assert 1050 - len(np.unique(groups)) == 50
    assert n_others == 298


def test_blank_rows_among_measured_ones_are_dealt_out() -> None:
    values = RNG.normal(size=(1000, 3))
    values[::7] = np.nan
    groups, n_others = duplicate_groups(matrix(again(values, 100)))
    assert 1100 - len(np.unique(groups)) == 85
    assert n_others == 157


def test_one_zero_and_one_missing() -> None:
    values = np.column_stack([np.arange(50.0), np.zeros(50)])
    values[1] = [0.0, -0.0]
    groups, _ = duplicate_groups(matrix(values))
    assert groups[0] == groups[1]
    values = np.column_stack([np.arange(50.0), np.full(50, np.nan)])
    values[1, 0] = 0.0
    assert duplicate_groups(matrix(values))[0][1] == 0


def test_no_duplicates() -> None:
    groups, n_others = duplicate_groups(matrix(RNG.normal(size=(20, 2))))
    assert np.array_equal(groups, np.arange(20))
    assert n_others == 0


def test_the_same_rows_have_the_same_number_and_others_another() -> None:
    values = RNG.integers(0, 3, (500, 6)).astype(np.float32)
    found = duplicate_codes(values)
    expected = np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)
    assert len(np.unique(found)) == expected.max() + 1
    assert len(np.unique(np.column_stack([found, expected]), axis=0)) == expected.max() + 1


def test_zeros_of_both_signs_and_missing_values_are_alike() -> None:
    values = np.array([[0.0, np.nan], [-0.0, np.nan], [0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    found = duplicate_codes(values)
    assert found[0] == found[1]
    assert len(set(found.tolist())) == 3


@pytest.mark.parametrize("seed", range(3))
def test_few_categories_are_alike_by_chance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for n_columns in (1, 3, 8):
        values = rng.integers(0, 3, (1000, n_columns))
        assert np.array_equal(duplicate_groups(matrix(values))[0], np.arange(1000))
    assert np.array_equal(duplicate_groups(matrix(rng.random((1000, 15)) < 0.05))[0], np.arange(1000))


def test_wide_tables_are_hashed_in_blocks() -> None:
    values = RNG.normal(size=(20, 220_000)).astype(np.float32)
    values[13] = values[3]
    groups, _ = duplicate_groups(matrix(values))
    assert np.array_equal(np.flatnonzero(groups != np.arange(20)), [13])
    assert groups[13] == 3
