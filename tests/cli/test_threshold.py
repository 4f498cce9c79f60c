"""``taut predict --threshold``: the second of two classes from a probability on."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

import taut
from taut.cli.threshold import threshold_of
from taut.errors import ParameterError
from taut.table import read_file
from tests.cli.conftest import HEADER, QUICK, Run, rows, write_csv
from tests.store.helpers import DELETE, edit


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "new.csv", [row[:5] for row in rows(40)], HEADER[:5])


def predictions(text: str) -> list[str]:
    return [row["prediction"] for row in csv.DictReader(io.StringIO(text))]


def test_a_number(run: Run, model: Path, new: Path) -> None:
    estimator = taut.load(model)
    share = estimator.predict_proba(read_file(new, schema=estimator.model_.schema))[:, 1]
    middle = float(sorted(share)[20])
    result = run("predict", model, new, "--threshold", f"{middle:.6f}", "-o", "-")
    assert result.exit_code == 0, result.output
    wanted = ["high" if one >= round(middle, 6) else 'a "low" one' for one in share]
    assert predictions(result.stdout) == wanted
    assert (
        f"'high' is predicted from a probability of {middle:g} on; of 87 out-of-fold rows it makes about"
        in (result.stderr)
    )
    for end, only in (("0", "high"), ("1", 'a "low" one')):
        assert {*predictions(run("predict", model, new, "--threshold", end, "-o", "-").stdout)} == {only}


@pytest.mark.parametrize("asked", ["f1", "balanced_accuracy", "matthews_corrcoef", "accuracy", "cost:1:5"])
def test_a_metric_or_a_cost(run: Run, model: Path, new: Path, asked: str) -> None:
    estimator = taut.load(model)
    kind = {"cost": (1.0, 5.0)} if asked.startswith("cost") else {"metric": asked}
    chosen = estimator.best_threshold(**kind)
    share = estimator.predict_proba(read_file(new, schema=estimator.model_.schema))[:, 1]
    result = run("predict", model, new, "--threshold", asked, "-o", "-")
    assert result.exit_code == 0, result.output
    wanted = ["high" if one >= chosen.threshold else 'a "low" one' for one in share]
    assert predictions(result.stdout) == wanted
    said = " ".join(result.stderr.split())
    assert f"'high' is predicted from a probability of {chosen.threshold:g} on; on unseen rows expect" in said
    assert ("a mean cost of" if asked.startswith("cost") else f"{asked} of") in said
    if chosen.threshold != 0.5:
        assert (", surely better than" in said) == (chosen.gain.low > 0)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("1.5", "--threshold 1.5: a probability is from 0 to 1"),
        ("nan", "--threshold nan: a probability is from 0 to 1"),
        ("f2", "--threshold f2: it has to be a number from 0 to 1, a metric (f1, balanced_accuracy,"),
        ("cost", "--threshold cost: give what a false positive and what a false negative costs"),
        ("cost:1", "--threshold cost:1: give what a false positive"),
        ("cost:1:x", "--threshold cost:1:x: give what a false positive"),
        ("cost:0:0", "one of the two costs must be above 0"),
        ("cost:-1:5", "the cost of a false positive must be"),
    ],
)
def test_what_is_wrong_is_said(run: Run, model: Path, new: Path, asked: str, sentence: str) -> None:
    result = run("predict", model, new, "--threshold", asked)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (new.parent / "new.predictions.csv").exists()


def test_an_amount_and_three_classes_have_none(run: Run, table: Path, tmp_path: Path) -> None:
    for target, sentence in (("price", "the model predicts an amount"), ("city", "the model has 3")):
        run("fit", table, "--target", target, *QUICK, "--no-report")
        result = run("predict", tmp_path / "shop.taut", table, "--threshold", "0.3")
        assert result.exit_code == 2
        assert f"--threshold is for two classes, and {sentence}" in result.stderr


def test_a_model_without_out_of_fold_predictions_takes_a_number_only(
    run: Run, model: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(model, tmp_path / "old")
    edit(tmp_path / "old", "training", "thresholds", to=DELETE)
    old: Any = taut.load(tmp_path / "old")
    assert threshold_of("0.3", old) == (0.3, "'high' is predicted from a probability of 0.3 on.")
    with pytest.raises(ParameterError, match="saved without out-of-fold predictions"):
        threshold_of("f1", old)
