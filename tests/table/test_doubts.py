"""Numbers and dates that may be read in two ways: row 68 of the list of faults."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from taut.errors import DataError, DataWarning
from taut.table import read
from taut.table.columns import describe
from taut.table.convert import as_text_for, frame_from
from taut.table.frame import DateColumn, Frame, NumberColumn, NumberText
from taut.table.matrices import Matrix, matrix
from taut.table.read import read_file
from taut.table.schema import ColumnSchema, Part, Schema

pytestmark = pytest.mark.fault(68)


@pytest.fixture(params=["in Python", "by DuckDB"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short files are read in Python, long ones by DuckDB."""
    if request.param == "by DuckDB":
        monkeypatch.setattr(read, "is_short", lambda n_rows, n_columns: False)


class Tables:
    """Training and prediction from texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, text: str, schema: Schema | None = None) -> Frame:
        path = self.folder / "table.csv"
        path.write_text(text)
        return read_file(path, schema=schema)

    def predicted(self, train: str, text: str) -> Matrix:
        """The values as they come to the model."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # of the training table
            schema = describe(self.read(train))
        return matrix(schema, self.read(text, schema), strict=False)


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


POINTS = "a,b\n7.25,0.5\n12.5,0.25\n9.125,0.75\n"
COMMAS = "a;b\n7,25;0,5\n12,5;0,25\n9,125;0,75\n"
INTEGERS = "a,b\n7,1\n12,2\n9125,3\n"
THOUSANDS = 'a,b\n"7,250",0.5\n"1,012.5",0.25\n9.25,0.75\n'


@pytest.mark.parametrize(
    ("train", "text", "value"),
    [
        (POINTS, "a;b\n7,125;0,1\n", 7.125),  # the other column shows it
        (POINTS, "a;b\n7,125;1\n7,5;2\n", 7.125),  # another row does
        (POINTS, "a\tb\n7,125\t0,1\n", 7.125),
        (POINTS, "a,b\n7.125,1\n", 7.125),
        (POINTS, "a;b\n7.125;1\n", 7.125),  # as in training
        (POINTS, 'a,b\n"7,125",0.1\n', 7125.0),  # the other column is as in training
        (POINTS, "a;b\n-7,125;,5\n", -7.125),
        (COMMAS, "a,b\n7.125,0.1\n", 7.125),
        (COMMAS, "a;b\n7,125;1\n", 7.125),
        (COMMAS, "a\tb\n7.125\t0.1\n", 7.125),
        (COMMAS, "a;b\n1.234,5;1\n", 1234.5),
        (COMMAS, "a;b\n7.125;0,1\n", 7125.0),
        (INTEGERS, "a;b\n7,125;0,1\n", 7.125),
        (INTEGERS, "a,b\n7.125,1\n", 7.125),
        (THOUSANDS, 'a,b\n"7,125",1\n', 7125.0),
        (THOUSANDS, "a;b\n7,125;0,1\n", 7.125),
        (POINTS, "a;b;c\n7,125;1;x\n", None),  # only the separator speaks for the comma
        (POINTS, 'a,b\n"7,125",1\n', None),  # one row; training had no thousands marks
        (POINTS, "a\tb\n7,125\t1\n", None),
        (POINTS, "a;b\n7,125;1\n7.5;2\n0,5;3\n", None),  # both marks in one column
        (POINTS, "a;b\n7,125;1.234,5\n", 7.125),
        (COMMAS, "a,b\n7.125,1\n", None),
        (COMMAS, "a\tb\n7.125\t1\n", None),
        (INTEGERS, "a;b\n7.125;1\n", None),
        (INTEGERS, 'a,b\n"7,125",1\n', None),
        (THOUSANDS, "a;b\n7,125;1\n", None),
    ],
)
def test_the_decimal_mark_of_a_new_table(tables: Tables, train: str, text: str, value: float | None) -> None:
    if value is None:
        with pytest.raises(
            DataError, match=r"column 'a': '7[.,]125' may be 7.125 or 7125, .* Write the numb"
        ):
            tables.predicted(train, text)
        return
    found = tables.predicted(train, text)
    assert found.values[0, 0] == np.float32(value)


