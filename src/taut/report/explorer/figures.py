"""The explorer's figures: one set for each technique, and what changes with its strength.

The page's script only puts the parts together; every number and every sentence is made here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from taut.report.curves import Scale, axes, known
from taut.report.explorer.plane import plane_figure, surface_of
from taut.report.explorer.words import said
from taut.report.figures import (
    RING,
    Figure,
    fold_lines,
    kept_mark,
    layout_of,
    log_ticks,
    mean_line,
    note,
    plain,
    short,
    trace,
)  # fmt: skip
from taut.report.schema import ExplorerPoint, ExplorerTechnique, Facts
from taut.report.words import scored, share, told, with_error

#: Names of the numbers that are told beside the slider, in their order.
NUMBERS = ("Validation loss", "Training loss", "Gap", "Score", "Epoch kept", "Zero weights")


def figures(facts: Facts) -> dict[str, Any] | None:
    """Give all that the explorer's script draws: what all surfaces share, and by technique what changes."""
    explorer = facts["explorer"]
    if explorer is None:
        return None
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
    longest = max((point["epochs"][-1] for point in points if point["epochs"]), default=1)
    weights = layout_of("share of weights", "weight")
    weights["xaxis"] |= {"range": [one["edges"][0], one["edges"][-1]]}
    weights |= {"barmode": "overlay", "bargap": 0, "showlegend": False}
    return {
        "labels": [point["label"] for point in points],
        "start": one["best"],
        "curves": axes(_scale(points), longest, facts),
        "weights": weights,
        "path": _path(one, facts),
        "points": [_point(one, place, facts) for place in range(len(points))],
    }


def _point(one: ExplorerTechnique, place: int, facts: Facts) -> dict[str, Any]:
    point, grid = one["points"][place], facts["explorer"] and facts["explorer"]["grid"]
    kept = point["epoch"] and point["epochs"]
    return {
        "said": said(one, place),
        "numbers": _numbers(point, facts),
        "at": [place, short(point["loss"])],
        "curves": _curves(point),
        "mark": kept_mark(point["epoch"], point["epochs"][-1]) if kept else {"shapes": [], "annotations": []},
        "weights": _weights(point, one["edges"]) if point["counts"] else None,
        "weightsLayout": _weights_layout(point) if point["counts"] else None,
        "surface": None if grid is None else surface_of(point, grid, facts),
    }


def _numbers(point: ExplorerPoint, facts: Facts) -> list[str]:
    """In the order of ``NUMBERS``."""
    loss, train = point["loss"], point["train_loss"]
    return [
        with_error(loss, point["standard_error"]),
        told(train),
        told(None if loss is None or train is None else loss - train),
        scored(point["metric"], facts["metric"]),
        f"{point['epoch']}",
        share(point["zero_share"]),
    ]


def _scale(points: Sequence[ExplorerPoint]) -> Scale:
    """From where to where all strengths' curves go, so that moving the slider moves the curves alone."""
    # The first epochs are far above all others: they would press what differs into a strip.
    train = known((point["train"] for point in points), 10)
    validation = known((point["validation"] for point in points), 10)
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


def _curves(point: ExplorerPoint) -> list[Figure]:
    """As many traces for every strength, so that the script moves them."""
    epochs, folds = point["epochs"], point["folds"]
    return [
        fold_lines([(epochs, fold["train_loss"]) for fold in folds], "@training"),
        fold_lines([(epochs, fold["validation_loss"]) for fold in folds], "@validation"),
        mean_line("training", epochs, point["train"], "@training", "dash"),
        mean_line("validation", epochs, point["validation"], "@validation", "solid"),
    ]


def _weights(point: ExplorerPoint, edges: list[float]) -> list[Figure]:
    total = sum(point["counts"]) + point["n_zero"] or 1
    width = edges[1] - edges[0]

    def bars(name: str, x: list[float], counts: list[int], width: float, colour: str, where: str) -> Figure:
        return {
            "type": "bar",
            "name": name,
            "x": [short(one) for one in x],
            "y": [short(count / total) for count in counts],
            "width": width,
            "marker": {"color": colour, "line": {"width": 0}},
            "hovertemplate": f"{where}: %{{y:.2%}} of the weights<extra></extra>",
        }

    middles = [edge + width / 2 for edge in edges[:-1]]
    return [
        bars("weights", middles, point["counts"], width, "@validation", "about %{x:.3g}"),
        bars("exactly zero", [0], [point["n_zero"]], width * 0.6, "@accent", "exactly zero"),
    ]


