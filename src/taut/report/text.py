"""The facts of a search as text: a table, and what they mean in words. Nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from taut.evidence.certainty import certainty_of, change_told, share_told
from taut.evidence.simple_words import against_simple, constants, others
from taut.report.summarize import Change, Line, Summary
from taut.text_table import text_table

if TYPE_CHECKING:
    from rich.table import Table

    from taut.evidence.estimate import Estimate

_AGAINST = {"none": "no regularization", "early_stopping": "early stopping alone"}


def plain_table(summary: Summary) -> str:
    """The comparison as lines of plain text, for files and pipes."""
    rows = [_header(summary), *_cells(summary)]
    return text_table(rows, rules=(1, -1))


def rich_table(summary: Summary) -> Table:
    """The comparison for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # At 80 columns every line but the heading stays one: narrow headings, and labels give way first.
    room = 0 if summary.scoring else 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, room, 0, 0))
    for place, name in enumerate(_header(summary)):
        words = name.replace(" ", "\n")
        table.add_column(words, justify="right" if place else "left", no_wrap=place > 0, vertical="bottom")
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
    loss = f"{summary.loss} in nats" if summary.metric == "accuracy" else summary.loss
    unlike = " Accuracy counts every row alike, whatever its class." if "weighted" in summary.loss else ""
    notes = [
        f"Losses are {loss}, without penalties, {folds}"
        + (" ± standard error." if summary.n_folds > 1 else ".")
        + " Single techniques are each with early stopping, at the best of the strengths that finished all "
        f"folds.{unlike}"
    ]
    if summary.estimate is not None and summary.n_candidates > 1 and summary.n_folds > 1:
        notes.append(
            "The table has what was measured; the sentences are corrected for having picked the best."
        )
    if any(line.state == "dropped" for line in summary.lines):
        notes.append("Marked -: out of the race after some of the folds, whose means these are.")
    if any(line.state == "cut off" for line in summary.lines):
        notes.append("Marked *: cut off before its training had ended; given more time it may do better.")
    return notes


def in_words(summary: Summary) -> list[str]:
    """What regularization did, in a few honest sentences."""
    sentences = _verdict(summary)
    if summary.scoring:  # what was asked for comes first
        sentences.insert(0, _reason(summary))
    elif not summary.has_lowest_loss:
        sentences.append(_reason(summary))
    if summary.line(_AGAINST["none"]).state == "diverged":
        sentences.append("Without regularization, training diverged.")
    chosen = summary.lines[-1]
    score = chosen.metric if summary.scoring is None else chosen.scoring
    name = "score" if summary.scoring == "the scorer" else summary.scoring or summary.metric
    # Whoever is not surely better than one answer to all has nothing else to be glad of: that comes first.
    sentences = against_simple(constants(summary.simple), score, name) + sentences
    sentences += against_simple(others(summary.simple), score, name)
    if summary.n_folds == 1 and any(change.within_chance is None for change in summary.changes):
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
    if math.isfinite(score.low) and score.low < score.high:  # folds that all say the same tell no spread
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


