"""What is known of a table and a network before any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.engine import Engine
from taut.learning.examples import Columns
from taut.learning.problem import Fold, Problem
from taut.learning.training import Member
from taut.selection.trainer import Trainer
from taut.streams import Stream, sequence

# The noise needs no more rows: its use is to tell 0.1 from 0.5.
_MOST_ROWS = 2000
_FOLDS = 5
_NEIGHBOURS, _TREE_DEPTH, _TREE_LEAF = 10, 6, 5


@final
@dataclass(frozen=True, kw_only=True)
class Profile:
    """A table and a network in a few figures, none of which needs a network to be trained.

    Parameters
    ----------
    n_rows : int
        That train or are held out in the cross-validation.
    n_columns : int
        Of the table, without the target.
    n_features : int
        That enter the network: one a number, one a category's value, one a missing flag.
    categorical_share : float
        Share of the columns that are categories.
    n_classes : int or None
        None where an amount is predicted.
    rarest_share : float or None
        Share of the rows that the rarest class has; None for amounts.
    noise : float
        What simple models leave unexplained, from 0 to 1; see :func:`noise_of`.
    n_parameters : int
        Of the network, without batch norm.
    n_hidden : int
        Units of its inner layers; 0 for a linear model.
    batch_size : int
        Rows a step.
    """

    n_rows: int
    n_columns: int
    n_features: int
    categorical_share: float
    n_classes: int | None
    rarest_share: float | None
    noise: float
    n_parameters: int
    n_hidden: int
    batch_size: int

    @property
    def rows_per_parameter(self) -> float:
        """Rows by the network's parameters; well below 1, it can learn all rows by heart."""
        return self.n_rows / self.n_parameters


def profile_of(trainer: Trainer, member: Member) -> Profile | None:
    """Gather the profile; None where no row of numbers enters the network for each example.

    Parameters
    ----------
    trainer : Trainer
        Its seed is that of the noise's folds.
    member : Member
        The network on any fold of the cross-validation, whose rows, training and held out, are those that
        count.
    """
    problem, fold, engine = trainer.problem, member.fold, trainer.engine
    rows = np.union1d(fold.train, fold.validation)
    inputs = engine.inputs(problem, fold, rows[:0].astype(np.int32))
    if inputs is None:
        return None
    examples, n_classes = problem.examples, problem.objective.n_classes
    n_features = int(inputs.shape[1])
    n_columns, n_categories = n_features, 0
    if isinstance(examples, Columns):
        n_columns, n_categories = examples.n_columns, examples.n_categories
    rarest = None
    if n_classes:
        counts = np.bincount(problem.target[rows].astype(np.intp), minlength=n_classes)
        rarest = float(counts.min() / len(rows))
    return Profile(
        n_rows=len(rows),
        n_columns=n_columns,
        n_features=n_features,
        categorical_share=n_categories / n_columns if n_columns else 0.0,
        n_classes=n_classes or None,
        rarest_share=rarest,
        noise=noise_of(engine, problem, fold, seed=trainer.settings.seed),
        n_parameters=engine.n_parameters(problem, member),
        n_hidden=member.architecture.n_hidden,
        batch_size=member.batch_size,
    )


def noise_of(engine: Engine, problem: Problem, fold: Fold, *, seed: int = 0) -> float:
    """Share of the target's variation that simple models leave unexplained: 0 is none of it, 1 is all.

    Formula: ``min over models of sum((t - model(x))**2) / sum((t - mean)**2)``, on held-out rows of five
    folds, at most 1; t is the amount, or the classes as columns of 0 and 1 (then the sums are Brier scores;
    Brier, 1950). The models are ridge regression, the mean of the 10 nearest rows, and a tree of depth 6. At
    most 2,000 rows, drawn at random, take part.

    It is an upper bound: what they miss may be noise, or a signal that takes more rows or a better model.

    Parameters
    ----------
    engine : Engine
        That gives the rows as they enter a network.
    problem : Problem
    fold : Fold
        As in :func:`profile_of`.
    seed : int
        Of the rows and folds.
    """
    rng = np.random.default_rng(sequence(seed, Stream.LEARNABLE))
    rows = rng.permutation(np.union1d(fold.train, fold.validation))[:_MOST_ROWS].astype(np.int32)
    n_folds = min(_FOLDS, len(rows))
    inputs = engine.inputs(problem, fold, rows)
    if n_folds < 2 or inputs is None or not inputs.shape[1]:
        return 1.0
    target, n_classes = problem.target[rows].astype(np.float64), problem.objective.n_classes
    if n_classes:
        wanted = (target[:, None] == np.arange(n_classes)).astype(np.float64)
    else:
        spread = float(target.std())
        # In units of its own spread, so that no square leaves float64.
        wanted = ((target - target.mean()) / (spread or 1.0))[:, None]
    return _unexplained(inputs.astype(np.float64), wanted, n_folds)


def _unexplained(features: NDArray[np.float64], wanted: NDArray[np.float64], n_folds: int) -> float:
    from threadpoolctl import threadpool_limits

    # So little work that more threads only get in each other's way.
    with threadpool_limits(1):
        return _unexplained_by(features, wanted, n_folds)


def _unexplained_by(features: NDArray[np.float64], wanted: NDArray[np.float64], n_folds: int) -> float:
    place = np.arange(len(features)) % n_folds  # the rows are in random order
    trivial, errors = 0.0, np.zeros(3)
    for k in range(n_folds):
        train, held = place != k, place == k
        trivial += float(((wanted[held] - wanted[train].mean(axis=0)) ** 2).sum())
        for i, model in enumerate(_models(int(train.sum()))):
            found = model.fit(features[train], wanted[train]).predict(features[held])
            errors[i] += ((wanted[held] - found.reshape(wanted[held].shape)) ** 2).sum()
    return float(min(1.0, errors.min() / trivial)) if trivial > 0 else 1.0


def _models(n_train: int) -> tuple[Any, Any, Any]:
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.tree import DecisionTreeRegressor

    return (
        Ridge(alpha=1.0),
        KNeighborsRegressor(n_neighbors=min(_NEIGHBOURS, n_train)),
        DecisionTreeRegressor(max_depth=_TREE_DEPTH, min_samples_leaf=_TREE_LEAF, random_state=0),
    )
