"""One number that makes probabilities more or less extreme."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss

from taut.evidence.probabilities.temperature import HIGHEST, LOWEST, fitted_temperature, log_losses, tempered

temperatures = st.floats(LOWEST, HIGHEST)
seeds = st.integers(0, 10_000)


def drawn(
    seed: int, n: int = 200, n_classes: int = 3, temperature: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and classes that are drawn from them at a temperature."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((n, n_classes))
    truth = softmax(logits / temperature, axis=1).cumsum(axis=1)
    codes = (rng.random((n, 1)) > truth).sum(axis=1)
    return softmax(logits, axis=1), np.minimum(codes, n_classes - 1)


@given(seeds, temperatures)
def test_it_is_the_softmax_of_the_divided_logits(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).standard_normal((20, 4))
    found = tempered(softmax(logits, axis=1), temperature)
    np.testing.assert_allclose(found, softmax(logits / temperature, axis=1), rtol=1e-9)
    assert (found.argmax(axis=1) == logits.argmax(axis=1)).all()


@given(seeds, st.floats(0.5, 4), temperatures)
def test_one_after_the_other_is_their_product(seed: int, one: float, other: float) -> None:
    shares = drawn(seed, 20)[0]
    twice = tempered(tempered(shares, one), other)
    np.testing.assert_allclose(twice, tempered(shares, one * other), rtol=1e-6, atol=1e-9)


def test_one_changes_no_bit_and_zeros_stay_finite() -> None:
    shares = np.array([[0.0, 1.0], [0.3, 0.7]])
    assert tempered(shares, 1.0) is shares
    found = tempered(shares, 3.0)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert np.isfinite(log_losses(found, np.array([0, 0]))).all()


def test_log_losses_are_scikit_learns() -> None:
    shares, codes = drawn(0)
    assert log_losses(shares, codes).mean() == pytest.approx(log_loss(codes, shares))


@given(seeds, st.sampled_from([2, 3, 5]), st.booleans())
def test_it_is_where_the_loss_is_lowest(seed: int, n_classes: int, weighted: bool) -> None:
    shares, codes = drawn(seed, 60, n_classes)
    weight = np.random.default_rng(seed).exponential(size=60) if weighted else None

    def loss(log_temperature: float) -> float:
        changed = tempered(shares, float(np.exp(log_temperature)))
        others = shares.copy()
        others[np.arange(60), codes] = 0.0
        rows = 61 / 62 * log_losses(changed, codes) + log_losses(changed, others.argmax(axis=1)) / 62
        return float(np.average(rows, weights=weight))

    found = np.log(fitted_temperature(shares, codes, weight))
    ends = (np.log(LOWEST), np.log(HIGHEST))
    other = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
    assert loss(found) <= other.fun + 1e-7


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_truth_is_found(temperature: float) -> None:
    shares, codes = drawn(1, 20_000, temperature=temperature)
    assert fitted_temperature(shares, codes, None) == pytest.approx(temperature, rel=0.05)


def test_where_all_rows_are_right_no_certainty_is_promised() -> None:
    shares = np.tile([0.9, 0.1], (48, 1))
    found = fitted_temperature(shares, np.zeros(48, dtype=int), None)
    np.testing.assert_allclose(tempered(shares, found)[:, 0], 49 / 50, rtol=1e-4)  # one row in 50 is wrong


def test_where_all_is_wrong_or_even_it_is_in_range() -> None:
    shares = np.array([[0.6, 0.4], [0.3, 0.7]])
    assert fitted_temperature(shares, np.array([1, 0]), None) == HIGHEST
    even = np.full((4, 2), 0.5)  # no temperature changes that
    assert LOWEST <= fitted_temperature(even, np.array([0, 1, 0, 1]), None) <= HIGHEST


def test_a_weight_counts_as_often() -> None:
    shares, codes = drawn(3, 500)
    times = np.random.default_rng(0).integers(1, 4, 500)
    repeated = fitted_temperature(shares.repeat(times, axis=0), codes.repeat(times), None)
    assert fitted_temperature(shares, codes, times.astype(float)) == pytest.approx(repeated, rel=0.01)
