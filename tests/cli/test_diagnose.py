from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import taut.examine
from taut.recipe import Recipe
from taut.techniques import L2, BatchNorm, Dropout, EarlyStopping
from tests.cli.conftest import HEADER, Run, rows, write_csv

QUICK = ("--hidden", "4", "--max-epochs", "3", "--cv", "3", "--n-jobs", "1")


def test_a_diagnosis_is_printed(run: Run, table: Path) -> None:
    result = run("diagnose", table, "--target", "kind", *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("shop.csv: 90 rows, 6 columns\ntarget 'kind': classification (")
    assert re.search(r"^The network (perhaps )?(fits|underfits|overfits)", result.stdout, re.M)
    assert re.search(r"^as it is +\d", result.stdout, re.M)
    assert "Signs of trouble in the data" in result.stdout
    assert "87 rows, 5 columns, 3 folds; hidden layers 4" in result.stdout
    assert "training the network and its alternatives, 3 folds; Ctrl+C ends it\n" in result.stderr
    assert sorted(p.name for p in table.parent.iterdir()) == ["shop.csv"]


def test_an_amount_and_a_file_of_facts(run: Run, table: Path, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    result = run("diagnose", table, "--target", "price", "--output", facts, *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"written  {facts}\n")
    found = json.loads(facts.read_text(encoding="utf-8"))
    assert found["task"] == "regression"
    assert found["sentence"] in result.stdout
    assert [one["name"] for one in found["alternatives"]][:2] == ["stopped at its best epoch", "dropout 0.2"]


def test_a_second_file_that_is_not_alike_is_told_of(run: Run, table: Path, tmp_path: Path) -> None:
    moved = [[str(float(row[0]) + 500) if row[0] else "", *row[1:5]] for row in rows()]
    later = write_csv(tmp_path / "later.csv", moved, HEADER[:5])
    result = run("diagnose", table, "--target", "kind", "--test", later, *QUICK)
    assert result.exit_code == 0, result.output
    assert "'size'" in result.stdout[result.stdout.index("Signs of trouble") :]
    assert "second file" in result.stdout


def test_a_second_file_without_a_column_is_refused(run: Run, table: Path, tmp_path: Path) -> None:
    later = write_csv(tmp_path / "later.csv", [row[1:5] for row in rows()], HEADER[1:5])
    result = run("diagnose", table, "--target", "kind", "--test", later, *QUICK)
    assert result.exit_code == 2
    assert "size" in result.stderr
    assert "Traceback" not in result.output


def test_the_options_reach_the_function(run: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    usual = taut.examine.diagnose

    def spy(X: Any, y: Any, **options: Any) -> Any:
        seen.update(options, columns=X.names)
        return usual(X, y, **options)

    monkeypatch.setattr(taut.examine, "diagnose", spy)
    regularized = ("--l2", "0.5", "--dropout", "0.25", "--batch-norm", "--patience", "7")
    options = ("--activation", "gelu", "--learning-rate", "0.01", "--batch-size", "16", "--random-state", "7")
    more = ("--class-weight", "balanced", "--drop", "city", "--task", "classification")
    result = run("diagnose", table, "--target", "kind", *QUICK, *regularized, *options, *more)
    assert result.exit_code == 0, result.output
    assert seen["recipe"] == Recipe(L2(0.5), Dropout(0.25), BatchNorm(), EarlyStopping(7))
    assert (seen["hidden"], seen["max_epochs"], seen["cv"], seen["n_jobs"]) == ((4,), 3, 3, 1)
    assert (seen["activation"], seen["learning_rate"], seen["batch_size"]) == ("gelu", 0.01, 16)
    assert (seen["class_weight"], seen["random_state"], seen["task"]) == ("balanced", 7, "classification")
    assert "city" not in seen["columns"]
    assert seen["X_test"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--l2", "-1"), "l2"),
        (("--dropout", "1"), "dropout"),
        (("--hidden", "a"), "--hidden is widths"),
        (("--class-weight", "balanced", "--task", "regression"), "--class-weight is for classes"),
    ],
)
def test_a_bad_option_is_refused_in_a_sentence(
    run: Run, table: Path, options: tuple[str, ...], said: str
) -> None:
    result = run("diagnose", table, "--target", "kind", *options)
    assert result.exit_code == 2
    assert said.lower() in result.stderr.lower()
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_facts_that_cannot_be_written(run: Run, table: Path) -> None:
    result = run("diagnose", table, "--target", "kind", "--output", table.parent / "no" / "f.json", *QUICK)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("l2", "--technique takes a name and a strength, such as l2=0.77, and this is 'l2'"),
        ("l2=much", "and this is 'l2=much'"),
        ("l3=1", "there is no technique 'l3'; there are l2, l1, max_norm, dropout"),
        ("dropout=2", "Dropout's rate must be a number from 0 to below 1"),
    ],
)
def test_a_technique_that_cannot_be_read_is_refused(run: Run, table: Path, given: str, sentence: str) -> None:
    result = run("diagnose", table, "--target", "kind", "--technique", given, *QUICK)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
