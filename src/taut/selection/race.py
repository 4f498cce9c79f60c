"""A race over folds: every candidate of a batch trains one fold, and those without a chance train no more.

Over folds and not over epochs, because early epochs rank strong dropout and fresh batch norm last, and those
are what a search is for: on a fold each trains to its own stopping.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Control, Status
from taut.selection.bootstrap import probability_better
from taut.selection.candidate import EARLY_STOPPING_ALONE, Candidate
from taut.selection.promise import further_fall
from taut.selection.runner import Job, Runner
from taut.selection.runs import RACED, FoldRun
from taut.selection.space import SEARCHED, is_single
from taut.streams import Stream, seed_of
from taut.techniques.base import Technique


@final
@dataclass
class Trial:
    """A candidate in the race.

    Parameters
    ----------
    number : int
        Its index among all candidates.
    candidate : Candidate
    runs : dict
        By stage its results.
    ended : str
        Why it is out of the race: "dropped", "failed", "cut off", or empty.
    """

    number: int
    candidate: Candidate
    runs: dict[int, FoldRun] = field(default_factory=dict)
    ended: str = ""

    def job(self, stage: int) -> Job:
        """Its training on one stage."""
        return Job(self.number, self.candidate, stage)

    @property
    def seconds(self) -> float:
        """Threads' time, all stages together."""
        return sum(run.seconds for run in self.runs.values())

    @property
    def epochs(self) -> int:
        """Epochs, all stages together."""
        return sum(run.epoch for run in self.runs.values())


@final
@dataclass(frozen=True)
class Rule:
    """Which trials continue to the next round.

    Parameters
    ----------
    chance : float
        A trial whose probability of being better than the leader is below this is dropped.
    share, again : float
        At most this share of a batch continues from the first round; from every later one, this part of those
        that might have.
    few_epochs_share : float
        In place of ``share`` where the first round is one of few epochs, which costs little.

    Notes
    -----
    The numbers are from full searches on other seeds and tables than those that test them
    (benchmarks/README.md, "Racing").
    """

    chance: float = 0.1
    share: float = 0.4
    again: float = 0.5
    few_epochs_share: float = 0.25


#: No trial is dropped: for comparisons.
NO_CUTS = Rule(0.0, 1.0, 1.0, 1.0)


