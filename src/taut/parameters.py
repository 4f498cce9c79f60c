"""Check parameters, and say in a sentence what is wrong with one."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping

from taut.errors import ParameterError


def real(parameter: str, value: object, *, low: float = 0.0, below: float = math.inf) -> float:
    """Give a number in ``low <= value < below`` back as a ``float``.

    Parameters
    ----------
    parameter : str
        What the message calls it, such as ``"dropout's rate"``.
    value : object
        A Python or NumPy number; neither a boolean nor text.
    low, below : float
        The range. ``low`` belongs to it, ``below`` does not, so infinity never passes.

    Raises
    ------
    ParameterError
        If ``value`` is not a number, is NaN, or is out of range.
    """
    span = (
        f"a finite number of {low:g} or more"
        if below == math.inf
        else f"a number from {low:g} to below {below:g}"
    )
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ParameterError(f"{parameter} must be {span}, and {value!r} is not a number.")
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    if not low <= number < below:  # a NaN fails this too
        raise ParameterError(f"{parameter} must be {span}, and it is {number:g}.")
    return number + 0.0  # -0.0 becomes 0.0: one off value, one repr


#: No more epochs than this: a curve has a line for each.
MOST_EPOCHS = 1_000_000
#: Pieces of a number, at most: with more, each has too few rows.
MOST_BINS = 256


def whole(parameter: str, value: object, *, low: int = 1, high: int | None = None) -> int:
    """Give a whole number of ``low`` or more, and of ``high`` or less, back as an ``int``.

    Parameters
    ----------
    parameter : str
        What the message calls it, such as ``"early stopping's patience"``.
    value : object
        A Python or NumPy whole number; 20.0 passes as 20, a boolean or text does not.
    low : int
        The lowest that is allowed.
    high : int, optional
        The highest that is allowed: more would take years, or fill the memory.

    Raises
    ------
    ParameterError
        If ``value`` is not a whole number or out of range.
    """
    if not isinstance(value, bool):
        number: int | None = None
        if isinstance(value, numbers.Integral):
            number = int(value)
        elif isinstance(value, numbers.Real) and float(value).is_integer():
            number = int(float(value))
        if number is not None and number >= low and (high is None or number <= high):
            return number
    span = f"of {low} or more" if high is None else f"from {low} to {high:,}"
    raise ParameterError(f"{parameter} must be a whole number {span}, and it is {value!r}.")


def switch(parameter: str, value: object) -> bool:
    """Give ``True`` or ``False`` back as a ``bool``; NumPy's, 0 and 1 pass.

    Raises
    ------
    ParameterError
        If ``value`` is anything else.
    """
    if type(value).__name__ in ("bool", "bool_") or isinstance(value, numbers.Real):
        if value == 1:
            return True
        if value == 0:
            return False
    raise ParameterError(f"{parameter} must be True or False, and it is {value!r}.")


def json_fields(what: str, data: object, *, format: int, known: tuple[str, ...]) -> dict[str, object]:
    """Take the fields of an object that was read from JSON, once its format is known to be ours.

    Parameters
    ----------
    what : str
        What the messages call it, such as ``"recipe"``.
    data : object
        What the JSON parser gave.
    format : int
        The format that this version writes.
    known : tuple of str
        The fields that have to be there, beside ``"format"``, and no others.

    Returns
    -------
    dict of str to object
        The fields without ``"format"``.

    Raises
    ------
    ParameterError
        If ``data`` is not an object, is of another format, lacks a field or has one too many.
    """
    if not isinstance(data, Mapping):
        raise ParameterError(
            f"A {what} in JSON is an object with the fields format, {', '.join(known)}; got {data!r}."
        )
    found = data.get("format")
    if isinstance(found, bool) or found != format:
        raise ParameterError(
            f"This {what} is of format {found!r}, and this version of taut reads format {format}: "
            "use the version of taut that wrote it, or a newer one."
        )
    missing = [name for name in known if name not in data]
    unknown = [str(name) for name in data if name != "format" and name not in known]
    if missing:
        raise ParameterError(
            f"This {what} lacks {', '.join(missing)}: it was cut short or edited; write it again."
        )
    if unknown:
        raise ParameterError(
            f"This {what} has fields that taut does not know: {', '.join(unknown)}. Remove them."
        )
    return {name: data[name] for name in known}
