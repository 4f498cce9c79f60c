from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from taut import TautClassifierCV, TautRegressorCV, diagnose, regularization_path
from taut.engine.compiled.engine import CompiledEngine
from taut.evidence.simple_baselines import (
    OutOfFold,
    SimpleBaseline,
    gained,
    gained_over_folds,
    simple_baselines,
)
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Problem
from taut.learning.training import Control
from taut.selection.trainer import Trainer
from tests.selection.helpers import folds_of, settings, table

LATE = Control(deadline=time.monotonic() - 1.0)


def trainer(problem: Problem) -> Trainer:
    return Trainer(CompiledEngine(1), problem, settings())


def constant(task: str = "classification", n: int = 120, **weights: NDArray[np.float64]) -> SimpleBaseline:
    problem = table(n, task=task, **weights)  # type: ignore[arg-type]
    folds = folds_of(problem)
    classes = None if task == "regression" else np.array(["no", "yes", "open"])
    (found,) = simple_baselines(trainer(problem), folds, None, classes, Control())
    return found


@pytest.mark.fault(66)
def test_the_constant_of_classes_is_their_shares_and_the_most_frequent() -> None:
    problem = table(120)
    folds = folds_of(problem)
    found = constant()
    for k, fold in enumerate(folds):
        shares = np.bincount(problem.target[fold.train].astype(int), minlength=3) / len(fold.train)
        held = problem.target[fold.validation].astype(int)
        assert found.validation_loss[k] == pytest.approx(-np.log(shares[held]).mean(), rel=1e-6)
        assert found.score[k] == pytest.approx(np.mean(held == shares.argmax()))
    most = np.bincount(problem.target.astype(int)).argmax()
    assert found.label == f"always {['no', 'yes', 'open'][most]!r}"
    assert found.epoch == 0


@pytest.mark.fault(66)
def test_the_constant_of_amounts_is_the_mean_of_the_training_rows() -> None:
    problem = table(120, task="regression")
    found = constant("regression")
    for k, fold in enumerate(folds_of(problem)):
        away = problem.target[fold.validation] - problem.target[fold.train].mean()
        assert found.validation_loss[k] == pytest.approx(np.mean(away**2), rel=1e-5)
        assert found.score[k] == pytest.approx(
            1 - np.mean(away**2) / np.var(problem.target[fold.validation]), abs=1e-5
        )
    assert found.label == "always the mean"


def test_rows_without_weight_have_no_say_in_the_constant() -> None:
    weight = np.r_[np.ones(80), np.zeros(40)]
    with_zeros = constant("regression", score_weight=weight, fit_weight=weight)
    problem = table(120, task="regression")
    folds = folds_of(problem)
    for k, fold in enumerate(folds):
        mean = problem.target[fold.train][weight[fold.train] > 0].mean()
        held = problem.target[fold.validation][weight[fold.validation] > 0]
        assert with_zeros.validation_loss[k] == pytest.approx(np.mean((held - mean) ** 2), rel=1e-5)


def test_weights_of_classes_move_the_constants_loss_and_not_its_accuracy() -> None:
    problem = table(120)
    each = np.array([1.0, 2.0, 5.0])[problem.target.astype(int)]
    plain = constant()
    weighted = constant(fit_weight=each, score_weight=each, accuracy_weight=np.ones(120))
    np.testing.assert_allclose(weighted.score, plain.score)
    assert weighted.label == plain.label
    for k, fold in enumerate(folds_of(problem)):
        share = np.bincount(problem.target[fold.train].astype(int), each[fold.train])
        held = problem.target[fold.validation].astype(int)
        losses = -np.log((share / share.sum())[held])
        assert weighted.validation_loss[k] == pytest.approx(
            np.average(losses, weights=each[fold.validation]), rel=1e-5
        )


def test_a_linear_model_that_has_no_time_is_left_out_and_the_constant_stays() -> None:
    problem = table(120)
    found = simple_baselines(trainer(problem), folds_of(problem), MLP(()), np.array([0, 1]), LATE)
    assert [one.kind for one in found] == ["constant"]


@pytest.mark.parametrize("scorer_fails", [False, True])
def test_a_scorer_that_says_nothing_of_a_constant_leaves_it_without_a_score(scorer_fails: bool) -> None:
    def scorer(fold: int, outputs: NDArray[np.floating]) -> float:
        if scorer_fails:
            raise ValueError("all predictions are the same")
        return math.nan

    problem = table(120)
    (found,) = simple_baselines(
        trainer(problem), folds_of(problem), None, np.array([0, 1]), Control(), scorer
    )
    assert found.scoring is None
    assert np.isfinite(found.validation_loss).all()


