"""How many targets look drawn at random, by the likelihood of two kinds of rows, and which.

A target is what the networks expect of its row, give or take their honest uncertainty; or, with probability
epsilon, anything. The networks' uncertainty is fitted too (a temperature for classes; for amounts a
Student t with two scales and a spread that varies with the prediction), so that overlapping classes and heavy
tails are not taken for wrong targets: these show as a floor that no confidence gets below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.view import thinned
from taut.streams import Stream

Floats: TypeAlias = NDArray[np.float64]
#: The density of every row's target as the networks expect it, from the parameters that are fitted.
Expected: TypeAlias = Callable[[Floats], Floats]

_FIT_ROWS = 10_000
_TINY = 1e-300
_ROWS_PER_PIECE = 100
_MOST_PIECES = 20
_HEAVIEST, _LIGHTEST = 1.0, 40.0  # degrees of freedom
_BROAD = 0.3  # of the background: gross errors, beyond what the target's own values reach


@final
@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Targets that look drawn at random.

    Attributes
    ----------
    rate : float
        Epsilon: the most likely share of such rows.
    evidence : float
        Twice the logarithm of the likelihood's ratio to a share of ``floor``; 0 where the rate is below it.
    posterior : float64 (n,)
        The probability that a row's target is such, given the rate.
    tail : float64 (n,)
        How likely such an improbable target is among honest ones, were there no others; 1 for classes.
    """

    rate: float
    evidence: float
    posterior: Floats
    tail: Floats


def class_noise(logits: Floats, codes: NDArray[np.int64], floor: float, seed: int) -> Noise:
    """Fit ``P(y | x) = (1 - e) softmax(t z)_y + e / K``.

    Parameters
    ----------
    logits : float64 (n, K)
        Of networks that were trained without the row.
    codes : int64 (n,)
    floor : float
        The share of random classes that is accepted.
    seed : int
    """
    from scipy.special import log_softmax

    n, n_classes = logits.shape
    here = np.arange(n)
    rows = thinned(here, _FIT_ROWS, seed, Stream.CLASS_NOISE_ROWS)
    background = np.full(n, 1.0 / n_classes)

    def expected(z: Floats, y: NDArray[np.int64]) -> Expected:
        place = np.arange(len(y))
        return lambda free: np.exp(log_softmax(z * np.exp(free[0]), axis=1)[place, y])

    some = expected(logits[rows], codes[rows])
    fitted, rate, evidence = _fit(some, background[rows], np.zeros(1), floor)
    posterior = _posterior(expected(logits, codes)(fitted), background, rate)
    return Noise(rate, evidence, posterior, np.ones(n))


def amount_noise(guess: Floats, target: Floats, floor: float, seed: int) -> Noise:
    """Fit ``p(y | x) = (1 - e) p_t((y - m(g)) / s(g)) + e b(y)``, g the prediction.

    m and s are the residuals' median and spread among rows of about the same prediction, p_t is a Student t
    with a scale for each side, and b is the target's own distribution, broadened.
    """
    n = len(target)
    rows = thinned(np.arange(n), _FIT_ROWS, seed, Stream.AMOUNT_NOISE_ROWS)
    middle, spread = _local(guess, target - guess)
    z = (target - guess - middle) / spread
    background = _background(target)
    start = np.array([0.0, 1.0, 0.0])
    fitted, rate, evidence = _fit(_student(z[rows], spread[rows]), background[rows], start, floor)
    posterior = _posterior(_student(z, spread)(fitted), background, rate)
    honest, _ = _best(_student(z[rows], spread[rows]), background[rows], start, 0.0)
    return Noise(rate, evidence, posterior, _tail(z, honest))


def _fit(expected: Expected, background: Floats, start: Floats, floor: float) -> tuple[Floats, float, float]:
    """Find the most likely parameters and rate, and the evidence that the rate is above the floor."""
    from scipy.optimize import minimize

    def loss(free: Floats) -> float:
        return _loss(expected(free[:-1]), background, _share(free[-1]))

    # From two sides: few wrong targets beside heavy tails, or many beside light ones.
    begins = [np.append(start, logit) for logit in (-6.0, -3.0)]
    options = {"xatol": 1e-3, "fatol": 1e-7, "maxiter": 300 * len(start)}
    found = [minimize(loss, begin, method="Nelder-Mead", options=options) for begin in begins]
    best = min(found, key=lambda one: float(one.fun))
    rate = _share(best.x[-1])
    fitted, at_floor = _best(expected, background, start, floor)
    if rate <= floor or at_floor <= float(best.fun):
        return np.asarray(best.x[:-1]), rate, 0.0
    return np.asarray(best.x[:-1]), rate, 2 * len(background) * (at_floor - float(best.fun))


