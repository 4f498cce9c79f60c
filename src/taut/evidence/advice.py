"""Which technique to add to early stopping first, and why: before any training, and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.evidence.advice_reasons import reason_for
from taut.evidence.advice_rules import order_of
from taut.evidence.interval import LEVEL, Interval
from taut.evidence.profile import Profile
from taut.selection.bootstrap import paired_standard_error
from taut.techniques.base import Technique

Kind = type[Technique]


@final
@dataclass(frozen=True)
class Advice:
    """One technique to add to early stopping, and why.

    Parameters
    ----------
    technique : type of Technique
    reason : str
        A sentence or two with the table's own figures.
    source : str
        Who found that, or what was measured.
    measured : Technique or None
        At the strength that was measured; None before any training.
    lowered : Interval or None
        By how much the loss is lower than early stopping alone's; below 0 it is higher. None before any
        training.
    """

    technique: Kind
    reason: str
    source: str
    measured: Technique | None = None
    lowered: Interval | None = None

    @property
    def is_shown(self) -> bool:
        """Whether a difference was measured whose interval does not span zero."""
        return self.lowered is not None and not self.lowered.spans_zero

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "technique": self.technique.name,
            "reason": self.reason,
            "source": self.source,
            "measured": None if self.measured is None else self.measured.label,
            "lowered": None if self.lowered is None else self.lowered.to_dict(),
        }


def advise(profile: Profile) -> tuple[Advice, ...]:
    """Rank what to add to early stopping, the first to try first, from what is known before any training.

    Early stopping is taken for granted: it stands before all of these and is not ranked. The order is that of
    rules that taut measured on 23 tables (:func:`taut.evidence.advice_rules.order_of`); how well they do on
    tables that had no part in making them stands in docs/advice.md.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    tuple of Advice
        Each technique that can act on the network, once.

    Examples
    --------
    >>> profile = Profile(
    ...     n_rows=300, n_columns=16, n_features=16, categorical_share=0.0, n_classes=26, rarest_share=0.03,
    ...     noise=0.77, n_parameters=22042, n_hidden=256, batch_size=64,
    ... )
    >>> [advice.technique.name for advice in advise(profile)][:4]
    ['batch_norm', 'dropout', 'l1', 'l2']
    """
    return tuple(Advice(kind, *reason_for(kind, profile)) for kind in order_of(profile))


def measured(
    early_stopping: NDArray[np.floating],
    alone: Mapping[Technique, NDArray[np.floating]],
    weights: NDArray[np.floating] | None = None,
    *,
    loss_unit: float = 1.0,
) -> tuple[Advice, ...]:
    """Rank the techniques by what they did, in place of the guess.

    Parameters
    ----------
    early_stopping : float array, shape (n_rows,)
        Out-of-fold losses of early stopping alone, in the engine's units; NaN where no fold held a row out.
    alone : mapping of Technique to float array, shape (n_rows,)
        The same of each technique with early stopping and nothing else, paired with the first; one kind may
        come at several strengths.
    weights : float array, shape (n_rows,), optional
        Of the rows.
    loss_unit : float, default=1.0
        What a loss is multiplied by to be in the target's own units.

    Returns
    -------
    tuple of Advice
        One a kind, at its best strength; the one that lowered the loss most stands first.

    Raises
    ------
    DataError
        Where losses do not have the same number of rows, or a technique has fewer than two in common with
        early stopping alone.

    Notes
    -----
    The interval is ``mean(d) +- z * se(d)``, d being the rows' paired differences. Of a kind that was tried
    at k strengths the best is shown, and z is that of k intervals that hold at once (Bonferroni; Dunn, 1961),
    so that picking it does not make it look surer than it is; the mean itself is still a little too good. A
    strength that has fewer rows than another of its kind, because it was dropped in the race, counts as tried
    and cannot be the best. The rows' spread is all that the intervals know: other folds and other first
    weights would move them too.

    Examples
    --------
    >>> import numpy as np
    >>> from taut import L1, L2
    >>> rng = np.random.default_rng(0)
    >>> alone = rng.exponential(size=400)
    >>> better = alone - 0.1 + 0.2 * rng.standard_normal(400)
    >>> no_other = alone + 0.2 * rng.standard_normal(400)
    >>> [(a.technique.name, a.is_shown) for a in measured(alone, {L2(0.1): no_other, L1(0.1): better})]
    [('l1', True), ('l2', False)]
    """
    by_kind: dict[Kind, list[Technique]] = {}
    for technique in alone:
        by_kind.setdefault(type(technique), []).append(technique)
    found = [
        _of_one_kind(early_stopping, {t: alone[t] for t in techniques}, weights, loss_unit)
        for techniques in by_kind.values()
    ]
    return tuple(sorted(found, key=lambda advice: -_mean(advice)))


def _mean(advice: Advice) -> float:
    return advice.lowered.value if advice.lowered is not None else float("-inf")


def _of_one_kind(
    early_stopping: NDArray[np.floating],
    alone: Mapping[Technique, NDArray[np.floating]],
    weights: NDArray[np.floating] | None,
    loss_unit: float,
) -> Advice:
    both = {t: _in_common(early_stopping, losses, weights, t) for t, losses in alone.items()}
    most = max(int(rows.sum()) for rows in both.values())
    figures = []
    for technique, rows in both.items():
        if rows.sum() < most:
            continue
        given = None if weights is None else weights[rows]
        lowered, error = paired_standard_error((early_stopping - alone[technique])[rows], given)
        level = float(np.average(early_stopping[rows].astype(np.float64), weights=given))
        figures.append((lowered, error, level, technique))
    lowered, error, level, technique = max(figures, key=lambda figure: figure[0])
    half = NormalDist().inv_cdf(1.0 - (1.0 - LEVEL) / (2 * len(alone))) * error
    interval = Interval(lowered, lowered - half, min(lowered + half, level))  # no loss is below 0
    return Advice(
        technique=type(technique),
        reason=_sentence(technique, interval.times(loss_unit), lowered / level if level > 0 else 0.0),
        source=_measured_on(most, len(alone)),
        measured=technique,
        lowered=interval.times(loss_unit),
    )


def _in_common(
    early_stopping: NDArray[np.floating],
    losses: NDArray[np.floating],
    weights: NDArray[np.floating] | None,
    technique: Technique,
) -> NDArray[np.bool_]:
    if losses.shape != early_stopping.shape:
        raise DataError(
            f"the losses of {technique.label} are of {len(losses)} rows and those of early stopping alone of "
            f"{len(early_stopping)}: give the same rows, in the same order."
        )
    rows: NDArray[np.bool_] = np.isfinite(losses) & np.isfinite(early_stopping)
    if weights is not None:
        rows &= weights > 0
    if rows.sum() < 2:
        raise DataError(
            f"{technique.label} has {int(rows.sum())} rows in common with early stopping alone, and an "
            "interval takes 2: leave it out."
        )
    return rows


def _sentence(technique: Technique, lowered: Interval, share: float) -> str:
    name = technique.label[0].upper() + technique.label[1:]
    by = f"{100 * abs(share):.1f} %"
    if lowered.spans_zero:
        return (
            f"{name} made no difference that these data can show: the loss is {_change(lowered.value)} "
            f"({by}), with a 95 % interval from {_change(lowered.low)} to {_change(lowered.high)}."
        )
    did = "lowered" if lowered.value > 0 else "raised"
    low, high = sorted((abs(lowered.low), abs(lowered.high)))
    size = f"{abs(lowered.value):.3g} ({by}; 95 % interval {low:.3g} to {high:.3g})"
    return f"{name} {did} the loss by {size}."


def _change(lowered: float) -> str:
    return f"{abs(lowered):.3g} {'lower' if lowered >= 0 else 'higher'}"


def _measured_on(n_rows: int, n_strengths: int) -> str:
    of = f"the best of {n_strengths} strengths, " if n_strengths > 1 else ""
    return f"measured here: {of}{n_rows:,} held-out rows, each compared with early stopping alone"
