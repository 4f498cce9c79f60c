"""The recipe chosen by cross-validation."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import KFold, LeaveOneGroupOut, RepeatedKFold, ShuffleSplit

from taut import L2, EarlyStopping, Recipe
from taut.errors import DataError, DataWarning, ParameterError, TrainingError, TrainingWarning
from taut.estimators.crossvalidated import N_CANDIDATES, cv_results
from taut.selection.candidates import BASELINES, RandomProposer, single_recipes
from taut.selection.score import failed_score
from tests.estimators.helpers import crossvalidated, given, numbers, output, target, tasks

EARLY, NONE = BASELINES


def numbers_of(fitted: Any) -> list[Any]:
    """What the search found, but for the time that it took."""
    return [{**c.to_json(), "seconds": 0} for c in fitted.candidates_]


# --- what is tried, and who wins --------------------------------------------------------------------------


@tasks
def test_candidates_are_the_baselines_and_what_is_proposed(task: str) -> None:
    fitted = crossvalidated(task, n_candidates=20).fit(*given(task))
    recipes = [candidate.recipe for candidate in fitted.candidates_]
    assert len(recipes) == len(set(recipes)) == 20
    assert recipes[:2] == [EARLY, NONE]
    assert recipes[2:18] == single_recipes()
    assert all(len(recipe.techniques) >= 3 for recipe in recipes[18:])


@tasks
def test_the_chosen_one_has_the_lowest_loss_and_is_never_worse_than_the_baselines(task: str) -> None:
    fitted = crossvalidated(task, n_candidates=10).fit(*given(task))
    assert fitted.best_ is fitted.candidates_[fitted.best_index_]
    assert fitted.best_.loss == min(candidate.loss for candidate in fitted.candidates_)
    assert fitted.recipe_ == fitted.best_.recipe
    assert fitted.best_epoch_ == fitted.best_.epoch
    assert set(fitted.baseline_) == {"none", "early_stopping"}
    assert fitted.baseline_["none"].recipe == NONE
    assert fitted.baseline_["early_stopping"].recipe == EARLY
    assert fitted.best_.loss <= min(baseline.loss for baseline in fitted.baseline_.values())
    assert fitted.zero_share_ == pytest.approx(
        np.mean([network.zero_share for network in fitted.model_.networks])
    )
    assert not fitted.interrupted_
    assert fitted.search_seconds_ > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_candidates": 1}, "n_candidates must be a whole number of 2 or more, and it is 1"),
        ({"n_candidates": 2.5}, "n_candidates must be a whole number of 2 or more"),
        ({"time_limit": -1}, "time_limit must be a finite number of 0 or more, and it is -1"),
        ({"time_limit": "a minute"}, "time_limit must be .* 'a minute' is no number"),
    ],
    ids=str,
)
def test_parameters_out_of_their_range_are_refused_in_a_sentence(changes: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        crossvalidated(**changes).fit(*given())


def test_the_number_of_candidates_is_forty_or_as_many_as_the_time_allows(monkeypatch: Any) -> None:
    asked: list[Any] = []

    class Spy(RandomProposer):  # type: ignore[misc]  # it is final for those who use it
        def __init__(self, n_candidates: int | None, seed: int) -> None:
            asked.append(n_candidates)
            super().__init__(2, seed)

    monkeypatch.setattr("taut.estimators.crossvalidated.RandomProposer", Spy)
    X, y = given()
    for changes in ({}, {"time_limit": 60}, {"n_candidates": 7}, {"n_candidates": 7, "time_limit": 60}):
        crossvalidated(**{"n_candidates": None, **changes}).fit(X, y)
    assert asked == [N_CANDIDATES, None, 7, 7]
    assert N_CANDIDATES == 40


# --- what is told of it -----------------------------------------------------------------------------------


@tasks
def test_results_are_as_in_sklearns_searches(task: str) -> None:
    fitted = crossvalidated(task, n_candidates=8).fit(*given(task))
    results = fitted.cv_results_
    for name, values in results.items():
        assert len(values) == 8, name
    for i, candidate in enumerate(fitted.candidates_):
        assert results["params"][i] == {"recipe": candidate.recipe}
        assert results["param_recipe"][i] == candidate.recipe
        assert results["mean_test_score"][i] == pytest.approx(-candidate.loss)
        assert results["std_test_score"][i] == pytest.approx(np.std(candidate.validation_loss))
        for k in range(3):
            assert results[f"split{k}_test_score"][i] == -candidate.validation_loss[k]
            assert results[f"split{k}_train_score"][i] == -candidate.train_loss[k]
        assert results["mean_test_metric"][i] == pytest.approx(candidate.score.mean())
        assert results["epochs"][i] == candidate.epoch
        assert results["failed"][i] == ""
    assert results["rank_test_score"][fitted.best_index_] == 1
    ranks = [
        1 + sum(other.loss < candidate.loss for other in fitted.candidates_)
        for candidate in fitted.candidates_
    ]
    assert results["rank_test_score"].tolist() == ranks
    assert pd.DataFrame(results).shape[0] == 8


def test_a_failed_candidate_is_ranked_last() -> None:
    fitted = crossvalidated(n_candidates=3).fit(*given())
    failed = failed_score(Recipe(L2(1e6)), 3, "diverged", 0.1)
    results = cv_results([failed, *fitted.candidates_])
    assert results["rank_test_score"][0] == 4
    assert results["rank_test_score"][1:].tolist() == fitted.cv_results_["rank_test_score"].tolist()
    assert np.isnan(results["mean_test_score"][0])
    assert results["failed"].tolist() == ["diverged", "", "", ""]


@tasks
def test_histories_are_those_of_the_baselines_and_the_chosen_one_by_fold(task: str) -> None:
    fitted = crossvalidated(task, n_candidates=10).fit(*given(task))
    assert set(fitted.history_) == {EARLY, NONE, fitted.recipe_}
    for recipe, folds in fitted.history_.items():
        (score,) = (candidate for candidate in fitted.candidates_ if candidate.recipe == recipe)
        assert len(folds) == fitted.n_splits_ == 3
        for k, history in enumerate(folds):
            assert history["epoch"].tolist() == list(range(1, score.epochs_trained + 1))
            assert all(len(values) == score.epochs_trained for values in history.values())
            assert history["validation_loss"][score.fold_epochs[k] - 1] == pytest.approx(
                score.validation_loss[k]
            )
            assert ("validation_accuracy" in history) == (task == "classification")


@tasks
def test_losses_are_those_of_the_folds_networks_on_rows_that_they_have_not_seen(task: str) -> None:
    """By hand: with one fold's own best epoch, what is scored is what predicts."""
    X, y = given(task)
    held = np.arange(150) >= 100
    fitted = crossvalidated(task, cv=[(~held, held)]).fit(X, y)
    assert fitted.best_.epoch == fitted.best_.fold_epochs[0]
    if task == "regression":
        expected = mean_squared_error(y[held], fitted.predict(X[held]))
        r2 = fitted.score(X[held], y[held])
        assert fitted.best_.score[0] == pytest.approx(r2, rel=1e-4)
    else:
        expected = log_loss(y[held], fitted.predict_proba(X[held]))
        assert fitted.best_.score[0] == pytest.approx(fitted.score(X[held], y[held]))
    assert fitted.best_.loss == pytest.approx(expected, rel=1e-4)


