"""A path of any network on any problem: its trainings, and what follows from them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.errors import TrainingError, TrainingWarning
from taut.evidence.importance import Owners
from taut.evidence.simple_baselines import gained_over_folds, simple_baselines
from taut.learning.progress import Reporter
from taut.learning.training import Control
from taut.paths.columns import column_norms
from taut.paths.plan import EpochPlan, StrengthPlan
from taut.paths.plane import Plane
from taut.paths.result import PathPoint, RegularizationPath, best_of, one_se_of
from taut.paths.training import PathRow, PathWork
from taut.recipe import Recipe
from taut.selection.failures import what_to_lower
from taut.selection.folds import n_repeats
from taut.techniques.base import Technique

_MOST_NAMED = 5


def traced(
    work: PathWork,
    kind: type[Technique],
    base: Recipe,
    plan: EpochPlan | StrengthPlan,
    control: Control,
    reporter: Reporter,
    *,
    classes: NDArray[Any] | None = None,
    owners: Owners | None = None,
    plane: Plane | None = None,
    unit: float = 1.0,
    origin: float = 0.0,
    why: str = "",
) -> RegularizationPath:
    """Train one technique at many strengths, and collect the points.

    Parameters
    ----------
    work : PathWork
    kind : type of Technique
    base : Recipe
        What every network has.
    plan : EpochPlan or StrengthPlan
    control : Control
    reporter : Reporter
        Counts the networks.
    classes : array, shape (n_classes,), or None
        Their names.
    owners : Owners, optional
        The user's columns, if there are any.
    plane : Plane, optional
        Of the work's grid.
    unit, origin : float
        A value of the engine times ``unit`` plus ``origin`` is in the target's own units.
    why : str
        Why it is that objective.

    Raises
    ------
    TrainingError
        If every network diverged.
    KeyboardInterrupt
        If the control was cancelled before any strength was finished.

    Warns
    -----
    TrainingWarning
        If some strengths have no figures.
    """
    trainer, folds, n_folds = work.trainer, work.folds, len(work.folds)
    course = plan.train(work, base, unit, control, reporter)
    rows = [row for _, _, row in course.lines]
    points = [_point(s, r, row, work, unit, origin) for s, r, row in course.lines]
    simple = simple_baselines(trainer, folds, work.architecture.linear(), classes, control)
    names, norms = column_norms(rows, owners or Owners((), ()))
    best = best_of(points)
    if best is None and control.cancelled.is_set():
        raise KeyboardInterrupt
    if best is None:
        raise TrainingError(
            "Every network diverged (its loss or weights were no longer finite): "
            f"{what_to_lower(base, work.learning_rate)}."
        )
    shown = plan.shown(points, best, one_se_of(points, best, plan.axis))
    points, norms = [points[i] for i in shown], norms[shown]
    best = shown.index(best)
    _warn_of_failures(kind, points)
    in_units = tuple(one.in_units(unit**2) for one in simple)
    return RegularizationPath(
        technique=kind,
        axis=plan.axis,
        objective=trainer.problem.objective,
        points=tuple(points),
        best_index=best,
        one_se_index=one_se_of(points, best, plan.axis),
        off_index=len(points) - 1 if plan.axis == "epoch" else 0,
        column_names=names,
        column_norms=norms,
        top=course.top,
        n_folds=n_folds,
        architecture=work.architecture,
        learning_rate=work.learning_rate,
        batch_size=trainer.settings.batch_size,
        max_epochs=work.max_epochs,
        interrupted=control.cancelled.is_set(),
        seconds=0.0,
        plane=plane,
        why=why,
        simple=gained_over_folds(in_units, points[best].validation_losses),
    )


def _point(
    strength: float, recipe: Recipe, row: PathRow, work: PathWork, unit: float, origin: float
) -> PathPoint:
    """A row with its figures in the target's own units."""
    scores, weights, factor = row.scores, row.weights, unit**2
    predictions = row.predictions
    if predictions is not None and not work.trainer.problem.objective.n_classes:
        predictions = predictions * unit + origin
    if scores is None or weights is None:
        nothing, nan = np.full(len(work.folds), np.nan), float("nan")
        return PathPoint(strength, recipe, nothing, nothing, nothing, nan, nan, nan, nan, 0, row.failed)
    return PathPoint(
        strength=strength,
        recipe=recipe,
        train_losses=scores.train_loss * factor,
        validation_losses=scores.validation_loss * factor,
        scores=scores.score,
        zero_share=float(np.mean(weights.zero_share)),
        kept_zero_share=float(np.mean(weights.kept_zero_share)),
        weight_norm=float(np.mean(weights.norm)),
        n_nonzero=float(np.mean(weights.n_nonzero)),
        epochs=scores.epoch,
        curves=tuple(curve.times(factor) for curve in row.curves),
        weight_counts=weights.counts,
        n_repeats=n_repeats(work.folds),
        predictions=predictions,
    )


def _warn_of_failures(kind: type[Technique], points: Sequence[PathPoint]) -> None:
    failed = [point for point in points if point.failed]
    if failed:
        named = ", ".join(f"{point.strength:.4g} ({point.failed})" for point in failed[:_MOST_NAMED])
        more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
        warnings.warn(
            f"{len(failed)} of {len(points)} points of the {kind.name} path have no figures: {named}{more}.",
            TrainingWarning,
            stacklevel=4,
        )
