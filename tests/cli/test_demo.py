from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

import taut
from taut.cli import demo
from taut.cli.explore import table_of
from taut.cli.voice import Voice
from taut.estimators import effort
from taut.report.facts import facts_of
from taut.store import check_folder
from taut.table import read_file
from tests.cli.conftest import Run, read_csv


def test_the_table_is_the_one_of_scikit_learn() -> None:
    frame, y = demo.digits()
    assert frame.names[:2] == ("pixel_0_0", "pixel_0_1")
    assert (frame.n_rows, len(frame.columns), len(y)) == (1797, 64, 1797)
    assert sorted(set(y.tolist())) == list(range(10))
    train, aside = demo.split(len(y))
    assert (len(train), len(aside)) == (600, 1197)
    assert sorted([*train, *aside]) == list(range(1797))


@pytest.mark.fault(95)
def test_the_demo_compares_saves_and_leaves_tables_to_predict_and_to_explore(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A few rows and candidates, for speed.
    monkeypatch.setitem(effort._BUDGETS, "quick", effort.SearchBudget(n_candidates=4, n_first=2))
    monkeypatch.setattr(effort, "REPEATS", 1)
    monkeypatch.setattr(demo, "N_TRAIN", 120)
    folder = tmp_path / "demo"
    result = run("demo", "-o", folder)
    assert result.exit_code == 0, result.output
    assert "On unseen rows expect a loss of" in result.stdout
    assert "Of the 1,677 digits that were kept aside" in result.stdout
    model = taut.load(folder)
    none = model.baseline_["none"]
    # It overfits, visibly; of so few rows no gain need be sure, so that another may have been chosen.
    assert none.loss > 1.1 * min(one.loss for one in model.candidates_ if one.complete)
    assert none.loss > 10 * np.mean(none.train_loss)
    # What the demo's last lines tell to do works.
    new = folder / "new.csv"
    assert f"taut predict {folder} {new}" in result.stdout
    assert run("predict", folder, new).exit_code == 0
    found = [int(row["prediction"]) for row in read_csv(folder / "new.predictions.csv")]
    assert len(found) == 1677
    np.testing.assert_array_equal(found, model.predict(read_file(new, schema=model.model_.schema)))
    explore = next(line for line in result.stdout.splitlines() if line.startswith("explore "))
    words = shlex.split(explore)
    assert words[1:5] == ["taut", "report", str(folder), "--explore"]
    table = table_of(model, Path(words[5]), None, facts_of(model), Voice())
    assert (table.features.n_rows, table.features.names) == (120, demo.digits()[0].names)
    page = (tmp_path / "demo.html").read_text()
    assert f"taut report {folder} --explore {folder / 'train.csv'}" in page  # the same command
    check_folder(folder)  # the next demo may replace it
    assert f"report   {tmp_path / 'demo.html'}\n" in result.stdout
    assert sorted(one.name for one in tmp_path.iterdir()) == ["demo", "demo.html"]


def test_the_demos_page_lies_beside_its_model_and_replaces_no_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "demo.html").write_text("mine")
    result = run("demo", "-o", tmp_path / "demo")
    assert result.exit_code == 2
    assert "demo.html' exists and is no page of taut's" in result.stderr
    assert not (tmp_path / "demo").exists()