# --- folds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cv", "groups", "n_splits"),
    [
        (2, None, 2),
        (None, None, 5),
        (KFold(4), None, 4),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), None, 4),
        (ShuffleSplit(2, test_size=0.2, random_state=0), None, 2),
        (3, np.arange(150) % 10, 3),
        (LeaveOneGroupOut(), [f"g{i % 3}" for i in range(150)], 3),
        ([(range(100), range(100, 150))], None, 1),
    ],
    ids=str,
)
def test_any_splitter_and_groups_are_taken(cv: Any, groups: Any, n_splits: int) -> None:
    X, y = given()
    fitted = crossvalidated(cv=cv).fit(X, y, groups=groups)
    assert fitted.n_splits_ == len(fitted.model_.networks) == n_splits
    assert all(len(candidate.validation_loss) == n_splits for candidate in fitted.candidates_)


@tasks
def test_rows_that_are_never_held_out_are_never_scored(task: str) -> None:
    X, y = given(task)
    cv = [(np.arange(150) % 3 != k, (np.arange(150) % 3 == k) & (np.arange(150) < 90)) for k in range(3)]
    fitted = crossvalidated(task, cv=cv).fit(X, y)
    score = fitted.baseline_["none"]
    assert score.validation_loss.shape == (3,)
    # With weights that are 0 from row 90 on in training too, the scored rows are the same ones.
    for k, (_, held) in enumerate(cv):
        network = type(fitted.model_)(
            fitted.model_.schema, fitted.model_.target, (fitted.model_.networks[k],)
        )
        engine = fitted._engine()
        values = X[held].astype(np.float32)
        history = fitted.history_[fitted.recipe_][k]["validation_loss"][fitted.best_epoch_ - 1]
        if task == "regression":
            expected = mean_squared_error(y[held], network.values(engine, values))
        else:
            expected = log_loss(y[held], network.probabilities(engine, values), labels=[0, 1, 2])
        assert history == pytest.approx(expected, rel=1e-4)