def _best(expected: Expected, background: Floats, start: Floats, rate: float) -> tuple[Floats, float]:
    """Find the most likely parameters for a given rate, and their loss."""
    from scipy.optimize import minimize

    options = {"xatol": 1e-3, "fatol": 1e-7, "maxiter": 300 * len(start)}
    found = minimize(
        lambda free: _loss(expected(free), background, rate), start, method="Nelder-Mead", options=options
    )
    return np.asarray(found.x), float(found.fun)


def _loss(expected: Floats, background: Floats, rate: float) -> float:
    return float(-np.log((1 - rate) * expected + rate * background + _TINY).mean())


def _posterior(expected: Floats, background: Floats, rate: float) -> Floats:
    wrong = rate * background
    posterior: Floats = wrong / (wrong + (1 - rate) * expected + _TINY)
    return posterior


def _share(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(logit, -40.0), 40.0)))


def _student(z: Floats, spread: Floats) -> Expected:
    """Student's t with a scale for each side of 0, both halves with the same height there."""

    def density(free: Floats) -> Floats:
        scale, skew, degrees = _shape(free)
        a = np.where(z < 0, scale * skew, scale / skew)
        constant = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
        constant -= 0.5 * math.log(degrees * math.pi)
        log = constant - (degrees + 1) / 2 * np.log1p((z / a) ** 2 / degrees)
        joined: Floats = np.exp(log) * (2 / (skew + 1 / skew)) / scale / spread
        return joined

    return density


def _shape(free: Floats) -> tuple[float, float, float]:
    """Scale, skew and degrees of freedom from what is fitted, all kept in range."""
    scale, skew = (math.exp(min(max(float(free[i]), -5.0), 5.0)) for i in (0, 2))
    return scale, skew, min(_HEAVIEST + math.exp(min(float(free[1]), 5.0)), _LIGHTEST)


def _tail(z: Floats, fitted: Floats) -> Floats:
    from scipy.stats import t

    scale, skew, degrees = _shape(fitted)
    a = np.where(z < 0, scale * skew, scale / skew)
    tail: Floats = 2 * t.sf(np.abs(z) / a, degrees)
    return tail


def _local(guess: Floats, left: Floats) -> tuple[Floats, Floats]:
    """Median and spread (median distance, as a standard deviation) of residuals by the prediction."""
    n = len(guess)
    n_pieces = int(np.clip(n // _ROWS_PER_PIECE, 1, _MOST_PIECES))
    pieces = np.array_split(np.argsort(guess, kind="stable"), n_pieces)
    middle = np.array([np.median(left[piece]) for piece in pieces])
    spread = np.array([1.4826 * np.median(np.abs(left[p] - m)) for p, m in zip(pieces, middle, strict=True)])
    place = np.array([np.median(guess[piece]) for piece in pieces])
    least = max(1e-3 * float(np.median(spread)), 1e-9 * float(np.std(left)), 1e-150)
    return np.interp(guess, place, middle), np.interp(guess, place, np.maximum(spread, least))


def _background(target: Floats) -> Floats:
    """The density of the target's values, smoothed, and broad tails beyond them."""
    edges = np.unique(np.quantile(target, np.linspace(0, 1, 41)))
    low, high = np.quantile(target, [0.16, 0.84])
    width = float(high - low) or float(np.std(target)) or 1.0
    broad = 1 / (np.pi * width * (1 + ((target - np.median(target)) / width) ** 2))
    if len(edges) < 3:
        return np.asarray(broad)
    # A value that many rows share has no density: pieces are at least a thousandth of the target wide.
    share = np.histogram(target, edges)[0] / len(target)
    height = share / np.maximum(np.diff(edges), 1e-3 * width)
    own = height[np.clip(np.searchsorted(edges, target, side="right") - 1, 0, len(height) - 1)]
    density: Floats = (1 - _BROAD) * own + _BROAD * broad
    return density
