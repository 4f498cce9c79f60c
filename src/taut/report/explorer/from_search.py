"""The explorer's strengths of one technique, from a search: networks with that technique alone."""

from __future__ import annotations

import math

import numpy as np

from taut.learning.training import Curve
from taut.paths.grid import thinned_epochs
from taut.report.comparison import mean
from taut.report.explorer.points import Counted, Counts, evenly, point_of, strength_label, technique_of
from taut.report.reported import Reported, Search
from taut.report.schema import ExplorerTechnique
from taut.selection.failures import DIVERGED
from taut.selection.score import CandidateScore, Vector, is_within_chance, paired_change, standard_error
from taut.selection.space import is_single
from taut.selection.weights import N_BINS
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique


def from_search(result: Reported, kind: type[Technique], most: int) -> ExplorerTechnique | None:
    """Give the strengths that were tried with all else as early stopping alone had it; None without any.

    Those that lost the race are among them, with the folds that they have.
    """
    search = result.search
    if search is None:
        return None
    baseline = search.baselines["none" if kind is EarlyStopping else "early_stopping"]
    off = next((i for i, one in enumerate(search.candidates) if one is baseline), None)
    if off is None or off not in search.runs:
        return None
    if kind is EarlyStopping:
        counted = _epochs(search, off, most, shares=result.metric == "accuracy")
        place, left_out = len(counted) - 1, list[str]()
    else:
        place, (counted, left_out) = 0, _strengths(search, kind, off, most)
    candidate = search.candidates[off].candidate
    if not counted:
        return None
    return technique_of(
        kind,
        "epoch" if kind is EarlyStopping else "switch" if kind.search_range.scale == "switch" else "strength",
        counted,
        place,
        source="search",
        beside="" if kind is EarlyStopping else "early stopping",
        hidden=candidate.architecture.widths,
        learning_rate=candidate.learning_rate,
        n_folds=len(search.candidates[off].fold_epochs),
        left_out=left_out,
    )


def _strengths(search: Search, kind: type[Technique], off: int, most: int) -> tuple[list[Counted], list[str]]:
    """Off and those with the technique alone, and what is to be said of those that have no networks."""
    candidates = search.candidates
    usual = candidates[off].candidate
    same = (usual.learning_rate, usual.architecture)
    alike = {
        i: _strength(one, kind)
        for i, one in enumerate(candidates)
        if is_single(one.recipe) is kind and (one.candidate.learning_rate, one.candidate.architecture) == same
    }
    alike = dict(sorted(alike.items(), key=lambda one: one[1]))
    there = [i for i in alike if i in search.runs]
    if not there:
        return [], []
    lowest = min(range(len(there)), key=lambda k: candidates[there[k]].loss)
    shown = [off, *(there[k] for k in evenly(len(there), most - 1, {lowest}))]
    switch = kind.search_range.scale == "switch"
    counted = []
    for i in shown:
        strength = alike.get(i, 0.0)
        label = strength_label(strength, off=i == off, switch=switch)
        counted.append(_point(candidates[i], candidates[off], strength, label, *search.runs[i]))
    failed = {i: candidates[i].failed for i in alike if candidates[i].failed}
    why = {i: "training diverged" if one == DIVERGED else "there is no score" for i, one in failed.items()}
    return counted, [f"At {alike[i]:.3g} {one}." for i, one in why.items()]


def _point(
    score: CandidateScore,
    off: CandidateScore,
    strength: float,
    label: str,
    curves: tuple[Curve, ...],
    counts: Counts,
) -> Counted:
    # The loss of one that was cut early is early stopping's and a difference. Figures of its own few folds
    # would not fit that: the gap does, and there are none of the others.
    whole = score.complete
    n, n_all = int(score.folds.sum()), len(score.folds)
    note = (
        f"the search cut it early, after {n} of {n_all} folds: its loss is estimated as that of early "
        "stopping alone plus the mean difference on these"
    )
    return point_of(
        curves,
        counts,
        strength=strength,
        label=label,
        epoch=score.epoch,
        train_loss=_known(score.train_loss) if whole else score.loss - score.gap,
        loss=score.loss,
        standard_error=score.loss_se if whole else math.nan,
        metric=_known(score.score) if whole else math.nan,
        zero_share=score.zero_share,
        within_chance=_within_chance(score.validation_loss, off) if whole else None,
        note="" if whole else note,
    )


def _epochs(search: Search, off: int, most: int, *, shares: bool) -> list[Counted]:
    """No regularization's one training, looked at in several epochs; a score that is no share is unknown."""
    none, (curves, counts) = search.candidates[off], search.runs[off]
    last = min(map(len, curves))
    best = int(np.argmin(np.mean([curve.validation[:last] for curve in curves], axis=0))) + 1
    counted = []
    for epoch in sorted({*thinned_epochs(most - 1, last), best}):
        train = np.array([curve.train[epoch - 1] for curve in curves])
        validation = np.array([curve.validation[epoch - 1] for curve in curves])
        is_last = epoch == last
        counted.append(
            point_of(
                curves,
                counts if is_last else np.zeros(N_BINS + 1, dtype=np.int64),
                strength=float(epoch),
                label=f"epoch {epoch}, no early stopping" if is_last else f"epoch {epoch}",
                epoch=epoch,
                train_loss=float(np.mean(train)),
                loss=float(np.mean(validation)),
                standard_error=standard_error(validation, none.n_repeats),
                metric=float(np.mean([curve.correct[epoch - 1] for curve in curves])) if shares else math.nan,
                zero_share=none.zero_share if is_last else math.nan,
                within_chance=_within_chance(validation, none),
            )
        )
    return counted


def _strength(score: CandidateScore, kind: type[Technique]) -> float:
    technique = score.recipe.get(kind)
    return 0.0 if technique is None else technique.strength


def _within_chance(losses: Vector, off: CandidateScore) -> bool | None:
    change = paired_change(losses, off.validation_loss, off.n_repeats)
    return is_within_chance(change.low, change.high)


def _known(values: Vector) -> float:
    found = mean(values)
    return math.nan if found is None else found
