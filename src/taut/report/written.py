"""The facts as JSON, and back: what is read is checked before anything trusts it."""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import Any, cast

from taut.errors import DataError, DataWarning
from taut.report.harmless import without_harm
from taut.report.schema import SCHEMA, Facts
from taut.store import schema_of
from taut.store.shape import fault_of

_HASH = "sha256"  # of all the rest: a flipped bit in a number is still a number
_MOST = 1 << 26  # characters; a page has at most 9 MB
_LARGEST = 1e300
_MOST_DIGITS = 18


def to_text(facts: Facts) -> str:
    """Give the facts as JSON with their own SHA-256; half a character of a name is written as an escape."""
    return json.dumps({**facts, _HASH: _hash(facts)}, allow_nan=False) + "\n"


def from_text(text: str, what: str = "the text") -> Facts | None:
    """Read what :func:`to_text` gave, of whom ever; ``what`` is what the warning calls it.

    Warns
    -----
    DataWarning
        With why it is None, such as damage or another schema, and whether taut may write over it.
    """
    try:
        return _checked(text)
    except DataError as error:
        schema = schema_of(text.encode("utf-8", "replace"))
        then = "is left alone" if schema is None or schema > SCHEMA else "gives way to the next one"
        warnings.warn(f"{what} cannot be used, and {then}: {error}.", DataWarning, stacklevel=2)
        return None


def _checked(text: str) -> Facts:
    if len(text) > _MOST:
        raise DataError(f"{len(text):,} characters are too many")
    try:
        found = json.loads(text, parse_constant=_number, parse_float=_number, parse_int=_number)
        told = found.pop(_HASH, None) if isinstance(found, dict) else None
        own = _hash(found)
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is damaged, this is no JSON ({error})") from error
    if not isinstance(found, dict) or type(found.get("schema")) is not int:
        raise DataError("these are no facts of taut's")
    if found["schema"] != SCHEMA:
        raise DataError(f"it is of schema {found['schema']}, and this taut reads {SCHEMA}")
    if told != own:
        raise DataError("its SHA-256 is wrong, it was damaged or changed")
    # Names that came later; an older taut had nothing to say there.
    found = dict.fromkeys(Facts.__annotations__) | found
    if why := fault(found):
        raise DataError(why)
    return without_harm(cast(Facts, found))


def fault(found: dict[str, Any]) -> str:
    """Name the first place that has not its type, is out of its bounds, or cannot be true; "" for none."""
    if wrong := fault_of(Facts, found):
        return wrong.replace("Value error, ", "")
    if not found["curves"] and found["comparison"] is None:
        return "curves: they do not fit together"
    grid, classes = found["explorer"] and found["explorer"]["grid"], found["data"]["classes"]
    if grid and classes is not None and not (classes[1:] and {*grid["targets"]} <= {*range(len(classes))}):
        return "explorer.grid: it does not fit together"
    return ""


def _hash(found: object) -> str:
    """SHA-256 of the facts, however their JSON is laid out."""
    return hashlib.sha256(json.dumps(found, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _number(text: str) -> float:
    """One of which sums and multiples are numbers too."""
    value, whole = float(text), text.removeprefix("-").isdecimal()
    if abs(value) > _LARGEST or (whole and len(text) > _MOST_DIGITS):
        raise ValueError(f"{text[:20]} is too large")
    if value != value:
        raise ValueError(f"{text} is no number of JSON's")
    return int(text) if whole else value
