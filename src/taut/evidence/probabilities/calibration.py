"""Whether probabilities mean what they say, and what a temperature does about it: all on out-of-fold rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.interval import Interval
from taut.evidence.probabilities.calibration_error import Bin, Reliability, expected_calibration_error
from taut.evidence.probabilities.temperature import fitted_temperature, log_losses, tempered
from taut.evidence.skew import skewed_interval
from taut.streams import Stream, generator

Floats = NDArray[np.float64]

#: Parts of the rows: a row's figures "after" are at the temperature of the other parts.
N_PARTS = 5
#: With fewer rows nothing is said.
LEAST_ROWS = 20
_INTERVALS = ("gain", "error", "error_after")
_BINS = ("bins", "bins_after")


@final
@dataclass(frozen=True)
class Calibration:
    """How right a classifier's probabilities are on rows that it has not seen.

    Where training weighs rows or classes, so does all of this: with ``class_weight`` the probabilities are of
    a world in which the classes are as frequent as their weights make them, and that is where they are
    compared with what is observed.

    Attributes
    ----------
    temperature : float
        By which ``predict_proba`` divides the logarithms of its probabilities (Guo et al., 2017, ICML). It is
        1, and does nothing, unless the gain is sure: its interval lies above zero.
    fitted_temperature : float
        The one with the lowest log loss: above 1 the networks are too sure of themselves, below 1 too unsure.
    log_loss, log_loss_after : float
        In nats. "After" is at ``fitted_temperature``, honestly: of each row at the temperature that the
        rows of four other fifths give.
    gain : Interval
        By how much that lowers the log loss, with its 95 % interval; below zero it is harm.
    error, error_after : Interval
        Expected calibration error, corrected for chance (``expected_calibration_error``): of the second
        class's probability where there are two classes, else of that of the likeliest one.
    bins, bins_after : tuple of Bin
        Of the same probabilities, for a reliability diagram.
    n_rows : int
        Out-of-fold rows.
    n_averaged : int
        Networks whose average predicted a row.
    """

    temperature: float
    fitted_temperature: float
    log_loss: float
    log_loss_after: float
    gain: Interval
    error: Interval
    error_after: Interval
    bins: tuple[Bin, ...]
    bins_after: tuple[Bin, ...]
    n_rows: int
    n_averaged: int

    @property
    def applied(self) -> bool:
        """Whether the temperature acts."""
        return self.temperature != 1.0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Make it again; None stands for NaN."""
        given = {one.name: data[one.name] for one in fields(cls)}
        given |= {name: Interval.from_dict(data[name]) for name in _INTERVALS}
        given |= {name: tuple(map(Bin.from_dict, data[name])) for name in _BINS}
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        plain |= {name: plain[name].to_dict() for name in _INTERVALS}
        return plain | {name: [one.to_dict() for one in plain[name]] for name in _BINS}


def calibration(
    probabilities: Floats,
    codes: NDArray[np.intp],
    weight: Floats | None,
    seed: int,
    *,
    n_averaged: int = 1,
    may_apply: bool = True,
) -> Calibration | None:
    """Judge out-of-fold probabilities, and choose the temperature; None where there are too few rows.

    Parameters
    ----------
    probabilities : float64 array, shape (n, n_classes)
        Of networks that have not seen the row.
    codes : int array, shape (n,)
        The number of each row's class.
    weight : float64 array, shape (n,), or None
        In the loss. Rows of weight 0 take no part.
    seed : int
    n_averaged : int
        Networks whose average this is.
    may_apply : bool
        Whether what predicts later is an average of several as well, or the same network: else another
        temperature may fit it.
    """
    if weight is not None and not (weight > 0).all():
        counts = weight > 0
        probabilities, codes, weight = probabilities[counts], codes[counts], weight[counts]
    n = len(codes)
    if n < LEAST_ROWS:
        return None
    part = generator(seed, Stream.CALIBRATION_PARTS).permutation(n) % N_PARTS
    after = np.empty_like(probabilities)
    for k in range(N_PARTS):
        mine = part == k
        others = None if weight is None else weight[~mine]
        found = fitted_temperature(probabilities[~mine], codes[~mine], others)
        after[mine] = tempered(probabilities[mine], found)
    losses, losses_after = log_losses(probabilities, codes), log_losses(after, codes)
    rows = losses - losses_after
    gain = skewed_interval(float(np.average(rows, weights=weight)), rows, weight)
    fitted = fitted_temperature(probabilities, codes, weight)
    sure = may_apply and gain.low > 0.0
    reliability, reliability_after = (_reliability(p, codes, weight) for p in (probabilities, after))
    return Calibration(
        temperature=fitted if sure else 1.0,
        fitted_temperature=fitted,
        log_loss=float(np.average(losses, weights=weight)),
        log_loss_after=float(np.average(losses_after, weights=weight)),
        gain=gain,
        error=expected_calibration_error(reliability, seed),
        error_after=expected_calibration_error(reliability_after, seed),
        bins=reliability.bins(),
        bins_after=reliability_after.bins(),
        n_rows=n,
        n_averaged=n_averaged,
    )


def _reliability(probabilities: Floats, codes: NDArray[np.intp], weight: Floats | None) -> Reliability:
    """Of the second of two classes; of more, of the likeliest one."""
    if probabilities.shape[1] == 2:
        return Reliability.of(probabilities[:, 1], codes == 1, weight)
    return Reliability.of(probabilities.max(axis=1), probabilities.argmax(axis=1) == codes, weight)
