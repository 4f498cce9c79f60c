"""A table as the signs look at it: columns by the person's names, and the rows that count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.signs.sign import Indices
from taut.learning.problem import Problem
from taut.streams import Stream, generator
from taut.table.matrices import Matrix
from taut.table.schema import Schema

SAMPLE_ROWS = 20_000
# Where there is little time, by so many rows.
_LITTLE_TIME, _FEW_ROWS = 20.0, 4_000


@final
@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What all kinds of signs look at.

    Attributes
    ----------
    schema : Schema
    matrix : Matrix
    target : float64 (n_rows,)
        Class numbers, or values in the engine's units.
    n_classes : int
        0 for regression.
    rows : int64
        Those with a weight above 0, in the file's order.
    sample : int64
        At most 20,000 of them, drawn by chance, in the file's order.
    seed : int
        Of the sample and of all halves and models that the signs need.
    """

    schema: Schema
    matrix: Matrix
    target: NDArray[np.float64]
    n_classes: int
    rows: Indices
    sample: Indices
    seed: int

    @classmethod
    def of(cls, schema: Schema, matrix: Matrix, problem: Problem, seed: int, most: int = SAMPLE_ROWS) -> View:
        """Look at a table, and at ``most`` rows of it where all would take too long."""
        weight = problem.row_weight
        n_rows = len(problem.target)
        rows = np.arange(n_rows) if weight is None else np.flatnonzero(weight > 0)
        sample = thinned(rows, most, seed, Stream.SIGN_ROWS)
        n_classes = problem.objective.n_classes
        return cls(schema, matrix, problem.target.astype(np.float64), n_classes, rows, sample, seed)

    @property
    def names(self) -> tuple[str, ...]:
        """The person's name of each column of the matrix; a date has several."""
        return column_names(self.schema)

    @property
    def codes(self) -> NDArray[np.int64]:
        """The class of every row."""
        return self.target.astype(np.int64)

    def level_count(self, index: int) -> int:
        """The number of codes of a column of the matrix; 0 for a column of numbers."""
        return level_count(self.matrix, index)


def rows_in(seconds: float) -> int:
    """How many rows to look at in a time: fewer where there is little."""
    return _FEW_ROWS if seconds < _LITTLE_TIME else SAMPLE_ROWS


def column_names(schema: Schema) -> tuple[str, ...]:
    """Give the person's name of each column of the matrix."""
    return tuple(c.name for c, _ in schema.numbers) + tuple(c.name for c in schema.categories)


def level_count(matrix: Matrix, index: int) -> int:
    """Give the number of codes of a column of the matrix; 0 for a column of numbers."""
    return 0 if index < matrix.n_numbers else len(matrix.levels[index - matrix.n_numbers]) + 2


def thinned(rows: Indices, most: int, seed: int, stream: Stream) -> Indices:
    """Draw at most so many rows, and leave them in their order."""
    if len(rows) <= most:
        return rows.astype(np.int64)
    drawn = generator(seed, stream).choice(rows, size=most, replace=False)
    return np.sort(drawn).astype(np.int64)


def one_hot(codes: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Give classes as columns of 0 and 1, (n, n_classes)."""
    hot: NDArray[np.float64] = (codes[:, None] == np.arange(n_classes)).astype(np.float64)
    return hot
