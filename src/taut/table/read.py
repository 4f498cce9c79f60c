"""Read the user's table from a file: CSV, TSV (gzipped or not) and Parquet."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.errors import DataError
from taut.table.asked import Asked
from taut.table.doubts import Typed, in_doubt, settle
from taut.table.files import Text, kind_of, start_of, utf8
from taut.table.frame import (
    BooleanColumn,
    Codes,
    Column,
    DateColumn,
    Decimal,
    Frame,
    Note,
    NumberColumn,
    NumberText,
    Reading,
    TextColumn,
    listing,
    warn,
)
from taut.table.index import find_index, leave_out, unnamed
from taut.table.load import TABLE, leave_out_headers, load_text, quoted
from taut.table.memory import available_memory, size_text
from taut.table.numbers import MARKS, PlainNumbers
from taut.table.parquet import TEXTS, Source, open_parquet, readable
from taut.table.rows import Cells, is_short, read_rows
from taut.table.schema import Schema
from taut.table.sniff import Layout, long_fields, sniff, warn_of_renamed
from taut.table.target import MAKE_A_NUMBER
from taut.table.texts import PAST_MARKS, Hints, clean, dictionary, typed
from taut.table.words import MISSING_WORDS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CELL_BYTES = 12  # a number is kept as float64 here and as float32 in the matrix
_EITHER = r"\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*"  # as in taut.table.numbers
_BLOCK_CELLS = 10_000_000  # columns are read side by side, as many as stay below this

#: A column, the notes on it, and its texts as they stand in the file where the file's others may tell more.
_Read: TypeAlias = tuple[Column, list[Note], TextColumn | None]


@final
@dataclass(slots=True)
class _Table:
    """A file that is open: its columns, and their cells where they are not in DuckDB's ``TABLE``.

    ``renamed`` has a note on each column with another name than in the file, ``nameless`` the columns that
    have no name of their own, ``index`` those that pandas marked as the index.
    """

    sources: list[Source]
    n_rows: int
    notes: list[Note]
    hints: Hints
    reading: Reading
    renamed: list[Note]
    nameless: frozenset[str]
    index: frozenset[str] = frozenset()
    cells: dict[int, Cells] | None = None


def read_file(
    path: str | os.PathLike[str],
    *,
    header: bool = True,
    schema: Schema | None = None,
    target: str | None = None,
    texts: bool = False,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
) -> Frame:
    """Read a table from a CSV, TSV or Parquet file; a text file may be gzipped.

    Everything in a text file is read as text first. What a column holds is then found from all its values
    (``taut.table.texts.typed``), so that a late value cannot change the meaning of the earlier ones.

    Parameters
    ----------
    path : str or path
    header : bool
        Whether a text file's first row has the names; else they are x0, x1, ...
    schema : Schema, optional
        Of the table that a model was trained on. Only its columns are read, and as they were read then.
    target : str, optional
        The target, whose text is kept beside what it is read as. It has to be there, even if it is an index:
        this is checked before the rest is read.
    texts : bool
        Whether the text of all columns is kept so, but for those of plain numbers: a model may read it
        otherwise.
    drop : collection of str
        Columns that have to be there, and are left out.
    keep : collection of str
        Columns that are read even if they are an index.

    Returns
    -------
    Frame
        Without the columns that are an index (``taut.table.index``), which its notes mention.

    Raises
    ------
    DataError
        If the target, or a column to leave out, is not there (the message has the closest names); where
        the file is missing, empty, cut off, of another kind, or too large for the memory; where a row
        is too long or a quote is not closed; where a column cannot be used (nested, binary, or numbers with
        text among them).

    Warns
    -----
    DataWarning
        If something was repaired or left out; see the frame's notes.
    """
    import duckdb

    file = Path(path)
    kind = kind_of(file)
    what = repr(file.name)
    with (
        TemporaryDirectory(prefix="taut-", ignore_cleanup_errors=True) as temporary,
        duckdb.connect() as connection,
    ):
        folder = Path(temporary)
        _settings(connection, folder)
        asked = Asked(schema, target, drop, keep)
        table = (
            _open_parquet(connection, file, asked)
            if kind == "parquet"
            else _open_text(connection, file, folder, asked, header=header, texts=texts)
        )
        if table.n_rows == 0:
            raise DataError(f"{what} has no rows.")
        kept = None if texts else frozenset(() if target is None else (target,))
        table.hints = replace(table.hints, kept=kept)
        read_columns: list[Typed] = []
        doubtful: dict[int, TextColumn] = {}
        try:
            for column, found, raw in _columns(connection, table):
                if raw is not None and in_doubt(found):
                    doubtful[len(read_columns)] = raw
                read_columns.append((column, found))
        except duckdb.Error as error:
            raise DataError(f"{what} cannot be read: {str(error).splitlines()[0]}") from error
    read_columns = settle(read_columns, doubtful, table.hints)
    columns = [column for column, _ in read_columns]
    of_columns = [note for _, found in read_columns for note in found]
    notes = table.notes
    if schema is None:
        index = find_index(columns, table.nameless, table.index)
        columns, left_out = leave_out(columns, index, asked.names, what)
        notes += left_out
    read = {column.name for column in columns}
    where = "the header of " if kind == "text" else ""
    notes += warn_of_renamed([note for note in table.renamed if note.where in read], f"{where}{what}")
    notes += [note for note in of_columns if note.where in read]
    reading = replace(table.reading, marked=_marked(columns, notes, table.hints.decimal))
    return Frame(tuple(columns), table.n_rows, tuple(notes), reading)


def _open_text(
    connection: DuckDBPyConnection,
    file: Path,
    folder: Path,
    asked: Asked,
    *,
    header: bool,
    texts: bool = False,
) -> _Table:
    what = repr(file.name)
    start = start_of(file, folder)
    layout = sniff(start.path, what, header=header)
    asked.check(layout.names)  # before two million rows are read
    text = utf8(file, folder)
    if text.encoding != start.encoding:  # as a later line shows
        layout = sniff(text.path, what, header=header)
    _check_memory(what, text.n_lines, len(layout.names))
    everything = [
        Source(name, f"c{index}", "VARCHAR", index=index) for index, name in enumerate(layout.names)
    ]
    nameless = unnamed(layout.names, layout.renamed)
    sources, extra = asked.wanted(everything, nameless)
    loaded: list[Note] = []
    rows = None
    if is_short(text.n_lines, len(layout.names)):
        numbers = {source.index for source in sources if _may_be_number(source)}
        # In training "7.125" is what it looks like; to a model it may be something else.
        sure: Decimal | None = "." if asked.schema is None and layout.decimal == "." and not texts else None
        wanted = [source.index for source in sources]
        with long_fields():
            rows = read_rows(text.path, what, layout, wanted, numbers, sure)
    if rows is None:
        loaded = load_text(connection, text.path, what, layout, folder)
        loaded += leave_out_headers(connection, what, layout)
        n_rows, cells = _one(connection, f"SELECT count(*) FROM {TABLE}")[0], None
    else:
        n_rows, cells = rows
    hints = Hints(layout.decimal, True if layout.decimal == "," else None)
    notes = [*text.notes, *layout.notes, *loaded, *extra]
    reading = _reading(text, layout)
    return _Table(sources, n_rows, notes, hints, reading, list(layout.renamed), nameless, cells=cells)


def _open_parquet(connection: DuckDBPyConnection, file: Path, asked: Asked) -> _Table:
    everything, renamed, index = open_parquet(connection, file)
    names = [source.name for source in everything]
    asked.check(names)
    nameless = unnamed(names, renamed)
    sources, notes = asked.wanted(everything, index | nameless)
    if asked.schema is None:  # an index of intervals cannot be read, and need not be
        idle = index - asked.names
        for source in sources:
            if source.name in idle and not source.readable:
                notes.append(Note(source.name, "pandas saved it as the index; it is left out."))
        sources = [one for one in sources if one.readable or one.name not in idle]
    for source in sources:
        if source.name == asked.target and source.is_duration:
            raise DataError(f"the target {source.name!r} {MAKE_A_NUMBER['duration']}.")
    sources = readable(connection, file, sources)
    notes += _same_but_for_case([source.name for source in sources], repr(file.name))
    n_rows = _one(connection, f"SELECT count(*) FROM {TABLE}")[0]
    _check_memory(repr(file.name), n_rows, len(sources))
    return _Table(sources, n_rows, notes, Hints(), Reading("parquet"), renamed, nameless, index)


def _same_but_for_case(names: Sequence[str], what: str) -> list[Note]:
    """Warn of names that many programs do not distinguish."""
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    clashing = [name for group in folded.values() if len(group) > 1 for name in group]
    if not clashing:
        return []
    text = f"{what} has names that differ by capitals alone: {listing(clashing)}. Each column keeps its own."
    return [warn(Note("", text))]


def _reading(text: Text, layout: Layout) -> Reading:
    return Reading(
        kind="text",
        packed=text.packed,
        encoding=text.encoding,
        separator=layout.separator,
        decimal=layout.decimal,
        backslash=layout.escape != '"',
        skipped=layout.first_line - 1,
        header=layout.header,
        names=layout.names if layout.other_names else None,
    )


def _marked(columns: Sequence[Column], notes: Sequence[Note], decimal: Decimal) -> dict[str, Decimal]:
    """Find the columns of numbers with more marks than the file's decimal comma."""
    plain = f"{PAST_MARKS}decimal comma." if decimal == "," else ""
    noted = {note.where for note in notes if note.what != plain}
    return {
        column.name: column.text.decimal
        for column in columns
        if isinstance(column, NumberColumn) and column.text is not None and column.name in noted
    }


