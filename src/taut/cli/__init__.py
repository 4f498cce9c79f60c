"""The command line: ``taut fit | predict | path | diagnose | report | techniques | demo``.

Nothing heavier than typer is imported here; a command imports what it needs when it runs, so that
``taut --help`` is quick.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from taut import __version__
from taut.cli import demo, diagnose, fit, path, predict, report, techniques

app = typer.Typer(
    name="taut",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: the same with and without a terminal
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    fit.fit,
    predict.predict,
    path.path,
    diagnose.diagnose,
    report.report,
    techniques.techniques,
    demo.demo,
):
    app.command()(command)


def main() -> None:
    """Run the command line; the entry point of ``taut`` and of ``python -m taut``."""
    for stream in (sys.stdout, sys.stderr):
        # A column's name may hold what the terminal's encoding has not.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="taut")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"taut {__version__}")
        raise typer.Exit


@app.callback()
def taut(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Regularized neural networks for tables: which technique, how strong, and how much it helps."""
