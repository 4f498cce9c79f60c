"""The networks of a regularization path: one technique at many strengths, on all folds, trained together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Control, Curve, Data, Engine, Fold, Member, Status, Training
from taut.network import Activation, Network
from taut.recipe import Recipe
from taut.selection.folds import without_shared_rows
from taut.selection.score import FoldScores, Vector, score_folds, target_variances
from taut.selection.weights import N_BINS, count_weights
from taut.streams import Stream, seed_of
from taut.table.encoder import Encoder

# Networks of more bytes in all are trained in several calls: their states must not all be there at once.
_MOST_BYTES = 2**30


@final
@dataclass(frozen=True, eq=False)
class PathWork:
    """What all networks of a path have in common.

    Parameters
    ----------
    engine : Engine
    data : Data
    folds : sequence of Fold
        Each with rows held out.
    hidden : tuple of int
    activation : {"relu", "silu", "gelu"}
    learning_rate : float
    batch_size : int
    max_epochs : int
    seed : int
    grid : float32 array, shape (n_points, n_columns), optional
        Rows that every network is asked for what it says, beside those of the table.
    """

    engine: Engine
    data: Data
    folds: Sequence[Fold]
    hidden: tuple[int, ...]
    activation: Activation
    learning_rate: float
    batch_size: int
    max_epochs: int
    seed: int
    grid: NDArray[np.float32] | None = None

    def member(self, recipe: Recipe, number: int) -> Member:
        """Give the network of one recipe on one fold.

        Its seed depends on the fold only, so that the strengths' differences are their own.
        """
        fold = self.folds[number]
        # A fold whose columns are all constant leaves no feature: its network sees one that is 0.
        network = Network(max(1, fold.encoder.n_features), self.hidden, self.data.n_outputs, self.activation)
        return Member(
            network,
            recipe.hooks(),
            fold,
            self.learning_rate,
            self.batch_size,
            self.max_epochs,
            seed_of(self.seed, Stream.MEMBER, number),
        )

    def epochs_of(self, n_steps: int) -> int:
        """Give the epochs in which every fold takes this many steps, ``max_epochs`` at most."""
        fewest = min(math.ceil(len(fold.train) / self.batch_size) for fold in self.folds)
        return min(self.max_epochs, math.ceil(n_steps / fewest))

    @cached_property
    def variances(self) -> Vector | None:
        """Weighted variance of each fold's held-out target; None for classes."""
        return target_variances(self.data, self.folds)

    @cached_property
    def others(self) -> NDArray[np.bool_] | None:
        """Which folds have a say in the epoch of each; see :func:`without_shared_rows`."""
        return without_shared_rows(self.folds, len(self.data.values))

    @cached_property
    def columns(self) -> list[NDArray[np.intp]]:
        """For each fold, the matrix's column that each of its features comes from."""
        return [column_of_feature(fold.encoder) for fold in self.folds]


@final
@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one recipe's networks at the end of their training, biases and the like aside.

    Not those that early stopping goes back to: where a technique is strong, these are of an epoch before it
    had acted, and tell nothing of its strength.

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
        Sum of squares of the first layer's weights, by the column of the matrix that they belong to.
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
    """What came of one strength.

    Parameters
    ----------
    scores : FoldScores or None
        None where it failed.
    weights : Weights or None
    failed : str
        Why it has no score ("diverged"), else empty.
    curves : tuple of Curve
        One a fold, as far as it was trained; empty where it failed.
    said : float64 array, shape (n_points, n_outputs), or None
        What the networks that are kept say on the grid, mean over the folds: probabilities or values.
    """

    scores: FoldScores | None
    weights: Weights | None
    failed: str = ""
    curves: tuple[Curve, ...] = ()
    said: Vector | None = None


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

    All networks are trained in one call, each to its own stop, and the shorter folds of a recipe in a second
    one to its longest fold's epoch. Networks of more than a gigabyte in all are trained in several calls.

    Parameters
    ----------
    work : PathWork
    recipes : sequence of Recipe
        Trained in an order that leaves, wherever it is cut off, some of all parts of the sequence.
    control : Control
        Where it ends early, recipes are scored whose folds had all come to their own stop.
    at_least : int
        Epochs that the weights are followed for; the epochs behind a fold's own stop are for the weights
        alone, and not scored.
    on_done : callable, optional
        Called whenever a network has come to its own stop; from a worker's thread, one call at a time.

    Returns
    -------
    list of PathRow or None
        None where it was cut off.
    """
    rows: list[PathRow | None] = [None] * len(recipes)
    told = replace(control, on_done=lambda _: on_done() if on_done else None)
    for block in _blocks(work, recipes):
        if control.should_stop():
            break
        n = len(work.folds)
        members = [work.member(recipes[i], k) for i in block for k in range(n)]
        trainings = work.engine.train(work.data, members, control=told)
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
            work.engine.train(
                work.data,
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
        One an epoch, as far as it went.
    """
    rows: list[PathRow] = []
    members = [work.member(recipe, k) for k in range(len(work.folds))]
    trainings = work.engine.train(work.data, members, until_epoch=0)
    for epoch in range(1, work.max_epochs + 1):
        work.engine.train(work.data, trainings, until_epoch=epoch, control=control)
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
    return training.trained("kept" if which == "kept" else "last").zero_share