def _settings(connection: DuckDBPyConnection, folder: Path) -> None:
    available = available_memory()
    limit = 2 * 10**9 if available is None else max(10**9 // 2, available // 4)
    for setting in (
        f"memory_limit='{limit // 10**6}MB'",
        f"temp_directory={quoted(str(folder))}",  # what does not fit goes there
        "enable_progress_bar=false",
        "autoinstall_known_extensions=false",  # nothing is fetched over the network
        "autoload_known_extensions=false",
    ):
        connection.execute(f"SET {setting}").fetchall()


def _check_memory(what: str, n_rows: int, n_columns: int) -> None:
    available = available_memory()
    needed = n_rows * n_columns * _CELL_BYTES
    if available is not None and needed > available:
        raise DataError(
            f"{what} is larger than the memory allows: {n_rows:,} rows x {n_columns:,} columns need about "
            f"{size_text(needed)}, and {size_text(available)} are free; take a part of the rows or columns."
        )


def _columns(connection: DuckDBPyConnection, table: _Table) -> Iterator[_Read]:
    """Read the columns in their order, a few at a time."""
    sources, hints = table.sources, table.hints
    if table.cells is not None:
        for source in sources:
            yield _from_cells(source, table.cells.pop(source.index), hints)
        return
    step = max(1, min(100, _BLOCK_CELLS // table.n_rows))
    for start in range(0, len(sources), step):
        block = sources[start : start + step]
        plain = frozenset(_plain_numbers(connection, block, hints))
        # Numbers are fetched side by side; texts, which take much more room, one by one.
        values = _fetch(connection, list(plain), plain)
        for source in block:
            array = values.pop(source.name) if source.name in values else None
            if array is None:
                array = _fetch(connection, [source], plain)[source.name]
            yield _column(source, array, source in plain, hints)


def _plain_numbers(connection: DuckDBPyConnection, block: Sequence[Source], hints: Hints) -> list[Source]:
    """Find the columns that hold only numbers, so that DuckDB can convert them."""
    plain = [source for source in block if source.is_number]
    texts = [source for source in block if source.kind == "VARCHAR" and _may_be_number(source)]
    with_words = []
    for source, (n_texts, n_numbers, special) in _counted(connection, texts, partial(_look, hints=hints)):
        if n_numbers == n_texts and n_numbers and not special:
            plain.append(source)
        elif 2 * n_numbers > n_texts and not special:
            with_words.append(source)
    for source, (n_others,) in _counted(connection, with_words, _others):
        if not n_others:
            plain.append(source)
    return plain


def _counted(
    connection: DuckDBPyConnection, sources: Sequence[Source], query: Callable[[Source], list[str]]
) -> Iterator[tuple[Source, tuple[Any, ...]]]:
    """Ask the same of several columns at once, and give each with its answers."""
    if not sources:
        return
    asked = [query(source) for source in sources]
    sql = ", ".join(expression for expressions in asked for expression in expressions)
    answers = iter(_one(connection, f"SELECT {sql} FROM {TABLE}"))
    for source, expressions in zip(sources, asked, strict=True):
        yield source, tuple(next(answers) for _ in expressions)


def _look(source: Source, hints: Hints) -> list[str]:
    """SQL for: how many texts, how many numbers among them, and whether there is something special."""
    c = source.sql
    # Leading zeros, more figures than float64 holds, and "1_000" need a closer look.
    special = (
        f"{c} BETWEEN '00' AND '0:' OR contains({c}, '_') OR (length({c}) > 15 AND NOT contains({c}, '.'))"
    )
    known = None if source.schema is None else source.schema.text
    if "," in (hints.decimal, "" if known is None else known.decimal):
        special += f" OR contains({c}, '.')"  # a thousands mark, perhaps
    special = f"bool_or({special})"
    if hints.kept is None:  # a model may read it as 7125: keep the texts where no other number tells
        points = f"contains({c}, '.')"
        special += (
            f" OR (bool_or({points}) AND bool_and(NOT {points} OR regexp_full_match({c}, '{_EITHER}')))"
        )
    return [f"count({c})", f"count(try_cast({c} AS DOUBLE))", special]


def _others(source: Source) -> list[str]:
    """SQL for: how many texts are neither a number nor a word for missing."""
    c = source.sql
    missing = ", ".join(quoted(word) for word in sorted(MISSING_WORDS))
    return [f"count(*) FILTER (try_cast({c} AS DOUBLE) IS NULL AND lower(trim({c})) NOT IN ({missing}))"]


def _expression(source: Source, plain: bool) -> str:
    """SQL for a column's values, without NULL."""
    c, kind = source.sql, source.kind
    if plain:
        number = f"epoch({c})" if source.is_duration else f"try_cast({c} AS DOUBLE)"
        return f"coalesce({number}, 'nan'::DOUBLE)"
    if kind == "BOOLEAN":
        return f"coalesce({c}::INTEGER::DOUBLE, 'nan'::DOUBLE)"
    if source.is_date:
        moment = f"{c}::{'TIMESTAMPTZ' if kind.endswith('ZONE') or 'TZ' in kind else 'TIMESTAMP'}"
        return f"coalesce(epoch_us({moment}), ({-(2**63) + 1} - 1)::BIGINT)"  # NumPy's NaT
    return f"coalesce({c}::VARCHAR, '')"


def _column(source: Source, values: NDArray[Any], plain: bool, hints: Hints) -> _Read:
    name = source.name
    if plain:
        # Numbers that are not whole had a decimal point, since DuckDB reads no other mark.
        seen = () if (np.isnan(values) | (values == np.rint(values))).all() else (MARKS["."],)
        return NumberColumn(name, values, NumberText(seen=seen) if source.kind in TEXTS else None), [], None
    if source.kind == "BOOLEAN":
        return BooleanColumn(name, values), [], None
    if source.is_date:
        return DateColumn(name, values.astype("datetime64[us]")), [], None
    return _text_column(source, *dictionary(values, len(values)), hints)


def _may_be_number(source: Source) -> bool:
    return source.schema is None or source.schema.kind == "number"


def _from_cells(source: Source, cells: Cells, hints: Hints) -> _Read:
    if not isinstance(cells, PlainNumbers):
        return _text_column(source, *cells, hints)
    past = cells.decimal == "," and source.schema is None
    notes = [Note(source.name, f"{PAST_MARKS}decimal comma.")] if past else []
    text = NumberText(cells.decimal or hints.decimal, (), cells.seen)
    return NumberColumn(source.name, cells.values, text), notes, None


def _text_column(source: Source, codes: Codes, levels: Sequence[str], hints: Hints) -> _Read:
    column = TextColumn(source.name, codes, tuple(levels))
    if source.schema is None:
        return *typed(column, hints), column
    # With a schema, its own rules decide what the texts mean (taut.table.matrices).
    return clean(column, source.schema.levels), [], None


def _fetch(
    connection: DuckDBPyConnection, sources: Sequence[Source], plain: Container[Source]
) -> dict[str, NDArray[Any]]:
    """Fetch columns as arrays (n_rows,), each under its name."""
    if not sources:
        return {}
    expressions = [f"{_expression(source, source in plain)} AS v{i}" for i, source in enumerate(sources)]
    arrays = connection.execute(f"SELECT {', '.join(expressions)} FROM {TABLE}").fetchnumpy()
    return {source.name: np.asarray(arrays[f"v{i}"]) for i, source in enumerate(sources)}


def _one(connection: DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    rows = connection.execute(query).fetchall()
    return tuple(rows[0])
