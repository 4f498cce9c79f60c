"""A classifier whose recipe is chosen by cross-validation: what it has that a regressor has not."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.metrics import accuracy_score, log_loss

from taut import TautClassifierCV
from taut.estimators.crossvalidated import CrossValidated
from taut.estimators.splits import make_splits
from taut.report.facts import facts_of
from taut.report.text import footnotes
from tests.estimators.helpers import crossvalidated, given, numbers_of, output

ONE_SPLIT = [(np.arange(100), np.arange(100, 150))]

#: Every parameter, each at another value than its default.
ALL: dict[str, Any] = {
    "hidden": (6,), "activation": "silu", "n_bins": 4, "learning_rate": 0.02, "batch_size": 16,
    "max_epochs": 4, "cv": 2,
    "effort": "quick", "n_candidates": 5, "time_limit": 300.0, "scoring": "accuracy", "selection": "1se",
    "final": "refit", "sampler": str, "resume": "search.db", "on_candidate": print, "on_batch": print,
    "class_weight": "balanced", "n_jobs": 1, "random_state": 3, "verbose": 0,
}  # fmt: skip


def test_it_is_a_classifier_with_the_shared_parameters_and_class_weight() -> None:
    assert is_classifier(TautClassifierCV())
    own, shared = (inspect.signature(kind.__init__).parameters for kind in (TautClassifierCV, CrossValidated))
    assert set(own) - set(shared) == {"class_weight"}
    for name, parameter in shared.items():
        assert own[name].default == parameter.default, name
        assert own[name].kind == parameter.kind, name
        assert own[name].annotation == parameter.annotation, name


def test_all_parameters_go_there_and_back() -> None:
    made = TautClassifierCV(**ALL)
    assert set(ALL) == set(TautClassifierCV().get_params())
    assert made.get_params() == clone(made).get_params() == ALL
    assert TautClassifierCV().set_params(**ALL).get_params() == ALL
    assert sum(ALL[name] == value for name, value in TautClassifierCV().get_params().items()) == 1  # verbose


def test_every_parameter_is_in_the_docstring() -> None:
    text = inspect.getdoc(TautClassifierCV) or ""
    for name in ALL:
        line = next(line for line in text.splitlines() if name in line.split(" : ")[0].split(", "))
        default = inspect.signature(TautClassifierCV).parameters[name].default
        assert f"default={default!r}".replace("'", '"') in line, name


def test_every_fitted_attribute_is_in_the_docstring() -> None:
    X, y = given()
    fitted = crossvalidated().fit(X, y)
    text = (inspect.getdoc(TautClassifierCV) or "").split("Attributes")[1]
    found = {name for name in vars(fitted) if name.endswith("_")}
    inherited = {"model_", "n_features_in_"}  # scikit-learn's, and what predicts
    assert {name for name in found if name not in text} == inherited


def test_losses_are_cross_entropy_and_scores_accuracy() -> None:
    X, y = given()
    names = np.array(["c", "a", "b"])[y]
    fitted = crossvalidated(cv=ONE_SPLIT, n_candidates=8).fit(X, names)
    shares = fitted.predict_proba(X[100:])
    assert fitted.best_.loss == pytest.approx(log_loss(names[100:], shares), rel=1e-4)
    assert fitted.best_.score[0] == pytest.approx(accuracy_score(names[100:], fitted.predict(X[100:])))
    own = np.searchsorted(["a", "b", "c"], names[100:])
    rows = -np.log(shares[np.arange(50), own])
    np.testing.assert_allclose(fitted.row_losses_[fitted.best_index_, 100:], rows, rtol=1e-3, atol=1e-5)
    for folds in fitted.history_.values():
        assert all(
            set(fold) == {"epoch", "train_loss", "validation_loss", "validation_accuracy"} for fold in folds
        )


def test_folds_are_stratified() -> None:
    X, y = given()
    y = np.where(np.arange(150) < 9, 2, y % 2)
    estimator = crossvalidated()
    table = estimator._problem(X, y, None, None, None, None)
    splits = make_splits(table, estimator.cv, None, 0, estimator._architecture(), stacklevel=1)
    assert len(splits) == 3
    for split in splits:
        assert np.bincount(y[split.validation])[2] == 3


@pytest.mark.fault(65)
def test_class_weights_count_in_training_and_in_the_loss_and_not_in_accuracy() -> None:
    X, y = given()
    weights = {0: 1.0, 1: 1.0, 2: 5.0}
    fitted = crossvalidated(cv=ONE_SPLIT, class_weight=weights).fit(X, y)
    said, weight = fitted.predict_proba(X[100:]), np.where(y[100:] == 2, 5.0, 1.0)
    assert fitted.best_.loss == pytest.approx(log_loss(y[100:], said, sample_weight=weight), rel=1e-4)
    assert fitted.estimate_.naive_loss == pytest.approx(fitted.best_.loss, rel=1e-5)
    accuracy = np.mean(said.argmax(axis=1) == y[100:])
    assert fitted.best_.score == pytest.approx([accuracy], abs=1e-6)
    assert fitted.estimate_.naive_score == pytest.approx(accuracy, abs=1e-6)
    assert "Losses are class-weighted cross-entropy in nats" in footnotes(facts_of(fitted))[0]
    assert "Accuracy counts every row alike" in footnotes(facts_of(fitted))[0]
    assert facts_of(fitted)["loss"] == "class-weighted cross-entropy"
    plain = crossvalidated(cv=ONE_SPLIT).fit(X, y)
    assert "Losses are cross-entropy in nats" in footnotes(facts_of(plain))[0]
    assert facts_of(plain)["loss"] == "cross-entropy"
    assert fitted.predict_proba(X)[:, 2].mean() > plain.predict_proba(X)[:, 2].mean() + 0.05
    again = crossvalidated(cv=ONE_SPLIT, class_weight={**weights, 2: 5}).fit(X, y)
    assert numbers_of(again) == numbers_of(fitted)


def test_class_weights_do_not_count_in_a_scorer() -> None:
    X, y = given()
    fitted = crossvalidated(cv=ONE_SPLIT, class_weight={2: 5.0}, scoring="accuracy", max_epochs=1).fit(X, y)
    expected = accuracy_score(y[100:], fitted.predict(X[100:]))
    assert fitted.cv_results_["split0_test_score"][fitted.best_index_] == pytest.approx(expected)


def test_probabilities_are_the_mean_of_the_networks() -> None:
    X, y = given()
    for final in ("bag", "refit"):
        fitted = crossvalidated(final=final).fit(X, y)
        model = fitted.model_
        parts = []
        for network in model.networks:
            fitted.model_ = type(model)(model.schema, model.target, (network,))
            parts.append(output(fitted, X))
        fitted.model_ = model
        np.testing.assert_allclose(output(fitted, X), np.mean(parts, axis=0), rtol=1e-12)
        assert fitted.predict(X).tolist() == fitted.classes_[output(fitted, X).argmax(axis=1)].tolist()
