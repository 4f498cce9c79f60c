"""Numbers, counts and lists as people write them: the same in tables, sentences, figures and pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence


def number(value: float) -> str:
    """Write a number with three digits, or without decimals where it is large."""
    if not math.isfinite(value):
        return "none"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def plus_minus(value: float, error: float) -> str:
    """Write a number and its standard error to the same decimals; without the error where there is none."""
    if not math.isfinite(error):
        return number(value)
    if value == 0 or not 1e-6 <= abs(value) < 1000:
        return f"{number(value)} ± {number(error)}"
    write = formatter_for(abs(value))
    return f"{write(value)} ± {write(error)}"


def formatter_for(level: float, digits: int = 3, *, separator: str = ",") -> Callable[[float], str]:
    """Give a formatter for numbers of one size: all with the decimals that give ``level`` this many digits.

    Sizes that need an exponent are written with three digits each.
    """
    if not 1e-6 <= level < 1e7:  # as ``number`` has it
        return lambda value: f"{value:.3g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(level)))
    return lambda value: fixed(value, decimals, separator)


def fixed(value: float, decimals: int, separator: str = "") -> str:
    """Write this many decimals, and no minus before zeros."""
    return f"{round(value, decimals) + 0.0:{separator}.{decimals}f}"


def percent(share: float) -> str:
    """Such as "18 %" or "0.4 %"; never 100 % where something is left."""
    value = 100 * share
    if value < 0.1:
        return "less than 0.1 %"
    if value < 9.95:
        return f"{value:.1f} %"
    return f"{value:.0f} %" if value < 99 else f"{math.floor(value * 10) / 10:g} %"


def scored(value: float, name: str) -> str:
    """Write a score: an accuracy in percent, any other with three decimals, or digits where it is far off."""
    if name == "accuracy":
        return f"{100 * value:.1f} %"
    return fixed(value, 3) if abs(value) < 100 else f"{value:.3g}"


def counted(count: int, one: str, many: str = "") -> str:
    """Write "1 row" or "1,000 rows"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str], most: int = 99) -> str:
    """Write "a, b and c", or of many "a, b, c and 4 more"."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]
