"""The search: baselines first, then what the proposer asks for, until the budget ends; then the networks."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Control, Curve, Data, Engine, Fold, Member, Status, Trained, Training
from taut.errors import TrainingError, TrainingWarning
from taut.network import Activation, Network
from taut.recipe import Recipe
from taut.selection import baselines
from taut.selection.candidates import BASELINES, Proposer
from taut.selection.folds import seed_of, without_shared_rows
from taut.selection.interrupts import Interrupts
from taut.selection.score import CandidateScore, failed_score, score_candidate

# The baselines may take this share of a time limit (making their networks again takes no longer); what they
# reached by then is what they are.
_BASELINES_SHARE = 0.5
# Room that is kept for making the chosen networks again, on top of the estimate.
_SPARE = 1.25


@final
@dataclass(frozen=True)
class Settings:
    """What all candidates have in common."""

    hidden: tuple[int, ...]
    activation: Activation
    learning_rate: float
    batch_size: int
    max_epochs: int
    seed: int

    def member(self, recipe: Recipe, fold: Fold, number: int, n_outputs: int) -> Member:
        """The network of one recipe on one fold.

        Its seed depends on the fold only: all recipes start from the same weights and see the rows in the
        same order, so that their differences are the recipes'.
        """
        # A fold whose columns are all constant leaves no feature: its network sees one that is 0.
        network = Network(max(1, fold.encoder.n_features), self.hidden, n_outputs, self.activation)
        seed = seed_of(self.seed, 3, number)
        return Member(
            network, recipe.hooks(), fold, self.learning_rate, self.batch_size, self.max_epochs, seed
        )


@final
@dataclass(frozen=True)
class Progress:
    """Where the search stands, for those who show it.

    Parameters
    ----------
    done : int
        Candidates whose networks have been trained.
    total : int or None
        Candidates in all, where their number is limited.
    best, baseline : float
        Validation loss of the best so far and of early stopping alone; NaN before there is one.
    best_recipe : Recipe or None
    seconds : float
        Since the search began.
    seconds_left : float or None
    finishing : bool
        Whether nothing new is tried any more, and the chosen networks are being made.
    """

    done: int
    total: int | None
    best: float
    baseline: float
    best_recipe: Recipe | None
    seconds: float
    seconds_left: float | None
    finishing: bool = False

    def in_units(self, factor: float) -> Progress:
        """The same with losses in other units: multiplied by ``factor``."""
        return replace(self, best=self.best * factor, baseline=self.baseline * factor)


@final
@dataclass(frozen=True, eq=False)
class SearchResult:
    """All candidates, the chosen one, and its networks (one per fold)."""

    candidates: tuple[CandidateScore, ...]
    best: CandidateScore
    networks: tuple[Trained, ...]
    curves: dict[Recipe, tuple[Curve, ...]]  # of the baselines and the chosen recipe, one per fold
    interrupted: bool
    seconds: float

    def of(self, recipe: Recipe) -> CandidateScore | None:
        """The score of one recipe, if it was tried."""
        return next((c for c in self.candidates if c.recipe == recipe), None)


@final
@dataclass(eq=False)
class Search:
    """One search over recipes on given folds.

    Parameters
    ----------
    engine : Engine
    data : Data
    folds : sequence of Fold
        Each with rows held out.
    settings : Settings
    proposer : Proposer
    n_candidates : int or None
        For the progress only; the proposer decides.
    deadline : float
        On ``time.monotonic``'s clock.
    on_progress : callable, optional
        Called with a Progress whenever a candidate's networks have been trained (then from a worker's thread,
        one call at a time) and after every batch.
    """

    engine: Engine
    data: Data
    folds: Sequence[Fold]
    settings: Settings
    proposer: Proposer
    n_candidates: int | None = None
    deadline: float = math.inf
    batch_size: int = 8
    on_progress: Callable[[Progress], None] | None = None
    _scores: list[CandidateScore] = field(default_factory=list, init=False)
    _best: tuple[CandidateScore, list[Training]] | None = field(default=None, init=False)
    _curves: dict[Recipe, tuple[Curve, ...]] = field(default_factory=dict, init=False)
    _stop: Control = field(default_factory=Control, init=False)
    _started: float = field(default=0.0, init=False)
    _cut_short: bool = field(default=False, init=False)
    _others: NDArray[np.bool_] | None = field(default=None, init=False)  # see without_shared_rows
    _arrived: int = field(default=0, init=False)  # candidates of the running batch whose networks are trained

    def run(self) -> SearchResult:
        """Search; on Ctrl+C or at the deadline, finish with the best so far.  A second Ctrl+C ends at once.

        Raises
        ------
        TrainingError
            Where every candidate diverged.
        KeyboardInterrupt
            Where Ctrl+C came before there was anything to finish with, or twice.
        """
        with Interrupts(self._stop.cancelled) as interrupts:
            return self._run(interrupts)

    def _run(self, interrupts: Interrupts) -> SearchResult:
        self._started = time.monotonic()
        self._others = without_shared_rows(self.folds, len(self.data.values))
        self._run_baselines()
        while not self._over():
            recipes = self.proposer.ask(self.batch_size)
            if not recipes:
                break
            self.proposer.tell(self._try(recipes, self._search_deadline()))
        if interrupts.count > 1 or (self._best is None and self._stop.cancelled.is_set()):
            raise KeyboardInterrupt
        if self._best is None:
            raise TrainingError(
                "Every candidate diverged (its loss or weights were no longer finite): lower learning_rate, "
                "or look for extreme values in the target."
            )
        best, trainings = self._best
        self._tell(finishing=True)
        networks = self._networks(best, trainings)
        self._curves.setdefault(best.recipe, tuple(t.curve for t in trainings))
        return SearchResult(
            candidates=tuple(self._scores),
            best=best,
            networks=tuple(networks),
            curves=self._curves,
            interrupted=self._stop.cancelled.is_set(),
            seconds=time.monotonic() - self._started,
        )

    def _run_baselines(self) -> None:
        """No regularization and early stopping alone; at least one epoch of the latter always finishes."""
        early, none = BASELINES
        unlimited = Control(cancelled=self._stop.cancelled)
        first = baselines.first_epoch(self.engine, self.data, self._members(early), unlimited)
        if any(t.status is Status.DIVERGED for t in first):
            for recipe in BASELINES:  # both are failures then, and told as such
                self._judge(recipe, first, keep_partial=True)
            return
        if min(t.epoch for t in first) == 0:
            return  # interrupted
        if time.monotonic() >= self.deadline:
            warnings.warn(
                "The time limit was over before one epoch of early stopping alone had been trained on every "
                "fold: the network of that epoch is what you get. Give more time.",
                TrainingWarning,
                stacklevel=2,
            )
        shared = (self.engine, self.data, first, self.settings.max_epochs)
        limited = self._within(_BASELINES_SHARE)
        baselines.to_own_stop(*shared, limited)
        alone = self._judge(early, first, keep_partial=True)
        # Where early stopping alone has no time to finish, no other candidate has.
        self._cut_short = alone is not None and not alone.complete
        if not self._cut_short:
            baselines.to_the_end(*shared, limited)
        self._judge(none, first, keep_partial=True)

    def _within(self, share: float) -> Control:
        """A control that ends at this share of the time limit."""
        deadline = self._started + (self.deadline - self._started) * share
        return Control(deadline=deadline, cancelled=self._stop.cancelled)

    def _members(self, recipe: Recipe) -> list[Member]:
        return [
            self.settings.member(recipe, fold, i, self.data.n_outputs) for i, fold in enumerate(self.folds)
        ]

    def _over(self) -> bool:
        if self._cut_short or self._stop.cancelled.is_set():
            return True
        return time.monotonic() >= self._search_deadline()

    def _search_deadline(self) -> float:
        """The deadline less the time that making the best networks again will take."""
        if self._best is None or self.deadline == math.inf:
            return self.deadline
        best, trainings = self._best
        again = [t.seconds * best.epoch / max(1, t.epoch) for t in trainings]
        return self.deadline - _SPARE * max(max(again), sum(again) / self.engine.threads)

    def _try(self, recipes: Sequence[Recipe], deadline: float) -> list[CandidateScore]:
        """Train a batch of recipes on all folds, and score them."""
        n = len(self.folds)
        missing = [n] * len(recipes)

        def arrived(index: int) -> None:
            missing[index // n] -= 1
            if not missing[index // n]:
                self._arrived += 1
                self._tell()

        control = Control(deadline=deadline, cancelled=self._stop.cancelled)
        members = [member for recipe in recipes for member in self._members(recipe)]
        trainings = self.engine.train(self.data, members, control=replace(control, on_done=arrived))
        groups = [trainings[i * n : (i + 1) * n] for i in range(len(recipes))]
        # Shorter folds go on to the longest one's epoch, so that all have a mean curve.
        goals = [max(t.epoch for t in group) for group in groups for _ in group]
        behind = [
            i for i, t in enumerate(trainings) if t.epoch < goals[i] and t.status is not Status.DIVERGED
        ]
        if behind and not control.should_stop():
            self.engine.train(
                self.data,
                [trainings[i] for i in behind],
                until_epoch=[goals[i] for i in behind],
                control=control,
            )
        scores = []
        for i, (recipe, group) in enumerate(zip(recipes, groups, strict=True)):
            self._arrived -= not missing[i]  # from now on its score counts
            scores.append(self._judge(recipe, group, keep_partial=False))
        return [score for score in scores if score is not None]

    def _judge(self, recipe: Recipe, group: list[Training], *, keep_partial: bool) -> CandidateScore | None:
        """Score a candidate and take it in; None where it was cut off and does not count."""
        score = self._score(recipe, group, keep_partial)
        if score is not None:
            self._take(score, group)
            self._tell()
        return score

    def _score(self, recipe: Recipe, group: list[Training], keep_partial: bool) -> CandidateScore | None:
        """The score of a candidate, or None where it was cut off."""
        seconds = sum(t.seconds for t in group)
        if any(t.status is Status.DIVERGED for t in group):
            return failed_score(recipe, len(group), "diverged", seconds)
        complete = _arrived(recipe, group, self.settings)
        # Folds that all ended by themselves are scored as far as they go together.
        keep_partial = keep_partial or all(_ended(recipe, t, self.settings) for t in group)
        if not complete and not (keep_partial and min(t.epoch for t in group) > 0):
            return None
        return score_candidate(
            recipe,
            [t.curve for t in group],
            self._variances,
            others=self._others,
            zero_share=float(np.mean([t.trained().zero_share for t in group])),
            complete=complete,
            seconds=seconds,
        )

    @cached_property
    def _variances(self) -> NDArray[np.float64] | None:
        """Weighted variance of each fold's held-out target; None for classes."""
        if self.data.task == "classification":
            return None
        out = []
        for fold in self.folds:
            y = self.data.target[fold.validation].astype(np.float64)
            weight = None if self.data.score_weight is None else self.data.score_weight[fold.validation]
            out.append(np.average((y - np.average(y, weights=weight)) ** 2, weights=weight))
        return np.array(out)

    def _take(self, score: CandidateScore, group: list[Training]) -> None:
        """Note a score; keep the curves of the baselines, and the networks of the best."""
        self._scores.append(score)
        if score.recipe in BASELINES:
            self._curves[score.recipe] = tuple(t.curve for t in group)
        if (
            not score.failed
            and math.isfinite(score.loss)
            and (self._best is None or score.loss < self._best[0].loss)
        ):
            self._best = (score, group)

    def _tell(self, *, finishing: bool = False) -> None:
        if self.on_progress:
            self.on_progress(replace(self._progress(), finishing=finishing))

    def _progress(self) -> Progress:
        spent = time.monotonic() - self._started
        done = len(self._scores) + self._arrived
        left: float | None = None
        if self.n_candidates and done:
            left = spent / done * (self.n_candidates - done)
        if self.deadline < math.inf:
            until = max(0.0, self.deadline - time.monotonic())
            left = until if left is None else min(left, until)
        baseline = next((s.loss for s in self._scores if s.recipe == BASELINES[0]), math.nan)
        best = self._best[0] if self._best else None
        return Progress(
            done,
            self.n_candidates,
            best.loss if best else math.nan,
            baseline,
            best.recipe if best else None,
            spent,
            left,
        )

    def _networks(self, best: CandidateScore, trainings: list[Training]) -> list[Trained]:
        """The folds' networks at the chosen epoch; where they are gone, they are trained again up to it."""
        networks: list[Trained | None] = []
        for t in trainings:
            # A baseline may have been cut off within an epoch: its last weights are those of no epoch then.
            whole = best.recipe not in BASELINES or t.epoch == self.settings.max_epochs
            if t.epoch == best.epoch and whole:
                networks.append(t.trained("last"))
            elif t.best_epoch == best.epoch:
                networks.append(t.trained("kept"))
            else:
                networks.append(None)
        missing = [i for i, network in enumerate(networks) if network is None]
        if missing:
            again = self.engine.replay(self.data, [trainings[i] for i in missing], best.epoch)
            for i, t in zip(missing, again, strict=True):
                if t.epoch < best.epoch:  # Ctrl+C, which the engine reports by coming back early
                    raise KeyboardInterrupt
                networks[i] = t.trained("last")
        return [network for network in networks if network is not None]


def _arrived(recipe: Recipe, group: list[Training], settings: Settings) -> bool:
    """Whether all folds are where the longest one ended by itself."""
    goal = max(t.epoch for t in group)
    return all(t.epoch == goal for t in group) and any(_ended(recipe, t, settings) for t in group)


def _ended(recipe: Recipe, training: Training, settings: Settings) -> bool:
    """Whether a fold's patience, or the last epoch, ended it."""
    if training.epoch >= settings.max_epochs:
        return True
    return recipe.hooks().patience is not None and training.status is Status.STOPPED


def describe_failures(candidates: Sequence[CandidateScore]) -> str:
    """One sentence naming the candidates that have no score; empty where all have one."""
    failed = [c for c in candidates if c.failed]
    if not failed:
        return ""
    names = "; ".join(f"{c.recipe.describe()} ({c.failed})" for c in failed)
    return f"{len(failed)} of {len(candidates)} candidates have no score: {names}."
