from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from taut.cli.command import command_line

app = typer.Typer()


@app.command()
def cook(
    context: typer.Context,
    dish: Path,
    guests: Annotated[list[str] | None, typer.Argument()] = None,
    salt: float = 1.0,
    without: Annotated[list[str] | None, typer.Option("--without", "-w")] = None,
    hot: Annotated[bool, typer.Option("--hot")] = False,
) -> None:
    print(command_line(context))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (["soup"], "soup"),
        (["soup", "--hot", "--salt", "2"], "soup --salt 2.0 --hot"),
        (["-w", "nuts", "-w", "hot milk", "soup", "Ann"], "soup Ann --without nuts --without 'hot milk'"),
        (["a b/ü.csv", "--without=-x", "-w", ""], "'a b/ü.csv' --without=-x --without ''"),
        (["--hot", "--", "-soup"], "--hot -- -soup"),
        (["soup", "--salt", "1.0"], "soup --salt 1.0"),
    ],
)
def test_the_command_may_be_given_again(given: list[str], written: str) -> None:
    first = CliRunner().invoke(app, given, prog_name="cook")
    assert first.stdout == f"cook {written}\n", first.output
    again = CliRunner().invoke(app, shlex.split(first.stdout)[1:], prog_name="cook")
    assert again.stdout == first.stdout
