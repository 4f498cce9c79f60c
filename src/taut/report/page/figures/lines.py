"""The lines of a loss by epoch: folds thin, their mean thick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taut.report.page.figures.layout import Figure
from taut.report.schema import Number


def fold_lines(folds: Iterable[tuple[Sequence[int], Sequence[Number]]], colour: str) -> Figure:
    """All folds, each as its epochs and losses, as one trace with gaps: few traces draw fast."""
    x: list[int | None] = []
    y: list[Number] = []
    for epochs, losses in folds:
        x += [*epochs, None]
        y += [*losses, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": 0.8},
        "opacity": 0.45,
        "hoverinfo": "skip",
        "showlegend": False,
        "connectgaps": False,
    }


def mean_line(name: str, epochs: Sequence[int], losses: Sequence[Number], colour: str, dash: str) -> Figure:
    """The mean of the folds, or a single network."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(epochs),
        "y": list(losses),
        "line": {"color": colour, "width": 2.6, "dash": dash},
        "hovertemplate": f"epoch %{{x}}<br>{name} loss %{{y:.4g}}<extra></extra>",
    }
