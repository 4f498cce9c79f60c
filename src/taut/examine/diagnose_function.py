"""``diagnose``: does a network overfit on a table, and what would help."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError, ParameterError, TrainingError
from taut.estimators.effort import Effort
from taut.estimators.prepare import Options, Task, prepare
from taut.estimators.problem import ClassWeight, read_features, warn_of_unknown_values
from taut.evidence.diagnosis_plan import diagnosis_plan, enough_folds, within_time
from taut.evidence.signs import Sign, find_signs
from taut.evidence.signs.view import rows_in
from taut.examine.diagnosing import affordable_folds, diagnosis_of
from taut.examine.diagnosis import Diagnosis
from taut.learning.progress import Reporter, TrainingProgress, print_progress
from taut.learning.training import Control
from taut.network import Activation
from taut.parameters import MOST_EPOCHS, real, whole
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.interrupts import Interrupts


def diagnose(
    X: Any,
    y: Any,
    *,
    X_test: Any = None,
    recipe: Recipe | None = None,
    hidden: tuple[int, ...] = (128, 128),
    activation: Activation = "relu",
    n_bins: int = 0,
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
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> Diagnosis:
    """Find out whether a network overfits, underfits or fits, and what would help.

    The network is trained as it is by cross-validation, and so are fixed alternatives on the same folds:
    stopped at its best epoch; with dropout 0.2 and 0.5, with L2 0.8 and 5, with L1 0.3 and with batch norm,
    each with early stopping; twice as wide; trained twice as long. It overfits if the loss on unseen rows of
    an alternative that is regularized or stopped earlier is lower by more than 1 %, and by more than chance;
    it underfits if that of the wider or the longer one is lower by more than 3 %. docs/diagnosis.md has how
    often the verdict is right.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), or data frame
        Numbers, NaN where missing; a data frame may also hold text, booleans and dates.
    y : array, shape (n_rows,)
        Classes, or finite numbers.
    X_test : array or data frame, optional
        Rows that the network is to predict later; they are checked for differences from X.
    recipe : Recipe, default=None
        How the network is regularized now; by default, not at all.
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is a linear model.
    activation : {"relu", "silu", "gelu"}, default="relu"
    n_bins : int, default=0
        Pieces that each number is seen in, beside itself; see :class:`taut.TautClassifier`.
    learning_rate : "auto" or float, default="auto"
        AdamW's, above 0. "auto" is 0.002.
    batch_size : "auto" or int, default="auto"
        Rows per step. "auto" is a power of two from 16 to 256, at most a quarter of the rows.
    max_epochs : int, default=300
        How long the network is trained.
    cv : int, splitter or iterable, default=5
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.
    effort : {"quick", "standard", "thorough"}, default="standard"
        "thorough" trains every alternative on all folds. "standard" leaves out folds of large tables, beyond
        10,000 held-out rows (of the wider and the longer alternative beyond 1,000), and does not train twice
        as long if the loss on unseen rows had clearly risen by the end. "quick" needs only 1,000 held-out
        rows, tries one strength each of dropout and L2, neither L1 nor batch norm, and trains on half of the
        rows for the learning curve.
    time_limit : float or None, default=None
        Seconds for everything but the one-time compilation. If the network itself would take more than a
        quarter of it, fewer folds are used, and then fewer rows; the result names what there was no time for.
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
        The same seed gives the same diagnosis, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.
    on_progress : callable, optional
        Called with a :class:`~taut.learning.progress.TrainingProgress`, one call at a time, also from worker
        threads.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError, ValueError
        If X, y, X_test or cv cannot be used.
    TrainingError
        If the network and all alternatives with early stopping diverged, or the time limit passed before the
        network itself was trained.
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
    options = Options(
        task=task,
        hidden=hidden,
        activation=activation,
        n_bins=n_bins,
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
    given = prepare(X, y, options)
    if given.table.target.constant:
        raise DataError("y is the same in every row: there is nothing to learn or to diagnose.")
    test = None if X_test is None else read_features(given.reader, X_test, given.table.schema)[1]
    if test is not None:
        warn_of_unknown_values(test)
    trainer, table = given.trainer, given.table
    folds = affordable_folds(trainer, given.folds)
    compiled = time.monotonic()
    trainer.engine.prepare()  # the one-time compilation does not count
    started += time.monotonic() - compiled
    own = Recipe() if recipe is None else recipe
    folds = folds[: enough_folds(folds, plan.held_out)]
    candidate = Candidate(own, given.learning_rate, given.architecture)
    left = started + limit - time.monotonic()
    folds = within_time(trainer, folds, candidate, max(0.01, left))
    reporter = Reporter(
        on_progress or (print_progress() if verbose else None), limit=started + limit - time.monotonic()
    )
    control = Control(deadline=started + limit)

    def look(outputs: NDArray[np.float64]) -> tuple[Sign, ...]:
        return find_signs(
            table.schema,
            table.matrix,
            table.problem,
            table.target.classes,
            folds,
            outputs,
            test,
            seed=trainer.settings.seed,
            most=rows_in(control.deadline - time.monotonic()),
        )

    with Interrupts(control.cancelled):
        try:
            found = diagnosis_of(
                trainer,
                folds,
                candidate,
                plan,
                control,
                reporter,
                classes=table.target.classes,
                find_signs=look,
                unit=given.loss_unit,
                n_rows=table.n_train,
                n_columns=len(table.schema.columns),
                why=given.why,
            )
        except KeyboardInterrupt:
            if control.cancelled.is_set() or math.isinf(limit):
                raise
            raise TrainingError(
                f"time_limit is {limit:g} s, and it passed before the network itself was trained: give "
                f"more time, or lower max_epochs."
            ) from None
    return replace(found, seconds=time.monotonic() - started)
