"""What is printed: results on standard output; errors, warnings and notes on standard error.

Names of files, columns and classes are foreign text. Whatever of it a terminal would obey (escape
codes, carriage returns, marks that turn the direction of writing) is shown as what it is, in this one place:
nothing else in ``cli`` prints.
"""

from __future__ import annotations

import functools
import math
import shlex
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn, ParamSpec, final

import typer

from taut import ctrl_c
from taut.errors import TautError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

P = ParamSpec("P")

#: Exit codes: something that the user can fix, and Ctrl+C.
FAULT, INTERRUPTED = 2, ctrl_c.INTERRUPTED

_MOST_NOTES = 12


def in_sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command end with a sentence and an exit code instead of a traceback."""

    @functools.wraps(command)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BaseException as error:
            if _is_ctrl_c(error):
                ctrl_c.ignore()
                typer.echo("interrupted.", err=True)
                raise typer.Exit(INTERRUPTED) from None
            if isinstance(error, TautError):
                fail(one_line(str(error)))
            raise

    return spoken


def _is_ctrl_c(error: BaseException) -> bool:
    """Whether Ctrl+C caused it: an import that it interrupted may have made another error of it."""
    seen: list[BaseException] = []
    now: BaseException | None = error
    while now is not None and now not in seen:
        if isinstance(now, KeyboardInterrupt):
            return not isinstance(error, typer.Exit)
        seen.append(now)
        now = now.__cause__ or now.__context__
    return False


def fail(sentence: str) -> NoReturn:
    """End the command with a sentence."""
    typer.echo(f"error: {visible(sentence)}", err=True)
    raise typer.Exit(FAULT)


def visible(text: str) -> str:
    r"""Escape what a terminal would obey; lines stay lines.

    >>> print(visible("a\x1b[31mb"))
    a\x1b[31mb
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def one_line(text: str) -> str:
    """Put a message on one line, and escape what a terminal would obey."""
    return visible(" ".join(text.split()))


def show(text: object = "") -> None:
    """Print a result on standard output."""
    print(visible(str(text)), flush=True)


def show_wrapped(text: str) -> None:
    """Print a result, its lines broken between words on a terminal."""
    from rich.console import Console

    out = Console(highlight=False, markup=False, emoji=False)
    out.print(visible(text), soft_wrap=not out.is_terminal)


def show_table(plain: str, rich: Callable[[], Table]) -> None:
    """Print a table, with lines and bold type on a terminal."""
    from rich.console import Console

    out = Console(highlight=False, markup=False, emoji=False)
    if out.is_terminal and not out.is_dumb_terminal:
        out.print(rich(), end="\n\n")
    else:
        show(f"{plain}\n")


def shell(words: Sequence[str]) -> str:
    r"""Write a command as a shell reads it, in visible letters.

    >>> print(shell(["taut", "predict", "my model", "a\x1bb"]))
    taut predict 'my model' $'a\x1bb'
    """
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    parts = []
    for char in word:
        if char.isprintable():
            parts.append(f"\\{char}" if char in "\\'" else char)
        else:  # as bash, zsh and ksh read it, whatever the character
            parts += [f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape")]
    # A hexadecimal digit after \xNN is a letter of its own, since two digits end it.
    return f"$'{''.join(parts)}'"


@final
class Voice:
    """Prints each thing once, and keeps warnings and notes of the data.

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
        """Whether a line can be redrawn: the terminal must understand how."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    @property
    def columns(self) -> float:
        """How long a line may be; unlimited where there is no terminal."""
        return self.console.width if self.console.is_terminal else math.inf

    def say(self, text: str) -> None:
        """Print a line; where standard error cannot be written, the work continues without it."""
        with suppress(OSError):
            self.console.print(one_line(text), soft_wrap=not self.console.is_terminal)

    def warning(self, text: str) -> None:
        """Print a warning, once."""
        self._once("warning", text)

    def notes(self, notes: Iterable[object]) -> None:
        """Print notes that were not printed yet; only the first of very many."""
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
