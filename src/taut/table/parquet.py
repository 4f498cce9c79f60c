"""A Parquet file -> its columns, under the names that the file gives them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from taut.errors import DataError
from taut.table.arrow import durations
from taut.table.frame import Note
from taut.table.load import TABLE, file_name
from taut.table.numbers import EXACT
from taut.table.schema import ColumnSchema
from taut.table.sniff import own_names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NUMBERS = frozenset(
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT "
    "FLOAT DOUBLE".split()
)
_WIDE = frozenset(["BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"])  # more integers than float64 has
_INTEGERS = _NUMBERS - {"FLOAT", "DOUBLE"}
_NOTHING = '"NULL"'  # the type of a column without any value
TEXTS = frozenset(["VARCHAR", "UUID", "JSON"])


@final
@dataclass(frozen=True, slots=True)
class Source:
    """A column of the file: the user's name for it, its name and type in SQL, and its schema."""

    name: str
    sql: str
    kind: str
    schema: ColumnSchema | None = None
    index: int = 0

    @property
    def is_number(self) -> bool:
        """Whether DuckDB makes numbers of the type; intervals and times of the day become seconds."""
        return self.kind in _NUMBERS or self.kind.startswith("DECIMAL") or self.is_duration

    @property
    def is_duration(self) -> bool:
        """Whether it is a duration or a time of day."""
        return self.kind.startswith(("INTERVAL", "TIME")) and not self.kind.startswith("TIMESTAMP")

    @property
    def is_date(self) -> bool:
        """Whether it is a date, with or without a time."""
        return self.kind == "DATE" or self.kind.startswith("TIMESTAMP")

    @property
    def is_integer(self) -> bool:
        """Whether the type has no fractions."""
        return self.kind in _INTEGERS or (self.kind.startswith("DECIMAL") and self.kind.endswith(",0)"))

    @property
    def is_wide(self) -> bool:
        """Whether float64 cannot hold all integers of the type."""
        return self.kind in _WIDE or (self.is_integer and self.kind.startswith("DECIMAL"))

    @property
    def readable(self) -> bool:
        """Whether it can be used: it is neither nested nor binary."""
        if self.kind.endswith("]") or ("(" in self.kind and not self.kind.startswith(("DECIMAL", "ENUM"))):
            return False
        return (
            self.is_number
            or self.is_date
            or self.kind in TEXTS | {"BOOLEAN", _NOTHING}
            or self.kind.startswith("ENUM")
        )

    def as_text(self) -> Source:
        """Give the same column as text, to be read as those of a text file are."""
        return replace(self, sql=f"CAST({self.sql} AS VARCHAR)", kind="VARCHAR")


def open_parquet(
    connection: DuckDBPyConnection, file: Path
) -> tuple[list[Source], list[Note], frozenset[str]]:
    """Open a Parquet file as ``TABLE``.

    Returns
    -------
    sources : list of Source
        Its columns. DuckDB renames columns where two differ by case alone, or have one name: they are found
        by their index.
    renamed : list of Note
        On the columns that have another name than in the file, each.
    index : frozenset of str
        The columns that pandas marked as the index.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    import duckdb

    name = file_name(file)
    try:
        connection.execute(
            f"CREATE VIEW {TABLE} AS SELECT * FROM read_parquet({name}, hive_partitioning=false)"
        ).fetchall()
        described = connection.execute(f"DESCRIBE {TABLE}").fetchall()
        tree = connection.execute(f"SELECT name, num_children FROM parquet_schema({name})").fetchall()
        pandas, arrow = (
            connection.execute(
                f"SELECT value FROM parquet_kv_metadata({name}) WHERE key = '{key}'"
            ).fetchall()
            for key in ("pandas", "ARROW:schema")
        )
    except duckdb.Error as error:
        if "at least one non-root column" in str(error):
            raise DataError(f"{str(file)!r} has no columns.") from error
        raise DataError(f"{str(file)!r} is damaged or incomplete: {str(error).splitlines()[0]}") from error
    in_file = _top(tree)
    names, renamed = own_names(in_file, "file")
    index = _index(pandas)
    units = durations(arrow[0][0]) if arrow else {}
    sources = [
        _source(own, '"' + sql.replace('"', '""') + '"', kind, units.get(there))
        for own, there, (sql, kind, *_) in zip(names, in_file, described, strict=True)
    ]
    return (
        sources,
        renamed,
        frozenset(own for own, there in zip(names, in_file, strict=True) if there in index),
    )


def _source(name: str, sql: str, kind: str, unit: int | None) -> Source:
    """Give a column; integers that are a duration, ``unit`` of them a second, as such."""
    if unit is None or kind != "BIGINT":
        return Source(name, sql, kind)
    micros = f"{sql} // {unit // 10**6}" if unit > 10**6 else f"{sql} * {10**6 // unit}"
    return Source(name, f"to_microseconds({micros})", "INTERVAL")


def readable(connection: DuckDBPyConnection, file: Path, sources: Sequence[Source]) -> list[Source]:
    """Say how the columns that are wanted are to be read.

    What would lose digits as float64 becomes text, and is treated as text is in a text file: integers of
    which some are beyond 2**53, and those that were categories in training. So does an empty column.

    Raises
    ------
    DataError
        If columns are nested or binary; all are named.
    """
    bad = [f"{source.name!r} ({source.kind})" for source in sources if not source.readable]
    if bad:
        raise DataError(
            f"{str(file)!r} has columns that are nested, binary or of another kind that is not read: "
            f"{', '.join(bad)}; leave them out or unfold them."
        )
    wide = [source for source in sources if source.is_wide and source.schema is None]
    beyond: set[str] = set()
    if wide:
        asked = ", ".join(
            f"coalesce(max({source.sql}) > {EXACT} OR min({source.sql}) < -{EXACT}, false)" for source in wide
        )
        answers = connection.execute(f"SELECT {asked} FROM {TABLE}").fetchall()[0]
        beyond = {source.name for source, answer in zip(wide, answers, strict=True) if answer}
    return [
        source.as_text()
        if source.name in beyond
        or source.kind == _NOTHING
        or (source.is_integer and source.schema is not None and source.schema.kind == "category")
        else source
        for source in sources
    ]


def _top(tree: Sequence[tuple[str, int | None]]) -> list[str]:
    """Give the names of the columns of a schema that is written depth first, root first."""
    names = []
    index = 1
    while index < len(tree):
        names.append(tree[index][0])
        open_ = 1
        while open_:
            open_ += (tree[index][1] or 0) - 1
            index += 1
    return names


def _index(metadata: Sequence[tuple[Any, ...]]) -> set[str]:
    """Read which columns pandas marked as the index; an index of row numbers has no column."""
    try:
        columns = json.loads(metadata[0][0])["index_columns"] if metadata else []
        return {column for column in columns if isinstance(column, str)}
    except (ValueError, KeyError, TypeError):  # not as pandas writes it
        return set()
