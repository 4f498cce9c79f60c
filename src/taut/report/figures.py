"""What the page's figures have in common: axes, lines, marks, short numbers, plain text.

A figure is a plain dictionary for plotly's script, ``data`` and ``layout``, and no Python of plotly's.
Colours are names that the page's script looks up in its style sheet, so that light, dark and print have
their own: ``@ink``, ``@grid``, ``@training``, ``@validation``, ``@accent``. Lines and marks are told apart by
shape, dash and filling too, not by colour alone.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from taut.report.schema import IntervalFacts, Number

Figure: TypeAlias = dict[str, Any]

_HEIGHT = 340


def layout_of(y: str, x: str) -> Figure:
    """Give the layout that all have, with the axes' names."""
    axis = {
        "gridcolor": "@grid",
        "linecolor": "@ink",
        "tickcolor": "@ink",
        "ticks": "outside",
        "zeroline": False,
        "automargin": True,
        "exponentformat": "power",
        "minexponent": 6,  # 10,000 and no 10k: as the page's sentences have it
        "separatethousands": True,
    }
    return {
        "height": _HEIGHT,
        "margin": {"l": 56, "r": 12, "t": 26, "b": 48},
        "font": {"color": "@ink", "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "legend": {"orientation": "h", "x": 0, "y": 0, "yanchor": "bottom", "yref": "container"},
        "xaxis": {**axis, "title": {"text": x, "standoff": 8}},
        "yaxis": {**axis, "title": {"text": y, "standoff": 6}},
    }


#: Of an axis of changes: the line where nothing changes.
ZERO_LINE = {"zeroline": True, "zerolinecolor": "@ink", "zerolinewidth": 1.4, "rangemode": "tozero"}

#: A marker around a point that others have drawn.
RING = {
    "symbol": "circle-open",
    "size": 17,
    "color": "@accent",
    "line": {"width": 2.6, "color": "@accent"},
}


def log_ticks(low: float, high: float) -> Figure:
    """Ticks of an axis between two logarithms, as numbers: plotly's are a 5 and a 2 without their size."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    steps: tuple[int, ...] = (1, 2, 5) if high - low < 1.5 else (1, 3) if high - low < 2.5 else (1,)
    values = [step * 10.0**decade for decade in decades for step in steps]
    values = [value for value in values if value > 0 and low <= math.log10(value) <= high]
    text = [f"{value:,.0f}" if value >= 1 else f"{value:.6g}" for value in values]
    return {"tickmode": "array", "tickvals": values, "ticktext": text}


def trace(mode: str, x: Sequence[Any], y: Sequence[Any], **more: Any) -> Figure:
    """Lines, markers, or both: ``more`` are plotly's attributes of a scatter trace."""
    return {"type": "scatter", "mode": mode, "x": list(x), "y": list(y), **more}


def fold_lines(folds: Iterable[tuple[Sequence[int], Sequence[Number]]], colour: str) -> Figure:
    """All folds, each as its epochs and losses, as one trace with gaps: few traces draw fast."""
    x: list[int | None] = []
    y: list[Number] = []
    for epochs, losses in folds:
        x += [*epochs, None]
        y += [*losses, None]
    look: Figure = {"line": {"color": colour, "width": 0.8}, "opacity": 0.45, "connectgaps": False}
    return trace("lines", x, y, hoverinfo="skip", showlegend=False, **look)


def mean_line(name: str, epochs: Sequence[int], losses: Sequence[Number], colour: str, dash: str) -> Figure:
    """The mean of the folds, or a single network."""
    hover = f"epoch %{{x}}<br>{name} loss %{{y:.4g}}<extra></extra>"
    line = {"color": colour, "width": 2.6, "dash": dash}
    return trace("lines", epochs, losses, name=name, line=line, hovertemplate=hover)


def kept_mark(epoch: int, length: int) -> Figure:
    """A dotted line at the epoch whose weights are kept, with its name: shapes and annotations."""
    line = {"color": "@accent", "width": 1.8, "dash": "dot"}
    shape = {"type": "line", "x0": epoch, "x1": epoch, "y0": 0, "y1": 1, "yref": "paper", "line": line}
    anchor = "right" if epoch > length / 2 else "left"
    return {"shapes": [shape], "annotations": [note(f"epoch {epoch} kept", x=epoch, xanchor=anchor)]}


def note(text: str, **where: Any) -> Figure:
    """A few words above the figure."""
    look = {"showarrow": False, "font": {"color": "@accent", "size": 12}}
    return {"text": text, "y": 1, "yref": "paper", "yanchor": "bottom", **look, **where}


def error_bars(losses: Sequence[IntervalFacts], colour: str, thickness: float = 2, width: int = 5) -> Figure:
    """Bars from each figure to the ends of its interval; none where one has no interval."""

    def reach(ends: Iterable[tuple[Number, Number]]) -> list[Number]:
        return [0 if high is None or low is None else short(high - low) for high, low in ends]

    return {
        "type": "data",
        "symmetric": False,
        "array": reach((one["high"], one["value"]) for one in losses),
        "arrayminus": reach((one["value"], one["low"]) for one in losses),
        "color": colour,
        "thickness": thickness,
        "width": width,
    }


def thinned(length: int, kept: int | None, most: int = 400) -> list[int]:
    """Give places of about ``most`` points of a line, both ends and the kept epoch (from 1) among them."""
    places = {*range(0, length, max(1, -(-length // most))), length - 1}
    if kept and kept <= length:
        places.add(kept - 1)
    return sorted(places) if length else []


def short(value: Number) -> Number:
    """Five digits are as many as a figure shows; None where there is no number."""
    return float(f"{value:.5g}") if value is not None and math.isfinite(value) else None


def plain(text: str) -> str:
    """Text that plotly shows as it is: a name may hold what it takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(label: str, most: int) -> str:
    """A label of so many letters at most."""
    return label if len(label) <= most else f"{label[: most - 1]}…"


def broken(label: str) -> str:
    """A long label over several lines, so that a narrow page keeps room for the figure."""
    return "<br>".join(plain(part) for part in textwrap.wrap(label, 18) or [label])
