"""What Python objects hold, those of a column or a target of mixed or unnamed type."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import numpy as np

Kind: TypeAlias = Literal[
    "none", "text", "boolean", "date", "duration", "number", "complex", "binary", "nested", "unknown"
]


def kind_of(value: Any) -> Kind:
    """The kind of a value; NaN, NaT and the like are "none"."""
    return "none" if is_none(value) else _kind(value)


def kinds_of(values: Iterable[Any]) -> dict[Kind, Any]:
    """Find the kinds of many values, each with an example; a NaN counts as the number that its type is."""
    examples = {type(value): value for value in values}
    found: dict[Kind, Any] = {}
    for example in examples.values():
        nothing = example is None or type(example).__name__ in _NOTHING
        found.setdefault("none" if nothing else _kind(example), example)
    return found


_NOTHING = ("NAType", "NaTType", "MaskedConstant")  # known by name: pandas' NA has no truth value


def is_none(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ in _NOTHING:
        return True
    if isinstance(value, (float, np.floating, Decimal, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return False


def _kind(value: Any) -> Kind:
    if isinstance(value, str):
        return "text"
    if isinstance(value, (bool, np.bool_)):
        return "boolean"
    if isinstance(value, (dt.date, np.datetime64)):
        return "date"
    if isinstance(value, (dt.timedelta, dt.time, np.timedelta64)):
        return "duration"
    if isinstance(value, (numbers.Real, Decimal)):
        return "number"
    if isinstance(value, numbers.Complex):
        return "complex"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "binary"
    if isinstance(value, (list, tuple, dict, set, frozenset, np.ndarray)):
        return "nested"
    return "unknown"


def is_whole(value: Any) -> bool:
    """Whether it is an integer, also as a decimal or a fraction, but not a float, a boolean or text."""
    if isinstance(value, (bool, np.bool_, float, np.floating, str)):
        return False
    if isinstance(value, Decimal):
        return value.is_finite() and value == int(value)
    return isinstance(value, numbers.Rational) and value.denominator == 1
