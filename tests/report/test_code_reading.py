"""The code to take away reads the file that ``taut fit`` read, however it is laid out."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import taut
from taut.cli.table import read_training_table
from taut.errors import DataWarning
from taut.report.code import filled, keras_code, loading_code, taut_code, torch_code
from taut.report.facts import facts_of, from_text
from taut.report.schema import Facts, ReadingFacts
from taut.table import Encoder, matrix, read_file
from tests.cli.conftest import QUICK, Run
from tests.report.models import searched

PLAIN: ReadingFacts = {
    "path": "a b.csv", "kind": "text", "packed": False, "encoding": "utf-8", "separator": ",", "decimal": ".",
    "backslash": False, "skipped": 0, "header": True, "names": None, "marked": {}, "dropped": [],
}  # fmt: skip


def part(name: str, facts: Facts, **more: Any) -> str:
    """The lines of a script that one template gives."""
    return filled(f"{name}.py.jinja", facts, **more).rstrip("\n")


def german(n_rows: int = 120) -> str:
    """Semicolons, decimal commas, thousands points, euros, days first; the target is an amount."""
    rng = np.random.default_rng(0)

    def amount(value: float, decimals: int = 2) -> str:
        return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))

    lines = ["Größe;Straße;Tag;Preis;Stück;egal;Miete"]
    for i in range(n_rows):
        size = rng.uniform(20, 150)
        day = pd.Timestamp("2021-01-01") + pd.Timedelta(days=int(rng.integers(0, 900)))
        cells = [
            amount(size), rng.choice(["Köhlerweg", "Am Ölberg", "Zur Mühle"]), f"{day:%d.%m.%Y}",
            f"{amount(rng.uniform(900, 9999))} €",
            "unbekannt" if i == 7 else amount(rng.uniform(1e3, 9e3), 0), str(i),
            "" if i == 3 else amount(12 * size + rng.normal()),
        ]  # fmt: skip
        lines.append(";".join(cells))
    return "\n".join(lines) + "\n"


def run(code: str) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    names: dict[str, Any] = {"__name__": "pasted"}
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        exec(compile(code, "pasted.py", "exec"), names)
    return names


@pytest.fixture
def messy(run_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Facts:
    monkeypatch.chdir(tmp_path)
    Path("miete.csv").write_bytes(german().encode("cp1252"))
    options = ("--hidden", "16", "--max-epochs", 40, *QUICK[4:])
    result = run_cli("fit", "miete.csv", "--target", "Miete", "--drop", "egal", *options)
    assert result.exit_code == 0, result.output
    found = from_text(Path("miete.taut/report.json").read_text("utf-8"))
    assert found is not None
    return found


@pytest.fixture
def run_cli() -> Run:
    from typer.testing import CliRunner

    from taut.cli import app

    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.fault(76)
def test_a_messy_file_is_read_as_taut_fit_read_it(messy: Facts) -> None:
    assert messy["source"]["reading"] == PLAIN | {
        "path": "miete.csv", "encoding": "cp1252", "separator": ";", "decimal": ",",
        "marked": {"Preis": ",", "Stück": ",", "Miete": ","}, "dropped": ["egal"],
    }  # fmt: skip
    names = run(taut_code(messy))
    saved, own = taut.load("miete.taut").model_.schema, names["model"].model_.schema
    assert own.to_json() == saved.to_json()
    with pytest.warns(DataWarning, match="'Stück'"):
        frame = read_training_table(Path("miete.csv"), "Miete", task="auto", drop=["egal"], header=True)
    assert frame.features.n_rows == 119
    np.testing.assert_array_equal(
        matrix(saved, names["X"], strict=True).values, matrix(saved, frame.features, strict=True).values
    )
    np.testing.assert_array_equal(names["y"], frame.y)
    assert names["model"].score(names["X"], names["y"]) > 0.5


@pytest.mark.fault(76)
def test_pytorch_learns_from_a_messy_file(messy: Facts) -> None:
    names = run(torch_code(messy))
    model = taut.load("miete.taut").model_
    fold, schema = Encoder.fit(names["table"], names["train"], model.n_bins), model.schema
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        X, y = taut.read("miete.csv", target="Miete")
    np.testing.assert_array_equal(
        names["features"], fold.transform(matrix(schema, X, strict=True).values, np.arange(119))
    )
    assert np.corrcoef(names["prediction"], y)[0, 1] > 0.7
    compile(keras_code(messy), "pasted.py", "exec")
    assert part("features", messy, held_out=15) in keras_code(messy)


@pytest.mark.fault(76)
def test_a_column_that_was_left_out_may_be_gone(messy: Facts) -> None:
    frame = pd.read_csv("miete.csv", sep=";", encoding="cp1252", dtype=str).drop(columns=["egal"])
    frame.to_csv("miete.csv", sep=";", encoding="cp1252", index=False)
    names = run(torch_code(messy))
    assert len(names["features"]) == 119


@pytest.mark.fault(76)
def test_the_code_needs_no_pandas(messy: Facts) -> None:
    for code in (taut_code(messy), torch_code(messy), keras_code(messy), loading_code(messy)):
        assert "pandas" not in code
        assert "pd." not in code
    alone = f"import sys; sys.modules['pandas'] = None\n{loading_code(messy)}"
    Path("new.csv").write_bytes(Path("miete.csv").read_bytes())
    done = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "left_out", [["egal", "Miete"], ["egal"]], ids=["rows to predict", "with its target"]
)
def test_new_rows_of_a_messy_file_are_predicted_as_taut_predict_does(
    messy: Facts, left_out: list[str]
) -> None:
    frame = pd.read_csv("miete.csv", sep=";", encoding="cp1252", dtype=str).drop(columns=left_out)
    frame.to_csv("new.csv", sep=";", encoding="cp1252", index=False)
    printed = io.StringIO()
    with redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        exec(loading_code(messy), {})
    model = taut.load("miete.taut")
    expected = model.predict(read_file("new.csv", schema=model.model_.schema))
    assert printed.getvalue() == f"{expected}\n"


@pytest.mark.parametrize("kind", ["tab.gz", "utf-16", "headless", "renamed", "backslash"])
def test_other_layouts_too(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [[f"{i % 7}.5", f"say {'abc'[i % 3]}", "ja" if i % 2 else "no"] for i in range(60)]
    header, separator = ["size", "word", "y"], ","
    if kind == "renamed":
        header = ["size", " size ", "y"]
    if kind == "tab.gz":
        separator = "\t"
    text = "".join(f"{separator.join(row)}\n" for row in (rows if kind == "headless" else [header, *rows]))
    text = text.replace("say", '"say, \\"hm\\""') if kind == "backslash" else text
    data = text.encode("utf-16") if kind == "utf-16" else text.encode()
    path = Path(f"t.{kind}" if kind == "tab.gz" else "t.csv")
    path.write_bytes(gzip.compress(data) if kind == "tab.gz" else data)
    target = "x2" if kind == "headless" else "y"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        read = read_training_table(path, target, task="auto", drop=(), header=kind != "headless")
    found = facts_of(searched("y"))
    found["source"] = {**found["source"], "target": target, "reading": read.reading}
    names = run("import taut\n" + part("read", found))
    assert names["X"].names == read.features.names
    for mine, theirs in zip(names["X"].columns, read.features.columns, strict=True):
        np.testing.assert_array_equal(names["X"][mine.name], read.features[theirs.name])
    np.testing.assert_array_equal(names["y"], read.y)


def test_parquet_is_read_as_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": [1.5, 2.5], "target": ["p", "q"]}).to_parquet("t.parquet")
    found = facts_of(searched("y"))
    found["source"] = {**found["source"], "reading": {**PLAIN, "kind": "parquet", "path": "t.parquet"}}
    assert run("import taut\n" + part("read", found))["X"].n_rows == 2
    assert part("new", found) == "X = taut.read('new.parquet')"


def test_a_plain_file_needs_no_words() -> None:
    found = facts_of(searched("y"))
    assert part("read", found) == "X, y = taut.read('table.csv', target='target')"
    found["source"] = {**found["source"], "reading": {**PLAIN, "header": False}}
    assert part("read", found) == "X, y = taut.read('a b.csv', target='target', header=False)"
    assert part("new", found) == "X = taut.read('new.csv', header=False)"


def test_names_cannot_leave_their_quotes() -> None:
    nasty = '\'); import os; os.abort() #\n"""\\'
    found = facts_of(searched("y"))
    reading: ReadingFacts = {
        **PLAIN, "path": nasty, "names": [nasty], "marked": {nasty: ","}, "dropped": [nasty],
        "separator": nasty, "encoding": nasty,
    }  # fmt: skip
    found["source"] = {**found["source"], "reading": reading, "target": nasty, "folder": nasty}
    for code in (taut_code(found), torch_code(found), keras_code(found), loading_code(found)):
        lines = compile(code, "pasted.py", "exec")
        assert "os" not in lines.co_names


def test_weights_and_groups_are_asked_for() -> None:
    found = facts_of(searched("y"))
    assert "#" not in part("read", found)
    found["made"] = {**found["made"], "given": ["sample_weight", "groups"]}
    said = "# The search was given weights of the rows (sample_weight) and groups of rows (groups) too, which"
    for code in (taut_code(found), torch_code(found), keras_code(found)):
        assert said in code
