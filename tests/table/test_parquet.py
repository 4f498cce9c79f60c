from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taut.errors import DataError, DataWarning
from taut.table.checks import split_target, target_values, task_of
from taut.table.columns import describe
from taut.table.frame import NumberColumn, TextColumn
from taut.table.matrices import matrix
from taut.table.read import read_file


def numbers(column: object) -> list[float]:
    assert isinstance(column, NumberColumn)
    return column.values.tolist()


@pytest.mark.fault(70)
@pytest.mark.parametrize(
    "folder", ["a=7", "y=0", "~", "file:", "http:", "s3:", "k*v", "[ab]", "{a,b}", "a?b", "x=1&y=2", "it's"]
)
@pytest.mark.parametrize("name", ["y=2.parquet", "~.csv.zst"])
def test_names_are_literal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(folder, name)
    path.parent.mkdir()
    with path.open("wb") as file:  # other libraries make something else of the name
        if name.endswith("parquet"):
            pq.write_table(pa.table({"a": [1, 2], "y": [3, 4]}), file)
        else:
            file.write(b"a,y\n1,3\n2,4\n")
    frame = read_file(path)
    assert {column.name: numbers(column) for column in frame.columns} == {"a": [1, 2], "y": [3, 4]}


@pytest.mark.fault(71)
def test_a_column_of_nothing_is_dropped_with_a_record(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(
        pa.table({"x": [1.0, 2.0], "none": pa.nulls(2), "texts": pa.array([None, None], pa.string())}), path
    )
    columns = {column.name: column for column in describe(read_file(path)).columns}
    for name in ("none", "texts"):
        assert (columns[name].kind, columns[name].why) == ("dropped", "all values are missing")
    # A model that was trained with a value in it reads it as missing.
    trained = describe(read_file(_written(tmp_path, {"x": [1.0, 2.0], "none": ["a", "b"]})))
    assert matrix(trained, read_file(path, schema=trained), strict=False).values[:, 1].tolist() == [3.0, 3.0]


def _written(folder: Path, columns: dict[str, object]) -> Path:
    path = folder / "written.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_dates_with_a_zone_of_any_unit(tmp_path: Path) -> None:
    for unit in ("s", "ms", "us", "ns"):
        values = pa.array(["2024-01-05T10:00", "2024-07-05T10:00"]).cast(pa.timestamp(unit))
        for zone in (None, "UTC", "Europe/Oslo"):
            column = read_file(_written(tmp_path, {"d": values.cast(pa.timestamp(unit, zone))})).column("d")
            assert column.values.astype("datetime64[m]").astype(str).tolist() == [
                "2024-01-05T10:00",
                "2024-07-05T10:00",
            ]


@pytest.mark.fault(71)
def test_names_keep_their_places(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    columns = [pa.array([place, place + 0.5]) for place in range(7)]
    pq.write_table(pa.table(columns, names=["A", "a", "a", "", "a_1", " ", "B"]), path)
    with pytest.warns(DataWarning) as warned:
        frame = read_file(path)
    names = ("A", "a", "a (2)", "column 4", "a_1", "column 6", "B")
    assert frame.names == names
    assert [numbers(column)[0] for column in frame.columns] == list(range(7))
    said = [str(one.message) for one in warned]
    assert said == [
        "'table.parquet' has names that differ by capitals alone: 'A', 'a'. Each column keeps its own.",
        "'table.parquet' has blank or doubled names; renamed: 'a (2)', 'column 4', 'column 6'.",
    ]


@pytest.mark.fault(71)
def test_nested_columns_do_not_shift_the_names(tmp_path: Path) -> None:
    nested = pa.array([{"a": [1], "b": {"c": 2}}, None])
    path = _written(tmp_path, {"n": nested, "m": pa.array([[1], [2]]), "x": [1, 2], "y": [3, 4]})
    with pytest.raises(DataError, match=r"'n' \(STRUCT.*'m' \(BIGINT\[\]\).*leave them out or unfold them"):
        read_file(path)
    frame = read_file(path, drop=["n", "m"])
    assert {column.name: numbers(column) for column in frame.columns} == {"x": [1, 2], "y": [3, 4]}


BIG = 2**60


@pytest.mark.fault(72)
@pytest.mark.parametrize(
    "kind", [pa.int64(), pa.uint64(), pa.decimal128(38, 0), pa.decimal128(20, 0)], ids=str
)
def test_integers_that_float64_has_not_are_text(tmp_path: Path, kind: pa.DataType) -> None:
    values = [BIG, BIG + 1, None, BIG + 2]
    path = _written(tmp_path, {"id": pa.array(values, kind), "x": [1, 2, 3, 4]})
    with pytest.warns(DataWarning, match="column 'id': its integers have more figures than a number holds"):
        column = read_file(path).column("id")
    assert isinstance(column, TextColumn)
    assert column.levels == tuple(str(value) for value in values if value)
    assert column.codes.tolist() == [0, 1, -1, 2]


@pytest.mark.fault(72)
@pytest.mark.parametrize("last", [2**53, -(2**53), 2**31])
def test_integers_that_float64_has_are_numbers(tmp_path: Path, last: int) -> None:
    assert numbers(read_file(_written(tmp_path, {"x": [1, last]})).column("x")) == [1, last]


@pytest.mark.fault(72)
@pytest.mark.parametrize("as_csv", [False, True])
def test_the_first_integer_that_float64_has_not(tmp_path: Path, as_csv: bool) -> None:
    values = [2**53, 2**53 + 1]
    path = _written(tmp_path, {"x": values})
    if as_csv:
        path = tmp_path / "table.csv"
        pl.DataFrame({"x": values}).write_csv(path)
    with pytest.warns(DataWarning, match="more figures than a number holds, as in '900719925474099"):
        assert isinstance(read_file(path).column("x"), TextColumn)


@pytest.mark.fault(72)
def test_a_few_long_ones_among_numbers_do_not_make_it_text(tmp_path: Path) -> None:
    values = [*range(1000), BIG]
    assert numbers(read_file(_written(tmp_path, {"x": values})).column("x")) == [float(v) for v in values]


@pytest.mark.fault(72)
def test_a_target_of_such_integers_keeps_its_classes(tmp_path: Path) -> None:
    path = _written(tmp_path, {"x": list(range(40)), "y": [BIG + row % 3 for row in range(40)]})
    with pytest.warns(DataWarning, match="column 'y': its integers"):
        _, target, _ = split_target(read_file(path, target="y"), "y")
    assert task_of(target)[0] == "classification"
    assert target_values(target, "classification").tolist() == [str(BIG + row % 3) for row in range(40)]
    # Who asks for an amount gets one, as near as numbers are.
    assert target_values(target, "regression").tolist() == [float(BIG)] * 40


@pytest.mark.fault(72)
@pytest.mark.filterwarnings("ignore:.*more figures than a number")
def test_the_next_file_is_read_alike(tmp_path: Path) -> None:
    trained = describe(read_file(_written(tmp_path, {"id": [BIG, BIG + 1] * 10, "x": [1, 2] * 10})))
    assert trained.columns[0].levels == (str(BIG), str(BIG + 1))
    ids = [BIG + 1, BIG, 7]
    for new in (ids, np.array(ids, dtype=np.uint64), list(map(str, ids))):
        frame = read_file(_written(tmp_path, {"id": new, "x": [1, 2, 3]}), schema=trained)
        assert matrix(trained, frame, strict=False).values[:, 1].tolist() == [1.0, 0.0, 2.0]
    path = tmp_path / "next.csv"
    pl.DataFrame({"id": ids, "x": 1}).write_csv(path)
    frame = read_file(path, schema=trained)
    assert matrix(trained, frame, strict=False).values[:, 1].tolist() == [1.0, 0.0, 2.0]
