"""Where the trainings of a diagnosis or of effects stand, for those who show it."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

_EVERY_SECONDS = 5.0  # between lines


@final
@dataclass(frozen=True)
class ExamineProgress:
    """Where the trainings stand.

    Parameters
    ----------
    done, total : int
        Networks. The total may grow: a learning rate that only some folds choose is trained on all.
    seconds : float
        Since it began.
    seconds_left : float or None
        A guess by what is done so far; None where there is nothing to guess by.
    """

    done: int
    total: int
    seconds: float
    seconds_left: float | None

    @property
    def doing(self) -> str:
        """What is going on, where nothing can be counted."""
        return "training"


@final
class ExamineNews:
    """Counts networks, and tells of them.

    Parameters
    ----------
    tell : callable or None
    limit : float, optional
        Seconds after which all is over, however much is left to do.
    """

    def __init__(self, tell: Callable[[ExamineProgress], None] | None, limit: float = math.inf) -> None:
        self._tell, self._started, self._limit = tell, time.monotonic(), limit
        self._done, self._total = 0, 0
        self._worked, self._work = 0.0, 0.0
        self._guard = threading.Lock()

    def expect(self, total: int, more_work: float = 0.0) -> None:
        """Say how many there will be in all.

        Parameters
        ----------
        total : int
        more_work : float
            Work that is no network of its own, such as training on to the last epoch, measured in networks;
            NaN where nobody knows yet, and then no time is guessed.
        """
        with self._guard:
            self._work = more_work
            if total != self._total:
                self._total = total
                self._say()

    def worked(self, amount: float) -> None:
        """Count work that is no network of its own, measured in networks."""
        with self._guard:
            self._worked += amount

    def on_done(self) -> None:
        """Count one; may be called from any thread."""
        with self._guard:
            self._done += 1
            self._say()

    def _say(self) -> None:
        if self._tell is not None:
            spent = time.monotonic() - self._started
            done, total = self._done + self._worked, self._total + self._work
            left = spent / done * max(0.0, total - done) if done and math.isfinite(total) else None
            left = None if left is None else min(left, max(0.0, self._limit - spent))
            self._tell(ExamineProgress(self._done, self._total, spent, left))


def print_progress() -> Callable[[ExamineProgress], None]:
    """Give a callback that prints a line to standard error every five seconds, and when all is done."""
    last = -math.inf

    def tell(progress: ExamineProgress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_SECONDS or progress.done == progress.total > 0:
            last = now
            left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
            done = f"{progress.done} of {progress.total}"
            print(f"taut: trained {done} networks{left}", file=sys.stderr, flush=True)

    return tell
