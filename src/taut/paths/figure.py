"""A path as a plotly figure, in the form that cv.glmnet made familiar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from taut.paths.columns import holding_out
from taut.paths.result import PathPoint, RegularizationPath
from taut.paths.words import name_of, off_name, title
from taut.wording import number, scored

#: Columns that the legend names; the others are drawn thin, and named on hover.
MOST_NAMED = 12

# Readable on white and on black, and distinct in greyscale by lightness, width and dash.
INK, GRID = "#7a7a7a", "rgba(128,128,128,0.22)"
VALIDATION, TRAINING, OTHERS = "#2f7fc1", "#9a9a9a", "rgba(128,128,128,0.45)"
# Three shades, dark to light, and four dashes: twelve distinct lines.
_SHADES, _DASHES = ("#2468a8", "#c8741f", "#56ad88"), ("solid", "dash", "dot", "dashdot")
_MOST_TICKS = 9


def figure(path: RegularizationPath) -> go.Figure:
    """Draw a path; see :meth:`RegularizationPath.plot`."""
    drawn = go.Figure()
    if path.axis == "switch":
        _switch(drawn, path)
    else:
        _curve(drawn, path)
    with_columns = path.technique.makes_zeros and path.axis == "strength" and bool(path.column_names)
    if with_columns:
        _columns(drawn, path)
    _layout(drawn, path, with_columns)
    return drawn


def on_axis(path: RegularizationPath) -> list[int]:
    """The points on the axis: off is not on it if the axis is a strength."""
    return [i for i in range(len(path.points)) if path.axis == "epoch" or i != path.off_index]


def is_log(path: RegularizationPath) -> bool:
    """Whether the axis is logarithmic: that of epochs is, since a network learns most in its first ones."""
    return path.axis == "epoch" or path.technique.search_range.scale == "log"


def ticks(path: RegularizationPath) -> list[int]:
    """Indices of some points, evenly spread over the axis, at which the number of weights is shown."""
    scored = [i for i in on_axis(path) if not path.points[i].failed]
    if len(scored) <= _MOST_TICKS:
        return scored
    at = np.array([position(path, path.points[i].strength) for i in scored])
    wanted = np.linspace(at[0], at[-1], _MOST_TICKS)
    return sorted({scored[int(np.argmin(np.abs(at - one)))] for one in wanted})


def position(path: RegularizationPath, strength: float) -> float:
    """The position of a strength on the axis, in the axis's own units."""
    return math.log10(strength) if is_log(path) else strength


