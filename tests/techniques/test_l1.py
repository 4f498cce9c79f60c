from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut import L1
from taut.errors import ParameterError


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("w", [-1.3, -0.7, -0.05, 0.0, 0.1, 0.4, 2.0])
def test_the_step_minimizes_its_definition_on_a_grid(w: float, amount: float) -> None:
    grid = np.linspace(-3, 3, 60_001)
    cost = (grid - w) ** 2 / 2 + np.array([L1.penalty(v, amount) for v in grid])
    assert L1.weight_step(w, amount) == pytest.approx(grid[cost.argmin()], abs=1e-4)


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e3))
def test_a_weight_within_the_amount_becomes_exactly_zero(w: float, amount: float) -> None:
    moved = L1.weight_step(w, amount)
    assert (moved == 0) == (abs(w) <= amount)
    assert moved == pytest.approx(np.sign(w) * max(abs(w) - amount, 0))


def test_more_strength_makes_more_zeros() -> None:
    weights = np.random.default_rng(0).normal(size=1000)
    zeros = [sum(L1.weight_step(w, amount) == 0 for w in weights) for amount in (0, 0.1, 0.5, 2)]
    assert zeros == sorted(zeros)
    assert zeros[0] == 0 < zeros[1]
    assert zeros[-1] > 900


def test_how_it_prints() -> None:
    assert repr(L1(1e-5)) == "L1(1e-05)"
    assert repr(L1(np.float32(0.5))) == "L1(0.5)"
    assert L1(0.00012345).label == "L1 0.000123"


@pytest.mark.parametrize("strength", [-0.1, float("inf"), float("nan"), "0.1", None])
def test_the_range_is_said(strength: float) -> None:
    with pytest.raises(ParameterError, match="L1's strength must be a finite number of 0 or more"):
        L1(strength)
