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
# Of a search's trial store: a batch that no race has.
_BATCH = -1


class Tried(NamedTuple):
    """An architecture, and its validation loss with the better recipe, in the units of the problem."""

    architecture: Architecture
    loss: float


def try_architectures(
    trainer: Trainer,
    stages: Stages,
    spaces: Sequence[Space],
    control: Control,
    trial_store: TrialStore | None = None,
) -> tuple[Tried, ...]:
    """Train each a little, and compare.

    Parameters
    ----------
    trainer : Trainer
    stages : Stages
    spaces : sequence of Space
        One for each architecture; where none can be compared, the first is chosen.
    control : Control
        Where it ends this early, what was cut off counts for what it promises.
    trial_store : TrialStore, optional
        Where it is kept what was chosen: a search that is resumed keeps to it.

    Returns
    -------
    tuple of Tried
        The chosen one first; a loss is infinite where it is not known.
    """
    usual = [space.architecture for space in spaces]
    if len(spaces) == 1:
        return (Tried(usual[0], math.inf),)
    folds = _first_folds(stages)
    # A recipe's rows stand together: the same for each architecture.
    recipes = list(zip(*(_candidates(space) for space in spaces), strict=True))
    members = [
        trainer.member(candidate, fold, number)
        for row in recipes
        for candidate in row
        for number, fold in enumerate(folds)
    ]
    begun: Sequence[Member | Training] = members
    for until in _ROUNDS:  # so that all have come about as far where time is over
        begun = trainer.train(
            begun, until_epoch=min(until, members[0].max_epochs), respect_patience=True, control=control
        )
    trainings = iter(cast(list[Training], begun))
    losses = np.full((len(recipes), len(spaces)), math.inf)
    for i, row in enumerate(recipes):
        runs = [[next(trainings) for _ in folds] for _ in row]
        # Fold by fold, since each may have been cut off somewhere else.
        by_fold = [_losses([own[number] for own in runs]) for number, _ in enumerate(folds)]
        losses[i] = np.average(by_fold, axis=0, weights=[len(fold.validation) for fold in folds])
    whole = losses[np.isfinite(losses).all(axis=1)]
    lowest = whole.min(axis=0) if len(whole) else np.full(len(spaces), math.inf)
    lowest_of_all = int(lowest.argmin())
    chosen = lowest_of_all if lowest[lowest_of_all] < _BELOW * lowest[0] else 0
    order = sorted(range(len(spaces)), key=lambda k: (k != chosen, lowest[k]))
    if trial_store:
        known = trial_store.proposed(_BATCH, usual[0])
        if known is None:
            trial_store.propose(_BATCH, [spaces[order[0]].baselines()[0]])
        elif known[0].architecture in usual:
            order.sort(key=lambda k: usual[k] != known[0].architecture)
    return tuple(Tried(usual[k], float(lowest[k])) for k in order)


def _candidates(space: Space) -> tuple[Candidate, ...]:
    """Early stopping alone, and a mixture."""
    return space.baselines()[0], space.middle()


def _first_folds(stages: Stages) -> tuple[Fold, ...]:
    """One of fewer rows, where there is one; else as many as have enough rows."""
    if stages.low_fidelity is not None:
        return (stages.low_fidelity,)
    held_out = np.cumsum([len(fold.validation) for fold in stages.folds])
    return stages.folds[: int(np.searchsorted(held_out, _ENOUGH_ROWS)) + 1]


def _losses(trainings: Sequence[Training]) -> list[float]:
    """The lowest losses of their curves; what they may become, where some were cut off."""
    if any(one.status is Status.DIVERGED or one.epoch == 0 for one in trainings):
        return [math.inf for _ in trainings]
    goal = trainings[0].member.max_epochs
    cut = [one.epoch for one in trainings if one.status is Status.RUNNING and one.epoch < goal]
    if not cut:
        return [float(one.curve.validation.min()) for one in trainings]
    curves = [one.curve.validation[: min(cut)] for one in trainings]
    return [
        float(curve.min()) - (further_fall(curve, goal) if len(curve) == min(cut) else 0.0)
        for curve in curves
    ]
