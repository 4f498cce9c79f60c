"""The facts as JSON, and back: what is read is checked before anything trusts it."""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import TYPE_CHECKING, Any, NoReturn, cast

from taut.errors import DataError, DataWarning
from taut.report.facts.harmless import without_harm
from taut.report.facts.shapes import DiagnosisShown, EffectsShown, odd
from taut.report.schema import SCHEMA, Facts
from taut.store import schema_of
from taut.store.shape import fault_of

if TYPE_CHECKING:
    pass

_HASH = "sha256"  # of all the rest: a flipped bit in a number is still a number
_MOST = 1 << 26  # characters; a page has at most 9 MB
_LARGEST = 1e300
_MOST_DIGITS = 18


def to_text(facts: Facts) -> str:
    """Give the facts as JSON with their own SHA-256; a half character of a name is written as an escape."""
    return json.dumps({**facts, _HASH: _hash(cast(dict[str, Any], facts))}, allow_nan=False) + "\n"


def from_text(text: str, what: str = "the text") -> Facts | None:
    """Read what :func:`to_text` gave.

    Parameters
    ----------
    text : str
        Of whom ever.
    what : str
        What it is called in the warning.

    Returns
    -------
    Facts or None
        None where it is no JSON, damaged, changed, of another schema, or of another shape.

    Warns
    -----
    DataWarning
        Then; it says why, and whether taut may write over it.
    """
    try:
        return _checked(text)
    except DataError as error:
        schema = schema_of(text.encode("utf-8", "replace"))
        stays = schema is None or schema > SCHEMA
        then = "is left alone" if stays else "gives way to the next one"
        warnings.warn(f"{what} cannot be used, and {then}: {error}.", DataWarning, stacklevel=2)
        return None


def _checked(text: str) -> Facts:
    if len(text) > _MOST:
        raise DataError(f"{len(text):,} characters are too many")
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_number, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is damaged, this is no JSON ({error})") from error
    if not isinstance(found, dict) or type(found.get("schema")) is not int:
        raise DataError("these are no facts of taut's")
    if found["schema"] != SCHEMA:
        raise DataError(f"it is of schema {found['schema']}, and this taut reads {SCHEMA}")
    if found.pop(_HASH, None) != _hash(found):
        raise DataError("its SHA-256 is wrong, it was damaged or changed")
    # Names that came later; an older taut had nothing to say there.
    found = dict.fromkeys(Facts.__annotations__) | found
    fault = fault_of(Facts, found)
    if fault:
        raise DataError(fault)
    facts = cast(Facts, found)
    for name, shape in (("effects", EffectsShown), ("diagnosis", DiagnosisShown)):
        if found[name] is not None:
            fault = fault_of(shape, found[name])
            if fault:
                raise DataError(fault)
    why = odd(facts)
    if why:
        raise DataError(f"{why} does not fit together")
    return without_harm(facts)


def _hash(found: dict[str, Any]) -> str:
    """SHA-256 of the facts, however their JSON is laid out."""
    try:
        text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is damaged ({error})") from error
    return hashlib.sha256(text.encode()).hexdigest()


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON's")


def _number(text: str) -> float:
    """Sums and multiples of it have to be numbers too."""
    value = float(text)
    if abs(value) > _LARGEST:
        raise ValueError(f"{text[:20]} is too large")
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"{text[:20]}... is too large")
    return int(text)
