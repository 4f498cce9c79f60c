"""Whether a network overfits, underfits or fits: what would lower its loss on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.interval import Interval, percentiles
from taut.evidence.trials import Trial

Fit: TypeAlias = Literal["underfits", "fits", "overfits"]
Degree: TypeAlias = Literal["", "slightly", "clearly", "badly"]

#: A change of the loss by less than this share is no matter.
MATTERS = 0.02
# The gain is also to be so many of its standard errors (docs/diagnosis.md has what is measured with that).
_ERRORS = 1.0
_CLEARLY, _BADLY = 0.10, 0.50
_RESAMPLES = 1000
_MOST_GROUPS = 2000

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Gain:
    """By how much the loss of unseen rows would be lower with the best of some alternatives.

    Parameters
    ----------
    share : Interval
        Of the network's own loss; corrected for having picked the best alternative.
    best : str
        The alternative's name; empty where there is none.
    """

    share: Interval
    best: str

    @property
    def matters(self) -> bool:
        """Whether it is more than a trifle, and more than chance."""
        error = (self.share.high - self.share.low) / (2 * 1.96)
        return bool(self.best) and self.share.value > max(MATTERS, _ERRORS * error)


@final
@dataclass(frozen=True)
class Verdict:
    """Underfits, fits or overfits.

    Parameters
    ----------
    fit : {"underfits", "fits", "overfits"}
        Overfits: regularized, or stopped earlier, its loss on unseen rows would be lower by more than 2 %.
        Underfits: wider, or trained longer, it would. Where both would, the larger gain has it.
    weaker, stronger : Gain
        Of the alternatives on either side.
    """

    fit: Fit
    weaker: Gain
    stronger: Gain

    @property
    def gain(self) -> Gain:
        """That of the verdict's side; where it fits, the larger one."""
        if self.fit == "fits":
            return max(self.weaker, self.stronger, key=lambda gain: gain.share.value)
        return self.weaker if self.fit == "overfits" else self.stronger

    @property
    def degree(self) -> Degree:
        """How badly, by the share of the loss that could be saved: up to 10 %, up to 50 %, more."""
        if self.fit == "fits":
            return ""
        share = self.gain.share.value
        return "badly" if share > _BADLY else "clearly" if share > _CLEARLY else "slightly"


def judge(trials: Sequence[Trial], weight: NDArray[np.floating] | None, seed: int) -> Verdict:
    """Compare a network with its alternatives.

    Parameters
    ----------
    trials : sequence of Trial
        The person's first.
    weight : array, shape (n_rows,), or None
    seed : int

    Returns
    -------
    Verdict
    """
    own = trials[0]
    weaker = gain_of(own, [t for t in trials[1:] if t.side == "weaker"], weight, seed)
    stronger = gain_of(own, [t for t in trials[1:] if t.side == "stronger"], weight, seed)
    fit: Fit = "fits"
    if weaker.matters and not (stronger.matters and stronger.share.value > weaker.share.value):
        fit = "overfits"
    elif stronger.matters:
        fit = "underfits"
    return Verdict(fit, weaker, stronger)


def gain_of(own: Trial, others: Sequence[Trial], weight: NDArray[np.floating] | None, seed: int) -> Gain:
    """What the best of some alternatives would save.

    Every resample of the rows picks the best alternative anew, and its gain is measured on the rows left out
    (as in :func:`taut.evidence.estimate.estimate`). A network that diverged has everything to gain.
    """
    sound = [one for one in others if not one.failed]
    if not sound:
        return Gain(Interval(float("-inf"), float("-inf"), float("-inf")), "")
    best = min(sound, key=lambda one: float(np.mean(one.validation_losses)))
    if own.failed:
        return Gain(Interval(1.0, 1.0, 1.0), best.name)
    table = np.stack([own.losses, *(one.losses for one in sound)])
    known: NDArray[np.bool_] = np.all(np.isfinite(table), axis=0)
    used = np.ones(int(known.sum())) if weight is None else weight[: len(known)][known].astype(np.float64)
    groups = _groups(table[:, known], used, seed)
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 31))))
    n = groups.shape[1]
    counts = stream.multinomial(n, np.full(n, 1.0 / n), size=_RESAMPLES)
    out = counts == 0
    inside = counts @ groups.T
    winners = 1 + inside[:, 1:].argmin(axis=1)
    outside = out @ groups.T
    each = np.arange(_RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        corrected = float(np.nanmean(1.0 - outside[each, winners] / outside[:, 0]))
        # The spread is that of all rows; of the third that is left out it would be too wide.
        spread = 1.0 - inside[each, winners] / inside[:, 0]
    middle = float(np.nanmean(spread))
    return Gain(percentiles(corrected, spread - middle + corrected), best.name)


def _groups(table: Vector, weight: Vector, seed: int) -> Vector:
    """Weighted sums of the rows, dealt at random into groups: shape (n_trials, n_groups)."""
    n = table.shape[1]
    if n <= _MOST_GROUPS:
        return table * weight
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 32))))
    group = stream.permutation(n) % _MOST_GROUPS
    return np.stack([np.bincount(group, one * weight, minlength=_MOST_GROUPS) for one in table])
