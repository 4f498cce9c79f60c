"""Examples: what a network learns from. Only an engine looks inside."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]

_BLOCK_BYTES = 1 << 24


class Examples(Protocol):
    """Rows of a table, pictures, sequences: numbered from 0, and stored once for all networks."""

    def __len__(self) -> int:
        """How many there are."""

    def hash_into(self, digest: Any) -> None:
        """Feed all that they are to a ``hashlib`` hash: a search is resumed on the same examples only."""

    def duplicate_groups(self) -> NDArray[np.integer]:
        """Number the examples so that those with the same number stay in one fold: shape (n_examples,).

        Where none repeats another, each has a number of its own.
        """


@runtime_checkable
class Columns(Examples, Protocol):
    """Examples that are rows of columns, whose importance can be measured one by one."""

    @property
    def n_columns(self) -> int:
        """How many columns there are."""

    @property
    def n_categories(self) -> int:
        """How many of them are categories."""

    def shuffled(self, rows: Indices, donors: NDArray[np.intp], columns: list[NDArray[np.bool_]]) -> Self:
        """Copies of some rows with other rows' values in some columns.

        Parameters
        ----------
        rows : int32 array, shape (n,)
        donors : intp array, shape (n_shuffles, n)
            By position in ``rows``, whose values each row is given.
        columns : list of bool array, shape (n_columns,)
            One mask a copy.

        Returns
        -------
        Columns
            ``len(columns) * n_shuffles * n`` rows, the masks slowest and the rows fastest.
        """


def hash_array(digest: Any, name: str, array: NDArray[Any] | None) -> None:
    """Feed an array to a hash: its numbers bit for bit, their type and shape, the same on every machine.

    The name keeps apart what would otherwise be the same bytes in a row.
    """
    if array is None:
        digest.update(f"{name} none\n".encode())
        return
    little = array.dtype.newbyteorder("<")
    digest.update(f"{name} {little.str} {array.shape}\n".encode())
    # In blocks of rows: a table in another memory order is copied here, and may be large.
    rows = max(1, _BLOCK_BYTES * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), rows):
        digest.update(array[start : start + rows].astype(little, copy=False).tobytes())
