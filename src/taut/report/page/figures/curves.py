"""The networks' losses by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from taut.report.page.figures.layout import Figure, kept_mark, layout_of, log_ticks
from taut.report.page.figures.lines import fold_lines, mean_line
from taut.report.schema import CurveFacts, Facts, Number
from taut.report.thinning import short, thinned


def curve_figures(facts: Facts) -> list[Figure]:
    """Draw each network's losses by epoch, all on one scale: folds thin, their mean thick."""
    curves = shown_curves(facts)
    means = [(mean_curve(c, "train_loss"), mean_curve(c, "validation_loss")) for c in curves]
    low, high, log = scale_of(curves, means)
    return [_curve(curve, *mean, facts, (low, high, log)) for curve, mean in zip(curves, means, strict=True)]


def shown_curves(facts: Facts) -> list[CurveFacts]:
    """The curves without the baseline that was chosen: its curves are those of the chosen recipe."""
    if not facts["curves"]:
        return []
    *before, last = facts["curves"]
    twin = None if facts["comparison"] is None else facts["comparison"]["chosen_is"]
    # Early stopping alone may have been chosen at another learning rate than the baseline's.
    return [*(curve for curve in before if curve["name"] != twin or curve["folds"] != last["folds"]), last]


def mean_curve(curve: CurveFacts, which: str) -> list[Number]:
    """Mean over the folds, by epoch, as far as all folds go; None where one has no number."""
    folds: list[list[Number]] = [fold[which] for fold in curve["folds"]]  # type: ignore[literal-required]
    means: list[Number] = []
    for values in zip(*folds, strict=False):
        known = [value for value in values if value is not None]
        means.append(sum(known) / len(known) if known and len(known) == len(values) else None)
    return means


def scale_of(
    curves: Sequence[CurveFacts], means: Sequence[tuple[list[Number], list[Number]]]
) -> tuple[float, float, bool]:
    """Give from where to where the losses go, and whether on a scale of log10."""
    train = [v for one, _ in means for v in one if v is not None]
    validation = [v for _, one in means for v in one if v is not None] or train
    if not validation:
        return 0.0, 1.0, False
    # The first epochs are far above all others: they would press what differs into a strip.
    late = [v for pair in means for one in pair for v in one[len(one) // 10 :] if v is not None]
    low, high = min(validation), max([min(validation), *late])
    if low > 0 and high > 8 * low:
        # A training loss that goes to nothing would leave no room for the rest.
        bottom = max(min([v for v in train if v > 0] or [low]), low / 20)
        return math.log10(min(bottom, low)) - 0.05, math.log10(max([*validation, *train])) + 0.05, True
    folds = [
        v
        for curve in curves
        for fold in curve["folds"]
        for v in fold["validation_loss"][len(fold["validation_loss"]) // 10 :]
        if v is not None
    ]
    second_half = [v for pair in means for one in pair for v in one[len(one) // 2 :] if v is not None]
    high = max([min(high, 3 * low), *second_half])
    high = max(high, min(max(folds, default=high), 1.4 * high))
    return 0.0, high * 1.1 or 1.0, False


def _curve(
    curve: CurveFacts,
    train: list[Number],
    validation: list[Number],
    facts: Facts,
    scale: tuple[float, float, bool],
) -> Figure:
    several = len(curve["folds"]) > 1
    data: list[Figure] = []
    for which, colour in (("train_loss", "@training"), ("validation_loss", "@validation")):
        if several:
            data.append(_folds(curve, which, colour))
    for name, values, colour, dash in (
        ("training", train, "@training", "dash"),
        ("validation", validation, "@validation", "solid"),
    ):
        if any(value is not None for value in values):
            at = thinned(len(values), curve["stop"])
            epochs, losses = [i + 1 for i in at], [short(values[i]) for i in at]
            data.append(mean_line(name, epochs, losses, colour, dash))
    low, high, log = scale
    layout = layout_of(facts["loss"], "epoch")
    layout["yaxis"] |= {"range": [low, high], "type": "log" if log else "linear"}
    if log:
        layout["yaxis"] |= log_ticks(low, high)
    length = max(len(fold["train_loss"]) for fold in curve["folds"])
    layout["xaxis"] |= {"range": [0, length * 1.02 + 1]}
    if curve["stop"]:
        layout |= kept_mark(curve["stop"], length)
    return {"data": data, "layout": layout}


def _folds(curve: CurveFacts, which: str, colour: str) -> Figure:
    lines = []
    for fold in curve["folds"]:
        values: list[Number] = fold[which]  # type: ignore[literal-required]
        at = thinned(len(values), curve["stop"])
        lines.append(([i + 1 for i in at], [short(values[i]) for i in at]))
    return fold_lines(lines, colour)
