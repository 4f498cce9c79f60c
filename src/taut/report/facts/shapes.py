"""What saved facts have to have beyond their types, so that no page breaks on them."""

from __future__ import annotations

import sys

from taut.report.schema import ExplorerTechnique, Facts, IntervalFacts, Number

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict


class EffectShown(TypedDict):
    """What a page shows of one technique's effect."""

    label: str
    loss: IntervalFacts


class EffectsShown(TypedDict):
    """What a page shows of :class:`taut.examine.Effects`; the rest is left as it is."""

    loss_name: str
    loss: IntervalFacts
    lines: list[EffectShown]


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
    explorer, path = facts["explorer"], facts["column_path"]
    if explorer is not None and not all(_explores(one) for one in explorer["techniques"]):
        return "the explorer"
    if path is not None and (
        len(path["names"]) != len(path["norms"])
        or any(len(norms) != len(path["strengths"]) for norms in path["norms"])
    ):
        return "the columns' path"
    importance = facts["importance"]
    intervals = [] if importance is None else [line["loss"] for line in importance["lines"]]
    if facts["effects"] is not None:
        intervals += [line["loss"] for line in facts["effects"]["lines"]]
    if facts["diagnosis"] is not None:
        intervals += [point["loss"] for point in facts["diagnosis"]["learning_curve"]["points"]]
    if any(one["value"] is None and (one["low"] is not None or one["high"] is not None) for one in intervals):
        return "an interval without a value"
    return ""


def _explores(technique: ExplorerTechnique) -> bool:
    """Whether places are in their lists, and lists as long as what they belong to."""
    points = technique["points"]
    return all(0 <= technique[name] < len(points) for name in ("best", "off")) and all(
        len(point["counts"]) in (0, max(0, len(technique["edges"]) - 1))
        and len(point["train"]) == len(point["validation"]) == len(point["epochs"])
        and all(
            len(fold[name]) == len(point["epochs"])
            for fold in point["folds"]
            for name in ("train_loss", "validation_loss")
        )
        for point in points
    )
