"""The networks of a regularization path: one technique at many strengths, on all folds, trained together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.architecture import Architecture
from taut.learning.examples import Columns, Examples
from taut.learning.problem import Fold
from taut.learning.training import Control, Curve, Member, Status, Training
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.folds import without_shared_rows
from taut.selection.score import FoldScores, Vector, score_folds
from taut.selection.trainer import Trainer
from taut.selection.weights import N_BINS, count_weights

# Networks of more bytes in all are trained in several calls: their states must not all be there at once.
_MOST_BYTES = 2**30


@final
@dataclass(frozen=True, eq=False)
class PathWork:
    """What all networks of a path have in common.

    Parameters
    ----------
    trainer : Trainer
    folds : sequence of Fold
        Each with rows held out.
    architecture : Architecture
    learning_rate : float
    grid : Examples, optional
        For which every network's predictions are kept, besides those that it is scored on.
    """

    trainer: Trainer
    folds: Sequence[Fold]
    architecture: Architecture
    learning_rate: float
    grid: Examples | None = None

    @property
    def max_epochs(self) -> int:
        """The last epoch, unless training stops earlier."""
        return self.trainer.settings.max_epochs

    def member(self, recipe: Recipe, number: int) -> Member:
        """Give the network of one recipe on one fold.

        Its seed depends only on the fold, so that the strength alone makes the difference.
        """
        candidate = Candidate(recipe, self.learning_rate, self.architecture)
        return self.trainer.member(candidate, self.folds[number], number)

    def epochs_of(self, n_steps: int) -> int:
        """Give the epochs in which every fold takes this many steps, ``max_epochs`` at most."""
        fewest = min(math.ceil(len(fold.train) / self.trainer.settings.batch_size) for fold in self.folds)
        return min(self.max_epochs, math.ceil(n_steps / fewest))

    @cached_property
    def spreads(self) -> Vector:
        """The scale of each fold's score."""
        return self.trainer.problem.spreads(self.folds)

    @cached_property
    def others(self) -> NDArray[np.bool_] | None:
        """Which folds choose the epoch of each; see :func:`without_shared_rows`."""
        return without_shared_rows(self.folds, len(self.trainer.problem))


