"""What commands share that train on a table; their own tests try the options one by one."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taut.cli.table import batch_size_of, learning_rate_of, read_training_table, stem, widths_of
from taut.cli.voice import Voice
from taut.errors import DataError, DataWarning, ParameterError
from tests.cli.conftest import rows, write_csv


def test_options_become_values() -> None:
    assert widths_of("128, 64") == (128, 64)
    assert widths_of("") == ()
    assert learning_rate_of("auto") == batch_size_of("auto") == "auto"
    assert learning_rate_of("0.01") == 0.01
    assert batch_size_of("64") == 64
    assert type(batch_size_of("64")) is int


@pytest.mark.parametrize("text", ["0", "8,", "8,x", "-8", "8.5"])
def test_wrong_widths_are_named(text: str) -> None:
    with pytest.raises(ParameterError, match="--hidden is widths such as 128,128"):
        widths_of(text)


def test_wrong_numbers_are_named() -> None:
    for text in ("0", "-1", "inf", "nan", "x"):
        with pytest.raises(ParameterError, match="--learning-rate must be"):
            learning_rate_of(text)
    for text in ("0", "1.5", "x"):
        with pytest.raises(ParameterError, match="--batch-size must be"):
            batch_size_of(text)


def test_a_file_becomes_features_and_a_target(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = read_training_table(table, "kind", task="auto", drop=["city"], header=True)
    assert found.features.names == ("size", "bought", "active", "price")
    assert found.features.n_rows == len(found.y) == 87
    assert (found.n_rows, found.n_columns, found.task) == (90, 6, "classification")
    voice = Voice()
    with voice.speaking():
        found.introduce(5, voice)
    out, err = capsys.readouterr()
    assert out.startswith("shop.csv: 90 rows, 6 columns\ntarget 'kind': classification (the target is text")
    assert "3 rows have no target" in err
    assert stem(table) == "shop"


def test_the_task_may_be_said(table: Path) -> None:
    found = read_training_table(table, "price", task="regression", drop=(), header=True)
    assert (found.task, found.why) == ("regression", "as asked for")


def test_what_cannot_be_learned_is_refused(table: Path) -> None:
    with pytest.raises(ParameterError, match="this is the target, and it cannot be left out"):
        read_training_table(table, "kind", task="auto", drop=["kind"], header=True)
    with pytest.raises(DataError, match="no column 'kin'"):
        read_training_table(table, "kin", task="auto", drop=(), header=True)
    found = read_training_table(table, "kind", task="auto", drop=(), header=True)
    with pytest.raises(DataError, match="too few for 88 folds"):
        found.introduce(88, Voice())


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bare.csv", rows()[1:], header=rows()[0])
    found = read_training_table(path, "x4", task="auto", drop=(), header=False)
    assert found.features.names == ("x0", "x1", "x2", "x3", "x5")


@pytest.mark.fault(63)
def test_an_index_is_left_out_and_can_be_the_target(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(",a,y\n" + "".join(f"{row},{row % 3},{row % 2}\n" for row in range(30)))
    table = read_training_table(path, "y", task="auto", drop=(), header=True)
    assert table.features.names == ("a",)
    assert any("like the index that pandas and R save; it is left out" in str(note) for note in table.notes)
    with pytest.warns(DataWarning, match="blank or doubled names"):
        table = read_training_table(path, "column 1", task="auto", drop=(), header=True)
    assert table.y.tolist() == list(range(30))


@pytest.mark.fault(84)
def test_names_are_looked_for_before_all_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,y\n1,2,3\n4,5,6\n")
    monkeypatch.setattr("taut.table.read.utf8", None)
    for target, drop in (("z", []), ("y", ["c"])):
        with pytest.raises(DataError, match="there is no column"):
            read_training_table(path, target, task="auto", drop=drop, header=True)


@pytest.mark.fault(84)
@pytest.mark.parametrize("command", [["fit"], ["path", "--technique", "l2"], ["diagnose"]])
def test_a_wrong_target_in_two_million_rows_is_told_within_two_seconds(
    tmp_path: Path, command: list[str]
) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"age,city\n" + b"31,Oslo\n" * 2_000_000, 1))
    name, *options = command
    before = os.times()
    arguments = [sys.executable, "-m", "taut", name, str(path), "--target", "Age", *options]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    after = os.times()
    assert (ended.returncode, ended.stderr) == (2, "error: there is no column 'Age'; did you mean 'age'?\n")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 2.0
