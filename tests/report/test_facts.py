from __future__ import annotations

import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from typing_extensions import is_typeddict

from taut.errors import DataWarning
from taut.estimators import TautClassifier, TautClassifierCV
from taut.evidence.interval import NONE, Interval
from taut.examine.effects_result import EffectLine, Effects
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.recipe import Recipe
from taut.report.facts import facts_of, from_text, to_text
from taut.report.schema import SCHEMA, Facts
from taut.store import load
from tests.report.models import FULL, NASTY, parts, searched, single

ALL = [
    lambda: searched("y"),
    lambda: searched("three"),
    lambda: searched("amount"),
    lambda: single("y"),
    lambda: single("amount", Recipe()),
]


def made_up_effects() -> Effects:
    change = Interval(-0.2, -0.3, -0.1)
    lines = (
        EffectLine("early_stopping", "early stopping", "early stopping", change, change),
        EffectLine("dropout", f"dropout {NASTY}", "technique", NONE, NONE),
    )
    return Effects(
        CrossEntropy(2), FULL, lines, change, change, 0.6, 0.4, 0.7, 0.8, (), {}, True, None, (), 0.001,
        0.001,
        MLP((8,)), 16, 25, 150, 3, 2, 12, 1.0,
    )  # fmt: skip


def check(value: Any, hint: Any, where: str) -> None:
    """The value has the names and the kinds of its TypedDict, and nothing else."""
    if is_typeddict(hint):
        hints = get_type_hints(hint)
        assert value.keys() == hints.keys(), where
        for name, one in hints.items():
            check(value[name], one, f"{where}.{name}")
    elif getattr(hint, "__origin__", None) is list:
        assert isinstance(value, list), where
        for one in value:
            check(one, get_args(hint)[0], where)
    elif getattr(hint, "__origin__", None) is dict:
        assert isinstance(value, dict), where
    elif isinstance(value, str) and str(hint).startswith("typing.Literal"):
        assert value in get_args(hint), where
    else:
        kinds = [one for one in (get_args(hint) or (hint,)) if not isinstance(one, str)]
        nested = [one for one in kinds if is_typeddict(one) or str(one).startswith("typing.Literal")]
        nested += [one for one in kinds if getattr(one, "__origin__", None) is list]
        if value is not None and nested:
            check(value, nested[0], where)
            return
        plain = tuple(getattr(one, "__origin__", one) for one in kinds if one not in nested)
        # As for type checkers, a whole number is a float too.
        assert isinstance(value, (*plain, int) if float in plain else plain), (where, value, hint)


@pytest.mark.parametrize("fitted", ALL)
def test_facts_have_the_shape_that_the_schema_says(fitted: Any) -> None:
    check(facts_of(fitted()), Facts, "facts")


@pytest.mark.parametrize("fitted", ALL)
def test_facts_go_through_json(fitted: Any) -> None:
    facts = facts_of(fitted())
    text = to_text(facts)
    assert "NaN" not in text
    assert "Infinity" not in text
    assert from_text(text) == facts
    assert facts["schema"] == SCHEMA


def test_an_estimator_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(NotFittedError):
        facts_of(TautClassifier())


def test_the_numbers_are_those_of_the_estimator() -> None:
    estimator = searched("y")
    facts = facts_of(estimator)
    comparison, search = facts["comparison"], facts["search"]
    assert comparison is not None
    assert search is not None
    chosen = search["candidates"][search["chosen"]]
    assert chosen["loss"] == estimator.best_.loss
    assert comparison["lines"][-1]["validation_loss"] == pytest.approx(estimator.best_.validation_loss.mean())
    assert comparison["estimate"] is not None
    assert comparison["estimate"]["loss"]["value"] == estimator.estimate_.loss.value
    assert len(search["candidates"]) == len(estimator.candidates_) == facts["made"]["n_candidates"]
    assert facts["data"]["n_rows"] == 150
    assert facts["data"]["classes"] == sorted(["no", NASTY])
    assert facts["made"]["n_folds"] == 3
    assert facts["recipe"]["code"] == repr(estimator.recipe_)
    for curve in facts["curves"]:
        for fold, history in zip(curve["folds"], estimator.history_[curve["name"]], strict=True):
            np.testing.assert_array_equal(fold["validation_loss"], history["validation_loss"])


