from __future__ import annotations

import numpy as np
import pytest

from taut.errors import DataError, DataWarning
from taut.table.frame import BooleanColumn, Column, DateColumn, Note, NumberColumn, NumberText, TextColumn
from taut.table.texts import Hints, clean, dictionary, spread, typed


def text_column(values: list[str | None]) -> TextColumn:
    codes, levels = dictionary(values, len(values))
    return TextColumn("x", codes, tuple(levels))


def read(values: list[str | None], hints: Hints | None = None) -> tuple[Column, list[Note]]:
    return typed(text_column(values), hints or Hints())


def numbers(values: list[str | None], hints: Hints | None = None) -> list[float]:
    column, _ = read(values, hints)
    assert isinstance(column, NumberColumn)
    return column.values.tolist()


def test_dictionary_stores_each_text_once() -> None:
    codes, levels = dictionary(["b", None, "a", "b"], 4)
    assert codes.tolist() == [0, -1, 1, 0]
    assert codes.dtype == np.int32
    assert levels == ["b", "a"]


def test_clean_merges_and_takes_the_missing_out() -> None:
    column = clean(text_column([" a", "a", "NA", None, "b ", "None"]))
    assert column.codes.tolist() == [0, 0, -1, -1, 1, -1]
    assert column.levels == ("a", "b")
    kept = clean(text_column(["NA", "None"]), kept=["None"])
    assert kept.codes.tolist() == [-1, 0]
    assert kept.levels == ("None",)


def test_spread_gives_nan_for_a_missing_code() -> None:
    values = spread(np.array([1, -1], dtype=np.int32), np.array([5.0, 6.0]))
    assert np.array_equal(values, [6.0, np.nan], equal_nan=True)


def test_numbers_with_marks_are_read_and_the_marks_noted() -> None:
    column, notes = read(["€12,345", "€1,000.50", None])
    assert isinstance(column, NumberColumn)
    assert np.array_equal(column.values, [12345.0, 1000.5, np.nan], equal_nan=True)
    assert [note.what for note in notes] == ["read as numbers with these marks: €, thousands marks."]


def test_a_decimal_comma_is_remembered() -> None:
    column, _ = read(["1,5", "1,234", "7"])
    assert isinstance(column, NumberColumn)
    assert column.values.tolist() == [1.5, 1.234, 7.0]
    assert column.text == NumberText(",", (), ("decimal comma",))


def test_a_doubt_is_decided_by_the_file_and_noted() -> None:
    column, notes = read(["1,234", "2,345"])
    assert isinstance(column, NumberColumn)
    assert column.values.tolist() == [1234.0, 2345.0]
    assert "no value tells how to read '1,234'; the mark was taken as a thousands mark" in notes[-1].what
    assert numbers(["1,234", "2,345"], Hints(",")) == [1.234, 2.345]
    assert numbers(["1.234", "2.345"], Hints(",")) == [1234.0, 2345.0]
    assert not any("no value tells" in note.what for note in read(["1.234"])[1])


@pytest.mark.parametrize(("word", "value"), [("yes", 1.0), ("FALSE", 0.0), ("t", 1.0), ("N", 0.0)])
def test_yes_and_no(word: str, value: float) -> None:
    column, _ = read([word, None, "NA"])
    assert isinstance(column, BooleanColumn)
    assert np.array_equal(column.values, [value, np.nan, np.nan], equal_nan=True)
    assert column.words is not None
    assert word in column.words


def test_zero_and_one_stay_numbers() -> None:
    assert numbers(["0", "1", "1"]) == [0.0, 1.0, 1.0]


def test_a_country_called_no_is_no_boolean() -> None:
    column, _ = read(["no", "se", "dk"])
    assert isinstance(column, TextColumn)


def test_nothing_at_all_is_a_column_of_missing_numbers() -> None:
    column, notes = read(["", "NA", None])
    assert isinstance(column, NumberColumn)
    assert column.missing.all()
    assert notes == []


def test_dates_with_a_few_faults() -> None:
    values: list[str | None] = [f"2024-01-{day:02d}" for day in range(1, 29)]
    with pytest.warns(DataWarning, match="1 of 29 rows hold no date: 'soon' .first in row 29."):
        column, notes = read([*values, "soon"])
    assert isinstance(column, DateColumn)
    assert column.missing.tolist() == [False] * 28 + [True]
    assert len(notes) == 1


def test_dates_with_many_faults_are_text() -> None:
    column, _ = read(["2024-01-01", "2024-01-02", "soon"])
    assert isinstance(column, TextColumn)


