from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from taut import TautClassifier
from taut.errors import DataError, DataWarning
from taut.table.columns import describe
from taut.table.convert import without_index
from taut.table.frame import DateColumn, Frame, TextColumn
from taut.table.read import read_file

pytestmark = pytest.mark.fault(63)

Write = Callable[..., Path]
N_ROWS = 40


@pytest.fixture
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=N_ROWS), "y": np.arange(N_ROWS) % 2})


def left_out(frame: Frame) -> Mapping[str, str]:
    return {note.where: note.what for note in frame.notes if "left out" in note.what}


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table,
        lambda table: table.sample(frac=1.0, random_state=0),
        lambda table: table.sample(frac=0.5, random_state=0),
        lambda table: pd.concat([table, table]),
        lambda table: table.set_axis(range(1, 1 + N_ROWS)),
        lambda table: table.set_axis([f"car {row}" for row in range(N_ROWS)]),
        lambda table: table.set_axis(pd.date_range("2020-01-01", periods=N_ROWS)),
    ],
    ids=["rows", "shuffled", "a part", "two tables", "from 1", "names", "dates"],
)
@pytest.mark.parametrize("again", [False, True])
def test_an_index_without_a_name_is_left_out(
    table: pd.DataFrame, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], again: bool
) -> None:
    path = tmp_path / "table.csv"
    change(table).to_csv(path)
    names = ["column 1"]
    if again:  # as pandas reads it, and saves it once more
        pd.read_csv(path).to_csv(path)
        names.append("Unnamed: 0")
    frame = read_file(path, target="y")
    assert frame.names == ("x", "y")
    assert list(left_out(frame)) == names
    assert all("give it" in what for what in left_out(frame).values())


def test_polars_and_pandas_save_the_index_of_a_csv_into_parquet(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "table.csv")
    pl.read_csv(tmp_path / "table.csv").write_parquet(tmp_path / "polars.parquet")
    pd.read_csv(tmp_path / "table.csv").to_parquet(tmp_path / "pandas.parquet")
    for name in ("polars.parquet", "pandas.parquet"):
        assert read_file(tmp_path / name).names == ("x", "y")


def test_a_column_that_counts_the_rows_and_is_called_so(table: pd.DataFrame, tmp_path: Path) -> None:
    table.reset_index().to_csv(tmp_path / "table.csv", index=False)
    assert list(left_out(read_file(tmp_path / "table.csv"))) == ["index"]
    table.assign(index=table["x"])[["index", "x", "y"]].to_csv(tmp_path / "table.csv", index=False)
    assert read_file(tmp_path / "table.csv").names == ("index", "x", "y")


