"""What networks of two columns say over the plane: probabilities, classes or values."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.paths.plane import Plane
from taut.report.figures import Figure, cut, layout_of, plain, trace
from taut.report.schema import ExplorerPoint, Facts, GridFacts

#: Told apart by shape as well as by colour; the last of each is that of all classes beyond the others.
_SYMBOLS = ("circle", "triangle-up", "square", "diamond", "cross", "star", "triangle-down", "x")
_LETTERS = "abcdefgh"
_MOST_CLASSES = len(_SYMBOLS)
_MOST_LETTERS = 24  # of a class's name
_SHADES = [[0, "@low"], [0.5, "@middle"], [1, "@high"]]


def grid_facts(plane: Plane) -> GridFacts:
    """Give where the networks are looked at, and the rows that are shown."""
    x, y = _rounded(plane.x, plane.x), _rounded(plane.y, plane.y)
    columns = [_rounded(plane.rows[:, i], axis) for i, axis in enumerate((plane.x, plane.y))]
    return {
        "names": list(plane.names),
        "x": x,
        "y": y,
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "targets": _rounded(plane.targets, plane.targets),
    }


def surface_facts(said: NDArray[np.float64] | None, plane: Plane) -> list[list[float]] | None:
    """Give what a strength's networks say (a value, or each class's share), a row for each value of y."""
    if said is None:
        return None
    if said.shape[1] == 1:
        flat = _rounded(said[:, 0], np.concatenate([said[:, 0], plane.targets]))
    elif said.shape[1] == 2:
        flat = said[:, 1].round(3).tolist()
    else:
        flat = said.argmax(axis=1).astype(np.float64).tolist()
    side = len(plane.x)
    return [flat[i * side : (i + 1) * side] for i in range(len(plane.y))]


def _rounded(values: NDArray[np.float64], over: NDArray[np.float64]) -> list[float]:
    """To a ten thousandth of what these span: digits that are all alike say nothing, and others are kept."""
    span = float(np.max(over) - np.min(over)) if len(over) else 0.0
    if not (math.isfinite(span) and span > 0):
        return [float(value) for value in values]
    decimals = 4 - math.floor(math.log10(span))
    return [round(float(value), decimals) for value in values]


# --- the figure ---------------------------------------------------------------------------------------------


def plane_figure(grid: GridFacts, facts: Facts) -> dict[str, Any]:
    """Give what all strengths share: the axes, a trace that needs its ``z``, and the table's rows."""
    layout = layout_of(plain(grid["names"][1]), plain(grid["names"][0]))
    for axis, values in (("xaxis", grid["x"]), ("yaxis", grid["y"])):
        layout[axis] |= {"range": [values[0], values[-1]], "showgrid": False}
    layout |= {"height": 420}
    classes = facts["data"]["classes"]
    ends = {"zmin": min(grid["targets"]), "zmax": max(grid["targets"])}
    if classes is None:
        look = _contour("predicted", 0.5, **ends)
    elif len(classes) == 2:  # the probability of the second one, in steps of a tenth
        look = _contour(f"probability of {_named(classes[1])}", 0.7, zmin=0, zmax=1)
        look["contours"] |= {"start": 0.1, "end": 0.9, "size": 0.1}
        look["colorbar"] |= {"tickvals": [0, 0.5, 1]}
    else:
        look = _likeliest(min(len(classes), _MOST_CLASSES))
    shared = {"x": grid["x"], "y": grid["y"], "hoverinfo": "skip"}
    rows = [_rows_by_value(grid, ends)] if classes is None else _rows_by_class(grid, classes)
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


def _contour(what: str, width: float, **ends: float) -> Figure:
    return {
        "type": "contour",
        **ends,
        "contours": {"coloring": "heatmap"},
        "line": {"color": "@ink", "width": width},
        "colorscale": _SHADES,
        "colorbar": {"title": {"text": what, "side": "right"}, "thickness": 12, "outlinewidth": 0},
    }


def _likeliest(n: int) -> Figure:
    """The likeliest of many classes."""
    scale = [
        [min(1.0, max(0.0, (i + half) / (n - 1))), f"@area{_LETTERS[i]}"]
        for i in range(n)
        for half in (-0.5, 0.5)
    ]
    return {"type": "heatmap", "zmin": 0, "zmax": n - 1, "colorscale": scale, "showscale": False}


def _rows_by_class(grid: GridFacts, classes: list[str]) -> list[Figure]:
    slots = _slots(grid, classes)
    names = {slot: _named(classes[code]) for code, slot in slots.items()}
    if len(slots) < len(classes):
        names[_MOST_CLASSES - 1] = f"{len(classes) - len(slots):,} other classes"
    shown = [slots.get(int(code), _MOST_CLASSES - 1) for code in grid["targets"]]
    traces = []
    for slot, name in sorted(names.items()):
        rows = [row for row, own in zip(grid["rows"], shown, strict=True) if own == slot]
        look = {"symbol": _SYMBOLS[slot], "color": f"@dot{_LETTERS[slot]}"}
        # A name within the template might be taken for a part of it.
        traces += [_rows(name, rows, [name] * len(rows), **look)] if rows else []
    return traces


def _rows_by_value(grid: GridFacts, ends: dict[str, float]) -> Figure:
    look = {"color": grid["targets"], "cmin": ends["zmin"], "cmax": ends["zmax"], "colorscale": _SHADES}
    return _rows("rows of the table", grid["rows"], [f"{value:.5g}" for value in grid["targets"]], **look)


def _rows(name: str, rows: list[list[float]], said: list[str], **look: Any) -> Figure:
    marker = {"size": 7, "line": {"color": "@ink", "width": 0.8}, **look}
    x, y = [row[0] for row in rows], [row[1] for row in rows]
    hover = "%{customdata}<extra></extra>"
    return trace("markers", x, y, name=name, marker=marker, customdata=said, hovertemplate=hover)


def _named(name: str) -> str:
    """A class's name, shortened before it is escaped: half an entity would be shown as it is."""
    return plain(cut(name, _MOST_LETTERS))
