"""The command line: ``taut fit``, ``predict``, ``path``, ``diagnose``, ``report``, ``play`` and so on.

Nothing heavier than typer is imported here; a command imports what it needs when it runs, so that
``taut --help`` is quick.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from taut import ctrl_c
from taut.cli import demo, diagnose, diagnose_log, fit, path, play, predict, report, techniques
from taut.cli.voice import FAULT, show, visible
from taut.version import __version__

app = typer.Typer(
    name="taut",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: the same with and without a terminal
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    fit.fit,
    predict.predict,
    path.path,
    diagnose.diagnose,
    diagnose_log.diagnose_log,
    report.report,
    play.play,
    techniques.techniques,
    demo.demo,
):
    app.command()(command)


_NO_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE, errno.EBADF)


def main() -> None:
    """Run the command line."""
    ctrl_c.end_at_once()
    for stream in (sys.stdout, sys.stderr):
        # A column's name may hold what the terminal's encoding lacks.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        try:
            code = app(prog_name="taut", standalone_mode=False)
        finally:
            sys.stdout.flush()  # here, and not after the last line of Python, where it can't be reported
    except OSError as error:
        _end_without_output(error)
    except Exception as error:
        # Typer's own, about the options: they repeat what was typed. Its class differs between versions.
        if not hasattr(error, "show") or not hasattr(error, "exit_code"):
            raise
        text = io.StringIO()
        error.show(text)
        sys.stderr.write(visible(text.getvalue()))
        code = error.exit_code
    if code:
        ctrl_c.ignore()  # nothing is left to interrupt
        sys.exit(code)


def _end_without_output(error: OSError) -> NoReturn:
    """End with a sentence where nothing more can be printed: a full disk, or a reader that is gone.

    Raises
    ------
    OSError
        The given one, where it is of a file or not of writing.
    """
    if error.filename is not None or error.errno not in _NO_OUTPUT:
        raise error
    with contextlib.suppress(OSError):
        if error.errno != errno.EPIPE:
            print(f"error: standard output cannot be written: {error.strerror}.", file=sys.stderr, flush=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):  # Python would try again on exit to write what is left in them
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    sys.exit(1 if error.errno == errno.EPIPE else FAULT)


def _version(wanted: bool) -> None:
    if wanted:
        show(f"taut {__version__}")
        raise typer.Exit


@app.callback()
def taut(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Regularized neural networks for tables: which technique, how strong, and how much it helps."""
