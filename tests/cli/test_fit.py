from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import taut
from taut.cli.fit import model_folder
from taut.cli.table import stem
from taut.table import read_file
from tests.cli.conftest import HEADER, QUICK, Run, read_csv, rows, write_csv


def test_fit_compares_and_saves_next_to_the_data(run: Run, table: Path) -> None:
    result = run("fit", table, "--target", "kind", *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "shop.csv: 90 rows, 6 columns\n"
        "target 'kind': classification (the target is text with 2 different values): "
    )
    for label in ("no regularization", "early stopping alone", "L2 ", "chosen recipe", "accuracy"):
        assert label in result.stdout
    assert "recipe   Recipe(" in result.stdout
    assert "columns  2 numbers, 1 category, 1 yes or no, 1 date\n" in result.stdout
    folder = table.parent / "shop.taut"
    assert f"model    {folder}\n" in result.stdout
    assert f"taut predict {folder} NEW.csv" in result.stdout
    model = taut.load(folder)
    assert model.classes_.tolist() == ['a "low" one', "high"]
    assert model.feature_names_in_.tolist() == HEADER[:-1]
    assert model.get_params()["hidden"] == (4,)


def test_what_was_noticed_is_said_on_standard_error_and_saved(run: Run, table: Path) -> None:
    result = run("fit", table, "--target", "kind", *QUICK)
    said = "column 'kind': 3 rows have no target; they are left out."
    assert f"note: {said}\n" in result.stderr
    assert said in taut.load(table.parent / "shop.taut").notes_
    assert "UserWarning" not in result.output
    assert "DataWarning" not in result.output


def test_a_model_of_a_file_predicts_data_frames_too(run: Run, table: Path) -> None:
    run("fit", table, "--target", "kind", *QUICK)
    model = taut.load(table.parent / "shop.taut")
    frame = pd.read_csv(table).drop(columns="kind")
    file = read_file(table, schema=model.model_.schema)
    np.testing.assert_array_equal(model.predict_proba(frame), model.predict_proba(file))
    np.testing.assert_array_equal(model.predict_proba(pl.from_pandas(frame)), model.predict_proba(file))


def test_an_amount_is_regression(run: Run, table: Path, tmp_path: Path) -> None:
    result = run("fit", table, "--target", "price", "-o", tmp_path / "a" / "b", *QUICK)
    assert result.exit_code == 0, result.output
    assert "target 'price': regression (the target is numbers with 90 different values)\n" in result.stdout
    assert "R²" in result.stdout
    assert isinstance(taut.load(tmp_path / "a" / "b"), taut.TautRegressorCV)


