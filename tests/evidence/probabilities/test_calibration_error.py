"""The expected calibration error, without what chance alone would show, and its interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom

from taut.evidence.probabilities.calibration_error import N_BINS, Bin, Reliability, expected_calibration_error

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def right(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right: what is predicted and what is true."""
    share = rng.beta(1, 2, n)
    return share, share


def too_sure(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    logits = rng.normal(-1, 2, n)
    return expit(logits), expit(logits / 2)


def shifted(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    share = rng.uniform(0.1, 0.9, n)
    return share, share + 0.05


def rare(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    share = expit(rng.normal(-4, 1, n))
    return share, share


def sample(draw: Draw, seed: int, n: int) -> Reliability:
    rng = np.random.default_rng(seed)
    predicted, true = draw(rng, n)
    return Reliability.of(predicted, rng.random(n) < true, None)


def truth(draw: Draw, n: int = 200_000) -> float:
    predicted, true = draw(np.random.default_rng(99), n)
    edges = np.quantile(predicted, np.arange(1, N_BINS) / N_BINS)
    place = np.searchsorted(edges, predicted, side="right")
    return float(np.abs(np.bincount(place, predicted - true)).sum() / n)


@pytest.mark.parametrize("draw", [right, too_sure, shifted, rare])
@pytest.mark.parametrize("n", [300, 2000])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(draw: Draw, n: int) -> None:
    true = truth(draw)
    found = [expected_calibration_error(sample(draw, seed, n), seed) for seed in range(60)]
    assert np.mean([one.low <= true <= one.high for one in found]) >= 0.87  # 95 %, of 60: two errors
    assert np.mean([one.value for one in found]) == pytest.approx(true, abs=0.3 / np.sqrt(n) + 0.01)


def test_right_probabilities_are_rarely_found_wrong() -> None:
    found = [expected_calibration_error(sample(right, seed, 300), seed) for seed in range(100)]
    assert sum(one.low > 0.0 for one in found) <= 8
    assert sum(one.value == 0.0 for one in found) >= 30  # half of them, if the draws of noise were endless
    plain = [s.share @ np.abs(s.observed - s.predicted) for s in (sample(right, k, 300) for k in range(9))]
    assert min(plain) > 0.03  # which is why it is corrected


def test_more_rows_make_it_shorter() -> None:
    few, many = (expected_calibration_error(sample(too_sure, 0, n), 0) for n in (300, 20_000))
    assert many.high - many.low < (few.high - few.low) / 3


@given(st.integers(0, 1000), st.integers(20, 400), st.booleans())
def test_bins_hold_all_rows(seed: int, n: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    share, weight = np.round(rng.random(n), 2), rng.exponential(size=n) if weighted else None
    true = rng.random(n) < share
    found = Reliability.of(share, true, weight)
    assert found.n_rows.sum() == n
    assert found.share.sum() == pytest.approx(1.0)
    assert found.share @ found.predicted == pytest.approx(np.average(share, weights=weight))
    assert found.share @ found.observed == pytest.approx(np.average(true, weights=weight))
    assert len(found.n_rows) <= min(N_BINS, n // 10 or 1)
    assert (found.counted <= found.n_rows + 1e-9).all()
    assert (np.diff(found.predicted) > 0).all()
    for one in found.bins():
        assert 0.0 <= one.low <= one.high <= 1.0
        assert Bin.from_dict(one.to_dict()) == one
    error = expected_calibration_error(found, seed)
    assert 0.0 <= error.low <= error.value <= error.high <= 1.0


def test_equal_probabilities_stay_together() -> None:
    share = np.repeat([0.2, 0.8], 100)
    found = Reliability.of(share, share > 0.5, None)
    assert found.n_rows.tolist() == [100, 100]
    assert found.predicted.tolist() == pytest.approx([0.2, 0.8])
    alone = Reliability.of(np.full(50, 0.3), np.arange(50) < 15, None)
    assert alone.n_rows.tolist() == [50]
    assert expected_calibration_error(alone, 0).low == 0.0


def test_a_bar_is_where_right_probabilities_lie() -> None:
    (one,) = Reliability.of(np.full(100, 0.3), np.arange(100) < 45, None).bins()
    assert one == Bin(pytest.approx(0.3), 0.45, *(binom.ppf([0.025, 0.975], 100, 0.3) / 100), 100)
    assert one.observed > one.high


def test_weights_make_rows_fewer() -> None:
    share, true = np.full(100, 0.3), np.arange(100) < 30
    weight = np.where(np.arange(100) % 2 == 0, 1.0, 1e-6)
    assert Reliability.of(share, true, weight).counted == pytest.approx([50], rel=1e-3)
    assert Reliability.of(share, true, np.full(100, 7.0)).counted == pytest.approx([100])