def test_another_mark_than_in_training_is_noted(tables: Tables) -> None:
    found = tables.predicted(POINTS, "a;b\n7,125;0,1\n")
    assert sorted(str(note) for note in found.notes) == [
        "column 'a': its decimal mark is a comma, as in other columns; in training it was a point.",
        "column 'b': its decimal mark is a comma; in training it was a point.",
    ]
    assert not tables.predicted(POINTS, "a,b\n7.125,0.1\n").notes


def test_columns_of_two_marks_stay_so(tables: Tables) -> None:
    train = 'a,b\n"7,25",0.5\n"12,5",0.25\n'
    assert tables.predicted(train, 'a,b\n"7,125",0.1\n').values[0, 0] == np.float32(7.125)


def test_a_data_frame_shows_its_marks_as_a_file_does() -> None:
    pd = pytest.importorskip("pandas")
    train = frame_from(pd.DataFrame({"a": ["7.25", "12.5", "9.125"], "b": ["0.5", "0.25", "0.75"]}))
    schema = describe(train)
    new = frame_from(pd.DataFrame({"a": ["7,125"], "b": ["0,1"]}), schema)
    assert matrix(schema, new, strict=True).values[0].tolist() == [np.float32(7.125), np.float32(0.1)]
    with pytest.raises(DataError, match="may be 7.125 or 7125"):
        matrix(schema, frame_from(pd.DataFrame({"a": ["7,125"], "b": ["1"]}), schema), strict=True)


def test_a_model_of_older_days_reads_as_it_did(tables: Tables) -> None:
    old = Schema((ColumnSchema("a", "number", "", (Part("value"),), text=NumberText(".")),))
    assert matrix(old, tables.read('a,b\n"7,125",1\n', old), strict=False).values[0, 0] == 7125.0
    with pytest.raises(DataError, match="may be 7.125 or 7125"):
        matrix(old, tables.read("a;b\n7,125;1\n", old), strict=False)


@pytest.mark.parametrize(
    ("train", "new", "message"),
    [
        ("12 %", "12", "column 'a' has numbers without a percent sign, and all had one in training"),
        ("12", "12 %", "column 'a' has percent signs, and had none in training"),
    ],
)
def test_percent_signs_that_come_or_go_are_refused(
    tables: Tables, train: str, new: str, message: str
) -> None:
    text = f"a,b\n{train},1\n{train.replace('12', '15')},2\n{train.replace('12', '30')},3\n"
    with pytest.raises(DataError, match=message):
        tables.predicted(text, f"a,b\n{new},1\n")
    assert len(tables.predicted(text, f"a,b\n{train},1\n0,1\n").values) == 2


def test_another_currency_is_warned_of(tables: Tables) -> None:
    train = "a,b\n€ 12,1\n€ 15,2\n€ 11,3\n"
    with pytest.warns(DataWarning, match="column 'a': amounts are in \\$, and were in € in training"):
        assert tables.predicted(train, "a,b\n$ 12,1\n").values[0, 0] == 12.0
    assert not tables.predicted(train, "a,b\n12,1\n").notes


ISO = "d,e\n2020-01-05,2020-03-01\n2020-04-25,2020-03-09\n2021-01-05,2020-03-22\n"
MONTH = "d,e\n1/5/2020,3/1/2020\n4/25/2020,3/9/2020\n1/5/2021,3/22/2020\n"
DAY = "d,e\n5/1/2020,1/3/2020\n25/4/2020,9/3/2020\n5/1/2021,22/3/2020\n"


