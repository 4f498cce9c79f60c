"""What networks of two columns say over the plane: probabilities, classes or values."""

from __future__ import annotations

from taut.report.page.figures.layout import Figure, layout_of, plain
from taut.report.schema import ExplorerPoint, Facts, GridFacts

#: Told apart by shape as well as by colour.
_SYMBOLS = ("circle", "triangle-up", "square", "diamond", "cross", "star", "triangle-down", "x")
_MOST_CLASSES = len(_SYMBOLS)


def surface_layout(grid: GridFacts) -> Figure:
    """Give the plane's axes."""
    layout = layout_of(plain(grid["names"][1]), plain(grid["names"][0]))
    layout["xaxis"] |= {"range": [grid["x"][0], grid["x"][-1]], "showgrid": False}
    layout["yaxis"] |= {"range": [grid["y"][0], grid["y"][-1]], "showgrid": False}
    layout |= {"height": 420}
    return layout


def surface_traces(point: ExplorerPoint, grid: GridFacts, facts: Facts) -> list[Figure]:
    """Give the surface, and some of the table's rows on it."""
    classes = facts["data"]["classes"]
    if classes is None:
        return [_values(point, grid), _rows_by_value(grid)]
    surface = _two(point, grid, classes) if len(classes) == 2 else _many(point, grid, len(classes))
    return [surface, *_rows_by_class(grid, classes)]


def _surface(point: ExplorerPoint, grid: GridFacts) -> Figure:
    return {"x": grid["x"], "y": grid["y"], "z": point["surface"], "hoverinfo": "skip"}


def _two(point: ExplorerPoint, grid: GridFacts, classes: list[str]) -> Figure:
    """The probability of the second class, in steps of a tenth; the line where it is one half is thick."""
    name = plain(classes[1])
    return {
        **_surface(point, grid),
        "type": "contour",
        "zmin": 0,
        "zmax": 1,
        "contours": {"start": 0.1, "end": 0.9, "size": 0.1, "coloring": "heatmap"},
        "line": {"color": "@ink", "width": 0.7},
        "colorscale": [[0, "@low"], [0.5, "@middle"], [1, "@high"]],
        "colorbar": {
            "title": {"text": f"probability of {name[:24]}", "side": "right"},
            "thickness": 12,
            "outlinewidth": 0,
            "tickvals": [0, 0.5, 1],
        },
    }


def _many(point: ExplorerPoint, grid: GridFacts, n: int) -> Figure:
    """The likeliest class; neighbours have a line between them."""
    steps = max(1, n - 1)
    shades = [f"@area{'abcdefgh'[i % _MOST_CLASSES]}" for i in range(n)]
    scale: list[list[float | str]] = []
    for i, shade in enumerate(shades):
        scale += [[max(0.0, (i - 0.5) / steps), shade], [min(1.0, (i + 0.5) / steps), shade]]
    return {
        **_surface(point, grid),
        "type": "heatmap",
        "zmin": 0,
        "zmax": steps,
        "colorscale": scale,
        "showscale": False,
    }


def _values(point: ExplorerPoint, grid: GridFacts) -> Figure:
    low, high = min(grid["targets"]), max(grid["targets"])
    return {
        **_surface(point, grid),
        "type": "contour",
        "zmin": low,
        "zmax": high,
        "contours": {"coloring": "heatmap"},
        "line": {"color": "@ink", "width": 0.5},
        "colorscale": [[0, "@low"], [0.5, "@middle"], [1, "@high"]],
        "colorbar": {"title": {"text": "predicted", "side": "right"}, "thickness": 12, "outlinewidth": 0},
    }


def _rows_by_class(grid: GridFacts, classes: list[str]) -> list[Figure]:
    traces: list[Figure] = []
    for number, name in enumerate(classes):
        rows = [row for row, code in zip(grid["rows"], grid["targets"], strict=True) if code == number]
        if not rows:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plain(name[:30]),
                "x": [row[0] for row in rows],
                "y": [row[1] for row in rows],
                "marker": {
                    "symbol": _SYMBOLS[number % _MOST_CLASSES],
                    "size": 7,
                    "color": f"@dot{'abcdefgh'[number % _MOST_CLASSES]}",
                    "line": {"color": "@ink", "width": 0.8},
                },
                "hovertemplate": f"{plain(name[:30])}<extra></extra>",
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
        "text": [f"{value:.4g}" for value in grid["targets"]],
        "hovertemplate": "%{text}<extra></extra>",
    }
