"""The stages of a race, and the taster of tables with many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.engine.base import Fold
from taut.selection import ladder as module
from taut.selection.folds import Split, make_fold
from taut.selection.ladder import MANY_ROWS, Ladder, make_ladder
from tests.selection.helpers import folds_of, table


@pytest.mark.parametrize(
    ("n", "rungs"),
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
    n: int, rungs: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SINGLY", 3)
    data, matrix = table()
    folds = folds_of(data, matrix, cv=2) * 10
    ladder = Ladder(tuple(folds[:n]))
    assert list(ladder.rungs()) == rungs
    assert ladder.stages == tuple(folds[:n])
    # With a taster before them: the last number, and the first rung.
    taster = folds[0]
    with_one = Ladder(tuple(folds[:n]), taster)
    assert list(with_one.rungs()) == [(n,), *rungs]
    assert with_one.stages[n] is taster
    assert len(with_one.stages) == n + 1


def test_every_stage_is_on_one_rung() -> None:
    data, matrix = table()
    folds = tuple(folds_of(data, matrix, cv=7))
    for ladder in (Ladder(folds), Ladder(folds, folds[0])):
        for begin in range(9):
            for n_first in (1, 2):
                rungs = ladder.rungs(begin, n_first)
                stages = [stage for rung in rungs for stage in rung]
                assert sorted(stages) == list(range(len(ladder.stages)))
                assert all(rungs)
                # The race is judged after the first folds, whatever comes then; another one for each batch.
                assert tuple((begin + k) % 7 for k in range(n_first)) in rungs[:2]


def few(monkeypatch: pytest.MonkeyPatch, most: int, train: int, validation: int) -> None:
    monkeypatch.setattr(module, "MANY_ROWS", most)
    monkeypatch.setattr(module, "_FEWER_TRAIN", train)
    monkeypatch.setattr(module, "_FEWER_VALIDATION", validation)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_many_rows_have_a_taster_from_the_first_fold(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch, 239, 70, 30)
    data, matrix = table(task=task)
    folds = folds_of(data, matrix)
    assert (len(folds[0].train), len(folds[0].validation)) == (160, 80)  # 240 together are many
    ladder = make_ladder(folds, data, matrix, 0)
    assert ladder.folds == tuple(folds)
    taster = ladder.taster
    assert isinstance(taster, Fold)
    for some, all_, n in ((taster.train, folds[0].train, 70), (taster.validation, folds[0].validation, 30)):
        assert (some.dtype, len(some)) == (np.int32, n)
        assert (np.diff(some) > 0).all()
        assert set(some) < set(all_)
    # What is fitted on training rows is fitted on its own.
    own = make_fold(Split(taster.train, taster.validation), data, matrix, 1)
    np.testing.assert_array_equal(taster.encoder.center, own.encoder.center)
    assert (taster.center, taster.scale) == (own.center, own.scale)
    assert set(taster.sample) <= set(taster.train)


def test_few_rows_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    data, matrix = table()
    folds = folds_of(data, matrix)
    assert make_ladder(folds, data, matrix, 0).taster is None
    few(monkeypatch, 240, 70, 30)
    assert make_ladder(folds, data, matrix, 0).taster is None
    few(monkeypatch, 239, 70, 30)
    assert make_ladder(folds, data, matrix, 0).taster is not None


def test_a_taster_takes_no_more_rows_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch, 100, 120, 1000)
    data, matrix = table()
    folds = folds_of(data, matrix)
    taster = make_ladder(folds, data, matrix, 0).taster
    assert taster is not None
    assert len(taster.train) == 120
    np.testing.assert_array_equal(taster.validation, folds[0].validation)


def test_the_seed_chooses_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch, 100, 70, 30)
    data, matrix = table()
    folds = folds_of(data, matrix)
    one, same, other = (make_ladder(folds, data, matrix, seed).taster for seed in (0, 0, 1))
    assert one is not None
    assert same is not None
    assert other is not None
    for name in ("train", "validation", "sample"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert set(one.train) != set(other.train)


def test_fifty_thousand_rows_are_many() -> None:
    assert MANY_ROWS == 50_000
