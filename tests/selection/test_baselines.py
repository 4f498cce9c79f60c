"""Early stopping alone, and no regularization: the same networks, together, fold by fold in step."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.training import Control, Member, Status, Training
from taut.recipe import Recipe
from taut.selection import baselines
from taut.selection.trainer import Trainer
from taut.techniques import EarlyStopping
from tests.selection.helpers import SPACE, ScriptedEngine, bits, folds_of, settings, table

PATIENT = SPACE.usual(Recipe(EarlyStopping(patience=3)))
LOSSES = {  # by fold: best at 2 and at 9
    0: [5.0, 1.0, *np.linspace(2.0, 9.0, 18)],
    1: [*np.linspace(9.0, 1.0, 9), *np.linspace(2.0, 4.0, 11)],
}


def scripted(losses: dict[int, list[float]] = LOSSES) -> tuple[Trainer, ScriptedEngine, list[Training]]:
    problem = table()
    folds = folds_of(problem, cv=2)
    engine = ScriptedEngine(lambda member, stage: losses[stage], folds)
    trainer = Trainer(engine, problem, settings(max_epochs=20))
    members = [trainer.member(PATIENT, fold, i) for i, fold in enumerate(folds)]
    return trainer, engine, baselines.first_epoch(trainer, members, Control())


class Spent(threading.Event):
    """An event that is set when so many epochs have been trained in all."""

    def __init__(self, trainings: Sequence[Training], budget: int) -> None:
        super().__init__()
        self.trainings, self.budget = trainings, budget

    def is_set(self) -> bool:
        return sum(epochs(self.trainings)) >= self.budget


def epochs(trainings: Sequence[Training]) -> list[int]:
    return [training.epoch for training in trainings]


def test_the_first_epoch_is_one_for_everybody() -> None:
    _, _, trainings = scripted()
    assert epochs(trainings) == [1, 1]


def test_everybody_is_taken_to_the_end_of_its_own_patience() -> None:
    trainer, engine, trainings = scripted()
    baselines.to_own_stop(trainer, trainings, 20, Control())
    assert epochs(trainings) == [5, 12]
    assert [training.best_epoch for training in trainings] == [2, 9]
    assert [training.status for training in trainings] == [Status.STOPPED] * 2


def test_the_rounds_double_until_all_have_stopped() -> None:
    trainer, engine, trainings = scripted()
    baselines.to_own_stop(trainer, trainings, 20, Control())
    assert engine.calls == [1, 2, 4, 8, 16]


def test_who_never_stops_ends_at_the_last_epoch() -> None:
    trainer, engine, trainings = scripted({k: list(np.linspace(9.0, 1.0, 20)) for k in (0, 1)})
    baselines.to_own_stop(trainer, trainings, 20, Control())
    assert engine.calls == [1, 2, 4, 8, 16, 20]
    assert epochs(trainings) == [20, 20]
    baselines.to_the_end(trainer, trainings, 20, Control())
    assert engine.calls == [1, 2, 4, 8, 16, 20]  # nothing is left to do


def test_then_it_is_taken_to_the_end() -> None:
    trainer, engine, trainings = scripted()
    baselines.to_own_stop(trainer, trainings, 20, Control())
    baselines.to_the_end(trainer, trainings, 20, Control())
    assert epochs(trainings) == [20, 20]


def test_a_time_limit_leaves_no_fold_far_behind() -> None:
    """Cut off after any number of epochs in all, no fold has less than half of another's."""
    for budget in range(2, 40):
        trainer, engine, trainings = scripted()
        control = Control(cancelled=Spent(trainings, budget))
        baselines.to_the_end(trainer, trainings, 20, control)
        assert sum(epochs(trainings)) == budget
        assert 2 * min(epochs(trainings)) >= max(epochs(trainings))


def test_what_was_cut_off_goes_on_where_it_was() -> None:
    for budget in range(2, 18):
        trainer, engine, trainings = scripted()
        control = Control(cancelled=Spent(trainings, budget))
        baselines.to_own_stop(trainer, trainings, 20, control)
        assert sum(epochs(trainings)) == min(budget, 5 + 12)
        baselines.to_own_stop(trainer, trainings, 20, Control())
        assert epochs(trainings) == [5, 12]


def test_who_diverged_is_not_waited_for() -> None:
    trainer, engine, trainings = scripted({0: [1.0, 1.0, np.nan], 1: [1.0, np.nan]})
    baselines.to_own_stop(trainer, trainings, 20, Control())
    assert [training.status for training in trainings] == [Status.DIVERGED] * 2
    assert epochs(trainings) == [2, 1]


def test_no_regularization_is_early_stopping_gone_on_with_bit_for_bit() -> None:
    problem = table()
    folds, engine = folds_of(problem), CompiledEngine(1)
    trainer = Trainer(engine, problem, settings(max_epochs=40))

    def members(recipe: Recipe) -> list[Member]:
        candidate = replace(SPACE, learning_rate=0.05).usual(recipe)
        return [trainer.member(candidate, fold, i) for i, fold in enumerate(folds)]

    trainings = baselines.first_epoch(trainer, members(Recipe(EarlyStopping())), Control())
    baselines.to_own_stop(trainer, trainings, 40, Control())
    assert max(epochs(trainings)) < 40
    baselines.to_the_end(trainer, trainings, 40, Control())
    for training, alone in zip(trainings, engine.train(problem, members(Recipe())), strict=True):
        assert training.epoch == alone.epoch == 40
        assert training.curve.validation.tobytes() == alone.curve.validation.tobytes()
        assert bits(training.fitted("last")) == bits(alone.fitted())
