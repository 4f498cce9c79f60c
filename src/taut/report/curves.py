"""The learning curves: the losses of the networks by epoch, before and after."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, cast

from taut.report.comparison import CHOSEN, baselines
from taut.report.figures import Figure, fold_lines, kept_mark, layout_of, log_ticks, mean_line, short, thinned
from taut.report.reported import History, Reported
from taut.report.schema import CurveFacts, CurveName, Facts, FoldFacts, Number
from taut.report.words import told

Which: TypeAlias = Literal["train_loss", "validation_loss"]
#: From where to where the losses go, as they stand on the axis, and whether that is one of log10.
Scale: TypeAlias = tuple[float, float, bool]

_TITLES: dict[CurveName, str] = {
    "none": "Before: {}",
    "early_stopping": "Early stopping alone",
    "chosen": "After: {}",
    "single": "{}",
}


def facts(result: Reported) -> list[CurveFacts]:
    """No regularization, early stopping alone, the chosen recipe; or the one network's."""
    search = result.search
    if search is None:
        label, folds = result.label_of(result.recipe), result.histories["single"]
        return [{"name": "single", "label": label, "stop": result.best_epoch, "folds": [*map(_fold, folds)]}]
    scores = {**search.baselines, "chosen": search.best}
    labels = cast(dict[CurveName, str], {**baselines(result), "chosen": CHOSEN})
    return [
        {
            "name": name,
            "label": label,
            "stop": (score.epoch or None) if (score := scores.get(name)) else None,
            "folds": [*map(_fold, result.histories[name])],
        }
        for name, label in labels.items()
        if result.histories.get(name)
    ]


def _fold(history: History) -> FoldFacts:
    return {
        "train_loss": history["train_loss"].tolist(),
        "validation_loss": history["validation_loss"].tolist(),
    }


def shown(facts: Facts) -> list[CurveFacts]:
    """The curves without the baseline that was chosen: its curves are those of the chosen recipe."""
    if not facts["curves"]:
        return []
    *before, last = facts["curves"]
    twin = None if facts["comparison"] is None else facts["comparison"]["chosen_is"]
    # Early stopping alone may have been chosen at another learning rate than the baseline's.
    return [*(curve for curve in before if curve["name"] != twin or curve["folds"] != last["folds"]), last]


def title(curve: CurveFacts, facts: Facts) -> str:
    """Name a network's curves."""
    name = curve["label"] if curve["name"] == "none" else facts["recipe"]["label"]
    return _TITLES[curve["name"]].format(name)


# --- the figures --------------------------------------------------------------------------------------------


def figures(facts: Facts) -> list[Figure]:
    """Draw each network's losses by epoch, all on one scale: folds thin, their mean thick."""
    curves = shown(facts)
    scale = scale_of(curves)
    return [_figure(curve, facts, scale) for curve in curves]


def mean_curve(curve: CurveFacts, which: Which) -> list[Number]:
    """Mean over the folds, by epoch, as far as all folds go; None where one has no number."""
    epochs = zip(*(fold[which] for fold in curve["folds"]), strict=False)
    return [sum(v) / len(v) if len(v := known([losses])) == len(losses) else None for losses in epochs]


def scale_of(curves: Sequence[CurveFacts]) -> Scale:
    """Give a scale for all of these."""
    train = [mean_curve(curve, "train_loss") for curve in curves]
    validation = [mean_curve(curve, "validation_loss") for curve in curves]
    trained, validated = known(train), known(validation) or known(train)
    if not validated:
        return 0.0, 1.0, False
    # The first epochs are far above all others: they would press what differs into a strip.
    low, high = min(validated), max([min(validated), *known(train + validation, 10)])
    if low > 0 and high > 8 * low:
        # A training loss that goes to nothing would leave no room for the rest.
        bottom = max(min([v for v in trained if v > 0] or [low]), low / 20)
        return math.log10(min(bottom, low)) - 0.05, math.log10(max([*validated, *trained])) + 0.05, True
    folds = known((fold["validation_loss"] for curve in curves for fold in curve["folds"]), 10)
    high = max([min(high, 3 * low), *known(train + validation, 2)])
    high = max(high, min(max(folds, default=high), 1.4 * high))
    return 0.0, high * 1.1 or 1.0, False


