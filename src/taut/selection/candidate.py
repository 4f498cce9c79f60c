"""A candidate: what one network of the search is, all that differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from taut.errors import ParameterError
from taut.recipe import Recipe
from taut.techniques import EarlyStopping

#: No regularization, and early stopping alone: always tried, on every fold.
EARLY_STOPPING_ALONE, NO_REGULARIZATION = Recipe(EarlyStopping()), Recipe()


@final
@dataclass(frozen=True)
class Candidate:
    """A recipe with the learning rate and the widths that it is tried with.

    Parameters
    ----------
    recipe : Recipe
    learning_rate : float
        Above 0.
    hidden : tuple of int
        Widths of the hidden layers.
    """

    recipe: Recipe
    learning_rate: float
    hidden: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; see :meth:`from_json`."""
        return {
            "recipe": self.recipe.to_json(),
            "learning_rate": self.learning_rate,
            "hidden": list(self.hidden),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Candidate:
        """Make it again.

        Raises
        ------
        ParameterError
            Where the recipe, the learning rate or the widths are none.
        """
        rate, hidden = data["learning_rate"], data["hidden"]
        if not isinstance(rate, float) or not 0.0 < rate < float("inf"):
            raise ParameterError(f"A candidate's learning rate is a number above 0, and this is {rate!r}.")
        if not isinstance(hidden, list) or not all(type(width) is int and width > 0 for width in hidden):
            raise ParameterError(f"A candidate's hidden widths are whole numbers, and this is {hidden!r}.")
        return cls(Recipe.from_json(data["recipe"]), rate, tuple(hidden))
