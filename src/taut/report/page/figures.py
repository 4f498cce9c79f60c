"""The figures as plain dictionaries for plotly's script: ``data`` and ``layout``, and no Python of plotly's.

Colours are names that the page's script looks up in its style sheet, so that light, dark and print have their
own: ``@ink``, ``@grid``, ``@training``, ``@validation``, ``@accent``.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, TypeAlias

from taut.report.page.words import seconds, told
from taut.report.schema import CandidateFacts, CurveFacts, Facts, Number

Figure: TypeAlias = dict[str, Any]

_MOST_POINTS = 400  # of one line
_HEIGHT = 340


def curve_figures(facts: Facts) -> list[Figure]:
    """Draw each network's losses by epoch, all on one scale: folds thin, their mean thick."""
    curves = shown_curves(facts)
    means = [(mean_curve(c, "train_loss"), mean_curve(c, "validation_loss")) for c in curves]
    low, high, log = _scale(curves, means)
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


def _scale(
    curves: Sequence[CurveFacts], means: Sequence[tuple[list[Number], list[Number]]]
) -> tuple[float, float, bool]:
    """From where to where the losses go, and whether equal factors are equal distances."""
    train = [v for one, _ in means for v in one if v is not None]
    validation = [v for _, one in means for v in one if v is not None] or train
    if not validation:
        return 0.0, 1.0, False
    low, high = min(validation), max([*validation, *train])
    folds = [
        v for curve in curves for fold in curve["folds"] for v in fold["validation_loss"] if v is not None
    ]
    high = max(high, min(max(folds, default=high), 1.4 * high))
    if low > 0 and high > 8 * low:
        # A training loss that goes to nothing would leave no room for the rest.
        bottom = max(min([v for v in train if v > 0] or [low]), low / 20)
        return math.log10(min(bottom, low)) - 0.05, math.log10(high) + 0.05, True
    return 0.0, high * 1.05 or 1.0, False


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
            at = _thinned(len(values), curve["stop"])
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": f"{name}, mean" if several else name,
                    "x": [i + 1 for i in at],
                    "y": [_short(values[i]) for i in at],
                    "line": {"color": colour, "width": 2.6, "dash": dash},
                    "hovertemplate": f"epoch %{{x}}<br>{name} loss %{{y:.4g}}<extra></extra>",
                }
            )
    low, high, log = scale
    layout = _layout(facts["loss"], "epoch")
    layout["yaxis"] |= {"range": [low, high], "type": "log" if log else "linear"}
    if log:
        layout["yaxis"] |= {"dtick": "D2"}
    length = max(len(fold["train_loss"]) for fold in curve["folds"])
    layout["xaxis"] |= {"range": [0, length * 1.02 + 1]}
    if curve["stop"]:
        _mark(layout, curve["stop"], length)
    return {"data": data, "layout": layout}


def _folds(curve: CurveFacts, which: str, colour: str) -> Figure:
    """All folds as one trace with gaps: few traces draw fast."""
    x: list[int | None] = []
    y: list[Number] = []
    for fold in curve["folds"]:
        values: list[Number] = fold[which]  # type: ignore[literal-required]
        at = _thinned(len(values), curve["stop"])
        x += [*(i + 1 for i in at), None]
        y += [*(_short(values[i]) for i in at), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": 0.8},
        "opacity": 0.45,
        "hoverinfo": "skip",
        "showlegend": False,
        "connectgaps": False,
    }


def _mark(layout: Figure, stop: int, length: int) -> None:
    """A dotted line at the epoch whose weights are kept."""
    layout["shapes"] = [
        {
            "type": "line",
            "x0": stop,
            "x1": stop,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": "@accent", "width": 1.8, "dash": "dot"},
        }
    ]
    left = stop > length / 2
    layout["annotations"] = [
        {
            "x": stop,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "xanchor": "right" if left else "left",
            "text": f"epoch {stop} kept",
            "showarrow": False,
            "font": {"color": "@accent", "size": 12},
        }
    ]


