"""From a trial of the race to a candidate's score."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Control
from taut.selection.failures import DIVERGED, ScorerError
from taut.selection.folds import n_repeats, without_shared_rows
from taut.selection.race import Race, Trial
from taut.selection.runner import Runner
from taut.selection.score import CandidateScore, TrialState, Vector, failed_score, score_folds
from taut.selection.scored_epochs import (
    EPOCHS_SCORED,
    FoldScorer,
    TimedScorer,
    best_by_score,
    train_to_best_score,
)


@final
class TrialScorer:
    """Scores trials.

    Parameters
    ----------
    runner : Runner
    race : Race
    scorer : callable, optional
        What candidates and their epochs are chosen by instead of the loss; see ``FoldScorer``.
    """

    def __init__(self, runner: Runner, race: Race, scorer: FoldScorer | None) -> None:
        self._runner, self._race = runner, race
        self._scorer = scorer if scorer is None or isinstance(scorer, TimedScorer) else TimedScorer(scorer)
        self._folds = runner.stages.folds
        self.anchor: tuple[Trial, float] | None = None  # early stopping alone, and its loss
        self.scorer_errors: list[
            ScorerError
        ] = []  # the first one of each candidate that failed by its scorer

    @property
    def scoring_seconds(self) -> float:
        """Seconds that the user's scorer takes for one candidate, one fold after the other."""
        epochs = EPOCHS_SCORED if self._runner.keeps_outputs else 1
        return 0.0 if self._scorer is None else self._scorer.seconds * len(self._folds) * epochs

    @cached_property
    def _others(self) -> NDArray[np.bool_] | None:
        return without_shared_rows(self._folds, len(self._runner.problem))

    @cached_property
    def _n_repeats(self) -> int:
        return n_repeats(self._folds)

    @cached_property
    def _spreads(self) -> Vector:
        return self._runner.problem.spreads(self._folds)

    def finish(
        self, trial: Trial, batch: int, control: Control, scoring_ends: Control | None = None
    ) -> CandidateScore | None:
        """Bring a trial to its end and score it; None if it was cut off and does not count.

        Parameters
        ----------
        scoring_ends : Control, optional
            For the user's scorer and the networks that it sees; by default ``control``.
        """
        if trial.ended == "failed":
            return self._failed(trial, batch, DIVERGED)
        if trial.ended == "cut off":
            return None
        if trial.ended == "dropped":
            return self._dropped(trial, batch)
        # Shorter folds are continued to the longest one's epoch, so that all have a mean curve.
        n = len(self._folds)
        jobs, runs = [trial.job(k) for k in range(n)], [trial.runs[k] for k in range(n)]
        longest = max(run.epoch for run in runs)
        longer = self._runner.further(jobs, runs, [longest] * n, control)
        ended = longer is not None
        if longer is not None:
            trial.runs.update(enumerate(longer))
            if self._is_level(trial) and self._scorer is not None and self._by_score(trial):
                ended = train_to_best_score(self._runner, self._scorer, trial, n, control)
            if ended and not self._is_level(trial):
                trial.ended = "failed"
                return self.finish(trial, batch, control)
        state: TrialState = "complete" if ended else "cut off"
        return self.scored(trial, batch, state, control, scoring_ends)

    def _is_level(self, trial: Trial) -> bool:
        """Whether all folds are at the same epoch: else one diverged on the way."""
        return len({trial.runs[k].epoch for k in range(len(self._folds))}) == 1

    def _by_score(self, trial: Trial) -> bool:
        """Whether the scorer decides the epoch."""
        return self._runner.keeps_outputs and trial.candidate.recipe.hooks().patience is not None

    def scored(
        self,
        trial: Trial,
        batch: int,
        state: TrialState,
        control: Control,
        scoring_ends: Control | None = None,
    ) -> CandidateScore | None:
        """Score a trial that has all folds, at the epochs that are best on the others."""
        numbers = range(len(self._folds))
        runs = [trial.runs[k] for k in numbers]
        early = trial.candidate.recipe.hooks().patience is not None
        chosen = None
        if state == "complete" and self._by_score(trial):
            chosen = best_by_score(trial, len(runs), self._others)
        objective = self._runner.problem.objective
        scores = score_folds(
            [run.curve for run in runs], early, objective, self._spreads, self._others, chosen
        )
        jobs = [trial.job(k) for k in numbers]
        known = self._runner.with_losses(
            jobs, runs, scores.fold_epochs.tolist(), control, ended=state == "complete"
        )
        if known is None:
            return None
        trial.runs.update(zip(numbers, known, strict=True))
        scoring = None
        if self._scorer is not None:
            try:
                found = self._scoring(trial, scores.fold_epochs, state, scoring_ends or control)
            except ScorerError as error:
                self.scorer_errors.append(error)
                return self._failed(trial, batch, str(error))
            if found is None:
                return None
            scoring = np.array(found)
        return CandidateScore(
            candidate=trial.candidate,
            batch=batch,
            state=state,
            loss=float(np.mean(scores.validation_loss)),
            epoch=scores.epoch,
            fold_epochs=scores.fold_epochs,
            train_loss=scores.train_loss,
            validation_loss=scores.validation_loss,
            score=scores.score,
            scoring=scoring,
            zero_share=float(np.mean([run.zero_share for run in runs])),
            epochs_trained=trial.epochs,
            failed="",
            seconds=trial.seconds,
            n_repeats=self._n_repeats,
        )

    def unscored(self, trial: Trial, batch: int) -> CandidateScore:
        """The score of a candidate that there was no time to score."""
        return self._failed(trial, batch, "no time was left to score it")

    def _failed(self, trial: Trial, batch: int, why: str) -> CandidateScore:
        return failed_score(trial.candidate, batch, len(self._folds), why, trial.epochs, trial.seconds)

    def _dropped(self, trial: Trial, batch: int) -> CandidateScore:
        """Score a dropped trial on the folds that it has, by the losses with which it raced."""
        n = len(self._folds)
        epochs = np.zeros(n, dtype=np.int64)
        train, validation, correct = (np.full(n, np.nan) for _ in range(3))
        has = [stage for stage in trial.runs if stage < n]
        for k in has:
            run = trial.runs[k]
            epochs[k] = run.best_epoch
            at = run.best_epoch - 1
            train[k], validation[k] = run.curve.train[at], self._race.loss(trial, [k])
            correct[k] = run.curve.correct[at]
        score = self._runner.problem.objective.scores(validation, correct, self._spreads)
        assert self.anchor is not None
        alone, loss = self.anchor
        if has or n in alone.runs:
            stages = has or list(trial.runs)
            difference = self._race.loss(trial, stages) - self._race.loss(alone, stages)
        else:  # after few epochs of the first fold, which the other has passed too
            few = trial.runs[n].epoch
            difference = self._race.loss(trial, [n]) - float(alone.runs[0].curve.validation[:few].min())
        zero_share = float(np.mean([run.zero_share for run in trial.runs.values()]))
        return CandidateScore(
            candidate=trial.candidate,
            batch=batch,
            state="dropped",
            loss=loss + difference,
            epoch=int(np.median(epochs[has])) if has else 0,
            fold_epochs=epochs,
            train_loss=train,
            validation_loss=validation,
            score=score,
            scoring=None,
            zero_share=zero_share,
            epochs_trained=trial.epochs,
            failed="",
            seconds=trial.seconds,
            n_repeats=self._n_repeats,
        )

    def _scoring(
        self, trial: Trial, epochs: NDArray[np.int64], state: TrialState, control: Control
    ) -> list[float] | None:
        """The user's scorer on every fold's validation rows, at the fold's epoch; None if cut off."""
        assert self._scorer is not None
        missing = [
            k
            for k in range(len(self._folds))
            if not np.isfinite(trial.runs[k].scores.get(int(epochs[k]), np.nan))
        ]
        networks = self._runner.networks(
            [trial.job(k) for k in missing], [int(epochs[k]) for k in missing], control
        )
        if networks is None:
            return None
        for k, network in zip(missing, networks, strict=True):
            if not self._scorer.fits(1, control):
                return None
            run, epoch = trial.runs[k], int(epochs[k])
            outputs = self._runner.trainer.outputs(network, self._folds[k].validation)
            trial.runs[k] = replace(run, scores={**run.scores, epoch: self._scorer(k, outputs)})
            if state == "complete":
                self._runner.record(trial.job(k), trial.runs[k])
        return [trial.runs[k].scores[int(epochs[k])] for k in range(len(self._folds))]
