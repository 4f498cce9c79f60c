"""The strengths of a path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taut.errors import ParameterError
from taut.parameters import whole
from taut.techniques.base import Technique
from taut.techniques.pages import Range

#: What the user may give: how many, or which.
Strengths = int | Sequence[float]


#: No path has more: each strength is one network per fold.
MOST_STRENGTHS = 10_000


def default_strengths(kind: type[Technique], n: int, top: float | None = None) -> tuple[float, ...]:
    """Give ``n`` strengths, evenly spread on the technique's own scale, the weakest first.

    Parameters
    ----------
    kind : type of Technique
    n : int
        1 or more; an on/off technique always has one.
    top : float, optional
        The highest, found from the data; the lowest is as many decades below it as in ``path_range``.
    """
    span = path_range(kind)
    if top is not None:
        span = Range(top * span.low / span.high, top, span.scale)
    return span.grid(n)


def path_range(kind: type[Technique]) -> Range:
    """Give the strengths that a path of this technique goes through."""
    return kind.search_range if kind.path_range is None else kind.path_range


def given_strengths(kind: type[Technique], strengths: object) -> tuple[float, ...]:
    """Check the strengths that the user listed, and give them sorted, each once, without the off value.

    Raises
    ------
    ParameterError
        If they are not numbers, one is out of the technique's range, or there is nothing but off.
    """
    if isinstance(strengths, (str, bytes)) or not isinstance(strengths, Iterable):
        raise ParameterError(
            f"strengths must be a number of strengths, or a list of them, and it is {strengths!r}."
        )
    techniques = [kind.at(strength) for strength in strengths]
    found = sorted({technique.strength for technique in techniques if not technique.is_off})
    if not found:
        raise ParameterError(
            "strengths has no strength at which the technique does anything: off is always included."
        )
    return tuple(found)


def given_epochs(epochs: object, max_epochs: int) -> tuple[int, ...]:
    """Check the epochs that the user listed, and give them sorted, each once.

    Raises
    ------
    ParameterError
        If they are not whole numbers, or one is beyond ``max_epochs``.
    """
    if isinstance(epochs, (str, bytes)) or not isinstance(epochs, Iterable):
        raise ParameterError(
            f"strengths must be a number of epochs, or a list of them, and it is {epochs!r}."
        )
    found = sorted({whole("Each of strengths, here an epoch,", epoch) for epoch in epochs})
    if not found:
        raise ParameterError("strengths has no epoch: give one or more, or their number.")
    if found[-1] > max_epochs:
        raise ParameterError(
            f"strengths has epoch {found[-1]}, and max_epochs is {max_epochs}: raise it, or leave that out."
        )
    return tuple(found)


def thinned_epochs(n: int, last: int) -> tuple[int, ...]:
    """Give about ``n`` of the epochs 1 to ``last``, both included, denser where a curve is steeper.

    They are spread evenly by their logarithms: a network learns most in its first epochs.
    """
    if n >= last:
        return tuple(range(1, last + 1))
    steps, found = max(2, n), {1, last}
    while len(found) < n:  # small epochs fall together when they are rounded
        found = {round(last ** (i / (steps - 1))) for i in range(steps)}
        steps += 1
    return tuple(sorted(found))
