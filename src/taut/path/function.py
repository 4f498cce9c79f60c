"""``regularization_path``: from a table to a path."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from taut.engine.base import Control
from taut.errors import ParameterError
from taut.estimators.problem import ClassWeight
from taut.network import Activation, hidden_widths
from taut.parameters import whole
from taut.path.result import RegularizationPath
from taut.recipe import Recipe
from taut.selection.folds import make_folds
from taut.selection.interrupts import Interrupts
from taut.selection.path import PathWork
from taut.techniques.base import Technique

_EVERY_SECONDS = 5.0  # between lines of progress
_MOST_NAMED = 5


@final
@dataclass(frozen=True)
class PathProgress:
    """Where the training of a path stands.

    Parameters
    ----------
    doing : str
        Such as "training".
    done, total : int
        Networks; on early stopping's own path, epochs. ``total`` is 0 while it is not known.
    seconds : float
        Since it began.
    """

    doing: str
    done: int
    total: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """A guess by what is done so far; None where nothing is."""
        if not self.done or not self.total:
            return None
        return self.seconds / self.done * (self.total - self.done)


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
    on_progress: Callable[[PathProgress], None] | None = None,
) -> RegularizationPath:
    """Train one technique at many strengths on all folds of a cross-validation.

    All networks start from the same weights and see the rows in the same order, so that their differences are
    the technique's. Early stopping is in every one of them, but on its own path. Off, the technique's absence,
    is always one of the points.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), or data frame
        Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
    y : array, shape (n_rows,)
        Classes, or finite numbers.
    technique : str or type of Technique, default="l2"
        Such as ``"dropout"`` or ``taut.Dropout``.
    strengths : int or sequence of float, default=50
        How many, or which. A number of them is spread evenly over the technique's ``path_range``, on its own
        scale; the top of L1's is the smallest strength that makes every weight zero, found by bisection with
        short runs (:func:`taut.selection.path_top.strength_of_zeros`). An on/off technique has two points
        whatever it says. Early stopping's strengths are epochs: one training a fold without early stopping
        gives them all, and a number thins them by their logarithms, the first, the last, the best and the
        one-SE epoch kept.
    cv : int, splitter or iterable, default=5
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is a linear model.
    recipe : Recipe, default=None
        Techniques that are in every network beside the one of the path, such as ``Recipe(BatchNorm())``. Early
        stopping is added where it is not in it.
    activation : {"relu", "silu", "gelu"}, default="relu"
    learning_rate : "auto" or float, default="auto"
        AdamW's, above 0. "auto" is 0.001.
    batch_size : "auto" or int, default="auto"
        Rows a step. "auto" is a power of two from 16 to 256, at most a quarter of the rows.
    max_epochs : int, default=300
        Where training ends that nothing stopped before.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" takes y for an amount where scikit-learn's ``type_of_target`` calls it continuous.
    sample_weight : array, shape (n_rows,), optional
        Weights of the rows, in training and in validation.
    groups : array, shape (n_rows,), optional
        Rows of one group stay in one fold.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training (not in validation).
    n_jobs : int or None, default=None
        Threads. None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed gives the same path, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.
    on_progress : callable, optional
        Called with a :class:`PathProgress`, one call at a time, also from worker threads.

    Returns
    -------
    RegularizationPath
        After Ctrl+C, with the strengths that were finished.

    Raises
    ------
    ParameterError
        Where a parameter is out of its range, or the recipe holds the path's technique.
    DataError, ValueError
        Where X, y or cv cannot be used as they are.
    TrainingError
        Where every network diverged.
    KeyboardInterrupt
        Where Ctrl+C came before any strength was finished, or twice.

    Warns
    -----
    TrainingWarning
        Where some strengths diverged: their figures are NaN.

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
    kind = _technique(technique)
    base = _base(recipe, kind)
    if task not in ("auto", "classification", "regression"):
        raise ParameterError(f"task must be auto, classification or regression, and it is {task!r}.")
    widths = hidden_widths(hidden)
    estimator = _estimator(
        _task_of(y) if task == "auto" else task,
        class_weight,
        hidden=widths,
        activation=activation,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_epochs=max_epochs,
        cv=cv,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    path = _Path(kind, base, strengths, whole("max_epochs", max_epochs))
    engine = estimator._engine()
    problem = estimator._problem(X, y, sample_weight, None, None, None)
    settings = estimator._settings(problem.n_counted)
    splits = estimator._splits(problem, groups, settings.seed)
    work = PathWork(
        engine=engine,
        data=problem.data,
        folds=make_folds(splits, problem.data, problem.matrix, settings.seed),
        hidden=widths,
        activation=settings.activation,
        learning_rate=estimator._learning_rate(),
        batch_size=settings.batch_size,
        max_epochs=settings.max_epochs,
        seed=settings.seed,
    )
    compiled = time.monotonic()
    engine.prepare()
    news = _News(on_progress or (_Printed() if verbose else None))
    started += time.monotonic() - compiled
    control = Control()
    with Interrupts(control.cancelled) as interrupts:
        rows, strengths_found = path.run(work, problem.target.unit, control, news)
    n_stopped = interrupts.count
    factor = estimator._loss_unit(problem)
    ...
