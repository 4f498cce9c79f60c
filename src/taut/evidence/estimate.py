"""The error to expect on unseen rows, corrected for having picked the best of many candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.averaging import Averaging
from taut.evidence.interval import LEVEL, Interval, over_folds
from taut.evidence.picking import corrected_gain
from taut.evidence.score_range import score_range
from taut.evidence.skew import skewed_interval
from taut.selection.choice import Choosing
from taut.streams import Stream, generator

#: Resamples of the rows.
N_RESAMPLES = 1000
# Many rows are first dealt at random into so many groups, which are then resampled: the means' spread stays.
_MOST_GROUPS = 2000
# The networks' own luck is in no row: with the usual standard error, intervals held the truth too rarely
# (benchmarks/README.md, "Estimate").
_WIDER = 1.2

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Estimate:
    """What to expect of the networks that are handed over, on unseen rows.

    Attributes
    ----------
    loss : Interval
        Cross-entropy in nats, or squared error in the target's own units: of the average of ``n_averaged``
        networks.
    score : Interval
        The same of the score, greater is better.
    score_name : str
        "accuracy", "r2", or what the person's scorer is called.
    naive_loss, naive_score : float
        The chosen candidate's own figures, of the folds' networks one by one: having chosen it flatters them.
    bag_loss, bag_score : float
        Of several networks' average: ``n_bagged`` that had no part of a row, for each row. Not corrected for
        choosing. NaN where there was no time for them.
    n_bagged : int
    price, score_price : float
        By how much having chosen flatters the naive loss, which is higher on unseen rows by this, and the
        naive score (so that this is negative).
    n_averaged : int
        1 where one network is handed over, or nobody measured what averaging brings: the figures are of
        single networks then.
    n_candidates : int
        That took part: those with all folds.
    n_resamples : int
    gains : mapping of str to Interval
        By a baseline's name ("none", "early_stopping") by which share the chosen one's loss is lower than
        that baseline's, corrected for choosing; of those baselines that took part.
    n_rows : int
        Where it is of a network that was trained on all rows, how many these are; 0 where it is of the folds'
        networks.
    """

    loss: Interval
    score: Interval
    score_name: str
    naive_loss: float
    naive_score: float
    bag_loss: float = float("nan")
    bag_score: float = float("nan")
    n_bagged: int = 0
    price: float = 0.0
    score_price: float = 0.0
    n_averaged: int = 1
    n_candidates: int = 1
    n_resamples: int = N_RESAMPLES
    gains: Mapping[str, Interval] = field(default_factory=dict)
    n_rows: int = 0

    def in_units(self, factor: float) -> Estimate:
        """The same with losses in other units: multiplied by ``factor``."""
        return replace(
            self,
            loss=self.loss.times(factor),
            naive_loss=self.naive_loss * factor,
            price=self.price * factor,
            bag_loss=self.bag_loss * factor,
        )

    def tempered(self, factor: float) -> Estimate:
        """The same where a temperature multiplies the expected log loss; classes stay as they are."""
        return replace(self, loss=self.loss.times(factor))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Estimate:
        """Make it again; None stands for NaN."""
        nan = float("nan")
        given: dict[str, Any] = {name: nan if value is None else value for name, value in data.items()}
        given["loss"] = Interval.from_dict(data["loss"])
        # Models of before may have one that leaves its range.
        given["score"] = Interval.from_dict(data["score"]).within(*score_range(data["score_name"]))
        # Models that were saved before there were any have none.
        given["gains"] = {name: Interval.from_dict(one) for name, one in data.get("gains", {}).items()}
        if "price" not in data:  # they are of single networks
            given["price"] = given["loss"].value - given["naive_loss"]
            given["score_price"] = given["score"].value - given["naive_score"]
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; see :meth:`from_dict`."""
        return {
            "loss": self.loss.to_dict(),
            "score": self.score.to_dict(),
            "score_name": self.score_name,
            "naive_loss": self.naive_loss,
            "naive_score": self.naive_score,
            "bag_loss": self.bag_loss,
            "bag_score": self.bag_score,
            "n_bagged": self.n_bagged,
            "price": self.price,
            "score_price": self.score_price,
            "n_averaged": self.n_averaged,
            "n_candidates": self.n_candidates,
            "n_resamples": self.n_resamples,
            "gains": {name: one.to_dict() for name, one in self.gains.items()},
            "n_rows": self.n_rows,
        }


