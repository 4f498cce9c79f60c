"""How L1 takes columns away."""

from __future__ import annotations

import math

from taut.report.page.figures.layout import Figure, broken, cut, layout_of, log_ticks, plain
from taut.report.schema import Facts
from taut.report.thinning import short

#: Columns that the legend names; the others are drawn thin, and named where one points at them.
MOST_NAMED = 12

_MOST_LETTERS = 16  # of a name in the legend, two of which are side by side on a phone
_HEIGHT = 480

# Three shades and four dashes: twelve lines, no two of them alike, in greyscale neither.
_SHADES, _DASHES = ("@validation", "@accent", "@training"), ("solid", "dash", "dot", "dashdot")


def column_path_figure(facts: Facts) -> Figure:
    """Draw the weights of each column by L1's strength; those that hold out longest are named."""
    path = facts["column_path"]
    assert path is not None
    places = sorted(range(len(path["strengths"])), key=lambda i: path["strengths"][i])
    places = [i for i in places if path["strengths"][i] > 0]  # off has no place on such an axis
    x = [short(path["strengths"][i]) for i in places]
    data: list[Figure] = []
    for rank, (name, norms) in enumerate(zip(path["names"], path["norms"], strict=True)):
        named = rank < MOST_NAMED
        shade = _SHADES[rank % len(_SHADES)] if named else "@training"
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plain(cut(name, _MOST_LETTERS)),
                "showlegend": named,
                "x": x,
                "y": [short(norms[i]) for i in places],
                "line": {
                    "color": shade,
                    "dash": _DASHES[rank % len(_DASHES)] if named else "solid",
                    "width": 2.2 if named else 1,
                },
                "opacity": 1.0 if named else 0.5,
                # A name within the template might be taken for a part of it.
                "customdata": [broken(name)] * len(places),
                "hovertemplate": "%{customdata}: %{y:.3g} at %{x:.3g}<extra></extra>",
            }
        )
    layout = layout_of("weights of a column (norm)", "strength of L1")
    ends = [math.log10(path["strengths"][i]) for i in (places[0], places[-1])] if places else [0.0, 1.0]
    room = 0.02 * (ends[1] - ends[0]) or 0.5
    low, high = ends[0] - room, ends[1] + room
    layout["xaxis"] |= {"type": "log", "range": [low, high], **log_ticks(low, high)}
    layout["yaxis"] |= {"rangemode": "tozero"}
    layout["legend"] |= {"traceorder": "reversed"}
    # Thin lines lie beneath.
    return {"data": data[::-1], "layout": {**layout, "height": _HEIGHT}}
