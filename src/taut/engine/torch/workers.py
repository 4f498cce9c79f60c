"""What runs members: this process, or one worker process a core.

The one boundary between what is trained and where: an executor is given tasks and says when each is done.
"""

from __future__ import annotations

import math
import pickle
import secrets
import shutil
import signal
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, final

import torch

from taut.engine.torch.examples import TensorExamples, parts_of
from taut.engine.torch.training import State, advance
from taut.errors import TrainingError
from taut.learning.problem import Problem
from taut.learning.training import Control, Member


@dataclass
class Task:
    """One network to be taken to an epoch.

    Parameters
    ----------
    index : int
    member : Member
    state : State
        Where it stands; replaced when it is done.
    goal : int
        Epoch.
    patient : bool
        Whether its own patience may end it before.
    """

    index: int
    member: Member
    state: State
    goal: int
    patient: bool


class Executor(Protocol):
    """Where members run."""

    @property
    def n_workers(self) -> int:
        """How many at a time."""

    def run(
        self,
        problem: Problem,
        tasks: Sequence[Task],
        device: torch.device,
        control: Control,
        on_done: Callable[[Task], None],
    ) -> None:
        """Do all tasks, or what there is time for.

        Parameters
        ----------
        problem : Problem
        tasks : sequence of Task
        device : torch.device
        control : Control
        on_done : callable
            Called with each task when it has ended or was cut off, one call at a time, in the caller's
            thread.
        """


@final
class InProcess:
    """One after the other, here."""

    n_workers = 1

    def run(
        self,
        problem: Problem,
        tasks: Sequence[Task],
        device: torch.device,
        control: Control,
        on_done: Callable[[Task], None],
    ) -> None:
        """Do all tasks, or what there is time for; see :class:`Executor`."""
        for task in tasks:
            try:
                task.state = advance(
                    problem, task.member, task.state, task.goal, task.patient, device, control.should_stop
                )
            except KeyboardInterrupt:
                control.cancelled.set()
                return
            on_done(task)


# Worker processes are started once so much is left to do, in seconds: each takes some to import PyTorch.
_WORTHWHILE = 15.0
#: A network whose worker dies so often is given up.
ATTEMPTS = 3
_WAIT = 0.2  # seconds between looks at what is to stop


