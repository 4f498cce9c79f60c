"""``regularization_path``: from a table to a path."""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from taut.errors import ParameterError
from taut.estimators.prepare import Options, prepare
from taut.estimators.problem import ClassWeight
from taut.estimators.trouble import warn_of_trouble
from taut.learning.progress import Reporter, TrainingProgress, print_progress
from taut.learning.training import Control
from taut.network import Activation
from taut.parameters import MOST_EPOCHS, whole
from taut.paths.grid import MOST_STRENGTHS, given_epochs, given_strengths
from taut.paths.plan import EpochPlan, StrengthPlan
from taut.paths.plane import plane_of
from taut.paths.result import RegularizationPath
from taut.paths.traced import traced
from taut.paths.training import PathWork
from taut.recipe import Recipe
from taut.selection.interrupts import Interrupts
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique
from taut.techniques.find import technique_of


def regularization_path(
    X: Any,
    y: Any,
    technique: str | type[Technique] = "l2",
    strengths: int | Sequence[float] = 50,
    *,
    cv: Any = 5,
    hidden: tuple[int, ...] = (128, 128),
    recipe: Recipe | None = None,
    activation: Activation = "relu",
    n_bins: int = 0,
    learning_rate: float | Literal["auto"] = "auto",
    batch_size: int | Literal["auto"] = "auto",
    max_epochs: int = 300,
    task: Literal["auto", "classification", "regression"] = "auto",
    sample_weight: Any = None,
    groups: Any = None,
    class_weight: ClassWeight = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> RegularizationPath:
    """Train one technique at many strengths on all folds of a cross-validation.

    All networks start from the same weights and see the rows in the same order, so that the technique
    alone makes the difference. Early stopping is in every network, except on its own path. Off, the
    technique's absence, is always one of the points.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), or data frame
        Numbers, NaN where missing; a data frame may also hold text, booleans and dates.
    y : array, shape (n_rows,)
        Classes, or finite numbers.
    technique : str or type of Technique, default="l2"
        Such as ``"dropout"`` or ``taut.Dropout``.
    strengths : int or sequence of float, default=50
        How many, or which. A number of them is spread evenly over the technique's ``path_range``, on its own
        scale; the top of L1's is the smallest strength that makes every weight zero, found by bisection with
        short runs (:func:`taut.paths.plan.strength_of_zeros`). An on/off technique always has two
        points. Early stopping's strengths are epochs: one training per fold without early stopping
        gives them all, and a number thins them by their logarithms; the first, the last, the best and the
        one-SE epoch are kept.
    cv : int, splitter or iterable, default=5
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is a linear model.
    recipe : Recipe, default=None
        Techniques that every network has besides the path's own, such as ``Recipe(BatchNorm())``. Early
        stopping is added if it is not there.
    activation : {"relu", "silu", "gelu"}, default="relu"
    n_bins : int, default=0
        Pieces that each number is seen in, beside itself; see :class:`taut.TautClassifier`.
    learning_rate : "auto" or float, default="auto"
        AdamW's, above 0. "auto" is 0.002.
    batch_size : "auto" or int, default="auto"
        Rows per step. "auto" is a power of two from 16 to 256, at most a quarter of the rows.
    max_epochs : int, default=300
        The last epoch, unless training stops earlier.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" takes text, booleans, two different numbers, and at most 20 different integers with 10 rows
        each on average as classes, and other numbers as an amount; the result says which, and why.
    sample_weight : array, shape (n_rows,), optional
        Weights of the rows, in training and in validation.
    groups : array, shape (n_rows,), optional
        Rows of one group stay in one fold.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, in training and in all losses; accuracy counts all rows equally.
    n_jobs : int or None, default=None
        Threads. None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed gives the same path, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.
    on_progress : callable, optional
        Called with a :class:`TrainingProgress`, one call at a time, also from worker threads.

    Returns
    -------
    RegularizationPath
        After Ctrl+C, with the strengths that were finished.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or the recipe has the path's technique.
    DataError, ValueError
        If X, y or cv cannot be used.
    TrainingError
        If every network diverged.
    KeyboardInterrupt
        If Ctrl+C came before any strength was finished, or twice.

    Warns
    -----
    TrainingWarning
        If some strengths diverged: their figures are NaN.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from taut import regularization_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = regularization_path(X, y, "l2", strengths=[0.1, 3, 30], hidden=(8,), cv=3, random_state=0)
    >>> path.table["strength"].tolist()
    [0.0, 0.1, 3.0, 30.0]
    """
    started = time.monotonic()
    kind = technique_of(technique)
    base = base_of(recipe, kind)
    plan = plan_of(kind, strengths, whole("max_epochs", max_epochs, high=MOST_EPOCHS))
    options = Options(
        task=task,
        hidden=hidden,
        activation=activation,
        n_bins=n_bins,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_epochs=max_epochs,
        cv=cv,
        sample_weight=sample_weight,
        groups=groups,
        class_weight=class_weight,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    given = prepare(X, y, options)
    trainer, table = given.trainer, given.table
    plane = plane_of(table, trainer.settings.seed)
    warn_of_trouble(table, trainer.settings.seed, stacklevel=2)
    grid = None if plane is None else plane.examples(table.matrix)
    work = PathWork(trainer, given.folds, given.architecture, given.learning_rate, grid)
    compiled = time.monotonic()
    trainer.engine.prepare()  # the one-time compilation does not count
    started += time.monotonic() - compiled
    noun = "epochs" if kind is EarlyStopping else "networks"
    reporter = Reporter(on_progress or (print_progress(noun) if verbose else None), started)
    control = Control()
    with Interrupts(control.cancelled) as interrupts:
        found = traced(
            work,
            kind,
            base,
            plan,
            control,
            reporter,
            classes=table.target.classes,
            owners=table.owners,
            plane=plane,
            unit=table.target.unit,
            origin=table.target.origin,
            why=given.why,
        )
    if interrupts.count > 1:
        raise KeyboardInterrupt
    simple = () if table.target.constant else found.simple  # there is nothing to compare
    return replace(found, seconds=time.monotonic() - started, simple=simple)


def base_of(recipe: Recipe | None, kind: type[Technique]) -> Recipe:
    """What every network has: early stopping too, except on its own path."""
    if recipe is None:
        recipe = Recipe()
    elif not isinstance(recipe, Recipe):
        raise ParameterError(f"recipe must be a taut.Recipe, and it is {recipe!r}.")
    if recipe.get(kind) is not None:
        raise ParameterError(
            f"recipe has {kind.name}, whose path this is: leave it out; its strengths are what is tried."
        )
    if kind is EarlyStopping or recipe.get(EarlyStopping) is not None:
        return recipe
    return recipe.with_(EarlyStopping())


def plan_of(kind: type[Technique], strengths: object, max_epochs: int) -> EpochPlan | StrengthPlan:
    """What is to be trained; strengths that cannot be used are refused here."""
    n = whole("strengths", strengths, high=MOST_STRENGTHS) if isinstance(strengths, numbers.Number) else None
    if kind is EarlyStopping:
        return EpochPlan(n, None if n is not None else given_epochs(strengths, max_epochs))
    return StrengthPlan(kind, n, None if n is not None else given_strengths(kind, strengths))