#: Whose rows count once each.
ROWS = replace(table(4), target=np.zeros(4), objective=CrossEntropy(2))


def rows_of(losses: NDArray[np.float64], correct: NDArray[np.float64] | None = None) -> SimpleBaseline:
    """A simple model with these rows."""
    one = np.array([losses.mean(), losses.mean()])
    return SimpleBaseline(
        "linear", "linear model", one, one, one, None, 9, rows=OutOfFold(losses, correct, None)
    )


def test_the_gain_is_a_share_of_the_simple_models_loss_with_the_ratios_own_spread() -> None:
    stream = np.random.default_rng(0)
    shares, covered = [], 0
    for _ in range(200):
        common = stream.exponential(size=400)
        s, c = common + 0.5 * stream.exponential(size=400), common
        (found,) = gained([rows_of(s)], OutOfFold(c, None, None), ROWS)
        truth = 1 - 1.0 / 1.5
        shares.append(found.gain.value)
        covered += found.gain.low <= truth <= found.gain.high
    assert np.mean(shares) == pytest.approx(1 - 1.0 / 1.5, abs=0.01)
    assert covered >= 0.93 * 200


def test_what_picking_flatters_is_taken_off() -> None:
    s, c = np.full(50, 2.0) + np.linspace(-1, 1, 50), np.full(50, 1.0)
    (plain,) = gained([rows_of(s)], OutOfFold(c, None, None), ROWS)
    (corrected,) = gained([rows_of(s)], OutOfFold(c, None, None), ROWS, loss_price=0.5)
    assert plain.gain.value == pytest.approx(0.5)
    assert corrected.gain.value == pytest.approx(0.25)


def test_a_gain_is_never_more_than_all() -> None:
    s, c = np.r_[np.zeros(99), 100.0], np.zeros(100)
    (found,) = gained([rows_of(s)], OutOfFold(c, None, None), ROWS)
    assert found.gain.high <= 1.0


def test_scores_are_paired_over_the_rows_or_the_folds() -> None:
    correct, mine = np.r_[np.ones(50), np.zeros(50)], np.r_[np.ones(80), np.zeros(20)]
    (found,) = gained([rows_of(np.ones(100), correct)], OutOfFold(np.ones(100), mine, None), ROWS)
    assert found.score_gain.value == pytest.approx(0.3)
    assert 0.15 < found.score_gain.low < 0.25 < 0.35 < found.score_gain.high < 0.45
    model = rows_of(np.ones(100))
    assert model.rows is not None
    model = replace(model, rows=replace(model.rows, scoring=np.array([0.5, 0.6, 0.7, 0.6, 0.6])))
    network = OutOfFold(np.ones(100), None, np.array([0.7, 0.8, 0.9, 0.8, 0.8]))
    (found,) = gained([model], network, ROWS)
    assert found.score_gain.value == pytest.approx(0.2)
    assert found.score_gain.low == pytest.approx(0.2)  # every fold has the same difference


def test_folds_alone_give_an_interval_too() -> None:
    one = SimpleBaseline("constant", "always 1", *(np.array([2.0, 2.0, 2.0]) for _ in range(3)), None, 0)
    (found,) = gained_over_folds([one], np.array([1.0, 1.1, 0.9]))
    assert found.gain.value == pytest.approx(0.5)
    assert found.gain.low == pytest.approx(0.5 - 4.302653 * (0.1 / math.sqrt(3)) / 2, rel=1e-4)


def test_there_and_back_as_plain_values() -> None:
    found = constant()
    again = SimpleBaseline.from_dict(found.to_dict())
    assert str(again.to_dict()) == str(found.to_dict())
    assert again.rows is None


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_linear_model_is_as_good_as_scikit_learns(task: str) -> None:
    if task == "classification":
        X, y = load_breast_cancer(return_X_y=True)
        reg = TautClassifierCV(n_candidates=2, hidden=(4,), max_epochs=300, cv=5, random_state=0).fit(X, y)
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        other = log_loss(y, cross_val_predict(model, X, y, cv=5, method="predict_proba"))
    else:
        X, y = load_diabetes(return_X_y=True)
        reg = TautRegressorCV(n_candidates=2, hidden=(4,), max_epochs=300, cv=5, random_state=0).fit(X, y)
        other = mean_squared_error(y, cross_val_predict(Ridge(alpha=0.1), X, y, cv=5))
    linear = reg.simple_baselines_["linear"]
    assert linear.loss < 1.1 * other
    assert linear.loss < reg.simple_baselines_["constant"].loss