@pytest.mark.parametrize(
    ("train", "text", "day", "noted"),
    [
        (ISO, "d,e\n02/11/2020,2020-03-01\n", "2020-02-11", "no date tells"),  # as training notes it
        (ISO, "d,e\n02.11.2020,2020-03-01\n", "2020-11-02", "no date tells"),
        (ISO, "d;e\n02/11/2020;13/11/2020\n", "2020-11-02", "as in column 'e'"),
        (ISO, "d,e\n02/11/2020,11/13/2020\n", "2020-02-11", "as in column 'e'"),
        (MONTH, "d,e\n02/11/2020,3/1/2020\n", "2020-02-11", ""),
        (MONTH, "d,e\n02/11/2020,11/13/2020\n", "2020-02-11", ""),
        (MONTH, "d,e\n02/11/2020,13/11/2020\n", "2020-11-02", "as in column 'e'"),
        (DAY, "d,e\n02/11/2020,3/1/2020\n", "2020-11-02", ""),
        (DAY, "d,e\n02.11.2020,3.1.2020\n", "2020-11-02", ""),
        (DAY, "d,e\n02/11/2020,11/13/2020\n", "2020-02-11", "as in column 'e'"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*its dates are read:taut.errors.DataWarning")
def test_the_order_of_day_and_month_in_a_new_table(
    tables: Tables, train: str, text: str, day: str, noted: str
) -> None:
    found = tables.predicted(train, text)
    days = (np.datetime64(day) - np.datetime64("1970-01-01")).astype(int)
    assert found.values[0, found.names.index("d (days)")] == days
    said = [note.what for note in found.notes if note.where == "d"]
    assert noted in " ".join(said)
    assert bool(noted) == bool(said)


def test_another_order_than_in_training_is_warned_of(tables: Tables) -> None:
    with pytest.warns(
        DataWarning, match="column 'd': its dates are read day first, as '13/02/2020' shows, and"
    ):
        found = tables.predicted(MONTH, "d,e\n02/11/2020,2020-03-01\n13/02/2020,2020-03-01\n")
    days = (np.datetime64("2020-11-02") - np.datetime64("1970-01-01")).astype(int)
    assert found.values[0, 0] == days


def test_dates_with_points_after_months_first_are_refused(tables: Tables) -> None:
    with pytest.raises(
        DataError, match=r"column 'd': no date tells .* in '02.11.2020'; in training it was the m"
    ):
        tables.predicted(MONTH, "d,e\n02.11.2020,2020-03-01\n")


def test_a_training_column_in_doubt_is_read_as_the_others(tables: Tables) -> None:
    frame = tables.read("d,e,f\n1/2/2020,13/4/2020,x\n3/2/2020,2/4/2020,y\n")
    column = frame.column("d")
    assert isinstance(column, DateColumn)
    assert column.values.astype("datetime64[D]").astype(str).tolist() == ["2020-02-01", "2020-02-03"]
    assert "they were read day first, as in column 'e'." in " ".join(note.what for note in frame.notes)
    frame = tables.read('a,b,c\n"7,125","0,5",x\n"1,250","2,5",y\n')
    number = frame.column("a")
    assert isinstance(number, NumberColumn)
    assert number.values.tolist() == [7.125, 1.25]
    assert "taken as a decimal mark, as in column 'b'." in " ".join(note.what for note in frame.notes)


def test_a_table_that_is_read_without_a_model_leaves_the_doubt_to_it(tables: Tables) -> None:
    """``taut.read`` does not know for what model: a point is no decimal mark before that is asked."""
    train = 'a,b\n"7,25",0.5\n"12,5",0.25\n"9,125",0.75\n'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        schema = describe(tables.read(train))
    text = "a,b\n7.125,0.5\n8.250,0.25\n"
    expected = matrix(schema, tables.read(text, schema), strict=False)
    given = read_file(tables.folder / "table.csv", texts=True)
    assert given["a"].tolist() == [7.125, 8.25]
    found = matrix(schema, as_text_for(schema, given), strict=False)
    assert np.array_equal(found.values, expected.values)
    assert found.notes == expected.notes


def test_plain_numbers_after_percent_signs_are_warned_of() -> None:
    schema = describe(frame_from(pd.DataFrame({"a": ["5%", "12 %", "7%"]})))
    with pytest.warns(DataWarning, match="column 'a': its numbers had percent signs in training, and have"):
        matrix(schema, frame_from(pd.DataFrame({"a": [0.05, 5.0]}), schema), strict=True)
    matrix(schema, frame_from(pd.DataFrame({"a": ["5%", None]}), schema), strict=True)
    mixed = describe(frame_from(pd.DataFrame({"a": ["5%", "0.12", "7%"]})))
    matrix(mixed, frame_from(pd.DataFrame({"a": [0.05, 0.5]}), mixed), strict=True)
