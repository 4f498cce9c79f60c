"""The corrected estimate where a user's scorer chose, whose scores are of whole folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.evidence.estimate import N_RESAMPLES, Estimate, interval_of_loss
from taut.evidence.interval import over_folds
from taut.selection.choice import Choosing
from taut.streams import Stream, generator

Vector = NDArray[np.float64]


def estimate_by_folds(
    scoring: Vector,
    fold_losses: Vector,
    row_losses: Vector,
    weight: NDArray[np.floating] | None,
    choosing: Choosing,
    chosen: int,
    score_name: str,
    n_repeats: int,
    seed: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """Bootstrap bias corrected cross-validation over folds instead of rows.

    A scorer such as the area under the ROC curve has no value for a row. Every resample of the folds chooses
    anew, and takes the chosen one's figures on the folds that are not in it. With one fold nothing is
    corrected.

    Parameters
    ----------
    scoring, fold_losses : float64 array, shape (n_candidates, n_folds)
    row_losses : float64 array, shape (n_rows,)
        Of the chosen one, NaN where a row was never held out.
    weight : array, shape (n_rows,), or None
    choosing : Choosing
    chosen : int
    score_name : str
    n_repeats : int
        How often the folds hold out all rows.
    seed : int
    bounds : tuple of float
        The lowest and the highest possible value of the score.

    Returns
    -------
    Estimate
        The loss's interval is of the chosen one's rows around the corrected middle; the score's is by
        Student's t over the folds.
    """
    n, n_folds = scoring.shape
    loss, score = float(np.mean(fold_losses[chosen])), float(np.mean(scoring[chosen]))
    corrected_loss, corrected_score = loss, score
    if n_folds > 1:
        stream = generator(seed, Stream.ESTIMATE_FOLDS)
        counts = stream.multinomial(n_folds, np.full(n_folds, 1.0 / n_folds), size=N_RESAMPLES)
        out = counts == 0
        counts, out = counts[out.any(axis=1)], out[out.any(axis=1)]
        winners = choosing.winners(-(counts @ scoring.T) / n_folds)
        each, left = np.arange(len(winners)), out.sum(axis=1)
        corrected_score = float(np.mean((out @ scoring.T)[each, winners] / left))
        corrected_loss = float(np.mean((out @ fold_losses.T)[each, winners] / left))
    return Estimate(
        loss=interval_of_loss(corrected_loss, row_losses, weight),
        score=over_folds(corrected_score, scoring[chosen], n_repeats).within(*bounds),
        score_name=score_name,
        naive_loss=loss,
        naive_score=score,
        n_candidates=n,
    )
