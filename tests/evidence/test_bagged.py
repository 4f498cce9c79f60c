"""Averages of networks that have not seen a row."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, final

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.model_selection import RepeatedKFold

from taut.engine.compiled.engine import CompiledEngine
from taut.evidence.bagged import N_BAGGED, Bagged, bagged
from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Problem
from taut.learning.training import Control, Training
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.folds import Split, make_fold
from taut.selection.runner import Job, Runner
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.streams import Stream, seed_of
from taut.techniques import EarlyStopping
from tests.selection.helpers import ScriptedEngine, folds_of, settings, table

ONE = Candidate(Recipe(EarlyStopping(4)), 0.02, MLP((8,)))
EPOCH = 4


@final
class Watched(Engine):
    """Remembers what the networks said of which rows, and how many were trained."""

    threads = 1

    def __init__(self) -> None:
        self.engine = CompiledEngine(1)
        self.said: list[tuple[Any, Any]] = []
        self.trained: list[Any] = []

    def train(self, problem: Any, members: Any, **how: Any) -> list[Training]:
        goals = how["until_epoch"]
        goals = [goals] * len(members) if isinstance(goals, int) else goals
        self.trained += [
            (one.member if isinstance(one, Training) else one, goal)
            for one, goal in zip(members, goals, strict=True)
        ]
        return self.engine.train(problem, members, **how)

    def n_parameters(self, problem: Any, member: Any) -> int:
        return self.engine.n_parameters(problem, member)

    def predict(self, examples: Any, fitted: Any, rows: Any = None) -> Any:
        found = self.engine.predict(examples, fitted, rows)
        self.said.append((rows, found))
        return found


def made(task: Any, cv: Any = 3, **weights: Any) -> tuple[Runner, Watched]:
    problem = table(90, task=task, **weights)
    engine = Watched()
    trainer = Trainer(engine, problem, settings(max_epochs=8))
    return Runner(trainer, Stages(tuple(folds_of(problem, cv)))), engine


def mean_of(said: list[tuple[Any, Any]], problem: Problem) -> Any:
    """What was said of every row, averaged; probabilities where there are classes."""
    total, times = np.zeros((90, problem.objective.n_outputs)), np.zeros((90, 1))
    for rows, outputs in said:
        outputs = outputs.astype(np.float64)
        total[rows] += softmax(outputs, axis=1) if problem.objective.n_classes else outputs
        times[rows] += 1
    return total / times


def bag(runner: Runner, epoch: int = EPOCH, n_repeats: int = 1, networks: Any = None) -> Bagged:
    found = bagged(runner, 0, ONE, epoch, n_repeats, Control(), networks)
    assert found is not None
    return found


def test_amounts_are_averaged() -> None:
    runner, engine = made("regression")
    found = bag(runner)
    assert found.n_bagged == N_BAGGED == 3
    assert found.rows.tolist() == list(range(90))
    mean = mean_of(engine.said, runner.trainer.problem)[:, 0]
    np.testing.assert_allclose(found.figures.losses, (mean - runner.trainer.problem.target) ** 2, rtol=1e-4)
    assert found.figures.correct is None


def test_probabilities_are_averaged() -> None:
    runner, engine = made("classification")
    found = bag(runner)
    shares = mean_of(engine.said, runner.trainer.problem)
    codes = runner.trainer.problem.target.astype(int)
    np.testing.assert_allclose(found.figures.losses, -np.log(shares[np.arange(90), codes]), rtol=1e-4)
    assert found.figures.correct is not None
    assert found.figures.correct.tolist() == (shares.argmax(axis=1) == codes).tolist()


def test_a_row_is_judged_by_three_networks_that_are_strangers_to_it() -> None:
    runner, engine = made("classification")
    bag(runner)
    by_fold: dict[bytes, list[Any]] = {}
    for rows, outputs in engine.said:
        by_fold.setdefault(rows.tobytes(), []).append(outputs)
    assert [len(group) for group in by_fold.values()] == [3, 3, 3]
    for group in by_fold.values():
        assert len({outputs.tobytes() for outputs in group}) == 3
    for member, _ in engine.trained:
        assert not set(member.fold.train) & set(member.fold.validation)
    assert len({(member.seed, member.fold.validation.tobytes()) for member, _ in engine.trained}) == 9


def test_every_network_is_of_the_one_epoch() -> None:
    runner, engine = made("classification")
    bag(runner)
    assert [goal for _, goal in engine.trained] == [EPOCH] * 9


def test_networks_that_are_there_are_not_made_again() -> None:
    runner, engine = made("classification")
    whole = bag(runner)
    engine.trained.clear()
    found = bag(runner, networks=whole.networks)
    assert len(engine.trained) == 6
    np.testing.assert_array_equal(found.outputs, whole.outputs)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_what_the_networks_lose_one_by_one_stands_beside(task: Any) -> None:
    runner, engine = made(task)
    found = bag(runner)
    problem = runner.trainer.problem
    each = [problem.row_results(outputs, rows) for rows, outputs in engine.said]
    losses, correct = np.zeros(90), np.zeros(90)
    for (rows, _), one in zip(engine.said, each, strict=True):
        losses[rows] += one.losses / 3
        correct[rows] += np.nan if one.correct is None else one.correct / 3
    np.testing.assert_allclose(found.losses, losses, rtol=1e-6)
    np.testing.assert_allclose(found.correct, correct)
    assert found.losses.mean() > found.figures.losses.mean()  # both losses are convex


def test_an_average_is_usually_better_than_its_networks() -> None:
    runner, engine = made("regression")
    found = bag(runner)
    single = [
        np.mean((outputs[:, 0] - runner.trainer.problem.target[rows]) ** 2) for rows, outputs in engine.said
    ]
    assert found.figures.losses.mean() < np.mean(single)  # squared error is convex


def test_repeated_folds_have_networks_enough() -> None:
    cv = RepeatedKFold(n_splits=2, n_repeats=3, random_state=0)
    runner, engine = made("regression", cv)
    found = bag(runner, 3, n_repeats=3)
    assert found.n_bagged == 3
    assert len(engine.trained) == 6
    mean = mean_of(engine.said, runner.trainer.problem)[:, 0]
    np.testing.assert_allclose(found.figures.losses, (mean - runner.trainer.problem.target) ** 2, rtol=1e-4)


def test_two_repeats_are_too_few_and_get_more_seeds() -> None:
    runner, engine = made("regression", RepeatedKFold(n_splits=2, n_repeats=2, random_state=0))
    assert bag(runner, 2, n_repeats=2).n_bagged == 6
    assert len(engine.trained) == 12


def test_rows_that_are_never_held_out_have_none() -> None:
    problem = table(90, task="regression")
    split = Split(np.arange(60, dtype=np.int32), np.arange(60, 90, dtype=np.int32))
    fold = make_fold(split, problem, 0)
    runner = Runner(Trainer(CompiledEngine(1), problem, settings(max_epochs=8)), Stages((fold,)))
    found = bag(runner, 3)
    assert found.rows.tolist() == list(range(60, 90))
    assert found.figures.losses.shape == (30,)


@pytest.mark.parametrize("trained_before", [False, True])
def test_who_is_cut_off_gets_nothing(trained_before: bool) -> None:
    """Before the folds' own networks, and before those of other seeds."""
    runner, engine = made("regression")
    if trained_before:
        runner.first([Job(0, ONE, k) for k in range(3)], Control(), until_epoch=3)
    control = Control()
    control.cancelled.set()
    assert bagged(runner, 0, ONE, 3, 1, control) is None


