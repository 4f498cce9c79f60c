"""What is in somebody else's files, and in their names, reaches no terminal as anything but letters."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import HEADER, QUICK, Run, rows, write_csv

EVIL = "\x1b[31mred\x07\u202eder"
SHOWN = r"\x1b[31mred\x07\u202eder"
CONTROL = re.compile(r"[^\n -\ud7ff\ue000-\U0010ffff]|[\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]")


def clean(text: str) -> str:
    assert not CONTROL.search(text), CONTROL.findall(text)
    return text


@pytest.mark.fault(88)
def test_nothing_in_the_command_line_prints_but_its_voice(root: Path) -> None:
    found = []
    for file in sorted((root / "src" / "taut" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if call in ("print", "typer.echo", "typer.secho", "sys.stdout.write", "out.print", "pprint"):
                found.append(f"{file.name}: {call}")
    allowed = {"voice.py: print", "voice.py: typer.echo", "voice.py: out.print", "__init__.py: print"}
    assert set(found) <= allowed


@pytest.mark.fault(88)
def test_names_of_files_columns_classes_and_folders(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / EVIL
    folder.mkdir()
    lines = [[*row[:5], row[5].replace("high", f"high{EVIL}")] for row in rows()]
    table = write_csv(folder / f"{EVIL}.csv", lines, [f"size{EVIL}", *HEADER[1:5], f"kind{EVIL}"])
    done = run("fit", table, "--target", f"kind{EVIL}", *QUICK)
    assert done.exit_code == 0, done.output
    assert f"{SHOWN}.csv: 90 rows" in clean(done.stdout)
    assert f"high{SHOWN}" in done.stdout
    assert rf"predict  taut predict $'{tmp_path}/" in done.stdout
    clean(done.stderr)
    model = folder / f"{EVIL}.taut"
    assert model.is_dir()
    for command in (
        ("predict", model, table),
        ("predict", model, folder / f"nix{EVIL}"),
        ("predict", folder / f"nix{EVIL}", table),
        ("predict", model, table, "-o", folder),
        ("report", model, "-o", folder / f"page{EVIL}.html"),
        ("report", model, "--explore", folder / f"nix{EVIL}"),
        ("report", folder / f"nix{EVIL}"),
        ("fit", table, "--target", f"kind{EVIL}x"),
        ("fit", table, "--target", f"kind{EVIL}", "--drop", f"nix{EVIL}"),
        ("fit", table, "--target", f"kind{EVIL}", "--scoring", f"nix{EVIL}"),
        ("fit", table, "--target", f"kind{EVIL}", "--resume", folder),
        ("path", table, "--target", f"kind{EVIL}", "--technique", f"l2{EVIL}"),
        ("path", table, "--target", f"kind{EVIL}", "--technique", "l2", "--strengths", EVIL),
        ("techniques", EVIL),
    ):  # fmt: skip
        done = run(*command)
        clean(done.stdout)
        clean(done.stderr)


@pytest.mark.fault(88)
@pytest.mark.parametrize("command", ["diagnose", "path"])
def test_results_that_name_columns(run: Run, tmp_path: Path, command: str) -> None:
    lines = [[*row, row[5]] for row in rows()]  # a copy of the target, which is named
    table = write_csv(tmp_path / f"{EVIL}.csv", lines, [f"a{EVIL}", *HEADER[1:], f"copy{EVIL}"])
    quick = ("--hidden", "2", "--max-epochs", "2", "--cv", "2", "--n-jobs", "1")
    more = ("--technique", "l2", "--strengths", "2") if command == "path" else ()
    done = run(command, table, "--target", "kind", *quick, *more)
    assert done.exit_code == 0, done.output
    clean(done.stdout)
    clean(done.stderr)


@pytest.mark.fault(88)
def test_what_was_typed_wrongly_is_repeated_in_letters() -> None:
    for arguments in (
        (f"fi{EVIL}",),
        ("fit", f"--{EVIL}"),
        ("report", "a", EVIL),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "taut", *arguments], capture_output=True, text=True, encoding="utf-8"
        )
        assert done.returncode == 2
        assert "31mred" in clean(done.stderr)
        assert done.stdout == ""
