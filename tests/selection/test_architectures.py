"""The architecture is chosen before the recipes, by what each does on the first folds."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.learning.objective import SquaredError
from taut.learning.problem import Problem
from taut.learning.training import Control, Curve, Status
from taut.recipe import Recipe
from taut.selection.architectures import _first_folds, _losses, try_architectures
from taut.selection.promise import further_fall
from taut.selection.runs import FoldRun
from taut.selection.space import Space
from taut.selection.stages import Stages, make_stages
from taut.selection.trainer import Trainer
from taut.selection.trial_store import TrialStore
from taut.table.examples import TableExamples
from taut.table.matrices import matrix_from_numbers
from taut.techniques import L2, Dropout, EarlyStopping
from tests.selection.helpers import folds_of, settings
from tests.selection.trial_stores import ARGUMENTS, DATA


def problem_of(kind: str, n: int = 600) -> Problem:
    """A target that jumps many times along one column, or one that is linear in eight."""
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, (n, 8)).astype(np.float32)
    _, matrix = matrix_from_numbers(values)
    steps = 3.0 * (np.floor(6 * values[:, 0]) % 2)
    signal = steps if kind == "steps" else values @ np.arange(1, 9)
    target = (signal + 0.3 * rng.standard_normal(n)).astype(np.float32)
    return Problem(TableExamples(matrix), target, SquaredError())


def spaces_of(*bins: int) -> list[Space]:
    return [Space(0.01, MLP((16,), n_bins=n), SquaredError(), False) for n in bins]


def tried(kind: str, *bins: int, control: Control | None = None, store: Any = None) -> Any:
    """What was found, without its trainings."""
    found = with_trainings(kind, *bins, control=control, store=store)
    return tuple(one._replace(trainings=()) for one in found)


def with_trainings(kind: str, *bins: int, control: Control | None = None, store: Any = None) -> Any:
    problem = problem_of(kind)
    trainer = Trainer(CompiledEngine(2), problem, settings(max_epochs=80))
    stages = Stages(tuple(folds_of(problem)))
    return try_architectures(trainer, stages, spaces_of(*bins), control or Control(), store)


@pytest.mark.parametrize(("kind", "best"), [("steps", 24), ("linear", 0)])
def test_the_one_with_the_lower_loss_is_chosen(kind: str, best: int) -> None:
    found = tried(kind, 0, 24)
    assert [one.architecture.n_bins for one in found] == ([24, 0] if best else [0, 24])
    assert found[0].loss < found[1].loss < math.inf
    assert found == tried(kind, 0, 24)


def test_early_stopping_alone_of_the_chosen_one_can_be_continued() -> None:
    chosen, other = with_trainings("steps", 0, 24)
    assert other.trainings == ()
    alone = Recipe(EarlyStopping()).hooks()
    for k, training in enumerate(chosen.trainings):
        assert training.member.architecture == chosen.architecture
        assert training.member.hooks == alone
        assert training.status is Status.STOPPED or training.epoch == 80
        assert len(training.member.fold.validation) == 200, k
    assert len(chosen.trainings) == 3


def test_a_small_advantage_leaves_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    by_bins = {0: 1.0, 8: 0.985, 24: 0.99}

    monkeypatch.setattr("taut.selection.architectures._losses", lambda runs, goal: list(by_bins.values()))
    control = Control(deadline=time.monotonic())
    assert [one.architecture.n_bins for one in tried("steps", 0, 8, 24, control=control)] == [0, 8, 24]
    by_bins[24] = 0.97
    assert [one.architecture.n_bins for one in tried("steps", 0, 8, 24, control=control)] == [24, 8, 0]


def test_where_there_is_one_nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "train", None)
    (found,) = tried("steps", 8)
    assert found.architecture.n_bins == 8
    assert found.loss == math.inf


def test_without_any_time_the_first_is_chosen() -> None:
    found = tried("steps", 0, 24, control=Control(deadline=time.monotonic() - 1.0))
    assert [one.architecture.n_bins for one in found] == [0, 24]
    assert all(one.loss == math.inf for one in found)


def test_a_search_that_is_resumed_keeps_to_what_was_chosen(tmp_path: Path) -> None:
    late = Control(deadline=time.monotonic() - 1.0)
    with TrialStore.open(tmp_path / "s.db", ARGUMENTS, DATA) as store:
        assert tried("steps", 0, 24, control=late, store=store)[0].architecture.n_bins == 0
    with TrialStore.open(tmp_path / "s.db", ARGUMENTS, DATA) as store:
        assert tried("steps", 0, 24, store=store)[0].architecture.n_bins == 0  # with time it were the other


def test_what_is_in_the_trial_store_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TrialStore.open(tmp_path / "s.db", ARGUMENTS, DATA) as store:
        found = tried("steps", 0, 24, store=store)
        assert found == tried("steps", 0, 24)
    monkeypatch.setattr(Trainer, "train", None)
    with TrialStore.open(tmp_path / "s.db", ARGUMENTS, DATA) as store:
        assert tried("steps", 0, 24, store=store) == found


def test_as_many_folds_as_hold_out_enough_rows() -> None:
    few, many = problem_of("linear", 300), problem_of("linear", 9000)
    assert len(_first_folds(Stages(tuple(folds_of(few, 5))))) == 5
    stages = Stages(tuple(folds_of(many, 5)))
    assert _first_folds(stages) == stages.folds[:2]
    short = make_stages(stages.folds, many, 0, short_epochs=5)
    assert _first_folds(short) == (stages.folds[0],)


def run_of(curve: list[float], status: Status) -> FoldRun:
    nothing = np.zeros(len(curve))
    whole = Curve(nothing, np.array(curve), nothing)
    return FoldRun(status, len(curve), 1, whole, 0.0, 0.0, {}, {}, {}, nothing.astype(np.int64))


def test_what_was_cut_off_counts_for_what_it_promises_at_the_same_epoch() -> None:
    falling = [8.0, 6.0, 5.0, 4.4, 4.0, 3.7, 3.5, 3.3]
    whole = run_of([5.0, 4.0, 3.0, 3.5, 3.6], Status.STOPPED)
    cut = run_of(falling, Status.RUNNING)
    stopped, promised = _losses([whole, cut], 100)
    assert stopped == 3.0
    assert promised == pytest.approx(3.3 - further_fall(np.array(falling), 100))
    assert promised < 3.3
    longer = run_of([*falling, 1.0, 1.0], Status.RUNNING)
    assert _losses([longer, cut], 100) == [promised, promised]
    assert _losses([longer, cut], 8) == [1.0, 3.3]  # both are done
    assert _losses([run_of(falling, Status.DIVERGED), cut], 100) == [math.inf, math.inf]
    assert _losses([whole, None], 100) == [math.inf, math.inf]


def test_where_memory_is_short_the_first_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "affordable", lambda self, members: len(members) - 1)
    assert [one.loss for one in tried("steps", 0, 24)] == [math.inf, math.inf]


def test_the_mixture_is_of_what_makes_sense() -> None:
    space = spaces_of(0)[0]
    kinds = [type(one) for one in space.middle().recipe.techniques]
    assert kinds == [L2, Dropout, EarlyStopping]
    linear = replace(space, architecture=MLP(()))
    assert [type(one) for one in linear.middle().recipe.techniques] == [L2, EarlyStopping]
    assert replace(space, only=()).middle().recipe == Recipe(EarlyStopping())
