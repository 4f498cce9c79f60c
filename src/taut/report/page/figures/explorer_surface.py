"""What networks of two columns say over the plane: probabilities, classes or values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from taut.report.page.figures.layout import Figure, layout_of, plain
from taut.report.schema import ExplorerPoint, Facts, GridFacts

#: Told apart by shape as well as by colour; the last of each is that of all classes beyond the others.
_SYMBOLS = ("circle", "triangle-up", "square", "diamond", "cross", "star", "triangle-down", "x")
_LETTERS = "abcdefgh"
_MOST_CLASSES = len(_SYMBOLS)
_MOST_LETTERS = 24  # of a class's name


def plane_figure(grid: GridFacts, facts: Facts) -> dict[str, Any]:
    """Give what all strengths share: the axes, the rows of the table, and how a surface is drawn.

    Returns
    -------
    dict
        ``layout``; ``surface``, a trace that needs its ``z``; ``rows``, the traces above it.
    """
    layout = layout_of(plain(grid["names"][1]), plain(grid["names"][0]))
    for axis, values in (("xaxis", grid["x"]), ("yaxis", grid["y"])):
        layout[axis] |= {"range": [values[0], values[-1]], "showgrid": False}
    layout |= {"height": 420}
    classes = facts["data"]["classes"]
    shared = {"x": grid["x"], "y": grid["y"], "hoverinfo": "skip"}
    if classes is None:
        look, rows = _values(grid), [_rows_by_value(grid)]
    elif len(classes) == 2:
        look, rows = _two(classes), _rows_by_class(grid, classes)
    else:
        look, rows = _many(min(len(classes), _MOST_CLASSES)), _rows_by_class(grid, classes)
    return {"layout": layout, "surface": {**shared, **look}, "rows": rows}


def surface_of(point: ExplorerPoint, grid: GridFacts, facts: Facts) -> list[list[float]] | None:
    """Give a strength's ``z``; of many classes, those that are not named share a number."""
    surface, classes = point["surface"], facts["data"]["classes"]
    if surface is None or classes is None or len(classes) <= _MOST_CLASSES:
        return surface
    slots = _slots(grid, classes)
    return [[float(slots.get(int(code), _MOST_CLASSES - 1)) for code in row] for row in surface]


def _slots(grid: GridFacts, classes: list[str]) -> dict[int, int]:
    """Which shade and mark a class has, by its number; where there are too many, only the most frequent."""
    if len(classes) <= _MOST_CLASSES:
        return {code: code for code in range(len(classes))}
    frequent = Counter(int(code) for code in grid["targets"]).most_common(_MOST_CLASSES - 1)
    return {code: slot for slot, code in enumerate(sorted(code for code, _ in frequent))}


def _two(classes: list[str]) -> Figure:
    """The probability of the second class, in steps of a tenth."""
    return {
        "type": "contour",
        "zmin": 0,
        "zmax": 1,
        "contours": {"start": 0.1, "end": 0.9, "size": 0.1, "coloring": "heatmap"},
        "line": {"color": "@ink", "width": 0.7},
        "colorscale": [[0, "@low"], [0.5, "@middle"], [1, "@high"]],
        "colorbar": {
            "title": {"text": f"probability of {_named(classes[1])}", "side": "right"},
            "thickness": 12,
            "outlinewidth": 0,
            "tickvals": [0, 0.5, 1],
        },
    }


def _many(n: int) -> Figure:
    """The likeliest class."""
    scale: list[list[float | str]] = []
    for i in range(n):
        shade = f"@area{_LETTERS[i]}"
        scale += [[max(0.0, (i - 0.5) / (n - 1)), shade], [min(1.0, (i + 0.5) / (n - 1)), shade]]
    return {"type": "heatmap", "zmin": 0, "zmax": n - 1, "colorscale": scale, "showscale": False}


def _values(grid: GridFacts) -> Figure:
    return {
        "type": "contour",
        "zmin": min(grid["targets"]),
        "zmax": max(grid["targets"]),
        "contours": {"coloring": "heatmap"},
        "line": {"color": "@ink", "width": 0.5},
        "colorscale": [[0, "@low"], [0.5, "@middle"], [1, "@high"]],
        "colorbar": {"title": {"text": "predicted", "side": "right"}, "thickness": 12, "outlinewidth": 0},
    }


def _rows_by_class(grid: GridFacts, classes: list[str]) -> list[Figure]:
    slots = _slots(grid, classes)
    names = {slot: _named(classes[code]) for code, slot in slots.items()}
    if len(slots) < len(classes):
        names[_MOST_CLASSES - 1] = f"{len(classes) - len(slots):,} other classes"
    traces: list[Figure] = []
    for slot, name in sorted(names.items()):
        rows = [
            row
            for row, code in zip(grid["rows"], grid["targets"], strict=True)
            if slots.get(int(code), _MOST_CLASSES - 1) == slot
        ]
        if rows:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": [row[0] for row in rows],
                    "y": [row[1] for row in rows],
                    "marker": {
                        "symbol": _SYMBOLS[slot],
                        "size": 7,
                        "color": f"@dot{_LETTERS[slot]}",
                        "line": {"color": "@ink", "width": 0.8},
                    },
                    # A name within the template might be taken for a part of it.
                    "customdata": [name] * len(rows),
                    "hovertemplate": "%{customdata}<extra></extra>",
                }
            )
    return traces


def _rows_by_value(grid: GridFacts) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "rows of the table",
        "x": [row[0] for row in grid["rows"]],
        "y": [row[1] for row in grid["rows"]],
        "marker": {
            "size": 7,
            "color": grid["targets"],
            "cmin": min(grid["targets"]),
            "cmax": max(grid["targets"]),
            "colorscale": [[0, "@low"], [0.5, "@middle"], [1, "@high"]],
            "line": {"color": "@ink", "width": 0.8},
        },
        "customdata": [f"{value:.5g}" for value in grid["targets"]],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _named(name: str) -> str:
    """A class's name, shortened before it is escaped: half an entity would be shown as it is."""
    return plain(name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…")
