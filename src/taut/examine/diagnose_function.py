"""``diagnose``: whether a network overfits on a table, and what to do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Control, Curve
from taut.errors import DataError, ParameterError, TrainingError
from taut.estimators.base import history_of
from taut.estimators.effort import Effort
from taut.estimators.prepare import Prepared, Task, prepare
from taut.estimators.problem import ClassWeight, read_features, warn_of_unknown_values
from taut.evidence.advice import Advice, advise, measured
from taut.evidence.diagnosis_plan import DiagnosisPlan, diagnosis_plan, enough_folds, fewer_rows, within_time
from taut.evidence.estimate import interval_of_loss
from taut.evidence.interval import NONE, Interval
from taut.evidence.learning_curve import LearningCurve, learning_curve, lowered_share, parts_of
from taut.evidence.profile import profile_of
from taut.evidence.signs import find_signs
from taut.evidence.signs.view import rows_in
from taut.evidence.simple_baselines import OutOfFold, gained, simple_baselines
from taut.evidence.variants import LONGER, STOPPED, Variant, Variants
from taut.evidence.verdict import gain_of, judge
from taut.examine.diagnosis import MORE_ROWS, Alternative, Diagnosis
from taut.examine.progress import ExamineNews, ExamineProgress, print_progress
from taut.network import Activation
from taut.parameters import MOST_EPOCHS, real, whole
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.failures import what_to_lower
from taut.selection.interrupts import Interrupts
from taut.selection.score import standard_error, target_variances
from taut.selection.space import is_single
from taut.table.matrices import Matrix
from taut.techniques import EarlyStopping

# The losses of all rows in all epochs are kept, so that a fold may hold out only so many numbers.
_MOST_LOSSES = 2**23
_LEAST_USED = 2_000
# After its lowest point the validation loss has to rise by this part of the way it fell, to have turned.
_TURNED = 0.02


def diagnose(
    X: Any,
    y: Any,
    *,
    X_test: Any = None,
    recipe: Recipe | None = None,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    learning_rate: float | Literal["auto"] = "auto",
    batch_size: int | Literal["auto"] = "auto",
    max_epochs: int = 300,
    cv: Any = 5,
    effort: Effort = "standard",
    time_limit: float | None = None,
    task: Task = "auto",
    sample_weight: Any = None,
    groups: Any = None,
    class_weight: ClassWeight = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
    on_progress: Callable[[ExamineProgress], None] | None = None,
) -> Diagnosis:
    """Tell whether a network overfits, underfits or fits, and what would help.

    The network is trained as it is by cross-validation, and so are fixed alternatives on the same folds:
    stopped at its best epoch; with dropout 0.2 and 0.5, with L2 0.8 and 5, with L1 0.3 and with batch norm,
    each with early stopping; twice as wide; trained twice as long. It overfits where one of the regularized
    or earlier stopped ones has a loss on unseen rows that is lower by more than 1 %, and by more than
    chance; it underfits where the wider or the longer one has one that is lower by more than 3 %. How often
    that is right: docs/diagnosis.md.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), or data frame
        Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
    y : array, shape (n_rows,)
        Classes, or finite numbers.
    X_test : array or data frame, optional
        Rows that the network is to predict later: whether they differ from X is looked at.
    recipe : Recipe, default=None
        How the network is regularized now; without it, not at all.
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is a linear model.
    activation : {"relu", "silu", "gelu"}, default="relu"
    learning_rate : "auto" or float, default="auto"
        AdamW's, above 0. "auto" is 0.001.
    batch_size : "auto" or int, default="auto"
        Rows a step. "auto" is a power of two from 16 to 256, at most a quarter of the rows.
    max_epochs : int, default=300
        For how long the network is trained.
    cv : int, splitter or iterable, default=5
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.
    effort : {"quick", "standard", "thorough"}, default="standard"
        "thorough" trains every alternative on all folds. "standard" leaves out folds of large tables, beyond
        10,000 held-out rows (of the wider and the longer alternative beyond 1,000), and does not train twice
        as long where the loss on unseen rows had surely risen by the end. "quick" is content with
        1,000 held-out rows, and tries one strength of dropout and of L2, neither L1 nor batch norm, and of
        the learning curve half of the rows.
    time_limit : float or None, default=None
        Seconds for everything but the one-time compilation. Where the network itself would take more than a
        quarter of it, there are fewer folds, and then fewer rows; what there is no time for is named.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" takes text, yes or no, two different numbers, and at most 20 different integers of 10 rows each
        on average for classes, and other numbers for an amount; the result says which, and why.
    sample_weight : array, shape (n_rows,), optional
        Weights of the rows, in training and in validation.
    groups : array, shape (n_rows,), optional
        Rows of one group stay in one fold.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, in training and in all losses; accuracy counts rows whatever their class.
    n_jobs : int or None, default=None
        Threads. None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed gives the same diagnosis, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.
    on_progress : callable, optional
        Called with an :class:`~taut.examine.progress.ExamineProgress`, one call at a time, also from worker
        threads.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ParameterError
        Where a parameter is out of its range.
    DataError, ValueError
        Where X, y, X_test or cv cannot be used as they are.
    TrainingError
        Where the network and all that stop early diverged, or the time was over before the network itself was
        trained.
    KeyboardInterrupt
        On Ctrl+C.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from taut import diagnose
    >>> X, y = load_diabetes(return_X_y=True)
    >>> found = diagnose(X, y, hidden=(32,), max_epochs=200, cv=3, random_state=0)
    >>> found.verdict, found.turned is not None
    ('overfits', True)
    """
    started = time.monotonic()
    plan = diagnosis_plan(effort)
    limit = math.inf if time_limit is None else real("time_limit", time_limit)
    if recipe is not None and not isinstance(recipe, Recipe):
        raise ParameterError(f"recipe must be a taut.Recipe, and it is {recipe!r}.")
    given = prepare(
        X,
        y,
        task=task,
        hidden=hidden,
        activation=activation,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_epochs=whole("max_epochs", max_epochs, high=MOST_EPOCHS),
        cv=cv,
        sample_weight=sample_weight,
        groups=groups,
        class_weight=class_weight,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    if given.problem.target.constant:
        raise DataError("y is the same in every row: there is nothing to learn, and nothing to diagnose.")
    test = None if X_test is None else read_features(given.table, X_test, given.problem.schema)[1]
    if test is not None:
        warn_of_unknown_values(test)
    given = _fewer_rows(given)
    compiled = time.monotonic()
    given.engine.prepare()  # the one-time compilation does not count
    started += time.monotonic() - compiled
    own = Recipe() if recipe is None else recipe
    folds = given.folds[: enough_folds(given.folds, plan.held_out)]
    problem, candidate = given.problem, Candidate(own, given.learning_rate, given.hidden)
    left = started + limit - time.monotonic()
    folds = within_time(
        given.engine, problem.data, problem.matrix, folds, given.settings, candidate, max(0.01, left)
    )
    given = replace(given, folds=folds)
    news = ExamineNews(
        on_progress or (print_progress() if verbose else None), started + limit - time.monotonic()
    )
    control = Control(deadline=started + limit)
    with Interrupts(control.cancelled):
        try:
            found = _diagnosis(given, own, test, control, news, plan)
        except KeyboardInterrupt:
            if control.cancelled.is_set() or math.isinf(limit):
                raise
            raise TrainingError(
                f"time_limit is {limit:g} s, and it was over before the network itself was trained: give "
                f"more time, or lower max_epochs."
            ) from None
    return replace(found, seconds=time.monotonic() - started)


def _diagnosis(
    given: Prepared,
    recipe: Recipe,
    test: Matrix | None,
    control: Control,
    news: ExamineNews,
    plan: DiagnosisPlan,
) -> Diagnosis:
    problem, settings, unit = given.problem, given.settings, given.loss_unit
    data, seed, weight = problem.data, settings.seed, problem.data.score_weight
    candidate = Candidate(recipe, given.learning_rate, given.hidden)
    variants = Variants(
        given.engine, data, given.folds, settings, candidate, control, news.on_done, plan.dropouts, plan.l2s
    )
    parts = parts_of(given.folds, plan.parts)
    news.expect(variants.n_networks + len(given.folds) * len(parts))
    tried = [*variants.own(), *variants.weaker()]
    turned = _turned(tried[0])
    # What has a part in the verdict comes first, and last in the table.
    stronger = variants.stronger(
        enough_folds(given.folds, plan.held_out_stronger), longer=plan.always_longer or turned is None
    )
    tried += [*(variants.others() if plan.others else []), *stronger]
    own = tried[0]
    sound = [one for one in tried[1:] if not one.failed and one.side != "stronger"]
    # What stops early and has nothing added: the network's own where its recipe does so.
    stopped = next((one for one in tried if one.name == STOPPED), own)
    if stopped.failed and not sound:
        raise TrainingError(
            "The network diverged however it was trained (its loss or weights were no longer finite): "
            f"{what_to_lower(own.candidate.recipe, own.candidate.learning_rate)}."
        )
    steady = stopped if not stopped.failed else sound[0]
    simple = simple_baselines(
        given.engine,
        data,
        given.folds,
        settings,
        problem.target.classes,
        control,
        linear=len(given.hidden) > 0,
    )
    if not own.failed:
        simple = gained(simple, OutOfFold(own.losses, None, None), data)
    gains = judge(tried, weight, seed)
    missing = list(variants.missing)
    try:
        curve = learning_curve(
            given.engine,
            data,
            problem.matrix,
            given.folds,
            settings,
            steady.candidate,
            steady,
            control,
            news.on_done,
            plan.parts,
        )
    except KeyboardInterrupt:
        if control.cancelled.is_set():
            raise
        curve = LearningCurve((), NONE, math.nan)
        missing.append(MORE_ROWS)
    classes = problem.target.classes
    signs = find_signs(
        problem.schema,
        problem.matrix,
        data,
        classes,
        given.folds,
        variants.outputs(steady),
        test,
        seed=seed,
        most=rows_in(control.deadline - time.monotonic()),
    )
    if control.cancelled.is_set():
        raise KeyboardInterrupt
    profile = profile_of(
        data,
        given.folds[0],
        variants.runner.member(variants.job(own)).network,
        settings.batch_size,
        seed=seed,
    )
    before = advise(profile)
    recovered, best = _recovered(own, sound, weight, seed)
    return Diagnosis(
        verdict=gains.fit,
        degree=gains.degree,
        gains=gains,
        train_loss=_over_folds(own.train_losses).times(unit),
        validation_loss=_over_rows(own, weight).times(unit),
        score=_score(own, given),
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
        curves=tuple(history_of(_cut(one, settings.max_epochs), problem.target) for one in own.curves),
        task=data.task,
        why=given.why,
        recipe=recipe,
        hidden=given.hidden,
        learning_rate=given.learning_rate,
        batch_size=settings.batch_size,
        n_rows=problem.n_train,
        n_columns=len(problem.schema.columns),
        n_folds=len(given.folds),
        n_used=len(np.unique(np.concatenate([np.concatenate([f.train, f.validation]) for f in given.folds]))),
        seconds=0.0,
        class_weighted=data.accuracy_weight is not None,
        simple=tuple(one.in_units(unit) for one in simple),
        missing=tuple(missing),
    )


def _fewer_rows(given: Prepared) -> Prepared:
    """So many rows that the losses of all of them in all epochs can be kept."""
    problem, settings = given.problem, given.settings
    largest = max(len(fold.validation) for fold in given.folds)
    n = len(problem.data.values)
    n_used = max(_LEAST_USED, int(n * _MOST_LOSSES / (LONGER * settings.max_epochs) / largest))
    return replace(given, folds=fewer_rows(problem.data, problem.matrix, given.folds, settings.seed, n_used))


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


def _score(own: Variant, given: Prepared) -> float:
    variances = target_variances(given.problem.data, given.folds)
    if variances is None:
        return float(np.mean(own.scores))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(1.0 - own.validation_losses / variances))


def _mean_curve(curves: Sequence[Curve], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean validation loss by epoch, and the standard errors of its differences from the last epoch's."""
    n = min([most, *(len(curve) for curve in curves)])
    table = np.stack([curve.validation[:n] for curve in curves])
    away = table[:, -1:] - table
    spread = np.std(away, axis=0, ddof=1) if len(table) > 1 else np.zeros(n)
    return table.mean(axis=0), spread / math.sqrt(len(table))