@final
@dataclass(frozen=True, eq=False)
class RowFigures:
    """Out-of-fold figures of the candidates with all folds, row by row.

    Parameters
    ----------
    losses : float64 array, shape (n_candidates, n_rows)
        NaN in all of them where a row was never held out.
    badness : float64 array, shape (n_candidates, n_rows)
        Whose mean is one less the score: 1 where a class was missed; for amounts, see
        :meth:`taut.learning.objective.Objective.shortfalls`.
    weight, badness_weight : array, shape (n_rows,), or None
        Of the losses, and of the badness where it has others (accuracy knows no weights of classes).
    """

    losses: Vector
    badness: Vector
    weight: NDArray[np.floating] | None
    badness_weight: NDArray[np.floating] | None = None


def estimate(
    figures: RowFigures,
    choosing: Choosing,
    chosen: int,
    score_name: str,
    seed: int,
    baselines: Mapping[str, int] | None = None,
    averaging: Averaging | None = None,
) -> Estimate:
    """Bootstrap bias corrected cross-validation.

    Every resample of the rows chooses anew among the candidates, and looks at the chosen one's figures on
    the rows that are not in it. The mean over the resamples is the estimate. A row's figures are of a network
    that has not seen it, at an epoch that other folds chose, so that neither has to be corrected for.

    Parameters
    ----------
    figures : RowFigures
    choosing : Choosing
        Chooses from resampled losses as the search did.
    chosen : int
        The place in ``figures`` of the one that the search chose.
    score_name : str
    seed : int
    baselines : mapping of str to int, optional
        By name the places in ``figures`` of what the chosen one is compared with.
    averaging : Averaging, optional
        From single networks, whose figures these are, to those that are handed over.

    Returns
    -------
    Estimate
        In the figures' units.

    Notes
    -----
    Tsamardinos, Greasidou and Borboudakis (2018, Machine Learning 107, "Bootstrapping the out-of-sample
    predictions for efficient and accurate cross-validation").  Their interval is from the percentiles of the
    resamples' figures; rows left out are some third of all, so that it is as wide as a third fewer rows would
    make it, and symmetrical where losses are not.  Here the middle is theirs, and the ends are Hall's
    (:func:`taut.evidence.skew.skewed_interval`).
    """
    known = np.isfinite(figures.losses).all(axis=0)
    losses, badness = figures.losses[:, known], figures.badness[:, known]
    weight = None if figures.weight is None else figures.weight[known].astype(np.float64)
    given = figures.badness_weight
    counted = weight if given is None else given[known].astype(np.float64)
    own_loss = float(np.average(losses[chosen], weights=weight))
    own_badness = float(np.average(badness[chosen], weights=counted))
    sums, n_groups = _grouped(losses, badness, weight, counted, seed)
    stream = generator(seed, Stream.ESTIMATE_RESAMPLES)
    counts = stream.multinomial(n_groups, np.full(n_groups, 1.0 / n_groups), size=N_RESAMPLES)
    out = counts == 0
    # A resample that leaves out no row tells nothing, nor one of rows that do not count (few rows do).
    useful = ((out @ sums.weight) > 0) & ((counts @ sums.weight) > 0)
    counts, out = counts[useful], out[useful]
    inside = (counts @ sums.losses) / (counts @ sums.weight)[:, None]
    winners = choosing.winners(inside)
    each = np.arange(len(winners))
    left = (out @ sums.weight)[:, None]
    outside = (out @ sums.losses) / left
    loss = float(np.mean(outside[each, winners])) if len(each) else own_loss
    beside = (out @ sums.badness) / (out @ sums.counted)[:, None]
    missed = float(np.mean(beside[each, winners])) if len(each) else own_badness
    average = averaging or Averaging()
    return Estimate(
        loss=interval_of_loss(
            loss * average.loss_factor, average.losses_of(figures.losses[chosen])[known], weight
        ),
        score=_score(
            missed * average.badness_factor,
            average.badness_of(figures.badness[chosen])[known],
            counted,
            is_share=score_name == "accuracy",
        ),
        score_name=score_name,
        naive_loss=own_loss,
        naive_score=1.0 - own_badness,
        price=loss - own_loss,
        score_price=own_badness - missed,
        n_averaged=average.n_networks,
        n_candidates=len(losses),
        gains={
            name: corrected_gain(
                inside[each, winners], inside[:, index], outside[each, winners], outside[:, index]
            )
            for name, index in (baselines or {}).items()
            if index != chosen and len(each) and np.any(losses[index] > 0)
        },
    )


