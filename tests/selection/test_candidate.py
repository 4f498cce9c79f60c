"""A candidate: a recipe, a learning rate and widths, as values and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import ParameterError
from taut.learning.architecture import MLP
from taut.recipe import Recipe
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION, Candidate
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

RECIPE = Recipe(L2(0.1), Dropout(0.3), BatchNorm(), EarlyStopping(7))
USUAL = Candidate(RECIPE, 1e-3, MLP((64, 32)))

candidates = st.builds(
    Candidate,
    st.lists(
        st.sampled_from([L1(1e-3), L2(1 / 3), Dropout(0.25), BatchNorm(), EarlyStopping(9)]), unique=True
    ).map(lambda techniques: Recipe(*techniques)),
    st.floats(min_value=0.0, exclude_min=True, allow_infinity=False),
    st.lists(st.integers(1, 10**6), max_size=4).map(lambda widths: MLP(tuple(widths))),
)


def test_the_two_that_are_always_tried() -> None:
    assert EARLY_STOPPING_ALONE == Recipe(EarlyStopping())
    assert NO_REGULARIZATION == Recipe()
    assert not NO_REGULARIZATION.active


def test_candidates_are_values() -> None:
    same = Candidate(Recipe(Dropout(0.3), EarlyStopping(7), BatchNorm(), L2(0.1)), 1e-3, MLP((64, 32)))
    assert same == USUAL
    assert hash(same) == hash(USUAL)
    others = {USUAL, Candidate(Recipe(), 1e-3, MLP((64, 32))), Candidate(RECIPE, 1e-2, MLP((64, 32)))}
    others.add(Candidate(RECIPE, 1e-3, MLP((64,))))
    assert len(others) == 4
    with pytest.raises(AttributeError):
        USUAL.learning_rate = 0.1  # type: ignore[misc]


@given(candidates)
def test_json_gives_the_same_candidate_again(candidate: Candidate) -> None:
    text = json.dumps(candidate.to_json(), allow_nan=False)
    again = Candidate.from_json(json.loads(text), MLP(()))
    assert again == candidate
    assert isinstance(again.architecture, MLP)
    assert type(again.architecture.hidden) is tuple


def test_its_json_is_plain() -> None:
    assert USUAL.to_json() == {"recipe": RECIPE.to_json(), "learning_rate": 0.001, "hidden": [64, 32]}


def test_what_its_json_does_not_say_is_as_usual() -> None:
    usual = MLP((3,), "gelu", searched=True)
    again = Candidate.from_json(USUAL.to_json(), usual)
    assert again.architecture == MLP((64, 32), "gelu", searched=True)


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf"), "0.1", None, True])
def test_a_learning_rate_that_is_none_is_refused(rate: Any) -> None:
    with pytest.raises(ParameterError, match="learning rate is a number above 0, and this is"):
        Candidate.from_json({**USUAL.to_json(), "learning_rate": rate}, MLP(()))


@pytest.mark.parametrize("hidden", [8, "8", None, [0], [-1], [8.0], [True], ["8"], {"0": 8}])
def test_widths_that_are_none_are_refused(hidden: Any) -> None:
    with pytest.raises(ParameterError, match="hidden widths are whole numbers, and this is"):
        Candidate.from_json({**USUAL.to_json(), "hidden": hidden}, MLP(()))


def test_a_recipe_that_is_none_is_refused() -> None:
    with pytest.raises(ParameterError, match="recipe"):
        Candidate.from_json({**USUAL.to_json(), "recipe": {"format": 1, "techniques": {"l3": {}}}}, MLP(()))


@pytest.mark.parametrize("name", ["recipe", "learning_rate", "hidden"])
def test_what_is_missing_is_named(name: str) -> None:
    data = USUAL.to_json()
    del data[name]
    with pytest.raises((ParameterError, KeyError), match=name):
        Candidate.from_json(data, MLP(()))
