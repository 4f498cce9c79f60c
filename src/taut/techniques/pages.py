"""How a technique is described: its page in plain words, and the range of strengths worth searching."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

from taut.errors import ParameterError


@final
@dataclass(frozen=True)
class Source:
    """The paper that a technique comes from: who, when, what, where."""

    authors: str
    year: int
    title: str
    where: str

    def __str__(self) -> str:
        return f"{self.authors} ({self.year}). {self.title}. {self.where}."


@final
@dataclass(frozen=True)
class Page:
    """What a data scientist should know about a technique.

    Parameters
    ----------
    title : str
        Its name for people, such as ``"Dropout"``.
    what : str
        What it does to the network.
    raising : str
        What raising its strength does.
    helps, hurts : str
        When it helps, and when it hurts.
    formula : str
        What is computed, in plain text.
    source : tuple of Source
        The papers, the first one first.
    """

    title: str
    what: str
    raising: str
    helps: str
    hurts: str
    formula: str
    source: tuple[Source, ...]


@final
@dataclass(frozen=True)
class Range:
    """The strengths of a technique that are worth searching.

    Parameters
    ----------
    low, high : float
        The ends; both belong to the range. Equal if the strength is fixed.
    scale : {"log", "linear", "switch"}
        How to move between them: by equal factors, by equal differences, or only on and off
        (then the ends are 0 and 1).

    Examples
    --------
    >>> Range(0.001, 10.0, "log").grid(5)
    (0.001, 0.01, 0.1, 1.0, 10.0)
    >>> Range(0.0, 1.0, "switch").grid(5)
    (1.0,)
    """

    low: float
    high: float
    scale: Literal["log", "linear", "switch"]

    def __post_init__(self) -> None:
        if self.scale not in ("log", "linear", "switch"):
            raise ParameterError(
                f"A range's scale must be 'log', 'linear' or 'switch', and it is {self.scale!r}."
            )
        if not -math.inf < self.low <= self.high < math.inf:
            raise ParameterError(
                f"A range's ends must be finite with low <= high; they are {self.low:g} and {self.high:g}."
            )
        if self.scale == "log" and self.low <= 0:
            raise ParameterError(f"A range on a log scale must start above 0, and it starts at {self.low:g}.")
        if self.scale == "switch" and (self.low, self.high) != (0.0, 1.0):
            raise ParameterError(f"A switch goes from 0 to 1, not from {self.low:g} to {self.high:g}.")

    def strength_at(self, position: float) -> float:
        """Give the strength at a position between the ends; a uniform draw gives a random strength.

        Parameters
        ----------
        position : float
            0 is ``low`` and 1 is ``high``. A switch is off below one half.

        Raises
        ------
        ParameterError
            Where ``position`` is not between 0 and 1.
        """
        if not 0.0 <= position <= 1.0:
            raise ParameterError(f"A position in a range must be between 0 and 1, and it is {position:g}.")
        if self.scale == "switch":
            return float(position >= 0.5)
        if self.scale == "log":
            start, end = math.log10(self.low), math.log10(self.high)
            strength: float = 10.0 ** (start + position * (end - start))
        else:
            strength = self.low + position * (self.high - self.low)
        return min(max(strength, self.low), self.high)  # rounding must not leave the range

    def grid(self, n: int) -> tuple[float, ...]:
        """Give up to ``n`` evenly spread strengths, the weakest number first, rounded to four digits.

        A switch has one, on; so has a fixed strength.

        Raises
        ------
        ParameterError
            Where ``n`` is below 1.
        """
        if n < 1:
            raise ParameterError(f"A grid needs 1 strength or more, and {n} were asked for.")
        if self.scale == "switch":
            return (1.0,)
        positions = [0.5] if n == 1 else [i / (n - 1) for i in range(n)]
        rounded = (float(f"{self.strength_at(position):.4g}") for position in positions)
        return tuple(sorted(set(rounded)))

    def __str__(self) -> str:
        if self.scale == "switch":
            return "off or on"
        if self.low == self.high:
            return f"fixed at {self.low:g}"
        return f"{self.low:g} to {self.high:g}, {self.scale} scale"
