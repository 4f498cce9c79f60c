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
from taut.cli.voice import Voice, in_sentences
from taut.writing import check, written

if TYPE_CHECKING:
    from taut.estimators.base import TablePrediction

Row = Sequence[object]


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
) -> None:
    """Predict the rows of a file with a saved model.

    Writes a CSV with the column "prediction" and, for classes, one "probability_CLASS" each, the rows in the
    file's order. The file's columns are found by their names; others may be there.
    """
    from taut.estimators.base import predict_table
    from taut.store import load
    from taut.table import read_file

    target = data.parent / f"{stem(data)}.predictions.csv" if output is None else output
    if output is not None and str(output) != "-":
        check(output, [data])
    voice = Voice()
    with voice.speaking():
        estimator = load(model)
        frame = read_file(data, header=not no_header, schema=estimator.model_.schema)
        found = predict_table(estimator, frame)
        voice.notes([*frame.notes, *found.notes])
    classes = getattr(estimator, "classes_", None)
    header = ["prediction"]
    if classes is not None:
        header += [f"probability_{name}" for name in classes.tolist()]
    ctrl_c.raise_from_here()
    if str(target) == "-":
        _write(sys.stdout, header, _rows(found))
        return
    # Where nobody named a place, it is next to the data, wherever that may be.
    with written(target, [data], into_model=output is None) as file:
        _write(file, header, _rows(found))
    voice.say(f"{frame.n_rows:,} predictions written to {target}")


def _rows(found: TablePrediction) -> Iterator[Row]:
    """Values in full, so that they are read back as they were; probabilities to seven digits."""
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
