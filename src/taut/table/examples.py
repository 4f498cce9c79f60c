"""A table's rows as examples: what the engine for tables looks inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.examples import hash_array
from taut.table.duplicates import duplicate_groups
from taut.table.encoder import Encoder
from taut.table.matrices import Matrix


@final
@dataclass(frozen=True, eq=False)
class TableExamples:
    """Rows of a matrix; see :class:`taut.learning.examples.Columns`.

    Parameters
    ----------
    matrix : Matrix
    clips : bool
        Whether numbers far from the middle are clipped; see :class:`taut.table.encoder.Encoder`.
    """

    matrix: Matrix
    clips: bool = True

    def __len__(self) -> int:
        return self.matrix.n_rows

    def hash_into(self, digest: Any) -> None:
        """Feed the numbers to a hash, bit for bit, their type and shape."""
        hash_array(digest, "values", self.matrix.values)

    def duplicate_groups(self) -> NDArray[np.integer]:
        """Group identical rows that chance would not repeat."""
        return duplicate_groups(self.matrix)[0]

    def encoder(self, rows: NDArray[np.int32], n_bins: int = 0) -> Encoder:
        """What is fitted on the rows that train; without clips, numbers have no pieces."""
        if not self.clips:
            return Encoder.standard(self.matrix, rows)
        return Encoder.fit(self.matrix, rows, n_bins)

    @property
    def n_columns(self) -> int:
        """Numbers and categories."""
        return int(self.matrix.values.shape[1])

    @property
    def n_categories(self) -> int:
        """How many of them are categories."""
        return len(self.matrix.levels)

    def shuffled(
        self, rows: NDArray[np.int32], donors: NDArray[np.intp], columns: Sequence[NDArray[np.bool_]]
    ) -> Self:
        """Copies of some rows with other rows' values in some columns, the masks slowest."""
        values, (n_times, n) = self.matrix.values[rows], donors.shape
        table = np.tile(values, (len(columns) * n_times, 1)).reshape(
            len(columns), n_times, n, values.shape[1]
        )
        for one, mask in zip(table, columns, strict=True):
            one[:, :, mask] = values[:, mask][donors]
        matrix = replace(self.matrix, values=table.reshape(-1, values.shape[1]), notes=())
        return replace(self, matrix=matrix)
