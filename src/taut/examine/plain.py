"""Results as plain values, for JSON."""

from __future__ import annotations

import math
from typing import Any


def without_nan(value: Any) -> Any:
    """The same lists and dictionaries with None for numbers that JSON has not: NaN and the infinities."""
    if isinstance(value, dict):
        return {name: without_nan(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
