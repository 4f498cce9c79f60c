"""Pinned runs as one page that needs no server: it is what the page has, and nothing is computed here."""

from __future__ import annotations

import json
import math
import sys
from functools import cache
from typing import Annotated, Any, Literal, cast

from jinja2 import Template
from markupsafe import Markup
from pydantic import Field, FiniteFloat

from taut.errors import DataError
from taut.play.page import own_file
from taut.play.settings import MOST_EPOCHS
from taut.report.figures import Figure, kept_mark, layout_of, log_ticks, mean_line, plain, short, thinned
from taut.report.page import embedded, plotly, policy
from taut.report.templates import environment
from taut.report.templates import own_file as report_file
from taut.report.words import NOTHING, scored, share, title, told
from taut.store.shape import Count, fault_of
from taut.version import __version__

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict

_MOST_RUNS = 40
_WIDE = 8.0  # from the lowest to the highest loss: beyond, the axis is logarithmic

Losses = Annotated[list[FiniteFloat | None], Field(min_length=1, max_length=MOST_EPOCHS)]
Text = Annotated[str, Field(max_length=2_000)]


class Numbers(TypedDict):
    """What is told of the network that is kept."""

    train: FiniteFloat | None
    validation: FiniteFloat | None
    gap: FiniteFloat | None
    score: FiniteFloat | None
    zero_share: Annotated[float, Field(ge=0, le=1)]
    dead: Count
    units: Count


class PinnedRun(TypedDict):
    """One run, as the page pinned it; its settings are only shown."""

    label: Text
    problem: Text
    settings: dict[str, Any]
    train: Losses
    validation: Losses
    kept: Count
    numbers: Numbers
    seen: Text
    loss: Text
    task: Literal["classification", "regression"]
    target: Text


class Pinned(TypedDict):
    """What the page sends."""

    runs: Annotated[list[PinnedRun], Field(min_length=1, max_length=_MOST_RUNS)]


def saved_page(body: bytes) -> str:
    """Give the page: one HTML file with plotly's script in it.

    Raises
    ------
    DataError
        If these are no pinned runs.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError("These are no pinned runs: this is no JSON.") from error
    if not isinstance(found, dict) or (why := fault_of(Pinned, found)):
        raise DataError(f"These are no pinned runs{': ' + why if isinstance(found, dict) else ''}.")
    runs = cast(Pinned, found)["runs"]
    scripts = [plotly(), report_file("page.js")]
    return _template().render(
        runs=runs,
        version=__version__,
        policy=policy(scripts),
        style=Markup(report_file("page.css")),
        scripts=[Markup(script) for script in scripts],
        figures=embedded({f"curves-{i}": _figure(run, runs) for i, run in enumerate(runs)}),
        settings=[json.dumps(run["settings"], indent=2, ensure_ascii=False) for run in runs],
        told=told,
        share=share,
        score=lambda run: scored(run["numbers"]["score"], _metric(run), NOTHING),
        metric=lambda run: title(_metric(run)),
    )


def _metric(run: PinnedRun) -> str:
    return "accuracy" if run["task"] == "classification" else "R²"


def _figure(run: PinnedRun, runs: list[PinnedRun]) -> Figure:
    """Losses by epoch; those of the same problem and loss on one scale."""
    alike = [one for one in runs if (one["loss"], one["problem"]) == (run["loss"], run["problem"])]
    known = [v for one in alike for v in (*one["train"], *one["validation"]) if v is not None and v > 0]
    places = thinned(len(run["train"]), run["kept"])
    layout = layout_of(plain(run["loss"]), "epoch")
    layout["xaxis"] |= {"range": [0, 1.02 * max(len(one["train"]) for one in alike) + 1]}
    if known and max(known) > _WIDE * min(known):
        low, high = math.log10(max(min(known), max(known) / 1e4)) - 0.05, math.log10(max(known)) + 0.05
        layout["yaxis"] |= {"type": "log", "range": [low, high], **log_ticks(low, high)}
    else:
        layout["yaxis"] |= {"rangemode": "tozero"}
    epochs = [place + 1 for place in places]
    lines = [
        mean_line(name, epochs, [short(losses[i]) for i in places if i < len(losses)], f"@{name}", dash)
        for name, losses, dash in (
            ("training", run["train"], "dash"),
            ("validation", run["validation"], "solid"),
        )
    ]
    return {"data": lines, "layout": layout | kept_mark(run["kept"], len(run["train"]))}


@cache
def _template() -> Template:
    return environment(autoescape=True).from_string(own_file("saved.html.jinja"))
