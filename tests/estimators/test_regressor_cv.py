"""A regressor whose recipe is chosen by cross-validation: what it has that a classifier has not."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.metrics import mean_squared_error, r2_score

from taut import TautRegressorCV
from taut.estimators.crossvalidated import CrossValidated
from tests.estimators.helpers import crossvalidated, given, output
from tests.estimators.test_classifier_cv import ALL, ONE_SPLIT

OWN = {name: value for name, value in ALL.items() if name != "class_weight"} | {"scoring": "r2"}


def test_it_is_a_regressor_with_the_shared_parameters() -> None:
    assert is_regressor(TautRegressorCV())
    assert inspect.signature(TautRegressorCV) == inspect.signature(CrossValidated)


def test_all_parameters_go_there_and_back() -> None:
    made = TautRegressorCV(**OWN)
    assert set(OWN) == set(TautRegressorCV().get_params())
    assert made.get_params() == clone(made).get_params() == OWN
    assert TautRegressorCV().set_params(**OWN).get_params() == OWN
    with pytest.raises(ValueError, match="Invalid parameter 'class_weight'"):
        TautRegressorCV().set_params(class_weight="balanced")


def test_every_parameter_and_fitted_attribute_is_in_the_docstring() -> None:
    fitted = crossvalidated("regression").fit(*given("regression"))
    parameters, attributes = (inspect.getdoc(TautRegressorCV) or "").split("Attributes")
    assert {name for name in OWN if name not in parameters} == set()
    found = {name for name in vars(fitted) if name.endswith("_")}
    assert {name for name in found if name not in attributes} == {"model_", "n_features_in_"}


@pytest.mark.parametrize("factor", [1.0, 1000.0])
def test_losses_are_squared_errors_in_the_targets_own_units_and_scores_r_squared(factor: float) -> None:
    X, y = given("regression")
    y = factor * (y + 30.0)
    fitted = crossvalidated("regression", cv=ONE_SPLIT, n_candidates=8).fit(X, y)
    said = fitted.predict(X[100:])
    assert fitted.best_.loss == pytest.approx(mean_squared_error(y[100:], said), rel=1e-4)
    assert fitted.best_.score[0] == pytest.approx(r2_score(y[100:], said), rel=1e-4)
    np.testing.assert_allclose(
        fitted.row_losses_[fitted.best_index_, 100:],
        (y[100:] - said) ** 2,
        rtol=1e-2,
        atol=1e-6 * factor**2,
    )
    for folds in fitted.history_.values():
        assert all(set(fold) == {"epoch", "train_loss", "validation_loss"} for fold in folds)
    at = fitted.best_epoch_ - 1
    assert fitted.history_["chosen"][0]["validation_loss"][at] == pytest.approx(fitted.best_.loss)


@pytest.mark.parametrize("factor", [1e-60, 1e-20, 1e12, 1e30, 1e70])
def test_targets_of_every_size_have_finite_losses(factor: float) -> None:
    X, y = given("regression")
    usual = crossvalidated("regression").fit(X, y)
    fitted = crossvalidated("regression").fit(X, factor * y)
    size = 1.0 / factor**2
    np.testing.assert_allclose(fitted.best_.loss * size, usual.best_.loss, rtol=0.02)
    np.testing.assert_allclose(
        np.nanmean(fitted.row_losses_.astype(np.float64), axis=1) * size,
        np.nanmean(usual.row_losses_, axis=1),
        rtol=0.02,
    )
    assert np.isfinite(fitted.cv_results_["std_test_score"]).all()
    assert np.isfinite(fitted.best_.loss_se)


def test_a_scorer_sees_the_targets_own_units() -> None:
    X, y = given("regression")
    seen: list[Any] = []

    def largest(estimator: Any, rows: Any, y: Any) -> float:
        seen.append((y, estimator.predict(rows)))
        return -float(np.max(np.abs(y - estimator.predict(rows))))

    fitted = crossvalidated("regression", cv=ONE_SPLIT, scoring=largest, max_epochs=1).fit(X, 1e4 * y)
    np.testing.assert_allclose(seen[0][0], 1e4 * y[100:], rtol=1e-5)
    expected = -np.max(np.abs(1e4 * y[100:] - fitted.predict(X[100:])))
    assert fitted.best_.scoring[0] == pytest.approx(expected, rel=1e-4)


def test_a_fold_whose_target_is_constant_has_no_r_squared() -> None:
    X, y = given("regression")
    y[100:] = 3.0
    fitted = crossvalidated("regression", cv=ONE_SPLIT).fit(X, y)
    assert np.isnan(fitted.best_.score).all()
    assert np.isnan(fitted.cv_results_["mean_test_metric"]).all()
    assert np.isfinite(fitted.best_.loss)


@pytest.mark.parametrize("final", ["bag", "refit"])
def test_a_constant_target_is_predicted_exactly(final: Any) -> None:
    X, _ = given("regression")
    with pytest.warns(UserWarning, match="in every row"):
        fitted = crossvalidated("regression", final=final).fit(X, np.full(150, 0.1))
    assert (fitted.predict(X) == 0.1).all()


def test_predictions_are_the_mean_of_the_networks() -> None:
    X, y = given("regression")
    fitted = crossvalidated("regression", final="refit").fit(X, 100.0 * y + 7.0)
    model = fitted.model_
    parts = []
    for network in model.networks:
        fitted.model_ = type(model)(model.schema, model.target, (network,))
        parts.append(output(fitted, X))
    fitted.model_ = model
    np.testing.assert_allclose(output(fitted, X), np.mean(parts, axis=0), rtol=1e-9)


def test_the_shift_of_the_target_changes_no_loss() -> None:
    X, y = given("regression")
    usual, shifted = (crossvalidated("regression").fit(X, y + shift) for shift in (0.0, 1024.0))
    for one, other in zip(usual.candidates_[:2], shifted.candidates_[:2], strict=True):
        assert other.loss == pytest.approx(one.loss, rel=0.02)
