from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.errors import ParameterError
from taut.techniques import TECHNIQUES, UNIT_TECHNIQUES, WEIGHT_TECHNIQUES
from taut.techniques.base import Hooks, Technique

strengths = st.floats(0, 1e6)
rates = st.floats(0, 1, exclude_max=True)
one_each = st.tuples(
    st.builds(L2, strengths),
    st.builds(L1, strengths),
    st.builds(Dropout, rates, rates),
    st.builds(BatchNorm, st.booleans()),
    st.builds(EarlyStopping, st.integers(1, 10_000), strengths),
)
techniques = one_each.flatmap(lambda all_of_them: st.lists(st.sampled_from(all_of_them), unique_by=type))
recipes = techniques.map(lambda some: Recipe(*some))


@given(recipes)
def test_repr_is_the_code_that_makes_it(recipe: Recipe) -> None:
    assert eval(repr(recipe)) == recipe


@given(recipes)
def test_to_json_and_back(recipe: Recipe) -> None:
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@given(techniques, st.randoms())
def test_the_order_given_does_not_matter(some: list[Technique], random: Any) -> None:
    shuffled = random.sample(some, len(some))
    assert Recipe(*some) == Recipe(*shuffled)
    assert hash(Recipe(*some)) == hash(Recipe(*shuffled))
    assert Recipe(*some).hooks() == Recipe(*shuffled).hooks()
    assert Recipe(*some).techniques == Recipe(*shuffled).techniques


@given(recipes)
def test_off_equals_absent_for_the_engine(recipe: Recipe) -> None:
    assert recipe.hooks() == Recipe(*recipe.active).hooks()
    assert recipe.describe() == Recipe(*recipe.active).describe()


@given(recipes)
def test_it_survives_copying_and_pickling_in_memory(recipe: Recipe) -> None:
    assert copy.deepcopy(recipe) == recipe
    assert pickle.loads(pickle.dumps(recipe)) == recipe


@given(recipes, st.sampled_from(TECHNIQUES))
def test_without_removes_one_kind_and_with_puts_it_back(recipe: Recipe, kind: type[Technique]) -> None:
    technique = recipe.get(kind)
    rest = recipe.without(kind)
    assert rest.get(kind) is None
    assert rest.with_(technique) == recipe if technique else rest == recipe


def test_with_replaces_the_one_of_its_kind_and_leaves_the_recipe_alone() -> None:
    recipe = Recipe(L2(0.1), BatchNorm())
    assert recipe.with_(L2(0.2)) == Recipe(L2(0.2), BatchNorm())
    assert recipe == Recipe(L2(0.1), BatchNorm())
    assert Recipe(L2(0.1), BatchNorm(), L1(1)).without(L2, L1) == Recipe(BatchNorm())


def test_get_gives_the_technique_or_none() -> None:
    recipe = Recipe(L2(0.1))
    assert recipe.get(L2) == L2(0.1)
    assert recipe.get(L1) is None


def test_recipes_of_other_strengths_differ() -> None:
    assert Recipe(L2(0.1)) != Recipe(L2(0.2))
    assert Recipe(L2(0.1)) != Recipe(L1(0.1))
    assert Recipe(L2(0)) != Recipe()
    assert len({Recipe(), Recipe(L2(0)), Recipe(L2(0.1)), Recipe(L2(0.1))}) == 3


def test_nothing_regularizes_in_an_empty_recipe() -> None:
    assert Recipe().hooks() == Hooks(
        weight_amounts=(0.0,) * len(WEIGHT_TECHNIQUES),
        unit_amounts=(0.0,) * len(UNIT_TECHNIQUES),
        input_drop=0.0,
        drop=0.0,
        normalize=False,
        patience=None,
        min_delta=0.0,
    )
    assert (
        Recipe().describe() == Recipe(L1(0), Dropout(0), BatchNorm(False)).describe() == "no regularization"
    )


def test_every_technique_reaches_its_hook() -> None:
    recipe = Recipe(L1(1e-4), EarlyStopping(7, min_delta=0.01), Dropout(0.3, 0.1), L2(0.5), BatchNorm())
    amounts = {L2: 0.5, L1: 1e-4}
    assert recipe.hooks() == Hooks(
        weight_amounts=tuple(amounts.get(kind, 0.0) for kind in WEIGHT_TECHNIQUES),
        unit_amounts=(0.0,) * len(UNIT_TECHNIQUES),
        input_drop=0.1,
        drop=0.3,
        normalize=True,
        patience=7,
        min_delta=0.01,
    )
    assert recipe.describe() == "L2 0.5 + L1 0.0001 + dropout 0.3 (input 0.1) + batch norm + early stopping"


def test_it_cannot_be_changed() -> None:
    recipe = Recipe(L2(0.1))
    with pytest.raises(FrozenInstanceError):
        recipe.techniques = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((L2(0.1), L2(0.2)), "at most one L2, and two were given"),
        ((L2,), "L2 was given without its strength"),
        (([L2(0.1)],), r"a list was given: put a \* before it"),
        ((Recipe(),), r"another recipe was given: write \*other.techniques"),
        (("l2",), "'l2' is not one of taut's"),
        ((0.1,), "0.1 is not one of taut's"),
    ],
)
def test_what_is_no_technique_is_refused(given: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Recipe(*given)


@pytest.mark.parametrize(
    ("techniques", "sentence"),
    [
        (
            {"mixup": {}},
            "has a technique 'mixup' that this version of taut does not know; it knows .*l2, l1",
        ),
        (
            {"l2": {"alpha": 1}},
            "l2 has a parameter 'alpha' that this version of taut does not know; it knows strength",
        ),
        ({"l2": {}}, "l2 lacks its parameter 'strength'"),
        ({"l2": 0.1}, "l2 must be an object of its parameters, and it is 0.1"),
        ({"l2": {"strength": -1}}, "L2's strength must be a finite number of 0 or more, and it is -1"),
        ({"batch_norm": {"on": "yes"}}, "Batch normalization's on must be True or False"),
        ([], "techniques in JSON are an object by their names"),
    ],
)
def test_a_wrong_recipe_in_json_is_refused(techniques: object, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Recipe.from_json({"format": 1, "techniques": techniques})


def test_a_parameter_that_json_leaves_out_has_its_default() -> None:
    data = {"format": 1, "techniques": {"early_stopping": {"patience": 5}, "batch_norm": {}}}
    assert Recipe.from_json(data) == Recipe(EarlyStopping(5), BatchNorm())


def test_another_format_is_refused_with_both_versions() -> None:
    with pytest.raises(
        ParameterError, match="recipe is of format 2, and this version of taut reads format 1"
    ):
        Recipe.from_json({"format": 2, "techniques": {}})