@pytest.mark.fault(66)
def test_every_comparison_begins_with_the_simple_models() -> None:
    X, y = load_diabetes(return_X_y=True)
    more = {"hidden": (8,), "max_epochs": 20, "cv": 3, "random_state": 0}
    found = diagnose(X, y, **more)  # type: ignore[arg-type]
    path = regularization_path(X, y, "l2", strengths=[1.0], **more)  # type: ignore[arg-type]
    assert [one.label for one in found.simple] == [one.label for one in path.simple]
    assert [one.label for one in found.simple] == ["always the mean", "linear model"]
    for one, other in zip(found.simple, path.simple, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-9)
        assert one.gain.low < one.gain.high
    assert found.simple[0].loss == pytest.approx(np.var(y), rel=0.05)
    network_is_linear = diagnose(X, y, **{**more, "hidden": ()})  # type: ignore[arg-type]
    assert [one.kind for one in network_is_linear.simple] == ["constant"]


def test_a_constant_target_is_compared_with_nothing() -> None:
    X = np.arange(60.0).reshape(-1, 1)
    with pytest.warns(match="y is 1 in every row"):
        reg = TautRegressorCV(n_candidates=2, hidden=(4,), max_epochs=3, cv=3, random_state=0).fit(
            X, np.ones(60)
        )
    assert reg.simple_baselines_ == {}


@pytest.mark.fault(93)
def test_a_network_whose_loss_is_many_times_as_high_is_surely_worse() -> None:
    """On exactly linear data the linear model's losses are tiny and skewed: the ratio's spread is large."""
    problem = table(120, task="regression")
    stream = np.random.default_rng(0)
    simple = np.exp(2.5 * stream.normal(size=120)).astype(np.float32)
    network = 40 * simple.mean() * stream.chisquare(2, 120).astype(np.float32)
    model = replace(constant("regression"), rows=OutOfFold(simple, None, None))
    (found,) = gained([model], OutOfFold(network, None, None), problem)
    assert found.gain.low < -30
    assert found.gain.high < -3
    (turned,) = gained(
        [replace(model, rows=OutOfFold(network, None, None))], OutOfFold(simple, None, None), problem
    )
    assert 0.8 < turned.gain.low < turned.gain.value < turned.gain.high < 1
    # One ratio and its inverse are as far from 1.
    assert 1 - turned.gain.value == pytest.approx(1 / (1 - found.gain.value))
    assert 1 - turned.gain.low == pytest.approx(1 / (1 - found.gain.high))


@pytest.mark.fault(66)
def test_who_is_right_in_the_same_rows_is_not_surely_better() -> None:
    """A chance correction of the score may be above 0: it makes no difference where there is none."""
    problem = table(120)
    same = np.ones(120, dtype=np.float32)
    losses = np.linspace(0.1, 1.0, 120).astype(np.float32)
    model = replace(constant(), rows=OutOfFold(losses, same, None))
    (found,) = gained([model], OutOfFold(losses, same, None), problem, 0.0, 0.001)
    assert (found.score_gain.low, found.score_gain.value, found.score_gain.high) == (0.0, 0.0, 0.0)
    model = replace(constant(), rows=OutOfFold(losses, None, np.array([0.8, 0.9, 0.7])))
    (found,) = gained([model], OutOfFold(losses, None, np.array([0.8, 0.9, 0.7])), problem, 0.0, -0.001)
    assert (found.score_gain.low, found.score_gain.value, found.score_gain.high) == (0.0, 0.0, 0.0)


@pytest.mark.fault(75)
def test_scores_of_two_folds_differ_by_no_more_than_they_can() -> None:
    problem = table(120)
    losses = np.linspace(0.1, 1.0, 120).astype(np.float32)
    model = replace(constant(), rows=OutOfFold(losses, None, np.array([0.5, 0.5])))
    network = OutOfFold(losses, None, np.array([0.4, 0.8]))
    assert gained([model], network, problem)[0].score_gain.high > 1
    (found,) = gained([model], network, problem, score_span=1.0)
    assert (found.score_gain.low, found.score_gain.high) == (-1.0, 1.0)
