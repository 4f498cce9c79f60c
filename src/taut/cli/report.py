"""``taut report``: a saved model as one page that shows what regularization did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taut.cli.voice import INTERRUPTED, Voice, in_sentences
from taut.errors import StoreError


@in_sentences
def report(
    model: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a saved model.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The page to write; without it DIR.html next to DIR."
        ),
    ] = None,
    explore: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA", help="The table it was trained on: train each technique at up to 12 strengths."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The target in DATA, where the model does not say it."),
    ] = None,
) -> None:
    """Show what regularization did, as one HTML page that needs no internet.

    The verdict with its numbers, learning curves before and after, every candidate of the search, what each
    column became, and the recipe as code to take away. With --explore, what each technique does at every
    strength, what each of the recipe contributes, and whether more rows would help: that takes two or three
    times as long as the search did. Ctrl+C ends it and shows what is finished.
    """
    from taut.cli.explore import Explored, table_of, train
    from taut.report.facts import facts_of, to_text
    from taut.report.page import write_page
    from taut.report.place import check, page_beside, put
    from taut.store import load

    page = page_beside(model) if output is None else output
    check(page)
    voice = Voice()
    with voice.speaking():
        estimator = load(model)
        found = Explored([])
        if explore is not None:
            known = facts_of(estimator)["source"]
            found = train(estimator, table_of(estimator, explore, target, known, voice), voice)
        facts = facts_of(estimator, effects=found.effects, diagnosis=found.diagnosis, paths=found.paths)
        text = to_text(facts)
        if text != estimator._saved_report:
            _keep(model, text, voice)
    # The folder may have been moved since.
    facts["source"] = {**facts["source"], "folder": str(model)}
    put(page, write_page(facts))
    print(f"report   {page}", flush=True)
    if found.interrupted:
        voice.say("interrupted: the page shows what was finished.")
        raise typer.Exit(INTERRUPTED)


def _keep(model: Path, text: str, voice: Voice) -> None:
    """Save the facts with the model for the next time; a folder that is read-only does without."""
    from taut.store import write_report

    try:
        write_report(model, text)
    except StoreError as error:
        voice.say(f"note: what this page says is not kept with the model: {error}")
