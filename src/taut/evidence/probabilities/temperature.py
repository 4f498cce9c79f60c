"""Temperature: one number that makes all probabilities more or less extreme (Guo et al., 2017, ICML).

``softmax(log(p) / T)``: above 1 it takes away confidence, below 1 it adds some, and the likeliest class stays
the likeliest. The logarithms stand in for the logits, since what a model says is an average of probabilities.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from taut.learning.objective import CrossEntropy

Floats = NDArray[np.float64]

#: The temperatures that are looked at.
LOWEST, HIGHEST = 0.05, 20.0
_TINY = float(np.finfo(np.float32).tiny)  # as CrossEntropy.outputs_of has it
# One number needs no more: with so many rows its standard error is below one in a hundred.
_MOST_ROWS = 50_000
_MOST_NUMBERS = 5_000_000


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities at a temperature; at 1 they stay what they are, bit for bit.

    Parameters
    ----------
    probabilities : float64 array, shape (n, n_classes)
    temperature : float
    """
    if temperature == 1.0:
        return probabilities
    objective = CrossEntropy(probabilities.shape[1])
    return objective.predictions(objective.outputs_of(probabilities) / temperature)


def log_losses(probabilities: Floats, codes: NDArray[np.intp]) -> Floats:
    """The log loss of each row in nats: shape (n,)."""
    own = probabilities[np.arange(len(codes)), codes]
    losses: Floats = -np.log(np.maximum(own, _TINY))
    return losses


def fitted_temperature(probabilities: Floats, codes: NDArray[np.intp], weight: Floats | None) -> float:
    """The temperature with the lowest weighted mean log loss, one more row being wrong.

    Parameters
    ----------
    probabilities : float64 array, shape (n, n_classes)
    codes : int array, shape (n,)
        The number of each row's class.
    weight : float64 array, shape (n,), or None

    Notes
    -----
    Where all rows are right, the lower the temperature, the lower the loss, and certainty would be promised.
    So, as Platt (1999) has it, each row is of its class with ``1 - 1 / (n + 2)`` only, and else of the
    likeliest other one: together about one row is wrong that was not seen to be.

    The loss is convex in ``1 / T``. Its derivative, the mean of ``E[z] - z[class]``, with the expectation
    over the tempered probabilities, rises, so that the minimum is where it is zero, or at an end.
    """
    from scipy.optimize import brentq

    step = max(1, -(-len(codes) // _MOST_ROWS), -(-probabilities.size // _MOST_NUMBERS))
    objective = CrossEntropy(probabilities.shape[1])
    logits, own = objective.outputs_of(probabilities[::step]), codes[::step]
    used = None if weight is None else weight[::step]
    rows = np.arange(len(own))
    others = logits.copy()
    others[rows, own] = -np.inf
    wrong = 1.0 / (len(own) + 2)
    meant = (1.0 - wrong) * logits[rows, own] + wrong * others.max(axis=1)

    def slope(log_temperature: float) -> float:
        expected = (objective.predictions(logits * math.exp(-log_temperature)) * logits).sum(axis=1)
        return float(np.average(expected - meant, weights=used))

    low, high = math.log(LOWEST), math.log(HIGHEST)
    if slope(low) <= 0.0:  # the loss falls in 1 / T up to the end
        return LOWEST
    if slope(high) >= 0.0:
        return HIGHEST
    return math.exp(float(brentq(slope, low, high, xtol=1e-5)))
