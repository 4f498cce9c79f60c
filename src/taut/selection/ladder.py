"""In which order a candidate's folds are trained: the stages of a race."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Data, Fold
from taut.selection.folds import Split, make_fold, seed_of
from taut.table.matrices import Matrix

#: Above so many training rows the first rung takes a part of them.
MANY_ROWS = 50_000
_FEWER_TRAIN, _FEWER_VALIDATION = 20_000, 10_000
# Folds after each of which the race is judged; those who are left then get all the others.
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
    rungs : tuple of tuple of int
        Numbers of the stages that are trained together; between two rungs the race is judged.
    """

    folds: tuple[Fold, ...]
    taster: Fold | None = None

    @property
    def stages(self) -> tuple[Fold, ...]:
        """All folds that are trained, by number."""
        return self.folds if self.taster is None else (*self.folds, self.taster)

    @property
    def rungs(self) -> tuple[tuple[int, ...], ...]:
        """The taster; the first four folds, one by one; the rest."""
        n = len(self.folds)
        taster = [] if self.taster is None else [(n,)]
        singly = [(k,) for k in range(min(_SINGLY, n))]
        return (*taster, *singly, *([tuple(range(_SINGLY, n))] if n > _SINGLY else []))


def make_ladder(folds: Sequence[Fold], data: Data, matrix: Matrix, seed: int) -> Ladder:
    """The ladder of these folds; with a taster where they have many rows."""
    first = folds[0]
    if len(first.train) <= MANY_ROWS:
        return Ladder(tuple(folds))
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 6))))
    split = Split(
        _some(stream, first.train, _FEWER_TRAIN), _some(stream, first.validation, _FEWER_VALIDATION)
    )
    return Ladder(tuple(folds), make_fold(split, data, matrix, seed_of(seed, 7)))


def _some(stream: np.random.Generator, rows: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    return np.sort(stream.choice(rows, size=min(n, len(rows)), replace=False)).astype(np.int32)
