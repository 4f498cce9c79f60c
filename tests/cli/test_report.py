from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.model_selection import KFold
from sklearn.utils.multiclass import check_classification_targets

from taut.cli.explore import Explored
from taut.errors import StoreError
from taut.store import report_file
from tests.cli.conftest import QUICK, Run, rows, write_csv


@pytest.fixture
def own(model: Path, tmp_path: Path) -> Path:
    """A model that may be changed."""
    return Path(shutil.copytree(model, tmp_path / "own.taut"))


def test_a_page_is_written_next_to_the_model(run: Run, model: Path) -> None:
    result = run("report", model)
    assert result.exit_code == 0, result.output
    page = model.parent / "shop.html"
    assert result.stdout == f"report   {page}\n"
    text = page.read_text(encoding="utf-8")
    assert "What regularization did: kind in shop.csv" in text
    assert run("report", model).exit_code == 0  # an older page of ours is replaced


def test_it_says_what_fit_said(run: Run, model: Path, tmp_path: Path) -> None:
    """The page of a saved model is the one that was written when it was fitted."""
    fitted = (model.parent / "shop.html").read_bytes()
    before = (model / "report.json").stat()
    assert run("report", model, "--output", tmp_path / "again.html").exit_code == 0
    assert (tmp_path / "again.html").read_bytes() == fitted
    assert (model / "report.json").stat().st_mtime_ns == before.st_mtime_ns  # nothing new, nothing written


def test_a_folder_that_was_moved_is_loaded_from_where_it_is(run: Run, own: Path) -> None:
    before = (own / "report.json").read_bytes()
    assert run("report", own).exit_code == 0
    assert f"taut.load(&#39;{own}&#39;)" in own.with_suffix(".html").read_text(encoding="utf-8")
    assert (own / "report.json").read_bytes() == before


def test_facts_that_are_missing_are_made_and_kept(run: Run, own: Path) -> None:
    (own / "report.json").unlink()
    result = run("report", own)
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads((own / "report.json").read_bytes())
    assert found["source"]["file"] is None  # nobody knows any more
    assert found["data"]["n_rows"] == 87
    assert sorted(os.listdir(own)) == ["checksums.json", "model.json", "report.json", "weights.safetensors"]


def test_damaged_facts_are_said_and_made_anew(run: Run, own: Path) -> None:
    text = (own / "report.json").read_text(encoding="utf-8")
    (own / "report.json").write_text(text.replace("shop.csv", "shot.csv", 1), encoding="utf-8")
    result = run("report", own)
    assert result.exit_code == 0
    assert result.stderr == (
        "warning: report.json of the model cannot be used, and gives way to the next one: its SHA-256 is "
        "wrong, it was damaged or changed.\n"
    )
    assert "shot.csv" not in own.with_suffix(".html").read_text(encoding="utf-8")
    assert run("report", own).stderr == ""


def test_a_folder_that_is_read_only_has_its_page_all_the_same(
    run: Run, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise StoreError("own.taut/report.json: cannot be written (Read-only file system).")

    (own / "report.json").unlink()
    monkeypatch.setattr("taut.store.write_report", read_only)
    result = run("report", own)
    assert result.exit_code == 0
    assert own.with_suffix(".html").exists()
    assert result.stderr == (
        "note: what this page says is not kept with the model: own.taut/report.json: cannot be written "
        "(Read-only file system).\n"
    )
    assert report_file.read_report(own) is None


def test_facts_of_somebodys_own_stay(run: Run, own: Path) -> None:
    (own / "report.json").write_text('{"schema": 1, "mine": true}', encoding="utf-8")
    result = run("report", own)
    assert result.exit_code == 0
    assert own.with_suffix(".html").exists()
    assert result.stderr == (
        "warning: report.json of the model cannot be used, and is left alone: its SHA-256 is wrong, it was "
        "damaged or changed.\n"
        f"note: what this page says is not kept with the model: {own / 'report.json'}: not taut's, and left "
        "alone; move it elsewhere to have this kept.\n"
    )
    assert (own / "report.json").read_text(encoding="utf-8") == '{"schema": 1, "mine": true}'


def test_another_model_that_was_saved_meanwhile_keeps_its_own_facts(
    run: Run, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``taut fit`` ends while ``taut report --explore`` trains."""

    def slowly(*_: object) -> Explored:
        fitted = run("fit", own.parent / "shop.csv", "--target", "price", "--output", own, *QUICK)
        assert fitted.exit_code == 0, fitted.output
        return Explored([])

    write_csv(own.parent / "shop.csv", rows())
    monkeypatch.setattr("taut.cli.explore.train", slowly)
    (own / "report.json").unlink()
    result = run("report", own, "--explore", own.parent / "shop.csv", "--target", "kind")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[-1] == (
        f"note: what this page says is not kept with the model: {own}: another model was saved there "
        "meanwhile, and this is of the one before."
    )
    assert json.loads((own / "report.json").read_bytes())["task"] == "regression"


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (lambda: list(KFold(5).split(range(3))), "Cannot have number of splits n_splits=5"),
        (lambda: check_classification_targets([0.5, 1.7]), "Unknown label type: continuous"),
    ],
)
def test_what_scikit_learn_refuses_is_one_sentence(
    run: Run, own: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[[], Any], why: str
) -> None:
    monkeypatch.setattr("taut.cli.explore.train", lambda *_: refused())
    result = run("report", own, "--explore", write_csv(own.parent / "shop.csv", rows()))
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.splitlines()[-1].startswith(f"error: {why}")


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


def test_two_models_do_not_share_a_page(run: Run, own: Path) -> None:
    """``shop`` and ``shop.taut`` have one name for their pages."""
    assert run("report", own).exit_code == 0
    page = own.with_suffix(".html")
    before = page.read_bytes()
    other = Path(shutil.copytree(own, own.with_suffix("")))
    result = run("report", other)
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {str(page)!r} is the page of another model, 'own.taut'; give another name.\n"
    )
    assert page.read_bytes() == before
    assert run("report", own).exit_code == 0
    assert run("report", other, "--output", page).exit_code == 0  # who names it means it
    assert run("report", own).exit_code == 2
