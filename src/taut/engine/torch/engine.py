"""The engine for any PyTorch module."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from torch.random import fork_rng

from taut.engine.torch.examples import Inputs, call
from taut.engine.torch.objective import as_rows, outputs_of
from taut.engine.torch.training import FittedModule, TorchTraining, module_of, new_state
from taut.engine.torch.workers import Executor, InProcess, Task
from taut.learning.engine import Engine
from taut.learning.examples import Examples, Indices
from taut.learning.objective import Floats
from taut.learning.problem import Problem
from taut.learning.training import Control, Fitted, Member, Status, Training

_PREDICTED = 1024  # rows at a time


@final
class TorchEngine(Engine):
    """Trains modules, each on one thread of PyTorch's, several side by side where there are workers.

    Parameters
    ----------
    device : torch.device
    executor : Executor, optional
        Where members run; in this process without it.
    """

    def __init__(self, device: torch.device | None = None, executor: Executor | None = None) -> None:
        self.device = torch.device("cpu") if device is None else device
        self.executor: Executor = InProcess() if executor is None else executor

    @property
    def threads(self) -> int:
        """How many members it trains at a time."""
        return self.executor.n_workers

    @property
    def replays_exactly(self) -> bool:
        """On a processor, as each member has one thread and named random numbers; a GPU adds in any order."""
        return self.device.type == "cpu"

    def memory(self, problem: Problem, member: Member) -> int:
        """Its numbers, their slopes, the optimizer's two moments, and the best or every epoch's."""
        kept = 1 if self.replays_exactly else member.max_epochs
        return 4 * (4 + kept) * module_of(member).plan.n_parameters

    def n_parameters(self, problem: Problem, member: Member) -> int:
        """Numbers that training changes."""
        return module_of(member).plan.n_parameters

    def train(
        self,
        problem: Problem,
        members: Sequence[Member | Training],
        *,
        until_epoch: int | Sequence[int] | None = None,
        respect_patience: bool | None = None,
        control: Control | None = None,
    ) -> list[Training]:
        """Train members from the start or from where they stand; see :class:`Engine`."""
        control = control or Control()
        trainings = [self._training(one, problem) for one in members]
        goals = until_epoch if isinstance(until_epoch, Sequence) else [until_epoch] * len(trainings)
        patient = until_epoch is None if respect_patience is None else respect_patience
        tasks = []
        for index, (training, goal) in enumerate(zip(trainings, goals, strict=True)):
            reach = training.member.max_epochs if goal is None else goal
            tasks.append(Task(index, training.member, training.state, reach, patient))

        def done(task: Task) -> None:
            training = trainings[task.index]
            training.state = task.state
            ended = training.status is not Status.RUNNING or training.epoch >= task.goal
            if ended and control.on_done:
                control.on_done(task.index)

        with unchanged():
            self.executor.run(problem, tasks, self.device, control, done)
        return list(trainings)

    def _training(self, one: Member | Training, problem: Problem) -> TorchTraining:
        if isinstance(one, Member):
            state = new_state(one, keep_epochs=not self.replays_exactly)
            return TorchTraining(one, state, problem.objective)
        if isinstance(one, TorchTraining):
            return one
        raise TypeError(f"a {type(one).__name__} comes from another engine and cannot be continued here")

    def predict(self, examples: Examples, fitted: Fitted, rows: Indices | None = None) -> Floats:
        """Outputs: shape (n, n_outputs)."""
        if not isinstance(fitted, FittedModule):
            raise TypeError(f"the PyTorch engine predicts with modules, not with a {type(fitted).__name__}")
        chosen = np.arange(len(examples)) if rows is None else rows
        with unchanged():
            found = outputs(fitted, examples, chosen, self.device)
        return found


def outputs(fitted: FittedModule, examples: Any, rows: Any, device: torch.device) -> Floats:
    """A module's outputs in evaluation mode for some examples: shape (n, n_outputs)."""
    module = fitted.module().to(device)
    objective = fitted.objective
    parts = []
    with torch.no_grad():
        for some in torch.split(torch.from_numpy(np.asarray(rows, dtype=np.int64)), _PREDICTED):
            inputs: Inputs = examples.batch(some, device, training=False)
            found = outputs_of(call(module, inputs), objective, fitted.architecture.name)
            parts.append(as_rows(found))
    result: Floats = torch.cat(parts).numpy()
    return result


@contextmanager
def unchanged() -> Iterator[None]:
    """Leave the caller's random streams and number of threads as they were; one thread meanwhile.

    A dataset may draw from NumPy's and Python's streams too. Two threads on a busy machine made a small
    network twenty times slower.
    """
    threads = torch.get_num_threads()
    of_numpy, of_python = np.random.get_state(), random.getstate()
    with fork_rng(devices=[]):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            np.random.set_state(of_numpy)
            random.setstate(of_python)
