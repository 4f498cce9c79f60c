"""A person's network and its alternatives, cross-validated side by side: what a diagnosis goes by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.problem import Fold
from taut.learning.training import Control, Curve, Status
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.folds import out_of_fold, without_shared_rows
from taut.selection.runner import Job, Runner
from taut.selection.runs import FoldRun
from taut.selection.score import choose_epochs
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from taut.techniques.base import Technique

#: "own": as the person has it; "weaker": regularized, or stopped earlier; "stronger": wider, or trained
#: longer; "other": regularized in ways that have no part in the verdict.
Side: TypeAlias = Literal["own", "weaker", "stronger", "other"]

#: Early stopping and nothing else, of a network that has none.
STOPPED = "stopped at its best epoch"
#: The same network for longer.
TWICE_AS_LONG = "trained twice as long"
#: What is tried for want of regularization, each with early stopping: two strengths of dropout and of L2.
DROPOUTS, L2S = (0.2, 0.5), (0.8, 5.0)
#: What else is tried, so that all techniques can be compared.
L1S = (0.3,)
#: What is tried for want of training.
LONGER = 2


@final
@dataclass(frozen=True, eq=False)
class Variant:
    """One way to train, on all folds.

    Parameters
    ----------
    name : str
        Such as "as it is", "stopped at its best epoch", "dropout 0.5".
    side : {"own", "weaker", "stronger", "other"}
    number : int
        By which the runner knows it.
    candidate : Candidate
    epochs : int64 array, shape (n_folds,)
        At which each fold is scored (from 1).
    epoch : int
        The one for all folds.
    curves : tuple of Curve
        One a fold.
    losses : float64 array, shape (n_rows,)
        Out of fold, each row's mean over the folds that hold it out; NaN where none does.
    train_losses, validation_losses, scores : float64 array, shape (n_folds,)
        At ``epochs``; scores are accuracies, and mean nothing for amounts.
    failed : bool
        Whether it diverged on a fold; the figures are then NaN.
    """

    name: str
    side: Side
    number: int
    candidate: Candidate
    epochs: NDArray[np.int64]
    epoch: int
    curves: tuple[Curve, ...]
    losses: NDArray[np.float64]
    train_losses: NDArray[np.float64]
    validation_losses: NDArray[np.float64]
    scores: NDArray[np.float64]
    failed: bool = False


@final
class Variants:
    """Trains and scores them.

    Parameters
    ----------
    trainer : Trainer
        The ``max_epochs`` of its settings is where the person's training ends.
    candidate : Candidate
        The person's.
    control : Control
    on_done : callable, optional
        Called whenever a network has come to its end, from a worker's thread, one call at a time.
    dropouts, l2s : tuple of float
        Strengths to try for want of regularization.

    Attributes
    ----------
    missing : list of str
        Names of the alternatives that the control ended before they were trained on all of their folds.
    """

    def __init__(
        self,
        trainer: Trainer,
        folds: Sequence[Fold],
        candidate: Candidate,
        control: Control,
        on_done: Callable[[], None] | None = None,
        dropouts: tuple[float, ...] = DROPOUTS,
        l2s: tuple[float, ...] = L2S,
    ) -> None:
        self.missing: list[str] = []
        self._dropouts, self._l2s = dropouts, l2s
        self._problem, self._folds, self._control = trainer.problem, tuple(folds), control
        settings = trainer.settings
        self._candidate, self._max_epochs = candidate, settings.max_epochs
        # So that training longer goes on where the person's ended.
        longer = replace(settings, max_epochs=LONGER * settings.max_epochs)
        longer_trainer = replace(trainer, settings=longer)
        self.runner = Runner(longer_trainer, Stages(self._folds), most_losses=sys.maxsize)
        self._others = without_shared_rows(self._folds, len(self._problem))
        self._on_done = on_done
        self._number = 0
        self._own: list[FoldRun] = []

    @property
    def _is_early(self) -> bool:
        return self._candidate.recipe.hooks().patience is not None

    def own(self) -> list[Variant]:
        """The network as it is; and where it does not stop early, as if it did.

        Raises
        ------
        KeyboardInterrupt
            Where the control ended that.
        """
        (runs,) = self._train([self._candidate], len(self._folds))
        if runs is None:
            raise KeyboardInterrupt
        self._own = runs
        found = [self._variant("as it is", "own", self._candidate, 0, runs, early=self._is_early)]
        if not self._is_early:
            stopped = replace(self._candidate, recipe=self._candidate.recipe.with_(EarlyStopping()))
            found.append(self._variant(STOPPED, "weaker", stopped, 0, runs, early=True))
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            raise KeyboardInterrupt
        return known

    def weaker(self) -> list[Variant]:
        """With dropout, and with L2, at two strengths each, and early stopping."""
        return self._added("weaker", self._weaker)

    def others(self) -> list[Variant]:
        """With L1, and with batch norm, and early stopping."""
        return self._added("other", self._others_to_add)

    @property
    def n_networks(self) -> int:
        """How many networks all variants train; a longer training goes on with one that was there."""
        return len(self._folds) * (2 + len(self._weaker) + len(self._others_to_add))

    @property
    def _weaker(self) -> list[Technique]:
        recipe = self._candidate.recipe
        rates = self._dropouts if self._supports(Dropout) else ()
        dropouts = [Dropout(rate) for rate in rates if rate > _strength(recipe, Dropout)]
        strengths = self._l2s if self._supports(L2) else ()
        return [*dropouts, *(L2(strength) for strength in strengths if strength > _strength(recipe, L2))]

    @property
    def _others_to_add(self) -> list[Technique]:
        recipe = self._candidate.recipe
        kinds: list[Technique] = []
        if self._supports(L1) and recipe.get(L1) is None:
            kinds += [L1(strength) for strength in L1S]
        if self._supports(BatchNorm) and recipe.get(BatchNorm) is None:
            kinds.append(BatchNorm())
        return kinds

    def _supports(self, kind: type[Technique]) -> bool:
        return self._candidate.architecture.supports(kind, self._problem.objective) is None

    def _added(self, side: Side, techniques: Sequence[Technique]) -> list[Variant]:
        """The person's recipe with one technique more, and early stopping."""
        recipe = self._candidate.recipe
        early = recipe if self._is_early else recipe.with_(EarlyStopping())
        candidates = [replace(self._candidate, recipe=early.with_(one)) for one in techniques]
        n = len(self._folds)
        return self._tried([one.label for one in techniques], side, candidates, n, early=True)

    def stronger(self, n_folds: int | None = None, *, longer: bool = True) -> list[Variant]:
        """Twice as wide; and trained twice as long.

        Parameters
        ----------
        n_folds : int, optional
            Of the folds, from the first on; all of them without it.
        longer : bool
            Whether to train longer.
        """
        n_folds = len(self._folds) if n_folds is None else n_folds
        found: list[Variant] = []
        wider = self._candidate.architecture.wider()
        if wider is not None:
            wide = replace(self._candidate, architecture=wider.architecture)
            found = self._tried([wider.name], "stronger", [wide], n_folds, early=self._is_early)
        if self._is_early or not longer:
            return found
        jobs = self._jobs(self._candidate, 0, n_folds)
        goal = LONGER * self._max_epochs
        runs = self.runner.further(jobs, self._own[:n_folds], [goal] * n_folds, self._control)
        candidate = self._candidate
        variant: Variant | None = None
        if runs is not None and any(run.epoch < goal for run in runs):  # it diverged on the way
            variant = self._failed(TWICE_AS_LONG, "stronger", candidate, 0, runs)
        elif runs is not None:
            variant = self._variant(TWICE_AS_LONG, "stronger", candidate, 0, runs, early=False)
        if variant is None:
            self.missing.append(TWICE_AS_LONG)
        return found if variant is None else [*found, variant]

    def job(self, variant: Variant, fold: int = 0) -> Job:
        """A variant's training on one fold."""
        return Job(variant.number, variant.candidate, fold)

    def outputs(self, variant: Variant) -> NDArray[np.float64]:
        """Out-of-fold outputs of a variant, mean over the folds that hold a row out; NaN where none does.

        Returns
        -------
        float64 array, shape (n_rows, n_outputs)
            Logits, or values in the engine's units; all NaN where there was no time for them.
        """
        jobs = self._jobs(variant.candidate, variant.number, len(self._folds))
        networks = self.runner.networks(jobs, variant.epochs.tolist(), self._control)
        n = len(self._problem)
        if networks is None:
            return np.full((n, self._problem.objective.n_outputs), np.nan)
        outputs = [
            self.runner.trainer.outputs(network, fold.validation)
            for fold, network in zip(self._folds, networks, strict=True)
        ]
        return out_of_fold(self._folds, outputs, n)

    def _tried(
        self, names: Sequence[str], side: Side, candidates: Sequence[Candidate], n_folds: int, *, early: bool
    ) -> list[Variant]:
        first, found = self._number, []
        groups = self._train(candidates, n_folds)
        for i, (name, candidate, runs) in enumerate(zip(names, candidates, groups, strict=True)):
            variant = (
                None if runs is None else self._variant(name, side, candidate, first + i, runs, early=early)
            )
            if variant is None:
                self.missing.append(name)
            else:
                found.append(variant)
        return found

    def _jobs(self, candidate: Candidate, number: int, n_folds: int) -> list[Job]:
        return [Job(number, candidate, k) for k in range(n_folds)]

    def _train(self, candidates: Sequence[Candidate], n_folds: int) -> list[list[FoldRun] | None]:
        """Some folds of these candidates, to where the person's training ends or to their own stop.

        None for each that the control ended before all of its folds were there.
        """
        jobs = [job for i, one in enumerate(candidates) for job in self._jobs(one, self._number + i, n_folds)]
        self._number += len(candidates)
        found = self.runner.first(jobs, self._control, self._count, until_epoch=self._max_epochs)
        groups: list[list[FoldRun] | None] = []
        for i in range(len(candidates)):
            group = [run for run in found[i * n_folds : (i + 1) * n_folds] if run is not None]
            groups.append(group if len(group) == n_folds else None)
        return groups

    def _count(self, _: Job) -> None:
        if self._on_done:
            self._on_done()

    def _variant(
        self, name: str, side: Side, candidate: Candidate, number: int, runs: list[FoldRun], *, early: bool
    ) -> Variant | None:
        """None where the control ended it."""
        if any(run.status is Status.DIVERGED for run in runs):
            return self._failed(name, side, candidate, number, runs)
        n = len(runs)
        jobs = self._jobs(candidate, number, n)
        if early:  # shorter folds go on to the longest one's epoch, so that all have a mean curve
            longest = max(run.epoch for run in runs)
            longer = self.runner.further(jobs, runs, [longest] * len(jobs), self._control)
            if longer is None:
                return None
            if any(run.epoch < longest for run in longer):
                return self._failed(name, side, candidate, number, longer)
            runs = longer
        n_epochs = min(run.epoch for run in runs)
        validation = np.stack([run.curve.validation[:n_epochs] for run in runs])
        others = None if self._others is None else self._others[:n, :n]
        kept, at = choose_epochs(validation, early, others)
        known = self.runner.with_losses(jobs, runs, (at + 1).tolist(), self._control)
        if known is None:
            return None
        losses = out_of_fold(
            self._folds[:n],
            [run.losses[int(epoch) + 1] for run, epoch in zip(known, at, strict=True)],
            len(self._problem),
        )
        each = np.arange(len(runs))
        return Variant(
            name=name,
            side=side,
            number=number,
            candidate=candidate,
            epochs=at + 1,
            epoch=kept + 1,
            curves=tuple(run.curve for run in runs),
            losses=losses,
            train_losses=np.stack([run.curve.train[:n_epochs] for run in runs])[each, at],
            validation_losses=validation[each, at],
            scores=np.stack([run.curve.correct[:n_epochs] for run in runs])[each, at],
        )

    def _failed(
        self, name: str, side: Side, candidate: Candidate, number: int, runs: Sequence[FoldRun]
    ) -> Variant:
        nothing = np.full(len(runs), np.nan)
        return Variant(
            name=name,
            side=side,
            number=number,
            candidate=candidate,
            epochs=np.zeros(len(runs), dtype=np.int64),
            epoch=0,
            curves=tuple(run.curve for run in runs),
            losses=np.full(len(self._problem), np.nan),
            train_losses=nothing,
            validation_losses=nothing,
            scores=nothing,
            failed=True,
        )


def _strength(recipe: Recipe, kind: type[Dropout] | type[L2]) -> float:
    technique = recipe.get(kind)
    return 0.0 if technique is None else technique.strength
