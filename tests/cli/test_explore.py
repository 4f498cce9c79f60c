from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from taut.cli import explore
from taut.errors import TrainingError
from tests.cli.conftest import Run, write_csv


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
    assert "trains up to twelve of each" not in text  # all are there
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


def test_what_diverges_altogether_is_a_note_and_the_rest_is_shown() -> None:
    class Ear:
        heard: tuple[str, ...] = ()

        def say(self, text: str) -> None:
            self.heard += (text,)

    def diverged() -> int:
        raise TrainingError("Every network diverged.")

    ear: Any = Ear()
    assert explore._or_none(diverged, ear) is None
    assert ear.heard == ("note: Every network diverged.",)
    assert explore._or_none(lambda: 3, ear) == 3
