"""The recipe chosen by cross-validation: who trains, who is held out, and what is told of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import KFold, LeaveOneGroupOut, RepeatedKFold, ShuffleSplit

from taut.errors import DataError, DataWarning, ParameterError
from taut.estimators.splits import make_splits
from taut.selection.candidate import EARLY_STOPPING_ALONE as EARLY
from tests.estimators.helpers import crossvalidated, given, numbers, numbers_of, output, tasks


def splits_of(X: Any, y: Any, *, weight: Any = None, groups: Any = None, **changes: Any) -> list[Any]:
    """The splits that an estimator makes."""
    estimator = crossvalidated(**changes)
    table = estimator._problem(X, y, weight, None, None, None)
    seed = estimator._settings(table.n_counted).seed
    return make_splits(table, estimator.cv, groups, seed, estimator._architecture(), stacklevel=1)


@pytest.mark.fault(61)
def test_a_table_of_few_different_rows_is_learned() -> None:
    X = np.tile([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], (50, 1))
    fitted = crossvalidated(hidden=(16,), max_epochs=60, n_candidates=2).fit(X, X[:, 0] != X[:, 1])
    assert fitted.estimate_.score.value == 1.0
    assert fitted.n_identical_rows_ == 196


@pytest.mark.fault(61)
@tasks
def test_doses_are_learned_as_well_as_they_can_be(task: str) -> None:
    rng = np.random.default_rng(0)
    dose, respond = np.repeat([0.1, 0.2, 0.5, 1.0, 2.0, 5.0], 40), np.repeat([0, 1, 0, 1, 0, 1], 40)
    y = np.where(rng.random(240) < 0.11, 1 - respond, respond)
    target = y if task == "classification" else respond + 0.1 * rng.standard_normal(240)
    possible = np.mean(y == respond) if task == "classification" else 1 - 0.1**2 / np.var(target)
    fitted = crossvalidated(task, hidden=(64, 64), max_epochs=300, n_candidates=2).fit(dose[:, None], target)
    assert fitted.estimate_.score.value == pytest.approx(possible, abs=0.03)


# --- what is told of the folds ----------------------------------------------------------------------------


@tasks
def test_histories_are_those_of_the_baselines_and_the_chosen_one_by_fold(task: str) -> None:
    # A target that is mostly noise, so that patience ends some folds before others.
    X, y = given(task)
    y = np.random.default_rng(0).permutation(y)
    fitted = crossvalidated(task, n_candidates=10, max_epochs=150).fit(X, y)
    assert list(fitted.history_) == ["early_stopping", "none", "chosen"]
    scores = {**fitted.baseline_, "chosen": fitted.best_}
    for name, folds in fitted.history_.items():
        score = scores[name]
        assert len(folds) == fitted.n_splits_ == 3
        n_epochs = score.epochs_trained // 3
        assert n_epochs == 150 if score is fitted.baseline_["none"] else n_epochs < 150
        for k, history in enumerate(folds):
            # Folds that stop sooner go on to the longest one's epoch.
            assert history["epoch"].tolist() == list(range(1, n_epochs + 1))
            assert all(len(values) == n_epochs for values in history.values())
            at = score.fold_epochs[k] - 1
            assert history["train_loss"][at] == pytest.approx(score.train_loss[k])
            assert history["validation_loss"][at] == pytest.approx(score.validation_loss[k])
            if task == "classification":
                assert history["validation_accuracy"][at] == score.score[k]
    early, none = fitted.history_["early_stopping"], fitted.history_["none"]
    for k in range(3):  # the same training, as far as it went
        n_epochs = len(early[k]["epoch"])
        assert early[k]["train_loss"].tolist() == none[k]["train_loss"][:n_epochs].tolist()


def test_where_a_baseline_is_chosen_its_history_is_there_twice() -> None:
    fitted = crossvalidated(n_candidates=2).fit(*given())
    name = "early_stopping" if fitted.recipe_ == EARLY else "none"
    for chosen, same in zip(fitted.history_["chosen"], fitted.history_[name], strict=True):
        assert chosen["validation_loss"].tolist() == same["validation_loss"].tolist()


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
@pytest.mark.parametrize(("n", "n_splits"), [(60, 15), (500, 15), (501, 5), (1501, 5)])
def test_auto_makes_five_folds_and_on_few_rows_makes_them_anew(task: str, n: int, n_splits: int) -> None:
    X, y = given(task, n=n)
    fitted = crossvalidated(task, cv="auto", n_candidates=2, max_epochs=1).fit(X, y)
    assert fitted.n_splits_ == len(fitted.model_.networks) == n_splits
    assert {c.n_repeats for c in fitted.candidates_} == {n_splits // 5}
    assert np.isfinite(fitted.row_losses_).all()
    # Made anew: no two folds have the same networks.
    assert len(set(fitted.best_.validation_loss)) == n_splits


def test_repeated_folds_have_other_rows_and_each_row_its_mean() -> None:
    X, y = given(n=60)
    fitted = crossvalidated(cv="auto", n_candidates=2, max_epochs=1).fit(X, y)
    seen = splits_of(X, y, cv="auto")
    assert len(seen) == 15
    for repeat in (seen[:5], seen[5:10], seen[10:]):
        assert np.sort(np.concatenate([split.validation for split in repeat])).tolist() == list(range(60))
    assert len({split.validation.tobytes() for split in seen}) == 15
    total = np.zeros(60)
    for split, network in zip(seen, fitted.model_.networks, strict=True):
        alone = type(fitted.model_)(fitted.model_.schema, fitted.model_.target, (network,))
        shares = alone.probabilities(fitted._engine(), fitted._matrix(X[split.validation]))
        total[split.validation] -= np.log(shares[np.arange(len(shares)), y[split.validation]]) / 3
    np.testing.assert_allclose(fitted.row_losses_[fitted.best_index_], total, rtol=1e-4)


@tasks
def test_auto_takes_one_split_of_very_many_rows(task: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("taut.estimators.splits.ONE_SPLIT_ROWS", 140)
    X, y = given(task)
    fitted = crossvalidated(task, cv="auto").fit(X, y)
    assert fitted.n_splits_ == len(fitted.model_.networks) == 1
    assert np.isfinite(fitted.row_losses_).sum(axis=1).tolist() == [30] * 4  # a fifth
    assert np.isnan(fitted.best_.loss_se)
    # Rows that count for nothing are not counted either.
    weight = np.where(np.arange(150) < 10, 0.0, 1.0)
    assert crossvalidated(task, cv="auto", n_candidates=2).fit(X, y, weight).n_splits_ == 15
    # Whoever asks for folds, or gives groups, gets them.
    assert crossvalidated(task, cv=3, n_candidates=2).fit(X, y).n_splits_ == 3
    groups = np.arange(150) // 3
    assert crossvalidated(task, cv="auto", n_candidates=2).fit(X, y, groups=groups).n_splits_ == 5


def test_auto_with_groups_is_five_folds_of_whole_groups() -> None:
    X, y = given(n=60)
    groups = np.arange(60) // 4
    splits = splits_of(X, y, groups=groups, cv="auto")
    assert len(splits) == 5
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.validation])


def test_a_number_of_folds_is_that_many_on_few_rows_too() -> None:
    X, y = given(n=60)
    fitted = crossvalidated(cv=5, n_candidates=2).fit(X, y)
    assert fitted.n_splits_ == 5
    assert fitted.best_.n_repeats == 1


@pytest.mark.parametrize(
    ("cv", "sentence"),
    [
        ("five", "Expected `cv` as an integer, a cross-validation object"),
        (1, "at least one train/test split by setting n_splits=2 or more"),
        ([], "cv gives no split"),
        ([(np.arange(100), np.arange(100, 151))], "cv's split 0 names row 150, and there are 150 rows"),
    ],
    ids=str,
)
def test_a_cv_that_is_none_is_refused_in_a_sentence(cv: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        crossvalidated(cv=cv).fit(*given())


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
        matrix = fitted._matrix(X[held])
        history = fitted.history_["chosen"][k]["validation_loss"][fitted.best_epoch_ - 1]
        if task == "regression":
            expected = mean_squared_error(y[held], network.values(engine, matrix))
        else:
            expected = log_loss(y[held], network.probabilities(engine, matrix), labels=[0, 1, 2])
        assert history == pytest.approx(expected, rel=1e-4)


def test_groups_of_the_wrong_length_and_too_few_are_refused() -> None:
    X, y = given()
    with pytest.raises(DataError, match="groups has 3 rows, and X has 150"):
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
    assert [c.candidate for c in same.candidates_] == [c.candidate for c in fitted.candidates_]
    np.testing.assert_allclose(same.best_.validation_loss, fitted.best_.validation_loss, rtol=1e-3)


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
    curves = [fold["validation_loss"] for fold in fitted.history_["early_stopping"]]
    n_epochs = min(map(len, curves))
    best = [int(np.argmin(curve[:n_epochs])) + 1 for curve in curves]
    assert len(set(best)) > 1
    # Each fold's epoch is the one that is best on the other fold of its own repetition.
    expected = [best[k + 1 - 2 * (k % 2)] for k in range(6)]
    assert fitted.baseline_["early_stopping"].fold_epochs.tolist() == expected


def test_groups_and_a_validation_set_exclude_each_other() -> None:
    X, y = given()
    with pytest.raises(
        ParameterError, match="groups are for cross-validation, and X_val takes its place: give one"
    ):
        crossvalidated().fit(X, y, groups=np.arange(150) % 5, X_val=X, y_val=y)


# --- the losses of rows -----------------------------------------------------------------------------------


@tasks
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_the_rows_losses_are_those_of_the_folds(task: str, weighted: bool, unit: float) -> None:
    X, y = given(task)
    y = y * unit if task == "regression" else y
    weight = np.random.default_rng(2).random(150) if weighted else None
    splits = list(KFold(3, shuffle=True, random_state=4).split(X))
    fitted = crossvalidated(task, n_candidates=16, max_epochs=40, cv=splits).fit(X, y, weight)
    assert fitted.row_losses_.shape == (16, 150)
    assert fitted.row_losses_.dtype == np.float32
    states = set()
    for i, score in enumerate(fitted.candidates_):
        states.add(score.state)
        for k, (_, held) in enumerate(splits):
            rows = fitted.row_losses_[i, held]
            if not score.folds[k]:
                assert np.isnan(rows).all()
                continue
            mean = np.average(rows, weights=None if weight is None else weight[held])
            assert mean == pytest.approx(-fitted.cv_results_[f"split{k}_test_score"][i], rel=1e-4)
    assert states == {"complete", "dropped"}


def test_rows_that_no_fold_holds_out_have_no_loss() -> None:
    X, y = given()
    fitted = crossvalidated(cv=[(range(50), range(50, 100)), (range(50, 100), range(50))]).fit(X, y)
    assert np.isfinite(fitted.row_losses_[:2, :100]).all()
    assert np.isnan(fitted.row_losses_[:, 100:]).all()


def test_with_a_validation_set_no_row_is_held_out() -> None:
    X, y = given()
    fitted = crossvalidated().fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert fitted.row_losses_.shape == (4, 100)
    assert np.isnan(fitted.row_losses_).all()


def test_rows_of_weight_zero_have_no_loss_where_taut_makes_the_folds() -> None:
    X, y = given()
    weight = np.where(np.arange(150) % 4, 1.0, 0.0)
    fitted = crossvalidated().fit(X, y, weight)
    assert np.isnan(fitted.row_losses_[:, weight == 0]).all()
    assert np.isfinite(fitted.row_losses_[:2, weight > 0]).all()


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
