"""Objectives: what outputs mean, what an example loses, and how good that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, softmax
from sklearn.metrics import accuracy_score, log_loss, r2_score

from taut.learning.objective import CrossEntropy, Objective, SquaredError, objective_of

OBJECTIVES: tuple[Objective, ...] = (CrossEntropy(3), SquaredError())
LOGITS = arrays(np.float64, (6, 3), elements=st.floats(-50, 50))
VALUES = arrays(np.float64, (6, 1), elements=st.floats(-1e3, 1e3))
CODES = np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
AMOUNTS = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0])


@given(LOGITS)
def test_cross_entropy_is_scikit_learns(z: Any) -> None:
    found = CrossEntropy(3).row_results(z, CODES)
    assert found.losses.dtype == np.float32
    np.testing.assert_allclose(
        found.losses, -log_softmax(z, axis=1)[range(6), CODES.astype(int)], rtol=1e-5, atol=1e-5
    )
    assert found.correct is not None
    assert found.correct.mean() == accuracy_score(CODES, z.argmax(axis=1))


def test_the_mean_cross_entropy_is_the_log_loss() -> None:
    z = np.random.default_rng(0).standard_normal((6, 3))
    expected = log_loss(CODES, softmax(z, axis=1))
    assert CrossEntropy(3).row_results(z, CODES).losses.mean() == pytest.approx(expected, rel=1e-5)


@given(VALUES)
def test_squared_error_is_the_square(values: Any) -> None:
    found = SquaredError().row_results(values, AMOUNTS)
    np.testing.assert_allclose(found.losses, (values[:, 0] - AMOUNTS) ** 2, rtol=1e-5)
    assert found.correct is None


@given(LOGITS)
def test_predictions_of_classes_are_probabilities_and_lead_back(z: Any) -> None:
    objective = CrossEntropy(3)
    probabilities = objective.predictions(z)
    np.testing.assert_allclose(probabilities, softmax(z, axis=1), rtol=1e-9, atol=1e-300)
    back = objective.predictions(objective.outputs_of(probabilities))
    np.testing.assert_allclose(back, probabilities, rtol=1e-6, atol=1e-37)


def test_predictions_of_amounts_are_the_outputs() -> None:
    values = AMOUNTS[:, None].astype(np.float32)
    assert SquaredError().predictions(values).tolist() == values.tolist()
    assert SquaredError().outputs_of(SquaredError().predictions(values)).tolist() == values.tolist()


@pytest.mark.parametrize("weight", [None, np.array([1.0, 2.0, 0.5, 0.5, 1.0, 1.0])])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: o.task)
def test_no_other_constant_loses_less(objective: Objective, weight: Any) -> None:
    target = CODES if objective.n_classes else AMOUNTS
    best = objective.constant(target, weight)

    def loss(outputs: Any) -> float:
        losses = objective.row_results(np.tile(outputs, (6, 1)), target).losses.astype(float)
        return float(np.average(losses, weights=weight))

    rng = np.random.default_rng(0)
    assert all(loss(best) <= loss(best + away) + 1e-6 for away in 0.1 * rng.standard_normal((50, len(best))))


def test_a_class_without_examples_counts_as_half_of_one() -> None:
    shares = np.exp(CrossEntropy(3).constant(np.array([0.0, 0.0, 1.0, 1.0]), None))
    assert shares.tolist() == pytest.approx([0.5, 0.5, 0.125])


def test_the_score_of_amounts_is_r_squared() -> None:
    values = AMOUNTS + np.array([0.5, -0.5, 1.0, 0.0, 0.25, -1.0])
    weight = np.array([1.0, 2.0, 0.5, 0.5, 1.0, 1.0])
    objective = SquaredError()
    losses = objective.row_results(values[:, None], AMOUNTS).losses.astype(float)
    mean = np.array([np.average(losses, weights=weight)])
    spread = np.array([objective.spread(AMOUNTS, weight)])
    expected = r2_score(AMOUNTS, values, sample_weight=weight)
    assert objective.scores(mean, np.array([np.nan]), spread) == pytest.approx([expected], rel=1e-5)
    short = objective.shortfalls(losses[None], None, AMOUNTS, weight)
    assert 1.0 - np.average(short[0], weights=weight) == pytest.approx(expected, rel=1e-5)


def test_a_constant_target_has_no_r_squared() -> None:
    objective, target = SquaredError(), np.full(4, 7.0)
    assert np.isnan(
        objective.scores(np.array([1.0]), np.array([0.0]), np.array([objective.spread(target, None)]))
    )
    assert np.isnan(objective.shortfalls(np.ones((2, 4)), None, target, None)).all()


def test_the_score_of_classes_is_accuracy() -> None:
    correct = np.array([[1.0, 0.0, 0.5]])
    objective = CrossEntropy(3)
    assert objective.scores(np.ones((1, 3)), correct, np.full((1, 3), np.nan)) is correct
    assert objective.shortfalls(np.ones((1, 3)), correct, CODES[:3], None).tolist() == [[0.0, 1.0, 0.5]]
    assert np.isnan(objective.spread(CODES, None))


def test_what_they_are_called() -> None:
    assert objective_of("classification", 4) == CrossEntropy(4)
    assert objective_of("classification", 4, True).loss_name == "class-weighted cross-entropy"
    assert objective_of("regression", 1) == SquaredError()
    assert [o.loss_name for o in OBJECTIVES] == ["cross-entropy", "squared error"]
    assert [o.score_name for o in OBJECTIVES] == ["accuracy", "r2"]
    assert [o.n_classes for o in OBJECTIVES] == [3, 0]
