"""Thresholds that are chosen on out-of-fold rows, and what to expect of them elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    matthews_corrcoef,
)

from taut.errors import ParameterError
from taut.evidence.probabilities import thresholds as module
from taut.evidence.probabilities.thresholds import METRICS, MOST_QUANTILES, Metric, Thresholds

SCORES: dict[Metric, Any] = {
    "f1": lambda y, p, **w: f1_score(y, p, zero_division=0.0, **w),
    "balanced_accuracy": balanced_accuracy_score,
    "matthews_corrcoef": matthews_corrcoef,
    "accuracy": accuracy_score,
}


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    """So that simulations are soon done; the spread of 200 is near enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_N_RESAMPLES", 200)
        yield


def drawn(seed: int, n: int, middle: float = -0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    share = expit(rng.normal(middle, 1.5, n))
    return share, rng.random(n) < share


def thresholds(share: np.ndarray, second: np.ndarray, weight: np.ndarray | None = None) -> Thresholds:
    found = Thresholds.of(share, second, weight)
    assert found is not None
    return found


@given(st.integers(0, 500), st.integers(5, 80), st.sampled_from(METRICS), st.booleans())
def test_no_cut_is_better_and_figures_are_scikit_learns(
    seed: int, n: int, metric: Metric, weighted: bool
) -> None:
    share, second = drawn(seed, n)
    second[:2] = (False, True)
    weight = np.random.default_rng(seed).exponential(size=n) if weighted else None
    cuts = thresholds(share, second, weight)
    found = cuts.best(metric)
    options = {"sample_weight": weight}
    of = {cut: SCORES[metric](second, share >= cut, **options) for cut in cuts.cuts}
    assert of[found.threshold] == pytest.approx(max(of.values()), abs=1e-9)
    assert found.usual == pytest.approx(of[0.5], abs=1e-9)
    assert found.value.value <= of[found.threshold] + 1e-9  # never above what it was chosen by
    wanted = confusion_matrix(second, share >= found.threshold, **options)
    np.testing.assert_allclose(found.counts, wanted, atol=1e-9)
    assert found.value.low <= found.value.value <= found.value.high


@given(st.integers(0, 500), st.floats(0.1, 10), st.floats(0.1, 10))
def test_a_cost_is_lowest(seed: int, positive: float, negative: float) -> None:
    share, second = drawn(seed, 60)
    second[:2] = (False, True)
    cuts = thresholds(share, second)
    found = cuts.best(cost=(positive, negative))

    def cost(cut: float) -> float:
        predicted = share >= cut
        return float(np.mean(positive * (predicted & ~second) + negative * (~predicted & second)))

    assert cost(found.threshold) == pytest.approx(min(map(cost, cuts.cuts)))
    assert found.usual == pytest.approx(cost(0.5))
    assert found.value.value >= cost(found.threshold) - 1e-9  # corrected upwards
    assert found.value.low >= 0.0


def test_costs_have_the_threshold_of_decision_theory() -> None:
    share, second = drawn(0, 200_000)  # right probabilities: fp / (fp + fn), Elkan (2001)
    assert thresholds(share, second).best(cost=(1, 4)).threshold == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n", [100, 400])
def test_what_is_expected_comes_true(metric: Metric, n: int) -> None:
    """The choice is corrected for, and the interval holds the truth about as often as it says."""
    others, theirs = drawn(10_000, 50_000)
    held, too_good, naive = [], [], []
    for seed in range(60):
        share, second = drawn(seed, n)
        found = thresholds(share, second).best(metric)
        truth = SCORES[metric](theirs, others >= found.threshold)
        held.append(found.value.low <= truth <= found.value.high)
        too_good.append(found.value.value - truth)
        naive.append(SCORES[metric](second, share >= found.threshold) - truth)
    assert np.mean(held) >= 0.87
    assert abs(np.mean(too_good)) < 0.7 * np.mean(naive)


def test_a_gain_that_is_claimed_is_there() -> None:
    others, theirs = drawn(10_000, 50_000, middle=-2)
    claimed = wrong = 0
    for seed in range(40):
        found = thresholds(*drawn(seed, 300, middle=-2)).best("f1")
        if found.gain.low > 0.0:
            claimed += 1
            wrong += f1_score(theirs, others >= found.threshold) <= f1_score(theirs, others >= 0.5)
    assert claimed > 10
    assert wrong == 0


def test_accuracy_of_right_probabilities_gains_nothing_surely() -> None:
    sure = sum(thresholds(*drawn(seed, 300)).best("accuracy").gain.low > 0 for seed in range(40))
    assert sure <= 2


def test_many_rows_take_little_room() -> None:
    share, second = drawn(0, 100_000)
    cuts = thresholds(share, second)
    assert len(cuts.cuts) <= 2 * MOST_QUANTILES + 3
    assert sum(map(sum, cuts.rows)) == 100_000
    assert cuts.cuts[0] == 0.0
    assert 0.5 in cuts.cuts
    ((tn, fp), (fn, tp)) = cuts.counts_at(0.5)
    np.testing.assert_allclose([[tn, fp], [fn, tp]], confusion_matrix(second, share >= 0.5))
    assert cuts.counts_at(0.0)[1] == (0.0, second.sum())
    assert cuts.counts_at(1.0)[0] == ((~second).sum(), 0.0)


def test_cuts_are_as_they_are_read() -> None:
    for cut in thresholds(*drawn(0, 500)).cuts:
        away = min(cut, 1 - cut)
        assert float(f"{away:.3g}") == pytest.approx(away, rel=1e-12)


def test_rows_without_weight_take_no_part() -> None:
    share, second = drawn(0, 100)
    weight = np.where(np.arange(100) < 60, 1.0, 0.0)
    assert thresholds(share, second, weight) == thresholds(share[:60], second[:60])


def test_a_class_without_rows_has_no_thresholds() -> None:
    assert Thresholds.of(np.linspace(0, 1, 9), np.zeros(9, dtype=bool), None) is None
    assert Thresholds.of(np.linspace(0, 1, 9), np.ones(9, dtype=bool), None) is None


def test_probabilities_of_0_and_1() -> None:
    cuts = thresholds(np.array([0.0, 0.0, 1.0, 1.0]), np.array([False, True, True, True]))
    found = cuts.best("accuracy")
    assert found.threshold == 0.5
    assert found.gain.low == found.gain.high == 0.0
    assert cuts.counts_at(1.0) == ((1.0, 0.0), (1.0, 2.0))


def test_it_goes_to_json_and_back_and_says_the_same() -> None:
    share, second = drawn(0, 100)
    cuts = thresholds(share, second, np.random.default_rng(0).exponential(size=100))
    again = Thresholds.from_dict(json.loads(json.dumps(cuts.to_dict())))
    assert again == cuts
    assert again.best("f1") == cuts.best("f1")
    assert json.dumps(cuts.best("f1").to_dict())


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({}, "by a metric or by a cost"),
        ({"metric": "f1", "cost": (1, 2)}, "by a metric or by a cost"),
        ({"metric": "f2"}, "metric must be one of f1, balanced_accuracy, matthews_corrcoef, accuracy"),
        ({"cost": 3}, "cost must be two numbers"),
        ({"cost": "12"}, "cost must be two numbers"),
        ({"cost": (1, 2, 3)}, "cost must be two numbers"),
        ({"cost": (0, 0)}, "one of the two costs must be above 0"),
        ({"cost": (-1, 2)}, "the cost of a false positive must be"),
        ({"cost": (1, float("nan"))}, "the cost of a false negative must be"),
        ({"cost": (1, "x")}, "the cost of a false negative must be"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(how: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        thresholds(*drawn(0, 50)).best(**how)
