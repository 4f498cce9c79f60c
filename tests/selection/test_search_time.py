"""A time limit ends a search before its candidates do."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.errors import TrainingWarning
from taut.learning.architecture import MLP
from taut.learning.training import Control
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.final import Finish
from taut.selection.folds import Split, make_fold
from taut.selection.race import Rule
from taut.selection.scored_epochs import TimedScorer
from taut.selection.stages import Stages
from taut.techniques import EarlyStopping
from tests.engine.helpers import AfterLooks
from tests.selection.helpers import (
    EARLY,
    NONE,
    Clock,
    ScriptedEngine,
    bits,
    folds_of,
    networks_of,
    search,
    table,
    tagged,
)
from tests.selection.test_search_ends import FLAT, endless, scripted, wide, worst_baseline


@pytest.mark.parametrize(
    ("n", "hidden", "seconds"),
    [(240, (8,), 0.5), (20_000, (64, 64), 1.5), (40_000, (256, 256), 1.0)],
    ids=["small", "middling", "one epoch is long"],
)
@pytest.mark.filterwarnings("ignore:No time was left")  # by a hair, where all is over in half a second
def test_a_time_limit_is_kept_and_all_that_is_promised_is_there(n: int, hidden: Any, seconds: float) -> None:
    made = wide(endless(n=n, p=20, batch_size=128, max_epochs=300, rule=Rule(0.1, 0.5, 0.7)), hidden)
    started = time.monotonic()
    made.deadline = started + seconds
    result = made.run()
    spent = time.monotonic() - started
    assert spent < seconds + max(2.0, 0.05 * seconds)
    assert not result.interrupted
    assert result.candidates[0].candidate == made.baselines[0]
    assert result.best.merit >= worst_baseline(result)
    assert [len(curve) >= result.best.epoch for curve in result.curves["chosen"]] == [True] * 3
    assert len(result.networks) == 3
    for network in result.networks:
        assert all(np.isfinite(weights).all() for weights in network.weights.values())


def test_no_time_at_all_gives_one_epoch_of_early_stopping_alone_and_warns() -> None:
    made = endless(deadline=0.0)
    with pytest.warns(TrainingWarning, match="time limit was over before one epoch.*Give more time"):
        result = made.run()
    assert result.best.candidate == EARLY
    assert not result.best.complete
    assert (result.best.epoch, result.best.epochs_trained) == (1, 3)
    assert [len(curve) for curve in result.curves["early_stopping"]] == [1, 1, 1]
    assert [score.candidate for score in result.candidates] == [EARLY, NONE]
    assert len(result.networks) == 3
    assert all(
        np.isfinite(weights).all() for network in result.networks for weights in network.weights.values()
    )
    assert not result.interrupted
    assert np.isfinite(result.row_losses[0]).all()


def test_networks_of_a_cut_off_baseline_are_those_of_one_epoch_on_all_folds() -> None:
    made = wide(endless(n=20_000, p=10, max_epochs=100_000), (64, 64), 1e-5)
    made.deadline = time.monotonic() + 0.7
    result = made.run()
    assert not result.best.complete
    folds = made.stages.folds
    members = [made.trainer.member(result.best.candidate, fold, k) for k, fold in enumerate(folds)]
    again = made.trainer.engine.train(made.trainer.problem, members, until_epoch=result.best.epoch)
    assert networks_of(result) == [bits(training.fitted("last")) for training in again]


@pytest.mark.parametrize("looks", range(12, 60, 3))
def test_networks_cut_off_within_an_epoch_are_those_of_its_start(looks: int, monkeypatch: Any) -> None:
    # The shortest calls into the kernels, and an end after so many of them.
    monkeypatch.setattr("taut.engine.compiled.engine._CALL_SECONDS", 0.0)
    problem = table()
    stages = Stages((folds_of(problem)[0],))
    made = search(CompiledEngine(1), [], given=problem, stages=stages, learning_rate=1e-4)
    made._stop = Control(cancelled=AfterLooks(looks))
    result = made.run()
    assert not result.best.complete
    members = [made.trainer.member(made.baselines[0], stages.folds[0], 0)]
    (again,) = made.trainer.engine.train(problem, members, until_epoch=result.best.epoch)
    assert networks_of(result) == [bits(again.fitted("last"))]
    assert len(result.curves["chosen"][0]) == result.best.epoch
    # Its score is that of this network.
    rows = result.row_losses[result.chosen][stages.folds[0].validation]
    assert rows.mean() == pytest.approx(result.best.loss, rel=1e-5)


# --- to the second ----------------------------------------------------------------------------------------


def test_the_deadline_is_shared_between_baselines_candidates_and_the_networks(monkeypatch: Any) -> None:
    """An epoch takes a second; a candidate is four on each of three folds."""
    best = {0: 5.0, 1: 9.0, 2: 3.0, 3: 9.0, 4: 9.0, 5: 9.0, 6: 9.0}

    def script(member: Any, stage: int) -> Any:
        return [best[int(member.learning_rate)] + worse for worse in FLAT]

    tried: list[list[float]] = []
    for limit in (13, 40, 60, 75, 150):
        clock = Clock(monkeypatch)
        made = scripted(script, [tagged(tag) for tag in best if tag], clock, max_epochs=4, at_a_time=2)
        made.deadline = clock.now + limit
        result = made.run()
        assert clock.now <= made.deadline
        assert all(score.complete for score in result.candidates[2:])
        tried.append([score.candidate.learning_rate for score in result.candidates[2:]])
    # Baselines take 12, and half of the time is theirs: with 13 they are cut off, and nobody else is tried.
    assert tried[0] == []
    # Where a batch is cut off, the best of it have been trained first.
    assert tried[1] == [2.0]
    assert [len(some) for some in tried] == sorted(len(some) for some in tried)
    assert tried[-1] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize("limit", [92, 100])
def test_the_best_after_few_epochs_gets_all_folds_where_a_batch_is_cut_off(
    monkeypatch: Any, limit: int
) -> None:
    """An epoch takes a second; a candidate is four of them first, four more, then eight on two other folds.

    After four epochs the leader is ahead of all of them, as of all that learns slowly.
    """
    problem = table()
    folds = folds_of(problem)
    stages = Stages(tuple(folds), folds[0], 4)
    after_few = {0: 5.0, 1: 8.0, 2: 7.0, 3: 6.0, 4: 9.0, 5: 9.5}

    def script(member: Any, stage: int) -> Any:
        tag = int(member.learning_rate)
        later = 5.0 if tag == 0 else after_few[tag] - 2.0
        few = after_few[tag] if stage == 0 else later
        return [(few if epoch < 4 else later) + 0.1 * abs(epoch % 4 - 1) for epoch in range(8)]

    clock = Clock(monkeypatch)
    engine = ScriptedEngine(script, stages.all, clock)
    tried = [tagged(tag) for tag in after_few if tag]
    made = search(engine, tried, given=problem, stages=stages, max_epochs=8, at_a_time=5)
    made.deadline = clock.now + limit
    result = made.run()
    assert clock.now <= made.deadline
    assert result.best.candidate == tagged(3)
    assert result.best.complete


def test_time_is_set_aside_for_making_the_networks(monkeypatch: Any) -> None:
    """Refit trains five networks on half as many rows again."""

    def script(member: Any, stage: int) -> Any:
        return [1.0 + worse for worse in FLAT]

    found = {}
    for kind in ("bag", "refit"):
        clock = Clock(monkeypatch)
        made = scripted(script, [tagged(tag) for tag in range(1, 30)], clock, max_epochs=4, at_a_time=1)
        if kind == "refit":
            problem = table()
            split = Split(np.arange(240, dtype=np.int32), np.empty(0, dtype=np.int32))
            made.finish = Finish("refit", make_fold(split, problem, 0))
        made.deadline = clock.now + 100
        result = made.run()
        assert clock.now <= made.deadline
        found[kind] = len(result.candidates)
    # Five networks of two epochs, a half longer, and some room: that is a candidate and more.
    assert found["refit"] < found["bag"]


def test_no_more_candidates_are_asked_for_than_there_is_time_for(monkeypatch: Any) -> None:
    clock = Clock(monkeypatch)
    tried = [tagged(tag) for tag in range(1, 50)]
    made = scripted(lambda member, stage: FLAT, tried, clock, max_epochs=4, at_a_time=32)
    made.deadline = clock.now + 100
    made.run()
    ((_, n), *_) = made.proposer.asked  # type: ignore[attr-defined]
    # Without cuts there is time for seven; many are dropped where there are cuts.
    assert 7 <= n <= 25
    # And without a limit all are asked for.
    free = scripted(lambda member, stage: FLAT, tried, max_epochs=4, at_a_time=32)
    free.run()
    assert free.proposer.asked[:2] == [(0, 32), (1, 32)]  # type: ignore[attr-defined]


def test_where_early_stopping_alone_has_no_time_to_finish_nobody_else_is_tried(monkeypatch: Any) -> None:
    clock = Clock(monkeypatch)
    lines = list(np.linspace(9.0, 1.0, 200))
    made = scripted(lambda member, stage: lines, [tagged(1)], clock, max_epochs=200)
    made.deadline = clock.now + 100
    result = made.run()
    assert clock.now <= made.deadline
    assert [score.state for score in result.candidates] == ["cut off", "cut off"]
    # Half of the time, fold by fold in step.
    assert [len(curve) for curve in result.curves["early_stopping"]] == [18, 16, 16]
    assert (result.best.candidate, result.best.epoch) == (EARLY, 16)


def test_a_baseline_that_was_cut_off_can_still_be_the_best(monkeypatch: Any) -> None:
    """Two folds have their patience for long, and half of the time is over before the third has caught up."""
    clock = Clock(monkeypatch)
    lines = {0: [3.0, *[3.1] * 199]}
    lines[1] = lines[2] = [*np.linspace(4.0, 1.0, 80), *[5.0] * 120]

    def script(member: Any, stage: int) -> Any:
        return [4.5, *[9.0] * 30] if member.learning_rate == 1.0 else lines[stage]

    quick = Candidate(Recipe(EarlyStopping(2)), 1.0, MLP((8,)))
    made = scripted(script, [quick], clock, max_epochs=200)
    made.deadline = clock.now + 500
    result = made.run()
    assert [score.state for score in result.candidates] == ["cut off", "cut off", "complete"]
    assert result.candidates[0].loss < result.candidates[2].loss == 4.5
    assert result.best.loss == min(score.loss for score in result.candidates)
    assert result.best.candidate in (EARLY, NONE)
    made_at = [float(network.weights["layers.0.weight"][0, 0]) for network in result.networks]
    assert made_at == [result.best.epoch] * 3


# --- a person's scorer ------------------------------------------------------------------------------------


@pytest.mark.fault(44)
@pytest.mark.parametrize("limit", [92, 100])
@pytest.mark.parametrize("seconds", [0.1, 2.0])
@pytest.mark.filterwarnings("ignore:scoring takes", "ignore:There are too many held-out rows")
def test_the_scorer_counts(limit: int, seconds: float, monkeypatch: Any) -> None:
    """An epoch takes a second, and a call of the scorer some; there are three folds."""
    clock = Clock(monkeypatch)

    def scorer(k: int, outputs: Any) -> float:
        clock.now += seconds
        return float(k)

    timed = TimedScorer(scorer)
    timed(0, np.zeros((1, 1)))  # as where it was tried out
    tried = [tagged(tag) for tag in range(1, 50)]
    made = scripted(lambda member, stage: FLAT, tried, clock, max_epochs=4, at_a_time=4)
    made = replace(made, scorer=timed, deadline=clock.now + limit)
    made.runner.keeps_outputs = False
    result = made.run()
    assert clock.now <= made.deadline + 2.0
    assert result.candidates[0].scoring is not None
    if limit == 200:
        assert len([score for score in result.candidates if score.complete]) > 5


@pytest.mark.fault(44)
@pytest.mark.filterwarnings("ignore:There are too many held-out rows")
def test_where_there_is_time_to_score_early_stopping_alone_only_the_other_baseline_is_named(
    monkeypatch: Any,
) -> None:
    clock = Clock(monkeypatch)

    def scorer(k: int, outputs: Any) -> float:
        clock.now += 10.0
        return float(k)

    made = scripted(lambda member, stage: FLAT, [tagged(1)], clock, max_epochs=4)
    made = replace(made, scorer=scorer, deadline=clock.now + 45)
    made.runner.keeps_outputs = False
    result = made.run()
    assert clock.now <= made.deadline + 2.0
    assert [score.failed for score in result.candidates] == ["", "no time was left to score it"]
    assert result.best.candidate == EARLY


@pytest.mark.fault(44)
def test_a_slow_scorer_leaves_the_epochs_to_the_loss_and_it_is_said(monkeypatch: Any) -> None:
    clock = Clock(monkeypatch)

    def scorer(k: int, outputs: Any) -> float:
        clock.now += 1.0
        return float(k)

    timed = TimedScorer(scorer)
    timed(0, np.zeros((1, 1)))
    made = scripted(lambda member, stage: FLAT, [], clock, max_epochs=4)
    assert replace(made, scorer=timed).runner.keeps_outputs
    made = replace(made, scorer=timed, deadline=clock.now + 100)
    assert not made.runner.keeps_outputs
    with pytest.warns(TrainingWarning, match="scoring takes 1 s each time, .* and the loss the epoch"):
        made.run()
