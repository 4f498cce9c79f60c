"""``taut play``: regularization that can be felt, in a browser on this machine."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taut import ctrl_c
from taut.cli.table import Dropped, NoHeader, TaskOption, read_training_table
from taut.cli.voice import Voice, in_sentences, one_line, show
from taut.errors import ParameterError
from taut.writing import is_model

if TYPE_CHECKING:
    from taut.play.data import Data
    from taut.report.schema import SourceFacts


@in_sentences
def play(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA|MODEL]", help="A CSV, TSV or Parquet file, or a saved model's folder."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column to predict; with DATA.")
    ] = None,
    task: TaskOption = "auto",
    drop: Dropped = None,
    no_header: NoHeader = False,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="NUMBER", help="0 for any that is free.")
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and open no browser.")
    ] = False,
) -> None:
    """Move regularization and see what it does, in a browser.

    Every slider trains a real network while you move it: on toy problems, on a table of yours, or beginning
    with a saved model's recipe. Everything stays on this machine. Ctrl+C ends it.
    """
    server_of = _server()
    voice = Voice()
    with voice.speaking():
        own, model = _opened(data, target, task, drop or [], not no_header, voice)
    from taut.engine.compiled.engine import CompiledEngine
    from taut.play.opening import start_of

    CompiledEngine(1).prepare()  # compiles, once a machine, and says so
    server = server_of(own, start_of(own, model), port)
    address = str(server.address)

    def started() -> None:
        show(f"taut play is at {address}")
        voice.say("It is for this machine alone; Ctrl+C ends it.")
        if not no_browser and not webbrowser.open(address):
            voice.say("No browser could be opened: open the address in one.")

    ctrl_c.raise_from_here()
    try:
        server.run(started)
    except KeyboardInterrupt:  # the server has ended in good order, and passes the signal on
        ctrl_c.ignore()
    voice.say("ended.")


def _server() -> Any:
    """The server's class, where what it is built on is installed."""
    try:
        import starlette
        import uvicorn
        import websockets  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            f'taut play needs {error.name}, which is not installed: pip install "taut[play]".'
        ) from error
    del starlette, uvicorn
    from taut.play.server import Server

    return Server


def _opened(
    path: Path | None, target: str | None, task: Any, drop: list[str], header: bool, voice: Voice
) -> tuple[Data | None, Any]:
    """The table and the model that were given, as far as they are."""
    if path is None:
        if target is not None:
            raise ParameterError("--target is for DATA: give the file too, or leave it out.")
        return None, None
    if not is_model(path):
        if target is None:
            raise ParameterError(f"taut play needs --target, the column of {str(path)!r} to predict.")
        return _table(path, target, task, drop, header, voice), None
    from taut.report.facts import facts_of
    from taut.store import load

    model = load(path)
    source = facts_of(model)["source"]
    reading = source["reading"]
    if reading is None or not Path(reading["path"]).is_file():
        voice.say("The model's table is not where it was: its recipe is played with on toy problems.")
        return None, model
    show(one_line(f"model {path}, and its table {reading['path']}"))
    dropped = [*drop, *reading["dropped"]]
    return _table(
        Path(reading["path"]), str(source["target"]), task, dropped, reading["header"], voice
    ), model


def _table(path: Path, target: str, task: Any, drop: list[str], header: bool, voice: Voice) -> Data:
    from taut.play.opening import own_data

    table = read_training_table(path, target, task=task, drop=drop, header=header)
    table.introduce(2, voice)
    source: SourceFacts = {
        "file": table.file, "target": table.target, "folder": None, "command": None, "reading": table.reading,
    }  # fmt: skip
    return own_data(table.features, table.y, table.task, source, tuple(voice.record))
