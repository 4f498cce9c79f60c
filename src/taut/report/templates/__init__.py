"""Templates, style sheets and scripts, and what fills them in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined


def environment(**more: Any) -> Environment:
    """Give what fills in a template, each of whose tags stands on a line of its own."""
    return Environment(
        loader=FunctionLoader(own_file),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **more,
    )


@cache
def own_file(name: str) -> str:
    """Give a template, a style sheet or a script of the report's."""
    return files("taut.report.templates").joinpath(name).read_text(encoding="utf-8")
