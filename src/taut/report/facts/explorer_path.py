"""The explorer's strengths of one technique, from a path."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from taut.paths import RegularizationPath
from taut.paths.plane import Plane
from taut.paths.result import PathPoint
from taut.report.facts.explorer_points import Look, Setting, evenly, technique_of
from taut.report.schema import ExplorerTechnique, GridFacts


def from_path(path: RegularizationPath, plane: Plane | None, most: int) -> ExplorerTechnique | None:
    """Give a path's points, the best and off among them; None where nothing was finished."""
    kept = {path.off_index, path.best_index, path.one_se_index}
    shown = [i for i in evenly(len(path.points), most, kept) if not path.points[i].failed]
    if not shown:
        return None
    looks = [_look_of(path, path.points[i]) for i in shown]
    diverged = [point for point in path.points if point.failed == "diverged"]
    left_out = [f"At {_label(path, point)} training diverged." for point in diverged]
    if path.interrupted:
        left_out.append("It was interrupted, and other strengths were not finished.")
    setting = Setting(
        "path",
        "" if not path.points[0].recipe.active else path.points[0].recipe.describe(),
        path.hidden,
        path.learning_rate,
        path.n_folds,
    )
    off = shown.index(path.off_index) if path.off_index in shown else None
    found = technique_of(
        path.technique, path.axis, setting, looks, off, left_out=left_out, interrupted=path.interrupted
    )
    if plane is not None and path.plane is not None and _same(path.plane, plane):
        for point, i in zip(found["points"], shown, strict=True):
            point["surface"] = _surface(path.points[i].said, path.task, plane)
    return found


def grid_of(plane: Plane) -> GridFacts:
    """Give where the networks are looked at, and the rows that are shown."""
    x, y = (_rounded(values, values) for values in (plane.x, plane.y))
    columns = [_rounded(plane.rows[:, i], axis) for i, axis in enumerate((plane.x, plane.y))]
    return {
        "names": list(plane.names),
        "x": x,
        "y": y,
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "targets": _rounded(plane.targets, plane.targets),
    }


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
        zero_share=point.kept_zero_share,
        within_chance=None if path.off.failed else path.gain(point).within_chance,
        counts=point.weight_counts,
    )


def _label(path: RegularizationPath, point: PathPoint) -> str:
    off = path.points[path.off_index]
    if path.axis == "epoch":
        return f"epoch {point.strength:.0f}{', no early stopping' if point is off else ''}"
    return "off" if point is off else "on" if path.axis == "switch" else f"{point.strength:.3g}"


def _surface(said: NDArray[np.float64] | None, task: str, plane: Plane) -> list[list[float]] | None:
    if said is None:
        return None
    if task == "regression":
        values = said[:, 0]
        flat = _rounded(values, np.concatenate([values, plane.targets]))
    elif said.shape[1] == 2:
        flat = said[:, 1].round(3).tolist()
    else:
        flat = said.argmax(axis=1).astype(np.float64).tolist()
    side = len(plane.x)
    return [flat[i * side : (i + 1) * side] for i in range(len(plane.y))]


def _rounded(values: NDArray[np.float64], over: NDArray[np.float64]) -> list[float]:
    """To a ten thousandth of what these span: digits that are all alike say nothing, and others are kept."""
    span = float(np.max(over) - np.min(over)) if len(over) else 0.0
    if not (math.isfinite(span) and span > 0):
        return [float(value) for value in values]
    decimals = 4 - math.floor(math.log10(span))
    return [round(float(value), decimals) for value in values]


def _same(one: Plane, other: Plane) -> bool:
    return np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)
