"""Techniques at several strengths, to play with: from the search, and from paths where they were made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Curve
from taut.path import RegularizationPath
from taut.path.columns import holding_out
from taut.path.grid import thinned_epochs
from taut.path.plane import Plane
from taut.path.result import PathPoint
from taut.report.facts.explorer_points import Look, point_of, shared_edges
from taut.report.schema import (
    ColumnPathFacts,
    ExplorerFacts,
    ExplorerPoint,
    ExplorerTechnique,
    GridFacts,
    Number,
)
from taut.selection.score import CandidateScore, standard_error
from taut.selection.space import is_single
from taut.selection.weights import N_BINS
from taut.techniques import TECHNIQUES, EarlyStopping
from taut.techniques.base import Technique

#: Strengths of one technique, off among them.
MOST_STRENGTHS = 12

_MOST_COLUMNS = 20
_NO_COUNTS = np.zeros(N_BINS + 1, dtype=np.int64)


def explorer_of(estimator: Any, paths: Sequence[RegularizationPath]) -> ExplorerFacts | None:
    """Give each technique's networks: those of a path where there is one, else those of the search.

    Parameters
    ----------
    estimator : fitted estimator
        Of a loaded one, the search's networks are no longer known.
    paths : sequence of RegularizationPath
        The later one, where two are of one technique.

    Returns
    -------
    ExplorerFacts or None
        None where there is nothing to show.
    """
    by_name = {path.technique.name: path for path in paths}
    plane = next((path.plane for path in reversed(paths) if path.plane is not None), None)
    techniques = []
    for kind in TECHNIQUES:
        path = by_name.get(kind.name)
        found = _from_search(estimator, kind) if path is None else _from_path(path, plane)
        if found is not None:
            techniques.append(found)
    if not techniques:
        return None
    some = paths[-1] if paths else None
    return {
        "hidden": list(estimator.network_.hidden if some is None else some.hidden),
        "learning_rate": float(_rate(estimator) if some is None else some.learning_rate),
        "techniques": techniques,
        "grid": None if plane is None else _grid(plane),
    }


def with_earlier(now: ExplorerFacts | None, earlier: ExplorerFacts | None) -> ExplorerFacts | None:
    """Take from earlier facts the techniques that are not there now, or were only searched."""
    if now is None or earlier is None:
        return now or earlier
    before = {one["name"]: one for one in earlier["techniques"]}
    after = {one["name"]: one for one in now["techniques"]}
    grid = now["grid"] or earlier["grid"]
    techniques: list[ExplorerTechnique] = []
    for kind in TECHNIQUES:
        new, old = after.get(kind.name), before.get(kind.name)
        chosen = old if new is None or (old and old["source"] == "path" != new["source"]) else new
        if chosen is old and old is not None and grid != earlier["grid"]:
            # It was looked at elsewhere.
            chosen = {**old, "points": [{**point, "surface": None} for point in old["points"]]}
        if chosen is not None:
            techniques.append(chosen)
    return {**now, "techniques": techniques, "grid": grid}


def column_path_of(paths: Sequence[RegularizationPath]) -> ColumnPathFacts | None:
    """Give how the columns' weights go to zero; None without a path of a technique that makes zeros."""
    path = next((p for p in reversed(paths) if p.technique.makes_zeros and p.axis == "strength"), None)
    if path is None or not path.column_names:
        return None
    places = [i for i, point in enumerate(path.points) if i != path.off_index and not point.failed]
    order = holding_out(path)
    return {
        "strengths": [path.points[i].strength for i in places],
        "names": [path.column_names[column] for column in order[:_MOST_COLUMNS]],
        "norms": [
            [float(f"{path.column_norms[i, column]:.4g}") for i in places] for column in order[:_MOST_COLUMNS]
        ],
        "n_more": max(0, len(order) - _MOST_COLUMNS),
    }


# --- a path's -----------------------------------------------------------------------------------------------


