"""What the bootstrap draws, and the figures from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import RepeatedKFold

from taut.evidence.contribution_units import Draws, Totals, Units, weights_of_few
from taut.learning.problem import Fold, Problem
from taut.selection.runs import RowResults
from tests.selection.helpers import folds_of, table


def made(
    task: Any = "classification", n: int = 60, cv: Any = 3, **weights: Any
) -> tuple[Problem, tuple[Fold, ...]]:
    problem = table(n, task=task, **weights)
    return problem, tuple(folds_of(problem, cv))


def by_fold(folds: tuple[Fold, ...], losses: Any, correct: Any = None) -> list[RowResults]:
    """Values by row, laid out by fold."""
    return [
        RowResults(
            losses[fold.validation].astype(np.float32),
            None if correct is None else correct[fold.validation].astype(bool),
        )
        for fold in folds
    ]


def test_every_row_is_a_unit_and_counts_once() -> None:
    problem, folds = made()
    units = Units.of(problem, folds, None, 0)
    assert units.n_units == 60
    losses, correct = np.arange(60.0), np.arange(60) % 3 == 0
    totals = units.totals([by_fold(folds, losses, correct)] * 2, 2)
    assert totals.losses.shape == (2, 60)
    draws = Draws.of(units.n_units, 2, 0)
    assert draws.losses(units, totals)[0] == pytest.approx(losses.mean())
    assert draws.scores(units, totals)[0] == pytest.approx(correct.mean())


def test_rows_that_are_held_out_more_often_count_once_too() -> None:
    problem, folds = made(cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0))
    units = Units.of(problem, folds, None, 0)
    assert units.times.tolist() == [2] * 60
    losses = np.arange(60.0)
    totals = units.totals([by_fold(folds, losses, losses > 3)], 1)
    assert np.sort(totals.losses[0]).tolist() == losses.tolist()


def test_weights_and_rows_of_weight_zero() -> None:
    weight = np.random.default_rng(0).uniform(0.5, 2, 60).astype(np.float32)
    weight[:5] = 0
    problem, folds = made("regression", score_weight=weight, fit_weight=weight)
    units = Units.of(problem, folds, None, 0)
    assert units.n_units == 55
    assert (units.unit_of_row[:5] == -1).all()
    predicted = problem.target + np.linspace(-2, 2, 60)
    totals = units.totals([by_fold(folds, (predicted - problem.target) ** 2)], 1)
    draws = Draws.of(units.n_units, 1, 0)
    expected = np.average((predicted - problem.target) ** 2, weights=weight)
    assert draws.losses(units, totals)[0] == pytest.approx(expected, rel=1e-6)
    known = r2_score(problem.target[5:], predicted[5:], sample_weight=weight[5:])
    assert draws.scores(units, totals)[0] == pytest.approx(known, rel=1e-5)


def test_groups_are_drawn_whole() -> None:
    problem, folds = made()
    groups = np.repeat(np.arange(12), 5)
    units = Units.of(problem, folds, groups, 0)
    assert units.n_units == 12
    # A loss that only depends on the group: its mean is far less sure than that of so many rows.
    losses = np.random.default_rng(1).normal(size=12)[groups]
    spread = {}
    for name, each in (("rows", Units.of(problem, folds, None, 0)), ("groups", units)):
        totals = each.totals([by_fold(folds, losses, losses > 0)], 1)
        spread[name] = Draws.of(each.n_units, 1, 0).losses(each, totals)[1:].std()
    assert spread["groups"] == pytest.approx(spread["rows"] * np.sqrt(5), rel=0.1)


def test_very_many_rows_are_gathered_and_their_spread_stays() -> None:
    problem, folds = made(n=9000)
    units = Units.of(problem, folds, None, 0)
    assert units.n_units == 2000
    losses = np.random.default_rng(0).exponential(size=9000)
    totals = units.totals([by_fold(folds, losses, losses > 1)], 1)
    found = Draws.of(units.n_units, 1, 0).losses(units, totals)
    assert found[0] == pytest.approx(losses.mean(), rel=1e-5)
    assert found[1:].std() == pytest.approx(losses.std() / np.sqrt(9000), rel=0.1)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_spread_of_the_seeds_mean_is_that_of_so_few(n: int) -> None:
    """Of n seeds n - 1 are drawn, and the variance of their mean is the unbiased one."""
    stream = np.random.default_rng(0)
    weights = np.vstack([weights_of_few(n, stream)[1:] for _ in range(20)])
    values = np.arange(n, dtype=float) ** 2
    assert (weights @ values).var() == pytest.approx(values.var(ddof=1) / n, rel=0.05)


def test_one_seed_is_always_drawn() -> None:
    assert (weights_of_few(1, np.random.default_rng(0)) == 1.0).all()


def test_the_same_losses_differ_by_exactly_nothing() -> None:
    problem, folds = made()
    units = Units.of(problem, folds, None, 0)
    draws = Draws.of(units.n_units, 3, 0)
    rng = np.random.default_rng(0)
    rows = [by_fold(folds, rng.exponential(size=60), rng.uniform(size=60) > 0.5) for _ in range(3)]
    one, other = units.totals(rows, 3), units.totals(rows, 3)
    assert (draws.losses(units, one) == draws.losses(units, other)).all()
    assert (draws.scores(units, one) == draws.scores(units, other)).all()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_who_diverged_has_no_figures(task: str) -> None:
    problem, folds = made(task)
    units = Units.of(problem, folds, None, 0)
    totals = units.totals(None, 2)
    assert not totals.is_finite
    assert (totals.correct is None) == (task == "regression")
    draws = Draws.of(units.n_units, 2, 0)
    assert np.isnan(draws.losses(units, totals)).all()
    assert np.isnan(draws.scores(units, totals)).all()


def test_without_any_variance_there_is_no_r_squared() -> None:
    problem, folds = made("regression")
    constant = replace(problem, target=np.full(60, 3.0))
    units = Units.of(constant, folds, None, 0)
    totals = Totals(np.ones((1, 60)), None)
    assert np.isnan(Draws.of(60, 1, 0).scores(units, totals)).all()
