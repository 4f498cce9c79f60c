"""One page's session: it trains one network at a time, and sends what there is to be seen of it.

Whatever the page asks for is kept until a thread of its own takes it up, the latest wish in place of the one
before; between two of them the thread trains in short pieces. So a slider that is moved ten times while a
piece is trained costs one training, and never do two networks of a page train at a time.
"""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, final

from taut.errors import ParameterError, TautError
from taut.estimators.problem import TableProblem
from taut.learning.training import Control
from taut.play.challenges import CHALLENGES, Challenge
from taut.play.code import code_of
from taut.play.data import Data
from taut.play.look import View, confusion, dead_units, histogram, important_columns, said, view_of
from taut.play.run import Run, soon
from taut.play.settings import Settings, SettingsError, controls, read
from taut.play.toys import NAMED
from taut.play.without import without_each
from taut.play.words import Standing, seen, standing

Message: TypeAlias = dict[str, Any]
State: TypeAlias = Literal["running", "paused", "over"]

#: Between two frames: at most twenty a second.
FRAME_SECONDS = 0.05
#: That are waited for the thread to end; what it does then cannot be cut short, and ends by itself.
_END_SECONDS = 2.0
_MOST_COUNTED = 20_000  # held-out rows that are counted by class in every frame
_FAULTS = (TautError, ValueError, MemoryError)


@final
@dataclass(frozen=True)
class Wish:
    """What a page asked for and was not taken up yet; None for nothing."""

    settings: Settings | None = None
    onward: bool = False  # the settings act on the network as it stands
    state: State | None = None
    step: bool = False
    columns: tuple[int, ...] | None = None
    code: bool = False
    challenge: Challenge | None = None  # to begin; its settings are among the settings


