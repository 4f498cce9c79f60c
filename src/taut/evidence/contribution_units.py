"""What is drawn in the bootstrap of contributions: rows, or groups of rows, and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.objective import RowResults
from taut.learning.problem import Fold, Problem
from taut.streams import Stream, generator

Vector = NDArray[np.float64]

RESAMPLES = 2000
# More rows are first gathered into so many units at random: the means' spread stays, the work does not.
_MOST_UNITS = 2000


@final
@dataclass(frozen=True, eq=False)
class Totals:
    """What networks of one kind lose on held-out rows, added up by unit; NaN where they diverged.

    Parameters
    ----------
    losses : float64 array, shape (n_seeds, n_units)
        Of each row its mean over the folds that hold it out, times its weight.
    correct : float64 array, shape (n_seeds, n_units), or None
        The same of whether its class was right; None for regression.
    """

    losses: Vector
    correct: Vector | None

    @classmethod
    def of(cls, by_seed: Sequence[Totals]) -> Totals:
        """Those of several seeds as one."""
        correct = [one.correct for one in by_seed if one.correct is not None]
        return cls(
            np.concatenate([one.losses for one in by_seed]), np.concatenate(correct) if correct else None
        )

    @property
    def is_finite(self) -> bool:
        """Whether there is anything to compare."""
        return bool(np.isfinite(self.losses).all())


@final
@dataclass(frozen=True, eq=False)
class Units:
    """Rows that are held out, gathered into what is drawn together.

    Parameters
    ----------
    folds : tuple of Fold
    unit_of_row : intp array, shape (n_rows,)
        -1 where no fold holds the row out.
    times : int64 array, shape (n_rows,)
        How many folds hold the row out.
    weight, row_weight : float64 array, shape (n_rows,)
        In the loss, and in accuracy; 1.0 where all count once.
    target : float64 array, shape (n_rows,), or None
        Less its mean (regression), for R squared.
    """

    folds: tuple[Fold, ...]
    unit_of_row: NDArray[np.intp]
    times: NDArray[np.int64]
    weight: Vector
    row_weight: Vector
    target: Vector | None

    @classmethod
    def of(
        cls, problem: Problem, folds: tuple[Fold, ...], groups: NDArray[np.intp] | None, seed: int
    ) -> Units:
        """Each row is a unit, or each group where there are some; of very many, a share of them at random.

        Parameters
        ----------
        problem : Problem
        folds : tuple of Fold
        groups : intp array, shape (n_rows,), or None
            Rows with the same number are drawn together.
        seed : int
        """
        n_rows = len(problem)
        times = np.zeros(n_rows, dtype=np.int64)
        for fold in folds:
            times[fold.validation] += 1
        held_out = np.flatnonzero(times)
        own = held_out if groups is None else groups[held_out]
        _, units = np.unique(own, return_inverse=True)
        n_units = int(units.max()) + 1
        if n_units > _MOST_UNITS:
            stream = generator(seed, Stream.EFFECT_UNITS)
            units = (stream.permutation(n_units) % _MOST_UNITS)[units]
        unit_of_row = np.full(n_rows, -1, dtype=np.intp)
        unit_of_row[held_out] = units
        weight, row_weight = (
            np.ones(n_rows) if one is None else one.astype(np.float64)
            for one in (problem.score_weight, problem.row_weight)
        )
        target = None
        if not problem.objective.n_classes:
            values = problem.target.astype(np.float64)
            target = values - np.average(values[held_out], weights=weight[held_out])
        return cls(folds, unit_of_row, times, weight, row_weight, target)

    @property
    def n_units(self) -> int:
        """How many are drawn."""
        return int(self.unit_of_row.max()) + 1

    def add_up(self, values: Vector, weight: Vector | None = None) -> Vector:
        """Weighted sums by unit, shape (n_units,), of values by row, shape (n_rows,)."""
        rows = np.flatnonzero(self.times)
        weighted = (self.weight if weight is None else weight)[rows] * values[rows]
        return np.asarray(np.bincount(self.unit_of_row[rows], weighted, minlength=self.n_units), np.float64)

    def totals(self, by_seed: Sequence[Sequence[RowResults]] | None, n_seeds: int) -> Totals:
        """Add up what networks make of held-out rows, given by seed and fold; None where they diverged."""
        classes = self.target is None
        if by_seed is None:
            nan = np.full((n_seeds, self.n_units), np.nan)
            return Totals(nan, nan if classes else None)
        losses = [self._means([rows.losses for rows in each], self.weight) for each in by_seed]
        correct = [
            self._means([rows.correct for rows in each if rows.correct is not None], self.row_weight)
            for each in by_seed
        ]
        return Totals(np.stack(losses), np.stack(correct) if classes else None)

    def _means(self, by_fold: Sequence[NDArray[np.float32] | NDArray[np.bool_]], weight: Vector) -> Vector:
        """Of each row its mean over the folds that hold it out, added up by unit."""
        total = np.zeros(len(self.times))
        for fold, values in zip(self.folds, by_fold, strict=False):
            total[fold.validation] += values
        return self.add_up(total / np.maximum(1, self.times), weight)


@final
@dataclass(frozen=True, eq=False)
class Draws:
    """The figures from all units and seeds (the first of all arrays), then those of each resample.

    Parameters
    ----------
    rows : float64 array, shape (1 + n_resamples, n_units)
        How often each unit counts.
    seeds : float64 array, shape (1 + n_resamples, n_seeds)
        Weights of the seeds, which add up to 1.

    Notes
    -----
    Of n units, n are drawn; of n seeds, n - 1: n draws of so few would make the variance of their mean too
    small by the factor (n - 1) / n (McCarthy & Snowden 1985, The bootstrap and finite population sampling).
    """

    rows: Vector
    seeds: Vector

    @classmethod
    def of(cls, n_units: int, n_seeds: int, seed: int) -> Draws:
        """Draw units and seeds with replacement."""
        stream = generator(seed, Stream.EFFECT_RESAMPLES)
        rows = stream.multinomial(n_units, np.full(n_units, 1.0 / n_units), size=RESAMPLES)
        return cls(np.vstack([np.ones(n_units), rows]), weights_of_few(n_seeds, stream))

    def losses(self, units: Units, totals: Totals) -> Vector:
        """Weighted mean loss in each resample: shape (1 + n_resamples,)."""
        return self._means(totals.losses) / self._weights(units)

    def scores(self, units: Units, totals: Totals) -> Vector:
        """Accuracy, or R squared against the resample's own mean, in each resample."""
        weights = self._weights(units)
        if totals.correct is not None:
            return self._means(totals.correct) / (
                self.rows @ units.add_up(np.ones(len(units.weight)), units.row_weight)
            )
        assert units.target is not None
        mean = self.rows @ units.add_up(units.target) / weights
        variance = self.rows @ units.add_up(units.target**2) / weights - mean**2
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(variance > 0, 1.0 - self._means(totals.losses) / weights / variance, np.nan)

    def _weights(self, units: Units) -> Vector:
        return np.asarray(self.rows @ units.add_up(np.ones(len(units.weight))))

    def _means(self, totals: Vector) -> Vector:
        """Sums over the units drawn, mean over the seeds drawn."""
        with np.errstate(invalid="ignore"):
            means: Vector = np.einsum("bs,bs->b", self.rows @ totals.T, self.seeds)
        return means


def weights_of_few(n: int, stream: np.random.Generator) -> Vector:
    """Equal weights, then those of n - 1 draws out of n (of one, that one): shape (1 + n_resamples, n)."""
    n_draws = max(1, n - 1)
    drawn = stream.multinomial(n_draws, np.full(n, 1.0 / n), size=RESAMPLES) / n_draws
    return np.vstack([np.full(n, 1.0 / n), drawn])
