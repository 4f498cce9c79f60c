"""The scored trials of a search, and its result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.problem import Problem
from taut.learning.training import Curve, Fitted
from taut.selection.choice import Choosing
from taut.selection.folds import out_of_fold
from taut.selection.race import Trial
from taut.selection.runs import RACED, FoldRun
from taut.selection.score import CandidateScore
from taut.selection.space import is_plain
from taut.selection.stages import Stages


@final
@dataclass(frozen=True, eq=False)
class Contest:
    """How the choice was made, so that it can be repeated with resampled losses.

    Parameters
    ----------
    indices : tuple of int
        Which candidates could be chosen.
    rule : Choosing
    """

    indices: tuple[int, ...]
    rule: Choosing


@final
@dataclass(frozen=True, eq=False)
class PlainRuns:
    """A candidate's networks, for display.

    Parameters
    ----------
    curves : tuple of Curve
        One for each fold.
    weights : int64 array, shape (weights.N_BINS + 1,)
        Of all folds' networks at the end of their training; see :mod:`taut.selection.weights`.
    """

    curves: tuple[Curve, ...]
    weights: NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class SearchResult:
    """All candidates, the chosen one, and its networks.

    Parameters
    ----------
    candidates : tuple of CandidateScore
        Early stopping alone, no regularization, then the others in the order of trial.
    chosen : int
        Its index among them.
    number : int
        By which the runner knows it.
    networks : tuple of Fitted
    are_of_folds : bool
        Whether each of these was trained on the training rows of its fold, and no other.
    curves : dict
        By ``"early_stopping"``, ``"none"`` and ``"chosen"`` the folds' curves.
    row_losses : dict
        By candidate's index its out-of-fold losses, float32, shape (n_rows,): the mean over the folds that
        hold a row out, NaN where none of those trained does.
    row_correct : dict
        The same for those that could be chosen: the share of these folds whose network gets the row's class
        right. Empty where there are no classes.
    contest : Contest
    plain : dict
        By candidate's index the curves and counted weights of the folds that it has, of those recipes with
        one technique at most beside early stopping that were trained to their end or lost the race.
    interrupted : bool
    seconds : float
        Of this search, including the earlier sessions that it resumed.
    """

    candidates: tuple[CandidateScore, ...]
    chosen: int
    number: int
    networks: tuple[Fitted, ...]
    are_of_folds: bool
    curves: dict[str, tuple[Curve, ...]]
    row_losses: dict[int, NDArray[np.float32]]
    row_correct: dict[int, NDArray[np.float32]]
    contest: Contest
    plain: dict[int, PlainRuns]
    interrupted: bool
    seconds: float

    @property
    def best(self) -> CandidateScore:
        """The chosen candidate's score."""
        return self.candidates[self.chosen]


@final
class ScoredTrials:
    """The trials of a search with their scores, in the order in which they ended.

    Parameters
    ----------
    problem : Problem
    stages : Stages

    Attributes
    ----------
    trials : list of Trial
    scores : list of CandidateScore
    leader : int or None
        Index of the one with the lowest loss.
    """

    def __init__(self, problem: Problem, stages: Stages) -> None:
        self._problem, self._stages = problem, stages
        self.trials: list[Trial] = []
        self.scores: list[CandidateScore] = []
        self.leader: int | None = None

    def add(self, trial: Trial, score: CandidateScore) -> bool:
        """Add a trial; whether it can be chosen, and so lead."""
        self.trials.append(trial)
        self.scores.append(score)
        # Of those that were cut off, only a baseline can be chosen.
        may_lead = score.complete or (score.state == "cut off" and score.batch < 0)
        if not may_lead or not math.isfinite(score.loss):
            return False
        if self.leader is None or score.loss < self.scores[self.leader].loss:
            self.leader = len(self.scores) - 1
        return True

    def opponent(self) -> Trial | None:
        """What a batch races against: the best so far, or early stopping alone if that lacks a stage."""
        if self.leader is None:
            return None
        leaders = (self.trials[self.leader], self.trials[0])
        return next((trial for trial in leaders if self.is_comparable(trial)), None)

    def is_comparable(self, trial: Trial) -> bool:
        """Whether others can be compared with it on any stage."""
        return all(stage in trial.runs for stage in self._stages.compared)

    def curves(self, trial: Trial) -> tuple[Curve, ...]:
        """Its folds' curves."""
        return tuple(trial.runs[k].curve for k in range(len(self._stages.folds)))

    def plain(self) -> dict[int, PlainRuns]:
        """The networks of recipes with at most one technique besides early stopping, by index."""
        found = {}
        for index, (trial, score) in enumerate(zip(self.trials, self.scores, strict=True)):
            runs = [trial.runs[k] for k in range(len(self._stages.folds)) if k in trial.runs]
            if score.state in ("complete", "dropped") and runs and is_plain(score.recipe):
                weights = np.sum([run.weights for run in runs], axis=0)
                found[index] = PlainRuns(tuple(run.curve for run in runs), weights)
        return found

    def row_losses(self, index: int) -> NDArray[np.float32]:
        """Out-of-fold losses of a candidate, in the order of the table."""
        return self._gathered(index, lambda run, epoch: run.losses.get(epoch))

    def row_correct(self, index: int) -> NDArray[np.float32]:
        """The share of the folds that hold a row out in which its class was right."""
        return self._gathered(index, lambda run, epoch: run.correct.get(epoch))

    def _gathered(
        self, index: int, figures: Callable[[FoldRun, int], NDArray[Any] | None]
    ) -> NDArray[np.float32]:
        trial, score = self.trials[index], self.scores[index]

        def of_fold(k: int) -> NDArray[Any] | None:
            run = trial.runs.get(k)
            epoch = RACED if score.state == "dropped" else int(score.fold_epochs[k])
            return None if run is None else figures(run, epoch)

        folds = self._stages.folds
        return out_of_fold(folds, map(of_fold, range(len(folds))), len(self._problem)).astype(np.float32)
