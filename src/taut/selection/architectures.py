"""The architecture is chosen before the recipes, so that no technique is credited with what it brings.

Each is trained with early stopping alone and with one mixture, since what has more inputs may need more
regularization, on the first folds or, where rows are many, on some of them; to the end, since what learns
faster leads after few epochs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np

from taut.learning.architecture import Architecture
from taut.learning.problem import Fold
from taut.learning.training import Control, Member, Status, Training
from taut.selection.candidate import Candidate
from taut.selection.promise import further_fall
from taut.selection.runner import Job, Runner
from taut.selection.runs import FoldRun
from taut.selection.space import Space
from taut.selection.stages import Stages
from taut.selection.trainer import Trainer
from taut.selection.trial_store import TrialStore

# Folds are taken until so many rows are held out: with fewer, chance decides.
_ENOUGH_ROWS = 2000
# Another than the first is chosen where its loss is below this share of the first one's. Where pieces help,
# they mostly do by more; a smaller difference is mostly one network's luck, and they take half as long again.
_BELOW = 0.98
# Epochs to which all are trained before any is trained further.
_ROUNDS = (10, 30, 100, 2**31 - 1)
# Of a search's trial store: beyond the highest number of candidates, and a batch that no race has.
_NUMBER, _BATCH = 2 * 10**9, -1


class Tried(NamedTuple):
    """An architecture, and its validation loss with the better recipe, in the units of the problem.

    ``trainings`` are those of early stopping alone, of as many first folds as there was time for: a search
    continues them.
    """

    architecture: Architecture
    loss: float
    trainings: tuple[Training, ...] = ()


def try_architectures(
    trainer: Trainer,
    stages: Stages,
    spaces: Sequence[Space],
    control: Control,
    trial_store: TrialStore | None = None,
    *,
    keep_networks: bool = False,
) -> tuple[Tried, ...]:
    """Train each a little, and compare.

    Parameters
    ----------
    trainer : Trainer
    stages : Stages
    spaces : sequence of Space
        One for each architecture; where they cannot be compared, for want of time or memory, the first is
        chosen.
    control : Control
        Where it ends this early, what was cut off counts for what it promises.
    trial_store : TrialStore, optional
        Where finished work is kept, and what was chosen: a search that is resumed keeps to it.
    keep_networks : bool
        See :class:`taut.selection.runner.Runner`: as the search has it.

    Returns
    -------
    tuple of Tried
        The chosen one first; a loss is infinite where it is not known.
    """
    usual = [space.architecture for space in spaces]
    if len(spaces) == 1:
        return (Tried(usual[0], math.inf),)
    runner = Runner(trainer, Stages(_first_folds(stages)), trial_store, keep_networks=keep_networks)
    known = None if trial_store is None else trial_store.proposed(_BATCH, usual[0])
    # A recipe's rows stand together: the same for each architecture.
    recipes = list(zip(*(_candidates(space) for space in spaces), strict=True))
    jobs = [
        Job(_NUMBER + i * len(spaces) + k, candidate, stage)
        for i, row in enumerate(recipes)
        for k, candidate in enumerate(row)
        for stage, _ in enumerate(runner.stages.folds)
    ]
    runs = np.array(_trained(runner, jobs, control, may_train=known is None), dtype=object)
    runs = runs.reshape(len(recipes), len(spaces), -1)
    weights = [len(fold.validation) for fold in runner.stages.folds]
    goal = trainer.settings.max_epochs
    # Fold by fold, since each may have been cut off somewhere else.
    losses = np.array(
        [np.average([_losses(fold, goal) for fold in of.T], axis=0, weights=weights) for of in runs]
    )
    whole = losses[np.isfinite(losses).all(axis=1)]
    lowest = whole.min(axis=0) if len(whole) else np.full(len(spaces), math.inf)
    best = int(lowest.argmin())
    chosen = best if lowest[best] < _BELOW * lowest[0] else 0
    if known is not None and known[0].architecture in usual:
        chosen = usual.index(known[0].architecture)
    if trial_store and known is None and not control.cancelled.is_set():
        trial_store.propose(_BATCH, [spaces[chosen].baselines()[0]])
    order = sorted(range(len(spaces)), key=lambda k: (k != chosen, lowest[k]))
    # Of the first row's jobs, which are early stopping alone.
    begun = [runner.live(jobs[chosen * len(weights) + stage]) for stage, _ in enumerate(weights)]
    alone = tuple(one for one in begun if one is not None)
    return tuple(Tried(usual[k], float(lowest[k]), alone if k == chosen else ()) for k in order)


def _trained(
    runner: Runner, jobs: Sequence[Job], control: Control, *, may_train: bool
) -> list[FoldRun | None]:
    """The runs, as far as time goes; None where there is nothing, and where memory is short."""
    runs = [runner.recorded(job) for job in jobs]
    missing = [i for i, run in enumerate(runs) if run is None]
    begun: Sequence[Member | Training] = [runner.member(jobs[i]) for i in missing]
    trainer = runner.trainer
    if not (missing and may_train) or trainer.affordable(cast(list[Member], begun)) < len(begun):
        return runs
    goal = trainer.settings.max_epochs
    for until in _ROUNDS:  # so that all have come about as far where time is over
        begun = trainer.train(begun, until_epoch=min(until, goal), respect_patience=True, control=control)
    for i, training in zip(missing, cast(list[Training], begun), strict=True):
        if training.epoch:
            is_cut = training.status is Status.RUNNING and training.epoch < goal
            runs[i] = runner.keep(jobs[i], training, ended=not is_cut)
    return runs


def _candidates(space: Space) -> tuple[Candidate, ...]:
    """Early stopping alone, and a mixture."""
    return space.baselines()[0], space.middle()


def _first_folds(stages: Stages) -> tuple[Fold, ...]:
    """One of fewer rows, where there is one; else as many as have enough rows."""
    if stages.low_fidelity is not None:
        return (stages.low_fidelity,)
    held_out = np.cumsum([len(fold.validation) for fold in stages.folds])
    return stages.folds[: int(np.searchsorted(held_out, _ENOUGH_ROWS)) + 1]


def _losses(runs: Sequence[FoldRun | None], goal: int) -> list[float]:
    """The lowest losses of their curves; what they may become, where some were cut off."""
    known = [run for run in runs if run is not None and run.status is not Status.DIVERGED]
    if len(known) < len(runs):
        return [math.inf for _ in runs]
    cut = [run.epoch for run in known if run.status is Status.RUNNING and run.epoch < goal]
    if not cut:
        return [float(run.curve.validation.min()) for run in known]
    curves = [run.curve.validation[: min(cut)] for run in known]
    return [
        float(curve.min()) - (further_fall(curve, goal) if len(curve) == min(cut) else 0.0)
        for curve in curves
    ]
