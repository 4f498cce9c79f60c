"""Weights of the classes as text: written as plain Python, and read without running it."""

from __future__ import annotations

import ast
import warnings
from typing import Literal, TypeAlias

import numpy as np

Weights: TypeAlias = Literal["balanced"] | dict[str | int | float | bool, int | float]

_MOST = 1 << 20  # characters
_LARGEST = 1e300


def written(value: object) -> str:
    """Write them with plain classes and numbers, where they are such; else as they show themselves.

    >>> import numpy as np
    >>> written({np.int64(0): np.float64(1.5)})
    '{0: 1.5}'
    """
    if isinstance(value, dict):
        value = {_plain(one): _plain(weight) for one, weight in value.items()}
    return repr(value)


def parsed(text: str | None) -> Weights | None:
    """Read what :func:`written` gave; None where it is nothing of the kind.

    >>> parsed("{'a': 2.0}")
    {'a': 2.0}
    >>> parsed("__import__('os').abort()") is None
    True
    """
    if text is None or len(text) > _MOST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, of what it takes for a slip
            found = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if found == "balanced":
        return "balanced"
    if isinstance(found, dict) and all(_is_class(one) and _is_weight(found[one]) for one in found):
        return found
    return None


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _is_class(value: object) -> bool:
    return isinstance(value, (str, bool)) or _is_weight(value)


def _is_weight(value: object) -> bool:
    number = not isinstance(value, bool) and isinstance(value, (int, float))
    return number and abs(value) <= _LARGEST  # type: ignore[arg-type]
