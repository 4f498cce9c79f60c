"""From the user's table to what is trained, where no estimator's ``fit`` does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from taut.errors import DataError, ParameterError
from taut.estimators.automatic import engine_of, learning_rate_of, settings_of
from taut.estimators.problem import ClassWeight, TableProblem, TrainingTable, make_problem
from taut.estimators.splits import make_splits
from taut.estimators.target import choose_task
from taut.learning.architecture import MLP
from taut.learning.problem import Fold
from taut.network import Activation
from taut.selection.folds import make_folds
from taut.selection.trainer import Trainer

Task: TypeAlias = Literal["auto", "classification", "regression"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Options:
    """The parameters that paths, diagnoses and effects share; see :func:`taut.regularization_path`."""

    task: Task
    hidden: tuple[int, ...]
    activation: Activation
    n_bins: int = 0
    learning_rate: float | Literal["auto"]
    batch_size: int | Literal["auto"]
    max_epochs: int
    cv: Any
    sample_weight: Any
    groups: Any
    class_weight: ClassWeight
    n_jobs: int | None
    random_state: Any


@final
@dataclass(frozen=True, eq=False)
class Prepared:
    """A table as networks are trained on it, by cross-validation.

    Parameters
    ----------
    table : TableProblem
    trainer : Trainer
    folds : tuple of Fold
    architecture : MLP
    learning_rate : float
    reader : TrainingTable
        By which further tables are read, as this one was.
    why : str
        Why y is classes, or an amount.
    """

    table: TableProblem
    trainer: Trainer
    folds: tuple[Fold, ...]
    architecture: MLP
    learning_rate: float
    reader: TrainingTable
    why: str

    @property
    def loss_unit(self) -> float:
        """What a loss of the engine is multiplied by to be in the target's own units."""
        return self.table.target.loss_unit


def prepare(X: Any, y: Any, options: Options) -> Prepared:
    """Check X, y and the parameters as the estimators do, and make the folds.

    The one-time compilation is left to the caller (``engine.prepare()``).

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    DataError, ValueError
        If X, y or cv cannot be used as they are.
    """
    asked = options.task
    if asked not in ("auto", "classification", "regression"):
        raise ParameterError(f"task must be auto, classification or regression, and it is {asked!r}.")
    if y is None:
        raise DataError("y is None: give the target, a value for each row of X.")
    architecture = MLP(options.hidden, options.activation, n_bins=options.n_bins)
    y, chosen, why = choose_task(y, asked, class_weight=options.class_weight)
    engine = engine_of(options.n_jobs)
    rate = learning_rate_of(options.learning_rate)
    reader = TrainingTable()
    table = make_problem(reader, chosen, X, y, options.sample_weight, options.class_weight, None)
    settings = settings_of(table.n_counted, options.batch_size, options.max_epochs, options.random_state)
    splits = make_splits(table, options.cv, options.groups, settings.seed, architecture, stacklevel=3)
    return Prepared(
        table=table,
        trainer=Trainer(engine, table.problem, settings),
        folds=tuple(make_folds(splits, table.problem, settings.seed)),
        architecture=architecture,
        learning_rate=rate,
        reader=reader,
        why=why,
    )
