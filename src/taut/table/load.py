"""A text file -> a DuckDB table of texts, row by row as they stand in the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, final

from taut.errors import DataError
from taut.table.frame import Note, warn
from taut.table.sniff import MOST_FIELD, Layout, long_fields

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE = "taut_table"
_MOST_COMPARED = 100  # columns: a row with these names in them is a header
_LINE_SIZE = 2_000_000  # bytes, DuckDB's own limit; thousands of columns need more


@final
@dataclass(slots=True)
class _Repairs:
    """What was repaired in a file that DuckDB refuses."""

    n_short: int = 0
    first_short: int = 0
    n_long: int = 0
    longest: int = 0  # characters of a row


def load_text(
    connection: DuckDBPyConnection, path: Path, what: str, layout: Layout, folder: Path
) -> list[Note]:
    """Load a text file into ``TABLE``, with the columns c0, c1, ... of texts.

    DuckDB reads it with all settings given, so that it guesses nothing and is strict. What it refuses is
    read again here, slower: short rows are filled up, mixed line ends and blank lines are skipped, and
    a true fault is found with its line.

    Parameters
    ----------
    connection : DuckDB connection
    path : Path
        The file in UTF-8.
    what : str
        Its name for messages.
    layout : Layout
    folder : Path
        For a repaired copy, where one is needed.

    Returns
    -------
    list of Note

    Raises
    ------
    DataError
        If a row is too long or a quote is not closed; the message has the line.

    Warns
    -----
    DataWarning
        If rows are short.
    """
    import duckdb

    if layout.first_line == 1:
        try:
            _copy_in(connection, path, layout, escape=layout.escape, header=layout.header)
            return []
        except duckdb.Error as error:
            if "out of memory" in str(error).lower():
                raise DataError(f"{what} is larger than the memory allows: {_sentence(error)}") from error
    repaired = folder / "repaired.csv"
    try:
        with long_fields():
            repairs = _repair(path, what, layout, repaired)
        # A character is at most four bytes, and a quote is doubled; each field has two around it.
        longest = 4 * repairs.longest + 3 * len(layout.names)
        layout = replace(layout, longest=max(layout.longest, longest))
        _copy_in(connection, repaired, layout, escape='"', header=False)
    except duckdb.Error as error:
        raise DataError(f"{what} cannot be read: {_sentence(error)}") from error
    except OSError as error:
        raise DataError(f"no repaired copy of {what} can be written: {error.strerror}.") from error
    notes = []
    if repairs.n_short:
        text = (
            f"{_rows(repairs.n_short, what)} too short (the first in line {repairs.first_short:,}); what "
            "they lack is missing."
        )
        notes.append(warn(Note("", text)))
    if repairs.n_long:
        text = f"{_rows(repairs.n_long, what)} too long, by empty fields; these were left out."
        notes.append(Note("", text))
    return notes


def leave_out_headers(connection: DuckDBPyConnection, what: str, layout: Layout) -> list[Note]:
    """Remove rows that repeat the header from ``TABLE``, as in files that were concatenated.

    Columns with another name than in the header, and those after the first hundred, are not compared.

    Returns
    -------
    list of Note

    Warns
    -----
    DataWarning
        If there are some.
    """
    renamed = {note.where for note in layout.renamed}
    own = [index for index, name in enumerate(layout.names) if name not in renamed][:_MOST_COMPARED]
    if not layout.header or len(own) < 2:
        return []
    same = " AND ".join(f"trim(c{index}) = {quoted(layout.names[index])}" for index in own)
    answer = connection.execute(f"DELETE FROM {TABLE} WHERE {same}").fetchone()
    count = 0 if answer is None else int(answer[0])
    if not count:
        return []
    text = f"{_rows(count, what)} the header once more; {'it is' if count == 1 else 'they are'} left out."
    return [warn(Note("", text))]


def quoted(text: str) -> str:
    """Write a text as SQL does."""
    return "'" + text.replace("'", "''") + "'"


def file_name(path: Path) -> str:
    """Write a path as SQL does, so that DuckDB takes it as it is.

    The characters of patterns are escaped; and an absolute path begins with no ``~`` and no ``http:``.
    """
    name = str(path.absolute())
    return quoted("".join(f"[{char}]" if char in "*?[" else char for char in name))


def _copy_in(
    connection: DuckDBPyConnection, path: Path, layout: Layout, *, escape: str, header: bool
) -> None:
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(layout.names)))
    settings = (
        "auto_detect=false, hive_partitioning=false, compression='none', strict_mode=true, quote='\"', "
        f"header={str(header).lower()}, "
        f"delim={quoted(layout.separator)}, escape={quoted(escape)}, columns={{{columns}}}, "
        f"max_line_size={max(_LINE_SIZE, 4 * layout.longest)}"
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE {TABLE} AS SELECT * FROM read_csv({file_name(path)}, {settings})"
    ).fetchall()


def _repair(path: Path, what: str, layout: Layout, repaired: Path) -> _Repairs:
    repairs = _Repairs()
    first = "header" if layout.header else "usual"
    with (
        path.open(encoding="utf-8-sig", newline="") as file,
        repaired.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, delimiter=layout.separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
        rows = numbered_rows(file, what, layout)
        if layout.header:
            next(rows, None)
        for line, row in rows:
            n_fields, wanted = len(row), len(layout.names)
            if n_fields < wanted:
                repairs.n_short += 1
                repairs.first_short = repairs.first_short or line
                row += [""] * (wanted - n_fields)
            elif n_fields > wanted:
                if any(field.strip() for field in row[wanted:]):
                    raise DataError(
                        f"line {line:,} of {what} has {n_fields:,} fields, and the {first} row {wanted:,}; "
                        f"is a field with {layout.separator!r} in it not quoted?"
                    )
                repairs.n_long += 1
                row = row[:wanted]
            repairs.longest = max(repairs.longest, sum(map(len, row)))
            writer.writerow(row)
    return repairs


def numbered_rows(file: Iterator[str], what: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Split a file into rows, each with the line it starts in, blank ones left out.

    Raises
    ------
    DataError
        If a quote is not closed.
    """
    for _ in range(layout.first_line - 1):
        next(file)
    reader = csv.reader(file, **layout.csv_format)
    line = layout.first_line
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger" in str(error):
                raise DataError(
                    f"line {line:,} of {what} has a field of more than {MOST_FIELD:,} characters; is a quote "
                    "not closed?"
                ) from error
            inside = "" if "end of data" in str(error) else ", or one inside a field that is not doubled"
            raise DataError(
                f"line {line:,} of {what} has a quote that is not closed{inside}; correct that line."
            ) from error
        if len(row) > 1 or (row and row[0].strip()):
            yield line, row
        line = layout.first_line + reader.line_num


def _rows(count: int, what: str) -> str:
    return f"1 row of {what} is" if count == 1 else f"{count:,} rows of {what} are"


def _sentence(error: Exception) -> str:
    """The part of DuckDB's message that is for the user."""
    return str(error).strip().splitlines()[0]
