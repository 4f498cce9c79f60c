"""What "auto" means: numbers that were measured, not asserted (benchmarks/README.md, "Defaults")."""

from __future__ import annotations

import math

#: In the median within 3 % of the best of twenty settings, whatever the batch size.
AUTO_LEARNING_RATE = 1e-3


def auto_batch_size(n_train: int) -> int:
    """A power of two from 16 to 256, at most a quarter of the training rows.

    Losses hardly depend on it from 32 to 512; larger ones train faster, and few steps an epoch are wasteful.
    """
    return 1 << min(8, max(4, int(math.log2(max(16, n_train // 4)))))
