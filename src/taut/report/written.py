"""The facts as JSON, and back: what is read is checked before anything trusts it."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NoReturn, cast

from taut.errors import DataError, DataWarning
from taut.report.harmless import without_harm
from taut.report.schema import SCHEMA, ExplorerPoint, ExplorerTechnique, Facts, GridFacts
from taut.store import schema_of
from taut.store.shape import fault_of

_HASH = "sha256"  # of all the rest: a flipped bit in a number is still a number
_MOST = 1 << 26  # characters; a page has at most 9 MB
_LARGEST = 1e300
_MOST_DIGITS = 18


def to_text(facts: Facts) -> str:
    """Give the facts as JSON with their own SHA-256; half a character of a name is written as an escape."""
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
        then = "is left alone" if schema is None or schema > SCHEMA else "gives way to the next one"
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
    if why := fault(found):
        raise DataError(why)
    return without_harm(cast(Facts, found))


def fault(found: dict[str, Any]) -> str:
    """Name the first place that has not its type, is out of its bounds, or cannot be true; "" for none."""
    wrong = fault_of(Facts, found).replace("Value error, ", "")
    return wrong or next((f"{one}: it does not fit together" for one in _odd(cast(Facts, found))), "")


def _odd(facts: Facts) -> Iterator[str]:
    """Places that have the right types and bounds, and do not fit to others."""
    search, explorer, path = facts["search"], facts["explorer"], facts["column_path"]
    folds = [fold for curve in facts["curves"] for fold in curve["folds"]]
    if any(len(fold["train_loss"]) != len(fold["validation_loss"]) for fold in folds):
        yield "curves"
    if not facts["curves"] and facts["comparison"] is None:
        yield "curves"
    if search is not None and search["chosen"] >= len(search["candidates"]):
        yield "search"
    if path is not None and [len(path["strengths"])] * len(path["names"]) != [*map(len, path["norms"])]:
        yield "column_path"
    if "taut" not in facts["made"]["versions"]:
        yield "made"
    if explorer is not None:
        techniques, grid = explorer["techniques"], explorer["grid"]
        if len({one["name"] for one in techniques}) < len(techniques):
            yield "explorer"
        if grid is not None and not _is_grid(grid, facts["data"]["classes"]):
            yield "explorer.grid"
        yield from (f"explorer.{one['name']}" for one in techniques if not _is_technique(one, grid))


def _is_grid(grid: GridFacts, classes: list[str] | None) -> bool:
    return (
        _rises(grid["x"], steadily=False)
        and _rises(grid["y"], steadily=False)
        and len(grid["rows"]) == len(grid["targets"])
        and (classes is None or 1 < len(classes) and {*grid["targets"]} <= {*range(len(classes))})
    )


def _is_technique(one: ExplorerTechnique, grid: GridFacts | None) -> bool:
    places = (one["best"], one["off"] or 0)
    return (
        max(places) < len(one["points"])
        and _rises(one["edges"])
        and all(_is_point(point, len(one["edges"]) - 1, grid) for point in one["points"])
    )


def _is_point(point: ExplorerPoint, n_bins: int, grid: GridFacts | None) -> bool:
    surface = point["surface"]
    curves = [point["train"], point["validation"]]
    curves += [losses for fold in point["folds"] for losses in (fold["train_loss"], fold["validation_loss"])]
    return (
        _rises([0, *point["epochs"]])
        and all(len(losses) == len(point["epochs"]) for losses in curves)
        and len(point["counts"]) in (0, n_bins)
        and (surface is None or grid is not None and _is_surface(surface, grid))
    )


def _is_surface(surface: list[list[float]], grid: GridFacts) -> bool:
    return [*map(len, surface)] == [len(grid["x"])] * len(grid["y"])


def _rises(values: Sequence[float], *, steadily: bool = True) -> bool:
    return all(low < high if steadily else low <= high for low, high in pairwise(values))


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
    if abs(value := float(text)) > _LARGEST:
        raise ValueError(f"{text[:20]} is too large")
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"{text[:20]}... is too large")
    return int(text)
