from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut import L1, L2
from taut.errors import ParameterError


@given(st.floats(-1e3, 1e3), st.floats(0, 1))
def test_the_step_follows_the_gradient_of_the_penalty(w: float, amount: float) -> None:
    h = 1e-3
    gradient = (L2.penalty(w + h, amount) - L2.penalty(w - h, amount)) / (2 * h)
    assert L2.weight_step(w, amount) == pytest.approx(w - gradient, abs=1e-5)


@given(st.floats(-1e3, 1e3), st.floats(0, 1))
def test_the_step_takes_a_share(w: float, amount: float) -> None:
    assert L2.weight_step(w, amount) == pytest.approx((1 - amount) * w, abs=1e-9)


def test_it_makes_no_zeros() -> None:
    w = 1.0
    for _ in range(100):
        w = L2.weight_step(w, 0.1)
    assert 0 < w < 1e-4


def test_how_it_prints() -> None:
    assert repr(L2(1e-3)) == "L2(0.001)"
    assert L2(0.25).label == "L2 0.25"


def test_it_is_not_l1() -> None:
    assert L2(0.1) != L1(0.1)
    assert L2(0.1) == L2(0.1)


@pytest.mark.parametrize("strength", [-0.1, float("inf"), float("nan"), "0.1", None])
def test_the_range_is_said(strength: float) -> None:
    with pytest.raises(ParameterError, match="L2's strength must be a finite number of 0 or more"):
        L2(strength)
