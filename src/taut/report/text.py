"""The comparison as text: a table, and what it means in words. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from taut.errors import ParameterError
from taut.report import calibration, words
from taut.report.schema import ComparisonFacts, Facts, LineFacts
from taut.text_table import text_table
from taut.wording import formatter_for

if TYPE_CHECKING:
    from rich.table import Table


def plain_table(facts: Facts) -> str:
    """The comparison as lines of plain text, for files and pipes."""
    return text_table([_header(facts), *_cells(facts)], rules=(1, -1))


def rich_table(facts: Facts) -> Table:
    """The comparison for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # At 80 columns every line but the heading stays one: narrow headings, and labels give way first.
    room = 0 if words.scoring(facts) else 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, room, 0, 0))
    for place, name in enumerate(_header(facts)):
        heading = name.replace(" ", "\n")
        table.add_column(heading, justify="right" if place else "left", no_wrap=place > 0, vertical="bottom")
    *rows, last = _cells(facts)
    for row in rows:
        table.add_row(*map(Text, row))
    table.add_section()
    table.add_row(*map(Text, last), style="bold")
    return table


def footnotes(facts: Facts) -> list[str]:
    """What has to be known to read the table."""
    n_folds = facts["made"]["n_folds"] or 1
    folds = f"means of {n_folds} folds ± standard error" if n_folds > 1 else "on one validation set"
    unlike = " Accuracy counts every row alike, whatever its class." if "weighted" in facts["loss"] else ""
    notes = [
        f"Losses are {words.loss_in_units(facts)}, without penalties, {folds}. Single techniques are each "
        f"with early stopping, at the best of the strengths that finished all folds.{unlike}"
    ]
    if words.is_corrected(facts):
        notes.append(
            "The table has what was measured; the sentences are corrected for having picked the best."
        )
    states = {line["state"] for line in _comparison(facts)["lines"]}
    if "dropped" in states:
        notes.append("Marked -: out of the race after some of the folds, whose means these are.")
    if "cut off" in states:
        notes.append("Marked *: cut off before its training had ended; given more time it may do better.")
    return notes


def in_words(facts: Facts) -> list[str]:
    """What regularization did, and what to expect on unseen rows, in a few honest sentences."""
    comparison = _comparison(facts)
    estimate = comparison["estimate"]
    if estimate is None:
        return comparison["sentences"]
    loss, score = words.interval_told(estimate["loss"]), words.score_expected(estimate)
    first = f"On unseen rows expect a loss of {loss} and {score}"
    if words.is_corrected(facts):
        naive = words.told(estimate["naive_loss"])
        whose = "that of the folds' networks" if words.is_of_others(estimate) else "it"
        first += f", corrected for having picked the best: uncorrected {whose} is {naive}"
    temperature = calibration.applied_told(facts)
    return [*comparison["sentences"], f"{first}.", *words.averaged(facts), *temperature]


def _comparison(facts: Facts) -> ComparisonFacts:
    found = facts["comparison"]
    if found is None:
        kind = facts["made"]["estimator"]
        raise ParameterError(f"a {kind} has one recipe, so there is nothing to compare; use its CV form.")
    return found


def _header(facts: Facts) -> list[str]:
    scoring = words.scoring(facts)
    names = ["", "training loss", "validation loss", "gap", facts["metric"]]
    return [*names, *([scoring] if scoring else []), "epochs", "zero weights"]


def _cells(facts: Facts) -> list[list[str]]:
    comparison = _comparison(facts)
    known = (line["validation_loss"] for line in comparison["lines"])
    write = formatter_for(min((loss for loss in known if loss is not None), default=1.0), separator="")
    lines = [*comparison.get("simple", []), *comparison["lines"]]
    return [_row(line, facts, write) for line in lines]


def _row(line: LineFacts, facts: Facts, write: Callable[[float], str]) -> list[str]:
    scoring, error = bool(words.scoring(facts)), line["standard_error"]
    if line["validation_loss"] is None:
        return [line["label"], "", line["state"], *[""] * (4 + scoring)]

    def loss(value: float | None) -> str:
        return "nan" if value is None else write(value)

    return [
        line["label"] + {"cut off": " *", "dropped": " -"}.get(line["state"], ""),
        loss(line["train_loss"]),
        loss(line["validation_loss"]) + ("" if error is None else f" ± {loss(error)}"),
        loss(line["gap"]),
        words.scored(line["metric"], facts["metric"], ""),
        # Who lost the race was never scored.
        *([words.told(line["scoring"], "")] if scoring else []),
        str(line["epochs"] or ""),
        words.share(line["zero_share"], ""),
    ]
