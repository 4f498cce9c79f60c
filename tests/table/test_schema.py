from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import StoreError
from taut.table.frame import NumberText
from taut.table.schema import ColumnSchema, Part, Schema

SCHEMA = Schema(
    (
        ColumnSchema("age", "number", "integers", (Part("value", 1e9, 0.5),), text=NumberText(",", ("x",))),
        ColumnSchema("city", "category", "text", levels=("Oslo", "Rome")),
        ColumnSchema("joined", "date", "dates", (Part("days"), Part("season sin")), day_first=True),
        ColumnSchema("name", "dropped", "all different"),
        ColumnSchema("member", "boolean", "yes or no", (Part("value"),)),
    )
)


def test_what_the_matrix_has() -> None:
    assert SCHEMA.matrix_names == ("age", "joined (days)", "joined (season sin)", "member", "city")
    assert [column.name for column, _ in SCHEMA.numbers] == ["age", "joined", "joined", "member"]
    assert [column.name for column in SCHEMA.categories] == ["city"]
    assert SCHEMA.used == {"age", "city", "joined", "member"}
    assert [column.name for column in SCHEMA.kept] == ["age", "city", "joined", "member"]
    assert SCHEMA.owners == (0, 2, 2, 3, 1)


def test_the_json_is_short_and_readable() -> None:
    assert SCHEMA.to_json()["format"] == 1
    assert SCHEMA.columns[3].to_json() == {"name": "name", "kind": "dropped", "why": "all different"}
    assert SCHEMA.columns[0].to_json() == {
        "name": "age",
        "kind": "number",
        "why": "integers",
        "parts": [{"what": "value", "origin": 1e9, "unit": 0.5}],
        "text": {"decimal": ",", "not_numbers": ["x"]},
    }


def through_json(schema: Schema) -> Schema:
    return Schema.from_json(json.loads(json.dumps(schema.to_json())))


def test_there_and_back() -> None:
    assert through_json(SCHEMA) == SCHEMA
    text = NumberText(".", ("x",), ("decimal point", "%"))
    marked = Schema((ColumnSchema("share", "number", "numbers", (Part("value"),), text=text),))
    assert through_json(marked) == marked


columns = st.builds(
    ColumnSchema,
    name=st.text(),
    kind=st.sampled_from(["number", "category", "boolean", "date", "dropped"]),
    why=st.text(),
    parts=st.lists(
        st.builds(
            Part,
            what=st.sampled_from(["value", "days", "hour cos"]),
            origin=st.floats(allow_nan=False, allow_infinity=False),
            unit=st.floats(0, exclude_min=True, allow_infinity=False),
        ),
        max_size=3,
    ).map(tuple),
    levels=st.lists(st.text(), max_size=4).map(tuple),
    text=st.none()
    | st.builds(NumberText, st.sampled_from([".", ","]), st.lists(st.text(), max_size=2).map(tuple)),
    day_first=st.none() | st.booleans(),
)


@given(st.lists(columns, max_size=4).map(lambda found: Schema(tuple(found))))
def test_any_schema_comes_back(schema: Schema) -> None:
    assert through_json(schema) == schema


@pytest.mark.parametrize("data", [None, [], {}, {"format": "1"}, {"columns": []}])
def test_no_format_is_damage(data: Any) -> None:
    with pytest.raises(StoreError, match="is damaged: it has no format number"):
        Schema.from_json(data)


def test_another_format_is_named_with_this_one() -> None:  # FAULTS 56
    with pytest.raises(StoreError, match="has format 99, and this version of taut reads format 1"):
        Schema.from_json(SCHEMA.to_json() | {"format": 99})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "magic"},
        {"name": 5},
        {"why": None},
        {"parts": [{"what": "value"}]},
        {"parts": [{"what": "soul", "origin": 0, "unit": 1}]},
        {"parts": [{"what": "value", "origin": 0, "unit": 0}]},
        {"parts": [{"what": "value", "origin": 0, "unit": "x"}]},
        {"parts": 5},
        {"levels": [1]},
        {"text": {"decimal": "x", "not_numbers": []}},
        {"text": {"decimal": "."}},
    ],
)
def test_damage_is_found(change: dict[str, Any]) -> None:
    data = SCHEMA.to_json()
    data["columns"][0] |= change
    with pytest.raises(StoreError, match="the column schema is damaged"):
        Schema.from_json(data)


def test_a_missing_part_is_damage() -> None:
    with pytest.raises(StoreError, match="damaged: KeyError 'columns'"):
        Schema.from_json({"format": 1})
