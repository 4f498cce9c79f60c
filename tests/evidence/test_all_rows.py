"""A loss extrapolated from half a fold's rows and all of them to all rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from taut.evidence.all_rows import Factor, factor_of
from taut.evidence.interval import Interval


def test_a_power_law_is_found_again() -> None:
    rng = np.random.default_rng(0)
    noise = rng.gamma(4.0, 0.25, 20_000)  # a row's difficulty, shared by both networks
    power = 0.3
    half, whole = noise * 100**-power, noise * 200**-power
    factor = factor_of(half, whole, None, 1.5)
    assert factor is not None
    assert factor.value == pytest.approx(1.5**-power, rel=1e-9)
    assert factor.error < 1e-9  # the ratio is the same in every row


@pytest.mark.parametrize("weighted", [False, True])
def test_its_error_is_that_of_repeated_draws(weighted: bool) -> None:
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.2, 3.0, 400) if weighted else None
    factors, errors = [], []
    for _ in range(300):
        difficulty = rng.gamma(2.0, 0.5, 400)
        half = difficulty * rng.gamma(16.0, 0.0625, 400) * 1.2
        whole = difficulty * rng.gamma(16.0, 0.0625, 400)
        factor = factor_of(half, whole, weight, 1.5)
        assert factor is not None
        factors.append(math.log(factor.value))
        errors.append(factor.error)
    assert np.mean(errors) == pytest.approx(np.std(factors), rel=0.15)


def test_more_rows_are_taken_to_do_no_harm_and_unknown_rows_have_no_part() -> None:
    whole = np.array([1.0, 2.0, 3.0, np.nan])
    factor = factor_of(np.array([0.5, 1.0, 1.5, 9.0]), whole, None, 2.0)
    assert factor is not None
    assert factor.value == 1.0
    # Half of the rows that did far worse were unlucky.
    far = factor_of(100.0 * np.ones(4), np.ones(4), None, 4.0)
    assert far is not None
    assert far.value == pytest.approx(0.5)
    assert factor_of(np.full(4, np.nan), whole, None, 2.0) is None
    assert factor_of(-np.ones(4), np.ones(4), None, 2.0) is None
    # No more rows than a fold has: nothing to extrapolate.
    assert factor_of(1.2 * np.ones(4), np.ones(4), None, 1.0) == Factor(1.0, 0.0)


def test_both_errors_widen_the_interval() -> None:
    interval = Interval(1.0, 0.8, 1.25)
    found = Factor(0.9, 0.0).applied_to(interval)
    assert (found.value, found.low, found.high) == pytest.approx((0.9, 0.72, 1.125))
    wider = Factor(0.9, 0.1).applied_to(interval)
    assert wider.low == pytest.approx(0.9 * math.exp(-math.hypot(math.log(1.25), 0.196)))
    assert wider.high == pytest.approx(0.9 * math.exp(math.hypot(math.log(1.25), 0.196)))
    nothing = Interval(1.0, float("nan"), float("nan"))
    assert Factor(0.9, 0.1).applied_to(nothing) is nothing
