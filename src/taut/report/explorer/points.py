"""Techniques at several strengths as plain values: from a path, or from a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taut.learning.training import Curve
from taut.paths import RegularizationPath
from taut.paths.grid import thinned_epochs
from taut.paths.plane import Plane
from taut.paths.result import PathPoint
from taut.report.comparison import mean
from taut.report.explorer.plane import surface_facts
from taut.report.figures import short, thinned
from taut.report.reported import Reported, Search
from taut.report.schema import ExplorerPoint, ExplorerTechnique, Number
from taut.selection.failures import DIVERGED
from taut.selection.score import CandidateScore, Vector, is_within_chance, paired_change, standard_error
from taut.selection.space import is_single
from taut.selection.weights import LIMIT, N_BINS, fitting_step, in_bins
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique

#: Weights at the end of training by size, last how many are exactly zero; all zero where they are not known.
Counts: TypeAlias = NDArray[np.int64]
#: A strength's networks, and their weights in fine bins.
Counted: TypeAlias = tuple[ExplorerPoint, Counts]

_MOST_EPOCHS = 80  # of one curve
_MOST_FOLDS = 5  # as thin lines; the means are over all
_BINS = 40


def point_of(
    curves: Sequence[Curve],
    counts: Counts,
    *,
    strength: float,
    label: str,
    epoch: int,
    train_loss: float,
    loss: float,
    standard_error: float,
    metric: float,
    zero_share: float,
    within_chance: bool | None = None,
    note: str = "",
) -> Counted:
    """Give a strength's networks, whose ``curves`` are one a fold; see :class:`ExplorerPoint`."""
    n = min(map(len, curves), default=0)
    epochs = [place + 1 for place in thinned(n, epoch, _MOST_EPOCHS)]
    at = np.array(epochs, dtype=np.intp) - 1
    point: ExplorerPoint = {
        "strength": strength,
        "label": label,
        "note": note,
        "within_chance": within_chance,
        "epochs": epochs,
        "train": _short(np.mean([c.train[at] for c in curves], axis=0)) if epochs else [],
        "validation": _short(np.mean([c.validation[at] for c in curves], axis=0)) if epochs else [],
        "folds": [
            {"train_loss": _short(c.train[at]), "validation_loss": _short(c.validation[at])}
            for c in (curves if len(curves) > 1 else ())[:_MOST_FOLDS]
        ],
        "epoch": epoch,
        "train_loss": train_loss,
        "loss": loss,
        "standard_error": standard_error,
        "metric": metric,
        "zero_share": zero_share,
        "n_zero": int(counts[-1]),
        "counts": [],
        "surface": None,
    }
    return point, counts


def technique_of(
    kind: type[Technique],
    axis: Literal["strength", "epoch", "switch"],
    counted: Sequence[Counted],
    off: int | None,
    *,
    source: Literal["search", "path"],
    beside: str,
    hidden: Sequence[int],
    learning_rate: float,
    n_folds: int,
    left_out: Sequence[str] = (),
    interrupted: bool = False,
) -> ExplorerTechnique:
    """Give one technique's strengths, their weights in the same bins; see :class:`ExplorerTechnique`."""
    step = fitting_step(np.sum([counts for _, counts in counted], axis=0), _BINS) if counted else 1
    width = 2 * LIMIT / N_BINS * step
    points: list[ExplorerPoint] = [
        {**point, "counts": in_bins(counts, step, _BINS).tolist() if counts.any() else []}
        for point, counts in counted
    ]
    losses = [math.inf if math.isnan(point["loss"] or 0.0) else point["loss"] or 0.0 for point in points]
    return {
        "name": kind.name,
        "title": kind.page.title,
        "raising": kind.page.raising,
        "axis": axis,
        "log": kind.search_range.scale == "log",
        "source": source,
        "beside": beside,
        "hidden": list(hidden),
        "learning_rate": float(learning_rate),
        "n_folds": n_folds,
        "points": points,
        "best": losses.index(min(losses)) if losses else 0,
        "off": off,
        "edges": [round((i - _BINS // 2) * width, 6) for i in range(_BINS + 1)],
        "left_out": list(left_out),
        "interrupted": interrupted,
    }


def strength_label(strength: float, *, off: bool, switch: bool) -> str:
    """Name a strength: "off", "on", "0.3"."""
    return "off" if off else "on" if switch else f"{strength:.3g}"


def evenly(n: int, most: int, kept: set[int]) -> list[int]:
    """Give places of 0 to n - 1, ``most`` at most: these, both ends, and others evenly spread."""
    if n <= most:
        return list(range(n))
    always = {0, n - 1, *kept}
    spread = ({round(i * (n - 1) / (steps - 1)) for i in range(steps)} for steps in range(most, 1, -1))
    return sorted(next((found for one in spread if len(found := always | one) <= most), always))


def _short(values: NDArray[np.float64]) -> list[Number]:
    return [short(value) for value in values.tolist()]


# --- from a path --------------------------------------------------------------------------------------------


def from_path(path: RegularizationPath, plane: Plane | None, most: int) -> ExplorerTechnique | None:
    """Give a path's points, the best and off among them; None where nothing was finished."""
    kept = {path.off_index, path.best_index, path.one_se_index}
    shown = [i for i in evenly(len(path.points), most, kept) if not path.points[i].failed]
    if not shown:
        return None
    diverged = [point for point in path.points if point.failed == "diverged"]
    left_out = [f"At {_path_label(path, point)} training diverged." for point in diverged]
    if path.interrupted:
        left_out.append("It was interrupted, and other strengths were not finished.")
    recipe = path.points[0].recipe
    found = technique_of(
        path.technique,
        path.axis,
        [_path_point(path, path.points[i]) for i in shown],
        shown.index(path.off_index) if path.off_index in shown else None,
        source="path",
        beside=recipe.describe() if recipe.active else "",
        hidden=path.hidden,
        learning_rate=path.learning_rate,
        n_folds=path.n_folds,
        left_out=left_out,
        interrupted=path.interrupted,
    )
    own = path.plane
    same = plane and own and np.array_equal(own.x, plane.x) and np.array_equal(own.y, plane.y)
    if plane is not None and same:
        for point, i in zip(found["points"], shown, strict=True):
            point["surface"] = surface_facts(path.points[i].predictions, plane)
    return found


def _path_point(path: RegularizationPath, point: PathPoint) -> Counted:
    # An epoch is looked at in the whole of its training's curves.
    curves = path.points[-1].curves if path.axis == "epoch" else point.curves
    return point_of(
        curves or point.curves,
        point.weight_counts,
        strength=point.strength,
        label=_path_label(path, point),
        epoch=point.epochs,
        train_loss=point.train_loss,
        loss=point.validation_loss,
        standard_error=point.validation_loss_se,
        metric=point.score,
        zero_share=point.kept_zero_share,
        within_chance=None if path.off.failed else path.gain(point).within_chance,
    )


def _path_label(path: RegularizationPath, point: PathPoint) -> str:
    off = point is path.points[path.off_index]
    if path.axis == "epoch":
        return f"epoch {point.strength:.0f}{', no early stopping' if off else ''}"
    return strength_label(point.strength, off=off, switch=path.axis == "switch")


# --- from a search ------------------------------------------------------------------------------------------


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
        counted.append(_search_point(candidates[i], candidates[off], strength, label, *search.runs[i]))
    failed = {i: candidates[i].failed for i in alike if candidates[i].failed}
    why = {i: "training diverged" if one == DIVERGED else "there is no score" for i, one in failed.items()}
    return counted, [f"At {alike[i]:.3g} {one}." for i, one in why.items()]


def _search_point(
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
