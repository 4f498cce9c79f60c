"""``taut predict``: a saved model and a file -> a CSV of predictions."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from taut import ctrl_c
from taut.cli.table import stem
from taut.cli.threshold import threshold_of
from taut.cli.voice import Voice, in_sentences, visible
from taut.errors import ParameterError
from taut.writing import check, written

if TYPE_CHECKING:
    from taut.estimators.base import TablePrediction

Row = Sequence[object]

#: How a cell begins that spreadsheets take for a formula (OWASP, "CSV Injection").
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")

#: Endings by which programs would try to open the file, in vain.
_NO_CSV = frozenset([".gz", ".zip", ".parquet", ".pq", ".feather", ".arrow", ".xlsx", ".xls", ".json"])


@in_sentences
def predict(
    model: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a saved model.")],
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file with the columns that the model was trained on.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write; without it NAME.predictions.csv next to DATA. - prints.",
        ),
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The first row is data: the columns are x0, x1, ...")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="A column of DATA, such as an id, that is written beside; may be given several times.",
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|METRIC|cost:FP:FN",
            help="From which probability on the second class is predicted: 0.3, or the best for f1, "
            "balanced_accuracy, matthews_corrcoef, accuracy, or costs.",
        ),
    ] = None,
    safe_csv: Annotated[
        bool,
        typer.Option(
            "--safe-csv", help="Put ' before a text that a spreadsheet would run as a formula (= + - @)."
        ),
    ] = False,
) -> None:
    """Predict the rows of a file with a saved model.

    Writes a CSV with the column "prediction" and, for classes, one "probability_CLASS" each, the rows in the
    file's order. The file's columns are found by their names; others may be there. What is kept of them with
    --keep stands first, as it is in the file. With --threshold the second of two classes is predicted where
    its probability is at least so much, and it is said what to expect of that.
    """
    from taut.estimators.base import predict_table
    from taut.store import load
    from taut.table import read_file, read_texts

    target = data.parent / f"{stem(data)}.predictions.csv" if output is None else output
    if output is not None and str(output) != "-":
        check(output, [data])
        if output.suffix.lower() in _NO_CSV:
            raise ParameterError(f"--output {output}: a CSV file is written; give a name that ends in .csv.")
    voice = Voice()
    with voice.speaking():
        estimator = load(model)
        classes = getattr(estimator, "classes_", None)
        own = ["prediction", *([] if classes is None else [f"probability_{one}" for one in classes.tolist()])]
        _check_kept(keep or (), own)
        cut = None if threshold is None else threshold_of(threshold, estimator)
        kept = read_texts(data, keep, header=not no_header) if keep else {}
        frame = read_file(data, header=not no_header, schema=estimator.model_.schema)
        found = predict_table(estimator, frame)
        if cut is not None:
            found = found.at_threshold(cut[0], estimator.classes_)
            voice.say(cut[1])
        voice.notes([*frame.notes, *found.notes])
    header: Row = [*kept, *own]
    rows = _rows(found)
    if kept:
        rows = ([*beside, *row] for beside, row in zip(zip(*kept.values(), strict=True), rows, strict=True))
    if safe_csv:
        header, rows = _safe(header), map(_safe, rows)
    ctrl_c.raise_from_here()
    if str(target) == "-":
        if sys.stdout.isatty():  # where only letters are shown
            header, rows = _shown(header), map(_shown, rows)
        _write(sys.stdout, header, rows)
        return
    # By default it is next to the data, wherever that may be.
    with written(target, [data], into_model=output is None) as file:
        _write(file, header, rows)
    voice.say(f"{frame.n_rows:,} prediction{'s' if frame.n_rows > 1 else ''} written to {target}")


def _check_kept(names: Sequence[str], own: Sequence[str]) -> None:
    """Refuse columns that the predictions have too."""
    for name in names:
        if name in own:
            raise ParameterError(
                f"--keep {name}: the predictions have a column of this name; rename it in DATA."
            )


def _safe(row: Row) -> Row:
    """Let no cell begin like a spreadsheet's formula; numbers stay as they are."""
    return [f"'{cell}" if isinstance(cell, str) and _is_formula(cell) else cell for cell in row]


def _is_formula(text: str) -> bool:
    if text[:1] not in _FORMULAS or not text:
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


def _shown(row: Row) -> Row:
    return [visible(cell) if isinstance(cell, str) else cell for cell in row]


def _rows(found: TablePrediction) -> Iterator[Row]:
    """Values in full, so that they read back the same; probabilities to seven digits."""
    predictions = found.prediction.tolist()
    if found.probabilities is None:
        yield from ([value] for value in predictions)
        return
    for name, row in zip(predictions, found.probabilities, strict=True):
        yield [name, *(f"{probability:.7g}" for probability in row.tolist())]


def _write(file: TextIO, header: Row, rows: Iterator[Row]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    file.flush()
