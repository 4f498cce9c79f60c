"""How far probabilities are from the shares that are observed, without what chance alone would show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.interval import LEVEL, NONE, Interval
from taut.streams import Stream, generator

Floats = NDArray[np.float64]

#: Bins of as many rows each, with ten rows at least.
N_BINS, LEAST_ROWS = 15, 10
_N_DRAWS = 1000
_N_HALVINGS = 30


@final
@dataclass(frozen=True)
class Bin:
    """Rows whose probabilities are next to each other.

    Parameters
    ----------
    predicted : float
        Their mean probability.
    observed : float
        The share of them that came true.
    low, high : float
        Where the observed share lies in 95 % of all cases if the probabilities are right (consistency bars:
        Bröcker & Smith, 2007, Weather and Forecasting 22).
    n_rows : int
    """

    predicted: float
    observed: float
    low: float
    high: float
    n_rows: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Bin:
        """Make it again."""
        return cls(**data)


@final
@dataclass(frozen=True, eq=False)
class Reliability:
    """Weighted means by bin, each an array of shape (n_bins,).

    Parameters
    ----------
    predicted, observed : float64 array
    within : float64 array
        Variance of the probabilities in the bin.
    share : float64 array
        Of all weight.
    counted : float64 array
        How many rows of one weight tell as much (Kish, 1965).
    n_rows : int array
    """

    predicted: Floats
    observed: Floats
    within: Floats
    share: Floats
    counted: Floats
    n_rows: NDArray[np.intp]

    @classmethod
    def of(cls, probability: Floats, came_true: NDArray[np.bool_], weight: Floats | None) -> Reliability:
        """Sort rows into bins of as many rows each; equal probabilities stay together.

        Parameters
        ----------
        probability : float64 array, shape (n,)
        came_true : bool array, shape (n,)
        weight : float64 array, shape (n,), or None
            Above 0.
        """
        n_bins = max(1, min(N_BINS, len(probability) // LEAST_ROWS))
        edges = np.unique(np.quantile(probability, np.arange(1, n_bins) / n_bins))
        place = np.searchsorted(edges, probability, side="right")
        used = np.ones(len(probability)) if weight is None else weight

        def total(values: Floats) -> Floats:
            sums: Floats = np.bincount(place, values, minlength=n_bins).astype(np.float64)
            return sums

        n_rows = np.bincount(place, minlength=n_bins)
        some = n_rows > 0
        mass = total(used)[some]
        predicted = total(used * probability)[some] / mass
        return cls(
            predicted=predicted,
            observed=total(used * came_true)[some] / mass,
            within=np.maximum(total(used * probability**2)[some] / mass - predicted**2, 0.0),
            share=mass / mass.sum(),
            counted=mass**2 / total(used**2)[some],
            n_rows=n_rows[some],
        )

    def bins(self) -> tuple[Bin, ...]:
        """The bins with their consistency bars."""
        from scipy.stats import binom

        n, inside = np.maximum(1, np.rint(self.counted)), np.clip(self.predicted, 0.0, 1.0)
        low, high = (binom.ppf(end, n, inside) / n for end in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        columns = (inside, np.clip(self.observed, 0.0, 1.0), low, high, self.n_rows)
        return tuple(
            Bin(float(p), float(o), float(lo), float(hi), int(m))
            for p, o, lo, hi, m in zip(*columns, strict=True)
        )


def expected_calibration_error(found: Reliability, seed: int) -> Interval:
    """The mean distance between the probabilities and the observed shares, corrected, with its interval.

    Parameters
    ----------
    found : Reliability
    seed : int

    Notes
    -----
    ``sum_b share_b * abs(observed_b - predicted_b)`` over bins (Naeini et al., 2015, AAAI) is above zero for
    right probabilities too, since observed shares are noisy (Kumar et al., 2019, NeurIPS). So it is compared
    with what such a sum would be if the true deviations were ``k * d_b``: with a normal ``Z`` for each bin,
    ``sum_b share_b * abs(k * d_b + s_b * Z_b)``, ``s_b`` the standard error of a share around
    ``predicted_b + k * d_b``, and ``d_b`` the observed deviation, made longer by its standard error to
    ``hypot(observed_b - predicted_b, s_b)``. The figure is that of the ``k`` of which half of the sums are
    below what was observed (unbiased in the median; 0 where even ``k = 0`` has more above), the interval
    goes from where 2.5 % are above to where 2.5 % are below. Its lower end is above zero where a test at
    2.5 % finds the probabilities wrong.

    In simulations the interval holds the error of these bins in 90 to 98 % of cases where deviations are
    spread over the bins, as those of a network that is too sure or too unsure are; a deviation that sits in
    one bin of many is overrated (tests/evidence/test_calibration_error.py).
    """
    if found.counted.sum() < 2:
        return NONE
    seen = found.observed - found.predicted
    observed = float(found.share @ np.abs(seen))
    usual = np.sqrt(_variance(found, found.predicted))
    direction = np.where(seen < 0, -1.0, 1.0) * np.hypot(seen, usual)
    noise = generator(seed, Stream.CALIBRATION_NOISE).standard_normal((_N_DRAWS, len(seen)))

    def share_above(k: float) -> float:
        deviation = k * direction
        spread = np.sqrt(_variance(found, np.clip(found.predicted + deviation, 0.0, 1.0)))
        return float(np.mean(np.abs(deviation + spread * noise) @ found.share >= observed))

    def solved(share: float) -> float:
        """The error at the largest k of which at most this share of sums is above what was observed."""
        if share_above(0.0) >= share:
            return 0.0
        low, high = 0.0, 1.0
        while share_above(high) < share and high < 1e3:
            low, high = high, 2 * high
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if share_above(middle) < share else (low, middle)
        moved = np.clip(found.predicted + low * direction, 0.0, 1.0) - found.predicted
        return float(found.share @ np.abs(moved))

    low, value, high = (solved(share) for share in ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
    return Interval(value, low, high)


def _variance(found: Reliability, share: Floats) -> Floats:
    """Of a bin's observed share, if its rows' probabilities average ``share``.

    ``mean(p * (1 - p)) = mean(p) * (1 - mean(p)) - var(p)`` of one row.
    """
    variance: Floats = np.maximum(share * (1.0 - share) - found.within, 1e-12) / found.counted
    return variance
