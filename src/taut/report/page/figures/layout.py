"""What the figures have in common: axes, short numbers, plain text.

A figure is a plain dictionary for plotly's script, ``data`` and ``layout``, and no Python of plotly's.
Colours are names that the page's script looks up in its style sheet, so that light, dark and print have their
own: ``@ink``, ``@grid``, ``@training``, ``@validation``, ``@accent``.
"""

from __future__ import annotations

import textwrap
from typing import Any, TypeAlias

from taut.report.schema import Number

Figure: TypeAlias = dict[str, Any]

_MOST_POINTS = 400  # of one line
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


def thinned(length: int, stop: int | None) -> list[int]:
    """Places of at most some hundred points, the stopping epoch among them."""
    step = max(1, -(-length // _MOST_POINTS))
    places = {*range(0, length, step), length - 1}
    if stop and stop <= length:
        places.add(stop - 1)
    return sorted(places) if length else []


def short(value: Number) -> Number:
    """Five digits are as many as a figure shows."""
    return None if value is None else float(f"{value:.5g}")


def plain(text: str) -> str:
    """Text that plotly shows as it is: a name may hold what it takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def broken(label: str) -> str:
    """A long label over several lines, so that a narrow page keeps room for the figure."""
    return "<br>".join(plain(part) for part in textwrap.wrap(label, 18) or [label])
