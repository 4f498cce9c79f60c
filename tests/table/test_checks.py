from __future__ import annotations

import numpy as np
import pytest

from taut.errors import DataError
from taut.table.checks import split_target, target_values, task_of
from taut.table.frame import BooleanColumn, Column, DateColumn, Frame, Note, NumberColumn, TextColumn
from taut.table.texts import dictionary

RNG = np.random.default_rng(0)


def number(name: str, values: object) -> NumberColumn:
    return NumberColumn(name, np.asarray(values, dtype=np.float64))


def text(name: str, values: list[str | None]) -> TextColumn:
    codes, levels = dictionary(values, len(values))
    return TextColumn(name, codes, tuple(levels))


Y = RNG.normal(size=100)

# The task


@pytest.mark.parametrize(
    ("target", "task", "why"),
    [
        (text("y", ["a", "b", "a"]), "classification", "text with 2 different values"),
        (BooleanColumn("y", np.array([0.0, 1.0])), "classification", "yes or no"),
        (number("y", [0, 1, 1]), "classification", "2 different values"),
        (number("y", [1.5, 2.5]), "classification", "2 different values"),
        (number("y", list(range(10)) * 10), "classification", "integers with only 10 different values"),
        (number("y", list(range(10)) * 5), "regression", "numbers with 10 different values"),
        (number("y", np.arange(10) / 2), "regression", "numbers with 10 different values"),
        (number("y", list(range(21)) * 100), "regression", "numbers with 21 different values"),
        (number("y", [np.nan, *Y]), "regression", "numbers with 100 different values"),
    ],
)
def test_the_task(target: Column, task: str, why: str) -> None:
    found, reason = task_of(target)
    assert found == task
    assert why in reason


def test_dates_are_no_target() -> None:
    target = DateColumn("y", np.array(["2024-01-01"], dtype="datetime64[us]"))
    with pytest.raises(DataError, match="the target 'y' holds dates; make a number of it"):
        task_of(target)
    for task in ("classification", "regression"):
        with pytest.raises(DataError, match="the target 'y'"):
            target_values(target, task)  # type: ignore[arg-type]


# Splitting


FRAME = Frame(
    (number("a", [1, 2, 3]), number("b", [1, np.nan, 3]), text("c", ["x", None, None])),
    3,
    (Note("b", "read so."), Note("a", "read otherwise."), Note("", "a file.")),
)


def test_the_target_is_split_off_with_its_notes() -> None:
    features, target, notes = split_target(FRAME, "a")
    assert features.names == ("b", "c")
    assert target is FRAME.columns[0]
    assert notes == (Note("a", "read otherwise."),)
    assert [note.where for note in features.notes] == ["b", ""]


def test_rows_without_a_target_are_dropped_and_counted() -> None:  # FAULTS 17
    features, target, notes = split_target(FRAME, "b")
    assert isinstance(target, NumberColumn)
    assert target.values.tolist() == [1, 3]
    assert features.n_rows == 2
    assert notes == (Note("b", "read so."), Note("b", "1 row has no target; it is left out."))
    a = features.column("a")
    assert isinstance(a, NumberColumn)
    assert a.values.tolist() == [1, 3]
    assert split_target(FRAME, "c")[0].n_rows == 1


def test_a_target_that_is_not_there() -> None:  # FAULTS 15
    with pytest.raises(DataError, match="there is no column 'B'; did you mean 'b'?"):
        split_target(FRAME, "B")


def test_an_infinite_target() -> None:  # FAULTS 18
    with pytest.raises(DataError, match="the target 'y' is infinite in 2 rows"):
        split_target(Frame((number("x", [1, 2, 3]), number("y", [1, np.inf, -np.inf])), 3), "y")


def test_an_empty_target_and_a_lonely_one() -> None:
    with pytest.raises(DataError, match="the target 'y' has no value in any row"):
        split_target(Frame((number("x", [1]), number("y", [np.nan])), 1), "y")
    with pytest.raises(DataError, match="no column but the target 'y'"):
        split_target(Frame((number("y", [1]),), 1), "y")


def test_target_values() -> None:
    assert target_values(number("y", [1, 2]), "regression").tolist() == [1.0, 2.0]
    assert target_values(BooleanColumn("y", np.array([0.0, 1.0])), "regression").tolist() == [0.0, 1.0]
    whole = target_values(number("y", [1, 2]), "classification")
    assert (whole.dtype, whole.tolist()) == (np.int64, [1, 2])
    assert target_values(number("y", [0.5, 2]), "classification").tolist() == ["0.5", "2"]
    assert target_values(text("y", ["b", "a"]), "classification").tolist() == ["b", "a"]
    flags = BooleanColumn("y", np.array([0.0, 1.0]), ("no", "yes"))
    assert target_values(flags, "classification").tolist() == ["no", "yes"]
    assert target_values(BooleanColumn("y", np.array([0.0, 1.0])), "classification").tolist() == [False, True]
    with pytest.raises(DataError, match="the target 'y' is not a number, as regression needs"):
        target_values(text("y", ["a"]), "regression")
