"""A diagnosis of any network on any problem: its trainings, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taut.errors import TrainingError
from taut.evidence.advice import Advice, advise, measured
from taut.evidence.diagnosis_plan import DiagnosisPlan, enough_folds, fewer_rows
from taut.evidence.estimate import interval_of_loss
from taut.evidence.interval import NONE, Interval
from taut.evidence.learning_curve import LearningCurve, learning_curve, lowered_share, parts_of
from taut.evidence.profile import profile_of
from taut.evidence.signs import Sign
from taut.evidence.simple_baselines import OutOfFold, gained, simple_baselines
from taut.evidence.variants import LONGER, STOPPED, Variant, Variants
from taut.evidence.verdict import gain_of, verdict_of
from taut.examine.diagnosis import MORE_ROWS, Alternative, Diagnosis
from taut.learning.objective import Objective
from taut.learning.problem import Fold
from taut.learning.progress import Reporter
from taut.learning.training import Control, Curve
from taut.selection.candidate import Candidate
from taut.selection.failures import what_to_lower
from taut.selection.score import standard_error
from taut.selection.space import is_single
from taut.selection.trainer import Trainer
from taut.techniques import EarlyStopping

# The losses of all held-out rows in all epochs are kept, which limits how many a fold may hold out.
_MOST_LOSSES = 2**23
_LEAST_USED = 2_000
# The validation loss has turned if it rises after its lowest point by this share of its fall.
_TURNED = 0.02

#: Finds signs of trouble in the data from out-of-fold outputs, shape (n_rows, n_outputs).
FindSigns: TypeAlias = Callable[[NDArray[np.float64]], tuple[Sign, ...]]


def affordable_folds(trainer: Trainer, folds: tuple[Fold, ...]) -> tuple[Fold, ...]:
    """The folds, with only as many rows as the losses of all epochs can be kept for."""
    problem, settings = trainer.problem, trainer.settings
    largest = max(len(fold.validation) for fold in folds)
    n_used = max(_LEAST_USED, int(len(problem) * _MOST_LOSSES / (LONGER * settings.max_epochs) / largest))
    return fewer_rows(problem, folds, settings.seed, n_used)


def diagnosis_of(
    trainer: Trainer,
    folds: tuple[Fold, ...],
    candidate: Candidate,
    plan: DiagnosisPlan,
    control: Control,
    reporter: Reporter,
    *,
    classes: NDArray[Any] | None = None,
    find_signs: FindSigns | None = None,
    unit: float = 1.0,
    n_rows: int | None = None,
    n_columns: int = 0,
    why: str = "",
) -> Diagnosis:
    """Train a network and its alternatives, and compare them.

    Parameters
    ----------
    trainer : Trainer
    folds : tuple of Fold
    candidate : Candidate
        The network as it is.
    plan : DiagnosisPlan
    control : Control
    reporter : Reporter
        Counts the networks.
    classes : array, shape (n_classes,), or None
        Their names.
    find_signs : callable, optional
        If the problem is a table.
    unit : float
        What a loss of the engine is multiplied by to be in the target's own units.
    n_rows, n_columns : int
        As they were given.
    why : str
        Why it is that objective.

    Raises
    ------
    TrainingError
        If the network and all alternatives with early stopping diverged.
    KeyboardInterrupt
        If the control ended it before the network itself was trained, or was cancelled.
    """
    problem, settings = trainer.problem, trainer.settings
    seed, weight = settings.seed, problem.score_weight
    variants = Variants(trainer, folds, candidate, control, reporter.on_done, plan.dropouts, plan.l2s)
    parts = parts_of(folds, plan.parts)
    reporter.expect(variants.n_networks + len(folds) * len(parts))
    tried = [*variants.own(), *variants.weaker()]
    turned = _turned(tried[0])
    # What decides the verdict is trained first, and comes last in the table.
    stronger = variants.stronger(
        enough_folds(folds, plan.held_out_stronger), longer=plan.always_longer or turned is None
    )
    tried += [*(variants.others() if plan.others else []), *stronger]
    own = tried[0]
    sound = [one for one in tried[1:] if not one.failed and one.side != "stronger"]
    # Early stopping with nothing added: the network itself if its recipe has it.
    stopped = next((one for one in tried if one.name == STOPPED), own)
    if stopped.failed and not sound:
        raise TrainingError(
            "The network and all alternatives diverged (their loss or weights were no longer finite): "
            f"{what_to_lower(own.candidate.recipe, own.candidate.learning_rate)}."
        )
    steady = stopped if not stopped.failed else sound[0]
    simple = simple_baselines(trainer, folds, candidate.architecture.linear(), classes, control)
    if not own.failed:
        simple = gained(simple, OutOfFold(own.losses, None, None), problem)
    gains = verdict_of(tried, weight, seed)
    missing = list(variants.missing)
    try:
        curve = learning_curve(
            trainer,
            folds,
            steady.candidate,
            steady,
            control,
            reporter.on_done,
            plan.parts,
        )
    except KeyboardInterrupt:
        if control.cancelled.is_set():
            raise
        curve = LearningCurve((), NONE, math.nan)
        missing.append(MORE_ROWS)
    signs = () if find_signs is None else find_signs(variants.outputs(steady))
    if control.cancelled.is_set():
        raise KeyboardInterrupt
    profile = profile_of(trainer, variants.runner.member(variants.job(own)))
    before = () if profile is None else advise(profile)
    recovered, best = _recovered(own, sound, weight, seed)
    return Diagnosis(
        verdict=gains.fit,
        degree=gains.degree,
        gains=gains,
        train_loss=_over_folds(own.train_losses).times(unit),
        validation_loss=_over_rows(own, weight).times(unit),
        score=_score(own, trainer, folds),
        turned=turned,
        epochs=max(len(one) for one in own.curves),
        recovered=recovered,
        best=best,
        alternatives=tuple(_alternative(one, own, weight, unit) for one in tried[1:]),
        learning_curve=replace(
            curve,
            points=tuple(
                replace(point, loss=point.loss.times(unit), train_loss=point.train_loss * unit)
                for point in curve.points
            ),
        ),
        signs=signs,
        advice=_advice(tried, steady, weight, unit),
        before=before,
        curves=tuple(_history(one.until(settings.max_epochs), problem.objective, unit) for one in own.curves),
        objective=problem.objective,
        why=why,
        recipe=candidate.recipe,
        architecture=candidate.architecture,
        learning_rate=candidate.learning_rate,
        batch_size=settings.batch_size,
        n_rows=len(problem) if n_rows is None else n_rows,
        n_columns=n_columns,
        n_folds=len(folds),
        n_used=len(np.unique(np.concatenate([np.concatenate([f.train, f.validation]) for f in folds]))),
        seconds=0.0,
        simple=tuple(one.in_units(unit) for one in simple),
        missing=tuple(missing),
    )


def _over_folds(values: NDArray[np.float64]) -> Interval:
    """Mean over the folds, with Student's interval."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan)
    reach = float(t.ppf(0.975, len(values) - 1)) * standard_error(values)
    return Interval(mean, max(0.0, mean - reach), mean + reach)


