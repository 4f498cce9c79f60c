"""The stages of a race, and the low-fidelity stage of tables with many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.fitted import fit_fold
from taut.learning.problem import Fold
from taut.selection import stages as module
from taut.selection.folds import Split, make_fold
from taut.selection.stages import MANY_ROWS, Stages, make_stages
from tests.selection.helpers import folds_of, table


@pytest.mark.parametrize(
    ("n", "rounds"),
    [
        (1, [(0,)]),
        (2, [(0,), (1,)]),
        (3, [(0,), (1,), (2,)]),
        (4, [(0,), (1,), (2,), (3,)]),
        (5, [(0,), (1,), (2,), (3, 4)]),
        (20, [(0,), (1,), (2,), tuple(range(3, 20))]),
    ],
)
def test_some_folds_one_by_one_then_the_rest(
    n: int, rounds: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SINGLY", 3)
    problem = table()
    folds = folds_of(problem, cv=2) * 10
    stages = Stages(tuple(folds[:n]))
    assert list(stages.rounds()) == rounds
    assert stages.all == tuple(folds[:n])
    # With a low-fidelity stage before them: the last number, and the first round.
    low_fidelity = folds[0]
    with_one = Stages(tuple(folds[:n]), low_fidelity)
    assert list(with_one.rounds()) == [(n,), *rounds]
    assert with_one.all[n] is low_fidelity
    assert len(with_one.all) == n + 1


def test_after_few_epochs_one_fold_comes_and_then_all_others_together() -> None:
    problem = table()
    folds = tuple(folds_of(problem, cv=5))
    stages = Stages(folds, folds[0], 4)
    for begin in (0, 3):
        assert stages.rounds(begin) == ((5,), (0,), (1, 2, 3, 4))
    assert [stages.same_as(stage) for stage in range(6)] == [0, 1, 2, 3, 4, 0]
    assert [stages.max_epochs(stage, 30) for stage in range(6)] == [30] * 5 + [4]
    assert stages.max_epochs(5, 3) == 3
    assert list(stages.compared) == [0, 1, 2, 3, 4]
    assert list(Stages(folds, folds[0]).compared) == [0, 1, 2, 3, 4, 5]


def test_every_stage_is_on_one_rung() -> None:
    problem = table()
    folds = tuple(folds_of(problem, cv=7))
    for stages in (Stages(folds), Stages(folds, folds[0])):
        for begin in range(9):
            for n_first in (1, 2):
                rounds = stages.rounds(begin, n_first)
                trained = [stage for together in rounds for stage in together]
                assert sorted(trained) == list(range(len(stages.all)))
                assert all(rounds)
                # The race is judged after the first folds, whatever comes then; another one for each batch.
                assert tuple((begin + k) % 7 for k in range(n_first)) in rounds[:2]


def few(monkeypatch: pytest.MonkeyPatch, most: int, train: int, validation: int) -> None:
    monkeypatch.setattr(module, "MANY_ROWS", most)
    monkeypatch.setattr(module, "_FEWER_TRAIN", train)
    monkeypatch.setattr(module, "_FEWER_VALIDATION", validation)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_many_rows_have_a_low_fidelity_stage(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch, 239, 70, 30)
    problem = table(task=task)
    folds = folds_of(problem)
    assert (len(folds[0].train), len(folds[0].validation)) == (160, 80)  # 240 together are many
    stages = make_stages(folds, problem, 0)
    assert stages.folds == tuple(folds)
    low_fidelity = stages.low_fidelity
    assert isinstance(low_fidelity, Fold)
    for some, all_, n in (
        (low_fidelity.train, folds[0].train, 70),
        (low_fidelity.validation, folds[0].validation, 30),
    ):
        assert (some.dtype, len(some)) == (np.int32, n)
        assert (np.diff(some) > 0).all()
        assert set(some) < set(all_)
    # What is fitted on training rows is fitted on its own.
    own = make_fold(Split(low_fidelity.train, low_fidelity.validation), problem, 1)
    found, expected = fit_fold(problem, low_fidelity), fit_fold(problem, own)
    np.testing.assert_array_equal(found.encoder.center, expected.encoder.center)
    assert (found.center, found.scale) == (expected.center, expected.scale)
    assert set(low_fidelity.sample) <= set(low_fidelity.train)


def test_few_rows_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = table()
    folds = folds_of(problem)
    assert make_stages(folds, problem, 0).low_fidelity is None
    few(monkeypatch, 240, 70, 30)
    assert make_stages(folds, problem, 0).low_fidelity is None
    few(monkeypatch, 239, 70, 30)
    assert make_stages(folds, problem, 0).low_fidelity is not None


def test_a_low_fidelity_stage_takes_no_more_rows_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch, 100, 120, 1000)
    problem = table()
    folds = folds_of(problem)
    low_fidelity = make_stages(folds, problem, 0).low_fidelity
    assert low_fidelity is not None
    assert len(low_fidelity.train) == 120
    np.testing.assert_array_equal(low_fidelity.validation, folds[0].validation)


def test_the_seed_chooses_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch, 100, 70, 30)
    problem = table()
    folds = folds_of(problem)
    one, same, other = (make_stages(folds, problem, seed).low_fidelity for seed in (0, 0, 1))
    assert one is not None
    assert same is not None
    assert other is not None
    for name in ("train", "validation", "sample"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert set(one.train) != set(other.train)


def test_fifty_thousand_rows_are_many() -> None:
    assert MANY_ROWS == 50_000