def test_the_order_of_doubtful_dates_is_noted() -> None:
    column, notes = read(["1/2/2024", "3/4/2024"])
    assert isinstance(column, DateColumn)
    assert (
        "no date tells whether the day or the month comes first; they were read month first" in notes[0].what
    )
    column, notes = read(["1/2/2024", "3/4/2024"], Hints(",", day_first=True))
    assert "day first" in notes[0].what


# FAULTS 12


def test_late_text_in_a_numeric_column_is_missing_and_counted() -> None:
    values: list[str | None] = [str(number) for number in range(100)]
    with pytest.warns(DataWarning, match=r"2 of 102 rows \(2 %\) hold no number: 'oops', 'x' \(first in"):
        column, notes = read([*values, "oops", "x"])
    assert isinstance(column, NumberColumn)
    assert np.isnan(column.values[-2:]).all()
    assert column.values[:100].tolist() == list(range(100))
    assert column.text == NumberText(".", ("oops", "x"), ())
    assert "first in row 101" in notes[0].what


def test_much_late_text_is_an_error() -> None:
    values: list[str | None] = [str(number) for number in range(100)]
    with pytest.raises(
        DataError, match=r"column 'x' holds numbers, but 6 of 106 rows \(5.7 %\) hold text: 'oops'"
    ):
        read([*values, *["oops"] * 6])


def test_text_all_over_a_measure_is_an_error() -> None:
    rng = np.random.default_rng(0)
    values: list[str | None] = [str(number) for number in rng.normal(size=200)]
    values[::10] = ["bad"] * 20
    with pytest.raises(DataError, match="20 of 200 rows"):
        read(values)
    values[::10] = [f"bad{place}" for place in range(20)]  # many words, but the numbers are fractions
    with pytest.raises(DataError, match="20 of 200 rows"):
        read(values)


def test_codes_with_some_letters_are_text() -> None:
    # Ticket numbers: from the start some have letters, all of them different.
    values: list[str | None] = [str(10_000 + 7 * place) for place in range(200)]
    values[::5] = [f"A/{place} 21171" for place in range(40)]
    column, notes = read(values)
    assert isinstance(column, TextColumn)
    assert "not all rows hold numbers, 40 of 200 rows (20 %) hold text" in notes[0].what


def test_a_short_list_of_numbers_and_words_is_text() -> None:
    column, notes = read(["0", "1", "2", "3+"] * 25)
    assert len(notes) == 1
    assert read(["0", "1", "x", "3+", "y"] * 20)[1] == []
    assert isinstance(column, TextColumn)
    assert column.levels == ("0", "1", "2", "3+")


# FAULTS 13


def test_leading_zeros_stay_text() -> None:
    with pytest.warns(DataWarning, match="column 'x': its numbers have leading zeros, as in '02134'"):
        column, _ = read(["02134", "10001", "94103"])
    assert isinstance(column, TextColumn)
    assert column.levels == ("02134", "10001", "94103")


def test_one_leading_zero_among_many_is_a_slip() -> None:
    assert numbers([str(number) for number in range(1, 201)] + ["07"])[-1] == 7.0


def test_zeros_before_the_point_are_numbers() -> None:
    assert numbers(["0.5", "00.25", "0"]) == [0.5, 0.25, 0.0]


def test_long_integers_stay_text() -> None:
    with pytest.warns(DataWarning, match="integers have more figures than a number holds"):
        column, _ = read(["12345678901234567890", "12345678901234567891"])
    assert isinstance(column, TextColumn)
    assert len(column.levels) == 2
    assert numbers(["9007199254740992", "1"]) == [2.0**53, 1.0]


def test_many_different_texts_stay_text() -> None:
    values: list[str | None] = [f"a sentence of its own, the {place}th" for place in range(3000)]
    column, notes = read(values)
    assert isinstance(column, TextColumn)
    assert notes == []


@pytest.mark.fault(68)
def test_dates_with_slashes_and_with_points_are_warned_of() -> None:
    cells = ["05.02.2024", "3/25/2024", "2024-01-05", "4/26/2024"] * 5
    codes, levels = dictionary(cells, len(cells))
    said = "column 'when': dates are written in two forms, as '3/25/2024' and '05.02.2024'; all were"
    with pytest.warns(DataWarning, match=said):
        column = typed(TextColumn("when", codes, tuple(levels)), Hints())[0]
    assert str(column.values[0])[:10] == "2024-05-02"  # type: ignore[union-attr]
