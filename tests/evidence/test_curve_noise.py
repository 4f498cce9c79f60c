from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from taut.evidence.curve_noise import measure

N_CURVES = 300


def neighbours(rng: np.random.Generator, n: int, correlation: float) -> NDArray[np.float64]:
    """Noise of which neighbours share a part."""
    noise = rng.standard_normal(n)
    for i in range(1, n):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    return noise


@pytest.mark.parametrize("n", [8, 13, 30, 100, 300])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "falling"])
def test_what_is_noise_is_hardly_ever_a_rise(n: int, kind: str) -> None:
    rng = np.random.default_rng(n)
    wrong = 0
    for _ in range(N_CURVES):
        noise = rng.standard_t(3, n) if kind == "heavy tails" else rng.standard_normal(n)
        trend = 3.0 * np.exp(-6.0 * np.arange(n) / n) if kind == "falling" else 0.0
        wrong += measure(1.0 + trend + 0.1 * noise).rise.is_real
    assert wrong <= 0.04 * N_CURVES  # 1 % is aimed at


@pytest.mark.parametrize("n", [8, 30, 100, 300])
def test_what_is_noise_is_hardly_ever_still_falling(n: int) -> None:
    rng = np.random.default_rng(n)
    flat = [measure(1.0 + 0.1 * rng.standard_normal(n)) for _ in range(N_CURVES)]
    assert sum(one.falling.is_real for one in flat) <= 0.04 * N_CURVES
    assert sum(one.fall.is_real for one in flat) <= 0.04 * N_CURVES


@pytest.mark.parametrize(("n", "most"), [(20, 0.2), (50, 0.15), (100, 0.1), (300, 0.1)])
def test_noise_that_neighbours_share_is_mostly_noise_too(n: int, most: float) -> None:
    rng = np.random.default_rng(0)
    curves = [1.0 + 0.1 * neighbours(rng, n, 0.6) for _ in range(N_CURVES)]
    assert np.mean([measure(curve).rise.is_real for curve in curves]) < most


@pytest.mark.parametrize(("n", "least"), [(20, 0.9), (60, 0.99), (300, 0.99)])
def test_a_rise_of_ten_times_the_noise_is_seen(n: int, least: float) -> None:
    rng = np.random.default_rng(1)
    x = np.arange(n) / n
    rise = 0.5 * np.maximum(0.0, x - 0.4) / 0.6
    found = [measure(np.exp(-10 * x) + rise + 0.05 * rng.standard_normal(n)) for _ in range(100)]
    assert np.mean([one.rise.is_real for one in found]) >= least
    assert np.mean([one.rise.least < 0.5 for one in found]) >= 0.99


def test_the_turn_is_within_its_range() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(100)
    inside = []
    for _ in range(100):
        low, high = measure(np.abs(x - 40) / 100 + 0.03 * rng.standard_normal(100)).lowest
        inside.append(low <= 41 <= high)
        assert high - low < 40
    assert np.mean(inside) >= 0.95


def test_the_noise_is_in_the_curves_units_and_without_the_trend() -> None:
    rng = np.random.default_rng(3)
    x = np.arange(200)
    for unit in (1e-6, 1.0, 1e9):
        found = measure(unit * (np.exp(-x / 50) + 0.01 * rng.standard_normal(200)))
        assert found.noise == pytest.approx(0.01 * unit, rel=0.3)


def test_a_spike_at_the_end_is_no_rise() -> None:
    curve = 1.0 + 0.01 * np.random.default_rng(4).standard_normal(50)
    curve[-1] = 5.0
    assert not measure(curve).rise.is_real


def test_a_curve_of_very_many_epochs_is_taken_in_bins() -> None:
    rng = np.random.default_rng(5)
    x = np.linspace(0, 1, 20_000)
    found = measure(np.exp(-10 * x) + 0.3 * x + 0.1 * rng.standard_normal(len(x)))
    assert found.rise.is_real
    assert found.noise == pytest.approx(0.1, rel=0.1)
    turn = 20_000 * np.log(10 / 0.3) / 10
    assert found.lowest[0] <= turn <= found.lowest[1]
    assert not measure(0.1 * rng.standard_normal(20_000)).rise.is_real


@pytest.mark.parametrize("value", [0.0, 1.0, -2.5, 1e-300])
def test_a_constant_goes_nowhere(value: float) -> None:
    found = measure(np.full(20, value))
    assert not any(move.is_real for move in (found.rise, found.fall, found.falling))
    assert found.noise == 0
