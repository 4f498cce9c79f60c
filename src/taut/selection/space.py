"""The search space: strengths, learning rate and architecture; a point of it is a candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, product, zip_longest
from typing import Any, final

import numpy as np

from taut.learning.architecture import Architecture, Dimension
from taut.learning.objective import Objective
from taut.recipe import Recipe
from taut.selection.candidate import EARLY_STOPPING_ALONE, NO_REGULARIZATION, Candidate
from taut.streams import Stream, sequence
from taut.techniques import L2, TECHNIQUES, Dropout, EarlyStopping
from taut.techniques.base import Technique
from taut.techniques.pages import Range

#: The techniques that are searched over: those that give no reason why not. Early stopping is always in: it
#: costs nothing here, and its epoch is chosen on other folds.
SEARCHED: tuple[type[Technique], ...] = tuple(
    kind for kind in TECHNIQUES if kind is not EarlyStopping and not kind.why_not_searched
)

#: Learning rates that are searched where it is "auto".
LEARNING_RATES = Range(3e-4, 1e-2, "log")

#: Baselines are tried at the usual learning rate and at this factor below and above it too.
OTHER_RATES = 3.0

# Where in its range a technique is tried alone, the middle first; only the first for a switch.
_POSITIONS = (0.5, 0.2, 0.8)
# The share of the mixtures that contains a technique; these are random.
_SHARE_IN = 0.6


@final
@dataclass(frozen=True)
class Space:
    """All candidates.

    Parameters
    ----------
    learning_rate : float
        The usual one, or the only one.
    architecture : Architecture
        The usual one; its dimensions are searched too.
    objective : Objective
    search_rate : bool
        Whether other learning rates are tried.
    only : tuple of technique classes, optional
        Those that are searched; without it, :data:`SEARCHED`.
    few : bool
        Whether a search has time for a few candidates only.
    """

    learning_rate: float
    architecture: Architecture
    objective: Objective
    search_rate: bool = True
    only: tuple[type[Technique], ...] | None = None
    few: bool = False

    def usual(self, recipe: Recipe) -> Candidate:
        """The recipe with the usual learning rate and architecture."""
        return Candidate(recipe, self.learning_rate, self.architecture)

    def baselines(self) -> tuple[Candidate, Candidate]:
        """Early stopping alone, and no regularization."""
        return self.usual(EARLY_STOPPING_ALONE), self.usual(NO_REGULARIZATION)

    def middle(self) -> Candidate:
        """L2 and dropout at their middle strengths, as far as they make sense here."""
        kinds = [kind for kind in (L2, Dropout) if kind in self.kinds]
        return self.usual(Recipe(*(_strengths(kind)[0] for kind in kinds), EarlyStopping()))

    @property
    def other_rates(self) -> tuple[float, float]:
        """Learning rates at which early stopping alone is tried beside the usual one."""
        return _rounded(self.learning_rate / OTHER_RATES), _rounded(self.learning_rate * OTHER_RATES)

    @property
    def kinds(self) -> tuple[type[Technique], ...]:
        """The techniques that make sense for this architecture and objective."""
        supports = self.architecture.supports
        asked = SEARCHED if self.only is None else self.only
        return tuple(
            kind for kind in asked if kind is not EarlyStopping and supports(kind, self.objective) is None
        )

    @property
    def switches(self) -> tuple[str, ...]:
        """Names of the switches: what is in or not."""
        return tuple(kind.name for kind in self.kinds)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Names and ranges of the numbers."""
        strengths = [
            Dimension(_strength_of(kind), r.low, r.high, r.scale == "log", condition=kind.name)
            for kind in self.kinds
            if (r := kind.search_range).scale != "switch"
        ]
        rate = [Dimension("learning_rate", LEARNING_RATES.low, LEARNING_RATES.high, True)]
        return (*strengths, *(rate if self.search_rate else ()), *self.architecture.dimensions)

    def candidate(self, point: Mapping[str, Any]) -> Candidate:
        """The candidate at a point: switches by technique, and those dimensions whose switch is on."""
        techniques: list[Technique] = []
        for kind in self.kinds:
            if point[kind.name]:
                switch = kind.search_range.scale == "switch"
                strength = kind.search_range.high if switch else _rounded(point[_strength_of(kind)])
                techniques.append(kind.at(strength))
        rate = _rounded(point["learning_rate"]) if self.search_rate else self.learning_rate
        return Candidate(Recipe(*techniques, EarlyStopping()), rate, self.architecture.at(point))

    def point(self, candidate: Candidate) -> dict[str, Any]:
        """Where a candidate lies: its switches, and the dimensions that it has; clipped to the ranges."""
        found: dict[str, Any] = {}
        for kind in self.kinds:
            technique = candidate.recipe.get(kind)
            found[kind.name] = technique is not None and not technique.is_off
            if technique is not None and found[kind.name] and kind.search_range.scale != "switch":
                found[_strength_of(kind)] = technique.strength
        if self.search_rate:
            found["learning_rate"] = candidate.learning_rate
        found |= candidate.architecture.point()
        ends = {dimension.name: (dimension.low, dimension.high) for dimension in self.dimensions}
        return {name: _cut(value, *ends[name]) if name in ends else value for name, value in found.items()}

    def design(self, seed: int) -> Iterator[Candidate]:
        """The first candidates: each technique alone at several strengths, and mixtures that fill the space.

        The middle strength of every technique comes first. After that one of the others follows each
        technique alone: early stopping alone at a lower and at a higher learning rate, because what a
        technique brings is measured against a baseline that was tuned too; then endless mixtures, those of a
        scrambled Sobol sequence (Sobol, 1967).

        Where there are few candidates, each pair of techniques, at their middle strengths and the usual
        rate, comes before all that: of random mixtures it takes dozens until the pair that a network needs
        is among them at a rate that suits it.
        """
        singles = [self.usual(recipe) for recipe in single_recipes(self.kinds)]
        first = len(self.kinds)
        yield from singles[:first]
        if self.few:
            middle = [_strengths(kind)[0] for kind in self.kinds]
            yield from (self.usual(Recipe(*two, EarlyStopping())) for two in combinations(middle, 2))
        rates = self.other_rates if self.search_rate else ()
        early, _ = self.baselines()
        alone = [replace(early, learning_rate=rate) for rate in rates]
        others = chain(alone, self._mixtures(seed))
        for single in singles[first:]:
            other = next(others, None)
            if other is not None:
                yield other
            yield single
        yield from others

    def _mixtures(self, seed: int) -> Iterator[Candidate]:
        """Points of a Sobol sequence; those with fewer than two techniques, where there are two, are skipped.

        Without a number to vary, each combination of switches comes once.
        """
        from scipy.stats import qmc

        names = self.switches
        fewest = min(2, len(names))
        if not self.dimensions:
            for row in product((True, False), repeat=len(names)):
                if sum(row) >= 2:  # each alone was there before
                    yield self.candidate(dict(zip(names, row, strict=True)))
            return
        sobol = qmc.Sobol(
            len(names) + len(self.dimensions), rng=np.random.default_rng(sequence(seed, Stream.MIXTURES))
        )
        while True:
            for row in sobol.random(64):
                switches = dict(zip(names, (row[: len(names)] < _SHARE_IN).tolist(), strict=True))
                if sum(switches.values()) < fewest:
                    continue
                numbers = {
                    dimension.name: _between(dimension, position)
                    for dimension, position in zip(self.dimensions, row[len(names) :], strict=True)
                }
                yield self.candidate({**switches, **numbers})


