"""What a fitted search shows: its corrected estimate and the columns it uses, in the target's own units."""

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
from taut.evidence.estimate import Estimate
from taut.evidence.importance import Importance
from taut.evidence.of_search import estimate_of
from taut.learning.training import Control
from taut.selection.search import Search
from tests.estimators.helpers import (
    Make,
    crossvalidated,
    given,
    kinds,
    mixed_columns,
    mixed_target,
    numbers,
    output,
    single,
    tasks,
    weights_of,
)


def fitted(task: str = "classification", **changes: Any) -> Any:
    X, y = changes.pop("given", None) or given(task)
    how = {name: changes.pop(name) for name in ("X_val", "y_val", "sample_weight") if name in changes}
    return crossvalidated(task, **changes).fit(X, y, **how)


@tasks
@pytest.mark.parametrize("selection", ["best", "1se"])
def test_the_estimate_is_that_of_the_chosen_one(task: str, selection: str) -> None:
    model = fitted(task, selection=selection, n_candidates=6)
    found: Estimate = model.estimate_
    assert found.n_averaged == len(model.model_.networks)
    assert found.loss.low < found.loss.value < found.loss.high
    assert found.score.low < found.score.value < found.score.high <= 1.0
    rows = model.row_losses_[model.best_index_].astype(float)
    assert found.naive_loss == pytest.approx(rows.mean(), rel=1e-5)
    assert found.naive_loss == pytest.approx(model.best_.loss, rel=1e-4)
    assert found.score_name == ("accuracy" if task == "classification" else "r2")
    assert found.n_candidates == sum(c.complete for c in model.candidates_)
    assert 0 <= found.loss.low < found.naive_loss < found.loss.high
    if task == "classification":
        assert found.naive_score == pytest.approx(np.mean(model.best_.score), abs=1e-6)
    else:
        y = given("regression")[1]
        assert found.naive_score == pytest.approx(1 - rows.mean() / y.var(), rel=1e-4)


@tasks
def test_the_bag_is_of_networks_that_have_not_seen_a_row(task: str) -> None:
    model = fitted(task)
    found = model.estimate_
    assert found.n_bagged >= 3
    assert 0 < found.bag_loss < 1.5 * found.naive_loss
    # Of more networks than those that were averaged, less what having chosen flatters.
    assert found.loss.value - found.price < 1.05 * found.bag_loss
    assert math.isfinite(found.bag_score)
    X, y = given(task)
    seen = output(model, X)
    if task == "regression":  # the returned networks have seen the rows
        assert np.mean((seen - y) ** 2) < found.bag_loss
        assert found.bag_score == pytest.approx(1 - found.bag_loss / y.var(), rel=1e-4)


def test_losses_are_in_the_targets_own_units() -> None:
    X, y = given("regression")
    plain, scaled = fitted("regression").estimate_, fitted("regression", given=(X, 1000 * y + 5)).estimate_
    for name in ("value", "low", "high"):
        assert getattr(scaled.loss, name) == pytest.approx(1e6 * getattr(plain.loss, name), rel=1e-3)
    assert scaled.bag_loss == pytest.approx(1e6 * plain.bag_loss, rel=1e-3)
    assert scaled.score.value == pytest.approx(plain.score.value, abs=1e-3)


def test_a_scorer_is_estimated_over_the_folds() -> None:
    X = numbers()
    y = (X[:, 0] + 0.5 * numbers(seed=1)[:, 0] > 0).astype(int)
    model = fitted(scoring="roc_auc", given=(X, y), cv=4)
    found = model.estimate_
    assert found.score_name == "roc_auc"
    assert found.naive_score == pytest.approx(np.mean(model.best_.scoring))
    assert found.score.low < found.score.value < found.score.high
    assert found.naive_loss == pytest.approx(model.best_.loss)
    assert found.bag_loss > 0
    assert math.isnan(found.bag_score)  # the scorer is of whole folds