def _from_path(path: RegularizationPath, plane: Plane | None) -> ExplorerTechnique:
    same = path.plane is not None and plane is not None and _same(path.plane, plane)
    shown = [i for i in _thinned(path) if not path.points[i].failed]
    looks = [_look_of(path, path.points[i]) for i in shown]
    points = _points(looks)
    if same and plane is not None:
        for point, i in zip(points, shown, strict=True):
            point["surface"] = _surface(path.points[i].said, path.task, len(plane.x))
    left_out = [
        f"At {_label(path, point)} training diverged." for point in path.points if point.failed == "diverged"
    ]
    if path.interrupted:
        left_out.append("It was interrupted, and other strengths were not finished.")
    return _technique(path.technique, path.axis, "path", points, looks, shown.index(path.off_index)
                      if path.off_index in shown else 0, left_out)  # fmt: skip


def _thinned(path: RegularizationPath) -> list[int]:
    """At most twelve points: off and the best, and the others evenly spread."""
    n, most = len(path.points), MOST_STRENGTHS
    if n <= most:
        return list(range(n))
    kept = {0, n - 1, path.off_index, path.best_index, path.one_se_index}
    steps = most
    chosen = kept
    while steps > 1:
        chosen = kept | {round(i * (n - 1) / (steps - 1)) for i in range(steps)}
        if len(chosen) <= most:
            break
        steps -= 1
    return sorted(chosen)


def _look_of(path: RegularizationPath, point: PathPoint) -> Look:
    # An epoch is looked at in the whole of its training's curves.
    curves = path.points[-1].curves if path.axis == "epoch" else point.curves
    return Look(
        strength=point.strength,
        label=_label(path, point),
        curves=curves or point.curves,
        epoch=point.epochs,
        train_loss=point.train_loss,
        loss=point.validation_loss,
        standard_error=point.validation_loss_se,
        metric=point.score,
        counts=point.weight_counts,
    )


def _label(path: RegularizationPath, point: PathPoint) -> str:
    off = path.points[path.off_index]
    if path.axis == "epoch":
        return f"epoch {point.strength:.0f}, no early stopping" if point is off else f"epoch {point.epochs}"
    return "off" if point is off else "on" if path.axis == "switch" else f"{point.strength:.3g}"


def _surface(said: NDArray[np.float64] | None, task: str, side: int) -> list[list[float]] | None:
    if said is None:
        return None
    if task == "regression":
        values = said[:, 0]
    elif said.shape[1] == 2:
        values = said[:, 1].round(3)
    else:
        values = said.argmax(axis=1).astype(np.float64)
    return [[float(f"{value:.4g}") for value in row] for row in values.reshape(side, side)]


def _same(one: Plane, other: Plane) -> bool:
    return np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)


def _grid(plane: Plane) -> GridFacts:
    return {
        "names": list(plane.names),
        "x": [float(f"{value:.5g}") for value in plane.x],
        "y": [float(f"{value:.5g}") for value in plane.y],
        "rows": [[float(f"{value:.5g}") for value in row] for row in plane.rows],
        "targets": [float(f"{value:.5g}") for value in plane.targets],
    }


# --- the search's -------------------------------------------------------------------------------------------


def _from_search(estimator: Any, kind: type[Technique]) -> ExplorerTechnique | None:
    runs: dict[int, tuple[tuple[Curve, ...], NDArray[np.int64]]] = getattr(estimator, "_plain_runs", {})
    if not runs:
        return None
    if kind is EarlyStopping:
        return _epochs_of_search(estimator, runs)
    candidates: tuple[CandidateScore, ...] = estimator.candidates_
    off = next((i for i, c in enumerate(candidates) if c is estimator.baseline_["early_stopping"]), None)
    if off is None or off not in runs:
        return None
    usual = candidates[off].candidate
    alike = [
        i
        for i, c in enumerate(candidates)
        if is_single(c.recipe) is kind
        and (c.candidate.learning_rate, c.candidate.hidden) == (usual.learning_rate, usual.hidden)
    ]
    strengths = {i: _strength(candidates[i], kind) for i in alike}
    shown = [off, *sorted((i for i in alike if i in runs), key=lambda i: strengths[i])[: MOST_STRENGTHS - 1]]
    if len(shown) == 1:
        return None
    switch = kind.search_range.scale == "switch"
    looks = []
    for i in shown:
        score = candidates[i]
        label = "off" if i == off else "on" if switch else f"{strengths[i]:.3g}"
        looks.append(
            Look(
                strength=0.0 if i == off else strengths[i],
                label=label,
                curves=runs[i][0],
                epoch=score.epoch,
                train_loss=_known_mean(score.train_loss),
                loss=score.loss,
                standard_error=score.loss_se,
                metric=_known_mean(score.score),
                counts=runs[i][1],
                note="" if score.complete else _cut(score),
            )
        )
    left_out = [
        f"At {strengths[i]:.3g} training diverged."
        for i in sorted(alike, key=lambda i: strengths[i])
        if candidates[i].failed
    ]
    axis: Literal["strength", "switch"] = "switch" if switch else "strength"
    return _technique(kind, axis, "search", _points(looks), looks, 0, left_out)


