"""A figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

#: Of all intervals: the share of repetitions in which they should hold the truth.
LEVEL = 0.95


@final
@dataclass(frozen=True)
class Interval:
    """A figure, and from where to where it may be.

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
        """Whether nothing is shown: 0 lies in it, or there is none."""
        return not (self.low > 0.0 or self.high < 0.0)

    def within(self, lowest: float, highest: float) -> Interval:
        """Cut to what the figure can be, its value too; what is NaN stays so.

        The truth is in the range, so that an interval that was cut to it holds the truth as often.
        """
        value, low, high = (
            x if np.isnan(x) else min(max(x, lowest), highest) for x in (self.value, self.low, self.high)
        )
        return Interval(value, low, high)

    def times(self, factor: float) -> Interval:
        """In other units; a factor below 0 turns it around."""
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
