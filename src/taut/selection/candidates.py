"""Which recipes to try: proposals in batches, so that a better search can take this one's place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, final

import numpy as np

from taut.recipe import Recipe
from taut.techniques import TECHNIQUES, EarlyStopping
from taut.techniques.base import Technique

if TYPE_CHECKING:
    from taut.selection.score import CandidateScore

#: No regularization, and early stopping alone: always tried, on every fold.
BASELINES = (Recipe(EarlyStopping()), Recipe())

# Where on its range a technique is tried alone, the middle first; 1 of these for a switch.
_POSITIONS = (0.5, 0.25, 0.75, 0.0, 1.0)


class Proposer(ABC):
    """Asks for candidates to be scored, and is told the scores."""

    @abstractmethod
    def ask(self, n: int) -> Sequence[Recipe]:
        """Up to ``n`` recipes to try next; none when there is nothing left to try."""

    @abstractmethod
    def tell(self, scores: Sequence[CandidateScore]) -> None:
        """Take in what came of them."""


def single_recipes() -> list[Recipe]:
    """Each technique at several strengths, with early stopping, the middle strengths of all of them first."""
    kinds = [kind for kind in TECHNIQUES if kind is not EarlyStopping]
    columns = [[Recipe(technique, EarlyStopping()) for technique in _strengths(kind)] for kind in kinds]
    return [recipe for row in zip_longest(*columns) for recipe in row if recipe is not None]


def _strengths(kind: type[Technique]) -> list[Technique]:
    if kind.search_range.scale == "switch":
        return [kind.at(kind.search_range.high)]
    return [kind.at(_rounded(kind.search_range.strength_at(position))) for position in _POSITIONS]


def random_mixtures(seed: int) -> Iterator[Recipe]:
    """Mixtures without end: each technique in with one half, at a random strength; two or more of them.

    Early stopping is always in: it costs nothing here, and its epoch is chosen on other folds.
    """
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 2))))
    kinds = [kind for kind in TECHNIQUES if kind is not EarlyStopping]
    while True:
        chosen = [kind for kind in kinds if stream.random() < 0.5]
        positions = stream.random(len(kinds))
        if len(chosen) < 2:
            continue
        techniques = [
            kind.at(kind.search_range.high)
            if kind.search_range.scale == "switch"
            else kind.at(_rounded(kind.search_range.strength_at(position)))
            for kind, position in zip(chosen, positions, strict=False)
        ]
        yield Recipe(*techniques, EarlyStopping())


def _rounded(strength: float) -> float:
    """Two digits: finer differences cannot be told apart, and the recipe stays readable."""
    return float(f"{strength:.2g}")


@final
class RandomProposer(Proposer):
    """Every technique alone at several strengths, then random mixtures, none of them twice.

    Parameters
    ----------
    n_candidates : int or None
        How many recipes in all, the two baselines counted; None goes on for as long as it is asked.
    seed : int
    """

    def __init__(self, n_candidates: int | None, seed: int) -> None:
        def everything() -> Iterator[Recipe]:
            seen = set()
            for recipe in chain(single_recipes(), random_mixtures(seed)):
                if recipe not in seen:  # strengths of two digits are drawn again
                    seen.add(recipe)
                    yield recipe

        left = None if n_candidates is None else max(0, n_candidates - len(BASELINES))
        self._recipes = islice(everything(), left)

    def ask(self, n: int) -> Sequence[Recipe]:
        """Up to ``n`` of what is left."""
        return list(islice(self._recipes, n))

    def tell(self, scores: Sequence[CandidateScore]) -> None:
        """Random candidates learn nothing."""
