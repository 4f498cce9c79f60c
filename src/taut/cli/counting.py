"""Progress of a training of known length: one line that is redrawn, else a line every few seconds."""

from __future__ import annotations

import time
from typing import Protocol, Self, final

from taut.cli.progress import duration
from taut.cli.voice import Voice

_FIRST_SECONDS, _EVERY_SECONDS = 2.0, 5.0  # before the first plain line, and between them


class Counted(Protocol):
    """The progress of a training; ``total`` is 0 while it is unknown."""

    @property
    def doing(self) -> str:
        """What is being done, where nothing can be counted."""

    @property
    def done(self) -> int:
        """Parts done so far."""

    @property
    def total(self) -> int:
        """Parts in all."""

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None where there is nothing to base it on."""


@final
class CountingBar:
    """Shows the progress of ``regularization_path``, ``diagnose`` or ``effects`` while it is entered.

    Parameters
    ----------
    voice : Voice
    noun : str
        What is counted: "networks", or "epochs".
    """

    def __init__(self, voice: Voice, noun: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self._voice, self._noun, self._next = voice, noun, time.monotonic() + _FIRST_SECONDS
        self._live = (
            Progress(
                BarColumn(bar_width=20),
                TextColumn(
                    "{task.description}",
                    markup=False,
                    table_column=Column(no_wrap=True, overflow="ellipsis"),
                ),
                console=voice.console,
                transient=True,
            )
            if voice.is_live
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
            self._live.add_task("training", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def update(self, progress: Counted) -> None:
        """Show the progress; may be called from any thread."""
        text = text_of(progress, self._noun)
        if self._live:
            self._live.update(
                self._live.task_ids[0],
                description=text,
                completed=progress.done,
                total=progress.total or None,
            )
            return
        now = time.monotonic()
        if progress.done and (now >= self._next or progress.done == progress.total):
            self._next = now + _EVERY_SECONDS
            self._voice.say(text)


def text_of(progress: Counted, noun: str) -> str:
    """Networks done of how many, and an estimate of the time left."""
    if not progress.total:
        return progress.doing
    text = f"{progress.done} of {progress.total} {noun}"
    left = progress.seconds_left
    return text if left is None or progress.done == progress.total else f"{text}, {duration(left)} left"