def test_groups_of_the_wrong_length_and_too_few_are_refused() -> None:
    X, y = given()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        crossvalidated().fit(X, y, groups=np.arange(3))
    with pytest.raises(ValueError, match="greater than the number of groups: 2"):
        crossvalidated().fit(X, y, groups=np.arange(150) % 2)


@tasks
def test_fewer_rows_than_folds_is_sklearns_message(task: str) -> None:
    X, y = given(task)
    y = y if task == "regression" else np.arange(150) % 2
    with pytest.raises(
        ValueError, match="Cannot have number of splits n_splits=5 greater than the number of sam"
    ):
        crossvalidated(task, cv=5).fit(X[:4], y[:4])


def test_identical_rows_stay_in_one_fold() -> None:
    """Else a network that recites what it has seen would look skilled on pure noise."""
    X = np.repeat(numbers(60), 4, axis=0)
    y = np.repeat(np.random.default_rng(5).integers(0, 2, 60), 4)
    usual = {"hidden": (64,), "max_epochs": 60, "n_candidates": 2}
    fitted = crossvalidated(**usual).fit(X, y)
    none = fitted.baseline_["none"]
    assert none.train_loss.mean() < 0.3
    assert none.loss > 0.7
    assert none.score.mean() < 0.7
    # The test itself: with folds that tear them apart, they are recited.
    with pytest.warns(DataWarning, match=r"\d+ held-out rows are identical to rows that train"):
        torn = crossvalidated(**usual, cv=KFold(3, shuffle=True, random_state=0)).fit(X, y)
    assert torn.baseline_["none"].score.mean() > 0.8


@tasks
def test_a_validation_set_is_the_only_fold(task: str) -> None:
    X, y = given(task)
    fitted = crossvalidated(task, batch_size=32).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert fitted.n_splits_ == 1
    assert np.isnan(fitted.best_.loss_se)
    same = crossvalidated(task, batch_size=32, cv=[(range(100), range(100, 150))]).fit(X, y)
    assert [c.recipe for c in same.candidates_] == [c.recipe for c in fitted.candidates_]
    np.testing.assert_allclose(same.best_.validation_loss, fitted.best_.validation_loss, rtol=1e-3)


# --- weights ----------------------------------------------------------------------------------------------


@tasks
def test_a_row_of_weight_zero_is_as_if_it_were_not_there(task: str) -> None:
    X, y = given(task)
    weight = np.ones(150)
    weight[::4] = 0.0
    y = y.copy()
    y[::4] = y[0] if task == "classification" else 1e6
    with_them = crossvalidated(task).fit(X, y, weight)
    without = crossvalidated(task).fit(X[weight > 0], y[weight > 0])
    assert output(with_them, X).tobytes() == output(without, X).tobytes()
    assert numbers_of(with_them) == numbers_of(without)


