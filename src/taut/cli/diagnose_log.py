"""``taut diagnose-log``: whether a network overfits, from the log of a training that is over."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import typer

from taut.cli.voice import Voice, in_sentences, one_line, show, show_wrapped
from taut.errors import DataError
from taut.wording import counted, listed
from taut.writing import check, written

# As they are called by Keras, fastai, Lightning, the Hugging Face trainer and by hand, the surest first; what
# is no letter and no digit is one underscore.
_TRAIN = (
    *("train_loss", "training_loss", "loss_train", "train_loss_epoch", "training_loss_epoch", "loss"),
    *("loss_epoch", "train", "training"),
)
_VALID = (
    *("val_loss", "valid_loss", "validation_loss", "loss_val", "loss_valid", "loss_validation"),
    *("val_loss_epoch", "valid_loss_epoch", "validation_loss_epoch", "eval_loss", "dev_loss", "test_loss"),
    *("val", "valid", "validation"),
)
_EPOCH = ("epoch", "epochs")


@in_sentences
def diagnose_log(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A CSV file with the losses by epoch.")],
    train: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The training loss, where its name does not tell.")
    ] = None,
    valid: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The validation loss, where its name does not tell.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the verdict as JSON too.")
    ] = None,
) -> None:
    """Tell from a log of losses whether a network overfits, and since when.

    Takes what Keras, Lightning, fastai or a loop of your own has written, with a column for the training loss
    and one for the validation loss. Says whether the validation loss has turned, was still falling, or is too
    noisy to tell, and what two curves cannot tell. Nothing is trained, and PyTorch is not needed.
    """
    if output is not None:
        check(output, [log])
    voice = Voice()
    found = read_log(log, train, valid)
    voice.notes(found.notes)
    from taut.examine.history import diagnose_history

    diagnosis = diagnose_history(found.train, found.valid)
    show(
        f"{log.name}: {counted(len(found.train), 'epoch')}; training loss {found.train_name!r}, validation "
        f"loss {found.valid_name!r}\n"
    )
    for line in str(diagnosis).split("\n"):
        show_wrapped(line)
    if output is not None:
        with written(output, [log]) as file:
            file.write(json.dumps(diagnosis.to_dict(), indent=1, allow_nan=False) + "\n")
        show(f"\nwritten  {one_line(str(output))}")


@final
@dataclass(frozen=True)
class Log:
    """Two curves of a file.

    Parameters
    ----------
    train, valid : list of float
        By epoch, of one length.
    train_name, valid_name : str
        The columns.
    notes : tuple of str
        What was left out or averaged.
    """

    train: list[float]
    valid: list[float]
    train_name: str
    valid_name: str
    notes: tuple[str, ...] = ()


def read_log(path: Path, train: str | None = None, valid: str | None = None) -> Log:
    """Read the losses by epoch.

    Rows of one epoch are taken together, where there is a column for the epoch: Lightning has training and
    validation in different rows. Empty cells are left out; "nan" and "inf" are losses.

    Parameters
    ----------
    path : Path
        Text in UTF-8, with commas, semicolons or tabs between its columns, and their names in the first row.
    train, valid : str, optional
        The columns; without them they are found by their names.

    Raises
    ------
    DataError
        If the file cannot be read, a column is not there, a cell is no number, or the two losses are not of
        the same epochs.
    """
    names, rows = _rows(path)
    train_at = _column(path, names, train, _TRAIN, "training loss", "--train")
    valid_at = _column(path, names, valid, _VALID, "validation loss", "--valid")
    if train_at == valid_at:
        raise DataError(f"{path.name!r}: {names[train_at]!r} cannot be both losses: name two columns.")
    epoch_at = next((i for i, name in enumerate(names) if _plain(name) in _EPOCH), None)
    ours = train_at, valid_at
    cells = [[_number(path, line, names[at], row[at]) for at in ours] for line, row in rows]
    if epoch_at is None:
        curves = [[row[i] for row in cells if row[i] is not None] for i in (0, 1)]
        if len(curves[0]) != len(curves[1]):
            raise DataError(
                f"{path.name!r} has {counted(len(curves[0]), 'training loss', 'training losses')} and "
                f"{counted(len(curves[1]), 'validation loss', 'validation losses')}, and no column 'epoch' "
                "by which they could be matched."
            )
        notes: list[str] = []
        kept = [[value for value in curve if value is not None] for curve in curves]
    else:
        epochs = [_number(path, line, names[epoch_at], row[epoch_at]) for line, row in rows]
        kept, notes = _by_epoch(path, [line for line, _ in rows], epochs, cells)
    if not kept[0]:
        raise DataError(
            f"{path.name!r} has no epoch with a training loss ({names[train_at]!r}) and a validation loss "
            f"({names[valid_at]!r})."
        )
    return Log(kept[0], kept[1], names[train_at], names[valid_at], tuple(notes))


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names, and the rows that are not empty with their lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise DataError(f"{path.name!r} is not text in UTF-8: save it as CSV.") from None
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise DataError(f"{path.name!r} cannot be read as CSV: {error}.") from error
    lines = [(line, row) for line, row in lines if any(row)]
    if len(lines) < 2:
        raise DataError(f"{path.name!r} has no rows: a log has names in its first row, and one row an epoch.")
    names = lines[0][1]
    for line, row in lines[1:]:
        if len(row) > len(names):
            raise DataError(
                f"{path.name!r}, line {line}: {len(row)} cells, and the first row has {len(names)} names."
            )
    return names, [(line, row + [""] * (len(names) - len(row))) for line, row in lines[1:]]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _column(
    path: Path, names: Sequence[str], asked: str | None, usual: Iterable[str], what: str, option: str
) -> int:
    """Which column it is."""
    if asked is not None:
        if asked not in names:
            raise DataError(f"{path.name!r} has no column {asked!r}; it has {_listed(names)}.")
        return names.index(asked)
    plain = [_plain(name) for name in names]
    found = next((plain.index(name) for name in usual if name in plain), None)
    if found is None:
        raise DataError(
            f"{path.name!r}: no column's name tells that it is the {what}; name it with {option}, it is one "
            f"of {_listed(names)}."
        )
    return found


def _listed(names: Sequence[str]) -> str:
    return listed([repr(name) for name in names], most=20)


def _number(path: Path, line: int, name: str, cell: str) -> float | None:
    """A cell's number; None where it is empty."""
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"{path.name!r}, line {line}: {cell!r} in column {name!r} is no number.") from None


