"""``taut predict``: a saved model and a file -> a CSV of predictions."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from taut.cli.table import stem
from taut.cli.voice import Voice, in_sentences
from taut.errors import DataError

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
    if _same_file(data, target):
        raise DataError(f"--output {str(target)!r} is the data itself: give another name.")
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
    if str(target) == "-":
        _write(sys.stdout, header, _rows(found))
        return
    _write_file(target, header, _rows(found))
    typer.echo(f"{frame.n_rows:,} predictions written to {target}", err=True)


def _same_file(data: Path, target: Path) -> bool:
    try:
        return target.samefile(data)
    except OSError:  # one of them is not there; who reads or writes it says so
        return False


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


def _write_file(path: Path, header: Row, rows: Iterator[Row]) -> None:
    """Write beside the place and move there, so that an older file stays whole until the new one is."""
    beside: Path | None = None
    try:
        if path.is_dir():
            raise DataError(f"--output {str(path)!r} is a directory: give the name of a file.")
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.absolute().parent, prefix=".taut-", delete=False
        ) as file:
            beside = Path(file.name)
            _write(file, header, rows)  # type: ignore[arg-type]
        beside.chmod(0o666 & ~_umask())
        os.replace(beside, path)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
