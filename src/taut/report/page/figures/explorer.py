"""The explorer's figures: one set for each technique, and what changes with its strength.

The page's script only puts the parts together; every number and every sentence is made here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from taut.report.page.figures.explorer_surface import plane_figure, surface_of
from taut.report.page.figures.layout import Figure, kept_mark, layout_of, log_ticks, plain
from taut.report.page.figures.lines import fold_lines, mean_line
from taut.report.page.words import score_told, share, told, with_error
from taut.report.schema import ExplorerPoint, ExplorerTechnique, Facts, Number
from taut.report.thinning import short

#: Names of the numbers that are told beside the slider, in their order.
NUMBERS = ("Validation loss", "Training loss", "Gap", "Score", "Epoch kept", "Zero weights")


def explorer_figures(facts: Facts) -> dict[str, Any]:
    """Give all that the explorer's script draws.

    Returns
    -------
    dict
        ``start`` names the technique that is shown first; ``plane`` is what all surfaces share;
        ``techniques`` has by name the layouts, the path's figure, the place that is shown first, and for each
        strength its traces, numbers and words.
    """
    explorer = facts["explorer"]
    assert explorer is not None
    techniques = {one["name"]: _technique(one, facts) for one in explorer["techniques"]}
    recipe = facts["recipe"]["techniques"]["techniques"]
    chosen = [name for name in recipe if name in techniques and name != "early_stopping"]
    grid = explorer["grid"]
    return {
        "start": chosen[0] if chosen else next(iter(techniques)),
        "plane": None if grid is None else plane_figure(grid, facts),
        "techniques": techniques,
    }


def _technique(one: ExplorerTechnique, facts: Facts) -> dict[str, Any]:
    points = one["points"]
    low, high, log = _loss_range(points)
    curves = layout_of(facts["loss"], "epoch")
    curves["yaxis"] |= {"range": [low, high], "type": "log" if log else "linear"}
    if log:
        curves["yaxis"] |= log_ticks(low, high)
    longest = max((point["epochs"][-1] for point in points if point["epochs"]), default=1)
    curves["xaxis"] |= {"range": [0, longest * 1.02 + 1]}
    weights = layout_of("share of weights", "weight")
    weights["xaxis"] |= {"range": [one["edges"][0], one["edges"][-1]]}
    weights |= {"barmode": "overlay", "bargap": 0, "showlegend": False}
    return {
        "labels": [point["label"] for point in points],
        "start": one["best"],
        "curves": curves,
        "weights": weights,
        "path": _path(one, facts),
        "points": [_point(one, place, facts) for place in range(len(points))],
    }


def _point(one: ExplorerTechnique, place: int, facts: Facts) -> dict[str, Any]:
    explorer = facts["explorer"]
    assert explorer is not None
    point, grid = one["points"][place], explorer["grid"]
    return {
        "said": said(one, place),
        "numbers": _numbers(point, facts),
        "at": [place, short(point["loss"])],
        "curves": _curves(point),
        "mark": _mark(point),
        "weights": _weights(point, one["edges"]) if point["counts"] else None,
        "weightsLayout": _weights_layout(point) if point["counts"] else None,
        "surface": None if grid is None else surface_of(point, grid, facts),
    }


def said(one: ExplorerTechnique, place: int) -> str:
    """Say what a strength did, in a sentence or two."""
    point = one["points"][place]
    name = one["title"].split(" (")[0]
    what = point["label"].capitalize() if one["axis"] == "epoch" else f"{name}: {point['label']}"
    text = f"{what}. Validation loss {with_error(point['loss'], point['standard_error'])}"
    loss = point["loss"]
    without = None if one["off"] is None else one["points"][one["off"]]["loss"]
    if place != one["off"] and loss is not None and without is not None and without > 0:
        change = (loss - without) / without
        where = "without early stopping" if one["axis"] == "epoch" else f"with {one['beside'] or 'nothing'}"
        where += " alone" if one["beside"] == "early stopping" else ""
        same = abs(change) < 0.0005
        size = f"{abs(100 * change):.1f} % {'above' if change > 0 else 'below'}"
        text += f", {'the same as' if same else size} that {where}"
        text += ", which may be chance" if point["within_chance"] and not same else ""
    if place == one["best"]:
        text += "; the lowest here"
        if place == len(one["points"]) - 1 and one["axis"] == "strength":
            text += ", and the strongest that was tried"
    note = f" {point['note'][0].upper()}{point['note'][1:]}." if point["note"] else ""
    return f"{text}.{note}"


def _numbers(point: ExplorerPoint, facts: Facts) -> list[str]:
    """In the order of ``NUMBERS``."""
    loss, train = point["loss"], point["train_loss"]
    gap = None if loss is None or train is None else loss - train
    return [
        with_error(loss, point["standard_error"]),
        told(train),
        told(gap),
        score_told(point["metric"], facts["metric"]),
        f"{point['epoch']}",
        share(point["zero_share"]),
    ]


def _loss_range(points: Sequence[ExplorerPoint]) -> tuple[float, float, bool]:
    """From where to where all strengths' curves go, so that moving the slider moves the curves alone."""
    # The first epochs are far above all others: they would press what differs into a strip.
    train, validation = (
        [v for point in points for v in _late(point["train" if one else "validation"]) if v is not None]
        for one in (True, False)
    )
    every = validation + train
    if not every:
        return 0.0, 1.0, False
    low, high = min(validation or every), max(every)
    # Nor may a few curves that rise out of sight flatten all the others.
    high = min(high, 8 * (sorted(every)[len(every) // 2] or high))
    if low > 0 and high > 6 * low:
        bottom = max(min([v for v in train if v > 0] or [low]), low / 10)
        return math.log10(min(bottom, low)) - 0.05, math.log10(high) + 0.05, True
    return 0.0, high * 1.1 or 1.0, False


def _late(values: list[Number]) -> list[Number]:
    return values[len(values) // 10 :]


def _curves(point: ExplorerPoint) -> list[Figure]:
    """As many traces for every strength, so that the script moves them."""
    epochs, folds = point["epochs"], point["folds"]
    return [
        fold_lines([(epochs, fold["train_loss"]) for fold in folds], "@training"),
        fold_lines([(epochs, fold["validation_loss"]) for fold in folds], "@validation"),
        mean_line("training", epochs, point["train"], "@training", "dash"),
        mean_line("validation", epochs, point["validation"], "@validation", "solid"),
    ]


def _mark(point: ExplorerPoint) -> Figure:
    if not point["epoch"] or not point["epochs"]:
        return {"shapes": [], "annotations": []}
    return kept_mark(point["epoch"], point["epochs"][-1])


def _weights(point: ExplorerPoint, edges: list[float]) -> list[Figure]:
    total = sum(point["counts"]) + point["n_zero"] or 1
    width = edges[1] - edges[0]
    return [
        {
            "type": "bar",
            "name": "weights",
            "x": [short(edge + width / 2) for edge in edges[:-1]],
            "y": [short(count / total) for count in point["counts"]],
            "width": width,
            "marker": {"color": "@validation", "line": {"width": 0}},
            "hovertemplate": "about %{x:.3g}: %{y:.2%} of the weights<extra></extra>",
        },
        {
            "type": "bar",
            "name": "exactly zero",
            "x": [0],
            "y": [short(point["n_zero"] / total)],
            "width": width * 0.6,
            "marker": {"color": "@accent", "line": {"width": 0}},
            "hovertemplate": "exactly zero: %{y:.2%} of the weights<extra></extra>",
        },
    ]


def _weights_layout(point: ExplorerPoint) -> Figure:
    """The height goes by the weights that are not zero: the zeros may be nearly all."""
    total = sum(point["counts"]) + point["n_zero"] or 1
    top = max(max(point["counts"]) / total * 1.2, 0.01)
    zeros = point["n_zero"] / total
    note = f"{share(zeros)} exactly zero" + (", more than is drawn" if zeros > top else "")
    return {
        "range": [0, short(min(top if any(point["counts"]) else 1.05, 1.05))],
        "annotations": [
            {
                "x": 0.99,
                "xref": "paper",
                "y": 1,
                "yref": "paper",
                "xanchor": "right",
                "yanchor": "bottom",
                "text": note,
                "showarrow": False,
                "font": {"color": "@accent", "size": 12},
            }
        ],
    }


def _path(one: ExplorerTechnique, facts: Facts) -> Figure:
    """The losses by strength, at the slider's places; the last trace is the one that is looked at."""
    points = one["points"]
    places = list(range(len(points)))
    name = plain(one["title"].split(" (")[0])
    axis = {"epoch": "epoch", "switch": name}.get(one["axis"], f"strength of {name}")
    layout = layout_of(facts["loss"], axis)
    labels = [_tick(one, place) for place in places]
    layout["xaxis"] |= {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [plain(label) for label in labels],
        "tickangle": -45 if sum(map(len, labels)) > 24 else 0,
        "range": [-0.5, len(points) - 0.5],
        "showgrid": False,
    }
    losses = [point["loss"] for point in points]
    errors = [point["standard_error"] or 0.0 for point in points]
    start = one["best"]
    off = None if one["off"] is None else points[one["off"]]["loss"]
    data: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "training",
            "x": places,
            "y": [short(point["train_loss"]) for point in points],
            "line": {"color": "@training", "width": 1.6, "dash": "dash"},
            "marker": {"symbol": "diamond-open", "size": 6, "color": "@training"},
            "hovertemplate": "training loss %{y:.4g}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "validation",
            "x": places,
            "y": [short(loss) for loss in losses],
            "error_y": {
                "type": "data",
                "array": [short(error) for error in errors],
                "color": "@validation",
                "thickness": 1.4,
                "width": 5,
            },
            "line": {"color": "@validation", "width": 2.2},
            # What was cut early is hollow: its loss is an estimate.
            "marker": {
                "symbol": ["circle-open" if point["note"] else "circle" for point in points],
                "size": 8,
                "color": "@validation",
            },
            "customdata": [_hover(point) for point in points],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    ]
    if off is not None:  # it may have diverged
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "off",
                "x": [-0.5, len(points) - 0.5],
                "y": [short(off), short(off)],
                "line": {"color": "@ink", "width": 1.2, "dash": "dot"},
                "hoverinfo": "skip",
            }
        )
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "looked at",
            "x": [start],
            "y": [short(losses[start])],
            "marker": {
                "symbol": "circle-open",
                "size": 17,
                "color": "@accent",
                "line": {"width": 2.6, "color": "@accent"},
            },
            "hoverinfo": "skip",
            "showlegend": False,
        }
    )
    layout["yaxis"] |= _path_range(points)
    return {"data": data, "layout": layout}


def _path_range(points: Sequence[ExplorerPoint]) -> Figure:
    known = [loss for point in points if (loss := point["loss"]) is not None]
    train = [loss for point in points if (loss := point["train_loss"]) is not None]
    if not known or min(known) <= 0 or max(known) <= 8 * min(known):
        return {"rangemode": "nonnegative"}
    low = max(min([*train, *known]), min(known) / 8) or min(known) / 8
    ends = (math.log10(low) - 0.05, math.log10(max(known)) + 0.1)
    return {"type": "log", "range": list(ends), **log_ticks(*ends)}


def _tick(one: ExplorerTechnique, place: int) -> str:
    point = one["points"][place]
    if one["axis"] != "epoch":
        return point["label"]
    return f"{point['epoch']}" if place != one["off"] else f"{point['epoch']} (off)"


def _hover(point: ExplorerPoint) -> str:
    loss = with_error(point["loss"], point["standard_error"])
    return f"<b>{plain(point['label'])}</b><br>validation loss {loss}"
