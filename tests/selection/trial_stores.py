"""Runs to keep in a trial store, and a process that keeps them until it is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.learning.architecture import MLP
from taut.learning.training import Curve, Status
from taut.selection.candidate import Candidate
from taut.selection.runs import FoldRun
from taut.selection.trial_store import TrialStore

ARGUMENTS: dict[str, Any] = {
    "hidden": (64, 64),
    "cv": 5,
    "learning_rate": 1e-3,
    "selection": "best",
    "n": None,
}
DATA = "ab" * 32
STAGES = 5

USUAL = MLP((64, 64))
CANDIDATES = (
    Candidate(Recipe(), 1e-3, MLP((64, 64))),
    Candidate(Recipe(EarlyStopping(patience=7)), 0.1 + 0.2, MLP((3,))),
    Candidate(
        Recipe(L1(1e-4), L2(1 / 3), Dropout(0.3), BatchNorm(), EarlyStopping()), 5e-324, MLP((1, 2, 3))
    ),
)


class Hasty(sqlite3.Connection):
    """Does not wait for the disk, so that tests that open many files are quick; all else is the same."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous = NORMAL", "synchronous = OFF"), *parameters)


@contextmanager
def hasty_disk() -> Iterator[None]:
    connect = sqlite3.connect

    def hasty(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, factory=Hasty, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", hasty)
        yield


def open_trial_store(path: Path, **changes: Any) -> TrialStore:
    return TrialStore.open(path, {**ARGUMENTS, **changes}, DATA)


def fold_run(candidate: int, stage: int, rows: int = 500) -> FoldRun:
    """The same run every time, and another one for every key."""
    random = np.random.default_rng([candidate, stage])
    epoch = int(random.integers(1, 60))
    curve = Curve(*random.normal(size=(3, epoch)))
    best = int(random.integers(1, epoch + 1))
    losses = {one: random.normal(size=rows).astype(np.float32) for one in (best, epoch + 1)}
    correct = {one: random.random(rows) < 0.5 for one in losses}
    return FoldRun(Status.STOPPED, epoch, best, curve, random.random(), random.random(), losses, correct)


def bits(run: FoldRun | None) -> tuple[Any, ...] | None:
    """All of a run, so that NaN equals itself and -0.0 is not 0.0."""
    if run is None:
        return None
    curve = (run.curve.train, run.curve.validation, run.curve.correct)
    numbers = np.array([run.zero_share, run.seconds])
    arrays = [
        *curve,
        *run.losses.values(),
        *run.correct.values(),
        numbers,
        np.array(list(run.scores.values())),
        run.weights,
    ]
    kept = [(array.dtype.str, array.shape, array.tobytes()) for array in arrays]
    return run.status, run.epoch, run.best_epoch, list(run.losses), list(run.scores), kept


def key(number: int) -> tuple[int, int]:
    return divmod(number, STAGES)


def say(what: object) -> None:
    """One write, so that a line is never half there when the process is killed (print may make two of it)."""
    os.write(1, f"{what}\n".encode())


def keep_for_ever(path: Path) -> None:
    """Run by run, keep what is not there yet and say its number."""
    with open_trial_store(path) as trial_store:
        trial_store.propose(0, CANDIDATES)
        say("open")
        for number in count():
            if trial_store.run(*key(number)) is None:
                trial_store.keep(*key(number), fold_run(*key(number)))
            say(number)


def serve() -> None:
    """For each path that is asked for, let a process of its own keep runs there until it is killed.

    It is forked, so that not every one has to import everything.
    """
    for path in sys.stdin:
        child = os.fork()
        if child == 0:
            keep_for_ever(Path(path.rstrip("\n")))
        say(f"child {child}")
        os.waitpid(child, 0)
        say("dead")


def python(root: Path, call: str) -> subprocess.Popen[str]:
    """Another process that calls one of these functions."""
    code = f"from pathlib import Path; from tests.selection.trial_stores import *; {call}"
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill_after(seconds: float, server: subprocess.Popen[str], path: Path) -> list[str]:
    """What a process that keeps runs there has said until it was killed."""
    assert server.stdin is not None
    assert server.stdout is not None
    print(path, file=server.stdin, flush=True)
    said = []
    for line in server.stdout:
        if line.startswith("child"):
            time.sleep(seconds)
            os.kill(int(line.split()[1]), signal.SIGKILL)
        elif line == "dead\n":
            break
        else:
            said.append(line.strip())
    return said
