"""Where each command writes: never over what it read, and what cannot be written is said before training."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taut.cli import app
from tests.cli.conftest import QUICK, Run, read_csv, rows, write_csv
from tests.store.helpers import contents

posix = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no such devices")

#: Every command that writes a file, ready to be told which.
COMMANDS = {
    "predict": ("predict", "MODEL", "DATA", "-o"),
    "diagnose": ("diagnose", "DATA", "--target", "kind", "-o"),
    "diagnose-log": ("diagnose-log", "DATA", "--train", "size", "--valid", "price", "-o"),
    "path": ("path", "DATA", "--target", "kind", "--technique", "l2", "-o"),
    "report": ("report", "MODEL", "--explore", "DATA", "-o"),
    "fit's page": ("fit", "DATA", "--target", "kind", *QUICK, "--report"),
    "fit's model": ("fit", "DATA", "--target", "kind", *QUICK, "-o"),
    "fit's checkpoint": ("fit", "DATA", "--target", "kind", *QUICK, "--resume"),
}
every = pytest.mark.parametrize("command", COMMANDS)


def arguments(command: str, model: Path, data: Path) -> list[str]:
    places = {"MODEL": str(model), "DATA": str(data)}
    return [places.get(one, one) for one in COMMANDS[command]]


@pytest.fixture
def untouched(table: Path, model: Path) -> Iterator[None]:
    """Neither the folder of the data nor the model has changed, and nothing new is there."""
    before = contents(table.parent), contents(model)
    yield
    found = contents(table.parent), contents(model)
    assert [set(one) for one in found] == [set(one) for one in before]
    assert found == before


def test_every_option_that_names_a_file_to_write_is_among_them() -> None:
    import typer.main

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = {
        (name, option)
        for name, command in commands.items()
        for one in command.params
        for option in one.opts
        if option in ("--output", "--report", "--resume")
    }
    here = {(one[0], {"-o": "--output"}.get(one[-1], one[-1])) for one in COMMANDS.values()}
    assert named - {("demo", "--output")} == here  # it reads no file


@pytest.mark.fault(77)
@every
@pytest.mark.parametrize("name", ["itself", "link", "hard link"])
def test_the_data_are_not_written_over(
    command: str, name: str, run: Run, model: Path, table: Path, untouched: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    other = tmp_path_factory.mktemp("elsewhere") / "other.csv"
    if name == "link":
        other.symlink_to(table)
    elif name == "hard link":
        os.link(table, other)
    result = run(*arguments(command, model, table), table if name == "itself" else other)
    assert result.exit_code == 2, result.output
    last = result.stderr.splitlines()[-1]
    expected = {
        "fit's model": "exists and is no saved model",
        "fit's checkpoint": "is not a taut search checkpoint",
    }
    assert last.startswith("error: ")
    assert expected.get(command, "is the data itself: give another name") in last
    assert "searching" not in result.stderr or command == "fit's checkpoint"  # opened first of all then


@pytest.mark.fault(77)
def test_neither_is_the_second_table(run: Run, table: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    later = write_csv(tmp_path_factory.mktemp("later") / "later.csv", rows(20))
    before = later.read_bytes()
    result = run("diagnose", table, "--target", "kind", "--test", later, "-o", later)
    assert result.exit_code == 2
    assert "is the data itself" in result.stderr
    assert later.read_bytes() == before


@pytest.mark.fault(77)
@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in ("fit's model", "fit's checkpoint")]
)
@pytest.mark.parametrize("name", ["model.json", "report.json", "new.csv"])
def test_nothing_is_written_into_a_model(
    command: str, name: str, run: Run, model: Path, table: Path, untouched: None
) -> None:
    result = run(*arguments(command, model, table), model / name)
    assert result.exit_code == 2, result.output
    assert "is in the folder of a saved model: give a place outside of it" in result.stderr


@posix
@pytest.mark.fault(77, 89)
@every
def test_a_full_device_is_one_sentence_before_training(
    command: str, run: Run, model: Path, table: Path, untouched: None
) -> None:
    result = run(*arguments(command, model, table), "/dev/full")
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert not any(word in result.stderr for word in ("training", "Traceback"))
    assert "searching" not in result.stderr or command == "fit's checkpoint"


@pytest.mark.fault(77)
@every
@pytest.mark.parametrize("place", ["none/out", "shop.csv/out", "x" * 300])
def test_a_place_that_cannot_be_is_one_sentence_before_training(
    command: str, place: str, run: Run, model: Path, table: Path
) -> None:
    if command == "fit's model" and place == "none/out":
        pytest.skip("a model's folder is made")
    result = run(*arguments(command, model, table), table.parent / place)
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert not any(word in result.stderr for word in ("training", "Traceback"))
    assert "searching" not in result.stderr or command == "fit's checkpoint"
    assert [one.name for one in table.parent.iterdir()] == ["shop.csv"]


@posix
@pytest.mark.fault(77)
def test_predictions_go_into_a_device_a_pipe_and_through_a_link(
    run: Run, model: Path, table: Path, tmp_path: Path
) -> None:
    before = os.stat(os.devnull)
    assert run("predict", model, table, "-o", os.devnull).exit_code == 0
    assert os.path.samestat(before, os.stat(os.devnull))
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert run("predict", model, table, "-o", tmp_path / "link.csv").exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert len(read_csv(tmp_path / "real.csv")) == 90


@pytest.mark.fault(77)
def test_data_in_a_models_folder_have_their_predictions_beside_them(
    run: Run, model: Path, table: Path, tmp_path: Path
) -> None:
    saved = run("fit", table, "--target", "kind", "-o", tmp_path / "m", "--no-report", *QUICK)
    assert saved.exit_code == 0, saved.output
    write_csv(tmp_path / "m" / "new.csv", rows(5))
    assert run("predict", tmp_path / "m", tmp_path / "m" / "new.csv").exit_code == 0
    assert len(read_csv(tmp_path / "m" / "new.predictions.csv")) == 5


@pytest.mark.fault(77)
def test_a_trial_store_in_the_models_folder_is_refused_before_the_search(
    run: Run, table: Path, tmp_path: Path
) -> None:
    """The folder would be none that a model may go into, after all the work."""
    (tmp_path / "m").mkdir()
    places = ("-o", tmp_path / "m", "--resume", tmp_path / "m" / "search.db")
    result = run("fit", table, "--target", "kind", *places, *QUICK)
    assert result.exit_code == 2
    assert "search.db' is the model's folder, or in it; give a place outside of it" in result.stderr
    assert not list((tmp_path / "m").iterdir())


@posix
@pytest.mark.fault(89)
@pytest.mark.parametrize("words", [["techniques"], ["--help"], ["--version"]])
def test_output_on_a_full_disk_is_one_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "taut", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "error: standard output cannot be written: No space left on device.\n"


@posix
@pytest.mark.fault(89)
def test_a_full_log_does_not_end_the_work(model: Path, table: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "taut", "predict", str(model), str(table), "-o", "-"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, text=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 91
