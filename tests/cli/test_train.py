from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import taut
from taut import TautClassifierCV, TautRegressorCV
from taut.cli.train import train
from taut.cli.voice import Voice
from taut.errors import DataError
from taut.table import Frame, NumberColumn
from tests.cli.conftest import QUICK, Run, write_csv

FRAME = Frame((NumberColumn("x", np.sin(np.arange(40.0))),), 40)


def quick(**more: object) -> TautClassifierCV:
    options = {"hidden": (4,), "cv": 2, "n_candidates": 3, "max_epochs": 3, "n_jobs": 1, "random_state": 0}
    return TautClassifierCV(**options | more)  # type: ignore[arg-type]


def test_the_plan_is_said_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y = np.arange(40) % 2
    for more, plan in (
        ({}, "3 candidates"),
        ({"effort": "thorough"}, "3 candidates"),
        ({"effort": "quick", "n_candidates": None}, "18 candidates"),
        ({"time_limit": 60.0}, "3 candidates or 60 s"),
        ({"time_limit": 0.4, "n_candidates": None}, "0 s"),
    ):
        train(quick(**more), FRAME, y, tmp_path / "model", Voice())
        first = capsys.readouterr().err.splitlines()[0]
        assert first == f"searching: {plan}; Ctrl+C ends it and keeps the best so far"


def test_the_columns_that_were_left_out_are_named(run: Run, tmp_path: Path) -> None:
    lines = [[i % 9, "", "same", f"text {i}", "1", "ab"[i % 2]] for i in range(60)]
    path = write_csv(tmp_path / "t.csv", lines, ["a", "empty", "constant", "note", "one", "y"])
    result = run("fit", path, "--target", "y", *QUICK)
    assert (
        "columns  1 number, left out: 'empty' (all values are missing), "
        "'constant', 'one' (all values are the same), "
        "'note' (text with 60 different values in 60 rows, like a name or an identifier)\n"
    ) in result.stdout


def test_what_was_trained_with_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for hidden, shown in (((4, 3), "4-3"), ((), "none")):
        estimator = quick(hidden=hidden, learning_rate=0.0125)
        train(estimator, FRAME, np.arange(40) % 2, tmp_path / "model", Voice(), new=Path("more.csv"))
        out = capsys.readouterr().out
        assert f"trained  learning rate 0.0125, hidden layers {shown}\n" in out
        assert f"predict  taut predict {tmp_path / 'model'} more.csv\n" in out


def test_what_scikit_learn_says_of_y_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Unknown label type"):
        train(quick(), FRAME, np.linspace(0, 1, 40), tmp_path / "model", Voice())
    assert not (tmp_path / "model").exists()


def test_a_fault_of_ours_stays_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        np.zeros(2) + np.zeros(3)

    monkeypatch.setattr(TautClassifierCV, "_settings", broken)
    with pytest.raises(ValueError, match="broadcast") as found:
        train(quick(), FRAME, np.arange(40) % 2, tmp_path / "model", Voice())
    assert not isinstance(found.value, DataError)


@pytest.mark.parametrize("resumable", [False, True])
def test_an_interrupted_search_is_saved_and_said(
    resumable: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from taut.selection import search

    def control_c_at_once(stop: threading.Event) -> search.Interrupts:
        threading.Timer(0.5, stop.set).start()
        return real(stop)

    real = search.Interrupts
    monkeypatch.setattr(search, "Interrupts", control_c_at_once)
    estimator = quick(time_limit=60.0, n_candidates=None)
    estimator.resume = tmp_path / "search.db" if resumable else None
    assert train(estimator, FRAME, np.arange(40) % 2, tmp_path / "model", Voice()) is True
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("interrupted after ")
    goes_on = "; the same command continues from here" if resumable else ""
    assert said.endswith(f"candidates: the best so far was saved in {tmp_path / 'model'}{goes_on}.")
    assert taut.load(tmp_path / "model").interrupted_ is True


def test_ctrl_c_before_there_is_a_model_saves_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TautRegressorCV, "fit", interrupted)
    with pytest.raises(typer.Exit) as end:
        train(TautRegressorCV(), FRAME, np.arange(40.0), tmp_path / "model", Voice())
    assert end.value.exit_code == 130
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted; no model was saved."
    assert not (tmp_path / "model").exists()


def test_the_estimator_keeps_no_callback(tmp_path: Path) -> None:
    import pickle

    estimator = quick()
    train(estimator, FRAME, np.arange(40) % 2, tmp_path / "model", Voice())
    assert estimator.on_progress is None
    assert "on_progress" not in estimator.get_params()
    assert pickle.loads(pickle.dumps(estimator)).recipe_ == estimator.recipe_


def test_the_page_is_written_after_ctrl_c_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from taut.selection import search

    def control_c_at_once(stop: threading.Event) -> search.Interrupts:
        threading.Timer(0.3, stop.set).start()
        return real(stop)

    real = search.Interrupts
    monkeypatch.setattr(search, "Interrupts", control_c_at_once)
    estimator = quick(time_limit=60.0, n_candidates=None)
    page = tmp_path / "model.html"
    assert train(estimator, FRAME, np.arange(40) % 2, tmp_path / "model", Voice(), page=page) is True
    out = capsys.readouterr()
    assert out.out.endswith(f"\nreport   {page}\n")
    assert "<dt>Interrupted</dt><dd>yes" in page.read_text(encoding="utf-8")
    assert (tmp_path / "model" / "report.json").exists()


def test_the_model_is_saved_whatever_is_wrong_with_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("taut.report.facts.facts_of", broken)
    with pytest.raises(ZeroDivisionError):
        train(quick(), FRAME, np.arange(40) % 2, tmp_path / "model", Voice())
    assert taut.load(tmp_path / "model").classes_.tolist() == [0, 1]
