"""Find a technique by the name that the user gives."""

from __future__ import annotations

from difflib import get_close_matches

from taut.errors import ParameterError
from taut.techniques import TECHNIQUES
from taut.techniques.base import Technique


def find(name: str) -> type[Technique]:
    """Find a technique by its name, however it is written: "batch_norm", "batch norm", "BatchNorm".

    Raises
    ------
    ParameterError
        If there is none; the message has the closest names.
    """
    by_name = {kind.name: kind for kind in TECHNIQUES}
    plain = {_plain(written): kind for kind in TECHNIQUES for written in (kind.name, kind.__name__)}
    if _plain(name) in plain:
        return plain[_plain(name)]
    near = get_close_matches(name.lower(), by_name, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(by_name)}."
    raise ParameterError(f"there is no technique {name!r}; {hint}")


def technique_of(given: object, parameter: str = "technique") -> type[Technique]:
    """A technique that a parameter names, or that it is.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if isinstance(given, str):
        return find(given)
    if isinstance(given, type) and given in TECHNIQUES:
        return given
    raise ParameterError(
        f"{parameter} must be a name such as 'l2', or a class such as taut.L2, and it is {given!r}."
    )


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
