from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut.paths
from taut.cli.path import page_of, strengths_of
from taut.errors import DataError, ParameterError
from taut.paths.page import GENERATOR
from taut.report.place import check
from taut.techniques import L2, BatchNorm
from tests.cli.conftest import Run, rows, write_csv

QUICK = ("--hidden", "4", "--max-epochs", "3", "--cv", "3", "--n-jobs", "1")


def test_a_path_is_printed_and_drawn_next_to_the_data(run: Run, table: Path) -> None:
    result = run("path", table, "--target", "kind", "--technique", "l2", "--strengths", "0.1,1,10", *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("shop.csv: 90 rows, 6 columns\ntarget 'kind': classification (")
    assert re.search(r"^strength +training loss  validation loss", result.stdout, re.M)
    assert re.search(r"^always 'high' +\d", result.stdout, re.M)
    assert re.search(r"^linear model +\d", result.stdout, re.M)
    assert re.search(r"^off +\d", result.stdout, re.M)
    assert len(re.findall(r"<- .*best", result.stdout)) == 1
    assert "Losses are cross-entropy in nats, without penalties, means of 3 folds ± standard error.\n" in (
        result.stdout
    )
    assert "lower" in result.stdout or "lowest" in result.stdout
    assert re.search(r"^recipe   Recipe\(.*EarlyStopping", result.stdout, re.M)
    page = table.parent / "shop.l2.html"
    assert result.stdout.endswith(f"figure   {page}\n")
    text = page.read_text(encoding="utf-8")
    assert "<h1>L2 (weight decay) on shop.csv, target &#x27;kind&#x27;</h1>" in text
    assert "note: column 'kind': 3 rows have no target; they are left out.\n" in result.stderr
    assert "training the l2 path, 3 folds; Ctrl+C ends it and shows what is finished\n" in result.stderr
    assert "12 of 12 networks\n" in result.stderr
    assert sorted(p.name for p in table.parent.iterdir()) == ["shop.csv", "shop.l2.html"]


@pytest.mark.parametrize("name", ["l1", "Dropout", "batch-norm", "earlystopping"])
def test_every_technique_has_a_path(run: Run, table: Path, name: str) -> None:
    result = run("path", table, "--target", "price", "--technique", name, "--strengths", "4", *QUICK)
    assert result.exit_code == 0, result.output
    assert "R²" in result.stdout
    found = [p.name for p in table.parent.glob("*.html")]
    assert len(found) == 1
    if name == "earlystopping":
        assert re.search(r"^recipe   Recipe\(\), max_epochs=\d$", result.stdout, re.M)
        assert "3 of 3 epochs\n" in result.stderr


def test_a_long_path_is_printed_in_twenty_lines_at_most(run: Run, table: Path) -> None:
    result = run("path", table, "--target", "kind", "--technique", "dropout", "--strengths", "40", *QUICK)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("strength"))
    end = next(i for i, line in enumerate(lines) if line.startswith("Losses are"))
    assert 12 < end - start <= 20
    assert "<- " in "".join(lines[start:end])


def test_the_options_reach_the_path(run: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    usual = taut.paths.regularization_path

    def spy(X: Any, y: Any, technique: Any, strengths: Any, **options: Any) -> Any:
        seen.update(options, columns=X.names, technique=technique, strengths=strengths)
        return usual(X, y, technique, strengths, **options)

    monkeypatch.setattr(taut.paths, "regularization_path", spy)
    options = ("--activation", "gelu", "--learning-rate", "0.01", "--batch-size", "16", "--random-state", "7")
    more = ("--class-weight", "balanced", "--drop", "city", "--task", "classification", "--strengths", "0.5,")
    result = run("path", table, "--target", "kind", "--technique", "l2", *QUICK, *options, *more)
    assert result.exit_code == 0, result.output
    assert "classification (as asked for)" in result.stdout
    seen.pop("on_progress")
    assert seen == {
        "activation": "gelu", "batch_size": 16, "class_weight": "balanced", "cv": 3, "hidden": (4,),
        "learning_rate": 0.01, "max_epochs": 3, "n_bins": 0, "n_jobs": 1, "random_state": 7,
        "task": "classification",
        "columns": ("size", "bought", "active", "price"), "technique": L2, "strengths": [0.5],
    }  # fmt: skip


def test_the_same_command_gives_the_same_table(run: Run, table: Path) -> None:
    command = ("path", table, "--target", "kind", "--technique", "l1", "--strengths", "3", *QUICK)
    assert run(*command).stdout == run(*command).stdout


def test_columns_without_a_header_are_numbered(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bare.csv", rows()[1:], header=rows()[0])
    result = run(
        "path", path, "--no-header", "--target", "x4", "--technique", "batch_norm", "-o", tmp_path / "p.html",
        *QUICK,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert (tmp_path / "p.html").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50", 50),
        (" 7 ", 7),
        ("0.5", [0.5]),
        ("5,10", [5.0, 10.0]),
        ("0.5,", [0.5]),
        ("1e-3, 2", [0.001, 2.0]),
    ],
)
def test_strengths_are_how_many_or_which(text: str, expected: object) -> None:
    assert strengths_of(text) == expected


def test_where_a_page_goes() -> None:
    assert page_of(Path("x") / "a.csv.gz", BatchNorm) == Path("x") / "a.batch_norm.html"


# --- what is wrong is one sentence, and exit code 2 ---------------------------------------------------------


def sentence(run: Run, *arguments: object) -> str:
    result = run("path", *arguments)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--technique", "dropuot"], "there is no technique 'dropuot'; did you mean dropout?"),
        (["--strengths", "many"], "--strengths is how many, such as 50, or which, such as 0.1,0.3,1;"),
        (["--strengths", "0"], "strengths must be a whole number from 1 to 10,000"),
        (["--strengths", "-1,2"], "L2's strength must be a finite number of 0 or more"),
        (
            ["--technique", "early_stopping", "--strengths", "4,5"],
            "strengths has epoch 5, and max_epochs is 3",
        ),
        (["--hidden", "32,x"], "--hidden is widths such as 128,128"),
        (["--learning-rate", "fast"], "--learning-rate must be a number or auto"),
        (["--n-jobs", "0"], "n_jobs must be "),
        (["--drop", "kind"], "--drop kind: this is the target"),
        (["--task", "regression"], "the target 'kind' is not a number, as regression needs"),
        (["--task", "regression", "--class-weight", "balanced"], "--class-weight is for classes"),
        (["--cv", "88"], "'shop.csv' has 87 rows with a target, too few for 88 folds"),
        (["--target", "kinds"], "there is no column 'kinds'; did you mean 'kind'?"),
        (["--learning-rate", "1e30"], "Every network diverged"),
    ],
)
def test_a_wrong_option_is_named(run: Run, table: Path, options: list[str], message: str) -> None:
    found = sentence(run, table, "--target", "kind", "--technique", "l2", *QUICK, *options)
    assert found.startswith(f"error: {message}")
    assert not list(table.parent.glob("*.html"))