def single_recipes(kinds: Sequence[type[Technique]] = SEARCHED) -> list[Recipe]:
    """Each technique at several strengths, with early stopping, the middle strengths of all of them first."""
    columns = [[Recipe(technique, EarlyStopping()) for technique in _strengths(kind)] for kind in kinds]
    return [recipe for row in zip_longest(*columns) for recipe in row if recipe is not None]


def is_single(recipe: Recipe) -> type[Technique] | None:
    """The one technique of a recipe that has early stopping and one more; else None."""
    kinds = [type(technique) for technique in recipe.active]
    others = [kind for kind in kinds if kind is not EarlyStopping]
    return others[0] if len(others) == 1 and EarlyStopping in kinds else None


def is_plain(recipe: Recipe) -> bool:
    """Whether it has at most one technique beside early stopping."""
    return sum(type(technique) is not EarlyStopping for technique in recipe.active) <= 1


def _strengths(kind: type[Technique]) -> list[Technique]:
    if kind.search_range.scale == "switch":
        return [kind.at(kind.search_range.high)]
    return [kind.at(_rounded(kind.search_range.strength_at(position))) for position in _POSITIONS]


def _strength_of(kind: type[Technique]) -> str:
    return f"{kind.name}_strength"


def _between(dimension: Dimension, position: float) -> float:
    """The number at a position from 0 to 1 on a dimension."""
    if dimension.whole:
        return float(np.floor(dimension.low + position * (dimension.high - dimension.low + 1)))
    return Range(dimension.low, dimension.high, "log" if dimension.log else "linear").strength_at(position)


def _rounded(strength: float) -> float:
    """Two digits: finer differences do not show, and the recipe stays readable."""
    return float(f"{strength:.2g}")


def _cut(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