def search_figure(facts: Facts) -> Figure:
    """Draw every candidate's loss by the time that training had taken by then, and the lowest so far."""
    search = facts["search"]
    assert search is not None
    candidates = search["candidates"]
    spent = _spent(candidates)
    top = loss_ceiling(candidates)
    data: list[Figure] = []
    # Told apart by shape and filling, not by colour alone.
    looks: tuple[tuple[str, str, str, str, int], ...] = (
        ("dropped", "cut early", "x-thin-open", "@training", 7),
        ("cut off", "cut off by the end", "triangle-up-open", "@training", 9),
        ("complete", "all folds", "circle", "@validation", 8),
    )
    for state, name, symbol, colour, size in looks:
        chosen = [i for i, c in enumerate(candidates) if c["state"] == state and c["loss"] is not None]
        if chosen:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": [_short(spent[i]) for i in chosen],
                    "y": [_short(min(candidates[i]["loss"] or 0.0, top)) for i in chosen],
                    "customdata": [_told(i, candidates[i], facts) for i in chosen],
                    "hovertemplate": "%{customdata}<extra></extra>",
                    "marker": {
                        "symbol": [
                            "triangle-up" if (candidates[i]["loss"] or 0) > top else symbol for i in chosen
                        ],
                        "color": colour,
                        "size": size,
                        "line": {"width": 1.6, "color": colour} if "open" in symbol else {"width": 0},
                        "opacity": 0.9,
                    },
                }
            )
    data += _lowest(candidates, spent)
    best = candidates[search["chosen"]]
    if best["loss"] is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "chosen",
                "x": [_short(spent[search["chosen"]])],
                "y": [_short(min(best["loss"], top))],
                "customdata": [_told(search["chosen"], best, facts)],
                "hovertemplate": "%{customdata}<extra></extra>",
                "marker": {
                    "symbol": "circle-open",
                    "size": 17,
                    "color": "@accent",
                    "line": {"width": 2.6, "color": "@accent"},
                },
            }
        )
    layout = _layout(f"validation loss ({facts['loss']})", "training time so far (s)")
    known = [min(c["loss"], top) for c in candidates if c["loss"] is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    layout["yaxis"] |= {"range": [low - room, high + room]}
    layout["xaxis"] |= {"rangemode": "tozero"}
    return {"data": data, "layout": layout}


def loss_ceiling(candidates: Sequence[CandidateFacts]) -> float:
    """The highest loss that is drawn at its place; a few bad ones would flatten all the others."""
    losses = sorted(c["loss"] for c in candidates if c["loss"] is not None)
    if not losses:
        return 1.0
    best, middle = losses[0], losses[len(losses) // 2]
    return min(losses[-1], best + 4 * (middle - best)) if middle > best else losses[-1]


def _spent(candidates: Sequence[CandidateFacts]) -> list[float]:
    total, spent = 0.0, []
    for candidate in candidates:
        total += candidate["seconds"]
        spent.append(total)
    return spent


def _lowest(candidates: Sequence[CandidateFacts], spent: Sequence[float]) -> list[Figure]:
    """The lowest loss of those with all folds, as a staircase over time."""
    x: list[Number] = []
    y: list[Number] = []
    for candidate, time in zip(candidates, spent, strict=True):
        loss = candidate["loss"]
        if candidate["state"] == "complete" and loss is not None and (not y or loss < (y[-1] or 0.0)):
            x.append(_short(time))
            y.append(_short(loss))
    if not y:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "lowest so far",
            "x": [*x, _short(spent[-1])],
            "y": [*y, y[-1]],
            "line": {"color": "@accent", "width": 2, "shape": "hv", "dash": "dash"},
            "hoverinfo": "skip",
        }
    ]


def _told(place: int, candidate: CandidateFacts, facts: Facts) -> str:
    lines = [
        f"<b>{place + 1}: {plain(candidate['label'])}</b>",
        f"learning rate {candidate['learning_rate']:.3g}, widths {', '.join(map(str, candidate['hidden']))}",
        f"loss {told(candidate['loss'])}, {counted_folds(candidate)}, {seconds(candidate['seconds'])}",
    ]
    return "<br>".join(lines)


def counted_folds(candidate: CandidateFacts) -> str:
    """Such as "5 folds"."""
    return f"{candidate['n_folds']} fold{'' if candidate['n_folds'] == 1 else 's'}"


