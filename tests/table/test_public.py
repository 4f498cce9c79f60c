"""``taut.read``, and data frames that are read as files are."""

from __future__ import annotations

import csv
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.model_selection import cross_val_score, train_test_split
from typer.testing import CliRunner

import taut
from taut.cli import app
from taut.errors import DataError, DataWarning
from taut.table import Frame, frame_from, read_file

N = 120
QUICK: dict[str, Any] = {"hidden": (8,), "max_epochs": 15, "n_jobs": 1, "random_state": 0}


def messy(n: int = N, seed: int = 0) -> pd.DataFrame:
    """What people have in text: zip codes, money, dates, yes and no, words for missing, large identifiers."""
    stream = np.random.default_rng(seed)
    price = stream.uniform(100, 3000, n)
    price[3] = np.nan
    zips = stream.choice(["01234", "02139", "99501", "60601"], n)
    return pd.DataFrame(
        {
            "zip": zips,
            "price": [f"${value:,.2f}" if value == value else "n/a" for value in price],
            "when": pd.date_range("2021-01-01", periods=n, freq="9D").strftime("%d.%m.%Y"),
            "ok": stream.choice(["yes", "no"], n),
            "city": stream.choice(["Rome", "Oslo", "-"], n),
            "batch": (2**60 + stream.integers(0, 4, n)).astype(str),
            "grade": stream.choice(["1.50", "2", "A"], n),
            "size": stream.normal(size=n).round(4),
            "y": (np.nan_to_num(price) / 1000 + 2 * (zips == "01234") + stream.normal(size=n)).round(3),
        }
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("files")
    messy().to_csv(folder / "train.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        X, y = taut.read(folder / "train.csv", target="y")
        taut.TautRegressor(**QUICK).fit(X, y).save(folder / "model")
    return folder


def on_the_command_line(folder: Path, file: Path) -> list[float]:
    out = folder / "out.csv"
    result = CliRunner().invoke(app, ["predict", str(folder / "model"), str(file), "-o", str(out)])
    assert result.exit_code == 0, result.output
    with out.open(newline="") as lines:
        return [float(row["prediction"]) for row in csv.DictReader(lines)]


def in_words(caught: list[warnings.WarningMessage]) -> str:
    return "\n".join(str(one.message) for one in caught)


def frames_of(file: Path) -> Iterator[tuple[str, Any]]:
    yield "pandas", pd.read_csv(file)
    yield "pandas, all text", pd.read_csv(file, dtype=str, keep_default_na=False)
    yield "pandas, objects", pd.read_csv(file, dtype=str, keep_default_na=False).astype(object)
    yield "pandas with arrow", pd.read_csv(file, dtype_backend="pyarrow")
    yield "pandas, nullable", pd.read_csv(file, dtype_backend="numpy_nullable")
    yield "pandas, categories", pd.read_csv(file, dtype=dict.fromkeys(["zip", "ok", "city"], "category"))
    yield "polars", pl.read_csv(file)
    yield "polars, all text", pl.read_csv(file, infer_schema=False)
    yield "pyarrow", pa.Table.from_pandas(pd.read_csv(file))
    yield "taut", taut.read(file)


@pytest.mark.fault(67)
@pytest.mark.parametrize("lines", [1, 2, 24, N])
def test_a_model_says_the_same_of_a_file_however_it_was_read(files: Path, lines: int) -> None:
    file = files / "new.csv"
    messy(seed=1).drop(columns="y").head(lines).to_csv(file, index=False)
    expected = on_the_command_line(files, file)
    model = taut.load(files / "model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for name, frame in frames_of(file):
            assert model.predict(frame).tolist() == expected, name


@pytest.mark.fault(67)
def test_a_data_frame_in_training_is_read_as_a_file_is(files: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        of_file = taut.read(files / "train.csv", target="y")[0]
        expected = [(column.name, column.kind) for column in taut.table.describe(of_file).columns]
        assert dict(expected) == {
            "zip": "category", "price": "number", "when": "date", "ok": "boolean", "city": "category",
            "batch": "category", "grade": "category", "size": "number",
        }  # fmt: skip
        text = pd.read_csv(files / "train.csv", dtype=str, keep_default_na=False).drop(columns="y")
        for frame in (
            text,
            text.astype(object),
            pl.from_pandas(text),
            pa.Table.from_pandas(text),
            text.assign(size=text["size"].astype(float), batch=text["batch"].astype(int)),
            pl.read_csv(files / "train.csv", schema_overrides={"zip": pl.String}).drop("y"),
        ):
            found = taut.table.describe(frame_from(frame))
            assert [(column.name, column.kind) for column in found.columns] == expected
            price, batch = found.columns[1], found.columns[5]
            assert price.text is not None
            assert all(level.startswith("11529215046068469") for level in batch.levels)


@pytest.mark.fault(67)
def test_numbers_that_were_text_in_training_are_found_or_warned_of(files: Path) -> None:
    model = taut.load(files / "model")
    new = messy(seed=1).drop(columns="y").head(24)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = model.predict(new)
        without_zeros = model.predict(new.assign(zip=new["zip"].astype(int)))
    assert (without_zeros == expected).all()
    with pytest.warns(DataWarning, match="column 'zip': 24 of 24 rows hold a value that is not told apart"):
        model.predict(new.assign(zip=np.arange(24) + 50_000))
    with pytest.raises(DataError, match="column 'size' held numbers in training, and 24 of 24 rows now hold"):
        model.predict(new.assign(size="large"))


@pytest.mark.fault(69)
def test_values_that_training_did_not_have_are_warned_of_once_a_call(files: Path) -> None:
    model = taut.load(files / "model")
    new = messy(seed=1).drop(columns="y").head(10)
    new.loc[:2, "city"] = "Ulm"
    new["zip"] = "77777"
    for X in (new, pl.from_pandas(new), frame_from(new, model.model_.schema)):
        with pytest.warns(DataWarning) as caught:
            model.predict(X)
        assert in_words(list(caught)) == (
            "column 'zip': 10 of 10 rows hold a value that is not told apart, such as '77777'; they count as "
            "'other'. column 'city': 3 of 10 rows hold a value that is not told apart, such as 'Ulm'; they "
            "count as 'other'. Training did not have these values, or too rarely to tell them apart."
        )


@pytest.mark.fault(69)
def test_classifiers_and_validation_sets_warn_of_them_too() -> None:
    frame = pd.DataFrame({"a": ["x", "y"] * 20, "b": np.arange(40.0) % 7})
    y = [0, 0, 1, 1] * 10
    clf = taut.TautClassifier(**QUICK).fit(frame, y)
    strange = pd.DataFrame({"a": ["z"], "b": [1.0]})
    for call in (clf.predict, clf.predict_proba):
        with pytest.warns(DataWarning, match="'a': 1 of 1 rows hold a value .* such as 'z'") as caught:
            call(strange)
        assert len(caught) == 1
    with pytest.warns(DataWarning, match="'a': 1 of 1 rows hold a value"):
        taut.TautClassifier(**QUICK).fit(frame, y, X_val=strange, y_val=[0])


# --- the table ---------------------------------------------------------------------------------------------


@pytest.fixture
def flats(tmp_path: Path) -> Path:
    file = tmp_path / "flats.csv"
    lines = [
        f"{place % 5},0{place % 3}1,{'yes' if place % 2 else ''},${place},2024-01-0{1 + place % 9}"
        for place in range(40)
    ]
    file.write_text("\n".join(["rooms,code,lift,rent,day", *lines, "1,001,no,,2024-01-01"]) + "\n")
    return file


def test_reading_gives_the_command_lines_table(flats: Path) -> None:
    with pytest.warns(DataWarning, match="'code': its numbers have leading zeros"):
        frame = taut.read(flats)
    with pytest.warns(DataWarning, match="leading zeros"):
        of_command_line = read_file(flats)
    assert frame.names == of_command_line.names
    assert [type(column) for column in frame.columns] == [type(column) for column in of_command_line.columns]
    assert len(frame) == 41
    assert frame.shape == (41, 5)
    assert repr(frame) == "<Frame: 41 rows; columns 'rooms', 'code', 'lift', 'rent', 'day'>"
    assert frame["rooms"][:3].tolist() == [0.0, 1.0, 2.0]
    assert frame["code"][:3].tolist() == ["001", "011", "021"]
    assert frame["lift"][[0, 1, 40]].tolist() == [None, "yes", "no"]
    assert frame["day"].dtype.kind == "M"
    assert frame[["day", "code"]].names == ("day", "code")
    assert frame[2:4]["rooms"].tolist() == [2.0, 3.0]
    assert frame[frame["rooms"] == 4].n_rows == 8
    assert frame[[2]]["rooms"].tolist() == [2.0]
    with pytest.raises(TypeError, match=r"rows are asked for as frame\[\[3\]\]"):
        frame[3]
    assert frame.without(["code"]).names == ("rooms", "lift", "rent", "day")
    pandas = frame.to_pandas()
    assert pandas["rooms"].dtype == float
    assert pandas["code"].tolist()[:3] == ["001", "011", "021"]
    with pytest.raises(DataError, match="there is no column 'rent '; did you mean 'rent'"):
        frame["rent "]


def test_the_target_is_split_off_without_rows_that_have_none(flats: Path) -> None:
    with pytest.warns(DataWarning) as caught:
        X, y = taut.read(flats, target="rent")
    assert "column 'rent': 1 row has no target; it is left out." in in_words(list(caught))
    assert X.names == ("rooms", "code", "lift", "day")
    assert len(X) == len(y) == 40
    assert y.tolist() == list(range(40))
    with pytest.warns(DataWarning, match="leading zeros"):
        assert taut.read(flats, target="code")[1][:3].tolist() == ["001", "011", "021"]
    with (
        pytest.warns(DataWarning, match="leading zeros"),
        pytest.raises(DataError, match="the target 'day' holds dates; make a number of it"),
    ):
        taut.read(flats, target="day")


def test_numbers_with_text_among_them_are_refused_where_they_are_trained_on(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    lines = [f"{'many' if place % 7 == 3 else place * 1.5},{place % 2}" for place in range(70)]
    file.write_text("\n".join(["x,y", *lines]) + "\n")
    with pytest.raises(DataError, match="column 'x' holds numbers, but 10 of 70 rows .* hold text: 'many'"):
        read_file(file)
    X, y = taut.read(file, target="y")
    with pytest.raises(DataError, match="column 'x' holds numbers, but 10 of 70 rows .* hold text: 'many'"):
        taut.TautClassifier(**QUICK).fit(X, y)
    with pytest.raises(DataError, match="column 'x' holds numbers, but 10 of 70 rows"):
        taut.read(file, target="x")
    with pytest.raises(DataError, match="column 'x' holds numbers, but 10 of 70 rows"):
        taut.TautClassifier(**QUICK).fit(pd.read_csv(file)[["x"]], y)


def test_without_a_header_columns_have_numbers(tmp_path: Path) -> None:
    file = tmp_path / "bare.csv"
    file.write_text("1,2\n3,4\n")
    assert taut.read(file, header=False).names == ("x0", "x1")


def test_a_table_that_was_read_goes_through_scikit_learn(files: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        X, y = taut.read(files / "train.csv", target="y")
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert isinstance(X_train, Frame)
    assert (len(X_train), len(X_test)) == (90, 30)
    reg = taut.TautRegressor(**QUICK).fit(X_train, y_train)
    assert np.isfinite(reg.score(X_test, y_test))
    assert np.isfinite(cross_val_score(taut.TautRegressor(**QUICK), X, y, cv=2)).all()
    again = pickle.loads(pickle.dumps(X_test))
    assert (reg.predict(again) == reg.predict(X_test)).all()


@pytest.mark.fault(74)
@pytest.mark.parametrize("word", ["None", "NA", "-", "?"])
def test_a_word_for_missing_in_a_text_target_is_named_with_its_count(tmp_path: Path, word: str) -> None:
    for others in (["Beer", "Wine"], ["yes", "no"]):
        file = tmp_path / "drinks.csv"
        lines = [f"{place},{[*others, word][place % 3]}" for place in range(30)]
        file.write_text("\n".join(["x,drink", *lines, "30,"]) + "\n")
        said = (
            f"column 'drink': these words count as missing: '{word}' (10 rows). Write a class that has such"
        )
        with pytest.warns(DataWarning) as caught:
            X, y = taut.read(file, target="drink")
        assert said in in_words(list(caught))
        assert len(X) == 20
        assert sorted(set(y.tolist())) == sorted(others)
        result = CliRunner().invoke(app, ["diagnose", str(file), "--target", "drink", "--cv", "30"])
        assert f"warning: {said}" in " ".join(result.output.split())
        # In Python, text is what it says.
        clf = taut.TautClassifier(**QUICK).fit(np.arange(30.0)[:, None] % 7, [*others, word] * 10)
        assert clf.classes_.tolist() == sorted([*others, word])


def test_words_for_missing_among_numbers_are_no_classes(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x,y\n" + "".join(f"{place},{place * 1.5}\n" for place in range(40)) + "40,NA\n")
    with pytest.warns(DataWarning) as caught:
        taut.read(file, target="y")
    assert in_words(list(caught)) == "column 'y': 1 row has no target; it is left out."
