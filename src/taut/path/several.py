"""Paths of a fitted estimator's network, with what it was trained with."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from taut.estimators.base import TautEstimator
from taut.estimators.effort import AUTO_FOLDS
from taut.path.function import regularization_path
from taut.path.progress import PathProgress
from taut.path.result import RegularizationPath
from taut.selection.space import Space
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique


def techniques_of(estimator: TautEstimator) -> tuple[type[Technique], ...]:
    """Give the techniques that can act: without hidden layers there is nothing to drop or normalize."""
    return (*Space(learning_rate=1.0, hidden=estimator.network_.hidden).kinds, EarlyStopping)


def path_of(
    estimator: TautEstimator,
    X: Any,
    y: Any,
    technique: type[Technique],
    strengths: int = 11,
    *,
    on_progress: Callable[[PathProgress], None] | None = None,
) -> RegularizationPath:
    """Train a technique at several strengths, alone with early stopping, as the estimator was trained.

    With the estimator's widths, activation, epochs, class weights, learning rate (the usual one where it was
    searched) and seed. Folds are as many as the estimator's ``cv`` says where it is a number, else 5.

    Parameters
    ----------
    estimator : fitted estimator
    X : array, shape (n_rows, n_features), or data frame
        The table that it was fitted on.
    y : array, shape (n_rows,)
    technique : type of Technique
    strengths : int, default=11
        How many, beside off.
    on_progress : callable, optional
        Called with a :class:`PathProgress`, one call at a time, also from worker threads.

    Returns
    -------
    RegularizationPath

    Raises
    ------
    TrainingError, KeyboardInterrupt
        As :func:`taut.regularization_path`.
    """
    cv = getattr(estimator, "cv", AUTO_FOLDS)
    return regularization_path(
        X,
        y,
        technique,
        strengths,
        cv=cv if isinstance(cv, numbers.Integral) else AUTO_FOLDS,
        hidden=estimator.network_.hidden,
        activation=estimator.network_.activation,
        learning_rate=estimator.learning_rate,
        batch_size=estimator.batch_size,
        max_epochs=estimator.max_epochs,
        task=estimator._task,
        class_weight=getattr(estimator, "class_weight", None),
        n_jobs=estimator.n_jobs,
        random_state=estimator.random_state,
        on_progress=on_progress,
    )
