"""What "auto" means: numbers that were measured, not asserted (benchmarks/README.md, "Defaults")."""

from __future__ import annotations

import math


def auto_batch_size(n_train: int) -> int:
    """About a hundredth of the training rows, as a power of two between 32 and 256."""
    return int(min(256, max(32, 2 ** round(math.log2(max(1, n_train) / 100)))))


def auto_learning_rate(batch_size: int) -> float:
    """Grows with the root of the batch, from 0.001 at 32 rows."""
    return 1e-3 * math.sqrt(batch_size / 32)
