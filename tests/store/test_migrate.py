"""Models that older versions saved: they load, and predict what they predicted then."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taut import L1, L2, EarlyStopping, Recipe, TautClassifier, TautClassifierCV, load
from taut.learning.architecture import MLP
from taut.report.facts import facts_of
from taut.report.text import plain_table
from taut.selection.candidate import Candidate
from taut.selection.score import CandidateScore
from taut.store.migrate import FORMAT, migrate
from tests.store.helpers import DELETE, edit

#: A search of version 0.1.0: ``TautClassifierCV(hidden=(4,), n_candidates=4, cv=3, max_epochs=8,
#: random_state=0)`` on 60 rows of three columns, the classes "no" and "yes".
FORMAT_1 = Path(__file__).with_name("format-1")

X = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5], [-1.5, 0.25, 3.0], [np.nan, 1.0, -1.0]])
#: What the version that saved it says of these.
SAID = [0.30421638565385467, 0.17951384055544187, 0.2411068882304502, 0.2745827901073283]

EARLY = Recipe(EarlyStopping())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FORMAT_1, tmp_path / "model"))


@pytest.fixture
def description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FORMAT_1 / "model.json").read_bytes())
    assert found["format"] == 1
    return found


# --- a model of format 1 ----------------------------------------------------------------------------------


def test_it_predicts_what_it_predicted() -> None:
    loaded = load(FORMAT_1)
    assert type(loaded) is TautClassifierCV
    np.testing.assert_allclose(loaded.predict_proba(X)[:, 1], SAID, atol=1e-6)
    assert loaded.predict(X).tolist() == ["no"] * 4


def test_its_search_is_told_as_a_search_of_today() -> None:
    loaded = load(FORMAT_1)
    assert loaded.recipe_ == Recipe(L2(0.77), EarlyStopping())
    assert (loaded.best_index_, loaded.best_epoch_, loaded.n_splits_) == (2, 8, 3)
    assert [c.candidate for c in loaded.candidates_] == [
        Candidate(recipe, 0.001, MLP((4,)))
        for recipe in (EARLY, Recipe(), loaded.recipe_, Recipe(L1(0.055), EarlyStopping()))
    ]
    assert [c.state for c in loaded.candidates_] == ["complete"] * 4
    assert [c.batch for c in loaded.candidates_] == [-1, -1, 0, 0]
    assert [c.epochs_trained for c in loaded.candidates_] == [24] * 4  # of all folds together
    assert loaded.best_ is loaded.candidates_[2]
    assert loaded.best_.loss == pytest.approx(0.7148519758772287)
    assert loaded.best_.loss_se == pytest.approx(0.07344721487282505)
    assert loaded.baseline_["none"].loss == pytest.approx(0.7185471853738545)
    assert loaded.baseline_["early_stopping"] is loaded.candidates_[0]
    assert loaded.cv_results_["rank_test_score"].tolist() == [3, 3, 1, 2]
    assert list(loaded.history_) == ["early_stopping", "none", "chosen"]
    for folds in loaded.history_.values():
        assert [len(fold["validation_loss"]) for fold in folds] == [8, 8, 8]
    best = loaded.history_["chosen"][1]["validation_loss"][7]
    assert best == pytest.approx(loaded.best_.validation_loss[1])


def test_its_parameters_are_those_that_it_had_and_todays_for_the_rest() -> None:
    loaded = load(FORMAT_1)
    usual = TautClassifierCV(hidden=(4,), n_candidates=4, cv=3, max_epochs=8, random_state=0)
    assert loaded.get_params() == usual.get_params()


def test_a_report_can_be_made_of_it() -> None:
    lines = plain_table(facts_of(load(FORMAT_1))).splitlines()
    assert [line.split("  ")[0] for line in lines if not line.startswith((" ", "-"))] == [
        "no regularization", "early stopping alone", "L2 0.77", "L1 0.055", "Dropout", "Batch normalization",
        "chosen recipe",
    ]  # fmt: skip


def test_it_is_saved_again_in_todays_format(tmp_path: Path) -> None:
    loaded = load(FORMAT_1)
    loaded.save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "model.json").read_bytes())["format"] == FORMAT == 2
    again = load(tmp_path / "again")
    assert again.predict_proba(X).tobytes() == loaded.predict_proba(X).tobytes()
    assert [c.to_json() for c in again.candidates_] == [c.to_json() for c in loaded.candidates_]
    assert again.get_params() == loaded.get_params()


def test_it_may_be_fitted_again() -> None:
    rng = np.random.default_rng(0)
    more = rng.standard_normal((60, 3))
    fitted = load(FORMAT_1).fit(more, np.where(more[:, 0] > 0, "yes", "no"))
    assert len(fitted.candidates_) == 4
    assert fitted.n_splits_ == 3


def test_a_splitter_that_was_not_saved_is_the_five_folds_of_then(model: Path) -> None:
    edit(model, "parameters", "cv", to=DELETE)
    assert load(model).cv == 5


def test_a_baseline_that_was_chosen(model: Path) -> None:
    edit(model, "training", "best_index_", to=1)
    loaded = load(model)
    assert loaded.best_ is loaded.baseline_["none"]
    for one, other in zip(loaded.history_["chosen"], loaded.history_["none"], strict=True):
        assert one["train_loss"].tolist() == other["train_loss"].tolist()


def test_what_was_cut_off_and_what_failed(model: Path) -> None:
    edit(model, "training", "candidates", 0, "complete", to=False)
    for name, value in {
        "failed": "diverged", "complete": False, "epoch": 0, "fold_epochs": [0] * 3, "epochs_trained": 0,
        "train_loss": [None] * 3, "validation_loss": [None] * 3, "score": [None] * 3, "zero_share": None,
    }.items():  # fmt: skip
        edit(model, "training", "candidates", 3, name, to=value)
    loaded = load(model)
    assert [c.state for c in loaded.candidates_] == ["cut off", "complete", "complete", "failed"]
    failed = loaded.candidates_[3]
    assert (failed.failed, failed.epochs_trained, failed.folds.any()) == ("diverged", 0, False)
    assert np.isnan([failed.loss, failed.zero_share, *failed.validation_loss]).all()
    search = facts_of(loaded)["search"]
    assert search is not None
    assert search["n_failed"] == 1


def test_a_model_of_one_recipe_is_only_renumbered(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((60, 3))
    one = TautClassifier(hidden=(4,), max_epochs=3, random_state=0).fit(rows, rows[:, 0] > 0)
    one.save(tmp_path / "model")
    edit(tmp_path / "model", "format", to=1)
    assert load(tmp_path / "model").predict_proba(rows).tobytes() == one.predict_proba(rows).tobytes()


# --- the description --------------------------------------------------------------------------------------


def test_the_description_that_is_migrated_is_left_as_it_was(description: dict[str, Any]) -> None:
    before = copy.deepcopy(description)
    migrated = migrate(description)
    assert description == before
    assert migrated["format"] == FORMAT
    assert set(migrated) == set(description)


def test_todays_description_is_not_touched(description: dict[str, Any]) -> None:
    today = migrate(description)
    assert migrate(today) is today


def test_migrated_candidates_are_those_of_today(description: dict[str, Any]) -> None:
    for one in migrate(description)["training"]["candidates"]:
        score = CandidateScore.from_json(one, MLP((4,)))
        assert set(one) == set(score.to_json())


@pytest.mark.parametrize("name", ["training", "parameters"])
def test_a_description_without_its_parts_is_a_missing_key(name: str, description: dict[str, Any]) -> None:
    del description[name]
    with pytest.raises(KeyError, match=name):
        migrate(description)