def known(curves: Iterable[Sequence[Number]], part: int = 0) -> list[float]:
    """Give the numbers of curves, without the first epochs: one ``part``-th of them."""
    late = (curve[len(curve) // part if part else 0 :] for curve in curves)
    return [value for curve in late for value in curve if value is not None]


def axes(scale: Scale, length: int, facts: Facts) -> Figure:
    """Give the layout of losses by epoch."""
    low, high, log = scale
    layout = layout_of(facts["loss"], "epoch")
    layout["yaxis"] |= {"range": [low, high], "type": "log" if log else "linear"}
    layout["yaxis"] |= log_ticks(low, high) if log else {}
    layout["xaxis"] |= {"range": [0, length * 1.02 + 1]}
    return layout


def _figure(curve: CurveFacts, facts: Facts, scale: Scale) -> Figure:
    data, means = [], []
    looks: tuple[tuple[Which, str, str, str], ...] = (
        ("train_loss", "training", "@training", "dash"),
        ("validation_loss", "validation", "@validation", "solid"),
    )
    for which, name, colour, dash in looks:
        if len(curve["folds"]) > 1:
            data.append(fold_lines([_points(fold[which], curve) for fold in curve["folds"]], colour))
        mean = mean_curve(curve, which)
        if known([mean]):
            means.append(mean_line(name, *_points(mean, curve), colour, dash))
    length = max(len(fold["train_loss"]) for fold in curve["folds"])
    mark = kept_mark(curve["stop"], length) if curve["stop"] else {}
    return {"data": [*data, *means], "layout": axes(scale, length, facts) | mark}


def _points(losses: list[Number], curve: CurveFacts) -> tuple[list[int], list[Number]]:
    at = thinned(len(losses), curve["stop"])
    return [i + 1 for i in at], [short(losses[i]) for i in at]


# --- in words -----------------------------------------------------------------------------------------------


def at_stop(curve: CurveFacts) -> tuple[Number, Number]:
    """Training and validation loss at the epoch that was kept, mean over the folds that have it."""
    return at_epoch(curve, curve["stop"] or 1)


def at_epoch(curve: CurveFacts, epoch: int) -> tuple[Number, Number]:
    """Training and validation loss at an epoch, mean over the folds that have it."""
    reached = [fold for fold in curve["folds"] if len(fold["train_loss"]) >= epoch]
    train = known([[fold["train_loss"][epoch - 1] for fold in reached]])
    validation = known([[fold["validation_loss"][epoch - 1] for fold in reached]])
    return _mean(train), _mean(validation)


def _mean(values: list[float]) -> Number:
    return sum(values) / len(values) if values else None


def of_curve(curve: CurveFacts) -> str:
    """Say in one sentence what to see in a network's curves."""
    stop, length = curve["stop"], max(len(fold["train_loss"]) for fold in curve["folds"])
    train, validation = at_stop(curve)
    if validation is None:
        return f"The training loss ends at {told(train)}; no rows were held out to compare it with."
    kept = f"Epoch {stop} is kept" if stop != length else f"The last epoch, {length}, is kept"
    end = "the two lines stay close together"
    if train is not None and validation > 1.5 * train:
        end = "the room between the two lines is what the network knows by heart"
    elif train is not None and validation > 1.15 * train:
        end = "some of what the network learned holds for its own rows only"
    return f"{kept}: validation loss {told(validation)}, training loss {told(train)}; {end}."


def rows(curve: CurveFacts) -> list[tuple[int, bool, Number, Number]]:
    """Give some epochs for the table, whether each is the one that is kept, and the two losses there."""
    length = min(len(fold["train_loss"]) for fold in curve["folds"])
    stop = curve["stop"] or length
    epochs = sorted({1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, stop, length} & {*range(1, length + 1)})
    return [(epoch, epoch == stop, *at_epoch(curve, epoch)) for epoch in epochs]