def effects_figure(facts: Facts) -> Figure:
    """Draw each technique's change of the loss with its interval; below 0 it helps."""
    effects = facts["effects"]
    assert effects is not None
    lines = [line for line in effects["lines"] if line["loss"]["value"] is not None]
    lines = lines[::-1]  # plotly draws from below
    value = [line["loss"]["value"] for line in lines]
    ends = [(line["loss"]["low"], line["loss"]["high"]) for line in lines]
    layout = _layout("", f"change of the {effects['loss_name']}; a minus lowers it")
    layout["yaxis"] |= {"automargin": True, "showgrid": False}
    layout["xaxis"] |= {"zeroline": True, "zerolinecolor": "@ink", "zerolinewidth": 1.4}
    layout |= {"height": 110 + 42 * max(1, len(lines)), "showlegend": False}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "x": [_short(one) for one in value],
                "y": [_broken(line["label"]) for line in lines],
                "marker": {"color": "@validation", "size": 11, "symbol": "diamond"},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [
                        0 if e[1] is None else _short(e[1] - v) for v, e in zip(value, ends, strict=True)
                    ],
                    "arrayminus": [
                        0 if e[0] is None else _short(v - e[0]) for v, e in zip(value, ends, strict=True)
                    ],
                    "color": "@validation",
                    "thickness": 2,
                    "width": 6,
                },
                "hovertemplate": "%{y}: %{x:.3g}<extra></extra>",
            }
        ],
        "layout": layout,
    }


def rows_figure(facts: Facts) -> Figure:
    """Draw the loss by the number of rows, from a diagnosis."""
    diagnosis = facts["diagnosis"]
    assert diagnosis is not None
    points = diagnosis["learning_curve"]["points"]
    x = [point["n_rows"] for point in points]
    loss = [point["loss"] for point in points]
    layout = _layout(facts["loss"], "rows that train")
    layout["xaxis"] |= {"type": "log", "tickmode": "array", "tickvals": x, "ticktext": [f"{n:,}" for n in x]}
    layout["yaxis"] |= {"rangemode": "tozero"}
    up = [0 if one["high"] is None else _short(one["high"] - one["value"]) for one in loss]
    down = [0 if one["low"] is None else _short(one["value"] - one["low"]) for one in loss]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "training",
                "x": x,
                "y": [_short(point["train_loss"]) for point in points],
                "line": {"color": "@training", "width": 2, "dash": "dash"},
                "hovertemplate": "%{x} rows<br>training loss %{y:.4g}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "on other rows",
                "x": x,
                "y": [_short(one["value"]) for one in loss],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": up,
                    "arrayminus": down,
                    "color": "@validation",
                    "thickness": 1.5,
                    "width": 5,
                },
                "line": {"color": "@validation", "width": 2.6},
                "hovertemplate": "%{x} rows<br>loss on others %{y:.4g}<extra></extra>",
            },
        ],
        "layout": layout,
    }


def plain(text: str) -> str:
    """Text that plotly shows as it is: a name may hold what it takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _broken(label: str) -> str:
    """A long label over several lines, so that a narrow page keeps room for the figure."""
    return "<br>".join(plain(part) for part in textwrap.wrap(label, 18) or [label])


def _layout(y: str, x: str) -> Figure:
    axis = {
        "gridcolor": "@grid",
        "linecolor": "@ink",
        "tickcolor": "@ink",
        "ticks": "outside",
        "zeroline": False,
        "automargin": True,
    }
    return {
        "height": _HEIGHT,
        "margin": {"l": 56, "r": 12, "t": 26, "b": 48},
        "font": {"color": "@ink", "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "legend": {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
        "xaxis": {**axis, "title": {"text": x, "standoff": 8}},
        "yaxis": {**axis, "title": {"text": y, "standoff": 6}},
    }


def _thinned(length: int, stop: int | None) -> list[int]:
    """Places of at most some hundred points, the stopping epoch among them."""
    step = max(1, -(-length // _MOST_POINTS))
    places = {*range(0, length, step), length - 1}
    if stop and stop <= length:
        places.add(stop - 1)
    return sorted(places) if length else []


def _short(value: Number) -> Number:
    """Five digits are as many as a figure shows."""
    return None if value is None else float(f"{value:.5g}")
