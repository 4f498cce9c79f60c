"""What is wrong with a table, in sentences: leaks, the target."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.frame import (
    BooleanColumn,
    Column,
    DateColumn,
    Frame,
    Note,
    NumberColumn,
    TextColumn,
    warn,
)
from taut.table.numbers import number_text, parse_numbers
from taut.table.words import is_missing

Task: TypeAlias = Literal["classification", "regression"]

_MOST_CLASSES = 20  # integers with more values than this are amounts
_ROWS_PER_CLASS = 10


def task_of(target: Column) -> tuple[Task, str]:
    """Decide whether a target is classes or an amount, and why.

    Texts and yes or no are classes; so are two different numbers, one that is whole, and integers with at
    most 20 different values of 10 rows each on average. Other numbers are an amount.

    Raises
    ------
    DataError
        If the target is dates.
    """
    if isinstance(target, DateColumn):
        raise DataError(
            f"the target {target.name!r} holds dates; make a number of it, such as days from a start."
        )
    if isinstance(target, TextColumn):
        return "classification", f"the target is text with {_n_used(target):,} different values"
    if isinstance(target, BooleanColumn):
        return "classification", "the target is yes or no"
    present = target.values[~target.missing]
    found = np.unique(present)
    if len(found) == 1 and found[0] != np.rint(found[0]):
        return "regression", f"the target is {found[0]:g} in every row"
    if len(found) <= 2:
        return "classification", f"the target has {len(found)} different values"
    few = len(found) <= _MOST_CLASSES and len(present) >= _ROWS_PER_CLASS * len(found)
    if few and (found == np.rint(found)).all():
        return "classification", f"the target is integers with only {len(found)} different values"
    return "regression", f"the target is numbers with {len(found):,} different values"


def split_target(frame: Frame, name: str) -> tuple[Frame, Column, tuple[Note, ...]]:
    """Split the target off a table, and remove the rows without a target.

    Parameters
    ----------
    frame : Frame
    name : str
        The target's column.

    Returns
    -------
    features : Frame
        The other columns, its notes without the target's.
    target : Column
        Without missing values.
    notes : tuple of Note
        On the target: how it was read, and how many rows were left out.

    Raises
    ------
    DataError
        If there is no such column (the message has the closest names), nothing in it, nothing but it, or
        an infinite number in it.
    """
    target = frame.column(name)
    features = frame.without([name])
    if not features.columns:
        raise DataError(f"the table has no column but the target {name!r}.")
    if isinstance(target, NumberColumn) and np.isinf(target.values).any():
        count = int(np.isinf(target.values).sum())
        where = "1 row; correct or remove it" if count == 1 else f"{count:,} rows; correct or remove them"
        raise DataError(f"the target {name!r} is infinite in {where}.")
    missing = target.missing
    if missing.all():
        raise DataError(f"the target {name!r} has no value in any row.")
    notes = [note for note in frame.notes if note.where == name]
    others = tuple(note for note in frame.notes if note.where != name)
    features = Frame(features.columns, features.n_rows, others)
    n_missing = int(missing.sum())
    if n_missing:
        _warn_of_words(target)
        kept = np.flatnonzero(~missing)
        features, target = features.take(kept), target.take(kept)
        what = (
            "1 row has no target; it is" if n_missing == 1 else f"{n_missing:,} rows have no target; they are"
        )
        notes.append(Note(name, f"{what} left out."))
    return features, target, tuple(notes)


def _warn_of_words(target: Column) -> None:
    """Warn of words in a text target that count as missing: they may be the name of a class."""
    source = target.source
    if source is None or not isinstance(target, (TextColumn, BooleanColumn)):
        return
    found: dict[str, int] = {}
    for level, count in zip(source.levels, source.counts().tolist(), strict=True):
        if count and level.strip() and is_missing(level):
            found[level.strip()] = found.get(level.strip(), 0) + count
    if found:
        named = ", ".join(
            f"{word!r} ({count:,} {'row' if count == 1 else 'rows'})" for word, count in found.items()
        )
        what = f"these words count as missing: {named}. Write a class that has such a name otherwise"
        warn(Note(target.name, f"{what}, or leave the cells empty."))


def target_values(target: Column, task: Task) -> NDArray[Any]:
    """A target without missing values as ``y`` for an estimator.

    Parameters
    ----------
    target : Column
    task : "classification" or "regression"

    Returns
    -------
    array (n_rows,)
        float64 for regression. For classification: int64 where all numbers are integers; booleans where no
        words stand for them; text; float64, where there are more than two fractions.

    Raises
    ------
    DataError
        If an amount is wanted and the target is text or dates.
    """
    if task == "regression":
        if isinstance(target, (NumberColumn, BooleanColumn)):
            return target.values
        if isinstance(target, TextColumn):  # integers that are text because of many digits, or leading zeros
            values, good = parse_numbers(target.levels, ".")
            if good[target.codes].all():
                return values[target.codes]
        raise DataError(
            f"the target {target.name!r} is not a number, as regression needs; is it a classification?"
        )
    if isinstance(target, DateColumn):
        raise DataError(f"the target {target.name!r} holds dates, and classes are needed.")
    if isinstance(target, NumberColumn):
        whole = (target.values == np.rint(target.values)).all() and (np.abs(target.values) < 2**53).all()
        return target.values.astype(np.int64) if whole else fraction_labels(target.values)
    if isinstance(target, BooleanColumn) and target.words is None:
        return target.values.astype(bool)
    texts = target.as_text() if isinstance(target, BooleanColumn) else target
    return np.array(texts.levels)[texts.codes]


def fraction_labels(values: NDArray[np.floating]) -> NDArray[Any]:
    """Write two different numbers with fractions as the names of two classes, (n_rows,).

    scikit-learn takes fractions for an amount; and so they are, if there are more.
    """
    found, inverse = np.unique(values, return_inverse=True)
    if len(found) > 2 or (found == np.rint(found)).all():
        return values
    return np.array([number_text(float(value)) for value in found])[inverse]


def _n_used(column: TextColumn) -> int:
    return int((column.counts() > 0).sum())
