"""A problem: weights, spreads and constants by its folds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.learning.objective import CrossEntropy, SquaredError
from taut.learning.problem import Fold, Problem
from tests.learning import toy

TARGET = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0])
WEIGHT = np.array([1.0, 2.0, 0.5, 0.5, 1.0, 1.0, 1.5, 0.5])
FOLDS = [toy.fold(range(4), range(4, 8)), toy.fold(range(2, 8), range(2))]


def problem(objective: Any, target: Any = TARGET, **weights: Any) -> Problem:
    pixels = np.zeros((len(target), *toy.SHAPE))
    return Problem(toy.Pictures(pixels), target, objective, **weights)


def test_its_length_is_the_number_of_examples() -> None:
    assert len(problem(SquaredError())) == 8
    assert len(toy.pictures(20)) == 20


def test_rows_count_as_in_the_loss_where_accuracy_has_no_weights_of_its_own() -> None:
    plain = problem(SquaredError(), score_weight=WEIGHT)
    assert plain.row_weight is WEIGHT
    own = np.ones(8)
    assert replace(plain, accuracy_weight=own).row_weight is own
    assert problem(SquaredError()).row_weight is None


def test_row_results_are_the_objectives_for_the_rows_own_targets() -> None:
    rows = np.array([5, 0], dtype=np.int32)
    found = problem(SquaredError()).row_results(np.array([[8.0], [5.0]]), rows)
    assert found.losses.tolist() == [1.0, 4.0]
    assert found.correct is None
    classes = problem(CrossEntropy(2), np.arange(8) % 2.0)
    assert classes.row_results(np.array([[0.0, 1.0], [0.0, 1.0]]), rows).correct.tolist() == [True, False]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_spreads_are_the_variances_of_the_rows_held_out(weight: Any) -> None:
    # By the weights of scores, and not by those of training.
    given = problem(SquaredError(), score_weight=weight, fit_weight=WEIGHT[::-1])
    found = given.spreads(FOLDS)
    assert found.shape == (2,)
    for fold, spread in zip(FOLDS, found, strict=True):
        y = TARGET[fold.validation]
        w = None if weight is None else weight[fold.validation]
        assert spread == pytest.approx(np.average((y - np.average(y, weights=w)) ** 2, weights=w), rel=1e-12)


def test_accuracy_has_no_spreads() -> None:
    found = problem(CrossEntropy(2), np.arange(8) % 2.0).spreads(FOLDS)
    assert np.isnan(found).tolist() == [True, True]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_the_best_constant_is_by_the_weights_of_the_rows_that_train(weight: Any) -> None:
    rows = FOLDS[1].train
    given = problem(SquaredError(), fit_weight=weight, score_weight=WEIGHT[::-1])
    w = None if weight is None else weight[rows]
    assert given.constant(rows).tolist() == pytest.approx([np.average(TARGET[rows], weights=w)], rel=1e-12)
    classes = problem(CrossEntropy(2), np.arange(8) % 2.0, fit_weight=weight)
    sums = np.bincount(rows % 2, w)
    assert np.exp(classes.constant(rows)).tolist() == pytest.approx((sums / len(rows)).tolist(), rel=1e-12)


def test_problems_and_folds_are_themselves_and_equal_to_no_other() -> None:
    fold = FOLDS[0]
    same = Fold(fold.train, fold.validation, fold.sample)
    assert fold != same
    assert len({fold, same, fold}) == 2
    given = problem(SquaredError())
    assert given != replace(given)
