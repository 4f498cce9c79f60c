"""Columns as a file has them, for what is passed through and not learned from: "007" stays "007"."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from taut.table.asked import Asked
from taut.table.files import kind_of
from taut.table.load import TABLE
from taut.table.read import _open_parquet, _open_text, _settings
from taut.table.schema import ColumnSchema, Schema


def read_texts(
    path: str | os.PathLike[str], names: Sequence[str], *, header: bool = True
) -> dict[str, list[str]]:
    """Read columns as they stand in the file, such as an identifier with leading zeros; "" where empty.

    Raises
    ------
    DataError
        If one of them is missing (the message has the closest names), and as :func:`read_file`.
    """
    import duckdb

    file = Path(path)
    schema = Schema(tuple(ColumnSchema(name, "category", "as it is") for name in dict.fromkeys(names)))
    asked = Asked(schema, None, names, ())
    texts: dict[str, list[str]] = {}
    with (
        TemporaryDirectory(prefix="taut-", ignore_cleanup_errors=True) as temporary,
        duckdb.connect() as connection,
    ):
        folder = Path(temporary)
        _settings(connection, folder)
        table = (
            _open_parquet(connection, file, asked)
            if kind_of(file) == "parquet"
            else _open_text(connection, file, folder, asked, header=header)
        )
        for source in table.sources:
            cells = None if table.cells is None else table.cells.pop(source.index)
            if isinstance(cells, tuple):
                codes, levels = cells
                texts[source.name] = [levels[code] if code >= 0 else "" for code in codes.tolist()]
            else:
                sql = f"SELECT coalesce({source.sql}::VARCHAR, '') AS v FROM {TABLE}"
                texts[source.name] = connection.execute(sql).fetchnumpy()["v"].tolist()
    return {name: texts[name] for name in names}  # as they were asked for
