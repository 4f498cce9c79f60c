"""A classifier's calibration, confusion and thresholds: fitted, saved, loaded, used."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from sklearn.model_selection import FixedThresholdClassifier

from taut import load
from taut.errors import ParameterError, TrainingWarning
from taut.estimators.calibrating import Calibrated, calibrated
from taut.evidence.out_of_fold import OutOfFoldPredictions
from taut.evidence.probabilities.temperature import tempered
from taut.learning.objective import CrossEntropy
from tests.estimators.helpers import crossvalidated, given, numbers, single
from tests.selection.helpers import table
from tests.store.helpers import DELETE, edit


def two_classes(n: int = 200) -> tuple[Any, Any]:
    X, y = given(n=n)
    return X, np.where(y == 2, "yes", "no")


@cache
def fitted() -> Any:
    return crossvalidated().fit(*two_classes())


def at_temperature(model: Any, temperature: float) -> Any:
    """The same as if this temperature had been applied."""
    changed = copy.copy(model)
    found = replace(model.calibration_, temperature=temperature)
    changed.restore_calibrated(Calibrated(found, model.confusion_, model.thresholds_))
    return changed


def test_a_search_knows_them() -> None:
    model = fitted()
    assert model.calibration_.n_rows == 200
    assert model.calibration_.n_averaged == 3
    assert model.calibration_.log_loss == pytest.approx(model.estimate_.bag_loss, rel=1e-4)
    assert model.confusion_.accuracy == pytest.approx(model.estimate_.bag_score)
    assert sum(map(sum, model.confusion_.rows)) == 200
    np.testing.assert_allclose(model.confusion_.rows, model.thresholds_.counts_at(0.5))
    assert model.model_.temperature == model.calibration_.temperature


def test_a_temperature_that_acts_lowers_the_expected_loss() -> None:
    found = replace(fitted().calibration_, temperature=0.9, log_loss=0.5, log_loss_after=0.4)
    assert Calibrated(found).loss_factor == pytest.approx(0.8)
    assert Calibrated(replace(found, temperature=1.0)).loss_factor == Calibrated().loss_factor == 1.0
    before = fitted().estimate_
    after = before.tempered(0.8)
    assert after.loss.high == pytest.approx(0.8 * before.loss.high)
    assert (after.score, after.naive_loss) == (before.score, before.naive_loss)


def test_three_classes_have_no_thresholds() -> None:
    model = crossvalidated().fit(*given())
    assert len(model.confusion_.rows) == 3
    assert model.thresholds_ is None
    with pytest.raises(ParameterError, match="for two classes, and the model has 3"):
        model.best_threshold("f1")


def test_an_amount_has_nothing() -> None:
    model = crossvalidated("regression").fit(*given("regression"))
    assert not hasattr(model, "calibration_")


def test_the_temperature_acts_on_probabilities_and_on_no_class() -> None:
    X, y = two_classes()
    model = fitted()
    changed = at_temperature(model, 2.0)
    np.testing.assert_allclose(changed.predict_proba(X), tempered(model.predict_proba(X), 2.0))
    assert (changed.predict(X) == model.predict(X)).all()
    assert log_loss(y, changed.predict_proba(X)) != log_loss(y, model.predict_proba(X))


def test_it_survives_saving_pickling_and_copying(tmp_path: Path) -> None:
    X = two_classes()[0]
    changed = at_temperature(fitted(), 1.7)
    changed.save(tmp_path / "model")
    for again in (load(tmp_path / "model"), pickle.loads(pickle.dumps(changed)), copy.deepcopy(changed)):
        assert again.predict_proba(X).tobytes() == changed.predict_proba(X).tobytes()
        for name in ("calibration_", "confusion_", "thresholds_"):
            assert getattr(again, name) == getattr(changed, name)
        assert again.best_threshold(cost=(1, 3)) == changed.best_threshold(cost=(1, 3))


def test_an_older_model_loads_without(tmp_path: Path) -> None:
    X = two_classes()[0]
    fitted().save(tmp_path / "model")
    for name in ("calibration", "confusion", "thresholds"):
        edit(tmp_path / "model", "training", name, to=DELETE)
    again = load(tmp_path / "model")
    assert again.calibration_ is again.confusion_ is again.thresholds_ is None
    assert again.predict_proba(X).tobytes() == fitted().predict_proba(X).tobytes()
    with pytest.raises(ParameterError, match="no out-of-fold predictions to choose a threshold on"):
        again.best_threshold("f1")


def test_scikit_learn_predicts_at_a_threshold() -> None:
    X, _ = two_classes()
    model = fitted()
    chosen = model.best_threshold("balanced_accuracy")
    at = FixedThresholdClassifier(FrozenEstimator(model), threshold=chosen.threshold)
    wanted = np.where(model.predict_proba(X)[:, 1] >= chosen.threshold, "yes", "no")
    assert (at.predict(X) == wanted).all()


def problem(codes: Any, **weights: Any) -> Any:
    return replace(
        table(len(codes), task="classification"),
        target=codes.astype(float),
        objective=CrossEntropy(2, "accuracy_weight" in weights),
        **weights,
    )


def said(shares: Any, *, like_returned: bool = True) -> OutOfFoldPredictions:
    rows = np.arange(len(shares))
    return OutOfFoldPredictions(rows, np.column_stack([1 - shares, shares]), 3, like_returned)


def drawn(n: int = 3000, temperature: float = 2.0) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal(n)
    codes = rng.random(n) < 1 / (1 + np.exp(-logits / temperature))
    return 1 / (1 + np.exp(-logits)), codes


def test_what_is_too_sure_is_cooled_and_thresholds_are_of_the_new_probabilities() -> None:
    shares, codes = drawn()
    found = calibrated(problem(codes), said(shares), 0)
    assert found.temperature == pytest.approx(2.0, rel=0.15)
    assert found.thresholds is not None
    assert found.thresholds.best(cost=(1, 4)).threshold == pytest.approx(0.2, abs=0.08)
    left = calibrated(problem(codes), said(shares, like_returned=False), 0)
    assert left.temperature == 1.0


def test_class_weights_are_in_the_probabilities_and_not_in_the_decisions() -> None:
    shares, codes = drawn(temperature=1.0)
    each = np.where(codes, 4.0, 1.0).astype(np.float32)
    odds = 4 * shares / (1 - shares)  # what training with these weights gives
    weighted = problem(codes, score_weight=each, accuracy_weight=np.ones(len(codes), dtype=np.float32))
    found = calibrated(weighted, said(odds / (1 + odds)), 0)
    assert found.calibration is not None
    assert found.calibration.error.low == 0.0  # right in the world in which the classes weigh so much
    assert found.confusion is not None
    assert found.confusion.accuracy == pytest.approx(accuracy_score(codes, odds > 1))
    np.testing.assert_allclose(found.confusion.rows, confusion_matrix(codes, odds > 1))
    assert found.thresholds is not None
    assert sum(map(sum, found.thresholds.weights)) == len(codes)
    plain = calibrated(problem(codes), said(odds / (1 + odds)), 0)
    assert plain.calibration is not None
    assert plain.calibration.error.low > 0.05


def test_a_failure_does_not_cost_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("taut.estimators.calibrating.out_of_fold_predictions", fails)
    with pytest.warns(TrainingWarning, match="Whether the probabilities are right could not be measured"):
        model = crossvalidated().fit(*two_classes())
    assert model.calibration_ is model.confusion_ is model.thresholds_ is None
    assert (model.predict(two_classes()[0]) == fitted().predict(two_classes()[0])).all()


def test_without_predictions_there_is_nothing() -> None:
    assert calibrated(problem(drawn(50)[1]), None, 0) == Calibrated()
    assert Calibrated().temperature == 1.0


def test_weighted_rows_and_a_validation_set() -> None:
    X, y = two_classes()
    weight = np.random.default_rng(0).exponential(size=150)
    model = crossvalidated().fit(X[:150], y[:150], weight, X_val=X[150:], y_val=y[150:])
    assert model.calibration_.n_rows == 50
    assert model.calibration_.n_averaged == 1  # that network itself
    second = model.predict_proba(X[150:])[:, 1]
    wanted = confusion_matrix(y[150:], np.where(second > 0.5, "yes", "no"))
    np.testing.assert_allclose(
        np.array(model.confusion_.rows) / model.confusion_.rows[0][0] * wanted[0, 0], wanted
    )


def test_one_network_has_none() -> None:
    assert not hasattr(single().fit(numbers(), np.arange(150) % 2), "calibration_")