def test_a_scorers_estimate_is_of_the_average_too() -> None:
    """Whose area under the curve is that of the averages fold by fold, extrapolated."""
    X = numbers()
    y = (X[:, 0] + numbers(seed=1)[:, 0] > 0).astype(int)
    found = fitted(scoring="roc_auc", given=(X, y), cv=4).estimate_
    assert found.n_averaged == 4
    assert found.score.value != pytest.approx(found.naive_score + found.score_price, abs=1e-12)


def never(estimator: Any, X: Any, y: Any) -> float:
    return 0.5


def test_a_function_that_scores_gives_its_name() -> None:
    assert fitted(scoring=never).estimate_.score_name == "never"


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_one_split_has_an_estimate_of_its_rows(scoring: Any) -> None:
    X, y = given(n=200)
    model = fitted(given=(X[:120], y[:120]), X_val=X[120:], y_val=y[120:], scoring=scoring)
    found = model.estimate_
    assert model.n_splits_ == 1
    assert found.loss.low < found.loss.value < found.loss.high
    assert found.naive_loss == pytest.approx(model.best_.loss, rel=1e-4)
    assert (found.n_bagged, found.n_averaged) == (0, 1)  # one network is handed over
    assert math.isnan(found.score.low) == (scoring is not None)


@tasks
def test_weights_weigh(task: str) -> None:
    weight = np.where(np.arange(150) < 75, 1.0, 4.0)
    model = fitted(task, sample_weight=weight)
    found = model.estimate_
    rows = model.row_losses_[model.best_index_].astype(float)
    assert found.naive_loss == pytest.approx(np.average(rows, weights=weight), rel=1e-5)
    assert found.loss.low < found.loss.value < found.loss.high


@pytest.mark.filterwarnings("ignore:The time limit was over")
def test_without_time_there_are_no_figures_of_the_bag() -> None:
    model = fitted(n_candidates=None, time_limit=1e-6, max_epochs=200)
    found = model.estimate_
    assert (found.n_bagged, found.n_averaged) == (0, 1)
    assert math.isnan(found.bag_loss)
    assert math.isnan(found.bag_score)
    assert math.isfinite(found.loss.value)
    assert math.isfinite(found.loss.high)


@pytest.mark.filterwarnings(
    "ignore:The time limit was over", "ignore:scoring takes", "ignore:1 of 2 candidates have no score"
)
def test_without_time_a_scorer_has_an_estimate_too() -> None:
    found = fitted(n_candidates=None, time_limit=1e-6, max_epochs=200, scoring="accuracy").estimate_
    assert found.n_bagged == 0
    assert math.isfinite(found.score.value)


def test_the_bag_ends_with_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    given_controls: list[tuple[Control, float]] = []

    def of(search: Search, *rest: Any) -> Any:
        given_controls.append((rest[-1], search.deadline))
        return estimate_of(search, *rest)

    monkeypatch.setattr("taut.estimators.crossvalidated.estimate_of", of)
    fitted(time_limit=60.0)
    ((control, deadline),) = given_controls
    assert control.deadline == deadline < math.inf


@tasks
def test_the_same_seed_gives_the_same_whatever_the_threads(task: str) -> None:
    assert fitted(task).estimate_ == fitted(task, n_jobs=2).estimate_


@pytest.mark.filterwarnings("ignore:y is 3 in every row")
def test_a_constant_amount_has_no_score() -> None:
    found = fitted("regression", given=(numbers(), np.full(150, 3.0))).estimate_
    assert math.isfinite(found.loss.value)
    assert all(math.isnan(end) for end in found.score.to_dict().values())
    assert math.isnan(found.bag_score)


# --- the columns ------------------------------------------------------------------------------------------


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
def test_importances_are_in_the_targets_own_units(make: Make) -> None:
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
def test_the_same_seed_gives_the_same_importances_whatever_the_threads(make: Make) -> None:
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

    monkeypatch.setattr("taut.estimators.single.importance_of", nothing)
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
