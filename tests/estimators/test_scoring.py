"""scikit-learn's scorers, on the outputs of a fold's network."""

from __future__ import annotations

import functools
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import softmax
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_poisson_deviance,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import cross_val_score

from taut.errors import ParameterError
from taut.estimators.problem import TableProblem, make_problem
from taut.estimators.scoring import fold_scorer
from taut.learning.problem import Fold
from taut.selection.failures import ScorerError
from taut.selection.folds import Split, make_folds
from taut.table.convert import frame_from
from tests.estimators.helpers import given, numbers, single
from tests.ids import without_address

TRAIN, HELD = np.arange(100, dtype=np.int32), np.arange(100, 150, dtype=np.int32)


def problem_of(
    y: Any, task: Any = "classification", weight: Any = None, X: Any = None
) -> tuple[TableProblem, list[Fold], Any]:
    """Two folds, the last fifty rows held out, then the first hundred; and X."""
    X = numbers(len(y)) if X is None else X
    problem = make_problem(single(task), task, X, y, weight, None, None)
    splits = [Split(TRAIN, HELD), Split(HELD, TRAIN)]
    return problem, make_folds(splits, problem.problem, 0), X


def two_classes(names: Any = (0, 1)) -> Any:
    return np.array(names)[(given()[1] == 1).astype(int)]


LOGITS = np.random.default_rng(3).standard_normal((50, 2)).astype(np.float32)
SHARES = softmax(LOGITS.astype(np.float64), axis=1)


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
    problem, folds, X = problem_of(y, "regression", weight)
    assert problem.target.unit != 1.0
    outputs = np.random.default_rng(3).standard_normal((50, 1)).astype(np.float32)
    said = outputs[:, 0].astype(np.float64) * problem.target.unit + problem.target.origin
    score = fold_scorer(scoring, problem, folds, X)
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
    expected = roc_auc_score(y[HELD], softmax(logits, axis=1), multi_class="ovr", labels=["a", "b", "c"])
    assert score(0, logits) == pytest.approx(expected)


def test_without_scoring_there_is_no_scorer() -> None:
    assert fold_scorer(None, *problem_of(two_classes())) is None


# --- scorers of one's own ---------------------------------------------------------------------------------


def test_a_function_of_ones_own_gets_an_estimator_the_rows_and_the_true_target() -> None:
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
    assert rows.tolist() == numbers(150)[HELD].tolist()
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
        match=r"scoring='best' is not known to scikit-learn; sklearn\.metrics\.get_scorer_names\(\) lists",
    ):
        fold_scorer("best", *problem_of(two_classes()))


@pytest.mark.fault(81)
@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("auc", "roc_auc"),
        ("rocauc", "roc_auc"),
        ("ROC AUC", "roc_auc"),
        ("acuracy", "accuracy"),
        ("mean_squared_error", "neg_mean_squared_error"),
        ("rmse", "neg_root_mean_squared_error"),
        ("log_loss", "neg_log_loss"),
    ],
)
def test_the_name_that_is_meant_is_said(wrong: str, meant: str) -> None:
    with pytest.raises(ParameterError, match=f"scoring='{wrong}' .* did you mean '{meant}'"):
        fold_scorer(wrong, *problem_of(two_classes()))


def of_two(y_hat: Any, weights: Any) -> float:
    return 1.0


@pytest.mark.fault(81)
@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        (f1_score, r"make_scorer\(f1_score\)\."),
        (roc_auc_score, r"make_scorer\(roc_auc_score\), or scoring='roc_auc'"),
        (functools.partial(f1_score, average="macro"), r"make_scorer\(f1_score\)"),
        (of_two, r"make_scorer\(of_two\)"),
    ],
    ids=without_address,
)
def test_a_metric_is_no_scorer(metric: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=f"is a metric, .* give sklearn.metrics.{sentence}"):
        fold_scorer(metric, *problem_of(two_classes()))


@pytest.mark.fault(81)
@pytest.mark.parametrize("kind", ["array", "pandas", "polars", "Frame"])
def test_a_scorer_that_uses_x_gets_its_rows(kind: str) -> None:
    X: Any = numbers(150)
    frame = pd.DataFrame(X, columns=list("abcd")[: X.shape[1]], index=np.arange(150) * 7)
    given = {"array": X, "pandas": frame, "polars": pl.DataFrame(X), "Frame": frame_from(frame)}[kind]
    seen: list[Any] = []

    def own(estimator: Any, X: Any, y: Any) -> float:
        seen.append(X)
        return 1.0

    score = fold_scorer(own, *problem_of(two_classes(), X=given))
    assert score is not None
    score(0, LOGITS)
    rows = seen[-1]
    assert type(rows) is type(given)
    values = np.column_stack([c.values for c in rows.columns]) if kind == "Frame" else np.asarray(rows)
    assert values.tolist() == X[HELD].tolist()


