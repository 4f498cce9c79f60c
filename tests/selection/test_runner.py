"""Jobs, trained or remembered: what is kept of them, and how they are gone on with."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.learning.problem import Problem
from taut.learning.training import Control, Status
from taut.recipe import Recipe
from taut.selection import runner as module
from taut.selection.candidate import Candidate
from taut.selection.runner import Job, Runner
from taut.selection.runs import RACED
from taut.selection.stages import Stages
from taut.selection.trainer import Settings, Trainer
from taut.selection.trial_store import TrialStore
from taut.techniques import L2, BatchNorm, Dropout, EarlyStopping
from tests.engine.helpers import AfterLooks, each_loss
from tests.selection import trial_stores
from tests.selection.helpers import (
    EARLY,
    NONE,
    SPACE,
    CountingEngine,
    ScriptedEngine,
    WrappedEngine,
    bits,
    folds_of,
    key_of,
    settings,
    table,
    tag_of,
    tagged,
)

PATIENT = EarlyStopping(5)
STRONG = SPACE.usual(Recipe(L2(0.1), BatchNorm(), PATIENT))
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def runner(
    engine: Any = None, task: Any = "classification", *, low_fidelity: bool = False, trial_store: Any = None,
    weight: Any = None, **changes: Any,
) -> Runner:  # fmt: skip
    problem = table(task=task, score_weight=weight, fit_weight=weight)
    folds = tuple(folds_of(problem))
    stages = Stages(folds, folds_of(problem, cv=4)[1] if low_fidelity else None)
    engine = engine or CompiledEngine(1)
    return Runner(Trainer(engine, problem, settings(**changes)), stages, trial_store)


def scripted(losses: Any, trial_store: Any = None, **changes: Any) -> Runner:
    made = runner(ScriptedEngine(losses, []), trial_store=trial_store, **changes)
    made.trainer.engine.stages = list(made.stages.all)  # type: ignore[attr-defined]
    return made


def jobs_of(candidate: Candidate, number: int = 2, stages: Any = (0, 1, 2)) -> list[Job]:
    return [Job(number, candidate, stage) for stage in stages]


@pytest.fixture
def trial_store(tmp_path: Path) -> Iterator[TrialStore]:
    with trial_stores.hasty_disk(), trial_stores.open_trial_store(tmp_path / "search") as opened:
        yield opened


def assert_same_runs(a: Any, b: Any, *, but_seconds: bool = True) -> None:
    for one, other in zip(a, b, strict=True):
        if but_seconds:
            one, other = replace(one, seconds=0.0), replace(other, seconds=0.0)
        assert trial_stores.bits(one) == trial_stores.bits(other)


# --- members ----------------------------------------------------------------------------------------------


def test_a_member_has_the_candidates_numbers_and_the_common_ones() -> None:
    made = runner(low_fidelity=True, max_epochs=33, batch_size=17)
    candidate = Candidate(Recipe(L2(0.3), Dropout(0.2)), 0.007, MLP((5, 6)))
    for stage, fold in enumerate(made.stages.all):
        member = made.member(Job(4, candidate, stage))
        assert member.fold is fold
        assert member.hooks == candidate.recipe.hooks()
        assert (member.learning_rate, member.batch_size, member.max_epochs) == (0.007, 17, 33)
        assert member.architecture == MLP((5, 6))
        assert member.keep_losses


def test_all_candidates_start_from_the_same_weights_and_each_stage_from_its_own() -> None:
    made = runner(low_fidelity=True)
    seeds = {made.member(Job(number, one, 0)).seed for number in (0, 9) for one in (EARLY, NONE, STRONG)}
    assert len(seeds) == 1
    assert len({made.member(Job(2, EARLY, stage)).seed for stage in range(4)}) == 4
    other = runner(seed=1)
    assert other.member(Job(0, EARLY, 0)).seed not in seeds


def test_losses_are_kept_where_they_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    made = runner(max_epochs=60)  # of 80 rows
    monkeypatch.setattr(module, "_MOST_LOSSES", 80 * 60)
    assert made.member(Job(0, EARLY, 0)).keep_losses
    monkeypatch.setattr(module, "_MOST_LOSSES", 80 * 60 - 1)
    assert not made.member(Job(0, EARLY, 0)).keep_losses


def test_settings_are_a_value() -> None:
    assert settings() == Settings(32, 60, 0)


# --- to their own stop ------------------------------------------------------------------------------------


@tasks
def test_each_is_trained_to_its_own_stop(task: Any) -> None:
    made = runner(task=task)
    jobs = [*jobs_of(STRONG), *jobs_of(NONE, 1)]
    runs = made.first(jobs, Control())
    alone = made.trainer.train([made.member(job) for job in jobs])
    for run, training in zip(runs, alone, strict=True):
        assert run is not None
        assert (run.status, run.epoch, run.best_epoch) == (
            training.status, training.epoch, training.best_epoch,
        )  # fmt: skip
        assert run.curve.validation.tobytes() == training.curve.validation.tobytes()
        assert run.zero_share == training.fitted().zero_share
        assert run.seconds > 0.0
        assert list(run.losses) == [RACED, run.best_epoch]
        expected = training.losses(run.best_epoch)
        assert expected is not None
        assert run.losses[run.best_epoch].tobytes() == expected.tobytes()
    epochs = [run.epoch for run in runs if run is not None]
    assert len(set(epochs[:3])) > 1  # each by itself
    assert epochs[3:] == [60, 60, 60]


@tasks
@pytest.mark.parametrize("candidate", [STRONG, NONE, SPACE.usual(Recipe(Dropout(0.3)))], ids=str)
def test_too_many_losses_are_worked_out_for_the_best_epoch_only(
    task: Any, candidate: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = runner(task=task).first(jobs_of(candidate), Control())
    monkeypatch.setattr(module, "_MOST_LOSSES", 0)
    made = runner(task=task)
    found = made.first(jobs_of(candidate), Control())
    for one, other in zip(kept, found, strict=True):
        assert one is not None
        assert other is not None
        assert list(other.losses) == [RACED, one.best_epoch]
        assert other.losses[RACED].tobytes() == other.losses[one.best_epoch].tobytes()
        assert other.losses[one.best_epoch].dtype == np.float32
        np.testing.assert_allclose(
            other.losses[one.best_epoch], one.losses[one.best_epoch], rtol=2e-5, atol=1e-5
        )


def test_no_regularization_kept_of_early_stoppings_networks_has_the_last_epochs_losses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The baselines are one training looked at twice; also where it does not keep its losses."""
    for most in (2**23, 0):
        monkeypatch.setattr(module, "_MOST_LOSSES", most)
        made = runner(max_epochs=120)
        (training,) = made.trainer.train(
            [made.member(Job(0, EARLY, 0))], until_epoch=120, respect_patience=False
        )
        assert training.best_epoch < 100
        early, none = made.keep(Job(0, EARLY, 0), training), made.keep(Job(1, NONE, 0), training)
        assert (early.best_epoch, none.best_epoch) == (training.best_epoch, 120)
        for run in (early, none):
            losses = run.losses[run.best_epoch]
            assert losses.mean() == pytest.approx(run.curve.validation[run.best_epoch - 1], rel=1e-5)


