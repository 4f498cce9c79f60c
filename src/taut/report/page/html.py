"""The facts as one HTML file that needs no network: nothing is computed here."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from taut.report.page import column_words, explorer_words, words
from taut.report.page.code import code_or_why_not, keras_code, loading_code, taut_code, torch_code
from taut.report.page.figures import (
    NUMBERS,
    Figure,
    column_path_figure,
    curve_figures,
    effects_figure,
    explorer_figures,
    importance_figure,
    rows_figure,
    search_figure,
    shown_curves,
)
from taut.report.page.svg import parallel_coordinates
from taut.report.place import owner_tag
from taut.report.schema import CurveFacts, Facts, Number
from taut.version import __version__

#: What the beginning of a page says that taut wrote.
GENERATOR = '<meta name="generator" content="taut'

_MOST_COLUMNS = 300  # of the data's table
_MOST_CANDIDATES = 300  # of the search's
_MOST_LEVELS = 12  # classes by name


def write_page(facts: Facts) -> str:
    """Give the report's page.

    Parameters
    ----------
    facts : Facts
        Of :func:`taut.report.facts.facts_of`, or read from their JSON.

    Returns
    -------
    str
        One HTML file of about 5 MB, most of it plotly's script. It opens from the file system, asks no
        network for anything (its security policy forbids it), and whatever comes from the data is escaped.
    """
    figures = _figures(facts)
    plotly, script, explorer = _plotly(), _own("page.js"), _own("explorer.js")
    page: str = _template().render(
        facts=facts,
        generator=Markup(GENERATOR) + __version__ + Markup('">' + owner_tag(facts["source"]["folder"])),
        policy=_policy(plotly, script, explorer),
        style=Markup(_own("page.css")),
        plotly=Markup(plotly),
        script=Markup(script),
        explorer_script=Markup(explorer),
        explorer=None if facts["explorer"] is None else Markup(_embedded(explorer_figures(facts))),
        explorer_numbers=NUMBERS,
        figures=Markup(_embedded(figures)),
        drawn=set(figures),
        curves=[_curve(i, curve, facts["recipe"]["label"]) for i, curve in enumerate(shown_curves(facts))],
        svg=Markup(parallel_coordinates(facts)) if _has_strengths(facts) else None,
        columns=_columns(facts),
        candidates=_candidates(facts),
        codes=[
            ("taut", "taut", taut_code(facts)),
            ("torch", "PyTorch", code_or_why_not(torch_code, facts)),
            ("keras", "Keras", code_or_why_not(keras_code, facts)),
        ],
        loading=loading_code(facts),
        decimals=_decimals(facts),
        loss_told=_loss_told,
        said=words,
        of_columns=column_words,
        explained=explorer_words,
        most_columns=_MOST_COLUMNS,
        most_levels=_MOST_LEVELS,
    )
    # A name may hold half a character, which no file can.
    return page.encode("utf-8", "replace").decode("utf-8")


def _figures(facts: Facts) -> dict[str, Figure]:
    figures = {f"curve-{i}": figure for i, figure in enumerate(curve_figures(facts))}
    if facts["search"] is not None:
        figures["search-figure"] = search_figure(facts)
    if facts["effects"] is not None and any(
        x["loss"]["value"] is not None for x in facts["effects"]["lines"]
    ):
        figures["effects-figure"] = effects_figure(facts)
    if facts["diagnosis"] is not None and facts["diagnosis"]["learning_curve"]["points"]:
        figures["rows-figure"] = rows_figure(facts)
    if facts["importance"] is not None and facts["importance"]["lines"]:
        figures["importance-figure"] = importance_figure(facts)
    if facts["column_path"] is not None and facts["column_path"]["strengths"]:
        figures["column-path-figure"] = column_path_figure(facts)
    return figures


def _curve(place: int, curve: CurveFacts, recipe: str) -> dict[str, Any]:
    """A network's figure with its words, and some of its epochs as a table."""
    titles = {
        "none": "Before: no regularization",
        "early_stopping": "Early stopping alone",
        "chosen": f"After: {recipe}",
        "single": curve["label"],
    }
    length = min(len(fold["train_loss"]) for fold in curve["folds"])
    stop = curve["stop"] or length
    epochs = sorted({1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, stop, length} & set(range(1, length + 1)))
    rows = []
    for epoch in epochs:
        train, validation = words.at_stop({**curve, "stop": epoch})
        rows.append((epoch, epoch == stop, train, validation))
    return {
        "id": f"curve-{place}",
        "title": titles[curve["name"]],
        "sentence": words.of_curve(curve),
        "rows": rows,
    }


def _has_strengths(facts: Facts) -> bool:
    """Whether the search tried more than its two baselines."""
    search = facts["search"]
    return (
        search is not None
        and sum(c["loss"] is not None and c["batch"] >= 0 for c in search["candidates"]) > 1
    )


def _columns(facts: Facts) -> dict[str, Any]:
    columns = facts["data"]["columns"]
    return {"shown": columns[:_MOST_COLUMNS], "more": max(0, len(columns) - _MOST_COLUMNS)}


def _candidates(facts: Facts) -> dict[str, Any]:
    """The candidates for the table: the lowest loss first, those without one last."""
    if facts["search"] is None:
        return {"shown": [], "more": 0}
    numbered = list(enumerate(facts["search"]["candidates"], start=1))
    numbered.sort(key=lambda one: (one[1]["loss"] is None, one[1]["loss"] or 0.0))
    return {"shown": numbered[:_MOST_CANDIDATES], "more": max(0, len(numbered) - _MOST_CANDIDATES)}


def _decimals(facts: Facts) -> int | None:
    """Decimals that give the lowest validation loss three digits; None for sizes that need an exponent."""
    comparison = facts["comparison"]
    lines = [] if comparison is None else comparison["lines"]
    lowest = min((x for line in lines if (x := line["validation_loss"]) is not None), default=1.0)
    return max(0, 2 - math.floor(math.log10(lowest))) if 1e-6 <= lowest < 1e9 else None


def _loss_told(value: Number, decimals: int | None) -> str:
    """A loss as its column has it."""
    if value is None:
        return "–"
    return words.told(value) if decimals is None else f"{value:,.{decimals}f}"


# --- what the file is made of -------------------------------------------------------------------------------


@cache
def _template() -> Any:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(_own("page.html.jinja"))


@cache
def _own(name: str) -> str:
    return files("taut.report.page").joinpath(name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """The script of plotly, from the installed package."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    # A browser reads line ends as \\n before it compares checksums.
    return script.replace("\r\n", "\n").replace("\r", "\n")


def _policy(*scripts: str) -> str:
    """Only these scripts run, nothing is fetched, nothing is evaluated."""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _embedded(figures: dict[str, Any]) -> str:
    """JSON that ends no script element, whatever names it holds."""
    text = json.dumps(figures, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
