"""The search: baselines first, then what the proposer asks for, until the budget ends; then the networks."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Control, Curve, Data, Engine, Fold, Member, Status, Trained, Training
from taut.errors import TrainingError, TrainingWarning
from taut.network import Activation, Network
from taut.recipe import Recipe
from taut.selection.candidates import BASELINES, Proposer
from taut.selection.folds import seed_of
from taut.selection.score import CandidateScore, failed_score, score_candidate

# The baselines may take this share of a time limit; what they reached by then is what they are.
_BASELINE_SHARE = 0.5
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
        network = Network(fold.encoder.n_features, self.hidden, n_outputs, self.activation)
        seed = seed_of(self.seed, 3, number)
        return Member(network, recipe.hooks(), fold, self.learning_rate, self.batch_size, self.max_epochs, seed)


@final
@dataclass(frozen=True)
class Progress:
    """Where the search stands, for those who show it."""

    done: int
    total: int | None
    best: float
    baseline: float
    best_recipe: Recipe | None
    seconds: float
    seconds_left: float | None


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
        Called after every batch with a Progress.
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

    def run(self) -> SearchResult:
        """Search; on Ctrl+C or at the deadline, finish with the best so far.

        Raises
        ------
        TrainingError
            Where every candidate diverged.
        KeyboardInterrupt
            Where Ctrl+C came before there was anything to finish with.
        """
        self._started = time.monotonic()
        self._run_baselines()
        while not self._over():
            recipes = self.proposer.ask(self.batch_size)
            if not recipes:
                break
            self.proposer.tell(self._try(recipes, self._search_deadline(), keep_partial=False))
        if self._best is None and self._stop.cancelled.is_set():
            raise KeyboardInterrupt
        if self._best is None:
            raise TrainingError(
                "Every candidate diverged (its loss or its weights were no longer finite): lower learning_rate, "
                "or look for extreme values in the target."
            )
        best, trainings = self._best
        networks = self._networks(best, trainings)
        self._curves[best.recipe] = tuple(t.curve for t in trainings)
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
        early = BASELINES[0]
        unlimited = Control(cancelled=self._stop.cancelled)
        first = self.engine.train(self.data, self._members(early), until_epoch=1, control=unlimited)
        if time.monotonic() >= self.deadline:
            warnings.warn(
                "The time limit was over before one epoch of early stopping alone had been trained on every "
                "fold: the network of that epoch is what you get. Give more time.",
                TrainingWarning,
                stacklevel=2,
            )
        until = self._started + (self.deadline - self._started) * _BASELINE_SHARE
        self._try(list(BASELINES), until, keep_partial=True, begun={early: first})

    def _members(self, recipe: Recipe) -> list[Member]:
        return [
            self.settings.member(recipe, fold, i, self.data.n_outputs) for i, fold in enumerate(self.folds)
        ]

    def _over(self) -> bool:
        return self._stop.cancelled.is_set() or time.monotonic() >= self._search_deadline()

    def _search_deadline(self) -> float:
        """The deadline less the time that making the best networks again will take."""
        if self._best is None or self.deadline == math.inf:
            return self.deadline
        best, trainings = self._best
        again = [t.seconds * best.epoch / max(1, t.epoch) for t in trainings]
        return self.deadline - _SPARE * max(max(again), sum(again) / self.engine.threads)

    def _try(
        self,
        recipes: Sequence[Recipe],
        deadline: float,
        *,
        keep_partial: bool,
        begun: dict[Recipe, list[Training]] | None = None,
    ) -> list[CandidateScore]:
        """Train a batch of recipes on all folds, and score them."""
        control = Control(deadline=deadline, cancelled=self._stop.cancelled)
        n = len(self.folds)
        start: list[Member | Training] = []
        for recipe in recipes:
            start += (begun or {}).get(recipe) or self._members(recipe)
        trainings = self.engine.train(self.data, start, control=control)
        groups = [trainings[i * n : (i + 1) * n] for i in range(len(recipes))]
        # Shorter folds go on to the longest one's epoch, so that all have a mean curve.
        goals = [max(t.epoch for t in group) for group in groups for _ in group]
        behind = [i for i, t in enumerate(trainings) if t.epoch < goals[i] and t.status is not Status.DIVERGED]
        if behind and not control.should_stop():
            self.engine.train(
                self.data, [trainings[i] for i in behind], until_epoch=[goals[i] for i in behind], control=control
            )
        scores = []
        for recipe, group in zip(recipes, groups, strict=True):
            score = self._score(recipe, group, keep_partial)
            if score is not None:
                scores.append(score)
                self._take(score, group)
        return scores

    def _score(self, recipe: Recipe, group: list[Training], keep_partial: bool) -> CandidateScore | None:
        """The score of a candidate, or None where it was cut off."""
        seconds = sum(t.seconds for t in group)
        if any(t.status is Status.DIVERGED for t in group):
            return failed_score(recipe, len(group), "diverged", seconds)
        complete = _arrived(group, self.settings)
        if not complete and not (keep_partial and min(t.epoch for t in group) > 0):
            return None
        return score_candidate(
            recipe,
            [t.curve for t in group],
            self._variances(),
            zero_share=float(np.mean([t.trained().zero_share for t in group])),
            complete=complete,
            seconds=seconds,
        )

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
        if not score.failed and math.isfinite(score.loss) and (self._best is None or score.loss < self._best[0].loss):
            self._best = (score, group)
        if self.on_progress:
            self.on_progress(self._progress())

    def _progress(self) -> Progress:
        spent = time.monotonic() - self._started
        done = len(self._scores)
        left: float | None = None
        if self.n_candidates:
            left = spent / done * (self.n_candidates - done)
        if self.deadline < math.inf:
            until = max(0.0, self.deadline - time.monotonic())
            left = until if left is None else min(left, until)
        baseline = next((s.loss for s in self._scores if s.recipe == BASELINES[0]), math.nan)
        best = self._best[0] if self._best else None
        return Progress(
            done, self.n_candidates, best.loss if best else math.nan, baseline, best.recipe if best else None, spent, left
        )

    def _networks(self, best: CandidateScore, trainings: list[Training]) -> list[Trained]:
        """The folds' networks at the chosen epoch; where they are gone, they are trained again up to it."""
        networks: list[Trained | None] = []
        for t in trainings:
            if t.epoch == best.epoch:
                networks.append(t.trained("last"))
            elif t.best_epoch == best.epoch:
                networks.append(t.trained("kept"))
            else:
                networks.append(None)
        missing = [i for i, network in enumerate(networks) if network is None]
        if missing:
            again = self.engine.replay(self.data, [trainings[i] for i in missing], best.epoch)
            for i, t in zip(missing, again, strict=True):
                networks[i] = t.trained("last")
        return [network for network in networks if network is not None]


def _arrived(group: list[Training], settings: Settings) -> bool:
    """Whether the longest fold ended by itself and the others were taken to its epoch."""
    goal = max(t.epoch for t in group)
    by_itself = goal >= settings.max_epochs or any(t.status is Status.STOPPED for t in group)
    return by_itself and all(t.epoch == goal for t in group)


def describe_failures(candidates: Sequence[CandidateScore]) -> str:
    """One sentence naming the candidates that have no score; empty where all have one."""
    failed = [c for c in candidates if c.failed]
    if not failed:
        return ""
    names = "; ".join(f"{c.recipe.describe()} ({c.failed})" for c in failed)
    return f"{len(failed)} of {len(candidates)} candidates have no score: {names}."


__all__: list[Any] = ["Progress", "Search", "SearchResult", "Settings", "describe_failures"]
