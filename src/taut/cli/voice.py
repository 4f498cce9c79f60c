"""What is said to the person on standard error: errors, warnings and notes, each in one sentence."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn, ParamSpec, final

import typer

from taut.errors import TautError

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")

#: Exit codes: something that the person can mend, and Ctrl+C (128 + SIGINT, as shells have it).
FAULT, INTERRUPTED = 2, 130

_MOST_NOTES = 12


def in_sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command end in a sentence and an exit code where it would end in a traceback."""

    @functools.wraps(command)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except TautError as error:
            fail(one_line(str(error)))
        except KeyboardInterrupt:
            typer.echo("interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return spoken


def fail(sentence: str) -> NoReturn:
    """End the command with a sentence."""
    typer.echo(f"error: {sentence}", err=True)
    raise typer.Exit(FAULT)


def one_line(text: str) -> str:
    """Put a message on one line, and show what a terminal would obey as what it is."""
    folded = " ".join(text.split())
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in folded)


@final
class Voice:
    """Says each thing once, and keeps what was said of the data.

    Attributes
    ----------
    console : rich.console.Console
        On standard error.
    record : list of str
        Warnings and notes so far.
    """

    def __init__(self) -> None:
        from rich.console import Console

        self.console: Console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self.record: list[str] = []

    @property
    def is_live(self) -> bool:
        """Whether a line can be drawn again: a terminal that understands how."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def say(self, text: str) -> None:
        """Print a line; where standard error cannot be written, the work goes on without."""
        with suppress(OSError):
            self.console.print(one_line(text), soft_wrap=True)

    def warning(self, text: str) -> None:
        """Print a warning, once."""
        self._once("warning", text)

    def notes(self, notes: Iterable[object]) -> None:
        """Print notes that were not said yet; of very many, the first."""
        new = [text for text in map(str, notes) if one_line(text) not in self.record]
        for text in new[:_MOST_NOTES]:
            self._once("note", text)
        if len(new) > _MOST_NOTES:
            self.say(f"note: and {len(new) - _MOST_NOTES:,} more like these; a saved model has them all.")
            self.record += [one_line(text) for text in new[_MOST_NOTES:]]

    def _once(self, kind: str, text: str) -> None:
        text = one_line(text)
        if text not in self.record:
            self.record.append(text)
            self.say(f"{kind}: {text}")

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Show Python's warnings as one line each while this is entered."""

        def show(message: Warning | str, *_: object, **__: object) -> None:
            self.warning(str(message))

        with warnings.catch_warnings():
            warnings.filterwarnings("always", category=UserWarning)
            warnings.showwarning = show
            yield
