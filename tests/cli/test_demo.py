from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import taut
from taut.cli.demo import N_ASIDE, patients
from taut.estimators import effort
from taut.store import check_folder
from taut.table import read_file
from tests.cli.conftest import Run, read_csv


def test_the_table_is_the_one_of_scikit_learn() -> None:
    frame, y = patients()
    assert frame.names == ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    assert frame.n_rows == len(y) == 442
    assert frame.column("age").take(np.array([0])).values[0] == 59  # type: ignore[union-attr]


def test_the_demo_compares_saves_and_leaves_rows_to_predict(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(effort._PLANS, "standard", effort.Plan(n_candidates=8, n_first=6))  # a few, for speed
    folder = tmp_path / "demo"
    result = run("demo", "-o", folder)
    assert result.exit_code == 0, result.output
    assert "lowered the validation loss by" in result.stdout
    assert "On unseen rows expect a loss of" in result.stdout
    assert "patients that were kept aside" in result.stdout
    model = taut.load(folder)
    none = model.baseline_["none"]
    assert none.loss > 1.3 * model.best_.loss  # it overfits, visibly
    assert none.loss > 10 * np.mean(none.train_loss)
    # What the demo's last lines tell to do works.
    new = folder / "new.csv"
    assert f"taut predict {folder} {new}" in result.stdout
    assert run("predict", folder, new).exit_code == 0
    found = np.array([float(row["prediction"]) for row in read_csv(folder / "new.predictions.csv")])
    assert len(found) == N_ASIDE
    np.testing.assert_array_equal(found, model.predict(read_file(new, schema=model.model_.schema)))
    check_folder(folder)  # the next demo may replace it
    assert f"report   {tmp_path / 'demo.html'}\n" in result.stdout
    assert sorted(one.name for one in tmp_path.iterdir()) == ["demo", "demo.html"]


def test_the_demos_page_lies_beside_its_model_and_replaces_no_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "demo.html").write_text("mine")
    result = run("demo", "-o", tmp_path / "demo")
    assert result.exit_code == 2
    assert "demo.html' exists and is no page of taut's" in result.stderr
    assert not (tmp_path / "demo").exists()