def _score(
    missed: float, badness: Vector, weight: NDArray[np.floating] | None, *, is_share: bool
) -> Interval:
    """One less the mean badness, with its interval: Clopper-Pearson's where all rows are right, or none."""
    bad = skewed_interval(missed, badness, weight, _WIDER)
    score = Interval(1.0 - bad.value, 1.0 - bad.high, 1.0 - bad.low)
    score = score.within(0.0 if is_share else -np.inf, 1.0)
    low, high = score.low, score.high
    if is_share:
        certain = 1.0 - ((1.0 - LEVEL) / 2) ** (1.0 / max(1, len(badness)))
        if not badness.any():
            low = min(low, 1.0 - certain)
        elif badness.all():
            high = max(high, certain)
    return Interval(score.value, low, high)


def interval_of_loss(value: float, rows: Vector, weight: NDArray[np.floating] | None) -> Interval:
    """The interval of a mean loss around a corrected value; rows that are NaN are left out."""
    known = np.isfinite(rows)
    found = skewed_interval(value, rows[known], None if weight is None else weight[known], _WIDER)
    return found.within(0.0, np.inf)


@final
@dataclass(frozen=True, eq=False)
class _Sums:
    """Weighted sums by group of rows: shape (n_groups, n_candidates), and (n_groups,) of the weights.

    ``counted`` are the weights of the badness.
    """

    losses: Vector
    badness: Vector
    weight: Vector
    counted: Vector


def _grouped(
    losses: Vector, badness: Vector, weight: Vector | None, counted: Vector | None, seed: int
) -> tuple[_Sums, int]:
    n = losses.shape[1]
    used, also = (np.ones(n) if one is None else one for one in (weight, counted))
    if n <= _MOST_GROUPS:
        return _Sums((losses * used).T, (badness * also).T, used, also), n
    stream = generator(seed, Stream.ESTIMATE_GROUPS)
    group = stream.permutation(n) % _MOST_GROUPS

    def total(rows: Vector) -> Vector:
        return np.stack([np.bincount(group, one, minlength=_MOST_GROUPS) for one in rows], axis=1)

    weights = total(np.stack([used, also]))
    sums = _Sums(total(losses * used), total(badness * also), weights[:, 0], weights[:, 1])
    return sums, _MOST_GROUPS


def estimate_by_folds(
    scoring: Vector,
    fold_losses: Vector,
    row_losses: Vector,
    weight: NDArray[np.floating] | None,
    choosing: Choosing,
    chosen: int,
    score_name: str,
    n_repeats: int,
    seed: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    averaging: Averaging | None = None,
) -> Estimate:
    """Bootstrap bias corrected cross-validation over folds instead of rows.

    A scorer such as the area under the ROC curve has no value for a row. Every resample of the folds chooses
    anew, and takes the chosen one's figures on the folds that are not in it. With one fold nothing is
    corrected.

    Parameters
    ----------
    scoring, fold_losses : float64 array, shape (n_candidates, n_folds)
    row_losses : float64 array, shape (n_rows,)
        Of the chosen one, NaN where a row was never held out.
    weight : array, shape (n_rows,), or None
    choosing : Choosing
    chosen : int
    score_name : str
    n_repeats : int
        How often the folds hold out all rows.
    seed : int
    bounds : tuple of float
        The lowest and the highest possible value of the score.
    averaging : Averaging, optional
        From single networks, whose figures these are, to those that are handed over.

    Returns
    -------
    Estimate
        The loss's interval is of the chosen one's rows around the corrected middle; the score's is by
        Student's t over the folds.
    """
    n, n_folds = scoring.shape
    loss, score = float(np.mean(fold_losses[chosen])), float(np.mean(scoring[chosen]))
    corrected_loss, corrected_score = loss, score
    if n_folds > 1:
        stream = generator(seed, Stream.ESTIMATE_FOLDS)
        counts = stream.multinomial(n_folds, np.full(n_folds, 1.0 / n_folds), size=N_RESAMPLES)
        out = counts == 0
        counts, out = counts[out.any(axis=1)], out[out.any(axis=1)]
        winners = choosing.winners(-(counts @ scoring.T) / n_folds)
        each, left = np.arange(len(winners)), out.sum(axis=1)
        corrected_score = float(np.mean((out @ scoring.T)[each, winners] / left))
        corrected_loss = float(np.mean((out @ fold_losses.T)[each, winners] / left))
    average = averaging or Averaging()
    changes = np.zeros(n_folds) if average.score_changes is None else average.score_changes
    return Estimate(
        loss=interval_of_loss(corrected_loss * average.loss_factor, average.losses_of(row_losses), weight),
        score=over_folds(
            corrected_score + float(np.mean(changes)), scoring[chosen] + changes, n_repeats
        ).within(*bounds),
        score_name=score_name,
        naive_loss=loss,
        naive_score=score,
        price=corrected_loss - loss,
        score_price=corrected_score - score,
        n_averaged=average.n_networks,
        n_candidates=n,
    )
