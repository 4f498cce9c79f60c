"""The facts of a search as text: a table, and what they mean in words. Nothing is computed here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from taut.report.summarize import Line, Summary

if TYPE_CHECKING:
    from rich.table import Table

    from taut.evidence.estimate import Estimate

_AGAINST = {"none": "no regularization", "early_stopping": "early stopping alone"}


def plain_table(summary: Summary) -> str:
    """The comparison as lines of plain text, for files and pipes."""
    rows = [_header(summary), *_cells(summary)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def rich_table(summary: Summary) -> Table:
    """The comparison for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(_header(summary)):
        table.add_column(name, justify="right" if place else "left")
    rows = _cells(summary)
    for place, row in enumerate(rows):
        last = place == len(rows) - 1
        if last:
            table.add_section()
        table.add_row(*map(Text, row), style="bold" if last else None)
    return table


def footnotes(summary: Summary) -> list[str]:
    """What has to be known to read the table."""
    folds = f"means of {summary.n_folds} folds" if summary.n_folds > 1 else "on one validation set"
    loss = "cross-entropy in nats" if summary.loss == "cross-entropy" else "squared error"
    notes = [
        f"Losses are {loss}, without penalties, {folds}"
        + (" ± standard error." if summary.n_folds > 1 else ".")
        + " Single techniques are each with early stopping, at the best of the strengths that finished all "
        "folds."
    ]
    if any(line.state == "dropped" for line in summary.lines):
        notes.append("Marked -: out of the race after some of the folds, whose means these are.")
    if any(line.state == "cut off" for line in summary.lines):
        notes.append("Marked *: cut off before its training had ended; given more time it may do better.")
    return notes


def in_words(summary: Summary) -> list[str]:
    """What regularization did, in a few honest sentences."""
    sentences = [_verdict(summary)]
    if not summary.has_lowest_loss or summary.scoring:
        sentences.append(_reason(summary))
    if summary.line(_AGAINST["none"]).state == "diverged":
        sentences.append("Without regularization, training diverged.")
    doubtful = [change for change in summary.changes if change.within_chance and change.difference > 0]
    for change in doubtful:
        sentences.append(
            f"The difference from {_AGAINST[change.against]} is within one standard error of the folds' own "
            f"differences ({_number(change.difference)} ± {_number(change.standard_error)}): "
            "it may be chance."
        )
    if summary.n_folds == 1:
        sentences.append("With one validation set, nothing tells how much of this is chance.")
    if summary.estimate is not None:
        sentences += _expectation(summary, summary.estimate)
    return sentences


def _expectation(summary: Summary, estimate: Estimate) -> list[str]:
    """What to expect on unseen rows, and what the returned networks may have beyond it."""
    loss, score = estimate.loss, estimate.score
    percent = estimate.score_name == "accuracy"

    def told(value: float) -> str:
        return f"{100 * value:.1f} %" if percent else f"{value:.3f}"

    name = {"accuracy": "accuracy", "r2": "R²"}.get(estimate.score_name, estimate.score_name)
    first = f"On unseen rows expect a loss of {_number(loss.value)}"
    if math.isfinite(loss.low):
        first += f" (95 % interval {_number(loss.low)} to {_number(loss.high)})"
    first += f" and {name} {told(score.value)}"
    if math.isfinite(score.low):
        first += f" ({told(score.low)} to {told(score.high)})"
    if summary.n_candidates > 1 and summary.n_folds > 1:
        first += f", corrected for having picked the best: uncorrected it is {_number(estimate.naive_loss)}"
    sentences = [f"{first}."]
    if estimate.n_bagged > 1 and math.isfinite(estimate.bag_loss):
        sentences.append(
            f"That is of single networks; the saved model averages several, and an average of "
            f"{estimate.n_bagged} was measured: {_number(estimate.bag_loss)} (uncorrected)."
        )
    return sentences


