"""The two baselines: early stopping alone, and no regularization.

Both are the same networks: neither touches training, so no regularization is early stopping's training
continued to the last epoch.  Folds advance together, in rounds that double, so that a time limit that ends
them early leaves every fold with at least half the epochs of any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from taut.learning.training import Control, Member, Status, Training
from taut.selection.trainer import Trainer


def first_epoch(trainer: Trainer, members: Sequence[Member | Training], control: Control) -> list[Training]:
    """Train all for one epoch at least; meant for a control without a time limit."""
    return trainer.train(members, until_epoch=1, control=control)


def to_own_stop(trainer: Trainer, trainings: list[Training], max_epochs: int, control: Control) -> None:
    """Train all to the end of their patience."""
    _in_rounds(trainer, trainings, max_epochs, True, control)


def to_the_end(trainer: Trainer, trainings: list[Training], max_epochs: int, control: Control) -> None:
    """Train all to the last epoch."""
    _in_rounds(trainer, trainings, max_epochs, False, control)


def _in_rounds(
    trainer: Trainer,
    trainings: list[Training],
    max_epochs: int,
    respect_patience: bool,
    control: Control,
) -> None:
    # Some may have been begun long before the others.
    epoch = max(1, min(t.epoch for t in trainings))
    while epoch < max_epochs and not control.should_stop():
        epoch = min(2 * epoch, max_epochs)
        trainer.train(trainings, until_epoch=epoch, respect_patience=respect_patience, control=control)
        if all(t.status is not Status.RUNNING for t in trainings):
            return