def test_class_weight_is_for_classes(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "price", "--technique", "l2", "--class-weight", "balanced")
    assert found.startswith("error: --class-weight is for classes, and the target 'price' is an amount")


def test_what_scikit_learn_says_is_a_sentence(run: Run, tmp_path: Path) -> None:
    lines = [[f"{np.sin(i):.3f}", ["1.5", "2.25", "3.125", "1.75"][i % 4]] for i in range(40)]
    path = write_csv(tmp_path / "t.csv", lines, ["x", "y"])
    options = ("--target", "y", "--technique", "l2", "--task", "classification")
    assert "Unknown label type" in sentence(run, path, *options, *QUICK)


def test_only_a_page_of_our_own_is_replaced(run: Run, table: Path) -> None:
    command = (table, "--target", "kind", "--technique", "batch_norm", *QUICK)
    page = table.parent / "shop.batch_norm.html"
    page.write_text("<html>mine</html>", encoding="utf-8")
    found = sentence(run, *command)
    assert found == f"error: {str(page)!r} exists and is no page of taut's; give another name."
    assert page.read_text(encoding="utf-8") == "<html>mine</html>"
    page.unlink()
    assert run("path", *command).exit_code == 0
    before = page.stat().st_mtime_ns
    assert run("path", *command).exit_code == 0
    assert page.stat().st_mtime_ns > before
    assert not list(table.parent.glob(".taut-*"))


def test_the_data_are_never_written_over(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "kind", "--technique", "l2", "-o", table)
    assert "is the data itself: give another name" in found
    assert table.read_text(encoding="utf-8").startswith("size,city")


def test_a_page_that_cannot_be_written_is_noticed_before_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory"):
        check(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        check(tmp_path / "none" / "p.html")
    good = tmp_path / "p.html"
    check(good)
    good.write_text(f'<!doctype html>{GENERATOR} 0.1.0">', encoding="utf-8")
    check(good)
    with pytest.raises(ParameterError):
        strengths_of("x")


# --- Ctrl+C -------------------------------------------------------------------------------------------------


def interrupted(run: Run, table: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> Any:
    usual, sent = taut.paths.regularization_path, []

    def cut(*arguments: Any, on_progress: Any, **options: Any) -> Any:
        def tell(progress: Any) -> None:
            on_progress(progress)
            if progress.doing == "training" and progress.done == after and not sent:
                sent.append(os.kill(os.getpid(), signal.SIGINT))

        return usual(*arguments, on_progress=tell, **options)

    monkeypatch.setattr(taut.paths, "regularization_path", cut)
    return run("path", table, "--target", "kind", "--technique", "l2", "--strengths", "60", *QUICK)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_after_ctrl_c_what_is_finished_is_shown(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = interrupted(run, table, monkeypatch, after=30)
    assert result.exit_code == 130, result.output
    assert re.search(r"interrupted: \d+ points were finished, and are what is shown\.", result.stderr)
    assert re.search(r"^off +\d", result.stdout, re.M)
    assert (table.parent / "shop.l2.html").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_before_anything_is_finished_leaves_nothing(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = interrupted(run, table, monkeypatch, after=0)
    assert result.exit_code == 130
    assert result.stderr.endswith("interrupted.\n")
    assert not list(table.parent.glob("*.html"))