def _turned(own: Variant) -> int | None:
    """The epoch of the lowest mean loss, where the loss has surely risen since."""
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
    """Which share of the gap regularization takes away, and which alternative does."""
    gap = float(np.mean(own.validation_losses - own.train_losses))
    if own.failed or not sound or not gap > 0:
        return NONE, ""
    gain = gain_of(own, sound, weight, seed)
    share = gain.share.times(float(np.mean(own.validation_losses)) / gap)
    return share.within(-math.inf, 1.0), gain.best  # what goes beyond the gap was none of it


def _alternative(
    variant: Variant, own: Variant, weight: NDArray[np.floating] | None, unit: float
) -> Alternative:
    # On fewer folds: what the network has, and the difference on the folds that both have.
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
    """By what was measured: techniques alone against early stopping alone."""
    alone = {}
    for one in tried:
        kind = is_single(one.candidate.recipe)
        technique = None if kind is None else one.candidate.recipe.get(kind)
        if technique is not None and not one.failed and one.side in ("weaker", "other"):
            alone[technique] = one.losses
    if not alone or [type(one) for one in steady.candidate.recipe.active] != [EarlyStopping]:
        return ()
    return measured(steady.losses, alone, weight, loss_unit=unit)


def _cut(curve: Curve, n: int) -> Curve:
    return Curve(curve.train[:n], curve.validation[:n], curve.correct[:n])