@tasks
@pytest.mark.parametrize("weighted", [False, True])
def test_each_half_of_the_rows_races_at_the_epoch_that_is_best_on_the_other(
    task: Any, weighted: bool
) -> None:
    weight = np.random.default_rng(1).uniform(0.2, 2.0, 240).astype(np.float32) if weighted else None
    made = runner(task=task, **({"weight": weight} if weighted else {}))
    n_elsewhere = 0
    for job in jobs_of(STRONG):
        (run,) = made.first([job], Control())
        assert run is not None
        (training,) = made.trainer.train([made.member(job)])
        table = np.stack([training.losses(epoch) for epoch in range(1, training.epoch + 1)])
        rows = made.stages.folds[job.stage].validation
        raced = run.losses[RACED]
        # Every row's loss is that of one of two epochs, and each of these is best on the other rows.
        found = {int(e) for e in np.flatnonzero((table == raced).sum(axis=1) > len(rows) // 4)}
        halves = [table[e] == raced for e in sorted(found)]
        assert np.logical_or.reduce(halves).all()
        weights = np.ones(len(rows)) if weight is None else weight[rows]
        if len(found) == 2:
            n_elsewhere += 1
            for e, own in zip(sorted(found), halves, strict=True):
                means = np.average(table[:, ~own], axis=1, weights=weights[~own])
                assert means[e] == pytest.approx(means.min(), rel=0.02)
    # Another candidate's halves are the same ones, and the lowest loss of all flatters.
    assert n_elsewhere > 0


def test_who_diverges_has_no_losses_and_leaves_others_alone() -> None:
    explodes = SPACE.usual(Recipe(L2(1e6), PATIENT))
    made = runner()
    first, second = made.first([Job(2, explodes, 0), Job(3, STRONG, 0)], Control())
    assert first is not None
    assert first.status is Status.DIVERGED
    assert first.losses == {}
    alone = runner().first([Job(3, STRONG, 0)], Control())
    assert_same_runs([second], alone)


def test_threads_change_nothing() -> None:
    jobs = [*jobs_of(STRONG), *jobs_of(EARLY, 0), *jobs_of(tagged(1), 3)]
    one, two = (runner(CompiledEngine(n)).first(jobs, Control()) for n in (1, 2))
    assert_same_runs(one, two)


def test_who_was_cut_off_is_none_and_the_others_are_there() -> None:
    lengths = {1: 3, 2: 50, 3: 3}
    made = scripted(lambda member, stage: [1.0] * lengths[tag_of(member)] + [np.nan])
    jobs = [Job(tag, tagged(tag), 0) for tag in (1, 2, 3)]
    cancelled = threading.Event()

    def arrived(job: Job) -> None:
        cancelled.set()

    runs = made.first(jobs, Control(cancelled=cancelled), arrived)
    assert [run is None for run in runs] == [False, True, True]


def test_who_arrives_is_told_of_by_name() -> None:
    made = runner(CompiledEngine(2), low_fidelity=True)
    jobs = [Job(5, STRONG, 3), Job(6, EARLY, 0), Job(7, SPACE.usual(Recipe(L2(1e6))), 1)]
    seen: list[Job] = []
    made.first(jobs, Control(), seen.append)
    assert sorted(seen) == sorted(jobs)


def test_nothing_to_do_is_nothing_done() -> None:
    made = scripted(lambda member, stage: [1.0])
    assert made.first([], Control()) == []
    assert made.trainer.engine.calls == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("gone", [False, True], ids=["live", "gone"])
def test_a_stage_of_few_epochs_is_continued_as_the_first_fold(gone: bool) -> None:
    problem = table()
    folds = tuple(folds_of(problem))
    engine = CountingEngine(CompiledEngine(1))
    made = Runner(Trainer(engine, problem, settings(max_epochs=20)), Stages(folds, folds[0], 6))
    (few,) = made.first([Job(2, STRONG, 3)], Control())
    assert few is not None
    assert few.epoch == 6
    if gone:
        made.forget([2])
    (run,) = made.first([Job(2, STRONG, 0)], Control())
    assert run is not None
    assert sum(engine.epochs.values()) == run.epoch + (6 if gone else 0)
    (expected,) = runner(max_epochs=20).first([Job(2, STRONG, 0)], Control())
    assert_same_runs([run], [expected])
    assert np.array_equal(few.curve.validation, run.curve.validation[:6])


# --- further ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [False, True], ids=["live", "gone"])
def test_those_behind_go_on_beyond_their_patience_bit_for_bit(gone: bool) -> None:
    made = runner()
    jobs = jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    goal = max(run.epoch for run in runs) + 2
    if gone:
        made.forget([2])
    longer = made.further(jobs, runs, [goal] * 3, Control())
    assert longer is not None
    straight = made.trainer.engine.train(
        made.trainer.problem, [made.member(job) for job in jobs], until_epoch=goal
    )
    for run, before, training in zip(longer, runs, straight, strict=True):
        assert run.epoch == len(run.curve) == goal
        assert run.curve.validation.tobytes() == training.curve.validation.tobytes()
        # What it is in the race stays.
        assert (run.status, run.best_epoch, run.zero_share) == (
            before.status, before.best_epoch, before.zero_share,
        )  # fmt: skip
        assert run.losses.keys() == before.losses.keys()
        assert run.seconds >= before.seconds


def test_those_at_their_goals_are_left_alone() -> None:
    made = runner()
    counting = CountingEngine(made.trainer.engine)
    made.trainer = replace(made.trainer, engine=counting)
    jobs = jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    counting.epochs.clear()
    goals = [run.epoch - 1 for run in runs]
    same = made.further(jobs, runs, goals, Control())
    assert same == runs
    goals[1] = runs[1].epoch + 3
    made.further(jobs, runs, goals, Control())
    assert counting.epochs == {key_of(made.member(jobs[1])): 3}


def test_what_is_cut_off_on_the_way_is_none_and_can_be_gone_on_with() -> None:
    made = runner()
    jobs = jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    assert made.further(jobs, runs, [60] * 3, Control(deadline=0.0)) is None
    again = made.further(jobs, runs, [60] * 3, Control())
    whole = runner()
    expected = whole.further(jobs, whole.first(jobs, Control()), [60] * 3, Control())  # type: ignore[arg-type]
    assert_same_runs(again, expected)


def test_who_diverges_on_the_way_is_short_of_its_goal() -> None:
    lines = {0: [1.0, 2.0, 3.0, 4.0, math.nan], 1: [9.0, 8.0, 7.0, 6.0, 5.0, 6.0, 7.0, 8.0]}
    made = scripted(lambda member, stage: lines[stage], max_epochs=8)
    candidate = Candidate(Recipe(EarlyStopping(2)), 1.0, MLP((8,)))
    jobs = jobs_of(candidate, stages=(0, 1))
    runs: Any = made.first(jobs, Control())
    assert [run.epoch for run in runs] == [3, 7]
    longer = made.further(jobs, runs, [7, 7], Control())
    assert longer is not None
    # Short of its goal; its status stays that of its own stop, which is what a trial store has.
    assert [(run.status, run.epoch) for run in longer] == [(Status.STOPPED, 4), (Status.STOPPED, 7)]
    # Asked again, whether its training is there or not, it comes no further.
    for gone in ([], [2]):
        made.forget(gone)
        assert_same_runs(made.further(jobs, longer, [7, 7], Control()), longer)


@final
class CountedDivergence(WrappedEngine):
    """As the compiled engine does: the epoch in which a training diverges is counted."""

    def train(self, problem: Problem, members: Any, **how: Any) -> Any:
        trainings: Any = super().train(problem, members, **how)
        for training in trainings:
            if training.status is Status.DIVERGED and len(training.curve) == 3:
                training._epoch += 1
                training._means.append(math.nan)
        return trainings


def test_who_diverges_in_the_very_last_epoch_is_short_of_its_goal_too() -> None:
    made = scripted(lambda member, stage: [1.0, 2.0, 3.0, math.nan], max_epochs=8)
    engine = CountedDivergence(made.trainer.engine)
    made.trainer = replace(made.trainer, engine=engine)
    jobs = jobs_of(Candidate(Recipe(EarlyStopping(2)), 1.0, MLP((8,))), stages=(0,))
    runs: Any = made.first(jobs, Control())
    longer = made.further(jobs, runs, [4], Control())
    assert longer is not None
    assert (longer[0].status, longer[0].epoch) == (Status.STOPPED, 3)
    made.forget([2])
    assert made.further(jobs, longer, [4], Control())[0].epoch == 3  # type: ignore[index]


# --- losses of other epochs -------------------------------------------------------------------------------


@tasks
@pytest.mark.parametrize("gone", [False, True], ids=["live", "gone"])
def test_losses_of_any_epoch_are_had(task: Any, gone: bool) -> None:
    weight = np.random.default_rng(0).uniform(0.2, 2.0, 240).astype(np.float32)
    made = runner(task=task, weight=weight)
    jobs = jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    if gone:
        made.forget([2])
    epochs = [1, runs[1].best_epoch, runs[2].epoch]
    found = made.with_losses(jobs, runs, epochs, Control())
    assert found is not None
    for run, before, epoch, job in zip(found, runs, epochs, jobs, strict=True):
        assert set(run.losses) == {RACED, before.best_epoch, epoch}
        rows = made.stages.folds[job.stage].validation
        mean = np.average(run.losses[epoch].astype(np.float64), weights=weight[rows])
        assert mean == pytest.approx(run.curve.validation[epoch - 1], rel=1e-5)
    # And once they are had nothing is trained for them.
    engine = CountingEngine(made.trainer.engine)
    made.trainer = replace(made.trainer, engine=engine)
    made.forget([2])
    assert made.with_losses(jobs, found, epochs, Control()) == found
    assert not engine.epochs


def test_losses_that_were_cut_off_are_none() -> None:
    made = runner()
    jobs = jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    made.forget([2])
    assert made.with_losses(jobs, runs, [1, 1, 1], Control(deadline=0.0)) is None


def test_where_they_are_too_many_those_of_the_best_epoch_stand_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_LOSSES", 0)
    made = runner()
    jobs = jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    engine = CountingEngine(made.trainer.engine)
    made.trainer = replace(made.trainer, engine=engine)
    found = made.with_losses(jobs, runs, [1, 1, 1], Control())
    assert found is not None
    assert not engine.epochs
    for run in found:
        np.testing.assert_array_equal(run.losses[1], run.losses[run.best_epoch])


# --- networks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("candidate", [STRONG, NONE], ids=["early", "none"])
@pytest.mark.parametrize("gone", [False, True], ids=["live", "gone"])
def test_networks_are_those_of_the_epoch(candidate: Candidate, gone: bool) -> None:
    made = runner()
    jobs = jobs_of(candidate)
    runs: Any = made.first(jobs, Control())
    engine = CountingEngine(made.trainer.engine)
    made.trainer = replace(made.trainer, engine=engine)
    if gone:
        made.forget([2])
    for epoch in {1, runs[0].best_epoch, runs[1].epoch, max(run.epoch for run in runs)}:
        found = made.networks(jobs, [epoch] * 3)
        assert found is not None
        members = [made.member(job) for job in jobs]
        again = CompiledEngine(1).train(made.problem, members, until_epoch=epoch)
        assert [bits(one) for one in found] == [bits(one.fitted("last")) for one in again]


def test_networks_that_are_there_are_not_trained_again() -> None:
    made = runner()
    jobs = jobs_of(NONE)
    made.first(jobs, Control())
    engine = CountingEngine(made.trainer.engine)
    made.trainer = replace(made.trainer, engine=engine)
    made.networks(jobs, [60] * 3)
    assert not engine.epochs
    made.forget([5, 6])
    # What is there needs no time either.
    assert made.networks(jobs, [60] * 3, Control(deadline=0.0)) is not None
    assert not engine.epochs
    made.forget([2])
    made.networks(jobs, [60] * 3)
    assert sum(engine.epochs.values()) == 180


@pytest.mark.parametrize("looks", range(12, 60, 6))
def test_a_network_cut_off_within_an_epoch_is_never_given(
    looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The shortest calls into the kernels, and an end after so many of them.
    monkeypatch.setattr("taut.engine.compiled.engine._CALL_SECONDS", 0.0)
    made = runner()
    job = Job(1, NONE, 0)
    control = Control(cancelled=AfterLooks(looks))
    (training,) = made.trainer.train([made.member(job)], control=control)
    assert 0 < training.epoch < 60
    run = made.keep(job, training, ended=False)
    found = made.networks([job], [run.epoch])
    assert found is not None
    (network,) = found
    (again,) = made.trainer.train([made.member(job)], until_epoch=run.epoch)
    assert bits(network) == bits(again.fitted("last"))


def test_each_network_is_that_of_its_own_epoch() -> None:
    made = runner()
    jobs = jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    epochs = [runs[0].best_epoch, 2, runs[2].epoch + 1]
    found = made.networks(jobs, epochs)
    assert found is not None
    again = CompiledEngine(1).train(
        made.trainer.problem, [made.member(job) for job in jobs], until_epoch=epochs
    )
    assert [bits(one) for one in found] == [bits(one.fitted("last")) for one in again]


def test_networks_that_were_cut_off_are_none() -> None:
    made = runner()
    jobs = jobs_of(STRONG)
    assert made.networks(jobs, [3] * 3, Control(deadline=0.0)) is None
    # One that cannot be made is enough.
    made.first(jobs[:2], Control())
    best = [made._live[2, k].best_epoch for k in (0, 1)]
    assert made.networks(jobs[:2], best, Control(deadline=0.0)) is not None
    assert made.networks(jobs, [*best, 3], Control(deadline=0.0)) is None


def test_networks_that_diverge_before_their_epoch_are_none() -> None:
    made = scripted(lambda member, stage: [1.0, 1.0, math.nan])
    assert made.networks(jobs_of(tagged(1)), [3] * 3) is None
    assert made.networks(jobs_of(tagged(1)), [2] * 3) is not None


@pytest.mark.parametrize("candidate", [STRONG, NONE], ids=["early", "none"])
def test_kept_networks_are_those_of_each_ones_own_best_epoch(candidate: Candidate) -> None:
    made = runner()
    jobs = jobs_of(candidate)
    assert made.kept_networks(jobs) is None
    runs: Any = made.first(jobs, Control())
    found = made.kept_networks(jobs)
    assert found is not None
    epochs = [run.best_epoch for run in runs]
    again = CompiledEngine(1).train(
        made.trainer.problem, [made.member(job) for job in jobs], until_epoch=epochs
    )
    assert [bits(one) for one in found] == [bits(one.fitted("last")) for one in again]
    # All of them, or none.
    assert made.kept_networks([*jobs, Job(9, candidate, 0)]) is None


# --- the trial store ----------------------------------------------------------------------------------------


def test_what_is_in_the_trial_store_is_not_trained_again(trial_store: TrialStore) -> None:
    jobs = [*jobs_of(STRONG), *jobs_of(EARLY, 3)]
    first = runner(trial_store=trial_store)
    assert first.recorded(jobs[0]) is None
    runs = first.first(jobs[:4], Control())
    counting = CountingEngine(CompiledEngine(1))
    second = runner(counting, trial_store=trial_store)
    seen: list[Job] = []
    again = second.first(jobs, Control(), seen.append)
    assert_same_runs(again[:4], runs, but_seconds=False)
    assert counting.epochs.keys() == {key_of(second.member(job)) for job in jobs[4:]}
    assert sorted(seen) == sorted(jobs)  # those of the trial store are told of too
    assert_same_runs(again, runner().first(jobs, Control()))


def test_what_came_later_is_in_the_trial_store_too(trial_store: TrialStore) -> None:
    made, jobs = runner(trial_store=trial_store), jobs_of(STRONG)
    runs: Any = made.first(jobs, Control())
    longer = made.further(jobs, runs, [58] * 3, Control())
    assert longer is not None
    found = made.with_losses(jobs, longer, [2, 3, 4], Control())
    assert_same_runs([made.recorded(job) for job in jobs], found, but_seconds=False)


def test_what_was_cut_off_is_not_for_the_trial_store(trial_store: TrialStore) -> None:
    made, job = runner(trial_store=trial_store), Job(0, EARLY, 0)
    (training,) = made.trainer.train([made.member(job)], until_epoch=3)
    run = made.keep(job, training, ended=False)
    assert run.epoch == 3
    assert made.recorded(job) is None
    assert_same_runs([made.keep(job, training)], [made.recorded(job)], but_seconds=False)
    assert made.first([Job(1, STRONG, 0)], Control(deadline=0.0)) == [None]
    assert made.recorded(Job(1, STRONG, 0)) is None


# --- losses from outputs ----------------------------------------------------------------------------------


@tasks
def test_row_losses_are_by_the_book(task: Any) -> None:
    problem = table(task=task)
    rows = np.array([5, 3, 200, 3], dtype=np.int32)
    outputs = np.random.default_rng(0).normal(0.0, 50.0, (4, problem.objective.n_outputs)).astype(np.float32)
    found = problem.row_results(outputs, rows).losses
    assert (found.dtype, found.shape) == (np.float32, (4,))
    np.testing.assert_allclose(found, each_loss(problem, outputs, rows), rtol=1e-6, atol=1e-6)


def test_row_losses_of_large_outputs_are_finite() -> None:
    problem = table()
    rows = np.arange(3, dtype=np.int32)
    outputs = np.full((3, 3), 1e4) * np.arange(3)
    found = problem.row_results(outputs, rows).losses
    np.testing.assert_allclose(found, 1e4 * (2 - problem.target[:3]), rtol=1e-6)
