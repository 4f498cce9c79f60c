"""Ctrl+C ends a search before its candidates do."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.errors import TrainingWarning
from taut.learning.architecture import MLP
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.progress import Callbacks, Progress
from taut.selection.proposer import Proposer
from taut.selection.race import NO_CUTS, Rule
from taut.selection.score import CandidateScore
from taut.selection.search import Search
from taut.selection.space import single_recipes
from taut.selection.stages import Stages
from taut.techniques import BatchNorm, EarlyStopping
from tests.selection.helpers import (
    EARLY,
    NONE,
    SPACE,
    Clock,
    ScriptedEngine,
    bits,
    folds_of,
    networks_of,
    of,
    search,
    table,
    tag_of,
    tagged,
)

BATCH = 8
FLAT = [2.0, 1.0, 3.0, 3.0]  # losses of a candidate whose best epoch is the second one


@final
@dataclass
class Endless(Proposer):
    """The same few candidates again and again."""

    space: Any = SPACE
    n_first: int = BATCH
    asked: int = 0

    def ask(self, batch: int, n: int) -> Sequence[Candidate]:
        singles = single_recipes()
        some = [singles[i % len(singles)] for i in range(self.asked, self.asked + n)]
        self.asked += n
        return [self.space.usual(recipe) for recipe in some]

    def tell(self, scores: Sequence[CandidateScore]) -> None:
        pass


def endless(
    threads: int = 2, n: int = 240, p: int = 4, on_progress: Any = None, rule: Rule = NO_CUTS, **changes: Any
) -> Search:
    """A search that nothing but a limit or Ctrl+C ends."""
    engine = CompiledEngine(threads)
    engine.prepare()
    callbacks = Callbacks(on_progress=on_progress)
    made = search(engine, [], given=table(n, p), callbacks=callbacks, rule=rule, **changes)
    made.proposer = Endless()
    return made


def wide(made: Search, hidden: tuple[int, ...], learning_rate: float = 0.01) -> Search:
    """The same with other networks."""
    early, none = (Candidate(one.recipe, learning_rate, MLP(hidden)) for one in made.baselines)
    made.baselines = (early, none)
    made.proposer = Endless(replace(SPACE, learning_rate=learning_rate, architecture=MLP(hidden)))
    return made


def scripted(script: Any, tried: Sequence[Any] = (), clock: Clock | None = None, **changes: Any) -> Search:
    problem = table()
    stages = Stages(tuple(folds_of(problem)))
    engine = ScriptedEngine(script, stages.all, clock)
    return search(engine, tried, given=problem, stages=stages, **changes)


def worst_baseline(result: Any) -> float:
    return max(score.merit for score in result.candidates[:2] if not score.failed)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl+C means what it means in a program of its own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class PressedOnce:
    """Presses Ctrl+C when something is first so."""

    def __init__(self, when: Any) -> None:
        self.when, self.pressed = when, 0

    def __call__(self, progress: Progress) -> None:
        if not self.pressed and self.when(progress):
            self.pressed += 1
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("done", [1, 2, 5, 12])
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_gives_the_best_so_far(done: int, threads: int) -> None:
    press = PressedOnce(lambda progress: progress.done >= done)
    made = endless(threads, on_progress=press)
    result = made.run()
    assert press.pressed == 1
    assert result.interrupted
    assert min(2, done) <= len(result.candidates) <= done + BATCH
    assert result.best.merit >= worst_baseline(result)
    assert len(result.networks) == 3
    # What was chosen is the same network as in a search of its own.
    folds = made.stages.folds
    members = [made.trainer.member(result.best.candidate, fold, k) for k, fold in enumerate(folds)]
    again = made.trainer.engine.train(made.trainer.problem, members, until_epoch=result.best.epoch)
    assert networks_of(result) == [bits(training.fitted("last")) for training in again]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_the_middle_of_training_is_heeded_soon() -> None:
    made = wide(endless(n=5000, p=10, max_epochs=1_000_000), (64, 64), 1e-6)
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    started = time.monotonic()
    result = made.run()
    assert 0.4 < time.monotonic() - started < 3.0
    assert result.interrupted
    assert result.best.recipe in (EARLY.recipe, NONE.recipe)
    assert not result.best.complete


@pytest.mark.parametrize("folds_done", range(0, 7))
def test_interrupted_after_any_number_of_folds(folds_done: int) -> None:
    """Two candidates of three folds each, which race; who has no fold left counts for nothing."""
    losses = {0: 5.0, 1: 4.0, 2: 3.0}

    def script(member: Any, stage: int) -> Any:
        return [losses[int(member.learning_rate)] + worse for worse in FLAT]

    made = scripted(script, [tagged(1), tagged(2)], max_epochs=4)

    def stop(progress: Progress) -> None:
        if progress.done >= 2 and progress.folds == 6 + folds_done:  # the baselines have six
            made._stop.cancelled.set()

    made.callbacks = Callbacks(on_progress=stop)
    result = made.run()
    assert result.interrupted
    # Fold by fold, the better one first: it has its last fold when five are done, the other when six are.
    n_tried = {5: 1, 6: 2}.get(folds_done, 0)
    assert len(result.candidates) == 2 + n_tried
    assert all(score.complete for score in result.candidates)
    assert result.best.loss == (4.0 if n_tried else 6.0)


def test_a_candidate_cut_off_after_its_folds_ended_is_told_and_not_chosen() -> None:
    recipe = Recipe(BatchNorm(), EarlyStopping())

    def losses(member: Any, fold: int) -> list[float]:
        best = 1 + fold if member.hooks.normalize else 30
        return [abs(epoch - best) + (1.0 if member.hooks.normalize else 5.0) for epoch in range(60)]

    made = scripted(losses, [recipe], max_epochs=60)

    def stop(progress: Progress) -> None:
        if progress.folds == 6 + 3:
            made._stop.cancelled.set()

    made.callbacks = Callbacks(on_progress=stop)
    result = made.run()
    score = of(result, recipe)
    assert (score.state, score.epoch, score.epochs_trained) == ("cut off", 3, 22 + 23 + 24)
    # It is cut to the shortest of 22, 23 and 24; those that ended are chosen from.
    assert result.best.candidate == EARLY
    assert np.isfinite(result.row_losses[2]).all()


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_the_networks_are_made_is_of_no_consequence() -> None:
    press = PressedOnce(lambda progress: progress.finishing)
    made, usual = endless(on_progress=press, n_candidates=2), endless(n_candidates=2)
    result = made.run()
    assert press.pressed == 1
    # All was tried that was to be tried.
    assert not result.interrupted
    assert networks_of(result) == networks_of(usual.run())


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_ends_at_once() -> None:
    first = PressedOnce(lambda progress: progress.done >= 3)
    second = PressedOnce(lambda progress: progress.finishing)

    def both(progress: Progress) -> None:
        first(progress)
        second(progress)

    made = endless(on_progress=both)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert (first.pressed, second.pressed) == (1, 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_twice_in_the_middle_of_training_ends_at_once() -> None:
    class Pressing(list[float]):
        """Losses that nobody can look at without pressing Ctrl+C twice, from the third epoch on."""

        def __getitem__(self, place: Any) -> Any:
            if place == 2:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            return super().__getitem__(place)

    made = scripted(lambda member, stage: Pressing([3.0, 2.0, 1.0]), max_epochs=3)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert made.trainer.engine.calls == [1, 2, 3]  # type: ignore[attr-defined]  # not continued


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_before_one_epoch_is_trained_is_raised() -> None:
    def losses(member: Any, fold: int) -> list[float]:
        if fold == 2:
            signal.raise_signal(signal.SIGINT)
        return [1.0] * 10

    with pytest.raises(KeyboardInterrupt):
        scripted(losses, max_epochs=10).run()


# The best epoch on all folds is the second one; each fold's own is another, and training ends at the fifth.
NOBODYS = {0: [1.0, 2.0, 9.0, 9.0, 9.0], 1: [9.0, 2.0, 1.0, 9.0, 9.0], 2: [9.0, 2.0, 9.0, 1.0, 9.0]}


def test_networks_that_are_gone_are_made_again() -> None:
    result = scripted(lambda member, fold: NOBODYS[fold], max_epochs=5).run()
    assert (result.best.candidate, result.best.epoch) == (EARLY, 2)
    # A scripted network's weight is the epoch that it comes from.
    found = [float(network.weights["layers.0.weight"][0, 0]) for network in result.networks]
    assert found == [2.0] * 3


def test_a_network_that_was_not_made_to_the_end_is_never_handed_out(monkeypatch: Any) -> None:
    made = scripted(lambda member, fold: NOBODYS[fold], max_epochs=5)
    begun = ScriptedEngine.train

    def train(self: Any, problem: Any, members: Any, **how: Any) -> Any:
        if made._trial_scorer.anchor is not None and how.get("until_epoch") == [2] * 3:
            # As where the time is over: it comes back early.
            return [self.begin(member, problem) for member in members]
        return begun(self, problem, members, **how)

    monkeypatch.setattr(ScriptedEngine, "train", train)
    with pytest.warns(TrainingWarning, match="No time was left.*epoch 2.*own best epochs"):
        result = made.run()
    assert result.best.epoch == 2
    # Each fold's own best epoch.
    assert [float(network.weights["layers.0.weight"][0, 0]) for network in result.networks] == [1.0, 3.0, 4.0]


def test_one_that_was_cut_off_never_leads() -> None:
    """It looked better than all the others, and is not chosen: so nobody races against it."""

    def losses(member: Any, fold: int) -> list[float]:
        best = 1 + fold if tag_of(member) == 1 else 3
        return [abs(epoch - best) + (1.0 if tag_of(member) == 1 else 5.0) for epoch in range(60)]

    made = scripted(losses, [tagged(1)], max_epochs=60)

    def stop(progress: Progress) -> None:
        if progress.folds == 6 + 3:
            made._stop.cancelled.set()

    seen: list[Progress] = []
    made.callbacks = Callbacks(on_progress=lambda progress: (stop(progress), seen.append(progress))[1])
    result = made.run()
    cut_off = of(result, tagged(1))
    assert (cut_off.state, cut_off.batch) == ("cut off", 0)
    assert cut_off.loss < result.best.loss
    assert made._scored.leader == result.chosen == 0
    # Nor is it reported as the best.
    assert seen[-1].best == result.best.loss
    assert seen[-1].best_recipe == EARLY.recipe
