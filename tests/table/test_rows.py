"""Short and wide text files, read in Python: the same as DuckDB reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taut.table.rows as rows_module
from taut.table import read
from taut.table.frame import Frame, NumberColumn, NumberText, TextColumn
from taut.table.numbers import plain_numbers
from taut.table.read import read_file
from taut.table.rows import is_short
from taut.table.texts import Hints, dictionary, typed

_CELLS = ["1", "-2", "2.5", "1.234", "0.125", "1,5", "1,234", "12,345", "1e5", "", "NA", "nan", "-nan", "inf"]
_CELLS += [
    " 3",
    "007",
    "1_000",
    "9007199254740993",
    "abc",
    "?",
    "+4",
    "-0",
    "1.0",
    ".",
    "2020-01-01",
    "1.2.3",
]


@given(st.lists(st.sampled_from(_CELLS), min_size=1, max_size=8), st.sampled_from([".", ","]))
def test_plain_numbers_are_what_the_closer_look_finds(cells: list[str], decimal: str) -> None:
    found = plain_numbers(cells)
    if found is None or not (found.proven or found.decimal in ("", ".")) or np.isnan(found.values).all():
        return
    if found.decimal == "." and not found.proven and decimal == ",":
        return
    codes, levels = dictionary(cells, len(cells))
    column, notes = typed(TextColumn("x", codes, tuple(levels)), Hints(decimal))
    assert isinstance(column, NumberColumn)
    np.testing.assert_array_equal(column.values, found.values)
    assert column.text == NumberText(found.decimal or decimal, (), found.seen)
    assert [note.what for note in notes] == (
        ["read as numbers with these marks: decimal comma."] if found.decimal == "," else []
    )


def test_parts_of_a_column_with_different_marks_are_no_plain_numbers() -> None:
    parts = [plain_numbers(["1.5"]), plain_numbers(["2,5"]), plain_numbers(["3"])]
    assert parts[0] is not None
    assert parts[1] is not None
    assert parts[2] is not None
    assert parts[0].joined(parts) is None  # type: ignore[arg-type]
    joined = parts[0].joined([parts[2], parts[0]])
    assert joined is not None
    assert joined.decimal == "."
    assert joined.values.tolist() == [3.0, 1.5]


def _same(one: Frame, other: Frame) -> None:
    assert one.names == other.names
    assert one.notes == other.notes
    assert one.reading == other.reading
    for a, b in zip(one.columns, other.columns, strict=True):
        assert type(a) is type(b), a.name
        if isinstance(a, TextColumn) and isinstance(b, TextColumn):
            assert [a.levels[code] for code in a.codes] == [b.levels[code] for code in b.codes]
        else:
            np.testing.assert_array_equal(a.values, b.values)  # type: ignore[union-attr]


def _mixed(path: Path, separator: str = ",", point: str = ".") -> Path:
    rng = np.random.default_rng(0)
    lines = [separator.join(["a", "b", "c", "d", "e", "f", '"g, or h"'])]
    for i in range(60):
        number = f"{rng.normal():.3f}".replace(".", point)
        word = ["red", '"dark, red"', '"say ""no"""', ""][i % 4]
        lines.append(
            separator.join([number, f"0{i % 9}", word, f"2020-01-{1 + i % 28:02}", "yno"[i % 2], "", "5"])
        )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("separator", "point"), [(",", "."), (";", ","), ("\t", ".")])
@pytest.mark.filterwarnings("ignore::taut.errors.DataWarning")
def test_a_short_file_is_read_as_a_long_one(
    separator: str, point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _mixed(tmp_path / "table.csv", separator, point)
    short = read_file(path)
    monkeypatch.setattr(rows_module, "_BLOCK_CELLS", 50)
    in_blocks = read_file(path)
    monkeypatch.setattr(read, "is_short", lambda n_rows, n_columns: False)
    _same(short, read_file(path))
    _same(in_blocks, read_file(path))


@pytest.mark.parametrize("line", ["1", "1,2,3", '1,"2'])
def test_a_row_with_a_fault_is_left_to_the_slower_way(line: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"a,b\n1,2\n{line}\n")
    layout = read.sniff(path, "it", header=True)
    assert rows_module.read_rows(path, "it", layout, [0, 1], {0, 1}) is None


def test_what_is_short_depends_on_the_columns() -> None:
    assert is_short(499, 2)
    assert not is_short(500, 2)
    assert is_short(5000, 20_000)
    assert not is_short(200, 1)


@pytest.mark.fault(83)
def test_a_wide_table_is_read_without_a_query_for_each_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.round(np.random.default_rng(0).normal(size=(20, 5000)), 4)
    lines = [",".join(f"c{place}" for place in range(5000))]
    lines += [",".join(str(value) for value in row) for row in values.tolist()]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(lines))
    monkeypatch.setattr(read, "typed", None)  # nor is any column looked at cell by cell
    monkeypatch.setattr(read, "load_text", None)
    frame = read_file(path)
    found = np.column_stack([column.values for column in frame.columns if isinstance(column, NumberColumn)])
    np.testing.assert_array_equal(found, values)
