"""A table of two columns of numbers as a plane on which the networks' predictions are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.estimators.problem import TableProblem
from taut.streams import Stream, generator
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix

_SIDE = 33  # points along each column
_MOST_ROWS = 300  # that are shown
_ENDS = (0.5, 99.5)  # percentiles: a few far values would leave the rest in a corner
_ROOM = 0.05


@final
@dataclass(frozen=True, eq=False)
class Plane:
    """Points at which networks of two columns predict, and some of the table's rows.

    Parameters
    ----------
    names : tuple of str
        The two columns.
    x, y : float64 array, shape (n_side,)
        Values of the first and of the second column.
    rows : float64 array, shape (n_rows, 2)
        Some rows, drawn by the seed.
    targets : float64 array, shape (n_rows,)
        Their classes' numbers, or their values.
    points : float32 array, shape (n_side * n_side, 2)
        All of its points as the engine sees them; ``x`` varies fastest.
    """

    names: tuple[str, str]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    rows: NDArray[np.float64]
    targets: NDArray[np.float64]
    points: NDArray[np.float32]

    def examples(self, matrix: Matrix) -> TableExamples:
        """All of its points as rows of such a matrix."""
        return TableExamples(replace(matrix, values=self.points, notes=()))


def plane_of(table: TableProblem, seed: int) -> Plane | None:
    """Give the plane of a table; None unless it has exactly two columns, both numbers."""
    columns = [column for column in table.schema.columns if column.kind != "dropped"]
    if len(columns) != 2 or any(column.kind != "number" for column in columns):
        return None
    values = table.matrix.values.astype(np.float64)
    whole = np.flatnonzero(np.isfinite(values).all(axis=1))
    if len(whole) < 2:
        return None
    stream = generator(seed, Stream.PLANE_ROWS)
    shown = np.sort(stream.permutation(whole)[:_MOST_ROWS])
    target = table.problem.target[shown].astype(np.float64)
    if table.target.classes is None:
        target = target * table.target.unit + table.target.origin
    axes = [_along(values[whole, i]) for i in range(2)]
    across, up = np.meshgrid(*axes)
    # The matrix may have another origin and unit than the column, so that float32 keeps its figures.
    unit, origin = (np.array([getattr(part, name) for _, part in table.schema.numbers])
                    for name in ("unit", "origin"))  # fmt: skip
    return Plane(
        (columns[0].name, columns[1].name),
        axes[0] * unit[0] + origin[0],
        axes[1] * unit[1] + origin[1],
        values[shown] * unit + origin,
        target,
        np.column_stack([across.ravel(), up.ravel()]).astype(np.float32),
    )


def _along(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.percentile(values, _ENDS)
    room = _ROOM * (high - low) or 1.0
    return np.linspace(low - room, high + room, _SIDE)
