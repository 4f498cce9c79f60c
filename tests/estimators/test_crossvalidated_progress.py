"""What a search tells while it runs: callbacks, progress, and Ctrl+C."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from taut.errors import TrainingWarning
from tests.estimators.helpers import crossvalidated, given, numbers_of, output, tasks

#: A first batch of 16, and 6 of the sampler.
BATCHES: dict[str, Any] = {"n_candidates": 24, "effort": "quick", "max_epochs": 6}


def as_texts(scores: Iterable[Any]) -> list[str]:
    """Scores as what can be compared: NaN equals nothing."""
    return [repr(score.to_json()) for score in scores]


# --- candidates and batches -------------------------------------------------------------------------------


@tasks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_candidates_are_told_in_their_order_and_batches_after_theirs(task: str, n_jobs: int) -> None:
    told: list[Any] = []
    fitted = crossvalidated(
        task, **BATCHES, n_jobs=n_jobs, on_candidate=told.append, on_batch=told.append
    ).fit(*given(task))
    batches = [i for i, news in enumerate(told) if isinstance(news, tuple)]
    assert batches == [18, 25]  # each right after its candidates; the baselines are no batch
    assert [[c.batch for c in told[i]] for i in batches] == [[0] * 16, [1] * 6]
    candidates = [news for news in told if not isinstance(news, tuple)]
    assert as_texts(candidates) == as_texts(fitted.candidates_)
    assert as_texts(c for i in batches for c in told[i]) == as_texts(candidates[2:])
    states = {c.state for c in candidates}
    assert states == {"complete", "dropped"}


def test_losses_are_told_in_the_targets_own_units() -> None:
    X, y = given("regression")
    told: list[Any] = []
    fitted = crossvalidated(
        "regression", on_candidate=told.append, on_batch=lambda batch: told.extend(batch)
    ).fit(X, 1000.0 * y)
    assert [c.loss for c in told[:4]] == [c.loss for c in fitted.candidates_]
    assert [c.loss for c in told[4:]] == [c.loss for c in fitted.candidates_[2:]]
    assert min(c.validation_loss.min() for c in told[:2]) > 1e4
    np.testing.assert_allclose(told[0].score, fitted.candidates_[0].score)  # R squared has no unit


@pytest.mark.parametrize("name", ["on_candidate", "on_batch"])
def test_whoever_fails_is_warned_of_once_and_the_search_goes_on(name: str) -> None:
    calls: list[Any] = []

    def fails(news: Any) -> None:
        calls.append(news)
        raise OSError("the disk is full")

    X, y = given()
    with pytest.warns(
        TrainingWarning, match=f"{name} raised OSError: the disk is full; it is not called again, the search"
    ) as warned:
        fitted = crossvalidated(**BATCHES, **{name: fails}).fit(X, y)
    assert len(calls) == len(warned) == 1
    assert numbers_of(fitted) == numbers_of(crossvalidated(**BATCHES).fit(X, y))


def test_callbacks_change_nothing_and_are_parameters_like_others() -> None:
    X, y = given()
    plain = crossvalidated().fit(X, y)
    estimator = crossvalidated(on_candidate=print_nothing, on_batch=print_nothing)
    assert numbers_of(estimator.fit(X, y)) == numbers_of(plain)
    assert output(estimator, X).tobytes() == output(plain, X).tobytes()
    copy = clone(estimator)
    assert copy.on_candidate is copy.on_batch is print_nothing
    again = pickle.loads(pickle.dumps(estimator))
    assert again.on_candidate is print_nothing
    assert output(again, X).tobytes() == output(plain, X).tobytes()


def print_nothing(news: Any) -> None:
    """A function that pickle finds by its name."""


# --- progress ---------------------------------------------------------------------------------------------


@tasks
def test_verbose_prints_a_line_a_candidate_to_standard_error(
    task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = given(task)
    fitted = crossvalidated(task, verbose=1).fit(X, y)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert all(line.startswith("taut: ") for line in lines)
    assert [line.split()[1] for line in lines] == ["1", "2", "3", "4", "4"]  # the last, as it finishes
    assert "4 of 4 candidates, " in lines[-1]
    assert " folds, " in lines[-1]
    assert f"best loss {fitted.best_.loss:.4g}" in lines[-1]
    assert f"early stopping alone {fitted.baseline_['early_stopping'].loss:.4g}" in lines[-1]
    assert "nan" not in err
    crossvalidated(task).fit(X, y)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_is_told_of_every_network_and_candidate(n_jobs: int) -> None:
    seen: list[Any] = []
    estimator = crossvalidated(**BATCHES, n_jobs=n_jobs)
    estimator.on_progress = seen.append
    estimator.fit(*given())
    assert [news.done for news in seen] == sorted(news.done for news in seen)
    assert {news.done for news in seen} == set(range(25))
    assert [news.folds for news in seen] == sorted(news.folds for news in seen)
    assert seen[-1].folds == sum(int(c.folds.sum()) for c in estimator.candidates_)
    assert len(seen) >= seen[-1].folds + 18
    assert {news.total for news in seen} == {24}
    assert [news.finishing for news in seen].index(True) == len(seen) - 1
    assert seen[-1].best == min(c.loss for c in estimator.candidates_ if c.complete)
    # Not always the one that is chosen: that is the one whose gain is surest.
    lowest = min((c for c in estimator.candidates_ if c.complete), key=lambda c: c.loss)
    assert seen[-1].best_recipe == lowest.recipe
    assert seen[-1].baseline == estimator.baseline_["early_stopping"].loss
    seconds = [news.seconds for news in seen]
    assert seconds == sorted(seconds)
    assert all(news.seconds_left is None or news.seconds_left >= 0 for news in seen)
    assert sum(news.seconds_left is None for news in seen) == 0


def test_progress_is_told_in_the_targets_own_units() -> None:
    X, y = given("regression")
    seen: list[Any] = []
    estimator = crossvalidated("regression")
    estimator.on_progress = seen.append
    estimator.fit(X, 1000.0 * y)
    assert seen[-1].best == pytest.approx(estimator.best_.loss)
    assert seen[-1].finishing
    assert estimator.best_.loss > 1e4


# --- Ctrl+C -----------------------------------------------------------------------------------------------


def test_ctrl_c_gives_the_best_so_far_and_says_so() -> None:
    X, y = given()
    estimator = crossvalidated(n_candidates=None, time_limit=600)
    estimator_pressed: list[bool] = []

    def press(progress: Any) -> None:
        if progress.done == 9 and not estimator_pressed:
            estimator_pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    estimator.on_progress = press
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        estimator.fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert estimator_pressed
    assert estimator.interrupted_
    assert 2 <= len(estimator.candidates_) < 30
    assert estimator.best_.loss <= estimator.baseline_["early_stopping"].loss
    assert estimator.row_losses_.shape == (len(estimator.candidates_), 150)
    assert np.isfinite(output(estimator, X)).all()
