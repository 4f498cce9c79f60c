"""Where the training of a path stands, for those who show it."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

Doing: TypeAlias = Literal["looking for the top", "training"]

_EVERY_SECONDS = 5.0  # between lines


@final
@dataclass(frozen=True)
class PathProgress:
    """Where the training of a path stands.

    Parameters
    ----------
    doing : {"looking for the top", "training"}
    done, total : int
        Networks; on early stopping's own path, epochs. ``total`` is 0 while it is not known.
    seconds : float
        Since it began.
    seconds_left : float or None
        A guess by what is done so far; None where there is nothing to guess by.
    """

    doing: Doing
    done: int
    total: int
    seconds: float
    seconds_left: float | None


@final
class News:
    """Counts what is done, and tells it.

    Parameters
    ----------
    started : float
        On ``time.monotonic``'s clock.
    tell : callable or None
    """

    def __init__(self, started: float, tell: Callable[[PathProgress], None] | None) -> None:
        self._started, self._tell = started, tell
        self._doing: Doing = "training"
        self._done, self._total, self._since = 0, 0, started
        self._guard = threading.Lock()

    def begin(self, doing: Doing, total: int = 0) -> None:
        """Begin something of so many parts; 0 where their number is not known."""
        self._doing, self._done, self._total, self._since = doing, 0, total, time.monotonic()
        self._say()

    def on_done(self) -> None:
        """Count a part; may be called from any thread."""
        with self._guard:
            self._done += 1
            self._say()

    def _say(self) -> None:
        if self._tell is not None:
            now = time.monotonic()
            left = None
            if self._done and self._total:
                left = (now - self._since) / self._done * (self._total - self._done)
            self._tell(PathProgress(self._doing, self._done, self._total, now - self._started, left))


def print_progress() -> Callable[[PathProgress], None]:
    """Give a callback that prints a line to standard error every five seconds, and when all is done."""
    last = -math.inf

    def tell(progress: PathProgress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_SECONDS or progress.done == progress.total > 0:
            last = now
            left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
            done = f" {progress.done} of {progress.total}" if progress.total else ""
            print(f"taut: {progress.doing}{done}{left}", file=sys.stderr, flush=True)

    return tell
