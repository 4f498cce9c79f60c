from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from taut.cli.diagnose_log import read_log
from taut.errors import DataError
from tests.cli.conftest import Run, write_csv

N = 60
TRAIN = [math.exp(-epoch / 12) for epoch in range(N)]
VALID = [0.4 + math.exp(-epoch / 6) + 0.01 * epoch for epoch in range(N)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """As Keras's CSVLogger writes it."""
    rows = [[i, 0.5, *pair] for i, pair in enumerate(zip(TRAIN, VALID, strict=True))]
    return write_csv(tmp_path / "training.csv", rows, ["epoch", "accuracy", "loss", "val_loss"])


def test_the_verdict_is_printed(run: Run, log: Path) -> None:
    result = run("diagnose-log", log)
    assert result.exit_code == 0, result.output
    first, _, verdict, *_ = result.stdout.splitlines()
    assert first == "training.csv: 60 epochs; training loss 'loss', validation loss 'val_loss'"
    assert verdict.startswith("It overfits since epoch 18 of 60")
    assert "What these curves cannot tell:" in result.stdout
    assert result.stderr == "note: the log's first epoch is 0; here epochs count from 1.\n"


def test_the_facts_are_written(run: Run, log: Path, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    result = run("diagnose-log", log, "--output", facts)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"written  {facts}\n")
    found = json.loads(facts.read_text(encoding="utf-8"))
    assert (found["verdict"], found["since"]) == ("overfits", 18)
    assert found["sentence"] in result.stdout


def test_torch_is_not_needed(log: Path) -> None:
    code = (
        "import sys; sys.argv = ['taut', 'diagnose-log', sys.argv[1]]\n"
        "from taut.cli import main; main(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(log)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "It overfits since epoch 18" in done.stdout
    assert done.stdout.endswith("\nFalse\n")


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ("loss", "val_loss"),
        ("train_loss", "valid_loss"),
        ("Training Loss", "Validation Loss"),
        ("train/loss", "val/loss"),
        ("train_loss_epoch", "val_loss"),
        ("loss", "eval_loss"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_usual_names_are_known(tmp_path: Path, train: str, valid: str, separator: str) -> None:
    lines = [["epoch", "lr", valid, train], *([i + 1, 0.1, 2.0, 1.0] for i in range(3))]
    file = tmp_path / "log.csv"
    text = "\r\n".join(separator.join(map(str, line)) for line in lines)
    file.write_text(f"\ufeff{text}\r\n\r\n", encoding="utf-8")
    found = read_log(file)
    assert (found.train_name, found.valid_name) == (train, valid)
    assert (found.train, found.valid, found.notes) == ([1.0] * 3, [2.0] * 3, ())


def test_lightning_has_training_and_validation_in_different_rows(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for epoch in range(3):
        rows += [[epoch, 10 * epoch + 5, "", 9.0, ""], [epoch, 10 * epoch + 9, "", "", epoch + 0.5]]
        rows += [[epoch, 10 * epoch + 9, epoch + 0.25, "", ""]]
    rows.append([3, 39, "", "", 7.5])
    names = ["epoch", "step", "train_loss_epoch", "train_loss_step", "val_loss"]
    found = read_log(write_csv(tmp_path / "metrics.csv", rows, names))
    assert found.train == [0.25, 1.25, 2.25]
    assert found.valid == [0.5, 1.5, 2.5]
    assert found.notes == (
        "1 epoch of 4 without one of the two losses were left out.",
        "the log's first epoch is 0; here epochs count from 1.",
    )


def test_losses_by_step_are_averaged_over_their_epoch(tmp_path: Path) -> None:
    rows = [[0.5, 3.0, ""], [1.0, 1.0, ""], [1, "", 4.0], [1.5, 1.0, ""], [2.0, 1.0, ""], [2, "", 3.0]]
    found = read_log(write_csv(tmp_path / "log.csv", rows, ["epoch", "loss", "eval_loss"]))
    assert (found.train, found.valid) == ([2.0, 1.0], [4.0, 3.0])
    assert found.notes == ("where an epoch has several losses, their mean was taken.",)


def test_without_epochs_the_rows_count(tmp_path: Path) -> None:
    rows = [[1.0, ""], ["", 2.0], [0.5, ""], ["", "nan"]]
    found = read_log(write_csv(tmp_path / "log.csv", rows, ["train", "valid"]))
    assert found.train == [1.0, 0.5]
    assert found.valid[0] == 2.0
    assert math.isnan(found.valid[1])


def test_columns_can_be_named(run: Run, tmp_path: Path) -> None:
    rows = [[*pair, 1.0] for pair in zip(VALID, TRAIN, strict=True)]
    file = write_csv(tmp_path / "log.csv", rows, ["b", "a", "loss"])
    result = run("diagnose-log", file, "--train", "a", "--valid", "b")
    assert result.exit_code == 0, result.output
    assert "training loss 'a', validation loss 'b'" in result.stdout
    assert "It overfits" in result.stdout


def test_nan_in_the_log_is_divergence(run: Run, tmp_path: Path) -> None:
    rows = [[1.0, 1.0], [2.0, 2.0], ["nan", "nan"]]
    result = run("diagnose-log", write_csv(tmp_path / "log.csv", rows, ["loss", "val_loss"]))
    assert result.exit_code == 0, result.output
    assert "Training diverged: in epoch 3 of 3" in result.stdout


@pytest.mark.parametrize(
    ("header", "rows", "options", "said"),
    [
        (["a", "val_loss"], [[1, 2]], {}, "no column's name tells that it is the training loss"),
        (["loss", "b"], [[1, 2]], {}, "name it with --valid, it is one of 'loss' and 'b'"),
        (["loss", "val_loss"], [[1, 2]], {"train": "c"}, "has no column 'c'; it has 'loss' and 'val_loss'"),
        (["loss", "val_loss"], [[1, 2]], {"valid": "loss"}, "'loss' cannot be both losses"),
        (["loss", "val_loss"], [], {}, "has no rows"),
        (["loss", "val_loss"], [[1, "x"]], {}, "line 2: 'x' in column 'val_loss' is no number"),
        (["loss", "val_loss"], [[1, 2, 3]], {}, "line 2: 3 cells, and the first row has 2 names"),
        (["loss", "val_loss"], [[1, ""], [1, 2]], {}, "has 2 training losses and 1 validation loss, and"),
        (["epoch", "loss", "val_loss"], [[2, 1, 1], [1, 1, 1]], {}, "line 3: epoch 1 comes after epoch 2"),
        (["epoch", "loss", "val_loss"], [["", 1, 1]], {}, "line 2: there is a loss and no epoch"),
        (["epoch", "loss", "val_loss"], [[1, 1, ""], [2, "", 1]], {}, "has no epoch with a training loss"),
    ],
)
def test_what_is_no_log_is_refused(
    tmp_path: Path, header: list[str], rows: list[list[object]], options: dict[str, str], said: str
) -> None:
    with pytest.raises(DataError) as caught:
        read_log(write_csv(tmp_path / "log.csv", rows, header), **options)
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_one_sentence(run: Run, tmp_path: Path) -> None:
    result = run("diagnose-log", tmp_path / "no.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be read: No such file" in result.stderr
    (tmp_path / "log.csv").write_bytes(b"\xff\xfe\x00")
    result = run("diagnose-log", tmp_path / "log.csv")
    assert result.exit_code == 2
    assert "is not text in UTF-8" in result.stderr
