"""The result of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Curve, Fitted
from taut.selection.choice import Choosing
from taut.selection.score import CandidateScore


@final
@dataclass(frozen=True, eq=False)
class Contest:
    """How the choice was made, so that it can be repeated with resampled losses.

    Parameters
    ----------
    indices : tuple of int
        Which candidates could be chosen.
    rule : Choosing
    """

    indices: tuple[int, ...]
    rule: Choosing


@final
@dataclass(frozen=True, eq=False)
class PlainRuns:
    """A candidate's networks, for display.

    Parameters
    ----------
    curves : tuple of Curve
        One for each fold.
    weights : int64 array, shape (weights.N_BINS + 1,)
        Of all folds' networks at the end of their training; see :mod:`taut.selection.weights`.
    """

    curves: tuple[Curve, ...]
    weights: NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class SearchResult:
    """All candidates, the chosen one, and its networks.

    Parameters
    ----------
    candidates : tuple of CandidateScore
        Early stopping alone, no regularization, then the others in the order of trial.
    chosen : int
        Its index among them.
    number : int
        By which the runner knows it.
    networks : tuple of Fitted
    are_of_folds : bool
        Whether each of these was trained on the training rows of its fold, and no other.
    curves : dict
        By ``"early_stopping"``, ``"none"`` and ``"chosen"`` the folds' curves.
    row_losses : dict
        By candidate's index its out-of-fold losses, float32, shape (n_rows,): the mean over the folds that
        hold a row out, NaN where none of those trained does.
    row_correct : dict
        The same for those that could be chosen: the share of these folds whose network gets the row's class
        right. Empty where there are no classes.
    contest : Contest
    plain : dict
        By candidate's index the curves and counted weights of the folds that it has, of those recipes with
        one technique at most beside early stopping that were trained to their end or lost the race.
    interrupted : bool
    seconds : float
        Of this search, including the earlier sessions that it resumed.
    """

    candidates: tuple[CandidateScore, ...]
    chosen: int
    number: int
    networks: tuple[Fitted, ...]
    are_of_folds: bool
    curves: dict[str, tuple[Curve, ...]]
    row_losses: dict[int, NDArray[np.float32]]
    row_correct: dict[int, NDArray[np.float32]]
    contest: Contest
    plain: dict[int, PlainRuns]
    interrupted: bool
    seconds: float

    @property
    def best(self) -> CandidateScore:
        """The chosen candidate's score."""
        return self.candidates[self.chosen]
