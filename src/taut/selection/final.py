"""The networks that a search returns: those of the folds, or several trained on all rows."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, final

from taut.errors import TrainingWarning
from taut.learning.problem import Fold
from taut.learning.training import Control, Fitted, Member, Status
from taut.selection.race import Trial
from taut.selection.runner import Runner
from taut.streams import Stream, seed_of

Final: TypeAlias = Literal["bag", "refit"]

#: Networks that "refit" trains, each from another seed.
N_REFIT = 5
#: Folds of which half the rows train the chosen candidate too.
N_HALVES = 2
#: Networks that are averaged for a row that none of them has seen, for the estimate of an average.
N_BAGGED = 3


@final
@dataclass(frozen=True, eq=False)
class Finish:
    """How the chosen candidate's networks are made.

    Parameters
    ----------
    kind : {"bag", "refit"}
        The folds' networks, or ``n_networks`` trained on all rows to the chosen epoch.
    everyone : Fold or None
        All rows train and none is held out; for "refit".
    n_networks : int
        That "refit" trains.
    in_time : bool
        Whether a time limit ends that; the folds' networks are returned then.
    halves : bool
        Whether the chosen candidate is trained on half of the rows of ``N_HALVES`` folds afterwards, for its
        estimate: time is kept for that.
    average_seconds : float
        Where two more networks of a fold, by which the estimate knows what averaging brings, take at most so
        long, time is kept for them.
    keep_networks : bool
        Whether trainings keep the networks of their last epochs, so that none has to be trained again.
    """

    kind: Final = "bag"
    everyone: Fold | None = None
    n_networks: int = N_REFIT
    in_time: bool = True
    halves: bool = False
    average_seconds: float = 0.0
    keep_networks: bool = False

    def networks(
        self, runner: Runner, trial: Trial, epoch: int, control: Control | None = None
    ) -> tuple[list[Fitted], bool]:
        """Make them; if the control's time ends first, return those that exist already.

        Returns
        -------
        networks : list of Fitted
        are_of_folds : bool
            Whether each was trained on the training rows of its fold.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl+C came meanwhile.

        Warns
        -----
        TrainingWarning
            If other networks than requested are returned.
        """
        if self.everyone is not None:
            late = control if self.in_time or control is None else replace(control, deadline=math.inf)
            made = self._on_all_rows(runner, trial, epoch, late)
            if made is not None:
                return made, False
        jobs = [trial.job(k) for k in range(len(runner.stages.folds))]
        made = runner.networks(jobs, [epoch] * len(jobs), control)
        if made is None:
            _raise_after_ctrl_c(control)
            made = runner.kept_networks(jobs)
            if made is not None:
                _warn(f"No time was left for epoch {epoch}: the folds' networks of their own best epochs")
        if made is None:  # nothing else is there
            made = runner.networks(jobs, [epoch] * len(jobs))
        if made is None:  # no time limit ended that
            raise KeyboardInterrupt
        return made, True

    def _on_all_rows(
        self, runner: Runner, trial: Trial, epoch: int, control: Control | None
    ) -> list[Fitted] | None:
        members = self._members(runner, trial)
        if runner.trainer.affordable(members) < len(members):
            _warn('No memory was left for final="refit": the folds\' own')
            return None
        trainings = runner.trainer.train(members, until_epoch=epoch, control=control)
        if any(training.status is Status.DIVERGED for training in trainings):
            _warn('With final="refit" a network diverged on all rows: the folds\' own')
            return None
        if any(training.epoch < epoch for training in trainings):
            _raise_after_ctrl_c(control)
            _warn('No time was left for final="refit": the folds\' own')
            return None
        return [training.fitted("last") for training in trainings]

    def seconds(self, runner: Runner, trial: Trial, epoch: int) -> float:
        """Roughly how long that will take."""
        folds = runner.stages.folds
        each = [trial.runs[k].seconds * epoch / max(1, trial.runs[k].epoch) for k in range(len(folds))]
        others = each[0] * math.ceil((N_BAGGED - 1) / runner.trainer.engine.threads)
        if self.everyone is not None:
            rows = len(self.everyone.train) / max(1, len(folds[0].train))
            each = [max(each) * rows] * self.n_networks
        elif self.keep_networks:  # as the next leader's will be
            there = [runner.network(trial.job(k), epoch) is not None for k in range(len(folds))]
            each = [0.0 if known else seconds for known, seconds in zip(there, each, strict=True)]
        threads = runner.trainer.engine.threads
        more = 0.0
        if self.halves:
            longest = max(trial.runs[k].seconds for k in range(len(folds)))
            more = longest / 2 * math.ceil(N_HALVES / threads)
        if others <= self.average_seconds:
            more += others
        return max(max(each), sum(each) / threads) + more

    def _members(self, runner: Runner, trial: Trial) -> list[Member]:
        assert self.everyone is not None
        trainer, seed = runner.trainer, runner.trainer.settings.seed
        return [
            trainer.member(trial.candidate, self.everyone, 0, seed_of(seed, Stream.REFIT, i))
            for i in range(self.n_networks)
        ]


def _raise_after_ctrl_c(control: Control | None) -> None:
    """Raise if Ctrl+C came: engines report it by returning early, with the control's flag set."""
    if control is not None and control.cancelled.is_set():
        raise KeyboardInterrupt


def _warn(instead: str) -> None:
    warnings.warn(f"{instead} are handed over.", TrainingWarning, stacklevel=4)
