"""``taut techniques``: what each technique is."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from taut.cli.voice import in_sentences, show
from taut.techniques.find import find

if TYPE_CHECKING:
    from taut.techniques.base import Technique

_WIDTH = 88


@in_sentences
def techniques(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Such as l2.")] = None,
) -> None:
    """List the techniques.

    With a name, tell all about one of them.
    """
    if name is not None:
        show(page(find(name)))
        return
    from taut.techniques import TECHNIQUES

    for kind in TECHNIQUES:
        searched = "not searched, worth a try" if kind.why_not_searched else "searched"
        show(f"{kind.name}  {kind.page.title}, {searched}: {kind.search_range}")
        show(_paragraph(kind.page.what.split(". ")[0].rstrip(".") + ".", "    "))
    show("\ntaut techniques NAME: when it helps, when it hurts, its formula, where it comes from.")


def page(kind: type[Technique]) -> str:
    """Give all about a technique as plain text."""
    about = kind.page
    parts = [
        about.title,
        "=" * len(about.title),
        f"taut.{kind.__name__} in Python, {kind.name} on the command line",
        "",
        _paragraph(about.what),
        "",
        *(
            line
            for title, text in (
                ("Raising it", about.raising),
                ("When it helps", about.helps),
                ("When it hurts", about.hurts),
            )
            for line in (title, _paragraph(text, "    "), "")
        ),
        "Formula",
        *(f"    {line}" for line in about.formula.splitlines()),
        "",
        f"{'Worth a try' if kind.why_not_searched else 'Range searched'}\n    {kind.search_range}",
        *(["", "Not searched", _paragraph(kind.why_not_searched, "    ")] if kind.why_not_searched else []),
        "",
        "Source",
        *(_paragraph(str(source), "    ") for source in about.source),
    ]
    return "\n".join(parts)


def _paragraph(text: str, indent: str = "") -> str:
    return fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
