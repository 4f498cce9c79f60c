"""The page of ``taut play``, its scripts and its style sheet."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from taut.report.page import plotly as plotly  # the script of the installed package
from taut.report.templates import own_file as report_file

#: What the page loads beside plotly.
SCRIPTS = ("report.css", "play.css", "play.js", "controls.js", "figures.js", "paint.js", "history.js")


def page() -> str:
    """The page; whatever is to be seen on it comes from the session."""
    return own_file("play.html")


@cache
def own_file(name: str) -> str:
    """The page, a style sheet or a script."""
    if name == "report.css":  # the colours and the type of the report
        return report_file("page.css")
    return files("taut.play.static").joinpath(name).read_text(encoding="utf-8")
