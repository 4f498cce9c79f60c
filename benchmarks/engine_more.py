"""What activations, evaluation and a second thread cost or gain."""

from __future__ import annotations

import os
import time

from engine_common import ROWS, SIZES, VALIDATION, Taut, enough, interleaved, medians, name_of, table
from engine_speed import EVALUATIONS
from threadpoolctl import threadpool_limits

from taut.engine.compiled.engine import CompiledEngine

MEMBERS = 32
ACTIVATIONS = ("relu", "silu", "gelu")


def activations(rounds: int) -> str:
    """silu and gelu against relu."""
    lines = []
    for hidden, batch in SIZES:
        nets = [Taut(hidden, batch, activation=activation) for activation in ACTIVATIONS]
        relu, silu, gelu = medians(interleaved([net.epochs for net in nets], rounds))
        lines.append([name_of(hidden, batch), f"{relu:.5f}", f"{silu / relu:.2f}", f"{gelu / relu:.2f}"])
    return table(
        "Activations (bar: 1.3 times relu)", ["hidden, batch", "relu s", "silu / relu", "gelu / relu"], lines
    )


def evaluation(rounds: int) -> str:
    """An epoch's evaluation, with the rows that five folds give."""
    lines = []
    for hidden, batch in SIZES:
        alone, evaluating = Taut(hidden, batch), Taut(hidden, batch, evaluations=EVALUATIONS)
        train_s, both_s = medians(interleaved([alone.epochs, evaluating.epochs], rounds))
        eval_s = (both_s - train_s) / EVALUATIONS
        lines.append([name_of(hidden, batch), f"{train_s:.5f}", f"{eval_s:.5f}", f"{eval_s / train_s:.0%}"])
    title = f"Evaluation of {VALIDATION} rows held out and {VALIDATION} of the {ROWS} in training (bar: 25%)"
    return table(title, ["hidden, batch", "train s", "evaluate s", "share"], lines)


def threads(rounds: int) -> str:
    """Two threads against one, in seconds of the clock, for some dozens of networks.

    Where other programs keep a core busy there is no gain; that the CPU seconds stay the same tells it from
    threads that wait for one another.
    """
    if (os.cpu_count() or 1) < 2:
        return "Two threads: this machine has one core.\n"
    lines = []
    with threadpool_limits(1):
        for hidden, batch in SIZES:
            nets = [Taut(hidden, batch, seed=seed) for seed in range(MEMBERS)]
            problem, trainings = nets[0].problem, [net.training[0] for net in nets]
            epochs = enough(nets[0].epochs, 1.0 / MEMBERS)
            wall: tuple[list[float], list[float]] = ([], [])
            cpu: tuple[list[float], list[float]] = ([], [])
            goal = max(training.epoch for training in trainings)
            CompiledEngine(1).train(problem, trainings, until_epoch=goal)
            for _ in range(rounds):
                for place, n_jobs in enumerate((1, 2)):
                    goal += epochs
                    started, used = time.perf_counter(), time.process_time()
                    CompiledEngine(n_jobs).train(problem, trainings, until_epoch=goal)
                    wall[place].append(time.perf_counter() - started)
                    cpu[place].append(time.process_time() - used)
            one, two = medians(wall)
            alone, both = medians(cpu)
            lines.append(
                [
                    name_of(hidden, batch),
                    f"{one:.3f}",
                    f"{two:.3f}",
                    f"{one / two:.2f}",
                    f"{both / alone:.2f}",
                ]
            )
    head = ["hidden, batch", "one thread s", "two threads s", "gain", "CPU, two / one"]
    return table("Two threads (bar: 1.85 times one)", head, lines)
