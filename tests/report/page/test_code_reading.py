"""The code to take away reads the file that ``taut fit`` read, however it is laid out."""

from __future__ import annotations

import gzip
import io
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import taut
from taut.errors import DataWarning
from taut.report.facts import facts_of, from_text
from taut.report.page.code import keras_code, loading_code, taut_code, torch_code
from taut.report.page.code_table import beside_code, table_code
from taut.report.schema import Facts, ReadingFacts
from taut.table import read_file
from tests.cli.conftest import QUICK, Run
from tests.report.page.models import searched

PLAIN: ReadingFacts = {
    "path": "a b.csv", "kind": "text", "packed": False, "encoding": "utf-8", "separator": ",", "decimal": ".",
    "backslash": False, "skipped": 0, "header": True, "names": None, "marked": {}, "dropped": [],
}  # fmt: skip


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


def test_a_messy_file_is_read_as_taut_fit_read_it(messy: Facts) -> None:
    assert messy["source"]["reading"] == PLAIN | {
        "path": "miete.csv", "encoding": "cp1252", "separator": ";", "decimal": ",",
        "marked": {"Preis": ",", "Stück": ",", "Miete": ","}, "dropped": ["egal"],
    }  # fmt: skip
    names = run(taut_code(messy))
    saved, own = taut.load("miete.taut").model_.schema, names["model"].model_.schema
    assert [(c.name, c.kind) for c in own.columns] == [(c.name, c.kind) for c in saved.columns]
    with pytest.warns(DataWarning, match="'Stück'"):
        frame = read_file("miete.csv")
    kept = ~frame.column("Miete").missing
    for name in ("Größe", "Preis", "Stück"):
        values = frame.column(name).values[kept]  # type: ignore[union-attr]
        np.testing.assert_allclose(names["X"][name].to_numpy(), values)
    np.testing.assert_allclose(names["y"].to_numpy(), frame.column("Miete").values[kept])  # type: ignore[union-attr]
    assert names["model"].score(names["X"], names["y"]) > 0.5


def test_pytorch_learns_from_a_messy_file(messy: Facts) -> None:
    names = run(torch_code(messy))
    # Three numbers, the day's seven, three streets.
    assert names["features"].shape == (119, 3 + 7 + 3)
    amount = names["table"]["Miete"].to_numpy()
    assert np.corrcoef(names["prediction"], amount)[0, 1] > 0.7
    compile(keras_code(messy), "pasted.py", "exec")
    assert table_code(messy) in keras_code(messy)


@pytest.mark.parametrize(
    "left_out", [["egal", "Miete"], ["egal"]], ids=["rows to predict", "with its target"]
)
def test_new_rows_of_a_messy_file_are_predicted_as_taut_predict_does(
    messy: Facts, left_out: list[str]
) -> None:
    frame = pd.read_csv("miete.csv", sep=";", encoding="cp1252", dtype=str).drop(columns=left_out)
    frame.to_csv("new.csv", sep=";", encoding="cp1252", index=False)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(loading_code(messy), {})
    model = taut.load("miete.taut")
    expected = model.predict(read_file("new.csv", schema=model.model_.schema))
    assert printed.getvalue() == f"{expected}\n"


@pytest.mark.parametrize(
    "kind", ["tab.gz", "packed.csv", "utf-16", "headless", "renamed", "sep", "backslash"]
)
def test_other_layouts_too(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from taut.cli.table import read_training_table

    monkeypatch.chdir(tmp_path)
    rows = [[f"{i % 7}.5", f"say {'abc'[i % 3]}", "ja" if i % 2 else "no"] for i in range(60)]
    header, separator = ["size", "word", "y"], ","
    if kind == "renamed":
        header = ["size", " size ", "y"]
    if kind == "tab.gz":
        separator = "\t"
    text = "".join(f"{separator.join(row)}\n" for row in (rows if kind == "headless" else [header, *rows]))
    text = text.replace("say", '"say, \\"hm\\""') if kind == "backslash" else text
    text = "sep=,\n" + text if kind == "sep" else text
    data = text.encode("utf-16") if kind == "utf-16" else text.encode()
    path = Path(f"t.{kind}" if kind == "tab.gz" else "t.csv")
    path.write_bytes(gzip.compress(data) if kind in ("tab.gz", "packed.csv") else data)
    target = "x2" if kind == "headless" else "y"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        read = read_training_table(path, target, task="auto", drop=(), header=kind != "headless")
    found = facts_of(searched("y"))
    found["source"] = {**found["source"], "reading": read.reading}
    names = run("import pandas as pd\n" + table_code(found))
    assert list(names["table"].columns) == [*read.features.names, target]
    numbers, words = read.features.columns
    np.testing.assert_array_equal(names["table"].iloc[:, 0], numbers.values)  # type: ignore[union-attr]
    codes, levels = words.codes, words.levels  # type: ignore[union-attr]
    assert names["table"].iloc[:, 1].tolist() == [levels[code] for code in codes]


def test_parquet_is_read_as_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": [1.5, 2.5], "y": ["p", "q"]}).to_parquet("t.parquet")
    assert read_file("t.parquet").reading.kind == "parquet"  # type: ignore[union-attr]
    found = facts_of(searched("y"))
    found["source"] = {**found["source"], "reading": {**PLAIN, "kind": "parquet", "path": "t.parquet"}}
    assert run("import pandas as pd\n" + table_code(found))["table"].shape == (2, 2)
    assert "pd.read_parquet('new.parquet')" in loading_code(found)


def test_a_plain_file_needs_no_words() -> None:
    found = facts_of(searched("y"))
    assert table_code(found) == "table = pd.read_csv('table.csv')"
    found["source"] = {**found["source"], "reading": PLAIN}
    assert table_code(found) == "table = pd.read_csv('a b.csv', skipinitialspace=True)"


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
    assert beside_code(found) == ""
    found["made"] = {**found["made"], "given": ["sample_weight", "groups"]}
    said = "# The search was given weights of the rows (sample_weight) and groups of rows (groups) too, which"
    for code in (taut_code(found), torch_code(found), keras_code(found)):
        assert said in code
