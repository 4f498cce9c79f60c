"""``taut report``: a saved model as one page that shows what regularization did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from taut import ctrl_c
from taut.cli.voice import INTERRUPTED, Voice, in_sentences, one_line, show
from taut.errors import ParameterError, StoreError


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
    effort: Annotated[
        Literal["quick", "standard", "thorough"],
        typer.Option(help="With --explore: how much the effects and the diagnosis try."),
    ] = "standard",
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
    from taut.cli.train import sklearns_as_ours
    from taut.report.facts import facts_of, to_text
    from taut.report.page import write_page
    from taut.report.place import check, page_beside, put
    from taut.store import load

    if target is not None and explore is None:
        raise ParameterError("--target is for --explore: give DATA too, or leave it out.")
    page = page_beside(model) if output is None else output
    owner = model if output is None else None
    check(page, owner, [] if explore is None else [explore], into_model=output is None)
    voice = Voice()
    with voice.speaking():
        estimator = load(model)
        found = Explored([])
        if explore is not None:
            with sklearns_as_ours():
                table = table_of(estimator, explore, target, facts_of(estimator), voice)
                ctrl_c.raise_from_here()
                found = train(estimator, table, voice, effort)
        facts = facts_of(estimator, effects=found.effects, diagnosis=found.diagnosis, paths=found.paths)
        text = to_text(facts)
        ctrl_c.raise_from_here()
        if text != estimator._saved_report:
            _keep(model, text, facts["fingerprint"], voice)
    # The folder may have been moved since.
    facts["source"] = {**facts["source"], "folder": str(model)}
    put(page, write_page(facts), owner)
    show(f"report   {one_line(str(page))}")
    if found.interrupted:
        voice.say("interrupted: the page shows what was finished.")
        raise typer.Exit(INTERRUPTED)


def _keep(model: Path, text: str, fingerprint: str, voice: Voice) -> None:
    """Save the facts with the model for the next time; where that is impossible, print a note."""
    from taut.store import write_report

    try:
        write_report(model, text, fingerprint)
    except StoreError as error:
        voice.say(f"note: what this page says is not kept with the model: {error}")