@pytest.mark.filterwarnings("ignore:.*blank or doubled names")
@pytest.mark.parametrize(
    "values", [["a", "b"] * (N_ROWS // 2), [0.5, 1.5] * (N_ROWS // 2), [3, 3, 1, 2] * (N_ROWS // 4)]
)
def test_a_column_without_a_name_that_is_no_index(
    table: pd.DataFrame, tmp_path: Path, values: list[object]
) -> None:
    table.set_axis(values).to_csv(tmp_path / "table.csv")
    frame = read_file(tmp_path / "table.csv", target="y")
    assert frame.names == ("column 1", "x", "y")
    assert not left_out(frame)


@pytest.mark.parametrize("name", [None, "day"])
def test_parquet_says_which_columns_are_the_index(
    table: pd.DataFrame, tmp_path: Path, name: str | None
) -> None:
    path = tmp_path / "table.parquet"
    table.set_axis(pd.date_range("2020-01-01", periods=N_ROWS)).rename_axis(name).to_parquet(path)
    index = name or "__index_level_0__"
    frame = read_file(path, target="y")
    assert frame.names == ("x", "y")
    assert "pandas saved it as the index" in left_out(frame)[index]
    assert "reset_index" in left_out(frame)[index]
    assert isinstance(read_file(path, target=index).column(index), DateColumn)
    assert index in read_file(path, keep=[index]).names


def test_rows_that_parquet_only_counts(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_parquet(tmp_path / "table.parquet")
    frame = read_file(tmp_path / "table.parquet")
    assert frame.names == ("x", "y")
    assert frame.notes == ()


def test_an_index_that_cannot_be_read(table: pd.DataFrame, tmp_path: Path) -> None:
    table.set_axis(pd.interval_range(0, N_ROWS)).to_parquet(tmp_path / "table.parquet")
    frame = read_file(tmp_path / "table.parquet")
    assert frame.names == ("x", "y")
    assert list(left_out(frame)) == ["__index_level_0__"]


def test_several_levels(table: pd.DataFrame, tmp_path: Path) -> None:
    levels = pd.MultiIndex.from_arrays([list("ab" * 20), list("ba" * 20)], names=["kind", "n"])
    table.set_axis(levels).to_parquet(tmp_path / "table.parquet")
    assert list(left_out(read_file(tmp_path / "table.parquet"))) == ["kind", "n"]


def test_an_index_that_is_all_there_is(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    table[["y"]].set_axis(pd.date_range("2020-01-01", periods=N_ROWS)).to_parquet(path)
    frame = read_file(path, target="y")
    assert frame.names == ("y", "__index_level_0__")
    assert "it is used, for there is no other" in str(frame.notes[0])
    table[["y"]].to_csv(tmp_path / "table.csv")
    with pytest.raises(DataError, match="'table.csv' has nothing to learn from but row numbers: 'column 1'"):
        read_file(tmp_path / "table.csv", target="y")


def test_a_model_is_not_asked_for_it_and_one_that_learned_from_it_gets_it(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    table.set_axis([f"car {row}" for row in range(N_ROWS)]).to_csv(path)
    without = describe(read_file(path))
    assert not read_file(path, schema=without).notes
    with pytest.warns(match="blank or doubled names"):
        learned = describe(read_file(path, keep=["column 1"]).take(np.arange(10)))
    with pytest.warns(match="blank or doubled names"):
        frame = read_file(path, schema=learned)
    assert isinstance(frame.column("column 1"), TextColumn)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(pd.read_csv, id="pandas"),
        pytest.param(pl.read_csv, id="polars"),
        pytest.param(lambda path: pd.read_csv(path, index_col=0).reset_index(), id="reset"),
        pytest.param(lambda path: pl.read_csv(path)[:, 1:].with_row_index(), id="row index"),
        pytest.param(
            lambda path: pa.Table.from_pandas(pd.read_csv(path, index_col=0).sample(frac=1.0)), id="arrow"
        ),
        pytest.param(
            lambda path: pa.Table.from_pandas(pd.read_csv(path, index_col=0).set_axis(list("abcd") * 10)),
            id="texts",
        ),
    ],
)
def test_a_frame_s_index_is_left_out_like_a_file_s(
    table: pd.DataFrame, tmp_path: Path, read: Callable[[Path], Any]
) -> None:
    path = tmp_path / "table.csv"
    table.sort_values("y", ignore_index=True).to_csv(path)
    X = read(path)
    network = TautClassifier(hidden=(4,), max_epochs=2, random_state=0)
    with pytest.warns(DataWarning, match="left out"):
        network.fit(X, table["y"])
    assert network.feature_names_in_.tolist() == ["x", "y"]
    # Neither is it wanted afterwards, nor is another table's in the way.
    expected = network.predict_proba(table)
    assert np.array_equal(network.predict_proba(table.reset_index()), expected)
    assert np.array_equal(network.predict_proba(pl.DataFrame(table).with_row_index()), expected)


def test_an_index_with_content_of_its_own_stays_in_a_frame(table: pd.DataFrame) -> None:
    X = table.assign(**{"Unnamed: 0": table["x"] * 2})
    assert without_index(X) is X
    assert without_index(table[["x"]].rename(columns={"x": "Unnamed: 0"})).columns.tolist() == ["Unnamed: 0"]
