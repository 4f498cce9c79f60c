"""From the user's table to what is trained, where no estimator's ``fit`` does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from taut.engine.base import Engine, Fold
from taut.errors import DataError, ParameterError
from taut.estimators.automatic import engine_of, learning_rate_of, settings_of
from taut.estimators.problem import ClassWeight, Problem, TrainingTable, make_problem
from taut.estimators.splits import make_splits
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
    table : TrainingTable
        By which further tables are read, as this one was.
    why : str
        Why y is classes, or an amount.
    """

    engine: Engine
    problem: Problem
    settings: Settings
    folds: tuple[Fold, ...]
    hidden: tuple[int, ...]
    learning_rate: float
    table: TrainingTable
    why: str

    @property
    def loss_unit(self) -> float:
        """What a loss of the engine is multiplied by to be in the target's own units."""
        return self.problem.target.loss_unit


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
        If a parameter is out of its range.
    DataError, ValueError
        If X, y or cv cannot be used as they are.
    """
    if task not in ("auto", "classification", "regression"):
        raise ParameterError(f"task must be auto, classification or regression, and it is {task!r}.")
    if y is None:
        raise DataError("y is None: give the target, a value for each row of X.")
    widths = hidden_widths(hidden)
    y, chosen, why = choose_task(y, task)
    if chosen == "regression" and class_weight is not None:
        raise ParameterError("class_weight is for classes, and y is an amount: leave it out.")
    engine = engine_of(n_jobs)
    rate = learning_rate_of(learning_rate)
    table = TrainingTable()
    problem = make_problem(table, chosen, X, y, sample_weight, class_weight, None)
    settings = settings_of(problem.n_counted, activation, batch_size, max_epochs, random_state)
    splits = make_splits(problem, cv, groups, settings.seed, widths)
    return Prepared(
        engine=engine,
        problem=problem,
        settings=settings,
        folds=tuple(make_folds(splits, problem.data, problem.matrix, settings.seed)),
        hidden=widths,
        learning_rate=rate,
        table=table,
        why=why,
    )
