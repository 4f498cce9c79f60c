"""A text file with many columns and few rows -> its columns, row by row in Python.

DuckDB pays for each column: a table of 20,000 columns and 100 rows costs it 16 s, and the csv module 0.2.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from taut.errors import DataError
from taut.table.frame import Codes, Decimal
from taut.table.load import numbered_rows
from taut.table.numbers import PlainNumbers, plain_numbers
from taut.table.sniff import Layout
from taut.table.texts import dictionary

_FEW_ROWS = 500
_ROWS_PER_COLUMN = 10
_BLOCK_CELLS = 4_000_000  # at about 70 bytes

Cells: TypeAlias = PlainNumbers | tuple[Codes, list[str]]


def is_short(n_rows: int, n_columns: int) -> bool:
    """Whether a table is read faster in Python."""
    return n_columns > 1 and n_rows < max(_FEW_ROWS, _ROWS_PER_COLUMN * n_columns)


def read_rows(
    path: Path,
    what: str,
    layout: Layout,
    wanted: Sequence[int],
    numbers: Container[int],
    sure: Decimal | None = None,
) -> tuple[int, dict[int, Cells]] | None:
    """Read some columns of a text file.

    Parameters
    ----------
    path : Path
        The file in UTF-8.
    what : str
        Its name for messages.
    layout : Layout
    wanted : sequence of int
        The indices of the columns.
    numbers : container of int
        Those of them that are given as numbers where they hold only numbers.
    sure : "." or ",", optional
        The mark that is a decimal mark even without a number that proves it.

    Returns
    -------
    n_rows : int
    columns : dict of int to PlainNumbers or (codes (n_rows,), levels)
        By their indices.

    Or None, if some row has a fault: too short, too long, a quote that is not closed, the header again.
    """
    found: dict[int, list[PlainNumbers]] = {index: [] for index in wanted if index in numbers}
    n_rows = n_blocks = 0
    columns: list[tuple[str, ...]] = []
    try:
        for columns in _blocks(path, what, layout):
            n_rows += len(columns[0])
            n_blocks += 1
            for index, parts in list(found.items()):
                part = plain_numbers(columns[index])
                if part is None:
                    del found[index]
                else:
                    parts.append(part)
        read: dict[int, Cells] = {}
        for index, parts in found.items():
            joined = PlainNumbers.joined(parts)
            # Where a mark is ambiguous, the texts have to be compared with others.
            if joined is not None and (joined.proven or joined.decimal in ("", sure)):
                read[index] = joined
        texts = [index for index in wanted if index not in read]
        # Not all texts at once: they take much more room than numbers.
        few = max(1, _BLOCK_CELLS // max(1, n_rows))
        for start in range(0, len(texts), few):
            group = texts[start : start + few]
            if n_blocks == 1:
                read |= {index: dictionary(columns[index], n_rows) for index in group}
            else:
                read |= _texts(path, what, layout, group, n_rows)
    except (DataError, ValueError):
        return None
    return n_rows, read


def _texts(path: Path, what: str, layout: Layout, indices: Sequence[int], n_rows: int) -> dict[int, Cells]:
    """Read columns of texts in a separate pass."""
    codes = np.empty((len(indices), n_rows), dtype=np.int32)
    known: list[dict[str, int]] = [{} for _ in indices]
    first = 0
    for columns in _blocks(path, what, layout):
        n_new = len(columns[0])
        for row, index, level in zip(codes, indices, known, strict=True):
            size = level.__len__
            numbered = (level.setdefault(cell, size()) for cell in columns[index])
            row[first : first + n_new] = np.fromiter(numbered, np.int32, n_new)
        first += n_new
    return {index: (row, list(level)) for row, index, level in zip(codes, indices, known, strict=True)}


def _blocks(path: Path, what: str, layout: Layout) -> Iterator[list[tuple[str, ...]]]:
    """Give the columns' cells, as many rows at a time as memory has room for; a faulty row ends it."""
    width = len(layout.names)
    n_rows = max(1, _BLOCK_CELLS // width)
    with path.open(encoding="utf-8", newline="") as file:
        rows = (row for _, row in numbered_rows(file, what, layout))
        header = next(rows, None) if layout.header else None
        while block := list(islice(rows, n_rows)):
            if any(len(row) != width or row == header for row in block):
                raise ValueError("a row is short or long, or the header once more")
            yield list(zip(*block, strict=True))
