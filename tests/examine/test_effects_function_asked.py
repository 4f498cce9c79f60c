"""A recipe with its parameters, or those of a fitted estimator."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.exceptions import NotFittedError

import taut
from taut.errors import ParameterError
from taut.examine.effects_function import Asked
from taut.recipe import Recipe
from taut.techniques import L2
from tests.estimators.helpers import crossvalidated, given, single

USUAL: dict[str, Any] = {
    "learning_rate": "auto", "hidden": (128, 128), "activation": "relu", "n_bins": 0, "batch_size": "auto",
    "max_epochs": 300, "task": "auto", "class_weight": None,
}  # fmt: skip


def test_with_a_recipe_the_parameters_are_those_given() -> None:
    asked = Asked.of(Recipe(L2(1.0)), **{**USUAL, "hidden": (8,), "max_epochs": 7})
    assert (asked.recipe, asked.hidden, asked.max_epochs) == (Recipe(L2(1.0)), (8,), 7)
    assert asked.learning_rate == "auto"


@pytest.mark.parametrize("make", [single, crossvalidated])
def test_a_fitted_estimator_brings_its_own(make: Any, tmp_path: Any) -> None:
    fitted = make(activation="silu", class_weight="balanced").fit(*given())
    fitted.save(tmp_path / "model")
    for model in (fitted, taut.load(tmp_path / "model")):
        asked = Asked.of(model, **USUAL)
        assert asked.recipe == fitted.recipe_
        assert asked.learning_rate == 0.02
        assert (asked.hidden, asked.activation, asked.max_epochs) == ((8,), "silu", 15)
        assert asked.batch_size == fitted.batch_size_
        assert (asked.task, asked.class_weight) == ("classification", "balanced")
    assert Asked.of(fitted, **{**USUAL, "hidden": (8,), "task": "classification"}) == asked
    with pytest.raises(ParameterError, match="max_epochs is 15 in the given estimator, and 99 here"):
        Asked.of(fitted, **{**USUAL, "max_epochs": 99})


def test_others_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"recipe must be a taut.Recipe or a fitted estimator .* str"):
        Asked.of("l2", **USUAL)
    with pytest.raises(NotFittedError):
        Asked.of(crossvalidated(), **USUAL)
