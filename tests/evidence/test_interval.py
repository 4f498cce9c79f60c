"""A figure and where it may lie."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.evidence.interval import LEVEL, NONE, Interval, percentiles

figures = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("low", "high", "spans"),
    [
        (-1.0, 1.0, True),
        (0.1, 0.2, False),
        (-0.2, -0.1, False),
        (0.0, 1.0, True),
        (-1.0, 0.0, True),
        (math.nan, math.nan, True),
    ],
)
def test_nothing_is_shown_where_zero_lies_in_it_or_there_is_none(
    low: float, high: float, spans: bool
) -> None:
    assert Interval(0.5, low, high).spans_zero is spans


@given(value=figures, low=figures, high=figures, factor=st.floats(-1e3, 1e3))
def test_other_units_keep_the_ends_in_order(value: float, low: float, high: float, factor: float) -> None:
    low, high = sorted((low, high))
    found = Interval(value, low, high).times(factor)
    assert found.low <= found.high
    assert found.value == value * factor
    assert sorted((found.low, found.high)) == sorted((low * factor, high * factor))


def test_a_factor_below_zero_turns_it_around() -> None:
    assert Interval(1.0, 0.0, 3.0).times(-2.0) == Interval(-2.0, -6.0, 0.0)
    assert all(math.isnan(end) for end in NONE.times(2.0).to_dict().values())


def test_percentiles_hold_the_middle_of_the_samples() -> None:
    samples = np.arange(2001) / 2000
    found = percentiles(0.4, samples)
    assert LEVEL == 0.95
    assert (found.value, found.low, found.high) == (0.4, pytest.approx(0.025), pytest.approx(0.975))


def test_samples_that_are_not_finite_are_left_out() -> None:
    samples = np.array([math.nan, 1.0, math.inf, 2.0, 3.0])
    assert percentiles(2.0, samples) == percentiles(2.0, np.array([1.0, 2.0, 3.0]))
    nothing = percentiles(2.0, np.array([math.nan]))
    assert nothing.value == 2.0
    assert math.isnan(nothing.low)
    assert math.isnan(nothing.high)


def test_plain_values() -> None:
    assert Interval(1.0, 0.5, 2.0).to_dict() == {"value": 1.0, "low": 0.5, "high": 2.0}


@pytest.mark.fault(75)
def test_cut_to_a_range() -> None:
    assert Interval(0.976, 0.949, 1.003).within(0, 1) == Interval(0.976, 0.949, 1.0)
    assert Interval(1.2, 0.9, 1.5).within(-math.inf, 1) == Interval(1.0, 0.9, 1.0)
    one_sided = Interval(0.5, math.nan, math.nan).within(0, 1)
    assert one_sided.value == 0.5
    assert math.isnan(one_sided.low)
