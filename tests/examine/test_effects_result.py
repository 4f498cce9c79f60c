"""The result of effects."""

from __future__ import annotations

import json

import pytest

from taut.recipe import Recipe
from tests.examine.effects_helpers import FAILED, RECIPE, STOPPED, made, pair


def test_lines_are_found_by_name() -> None:
    found = made()
    assert found["dropout"].label == "dropout 0.3"
    with pytest.raises(KeyError, match="l1; there are early_stopping, learning_rate, l2"):
        found["l1"]


def test_as_plain_values_for_json() -> None:
    found = made((STOPPED, FAILED), interactions=(pair(0.1),), failed=("L2 0.1 + early stopping",))
    text = json.dumps(found.to_dict(), allow_nan=False)
    read = json.loads(text)
    assert read["lines"][0]["loss"] == pytest.approx({"value": -0.35, "low": -0.4, "high": -0.3})
    assert read["lines"][1]["loss"]["value"] is None
    assert read["interactions"][0]["names"] == ["l2", "dropout"]
    assert Recipe.from_json(read["recipe"]) == RECIPE
    assert read["rates"] == {"early stopping": [0.003, 0.001]}
    of_objective, of_architecture = {"task", "class_weighted"}, {"hidden", "activation"}
    own = {*vars(found)} - {"objective", "architecture"}
    assert set(read) == own | of_objective | of_architecture | {"loss_name", "score_name"}
    assert (read["task"], read["hidden"], read["activation"]) == ("classification", [128, 128], "relu")


def test_names_of_the_figures() -> None:
    assert (made().loss_name, made().score_name) == ("cross-entropy", "accuracy")
    found = made(task="regression")
    assert (found.loss_name, found.score_name) == ("squared error", "R²")


def test_str_is_the_text_and_repr_is_short() -> None:
    assert "The lines add up." in str(made())
    assert repr(made()).startswith(
        "Effects(L2 0.1 + dropout 0.3 + batch norm + early stopping: cross-entropy 0.9"
    )
