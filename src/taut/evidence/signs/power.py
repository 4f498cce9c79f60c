"""How well one column alone predicts a target.

It is learned on half of the rows and measured on the other half, and crosswise.

A number is cut into at most 64 bins of about equally many rows (a value that comes often has its own), with
one more for missing; a category's values are its bins. Classes are predicted by their shares in the bin, and
measured by the area under the curve, one class against the rest; amounts by a straight line in each bin, and
measured by R squared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.sign import Indices
from taut.streams import Stream, generator

_MOST_BINS = 64
_ROWS_PER_BIN = (10, 40)  # shares, lines
_Z95 = 1.645  # one-sided


@final
@dataclass(frozen=True, slots=True)
class Power:
    """What a column alone achieves.

    Attributes
    ----------
    value : float
        AUC, the mean over the classes weighted by their rows; or R squared.
    lower : float
        One-sided 95 % confidence bound.
    """

    value: float
    lower: float


def class_power(
    column: NDArray[np.floating], n_levels: int, codes: Indices, n_classes: int, seed: int
) -> Power:
    """Measure a column's power to tell classes.

    Parameters
    ----------
    column : float (n,)
        NaN where missing; or codes of a category.
    n_levels : int
        The number of codes; 0 for numbers.
    codes : int64 (n,)
        The rows' classes.
    n_classes : int
    seed : int

    Notes
    -----
    The bound is by the variance of DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44), with one row's
    worth less, because the variance of a perfect ranking is zero.
    """
    values, errors = [], []
    for fit, held in _halves(len(column), seed):
        bins, n_bins = _bins(column, n_levels, fit, _ROWS_PER_BIN[0])
        learned = _table(bins[fit], codes[fit], n_bins, n_classes)
        counts = _table(bins[held], codes[held], n_bins, n_classes)
        share = learned.sum(axis=0) / len(fit)
        chance = (learned + 2 * share) / (learned.sum(axis=1, keepdims=True) + 2)
        found = [
            area(chance[:, c], counts[:, c], counts.sum(axis=1) - counts[:, c]) for c in range(n_classes)
        ]
        weights = counts.sum(axis=0) * np.array([np.isfinite(a) for a, _ in found])
        if not weights.sum():
            return Power(0.5, 0.5)
        weights /= weights.sum()
        values.append(sum(w * a for w, (a, _) in zip(weights, found, strict=True) if w))
        errors.append(sum(w * e for w, (_, e) in zip(weights, found, strict=True) if w))
    # Halves are independent in the rows that are held out.
    return _power(values, errors, 2.0 / max(1, len(column)))


def amount_power(
    column: NDArray[np.floating], n_levels: int, target: NDArray[np.float64], seed: int
) -> Power:
    """Measure a column's power to tell amounts, as ``class_power`` does for classes."""
    values, errors = [], []
    for fit, held in _halves(len(column), seed):
        bins, n_bins = _bins(column, n_levels, fit, _ROWS_PER_BIN[1])
        x = np.zeros(len(column)) if n_levels else np.where(np.isnan(column), 0.0, column)
        guess = _lines(bins[fit], x[fit], target[fit], n_bins)(bins[held], x[held])
        value, error = r_squared(target[held], guess)
        values.append(value)
        errors.append(error)
    return _power(values, errors, 2.0 / max(1, len(column)))