@final
class Session:
    """What a page talks to. Its methods return at once, and may be called from any thread.

    Parameters
    ----------
    own : Data or None
        The person's table, if one was given.
    start : Settings
        To begin with.
    send : callable
        Takes a message for the page: plain values. Called from the session's own thread alone.
    """

    def __init__(self, own: Data | None, start: Settings, send: Callable[[Message], None]) -> None:
        self._own, self._start, self._send = own, start, send
        self._lock = threading.Condition()
        self._wish = Wish(settings=start)
        self._closed = False
        self._control: Control | None = None  # of what is trained now
        self._run: Run | None = None
        self._view: View | None = None
        self._settings = start
        self._columns: tuple[int, ...] | None = None
        self._viewed: tuple[TableProblem, tuple[int, ...] | None, bool] | None = None
        self._picked = False  # whether these are those that a network uses most
        self._state: State = "running"
        self._told = 0  # epochs that the page has
        self._number = 0  # of the run
        self._pace = 0.0  # epochs a second; 0 is as fast as it goes
        self._next = 0.0  # on time.monotonic's clock: when the next epoch is due
        self._compared = True
        self._checked = True
        self._challenge: Challenge | None = None
        self._first: Standing | None = None  # where the challenge's own network stood
        self._thread = threading.Thread(target=self._work, name="taut-play", daemon=True)

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End what is trained, and the thread; a page that is gone trains nothing."""
        with self._lock:
            self._closed = True
            self._interrupt()
        if self._thread.is_alive():
            self._thread.join(_END_SECONDS)

    def hello(self) -> Message:
        """What a page has to know before anything else."""
        return {
            "type": "hello",
            "controls": controls(self._own),
            "settings": self._start.to_json(),
            "usual": Settings().to_json(),
            "challenges": [one.to_json() for one in CHALLENGES],
        }

    # --- what a page asks for -------------------------------------------------------------------------------

    def set(self, found: object, *, onward: bool = False) -> None:
        """Take settings, and train anew with them, or go on from here.

        Raises
        ------
        SettingsError
            With a sentence for each control that is wrong; what is trained goes on.
        """
        with self._lock:
            base = self._wish.settings or self._settings
            settings = read(found, self._own, base)
            self._put(settings=settings, onward=onward and (self._wish.settings is None or self._wish.onward))

    def challenge(self, name: str) -> None:
        """Begin a challenge: its network is trained first, and what follows is checked against it.

        Raises
        ------
        ParameterError
            Where there is none of this name.
        """
        found = next((one for one in CHALLENGES if one.name == name), None)
        if found is None:
            raise ParameterError(f"There is no challenge {name!r}.")
        settings = read(found.start, self._own)
        self._put(settings=settings, onward=False, challenge=found)

    def resume(self) -> None:
        """Go on."""
        self._put(state="running")

    def pause(self) -> None:
        """Stop where it is."""
        self._put(state="paused")

    def step(self) -> None:
        """Train one epoch, and pause."""
        self._put(state="paused", step=True)

    def reset(self) -> None:
        """Go back to before the first epoch, and wait there."""
        with self._lock:
            self._put(settings=self._wish.settings or self._settings, onward=False, state="paused")

    def look(self, columns: tuple[int, ...]) -> None:
        """Show what the network says over other columns of the matrix: one or two."""
        self._put(columns=columns)

    def code(self) -> None:
        """Send the code that trains this network elsewhere."""
        self._put(code=True)

    def set_pace(self, epochs_a_second: float) -> None:
        """Train so many epochs a second at most; 0 is as fast as it goes."""
        with self._lock:
            self._pace, self._next = max(0.0, epochs_a_second), 0.0
            self._interrupt()

    def _put(self, **more: Any) -> None:
        with self._lock:
            self._wish = replace(self._wish, **more)
            self._interrupt()

    def _interrupt(self) -> None:
        """Let the thread look for wishes at once."""
        if self._control is not None:
            self._control.cancelled.set()
        self._lock.notify_all()

    # --- the thread -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._lock:
                while not (self._closed or self._wish != Wish() or self._busy()):
                    self._lock.wait()
                if self._closed:
                    return
                wish, self._wish = self._wish, Wish()
            try:
                self._take_up(wish)
                self._go_on()
            except Exception as error:
                if not isinstance(error, _FAULTS):
                    traceback.print_exc()
                self._run, self._state = None, "paused"
                self._send({"type": "fault", "run": self._number, "sentence": _sentence(error)})

    def _busy(self) -> bool:
        if self._run is None:
            return False
        return self._state == "running" or (self._run.is_over and not (self._checked and self._compared))

    def _take_up(self, wish: Wish) -> None:
        if wish.state is not None:
            self._state = wish.state
        elif wish.settings is not None and not (wish.onward and self._state == "paused"):
            self._state = "running"
        if wish.challenge is not None:
            self._challenge, self._first = wish.challenge, None
        if wish.settings is not None:
            self._settings = wish.settings
            if wish.onward and self._run is not None and _can_go_on(self._run.settings, wish.settings):
                self._run.change(wish.settings)
                self._compared, self._checked = False, False
                self._told = min(self._told, self._run.training.epoch)
                self._send({"type": "changed", "run": self._number, "epoch": self._run.training.epoch,
                            "settings": self._run.settings.to_json()})  # fmt: skip
            else:
                self._begin(wish.settings)
        run = self._run
        if run is None:
            return
        if wish.columns is not None:
            self._columns = wish.columns if _are_numbers(wish.columns, run) else None
            self._picked = False
            self._show_view(run)
            if run.training.epoch:
                self._frame(run)
        if wish.code:
            self._send({"type": "code", "run": self._number, "codes": code_of(run)})
        if wish.step and not run.is_over:
            run.train(self._controlled(math.inf), run.training.epoch + 1)
            self._frame(run)
        elif wish.state == "paused" and not run.is_over:
            self._frame(run)  # the last one that was sent on the way said that it runs

    def _begin(self, settings: Settings) -> None:
        """Train anew."""
        before, self._run = self._run, None
        same = before is not None and _same_table(before.settings, settings)
        data = before.data if before is not None and same else settings.data(self._own)
        run = Run(settings, data, before)
        self._number += 1
        self._told, self._next = 0, 0.0
        self._compared, self._checked = False, False
        if not same:
            self._columns, self._picked = None, False
        self._run = run
        table = run.begun.table
        classes = table.target.classes
        fold = run.training.member.fold
        self._send(
            {
                "type": "run",
                "run": self._number,
                "state": self._state,
                "settings": settings.to_json(),
                "n_training": len(fold.train),
                "n_held_out": len(fold.validation),
                "target": data.target,
                "task": data.task,
                "loss": run.begun.trainer.problem.objective.loss_name,
                "classes": None if classes is None else [str(one)[:40] for one in classes.tolist()],
                "notes": [*data.notes, *run.notes],
            }
        )
        self._show_view(run)

    def _counts(self, run: Run) -> bool:
        """Whether held-out rows are counted by class now: of very many only when nothing moves."""
        few = len(run.training.member.fold.validation) <= _MOST_COUNTED
        return not run.diverged and (few or run.is_over or self._state != "running")

    def _show_view(self, run: Run) -> None:
        """Tell where the network is looked at; nothing where that is told already."""
        viewed = (run.begun.table, self._columns, self._picked)
        if self._view is not None and viewed == self._viewed:
            return
        self._viewed = viewed
        self._view = replace(view_of(run.begun.table, self._columns), picked=self._picked)
        self._send({"type": "view", "run": self._number, **self._view.to_json(run)})

    def _choose_view(self, run: Run) -> None:
        """Of a table with several columns the two most important ones, unless the person picked some."""
        if self._columns is None and not run.diverged and run.begun.table.matrix.n_numbers > 2:
            self._columns = important_columns(run)
            if self._columns is not None:
                self._picked = True
                self._show_view(run)

    def _go_on(self) -> None:
        """Train a piece, or what the finished network is compared with."""
        run = self._run
        if run is None:
            return
        if self._state == "running" and not run.is_over:
            self._piece(run)
        if run.is_over and self._state != "over":
            self._state = "over"
            self._choose_view(run)
            self._frame(run)
        if run.is_over and not self._checked:
            self._checked = self._check(run)
        if run.is_over and self._checked and not self._compared:
            control = self._controlled(math.inf)
            for found in without_each(run, control):
                self._send({"type": "without", "run": self._number, **found.to_json()})
            self._compared = not control.cancelled.is_set()

    def _check(self, run: Run) -> bool:
        """Whether a finished run solves the challenge; False where a new wish came before that was known.

        It is measured by the challenge's own network, which is trained here where the page did not wait for
        it.
        """
        challenge = self._challenge
        if challenge is None:
            return True
        if self._first is None:
            begun = read(challenge.start, self._own)
            if run.settings == begun and not run.changes:
                self._first = standing(run)
                return True
            first = Run(begun, begun.data(self._own))
            first.train(self._controlled(math.inf))
            if not first.is_over:
                return False
            self._first = standing(first)
        solved, sentence = challenge.checked(run, self._first)
        self._send({"type": "checked", "name": challenge.name, "solved": solved, "sentence": sentence})
        return True

    def _piece(self, run: Run) -> None:
        """The first epoch alone, then as much as there is time for until the next frame."""
        now, pace, epoch = time.monotonic(), self._pace, run.training.epoch
        if pace > 0:
            with self._lock:
                while (
                    not self._closed and self._wish == Wish() and (wait := self._next - time.monotonic()) > 0
                ):
                    self._lock.wait(wait)
                if self._closed or self._wish != Wish():
                    return
            self._next = max(self._next, time.monotonic() - 1.0 / pace) + 1.0 / pace
            every = max(1, round(pace * FRAME_SECONDS))
            run.train(self._controlled(math.inf), min(run.last_epoch, epoch + every))
            self._next += (every - 1) / pace
        elif epoch == 0:
            run.train(self._controlled(math.inf), 1)
        else:
            run.train(self._controlled(FRAME_SECONDS))
            rest = FRAME_SECONDS - (time.monotonic() - now)
            if rest > 0 and not run.is_over:
                time.sleep(rest)
        if run.training.epoch > epoch and not run.is_over:
            self._frame(run)

    def _controlled(self, seconds: float) -> Control:
        """A control that a new wish ends."""
        control = soon(seconds)
        with self._lock:
            self._control = control
            if self._closed or self._wish != Wish():
                control.cancelled.set()
        return control

    def _frame(self, run: Run) -> None:
        """What there is to be seen now, and the epochs that the page has not."""
        training = run.training
        if training.epoch == 0:
            return
        now = standing(run)
        curve = training.curve.times(run.loss_unit)
        dead, units = dead_units(run)
        self._send(
            {
                "type": "frame",
                "run": self._number,
                "from": self._told,
                "train": _finite(curve.train[self._told :].tolist()),
                "validation": _finite(curve.validation[self._told :].tolist()),
                "epoch": training.epoch,
                "state": "diverged" if run.diverged else "over" if run.is_over else self._state,
                "kept": now.kept,
                "numbers": {
                    "train": _or_none(now.train),
                    "validation": _or_none(now.validation),
                    "gap": _or_none(now.validation - now.train),
                    "score": _or_none(now.score),
                    "zero_share": run.kept.zero_share,
                    "dead": dead,
                    "units": units,
                },
                "weights": None if run.diverged else histogram(run.kept),
                "confusion": confusion(run) if self._counts(run) else None,
                "said": None if self._view is None else said(run, self._view),
                "seen": seen(run, now),
            }
        )
        self._told = training.epoch


def _same_table(one: Settings, other: Settings) -> bool:
    """Whether both play with the same rows, so that these need not be made again."""
    names = ("problem", "n_rows", "noise", "random_state") if other.problem in NAMED else ("problem",)
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _can_go_on(one: Settings, other: Settings) -> bool:
    """Whether a network can go on with other settings: its rows and its units are the same."""
    names = ("held_out", "hidden", "activation", "n_bins", "random_state")
    return _same_table(one, other) and all(getattr(one, name) == getattr(other, name) for name in names)


def _are_numbers(columns: tuple[int, ...], run: Run) -> bool:
    """Whether these are columns of numbers of this table: a page may ask for those of the one before."""
    return len(set(columns)) == len(columns) and max(columns) < run.begun.table.matrix.n_numbers


def _finite(values: list[float]) -> list[float | None]:
    return [_or_none(value) for value in values]


def _or_none(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _sentence(error: BaseException) -> str:
    if isinstance(error, SettingsError):
        return " ".join(error.sentences.values())
    return " ".join(str(error).split()) or "There is not enough memory for this."
