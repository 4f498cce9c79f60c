from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from taut.errors import DataError, DataWarning
from taut.table.load import TABLE, file_name, load_text, quoted
from taut.table.sniff import Layout

Write = Callable[..., Path]
Rows = list[tuple[str | None, ...]]


@pytest.fixture
def load(write: Write, tmp_path: Path) -> Callable[..., Rows]:
    def at(
        content: str, *, header: bool = True, separator: str = ",", escape: str = '"', skip: int = 0
    ) -> Rows:
        layout = Layout(separator, escape, ".", 1 + skip, header, ("a", "b"), ())
        with duckdb.connect() as connection:
            load_text(connection, write(content), "'table.csv'", layout, tmp_path)
            return connection.execute(f"SELECT * FROM {TABLE}").fetchall()

    return at


Load = Callable[..., Rows]


def test_rows_are_read_as_they_are(load: Load) -> None:
    assert load('a,b\n007, x \n"1,5","say ""hi"""\n') == [("007", " x "), ("1,5", 'say "hi"')]


def test_without_a_header(load: Load) -> None:
    assert load("1,2\n3,4\n", header=False) == [("1", "2"), ("3", "4")]


def test_quotes_after_a_backslash(load: Load) -> None:
    content = 'a;b\n"say \\"hi\\"; now";1\n'
    assert load(content, separator=";", escape="\\") == [('say "hi"; now', "1")]
    # The way round: a short row makes it be read again.
    with pytest.warns(DataWarning, match="too short"):
        rows = load(content + "2\n", separator=";", escape="\\")
    assert rows == [('say "hi"; now', "1"), ("2", None)]


def test_lines_before_the_first_row_are_skipped(load: Load) -> None:
    assert load("sep=,\n\na,b\n1,2\n", skip=2) == [("1", "2")]


@pytest.mark.parametrize(
    "content", ["a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4", "a,b\r\n1,2\n3,4\r", "a,b\n\n1,2\n  \n\n3,4\n\n"]
)
def test_line_ends_and_blank_lines(load: Load, content: str) -> None:
    assert load(content) == [("1", "2"), ("3", "4")]


def test_a_line_end_within_quotes(load: Load) -> None:
    assert load('a,b\n1,"x\ny"\n3,4\n') == [("1", "x\ny"), ("3", "4")]
    with pytest.warns(DataWarning, match=r"1 row of 'table.csv' is too short \(the first in line 4\)"):
        assert load('a,b\n1,"x\ny"\n3\n') == [("1", "x\ny"), ("3", None)]


# FAULTS 5


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a,b\n1,2\n3,4,5\n6,7\n", 3),
        ('a,b\n1,"x\ny"\n3,4,5\n', 4),
        ("a,b\r\n1,2,3\r\n", 2),
        ("a,b\n1\n1,2,3\n", 3),
    ],
)
def test_a_row_too_long_is_named_with_its_line(load: Load, content: str, line: int) -> None:
    with pytest.raises(DataError, match=f"line {line} of 'table.csv' has 3 fields, and the header row 2"):
        load(content)


def test_a_late_row_too_long_is_named_with_its_line(load: Load) -> None:
    content = "a,b\n" + "1,2\n" * 100_000 + "1,2,3\n" + "1,2\n" * 1000
    with pytest.raises(DataError, match="line 100,002 of"):
        load(content)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n', 3),
        ('a,b\n1,"x\n2,"def"\n3,"y"\n', 2),
        ('a,b\n1,"x" y\n', 2),
        ('a,b\n1,2\n3,"4\n' + "5,6\n" * 100_000, 3),
    ],
)
def test_an_unclosed_quote_is_named_with_its_line(load: Load, content: str, line: int) -> None:
    with pytest.raises(DataError, match=f"line {line} of 'table.csv' has a quote that is not closed"):
        load(content)


def test_empty_fields_too_many_are_left_out(load: Load) -> None:
    assert load("a,b\n1,2,\n3,4, \n") == [("1", "2"), ("3", "4")]


# FAULTS 6


def test_short_rows_are_filled_and_counted(load: Load) -> None:
    with pytest.warns(
        DataWarning, match=r"2 rows of 'table.csv' are too short \(the first in line 3\); what they lack"
    ):
        assert load("a,b\n1,2\n3\n4\n5,6\n") == [("1", "2"), ("3", None), ("4", None), ("5", "6")]


def test_names_are_written_for_sql(write: Write) -> None:
    assert quoted("it's") == "'it''s'"
    assert file_name(Path("/a[1].csv")) == "'/a[[]1].csv'"


@pytest.mark.parametrize("name", ["a[1].csv", "it's.csv", "[ab].csv", "ü ñ.csv", "a]b.csv"])
def test_files_with_odd_names(write: Write, tmp_path: Path, name: str) -> None:
    layout = Layout(",", '"', ".", 1, True, ("a", "b"), ())
    path = write("a,b\n1,2\n", name)
    write("a,b\n8,9\n", "a1.csv")
    with duckdb.connect() as connection:
        load_text(connection, path, name, layout, tmp_path)
        assert connection.execute(f"SELECT * FROM {TABLE}").fetchall() == [("1", "2")]
