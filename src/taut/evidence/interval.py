"""A figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.selection.score import standard_error

#: Of all intervals: the share of repetitions in which they should hold the truth.
LEVEL = 0.95


@final
@dataclass(frozen=True)
class Interval:
    """A figure and its interval.

    Parameters
    ----------
    value, low, high : float
        NaN where there is none.
    """

    value: float
    low: float
    high: float

    @property
    def spans_zero(self) -> bool:
        """Whether nothing is shown: it contains 0, or there is none."""
        return not (self.low > 0.0 or self.high < 0.0)

    def within(self, lowest: float, highest: float) -> Interval:
        """Cut to the range of possible values, including its value; NaN stays NaN.

        The truth is in the range, so that cutting the interval to it loses nothing.
        """
        value, low, high = (
            x if np.isnan(x) else min(max(x, lowest), highest) for x in (self.value, self.low, self.high)
        )
        return Interval(value, low, high)

    def times(self, factor: float) -> Interval:
        """In other units; a factor below 0 reverses it."""
        ends = sorted((self.low * factor, self.high * factor))
        return Interval(self.value * factor, *ends)

    @classmethod
    def from_dict(cls, data: Mapping[str, float | None]) -> Interval:
        """Make it again; None stands for NaN."""
        value, low, high = (float("nan") if (x := data[k]) is None else x for k in ("value", "low", "high"))
        return cls(value, low, high)

    def to_dict(self) -> dict[str, float]:
        """Plain values."""
        return {"value": self.value, "low": self.low, "high": self.high}


NONE = Interval(float("nan"), float("nan"), float("nan"))


def percentiles(value: float, samples: NDArray[np.floating]) -> Interval:
    """The middle ``LEVEL`` of the samples around a value; those that are NaN are left out."""
    known = samples[np.isfinite(samples)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def over_folds(value: float, figures: NDArray[np.floating], n_repeats: int) -> Interval:
    """Student's interval of a mean over folds, around a value; NaN with one fold.

    Parameters
    ----------
    value : float
        The middle; the figures' mean, or that mean corrected.
    figures : array, shape (n_folds,)
    n_repeats : int
        How often the folds hold out all rows: repeating them adds no degree of freedom.
    """
    from scipy.stats import t

    n = len(figures)
    if n < 2:
        return Interval(value, float("nan"), float("nan"))
    freedom = max(1.0, n / max(1, n_repeats) - 1)
    reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * standard_error(figures.astype(np.float64), n_repeats)
    return Interval(value, value - reach, value + reach)
