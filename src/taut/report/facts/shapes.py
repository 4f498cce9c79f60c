"""What saved facts have to have beyond their types, so that no page breaks on them."""

from __future__ import annotations

import sys
from typing import get_args

from taut.errors import ParameterError
from taut.network import Activation
from taut.recipe import Recipe
from taut.report.facts.explorer_shapes import explores, is_column_path
from taut.report.schema import Facts, IntervalFacts, Number, SearchFacts

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict


class EffectShown(TypedDict):
    """What a page shows of one technique's effect."""

    label: str
    loss: IntervalFacts


class PairShown(TypedDict):
    """What a page shows of what two techniques do together."""

    labels: list[str]
    loss: IntervalFacts


class EffectsShown(TypedDict):
    """What a page shows of :class:`taut.examine.Effects`; the rest is left as it is."""

    loss_name: str
    start_loss: Number
    loss: IntervalFacts
    lines: list[EffectShown]
    interactions: list[PairShown]
    n_folds: int
    n_seeds: int


class SignShown(TypedDict):
    """What a page shows of a sign of a diagnosis."""

    severity: str
    text: str


class PointShown(TypedDict):
    """A point of the learning curve over rows."""

    n_rows: int
    loss: IntervalFacts
    train_loss: Number


class RowsShown(TypedDict):
    """The learning curve over rows."""

    points: list[PointShown]


class DiagnosisShown(TypedDict):
    """What a page shows of :class:`taut.examine.Diagnosis`."""

    sentence: str
    signs: list[SignShown]
    learning_curve: RowsShown


def odd(facts: Facts) -> str:
    """Name what has the right types and cannot be true; "" where there is nothing."""
    checks = (
        ("the recipe", _is_recipe(facts)),
        ("the comparison", facts["comparison"] is None or len(facts["comparison"]["lines"]) > 1),
        ("a learning curve", _have_curves(facts)),
        ("the search", facts["search"] is None or _is_search(facts["search"])),
        ("an interval without a value", all(map(_is_interval, _intervals(facts)))),
        ("the explorer", facts["explorer"] is None or explores(facts["explorer"], facts["data"]["classes"])),
        ("the columns' path", facts["column_path"] is None or is_column_path(facts["column_path"])),
        ("the versions", "taut" in facts["made"]["versions"]),
    )
    return next((name for name, fits in checks if not fits), "")


def _is_recipe(facts: Facts) -> bool:
    recipe = facts["recipe"]
    try:
        Recipe.from_json(recipe["techniques"])
    except ParameterError:
        return False
    return recipe["activation"] in get_args(Activation) and recipe["learning_rate"] > 0


def _have_curves(facts: Facts) -> bool:
    """Whether each has folds, and each of these as many losses of the one kind as of the other."""
    curves = facts["curves"]
    return (len(curves) > 0 or facts["comparison"] is not None) and all(
        curve["folds"]
        and (curve["stop"] is None or curve["stop"] >= 0)
        and all(len(fold["train_loss"]) == len(fold["validation_loss"]) for fold in curve["folds"])
        for curve in curves
    )


def _is_search(search: SearchFacts) -> bool:
    candidates = search["candidates"]
    return 0 <= search["chosen"] < len(candidates) and all(one["learning_rate"] > 0 for one in candidates)


def _intervals(facts: Facts) -> list[IntervalFacts]:
    importance, effects, diagnosis = facts["importance"], facts["effects"], facts["diagnosis"]
    found = [] if importance is None else [line["loss"] for line in importance["lines"]]
    if effects is not None:
        found += [one["loss"] for one in (effects, *effects["lines"], *effects["interactions"])]
    if diagnosis is not None:
        found += [point["loss"] for point in diagnosis["learning_curve"]["points"]]
    return found


def _is_interval(one: IntervalFacts) -> bool:
    return one["value"] is not None or one["low"] is one["high"] is None
