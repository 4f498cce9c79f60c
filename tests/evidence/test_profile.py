from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.evidence.profile import Profile, noise_of, profile_of
from taut.learning.architecture import MLP
from taut.learning.problem import Fold, Problem
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.trainer import Trainer
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix
from tests.selection.helpers import folds_of, matrix_of, settings, table


def with_a_category(problem: Problem) -> Problem:
    """One more column: a category of three values."""
    matrix = matrix_of(problem)
    codes = (np.arange(len(problem)) % 3).astype(np.float32)[:, None]
    values = np.ascontiguousarray(np.hstack([matrix.values, codes]))
    levels = (*matrix.levels, ("a", "b", "c"))
    wider = Matrix(values, (*matrix.names, "kind"), matrix.n_numbers, levels, ())
    return replace(problem, examples=TableExamples(wider))


ENGINE = CompiledEngine(1)


def profiled(problem: Problem, hidden: tuple[int, ...], batch_size: int, fold: Fold | None = None) -> Profile:
    trainer = Trainer(ENGINE, problem, settings(batch_size=batch_size))
    candidate = Candidate(Recipe(), 0.01, MLP(hidden))
    found = profile_of(trainer, trainer.member(candidate, fold or folds_of(problem)[0], 0))
    assert found is not None
    return found


def test_the_facts_of_classes_are_counted() -> None:
    problem = table(n=240, p=4)
    profile = profiled(problem, (8, 6), 32)
    assert isinstance(profile, Profile)
    assert (profile.n_rows, profile.n_columns, profile.n_features) == (240, 4, 4)
    assert (profile.categorical_share, profile.n_classes, profile.batch_size) == (0.0, 3, 32)
    assert profile.rarest_share == pytest.approx(1 / 3)
    assert profile.n_parameters == (4 + 1) * 8 + (8 + 1) * 6 + (6 + 1) * 3
    assert profile.n_hidden == 14
    assert profile.rows_per_parameter == pytest.approx(240 / profile.n_parameters)


def test_the_facts_of_amounts_have_no_classes() -> None:
    problem = table(task="regression")
    profile = profiled(problem, (), 16)
    assert profile.n_classes is None
    assert profile.rarest_share is None
    assert profile.n_hidden == 0


def test_categories_are_columns_once_and_features_by_value() -> None:
    problem = with_a_category(table(n=240, p=3))
    profile = profiled(problem, (8,), 16)
    assert (profile.n_columns, profile.n_features) == (4, 6)
    assert profile.categorical_share == pytest.approx(1 / 4)


def test_only_the_rows_of_the_folds_count() -> None:
    problem = table(n=240)
    fold = folds_of(problem)[0]
    fewer = replace(fold, validation=fold.validation[:20])
    profile = profiled(problem, (8,), 16, fewer)
    assert profile.n_rows == len(fold.train) + 20


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_noise_rises_with_the_noise(task: str) -> None:
    found = []
    for noise in (0.0, 0.7, 20.0):
        problem = table(n=300, p=2, task=task, noise=noise)
        found.append(noise_of(ENGINE, problem, folds_of(problem)[0]))
    assert 0.0 < found[0] < found[1] - 0.05
    assert found[1] < found[2] - 0.2
    assert 0.9 < found[2] <= 1.0


def test_noise_knows_no_units_and_no_seed_but_its_own() -> None:
    problem = table(n=200, task="regression")
    fold = folds_of(problem)[0]
    far = replace(problem, target=(1e6 * problem.target.astype(np.float64) - 5e8))
    assert noise_of(ENGINE, far, fold) == pytest.approx(noise_of(ENGINE, problem, fold), rel=1e-3)
    assert noise_of(ENGINE, problem, fold) == noise_of(ENGINE, problem, fold)
    assert noise_of(ENGINE, problem, fold, seed=1) != noise_of(ENGINE, problem, fold)


def test_a_constant_target_is_all_noise() -> None:
    problem = table(n=60, task="regression")
    flat = replace(problem, target=np.full(60, 7.0, dtype=np.float32))
    assert noise_of(ENGINE, flat, folds_of(problem)[0]) == 1.0


def test_many_rows_are_sampled() -> None:
    problem = table(n=5000, noise=0.7)
    part = table(n=2000, noise=0.7)
    whole = noise_of(ENGINE, problem, folds_of(problem)[0])
    assert whole == pytest.approx(noise_of(ENGINE, part, folds_of(part)[0]), abs=0.08)
