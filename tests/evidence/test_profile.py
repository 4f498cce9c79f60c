from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.evidence.profile import Profile, noise_of, profile_of
from taut.network import Network
from taut.table.matrices import Matrix
from tests.selection.helpers import folds_of, table


def with_a_category(data: Any, matrix: Matrix) -> tuple[Any, Matrix]:
    """One more column: a category of three values."""
    codes = (np.arange(len(data.target)) % 3).astype(np.float32)[:, None]
    values = np.ascontiguousarray(np.hstack([matrix.values, codes]))
    levels = (*matrix.levels, ("a", "b", "c"))
    wider = Matrix(values, (*matrix.names, "kind"), matrix.n_numbers, levels, ())
    return replace(data, values=values), wider


def test_the_facts_of_classes_are_counted() -> None:
    data, matrix = table(n=240, p=4)
    fold = folds_of(data, matrix)[0]
    profile = profile_of(data, fold, Network(4, (8, 6), 3), batch_size=32)
    assert isinstance(profile, Profile)
    assert (profile.n_rows, profile.n_columns, profile.n_features) == (240, 4, 4)
    assert (profile.categorical_share, profile.n_classes, profile.batch_size) == (0.0, 3, 32)
    assert profile.rarest_share == pytest.approx(1 / 3)
    assert profile.n_parameters == (4 + 1) * 8 + (8 + 1) * 6 + (6 + 1) * 3
    assert profile.n_hidden == 14
    assert profile.rows_per_parameter == pytest.approx(240 / profile.n_parameters)


def test_the_facts_of_amounts_have_no_classes() -> None:
    data, matrix = table(task="regression")
    profile = profile_of(data, folds_of(data, matrix)[0], Network(4, (), 1), batch_size=16)
    assert profile.n_classes is None
    assert profile.rarest_share is None
    assert profile.n_hidden == 0


def test_categories_are_columns_once_and_features_by_value() -> None:
    data, matrix = with_a_category(*table(n=240, p=3))
    profile = profile_of(data, folds_of(data, matrix)[0], Network(6, (8,), 3), batch_size=16)
    assert (profile.n_columns, profile.n_features) == (4, 6)
    assert profile.categorical_share == pytest.approx(1 / 4)


def test_only_the_rows_of_the_folds_count() -> None:
    data, matrix = table(n=240)
    fold = folds_of(data, matrix)[0]
    fewer = replace(fold, validation=fold.validation[:20])
    profile = profile_of(data, fewer, Network(4, (8,), 3), batch_size=16)
    assert profile.n_rows == len(fold.train) + 20


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_noise_rises_with_the_noise(task: str) -> None:
    found = []
    for noise in (0.0, 0.7, 20.0):
        data, matrix = table(n=300, p=2, task=task, noise=noise)
        found.append(noise_of(data, folds_of(data, matrix)[0]))
    assert 0.0 < found[0] < found[1] - 0.05
    assert found[1] < found[2] - 0.2
    assert 0.9 < found[2] <= 1.0


def test_noise_knows_no_units_and_no_seed_but_its_own() -> None:
    data, matrix = table(n=200, task="regression")
    fold = folds_of(data, matrix)[0]
    far = replace(data, target=(1e6 * data.target.astype(np.float64) - 5e8))
    assert noise_of(far, fold) == pytest.approx(noise_of(data, fold), rel=1e-3)
    assert noise_of(data, fold) == noise_of(data, fold)
    assert noise_of(data, fold, seed=1) != noise_of(data, fold)


def test_a_constant_target_is_all_noise() -> None:
    data, matrix = table(n=60, task="regression")
    flat = replace(data, target=np.full(60, 7.0, dtype=np.float32))
    assert noise_of(flat, folds_of(data, matrix)[0]) == 1.0


def test_many_rows_are_sampled() -> None:
    data, matrix = table(n=5000, noise=0.7)
    part, part_matrix = table(n=2000, noise=0.7)
    whole = noise_of(data, folds_of(data, matrix)[0])
    assert whole == pytest.approx(noise_of(part, folds_of(part, part_matrix)[0]), abs=0.08)
