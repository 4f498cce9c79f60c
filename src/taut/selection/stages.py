"""The order in which a candidate's folds are trained: the stages of a race."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.problem import Fold, Problem
from taut.selection.folds import Split, make_fold
from taut.streams import Stream, generator, seed_of

#: Above this many rows, the first round uses a part of them.
MANY_ROWS = 50_000
_FEWER_TRAIN, _FEWER_VALIDATION = 20_000, 10_000
# After each of the first folds the race is judged; those left after this many get all the others.
_SINGLY = 4


@final
@dataclass(frozen=True, eq=False)
class Stages:
    """The folds, and the rounds in which a candidate is trained on them.

    Parameters
    ----------
    folds : tuple of Fold
        Those that give the score.
    low_fidelity : Fold or None
        Some or all rows of the first fold, trained before the folds are; it has no part in the score.
    low_fidelity_epochs : int or None
        It is the first fold, trained to this epoch only, and continued as that fold; without it, other rows,
        trained to the usual last epoch.

    Attributes
    ----------
    all : tuple of Fold
        The folds, then the low-fidelity stage if there is one: a stage's number is its index.
    """

    folds: tuple[Fold, ...]
    low_fidelity: Fold | None = None
    low_fidelity_epochs: int | None = None

    @property
    def all(self) -> tuple[Fold, ...]:
        """All folds that are trained, by number."""
        return self.folds if self.low_fidelity is None else (*self.folds, self.low_fidelity)

    @property
    def few_epochs(self) -> bool:
        """Whether a stage of few epochs comes first."""
        return self.low_fidelity_epochs is not None

    @property
    def compared(self) -> range:
        """The stages on which candidates race against the leader: after few epochs it is no measure."""
        return range(len(self.folds) if self.few_epochs else len(self.all))

    def same_as(self, stage: int) -> int:
        """The stage whose networks a stage of few epochs begins: the first fold; else the stage itself."""
        return 0 if self.few_epochs and stage == len(self.folds) else stage

    def max_epochs(self, stage: int, usual: int) -> int:
        """Where the training of a stage ends that nothing stopped before."""
        short = self.low_fidelity_epochs if stage == len(self.folds) else None
        return usual if short is None else min(short, usual)

    def size(self, stage: int) -> float:
        """The rows of a stage as a share of those of a fold."""
        return len(self.all[stage].train) / max(1, len(self.folds[0].train))

    def rounds(self, begin: int = 0, n_first: int = 1) -> tuple[tuple[int, ...], ...]:
        """The low-fidelity stage; four folds, one by one; the rest. After few epochs: one fold; the rest.

        Parameters
        ----------
        begin : int
            The fold to begin with, cyclically. Each batch has another one: if it were always the same, what
            is tried next would depend on that fold's luck.
        n_first : int
            Folds that are trained before the race is judged for the first time.

        Returns
        -------
        tuple of tuple of int
            Numbers of the stages that are trained together; between two rounds the race is judged.
        """
        n = len(self.folds)
        if self.few_epochs:
            begin = 0  # which is continued
        order = [(begin + k) % n for k in range(n)]
        low_fidelity = [] if self.low_fidelity is None else [(n,)]
        # A stage of few epochs has left few candidates; one fold at a time would leave processors idle.
        one_by_one = n_first if self.few_epochs else _SINGLY
        singly = [(k,) for k in order[n_first:one_by_one]]
        rest = [tuple(order[one_by_one:])] if n > one_by_one else []
        return (*low_fidelity, tuple(order[:n_first]), *singly, *rest)


def make_stages(
    folds: Sequence[Fold], problem: Problem, seed: int, short_epochs: int | None = None
) -> Stages:
    """The stages of these folds; with a low-fidelity stage if they have many rows.

    Parameters
    ----------
    folds : sequence of Fold
    problem : Problem
    seed : int
    short_epochs : int, optional
        Where epochs are dear: first the first fold is trained for so many, whatever the rows.
    """
    first = folds[0]
    if short_epochs is not None:
        return Stages(tuple(folds), first, short_epochs)
    if len(first.train) + len(first.validation) <= MANY_ROWS:
        return Stages(tuple(folds))
    stream = generator(seed, Stream.LOW_FIDELITY_ROWS)
    split = Split(
        _some(stream, first.train, _FEWER_TRAIN), _some(stream, first.validation, _FEWER_VALIDATION)
    )
    return Stages(tuple(folds), make_fold(split, problem, seed_of(seed, Stream.LOW_FIDELITY_FOLD, 1)))


def _some(stream: np.random.Generator, rows: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    return np.sort(stream.choice(rows, size=min(n, len(rows)), replace=False)).astype(np.int32)