def _verdict(summary: Summary) -> list[str]:
    """What was chosen, and by how much it is better: what is sure first, then what may be chance."""
    tried = f"of the {summary.n_candidates} candidates tried"
    if summary.n_dropped:  # their losses are of some of the folds
        n_whole = summary.n_candidates - summary.n_dropped - summary.n_failed
        tried = f"of the {n_whole} candidates that had all folds"
    nothing = all(line.state == "not tried" for line in summary.lines[2:-1])
    last = ["No technique but early stopping was tried: give more time, or more candidates."] * nothing
    better = [change for change in summary.changes if change.difference > 0]
    sure = [change for change in better if certainty_of(change.share) == "sure"]
    doubtful = [change for change in better if change not in sure]
    if summary.chosen_is == "none" and summary.has_lowest_loss:
        first = f"Regularization did not help here: the network without any had the lowest loss {tried}."
        return [first, *last]
    if summary.chosen_is:
        name = _AGAINST[summary.chosen_is][0].upper() + _AGAINST[summary.chosen_is][1:]
        if summary.chosen_how:
            name += f" {summary.chosen_how}"
        first = f"{name} was chosen"
        if summary.has_lowest_loss:
            first = f"{name} had the lowest loss {tried}"
            first += "" if nothing else "; no other technique added to it"
        first += f". It lowered the validation loss {_lowered(sure, summary)}" if sure else ""
    elif sure:
        first = f"Regularization lowered the validation loss {_lowered(sure, summary)}"
    elif better:
        first = "That regularization lowers the loss is not sure here"
    elif summary.has_lowest_loss:
        first = f"The chosen recipe had the lowest loss {tried}"
    else:
        first = "The chosen recipe did not lower the validation loss"
    than = {change: f"with {_against(change, summary)}" for change in doubtful}
    told = [f"The loss is {change_told(change.share, than=than[change])}." for change in doubtful]
    return [f"{first}.", *told, *last]


def _lowered(changes: Sequence[Change], summary: Summary) -> str:
    """Such as "by 22 % (95 % interval 15 to 29 %) against no regularization, and by ..."."""
    parts = [f"by {share_told(change.share)} against {_against(change, summary)}" for change in changes]
    return ", and ".join(parts)


def _against(change: Change, summary: Summary) -> str:
    name = _AGAINST[change.against]
    usual = change.against == summary.chosen_is and "learning rate" in summary.chosen_how
    return f"{name} at the usual learning rate" if usual else name


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
    reached = f"Chosen by {summary.scoring}: {_number(summary.lines[-1].scoring)}"
    return f"{reached} against {' and '.join(against)}." if against else f"{reached}."


def _number(value: float) -> str:
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def _header(summary: Summary) -> list[str]:
    scoring = [summary.scoring] if summary.scoring else []
    return ["", "training loss", "validation loss", "gap", summary.metric, *scoring, "epochs", "zero weights"]


def _cells(summary: Summary) -> list[list[str]]:
    decimals, percent = _decimals(summary), summary.metric == "accuracy"
    by_scorer = summary.scoring is not None
    return [_row(line, decimals, percent=percent, by_scorer=by_scorer) for line in summary.all_lines]


def _decimals(summary: Summary) -> int | None:
    """Decimals that give the lowest validation loss three digits; None for sizes that need an exponent."""
    losses = [line.validation_loss for line in summary.lines if math.isfinite(line.validation_loss)]
    lowest = min(losses, default=1.0)
    if not 1e-6 <= lowest < 1e9:
        return None
    return max(0, 2 - math.floor(math.log10(lowest)))


def _row(line: Line, decimals: int | None, *, percent: bool, by_scorer: bool) -> list[str]:
    if line.state in ("not tried", "diverged", "no score"):
        return [line.label, "", line.state, *[""] * (5 if by_scorer else 4)]

    def loss(value: float) -> str:
        return f"{value:.3g}" if decimals is None else f"{value:.{decimals}f}"

    validation = loss(line.validation_loss)
    if math.isfinite(line.standard_error):
        validation += f" ± {loss(line.standard_error)}"
    metric = (
        f"{100 * line.metric:.1f} %" if percent else f"{line.metric:{'.3f' if line.metric > -100 else '.3g'}}"
    )
    label = line.label + {"cut off": " *", "dropped": " -"}.get(line.state, "")
    numbers = [loss(line.train_loss), validation, loss(line.gap), "" if math.isnan(line.metric) else metric]
    if by_scorer:  # who lost the race was never scored
        numbers.append("" if math.isnan(line.scoring) else _number(line.scoring))
    return [label, *numbers, str(line.epochs or ""), _zeros(line.zero_share)]


def _zeros(share: float) -> str:
    if math.isnan(share) or share == 0:
        return "" if math.isnan(share) else "0 %"
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"
