"""One short text for a table and its folds, so that a search is never gone on with on other data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from taut.engine.base import Data, Fold

_BLOCK_BYTES = 1 << 24


def fingerprint(data: Data, folds: Sequence[Fold]) -> str:
    """SHA-256 of all that a search trains on: the numbers bit for bit, their types and shapes, and the folds.

    What a fold was fitted with (its encoder, center, scale and start) follows from these and is left out.

    Parameters
    ----------
    data : Data
    folds : sequence of Fold
        In the order in which they are trained.

    Returns
    -------
    str
        64 hexadecimal digits, the same on every machine.
    """
    digest = hashlib.sha256()
    # The names keep apart what would otherwise be the same bytes in a row.
    digest.update(f"{data.task} {data.n_outputs} {len(folds)}\n".encode())
    for name, array in _arrays(data, folds):
        if array is None:
            digest.update(f"{name} none\n".encode())
            continue
        little = array.dtype.newbyteorder("<")
        digest.update(f"{name} {little.str} {array.shape}\n".encode())
        # In blocks of rows: a table in another memory order is copied here, and may be large.
        rows = max(1, _BLOCK_BYTES * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), rows):
            digest.update(array[start : start + rows].astype(little, copy=False).tobytes())
    return digest.hexdigest()


def _arrays(data: Data, folds: Sequence[Fold]) -> Iterator[tuple[str, NDArray[Any] | None]]:
    yield "values", data.values
    yield "target", data.target
    yield "fit_weight", data.fit_weight
    yield "score_weight", data.score_weight
    if data.accuracy_weight is not None:
        yield "accuracy_weight", data.accuracy_weight
    for number, fold in enumerate(folds):
        yield f"{number} train", fold.train
        yield f"{number} validation", fold.validation
        yield f"{number} sample", fold.sample
