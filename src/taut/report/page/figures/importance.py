"""Which columns the networks use."""

from __future__ import annotations

from collections.abc import Sequence

from taut.report.page.figures.layout import Figure, broken, cut, error_bars, layout_of
from taut.report.schema import Facts, ImportanceLine
from taut.report.thinning import short

#: Columns that are drawn.
MOST_SHOWN = 20

_MOST_LETTERS = 36  # of a name, on two lines


def importance_figure(facts: Facts) -> Figure:
    """Draw the rise of the loss by column with its interval, the most important column on top."""
    found = facts["importance"]
    assert found is not None
    lines = found["lines"][:MOST_SHOWN]
    layout = layout_of("", f"rise of the {facts['loss']}")
    layout["yaxis"] |= {
        "showgrid": False,
        "tickmode": "array",
        "tickvals": list(range(len(lines))),
        "ticktext": [broken(cut(line["name"], _MOST_LETTERS)) for line in lines],
        "range": [len(lines) - 0.4, -0.6],  # plotly draws from below
    }
    layout["xaxis"] |= {
        "zeroline": True,
        "zerolinecolor": "@ink",
        "zerolinewidth": 1.4,
        "rangemode": "tozero",
    }
    layout |= {"height": 130 + 32 * len(lines)}
    above = [place for place, line in enumerate(lines) if is_above(line)]
    others = [place for place in range(len(lines)) if place not in above]
    data = [
        _marks(lines, above, "interval above zero", "@validation", "diamond"),
        _marks(lines, others, "interval not above zero", "@training", "circle-open"),
    ]
    return {"data": [one for one in data if one["x"]], "layout": layout}


def is_above(line: ImportanceLine) -> bool:
    """Whether a column's whole interval lies above zero."""
    return (line["loss"]["low"] or 0.0) > 0.0


def _marks(
    lines: Sequence[ImportanceLine], places: Sequence[int], name: str, colour: str, symbol: str
) -> Figure:
    """Some of the lines, told apart by shape and filling, not by colour alone."""
    losses = [lines[place]["loss"] for place in places]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "showlegend": True,
        "x": [short(loss["value"]) for loss in losses],
        "y": list(places),
        "customdata": [broken(lines[place]["name"]) for place in places],
        "marker": {"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2, "color": colour}},
        "error_x": error_bars(losses, colour),
        "hovertemplate": "%{customdata}: %{x:.3g}<extra></extra>",
    }
