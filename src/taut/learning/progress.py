"""The progress of a path, a diagnosis or effects, and who reports it."""

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
class TrainingProgress:
    """The progress of a training, for display.

    Parameters
    ----------
    done, total : int
        Networks; on early stopping's own path, epochs. ``total`` is 0 while it is unknown, and it may grow: a
        learning rate that only some folds choose is trained on all.
    seconds : float
        Since it began.
    seconds_left : float or None
        An estimate from what is done so far; None where there is nothing to base it on.
    doing : {"looking for the top", "training"}
    """

    done: int
    total: int
    seconds: float
    seconds_left: float | None
    doing: Doing = "training"


@final
class Reporter:
    """Counts what is done, and reports it to a callback; its methods may be called from any thread.

    Parameters
    ----------
    callback : callable or None
        Called with a :class:`TrainingProgress`, one call at a time.
    started : float, optional
        On ``time.monotonic``'s clock; without it, now.
    limit : float, optional
        Seconds after which training ends, however much is left to do.
    """

    def __init__(
        self,
        callback: Callable[[TrainingProgress], None] | None,
        started: float | None = None,
        limit: float = math.inf,
    ) -> None:
        self._callback, self._limit = callback, limit
        self._started = self._since = time.monotonic() if started is None else started
        self._doing: Doing = "training"
        self._done, self._total = 0, 0
        self._more_done, self._more_work = 0.0, 0.0
        self._lock = threading.Lock()

    def begin(self, doing: Doing, total: int = 0) -> None:
        """Begin a step with this many parts; 0 where their number is unknown."""
        with self._lock:
            self._doing, self._done, self._total, self._since = doing, 0, total, time.monotonic()
            self._report()

    def expect(self, total: int, more_work: float = 0.0) -> None:
        """Set how many parts there will be in all.

        Parameters
        ----------
        total : int
        more_work : float
            Work that is no part of its own, such as training on to the last epoch, measured in parts; NaN
            while it is unknown, and then the time left is not estimated.
        """
        with self._lock:
            self._more_work = more_work
            if total != self._total:
                self._total = total
                self._report()

    def worked(self, amount: float) -> None:
        """Count work that is no part of its own, measured in parts."""
        with self._lock:
            self._more_done += amount

    def on_done(self) -> None:
        """Count one part."""
        with self._lock:
            self._done += 1
            self._report()

    def _report(self) -> None:
        if self._callback is None:
            return
        now = time.monotonic()
        spent = now - self._started
        done, total = self._done + self._more_done, self._total + self._more_work
        left = None
        if done and self._total and math.isfinite(total):
            left = (now - self._since) / done * max(0.0, total - done)
            left = min(left, max(0.0, self._limit - spent))
        self._callback(TrainingProgress(self._done, self._total, spent, left, self._doing))


def print_progress(noun: str = "networks") -> Callable[[TrainingProgress], None]:
    """Give a callback that prints a line to standard error every five seconds, and when all is done.

    Parameters
    ----------
    noun : str
        What is counted.
    """
    last = -math.inf

    def show(progress: TrainingProgress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_SECONDS or progress.done == progress.total > 0:
            last = now
            done = f" {progress.done} of {progress.total} {noun}" if progress.total else ""
            left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
            print(f"taut: {progress.doing}{done}{left}", file=sys.stderr, flush=True)

    return show