def _curve(drawn: go.Figure, path: RegularizationPath) -> None:
    points = [path.points[i] for i in on_axis(path)]
    x = [point.strength for point in points]
    _off_line(drawn, path)
    drawn.add_scatter(
        x=x,
        y=[point.train_loss for point in points],
        name="training loss",
        mode="lines",
        line={"color": TRAINING, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )
    drawn.add_scatter(
        x=x,
        y=[point.validation_loss for point in points],
        error_y={
            "type": "data",
            "array": _heights(points),
            "thickness": 1,
            "width": 2,
            "color": VALIDATION,
        },
        name="validation loss",
        mode="lines+markers",
        line={"color": VALIDATION, "width": 2},
        marker={"color": VALIDATION, "size": 5},
        customdata=[_hover(path, point) for point in points],
        hovertemplate="%{customdata}<extra></extra>",
    )
    # A second axis above the first one needs a trace of its own to be drawn.
    drawn.add_scatter(x=x, y=[None] * len(x), xaxis="x2", showlegend=False, hoverinfo="skip", mode="lines")
    _marks(drawn, path)


def _off_line(drawn: go.Figure, path: RegularizationPath) -> None:
    """Off as a horizontal line; a trace and not a shape, so that the legend names it."""
    off = path.off
    if off.failed or path.axis == "epoch":
        return
    ends = [path.points[on_axis(path)[0]].strength, path.points[on_axis(path)[-1]].strength]
    drawn.add_scatter(
        x=ends,
        y=[off.validation_loss] * 2,
        name=off_name(path),
        mode="lines",
        line={"color": INK, "width": 1.5, "dash": "longdashdot"},
        hovertemplate=f"{_hover(path, off)}<extra></extra>",
    )


def _marks(drawn: go.Figure, path: RegularizationPath) -> None:
    """Two dotted lines, the best and the one-SE strength, with their names."""
    marked: list[tuple[PathPoint, str]] = [(path.best, "best")]
    if path.one_se is path.best:
        marked = [(path.best, "best, one SE")]
    else:
        marked.append((path.one_se, "one SE"))
    order = sorted(marked, key=lambda mark: mark[0].strength)
    for place, (point, name) in enumerate(order):
        if point is path.off and path.axis != "epoch":
            continue  # off has no place on this axis; its line is there
        at = position(path, point.strength)
        drawn.add_shape(
            type="line",
            x0=point.strength,
            x1=point.strength,
            y0=0,
            y1=1,
            xref="x",
            yref="paper" if path.technique.makes_zeros else "y domain",
            line={"color": INK, "width": 1.2, "dash": "dot"},
        )
        drawn.add_annotation(
            x=at,
            y=1,
            xref="x",
            yref="y domain",
            text=f"{name} {point.strength:.3g}",
            showarrow=False,
            xanchor="right" if place == 0 and len(order) > 1 else "left",
            yanchor="top",
            xshift=-3 if place == 0 and len(order) > 1 else 3,
        )


def _switch(drawn: go.Figure, path: RegularizationPath) -> None:
    names = ["off" if point is path.off else "on" for point in path.points]
    drawn.add_scatter(
        x=names,
        y=[point.train_loss for point in path.points],
        name="training loss",
        mode="markers",
        marker={"color": TRAINING, "size": 9, "symbol": "diamond-open"},
        hoverinfo="skip",
    )
    drawn.add_scatter(
        x=names,
        y=[point.validation_loss for point in path.points],
        error_y={"type": "data", "array": _heights(path.points), "thickness": 1.5, "width": 6},
        name="validation loss",
        mode="markers",
        marker={"color": VALIDATION, "size": 10},
        customdata=[_hover(path, point) for point in path.points],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _columns(drawn: go.Figure, path: RegularizationPath) -> None:
    """The columns' weights in a second panel; the legend names those that last longest."""
    places = on_axis(path)
    x = [path.points[i].strength for i in places]
    order = holding_out(path)
    named, others = order[:MOST_NAMED], order[MOST_NAMED:]
    for column in reversed(others):
        _column(drawn, path, x, path.column_norms[places, column], column, (OTHERS, "solid"), 0.8, False)
    for rank, column in enumerate(named):
        line = (_SHADES[rank % len(_SHADES)], _DASHES[rank % len(_DASHES)])
        _column(drawn, path, x, path.column_norms[places, column], column, line, 1.8, True)


def _column(
    drawn: go.Figure,
    path: RegularizationPath,
    x: Sequence[float],
    y: Any,
    column: int,
    line: tuple[str, str],
    width: float,
    named: bool,
) -> None:
    name = _plain(path.column_names[column])
    drawn.add_scatter(
        x=x,
        y=y,
        xaxis="x3",
        yaxis="y2",
        name=name,
        mode="lines",
        line={"color": line[0], "dash": line[1], "width": width},
        legend="legend2",
        showlegend=named,
        hovertemplate=f"{name}: %{{y:.3g}} at %{{x:.3g}}<extra></extra>",
    )


def _layout(drawn: go.Figure, path: RegularizationPath, with_columns: bool) -> None:
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": INK, "tickcolor": INK, "ticks": "outside"}
    drawn.update_layout(
        title={
            "text": _plain(_broken(title(path))),
            "x": 0.01,
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 16},
            "font": {"size": 15},
        },
        font={"color": INK, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        height=760 if with_columns else 480,
        margin={"l": 70, "r": 30, "t": 80 if path.axis == "switch" else 120, "b": 60},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": INK, "activecolor": VALIDATION},
        legend={"x": 1.01, "y": 1, "xanchor": "left", "yanchor": "top"},
        yaxis={
            **axis,
            "title": path.objective.loss_title,
            "domain": [0.46, 1] if with_columns else [0, 1],
        },
    )
    if path.axis == "switch":
        drawn.update_layout(xaxis={**axis, "title": path.technique.page.title, "range": [-0.6, 1.6]})
        return
    name = "epoch" if path.axis == "epoch" else f"strength of {name_of(path)}"
    along = {**axis, "type": "log" if is_log(path) else "linear", "range": _span(path)}
    if is_log(path):
        along |= {"dtick": 1, "minor": {"ticks": "outside", "ticklen": 3, "dtick": "D1", "tickcolor": INK}}
    at, above = ticks(path), "weights that are not zero"
    counts = {round(path.points[i].n_nonzero) for i in at}
    if len(counts) == 1:  # the same at every tick: once is enough
        at, above = [], f"{above}: {counts.pop():,}"
    drawn.update_layout(
        xaxis={**along, "title": "" if with_columns else name, "showticklabels": not with_columns},
        xaxis2={
            **axis,
            "type": along["type"],
            "range": along["range"],
            "overlaying": "x",
            "matches": "x",
            "side": "top",
            "showgrid": False,
            "title": {"text": above, "font": {"size": 11}},
            "tickmode": "array",
            "tickvals": [path.points[i].strength for i in at],
            "ticktext": [f"{path.points[i].n_nonzero:,.0f}" for i in at],
            "tickfont": {"size": 10},
        },
    )
    if with_columns:
        drawn.update_layout(
            xaxis3={**along, "title": name, "anchor": "y2", "matches": "x"},
            yaxis2={**axis, "title": "weights of a column (norm)", "domain": [0, 0.4], "rangemode": "tozero"},
            legend2={
                "x": 1.01, "y": 0.4, "xanchor": "left", "yanchor": "top",
                "title": {"text": "columns that last longest"},
            },
        )  # fmt: skip


def _span(path: RegularizationPath) -> list[float]:
    """The axis from end to end, with a little room."""
    at = [position(path, path.points[i].strength) for i in on_axis(path)]
    room = 0.03 * (at[-1] - at[0]) or 0.5
    return [at[0] - room, at[-1] + room]


def _heights(points: Sequence[PathPoint]) -> list[float]:
    return [0.0 if math.isnan(point.validation_loss_se) else point.validation_loss_se for point in points]


def _hover(path: RegularizationPath, point: PathPoint) -> str:
    """The text shown when hovering over a point."""
    what = off_name(path) if point is path.off else f"{point.strength:.4g}"
    if path.axis == "epoch":
        what = f"epoch {point.strength:.0f}"
    lines = [
        f"<b>{_plain(what)}</b>",
        f"validation loss {number(point.validation_loss)} ± {number(point.validation_loss_se)}",
        f"training loss {number(point.train_loss)}, gap {number(point.gap)}",
        f"{path.score_name} {scored(point.score, path.score_name)}",
        f"weight norm {point.weight_norm:.3g}, {point.n_nonzero:,.0f} not zero",
    ]
    if path.axis != "epoch":
        lines.append(f"epoch kept {point.epochs}")
    return "<br>".join(lines)


def _broken(sentence: str) -> str:
    """A long title over two lines."""
    head, comma, tail = sentence.partition(", and ")
    return f"{head},<br>and {tail}" if comma else sentence


def _plain(text: str) -> str:
    """Escape text for plotly: a name may contain what it would read as markup."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("&lt;br&gt;", "<br>")
