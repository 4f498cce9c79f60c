"""Values among a category's levels."""

from __future__ import annotations

import numpy as np
import pytest

from taut.table.frame import BooleanColumn, Column, Note, NumberColumn, TextColumn
from taut.table.levels import category_codes
from taut.table.schema import ColumnSchema
from taut.table.texts import dictionary


def text(*values: str | None) -> TextColumn:
    codes, levels = dictionary(values, len(values))
    return TextColumn("c", codes, tuple(levels))


def number(*values: float) -> NumberColumn:
    return NumberColumn("c", np.array(values))


ZIPS = ("99501", "02139", "01234")
NAN = float("nan")


@pytest.mark.parametrize(
    ("levels", "given", "codes"),
    [
        (ZIPS, text("01234", "99501", None, "x"), [2, 0, 4, 3]),
        (ZIPS, number(1234.0, 99501.0, NAN, 7.0), [2, 0, 4, 3]),
        (ZIPS, text("1234", " 02139", "2139"), [2, 1, 1]),
        (("1.0", "2.50", "x"), number(1.0, 2.5, 3.0), [0, 1, 3]),
        (("12", "012"), number(12.0), [0]),  # its own text comes first
        (("012", "0012"), number(12.0), [2]),  # two that say so are none
        (("012", "0012"), text("12"), [2]),
        (("TRUE", "FALSE", "unknown"), BooleanColumn("c", np.array([1.0, 0.0, NAN])), [0, 1, 4]),
        (("yes", "no", "maybe"), BooleanColumn("c", np.array([1.0, 0.0])), [0, 1]),
        (("Y", "N", "NE"), text("no", "yes"), [3, 3]),  # words are what they are
        (("1152921504606846977",), number(float(2**60)), [1]),
        (("nan", "1_000"), number(float("inf"), 1000.0), [2, 2]),
    ],
)
@pytest.mark.fault(67)
def test_a_value_is_found_by_its_text_else_by_what_it_says(
    levels: tuple[str, ...], given: Column, codes: list[int]
) -> None:
    assert category_codes(ColumnSchema("c", "category", "", levels=levels), given, []).tolist() == codes


def test_both_ways_to_be_strange_are_noted() -> None:
    notes: list[Note] = []
    schema = ColumnSchema("c", "category", "", levels=ZIPS)
    category_codes(schema, number(1234.0, 1234.0, 2139.0, 99501.0, 5.0, NAN), notes)
    assert [str(note) for note in notes] == [
        "column 'c': 3 of 6 rows write a value otherwise than in training, as '1234' for '01234'; they are "
        "taken for the same.",
        "column 'c': 1 of 6 rows hold a value that is not told apart, such as '5'; they count as 'other'.",
    ]
