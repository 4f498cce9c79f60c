"""The epoch to keep where the user's scorer decides it instead of the loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Control
from taut.selection.failures import ScorerError
from taut.selection.race import Trial
from taut.selection.runner import Runner
from taut.selection.score import Vector, choose_epochs

#: Score of a fold's network (greater is better): called with the fold's number and the outputs for its
#: validation rows, shape (n_validation, n_outputs). If it has no finite number to give, it raises
#: ScorerError and nothing else.
FoldScorer = Callable[[int, NDArray[np.floating]], float]

_MOST_EPOCHS = 30
#: About this many epochs of a training are scored.
EPOCHS_SCORED = 20


@final
class TimedScorer:
    """A scorer that knows how long it takes, so that a time limit can count on it.

    Attributes
    ----------
    seconds : float
        Of one call, the mean of those so far but the first, which may have things to import; 0 before any.
    """

    def __init__(self, score: FoldScorer) -> None:
        self._score = score
        self._n_calls, self._total, self.seconds = 0, 0.0, 0.0

    def __call__(self, fold: int, outputs: NDArray[np.floating]) -> float:
        """Score a network; see ``FoldScorer``."""
        started = time.monotonic()
        try:
            return self._score(fold, outputs)
        finally:
            spent = time.monotonic() - started
            self._n_calls += 1
            if self._n_calls > 1:
                self._total += spent
            self.seconds = self._total / (self._n_calls - 1) if self._n_calls > 1 else spent

    def fits(self, n_calls: int, control: Control) -> bool:
        """Whether ``n`` calls will be over before the control's deadline."""
        return not control.should_stop() and time.monotonic() + n_calls * self.seconds <= control.deadline


def epochs_to_score(n_epochs: int) -> NDArray[np.int64]:
    """Which epochs (from 1) are scored: all, or of many every second, fourth, ..., and the last one.

    A scorer costs more than a loss, and neighbouring epochs differ little. Epochs scored among fewer are also
    scored among more.
    """
    step = 1
    while n_epochs // step > _MOST_EPOCHS:
        step *= 2
    return np.union1d(np.arange(step, n_epochs + 1, step), [n_epochs]).astype(np.int64)


def best_by_score(
    trial: Trial, n_folds: int, others: NDArray[np.bool_] | None
) -> tuple[int, NDArray[np.int64]]:
    """The epoch to keep, and the one at which each fold is scored: best on the other folds (from 0)."""
    epochs = epochs_to_score(min(trial.runs[k].epoch for k in range(n_folds)))
    kept, by_fold = choose_epochs(-_merits(trial, n_folds, epochs), True, others)
    return int(epochs[kept]) - 1, epochs[by_fold] - 1


def train_to_best_score(
    runner: Runner, scorer: FoldScorer, trial: Trial, n_folds: int, control: Control
) -> bool:
    """Continue until the folds' best mean score is as old as the recipe's patience, in steps of that.

    Where the loss has long turned, a score such as the area under the ROC curve may still rise.

    Returns
    -------
    bool
        False if it was cut off. A fold that diverged on the way is shorter than the others.
    """
    patience = trial.candidate.recipe.hooks().patience
    assert patience is not None
    numbers = range(n_folds)
    jobs = [trial.job(k) for k in numbers]
    while True:
        n_epochs = min(trial.runs[k].epoch for k in numbers)
        epochs = epochs_to_score(n_epochs)
        if not all(_score(runner, scorer, trial, k, epochs, control) for k in numbers):
            return False
        best = int(epochs[np.argmax(_merits(trial, n_folds, epochs).sum(axis=0))])
        goal = min(n_epochs + patience, runner.trainer.settings.max_epochs)
        if n_epochs - best >= patience or goal == n_epochs:
            return True
        longer = runner.further(jobs, [trial.runs[k] for k in numbers], [goal] * n_folds, control)
        if longer is None:
            return False
        trial.runs.update(zip(numbers, longer, strict=True))
        if any(run.epoch < goal for run in longer):
            return True


def _score(
    runner: Runner, scorer: FoldScorer, trial: Trial, k: int, epochs: NDArray[np.int64], control: Control
) -> bool:
    """Score a fold's network at those of these epochs that are not scored yet; False if it was cut off."""
    run = trial.runs[k]
    missing = [int(epoch) for epoch in epochs if int(epoch) not in run.scores]
    if not missing:
        return True
    training = runner.with_outputs(trial.job(k), run, control)
    if training is None:
        return False
    scores = dict(run.scores)
    for epoch in missing:
        if control.should_stop():
            return False
        outputs = training.outputs(epoch)
        assert outputs is not None
        try:
            scores[epoch] = scorer(k, outputs)
        except ScorerError:  # this epoch is not the best one; if none has a score, the candidate fails
            scores[epoch] = float("nan")
    trial.runs[k] = replace(run, scores=scores)
    runner.record(trial.job(k), trial.runs[k])
    return True


def _merits(trial: Trial, n_folds: int, epochs: NDArray[np.int64]) -> Vector:
    """Scores, shape (n_folds, n_epochs); as bad as can be where there is none."""
    scores = np.array([[trial.runs[k].scores[int(epoch)] for epoch in epochs] for k in range(n_folds)])
    return np.where(np.isnan(scores), -np.inf, scores)
