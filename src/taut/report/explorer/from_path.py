"""The explorer's strengths of one technique, from a path."""

from __future__ import annotations

import numpy as np

from taut.paths import RegularizationPath
from taut.paths.plane import Plane
from taut.paths.result import PathPoint
from taut.report.explorer.plane import surface_facts
from taut.report.explorer.points import Counted, evenly, point_of, strength_label, technique_of
from taut.report.schema import ExplorerTechnique


def from_path(path: RegularizationPath, plane: Plane | None, most: int) -> ExplorerTechnique | None:
    """Give a path's points, the best and off among them; None where nothing was finished."""
    kept = {path.off_index, path.best_index, path.one_se_index}
    shown = [i for i in evenly(len(path.points), most, kept) if not path.points[i].failed]
    if not shown:
        return None
    diverged = [point for point in path.points if point.failed == "diverged"]
    left_out = [f"At {_label(path, point)} training diverged." for point in diverged]
    if path.interrupted:
        left_out.append("It was interrupted, and other strengths were not finished.")
    recipe = path.points[0].recipe
    found = technique_of(
        path.technique,
        path.axis,
        [_point(path, path.points[i]) for i in shown],
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
            point["surface"] = surface_facts(path.points[i].said, path.task, plane)
    return found


def _point(path: RegularizationPath, point: PathPoint) -> Counted:
    # An epoch is looked at in the whole of its training's curves.
    curves = path.points[-1].curves if path.axis == "epoch" else point.curves
    return point_of(
        curves or point.curves,
        point.weight_counts,
        strength=point.strength,
        label=_label(path, point),
        epoch=point.epochs,
        train_loss=point.train_loss,
        loss=point.validation_loss,
        standard_error=point.validation_loss_se,
        metric=point.score,
        zero_share=point.kept_zero_share,
        within_chance=None if path.off.failed else path.gain(point).within_chance,
    )


def _label(path: RegularizationPath, point: PathPoint) -> str:
    off = point is path.points[path.off_index]
    if path.axis == "epoch":
        return f"epoch {point.strength:.0f}{', no early stopping' if off else ''}"
    return strength_label(point.strength, off=off, switch=path.axis == "switch")