def test_where_time_ends_between_folds_the_first_ones_have_an_average() -> None:
    runner, engine = made("regression")
    whole, control, train = bag(runner), Control(), engine.train

    def once(problem: Any, members: Any, **how: Any) -> list[Training]:
        found = train(problem, members, **how)
        control.cancelled.set()
        return found

    engine.train = once  # type: ignore[method-assign]
    found = bagged(runner, 0, ONE, EPOCH, 1, control, whole.networks)
    assert found is not None
    assert found.n_bagged == 3
    assert found.rows.tolist() == runner.stages.folds[0].validation.tolist()
    np.testing.assert_array_equal(found.outputs, whole.outputs[found.rows])


def test_a_fold_whose_other_networks_diverge_has_no_average() -> None:
    problem = table(60)
    two = replace(problem, target=np.minimum(problem.target, 1.0), objective=CrossEntropy(2))
    folds = folds_of(two)
    bad = {seed_of(0, Stream.BAGGED, 1, j) for j in range(1, 3)}

    def script(member: Any, _: int) -> Any:
        return [1.0, math.nan] if member.seed in bad else [1.0] * 9

    runner = Runner(Trainer(ScriptedEngine(script, folds), two, settings(max_epochs=9)), Stages(tuple(folds)))
    found = bag(runner)
    assert found.n_bagged == 3
    assert found.rows.tolist() == sorted([*folds[0].validation, *folds[2].validation])
    assert np.isfinite(found.figures.losses).all()


def test_the_same_seed_gives_the_same() -> None:
    one, other = (bag(made("regression")[0]) for _ in range(2))
    assert one.figures.losses.tobytes() == other.figures.losses.tobytes()
