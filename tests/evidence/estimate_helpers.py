"""Rules of choice for made-up candidates."""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.selection.choice import Choosing


def lowest(n: int, **changes: Any) -> Choosing:
    """The lowest loss of n candidates is chosen; ``changes`` are Choosing's own."""
    usual: dict[str, Any] = {
        "selection": "best",
        "errors": np.full((n, n), np.nan),
        "gaps": np.zeros(n),
        "is_baseline": np.zeros(n, dtype=bool),
        "is_alone": np.zeros(n, dtype=bool),
    }
    return Choosing(**{**usual, **changes})
