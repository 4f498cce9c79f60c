"""A sign of trouble in the data: what, how bad, and which rows and columns it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["leak", "duplicates", "identifier", "order", "labels", "small class", "shift"]
Severity: TypeAlias = Literal["severe", "worth a look"]
RowsOf: TypeAlias = Literal["table", "second file"]
Indices: TypeAlias = NDArray[np.int64]

_MOST_ROWS = 100  # in plain values; the count is always of all


def no_rows() -> Indices:
    """Give no rows."""
    return np.empty(0, dtype=np.int64)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Sign:
    """Something in the data that looks wrong.

    Attributes
    ----------
    kind : str
        "leak", "duplicates", "identifier", "order", "labels", "small class" or "shift".
    severity : "severe" or "worth a look"
    text : str
        What it is about, what is wrong and what to do.
    columns : tuple of str
        Those of the person's table that it concerns, the worst first; none where it is about rows alone.
    rows : int64 (n,)
        Positions counted from 0, the worst first where they have an order; none where it is about columns.
    rows_of : "table" or "second file"
        What the rows are of.
    figures : dict of float
        The numbers that the sentence rests on, by name.
    """

    kind: Kind
    severity: Severity
    text: str
    columns: tuple[str, ...] = ()
    rows: Indices = field(default_factory=no_rows)
    rows_of: RowsOf = "table"
    figures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text

    @property
    def sentence(self) -> str:
        """The text with a capital."""
        return self.text[:1].upper() + self.text[1:]

    def to_dict(self) -> dict[str, Any]:
        """Give the sign as plain values for ``json``: the first 100 rows, and ``n_rows`` of all."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "text": self.text,
            "columns": list(self.columns),
            "rows": self.rows[:_MOST_ROWS].tolist(),
            "n_rows": len(self.rows),
            "rows_of": self.rows_of,
            "figures": {name: _plain(value) for name, value in self.figures.items()},
        }


def row_list(rows: Indices, most: int = 5) -> str:
    """Write rows as "rows 3, 17 and 20 more (counted from 0)"."""
    shown = ", ".join(f"{row:,}" for row in rows[:most].tolist())
    more = f" and {len(rows) - most:,} more" if len(rows) > most else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{more} (counted from 0)"


def _plain(value: float) -> float | None:
    """A number that JSON knows."""
    return float(value) if np.isfinite(value) else None