@final
class Processes:
    """One worker process a core, each with one thread of PyTorch's.

    They are started when there is work for them. Data are written to a file once and mapped into memory by
    every worker; networks travel as states. A worker that dies (out of memory, killed) is started again, and
    what it had is trained again from the state that it had begun with: the result is the same.

    Parameters
    ----------
    n_workers : int
    """

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._pool: Any = None
        self._shared: tuple[Problem, Path] | None = None
        self._folder: str | None = None
        self._pace = math.nan  # seconds an epoch, of the last network

    @property
    def n_workers(self) -> int:
        """How many at a time."""
        return self._n_workers

    def run(
        self,
        problem: Problem,
        tasks: Sequence[Task],
        device: torch.device,
        control: Control,
        on_done: Callable[[Task], None],
    ) -> None:
        """Do all tasks, or what there is time for; see :class:`Executor`."""
        left = list(tasks)
        here = InProcess()
        while left and self._pool is None and not control.should_stop():
            work = sum(max(0, task.goal - task.state.epoch) for task in left)
            if math.isfinite(self._pace) and len(left) > 1 and work * self._pace > _WORTHWHILE:
                break
            task = left.pop(0)
            epochs, seconds = task.state.epoch, task.state.seconds
            here.run(problem, [task], device, control, on_done)
            if task.state.epoch > epochs:
                self._pace = (task.state.seconds - seconds) / (task.state.epoch - epochs)
        if left and not control.should_stop():
            self._spread(problem, left, device, control, on_done)
        else:
            for task in left:
                on_done(task)

    def _spread(
        self,
        problem: Problem,
        tasks: Sequence[Task],
        device: torch.device,
        control: Control,
        on_done: Callable[[Task], None],
    ) -> None:
        path = self._share(problem)
        stop = path.with_suffix(f".{secrets.token_hex(4)}.stop")
        waiting = list(reversed(tasks))
        running: dict[Any, Task] = {}
        deaths: dict[int, int] = {}
        try:
            while waiting or running:
                try:
                    while waiting and len(running) < self._n_workers and not control.should_stop():
                        task = waiting[-1]
                        work = _Work(path, stop, control.deadline, task, device)
                        running[self._started().submit(_advance, pickled(work))] = task
                        waiting.pop()
                    if not running:
                        break
                    done, _ = wait(running, timeout=_WAIT, return_when=FIRST_COMPLETED)
                    for future in done:
                        task = running[future]
                        task.state = future.result()
                        del running[future]
                        on_done(task)
                except BrokenExecutor as error:
                    self._pool = None
                    for task in running.values():
                        deaths[task.index] = deaths.get(task.index, 0) + 1
                        if deaths[task.index] >= ATTEMPTS:
                            raise TrainingError(
                                f"A worker process died {ATTEMPTS} times while it trained "
                                f"{task.member.architecture.label}: is there enough memory? With n_jobs=1 it "
                                "is trained in this process."
                            ) from error
                    waiting += reversed(running.values())
                    running = {}
                except KeyboardInterrupt:
                    control.cancelled.set()
                if control.should_stop():
                    stop.touch()
        finally:
            stop.unlink(missing_ok=True)

    def _started(self) -> Any:
        if self._pool is None:
            from joblib.externals.loky.process_executor import ProcessPoolExecutor

            self._pool = ProcessPoolExecutor(self._n_workers, timeout=300, initializer=_begin)
        return self._pool

    def _share(self, problem: Problem) -> Path:
        """Write the problem where every worker maps it into its memory."""
        if self._shared is None or self._shared[0] is not problem:
            if self._folder is None:
                # In memory where there is such a place, so that nothing waits for a disk.
                memory = Path("/dev/shm")
                needed = sum(part.nbytes for _, part in _parts_in(problem))
                room = shutil.disk_usage(memory).free if memory.is_dir() else 0
                where = memory if room > 2 * needed else None
                self._folder = tempfile.mkdtemp(prefix="taut-", dir=where)
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)  # at exit at last
            path = Path(self._folder) / f"{secrets.token_hex(4)}.problem"
            examples: Any = problem.examples
            tensors = examples.inputs if isinstance(examples, TensorExamples) else None
            rest = replace(problem, examples=None if tensors is not None else examples)  # type: ignore[arg-type]
            torch.save({"tensors": tensors, "rest": pickled(rest)}, path)
            self._shared = problem, path
        return self._shared[1]


@dataclass(frozen=True)
class _Work:
    """What a worker is told."""

    problem: Path
    stop: Path
    deadline: float
    task: Task
    device: torch.device


def pickled(thing: Any) -> bytes:
    """Functions and classes of a notebook travel too."""
    import cloudpickle

    found: bytes = cloudpickle.dumps(thing)
    return found


def _begin() -> None:
    """A worker's first call. Ctrl+C is the parent's to see."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


_OPEN: dict[Path, Problem] = {}


def _advance(data: bytes) -> State:
    """In a worker: take one network further."""
    work: _Work = pickle.loads(data)
    problem = _OPEN.get(work.problem)
    if problem is None:
        found = torch.load(work.problem, mmap=True, weights_only=False)
        problem = pickle.loads(found["rest"])
        if found["tensors"] is not None:
            problem = replace(problem, examples=TensorExamples(found["tensors"]))
        _OPEN.clear()
        _OPEN[work.problem] = problem
    looked, stopped = 0.0, False

    def should_stop() -> bool:
        nonlocal looked, stopped
        now = time.monotonic()
        if now - looked > _WAIT:
            looked, stopped = now, work.stop.exists() or now >= work.deadline
        return stopped

    task = work.task
    return advance(problem, task.member, task.state, task.goal, task.patient, work.device, should_stop)


def _parts_in(problem: Problem) -> list[tuple[str, torch.Tensor]]:
    examples = problem.examples
    return parts_of(examples.inputs) if isinstance(examples, TensorExamples) else []
