"""Ctrl+C while a search runs: the first one asks it to finish, the second one ends it."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self, final


@final
class Interrupts:
    """While it is entered, the first Ctrl+C sets an event, and a second one raises ``KeyboardInterrupt``.

    So a search is never torn in the middle of its bookkeeping. Where Ctrl+C does not mean Python's usual
    ``KeyboardInterrupt`` (another thread, or the caller's own handler), nothing is changed.

    Parameters
    ----------
    stop : threading.Event
        Set by the first Ctrl+C.

    Attributes
    ----------
    count : int
        How often Ctrl+C came.
    """

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.count = 0
        self._before: Any = None

    def __enter__(self) -> Self:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        self.stop.set()
