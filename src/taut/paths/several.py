"""Paths of a fitted estimator's network, with the estimator's own settings."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from taut.estimators.base import TautEstimator
from taut.estimators.effort import AUTO_FOLDS
from taut.learning.architecture import MLP
from taut.learning.progress import TrainingProgress
from taut.paths.function import regularization_path
from taut.paths.result import RegularizationPath
from taut.selection.space import Space
from taut.techniques import EarlyStopping
from taut.techniques.base import Technique


def techniques_of(estimator: TautEstimator) -> tuple[type[Technique], ...]:
    """Give the techniques that make sense for its network and target."""
    space = Space(1.0, _usual_architecture(estimator), estimator.model_.objective)
    return (*space.kinds, EarlyStopping)


def path_of(
    estimator: TautEstimator,
    X: Any,
    y: Any,
    technique: type[Technique],
    strengths: int = 11,
    *,
    random_state: Any = None,
    on_progress: Callable[[TrainingProgress], None] | None = None,
) -> RegularizationPath:
    """Train a technique at several strengths, with only early stopping besides, as the estimator was.

    It takes the estimator's widths, activation, epochs, class weights and learning rate (the usual one if it
    was searched), and its folds if ``cv`` is "auto" or a number, otherwise 5. With its seed, early stopping
    alone is that of its search, bit for bit.

    Parameters
    ----------
    estimator : fitted estimator
    X : array, shape (n_rows, n_features), or data frame
        The table that it was fitted on.
    y : array, shape (n_rows,)
    technique : type of Technique
    strengths : int, default=11
        How many, besides off.
    random_state : int or None, default=None
        None is the estimator's; if that is None too, every path has folds of its own.
    on_progress : callable, optional
        Called with a :class:`TrainingProgress`, one call at a time, also from worker threads.

    Returns
    -------
    RegularizationPath

    Raises
    ------
    TrainingError, KeyboardInterrupt
        As :func:`taut.regularization_path`.
    """
    cv: Any = getattr(estimator, "cv", AUTO_FOLDS)
    cv = cv if isinstance(cv, (str, numbers.Integral)) else AUTO_FOLDS
    return regularization_path(
        X,
        y,
        technique,
        strengths,
        cv=cv,
        hidden=(usual := _usual_architecture(estimator)).hidden,
        activation=usual.activation,
        n_bins=usual.n_bins,
        learning_rate=estimator.learning_rate,
        batch_size=estimator.batch_size,
        max_epochs=estimator.max_epochs,
        task=estimator._task,
        class_weight=getattr(estimator, "class_weight", None),
        n_jobs=estimator.n_jobs,
        random_state=estimator.random_state if random_state is None else random_state,
        on_progress=on_progress,
    )


def _usual_architecture(estimator: TautEstimator) -> MLP:
    """The architecture of the search's single techniques; the chosen network may be wider."""
    baseline = getattr(estimator, "baseline_", {}).get("early_stopping")
    if baseline is not None:
        architecture: MLP = baseline.candidate.architecture
        return architecture
    network = estimator.network_
    return MLP(network.hidden, network.activation, n_bins=estimator.model_.n_bins)
