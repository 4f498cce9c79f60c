"""The result of training one candidate on one fold, in plain numbers: nothing of an engine is left in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.objective import RowResults
from taut.learning.training import Curve, Status

#: Instead of an epoch: the losses by which a run races (see ``Runner.keep``).
RACED = 0


@final
@dataclass(frozen=True, eq=False)
class FoldRun:
    """One candidate's training on one fold, as far as it went.

    Parameters
    ----------
    status : Status
    epoch : int
        Whole epochs trained.
    best_epoch : int
        The epoch with the lowest validation loss, from 1; without patience the last one.
    curve : Curve
        Of ``epoch`` epochs.
    zero_share : float
        Share of weights that are exactly zero, at the best epoch.
    seconds : float
        That threads have spent on it.
    losses : dict
        By epoch (from 1) the losses of the fold's validation rows, float32, shape (n_validation,): of
        ``best_epoch``, and of the one at which the fold is scored; and at ``RACED`` those by which it races.
    correct : dict
        By the same epochs whether the rows' classes were right, bool; empty for regression.
    scores : dict
        By epoch the user's scores, if there is a scorer.
    weights : int64 array, shape (weights.N_BINS + 1,), or (0,)
        The weights at the end of training, counted by size; only of recipes with one technique at most beside
        early stopping, which a report shows.
    """

    status: Status
    epoch: int
    best_epoch: int
    curve: Curve
    zero_share: float
    seconds: float
    losses: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    correct: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    weights: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def with_rows(self, epoch: int, rows: RowResults) -> Self:
        """The same with the rows of one more epoch."""
        correct = self.correct if rows.correct is None else {**self.correct, epoch: rows.correct}
        return replace(self, losses={**self.losses, epoch: rows.losses}, correct=correct)

    def rows(self, epoch: int) -> RowResults:
        """The rows in an epoch that it has."""
        return RowResults(self.losses[epoch], self.correct.get(epoch))
