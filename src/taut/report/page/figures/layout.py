"""What the figures have in common: axes, short numbers, plain text.

A figure is a plain dictionary for plotly's script, ``data`` and ``layout``, and no Python of plotly's.
Colours are names that the page's script looks up in its style sheet, so that light, dark and print have their
own: ``@ink``, ``@grid``, ``@training``, ``@validation``, ``@accent``.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, TypeAlias

from taut.report.schema import IntervalFacts, Number
from taut.report.thinning import short

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


def log_ticks(low: float, high: float) -> Figure:
    """Ticks of an axis of logarithms, as whole numbers: plotly's own are a 5 and a 2 without their size.

    Parameters
    ----------
    low, high : float
        The axis' ends, as logarithms to base 10.
    """
    decades = range(math.floor(low), math.ceil(high) + 1)
    steps: tuple[int, ...] = (1, 2, 5) if high - low < 1.5 else (1, 3) if high - low < 2.5 else (1,)
    values = [step * 10.0**decade for decade in decades for step in steps]
    values = [value for value in values if value > 0 and low <= math.log10(value) <= high]
    text = [f"{value:,.0f}" if value >= 1 else f"{value:.6g}" for value in values]
    return {"tickmode": "array", "tickvals": values, "ticktext": text}


def kept_mark(epoch: int, length: int) -> Figure:
    """A dotted line at the epoch whose weights are kept, with its name: shapes and annotations."""
    line = {"color": "@accent", "width": 1.8, "dash": "dot"}
    return {
        "shapes": [
            {"type": "line", "x0": epoch, "x1": epoch, "y0": 0, "y1": 1, "yref": "paper", "line": line}
        ],
        "annotations": [
            {
                "x": epoch,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "xanchor": "right" if epoch > length / 2 else "left",
                "text": f"epoch {epoch} kept",
                "showarrow": False,
                "font": {"color": "@accent", "size": 12},
            }
        ],
    }


def error_bars(losses: Sequence[IntervalFacts], colour: str, thickness: float = 2, width: int = 5) -> Figure:
    """Bars from each figure to the ends of its interval; none where one has no interval."""

    def reach(high: str, low: str) -> list[Number]:
        ends: list[tuple[Number, Number]] = [(one[high], one[low]) for one in losses]  # type: ignore[literal-required]
        return [0 if a is None or b is None else short(a - b) for a, b in ends]

    return {
        "type": "data",
        "symmetric": False,
        "array": reach("high", "value"),
        "arrayminus": reach("value", "low"),
        "color": colour,
        "thickness": thickness,
        "width": width,
    }


def plain(text: str) -> str:
    """Text that plotly shows as it is: a name may hold what it takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(label: str, most: int) -> str:
    """A label of so many letters at most."""
    return label if len(label) <= most else f"{label[: most - 1]}…"


def broken(label: str) -> str:
    """A long label over several lines, so that a narrow page keeps room for the figure."""
    return "<br>".join(plain(part) for part in textwrap.wrap(label, 18) or [label])
