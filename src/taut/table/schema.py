"""What every column became and why: readable, and enough to treat the next table the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final, get_args

from taut.errors import StoreError
from taut.table.frame import NumberText

FORMAT = 1  # of the JSON form

Kind: TypeAlias = Literal["number", "category", "boolean", "date", "dropped"]
What: TypeAlias = Literal[
    "value", "days", "season sin", "season cos", "weekday sin", "weekday cos", "hour sin", "hour cos"
]


@final
@dataclass(frozen=True, slots=True)
class Part:
    """One column of numbers in the matrix: ``(what - origin) / unit``.

    Origin and unit are a change of units and nothing else: with them float32 keeps the figures of timestamps
    and of 1e9 + something small. All statistics come from the training rows (``Encoder``).

    Attributes
    ----------
    what : str
        "value" for numbers; for dates "days" (since 1970), and the position in the year, the week and the day
        as sine and cosine.
    origin, unit : float
        ``unit`` is above 0.
    """

    what: What
    origin: float = 0.0
    unit: float = 1.0


@final
@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """What one column became.

    Attributes
    ----------
    name : str
    kind : "number", "category", "boolean", "date" or "dropped"
    why : str
        A sentence.
    parts : tuple of Part
        The columns of numbers that it became; none for categories and dropped columns.
    levels : tuple of str
        A category's values, the most frequent first; any other value is "other".
    text : NumberText or None
        How text is read as this number.
    day_first : bool or None
        How "1/2/2024" is read; None: as the values show.
    """

    name: str
    kind: Kind
    why: str
    parts: tuple[Part, ...] = ()
    levels: tuple[str, ...] = ()
    text: NumberText | None = None
    day_first: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the column as a dict for ``json``; what it lacks is left out."""
        found: dict[str, Any] = {"name": self.name, "kind": self.kind, "why": self.why}
        if self.parts:
            found["parts"] = [
                {"what": part.what, "origin": part.origin, "unit": part.unit} for part in self.parts
            ]
        if self.levels:
            found["levels"] = list(self.levels)
        if self.text is not None:
            found["text"] = {"decimal": self.text.decimal, "not_numbers": list(self.text.not_numbers)}
            if self.text.seen is not None:
                found["text"]["seen"] = list(self.text.seen)
        if self.day_first is not None:
            found["day_first"] = self.day_first
        return found


@final
@dataclass(frozen=True, slots=True)
class Schema:
    """What every column of a table became, in the table's order.

    Examples
    --------
    >>> schema = Schema((ColumnSchema("age", "number", "integers from 18 to 90", (Part("value"),)),))
    >>> Schema.from_json(schema.to_json()) == schema
    True
    """

    columns: tuple[ColumnSchema, ...]

    @property
    def used(self) -> frozenset[str]:
        """The names of the columns that were not dropped."""
        return frozenset(column.name for column in self.columns if column.kind != "dropped")

    @property
    def numbers(self) -> tuple[tuple[ColumnSchema, Part], ...]:
        """The matrix's columns of numbers, in order: a column and the part of it."""
        return tuple((column, part) for column in self.columns for part in column.parts)

    @property
    def categories(self) -> tuple[ColumnSchema, ...]:
        """The matrix's columns of categories, in order; they come after the numbers."""
        return tuple(column for column in self.columns if column.kind == "category")

    @property
    def kept(self) -> tuple[ColumnSchema, ...]:
        """The columns that were not dropped, in the table's order."""
        return tuple(column for column in self.columns if column.kind != "dropped")

    @property
    def owners(self) -> tuple[int, ...]:
        """For each of the matrix's columns, the index in ``kept`` of the column that it belongs to."""
        index = {id(column): i for i, column in enumerate(self.kept)}
        matrix_columns = [column for column, _ in self.numbers] + list(self.categories)
        return tuple(index[id(column)] for column in matrix_columns)

    @property
    def matrix_names(self) -> tuple[str, ...]:
        """A readable name of each column of the matrix."""
        numbers = tuple(
            column.name if part.what == "value" else f"{column.name} ({part.what})"
            for column, part in self.numbers
        )
        return numbers + tuple(column.name for column in self.categories)

    def to_json(self) -> dict[str, Any]:
        """Give the schema as a dict for ``json``."""
        return {"format": FORMAT, "columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, data: object) -> Schema:
        """Read what ``to_json`` gave.

        Raises
        ------
        StoreError
            If it is of another format, or not the JSON form of a schema.
        """
        found = data.get("format") if isinstance(data, Mapping) else None
        if not isinstance(data, Mapping) or not isinstance(found, int):
            raise StoreError("the column schema is damaged: it has no format number.")
        if found != FORMAT:
            raise StoreError(
                f"the column schema has format {found}, and this version of taut reads format {FORMAT}; "
                "use the version that saved it, or save it again."
            )
        try:
            columns = tuple(_column(column) for column in data["columns"])
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"the column schema is damaged: {type(error).__name__} {error}.") from error
        return cls(columns)


def _column(data: Mapping[str, Any]) -> ColumnSchema:
    parts = tuple(
        Part(_one_of(part["what"], What), float(part["origin"]), _above_zero(part["unit"]))
        for part in data.get("parts", ())
    )
    text = data.get("text")
    return ColumnSchema(
        name=_text(data["name"]),
        kind=_one_of(data["kind"], Kind),
        why=_text(data["why"]),
        parts=parts,
        levels=tuple(_text(level) for level in data.get("levels", ())),
        text=None
        if text is None
        else NumberText(
            _one_of(text["decimal"], Literal[".", ","]),
            tuple(_text(word) for word in text["not_numbers"]),
            None if text.get("seen") is None else tuple(_text(mark) for mark in text["seen"]),
        ),
        day_first=None if data.get("day_first") is None else bool(data["day_first"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _one_of(value: object, choices: Any) -> Any:
    if value not in get_args(choices):
        raise ValueError(f"{value!r} is none of {', '.join(get_args(choices))}")
    return value


def _above_zero(value: Any) -> float:
    if not 0.0 < float(value) < float("inf"):
        raise ValueError(f"a unit of {value!r}")
    return float(value)
