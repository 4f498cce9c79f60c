"""What networks that are like the returned ones say of rows that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.bagged import Bagged
from taut.learning.problem import Fold
from taut.selection.result import SearchResult
from taut.selection.trainer import Trainer


@final
@dataclass(frozen=True, eq=False)
class OutOfFoldPredictions:
    """Predictions of rows by networks that have not seen them.

    Parameters
    ----------
    rows : int array, shape (n,)
    predictions : float64 array, shape (n, n_outputs)
        Such as probabilities.
    n_averaged : int
        Networks whose average predicts a row, at most.
    like_returned : bool
        Whether the returned model is of this kind: an average as well, or this one network.
    """

    rows: NDArray[np.integer]
    predictions: NDArray[np.float64]
    n_averaged: int
    like_returned: bool


def out_of_fold_predictions(
    trainer: Trainer, folds: Sequence[Fold], result: SearchResult, bag: Bagged | None
) -> OutOfFoldPredictions | None:
    """Those of an average of networks, where there is one; else of the folds' networks, or None.

    One network that is returned by itself is surer than an average would be: it speaks for itself.

    Parameters
    ----------
    trainer : Trainer
    folds : sequence of Fold
    result : SearchResult
    bag : Bagged or None
    """
    several = len(result.networks) > 1
    if bag is not None and (several or not result.are_of_folds):
        predictions = trainer.problem.objective.predictions(bag.outputs)
        return OutOfFoldPredictions(bag.rows, predictions, bag.n_bagged, several and bag.n_bagged > 1)
    if not result.are_of_folds:
        return None
    problem = trainer.problem
    total = np.zeros((len(problem), problem.objective.n_outputs))
    times = np.zeros(len(problem))
    for network, fold in zip(result.networks, folds, strict=True):
        total[fold.validation] += problem.objective.predictions(trainer.outputs(network, fold.validation))
        times[fold.validation] += 1
    rows = np.flatnonzero(times)
    n_averaged = int(times.max())
    like = not several or n_averaged > 1
    return OutOfFoldPredictions(rows, total[rows] / times[rows, None], n_averaged, like)