def _by_epoch(
    path: Path, lines: Sequence[int], epochs: Sequence[float | None], cells: Sequence[Sequence[float | None]]
) -> tuple[list[list[float]], list[str]]:
    """Take the rows of each epoch together."""
    grouped: dict[int, tuple[list[float], list[float]]] = {}
    last = -math.inf
    for line, epoch, row in zip(lines, epochs, cells, strict=True):
        if row == [None, None]:
            continue
        if epoch is None or not math.isfinite(epoch):
            raise DataError(f"{path.name!r}, line {line}: there is a loss and no epoch.")
        if epoch < last:
            raise DataError(
                f"{path.name!r}, line {line}: epoch {epoch:g} comes after epoch {last:g}, so that the file "
                "seems to have several runs; give the rows of one."
            )
        last = epoch
        group = grouped.setdefault(math.ceil(epoch), ([], []))  # 0.25 is a part of epoch 1
        for values, value in zip(group, row, strict=True):
            if value is not None:
                values.append(value)
    whole = {epoch: group for epoch, group in grouped.items() if all(group)}
    notes = []
    if len(whole) < len(grouped):
        left = counted(len(grouped) - len(whole), "epoch")
        notes.append(f"{left} of {len(grouped):,} without one of the two losses were left out.")
    if any(len(values) > 1 for group in whole.values() for values in group):
        notes.append("where an epoch has several losses, their mean was taken.")
    if whole and min(whole) != 1:
        notes.append(f"the log's first epoch is {min(whole)}; here epochs count from 1.")
    return [[sum(group[i]) / len(group[i]) for group in whole.values()] for i in (0, 1)], notes
