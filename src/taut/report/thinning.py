"""As many points and digits as a figure shows, and no more."""

from __future__ import annotations

import math

from taut.report.schema import Number


def thinned(length: int, kept: int | None, most: int = 400) -> list[int]:
    """Give places of about ``most`` points of a line, both ends and the kept epoch (from 1) among them."""
    step = max(1, -(-length // most))
    places = {*range(0, length, step), length - 1}
    if kept and kept <= length:
        places.add(kept - 1)
    return sorted(places) if length else []


def short(value: Number) -> Number:
    """Five digits are as many as a figure shows; None where there is no number."""
    return float(f"{value:.5g}") if value is not None and math.isfinite(value) else None
