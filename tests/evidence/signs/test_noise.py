from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from taut.evidence.signs.noise import amount_noise, class_noise


def _classes(n: int, flipped: float, seed: int, temperature: float = 1.0) -> tuple[Any, Any, Any]:
    """Logits of networks that know the truth but for a temperature; labels drawn from them, some replaced."""
    rng = np.random.default_rng(seed)
    logits = 3.0 * rng.standard_normal((n, 3))
    codes = (logits + rng.gumbel(size=(n, 3))).argmax(axis=1)
    rows = rng.permutation(n)[: int(flipped * n)]
    codes[rows] = (codes[rows] + rng.integers(1, 3, len(rows))) % 3
    return logits * temperature, codes, rows


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_rate_of_wrong_classes_is_found_whatever_the_confidence(temperature: float) -> None:
    logits, codes, rows = _classes(3000, 0.06, 0, temperature)
    noise = class_noise(logits, codes, 0.01, 0)
    assert noise.rate * 2 / 3 == pytest.approx(0.06, abs=0.015)
    assert noise.evidence > 30
    flagged = np.flatnonzero(noise.posterior >= 0.5)
    assert np.isin(flagged, rows).mean() > 0.7
    assert (noise.posterior >= 0).all()
    assert (noise.posterior <= 1).all()


def test_classes_that_overlap_are_not_wrong() -> None:
    found = [class_noise(*_classes(400, 0.0, seed)[:2], 0.0, seed).evidence for seed in range(20)]
    # Half of the weight at zero, half chi squared with one degree of freedom: 2.7 in one of 20.
    assert np.mean(np.array(found) > 2.7) <= 0.15
    assert max(found) < 12
    below = class_noise(*_classes(500, 0.02, 0)[:2], 0.2, 0)
    assert below.evidence == 0.0


def test_the_posterior_is_bayes_formula() -> None:
    logits, codes, _ = _classes(800, 0.1, 3)
    noise = class_noise(logits, codes, 0.01, 0)
    # Whatever the temperature is, it is the same for all rows: find it from the first row.
    grid = np.linspace(0.3, 2.0, 20001)
    first = codes[0]
    p = np.exp([log_softmax(t * logits[0])[first] for t in grid])
    posterior = noise.rate / 3 / (noise.rate / 3 + (1 - noise.rate) * p)
    t = grid[np.argmin(np.abs(posterior - noise.posterior[0]))]
    p_all = np.exp(log_softmax(t * logits, axis=1)[np.arange(800), codes])
    expected = noise.rate / 3 / (noise.rate / 3 + (1 - noise.rate) * p_all)
    np.testing.assert_allclose(noise.posterior, expected, atol=5e-3)


def _amounts(n: int, wrong: float, seed: int, tails: Any = None) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    guess = 5.0 * rng.standard_normal(n)
    noise = rng.standard_normal(n) if tails is None else rng.standard_t(tails, n)
    target = guess + noise * (0.3 + 0.1 * np.abs(guess))
    rows = rng.permutation(n)[: int(wrong * n)]
    target[rows] = rng.permutation(target)[: len(rows)]
    return guess, target, rows


def test_the_rate_of_wrong_amounts_is_found() -> None:
    guess, target, rows = _amounts(2000, 0.05, 0)
    noise = amount_noise(guess, target, 0.01, 0)
    assert noise.rate == pytest.approx(0.05, abs=0.015)
    assert noise.evidence > 30
    assert np.isin(np.flatnonzero(noise.posterior >= 0.5), rows).mean() > 0.8


@pytest.mark.parametrize("tails", [None, 3])
def test_spread_that_varies_and_heavy_tails_are_honest(tails: Any) -> None:
    for seed in range(4):
        noise = amount_noise(*_amounts(800, 0.0, seed, tails)[:2], 0.005, seed)
        assert noise.evidence < 6.6
        assert (noise.tail * 800 >= 1e-3).all()


def test_a_gross_slip_is_far_out() -> None:
    guess, target, _ = _amounts(800, 0.0, 0)
    target[17] *= 1000
    noise = amount_noise(guess, target, 0.005, 0)
    assert np.argmin(noise.tail) == 17
    assert noise.tail[17] * 800 < 1e-3
    assert noise.posterior[17] > 0.9


@pytest.mark.parametrize(
    "target", [np.repeat([0.0, 1.0], 100), np.append(np.zeros(199), 1.0), np.arange(200.0)]
)
def test_odd_amounts_give_finite_numbers(target: Any) -> None:
    noise = amount_noise(np.zeros(200), target, 0.005, 0)
    assert np.isfinite(noise.rate)
    assert np.isfinite(noise.evidence)
    assert np.isfinite(noise.posterior).all()
