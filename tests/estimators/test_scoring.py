"""scikit-learn's scorers, on the outputs of a fold's network."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    make_scorer,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import cross_val_score

from taut.engine.base import Fold
from taut.errors import ParameterError
from taut.estimators.model import softmax
from taut.estimators.problem import Problem, make_problem
from taut.estimators.scoring import fold_scorer
from taut.selection.folds import Split, make_folds
from tests.estimators.helpers import given, numbers, single

TRAIN, HELD = np.arange(100, dtype=np.int32), np.arange(100, 150, dtype=np.int32)


def problem_of(y: Any, task: Any = "classification", weight: Any = None) -> tuple[Problem, list[Fold]]:
    """Two folds: the last fifty rows are held out, then the first hundred."""
    problem = make_problem(single(task), task, numbers(len(y)), y, weight, None, None)
    splits = [Split(TRAIN, HELD), Split(HELD, TRAIN)]
    return problem, make_folds(splits, problem.data, problem.matrix, 0)


def two_classes(names: Any = (0, 1)) -> Any:
    return np.array(names)[(given()[1] == 1).astype(int)]


LOGITS = np.random.default_rng(3).standard_normal((50, 2)).astype(np.float32)
SHARES = softmax(LOGITS)


# --- the same figures as scikit-learn's -------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("names", [(0, 1), ("no", "yes"), (-5.0, 7.0)], ids=str)
@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("accuracy", lambda y, said, shares, w: accuracy_score(y, said, sample_weight=w)),
        ("roc_auc", lambda y, said, shares, w: roc_auc_score(y, shares[:, 1], sample_weight=w)),
        ("neg_log_loss", lambda y, said, shares, w: -log_loss(y, shares, sample_weight=w)),
        ("f1_macro", lambda y, said, shares, w: f1_score(y, said, average="macro", sample_weight=w)),
    ],
)
def test_classes_are_scored_as_scikit_learn_does(
    scoring: str, expected: Any, names: Any, weighted: bool
) -> None:
    y = two_classes(names)
    weight = np.random.default_rng(1).random(150) + 0.1 if weighted else None
    score = fold_scorer(scoring, *problem_of(y, weight=weight))
    assert score is not None
    said = np.array(names)[SHARES.argmax(axis=1)]
    own = None if weight is None else weight[HELD]
    assert score(0, LOGITS) == pytest.approx(expected(y[HELD], said, SHARES, own), rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("scoring", "metric", "sign"), [("neg_mean_absolute_error", mean_absolute_error, -1), ("r2", r2_score, 1)]
)
def test_amounts_are_scored_in_the_targets_own_units(
    scoring: str, metric: Any, sign: int, weighted: bool
) -> None:
    y = 5000.0 + 300.0 * given("regression")[1]
    weight = np.random.default_rng(1).random(150) + 0.1 if weighted else None
    problem, folds = problem_of(y, "regression", weight)
    assert problem.target.unit != 1.0
    outputs = np.random.default_rng(3).standard_normal((50, 1)).astype(np.float32)
    said = outputs[:, 0].astype(np.float64) * problem.target.unit + problem.target.origin
    score = fold_scorer(scoring, problem, folds)
    assert score is not None
    own = None if weight is None else weight[HELD]
    expected = sign * metric(y[HELD], said, sample_weight=own)
    assert score(0, outputs) == pytest.approx(expected, rel=1e-5)


def test_each_fold_has_its_own_rows() -> None:
    y = two_classes()
    score = fold_scorer("accuracy", *problem_of(y))
    assert score is not None
    always_0 = np.array([[1.0, 0.0]])
    assert score(0, np.repeat(always_0, 50, axis=0)) == pytest.approx(np.mean(y[HELD] == 0))
    assert score(1, np.repeat(always_0, 100, axis=0)) == pytest.approx(np.mean(y[TRAIN] == 0))


def test_three_classes_are_scored_in_the_order_of_the_classes() -> None:
    y = np.array(["c", "a", "b"])[given()[1]]
    logits = np.random.default_rng(3).standard_normal((50, 3))
    score = fold_scorer("roc_auc_ovr", *problem_of(y))
    assert score is not None
    expected = roc_auc_score(y[HELD], softmax(logits), multi_class="ovr", labels=["a", "b", "c"])
    assert score(0, logits) == pytest.approx(expected)


def test_without_scoring_there_is_no_scorer() -> None:
    assert fold_scorer(None, *problem_of(two_classes())) is None


# --- scorers of one's own ---------------------------------------------------------------------------------


def test_a_function_of_ones_own_gets_an_estimator_row_numbers_and_the_true_target() -> None:
    y = two_classes(("no", "yes"))
    seen: list[Any] = []

    def own(estimator: Any, X: Any, y: Any) -> np.float32:
        seen.append((estimator.predict(X), estimator.predict_proba(X), X, y))
        return np.float32(0.25)

    score = fold_scorer(own, *problem_of(y, weight=np.ones(150)))
    assert score is not None
    found = score(0, LOGITS)
    assert (type(found), found) == (float, 0.25)
    said, shares, rows, truth = seen[-1]
    assert rows[:, 0].tolist() == HELD.tolist()
    assert truth.tolist() == y[HELD].tolist()
    np.testing.assert_allclose(shares, SHARES)
    assert said.tolist() == np.array(["no", "yes"])[SHARES.argmax(axis=1)].tolist()


@pytest.mark.parametrize("weighted", [False, True])
def test_scorers_that_were_made_get_the_weights(weighted: bool) -> None:
    y = two_classes(("no", "yes"))
    weight = np.where(np.arange(150) % 2, 3.0, 1.0) if weighted else None
    score = fold_scorer(make_scorer(f1_score, pos_label="yes"), *problem_of(y, weight=weight))
    assert score is not None
    said = np.array(["no", "yes"])[SHARES.argmax(axis=1)]
    own = None if weight is None else weight[HELD]
    expected = f1_score(y[HELD], said, pos_label="yes", sample_weight=own)
    assert score(0, LOGITS) == pytest.approx(expected, rel=1e-6)


# --- what does not go -------------------------------------------------------------------------------------


def test_a_name_that_scikit_learn_does_not_know_is_refused_in_a_sentence() -> None:
    with pytest.raises(
        ParameterError,
        match=r"scoring='acuracy' is not known to scikit-learn; sklearn\.metrics\.get_scorer_names\(\) lists",
    ):
        fold_scorer("acuracy", *problem_of(two_classes()))


@pytest.mark.parametrize("scoring", [3, ["accuracy", "roc_auc"], {"a": "accuracy"}, True], ids=str)
def test_what_is_no_scorer_is_refused_in_a_sentence(scoring: Any) -> None:
    with pytest.raises(
        ParameterError, match="scoring must be a scikit-learn scorer, its name or None; it is"
    ):
        fold_scorer(scoring, *problem_of(two_classes()))


@pytest.mark.parametrize(
    ("scoring", "target", "sentence"),
    [
        ("roc_auc", "three classes", "multi_class must be in"),
        ("f1", "texts", "pos_label=1 is not a valid label"),
        ("neg_mean_absolute_error", "texts", "could not convert|dtype|supported"),
        ("accuracy", "amounts", "continuous is not supported"),
        ("roc_auc", "amounts", "FoldRegressor has none of the following attributes: .*predict_proba"),
        ("neg_mean_squared_log_error", "amounts", "Mean Squared Logarithmic Error cannot be used"),
    ],
)
def test_a_scorer_for_another_target_is_told_of_before_any_training(
    scoring: str, target: str, sentence: str
) -> None:
    y, task = {
        "three classes": (given()[1], "classification"),
        "texts": (two_classes(("no", "yes")), "classification"),
        "amounts": (given("regression")[1], "regression"),
    }[target]
    with pytest.raises(
        ParameterError, match=f"scoring='{scoring}' does not go with this target: .*({sentence})"
    ):
        fold_scorer(scoring, *problem_of(y, task))


def test_a_fold_on_which_a_scorer_says_nothing_is_named() -> None:
    y = two_classes()
    y[HELD] = 1
    with pytest.raises(
        ParameterError, match="scoring='roc_auc' is nan on the held-out rows of fold 0, as whe"
    ):
        fold_scorer("roc_auc", *problem_of(y))
    assert fold_scorer("accuracy", *problem_of(y)) is not None


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_whatever_scikit_learn_can_score_is_taken(task: str) -> None:
    """Every scorer that gives a number for scikit-learn's own simplest model of the same target."""
    y = two_classes() if task == "classification" else np.abs(given("regression")[1]) + 1.0
    kind = (
        DummyClassifier(strategy="stratified", random_state=0)
        if task == "classification"
        else DummyRegressor()
    )
    X, (problem, folds) = np.zeros((150, 1)), problem_of(y, task)
    taken = 0
    for name in get_scorer_names():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = cross_val_score(kind, X, y, scoring=name, cv=[(TRAIN, HELD)], error_score=np.nan)
        if np.isfinite(theirs).all():
            score = fold_scorer(name, problem, folds)
            assert score is not None
            assert np.isfinite(score(0, np.eye(2)[y[HELD]] if task == "classification" else np.ones((50, 1))))
            taken += 1
    assert taken > 15


def test_names_and_scorers_are_the_same() -> None:
    y = two_classes()
    by_name, itself = (fold_scorer(s, *problem_of(y)) for s in ("roc_auc", get_scorer("roc_auc")))
    assert by_name is not None
    assert itself is not None
    assert by_name(0, LOGITS) == itself(0, LOGITS)
