"""The command line as a person runs it: in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import taut
from tests.cli.conftest import QUICK, Run, read_csv, rows, write_csv

TAUT = (sys.executable, "-m", "taut")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def call(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TAUT, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", cwd=cwd, timeout=120
    )


def test_help_and_version_are_quick() -> None:
    def seconds(*arguments: str) -> float:
        started = time.perf_counter()
        assert call(*arguments).returncode == 0
        return time.perf_counter() - started

    # The best of three, for another process may be in the way.
    assert min(seconds("--help") for _ in range(3)) < 0.5
    assert min(seconds("--version") for _ in range(3)) < 0.5


def test_help_imports_nothing_heavy() -> None:
    heavy = (
        "numpy",
        "scipy",
        "sklearn",
        "numba",
        "duckdb",
        "narwhals",
        "pandas",
        "torch",
        "optuna",
        "plotly",
    )
    code = f"import sys, taut.cli; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_the_version_and_the_commands() -> None:
    assert call("--version").stdout == f"taut {taut.__version__}\n"
    found = call("-h").stdout
    for command in ("fit", "predict", "path", "diagnose-log", "techniques", "demo"):
        assert re.search(rf"^  {command} ", found, re.MULTILINE)


def test_the_script_is_installed() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="taut")
    assert script.value == "taut.__main__:main"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A table and the run that fitted its prices in the table's folder."""
    table = write_csv(tmp_path_factory.mktemp("fitted") / "shop.csv", rows())
    return table, call("fit", table.name, "--target", "price", *QUICK, cwd=table.parent)


def test_without_a_terminal_there_are_plain_lines_and_no_control_codes(
    fitted: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    table, done = fitted
    assert done.returncode == 0, done.stderr
    assert not CONTROL.search(done.stdout.replace("\n", ""))
    assert not CONTROL.search(done.stderr.replace("\n", ""))
    assert re.search(
        r"^3 of 3 candidates, \d+ folds, best loss .*; making the chosen networks$", done.stderr, re.M
    )
    assert "chosen recipe" in done.stdout
    assert taut.load(table.parent / "shop.taut").recipe_


def test_fit_and_predict_in_the_current_folder(
    fitted: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    table, done = fitted
    assert done.returncode == 0, done.stderr
    told = next(line for line in done.stdout.splitlines() if line.startswith("predict"))
    assert told.split()[1:] == ["taut", "predict", "shop.taut", "NEW.csv"]
    done = call("predict", "shop.taut", table.name, cwd=table.parent)
    assert done.returncode == 0, done.stderr
    assert len(read_csv(table.parent / "shop.predictions.csv")) == 90


def test_a_fault_is_one_sentence_and_exit_code_2(table: Path, tmp_path: Path) -> None:
    done = call("fit", table, "--target", "kinds")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no column 'kinds'; did you mean 'kind'?\n"
    done = call("predict", tmp_path / "nix", table)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert call("fit", table).returncode == 2  # no --target
    assert call("nix").returncode == 2


def test_a_time_limit_holds(run: Run, table: Path) -> None:
    started = time.monotonic()
    result = run("fit", table, "--target", "kind", "--time-limit", 3, "--n-jobs", 1)
    spent = time.monotonic() - started
    assert result.exit_code == 0, result.output
    assert 2 < spent < 5


@contextlib.contextmanager
def searching(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A command that has told of its first candidate."""
    command = [*TAUT, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stderr is not None
        while " folds, best loss " not in (line := process.stderr.readline()):
            assert line, "the search never began"
        yield process


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to the whole console")
@pytest.mark.parametrize("twice", [False, True])
def test_ctrl_c_keeps_the_best_so_far_and_a_second_one_ends_at_once(tmp_path: Path, twice: bool) -> None:
    table = write_csv(tmp_path / "shop.csv", rows(2000))
    with searching(
        "fit", table, "--target", "kind", "--time-limit", 300, "--cv", 5, "--max-epochs", 50, "--hidden", 32
    ) as process:
        time.sleep(0.5)  # the race has begun
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        if twice:
            time.sleep(0.01)
            process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert time.monotonic() - started < 15
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    if twice:  # the first one may have been quick enough to save it
        assert "interrupted" in errors
        return
    folder = tmp_path / "shop.taut"
    assert re.search(
        rf"^interrupted after \d+ candidates: the best so far was saved in {folder}\.$", errors, re.M
    )
    assert "chosen recipe" in out
    assert taut.load(folder).interrupted_ is True
    assert call("predict", folder, table).returncode == 0
    assert len(read_csv(tmp_path / "shop.predictions.csv")) == 2000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to the whole console")
def test_after_ctrl_c_the_same_command_goes_on_and_ends_as_if_it_had_not_been(
    run: Run, tmp_path: Path
) -> None:
    table = write_csv(tmp_path / "shop.csv", rows(600))
    folder, trial_store = tmp_path / "shop.taut", tmp_path / "search.db"
    command = ("fit", table, "--target", "kind", "--hidden", "32", "--max-epochs", 60, "--cv", 3,
               "--n-candidates", 26)  # fmt: skip
    whole = run(*command)
    assert whole.exit_code == 0, whole.output
    with searching(*command, "--resume", trial_store) as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    said = errors.splitlines()[-1]
    assert re.fullmatch(
        rf"interrupted after \d+ candidates: the best so far was saved in {folder}; the same command "
        "continues from here.",
        said,
    )
    assert len(taut.load(folder).candidates_) < 26
    again = run(*command, "--resume", trial_store)
    assert again.exit_code == 0, again.output
    assert again.stdout == whole.stdout
    assert len(taut.load(folder).candidates_) == 26


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_on_a_terminal_the_line_is_drawn_and_taken_away(table: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [*TAUT, "fit", str(table), "--target", "kind", *QUICK],
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux's way of saying that nobody writes any more
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.wait(30) == 0
    text = seen.decode()
    assert "\x1b[?25l" in text  # the cursor goes
    assert "\x1b[?25h" in text  # and comes back
    assert "chosen recipe" in text


def test_the_shell_completes_commands() -> None:
    # Typer asks which shell it was started from, unless it is told not to; make's has no completion.
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(
        [*TAUT, "--show-completion", "bash"],
        capture_output=True,
        text=True,
        env=os.environ | told,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "_TAUT_COMPLETE=complete_bash" in shown.stdout
    words = {"_TAUT_COMPLETE": "complete_bash", "COMP_WORDS": "taut pre", "COMP_CWORD": "1"}
    done = subprocess.run(TAUT, capture_output=True, text=True, env=os.environ | words, check=False)
    assert done.stdout.split() == ["predict"]
