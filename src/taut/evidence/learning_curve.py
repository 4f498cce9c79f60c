"""Whether more rows would help: the network on an eighth, a quarter, half and all of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.estimate import interval_of_loss
from taut.evidence.interval import NONE, Interval
from taut.evidence.variants import Variant, Variants
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control
from taut.selection.bootstrap import paired_standard_error
from taut.selection.candidate import Candidate
from taut.selection.folds import Split, make_fold
from taut.selection.trainer import Trainer
from taut.streams import Stream, generator, seed_of

#: Parts of the training rows, beside all of them.
PARTS = (1 / 8, 1 / 4, 1 / 2)
_LEAST_ROWS = 16  # that train; smaller parts are left out


@final
@dataclass(frozen=True)
class CurvePoint:
    """A part of the rows.

    Parameters
    ----------
    n_rows : int
        That train, mean over the folds.
    loss : Interval
        On rows that do not.
    train_loss : float
    """

    n_rows: int
    loss: Interval
    train_loss: float


@final
@dataclass(frozen=True)
class LearningCurve:
    """Loss by the number of rows.

    Parameters
    ----------
    points : tuple of CurvePoint
        The fewest rows first.
    doubling : Interval
        By which share the last doubling of the rows lowered the loss; NaN where there was none.
    next_doubling : float
        What another doubling would bring, were each to bring as large a part of the one before as the last
        one did, and no more than that; NaN where that is unknown.
    """

    points: tuple[CurvePoint, ...]
    doubling: Interval
    next_doubling: float

    @property
    def more_rows_help(self) -> bool | None:
        """Whether the last doubling surely helped; None where that is unknown."""
        return None if np.isnan(self.doubling.low) else self.doubling.low > 0.0


def learning_curve(
    trainer: Trainer,
    folds: Sequence[Fold],
    candidate: Candidate,
    whole: Variant,
    control: Control,
    on_done: Callable[[], None] | None = None,
    parts: tuple[float, ...] = PARTS,
) -> LearningCurve:
    """Train a network on parts of every fold's rows, and look at the same held-out rows.

    Parameters
    ----------
    candidate : Candidate
        With early stopping: else its last epoch is compared with itself on rows for which it is more, or
        fewer, steps than are good.
    whole : Variant
        The same candidate on all rows.
    control : Control
    on_done : callable, optional
        Called whenever a network has come to its end.
    parts : tuple of float
        Of the rows, beside all of them.

    Raises
    ------
    KeyboardInterrupt
        Where the control ended it.
    """
    settings = trainer.settings
    variants: list[tuple[int, Variant]] = []
    for index, part in enumerate(parts_of(folds, parts)):
        sizes = [int(part * len(fold.train)) for fold in folds]
        fewer = part_of_folds(folds, sizes, trainer.problem, settings.seed)
        batch = min(settings.batch_size, 1 << (max(4, min(sizes) // 4).bit_length() - 1))
        own_seed = seed_of(settings.seed, Stream.LEARNING_CURVE_MEMBER, index)
        small = replace(settings, batch_size=batch, seed=own_seed)
        made = Variants(replace(trainer, settings=small), fewer, candidate, control, on_done)
        variants.append((int(np.mean(sizes)), made.own()[0]))
    variants.append((int(np.mean([len(fold.train) for fold in folds])), whole))
    sound = [(n, one) for n, one in variants if not one.failed]
    weight = trainer.problem.score_weight
    points = tuple(
        CurvePoint(n, _interval(one, weight), float(np.mean(one.train_losses))) for n, one in sound
    )
    if len(variants) < 2 or variants[-2][1].failed or whole.failed:
        return LearningCurve(points, NONE, float("nan"))
    doubling = lowered_share(variants[-2][1].losses, whole.losses, weight)
    steps = [a.loss.value - b.loss.value for a, b in zip(points[:-1], points[1:], strict=True)]
    after = float("nan")
    if len(variants) > 2 and not variants[-3][1].failed:
        ratio = min(1.0, max(0.0, steps[-1] / steps[-2])) if steps[-2] > 0 else 1.0
        after = max(0.0, doubling.value) * ratio
    return LearningCurve(points, doubling, after)


def parts_of(folds: Sequence[Fold], parts: tuple[float, ...] = PARTS) -> tuple[float, ...]:
    """Parts of these folds' training rows that are large enough."""
    fewest = min(len(fold.train) for fold in folds)
    return tuple(part for part in parts if int(part * fewest) >= _LEAST_ROWS)


def part_of_folds(folds: Sequence[Fold], sizes: Sequence[int], problem: Problem, seed: int) -> list[Fold]:
    """Some of each fold's training rows, with the same held-out rows."""
    pairs = zip(folds, sizes, strict=True)
    return [_part(fold, size, k, problem, seed) for k, (fold, size) in enumerate(pairs)]


def _part(fold: Fold, size: int, number: int, problem: Problem, seed: int) -> Fold:
    """Some of a fold's training rows; a smaller part is of the larger one."""
    stream = generator(seed, Stream.LEARNING_CURVE_ROWS, number)
    rows = np.sort(stream.permutation(fold.train)[:size]).astype(np.int32)
    return make_fold(
        Split(rows, fold.validation), problem, seed_of(seed, Stream.LEARNING_CURVE_FOLD, number + 1)
    )


def _interval(variant: Variant, weight: NDArray[np.floating] | None) -> Interval:
    known = np.isfinite(variant.losses)
    used = None if weight is None else weight[known]
    return interval_of_loss(float(np.average(variant.losses[known], weights=used)), variant.losses, weight)


def lowered_share(
    before: NDArray[np.floating], after: NDArray[np.floating], weight: NDArray[np.floating] | None
) -> Interval:
    """By which share losses are lower than before, paired over the rows that have both; NaN without any."""
    known = np.isfinite(before) & np.isfinite(after)
    if known.sum() < 2:
        return NONE
    used = None if weight is None else weight[: len(known)][known]
    mean, error = paired_standard_error(before[known] - after[known], used)
    level = float(np.average(before[known], weights=used))
    if not level > 0:
        return NONE
    return Interval(mean, mean - 1.96 * error, mean + 1.96 * error).times(1 / level).within(-np.inf, 1.0)
