"""The corrected estimate of a fitted search, in the target's own units."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from taut.engine.base import Control
from taut.estimators.estimating import estimate_of
from taut.evidence.estimate import Estimate
from taut.selection.search import Search
from tests.estimators.helpers import crossvalidated, given, numbers, output, tasks


def fitted(task: str = "classification", **changes: Any) -> Any:
    X, y = changes.pop("given", None) or given(task)
    how = {name: changes.pop(name) for name in ("X_val", "y_val", "sample_weight") if name in changes}
    return crossvalidated(task, **changes).fit(X, y, **how)


@tasks
@pytest.mark.parametrize("selection", ["best", "1se"])
def test_the_estimate_is_that_of_the_chosen_one(task: str, selection: str) -> None:
    model = fitted(task, selection=selection, n_candidates=6)
    found: Estimate = model.estimate_
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
    assert found.n_bagged == 3
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
    assert found.n_bagged == 0
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