def _weights_layout(point: ExplorerPoint) -> Figure:
    """The height goes by the weights that are not zero: the zeros may be nearly all."""
    total = sum(point["counts"]) + point["n_zero"] or 1
    top = max(max(point["counts"]) / total * 1.2, 0.01)
    zeros = point["n_zero"] / total
    text = f"{share(zeros)} exactly zero" + (", more than is drawn" if zeros > top else "")
    height = short(min(top if any(point["counts"]) else 1.05, 1.05))
    return {"range": [0, height], "annotations": [note(text, x=0.99, xref="paper", xanchor="right")]}


def _path(one: ExplorerTechnique, facts: Facts) -> Figure:
    """The losses by strength, at the slider's places; the last trace is the one that is looked at."""
    points, start = one["points"], one["best"]
    places, ends = list(range(len(points))), [-0.5, len(points) - 0.5]
    losses = [short(point["loss"]) for point in points]
    off = None if one["off"] is None else losses[one["off"]]
    data = [
        trace(
            "lines+markers",
            places,
            [short(point["train_loss"]) for point in points],
            name="training",
            line={"color": "@training", "width": 1.6, "dash": "dash"},
            marker={"symbol": "diamond-open", "size": 6, "color": "@training"},
            hovertemplate="training loss %{y:.4g}<extra></extra>",
        ),
        trace(
            "lines+markers",
            places,
            losses,
            name="validation",
            error_y={
                "type": "data",
                "array": [short(point["standard_error"] or 0.0) for point in points],
                "color": "@validation",
                "thickness": 1.4,
                "width": 5,
            },
            line={"color": "@validation", "width": 2.2},
            # What was cut early is hollow: its loss is an estimate.
            marker={
                "symbol": ["circle-open" if point["note"] else "circle" for point in points],
                "size": 8,
                "color": "@validation",
            },
            customdata=[_hover(point) for point in points],
            hovertemplate="%{customdata}<extra></extra>",
        ),
    ]
    if off is not None:  # it may have diverged
        line = {"color": "@ink", "width": 1.2, "dash": "dot"}
        data.append(trace("lines", ends, [off, off], name="off", line=line, hoverinfo="skip"))
    data.append(
        trace(
            "markers", [start], [losses[start]], name="looked at", marker=RING, hoverinfo="skip",
            showlegend=False,
        )
    )  # fmt: skip
    return {"data": data, "layout": _path_layout(one, facts)}


def _path_layout(one: ExplorerTechnique, facts: Facts) -> Figure:
    points, name = one["points"], plain(one["title"].split(" (")[0])
    labels = [_tick(one, place) for place in range(len(points))]
    axis = {"epoch": "epoch", "switch": name}.get(one["axis"], f"strength of {name}")
    layout = layout_of(facts["loss"], axis)
    layout["xaxis"] |= {
        "tickmode": "array",
        "tickvals": list(range(len(points))),
        "ticktext": [plain(label) for label in labels],
        "tickangle": -45 if sum(map(len, labels)) > 24 else 0,
        "range": [-0.5, len(points) - 0.5],
        "showgrid": False,
    }
    losses = known([[point["loss"] for point in points]])
    if not losses or min(losses) <= 0 or max(losses) <= 8 * min(losses):
        layout["yaxis"] |= {"rangemode": "nonnegative"}
        return layout
    train = known([[point["train_loss"] for point in points]])
    bottom = max(min([*train, *losses]), min(losses) / 8) or min(losses) / 8
    low, high = math.log10(bottom) - 0.05, math.log10(max(losses)) + 0.1
    layout["yaxis"] |= {"type": "log", "range": [low, high], **log_ticks(low, high)}
    return layout


def _tick(one: ExplorerTechnique, place: int) -> str:
    point = one["points"][place]
    if one["axis"] != "epoch":
        return point["label"]
    return f"{point['epoch']}" if place != one["off"] else f"{point['epoch']} (off)"


def _hover(point: ExplorerPoint) -> str:
    loss = with_error(point["loss"], point["standard_error"])
    return f"<b>{plain(point['label'])}</b><br>validation loss {loss}"
