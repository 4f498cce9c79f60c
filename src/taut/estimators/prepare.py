"""From a person's table to what is trained, for whoever trains without an estimator's ``fit``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from taut.engine.base import Engine, Fold
from taut.errors import DataError, ParameterError
from taut.estimators.classifier_cv import TautClassifierCV
from taut.estimators.problem import ClassWeight, Problem
from taut.estimators.regressor_cv import TautRegressorCV
from taut.estimators.target import choose_task
from taut.network import Activation, hidden_widths
from taut.selection.folds import make_folds
from taut.selection.runner import Settings

Task: TypeAlias = Literal["auto", "classification", "regression"]


@final
@dataclass(frozen=True, eq=False)
class Prepared:
    """A table as networks are trained on it, by cross-validation.

    Parameters
    ----------
    engine : Engine
    problem : Problem
    settings : Settings
    folds : tuple of Fold
    hidden : tuple of int
    learning_rate : float
    loss_unit : float
        What a loss of the engine is multiplied by to be in the target's own units.
    estimator : TautClassifierCV or TautRegressorCV
        That reads further tables as it read this one; not fitted.
    why : str
        Why y is classes, or an amount.
    """

    engine: Engine
    problem: Problem
    settings: Settings
    folds: tuple[Fold, ...]
    hidden: tuple[int, ...]
    learning_rate: float
    loss_unit: float
    estimator: TautClassifierCV | TautRegressorCV
    why: str


def prepare(
    X: Any,
    y: Any,
    *,
    task: Task,
    hidden: tuple[int, ...],
    activation: Activation,
    learning_rate: float | Literal["auto"],
    batch_size: int | Literal["auto"],
    max_epochs: int,
    cv: Any,
    sample_weight: Any,
    groups: Any,
    class_weight: ClassWeight,
    n_jobs: int | None,
    random_state: Any,
) -> Prepared:
    """Check X, y and the parameters as the estimators do, and make the folds.

    The one-time compilation is left to the caller (``engine.prepare()``); the activation is checked when
    networks are made.

    Raises
    ------
    ParameterError
        Where a parameter is out of its range.
    DataError, ValueError
        Where X, y or cv cannot be used as they are.
    """
    if task not in ("auto", "classification", "regression"):
        raise ParameterError(f"task must be auto, classification or regression, and it is {task!r}.")
    if y is None:
        raise DataError("y is None: give the target, a value for each row of X.")
    widths = hidden_widths(hidden)
    y, chosen, why = choose_task(y, task)
    estimator = _estimator(
        chosen,
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
    engine = estimator._engine()
    rate = estimator._learning_rate()
    problem = estimator._problem(X, y, sample_weight, None, None, None)
    settings = estimator._settings(problem.n_counted)
    splits = estimator._splits(problem, groups, settings.seed)
    return Prepared(
        engine=engine,
        problem=problem,
        settings=settings,
        folds=tuple(make_folds(splits, problem.data, problem.matrix, settings.seed)),
        hidden=widths,
        learning_rate=rate,
        loss_unit=estimator._loss_unit(problem),
        estimator=estimator,
        why=why,
    )


def _estimator(task: str, class_weight: ClassWeight, **parameters: Any) -> TautClassifierCV | TautRegressorCV:
    """An estimator with these parameters, which reads the table, makes the folds and checks as they do."""
    if task == "classification":
        return TautClassifierCV(**parameters, class_weight=class_weight)
    if class_weight is not None:
        raise ParameterError("class_weight is for classes, and y is an amount: leave it out.")
    return TautRegressorCV(**parameters)
