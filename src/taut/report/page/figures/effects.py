"""What each technique changed."""

from __future__ import annotations

from taut.report.page.figures.layout import Figure, broken, error_bars, layout_of
from taut.report.schema import Facts
from taut.report.thinning import short


def effects_figure(facts: Facts) -> Figure:
    """Draw each technique's change of the loss with its interval; below 0 it helps."""
    effects = facts["effects"]
    assert effects is not None
    lines = [line for line in effects["lines"] if line["loss"]["value"] is not None]
    lines = lines[::-1]  # plotly draws from below
    layout = layout_of("", f"change of the {effects['loss_name']}")
    layout["yaxis"] |= {"showgrid": False, "range": [-0.6, len(lines) - 0.4]}
    layout["xaxis"] |= {
        "zeroline": True,
        "zerolinecolor": "@ink",
        "zerolinewidth": 1.4,
        "rangemode": "tozero",
    }
    layout |= {"height": 110 + 42 * max(1, len(lines)), "showlegend": False}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "x": [short(line["loss"]["value"]) for line in lines],
                "y": [broken(line["label"]) for line in lines],
                "marker": {"color": "@validation", "size": 11, "symbol": "diamond"},
                "error_x": error_bars([line["loss"] for line in lines], "@validation", width=6),
                "hovertemplate": "%{y}: %{x:.3g}<extra></extra>",
            }
        ],
        "layout": layout,
    }
