"""Numbers in pieces: what lets a network of few weights make steps and bends in one number.

Piecewise-linear encoding (Gorishniy, Rubachev and Babenko, 2022): between quantiles of a number's training
rows, each piece is 0 below it, 1 above it, and rises evenly within.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

_SAMPLE_ROWS = 100_000
_FEWEST = 2  # one piece of a number says what the number says
MOST_SLOPE = 1e25  # with MOST = 1e12 of the matrix, (v - low) * slope stays in float32


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of all numbers, one after the other.

    A number v has in a piece the value ``min(1, max(0, (v - low) * slope))``, and 0 where it is missing.

    Attributes
    ----------
    column : int32 (n_pieces,)
        The number that a piece is of.
    low : float32 (n_pieces,)
        Where it begins.
    slope : float32 (n_pieces,)
        1 / its width.
    n_bins : int
        How many of a number there may be.
    """

    column: NDArray[np.int32]
    low: NDArray[np.float32]
    slope: NDArray[np.float32]
    n_bins: int = 0

    def __len__(self) -> int:
        return len(self.column)

    @classmethod
    def none(cls) -> Self:
        """Numbers as they are, alone."""
        nothing = np.empty(0, dtype=np.float32)
        return cls(nothing.astype(np.int32), nothing, nothing)

    @classmethod
    def fit(cls, numbers: NDArray[np.float32], n_bins: int) -> Self:
        """At most so many pieces of each number, with about as many rows in each.

        A number with two values, or none, has no piece: it is one already.

        Parameters
        ----------
        numbers : float32 (n_rows, n_numbers)
            Of the training rows; NaN where missing. Of more than 100,000, so many, evenly spaced, are used.
        n_bins : int
            0 gives no pieces.
        """
        column: list[int] = []
        low: list[float] = []
        slope: list[float] = []
        shares = np.linspace(0.0, 1.0, n_bins + 1)
        for index in range(numbers.shape[1] if n_bins else 0):
            values = numbers[:, index]
            values = values[~np.isnan(values)][:: max(1, len(values) // _SAMPLE_ROWS)]
            if not len(values):
                continue
            # Values that occur: a piece between two of few levels ends at one.
            edges = _apart(np.unique(np.quantile(values, shares, method="nearest")).astype(np.float64))
            if len(edges) <= _FEWEST:
                continue
            column += [index] * (len(edges) - 1)
            low += edges[:-1].tolist()
            slope += (1.0 / np.diff(edges)).tolist()
        return cls(
            np.array(column, dtype=np.int32),
            np.array(low, dtype=np.float32),
            np.array(slope, dtype=np.float32),
            n_bins,
        )

    def transform(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Encode numbers of shape (n, n_numbers): float32 (n, n_pieces)."""
        values = numbers[:, self.column]
        found: NDArray[np.float32] = np.clip((values - self.low) * self.slope, 0, 1, dtype=np.float32)
        return np.where(np.isnan(values), np.float32(0), found)

    def names(self, numbers: tuple[str, ...]) -> tuple[str, ...]:
        """Such as "age from 31" for the piece that begins at 31."""
        pairs = zip(self.column, self.low, strict=True)
        return tuple(f"{numbers[column]} from {low:.6g}" for column, low in pairs)

    def to_json(self) -> dict[str, Any]:
        """Plain lists."""
        arrays = {name: getattr(self, name).tolist() for name in ("column", "low", "slope")}
        return {**arrays, "n_bins": self.n_bins}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        return cls(
            np.array(data["column"], dtype=np.int32),
            np.array(data["low"], dtype=np.float32),
            np.array(data["slope"], dtype=np.float32),
            int(data["n_bins"]),
        )

    def fits(self, n_numbers: int) -> bool:
        """Whether the pieces of each number lie side by side, number after number: the kernels trust it."""
        same = np.diff(self.column) == 0
        return bool(
            self.column.ndim == 1
            and self.column.shape == self.low.shape == self.slope.shape
            and ((self.column >= 0) & (self.column < n_numbers)).all()
            and np.isfinite(self.low).all()
            and ((self.slope > 0) & (self.slope <= MOST_SLOPE)).all()
            and (np.diff(self.column) >= 0).all()
            and np.allclose((np.diff(self.low) * self.slope[:-1])[same], 1.0, rtol=1e-3)
        )


def _apart(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those of sorted edges that are far enough apart for a slope."""
    kept = [float(edges[0])]
    for edge in edges[1:].tolist():
        if (edge - kept[-1]) * MOST_SLOPE >= 1.0:
            kept.append(edge)
    return np.array(kept)
