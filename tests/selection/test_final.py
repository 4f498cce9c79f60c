"""The networks that are handed over: the folds', or new ones on all rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.fitted import FittedMLP, fit_fold
from taut.errors import TrainingWarning
from taut.learning.problem import Fold
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection.final import N_REFIT, Finish
from taut.selection.folds import Split, make_fold
from taut.selection.race import Trial
from taut.selection.runner import Runner
from taut.selection.runs import FoldRun
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.streams import Stream, seed_of
from taut.techniques import L2, BatchNorm, EarlyStopping
from tests.selection.helpers import (
    EARLY,
    SPACE,
    CountingEngine,
    ScriptedEngine,
    WrappedEngine,
    bits,
    folds_of,
    settings,
    table,
)

CHOSEN = SPACE.usual(Recipe(L2(0.1), BatchNorm(), EarlyStopping(5)))


def finished(engine: Any = None, task: Any = "classification") -> tuple[Runner, Trial, Fold]:
    """A runner, a trial that has all folds, and a fold of all rows."""
    problem = table(task=task)
    folds = tuple(folds_of(problem))
    runner = Runner(Trainer(engine or CompiledEngine(1), problem, settings()), Stages(folds))
    trial = Trial(4, CHOSEN)
    runs: Any = runner.first([trial.job(k) for k in range(3)], Control())
    trial.runs.update(enumerate(runs))
    everyone = Split(np.arange(240, dtype=np.int32), np.empty(0, dtype=np.int32))
    return runner, trial, make_fold(everyone, problem, 7)


def test_by_default_the_folds_networks_are_handed_over() -> None:
    runner, trial, _ = finished()
    networks, are_of_folds = Finish().networks(runner, trial, 7)
    assert are_of_folds
    members = [runner.member(trial.job(k)) for k in range(3)]
    expected = runner.trainer.train(members, until_epoch=7)
    assert [bits(one) for one in networks] == [bits(one.fitted("last")) for one in expected]
    encoders = [fit_fold(runner.problem, fold).encoder for fold in runner.stages.folds]
    assert [one.encoder.to_json() for one in networks] == [one.to_json() for one in encoders]  # type: ignore[attr-defined]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_refit_trains_several_seeds_on_all_rows_to_the_chosen_epoch(task: Any) -> None:
    runner, trial, everyone = finished(task=task)
    engine = CountingEngine(runner.trainer.engine)
    runner.trainer = replace(runner.trainer, engine=engine)
    networks, are_of_folds = Finish("refit", everyone).networks(runner, trial, 13)
    assert not are_of_folds
    assert len(networks) == N_REFIT == 5
    assert sorted(engine.epochs.values()) == [13] * N_REFIT  # beyond any patience, and no further
    assert len({repr(bits(one)) for one in networks}) == N_REFIT
    # By the book: the candidate's network, on all rows, from the seeds of this purpose.
    usual = runner.member(trial.job(0))
    members = [
        replace(
            usual,
            fold=everyone,
            keep_losses=False,
            seed=seed_of(runner.trainer.settings.seed, Stream.REFIT, i),
        )
        for i in range(N_REFIT)
    ]
    expected = CompiledEngine(1).train(runner.problem, members, until_epoch=13)
    assert [bits(one) for one in networks] == [bits(one.fitted("last")) for one in expected]
    fit = fit_fold(runner.problem, everyone)
    for network in networks:
        assert isinstance(network, FittedMLP)
        assert network.encoder.to_json() == fit.encoder.to_json()
        assert (network.center, network.scale) == (fit.center, fit.scale)
        z = engine.predict(runner.problem.examples, network)
        assert np.isfinite(z).all()


def test_refit_depends_on_the_seed_and_on_no_thread() -> None:
    found = []
    for threads, seed in ((1, 0), (2, 0), (1, 1)):
        runner, trial, everyone = finished(CompiledEngine(threads))
        runner.trainer = replace(runner.trainer, settings=settings(seed=seed))
        found.append([bits(one) for one in Finish("refit", everyone).networks(runner, trial, 5)[0]])
    assert found[0] == found[1]
    assert not any(one in found[0] for one in found[2])


def folds_networks(runner: Runner, epoch: int) -> list[dict[str, bytes]]:
    members = [runner.member(Trial(4, CHOSEN).job(k)) for k in range(3)]
    made = CompiledEngine(1).train(runner.problem, members, until_epoch=epoch)
    return [bits(one.fitted("last")) for one in made]


def test_where_refit_has_no_time_the_folds_networks_are_handed_over() -> None:
    runner, trial, everyone = finished()
    epoch = trial.runs[0].epoch
    runner.first([trial.job(0)], Control())
    runs = [trial.runs[k] for k in range(3)]
    runner.further([trial.job(k) for k in range(3)], runs, [60] * 3, Control())
    with pytest.warns(TrainingWarning, match='No time was left for final="refit": the folds'):
        # All of them are at the last epoch, which needs no time.
        networks, are_of_folds = Finish("refit", everyone).networks(runner, trial, 60, Control(deadline=0.0))
    assert are_of_folds
    assert epoch < 60
    assert [bits(one) for one in networks] == folds_networks(runner, 60)


def test_where_the_folds_networks_are_gone_and_no_time_is_left_they_are_those_of_their_own_best_epochs() -> (
    None
):
    runner, trial, _ = finished()
    best = [trial.runs[k].best_epoch for k in range(3)]
    assert 1 not in best
    with pytest.warns(TrainingWarning, match="No time was left.*epoch 1.*own best epochs"):
        networks, are_of_folds = Finish().networks(runner, trial, 1, Control(deadline=0.0))
    assert are_of_folds
    members = [runner.member(trial.job(k)) for k in range(3)]
    expected = CompiledEngine(1).train(runner.problem, members, until_epoch=best)
    assert [bits(one) for one in networks] == [bits(one.fitted("last")) for one in expected]
    # With time they are those of that epoch, and nobody is warned.
    in_time, _ = Finish().networks(runner, trial, 1, Control())
    assert [bits(one) for one in in_time] == folds_networks(runner, 1)


def test_where_there_is_nothing_else_they_are_made_whatever_the_time() -> None:
    """As where all is from the trial store, and the time limit is over."""
    runner, trial, _ = finished()
    runner.forget([trial.number])
    networks, are_of_folds = Finish().networks(runner, trial, 7, Control(deadline=0.0))
    assert are_of_folds
    assert [bits(one) for one in networks] == folds_networks(runner, 7)


class Interrupted(WrappedEngine):
    """As the compiled engine does on Ctrl+C: it sets the control's flag, and comes back early."""

    calls = 0

    def train(self, problem: Any, members: Any, *, control: Control | None = None, **how: Any) -> Any:
        self.calls += 1
        (control or Control()).cancelled.set()
        return self.engine.train(problem, members, until_epoch=1)


