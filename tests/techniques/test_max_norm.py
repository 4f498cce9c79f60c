from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut import L1, MaxNorm, Recipe
from taut.engine.compiled.engine import CompiledEngine
from taut.errors import ParameterError
from taut.techniques import UNIT_TECHNIQUES, compose
from tests.engine.compiled.one_step import OneStep
from tests.engine.helpers import make_fold, make_member, make_problem

norms = st.floats(0, 1e6)


@given(norms, st.floats(1e-3, 1e3))
def test_a_norm_above_the_bound_is_brought_to_it_and_one_below_is_left_alone(
    norm: float, strength: float
) -> None:
    factor = MaxNorm.unit_step(norm, strength, 0.01)
    assert norm * factor == pytest.approx(min(norm, 1 / strength))
    if norm * strength <= 1:
        assert factor == 1.0


@given(norms, st.floats(0, 1e3), st.floats(0, 1e3))
def test_more_strength_never_leaves_more(norm: float, a: float, b: float) -> None:
    weak, strong = sorted((a, b))
    assert MaxNorm.unit_step(norm, strong, 0.01) <= MaxNorm.unit_step(norm, weak, 0.01) <= 1.0


def test_its_place_among_the_units_techniques() -> None:
    assert compose([MaxNorm(0.25)]).unit_amounts[UNIT_TECHNIQUES.index(MaxNorm)] == 0.25


def hidden_norms(training: Any) -> Any:
    """Of the weights that come into each hidden unit, layer by layer; then of those into the outputs."""
    weights = [w for name, w in training.weights("last").items() if name.endswith("weight")]
    return [np.linalg.norm(w, axis=0) for w in weights]


@pytest.mark.parametrize("bound", [0.2, 0.7])
@pytest.mark.parametrize("hidden", [(8, 20), (33,)], ids=str)
def test_no_hidden_unit_goes_beyond_the_bound_and_outputs_may(bound: float, hidden: tuple[int, ...]) -> None:
    problem = make_problem()
    members = [
        make_member(problem, recipe, hidden=hidden, max_epochs=60)
        for recipe in (Recipe(), Recipe(MaxNorm(1 / bound)))
    ]
    free, held = CompiledEngine(1).train(problem, members)
    for norm in hidden_norms(held)[:-1]:
        assert norm.max() == pytest.approx(bound, rel=1e-5)
    assert hidden_norms(held)[-1].max() > bound
    assert min(norm.max() for norm in hidden_norms(free)) > bound


def test_a_bound_that_nobody_reaches_changes_nothing() -> None:
    problem = make_problem()
    members = [make_member(problem, recipe) for recipe in (Recipe(), Recipe(MaxNorm(1e-3)))]
    free, held = CompiledEngine(1).train(problem, members)
    for name, w in free.weights("last").items():
        assert w.tobytes() == held.weights("last")[name].tobytes()


def test_a_step_is_that_of_the_optimizer_then_the_zeros_then_the_bound() -> None:
    problem = make_problem(37)
    steps = [
        OneStep.of(problem, make_member(problem, recipe, hidden=(7, 18), fold=make_fold(problem, 37)))
        for recipe in (Recipe(L1(0.3)), Recipe(L1(0.3), MaxNorm(1.5)))
    ]
    for step in steps:
        step.go()
    before, after = (step.training.weights("last") for step in steps)
    for layer in range(3):
        w = before[f"layers.{layer}.weight"]
        if layer < 2:
            w = w / np.maximum(1.5 * np.linalg.norm(w, axis=0), 1.0)
        np.testing.assert_allclose(after[f"layers.{layer}.weight"], w, atol=1e-12)
        np.testing.assert_array_equal(after[f"layers.{layer}.bias"], before[f"layers.{layer}.bias"])


def test_how_it_prints() -> None:
    assert repr(MaxNorm(0.25)) == "MaxNorm(0.25)"
    assert MaxNorm(1 / 3).label == "max norm 0.333"


@pytest.mark.parametrize("strength", [-0.1, float("inf"), float("nan"), "0.1", None])
def test_the_range_is_said(strength: float) -> None:
    with pytest.raises(ParameterError, match="Max norm's strength must be a finite number of 0 or more"):
        MaxNorm(strength)
