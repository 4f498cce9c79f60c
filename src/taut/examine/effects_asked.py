"""What ``effects`` is asked to explain: a recipe with its parameters, or a fitted estimator's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

from sklearn.utils.validation import check_is_fitted

from taut.errors import ParameterError
from taut.estimators.base import TautEstimator
from taut.estimators.prepare import Task
from taut.estimators.problem import ClassWeight
from taut.network import Activation
from taut.recipe import Recipe

USUAL_WIDTHS, USUAL_EPOCHS = (128, 128), 300


@final
@dataclass(frozen=True)
class Asked:
    """The recipe to explain and its parameters, named as in :func:`taut.effects`."""

    recipe: Recipe
    learning_rate: float | Literal["auto"]
    hidden: tuple[int, ...]
    activation: Activation
    batch_size: int | Literal["auto"]
    max_epochs: int
    task: Task
    class_weight: ClassWeight

    @classmethod
    def of(cls, recipe: Any, **given: Any) -> Asked:
        """Take the parameters as given, or all of them from a fitted estimator.

        Parameters
        ----------
        recipe : Recipe or TautEstimator
        **given
            All the other fields.

        Raises
        ------
        ParameterError
            If it is neither, or a given parameter differs from the estimator's.
        NotFittedError
            scikit-learn's own.
        """
        if isinstance(recipe, Recipe):
            return cls(recipe, **given)
        if not isinstance(recipe, TautEstimator):
            raise ParameterError(
                "recipe must be a taut.Recipe or a fitted estimator of taut, and it is "
                f"{type(recipe).__name__}: such as Recipe(L2(0.1), EarlyStopping())."
            )
        check_is_fitted(recipe, "model_")
        own = {
            "learning_rate": recipe.learning_rate_,
            "hidden": recipe.network_.hidden,
            "activation": recipe.network_.activation,
            "batch_size": recipe.batch_size_,
            "max_epochs": recipe.max_epochs,
            "task": recipe._task,
            "class_weight": getattr(recipe, "class_weight", None),
        }
        for name, value in given.items():
            usual = _USUAL[name]
            if not _same(value, usual) and not _same(value, own[name]):
                raise ParameterError(
                    f"{name} is {own[name]!r} in the given estimator, and {value!r} here: leave it "
                    "out, or give the estimator's recipe_ and all parameters yourself."
                )
        return cls(recipe.recipe_, **own)


_USUAL: dict[str, Any] = {
    "learning_rate": "auto",
    "hidden": USUAL_WIDTHS,
    "activation": "relu",
    "batch_size": "auto",
    "max_epochs": USUAL_EPOCHS,
    "task": "auto",
    "class_weight": None,
}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) if type(one) is not list else tuple(one) == other
