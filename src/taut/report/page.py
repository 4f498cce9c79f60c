"""The facts as one HTML file that needs no network: nothing is computed here."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from taut.report import (
    calibration,
    column_path,
    curves,
    data,
    effects,
    importance,
    recipe,
    search,
    strengths,
    text,
    verdict,
    words,
)
from taut.report.code import code_or_why_not, keras_code, loading_code, taut_code, torch_code
from taut.report.explorer import figures as explorer_figures
from taut.report.explorer import words as explorer_words
from taut.report.figures import Figure
from taut.report.place import owner_tag
from taut.report.schema import Facts
from taut.report.templates import environment, own_file
from taut.version import __version__
from taut.wording import counted

#: What the beginning of a page says that taut wrote.
GENERATOR = '<meta name="generator" content="taut'


def write_page(facts: Facts) -> str:
    """Give the report's page: one HTML file of about 5 MB, most of it plotly's script.

    It opens from the file system, asks no network for anything (its security policy forbids it), and whatever
    comes from the data is escaped.
    """
    drawn, explorer = _figures(facts), explorer_figures.figures(facts)
    scripts = [plotly(), own_file("page.js"), own_file("explorer.js")]
    return render(
        "page.html.jinja",
        facts=facts,
        generator=Markup(GENERATOR) + __version__ + Markup('">' + owner_tag(facts["source"]["folder"])),
        policy=policy(scripts),
        style=Markup(own_file("page.css")),
        scripts=[Markup(script) for script in scripts],
        explorer=None if explorer is None else embedded(explorer),
        figures=embedded(drawn),
        drawn=set(drawn),
        codes=_codes(facts),
        loading=loading_code(facts),
    )


def _figures(facts: Facts) -> dict[str, Figure]:
    """By the id of their place those that there is something to draw of."""
    path = facts["column_path"]
    figures = {
        **{f"curve-{i}": figure for i, figure in enumerate(curves.figures(facts))},
        "search-figure": search.figure(facts),
        "calibration-figure": calibration.figure(facts),
        "effects-figure": effects.figure(facts),
        "rows-figure": data.rows_figure(facts),
        "importance-figure": importance.figure(facts),
        "column-path-figure": column_path.figure(facts) if path and path["strengths"] else None,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _codes(facts: Facts) -> list[tuple[str, str, str]]:
    """Code to take away; what trains on no table has none but its recipe."""
    if facts["recipe"]["hidden"] is None:
        return []
    writers = (("taut", "taut", taut_code), ("torch", "PyTorch", torch_code), ("keras", "Keras", keras_code))
    return [(name, title, code_or_why_not(write, facts)) for name, title, write in writers]


# --- what the file is made of -------------------------------------------------------------------------------


def render(template: str, **context: Any) -> str:
    """Fill in a template, whose sections speak by the modules of the same name."""
    page: str = _environment().get_template(template).render(context)
    # A name may hold half a character, which no file can.
    return page.encode("utf-8", "replace").decode("utf-8")


@cache
def _environment() -> Environment:
    made = environment(autoescape=True)
    modules = (
        calibration,
        column_path,
        curves,
        data,
        importance,
        recipe,
        search,
        strengths,
        text,
        verdict,
        words,
    )
    made.globals |= {module.__name__.rpartition(".")[2]: module for module in modules}
    made.globals |= {"explained": explorer_words, "numbers": explorer_figures.NUMBERS, "counted": counted}
    return made


@cache
def plotly() -> str:
    """The script of plotly, from the installed package."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    # A browser reads line ends as \\n before it compares checksums.
    return script.replace("\r\n", "\n").replace("\r", "\n")


def policy(scripts: list[str]) -> str:
    """Only these scripts run, nothing is fetched, nothing is evaluated."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def embedded(figures: dict[str, Any]) -> Markup:
    """JSON that ends no script element, whatever names it holds."""
    text = json.dumps(figures, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
