"""Ctrl+C on the command line, from its first moment on: one word and exit code 130, also while it imports.

Python's way, an exception in the middle of whatever runs, ends in a traceback where it meets an import (numpy
makes an ``ImportError`` of it). So until there is something that could be lost, a command is ended at once.
Imports nothing that takes time, for it comes first.
"""

from __future__ import annotations

# What `signal` is made of; that one imports enum, and Ctrl+C may come meanwhile.
import _signal as signal  # type: ignore[import-not-found]
import os

INTERRUPTED = 130  #: The exit code: 128 + SIGINT, as shells have it.


def end_at_once() -> None:
    """Let Ctrl+C end the process, unless it means something else than ``KeyboardInterrupt`` here."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_from_here() -> None:
    """From here on Ctrl+C raises ``KeyboardInterrupt`` again, so that there is a chance to clean up."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore() -> None:
    """Ignore further ones: the command is ending, and a second one would only cut that short."""
    if signal.getsignal(signal.SIGINT) in (_end, signal.default_int_handler):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end(number: int, frame: object) -> None:
    try:
        os.write(2, b"interrupted.\n")
    except OSError:  # the reader may be gone
        pass
    os._exit(INTERRUPTED)
