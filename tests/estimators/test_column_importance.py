from __future__ import annotations

import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from taut import EarlyStopping, Recipe
from taut.errors import TrainingWarning
from taut.evidence.importance import Importance
from tests.estimators.helpers import (
    Make,
    crossvalidated,
    given,
    kinds,
    mixed_columns,
    mixed_target,
    numbers,
    single,
    tasks,
    weights_of,
)


def names(found: Importance) -> list[str]:
    return [line.name for line in found.lines]


@tasks
@kinds
def test_the_columns_that_make_the_target_come_first(make: Make, task: str) -> None:
    X, y = given(task, n=300, p=5)
    found = make(task, max_epochs=40).fit(X, y).importance_
    assert set(names(found)[:2]) == {"x0", "x1"}
    assert all(line.loss.low > 0 for line in found.lines[:2])
    assert all(line.loss.low < 0.5 * found.base_loss for line in found.lines[2:])
    assert found.n_left_out == 0
    assert found.n_rows == (45 if make is single else 300)


@kinds
def test_every_kind_of_column_has_one_line(make: Make) -> None:
    columns = mixed_columns(200)
    X = pd.DataFrame({**columns, "always": ["same"] * 200})
    y = mixed_target(columns)
    found = make(max_epochs=30).fit(X, y).importance_
    assert sorted(names(found)) == ["colour", "count", "large", "size", "when"]
    assert found.lines[0].name == "colour"
    assert found.lines[0].loss.low > 0


@tasks
def test_where_nothing_is_held_out_there_is_none(task: str) -> None:
    X, y = given(task)
    assert single(task, recipe=Recipe()).fit(X, y).importance_ is None
    assert single(task, validation_fraction=0.0).fit(X, y).importance_ is None


@kinds
def test_given_validation_rows_are_those_that_judge(make: Make) -> None:
    X, y = given(n=200)
    found = make().fit(X[:140], y[:140], X_val=X[140:], y_val=y[140:]).importance_
    assert found.n_rows == 60


@kinds
def test_rows_of_weight_zero_do_not_judge(make: Make) -> None:
    X, y = given("regression", n=200)
    y[150:] = 1e6
    weight = np.where(np.arange(200) < 150, 1.0, 0.0)
    found = make("regression").fit(X, y, sample_weight=weight).importance_
    assert found.base_loss < 100
    assert found.n_rows <= 150


@kinds
def test_losses_are_in_the_targets_own_units(make: Make) -> None:
    X, y = given("regression")
    plain = make("regression").fit(X, y).importance_
    scaled = make("regression").fit(X, 1000 * y + 5).importance_
    assert names(plain) == names(scaled)
    assert scaled.base_loss == pytest.approx(1e6 * plain.base_loss, rel=1e-2)
    assert scaled.lines[0].loss.high == pytest.approx(1e6 * plain.lines[0].loss.high, rel=1e-2)


def test_the_base_loss_of_one_network_is_its_validation_loss() -> None:
    model = single("regression").fit(*given("regression"))
    kept = model.history_["validation_loss"][model.best_epoch_ - 1]
    assert model.importance_.base_loss == pytest.approx(kept, rel=1e-4)


def test_refitted_networks_have_seen_all_rows_and_do_not_judge() -> None:
    X, y = given()
    refit = crossvalidated(final="refit").fit(X, y)
    assert len(refit.model_.networks) == 5
    assert refit.importance_.n_rows == 150
    # The folds' networks at the epochs at which they are scored.
    assert refit.importance_.base_loss == pytest.approx(refit.best_.loss, rel=1e-4)


@kinds
def test_the_same_seed_gives_the_same_whatever_the_threads(make: Make) -> None:
    X, y = given()
    assert make().fit(X, y).importance_ == make(n_jobs=2).fit(X, y).importance_


def test_a_resumed_search_has_the_same(tmp_path: Path) -> None:
    X, y = given()
    file = tmp_path / "search.db"
    first = crossvalidated(resume=file).fit(X, y)
    again = crossvalidated(resume=file).fit(X, y)
    assert first.importance_ == again.importance_ == crossvalidated().fit(X, y).importance_


@kinds
def test_it_changes_nothing_else(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = given()
    with_it = make().fit(X, y)

    def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr("taut.estimators.single.importance_of_one", nothing)
    monkeypatch.setattr("taut.estimators.crossvalidated.importance_of_search", nothing)
    without = make().fit(X, y)
    assert without.importance_ is None
    assert weights_of(with_it) == weights_of(without)


@pytest.mark.filterwarnings("ignore:y is 3 in every row")
@kinds
def test_nothing_is_used_for_a_constant(make: Make) -> None:
    found = make("regression").fit(numbers(), np.full(150, 3.0)).importance_
    assert found.base_loss == pytest.approx(0.0, abs=1e-9)
    assert all(line.loss.value == 0.0 for line in found.lines)


@pytest.mark.filterwarnings("ignore:The time limit was over")
@pytest.mark.filterwarnings("ignore:No time was left")
def test_a_time_limit_leaves_it_a_little_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = given()
    model = crossvalidated(n_candidates=None, time_limit=0.5, max_epochs=200).fit(X, y)
    assert model.importance_ is not None
    monkeypatch.setattr("taut.estimators.crossvalidated._IMPORTANCE_SECONDS", -math.inf)
    monkeypatch.setattr("taut.estimators.crossvalidated._IMPORTANCE_SHARE", -math.inf)
    assert crossvalidated(time_limit=60.0).fit(X, y).importance_ is None


def test_folds_without_two_rows_are_left_aside() -> None:
    X, y = given("regression", n=12)
    model = single("regression", recipe=Recipe(EarlyStopping()), validation_fraction=0.01).fit(X, y)
    assert model.importance_ is None


def test_ctrl_c_after_the_search_ends_what_is_left_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one, that is; the search is done and must not be lost."""

    def pressed(*given: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        assert given[-1].should_stop()

    monkeypatch.setattr("taut.estimators.crossvalidated.importance_of_search", pressed)
    X, y = given()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        fitted = crossvalidated().fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert fitted.importance_ is None
    assert fitted.estimate_.loss.value > 0
    assert not fitted.interrupted_
    assert len(fitted.predict(X)) == len(X)


def test_a_fault_in_it_is_a_warning_and_the_search_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("taut.estimators.crossvalidated.importance_of_search", full)
    X, y = given()
    with pytest.warns(TrainingWarning, match="could not be measured"):
        fitted = crossvalidated().fit(X, y)
    assert fitted.importance_ is None
    assert len(fitted.predict(X)) == len(X)
