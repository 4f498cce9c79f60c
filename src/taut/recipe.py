"""The recipe: the techniques that one network is trained with, and their strengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, TypeVar, final

from taut.errors import ParameterError
from taut.parameters import json_fields
from taut.techniques import TECHNIQUES, compose
from taut.techniques.base import Hooks, Technique

FORMAT = 1  # of the JSON form

T = TypeVar("T", bound=Technique)


@final
@dataclass(frozen=True, init=False, repr=False)
class Recipe:
    """The techniques that one network is trained with: an immutable value.

    The order in which they are given does not matter. ``Recipe()`` is no regularization at all.

    Parameters
    ----------
    *techniques : Technique
        At most one of each kind.

    Attributes
    ----------
    techniques : tuple of Technique
        In the order of ``taut.techniques.TECHNIQUES``.

    Raises
    ------
    ParameterError
        If something other than a technique is given, or two of one kind.

    Examples
    --------
    >>> from taut import BatchNorm, Dropout, L2, Recipe
    >>> recipe = Recipe(Dropout(0.3), L2(1e-3))
    >>> recipe
    Recipe(L2(0.001), Dropout(0.3))
    >>> recipe.with_(BatchNorm()).without(L2).describe()
    'dropout 0.3 + batch norm'
    >>> Recipe.from_json(recipe.to_json()) == recipe
    True
    """

    techniques: tuple[Technique, ...]

    def __init__(self, *techniques: Technique) -> None:
        for technique in techniques:
            if type(technique) not in TECHNIQUES:
                raise ParameterError(_not_a_technique(technique))
        by_kind = {type(technique): technique for technique in techniques}
        if len(by_kind) < len(techniques):
            kinds = [type(technique) for technique in techniques]
            twice = next(kind.__name__ for kind in kinds if kinds.count(kind) > 1)
            raise ParameterError(f"A recipe holds at most one {twice}, and two were given: keep one of them.")
        object.__setattr__(self, "techniques", tuple(by_kind[kind] for kind in TECHNIQUES if kind in by_kind))

    @property
    def active(self) -> tuple[Technique, ...]:
        """The techniques that are not off."""
        return tuple(technique for technique in self.techniques if not technique.is_off)

    def get(self, kind: type[T]) -> T | None:
        """Give the technique of one kind, such as ``recipe.get(L2)``, or None where there is none."""
        return next((technique for technique in self.techniques if isinstance(technique, kind)), None)

    def with_(self, technique: Technique) -> Recipe:
        """Give the recipe with this technique added, or in place of the one of its kind."""
        return Recipe(*(other for other in self.techniques if type(other) is not type(technique)), technique)

    def without(self, *kinds: type[Technique]) -> Recipe:
        """Give the recipe without the techniques of these kinds, such as ``recipe.without(L2)``."""
        return Recipe(*(technique for technique in self.techniques if type(technique) not in kinds))

    def hooks(self) -> Hooks:
        """Compose the techniques into what the engine reads.

        A technique that is off leaves no trace: ``Recipe(L2(0)).hooks() == Recipe().hooks()``.
        """
        return compose(self.techniques)

    def describe(self) -> str:
        """Give a short label, such as ``"L2 0.001 + early stopping"``, of the techniques that are not off."""
        return " + ".join(technique.label for technique in self.active) or "no regularization"

    def to_json(self) -> dict[str, Any]:
        """Give the recipe as an object for JSON: its format, and each technique's parameters by its name."""
        return {
            "format": FORMAT,
            "techniques": {
                technique.name: {name: getattr(technique, name) for name in _parameters(type(technique))}
                for technique in self.techniques
            },
        }

    @classmethod
    def from_json(cls, data: object) -> Recipe:
        """Make the recipe that :meth:`to_json` described.

        Parameters
        ----------
        data : dict
            What the JSON parser gave.

        Raises
        ------
        ParameterError
            If the format is another one, or a technique or one of its parameters is unknown, missing or
            out of its range.
        """
        found = json_fields("recipe", data, format=FORMAT, known=("techniques",))
        techniques = found["techniques"]
        if not isinstance(techniques, Mapping):
            raise ParameterError(
                f"A recipe's techniques in JSON are an object by their names, and this is {techniques!r}."
            )
        return cls(*(_technique_from_json(name, values) for name, values in techniques.items()))

    def __repr__(self) -> str:
        return f"Recipe({', '.join(map(repr, self.techniques))})"


def _parameters(kind: type[Technique]) -> dict[str, Field[Any]]:
    """Give a technique's parameters by their names; every technique is a dataclass."""
    return {field.name: field for field in fields(kind)}  # type: ignore[arg-type]


def _technique_from_json(name: object, values: object) -> Technique:
    kind = next((kind for kind in TECHNIQUES if kind.name == name), None)
    if kind is None:
        known = ", ".join(kind.name for kind in TECHNIQUES)
        raise ParameterError(
            f"This recipe has a technique {name!r} that this version of taut does not know; it knows {known}."
        )
    if not isinstance(values, Mapping):
        raise ParameterError(
            f"This recipe's {kind.name} must be an object of its parameters, and it is {values!r}."
        )
    parameters = _parameters(kind)
    for parameter in values:
        if parameter not in parameters:
            raise ParameterError(
                f"This recipe's {kind.name} has a parameter {parameter!r} that this version of taut does not "
                f"know; it knows {', '.join(parameters)}."
            )
    for parameter, field in parameters.items():
        if field.default is MISSING and parameter not in values:
            raise ParameterError(f"This recipe's {kind.name} lacks its parameter {parameter!r}: add it.")
    return kind(**values)


def _not_a_technique(thing: object) -> str:
    if isinstance(thing, type) and issubclass(thing, Technique):
        wrong = f"{thing.__name__} was given without its strength"
    elif isinstance(thing, (list, tuple)):
        wrong = f"a {type(thing).__name__} was given: put a * before it"
    elif isinstance(thing, Recipe):
        wrong = "another recipe was given: write *other.techniques"
    else:
        wrong = f"{thing!r} is not one of taut's"
    return f"A recipe takes techniques, as in Recipe(L2(0.001), EarlyStopping()), and {wrong}."
