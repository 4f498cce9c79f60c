"""report.json: it comes with the model and goes with it, and a model needs none."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from taut import load
from taut.errors import StoreError
from taut.report.facts import from_text
from taut.store import REPORT, report_file, save, write_report
from tests.estimators.helpers import given, numbers, output, single


@pytest.fixture(scope="module")
def fitted() -> Any:
    return single(max_epochs=3).fit(*given())


@pytest.fixture
def model(fitted: Any, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


def test_the_facts_lie_in_the_folder_with_their_schema(model: Path, fitted: Any) -> None:
    found = json.loads((model / REPORT).read_bytes())
    assert found["schema"] == 1
    assert from_text((model / REPORT).read_text("utf-8")) is not None
    assert load(model)._saved_report == (model / REPORT).read_text("utf-8")


def test_a_model_without_it_loads_and_says_nothing(model: Path, fitted: Any) -> None:
    (model / REPORT).unlink()
    loaded = load(model)
    assert loaded._saved_report is None
    assert (output(loaded, numbers()) == output(fitted, numbers())).all()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_damaged_one_is_no_fault_of_the_model(model: Path, fitted: Any, content: bytes) -> None:
    (model / REPORT).write_bytes(content)
    assert (output(load(model), numbers()) == output(fitted, numbers())).all()


def test_what_is_no_plain_file_of_fitting_size_is_not_opened(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model / REPORT).rename(tmp_path / "elsewhere.json")
    (model / REPORT).symlink_to(tmp_path / "elsewhere.json")
    assert load(model)._saved_report is None
    (model / REPORT).unlink()
    os.mkfifo(model / REPORT)  # opening it would wait for ever
    assert load(model)._saved_report is None
    (model / REPORT).unlink()
    shutil.copy(tmp_path / "elsewhere.json", model / REPORT)
    assert load(model)._saved_report is not None
    monkeypatch.setattr(report_file, "_MOST", 100)
    assert load(model)._saved_report is None


def test_a_model_that_is_replaced_takes_its_report_along(model: Path, fitted: Any) -> None:
    (model / "notes.txt").write_text("mine")
    save(fitted, model)  # without a report
    assert not (model / REPORT).exists()
    assert (model / "notes.txt").read_text() == "mine"


def test_the_model_is_saved_whatever_is_wrong_with_the_report(
    fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("taut.report.methods.facts_of", broken)
    estimator = single(max_epochs=3).fit(*given())
    with pytest.raises(ZeroDivisionError):
        estimator.save(tmp_path / "model")
    assert (output(load(tmp_path / "model"), numbers()) == output(estimator, numbers())).all()
    assert not (tmp_path / "model" / REPORT).exists()


def test_it_is_written_anew_whole_or_not_at_all(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(os.listdir(model))
    new = (model / REPORT).read_text().replace("cross-entropy", "another loss")
    write_report(model, new)
    assert (model / REPORT).read_text() == new
    assert (model / REPORT).stat().st_mode & 0o777 == 0o644
    assert sorted(os.listdir(model)) == before

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_file.os, "replace", full)
    with pytest.raises(StoreError, match=r"report\.json: cannot be written \(No space left on device\)"):
        write_report(model, f"{new}\n")
    assert (model / REPORT).read_text() == new
    assert sorted(os.listdir(model)) == before


def test_a_fit_forgets_what_was_said_of_the_networks_before(fitted: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    loaded.report(tmp_path / "page.html")
    assert (loaded._saved_report is None, loaded._report_facts is None) == (False, False)
    loaded.fit(*given())
    assert (loaded._saved_report, loaded._report_facts) == (None, None)