@pytest.fixture
def asked(run: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The estimator that options make, and which is not trained."""
    made: list[Any] = []

    def train(estimator: Any, *_: object, **__: object) -> bool:
        made.append(estimator)
        return False

    def ask(*options: object) -> Any:
        monkeypatch.setattr("taut.cli.train.train", train)
        result = run("fit", table, "--target", "kind", *options)
        assert result.exit_code == 0, result.output
        return made[-1]

    return ask


def test_the_options_reach_the_estimator(asked: Callable[..., Any]) -> None:
    options = {
        "--activation": "gelu", "--learning-rate": "0.01", "--batch-size": 16, "--random-state": 7,
        "--class-weight": "balanced", "--time-limit": 60, "--hidden": "5, 3", "--max-epochs": 9, "--cv": 4,
        "--effort": "quick", "--n-candidates": 30, "--scoring": "roc_auc", "--selection": "1se",
        "--final": "refit", "--resume": "search.db", "--n-jobs": 1, "--n-bins": "auto",
    }  # fmt: skip
    found = asked(*(word for option in options.items() for word in option)).get_params()
    assert 0 < found.pop("time_limit") < 60  # what reading took is gone
    assert found == {
        "activation": "gelu", "batch_size": 16, "class_weight": "balanced", "cv": 4, "effort": "quick",
        "final": "refit", "hidden": (5, 3), "learning_rate": 0.01, "max_epochs": 9,
        "n_bins": "auto", "n_candidates": 30,
        "n_jobs": 1, "on_batch": None, "on_candidate": None, "random_state": 7, "resume": Path("search.db"),
        "sampler": None, "scoring": "roc_auc", "selection": "1se", "verbose": 0,
    }  # fmt: skip


def test_without_options_it_is_the_usual_estimator_with_a_seed(asked: Callable[..., Any]) -> None:
    assert asked().get_params() == taut.TautClassifierCV(random_state=0).get_params()


def test_widths_may_be_searched(asked: Callable[..., Any]) -> None:
    assert asked("--hidden", "auto").hidden == "auto"


@pytest.mark.fault(65)
def test_options_of_the_search_give_a_model_of_it(run: Run, table: Path) -> None:
    options = ("--hidden", "auto", "--effort", "quick", "--scoring", "roc_auc", "--final", "refit")
    result = run("fit", table, "--target", "kind", *options, "--max-epochs", 2, "--cv", 2, "--n-jobs", 1)
    assert result.exit_code == 0, result.output
    assert "searching: 18 candidates; Ctrl+C ends it and keeps the best so far\n" in result.stderr
    assert re.search(
        r"^18 of 18 candidates, \d+ folds, best loss .*; making the chosen networks$", result.stderr, re.M
    )
    model = taut.load(table.parent / "shop.taut")
    assert len(model.candidates_) == 18
    assert len(model.model_.networks) == 5
    assert model.get_params()["hidden"] == "auto"
    widths = "-".join(map(str, model.network_.hidden))
    assert f"trained  learning rate {model.learning_rate_:g}, hidden layers {widths}\n" in result.stdout
    score = model.best_.scoring.mean()
    assert score == max(c.scoring.mean() for c in model.candidates_ if c.complete)
    assert f"Chosen by roc_auc: {score:.3g}" in result.stdout
    assert re.search(r"accuracy +roc_auc +epochs", result.stdout)
    page = (table.parent / "shop.html").read_text(encoding="utf-8")
    assert '<th scope="col">roc_auc</th>' in page
    assert "Chosen by roc_auc" in page


def test_few_rows_have_their_folds_made_anew(run: Run, table: Path) -> None:
    result = run("fit", table, "--target", "kind", "--hidden", "4", "--max-epochs", 2, "--n-candidates", 2)
    assert result.exit_code == 0, result.output
    assert "means of 15 folds" in result.stdout
    model = taut.load(table.parent / "shop.taut")
    assert (model.n_splits_, model.get_params()["cv"]) == (15, "auto")


# --- a search that goes on ----------------------------------------------------------------------------------


def test_a_search_is_kept_and_gone_on_with(run: Run, table: Path) -> None:
    trial_store = table.parent / "search.db"
    first = run("fit", table, "--target", "kind", *QUICK, "--resume", trial_store)
    assert first.exit_code == 0, first.output
    model = taut.load(table.parent / "shop.taut")
    again = run("fit", table, "--target", "kind", *QUICK, "--resume", trial_store)
    assert again.exit_code == 0, again.output
    assert again.stdout == first.stdout
    assert taut.load(table.parent / "shop.taut").cv_results_["mean_test_score"].tolist() == (
        model.cv_results_["mean_test_score"].tolist()
    )


def test_a_search_with_other_options_or_data_is_refused(run: Run, table: Path) -> None:
    trial_store = table.parent / "search.db"
    assert run("fit", table, "--target", "kind", *QUICK, "--resume", trial_store).exit_code == 0
    found = sentence(run, table, "--target", "kind", *QUICK, "--resume", trial_store, "--activation", "gelu")
    assert found == (
        f"error: {trial_store}: was begun with other arguments: activation was 'relu' and is now 'gelu'. "
        "Give the same ones, or start anew with another file."
    )
    found = sentence(run, table, "--target", "kind", *QUICK, "--resume", trial_store, "--drop", "city")
    assert found.startswith(f"error: {trial_store}: was begun on other data")
    found = sentence(run, table, "--target", "price", *QUICK, "--resume", trial_store)
    assert found.startswith(f"error: {trial_store}: was begun ")


def test_a_file_that_is_no_search_is_refused(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "kind", *QUICK, "--resume", table)
    assert found == (
        f"error: {table}: is not a taut search checkpoint, or its beginning is damaged; give another file."
    )
    found = sentence(run, table, "--target", "kind", *QUICK, "--resume", table.parent / "nix" / "s.db")
    assert "there is no folder" in found


def test_a_linear_model(run: Run, table: Path) -> None:
    result = run("fit", table, "--target", "kind", *QUICK, "--hidden", "")
    assert result.exit_code == 0, result.output
    assert taut.load(table.parent / "shop.taut").network_.hidden == ()


def test_columns_can_be_left_out(run: Run, table: Path) -> None:
    result = run("fit", table, "--target", "kind", "--drop", "price", "--drop", "city", *QUICK)
    assert result.exit_code == 0, result.output
    assert taut.load(table.parent / "shop.taut").feature_names_in_.tolist() == ["size", "bought", "active"]


def test_columns_without_a_header_are_numbered(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bare.csv", rows()[1:], header=rows()[0])
    result = run("fit", path, "--no-header", "--target", "x4", *QUICK)
    assert result.exit_code == 0, result.output
    assert taut.load(tmp_path / "bare.taut").feature_names_in_.tolist() == ["x0", "x1", "x2", "x3", "x5"]


@pytest.mark.parametrize("values", [("true", "false"), ("0", "1"), ("3", "7")])
def test_classes_are_what_the_file_says(run: Run, tmp_path: Path, values: tuple[str, str]) -> None:
    lines = [[i % 13, values[i % 2]] for i in range(60)]
    path = write_csv(tmp_path / "t.csv", lines, ["a", "b"])
    assert run("fit", path, "--target", "b", *QUICK).exit_code == 0
    assert run("predict", tmp_path / "t.taut", path).exit_code == 0
    predictions = read_csv(tmp_path / "t.predictions.csv")
    assert set(predictions[0]) == {"prediction", *(f"probability_{value}" for value in values)}
    assert {row["prediction"] for row in predictions} <= set(values)


@pytest.mark.fault(64)
def test_leaks_and_identifiers_are_warned_of(run: Run, tmp_path: Path) -> None:
    lines = [[i + 1, f"{np.sin(i):.4f}", "ab"[i % 2], "AB"[i % 2]] for i in range(60)]
    path = write_csv(tmp_path / "t.csv", lines, ["id", "x", "copy", "y"])
    result = run("fit", path, "--target", "y", *QUICK)
    assert result.exit_code == 0, result.output
    sentence = (
        "Column 'copy' gives the target away: it is a copy. Leave it out if it is not known beforehand."
    )
    assert f"warning: {sentence}" in result.stderr
    first, *_ = result.stdout.split("no regularization")
    assert f"{sentence} What follows may be due to that." in first  # before any score
    page = (tmp_path / "t.html").read_text()
    assert page.index("Column &#39;copy&#39; gives the target away") < page.index('<dl class="tiles">')
    assert "warning: column 'id': every value is a different integer" in result.stderr


def test_a_class_with_two_rows_is_a_warning(run: Run, tmp_path: Path) -> None:
    lines = [[f"{np.sin(i):.4f}", "rare" if i in (3, 50) else "ab"[i % 2]] for i in range(60)]
    path = write_csv(tmp_path / "t.csv", lines, ["x", "y"])
    result = run("fit", path, "--target", "y", *QUICK)
    assert result.exit_code == 0, result.output
    assert "warning: some classes have fewer rows than there are folds (3): 'rare' (2)." in result.stderr
    assert "least populated" not in result.stderr
    assert taut.load(tmp_path / "t.taut").classes_.tolist() == ["a", "b", "rare"]


def test_a_constant_amount_is_predicted(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [[i * i % 17, 4.5] for i in range(40)], ["x", "y"])
    result = run("fit", path, "--target", "y", "--task", "regression", *QUICK)
    assert result.exit_code == 0, result.output
    assert "warning: y is 4.5 in every row" in result.stderr


# --- what is wrong is one sentence, and exit code 2 ---------------------------------------------------------


def sentence(run: Run, *arguments: object) -> str:
    """The last line of standard error of a command that has to fail."""
    result = run("fit", *arguments)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr.splitlines()[-1]


def test_a_wrong_target_has_its_closest_names(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "Kinds")
    assert found == "error: there is no column 'Kinds'; did you mean 'kind'?"


def test_a_missing_file(run: Run, tmp_path: Path) -> None:
    found = sentence(run, tmp_path / "none" / "shop.csv", "--target", "kind")
    assert found == f"error: there is no file '{tmp_path / 'none' / 'shop.csv'}'."
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hidden", "32,x"], "--hidden is widths such as 128,128 (or \"\" for none), and it is '32,x'."),
        (["--hidden", "0"], "--hidden is widths such as 128,128 (or \"\" for none), and it is '0'."),
        (["--learning-rate", "fast"], "--learning-rate must be a number or auto, and it is 'fast'."),
        (["--learning-rate", "inf"], "--learning-rate must be above 0 and finite, and it is inf."),
        (["--learning-rate", "nan"], "--learning-rate must be above 0 and finite, and it is nan."),
        (["--batch-size", "1.5"], "--batch-size must be a whole number or auto, and it is '1.5'."),
        (["--batch-size", "0"], "--batch-size must be above 0 and finite, and it is 0."),
        (["--n-jobs", "0"], "n_jobs must be "),
        (["--drop", "nix"], "there is no column 'nix'; "),
        (["--drop", "kind"], "--drop kind: this is the target, and it cannot be left out."),
        (["--task", "regression"], "the target 'kind' is not a number, as regression needs"),
        (["--task", "regression", "--class-weight", "balanced"], "--class-weight is for classes"),
        (["--cv", "88"], "'shop.csv' has 87 rows with a target, too few for 88 folds"),
        (["--scoring", "good"], "scoring='good' is not known to scikit-learn; "),
        (["--scoring", "f1"], "scoring='f1' does not go with this target: pos_label=1 is not a valid label"),
        (["--scoring", "r2"], "scoring='r2' does not go with this target: "),
        (["--hidden", "Auto"], "--hidden is widths such as 128,128"),
        (["--resume", "."], ".: is a folder, not a taut search checkpoint; give another file."),
    ],
)
def test_a_wrong_option_is_named(run: Run, table: Path, options: list[str], message: str) -> None:
    assert sentence(run, table, "--target", "kind", *options).startswith(f"error: {message}")


@pytest.mark.parametrize(
    "options",
    [
        ["--cv", "1"],
        ["--cv", "auto"],
        ["--n-candidates", "1"],
        ["--max-epochs", "0"],
        ["--task", "x"],
        ["--effort", "hard"],
        ["--selection", "2se"],
        ["--final", "both"],
        ["--time-limit", "-1"],
        ["--random-state", "-1"],
    ],
    ids=" ".join,
)
def test_an_option_out_of_its_range_is_a_usage_error(run: Run, table: Path, options: list[str]) -> None:
    assert options[0] in sentence(run, table, "--target", "kind", *options)


def test_the_target_is_needed(run: Run, table: Path) -> None:
    assert "--target" in sentence(run, table)


def test_class_weight_is_for_classes(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "price", "--class-weight", "balanced")
    assert found.startswith("error: --class-weight is for classes, and the target 'price' is an amount")


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["a"], "auto", "y has one class only"),
        (["1.5", "2.25", "3.125", "1.75"], "classification", "Unknown label type"),
        (["2020-01-01", "2021-05-06"], "auto", "the target 'y' holds dates"),
        (["", ""], "auto", "the target 'y' has no value in any row"),
    ],
)
def test_a_target_that_cannot_be_learned(
    run: Run, tmp_path: Path, values: list[str], task: str, message: str
) -> None:
    lines = [[f"{np.sin(i):.3f}", values[i % len(values)]] for i in range(40)]
    path = write_csv(tmp_path / "t.csv", lines, ["x", "y"])
    assert message in sentence(run, path, "--target", "y", "--task", task, *QUICK)


def test_training_that_diverges_names_the_likely_cause(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "kind", *QUICK, "--learning-rate", "1e30")
    assert found.startswith("error: Every candidate diverged")
    assert "lower learning_rate" in found


def test_no_folder_of_the_persons_own_is_replaced(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "kind", "-o", table.parent)
    assert "exists and is no saved model; give another folder" in found
    assert table.exists()


def test_a_folder_that_cannot_be_made_is_noticed_before_training(run: Run, table: Path) -> None:
    found = sentence(run, table, "--target", "kind", "-o", table / "model")
    assert "cannot be written" in found or "Not a directory" in found


def test_a_budget_shorter_than_an_epoch_gives_the_baseline_and_a_warning(run: Run, table: Path) -> None:
    result = run("fit", table, "--target", "kind", "--time-limit", "0", "--cv", "2")
    assert result.exit_code == 0, result.output
    assert "warning: The time limit was over before one epoch" in result.stderr
    assert "early stopping alone *" in result.stdout
    assert "cut off before its training had ended" in result.stdout
    assert taut.load(table.parent / "shop.taut").best_epoch_ == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "a"),
        ("a.b.CSV.gz", "a.b"),
        ("a.parquet", "a"),
        ("a.2024", "a.2024"),
        (".csv", ".csv"),
        ("a", "a"),
    ],
)
def test_the_name_without_what_says_its_kind(name: str, expected: str) -> None:
    assert stem(Path("x") / name) == expected
    assert model_folder(Path("x") / name) == Path("x") / f"{expected}.taut"


def a_table_with(cell: str) -> bytes:
    lines = [f"{i}.5,{'ab'[i % 2]}" for i in range(40)]
    return "\n".join(["x,y", *lines[:20], cell, *lines[20:]]).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rows"),
        (b"x,y\n", "no rows"),
        (a_table_with("1,a,3,4"), "22"),
        (a_table_with('1,"a'), "quote"),
        (b"PK\x03\x04" + bytes(100), "Excel"),
        (b"PAR1" + bytes(100), "incomplete"),
        (gzip.compress(a_table_with("1,a"))[:-20], "incomplete"),
        (b"\x80\x04pickle", "pickle"),
    ],
    ids=["empty", "header", "long row", "quote", "xlsx", "parquet", "gz", "pickle"],
)
def test_a_bad_file_is_a_sentence(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    found = sentence(run, path, "--target", "y")
    assert message in found
    assert "bad.csv" in found


def test_a_directory_is_no_file(run: Run, tmp_path: Path) -> None:
    for place in (tmp_path, Path("."), Path(tmp_path.anchor)):  # the last two have no name to call a model by
        assert "is a directory" in sentence(run, place, "--target", "y")


def test_infinite_and_huge_numbers_are_warned_of(run: Run, tmp_path: Path) -> None:
    lines = [
        ["inf" if i == 3 else f"{np.sin(i):.3f}", 1e300 if i == 5 else i % 9, "ab"[i % 2]] for i in range(60)
    ]
    path = write_csv(tmp_path / "t.csv", lines, ["a", "b", "y"])
    result = run("fit", path, "--target", "y", *QUICK)
    assert result.exit_code == 0, result.output
    assert "warning: column 'a': 1 number is infinite; it counts as missing." in result.stderr
    assert "warning: column 'b': 1 number is too far from the others" in result.stderr
    lines[4][2] = "inf"
    for line in lines:
        line[2] = line[2] if line[2] == "inf" else str(line[1])
    path = write_csv(tmp_path / "t.csv", lines, ["a", "b", "y"])
    assert "the target 'y' is infinite in 1 row" in sentence(run, path, "--target", "y", *QUICK)