def test_columns_are_told_with_what_they_became() -> None:
    columns = {column["name"]: column for column in facts_of(searched("y"))["data"]["columns"]}
    assert columns[NASTY]["kind"] == "number"
    assert columns["town"]["kind"] == "category"
    assert columns["town"]["n_levels"] == 3
    assert columns["day"]["parts"][0] == "days"
    assert columns["price"]["decimal"] == ","
    assert columns["same"]["kind"] == "dropped"


def test_one_network_has_no_comparison_and_no_search() -> None:
    facts = facts_of(single("y"))
    assert facts["comparison"] is None
    assert facts["search"] is None
    assert [curve["name"] for curve in facts["curves"]] == ["single"]
    assert facts["curves"][0]["stop"] == single("y").best_epoch_


def test_rows_that_nobody_held_out_have_no_loss() -> None:
    facts = facts_of(single("amount", Recipe()))
    assert set(facts["curves"][0]["folds"][0]["validation_loss"]) == {None}


def test_the_call_has_what_is_not_as_usual() -> None:
    call = facts_of(searched("y"))["made"]["call"]
    assert call == "TautClassifierCV(hidden=(8,), max_epochs=25, cv=3, n_candidates=8, random_state=0)"
    again = eval(call, {"TautClassifierCV": TautClassifierCV})
    assert again.get_params() == searched("y").get_params()


def test_the_same_numbers_take_a_seed_and_no_time_limit() -> None:
    assert facts_of(searched("y"))["made"]["repeats"]
    timed = deepcopy(searched("y")).set_params(time_limit=60)
    assert not facts_of(timed)["made"]["repeats"]
    assert not facts_of(deepcopy(searched("y")).set_params(random_state=None))["made"]["repeats"]


def test_a_loaded_model_has_the_same_facts_but_what_it_does_not_know(tmp_path: Path) -> None:
    estimator = searched("amount")
    source: Any = {"file": "a.csv", "target": "amount", "folder": "m", "command": None, "reading": None}
    facts = facts_of(estimator, source=source)
    estimator.save(str(tmp_path / "model"))
    loaded = facts_of(load(tmp_path / "model"))
    assert loaded["source"]["file"] is None
    assert facts_of(load(tmp_path / "model"), earlier=from_text(to_text(facts))) == facts


def test_what_parameters_were_is_known_of_a_loaded_model_too(tmp_path: Path) -> None:
    weights = {"no": 1.0, NASTY: 3.0}
    estimator = deepcopy(searched("y")).set_params(
        class_weight=weights, random_state=np.random.RandomState(0)
    )
    facts = facts_of(estimator)
    estimator.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.class_weight is None
    found = facts_of(loaded)
    assert found["recipe"]["class_weight"] == repr(weights)
    assert (found["made"]["call"], found["made"]["repeats"]) == (facts["made"]["call"], False)


def test_what_fit_was_given_beside_the_table_is_told(tmp_path: Path) -> None:
    X, y = parts("y")
    estimator = TautClassifierCV((2,), cv=2, n_candidates=2, max_epochs=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        estimator.fit(X, y, np.ones(150), groups=np.arange(150) // 3)
        assert facts_of(estimator)["made"]["given"] == ["sample_weight", "groups"]
        estimator.save(tmp_path / "model")
        assert facts_of(load(tmp_path / "model"))["made"]["given"] == ["sample_weight", "groups"]
        assert facts_of(estimator.fit(X, y))["made"]["given"] == []


def test_earlier_facts_of_other_networks_are_left_alone() -> None:
    facts = facts_of(searched("y"))
    other = facts_of(searched("three"), effects=made_up_effects())
    assert facts_of(searched("y"), earlier=other) == facts
    assert facts_of(searched("three"), earlier=other)["effects"] == other["effects"]


def test_effects_are_plain_values() -> None:
    facts = facts_of(searched("y"), effects=made_up_effects())
    assert facts["effects"] is not None
    assert facts["effects"]["lines"][0]["loss"] == {"value": -0.2, "low": -0.3, "high": -0.1}
    assert any("early stopping" in sentence for sentence in facts["effects_words"])
