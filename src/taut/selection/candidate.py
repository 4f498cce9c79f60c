"""A candidate: all that differs between the networks of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from taut.errors import ParameterError
from taut.learning.architecture import Architecture
from taut.recipe import Recipe
from taut.techniques import EarlyStopping

#: No regularization, and early stopping alone: always tried, on every fold.
EARLY_STOPPING_ALONE, NO_REGULARIZATION = Recipe(EarlyStopping()), Recipe()


@final
@dataclass(frozen=True)
class Candidate:
    """A recipe with the learning rate and the architecture that it is tried with.

    Parameters
    ----------
    recipe : Recipe
    learning_rate : float
        Above 0.
    architecture : Architecture
    """

    recipe: Recipe
    learning_rate: float
    architecture: Architecture

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; see :meth:`from_json`."""
        return {
            "recipe": self.recipe.to_json(),
            "learning_rate": self.learning_rate,
            **self.architecture.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], usual: Architecture) -> Candidate:
        """Make it again; what is missing of its architecture is as in the usual one.

        Raises
        ------
        ParameterError
            If the recipe, the learning rate or the architecture is not valid.
        """
        rate = data["learning_rate"]
        if not isinstance(rate, float) or not 0.0 < rate < float("inf"):
            raise ParameterError(f"A candidate's learning rate is a number above 0, and this is {rate!r}.")
        return cls(Recipe.from_json(data["recipe"]), rate, usual.from_json(data))