def _verdict(summary: Summary) -> str:
    tried = f"of the {summary.n_candidates} candidates tried"
    if all(line.state == "not tried" for line in summary.lines[2:-1]):
        return "No technique but early stopping was tried: give more time, or more candidates."
    lowered = [
        f"by {_percent(change.share)} against {_AGAINST[change.against]}"
        for change in summary.changes
        if change.difference > 0
    ]
    if summary.chosen_is and not summary.has_lowest_loss:
        first = f"{_AGAINST[summary.chosen_is]} was chosen".capitalize()
    elif summary.chosen_is == "none":
        return f"Regularization did not help here: the network without any had the lowest loss {tried}."
    elif summary.chosen_is:
        first = f"Early stopping alone had the lowest loss {tried}; no other technique added to it"
    elif lowered:
        return f"Regularization lowered the validation loss {', and '.join(lowered)}."
    elif summary.has_lowest_loss:
        return f"The chosen recipe had the lowest loss {tried}."
    else:
        return "The chosen recipe did not lower the validation loss."
    return f"{first}. It lowered the validation loss {lowered[0]}." if lowered else f"{first}."


def _reason(summary: Summary) -> str:
    """Why this one, where not (or not only) for its loss."""
    if not summary.scoring and summary.selection == "best":
        return "Others had a lower loss, but what they gained over early stopping alone is less sure."
    if not summary.scoring:
        return (
            "Others had a lower loss: of those within one standard error of the best, this one has the "
            "smallest gap."
        )
    against = [
        f"{_number(line.scoring)} of {line.label}"
        for line in summary.lines[:2]
        if math.isfinite(line.scoring) and _AGAINST.get(summary.chosen_is or "") != line.label
    ]
    reached = f"It was chosen by {summary.scoring}: {_number(summary.lines[-1].scoring)}"
    return f"{reached} against {' and '.join(against)}." if against else f"{reached}."


def _percent(share: float) -> str:
    """Such as "18 %" or "0.4 %"; never 100 % where something is left."""
    percent = 100 * share
    if percent < 0.1:
        return "less than 0.1 %"
    if percent < 9.95:
        return f"{percent:.1f} %"
    return f"{percent:.0f} %" if percent < 99 else f"{math.floor(percent * 10) / 10:.1f} %"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _header(summary: Summary) -> list[str]:
    return ["", "training loss", "validation loss", "gap", summary.metric, "epochs", "zero weights"]


def _cells(summary: Summary) -> list[list[str]]:
    decimals = _decimals(summary)
    return [_row(line, decimals, percent=summary.metric == "accuracy") for line in summary.lines]


def _decimals(summary: Summary) -> int | None:
    """Decimals that give the lowest validation loss three digits; None for sizes that need an exponent."""
    losses = [line.validation_loss for line in summary.lines if math.isfinite(line.validation_loss)]
    lowest = min(losses, default=1.0)
    if not 1e-6 <= lowest < 1e9:
        return None
    return max(0, 2 - math.floor(math.log10(lowest)))


def _row(line: Line, decimals: int | None, *, percent: bool) -> list[str]:
    if line.state in ("not tried", "diverged", "no score"):
        return [line.label, "", line.state, "", "", "", ""]

    def loss(value: float) -> str:
        return f"{value:.3g}" if decimals is None else f"{value:.{decimals}f}"

    validation = loss(line.validation_loss)
    if math.isfinite(line.standard_error):
        validation += f" ± {loss(line.standard_error)}"
    metric = f"{100 * line.metric:.1f} %" if percent else f"{line.metric:.3f}"
    label = line.label + {"cut off": " *", "dropped": " -"}.get(line.state, "")
    numbers = [loss(line.train_loss), validation, loss(line.gap), "" if math.isnan(line.metric) else metric]
    return [label, *numbers, str(line.epochs), _zeros(line.zero_share)]


def _zeros(share: float) -> str:
    if math.isnan(share) or share == 0:
        return "" if math.isnan(share) else "0 %"
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def _padded(row: list[str], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
