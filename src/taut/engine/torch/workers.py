"""What runs members: this process, or one worker process a core.

The one boundary between what is trained and where: an executor is given tasks and says when each is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

import torch

from taut.engine.torch.training import State, advance
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
