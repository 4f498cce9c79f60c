"""``effects``: what each technique of a recipe contributes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, final

from sklearn.utils.validation import check_is_fitted

from taut.errors import ParameterError, TrainingError
from taut.estimators.automatic import AUTO_LEARNING_RATE
from taut.estimators.base import TautEstimator
from taut.estimators.effort import Effort, budget_of
from taut.estimators.groups import group_codes
from taut.estimators.prepare import Options, Task, prepare
from taut.estimators.problem import ClassWeight
from taut.examine.effects_result import Effects
from taut.examine.explaining import effects_of
from taut.learning.progress import Reporter, TrainingProgress, print_progress
from taut.learning.training import Control
from taut.network import Activation
from taut.parameters import real, whole
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.interrupts import Interrupts

USUAL_WIDTHS, USUAL_EPOCHS = (128, 128), 300

_SEEDS = {"quick": 1, "standard": 3, "thorough": 5}
_MOST_SEEDS = 1000


def effects(
    X: Any,
    y: Any,
    recipe: Recipe | TautEstimator,
    *,
    learning_rate: float | Literal["auto"] = "auto",
    hidden: tuple[int, ...] = USUAL_WIDTHS,
    activation: Activation = "relu",
    n_bins: int = 0,
    batch_size: int | Literal["auto"] = "auto",
    max_epochs: int = USUAL_EPOCHS,
    cv: Any = 5,
    n_seeds: int | None = None,
    effort: Effort = "standard",
    time_limit: float | None = None,
    task: Task = "auto",
    sample_weight: Any = None,
    groups: Any = None,
    class_weight: ClassWeight = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> Effects:
    """Measure what each technique of a recipe contributes, as lines that add up.

    From no regularization to the recipe there are these steps, all on the same folds and seeds:

    1. Early stopping: from no regularization at ``max_epochs`` to early stopping alone, the same networks
       at an earlier epoch, at the usual learning rate (0.002).
    2. Learning rate: from there to the best of the recipe's learning rate times 1/3, 1 and 3.
    3. The other techniques that are not off are players. All their combinations are trained, with early
       stopping in every one, each at the best of the three learning rates, because techniques shift the best
       rate. A technique's contribution is its Shapley value: what it adds when it joins, averaged over
       all orders in which the techniques can join.

    Each fold takes the learning rate and the epoch that are best on the *other* folds: chosen on the rows
    that are scored, they would be mistaken for skill. The first seed chooses the rate for all.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), or data frame
        Numbers, NaN where missing; a data frame may also hold text, booleans and dates.
    y : array, shape (n_rows,)
        Classes, or finite numbers.
    recipe : Recipe or fitted estimator
        A fitted or loaded estimator, such as a ``TautClassifierCV``, gives its recipe, learning rate, widths,
        activation, batch size, epochs and class weights. If early stopping is not in the recipe, it is in
        all combinations anyway, and a last line goes back from there to the recipe, at the last epoch.
    learning_rate : "auto" or float, default="auto"
        The recipe's, above 0. "auto" is 0.002.
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is a linear model.
    activation : {"relu", "silu", "gelu"}, default="relu"
    n_bins : int, default=0
        Pieces that each number is seen in, beside itself; see :class:`taut.TautClassifier`.
    batch_size : "auto" or int, default="auto"
        Rows per step. "auto" is a power of two from 16 to 256, at most a quarter of the rows.
    max_epochs : int, default=300
        The last epoch, unless training stops earlier.
    cv : int, splitter or iterable, default=5
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.
    n_seeds : int or None, default=None
        How often everything is trained, from different weights and with the rows in a different order. With
        one, the intervals do not include that chance. None depends on ``effort``.
    effort : {"quick", "standard", "thorough"}, default="standard"
        1, 3 or 5 seeds.
    time_limit : float or None, default=None
        Seconds for everything but the one-time compilation. All combinations are trained with the first seed,
        and with more seeds as time allows; the result has their number.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" takes text, booleans, two different numbers, and at most 20 different integers with 10 rows
        each on average as classes, and other numbers as an amount; the result says which, and why.
    sample_weight : array, shape (n_rows,), optional
        Weights of the rows, in training and in validation.
    groups : array, shape (n_rows,), optional
        Rows of one group stay in one fold, and the bootstrap draws whole groups.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, in training and in all losses; accuracy counts all rows equally.
    n_jobs : int or None, default=None
        Threads. None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed gives the same figures, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.
    on_progress : callable, optional
        Called with a :class:`TrainingProgress`, one call at a time, also from worker threads.

    Returns
    -------
    Effects
        ``print(effects(...))`` shows the lines; a technique at its off value has exactly 0.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or differs from the estimator's.
    DataError, ValueError
        If X, y or cv cannot be used.
    TrainingError
        If networks of every combination diverged, or the time limit passed before all combinations were
        trained.
    KeyboardInterrupt
        After Ctrl+C: lines that add up need all networks.

    Warns
    -----
    TrainingWarning
        If some networks diverged: lines that need them are NaN.

    Notes
    -----
    Intervals are percentiles (95 %) of a bootstrap over rows, the same ones in all combinations, and seeds.
    They cover other held-out rows and other seeds, but neither other training rows nor the chance in choosing
    the learning rates. Formulas and sources are in :mod:`taut.evidence.shapley`. Beyond five players,
    networks of six orders are trained instead of all combinations (``exact`` is False), and there are no
    interactions.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from taut import L2, EarlyStopping, Recipe
    >>> from taut import effects
    >>> X, y = load_iris(return_X_y=True)
    >>> recipe = Recipe(L2(0.1), EarlyStopping())
    >>> found = effects(X, y, recipe, hidden=(8,), max_epochs=20, cv=3, n_seeds=2, random_state=0)
    >>> [line.label for line in found.lines]
    ['early stopping', 'learning rate 0.002 -> 0.006', 'L2 0.1']
    """
    asked = Asked.of(
        recipe,
        learning_rate=learning_rate,
        hidden=hidden,
        activation=activation,
        n_bins=n_bins,
        batch_size=batch_size,
        max_epochs=max_epochs,
        task=task,
        class_weight=class_weight,
    )
    begun = time.monotonic()
    budget_of(effort)  # raises if it is not one
    n_seeds = _SEEDS[effort] if n_seeds is None else whole("n_seeds", n_seeds, high=_MOST_SEEDS)
    limit = math.inf if time_limit is None else real("time_limit", time_limit)
    options = Options(
        task=asked.task,
        hidden=asked.hidden,
        activation=asked.activation,
        n_bins=asked.n_bins,
        learning_rate=asked.learning_rate,
        batch_size=asked.batch_size,
        max_epochs=asked.max_epochs,
        cv=cv,
        sample_weight=sample_weight,
        groups=groups,
        class_weight=asked.class_weight,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    given = prepare(X, y, options)
    left = limit - (time.monotonic() - begun)
    given.trainer.engine.prepare()  # the one-time compilation does not count
    started = time.monotonic()
    trainer = given.trainer
    candidate = Candidate(asked.recipe, given.learning_rate, given.architecture)
    reporter = Reporter(on_progress or (print_progress() if verbose else None), limit=left)
    control = Control(deadline=started + left)
    with Interrupts(control.cancelled) as interrupts:
        try:
            found = effects_of(
                trainer,
                given.folds,
                candidate,
                AUTO_LEARNING_RATE,
                control,
                reporter,
                n_seeds=n_seeds,
                groups=None if groups is None else group_codes(groups, len(trainer.problem)),
                unit=given.loss_unit,
                why=given.why,
            )
        except KeyboardInterrupt:
            if interrupts.count or math.isinf(limit):
                raise
            raise TrainingError(
                f"time_limit is {limit:g} s, and it passed before all combinations were trained once: give "
                "more time, lower max_epochs or cv, or use a recipe with fewer techniques."
            ) from None
    if interrupts.count:
        raise KeyboardInterrupt
    return replace(found, seconds=time.monotonic() - started)


@final
@dataclass(frozen=True)
class Asked:
    """The recipe to explain and its parameters, named as in :func:`taut.effects`."""

    recipe: Recipe
    learning_rate: float | Literal["auto"]
    hidden: tuple[int, ...]
    activation: Activation
    n_bins: int
    batch_size: int | Literal["auto"]
    max_epochs: int
    task: Task
    class_weight: ClassWeight

    @classmethod
    def of(cls, recipe: Any, **given: Any) -> Asked:
        """Take the parameters as given, or all of them from a fitted estimator.

        Parameters
        ----------
        recipe : Recipe or TautEstimator
        **given
            All the other fields.

        Raises
        ------
        ParameterError
            If it is neither, or a given parameter differs from the estimator's.
        NotFittedError
            scikit-learn's own.
        """
        if isinstance(recipe, Recipe):
            return cls(recipe, **given)
        if not isinstance(recipe, TautEstimator):
            raise ParameterError(
                "recipe must be a taut.Recipe or a fitted estimator of taut, and it is "
                f"{type(recipe).__name__}: such as Recipe(L2(0.1), EarlyStopping())."
            )
        check_is_fitted(recipe, "model_")
        own = {
            "learning_rate": recipe.learning_rate_,
            "hidden": recipe.network_.hidden,
            "activation": recipe.network_.activation,
            "n_bins": recipe.model_.n_bins,
            "batch_size": recipe.batch_size_,
            "max_epochs": recipe.max_epochs,
            "task": recipe._task,
            "class_weight": getattr(recipe, "class_weight", None),
        }
        for name, value in given.items():
            usual = _USUAL[name]
            if not _same(value, usual) and not _same(value, own[name]):
                raise ParameterError(
                    f"{name} is {own[name]!r} in the given estimator, and {value!r} here: leave it "
                    "out, or give the estimator's recipe_ and all parameters yourself."
                )
        return cls(recipe.recipe_, **own)


_USUAL: dict[str, Any] = {
    "learning_rate": "auto",
    "hidden": USUAL_WIDTHS,
    "activation": "relu",
    "n_bins": 0,
    "batch_size": "auto",
    "max_epochs": USUAL_EPOCHS,
    "task": "auto",
    "class_weight": None,
}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) if type(one) is not list else tuple(one) == other
