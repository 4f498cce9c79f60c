"""A search with a trial store, interrupted anywhere and taken up again, ends as if nothing had happened."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.errors import StoreError
from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.problem import Problem
from taut.learning.training import Control, Training
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.progress import Callbacks, Progress
from taut.selection.proposer import OptunaProposer, Proposer
from taut.selection.race import Rule
from taut.selection.search import Search
from taut.selection.stages import Stages
from taut.techniques import L1, L2, Dropout, EarlyStopping
from tests.selection import trial_stores
from tests.selection.helpers import (
    EARLY,
    SPACE,
    Clock,
    CountingEngine,
    ScriptedEngine,
    WrappedEngine,
    assert_same_result,
    assert_same_score,
    folds_of,
    key_of,
    of,
    search,
    table,
    tag_of,
    tagged,
)

RULE = Rule(0.1, 0.5, 0.7)


@pytest.fixture(autouse=True)
def hasty() -> Iterator[None]:
    with trial_stores.hasty_disk():
        yield


@final
class Silent(Proposer):
    """Is never asked: the trial store has all batches."""

    n_first = 6

    def ask(self, batch: int, n: int) -> Any:
        raise AssertionError("asked")

    def tell(self, scores: Any) -> None:
        pass


class Killed(BaseException):
    """As if the process had ended: nobody catches it."""


@final
class DyingEngine(WrappedEngine):
    """Another engine's work, until so many things have happened; then it dies."""

    def __init__(self, engine: Engine, events: float) -> None:
        super().__init__(engine)
        self.left = events

    def event(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    def train(
        self, problem: Problem, members: Any, *, control: Control | None = None, **how: Any
    ) -> list[Training]:
        self.event()
        if control is None or control.on_done is None:
            trainings = self.engine.train(problem, members, control=control, **how)
        else:
            done = control.on_done

            def around(index: int) -> None:
                self.event()
                done(index)
                self.event()

            trainings = self.engine.train(problem, members, control=replace(control, on_done=around), **how)
        self.event()
        return trainings


# --- real networks ----------------------------------------------------------------------------------------


def usual(engine: Engine, trial_store: Any = None, on_progress: Any = None, **changes: Any) -> Search:
    """Batches from the design and from TPE, which race; twelve candidates and the baselines."""
    made = search(
        engine, [], rule=RULE, at_a_time=4, n_candidates=14, max_epochs=40, trial_store=trial_store,
        callbacks=Callbacks(on_progress=on_progress), **changes,
    )  # fmt: skip
    made.proposer = OptunaProposer(replace(SPACE, search_rate=True), 0, n_first=6)
    return made


@pytest.fixture(scope="module")
def whole() -> Any:
    return usual(CompiledEngine(2)).run()


def test_a_trial_store_changes_nothing(whole: Any, tmp_path: Path) -> None:
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        assert_same_result(usual(CompiledEngine(1), trial_store).run(), whole)
    assert {score.state for score in whole.candidates} == {"complete", "dropped"}
    assert {score.batch for score in whole.candidates} == {-1, 0, 1, 2}


@pytest.mark.parametrize("folds", [0, 1, 6, 10, 15])
def test_interrupted_and_taken_up_again_it_ends_the_same(folds: int, whole: Any, tmp_path: Path) -> None:
    made: Search

    def stop(progress: Progress) -> None:
        if progress.done >= 2 and progress.folds >= 6 + folds:
            made._stop.cancelled.set()

    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        made = usual(CompiledEngine(2), trial_store, stop)
        first = made.run()
    assert first.interrupted
    assert len(first.candidates) < len(whole.candidates)
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        second = usual(CompiledEngine(1), trial_store).run()
    assert not second.interrupted
    assert_same_result(second, whole)


def test_killed_again_and_again_it_ends_the_same(whole: Any, tmp_path: Path) -> None:
    """Each session lives a little longer than it takes to get to where the one before it was."""
    deaths = 0
    for events in count(3, 9):
        with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
            try:
                result = usual(DyingEngine(CompiledEngine(2), events), trial_store).run()
                break
            except Killed:
                deaths += 1
    assert deaths >= 3
    assert_same_result(result, whole)


def test_done_once_it_is_not_done_again(whole: Any, tmp_path: Path) -> None:
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        first = usual(CompiledEngine(2), trial_store).run()
    engine = CountingEngine(CompiledEngine(2))
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        elapsed = trial_store.elapsed
        made = usual(engine, trial_store)
        made.proposer = Silent()
        second = made.run()
    assert_same_result(second, whole)
    # Only the networks that are handed over are made, which no trial store keeps.
    members = [
        made.trainer.member(second.best.candidate, fold, k) for k, fold in enumerate(made.stages.folds)
    ]
    assert engine.epochs == {key_of(member): second.best.epoch for member in members}
    # The time of both.
    assert 0.0 < first.seconds <= elapsed + 0.1
    assert second.seconds > elapsed


def test_progress_counts_what_was_done_before(tmp_path: Path) -> None:
    seen: list[list[Progress]] = []
    for _ in range(2):
        seen.append([])
        with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
            usual(CompiledEngine(2), trial_store, seen[-1].append).run()
    first, second = (news[-1] for news in seen)
    assert (second.done, second.folds, second.best) == (first.done, first.folds, first.best)
    assert second.seconds > first.seconds


def test_a_trial_store_that_cannot_be_written_ends_the_search(tmp_path: Path) -> None:
    trial_store = trial_stores.open_trial_store(tmp_path / "search")
    made = usual(CompiledEngine(2), trial_store)

    def close(progress: Progress) -> None:
        if progress.folds == 6 + 3:
            trial_store.close()

    made.callbacks = Callbacks(on_progress=close)
    with pytest.raises(StoreError, match="closed"):
        made.run()


# --- scripted ---------------------------------------------------------------------------------------------


def losses(member: Any, stage: int) -> Any:
    """By tag a level, and rows of its own; the second epoch is the best."""
    tag = tag_of(member)
    level = {0: 5.0, 1: 4.0, 2: 9.0, 3: 3.0, 4: 5.5, 5: 2.0, 6: math.nan, 7: 2.0}[tag]
    own = np.random.default_rng((tag, stage)).standard_normal(len(member.fold.validation))
    # The seventh is best somewhere else on every fold: it has to go on, and is looked at in other epochs.
    best = 1 if tag != 7 else 1 + stage
    return [level + own + abs(epoch - best) / 2 for epoch in range(8)]


RESTLESS = Candidate(Recipe(EarlyStopping(2)), 7.0, MLP((8,)))
TRIED = [
    tagged(1, L1(0.1)), tagged(2, L1(0.2)), tagged(3, L2(0.1), Dropout(0.1)), tagged(4), tagged(5), tagged(6),
    RESTLESS,
]  # fmt: skip


def scripted(
    wrap: Callable[[Engine], Engine], trial_store: Any = None, *, low_fidelity: bool = True
) -> Search:
    problem = table(n=90)
    folds = tuple(folds_of(problem))
    stages = Stages(folds, folds_of(problem, cv=3, seed=1)[0] if low_fidelity else None)
    return search(
        wrap(ScriptedEngine(losses, stages.all)), TRIED, given=problem, stages=stages, max_epochs=8,
        rule=RULE, trial_store=trial_store, at_a_time=3,
    )  # fmt: skip


def test_killed_at_any_moment_it_ends_the_same(tmp_path: Path) -> None:
    expected = scripted(lambda engine: engine).run()
    assert {score.state for score in expected.candidates} == {"complete", "dropped", "failed"}
    restless = of(expected, RESTLESS)
    assert restless.complete
    assert len(set(restless.fold_epochs.tolist())) > 1
    n_deaths = 0
    for events in count(0, 3):
        path = tmp_path / str(events)
        try:
            with trial_stores.open_trial_store(path) as trial_store:
                scripted(lambda engine, n=events: DyingEngine(engine, n), trial_store).run()
            break
        except Killed:
            n_deaths += 1
        with trial_stores.open_trial_store(path) as trial_store:
            assert_same_result(scripted(lambda engine: engine, trial_store).run(), expected)
    assert n_deaths > 18


def test_what_had_ended_is_not_trained_again(tmp_path: Path) -> None:
    for events in range(20, 60, 8):
        path = tmp_path / str(events)
        with pytest.raises(Killed), trial_stores.open_trial_store(path) as trial_store:
            scripted(lambda engine, n=events: DyingEngine(engine, n), trial_store).run()
        with trial_stores.open_trial_store(path) as trial_store:
            made = scripted(CountingEngine, trial_store)
            seeds = [made.trainer.member(EARLY, fold, k).seed for k, fold in enumerate(made.stages.all)]
            known = {
                (candidate.learning_rate, seeds[stage])
                for number, candidate in enumerate([*made.baselines, *TRIED])
                for stage in range(4)
                if trial_store.run(number, stage) is not None and candidate != RESTLESS
            }
            assert len(known) >= 4  # the baselines are one training
            result = made.run()
        # Nothing but the networks that are handed over is made again.
        chosen = result.best.candidate.learning_rate
        assert isinstance(made.trainer.engine, CountingEngine)
        again = {
            (rate, seed): n
            for (rate, _, seed), n in made.trainer.engine.epochs.items()
            if (rate, seed) in known
        }
        expected = {(chosen, seed): result.best.epoch for seed in seeds[:3] if (chosen, seed) in known}
        assert again == expected


def test_what_was_found_counts_although_the_time_is_over(tmp_path: Path) -> None:
    """A search that its time limit ended, started again: nothing of what is in the trial store needs time."""
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        first = scripted(lambda engine: engine, trial_store).run()
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        made = scripted(lambda engine: engine, trial_store)
        made.deadline = 0.0
        second = made.run()
    assert second.best.candidate == first.best.candidate == tagged(5)
    assert_same_result(second, first)


def test_a_search_that_the_time_limit_ended_goes_on_without_one(tmp_path: Path, monkeypatch: Any) -> None:
    expected = scripted(lambda engine: engine, low_fidelity=False).run()
    for seconds in (30, 60, 120, 150):
        path = tmp_path / str(seconds)
        with monkeypatch.context() as patch, trial_stores.open_trial_store(path) as trial_store:
            clock = Clock(patch)
            made = scripted(lambda engine: engine, trial_store, low_fidelity=False)
            assert isinstance(made.trainer.engine, ScriptedEngine)
            made.trainer.engine.clock = clock
            made.deadline = clock.now + seconds
            made.run()
            assert clock.now <= made.deadline
        with trial_stores.open_trial_store(path) as trial_store:
            result = scripted(lambda engine: engine, trial_store, low_fidelity=False).run()
        # A batch may have been made smaller for want of time, and those after it have other members then.
        assert result.chosen == expected.chosen
        for one in result.candidates:
            if one.complete:
                assert_same_score(one, of(expected, one.candidate), but=["seconds", "batch"])


# --- what was decided before is decided the same ------------------------------------------------------------


def late(member: Any, stage: int) -> list[float]:
    """The first candidate stops early on the first fold, and diverges there beyond its own stop."""
    if tag_of(member) == 1:
        return [1.0, 2.0, 3.0, 4.0, math.nan] if stage == 0 else [9.0, 8.0, 7.0, 6.0, 0.5, 6.0, 7.0, 8.0]
    return [5.0, 4.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


LATE = Candidate(Recipe(EarlyStopping(2)), 1.0, MLP((8,)))


def test_a_divergence_beyond_its_own_stop_is_the_same_when_resumed(tmp_path: Path) -> None:
    problem = table(n=90)
    stages = Stages(tuple(folds_of(problem)))

    def made(trial_store: Any = None, events: float = math.inf) -> Search:
        engine = DyingEngine(ScriptedEngine(late, stages.all), events)
        given: dict[str, Any] = {"given": problem, "stages": stages, "max_epochs": 8}
        return search(engine, [LATE, tagged(2)], trial_store=trial_store, rule=RULE, at_a_time=1, **given)

    expected = made().run()
    failed = of(expected, LATE)
    assert (failed.state, failed.failed) == ("failed", "diverged")
    assert failed.epochs_trained == 4 + 7 + 7
    n_deaths = n_late = 0
    for events in count(0):
        path = tmp_path / str(events)
        try:
            with trial_stores.open_trial_store(path) as trial_store:
                made(trial_store, events).run()
            break
        except Killed:
            n_deaths += 1
        with trial_stores.open_trial_store(path) as trial_store:
            run = trial_store.run(2, 0)
            n_late += run is not None and run.epoch == 4
            assert_same_result(made(trial_store).run(), expected)
    assert n_deaths > 10
    assert n_late > 0  # also where the trial store has it beyond its own stop
    # And where all is in the trial store.
    with trial_stores.open_trial_store(path) as trial_store:
        assert_same_result(made(trial_store).run(), expected)


@pytest.mark.parametrize("low_fidelity", [False, True])
def test_early_stopping_is_complete_although_the_trial_store_has_no_other_baseline(
    low_fidelity: bool, tmp_path: Path
) -> None:
    expected = scripted(lambda engine: engine, low_fidelity=low_fidelity).run()
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        made = scripted(lambda engine: engine, trial_store, low_fidelity=low_fidelity)

        def die(progress: Progress) -> None:
            if progress.done == 1:
                raise Killed

        made.callbacks = Callbacks(on_progress=die)
        with pytest.raises(Killed):
            made.run()
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        assert all(trial_store.run(0, k) is not None for k in range(3))
        assert all(trial_store.run(1, k) is None for k in range(3))
        made = scripted(lambda engine: engine, trial_store, low_fidelity=low_fidelity)
        made.deadline = 0.0  # no time for anything else
        result = made.run()  # and nobody is warned that there was no time for it
        assert result.best.candidate == EARLY
        assert_same_score(result.candidates[0], expected.candidates[0])
        assert [score.state for score in result.candidates] == ["complete", "cut off"]
        assert len(result.networks) == 3
    # And with time all ends as if nothing had happened.
    with trial_stores.open_trial_store(tmp_path / "search") as trial_store:
        assert_same_result(
            scripted(lambda engine: engine, trial_store, low_fidelity=low_fidelity).run(), expected
        )
