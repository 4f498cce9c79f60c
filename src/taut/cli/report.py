"""``taut report``: a saved model as one page that shows what regularization did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taut.cli.voice import in_sentences


@in_sentences
def report(
    model: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a saved model.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The page to write; without it DIR.html next to DIR."
        ),
    ] = None,
) -> None:
    """Show what regularization did, as one HTML page that needs no internet.

    The verdict with its numbers, learning curves before and after, every candidate of the search, what each
    column became, and the recipe as code to take away.
    """
    page = model.parent / f"{model.resolve().name.removesuffix('.taut')}.html" if output is None else output
    from taut.report.place import check
    from taut.store import load

    check(page)
    load(model).report(page)
    print(f"report   {page}", flush=True)
