"""How sure a change of the loss is, and the words for it: one rule for all who report one.

Search, path, effects, diagnosis and advice each measure a change with a 95 % interval. Whether that is
reported as a fact, as something that may be chance, or not at all is decided here.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from taut.evidence.interval import Interval

#: "sure": the 95 % interval holds no zero. "likely": it does, and yet zero is farther from the figure than
#: half of the way to the interval's end, about one standard error. "not shown": it is nearer. "unknown":
#: there is no interval.
Certainty: TypeAlias = Literal["sure", "likely", "not shown", "unknown"]

MAY_BE_CHANCE = "which may be chance"
NO_DIFFERENCE = "no difference that these data can show"


def certainty_of(change: Interval) -> Certainty:
    """How sure it is that something changed, in either direction.

    >>> certainty_of(Interval(0.2, 0.1, 0.3)), certainty_of(Interval(0.13, -0.01, 0.25))
    ('sure', 'likely')
    >>> certainty_of(Interval(0.05, -0.1, 0.2)), certainty_of(Interval(0.05, float("nan"), float("nan")))
    ('not shown', 'unknown')
    """
    if math.isnan(change.low) or math.isnan(change.high):
        return "unknown"
    if not change.spans_zero:
        return "sure"
    end = change.low if change.value > 0 else change.high
    return "likely" if change.value != 0 and abs(change.value) > abs(end) else "not shown"


def share_text(share: Interval) -> str:
    """Write a share of the loss with its interval: "22 % (95 % interval 15 to 29 %)".

    A share below 0 is written as it is; see :func:`change_text` for words.
    """
    if math.isnan(share.low) or math.isnan(share.high):
        return f"{_value(share.value, 0 if abs(share.value) >= 0.0995 else 1)} %"
    decimals = 0 if max(share.high - share.value, share.value - share.low) >= 0.02 else 1
    low, high = (_percent(end, decimals) for end in (share.low, share.high))
    return f"{_value(share.value, decimals)} % (95 % interval {low} to {high} %)"


def change_text(lower: Interval, than: str = "") -> str:
    """Say by which share a loss is lower, or higher, than something, and whether that may be chance.

    >>> change_text(Interval(0.22, 0.15, 0.29), than="without")
    '22 % (95 % interval 15 to 29 %) lower than without'
    >>> change_text(Interval(-0.031, -0.07, 0.01))
    '3 % (95 % interval -1 to 7 %) higher, which may be chance'
    """
    word = "lower"
    if lower.value < 0:
        word, lower = "higher", lower.times(-1.0)
    chance = "" if certainty_of(lower) in ("sure", "unknown") else f", {MAY_BE_CHANCE}"
    return f"{share_text(lower)} {word}{f' than {than}' if than else ''}{chance}"


def _value(share: float, decimals: int) -> str:
    if share != 0 and not float(_percent(share, decimals)):  # "0 % higher" says nothing
        decimals = 1
    return "less than 0.1" if 0.0 < share < 0.0005 and decimals else _percent(share, decimals)


def _percent(share: float, decimals: int) -> str:
    """Never 100 % where something is left, and no minus before zeros."""
    value = 100 * share
    if 100.0 - 0.5 * 10.0**-decimals <= value < 100.0:
        return f"{math.floor(value * 100) / 100:g}"
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
