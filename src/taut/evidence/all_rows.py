"""What to expect of a network that was trained on all rows, from those that were trained on parts of them.

Cross-validation scores networks that a third or a fifth of the rows had no part in. One that is trained on
all of them is better, and by how much is seen where half of a fold's rows train: losses fall about like a
power of the number of training rows (Cortes et al., 1994; Hestness et al., 2017), so that the fall from half
a fold to a whole one gives the power, and the power the rest of the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.estimate import Estimate
from taut.evidence.interval import Interval
from taut.evidence.learning_curve import part_of_folds
from taut.evidence.variants import Variants
from taut.learning.problem import Fold
from taut.learning.training import Control
from taut.selection.final import N_HALVES
from taut.selection.result import SearchResult
from taut.selection.trainer import Trainer

_HALF = 0.5
# Networks' powers are below that by far (Hestness et al., 2017: .07 to .35); half a fold may be unlucky.
_MOST_POWER = 0.5
_Z = 1.96


@final
@dataclass(frozen=True)
class Factor:
    """What a loss is multiplied by.

    Parameters
    ----------
    value : float
        1 or less: more rows are taken to do no harm.
    error : float
        Standard error of its logarithm.
    """

    value: float
    error: float

    def applied_to(self, interval: Interval) -> Interval:
        """The product, its ends as far away as both errors together (independent, on the log scale)."""
        if not (0.0 < interval.low <= interval.value <= interval.high):
            return interval
        middle = interval.value * self.value
        below = math.hypot(math.log(interval.value / interval.low), _Z * self.error)
        above = math.hypot(math.log(interval.high / interval.value), _Z * self.error)
        return Interval(middle, middle * math.exp(-below), middle * math.exp(above))


def factor_of(
    half: NDArray[np.floating], whole: NDArray[np.floating], weight: NDArray[np.floating] | None, more: float
) -> Factor | None:
    """What to multiply the mean of ``whole`` by, for ``more`` times as many training rows.

    Parameters
    ----------
    half, whole : array, shape (n_rows,)
        Losses of the same held-out rows by networks of half as many training rows, and of all of a fold's;
        rows that are NaN in either are left out.
    weight : array, shape (n_rows,), or None
    more : float
        1 or more.

    Returns
    -------
    Factor or None
        None where the losses have no ratio.

    Notes
    -----
    ``more ** -b`` with ``b = log2(mean(half) / mean(whole))``, from 0 to 1/2; its error is that of the log
    ratio of paired means (delta method), times ``log2(more)``.
    """
    known = np.isfinite(half) & np.isfinite(whole)
    n = int(known.sum())
    w = np.ones(n) if weight is None else weight[: len(known)][known].astype(np.float64)
    if n < 2 or not w.sum() > 0:
        return None
    w = w / w.sum()
    before, after = half[known].astype(np.float64), whole[known].astype(np.float64)
    first, second = float(w @ before), float(w @ after)
    if not (first > 0.0 and second > 0.0):
        return None
    influence = w * (after / second - before / first)
    error = math.sqrt(float(influence @ influence) * n / (n - 1))
    return _factor(first / second, error, more)


def _factor(ratio: float, error: float, more: float) -> Factor:
    """From the ratio of the losses of half as many rows and of all of a fold's, and its logarithm's error."""
    power = min(_MOST_POWER, max(0.0, math.log2(ratio)))
    return Factor(more**-power, error * math.log2(more))


def expected_of_all_rows(
    estimate: Estimate,
    trainer: Trainer,
    folds: Sequence[Fold],
    result: SearchResult,
    n_rows: int,
    control: Control,
) -> Estimate:
    """The estimate for a network of the chosen recipe that is trained on all rows.

    The chosen recipe is trained on half of the training rows of ``N_HALVES`` folds, and extrapolated. Where
    there is no time for that, or training diverges, the estimate is left as it is; so it is for a recipe
    without early stopping, whose last epoch is too late by more on fewer rows.

    Parameters
    ----------
    estimate : Estimate
        Of the folds' networks.
    trainer : Trainer
    folds : sequence of Fold
    result : SearchResult
    n_rows : int
        That the network is trained on.
    control : Control
    """
    problem, seed = trainer.problem, trainer.settings.seed
    more = n_rows / float(np.mean([len(fold.train) for fold in folds]))
    if result.best.recipe.hooks().patience is None:
        return estimate
    folds = folds[:N_HALVES]
    sizes = [int(_HALF * len(fold.train)) for fold in folds]
    if min(sizes) < 2:
        return estimate
    halves = part_of_folds(folds, sizes, problem, seed)
    try:
        half = Variants(trainer, halves, result.best.candidate, control).own()[0]
    except KeyboardInterrupt:  # the control ended it
        return estimate
    whole = result.row_losses[result.chosen].astype(np.float64)
    factor = None if half.failed else factor_of(half.losses, whole, problem.score_weight, more)
    if factor is None:
        return estimate
    if problem.objective.score_name == "negative loss":
        score = factor.applied_to(estimate.score.times(-1.0)).times(-1.0)
    else:
        of_score: Factor | None = factor
        if problem.objective.n_classes:
            accuracy = float(np.mean(result.best.score[: len(folds)]))
            n = int(np.isfinite(half.losses).sum())
            of_score = _error_factor(float(np.mean(half.scores)), accuracy, n, more)
        score = _one_less((of_score or factor).applied_to(_one_less(estimate.score)))
    return replace(estimate, loss=factor.applied_to(estimate.loss), score=score, n_rows=n_rows)


def _one_less(interval: Interval) -> Interval:
    """From a score to what it lacks of 1, and back."""
    return Interval(1.0 - interval.value, 1.0 - interval.high, 1.0 - interval.low)


def _error_factor(half: float, whole: float, n: int, more: float) -> Factor | None:
    """The factor of the share of missed classes, from accuracies on n rows.

    As if both networks missed independently of one another: that is careful.
    """
    before, after = 1.0 - half, 1.0 - whole
    if not (0.0 < before < 1.0 and 0.0 < after < 1.0):
        return None
    error = math.sqrt((1.0 - before) / (n * before) + (1.0 - after) / (n * after))
    return _factor(before / after, error, more)