def area(
    score: NDArray[np.float64], positives: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[float, float]:
    """Area under the curve from counts by score, and its standard error (DeLong); NaN without two sides.

    Parameters
    ----------
    score, positives, others : float64 (n_scores,)
        How many rows of the class, and of the rest, have each score; scores may be equal.
    """
    n_positives, n_others = positives.sum(), others.sum()
    if not n_positives or not n_others:
        return np.nan, np.nan
    found, index = np.unique(score, return_inverse=True)
    positives = np.bincount(index, positives, len(found)).astype(np.float64)
    others = np.bincount(index, others, len(found)).astype(np.float64)
    below = (np.cumsum(others) - others / 2) / n_others  # how many others each positive beats
    above = (n_positives - np.cumsum(positives) + positives / 2) / n_positives
    value = float(positives @ below / n_positives)
    spread = positives @ (below - value) ** 2 / n_positives**2 + others @ (above - value) ** 2 / n_others**2
    return value, float(np.sqrt(spread))


def r_squared(target: NDArray[np.float64], guess: NDArray[np.float64]) -> tuple[float, float]:
    """R squared and its standard error, by each row's influence; 0 where the target does not vary."""
    around = (target - target.mean()) ** 2
    missed = (target - guess) ** 2
    if not len(target) or around.mean() <= 0:
        return 0.0, 0.0
    ratio = missed.mean() / around.mean()
    error = np.std(missed - ratio * around) / around.mean() / np.sqrt(len(target))
    return float(1.0 - ratio), float(error)


def _power(values: list[float], errors: list[float], floor: float) -> Power:
    value = float(np.mean(values))
    error = float(np.sqrt(np.sum(np.square(errors)))) / len(errors)
    return Power(value, value - _Z95 * error - floor)


def _halves(n: int, seed: int) -> list[tuple[Indices, Indices]]:
    order = generator(seed, Stream.SIGN_HALVES, n).permutation(n)
    one, other = order[: n // 2], order[n // 2 :]
    return [(one, other), (other, one)]


def _bins(
    column: NDArray[np.floating], n_levels: int, fit: Indices, rows_per_bin: int
) -> tuple[Indices, int]:
    """Cut a column by the rows that are learned from: (the bin of every row, how many there are)."""
    if n_levels:
        return column.astype(np.int64), n_levels
    known = column[fit]
    known = np.sort(known[~np.isnan(known)])
    most = int(np.clip(len(fit) // rows_per_bin, 2, _MOST_BINS))
    different = np.unique(known)
    if len(different) > most:
        different = np.unique(known[(np.arange(1, most) * len(known)) // most])
        bins = np.searchsorted(different, column, side="right")
    else:
        bins = np.searchsorted((different[1:] + different[:-1]) / 2, column, side="right")
    n_bins = len(different) + 2
    return np.where(np.isnan(column), n_bins - 1, bins).astype(np.int64), n_bins


def _table(bins: Indices, codes: Indices, n_bins: int, n_classes: int) -> NDArray[np.float64]:
    counts = np.bincount(bins * n_classes + codes, minlength=n_bins * n_classes)
    return counts.reshape(n_bins, n_classes).astype(np.float64)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """A straight line in each bin, kept within the bin's range."""

    center: NDArray[np.float64]
    mean: NDArray[np.float64]
    slope: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __call__(self, bins: Indices, x: NDArray[np.floating]) -> NDArray[np.float64]:
        guess = self.mean[bins] + self.slope[bins] * (x - self.center[bins])
        return np.clip(guess, self.low[bins], self.high[bins])


def _lines(bins: Indices, x: NDArray[np.floating], y: NDArray[np.float64], n_bins: int) -> _Lines:
    x = x.astype(np.float64)
    count = np.bincount(bins, minlength=n_bins)
    seen = np.maximum(count, 1)
    overall = y.mean()
    center = np.bincount(bins, x, n_bins) / seen
    mean = (np.bincount(bins, y, n_bins) + overall) / (count + 1)
    offset = x - center[bins]
    wide = np.bincount(bins, offset**2, n_bins)
    along = np.bincount(bins, offset * (y - mean[bins]), n_bins)
    slope = np.divide(along, wide, out=np.zeros(n_bins), where=wide > 0)
    low, high = np.full(n_bins, np.inf), np.full(n_bins, -np.inf)
    np.minimum.at(low, bins, y)
    np.maximum.at(high, bins, y)
    empty = count == 0
    return _Lines(center, mean, slope, np.where(empty, overall, low), np.where(empty, overall, high))
