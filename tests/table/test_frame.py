from __future__ import annotations

import numpy as np
import pytest

from taut.errors import DataError, DataWarning
from taut.table.frame import (
    BooleanColumn,
    DateColumn,
    Frame,
    Note,
    NumberColumn,
    TextColumn,
    closest,
    listing,
    warn,
)


def frame() -> Frame:
    return Frame(
        (
            NumberColumn("income", np.array([1.0, np.nan, np.inf])),
            TextColumn("city", np.array([1, -1, 0], dtype=np.int32), ("Oslo", "Rome")),
            BooleanColumn("member", np.array([0.0, 1.0, np.nan]), ("no", "yes")),
            DateColumn("joined", np.array(["2024-01-01", "NaT", "2024-03-01"], dtype="datetime64[us]")),
        ),
        3,
        (Note("city", "a note"),),
    )


def test_names_and_columns() -> None:
    assert frame().names == ("income", "city", "member", "joined")
    column = frame().column("city")
    assert isinstance(column, TextColumn)
    assert column.levels == ("Oslo", "Rome")


def test_missing_values_of_each_kind() -> None:
    missing = [column.missing.tolist() for column in frame().columns]
    assert missing == [
        [False, True, False],  # infinity is not missing
        [False, True, False],
        [False, False, True],
        [False, True, False],
    ]


def test_a_missing_column_is_named_with_the_closest() -> None:
    with pytest.raises(DataError, match="no column 'Incme'; did you mean 'income'?"):
        frame().column("Incme")
    with pytest.raises(DataError, match="no column 'zzz'; the columns are 'income', 'city', 'member'"):
        frame().column("zzz")
    with pytest.raises(DataError, match="no column 'CITY'; did you mean 'city'?"):
        frame().without(["CITY"])


def test_closest_says_when_there_is_nothing() -> None:
    assert closest("a", ()) == "there are no columns."


def test_without_keeps_the_order_and_the_notes() -> None:
    left = frame().without(["city", "joined"])
    assert left.names == ("income", "member")
    assert left.n_rows == 3
    assert left.notes == frame().notes


@pytest.mark.parametrize("rows", [[2, 0], [True, False, True]])
def test_take_gives_the_same_rows_of_every_column(rows: list[int]) -> None:
    taken = frame().take(np.array(rows))
    assert taken.n_rows == 2
    texts = taken.column("city")
    assert isinstance(texts, TextColumn)
    assert sorted(texts.codes.tolist()) == [0, 1]
    assert all(len(column) == 2 for column in taken.columns)
    assert taken.column("income").missing.sum() == 0


def test_a_boolean_column_as_text() -> None:
    column = frame().column("member")
    assert isinstance(column, BooleanColumn)
    text = column.as_text()
    assert text.codes.tolist() == [0, 1, -1]
    assert text.levels == ("no", "yes")
    assert BooleanColumn("b", np.array([1.0])).as_text().levels == ("False", "True")


def test_counts_leave_the_missing_out() -> None:
    assert TextColumn("c", np.array([1, -1, 1], dtype=np.int32), ("a", "b")).counts().tolist() == [0, 2]


def test_a_frame_refuses_columns_that_do_not_fit() -> None:
    one = NumberColumn("a", np.zeros(2))
    with pytest.raises(DataError, match="two columns are named 'a'"):
        Frame((one, one), 2)
    with pytest.raises(DataError, match="column 'a' has 2 rows and the table 3"):
        Frame((one,), 3)


def test_notes_are_sentences() -> None:
    assert str(Note("age", "one is odd.")) == "column 'age': one is odd."
    assert str(Note("", "the file is odd.")) == "the file is odd."
    with pytest.warns(DataWarning, match="column 'age': odd"):
        assert warn(Note("age", "odd")) == Note("age", "odd")


def test_listing_is_short() -> None:
    assert listing(["a", "b"]) == "'a', 'b'"
    assert listing(list("abcde"), 2) == "'a', 'b' and 3 more"