@pytest.mark.parametrize("kind", ["bag", "refit"])
@pytest.mark.parametrize("given", [True, False])
def test_ctrl_c_while_they_are_made_ends_at_once(kind: Any, given: bool) -> None:
    runner, trial, everyone = finished()
    runner.forget([trial.number])
    engine = Interrupted(runner.trainer.engine)
    runner.trainer = replace(runner.trainer, engine=engine)
    finish = Finish("bag") if kind == "bag" else Finish("refit", everyone)
    if kind == "refit" and not given:
        with pytest.warns(TrainingWarning, match="No time"), pytest.raises(KeyboardInterrupt):
            finish.networks(runner, trial, 5)
        return
    with pytest.raises(KeyboardInterrupt):
        finish.networks(runner, trial, 5, Control() if given else None)
    assert engine.calls == (1 if given else 2)


@pytest.mark.parametrize("at", [2, 5])
def test_where_refit_diverges_the_folds_networks_are_handed_over(at: int) -> None:
    """From other seeds and on other rows it may, where no fold did."""

    def script(member: Any, stage: int) -> list[float]:
        lines = [5.0, 4.0, 3.0, 2.0, 1.0, *[6.0] * 60]
        if stage < 0:
            lines[at - 1] = math.nan
        return lines

    runner, trial, everyone = finished(ScriptedEngine(script, []))
    runner.trainer.engine.stages = list(runner.stages.all)  # type: ignore[attr-defined]
    with pytest.warns(TrainingWarning, match='With final="refit" a network diverged.*the folds'):
        networks, are_of_folds = Finish("refit", everyone).networks(runner, trial, 5)
    assert are_of_folds
    # A scripted network's weight is the epoch that it comes from.
    assert [float(network.weights["layers.0.weight"][0, 0]) for network in networks] == [5.0] * 3


