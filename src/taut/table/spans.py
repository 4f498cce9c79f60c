"""The ranges of many columns of numbers: found side by side, since a wide table has tens of thousands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.table.frame import Floats, Mask
from taut.table.schema import Part, What

_SHIFT_FROM = 1000.0  # spreads away from 0, where float32 still has 1e-4 of a spread
_UNITS = (1e-6, 1e6)  # a spread inside needs no other unit
_POWERS = np.array([float(f"1e{exponent}") for exponent in range(-290, 301)])
_SAMPLE_ROWS = 20_000
_BLOCK_CELLS = 1_000_000
_QUANTILES = np.array([0.5, 0.25, 0.75, 0.05, 0.95, 0.01, 0.99, 0.0, 1.0])


@final
@dataclass(frozen=True, slots=True)
class Span:
    """The range of a column's finite numbers.

    Attributes
    ----------
    low, high : float
        0 where there are none.
    n_finite : int
    whole : bool
        Whether all are whole.
    rising : bool
        Whether each is above the one before it, as far as neighbours show: a gap hides what is around it.
    part : Part
        The origin and the unit in which float32 keeps the digits that differ.
    """

    low: float
    high: float
    n_finite: int
    whole: bool
    rising: bool
    part: Part


def blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Give the indices of columns that are processed side by side."""
    step = max(1, _BLOCK_CELLS // max(1, n_rows))
    return (slice(start, start + step) for start in range(0, n_columns, step))


def spans(columns: Sequence[Floats]) -> list[Span]:
    """Find the span of each column of numbers.

    Parameters
    ----------
    columns : sequence of float64 (n_rows,)
        All of one length; NaN and infinities are passed over.
    """
    found: list[Span] = []
    for indices in blocks(len(columns[0]) if columns else 0, len(columns)):
        values = np.stack(columns[indices])
        finite = np.isfinite(values)
        n_finite = finite.sum(axis=1)
        if not finite.all():
            values = np.where(finite, values, np.nan)
        whole = ((values == np.rint(values)) | ~finite).all(axis=1)
        rising = np.asarray(~(values[:, 1:] <= values[:, :-1]).any(axis=1))
        empty = n_finite == 0
        low = np.where(empty, 0.0, np.fmin.reduce(values, axis=1))
        high = np.where(empty, 0.0, np.fmax.reduce(values, axis=1))
        with np.errstate(over="ignore"):
            parts = value_parts(_samples(values, finite), high - low)
        found += [
            Span(float(low[i]), float(high[i]), int(n_finite[i]), bool(whole[i]), bool(rising[i]), part)
            for i, part in enumerate(parts)
        ]
    return found


def value_parts(samples: Floats, width: Floats, what: What = "value") -> list[Part]:
    """Choose origins and units so that float32 keeps the digits that differ.

    Parameters
    ----------
    samples : float64 (n_columns, n)
        Some of the values of each column; NaN are passed over.
    width : float64 (n_columns,)
        From the lowest of all values to the highest, for a sample that does not vary.
    what : str
    """
    with np.errstate(over="ignore", invalid="ignore"):  # from -1e308 to 1e308
        median, *bounds = _quantiles(samples).T
        spreads = [upper - lower for lower, upper in zip(bounds[::2], bounds[1::2], strict=True)]
    spread = np.zeros(len(samples))
    # The widest range of all values but outliers: an outlier must not cost the others their digits.
    for wider in [*spreads, width]:
        spread = np.where(spread > 0.0, spread, np.where((wider > 0.0) & (wider < np.inf), wider, 0.0))
    varies = spread > 0.0
    origin = np.where(varies & (np.abs(median) > _SHIFT_FROM * spread), median, 0.0)
    other = varies & ~((_UNITS[0] <= spread) & (spread <= _UNITS[1]))
    unit = np.ones(len(samples))
    unit[other] = _power_of_ten(spread[other])
    return [Part(what, *pair) for pair in zip(origin.tolist(), unit.tolist(), strict=True)]


def _power_of_ten(values: Floats) -> Floats:
    """The greatest power of ten that is not above each value, or the nearest end of ``_POWERS``.

    Looked up: NumPy's own logarithms and powers differ in the last bit between processors, and a network's
    numbers must not.
    """
    places = np.searchsorted(_POWERS, values, side="right") - 1
    found: Floats = _POWERS[np.maximum(places, 0)]
    return found


def _samples(values: Floats, finite: Mask) -> Floats:
    """Give some of the finite values of each column, (n_columns, n), filled up with NaN."""
    if values.shape[1] < 2 * _SAMPLE_ROWS:
        return values
    chosen = []
    for row, good in zip(values, finite, strict=True):
        present = row[good]
        chosen.append(present[:: max(1, len(present) // _SAMPLE_ROWS)])
    samples = np.full((len(values), max(len(sample) for sample in chosen)), np.nan)
    for row, sample in zip(samples, chosen, strict=True):
        row[: len(sample)] = sample
    return samples


def _quantiles(samples: Floats) -> Floats:
    """Find the quantiles of each column as ``np.quantile`` does, (n_columns, 9); NaN where it is empty."""
    ordered = np.sort(samples, axis=1)  # NaN go last
    if not ordered.shape[1]:
        return np.full((len(samples), len(_QUANTILES)), np.nan)
    last = (~np.isnan(ordered)).sum(axis=1, keepdims=True) - 1
    position = _QUANTILES * np.maximum(last, 0)
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(last, 0))
    share = position - below
    lower: NDArray[Any] = np.take_along_axis(ordered, below, axis=1)
    upper: NDArray[Any] = np.take_along_axis(ordered, above, axis=1)
    step = upper - lower
    found: Floats = np.where(share >= 0.5, upper - step * (1 - share), lower + step * share)
    return found
