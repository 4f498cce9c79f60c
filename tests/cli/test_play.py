"""The command as a person runs it: in a process of its own."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.cli.conftest import Run, rows, write_csv

PATIENCE = 120

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to the whole console")


@contextmanager
def playing(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves, and its address."""
    command = [sys.executable, "-m", "taut", "play", *map(str, arguments), "--no-browser"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("taut play is at "):
                yield process, line.split()[-1]
                break
        else:
            pytest.fail(process.communicate()[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def hello(address: str) -> dict[str, object]:
    """What a page is told first; then its first network's first epoch comes, or why there is none."""
    url = f"{address.replace('http:', 'ws:')}session"
    with connect(url, origin=address.rsplit("/", 2)[0], proxy=None, open_timeout=PATIENCE) as socket:
        told: dict[str, object] = json.loads(socket.recv(timeout=PATIENCE))
        while json.loads(socket.recv(timeout=PATIENCE))["type"] not in ("frame", "fault"):
            pass
    return told


def is_gone(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5)
    except urllib.error.URLError:
        return True
    return False


@unix
def test_it_prints_its_address_serves_and_ends_with_ctrl_c() -> None:
    with playing() as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert b"Regularization that can be felt" in urllib.request.urlopen(address, timeout=PATIENCE).read()
        assert hello(address)["settings"]["problem"] == "moons"  # type: ignore[index]
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert "Traceback" not in err
        assert err.splitlines()[-1] == "ended."
        assert is_gone(address)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nothing of its group is left


@unix
def test_ctrl_c_ends_it_while_a_page_trains() -> None:
    with playing() as (process, address):
        url = f"{address.replace('http:', 'ws:')}session"
        with connect(url, origin=address.rsplit("/", 2)[0], proxy=None) as socket:
            settings = {"max_epochs": 5000, "n_rows": 5000, "hidden": [512, 512]}
            socket.send(json.dumps({"do": "set", "settings": settings}))
            socket.recv(timeout=PATIENCE)
            os.kill(process.pid, signal.SIGINT)
            process.wait(timeout=PATIENCE)
        assert process.returncode == 0
        assert is_gone(address)


@unix
def test_one_that_is_killed_leaves_nothing_behind() -> None:
    with playing() as (process, address):
        process.kill()
        process.wait(timeout=PATIENCE)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
        assert is_gone(address)


def test_a_messy_table_is_played_with(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "shop <b>&amp;.csv", rows())
    with playing(path, "--target", "kind") as (_, address):
        told = hello(address)
    assert told["settings"]["problem"] == "own"  # type: ignore[index]
    problems = told["controls"]["problems"]  # type: ignore[index]
    assert problems[0]["title"] == "shop <b>&amp;.csv: kind"


def test_a_saved_model_begins_with_its_recipe_and_its_table(model: Path) -> None:
    with playing(model) as (_, address):
        told = hello(address)
    assert told["settings"]["problem"] == "own"  # type: ignore[index]
    assert told["settings"]["hidden"] == [4]  # type: ignore[index]


def test_a_model_without_its_table_begins_on_a_toy(model: Path, tmp_path: Path) -> None:
    import shutil

    moved = tmp_path / "model.taut"
    shutil.copytree(model, moved)
    table = model.parent / "shop.csv"
    hidden = table.rename(table.with_suffix(".away"))
    try:
        with playing(moved) as (_, address):
            assert hello(address)["settings"]["problem"] == "moons"  # type: ignore[index]
    finally:
        hidden.rename(table)


def test_a_table_needs_a_target(run: Run, table: Path) -> None:
    result = run("play", table, "--no-browser")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "taut play needs --target, the column of" in result.output


def test_a_target_needs_a_table(run: Run) -> None:
    result = run("play", "--target", "kind", "--no-browser")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "--target is for DATA" in result.output


def test_a_target_that_is_not_there(run: Run, table: Path) -> None:
    result = run("play", table, "--target", "kinds", "--no-browser")
    assert result.exit_code == 2
    assert "kinds" in result.output


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "websockets"])
def test_without_the_extra_one_sentence_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    result = run("play", "--no-browser")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert f'taut play needs {missing}, which is not installed: pip install "taut[play]".' in result.output


def test_a_port_that_is_taken_is_one_sentence(run: Run) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("play", "--port", taken.getsockname()[1], "--no-browser")
    assert result.exit_code == 2
    assert "cannot be used" in result.output


def test_few_rows_are_played_with_or_refused_on_the_page(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["a", "y"], [1, "x"], [2, "z"], [3, "x"], [4, "z"]])
    with playing(path, "--target", "y") as (_, address):
        assert hello(address)["settings"]["problem"] == "own"  # type: ignore[index]
