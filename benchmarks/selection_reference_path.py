"""How long a plain PyTorch loop takes for networks of a path, in two processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from selection_reference import FoldArrays, Send, Take, TorchFold, TorchTraining, in_processes

from taut.selection.candidate import Candidate


@dataclass(frozen=True)
class Job:
    """One network of the path: its candidate, its fold's number, and the epochs that taut's network took."""

    candidate: Candidate
    fold: int
    epochs: int
    seed: int = 0


@dataclass(frozen=True)
class PathTime:
    """Wall seconds for all jobs, start-up and imports left out; each network's lowest validation loss.

    ``cpu_seconds`` of all processes: where they are well below ``seconds`` times the processes, somebody else
    had the cores.
    """

    seconds: float
    cpu_seconds: float
    losses: tuple[float, ...]


def spread(jobs: Sequence[Job], count: int) -> list[Job]:
    """So many of the networks, evenly spaced by their epochs, so that their mean is about that of all."""
    ordered = sorted(jobs, key=lambda job: job.epochs)
    return [ordered[int((i + 0.5) * len(ordered) / count)] for i in range(count)]


def time_path(
    folds: Sequence[FoldArrays], jobs: Sequence[Job], *, batch_size: int = 64, n_processes: int = 2
) -> PathTime:
    """Train the networks, exactly as many epochs as asked for, and say how long it took.

    Every epoch evaluates the sample of training rows and the validation rows and keeps the best weights, as
    with early stopping; the patience alone is not heeded, for the number of epochs is given. The longest come
    first, so that no process is left alone with a long one.
    """
    order = sorted(range(len(jobs)), key=lambda i: -jobs[i].epochs)
    sent = list(in_processes(_prepare, list(folds), list(jobs), order, batch_size, n_processes=n_processes))
    found = {index: (loss, cpu) for _, (index, loss, cpu) in sent}
    return PathTime(
        seconds=max(seconds for seconds, _ in sent),
        cpu_seconds=sum(cpu for _, cpu in found.values()),
        losses=tuple(found[i][0] for i in range(len(jobs))),
    )


def _prepare(
    place: int, take: Take, folds: list[FoldArrays], jobs: list[Job], order: list[int], batch_size: int
) -> Callable[[Send], None]:
    tensors = [TorchFold(fold) for fold in folds]

    def work(send: Send) -> None:
        while (turn := take()) < len(jobs):
            started = time.process_time()
            job = jobs[order[turn]]
            training = TorchTraining(job.candidate, tensors[job.fold], batch_size, job.seed)
            training.run(job.epochs, patience=job.epochs)
            send((order[turn], training.best_loss, time.process_time() - started))

    return work
