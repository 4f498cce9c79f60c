"""The loss by the number of rows."""

from __future__ import annotations

from taut.report.page.figures.layout import Figure, error_bars, layout_of
from taut.report.schema import Facts
from taut.report.thinning import short


def rows_figure(facts: Facts) -> Figure:
    """Draw the loss by the number of rows, from a diagnosis."""
    diagnosis = facts["diagnosis"]
    assert diagnosis is not None
    points = diagnosis["learning_curve"]["points"]
    x = [point["n_rows"] for point in points]
    loss = [point["loss"] for point in points]
    layout = layout_of(facts["loss"], "rows that train")
    layout["xaxis"] |= {"type": "log", "tickmode": "array", "tickvals": x, "ticktext": [f"{n:,}" for n in x]}
    layout["yaxis"] |= {"rangemode": "tozero"}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "training",
                "x": x,
                "y": [short(point["train_loss"]) for point in points],
                "line": {"color": "@training", "width": 2, "dash": "dash"},
                "hovertemplate": "%{x} rows<br>training loss %{y:.4g}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "on other rows",
                "x": x,
                "y": [short(one["value"]) for one in loss],
                "error_y": error_bars(loss, "@validation", 1.5),
                "line": {"color": "@validation", "width": 2.6},
                "hovertemplate": "%{x} rows<br>loss on others %{y:.4g}<extra></extra>",
            },
        ],
        "layout": layout,
    }
