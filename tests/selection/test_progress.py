"""What a search tells, and callbacks that fail."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

from taut.errors import TrainingWarning
from taut.selection.progress import Callbacks, Progress
from tests.selection.helpers import EARLY, score

PROGRESS = Progress(
    done=5, total=20, folds=12, best=2.0, baseline=3.0, best_recipe=EARLY.recipe, seconds=4.0,
    seconds_left=8.0,
)  # fmt: skip


def test_progress_in_other_units_changes_its_losses_only() -> None:
    other = PROGRESS.in_units(100.0)
    assert (other.best, other.baseline) == (200.0, 300.0)
    for name in ("done", "total", "folds", "best_recipe", "seconds", "seconds_left", "finishing"):
        assert getattr(other, name) == getattr(PROGRESS, name)
    assert not PROGRESS.finishing


def test_before_there_is_a_best_it_stays_nan() -> None:
    nothing = Progress(0, None, 0, math.nan, math.nan, None, 0.0, None).in_units(9.0)
    assert math.isnan(nothing.best)
    assert math.isnan(nothing.baseline)


def test_callbacks_are_called() -> None:
    candidates: list[Any] = []
    batches: list[Any] = []
    callbacks = Callbacks(on_candidate=candidates.append, on_batch=batches.append)
    one, two = score(), score()
    callbacks.candidate(one)
    callbacks.candidate(two)
    callbacks.batch([one, two])
    callbacks.batch([])
    assert candidates == [one, two]
    assert batches == [(one, two), ()]


def test_nobody_listens() -> None:
    callbacks = Callbacks()
    callbacks.candidate(score())
    callbacks.batch([score()])


@pytest.mark.parametrize("name", ["candidate", "batch"])
def test_one_that_raises_is_warned_of_once_and_not_called_again(name: str) -> None:
    calls = []

    def fail(news: Any) -> None:
        calls.append(news)
        raise OSError("the disk is full")

    callbacks = Callbacks(on_candidate=fail, on_batch=fail)
    tell: Any = getattr(callbacks, name)
    given: Any = score() if name == "candidate" else [score()]
    with pytest.warns(
        TrainingWarning,
        match=f"on_{name} raised OSError: the disk is full; it is not called again, the search continues",
    ):
        tell(given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tell(given)
    assert len(calls) == 1


def test_the_others_are_told_all_the_same() -> None:
    def fail(news: Any) -> None:
        raise ValueError("no")

    batches: list[Any] = []
    callbacks = Callbacks(on_candidate=fail, on_batch=batches.append)
    with pytest.warns(TrainingWarning, match="on_candidate raised ValueError: no"):
        callbacks.candidate(score())
    callbacks.batch([score()])
    assert len(batches) == 1


def test_ctrl_c_within_a_callback_is_not_swallowed() -> None:
    def press(news: Any) -> None:
        raise KeyboardInterrupt

    callbacks = Callbacks(on_candidate=press)
    with pytest.raises(KeyboardInterrupt):
        callbacks.candidate(score())
