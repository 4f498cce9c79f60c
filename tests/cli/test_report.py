from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_a_page_is_written_next_to_the_model(run: Run, model: Path) -> None:
    result = run("report", model)
    assert result.exit_code == 0, result.output
    page = model.parent / "shop.html"
    assert result.stdout == f"report   {page}\n"
    text = page.read_text(encoding="utf-8")
    assert "What regularization did" in text
    assert run("report", model).exit_code == 0  # an older page of ours is replaced


def test_what_is_no_page_of_ours_stays(run: Run, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "letter.html"
    other.write_text("Dear Sir", encoding="utf-8")
    result = run("report", model, "--output", other)
    assert result.exit_code == 2
    assert "is no page of taut's" in result.stderr
    assert other.read_text(encoding="utf-8") == "Dear Sir"


def test_a_folder_that_is_no_model_is_refused(run: Run, tmp_path: Path) -> None:
    result = run("report", tmp_path / "none.taut")
    assert result.exit_code == 2
    assert "Traceback" not in result.output
