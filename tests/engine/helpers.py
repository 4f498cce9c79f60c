"""Small things that the engine's tests share."""

from __future__ import annotations

import numpy as np

from taut.table.encoder import Encoder


def plain_encoder(n_columns: int) -> Encoder:
    """An encoder for complete numbers that are already on one scale."""
    return Encoder(
        n_numbers=n_columns,
        center=np.zeros(n_columns, dtype=np.float32),
        scale=np.ones(n_columns, dtype=np.float32),
        flags=np.empty(0, dtype=np.int32),
        category_start=np.zeros(1, dtype=np.int32),
        category_feature=np.empty(0, dtype=np.int32),
        names=tuple(f"x{i}" for i in range(n_columns)),
    )
