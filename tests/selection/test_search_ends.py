"""What ends a search before its candidates do: a time limit, Ctrl+C."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from taut.engine.base import Control
from taut.engine.compiled.engine import CompiledEngine
from taut.recipe import Recipe
from taut.selection.candidates import BASELINES, RandomProposer
from taut.selection.search import Progress, Search
from taut.techniques import L2, BatchNorm, EarlyStopping
from tests.engine.helpers import AfterLooks
from tests.selection.helpers import Fixed, ScriptedEngine, ScriptedTraining, bits, folds_of, settings, table

EARLY, NONE = BASELINES


def endless(threads: int = 2, n: int = 240, p: int = 4, on_progress: Any = None, **changes: Any) -> Search:
    """A search that nothing but a limit or Ctrl+C ends."""
    data, matrix = table(n, p)
    engine = CompiledEngine(threads)
    engine.prepare()
    folds = folds_of(data, matrix)
    return Search(engine, data, folds, settings(**changes), RandomProposer(None, 0), on_progress=on_progress)


# --- a time limit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "hidden", "seconds"),
    [(240, (8,), 0.5), (20_000, (64, 64), 1.5), (40_000, (256, 256), 1.0)],
    ids=["small", "middling", "one epoch is long"],
)
def test_a_time_limit_is_kept_and_all_that_is_promised_is_there(n: int, hidden: Any, seconds: float) -> None:
    made = endless(n=n, p=20, hidden=hidden, batch_size=128, max_epochs=300)
    started = time.monotonic()
    made.deadline = started + seconds
    result = made.run()
    spent = time.monotonic() - started
    assert spent < seconds + max(2.0, 0.05 * seconds)
    assert not result.interrupted
    assert result.of(EARLY) is not None
    assert result.best.loss == min(c.loss for c in result.candidates if not c.failed)
    assert [len(curve) >= result.best.epoch for curve in result.curves[result.best.recipe]] == [True] * 3
    assert len(result.networks) == 3
    for network in result.networks:
        assert all(np.isfinite(weights).all() for weights in network.weights.values())


def test_only_folds_that_ended_by_themselves_are_judged_unless_they_are_a_baseline() -> None:
    made = endless(max_epochs=200, hidden=(8,))
    recipe = Recipe(L2(0.1), EarlyStopping(2))
    members = [made.settings.member(recipe, fold, k, 3) for k, fold in enumerate(made.folds)]
    ended = made.engine.train(made.data, members)
    epochs = [t.epoch for t in ended]
    assert len(set(epochs)) > 1  # not yet taken to the longest one's epoch
    score = made._score(recipe, ended, keep_partial=False)
    assert score is not None
    assert not score.complete
    assert score.fold_epochs.max() <= min(epochs)
    cut_off = made.engine.train(made.data, members, until_epoch=2)
    assert made._score(recipe, cut_off, keep_partial=False) is None
    assert made._score(recipe, cut_off, keep_partial=True) is not None


def test_networks_of_a_cut_off_baseline_are_those_of_one_epoch_on_all_folds() -> None:
    made = endless(n=20_000, p=10, hidden=(64, 64), max_epochs=100_000, learning_rate=1e-5)
    made.deadline = time.monotonic() + 0.7
    result = made.run()
    assert not result.best.complete
    members = [made.settings.member(result.best.recipe, fold, k, 3) for k, fold in enumerate(made.folds)]
    again = made.engine.train(made.data, members, until_epoch=result.best.epoch)
    assert [bits(network) for network in result.networks] == [bits(t.trained("last")) for t in again]


@pytest.mark.parametrize("looks", range(12, 60, 3))
def test_networks_cut_off_within_an_epoch_are_those_of_its_start(looks: int, monkeypatch: Any) -> None:
    # The shortest calls into the kernels, and an end after so many of them.
    monkeypatch.setattr("taut.engine.compiled.engine._CALL_SECONDS", 0.0)
    data, matrix = table()
    fold = folds_of(data, matrix)[:1]
    made = Search(CompiledEngine(1), data, fold, settings(learning_rate=1e-4), Fixed([]))
    made._stop = Control(cancelled=AfterLooks(looks))
    result = made.run()
    assert not result.best.complete
    members = [made.settings.member(EARLY, fold[0], 0, 3)]
    (again,) = made.engine.train(data, members, until_epoch=result.best.epoch)
    assert [bits(network) for network in result.networks] == [bits(again.trained("last"))]
    assert len(result.curves[result.best.recipe][0]) == result.best.epoch


@pytest.mark.parametrize("ended", [True, False])
def test_a_candidate_that_was_cut_off_counts_only_where_all_its_folds_had_ended(ended: bool) -> None:
    recipe = Recipe(BatchNorm(), EarlyStopping())

    def losses(hooks: Any, fold: int) -> list[float]:
        best = 1 + fold if hooks.normalize else 30
        return [abs(epoch - best) + (1.0 if hooks.normalize else 5.0) for epoch in range(60)]

    data, matrix = table()
    folds = folds_of(data, matrix)
    made = Search(ScriptedEngine(losses, folds), data, folds, settings(max_epochs=60), Fixed([recipe]))

    def stop(progress: Progress) -> None:
        if progress.done == (3 if ended else 2):  # when its folds have ended, or before they began
            made._stop.cancelled.set()

    made.on_progress = stop
    result = made.run()
    score = result.of(recipe)
    if not ended:
        assert score is None
        return
    assert score is not None
    assert not score.complete
    assert (score.epochs_trained, score.epoch) == (24, 3)  # cut to the shortest of 22, 23 and 24
    assert result.best.recipe == recipe


# --- Ctrl+C -----------------------------------------------------------------------------------------------


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
    assert min(2, done) <= len(result.candidates) <= done + made.batch_size
    assert result.best.loss == min(candidate.loss for candidate in result.candidates)
    usual = endless(threads)
    usual.proposer = Fixed(
        [candidate.recipe for candidate in result.candidates if candidate.recipe not in BASELINES]
    )
    if all(candidate.complete for candidate in result.candidates):
        assert [bits(network) for network in result.networks] == [bits(n) for n in usual.run().networks]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_the_middle_of_training_is_heeded_soon() -> None:
    made = endless(n=5000, p=10, hidden=(64, 64), max_epochs=1_000_000, learning_rate=1e-6)
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    started = time.monotonic()
    result = made.run()
    assert 0.4 < time.monotonic() - started < 3.0
    assert result.interrupted
    assert result.best.recipe in BASELINES
    assert not result.best.complete


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_the_networks_are_made_again_loses_nothing() -> None:
    press = PressedOnce(lambda progress: progress.finishing)
    made = endless(on_progress=press)
    made.proposer = Fixed([])
    usual = endless()
    usual.proposer = Fixed([])
    result = made.run()
    assert press.pressed == 1
    assert result.interrupted
    assert [bits(network) for network in result.networks] == [bits(n) for n in usual.run().networks]


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
    data, matrix = table()
    folds = folds_of(data, matrix)

    class Pressing(list[float]):
        """Losses that nobody can look at without pressing Ctrl+C twice, from the third epoch on."""

        def __getitem__(self, place: Any) -> Any:
            if place == 2:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            return super().__getitem__(place)

    engine = ScriptedEngine(lambda hooks, fold: Pressing([3.0, 2.0, 1.0]), folds)
    made = Search(engine, data, folds, settings(max_epochs=3), Fixed([]))
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert engine.calls == [1, 2, 3]  # not continued


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_before_one_epoch_is_trained_is_raised() -> None:
    data, matrix = table()
    folds = folds_of(data, matrix)

    def losses(hooks: Any, fold: int) -> list[float]:
        if fold == 2:
            signal.raise_signal(signal.SIGINT)
        return [1.0] * 10

    made = Search(ScriptedEngine(losses, folds), data, folds, settings(max_epochs=10), Fixed([]))
    with pytest.raises(KeyboardInterrupt):
        made.run()


# The best epoch on all folds is the second one; each fold's own is another, and training ends at the fifth.
NOBODYS = {0: [1.0, 2.0, 9.0, 9.0, 9.0], 1: [9.0, 2.0, 1.0, 9.0, 9.0], 2: [9.0, 2.0, 9.0, 1.0, 9.0]}


def test_networks_that_are_gone_are_made_again() -> None:
    data, matrix = table()
    folds = folds_of(data, matrix)
    engine = ScriptedEngine(lambda hooks, fold: NOBODYS[fold], folds)
    result = Search(engine, data, folds, settings(max_epochs=5), Fixed([])).run()
    assert (result.best.recipe, result.best.epoch) == (EARLY, 2)
    # A scripted network's weight is the epoch that it comes from.
    assert [network.weights["layers.0.weight"].tolist() for network in result.networks] == [[[2.0]]] * 3


def test_a_network_that_was_not_made_to_the_end_is_never_handed_out() -> None:
    data, matrix = table()
    folds = folds_of(data, matrix)
    engine: Any = ScriptedEngine(lambda hooks, fold: NOBODYS[fold], folds)
    made = Search(engine, data, folds, settings(max_epochs=5), Fixed([]))
    # As the compiled engine does on a second Ctrl+C: it comes back early.
    engine.replay = lambda data, trainings, epoch: [ScriptedTraining(t.member, t.losses) for t in trainings]
    with pytest.raises(KeyboardInterrupt):
        made.run()