@final
class Race:
    """Races batches of candidates against the leader.

    Parameters
    ----------
    runner : Runner
    rule : Rule
    """

    def __init__(self, runner: Runner, rule: Rule) -> None:
        self._runner, self._rule = runner, rule
        problem = runner.problem
        self._weights: list[NDArray[np.floating] | None] = [
            None if problem.score_weight is None else problem.score_weight[fold.validation]
            for fold in runner.stages.all
        ]

    def run(
        self,
        trials: Sequence[Trial],
        leader: Trial | None,
        control: Control,
        on_done: Callable[[Job], None] | None = None,
        *,
        begin: int = 0,
        n_first: int = 1,
        keep_singles: bool = False,
    ) -> None:
        """Train the trials stage by stage; each ends with all stages, or with the reason why not.

        Parameters
        ----------
        leader : Trial or None
            Without one no trial is dropped.
        begin, n_first : int
            See :meth:`Stages.rounds`.
        keep_singles : bool
            Let the best of those with one technique alone have all folds whatever happens, so that
            techniques can be compared; and early stopping alone at whatever learning rate.
        """
        going = list(trials)
        rounds = self._runner.stages.rounds(begin, n_first)
        for index, together in enumerate(rounds):
            jobs = [trial.job(stage) for trial in going for stage in together]
            runs = iter(self._runner.first(jobs, control, on_done))
            for trial in going:
                for stage in together:
                    run = next(runs)
                    if run is None:
                        trial.ended = trial.ended or "cut off"
                    else:
                        trial.runs[stage] = run
                        if run.status is Status.DIVERGED:
                            trial.ended = "failed"
            going = [trial for trial in going if not trial.ended]
            self._forget_the_ended(trials)
            if index + 1 < len(rounds) and going and leader is not None:
                most = self._most(len(trials), index)
                if index == 0 and self._runner.stages.few_epochs:
                    going = self._promising(going, most)
                else:
                    kept = self._best_singles(going) if keep_singles else set()
                    going = self._survivors(going, leader, index, most, kept)
                self._forget_the_ended(trials)

    def expected(self, n: int, *, begin: int = 0, n_first: int = 1, keep_singles: bool = False) -> float:
        """How many trainings a batch of ``n`` takes if as many continue as may; see :meth:`run`."""
        first, *rest = self._runner.stages.rounds(begin, n_first)
        size = self._runner.stages.size
        total = n * sum(map(size, first))
        for index, together in enumerate(rest):
            most = self._most(n, index)
            most += len(SEARCHED) + 1 if keep_singles else 0
            total += min(n, most) * sum(map(size, together))
        return total

    def _most(self, n: int, index: int) -> int:
        """How many of ``n`` may continue from a round."""
        few_epochs = self._runner.stages.few_epochs
        share = self._rule.few_epochs_share if few_epochs else self._rule.share
        return max(1, math.ceil(share * self._rule.again**index * n))

    def _forget_the_ended(self, trials: Sequence[Trial]) -> None:
        """Free their trainings, which hold the rows' losses of all epochs and are not continued."""
        self._runner.forget([trial.number for trial in trials if trial.ended])

    def loss(self, trial: Trial, stages: Iterable[int]) -> float:
        """Weighted mean over the rows of these stages of the losses by which a trial races."""
        losses, weights = self._rows(trial, stages)
        return float(np.average(losses, weights=weights))

    def _rows(
        self, trial: Trial, stages: Iterable[int]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating] | None]:
        stages = list(stages)
        losses = np.concatenate([race_losses(trial.runs[stage]) for stage in stages]).astype(np.float64)
        weights = [weight for stage in stages if (weight := self._weights[stage]) is not None]
        return losses, np.concatenate(weights) if weights else None

    def promise(self, trial: Trial) -> float:
        """Its loss after few epochs, less what its curve may still fall."""
        (stage,) = trial.runs
        goal = self._runner.trainer.settings.max_epochs
        return self.loss(trial, [stage]) - further_fall(trial.runs[stage].curve.validation, goal)

    def _promising(self, going: list[Trial], most: int) -> list[Trial]:
        """Those that continue after few epochs: there the leader is no measure, and the best continue."""
        ranked = sorted(going, key=lambda trial: (self.promise(trial), trial.number))
        for trial in ranked[most:]:
            trial.ended = "dropped"
        return ranked[:most]

    def _survivors(
        self, going: list[Trial], leader: Trial, index: int, most: int, kept: set[int]
    ) -> list[Trial]:
        """Those that continue, the best first, ``most`` beside those kept; the others are dropped."""
        stages = self._comparable(going[0])
        theirs, weights = self._rows(leader, stages)
        ranked = sorted(going, key=lambda trial: (self.loss(trial, stages), trial.number))
        seed = seed_of(self._runner.trainer.settings.seed, Stream.RACE, index)
        out: list[Trial] = []
        for trial in ranked:
            enough = len([one for one in out if one.number not in kept]) >= most
            if trial.number not in kept:
                own, _ = self._rows(trial, stages)
                if enough or probability_better(own - theirs, weights, seed) < self._rule.chance:
                    trial.ended = "dropped"
                    continue
            out.append(trial)
        return out

    def _comparable(self, trial: Trial) -> list[int]:
        """The folds that a trial has, or its low-fidelity stage if it has no fold yet."""
        n = len(self._runner.stages.folds)
        return [stage for stage in trial.runs if stage < n] or list(trial.runs)

    def _best_singles(self, going: Sequence[Trial]) -> set[int]:
        """Numbers of the best trial of each technique alone, and of all with early stopping alone."""
        best: dict[type[Technique], tuple[float, int]] = {}
        for trial in going:
            kind = is_single(trial.candidate.recipe)
            if kind is not None:
                key = (self.loss(trial, self._comparable(trial)), trial.number)
                best[kind] = min(best.get(kind, key), key)
        alone = {trial.number for trial in going if trial.candidate.recipe == EARLY_STOPPING_ALONE}
        return alone | {number for _, number in best.values()}


def race_losses(run: FoldRun) -> NDArray[np.float32]:
    """The rows' losses by which a run races."""
    return run.losses[RACED]