def column_of_feature(encoder: Encoder) -> NDArray[np.intp]:
    """Give the column of the matrix that each feature comes from: shape (n_features,).

    A number's missing flag and all features of a category belong to their column.
    """
    columns = np.zeros(encoder.n_features, dtype=np.intp)
    columns[: encoder.n_numbers] = np.arange(encoder.n_numbers)
    flags = encoder.n_numbers + len(encoder.flags)
    columns[encoder.n_numbers : flags] = encoder.flags
    for index, (start, stop) in enumerate(
        zip(encoder.category_start[:-1], encoder.category_start[1:], strict=True)
    ):
        features = encoder.category_feature[start:stop]
        columns[features[features >= 0]] = encoder.n_numbers + index
    return columns


def spread(n: int) -> list[int]:
    """Give 0 to n - 1 in an order in which every beginning is spread over all of them.

    >>> spread(8)
    [0, 4, 2, 6, 1, 5, 3, 7]
    """
    bits = max(0, n - 1).bit_length()
    mirrored = (int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(1 << bits))
    return [i for i in mirrored if i < n]


def _blocks(work: PathWork, recipes: Sequence[Recipe]) -> Iterator[list[int]]:
    """The recipes' places in the order of training, as many at a time as fit into memory."""
    widest = max((work.member(recipe, 0) for recipe in recipes), key=_bytes, default=None)
    if widest is None:
        return
    size = max(1, _MOST_BYTES // (_bytes(widest) * len(work.folds)))
    n = len(work.folds)
    size = max(1, min(size, work.engine.affordable([widest] * (n * min(size, len(recipes)))) // n))
    order = spread(len(recipes))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _bytes(member: Member) -> int:
    """About the memory of its state: weights, two moments, and the best weights, in float32."""
    return 16 * member.network.n_parameters(member.hooks.normalize) + 24 * member.max_epochs


def _ended(training: Training, max_epochs: int) -> bool:
    """Whether it came to its own stop."""
    return training.status is not Status.RUNNING or training.epoch >= max_epochs


def _scored(
    work: PathWork, recipe: Recipe, group: Sequence[Training], n_epochs: int, kept: Vector
) -> PathRow:
    """Score the folds by their first epochs, and describe their weights as they are now."""
    early = recipe.hooks().patience is not None
    curves = [_cut(t.curve, n_epochs) for t in group]
    scores = score_folds(curves, early, work.variances, work.others)
    weights = _weights(work, group, kept)
    said = None if work.grid is None else _said(work, group, "kept" if early else "last")
    return PathRow(scores, weights, "", tuple(t.curve for t in group), said)


def _said(work: PathWork, group: Sequence[Training], which: Literal["kept", "last"]) -> Vector:
    """What the folds' networks say on the grid, mean of their probabilities or values."""
    from scipy.special import softmax

    assert work.grid is not None
    outputs = [work.engine.predict(work.grid, training.trained(which)) for training in group]
    if work.data.task == "classification":
        outputs = [softmax(one, axis=1) for one in outputs]
    said: Vector = np.mean([np.asarray(one, dtype=np.float64) for one in outputs], axis=0)
    return said


def _cut(curve: Curve, n_epochs: int) -> Curve:
    return Curve(curve.train[:n_epochs], curve.validation[:n_epochs], curve.correct[:n_epochs])


def _weights(work: PathWork, group: Sequence[Training], kept: Vector) -> Weights:
    n_folds, n_columns = len(group), work.data.values.shape[1]
    sizes, zeros = np.zeros(n_folds, dtype=np.int64), np.zeros(n_folds, dtype=np.int64)
    squares = np.zeros(n_folds)
    column_squares = np.zeros((n_folds, n_columns))
    counts = np.zeros(N_BINS + 1, dtype=np.int64)
    for k, training in enumerate(group):
        arrays = training.weights("last")
        matrices = [array for name, array in arrays.items() if name.endswith(".weight")]
        for weight in matrices:
            sizes[k] += weight.size
            zeros[k] += weight.size - np.count_nonzero(weight)
            squares[k] += np.vdot(weight, weight)
        counts += count_weights(arrays)
        features = work.columns[k]
        if len(features):
            first = matrices[0]
            by_feature = np.einsum("ij,ij->i", first, first)
            column_squares[k] = np.bincount(features, by_feature, minlength=n_columns)
    return Weights(zeros / sizes, kept, np.sqrt(squares), sizes - zeros, column_squares, counts)
