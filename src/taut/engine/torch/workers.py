"""What runs members: this process, or one worker process a core.

The one boundary between what is trained and where: an executor is given tasks and says when each is done.
"""

from __future__ import annotations

import math
import secrets
import shutil
import signal
import tempfile
import time
import warnings
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, final

import torch
from safetensors.torch import load_file, save_file

from taut.engine.torch.examples import TensorExamples, mapped, parts_of, with_parts
from taut.engine.torch.stacked import SIZES, advance_together, stack_key, why_not
from taut.engine.torch.training import State, advance
from taut.errors import TrainingError, TrainingWarning
from taut.learning.problem import Problem
from taut.learning.training import Control, Member, Status


@dataclass(eq=False)
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


@dataclass
class Bundle:
    """Networks that are trained by one call: one, or a stack.

    Parameters
    ----------
    tasks : list of Task
    stacked : bool
    """

    tasks: list[Task]
    stacked: bool

    def advance(self, problem: Problem, device: torch.device, should_stop: Callable[[], bool]) -> None:
        """Take all of them to their epochs, to their own stops, or as far as they are let."""
        tasks = self.tasks
        if self.stacked:
            advance_together(
                problem,
                [task.member for task in tasks],
                [task.state for task in tasks],
                [task.goal for task in tasks],
                [task.patient for task in tasks],
                device,
                should_stop,
            )
            return
        for task in tasks:
            task.state = advance(
                problem, task.member, task.state, task.goal, task.patient, device, should_stop
            )


