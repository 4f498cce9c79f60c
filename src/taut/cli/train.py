"""Fit an estimator with its progress shown, save it, and print the comparison."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from taut import ctrl_c
from taut.cli.progress import SearchProgress
from taut.cli.voice import INTERRUPTED, Voice, one_line, shell, show, show_table, show_wrapped
from taut.errors import DataError

if TYPE_CHECKING:
    from taut.estimators.crossvalidated import CrossValidated
    from taut.report.schema import Facts, SourceFacts
    from taut.table import Frame
    from taut.table.schema import Schema


def train(
    estimator: CrossValidated,
    features: Frame,
    y: Any,
    folder: Path,
    voice: Voice,
    new: Path = Path("NEW.csv"),
    *,
    source: SourceFacts | None = None,
    page: Path | None = None,
) -> bool:
    """Fit, save, print the result, and write the page that shows it.

    Ctrl+C ends the search early; the best so far is saved and compared as usual.

    Parameters
    ----------
    estimator : TautClassifierCV or TautRegressorCV
    features : Frame
    y : array, shape (n_rows,)
    folder : Path
        For the model; checked already.
    voice : Voice
    new : Path
        The file in the example of how to predict.
    source : SourceFacts, optional
        Where the table came from, for the report.
    page : Path, optional
        For the report's page; checked already. None for no page.

    Returns
    -------
    bool
        Whether Ctrl+C ended the search.

    Raises
    ------
    DataError
        If the table cannot be learned, or the page cannot be written; the model is saved by then.
    """
    from taut.report.facts import facts_of, to_text
    from taut.selection.interrupts import Interrupts
    from taut.store import save

    ctrl_c.raise_from_here()
    try:
        voice.say(f"{_plan(estimator)}; Ctrl+C ends it and keeps the best so far")
        with SearchProgress(voice, estimator.time_limit) as progress, sklearns_as_ours():
            estimator.on_progress = progress.update
            estimator.fit(features, y)
        n_identical = estimator.n_identical_rows_
        if n_identical:
            text = (
                f"{n_identical:,} rows are identical to an earlier one, as chance may have it; they may be in"
            )
            voice.notes([f"{text} different folds."])
        with Interrupts(threading.Event()):  # so that hours of search are not lost while they are saved
            estimator.notes_ = tuple(voice.record)
            written: str | None = None
            try:
                facts = facts_of(estimator, source=source)
                written = to_text(facts)
            finally:  # whatever may be wrong with the report, the model is saved
                save(estimator, folder, report=written)
    except KeyboardInterrupt:
        voice.say("interrupted; no model was saved.")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        estimator.on_progress = None
    fault: DataError | None = None
    if page is not None:  # before anything is printed: its reader may be gone
        with Interrupts(threading.Event()):
            fault = _page_fault(facts, page, folder)
    print_comparison(facts)
    _print_model(estimator, folder, new)
    if estimator.interrupted_:
        n = len(estimator.candidates_)
        more = "; the same command continues from here" if estimator.resume else ""
        voice.say(f"interrupted after {n} candidates: the best so far was saved in {folder}{more}.")
    if fault is not None:
        raise fault
    if page is not None:
        show(f"report   {one_line(str(page))}")
    return estimator.interrupted_


def _page_fault(facts: Facts, page: Path, folder: Path) -> DataError | None:
    """Write the page, or return the error that explains why it is not written."""
    from taut.report.page import write_page
    from taut.report.place import put

    try:
        put(page, write_page(facts))
    except DataError as error:
        command = shell(["taut", "report", str(folder), "--output", "FILE"])
        return DataError(f"{error} The model is saved in {folder}; {command} writes its page.")
    return None


def _plan(estimator: CrossValidated) -> str:
    from taut.estimators.effort import budget_of

    n, limit = estimator.n_candidates, estimator.time_limit
    parts = [f"{n or budget_of(estimator.effort).n_candidates} candidates"] if n or limit is None else []
    parts += [] if limit is None else [f"{limit:.0f} s"]
    return f"searching: {' or '.join(parts)}"


def print_comparison(facts: Facts) -> None:
    """Print the table, with lines and bold type on a terminal, and what it means.

    Signs of trouble in the data come before any figures that they may have made too good.
    """
    from taut.report import text

    show()
    for sign in facts["signs"] or []:
        show_wrapped(f"{one_line(sign)} What follows may be due to that.")
    if facts["signs"]:
        show()
    show_table(text.plain_table(facts), lambda: text.rich_table(facts))
    for note in text.footnotes(facts):
        show_wrapped(note)
    show()
    for sentence in text.in_words(facts):
        show_wrapped(sentence)
    show()


def _print_model(estimator: CrossValidated, folder: Path, new: Path) -> None:
    command = shell(["taut", "predict", str(folder), str(new)])
    widths = "-".join(map(str, estimator.network_.hidden)) or "none"
    for line in (
        f"recipe   {estimator.recipe_!r}",
        f"trained  learning rate {estimator.learning_rate_:g}, hidden layers {widths}",
        f"columns  {_columns(estimator.model_.schema)}",
        f"model    {one_line(str(folder))}",
        f"predict  {command}",
        f"python   taut.load({str(folder)!r}).predict(X)",
    ):
        show(line)


_WORDS = {
    "number": ("number", "numbers"),
    "category": ("category", "categories"),
    "boolean": ("yes or no", "yes or no"),
    "date": ("date", "dates"),
}


def _columns(schema: Schema) -> str:
    """What the columns became, in one line; which were left out, and why."""
    from taut.table.frame import listing

    counts = Counter(str(column.kind) for column in schema.columns)
    parts = [f"{counts[kind]} {_WORDS[kind][counts[kind] > 1]}" for kind in _WORDS if counts[kind]]
    reasons: dict[str, list[str]] = {}
    for column in schema.columns:
        if column.kind == "dropped":
            reasons.setdefault(column.why.split(";")[0], []).append(column.name)
    dropped = [f"{listing(names, 5)} ({why})" for why, names in reasons.items()]
    if dropped:
        more = ", and others" if len(dropped) > 5 else ""
        parts.append(f"left out: {', '.join(dropped[:5])}{more}")
    return ", ".join(parts)


@contextmanager
def sklearns_as_ours() -> Iterator[None]:
    """Let scikit-learn's errors about y or cv end as ours do, without a traceback.

    Raises
    ------
    DataError
        Instead of scikit-learn's ``ValueError``; others pass.
    """
    try:
        yield
    except ValueError as error:
        if not is_sklearns(error):
            raise
        raise DataError(str(error)) from error


def is_sklearns(error: BaseException) -> bool:
    """Whether scikit-learn raised it: then it is about y or cv, and not our fault."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).split(".")[0] == "sklearn"
