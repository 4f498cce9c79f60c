"""One run: a network in training, step by step, that can change its recipe on the way."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from functools import cached_property
from typing import cast, final

import numpy as np
from numpy.typing import NDArray

from taut.engine.compiled.fitted import FittedMLP
from taut.engine.compiled.onward import onward
from taut.engine.compiled.training import CompiledTraining
from taut.estimators import TautClassifier, TautRegressor
from taut.estimators.single import Begun, begin, begin_on, finish
from taut.learning.training import Control, Member, Status
from taut.play.data import Data, Split
from taut.play.settings import Settings

#: Numbers (rows held out times epochs) of which row losses are kept, so that claims have standard errors.
_MOST_LOSSES = 4_000_000


@final
class Run:
    """A network of these settings before its first epoch, or wherever :meth:`train` has taken it.

    It is the network of ``settings.estimator(data).fit(X, y, X_val=..., y_val=...)``, bit for bit, unless it
    was changed on the way (:meth:`change`).

    Parameters
    ----------
    settings : Settings
    data : Data
    before : Run, optional
        Another run; where the same rows train, they are not prepared again.

    Raises
    ------
    TautError, ValueError
        Where the table or the recipe cannot be trained, as ``fit`` has it.
    """

    def __init__(self, settings: Settings, data: Data, before: Run | None = None) -> None:
        self.settings, self.data = settings, data
        self.notes: list[str] = []
        self.split: Split
        self.begun: Begun
        if before is not None and before._has_rows_of(settings, data):
            self.split, self.notes = before.split, before.notes
            self.begun = begin_on(settings.estimator(data), before.begun.table, before.begun)
        else:
            self.split = data.split(settings.held_out, settings.random_state)
            self.begun = self._begin(settings.estimator(data))
        (training,) = self.begun.trainer.train([self._member(self.begun.member)], until_epoch=0)
        self.training = cast(CompiledTraining, training)
        self._kept: FittedMLP | None = None  # as far as it was trained; a frame asks for it again and again
        self.changes: list[tuple[int, Settings]] = []  # where settings changed on the way, by epoch

    def _has_rows_of(self, settings: Settings, data: Data) -> bool:
        """Whether the same rows train with other settings."""
        names = ("held_out", "random_state")
        return data is self.data and all(getattr(settings, n) == getattr(self.settings, n) for n in names)

    def _begin(self, estimator: TautClassifier | TautRegressor) -> Begun:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            X, y = self.split.training_rows
            X_val, y_val = self.split.held_out_rows
            begun = begin(estimator, X, y, validation=(X_val, y_val, None))
        self.notes += [text for one in caught if (text := str(one.message)) not in self.notes]
        return begun

    def _member(self, member: Member) -> Member:
        n = len(member.fold.validation) * member.max_epochs
        return replace(member, keep_losses=n <= _MOST_LOSSES)

    # --- training -------------------------------------------------------------------------------------------

    def train(self, control: Control, until_epoch: int | None = None) -> None:
        """Go on until the recipe or the last epoch ends it, or ``control`` does; or to an epoch."""
        self._kept = None
        self.begun.trainer.train(
            [self.training],
            until_epoch=self.last_epoch if until_epoch is None else until_epoch,
            respect_patience=True,
            control=control,
        )

    def change(self, settings: Settings) -> None:
        """Take other settings from here on: the recipe, the learning rate, the batch size, the last epoch.

        The rows, the network and its weights stay.
        """
        kept = {name: getattr(self.settings, name) for name in _STAYS}
        settings = replace(settings, **kept)
        table = self.begun.table
        self.begun = begin_on(settings.estimator(self.data), table, self.begun)
        member = self._member(self.begun.member)
        if not self.training.member.keep_losses:  # of the epochs before there are none to compare with
            member = replace(member, keep_losses=False)
        self.training, self._kept = onward(self.training, member, table.problem), None
        self.settings = settings
        self.changes.append((self.training.epoch, settings))

    @property
    def last_epoch(self) -> int:
        """Where training ends that nothing stopped before."""
        return self.training.member.max_epochs

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to train."""
        return self.training.status is not Status.RUNNING or self.training.epoch >= self.last_epoch

    @property
    def diverged(self) -> bool:
        """Whether a loss or the weights are no longer finite."""
        return self.training.status is Status.DIVERGED

    # --- what came out --------------------------------------------------------------------------------------

    @property
    def loss_unit(self) -> float:
        """What a loss of the engine is multiplied by to be in the target's own units."""
        return self.begun.table.target.loss_unit

    @property
    def kept(self) -> FittedMLP:
        """The network that would be kept now."""
        if self._kept is None:
            self._kept = self.training.fitted()
        return self._kept

    @cached_property
    def constant_loss(self) -> float:
        """The loss of the best constant of the training rows on the rows held out."""
        problem, fold = self.begun.trainer.problem, self.training.member.fold
        outputs = np.tile(problem.constant(fold.train), (len(fold.validation), 1))
        losses = problem.row_results(outputs, fold.validation).losses
        return float(np.mean(losses, dtype=np.float64)) * self.loss_unit

    def row_losses(self, epoch: int) -> NDArray[np.float64] | None:
        """Losses of the held-out rows at an epoch, in the target's own units; None where not kept."""
        found = self.training.losses(epoch)
        return None if found is None else found.astype(np.float64) * self.loss_unit

    def outputs(self, rows: NDArray[np.int32]) -> NDArray[np.floating]:
        """What the kept network gives for some rows of the table (rows that train come first)."""
        return self.begun.trainer.outputs(self.kept, rows)

    def fitted(self) -> TautClassifier | TautRegressor:
        """The estimator as ``fit`` would have left it here."""
        estimator = self.settings.estimator(self.data)
        self._begin(estimator)  # which checks the table again, and notes its columns and classes
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of divergence, which the page shows
            finish(estimator, self.begun, self.training)
        return estimator


def soon(seconds: float) -> Control:
    """A control that ends a call to :meth:`Run.train` after so long."""
    return Control(deadline=time.monotonic() + seconds)


#: What a change on the way leaves as it is.
_STAYS = ("problem", "n_rows", "noise", "held_out", "hidden", "activation", "n_bins", "random_state")
