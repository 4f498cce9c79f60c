from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taut.errors import DataError, DataWarning
from taut.table.sniff import Layout, sniff, warn_of_renamed

Write = Callable[..., Path]


@pytest.fixture
def look(write: Write) -> Callable[..., Layout]:
    def at(content: str, header: bool = True) -> Layout:
        return sniff(write(content), "'table.csv'", header=header)

    return at


Look = Callable[..., Layout]


# FAULTS 4


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator(look: Look, separator: str) -> None:
    layout = look("a,b,c\nx,1,y\nz,2,w\n".replace(",", separator))
    assert layout.separator == separator
    assert layout.names == ("a", "b", "c")
    assert any("separator" in note.what for note in layout.notes) == (separator != ",")


def test_semicolons_win_where_commas_are_in_the_numbers(look: Look) -> None:
    layout = look("1,5;2,5\n3,5;4,5\n", header=False)
    assert (layout.separator, layout.decimal) == (";", ",")
    assert layout.names == ("x0", "x1")


def test_commas_win_over_a_semicolon_in_some_texts(look: Look) -> None:
    layout = look('a,b\n"x; y",1\nz,2\nw;,3\n')
    assert layout.separator == ","


def test_separators_within_quotes_do_not_count(look: Look) -> None:
    assert look('"a;b";"c,d"\n"1;2,3";"4"\n"5;6,7";"8,9"\n').names == ("a;b", "c,d")


def test_a_few_short_rows_do_not_hide_the_separator(look: Look) -> None:
    assert look("a,b,c\n1,2,3\n4,5\n6\n7,8,9\n").separator == ","


def test_the_decimal_mark(look: Look) -> None:
    assert look("a;b\nx;1,5\n").decimal == ","
    assert look("a;b\nx;1.5\n").decimal == "."
    assert look("a;b\nx;1,234\n").decimal == ","
    assert look("a\tb\nx\t1,234\n").decimal == "."
    assert look("a\tb\nx\t1,23\n").decimal == ","
    assert look('a,b\nx,"1,23"\n').decimal == "."


def test_excels_first_line_and_blank_lines_are_skipped(look: Look) -> None:
    layout = look("\nsep=|\na|b\n1|2\n")
    assert (layout.separator, layout.first_line, layout.names) == ("|", 3, ("a", "b"))


def test_quotes_after_a_backslash(look: Look) -> None:
    assert look('a,b\n"say \\"hi\\", now",1\n').escape == "\\"
    assert look('a,b\n"say ""hi""",1\n').escape == '"'


# FAULTS 2


@pytest.mark.parametrize(("content", "said"), [("\n \n", "has no rows"), ("a,b\n", "no rows but its header")])
def test_no_rows(look: Look, content: str, said: str) -> None:
    with pytest.raises(DataError, match=f"'table.csv' .*{said}"):
        look(content)


def test_one_row_is_enough_without_a_header(look: Look) -> None:
    assert look("1,2\n", header=False).names == ("x0", "x1")


# FAULTS 10


def test_blank_and_doubled_names_are_renamed(look: Look) -> None:
    layout = look("a,,a,a (2),b,b\n1,2,x,4,5,6\n")
    assert layout.names == ("a", "column 2", "a (3)", "a (2)", "b", "b (2)")
    assert [note.where for note in layout.renamed] == ["column 2", "a (3)", "b (2)"]
    said = r"the header of 'x.csv' has blank or doubled names; renamed: 'column 2', 'a \(3\)', 'b \(2\)'"
    with pytest.warns(DataWarning, match=said):
        assert len(warn_of_renamed(layout.renamed, "the header of 'x.csv'")) == 4


@pytest.mark.fault(63)
@pytest.mark.parametrize("separator", [",", "\t"])
def test_names_of_rows_without_a_header(look: Look, separator: str) -> None:  # as R writes them
    said = (
        "one name fewer than the rows have fields; the first field of each was taken as the name of the row"
    )
    with pytest.warns(DataWarning, match=said):
        layout = look('"x","y"\n"car 1",1,2\n"car 2",1,2\n"car 3",5,6\n'.replace(",", separator))
    assert (layout.separator, layout.names) == (separator, ("column 1", "x", "y"))


@pytest.mark.parametrize(
    "rows", ["1,2,\n3,4,\n5,6,\n", "1,2,3\n1,3,4\n1,5,6\n", "1.5,2,3\n1.6,3,\n2.5,5,6\n"]
)
def test_long_rows_that_have_no_names(look: Look, rows: str) -> None:
    assert look("x,y\n" + rows).names == ("x", "y")


@pytest.mark.fault(85)
def test_spaces_between_columns(look: Look) -> None:
    with pytest.raises(DataError, match=r"'table.csv' are separated by spaces, which is not read"):
        look("x y kind\n1.5  2   a\n13   4.5 b\n5    6   a\n")
    assert look("x\n1 2 3\n4 5\n6\n").names == ("x",)
    assert look("name\nAda Lovelace\nAlan Turing\nGrace Hopper\n").names == ("name",)


# FAULTS 11


@pytest.mark.parametrize(
    "content",
    [
        "1.5,x\n2.5,y\n3.5,x\n",
        "2024-01-01,x\n2024-01-02,y\n",
        "5,1,x\n7,2,y\n",
        "p,x\ne,s\np,s\ne,x\n",
    ],
)
def test_a_header_that_looks_like_data(look: Look, content: str) -> None:
    with pytest.warns(
        DataWarning, match=r"the first row of 'table.csv' was taken as the header.*--no-header"
    ):
        look(content)


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n",
        "country,2019,2020,2021\nx,1,2,3\n",
        "0,1,2\n5.5,6.5,7.5\n",
        "name,kind\nx,y\nz,y\n",
        "id,2020\n1,5\n",
        "a,NA\n1,\n2,\n",
    ],
)
def test_a_header_is_left_in_peace(look: Look, content: str) -> None:
    assert look(content).notes == ()


def test_a_very_wide_header(look: Look) -> None:
    names = [f"a column with a rather long name {place}" for place in range(20_000)]
    layout = look(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    assert layout.names == tuple(names)


def test_separators_of_unicode_do_not_end_a_line(look: Look) -> None:
    assert look("a\u2028b,c\x0bd\n1,2\n").names == ("a\u2028b", "c\x0bd")