@pytest.mark.fault(81)
def test_a_scorer_gets_the_rows_of_a_validation_set() -> None:
    X, more = numbers(100), numbers(150)[100:]
    y = two_classes()
    problem = make_problem(
        single("classification"), "classification", X, y[:100], None, None, (more, y[HELD], None)
    )
    folds = make_folds([Split(TRAIN, HELD)], problem.problem, 0)
    score = fold_scorer(lambda estimator, X, y: float(X.sum()), problem, folds, X, more)
    assert score is not None
    assert score(0, LOGITS) == more.sum()


def test_other_rows_than_the_given_ones_are_not_predicted() -> None:
    def on_some(estimator: Any, X: Any, y: Any) -> float:
        return float(estimator.score(X[:5], y[:5]))

    with pytest.raises(
        ParameterError, match="can have the 50 rows predicted that it is given, and it asked for 5"
    ):
        fold_scorer(on_some, *problem_of(two_classes()))


@pytest.mark.fault(80)
@pytest.mark.parametrize(
    ("gives", "sentence"),
    [
        (None, "it gave a NoneType, and a score is one number"),
        ("0.5", "it gave a str"),
        (1 + 2j, "it gave a complex"),
        (np.ones(2), "it gave a ndarray"),
        ({"f1": 0.5}, "it gave a dict, as scorers of several metrics do"),
        (np.inf, "is inf on the held-out rows of fold 0 whatever is predicted"),
    ],
    ids=without_address,
)
def test_what_is_no_number_is_no_score(gives: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        fold_scorer(lambda estimator, X, y: gives, *problem_of(two_classes()))


@pytest.mark.fault(80)
@pytest.mark.parametrize(
    "gives", [1, True, np.float32(1.0), np.array(1.0), np.bool_(True), Fraction(1)], ids=repr
)
def test_any_number_is_a_score(gives: Any) -> None:
    score = fold_scorer(lambda estimator, X, y: gives, *problem_of(two_classes()))
    assert score is not None
    assert score(0, LOGITS) == 1.0


@pytest.mark.fault(80)
def test_what_depends_on_the_predictions_is_not_refused_and_fails_by_name() -> None:
    counts = np.random.default_rng(0).poisson(0.7, 150) * 1.0
    assert (counts == 0).any()
    problem, folds, X = problem_of(counts, "regression")
    score = fold_scorer("neg_mean_poisson_deviance", problem, folds, X)
    assert score is not None
    outputs = ((np.full(50, 0.5) - problem.target.origin) / problem.target.unit)[:, None]
    expected = -mean_poisson_deviance(counts[HELD], np.full(50, 0.5))
    assert score(0, outputs) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ScorerError, match=r"raised ValueError: .* for values from -?\d.* to -?\d") as caught:
        score(0, outputs - 10.0)
    assert caught.value.low < 0


def test_whole_numbers_come_back_whole() -> None:
    counts = np.random.default_rng(0).poisson(0.7, 150) * 1.0
    seen: list[Any] = []

    def own(estimator: Any, X: Any, y: Any) -> float:
        seen.append(y)
        return 1.0

    fold_scorer(own, *problem_of(counts, "regression"))
    assert seen[0].tolist() == counts[HELD].tolist()


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
        ("accuracy", "counts", "mix of multiclass and continuous targets"),
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
        "counts": (np.arange(150) % 4 * 1.0, "regression"),
    }[target]
    with pytest.raises(
        ParameterError, match=f"scoring='{scoring}' does not go with this target: .*({sentence})"
    ):
        fold_scorer(scoring, *problem_of(y, task))


def test_a_fold_on_which_a_scorer_says_nothing_is_named() -> None:
    y = two_classes()
    y[HELD] = 1
    with pytest.raises(
        ParameterError,
        match="scoring='roc_auc' is nan on the held-out rows of fold 0 whatever is predicted, as",
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
    X, (problem, folds, given_X) = np.zeros((150, 1)), problem_of(y, task)
    taken = 0
    for name in get_scorer_names():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = cross_val_score(kind, X, y, scoring=name, cv=[(TRAIN, HELD)], error_score=np.nan)
        if np.isfinite(theirs).all():
            score = fold_scorer(name, problem, folds, given_X)
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