# --- how long it takes ------------------------------------------------------------------------------------


def timed(threads: int, seconds: list[float], epochs: list[int]) -> tuple[Runner, Trial, Fold]:
    runner, _, everyone = finished(CompiledEngine(threads))
    trial = Trial(0, EARLY)
    for k, (spent, n) in enumerate(zip(seconds, epochs, strict=True)):
        usual = runner.first([trial.job(k)], Control())[0]
        assert isinstance(usual, FoldRun)
        trial.runs[k] = replace(usual, seconds=spent, epoch=n)
    return runner, trial, everyone


@pytest.mark.parametrize(
    ("threads", "expected"),
    [(1, 2.0 + 4.0 + 0.5), (2, 4.0), (8, 4.0)],  # the longest one at least
)
def test_the_folds_networks_take_about_as_long_as_before(threads: int, expected: float) -> None:
    runner, trial, _ = timed(threads, [4.0, 4.0, 1.0], [20, 10, 20])
    assert Finish().seconds(runner, trial, 10) == pytest.approx(expected)


def test_what_is_there_takes_no_time_and_is_not_trained_again() -> None:
    engine = CountingEngine(CompiledEngine(1))
    runner, trial, _ = finished(engine)
    keeping = Runner(runner.trainer, runner.stages, keep_networks=True)
    runs: Any = keeping.first([trial.job(k) for k in range(3)], Control())
    epoch = min(run.epoch for run in runs) - 1
    trial.runs.update(enumerate(runs))
    assert Finish().seconds(runner, trial, epoch) > 0.0
    assert Finish(keep_networks=True).seconds(keeping, trial, epoch) == 0.0
    engine.epochs.clear()
    found, _ = Finish(keep_networks=True).networks(keeping, trial, epoch)
    assert not engine.epochs
    expected, _ = Finish().networks(runner, trial, epoch)
    assert [bits(one) for one in found] == [bits(one) for one in expected]


def test_time_is_kept_to_measure_averages_where_that_is_little() -> None:
    runner, trial, _ = timed(1, [4.0, 4.0, 1.0], [20, 10, 20])
    usual = Finish().seconds(runner, trial, 10)
    assert Finish(average_seconds=3.9).seconds(runner, trial, 10) == usual
    assert Finish(average_seconds=4.1).seconds(runner, trial, 10) == pytest.approx(usual + 2 * 2.0)


@pytest.mark.parametrize(("threads", "rounds"), [(1, 5.0), (2, 2.5), (8, 1.0)])
def test_refit_takes_longer_as_there_are_more_rows_and_more_networks(threads: int, rounds: float) -> None:
    runner, trial, everyone = timed(threads, [4.0, 4.0, 1.0], [20, 10, 20])
    found = Finish("refit", everyone).seconds(runner, trial, 10)
    assert found == pytest.approx(4.0 * 240 / 160 * rounds)


def test_a_run_of_no_epoch_has_no_time() -> None:
    runner, trial, _ = timed(1, [0.0, 0.0, 0.0], [0, 0, 0])
    assert Finish().seconds(runner, trial, 10) == 0.0
