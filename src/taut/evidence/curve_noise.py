"""Learning curves and their noise: what rose or fell by more than a curve without any trend does.

A curve is a trend plus noise. How noisy it is is told by its second differences, to which a smooth trend adds
little. How far flat noise seems to rise, if one looks for its lowest point, is told by simulated flat curves
that go through the very same steps, so that the search for the lowest point, the number of windows and the
error of the noise itself are all paid for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.streams import Stream, generator

#: Fewer epochs do not show how noisy a curve is.
FEWEST_EPOCHS = 8
#: A curve of more is averaged in bins.
_MOST_POINTS = 400
_LEVEL = 0.01  # chance that flat noise passes one test
_FLAT_CURVES = 2000
_CELLS = 2_000_000  # of the simulation at a time
_LEAST_NOISE = 1e-9  # of the largest loss: what is below is rounding
_BLOCKS = (1, 2, 4, 8, 16)
_BEND_TO_NOISE = 1.482602218505602 / math.sqrt(6.0)  # of independent normal noise

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Move:
    """How far a curve went from one place to another.

    Parameters
    ----------
    size : float
        In the curve's units; above 0 in the direction that was asked about.
    least : float
        Its lower bound, which holds in 99 of 100 curves, the search for the place included: above 0 where the
        move is more than noise.
    """

    size: float
    least: float

    @property
    def is_real(self) -> bool:
        """Whether it is more than noise."""
        return self.least > 0


@final
@dataclass(frozen=True, eq=False)
class CurveNoise:
    """What a curve did, measured by its own noise.

    Parameters
    ----------
    noise : float
        Standard deviation of one epoch around its neighbours, in the curve's units.
    rise : Move
        From its lowest place to its end.
    fall : Move
        From its beginning to its lowest place.
    falling : Move
        Over its last epochs, at most a quarter of them: the first half of these against the second.
    detectable : float
        The smallest rise or fall that would have been seen at the best width of a window.
    lowest : tuple of int
        First and last epoch (from 1) that means of no number of epochs show to lie above the lowest one.
    """

    noise: float
    rise: Move
    fall: Move
    falling: Move
    detectable: float
    lowest: tuple[int, int]


def measure(curve: Vector) -> CurveNoise:
    """Measure what a curve did by its own noise.

    The curve is cleared of single spikes (running median of three), and means of windows of 2, 4, 8, ...
    epochs are compared. Their errors come from the second differences of means over 1, 2, 4, 8 and 16 epochs,
    by the median of their sizes, in each half of the curve; the largest counts, since neighbouring epochs may
    share a part of their noise, and noise may grow. Where the noise of the epochs is independent, a
    curve that falls or stays level is said to have risen in about one of 100 cases; where neighbours have a
    correlation of 0.6, in up to 14 of 100 with 50 epochs or fewer, and in up to 4 from 100 epochs on.

    Parameters
    ----------
    curve : float64 array, shape (n_epochs,)
        Finite; at least ``FEWEST_EPOCHS``.
    """
    step = math.ceil(len(curve) / _MOST_POINTS)
    scale = float(np.max(np.abs(curve))) or 1.0
    parts = np.array_split(curve / scale, math.ceil(len(curve) / step))
    points = np.array([part.mean() for part in parts])[None]
    n = points.shape[1]
    noise = float(_noise(points)[0])
    smooth = _without_spikes(points)
    limits = _limits(n)
    rise = _surest(_rises(smooth), noise * limits.move)
    fall = _surest(_rises(smooth[:, ::-1]), noise * limits.move)
    falling = _surest(_falling(smooth), noise * limits.falling)
    detectable = noise * limits.move * math.sqrt(2.0 / _widths(n)[-1])
    low, high = _valley(smooth, noise * limits.move)
    return CurveNoise(
        noise=float(_bend(curve[None] / scale, 1)[0]) * _BEND_TO_NOISE * scale,
        rise=Move(rise.size * scale, rise.least * scale),
        fall=Move(fall.size * scale, fall.least * scale),
        falling=Move(falling.size * scale, falling.least * scale),
        detectable=detectable * scale,
        lowest=(low * step + 1, min(len(curve), (high + 1) * step)),
    )


@final
@dataclass(frozen=True)
class _Limits:
    """What flat noise reaches in one of a hundred curves, in standard deviations."""

    move: float
    falling: float


@lru_cache(maxsize=64)
def _limits(n: int) -> _Limits:
    """Put flat curves of this length through the same steps."""
    stream = generator(0, Stream.FLAT_CURVES, n)
    moves, fallings = [], []
    for start in range(0, _FLAT_CURVES, max(1, _CELLS // n)):
        flat = stream.standard_normal((min(max(1, _CELLS // n), _FLAT_CURVES - start), n))
        noise, smooth = _noise(flat), _without_spikes(flat)
        moves.append(_largest(_rises(smooth)) / noise)
        fallings.append(_largest(_falling(smooth)) / noise)
    move, falling = (float(np.quantile(np.concatenate(each), 1.0 - _LEVEL)) for each in (moves, fallings))
    return _Limits(move, falling)


def _noise(curves: Vector) -> Vector:
    """Standard deviation of one point, as the means of several show it: shape (n_curves,), never 0."""
    n = curves.shape[1]
    halves = [curves] if n < 4 * FEWEST_EPOCHS else [curves[:, : n // 2], curves[:, n // 2 :]]
    found = [
        _bend(_means(half, width), width) * math.sqrt(width)
        for half in halves
        for width in _BLOCKS
        if width == 1 or half.shape[1] >= 6 * width
    ]
    noise: Vector = np.maximum(np.max(found, axis=0) * _BEND_TO_NOISE, _LEAST_NOISE)
    return noise


def _bend(curves: Vector, lag: int) -> Vector:
    """Median size of second differences: shape (n_curves,)."""
    bends = curves[:, 2 * lag :] - 2.0 * curves[:, lag:-lag] + curves[:, : -2 * lag]
    found: Vector = np.median(np.abs(bends), axis=1)
    return found


def _without_spikes(curves: Vector) -> Vector:
    """Running median of three; at the ends that of the first and of the last three."""
    middle = np.median(np.stack([curves[:, :-2], curves[:, 1:-1], curves[:, 2:]]), axis=0)
    whole: Vector = np.concatenate([middle[:, :1], middle, middle[:, -1:]], axis=1)
    return whole


def _widths(n: int) -> list[int]:
    """Of the windows: 2, 4, 8, ... points, up to a third of them."""
    return [2**k for k in range(1, n.bit_length()) if 2**k <= max(2, n // 3)]


def _means(curves: Vector, width: int) -> Vector:
    """Means of all windows of one width: shape (n_curves, n - width + 1)."""
    sums = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(curves, axis=1)], axis=1)
    found: Vector = (sums[:, width:] - sums[:, :-width]) / width
    return found


def _rises(smooth: Vector) -> list[tuple[int, Vector]]:
    """By width, the mean of the last window less the lowest one before it: (width, shape (n_curves,))."""
    found = []
    for width in _widths(smooth.shape[1]):
        means = _means(smooth, width)
        found.append((width, means[:, -1] - means[:, :-width].min(axis=1)))
    return found


def _falling(smooth: Vector) -> list[tuple[int, Vector]]:
    """By width, the mean of the window before the last less that of the last."""
    found = []
    for width in _widths(smooth.shape[1]):
        if width <= max(2, smooth.shape[1] // 8):
            means = _means(smooth, width)
            found.append((width, means[:, -1 - width] - means[:, -1]))
    return found


def _largest(moves: list[tuple[int, Vector]]) -> Vector:
    """The largest of the moves, each in units of its own error: shape (n_curves,)."""
    found: Vector = np.max([move * math.sqrt(width / 2.0) for width, move in moves], axis=0)
    return found


def _surest(moves: list[tuple[int, Vector]], step: float) -> Move:
    """The move that is surest, where ``step`` is how far two points may be apart by noise."""
    width, move = max(moves, key=lambda one: float(one[1][0]) * math.sqrt(one[0]))
    return Move(float(move[0]), float(move[0]) - step * math.sqrt(2.0 / width))


def _valley(smooth: Vector, step: float) -> tuple[int, int]:
    """First and last point that no width of a window shows to lie above the lowest one.

    ``step`` is how far two points may be apart by noise; windows may be by less.
    """
    n = smooth.shape[1]
    near = np.ones(n, dtype=np.bool_)
    for width in _widths(n):
        means = _means(smooth, width)[0]
        # Each point by the window around it, at the ends by the first and by the last one.
        around = np.pad(means, (width // 2, n - len(means) - width // 2), mode="edge")
        near &= around <= means.min() + step * math.sqrt(2.0 / width)
    found = np.flatnonzero(near) if near.any() else np.array([int(np.argmin(smooth[0]))])
    return int(found[0]), int(found[-1])
