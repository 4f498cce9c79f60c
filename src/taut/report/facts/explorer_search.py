"""The explorer's strengths of one technique, from a search: networks with that technique alone."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Curve
from taut.paths.grid import thinned_epochs
from taut.report.facts.explorer_points import Look, Setting, evenly, technique_of
from taut.report.schema import ExplorerTechnique
from taut.selection.failures import DIVERGED
from taut.selection.score import CandidateScore, Vector, is_within_chance, paired_change, standard_error
from taut.selection.space import is_single
from taut.selection.weights import N_BINS
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique

_Runs: TypeAlias = dict[int, tuple[tuple[Curve, ...], NDArray[np.int64]]]

_NAN = float("nan")


def from_search(estimator: Any, kind: type[Technique], most: int) -> ExplorerTechnique | None:
    """Give the strengths that were tried with all else as early stopping alone had it; None without any.

    Those that lost the race are among them, with the folds that they have.
    """
    runs: _Runs = getattr(estimator, "_plain_runs", {})
    if not runs:
        return None
    if kind is EarlyStopping:
        return _epochs(estimator, runs, most)
    candidates: tuple[CandidateScore, ...] = estimator.candidates_
    off = _place(candidates, estimator.baseline_["early_stopping"])
    if off is None or off not in runs:
        return None
    usual = candidates[off].candidate
    alike = [
        i
        for i, c in enumerate(candidates)
        if is_single(c.recipe) is kind
        and (c.candidate.learning_rate, c.candidate.architecture.widths)
        == (usual.learning_rate, usual.architecture.widths)
    ]
    alike.sort(key=lambda i: _strength(candidates[i], kind))
    there = [i for i in alike if i in runs]
    if not there:
        return None
    lowest = min(range(len(there)), key=lambda k: candidates[there[k]].loss)
    shown = [off, *(there[k] for k in evenly(len(there), most - 1, {lowest}))]
    switch = kind.search_range.scale == "switch"
    looks = []
    for i in shown:
        strength = 0.0 if i == off else _strength(candidates[i], kind)
        label = "off" if i == off else "on" if switch else f"{strength:.3g}"
        looks.append(_look(candidates[i], candidates[off], strength, label, *runs[i]))
    left_out = [
        f"At {_strength(candidates[i], kind):.3g} training diverged."
        if candidates[i].failed == DIVERGED
        else f"At {_strength(candidates[i], kind):.3g} there is no score."
        for i in alike
        if candidates[i].failed
    ]
    axis: Literal["strength", "switch"] = "switch" if switch else "strength"
    setting = _setting(candidates[off], "early stopping")
    return technique_of(kind, axis, setting, looks, 0, left_out=left_out)


def _look(
    score: CandidateScore,
    off: CandidateScore,
    strength: float,
    label: str,
    curves: tuple[Curve, ...],
    counts: NDArray[np.int64],
) -> Look:
    # The loss of one that was cut early is early stopping's and a difference. Figures of its own few folds
    # would not fit that: the gap does, and there are none of the others.
    whole = score.complete
    return Look(
        strength=strength,
        label=label,
        curves=curves,
        epoch=score.epoch,
        train_loss=_known_mean(score.train_loss) if whole else score.loss - score.gap,
        loss=score.loss,
        standard_error=score.loss_se if whole else _NAN,
        metric=_known_mean(score.score) if whole else _NAN,
        zero_share=score.zero_share,
        counts=counts,
        within_chance=_within_chance(score.validation_loss, off.validation_loss, off.n_repeats)
        if whole
        else None,
        note="" if whole else _cut(score),
    )


def _cut(score: CandidateScore) -> str:
    """Said of one that lost the race."""
    n, n_all = int(score.folds.sum()), len(score.folds)
    return (
        f"the search cut it early, after {n} of {n_all} folds: its loss is estimated as that of early "
        "stopping alone plus the mean difference on these"
    )


def _epochs(estimator: Any, runs: _Runs, most: int) -> ExplorerTechnique | None:
    """No regularization's one training, looked at in several epochs."""
    candidates: tuple[CandidateScore, ...] = estimator.candidates_
    place = _place(candidates, estimator.baseline_["none"])
    if place is None or place not in runs:
        return None
    curves, counts = runs[place]
    none, classes = candidates[place], estimator.model_.target.classes is not None
    last = min(len(curve) for curve in curves)
    means = np.mean([curve.validation[:last] for curve in curves], axis=0)
    best = int(np.argmin(means)) + 1
    looks = []
    for epoch in sorted({*thinned_epochs(most - 1, last), best}):
        train, validation, correct = (
            np.array([getattr(curve, name)[epoch - 1] for curve in curves])
            for name in ("train", "validation", "correct")
        )
        is_last = epoch == last
        looks.append(
            Look(
                strength=float(epoch),
                label=f"epoch {epoch}, no early stopping" if is_last else f"epoch {epoch}",
                curves=curves,
                epoch=epoch,
                train_loss=float(np.mean(train)),
                loss=float(np.mean(validation)),
                standard_error=standard_error(validation, none.n_repeats),
                metric=float(np.mean(correct)) if classes else _NAN,
                zero_share=none.zero_share if is_last else _NAN,
                counts=counts if is_last else np.zeros(N_BINS + 1, dtype=np.int64),
                within_chance=_within_chance(validation, none.validation_loss, none.n_repeats),
            )
        )
    return technique_of(EarlyStopping, "epoch", _setting(none, ""), looks, len(looks) - 1)


def _setting(score: CandidateScore, beside: str) -> Setting:
    candidate = score.candidate
    return Setting(
        "search", beside, candidate.architecture.widths, candidate.learning_rate, len(score.fold_epochs)
    )


def _place(candidates: tuple[CandidateScore, ...], score: CandidateScore | None) -> int | None:
    return next((i for i, one in enumerate(candidates) if one is score), None)


def _strength(score: CandidateScore, kind: type[Technique]) -> float:
    technique = score.recipe.get(kind)
    assert technique is not None
    return technique.strength


def _within_chance(losses: Vector, off: Vector, n_repeats: int) -> bool | None:
    change = paired_change(losses, off, n_repeats)
    return is_within_chance(change.low, change.high)


def _known_mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else _NAN
