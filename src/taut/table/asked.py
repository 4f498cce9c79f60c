"""Which of a file's columns are requested."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import final

from taut.errors import DataError
from taut.table.frame import Note, closest, listing
from taut.table.parquet import Source
from taut.table.schema import Schema


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """Which columns are requested."""

    schema: Schema | None
    target: str | None
    drop: Collection[str]
    keep: Collection[str]

    @property
    def names(self) -> frozenset[str]:
        """Those that are read even if they are an index."""
        return frozenset(self.keep if self.target is None else [*self.keep, self.target])

    def check(self, names: Sequence[str]) -> None:
        """Check that the target and the columns to leave out are in the file."""
        for name in [*self.drop, *([] if self.target is None else [self.target])]:
            if name not in names:
                raise DataError(f"there is no column {name!r}; {closest(name, names)}")

    def wanted(
        self, sources: Sequence[Source], index: Collection[str] = ()
    ) -> tuple[list[Source], list[Note]]:
        """Leave out what is not requested, and give the others their schemas.

        Of columns that the model does not use, but for ``index``, there is a note.
        """
        if self.schema is None:
            return [source for source in sources if source.name not in self.drop], []
        used = {column.name: column for column in self.schema.columns if column.kind != "dropped"}
        extra = [source.name for source in sources if source.name not in used and source.name not in index]
        kept = [replace(source, schema=used[source.name]) for source in sources if source.name in used]
        return kept, [Note("", f"the model does not use these columns: {listing(extra)}.")] if extra else []
