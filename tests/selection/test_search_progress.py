"""What a search tells while it runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.errors import TrainingWarning
from taut.selection.progress import Callbacks, Progress
from tests.selection.helpers import assert_same_result, search
from tests.selection.test_search import EXPLODES, RECIPES


def test_progress_counts_up_to_all_candidates_and_folds() -> None:
    seen: list[Progress] = []
    made = search(
        CompiledEngine(2), RECIPES, at_a_time=3, n_candidates=8, callbacks=Callbacks(on_progress=seen.append)
    )
    result = made.run()
    done, folds = [one.done for one in seen], [one.folds for one in seen]
    assert done == sorted(done)
    assert max(done) == 8
    assert {one.total for one in seen} == {8}
    # Every network is told of, and in the middle of a batch too.
    assert folds == sorted(folds)
    assert set(folds) == {0, 3, *range(6, 6 + 18 + 1)}
    last = seen[-1]
    assert last.finishing
    assert [one.finishing for one in seen[:-1]] == [False] * (len(seen) - 1)
    lowest = min((score for score in result.candidates if score.complete), key=lambda score: score.loss)
    assert (last.best, last.best_recipe) == (lowest.loss, lowest.recipe)
    assert last.baseline == result.candidates[0].loss
    assert all(one.seconds_left is None or one.seconds_left >= 0.0 for one in seen)
    assert any(one.seconds_left is not None and one.done < 2 for one in seen)  # known from the first epoch
    assert [one.seconds for one in seen] == sorted(one.seconds for one in seen)
    best = [one.best for one in seen if not math.isnan(one.best)]
    assert best == sorted(best, reverse=True)


def test_candidates_and_batches_are_told_of_in_order() -> None:
    candidates: list[Any] = []
    batches: list[Any] = []
    callbacks = Callbacks(on_candidate=candidates.append, on_batch=batches.append)
    result = search(CompiledEngine(2), [*RECIPES, EXPLODES], at_a_time=4, callbacks=callbacks).run()
    assert candidates == list(result.candidates)  # the baselines and the failures too
    assert batches == [result.candidates[2:6], result.candidates[6:9]]


def failing(news: Any) -> None:
    raise RuntimeError("the log is full")


@pytest.mark.parametrize("name", ["on_candidate", "on_batch", "on_progress"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_callback_that_fails_is_warned_of_once_and_the_search_goes_on(name: str, threads: int) -> None:
    usual = search(CompiledEngine(threads), RECIPES, at_a_time=2).run()
    made = search(CompiledEngine(threads), RECIPES, at_a_time=2, callbacks=Callbacks(**{name: failing}))
    with pytest.warns(TrainingWarning) as warned:
        result = made.run()
    assert [str(one.message) for one in warned] == [
        f"{name} raised RuntimeError: the log is full; it is not called again, the search continues."
    ]
    assert_same_result(result, usual)
