"""Progress of a search: one line that is redrawn on a terminal, else a line every few seconds."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Self, final

from taut.cli.voice import Voice

if TYPE_CHECKING:
    from taut.selection.progress import Progress

_EVERY_SECONDS = 5.0  # between plain lines
_NARROW = 110  # columns: a terminal with fewer gets a shorter line, since what wraps cannot be redrawn
_WORTH_SAYING = 60.0  # seconds: for a search that takes longer, an estimate is given before it starts


@final
class SearchProgress:
    """Shows what an estimator's ``on_progress`` reports while it is entered.

    Parameters
    ----------
    voice : Voice
    seconds : float or None
        How long it may take.
    """

    def __init__(self, voice: Voice, seconds: float | None = None) -> None:
        self._voice = voice
        self._live = _live_display(voice) if voice.is_live else None
        self._text_of = short_text_of if voice.columns < _NARROW else text_of
        self._next = 0.0
        self._estimated = False
        self._until = math.inf if seconds is None else time.monotonic() + seconds

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
            self._live.add_task("training the baselines", total=1.0, until=self._until)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def update(self, progress: Progress) -> None:
        """Show the search's progress; may be called from any thread."""
        now = time.monotonic()
        left = math.inf if progress.seconds_left is None else progress.seconds_left
        if progress.done == 0 and not self._estimated and _WORTH_SAYING < left < math.inf:
            self._estimated = True
            self._voice.say(f"about {duration(left)}, estimated from the first epoch")
        if self._live:
            share = (
                progress.done / progress.total
                if progress.total
                else progress.seconds / (progress.seconds + left)
            )
            self._live.update(
                self._live.task_ids[0],
                description=self._text_of(progress),
                completed=min(1.0, share),
                until=math.inf if progress.finishing else now + left,
                refresh=progress.finishing,
            )
        elif (now >= self._next and math.isfinite(progress.best)) or progress.finishing:
            self._next = now + _EVERY_SECONDS
            remaining = "" if progress.finishing or math.isinf(left) else f", {duration(left)} left"
            self._voice.say(self._text_of(progress) + remaining)


def text_of(progress: Progress) -> str:
    """Candidates done of how many, and the best so far compared with early stopping alone."""
    total = f" of {progress.total}" if progress.total else ""
    noun = "candidate" if progress.done == 1 and not total else "candidates"
    text = f"{progress.done}{total} {noun}, {progress.folds} {'fold' if progress.folds == 1 else 'folds'}"
    if math.isfinite(progress.best):
        text += f", best loss {progress.best:.4g}"
    if math.isfinite(progress.baseline):
        text += f" (early stopping alone {progress.baseline:.4g})"
    return f"{text}; making the chosen networks" if progress.finishing else text


def short_text_of(progress: Progress) -> str:
    """The same in fewer words, for a terminal of 80 columns: 52 letters with ordinary losses."""
    text = f"{progress.done} of {progress.total}" if progress.total else f"{progress.done} candidates"
    if progress.finishing:
        return f"{text}; making the chosen networks"
    if math.isfinite(progress.best):
        text += f", loss {progress.best:.4g}"
    if math.isfinite(progress.baseline):
        text += f", early stopping alone {progress.baseline:.4g}"
    return text


def duration(seconds: float) -> str:
    """Such as "12 s", "3 min 20 s" or "2 h 5 min"."""
    whole = max(0, math.ceil(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _live_display(voice: Voice) -> Any:
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    @final
    class TimeLeft(ProgressColumn):
        """Counts down between the search's reports."""

        def render(self, task: Task) -> Text:
            until = task.fields["until"]
            return Text("" if math.isinf(until) else f"{duration(until - time.monotonic())} left")

    one_line = Column(no_wrap=True, overflow="ellipsis")
    return Progress(
        BarColumn(bar_width=8 if voice.columns < _NARROW else 20),
        TimeLeft(table_column=Column(no_wrap=True)),
        TextColumn("{task.description}", markup=False, table_column=one_line),
        console=voice.console,
        transient=True,
    )
