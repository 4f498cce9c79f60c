"""The interval of a mean of skewed rows."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t as student

from taut.evidence.interval import Interval
from taut.evidence.skew import skewed_interval

Z = NormalDist().inv_cdf(0.975)
samples = arrays(np.float64, st.integers(3, 30), elements=st.integers(0, 1000).map(float))


def quantile(rows: np.ndarray) -> float:
    """Student's, with the degrees of freedom of a variance from rows of this kurtosis."""
    kurtosis = float(np.mean(((rows - rows.mean()) / rows.std()) ** 4))
    return float(student.ppf(0.975, max(2.0, 2 * len(rows) / (kurtosis - 1))))


def of(rows: np.ndarray, weight: np.ndarray | None = None, wider: float = 1.0) -> Interval:
    return skewed_interval(float(np.average(rows, weights=weight)), rows, weight, wider)


def test_without_skewness_it_is_the_usual_interval() -> None:
    half = np.random.default_rng(0).exponential(size=50)
    rows = np.concatenate([5.0 + half, 5.0 - half])
    error = rows.std(ddof=1) / math.sqrt(100)
    found = of(rows)
    assert found.low == pytest.approx(5.0 - quantile(rows) * error)
    assert found.high == pytest.approx(5.0 + quantile(rows) * error)
    light = np.tile([4.0, 6.0], 500)  # their variance is known
    assert of(light).high == pytest.approx(5.0 + Z / math.sqrt(999), rel=1e-6)


def test_the_ends_are_those_where_halls_g_is_z() -> None:
    """Of Hall (1992): g(t) = t + s t^2 / (3 sqrt n) + s^2 t^3 / (27 n) + s / (6 sqrt n)."""
    rows = np.random.default_rng(1).exponential(size=60)
    n, mean, spread = len(rows), rows.mean(), rows.std()
    s = float(np.mean(((rows - mean) / spread) ** 3))
    found = of(rows)
    for end, z in ((found.low, quantile(rows)), (found.high, -quantile(rows))):
        t = (mean - end) / (spread / math.sqrt(n - 1))
        root = math.sqrt(n)
        g = t + s * t**2 / (3 * root) + s**2 * t**3 / (27 * n) + s / (6 * root)
        assert g == pytest.approx(z, abs=1e-9)


def test_it_holds_the_truth_more_often_than_the_usual_interval_does() -> None:
    """The mean of 30 rows that are exponential to the 1.5th power, 600 times over; its truth is known."""
    rng, truth = np.random.default_rng(2), math.gamma(2.5)
    ours = usual = above = below = 0
    for _ in range(600):
        rows = rng.exponential(size=30) ** 1.5
        found = of(rows)
        reach = Z * rows.std(ddof=1) / math.sqrt(30)
        ours += found.low <= truth <= found.high
        usual += abs(rows.mean() - truth) <= reach
        above += found.high < truth
        below += rows.mean() + reach < truth
    assert ours > usual + 12  # 2 of 100
    assert above < 0.7 * below  # the usual one is too short above
    assert ours / 600 > 0.9


@given(samples, st.floats(0.01, 100.0), st.floats(-100.0, 100.0))
def test_it_moves_and_stretches_with_its_rows(rows: np.ndarray, factor: float, by: float) -> None:
    found, moved = of(rows), of(factor * rows + by)
    scale = 1e-6 * factor * (1.0 + float(np.ptp(rows))) + 1e-9
    assert moved.low == pytest.approx(factor * found.low + by, abs=scale)
    assert moved.high == pytest.approx(factor * found.high + by, abs=scale)


@given(samples)
def test_it_holds_its_value_and_is_longer_on_the_side_of_the_tail(rows: np.ndarray) -> None:
    found = of(rows)
    assert found.low <= found.value <= found.high
    away = rows - rows.mean()
    up, down = found.high - found.value, found.value - found.low
    if float(np.mean(away**3)) > 1e-3 * rows.std() ** 3 > 0:
        assert up > down
    mirrored = of(-rows)
    assert mirrored.high - mirrored.value == pytest.approx(down, abs=1e-9)


@given(samples)
def test_rows_of_weight_zero_are_no_rows(rows: np.ndarray) -> None:
    weight = np.random.default_rng(len(rows)).integers(0, 2, len(rows)).astype(float)
    weight[:2] = 1.0
    found, wanted = of(rows, weight), of(rows[weight > 0])
    assert found.low == pytest.approx(wanted.low, abs=1e-9)
    assert found.high == pytest.approx(wanted.high, abs=1e-9)


def test_unequal_weights_make_it_longer() -> None:
    rng = np.random.default_rng(3)
    rows, weight = rng.exponential(size=400), rng.choice([1.0, 9.0], size=400)
    equal, unequal = of(rows), of(rows, weight)
    assert unequal.high - unequal.low > 1.1 * (equal.high - equal.low)
    assert of(rows, 7.0 * weight).low == pytest.approx(unequal.low)


def test_wider_makes_it_wider_and_the_middle_may_be_elsewhere() -> None:
    rows = np.random.default_rng(4).exponential(size=100)
    usual, wide = of(rows), of(rows, wider=1.2)
    assert wide.low < usual.low < usual.high < wide.high
    moved = skewed_interval(3.0, rows, None)
    assert moved.value == 3.0
    assert moved.high - 3.0 == pytest.approx(usual.high - usual.value)


@pytest.mark.parametrize("rows", [np.array([2.0]), np.array([])])
def test_fewer_than_two_rows_have_none(rows: np.ndarray) -> None:
    found = skewed_interval(2.0, rows, None)
    assert found.value == 2.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_rows_that_are_all_the_same_leave_nothing_open() -> None:
    assert skewed_interval(2.0, np.full(9, 2.0), None) == Interval(2.0, 2.0, 2.0)


@pytest.mark.fault(75)
def test_the_middle_is_within_the_interval_however_few_rows_vary() -> None:
    rows = np.r_[np.zeros(300), 5.0, 6.0, 90.0]
    weight = np.r_[np.full(300, 1e-6), 1.0, 1.0, 1.0]
    for one in (rows, -rows):
        found = skewed_interval(float(np.average(one, weights=weight)), one, weight)
        assert found.low <= found.value <= found.high
