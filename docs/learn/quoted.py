"""Numbers that pages quote: how they are written, and where they stand between markers.

A page has ``<!--=l2.digits-->...<!--/-->``; what stands between is the number of that name in measured.json,
written by :func:`written`. figures.py fills it in, and a test compares.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.evidence.certainty import MAY_BE_CHANCE, change_text
from taut.evidence.interval import Interval, over_folds
from taut.selection.score import standard_error
from taut.wording import fixed, formatter_for, number, percent, plus_minus

#: A number as measured.json has it: its kind, its value, and its interval or standard error.
Fact = Mapping[str, Any]
MARKED = re.compile(r"<!--=([a-z0-9_.]+)-->(.*?)<!--/-->", re.DOTALL)

MOST_COLUMNS = 120
Vector = NDArray[np.float64]


def lower(change: Any, than: str = "") -> Fact:
    """By which share a loss is lower: a gain of a path, a paired change or an interval."""
    value = change.value if isinstance(change, Interval) else change.share
    return {"kind": "lower", "value": value, "low": change.low, "high": change.high, "than": than}


def points(difference: Vector, n_repeats: int) -> Fact:
    """A difference of two shares, by fold."""
    return {"kind": "points", **over_folds(float(np.mean(difference)), difference, n_repeats).to_dict()}


def mean(values: Vector, n_repeats: int) -> Fact:
    """A mean over folds, or rows, with its standard error."""
    return {"kind": "mean", "value": float(np.mean(values)), "error": standard_error(values, n_repeats)}


def interval(found: Interval) -> Fact:
    """A figure that taut gives with its interval."""
    return {"kind": "interval", **found.to_dict()}


def share(value: float) -> Fact:
    """A share of weights or rows."""
    return {"kind": "share", "value": float(value)}


def plain(value: float) -> Fact:
    """A number that is what it is: a strength, an epoch, a count."""
    return {"kind": "number", "value": float(value)}


def text(value: str) -> Fact:
    """What taut wrote."""
    return {"kind": "text", "value": value}


def written(fact: Fact) -> str:
    """Write a number as pages have it; that it may be chance is part of it where its interval holds zero."""
    value = fact["value"]
    if fact["kind"] == "lower":  # a share of a loss
        text = change_text(Interval(value, fact["low"], fact["high"]), fact["than"])
        nearest = min(abs(fact["low"]), abs(fact["high"]))
        sure = not may_be_chance(fact)  # an interval that just misses zero must not seem to begin there
        return text.replace("interval 0 to", f"interval {fixed(100 * nearest, 1)} to") if sure else text
    if fact["kind"] == "points":
        found = Interval(100 * value, 100 * fact["low"], 100 * fact["high"])
        low, high = fixed(found.low, 1), fixed(found.high, 1)
        text = f"{fixed(found.value, 1)} percentage points (95 % interval {low} to {high})"
        return f"{text}, {MAY_BE_CHANCE}" if found.spans_zero else text
    if fact["kind"] == "mean":
        return plus_minus(value, fact["error"])
    if fact["kind"] == "interval":
        write = formatter_for(abs(value))
        return f"{write(value)} (95 % interval {write(fact['low'])} to {write(fact['high'])})"
    if fact["kind"] == "share":
        return percent(value) if value else "0 %"
    if fact["kind"] == "number":
        return number(value)
    assert fact["kind"] == "text"
    return str(value)


def may_be_chance(fact: Fact) -> bool:
    """Whether it is a difference whose interval holds zero."""
    return fact["kind"] in ("lower", "points") and fact["low"] <= 0.0 <= fact["high"]


def filled(page: str, facts: Mapping[str, Fact]) -> str:
    """Put the numbers into a page's markers, and wrap the paragraphs that have some."""
    text = MARKED.sub(lambda found: f"<!--={found[1]}-->{written(facts[found[1]])}<!--/-->", page)
    return "\n\n".join(_wrapped(part) if MARKED.search(part) else part for part in text.split("\n\n"))


def _wrapped(paragraph: str) -> str:
    """A line must not begin with a comment, which would end the paragraph."""
    glued = " ".join(paragraph.split()).replace(" <!--", "\0<!--")
    lines = textwrap.wrap(glued, MOST_COLUMNS, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")
