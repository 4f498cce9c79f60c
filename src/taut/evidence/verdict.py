"""Whether a network overfits, underfits or fits: what would lower its loss on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.certainty import certainty_of
from taut.evidence.interval import Interval
from taut.evidence.picking import corrected_gain
from taut.evidence.variants import Variant
from taut.streams import Stream, generator

Fit: TypeAlias = Literal["underfits", "fits", "overfits"]
Degree: TypeAlias = Literal["", "perhaps", "slightly", "clearly", "badly"]

#: A gain of less than this share of the loss does not matter, weaker and stronger. In 160 cases whose truth
#: thousands of other rows showed, they tell best where 2 % could be gained (docs/diagnosis.md).
WEAKER_MATTERS, STRONGER_MATTERS = 0.01, 0.03
# The gain must also be this many of its standard errors, and above this with the correction for picking.
_ERRORS, _LEFT = 1.0, 0.005
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
    measured : float
        The share without that correction: what the verdict goes by, because the correction takes a little too
        much off where alternatives are very similar.
    """

    share: Interval
    best: str
    measured: float

    def matters(self, least: float) -> bool:
        """Whether it is large enough to matter, and more than chance."""
        error = (self.share.high - self.share.low) / (2 * 1.96)
        return bool(self.best) and self.measured > max(least, _ERRORS * error) and self.share.value > _LEFT


@final
@dataclass(frozen=True)
class Verdict:
    """Underfits, fits or overfits.

    Parameters
    ----------
    fit : {"underfits", "fits", "overfits"}
        Overfits: regularized, or stopped earlier, its loss on unseen rows would be lower. Underfits: wider,
        or trained longer, it would. Where both would, the larger gain wins.
    weaker, stronger : Gain
        Of the alternatives on either side.
    """

    fit: Fit
    weaker: Gain
    stronger: Gain

    @property
    def gain(self) -> Gain:
        """The gain on the verdict's side; if it fits, the larger one."""
        if self.fit == "fits":
            return max(self.weaker, self.stronger, key=lambda gain: gain.measured)
        return self.weaker if self.fit == "overfits" else self.stronger

    @property
    def degree(self) -> Degree:
        """How badly, by the share of the loss that could be saved: up to 10 %, up to 50 %, more.

        "perhaps" where its interval holds zero, however large the share.
        """
        if self.fit == "fits":
            return ""
        if certainty_of(self.gain.share) != "sure":
            return "perhaps"
        share = self.gain.share.value
        return "badly" if share > _BADLY else "clearly" if share > _CLEARLY else "slightly"


def verdict_of(variants: Sequence[Variant], weight: NDArray[np.floating] | None, seed: int) -> Verdict:
    """Compare a network with its alternatives.

    Parameters
    ----------
    variants : sequence of Variant
        The user's first.
    weight : array, shape (n_rows,), or None
    seed : int

    Returns
    -------
    Verdict
    """
    own = variants[0]
    # If the network diverges, any regularization that prevents it counts.
    weaker_sides = ("weaker", "other") if own.failed else ("weaker",)
    weaker = gain_of(own, [t for t in variants[1:] if t.side in weaker_sides], weight, seed)
    stronger = gain_of(own, [t for t in variants[1:] if t.side == "stronger"], weight, seed)
    fit: Fit = "fits"
    over, under = weaker.matters(WEAKER_MATTERS), stronger.matters(STRONGER_MATTERS)
    if over and not (under and stronger.measured > weaker.measured):
        fit = "overfits"
    elif under:
        fit = "underfits"
    return Verdict(fit, weaker, stronger)


def gain_of(own: Variant, others: Sequence[Variant], weight: NDArray[np.floating] | None, seed: int) -> Gain:
    """What the best of some alternatives would save.

    Every resample of the rows picks the best alternative anew, and its gain is measured on the rows left out
    (as in :func:`taut.evidence.estimate.estimate`). A network that diverged has everything to gain.
    """
    sound = [one for one in others if not one.failed]
    if not sound:
        nothing = float("-inf")
        return Gain(Interval(nothing, nothing, nothing), "", nothing)
    if own.failed:
        best = min(sound, key=lambda one: float(np.mean(one.validation_losses)))
        return Gain(Interval(1.0, 1.0, 1.0), best.name, 1.0)
    table = np.stack([own.losses, *(one.losses for one in sound)])
    known: NDArray[np.bool_] = np.all(np.isfinite(table), axis=0)
    used = np.ones(int(known.sum())) if weight is None else weight[: len(known)][known].astype(np.float64)
    groups = _groups(table[:, known], used, seed)
    total = groups.sum(axis=1)
    best = sound[int(total[1:].argmin())]
    if not groups[0].sum() > 0:  # no loss at all is no loss to save
        return Gain(Interval(0.0, 0.0, 0.0), best.name, 0.0)
    stream = generator(seed, Stream.GAIN_RESAMPLES)
    n = groups.shape[1]
    counts = stream.multinomial(n, np.full(n, 1.0 / n), size=_RESAMPLES)
    out = counts == 0
    inside = counts @ groups.T
    winners = 1 + inside[:, 1:].argmin(axis=1)
    outside = out @ groups.T
    each = np.arange(_RESAMPLES)
    share = corrected_gain(inside[each, winners], inside[:, 0], outside[each, winners], outside[:, 0])
    measured = float(1.0 - total[1:].min() / total[0])
    return Gain(share, best.name, measured)


def _groups(table: Vector, weight: Vector, seed: int) -> Vector:
    """Weighted sums of the rows, dealt at random into groups: shape (n_variants, n_groups)."""
    n = table.shape[1]
    if n <= _MOST_GROUPS:
        return table * weight
    stream = generator(seed, Stream.GAIN_GROUPS)
    group = stream.permutation(n) % _MOST_GROUPS
    return np.stack([np.bincount(group, one * weight, minlength=_MOST_GROUPS) for one in table])
