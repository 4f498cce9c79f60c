"""Results as plain values, for JSON."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def plain_values(value: Any) -> Any:
    """Lists and dictionaries, with None for numbers that JSON does not have: NaN and the infinities.

    ``to_dict`` and ``to_json`` are used where a value has them; other dataclasses become their fields.
    """
    for own in ("to_dict", "to_json"):
        if hasattr(value, own):
            return plain_values(getattr(value, own)())
    if is_dataclass(value):
        return {one.name: plain_values(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, np.ndarray):
        return plain_values(value.tolist())
    if isinstance(value, dict):
        return {name: plain_values(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