@tasks
def test_weights_count_in_the_score(task: str) -> None:
    X, y = given(task)
    weight = np.random.default_rng(2).random(150)
    fitted = crossvalidated(task, cv=[(range(100), range(100, 150))]).fit(X, y, weight)
    if task == "regression":
        expected = mean_squared_error(y[100:], fitted.predict(X[100:]), sample_weight=weight[100:])
    else:
        expected = log_loss(y[100:], fitted.predict_proba(X[100:]), sample_weight=weight[100:])
    assert fitted.best_.loss == pytest.approx(expected, rel=1e-4)


def test_a_fold_whose_held_out_rows_all_have_weight_zero_is_refused() -> None:
    X, y = given()
    with pytest.raises(DataError, match="sample_weight leaves no held-out row with a weight above 0"):
        crossvalidated(cv=KFold(3)).fit(X, y, np.where(np.arange(150) < 50, 0.0, 1.0))


def test_class_weights_count_in_training_and_not_in_the_score() -> None:
    X, y = given()
    weights = {0: 1.0, 1: 1.0, 2: 5.0}
    fitted = crossvalidated(cv=[(range(100), range(100, 150))], class_weight=weights).fit(X, y)
    assert fitted.best_.loss == pytest.approx(log_loss(y[100:], fitted.predict_proba(X[100:])), rel=1e-4)
    plain = crossvalidated(cv=[(range(100), range(100, 150))]).fit(X, y)
    assert fitted.predict_proba(X)[:, 2].mean() > plain.predict_proba(X)[:, 2].mean() + 0.05


# --- the same numbers -------------------------------------------------------------------------------------