def _over_rows(own: Variant, weight: NDArray[np.floating] | None) -> Interval:
    known = np.isfinite(own.losses)
    mean = float(np.mean(own.validation_losses))
    if own.failed or not known.any():
        return Interval(mean, math.nan, math.nan)
    return interval_of_loss(mean, own.losses, weight)


def _score(own: Variant, trainer: Trainer, folds: Sequence[Fold]) -> float:
    problem = trainer.problem
    scores = problem.objective.scores(own.validation_losses, own.scores, problem.spreads(folds))
    return float(np.mean(scores))


def _history(curve: Curve, objective: Objective, unit: float) -> dict[str, NDArray[Any]]:
    """A curve by name."""
    history: dict[str, NDArray[Any]] = {
        "epoch": np.arange(1, len(curve) + 1),
        "train_loss": curve.train * unit,
        "validation_loss": curve.validation * unit,
    }
    return history | ({"validation_accuracy": curve.correct} if objective.n_classes else {})


def _mean_curve(curves: Sequence[Curve], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean validation loss by epoch, and the standard errors of its differences from the last epoch's."""
    n = min([most, *(len(curve) for curve in curves)])
    table = np.stack([curve.validation[:n] for curve in curves])
    away = table[:, -1:] - table
    spread = np.std(away, axis=0, ddof=1) if len(table) > 1 else np.zeros(n)
    return table.mean(axis=0), spread / math.sqrt(len(table))


def _turned(own: Variant) -> int | None:
    """The epoch of the lowest mean loss, if the loss has clearly risen since."""
    if own.failed:
        return None
    mean, errors = _mean_curve(own.curves, max(1, max(len(curve) for curve in own.curves)))
    best = int(np.argmin(mean))
    rise = mean[-1] - mean[best]
    fall = mean[0] - mean[best]
    return best + 1 if rise > max(2 * errors[best], _TURNED * fall) else None


def _recovered(
    own: Variant, sound: Sequence[Variant], weight: NDArray[np.floating] | None, seed: int
) -> tuple[Interval, str]:
    """Which share of the gap regularization removes, and which alternative does so."""
    gap = float(np.mean(own.validation_losses - own.train_losses))
    if own.failed or not sound or not gap > 0:
        return NONE, ""
    gain = gain_of(own, sound, weight, seed)
    share = gain.share.times(float(np.mean(own.validation_losses)) / gap)
    return share.within(-math.inf, 1.0), gain.best  # beyond 1 it would be more than the gap


def _alternative(
    variant: Variant, own: Variant, weight: NDArray[np.floating] | None, unit: float
) -> Alternative:
    # On fewer folds: the network's own loss, plus the difference on the folds that both have.
    n = len(variant.validation_losses)
    losses = {
        name: (float(np.mean(mine)) + float(np.mean(its - mine[:n]))) * unit
        if not own.failed
        else float(np.mean(its)) * unit
        for name, its, mine in (
            ("train_loss", variant.train_losses, own.train_losses),
            ("validation_loss", variant.validation_losses, own.validation_losses),
        )
    }
    return Alternative(
        name=variant.name,
        side=variant.side,
        recipe=variant.candidate.recipe,
        lowered=lowered_share(own.losses, variant.losses, weight),
        **losses,
    )


def _advice(
    tried: Sequence[Variant], steady: Variant, weight: NDArray[np.floating] | None, unit: float
) -> tuple[Advice, ...]:
    """Advice from measurements: each technique alone against early stopping alone."""
    alone = {}
    for one in tried:
        kind = is_single(one.candidate.recipe)
        technique = None if kind is None else one.candidate.recipe.get(kind)
        if technique is not None and not one.failed and one.side in ("weaker", "other"):
            alone[technique] = one.losses
    if not alone or [type(one) for one in steady.candidate.recipe.active] != [EarlyStopping]:
        return ()
    return measured(steady.losses, alone, weight, loss_unit=unit)
