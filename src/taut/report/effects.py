"""What each technique contributed, where that was measured."""

from __future__ import annotations

from taut.report.figures import ZERO_LINE, Figure, broken, error_bars, layout_of, short, trace
from taut.report.schema import Facts


def figure(facts: Facts) -> Figure | None:
    """Draw each technique's change of the loss with its interval; below 0 it helps."""
    effects = facts["effects"]
    if effects is None:
        return None
    lines = [line for line in effects["lines"] if line["loss"]["value"] is not None]
    if not lines:
        return None
    lines = lines[::-1]  # plotly draws from below
    losses = [line["loss"] for line in lines]
    layout = layout_of("", f"change of the {effects['loss_name']}")
    layout["yaxis"] |= {"showgrid": False, "range": [-0.6, len(lines) - 0.4]}
    layout["xaxis"] |= ZERO_LINE
    layout |= {"height": 110 + 42 * len(lines), "showlegend": False}
    marks = trace(
        "markers",
        [short(loss["value"]) for loss in losses],
        [broken(line["label"]) for line in lines],
        marker={"color": "@validation", "size": 11, "symbol": "diamond"},
        error_x=error_bars(losses, "@validation", width=6),
        hovertemplate="%{y}: %{x:.3g}<extra></extra>",
    )
    return {"data": [marks], "layout": layout}