def bundled(
    problem: Problem, tasks: Sequence[Task], device: torch.device, n_workers: int, *, stack: bool
) -> list[Bundle]:
    """Put networks that can be stacked together, so that every worker has some.

    Whether a network is stacked does not depend on the others.
    """
    stacks: dict[Any, list[Task]] = {}
    for task in tasks:
        alone = not stack or why_not(problem, task.member, device) is not None
        stacks.setdefault(task.index if alone else stack_key(problem, task.member), []).append(task)
    found = []
    for key, group in stacks.items():
        n = min(SIZES[-1], -(-len(group) // n_workers))
        found += [Bundle(group[i : i + n], isinstance(key, tuple)) for i in range(0, len(group), n)]
    return found


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
    """One after the other, or stacked, here.

    Parameters
    ----------
    stack : bool
        Whether small networks are trained many at a time; see :mod:`taut.engine.torch.stacked`.
    """

    n_workers = 1

    def __init__(self, *, stack: bool = False) -> None:
        self.stack = stack

    def run(
        self,
        problem: Problem,
        tasks: Sequence[Task],
        device: torch.device,
        control: Control,
        on_done: Callable[[Task], None],
    ) -> None:
        """Do all tasks, or what there is time for; see :class:`Executor`."""
        for bundle in bundled(problem, tasks, device, 1, stack=self.stack):
            try:
                bundle.advance(problem, device, control.should_stop)
            except KeyboardInterrupt:
                control.cancelled.set()
                return
            for task in bundle.tasks:
                on_done(task)


# Worker processes are started once so much is left to do, in seconds: each takes some to import PyTorch.
_WORTHWHILE = 15.0
_FIRST = 8  # networks of a stack by which its pace is measured
#: A network whose worker dies so often is given up.
ATTEMPTS = 3
_WAIT = 0.2  # seconds between looks at what is to stop
_PATIENCE = 5.0  # seconds that workers are given to stop after an error


@final
class Processes:
    """One worker process a core, each with one thread of PyTorch's.

    They are started when there is work for them. Data are written to a file once and mapped into memory by
    every worker; networks travel as states. A worker that dies (out of memory, killed) is started again, and
    what it had is trained again from the state that it had begun with: the result is the same. What dies
    three times is given up, and named.

    Parameters
    ----------
    n_workers : int
    stack : bool
        Whether small networks are trained many at a time; see :mod:`taut.engine.torch.stacked`.
    """

    def __init__(self, n_workers: int, *, stack: bool = False) -> None:
        self._n_workers, self.stack = n_workers, stack
        self._pool: Any = None
        self._problem: Problem | None = None  # that the pool's workers have
        self._folder: str | None = None
        self._pace = math.nan  # seconds an epoch, of the last network
        self._works = False  # whether a worker has ever finished anything

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
        here = InProcess(stack=self.stack)
        while left and self._pool is None and not control.should_stop():
            work = sum(max(0, task.goal - task.state.epoch) for task in left)
            known = math.isfinite(self._pace)
            if known and len(left) > 1 and work * self._pace > _WORTHWHILE:
                break
            chosen = bundled(problem, left, device, 1, stack=self.stack)[0].tasks
            chosen = chosen if known else chosen[:_FIRST]
            left = [task for task in left if task not in chosen]
            epochs, seconds = _done(chosen)
            here.run(problem, chosen, device, control, on_done)
            more, later = _done(chosen)
            if more > epochs:
                self._pace = (later - seconds) / (more - epochs)
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
        from joblib.externals.loky.process_executor import PicklingError, TerminatedWorkerError

        self._started(problem)
        stop = self._place(0) / f"{secrets.token_hex(4)}.stop"
        waiting = bundled(problem, tasks, device, self._n_workers, stack=self.stack)[::-1]
        running: dict[Any, Bundle] = {}
        deaths: dict[int, int] = {}  # by a task's index
        try:
            while waiting or running:
                try:
                    while waiting and len(running) < self._n_workers and not control.should_stop():
                        bundle = waiting[-1]
                        # Which of those that ran when a worker died is to blame shows when they run alone.
                        if running and any(deaths.get(b.tasks[0].index) for b in (bundle, *running.values())):
                            break
                        work = _Work(stop, control.deadline, bundle, device)
                        try:
                            future = self._started(problem).submit(_advance, work)
                        except (PicklingError, TypeError, AttributeError) as error:
                            raise _unsent(bundle, error) from error
                        running[future] = bundle
                        waiting.pop()
                    if not running:
                        break
                    done, _ = wait(running, timeout=_WAIT, return_when=FIRST_COMPLETED)
                    for future in done:
                        bundle = running[future]
                        try:
                            states = future.result()
                        except PicklingError as error:
                            raise _unsent(bundle, error) from error
                        del running[future]
                        self._works = True
                        for task, state in zip(bundle.tasks, states, strict=True):
                            task.state = state
                            on_done(task)
                except BrokenExecutor as error:
                    if not isinstance(error, TerminatedWorkerError):  # a live one cannot read what it is sent
                        raise _unsent([*running.values(), *waiting][0], error) from error
                    self._pool = None
                    # Each by itself from now on: a network in a stack equals the same network alone.
                    suspects = [Bundle([task], b.stacked) for b in running.values() for task in b.tasks]
                    running = {}
                    for bundle in reversed(suspects):
                        (task,) = bundle.tasks
                        deaths[task.index] = deaths.get(task.index, 0) + 1
                        if deaths[task.index] < ATTEMPTS:
                            waiting.append(bundle)
                        elif self._works:
                            _give_up(task)
                            on_done(task)
                        else:
                            raise TrainingError(_died(task)) from error
                except KeyboardInterrupt:
                    control.cancelled.set()
                if control.should_stop():
                    stop.touch()
        except BaseException:  # the others would train on for nobody
            stop.touch()
            wait(running, timeout=_PATIENCE)  # loky is not to be ended in the middle of an answer
            self._shut()
            raise
        finally:
            stop.unlink(missing_ok=True)

    def _started(self, problem: Problem) -> Any:
        """The pool, whose workers have the problem; another one where there was another problem."""
        if self._problem is not problem:
            self._shut()
        if self._pool is None:
            from joblib.externals.loky.process_executor import ProcessPoolExecutor

            self._problem = problem
            self._pool = ProcessPoolExecutor(
                self._n_workers, timeout=300, initializer=_begin, initargs=self._shared(problem)
            )
        return self._pool

    def _shut(self) -> None:
        """End the workers, whatever they do."""
        if self._pool is not None:
            self._pool.shutdown(kill_workers=True)
            self._pool = None

    def _place(self, n_bytes: int) -> Path:
        """The folder of files for the workers: in memory where there is room, for a disk may be slow."""
        if self._folder is None:
            memory = Path("/dev/shm")
            room = shutil.disk_usage(memory).free if memory.is_dir() else 0
            self._folder = tempfile.mkdtemp(prefix="taut-", dir=memory if room > 2 * n_bytes else None)
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)  # at exit at last
        return Path(self._folder)

    def _shared(self, problem: Problem) -> tuple[Problem, Path | None]:
        """What every worker is told once: the problem without its tensors, and the file that has them."""
        examples = problem.examples
        if not isinstance(examples, TensorExamples):
            return problem, None
        parts = {name: part.contiguous() for name, part in parts_of(examples.inputs)}
        path = (
            self._place(sum(part.nbytes for part in parts.values())) / f"{secrets.token_hex(4)}.safetensors"
        )
        save_file(parts, path)
        return replace(problem, examples=TensorExamples(mapped(examples.inputs, lambda part: part[:0]))), path


def _unsent(bundle: Bundle, error: Exception) -> TrainingError:
    """What cannot travel to another process is the person's: a module, a dataset or a loss."""
    told = str(error.__cause__ or error).replace('"', "").split("\n")  # loky gives a whole traceback
    reason = next((line for line in reversed(told) if line), type(error).__name__)
    return TrainingError(
        f"{bundle.tasks[0].member.architecture.label} or its data cannot be sent to worker processes "
        f"({reason}): with n_jobs=1 it is trained in this one."
    )


def _died(task: Task) -> str:
    return (
        f"A worker process died {ATTEMPTS} times while it trained {task.member.architecture.label}: is there "
        "enough memory? With n_jobs=1 it is trained in this process."
    )


def _give_up(task: Task) -> None:
    """Count a network that kills its worker as one that diverged: the others go on.

    Warns
    -----
    TrainingWarning
    """
    task.state.status = Status.DIVERGED
    warnings.warn(
        f"{_died(task)} It counts as one that diverged, and the others go on.",
        TrainingWarning,
        stacklevel=2,
    )


def _done(tasks: Sequence[Task]) -> tuple[int, float]:
    """Epochs that networks have trained together, and the seconds that they took."""
    return sum(task.state.epoch for task in tasks), sum(task.state.seconds for task in tasks)


@dataclass(frozen=True)
class _Work:
    """What a worker is told of one network, or of a stack of them."""

    stop: Path
    deadline: float
    bundle: Bundle
    device: torch.device


def _begin(problem: Problem, tensors: Path | None) -> None:
    """A worker's first call: its problem, with tensors mapped into memory. Ctrl+C is the parent's to see."""
    global _problem
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    examples = problem.examples
    if tensors is not None and isinstance(examples, TensorExamples):
        inputs = with_parts(examples.inputs, load_file(tensors))
        problem = replace(problem, examples=TensorExamples(inputs))
    _problem = problem


_problem: Problem | None = None  # a worker's


def _advance(work: _Work) -> list[State]:
    """In a worker: take one network, or a stack of them, further."""
    looked, stopped = 0.0, False

    def should_stop() -> bool:
        nonlocal looked, stopped
        now = time.monotonic()
        if now - looked > _WAIT:
            looked, stopped = now, work.stop.exists() or now >= work.deadline
        return stopped

    assert _problem is not None
    work.bundle.advance(_problem, work.device, should_stop)
    return [task.state for task in work.bundle.tasks]