@tasks
def test_one_or_two_threads_choose_the_same_recipe_with_the_same_weights(task: str) -> None:
    X, y = given(task)
    one, two = (crossvalidated(task, n_candidates=12, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    assert one.recipe_ == two.recipe_
    assert numbers_of(one) == numbers_of(two)
    for first, second in zip(one.model_.networks, two.model_.networks, strict=True):
        for name, weights in first.weights.items():
            assert second.weights[name].tobytes() == weights.tobytes()
    assert output(one, X).tobytes() == output(two, X).tobytes()


# --- what goes wrong --------------------------------------------------------------------------------------


@tasks
def test_where_all_candidates_diverge_the_error_names_the_likely_cause(task: str) -> None:
    with pytest.raises(TrainingError, match="Every candidate diverged.*lower learning_rate"):
        crossvalidated(task, learning_rate=1e30).fit(*given(task))


def test_candidates_that_diverge_are_counted_and_named_in_a_warning() -> None:
    # So fast that the strongest L2 takes more than twice the weight from the weight.
    with pytest.warns(
        TrainingWarning, match=r"1 of 18 candidates have no score: L2 20 \+ early .*\(diverged\)"
    ):
        fitted = crossvalidated("regression", n_candidates=18, learning_rate=0.3, max_epochs=300).fit(
            *given("regression")
        )
    assert [c.recipe for c in fitted.candidates_ if c.failed] == [Recipe(L2(20.0), EarlyStopping())]
    assert np.isfinite(fitted.predict(numbers())).all()


def test_a_time_limit_is_kept() -> None:
    X = numbers(20_000, 20)
    y = target(X)
    crossvalidated(n_candidates=2, max_epochs=1).fit(X[:100], y[:100])  # compiled, or loaded
    started = time.monotonic()
    fitted = crossvalidated(
        hidden=(128, 128), n_candidates=None, time_limit=1.5, cv=5, max_epochs=300, n_jobs=None
    ).fit(X, y)
    assert time.monotonic() - started < 1.5 + 2.0
    assert len(fitted.model_.networks) == 5
    assert fitted.best_.loss < np.log(3)
    assert not fitted.interrupted_


def test_no_time_at_all_gives_one_epoch_of_early_stopping_alone_and_warns() -> None:
    X, y = given()
    with pytest.warns(TrainingWarning, match="time limit was over before one epoch"):
        fitted = crossvalidated(n_candidates=None, time_limit=0).fit(X, y)
    assert fitted.recipe_ == EARLY
    assert fitted.best_epoch_ == 1
    assert not fitted.best_.complete
    assert np.isfinite(output(fitted, X)).all()


def test_ctrl_c_gives_the_best_so_far_and_says_so() -> None:
    X, y = given()
    estimator = crossvalidated(n_candidates=None, time_limit=600)
    seen: list[Any] = []

    def press(progress: Any) -> None:
        seen.append(threading.current_thread())
        if progress.done == 9 and not estimator_pressed:
            estimator_pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    estimator_pressed: list[bool] = []
    estimator.on_progress = press
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        estimator.fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert estimator.interrupted_
    assert 2 <= len(estimator.candidates_) < 30
    assert estimator.best_.loss <= estimator.baseline_["early_stopping"].loss
    assert np.isfinite(output(estimator, X)).all()
    assert seen


# --- progress ---------------------------------------------------------------------------------------------


@tasks
def test_verbose_prints_progress_to_standard_error(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = given(task)
    fitted = crossvalidated(task, verbose=1).fit(X, y)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert all(line.startswith("taut: ") for line in lines)
    assert "4 of 4 candidates" in lines[-1]
    assert f"best loss {fitted.best_.loss:.4g}" in lines[-1]
    assert f"early stopping alone {fitted.baseline_['early_stopping'].loss:.4g}" in lines[-1]
    crossvalidated(task).fit(X, y)
    assert capsys.readouterr() == ("", "")


def test_progress_is_told_in_the_targets_own_units() -> None:
    X, y = given("regression")
    seen: list[Any] = []
    estimator = crossvalidated("regression")
    estimator.on_progress = seen.append
    estimator.fit(X, 1000.0 * y)
    assert seen[-1].best == pytest.approx(estimator.best_.loss)
    assert seen[-1].finishing
    assert estimator.best_.loss > 1e4


def test_a_split_with_rows_on_both_sides_is_told() -> None:
    X, y = given()
    with pytest.warns(DataWarning, match="cv's split 0 holds out 10 rows that it also trains on"):
        crossvalidated(cv=[(range(100), range(90, 150))]).fit(X, y)


def test_a_class_that_a_fold_cannot_learn_is_named() -> None:
    X, y = given()
    names = np.array(["a", "b", "c"])[y]
    with pytest.warns(
        DataWarning, match=r"no training row of these classes: 'a' \(1 of 3\), 'b' \(1 of 3\), 'c'"
    ):
        crossvalidated(cv=3).fit(X, names, groups=y)
    rows = np.arange(len(y))
    splits = [(rows[y != 1], rows[y == 1]), (rows[::2], rows[1::2])]
    with pytest.warns(DataWarning, match=r"these classes: 'b' \(1 of 2\); they cannot learn them"):
        crossvalidated(cv=splits).fit(X, names)


@tasks
def test_where_folds_repeat_rows_have_no_say_in_their_own_epoch(task: str) -> None:
    X, y = given(task)
    cv = RepeatedKFold(n_splits=2, n_repeats=3, random_state=0)
    fitted = crossvalidated(task, cv=cv, n_candidates=2, max_epochs=40).fit(X, y)
    curves = [fold["validation_loss"] for fold in fitted.history_[EARLY]]
    n_epochs = min(map(len, curves))
    best = [int(np.argmin(curve[:n_epochs])) + 1 for curve in curves]
    assert len(set(best)) > 1
    # Each fold's epoch is the one that is best on the other fold of its own repetition.
    expected = [best[k + 1 - 2 * (k % 2)] for k in range(6)]
    assert fitted.baseline_["early_stopping"].fold_epochs.tolist() == expected
