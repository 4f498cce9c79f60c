"""How a text file is laid out: separator, quotes, header. Found from its first rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, final

from taut.errors import DataError
from taut.table.dates import parse_dates
from taut.table.frame import Decimal, Note, listing, warn
from taut.table.numbers import decimal_mark, parse_numbers
from taut.table.words import is_missing

# In the order of preference where two split the rows equally well: "1,5;2,3" is two numbers, not three.
SEPARATORS = ("\t", ";", "|", ",")
_NAMES = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}

_SAMPLE_BYTES = 1 << 18
_MOST_BYTES = 1 << 26
_SAMPLE_ROWS = 1000
_SAMPLE_CELLS = 20_000

#: Characters of a field; a longer one is most likely a quote that is not closed.
MOST_FIELD = 10_000_000


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """How a text file is laid out.

    Attributes
    ----------
    separator : str
    escape : str
        What escapes a quote inside a quoted field: another quote, or a backslash.
    decimal : "." or ","
        The decimal mark of its numbers, where a column is ambiguous.
    first_line : int
        The line (from 1) of the first row; more than 1 where lines before it are skipped.
    header : bool
        Whether the first row is the header.
    names : tuple of str
        The names of the columns, all different.
    notes : tuple of Note
    longest : int
        The bytes of the longest line among the first.
    other_names : bool
        Whether the names differ from the header's, or there is none.
    renamed : tuple of Note
        On the columns that were blank or doubled in the header, each.
    """

    separator: str
    escape: str
    decimal: Decimal
    first_line: int
    header: bool
    names: tuple[str, ...]
    notes: tuple[Note, ...]
    longest: int = 0
    other_names: bool = False
    renamed: tuple[Note, ...] = ()

    @property
    def csv_format(self) -> dict[str, Any]:
        """The layout as the csv module wants it."""
        doubled = self.escape == '"'
        return _csv_format(self.separator, doubled)


def sniff(path: Path, what: str, *, header: bool) -> Layout:
    """Find out how a text file is laid out.

    Parameters
    ----------
    path : Path
        A file in UTF-8.
    what : str
        The file's name for messages.
    header : bool
        Whether the first row is the header; else the columns are named x0, x1, ...

    Raises
    ------
    DataError
        If there is no row but the header, or nothing at all.

    Warns
    -----
    DataWarning
        If the header looks like a row of data.
    """
    with long_fields():
        return _sniff(path, what, header=header)


@contextmanager
def long_fields() -> Iterator[None]:
    """Let the csv module read fields of up to ten million characters; its default limit is 131,072."""
    before = csv.field_size_limit(MOST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _sniff(path: Path, what: str, *, header: bool) -> Layout:
    lines, whole = _first_lines(path)
    skipped = 0
    declared = None
    while lines and (not lines[0].strip() or (declared is None and re.fullmatch(r"sep=.\s*", lines[0]))):
        declared = lines[0][4] if lines[0].startswith("sep=") else declared
        lines, skipped = lines[1:], skipped + 1
    if not lines:
        raise DataError(f"{what} has no rows.")
    text = "".join(lines)
    doubled = len(re.findall(r'\\"\w', text)) <= len(re.findall(r'""\w', text))
    separator, rows = _separator(lines, doubled, declared)
    if len(rows[0]) == 1:
        _refuse_spaces(lines, what)
    notes = []
    if header and _names_are_short(rows):
        rows[0].insert(0, "")  # as R writes it, and pandas if asked to
        sentence = (
            f"the header of {what} has one name fewer than the rows have fields; the first field of each was "
            "taken as the name of the row."
        )
        notes.append(warn(Note("", sentence)))
    if header and len(rows) < 2 and whole:
        raise DataError(f"{what} has no rows but its header.")
    renamed: list[Note] = []
    if separator != ",":
        notes.append(Note("", f"the file's separator is a {_NAMES.get(separator, repr(separator))}."))
    few = rows[1 : 1 + max(10, min(100, _SAMPLE_CELLS // len(rows[0])))]
    decimal = _decimal(few, separator)
    if header:
        names, renamed = own_names([cell.strip() for cell in rows[0]], "header")
        looks = _looks_like_data(rows[0], [row for row in few if len(row) < 2 or row != rows[0]])
        if looks:
            sentence = (
                f"the first row of {what} was taken as the header, but it looks like data: {looks}. "
                "If the file has no header row, say --no-header (header=False)."
            )
            notes.append(warn(Note("", sentence)))
    else:
        width = Counter(len(row) for row in rows).most_common(1)[0][0]
        names = tuple(f"x{index}" for index in range(width))
    escape = '"' if doubled else "\\"
    longest = max(len(line.encode()) for line in lines)
    other = not header or list(names) != rows[0]
    return Layout(
        separator, escape, decimal, 1 + skipped, header, names, tuple(notes), longest, other, tuple(renamed)
    )


def rows_of(lines: Iterator[str] | Sequence[str], separator: str, doubled: bool) -> Iterator[list[str]]:
    """Split lines into rows of fields, without blank lines; faults are skipped."""
    reader = csv.reader(iter(lines), **(_csv_format(separator, doubled) | {"strict": False}))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:  # a field too long: an unclosed quote
            return
        if row and (len(row) > 1 or row[0].strip()):
            yield row


def _csv_format(separator: str, doubled: bool) -> dict[str, Any]:
    escape = {} if doubled else {"escapechar": "\\"}
    return {
        "delimiter": separator,
        "quotechar": '"',
        "doublequote": doubled,
        "skipinitialspace": separator != "\t",
        "strict": True,
        **escape,
    }


def _first_lines(path: Path) -> tuple[list[str], bool]:
    """Read the first lines, with their ends: (the lines, whether that is all)."""
    with path.open("rb") as file:
        size = _SAMPLE_BYTES
        data = file.read(size)
        while data.count(b"\n") < 20 and size < _MOST_BYTES:  # long rows: thousands of columns
            more = file.read(3 * size)
            data, size = data + more, 4 * size
            if not more:
                break
        whole = not file.read(1)
    # Not splitlines(), which splits at the separators of Unicode too.
    lines = list(io.StringIO(data.decode("utf-8", errors="ignore"), newline=""))
    # A row that the sample cuts off would look like a short one.
    return (lines if whole or len(lines) < 2 else lines[:-1]), whole


def _separator(lines: list[str], doubled: bool, declared: str | None) -> tuple[str, list[list[str]]]:
    """Choose the separator that splits most rows into as many fields as the first: (separator, rows)."""
    best_share = 0.0
    best = declared or ","
    for separator in SEPARATORS if declared is None else ():
        rows = list(islice(rows_of(lines, separator, doubled), _SAMPLE_ROWS))
        width = len(rows[0]) if rows else 0
        if _names_are_short(rows):
            width += 1
        if width > 1:
            share = sum(len(row) == width for row in rows) / len(rows)
            if share > best_share + 0.1:
                best_share, best = share, separator
    return best, list(islice(rows_of(lines, best, doubled), _SAMPLE_ROWS))


def _names_are_short(rows: Sequence[list[str]]) -> bool:
    """Whether all rows have one more field than the header, in front: a name or number of the row."""
    if len(rows) < 3 or any(len(row) != len(rows[0]) + 1 for row in rows[1:]):
        return False
    first = {row[0].strip() for row in rows[1:]}
    if len(first) < len(rows) - 1 or 2 * sum(not row[-1].strip() for row in rows[1:]) > len(rows):
        return False
    return all(name.isdecimal() for name in first) or not parse_numbers(sorted(first), ".")[1].any()


def _refuse_spaces(lines: Sequence[str], what: str) -> None:
    """Refuse numbers in columns that are separated by spaces.

    Raises
    ------
    DataError
        If all lines have as many words, and half of them or more are numbers.
    """
    rows = [words for line in lines[:_SAMPLE_ROWS] if (words := line.split())]
    below = [word for row in rows[1:] for word in row]
    if len(rows) < 3 or len(rows[1]) < 2 or len({len(row) for row in rows[1:]}) > 1:
        return
    if 2 * int(parse_numbers(below, ".")[1].sum()) >= len(below):
        raise DataError(
            f"the columns of {what} are separated by spaces, which is not read: save it as CSV, with commas "
            "(pandas.read_csv(..., sep=r'\\s+') reads it)."
        )


def _decimal(rows: list[list[str]], separator: str) -> Decimal:
    """Find the decimal mark of the file's numbers.

    A file has semicolons (or tabs, bars) and not commas most often because commas are in its numbers.
    """
    if separator == ",":
        return "."
    cells = [cell for row in rows for cell in row if "," in cell or "." in cell]
    return decimal_mark(cells, [1] * len(cells), "," if separator == ";" else ".")[0]


def own_names(cells: Sequence[str], where: str) -> tuple[tuple[str, ...], list[Note]]:
    """Give every column a unique name.

    Parameters
    ----------
    cells : sequence of str
        The names in the file.
    where : str
        Where they are, for the notes: "header".

    Returns
    -------
    names : tuple of str
    renamed : list of Note
        On each that is another than in the file.
    """
    names: list[str] = []
    notes = []
    taken = set(cells)
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        stem = name = cell if cell.strip() else f"column {index + 1}"
        count = 1
        while name in seen or (name != cell and name in taken):
            count += 1
            name = f"{stem} ({count})"
        if name != cell:
            why = "has no name" if not cell.strip() else f"has the name {stem!r} of an earlier one"
            notes.append(Note(name, f"the {where}'s column {index + 1} {why}."))
        seen.add(name)
        names.append(name)
    return tuple(names), notes


def warn_of_renamed(renamed: Sequence[Note], what: str) -> list[Note]:
    """Warn of blank and doubled names, all at once, and give the notes to be recorded."""
    if not renamed:
        return []
    new = listing([note.where for note in renamed])
    return [warn(Note("", f"{what} has blank or doubled names; renamed: {new}.")), *renamed]


def _looks_like_data(header: list[str], rows: list[list[str]]) -> str:
    """Say why a header looks like data, or "" if it does not."""
    if not rows:
        return ""
    numeric: list[str] = []
    repeated = 0
    for index, cell in enumerate(header):
        below = [row[index].strip() for row in rows if index < len(row) and not is_missing(row[index])]
        repeated += cell.strip() in below
        if not below or 2 * _n_values(below) < len(below):
            continue
        if is_missing(cell):
            continue
        if not _n_values([cell]):
            return ""  # a word above numbers: a header
        numeric.append(cell.strip())
    if numeric and not _is_series(numeric):
        return f"it holds the value {numeric[0]!r} above others of the kind"
    if not numeric and repeated == len(header):
        return "each of its words comes again below it"
    return ""


def _n_values(cells: list[str]) -> int:
    """Count the numbers and dates among some cells."""
    numbers = parse_numbers(cells, ".")[1]
    return int((numbers | parse_dates(cells, [1] * len(cells)).is_date).sum())


def _is_series(cells: list[str]) -> bool:
    """Whether names are like 2019, 2020, 2021 or 0, 1, 2, which are a header after all."""
    if len(cells) < 2 or not all(cell.isdecimal() for cell in cells):
        return False
    values = [int(cell) for cell in cells]
    return all(after - before == 1 for before, after in zip(values, values[1:], strict=False))