@final
@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one recipe's networks at the end of training, without biases and the like.

    Not those that early stopping goes back to: if a technique is strong, these are from an epoch before it
    took effect, and say nothing of its strength.

    Parameters
    ----------
    zero_share : float64 array, shape (n_folds,)
        Share of weights that are exactly zero.
    kept_zero_share : float64 array, shape (n_folds,)
        The same of the weights that early stopping goes back to.
    norm : float64 array, shape (n_folds,)
        Square root of the sum of their squares.
    n_nonzero : int64 array, shape (n_folds,)
        How many are not zero.
    column_squares : float64 array, shape (n_folds, n_columns)
        Sum of squares of the first layer's weights, by the column of the examples that they belong to; no
        column where the examples have none.
    counts : int64 array, shape (weights.N_BINS + 1,)
        Of all folds together, counted by size; see :mod:`taut.selection.weights`.
    """

    zero_share: Vector
    kept_zero_share: Vector
    norm: Vector
    n_nonzero: NDArray[np.int64]
    column_squares: Vector
    counts: NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class PathRow:
    """The result of one strength.

    Parameters
    ----------
    scores : FoldScores or None
        None if it failed.
    weights : Weights or None
    failed : str
        Why it has no score ("diverged"); empty otherwise.
    curves : tuple of Curve
        One per fold, as far as it was trained; empty if it failed.
    predictions : float64 array, shape (n_points, n_outputs), or None
        The kept networks' predictions on the grid, mean over the folds: probabilities or values.
    """

    scores: FoldScores | None
    weights: Weights | None
    failed: str = ""
    curves: tuple[Curve, ...] = ()
    predictions: Vector | None = None


FAILED = PathRow(None, None, "diverged")


def train_rows(
    work: PathWork,
    recipes: Sequence[Recipe],
    control: Control,
    *,
    at_least: int = 0,
    on_done: Callable[[], None] | None = None,
) -> list[PathRow | None]:
    """Train every recipe on every fold, and score it.

    All networks are trained in one call, each to its own stop, and the shorter folds of a recipe are
    continued in a second call to its longest fold's epoch. Networks of more than a gigabyte in all are
    trained in several calls.

    Parameters
    ----------
    work : PathWork
    recipes : sequence of Recipe
        Trained in an order that covers all parts of the sequence, wherever it is interrupted.
    control : Control
        If it ends early, the recipes whose folds all reached their own stop are scored.
    at_least : int
        Epochs that the weights are followed for; the epochs behind a fold's own stop are for the weights
        alone, and not scored.
    on_done : callable, optional
        Called whenever a network has reached its own stop; from a worker's thread, one call at a time.

    Returns
    -------
    list of PathRow or None
        None if it was interrupted.
    """
    rows: list[PathRow | None] = [None] * len(recipes)
    counting = replace(control, on_done=lambda _: on_done() if on_done else None)
    for block in _blocks(work, recipes):
        if control.should_stop():
            break
        n = len(work.folds)
        members = [work.member(recipes[i], k) for i in block for k in range(n)]
        trainings = work.trainer.train(members, control=counting)
        groups = [trainings[i * n : (i + 1) * n] for i in range(len(block))]
        ended = [all(_ended(t, work.max_epochs) for t in group) for group in groups]
        sound = [not any(t.status is Status.DIVERGED for t in group) for group in groups]
        kept = [
            [zero_share(t, "kept") for t in group] if done and fine else []
            for group, done, fine in zip(groups, ended, sound, strict=True)
        ]
        scored_to = [max(t.epoch for t in group) for group in groups]
        behind = [
            (training, max(goal, at_least))
            for group, goal, done, fine in zip(groups, scored_to, ended, sound, strict=True)
            for training in group
            if done and fine and training.epoch < max(goal, at_least)
        ]
        if behind and not control.should_stop():
            work.trainer.train(
                [training for training, _ in behind],
                until_epoch=[goal for _, goal in behind],
                control=control,
            )
        for index, group, goal, done, shares in zip(block, groups, scored_to, ended, kept, strict=True):
            if any(t.status is Status.DIVERGED for t in group):
                rows[index] = FAILED
            elif done:
                rows[index] = _scored(work, recipes[index], group, goal, np.array(shares))
    return rows


def train_by_epoch(
    work: PathWork, recipe: Recipe, control: Control, *, on_done: Callable[[], None] | None = None
) -> list[PathRow]:
    """Train a recipe on every fold to the last epoch, and score it after each.

    Parameters
    ----------
    recipe : Recipe
        Without early stopping.
    on_done : callable, optional
        Called after every epoch.

    Returns
    -------
    list of PathRow
        One per epoch, as far as it went.
    """
    rows: list[PathRow] = []
    members = [work.member(recipe, k) for k in range(len(work.folds))]
    trainings = work.trainer.train(members, until_epoch=0)
    for epoch in range(1, work.max_epochs + 1):
        work.trainer.train(trainings, until_epoch=epoch, control=control)
        if any(t.status is Status.DIVERGED for t in trainings):
            return rows + [FAILED] * (work.max_epochs - epoch + 1)
        if any(t.epoch < epoch for t in trainings):
            break  # cut off
        shares = np.array([zero_share(t, "last") for t in trainings])
        rows.append(_scored(work, recipe, trainings, epoch, shares))
        if on_done:
            on_done()
    return rows


def zero_share(training: Training, which: str) -> float:
    """Share of the weights that are exactly zero."""
    return training.fitted("kept" if which == "kept" else "last").zero_share


def spread(n: int) -> list[int]:
    """Give 0 to n - 1 in an order in which every prefix is spread over all of them.

    >>> spread(8)
    [0, 4, 2, 6, 1, 5, 3, 7]
    """
    bits = max(0, n - 1).bit_length()
    mirrored = (int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(1 << bits))
    return [i for i in mirrored if i < n]


def _blocks(work: PathWork, recipes: Sequence[Recipe]) -> Iterator[list[int]]:
    """The recipes' indices in the order of training, as many at a time as fit into memory."""
    engine, table = work.trainer.engine, work.trainer.problem
    costs = [(engine.memory(table, member), member) for member in (work.member(r, 0) for r in recipes)]
    if not costs:
        return
    bytes_each, widest = max(costs, key=lambda cost: cost[0])
    size = max(1, _MOST_BYTES // (max(1, bytes_each) * len(work.folds)))
    n = len(work.folds)
    size = max(1, min(size, work.trainer.affordable([widest] * (n * min(size, len(recipes)))) // n))
    order = spread(len(recipes))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _ended(training: Training, max_epochs: int) -> bool:
    """Whether it reached its own stop."""
    return training.status is not Status.RUNNING or training.epoch >= max_epochs


def _scored(
    work: PathWork, recipe: Recipe, group: Sequence[Training], n_epochs: int, kept: Vector
) -> PathRow:
    """Score the folds by their first epochs, and describe their weights as they are now."""
    early = recipe.hooks().patience is not None
    curves = [t.curve.until(n_epochs) for t in group]
    scores = score_folds(curves, early, work.trainer.problem.objective, work.spreads, work.others)
    weights = _weights(work, group, kept)
    predictions = None if work.grid is None else _predictions(work, group, "kept" if early else "last")
    return PathRow(scores, weights, "", tuple(t.curve for t in group), predictions)


def _predictions(work: PathWork, group: Sequence[Training], which: Literal["kept", "last"]) -> Vector:
    """The folds' predictions on the grid: mean of their probabilities or values."""
    assert work.grid is not None
    engine, objective = work.trainer.engine, work.trainer.problem.objective
    outputs = [engine.predict(work.grid, training.fitted(which)) for training in group]
    predictions: Vector = np.mean([objective.predictions(one) for one in outputs], axis=0)
    return predictions


def _weights(work: PathWork, group: Sequence[Training], kept: Vector) -> Weights:
    examples = work.trainer.problem.examples
    n_folds, n_columns = len(group), examples.n_columns if isinstance(examples, Columns) else 0
    sizes, zeros = np.zeros(n_folds, dtype=np.int64), np.zeros(n_folds, dtype=np.int64)
    squares = np.zeros(n_folds)
    column_squares = np.zeros((n_folds, n_columns))
    counts = np.zeros(N_BINS + 1, dtype=np.int64)
    for k, training in enumerate(group):
        network = training.fitted("last")
        for _, weight in network.penalized_weights():
            sizes[k] += weight.size
            zeros[k] += weight.size - np.count_nonzero(weight)
            squares[k] += np.vdot(weight, weight)
        counts += count_weights(network)
        inputs = network.input_weights()
        if inputs is not None and len(inputs.columns):
            by_feature = np.einsum("ij,ij->i", inputs.weights, inputs.weights)
            column_squares[k] = np.bincount(inputs.columns, by_feature, minlength=n_columns)
    return Weights(zeros / sizes, kept, np.sqrt(squares), sizes - zeros, column_squares, counts)
