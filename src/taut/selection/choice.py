"""Which of the scored candidates is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.selection.candidate import EARLY_STOPPING_ALONE
from taut.selection.score import CandidateScore, standard_error

Selection: TypeAlias = Literal["best", "1se"]
Vector: TypeAlias = NDArray[np.float64]

#: By candidate's number its out-of-fold losses, shape (n_rows,), each row's mean over the folds that hold it
#: out; NaN where none does.
RowLosses: TypeAlias = Mapping[int, NDArray[np.floating]]

#: A candidate's gain over early stopping alone is reduced by this many of its standard errors
#: (benchmarks/README.md, "Never worse").
CAUTION = 2.0

_CHUNK = 65_536  # rows at a time


def eligible(scores: Sequence[CandidateScore]) -> list[int]:
    """Indices of the candidates that can be chosen: they have all folds and a finite merit.

    A baseline that was cut off is among them, so that the choice is not worse; and if nothing is complete,
    so is everything that was cut off.
    """
    finite = [
        i for i, s in enumerate(scores) if s.state in ("complete", "cut off") and math.isfinite(s.merit)
    ]
    complete = any(scores[i].complete for i in finite)
    return [i for i in finite if scores[i].complete or scores[i].batch < 0 or not complete]


@final
@dataclass(frozen=True, eq=False)
class Choosing:
    """The rule of choice, for the measured losses and for any resample of them.

    ``"best"`` takes the one whose gain over early stopping alone (at its best learning rate) is surest: the
    greatest gain less ``CAUTION`` of its standard errors; early stopping alone itself, whose gain is 0, if
    none has more.  The lowest of many noisy losses is lower than the truth, and a recipe that may be no
    better is not worth it.  Without standard errors it is the lowest loss, and of equal ones the first.
    ``"1se"`` takes, among those within one standard error of the best, the one with the smallest gap between
    validation and training loss.  Either way the choice is not worse than any baseline.

    Parameters
    ----------
    selection : {"best", "1se"}
    errors : float64 array, shape (n, n)
        Paired standard errors of the differences between the candidates' losses; NaN where unknown.
    gaps : float64 array, shape (n,)
        Validation less training loss.
    is_baseline, is_alone : bool array, shape (n,)
        Which are baselines; which are early stopping alone.
    """

    selection: Selection
    errors: Vector
    gaps: Vector
    is_baseline: NDArray[np.bool_]
    is_alone: NDArray[np.bool_]

    def winners(self, losses: Vector) -> NDArray[np.intp]:
        """Indices of those chosen by losses of shape (n_resamples, n): shape (n_resamples,)."""
        each = np.arange(len(losses))
        best: NDArray[np.intp] = losses.argmin(axis=1)
        bound = np.where(self.is_baseline, losses, np.inf).min(axis=1)
        # An unknown standard error shows nothing either way.
        errors = np.nan_to_num(self.errors[:, best].T, nan=0.0)
        behind = losses - losses[each, best][:, None]
        if self.selection == "1se":
            near = (behind <= errors) & (losses <= bound[:, None])
            near[each, best] = True
            simplest: NDArray[np.intp] = np.where(near, self.gaps, np.inf).argmin(axis=1)
            return simplest
        if not self.is_alone.any():
            return best
        alone = np.where(self.is_alone, losses, np.inf).argmin(axis=1)
        doubt = CAUTION * np.nan_to_num(self.errors[:, alone].T, nan=0.0)
        sure = losses[each, alone][:, None] - losses - np.where(self.is_alone, np.inf, doubt)
        sure[each, alone] = 0.0
        surest: NDArray[np.intp] = np.where(losses <= bound[:, None], sure, -np.inf).argmax(axis=1)
        return surest


def choosing_among(
    numbers: Sequence[int],
    scores: Sequence[CandidateScore],
    n_baselines: int,
    selection: Selection,
    rows: RowLosses,
    weights: NDArray[np.floating] | None,
) -> Choosing:
    """The rule for these candidates.

    Parameters
    ----------
    numbers : sequence of int
        Indices of the candidates that can be chosen.
    scores : sequence of CandidateScore
        The baselines first.
    n_baselines : int
    selection : {"best", "1se"}
    rows : mapping
        See ``RowLosses``; standard errors are those of the rows' paired differences, or where a scorer
        chooses, of the folds'.
    weights : array, shape (n_rows,), or None
    """
    if any(scores[i].scoring is not None for i in numbers):
        errors = _errors_over_folds([scores[i] for i in numbers])
    else:
        errors = errors_over_rows([rows[i] for i in numbers if i in rows], weights, len(numbers))
    return Choosing(
        selection=selection,
        errors=errors,
        gaps=np.array([scores[i].gap for i in numbers]),
        is_baseline=np.array([i < n_baselines for i in numbers]),
        # A scorer is given to have the best by it; and five folds are few for a standard error.
        is_alone=np.array(
            [scores[i].recipe == EARLY_STOPPING_ALONE and scores[i].scoring is None for i in numbers]
        ),
    )


def choose(numbers: Sequence[int], scores: Sequence[CandidateScore], rule: Choosing) -> int:
    """The index of the chosen one; at least one can be chosen."""
    losses = np.array([[-scores[i].merit for i in numbers]])
    return numbers[int(rule.winners(losses)[0])]


def errors_over_rows(
    rows: Sequence[NDArray[np.floating]], weights: NDArray[np.floating] | None, n: int
) -> Vector:
    """Paired standard errors of the rows' differences, weighted as in ``paired_standard_error``."""
    if len(rows) < n:
        return np.full((n, n), np.nan)
    known: NDArray[np.bool_] = np.all(np.isfinite(np.stack(rows)), axis=0)
    weight = known.astype(np.float64) if weights is None else np.where(known, weights[: len(known)], 0.0)
    total, n_known = float(weight.sum()), int(known.sum())
    if n_known < 2 or total <= 0:
        return np.full((n, n), np.nan)
    means = np.array([np.sum(np.where(known, one, 0.0) * weight) for one in rows]) / total
    products = np.zeros((n, n))
    for start in range(0, len(known), _CHUNK):
        part = slice(start, start + _CHUNK)
        away = np.stack([np.where(known[part], one[part], 0.0) for one in rows]) - means[:, None]
        away *= weight[part]
        products += away @ away.T
    squares = np.diag(products)
    spread = np.sqrt(np.maximum(0.0, squares[:, None] + squares[None, :] - 2.0 * products))
    errors: Vector = spread / total * math.sqrt(n_known / (n_known - 1))
    return errors


def _errors_over_folds(scores: Sequence[CandidateScore]) -> Vector:
    """Paired standard errors of the folds' differences by the user's scorer."""
    n = len(scores)
    errors = np.full((n, n), np.nan)
    for i, one in enumerate(scores):
        for j, other in enumerate(scores):
            if one.scoring is not None and other.scoring is not None:
                errors[i, j] = standard_error(one.scoring - other.scoring, one.n_repeats)
    return errors