def _cut(score: CandidateScore) -> str:
    """Said of one that lost the race."""
    n, n_all = int(score.folds.sum()), len(score.folds)
    return (
        f"the search cut it early, after {n} of {n_all} folds, and its loss is early stopping's and what it "
        "differs by on these"
    )


def _strength(score: CandidateScore, kind: type[Technique]) -> float:
    technique = score.recipe.get(kind)
    assert technique is not None
    return technique.strength


def _epochs_of_search(
    estimator: Any, runs: dict[int, tuple[tuple[Curve, ...], NDArray[np.int64]]]
) -> ExplorerTechnique | None:
    """No regularization's one training, looked at in several epochs."""
    candidates: tuple[CandidateScore, ...] = estimator.candidates_
    place = next((i for i, c in enumerate(candidates) if c is estimator.baseline_["none"]), None)
    if place is None or place not in runs:
        return None
    curves, counts = runs[place]
    last = min(len(curve) for curve in curves)
    means = np.mean([curve.validation[:last] for curve in curves], axis=0)
    best = int(np.argmin(means)) + 1
    epochs = sorted({*thinned_epochs(MOST_STRENGTHS - 1, last), best})
    looks = []
    for epoch in epochs:
        train, validation, hits = (
            np.array([getattr(curve, name)[epoch - 1] for curve in curves])
            for name in ("train", "validation", "hits")
        )
        looks.append(
            Look(
                strength=float(epoch),
                label=f"epoch {epoch}, no early stopping" if epoch == last else f"epoch {epoch}",
                curves=curves,
                epoch=epoch,
                train_loss=float(np.mean(train)),
                loss=float(np.mean(validation)),
                standard_error=standard_error(validation),
                metric=float(np.mean(hits)) if estimator.model_.target.classes is not None else float("nan"),
                counts=counts if epoch == last else _NO_COUNTS,
            )
        )
    return _technique(EarlyStopping, "epoch", "search", _points(looks), looks, len(looks) - 1, [])


def _rate(estimator: Any) -> float:
    early = estimator.baseline_["early_stopping"]
    return float(estimator.learning_rate_ if early is None else early.candidate.learning_rate)


# --- both ---------------------------------------------------------------------------------------------------


def _points(looks: Sequence[Look]) -> list[ExplorerPoint]:
    step = shared_edges([look.counts for look in looks])[0]
    return [point_of(look, step) for look in looks]


def _technique(
    kind: type[Technique],
    axis: Literal["strength", "epoch", "switch"],
    source: Literal["search", "path"],
    points: list[ExplorerPoint],
    looks: Sequence[Look],
    off: int,
    left_out: list[str],
) -> ExplorerTechnique:
    losses: list[Number] = [point["loss"] for point in points]
    scored = [i for i, loss in enumerate(losses) if loss is not None and np.isfinite(loss)]
    return {
        "name": kind.name,
        "title": kind.page.title,
        "raising": kind.page.raising,
        "axis": axis,
        "log": kind.search_range.scale == "log",
        "source": source,
        "points": points,
        "best": min(scored, key=lambda i: losses[i] or 0.0, default=0),
        "off": off,
        "edges": shared_edges([look.counts for look in looks])[1],
        "left_out": left_out,
    }


def _known_mean(values: NDArray[np.float64]) -> float:
    """Mean of what there is; R squared of a constant target is nowhere."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
