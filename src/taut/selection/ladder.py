"""In which order a candidate's folds are trained: the stages of a race."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Data, Fold
from taut.selection.folds import Split, make_fold
from taut.streams import Stream, generator, seed_of
from taut.table.matrices import Matrix

#: Above so many rows the first rung takes a part of them.
MANY_ROWS = 50_000
_FEWER_TRAIN, _FEWER_VALIDATION = 20_000, 10_000
# Up to so many folds, after each of which the race is judged; those who are left then get all the others.
_SINGLY = 4


@final
@dataclass(frozen=True, eq=False)
class Ladder:
    """The folds, and the rungs by which a candidate climbs to have them all.

    Parameters
    ----------
    folds : tuple of Fold
        Those that give the score.
    taster : Fold or None
        Some rows of the first fold, trained and looked at before the folds are; it has no part in the score.

    Attributes
    ----------
    stages : tuple of Fold
        The folds, then the taster where there is one: a stage's number is its place.
    """

    folds: tuple[Fold, ...]
    taster: Fold | None = None

    @property
    def stages(self) -> tuple[Fold, ...]:
        """All folds that are trained, by number."""
        return self.folds if self.taster is None else (*self.folds, self.taster)

    def size(self, stage: int) -> float:
        """The rows of a stage as a share of those of a fold."""
        return len(self.stages[stage].train) / max(1, len(self.folds[0].train))

    def rungs(self, begin: int = 0, n_first: int = 1) -> tuple[tuple[int, ...], ...]:
        """The taster; four folds, one by one; the rest.

        Parameters
        ----------
        begin : int
            The fold to begin with, counted around. Each batch has another one: were it always the same, what
            is tried next would go by that fold's chances.
        n_first : int
            Folds that are trained before the race is judged for the first time.

        Returns
        -------
        tuple of tuple of int
            Numbers of the stages that are trained together; between two rungs the race is judged.
        """
        n = len(self.folds)
        order = [(begin + k) % n for k in range(n)]
        taster = [] if self.taster is None else [(n,)]
        singly = [(k,) for k in order[n_first:_SINGLY]]
        rest = [tuple(order[_SINGLY:])] if n > _SINGLY else []
        return (*taster, tuple(order[:n_first]), *singly, *rest)


def make_ladder(folds: Sequence[Fold], data: Data, matrix: Matrix, seed: int) -> Ladder:
    """The ladder of these folds; with a taster where they have many rows."""
    first = folds[0]
    if len(first.train) + len(first.validation) <= MANY_ROWS:
        return Ladder(tuple(folds))
    stream = generator(seed, Stream.LOW_FIDELITY_ROWS)
    split = Split(
        _some(stream, first.train, _FEWER_TRAIN), _some(stream, first.validation, _FEWER_VALIDATION)
    )
    return Ladder(tuple(folds), make_fold(split, data, matrix, seed_of(seed, Stream.LOW_FIDELITY_FOLD, 1)))


def _some(stream: np.random.Generator, rows: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    return np.sort(stream.choice(rows, size=min(n, len(rows)), replace=False)).astype(np.int32)
