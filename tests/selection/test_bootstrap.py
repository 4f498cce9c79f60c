"""How likely one candidate is better than another, and how far apart they are, from paired rows."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from taut.selection import bootstrap as module
from taut.selection.bootstrap import paired_standard_error, probability_better

# Of a thousand resamples the share is off by up to about this (four standard errors).
NEAR = 4 * math.sqrt(0.25 / 1000)
numbers = arrays(np.float64, st.integers(2, 60), elements=st.floats(-1e6, 1e6, allow_subnormal=False))


def by_force(differences: Any, weights: Any = None) -> float:
    """All resamples there are."""
    d = np.asarray(differences) * (1.0 if weights is None else np.asarray(weights))
    sums = [sum(some) for some in product(d, repeat=len(d))]
    return float(np.mean([(s < 0) + 0.5 * (s == 0) for s in sums]))


# --- the probability --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differences", "weights"),
    [
        ([-1.0, 0.5, 0.25], None),
        ([-1.0, 2.0], None),
        ([3.0, -1.0, -1.0, -1.5], None),
        ([-1.0, 1.0], None),  # zero half the time
        ([1.0, 1.0, 1.0, 1.0, -2.0, -0.5], None),
        ([-1.0, 0.5, 0.25], [1.0, 5.0, 0.1]),
        ([3.0, -1.0, -1.0, -1.5], [0.1, 1.0, 1.0, 2.0]),
    ],
)
def test_it_is_the_share_of_all_resamples(differences: list[float], weights: Any) -> None:
    given = None if weights is None else np.array(weights)
    found = [probability_better(np.array(differences), given, seed) for seed in range(10)]
    assert np.mean(found) == pytest.approx(by_force(differences, weights), abs=NEAR / math.sqrt(10))
    assert max(found) - min(found) < 3 * NEAR


def test_it_agrees_with_scipys_bootstrap() -> None:
    rng = np.random.default_rng(0)
    for shift in (-0.25, -0.1, 0.0, 0.08, 0.2):
        d = rng.standard_normal(80) + shift
        theirs = stats.bootstrap((d,), np.mean, n_resamples=20_000, rng=1, method="percentile")
        share = np.mean(theirs.bootstrap_distribution < 0.0)
        assert probability_better(d, None, 0) == pytest.approx(share, abs=1.3 * NEAR)


def test_it_is_between_none_and_all() -> None:
    assert probability_better(np.full(50, -1e-9), None, 0) == 1.0
    assert probability_better(np.full(50, 1e-9), None, 0) == 0.0
    assert probability_better(np.zeros(50), None, 0) == 0.5


@settings(max_examples=40)
@given(numbers, st.integers(0, 2**63 - 1))
def test_of_two_one_is_the_better(differences: Any, seed: int) -> None:
    """Turned round, the same resamples say the opposite."""
    one, other = (probability_better(sign * differences, None, seed) for sign in (1.0, -1.0))
    assert one + other == pytest.approx(1.0)
    assert 0.0 <= one <= 1.0


@settings(max_examples=40)
@given(numbers, st.integers(0, 2**63 - 1), st.integers(-20, 20))
def test_only_signs_and_shares_matter(differences: Any, seed: int, power: int) -> None:
    usual = probability_better(differences, None, seed)
    assert probability_better(differences * 2.0**power, None, seed) == usual
    assert probability_better(differences, np.full(len(differences), 2.0**power), seed) == usual


def test_a_seed_gives_the_same_answer_again() -> None:
    d = np.random.default_rng(0).standard_normal(100)
    found = [probability_better(d, None, seed) for seed in (1, 1, 2, 3, 4, 2**63 - 1)]
    assert found[0] == found[1]
    assert len(set(found)) > 2


def test_weights_count() -> None:
    d = np.array([-1.0] * 10 + [1.0] * 30)
    assert probability_better(d, None, 0) < 0.01
    assert probability_better(d, np.array([10.0] * 10 + [1.0] * 30), 0) > 0.95
    # A row that weighs nothing says nothing.
    weight = np.array([1.0] * 10 + [0.0] * 30)
    assert probability_better(d, weight, 0) > 0.99


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([np.inf, *[-1.0] * 99], 0.366), ([-np.inf, *[1.0] * 99], 0.634), ([np.inf] * 50, 0.0)],
)
def test_an_infinite_loss_outweighs_all_others(rows: list[float], expected: float) -> None:
    # It is left out of a resample with probability (1 - 1/100)**100.
    for dtype in (np.float64, np.float32):
        found = probability_better(np.array(rows, dtype=dtype), None, 0)
        assert found == pytest.approx(expected, abs=NEAR)


# --- many rows --------------------------------------------------------------------------------------------


def test_many_rows_are_gathered_and_the_answer_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    d = rng.standard_normal(5000) * rng.gamma(1.0, 3.0, 5000) - 0.06
    weight = rng.uniform(0.2, 3.0, 5000)
    for given_weight in (None, weight):
        gathered = probability_better(d, given_weight, 0)
        monkeypatch.setattr(module, "_MOST_GROUPS", 10_000)
        each = probability_better(d, given_weight, 0)
        monkeypatch.undo()
        assert 0.02 < each < 0.98
        assert gathered == pytest.approx(each, abs=2 * NEAR)


def test_every_row_is_in_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row turns the scale, wherever it stands."""
    monkeypatch.setattr(module, "_MOST_GROUPS", 7)
    for place in range(0, 40, 3):
        d = np.full(40, 1e-6)
        d[place] = -1.0
        # Left out of a resample with probability (1 - 1/7)**7.
        assert probability_better(d, None, place) == pytest.approx(1 - (6 / 7) ** 7, abs=NEAR)


