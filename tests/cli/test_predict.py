from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import taut
from taut.table import read_file
from tests.cli.conftest import HEADER, QUICK, Run, read_csv, rows, write_csv


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """New rows without the target, the columns in another order."""
    return write_csv(tmp_path / "new.csv", [row[4::-1] for row in rows(40)], HEADER[4::-1])


def test_predictions_stand_next_to_the_data_in_its_order(run: Run, model: Path, new: Path) -> None:
    result = run("predict", model, new)
    assert result.exit_code == 0, result.output
    path = new.parent / "new.predictions.csv"
    assert result.stderr.splitlines()[-1] == f"40 predictions written to {path}"
    found = read_csv(path)
    assert list(found[0]) == ["prediction", 'probability_a "low" one', "probability_high"]
    estimator = taut.load(model)
    frame = read_file(new, schema=estimator.model_.schema)
    assert [row["prediction"] for row in found] == estimator.predict(frame).tolist()
    probabilities = np.array([[float(value) for value in list(row.values())[1:]] for row in found])
    np.testing.assert_allclose(probabilities, estimator.predict_proba(frame), atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_an_amount_has_one_column_in_full(run: Run, table: Path, tmp_path: Path) -> None:
    run("fit", table, "--target", "price", *QUICK)
    result = run("predict", tmp_path / "shop.taut", table, "-o", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    found = read_csv(tmp_path / "out.csv")
    assert list(found[0]) == ["prediction"]
    estimator = taut.load(tmp_path / "shop.taut")
    frame = read_file(table, schema=estimator.model_.schema)
    assert [float(row["prediction"]) for row in found] == estimator.predict(frame).tolist()


def test_a_dash_writes_to_standard_output_and_nothing_else(run: Run, model: Path, new: Path) -> None:
    result = run("predict", model, new, "-o", "-")
    assert result.exit_code == 0, result.output
    lines = list(csv.reader(io.StringIO(result.stdout)))
    assert lines[0][0] == "prediction"
    assert len(lines) == 41
    assert "written" not in result.stderr
    assert not (new.parent / "new.predictions.csv").exists()


def test_unseen_texts_and_extra_columns_are_counted_in_notes(run: Run, model: Path, tmp_path: Path) -> None:
    lines = [[*row, "more"] for row in rows(10)]
    lines[3][1] = lines[8][1] = "Rom"
    path = write_csv(tmp_path / "new.csv", lines, [*HEADER, "extra"])
    result = run("predict", model, path)
    assert result.exit_code == 0, result.output
    assert "note: the model does not use these columns: 'kind', 'extra'." in result.stderr
    assert (
        "note: column 'city': 2 of 10 rows hold a value that is not told apart, such as 'Rom'"
        in result.stderr
    )


def test_a_model_without_column_names(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bare.csv", rows()[1:], header=rows()[0])
    run("fit", path, "--no-header", "--target", "x5", *QUICK)
    result = run("predict", tmp_path / "bare.taut", path, "--no-header", "-o", "-")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 91


def test_names_of_all_kinds_go_through(run: Run, tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", 'say "hi", you', "größe 📏", "\x1b[31mred"]
    texts = ["<b>", "🎉, yes", '"']
    lines = [[i % 7, i % 5, i % 3, i % 4, texts[i % 3]] for i in range(60)]
    path = write_csv(tmp_path / "odd.csv", lines, [*names, "target\x07"])
    result = run("fit", path, "--target", "target\x07", *QUICK)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    result = run("predict", tmp_path / "odd.taut", path)
    assert result.exit_code == 0, result.output
    found = read_csv(tmp_path / "odd.predictions.csv")
    classes = taut.load(tmp_path / "odd.taut").classes_.tolist()
    assert list(found[0]) == ["prediction", *(f"probability_{name}" for name in classes)]
    assert {row["prediction"] for row in found} <= set(classes)


# --- what is wrong is one sentence, and exit code 2 ---------------------------------------------------------


def sentence(run: Run, *arguments: object) -> str:
    result = run("predict", *arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr.splitlines()[-1]


def test_missing_columns_are_listed(run: Run, model: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "few.csv", [row[:2] for row in rows(5)], HEADER[:2])
    found = sentence(run, model, path)
    assert found.startswith("error: 3 of the columns that the model was trained on are not there: ")
    assert "'bought', 'active', 'price'" in found


def test_text_in_a_column_of_numbers_is_counted(run: Run, model: Path, tmp_path: Path) -> None:
    lines = rows(10)
    lines[2][4] = lines[6][4] = "a lot"
    found = sentence(run, model, write_csv(tmp_path / "bad.csv", lines))
    assert "column 'price' held numbers in training, and 2 of 10 rows now hold text" in found
    assert not (tmp_path / "bad.predictions.csv").exists()


def test_a_missing_model_or_file(run: Run, model: Path, table: Path, tmp_path: Path) -> None:
    assert "no such folder" in sentence(run, tmp_path / "nix", table)
    assert "is missing" in sentence(run, tmp_path, table)
    assert "there is no file" in sentence(run, model, tmp_path / "nix.csv")
    assert "is a directory" in sentence(run, model, Path("."))
    for long in ((tmp_path / ("b" * 300), table), (model, tmp_path / ("b" * 300))):
        assert "b" * 300 in sentence(run, *long)


def test_a_damaged_model(run: Run, table: Path, tmp_path: Path) -> None:
    run("fit", table, "--target", "kind", *QUICK)
    weights = tmp_path / "shop.taut" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert "the checksum is wrong" in sentence(run, tmp_path / "shop.taut", table)


def test_a_model_of_a_newer_format_names_both_versions(run: Run, table: Path, tmp_path: Path) -> None:
    import hashlib

    run("fit", table, "--target", "kind", *QUICK)
    folder = tmp_path / "shop.taut"
    description = json.loads((folder / "model.json").read_text(encoding="utf-8")) | {
        "format": 99,
        "taut": "9.9",
    }
    text = json.dumps(description).encode()
    (folder / "model.json").write_bytes(text)
    checksums = json.loads((folder / "checksums.json").read_bytes())
    checksums["model.json"] = hashlib.sha256(text).hexdigest()
    (folder / "checksums.json").write_text(json.dumps(checksums), encoding="utf-8")
    found = sentence(run, folder, table)
    assert "9.9" in found
    assert taut.__version__ in found


def test_the_data_is_not_written_over(run: Run, model: Path, table: Path) -> None:
    before = table.read_bytes()
    assert "is the data itself" in sentence(run, model, table, "-o", table)
    assert table.read_bytes() == before


def test_an_output_that_cannot_be_written(run: Run, model: Path, table: Path, tmp_path: Path) -> None:
    assert "is a directory" in sentence(run, model, table, "-o", tmp_path)
    assert "cannot be written" in sentence(run, model, table, "-o", tmp_path / "none" / "out.csv")


def test_an_older_output_stays_whole_where_writing_fails(
    run: Run, model: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("taut.writing.os.replace", full)
    found = sentence(run, model, table, "-o", out)
    assert found == f"error: '{out}' cannot be written: No space left on device."
    assert out.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "shop.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_has_the_usual_mode(run: Run, model: Path, new: Path) -> None:
    run("predict", model, new)
    (new.parent / "plain").touch()
    assert os.stat(new.parent / "new.predictions.csv").st_mode == os.stat(new.parent / "plain").st_mode


@pytest.mark.fault(92)
def test_columns_are_kept_as_they_are_in_the_file(run: Run, model: Path, tmp_path: Path) -> None:
    lines = [[f"{i:03}", *row[:5], f" x{i} "] for i, row in enumerate(rows(40))]
    path = write_csv(tmp_path / "new.csv", lines, ["id", *HEADER[:5], "note"])
    result = run("predict", model, path, "--keep", "note", "--keep", "id", "--keep", "size")
    assert result.exit_code == 0, result.output
    found = read_csv(tmp_path / "new.predictions.csv")
    assert list(found[0])[:4] == ["note", "id", "size", "prediction"]
    assert [row["id"] for row in found] == [f"{i:03}" for i in range(40)]
    assert [row["size"] for row in found] == [line[1] for line in lines]
    assert found[5]["note"].strip() == "x5"
    plain = run("predict", model, path, "-o", tmp_path / "plain.csv")
    assert plain.exit_code == 0
    assert [row["prediction"] for row in found] == [
        row["prediction"] for row in read_csv(tmp_path / "plain.csv")
    ]


def test_a_kept_column_that_is_not_there_or_would_be_there_twice(
    run: Run, model: Path, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "new.csv", [[*row[:5], "1"] for row in rows(9)], [*HEADER[:5], "prediction"])
    result = run("predict", model, path, "--keep", "sise")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: there is no column 'sise'; did you mean 'size'?\n"
    result = run("predict", model, path, "--keep", "prediction")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: --keep prediction: the predictions have a column of this name; rename it in DATA.\n"
    )


@pytest.mark.fault(92)
def test_no_cell_is_a_formula_with_safe_csv(run: Run, tmp_path: Path) -> None:
    evil = ["=1+1", "+1", "-2+3", "@SUM(A1)", "plain"]
    lines = [[str(i), evil[i % 5], "=cmd()" if i % 2 else "-no"] for i in range(60)]
    path = write_csv(tmp_path / "t.csv", lines, ["size", "=id", "y"])
    result = run("fit", path, "--target", "y", "--drop", "=id", *QUICK)
    assert result.exit_code == 0, result.output
    options = ("--keep", "=id", "--keep", "size", "-o", tmp_path / "out.csv")
    assert run("predict", tmp_path / "t.taut", path, *options).exit_code == 0
    found = read_csv(tmp_path / "out.csv")
    assert [row["=id"] for row in found[:5]] == evil  # as it is, where nobody asks
    assert {row["prediction"] for row in found} <= {"=cmd()", "-no"}
    assert run("predict", tmp_path / "t.taut", path, "--safe-csv", *options).exit_code == 0
    found = read_csv(tmp_path / "out.csv")
    assert [row["'=id"] for row in found[:5]] == ["'=1+1", "+1", "'-2+3", "'@SUM(A1)", "plain"]
    assert {row["prediction"] for row in found} <= {"'=cmd()", "'-no"}
    assert found[3]["size"] == "3"


def test_a_name_that_promises_another_kind_of_file_is_refused(run: Run, model: Path, table: Path) -> None:
    for name in ("p.csv.gz", "p.parquet", "P.XLSX"):
        result = run("predict", model, table, "-o", table.parent / name)
        assert result.exit_code == 2
        assert "a CSV file is written; give a name that ends in .csv." in result.stderr
        assert not (table.parent / name).exists()
