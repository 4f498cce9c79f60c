from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold

from taut import TautClassifierCV, load
from taut.cli import explore
from taut.errors import DataError, TautError, TrainingError
from taut.report.facts import facts_of
from tests.cli.conftest import Run, rows, write_csv


@pytest.fixture
def own(model: Path, tmp_path: Path) -> Path:
    """The model with its table, in a folder of the test's own."""
    shutil.copytree(model.parent, tmp_path / "own")
    return tmp_path / "own" / "shop.taut"


def test_every_technique_is_trained_and_kept_with_the_model(run: Run, own: Path) -> None:
    result = run("report", own, "--explore", own.parent / "shop.csv")
    assert result.exit_code == 0, result.output
    text = (own.parent / "shop.html").read_text(encoding="utf-8")
    for name in ("l2", "l1", "dropout", "batch_norm", "early_stopping"):
        assert f'name="explorer-technique" value="{name}"' in text
    assert "To train up to twelve of each" not in text  # all are there
    assert "They were not measured" not in text  # effects
    assert "Loss by the number of rows" in text
    again = run("report", own)  # without training anything
    assert again.exit_code == 0
    assert (own.parent / "shop.html").read_text(encoding="utf-8") == text


def test_another_table_is_told_and_a_wrong_one_refused(run: Run, own: Path, tmp_path: Path) -> None:
    wrong = write_csv(tmp_path / "wrong.csv", [[i, "a"] for i in range(40)], ["size", "kind"])
    result = run("report", own, "--explore", wrong)
    assert result.exit_code == 2
    assert "'wrong.csv' has no column 'city' and 3 more, which the model was trained on" in result.stderr


def test_without_its_report_the_target_has_to_be_given(run: Run, own: Path) -> None:
    (own / "report.json").unlink()
    result = run("report", own, "--explore", own.parent / "shop.csv")
    assert result.exit_code == 2
    assert "--explore needs --target NAME too" in result.stderr


def test_ctrl_c_shows_what_is_finished(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("taut.examine.effects", interrupted)
    result = run("report", own, "--explore", own.parent / "shop.csv")
    assert result.exit_code == 130, result.output
    assert "interrupted: the page shows what was finished." in result.stderr
    text = (own.parent / "shop.html").read_text(encoding="utf-8")
    assert 'name="explorer-technique" value="early_stopping"' in text
    assert "They were not measured" in text


class Ear:
    """A voice that is listened to."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)


def fails(error: TautError) -> Any:
    def training() -> int:
        raise error

    return training


def test_what_diverges_altogether_is_a_note_and_the_rest_is_shown() -> None:
    ear: Any = Ear()
    assert explore._or_note(fails(TrainingError("Every network diverged.")), ear, False) is None
    assert ear.heard == ["note: Every network diverged."]
    assert explore._or_note(lambda: 3, ear, False) == 3


def test_what_is_finished_is_not_lost_by_what_comes_later() -> None:
    ear: Any = Ear()
    assert explore._or_note(fails(DataError("Too few rows.")), ear, True) is None
    assert ear.heard == ["note: Too few rows."]
    with pytest.raises(DataError, match="Too few rows"):
        explore._or_note(fails(DataError("Too few rows.")), ear, False)


def test_a_table_of_too_few_rows_is_one_sentence(run: Run, own: Path, tmp_path: Path) -> None:
    few = write_csv(tmp_path / "few.csv", rows(2))
    result = run("report", own, "--explore", few)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "has 2 rows with a target, and the model was trained on 87" in result.stderr


def test_groups_and_weights_are_in_no_file(run: Run, tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.where(X[:, 0] > 0, "a", "b")
    clf = TautClassifierCV((4,), cv=3, n_candidates=3, max_epochs=3, random_state=0)
    clf.fit(X, y, groups=np.arange(60) // 3).save(tmp_path / "grouped")
    table = write_csv(
        tmp_path / "t.csv", [[*row, name] for row, name in zip(X, y, strict=True)], ["x0", "x1", "y"]
    )
    result = run("report", tmp_path / "grouped", "--explore", table, "--target", "y")
    assert result.exit_code == 2
    assert "The model was fitted with groups, which is in no file" in result.stderr
    own_folds = TautClassifierCV((4,), cv=KFold(3), n_candidates=3, max_epochs=3, random_state=0)
    own_folds.fit(X, y).save(tmp_path / "folds")
    model, voice = load(tmp_path / "folds"), Ear()
    explore.table_of(model, table, "y", facts_of(model), voice)  # type: ignore[arg-type]
    assert any("folds were made by a splitter of your own" in text for text in voice.heard)


def test_other_classes_are_refused(run: Run, own: Path, tmp_path: Path) -> None:
    other = write_csv(
        tmp_path / "other.csv", [[*row[:-1], "new" if i == 3 else row[-1]] for i, row in enumerate(rows())]
    )
    result = run("report", own, "--explore", other)
    assert result.exit_code == 2
    assert (
        "the target 'kind' of 'other.csv' holds 'new', which is none of the model's classes" in result.stderr
    )
    fewer = write_csv(tmp_path / "fewer.csv", [row for row in rows() if row[-1] == "high"] * 2)
    result = run("report", own, "--explore", fewer)
    assert result.exit_code == 2


def test_a_target_without_a_table_is_refused(run: Run, own: Path) -> None:
    result = run("report", own, "--target", "kind")
    assert result.exit_code == 2
    assert "--target is for --explore" in result.stderr