def test_a_million_rows_are_no_work() -> None:
    import time

    d = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)
    started = time.perf_counter()
    probability_better(d, None, 0)
    assert time.perf_counter() - started < 2.0


# --- the standard error -----------------------------------------------------------------------------------


@given(numbers)
def test_the_standard_error_is_that_of_a_mean(differences: Any) -> None:
    mean, error = paired_standard_error(differences, None)
    assert mean == pytest.approx(differences.mean(), abs=1e-9, rel=1e-9)
    assert error == pytest.approx(stats.sem(differences), abs=1e-9, rel=1e-9)


@given(numbers, st.data())
def test_its_formula_with_weights(differences: Any, data: Any) -> None:
    w = data.draw(arrays(np.float64, len(differences), elements=st.floats(0.01, 100.0)))
    n = len(w)
    mean, error = paired_standard_error(differences, w)
    assert mean == pytest.approx(float(np.sum(w * differences) / np.sum(w)), rel=1e-9, abs=1e-6)
    expected = np.sqrt(np.sum(w**2 * (differences - mean) ** 2)) / np.sum(w) * np.sqrt(n / (n - 1))
    assert error == pytest.approx(expected, rel=1e-6, abs=1e-9)
    # Only the weights' shares count.
    again = paired_standard_error(differences, w * 16.0)
    assert again == pytest.approx((mean, error))


def test_it_covers_the_true_mean_as_often_as_it_should() -> None:
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(600):
        w = rng.gamma(2.0, 1.0, 60)
        mean, error = paired_standard_error(rng.standard_normal(60), w)
        inside.append(abs(mean) <= error)
    assert np.mean(inside) == pytest.approx(0.683, abs=0.06)


def test_one_row_has_no_error() -> None:
    mean, error = paired_standard_error(np.array([2.5]), None)
    assert mean == 2.5
    assert math.isnan(error)


@given(st.floats(-1e6, 1e6), st.integers(2, 30))
def test_rows_that_agree_leave_no_doubt(value: float, n: int) -> None:
    assume(value == 0.0 or abs(value) > 1e-6)
    mean, error = paired_standard_error(np.full(n, value, dtype=np.float64), None)
    assert mean == pytest.approx(value)
    assert error == pytest.approx(0.0, abs=1e-9 * max(1.0, abs(value)))
