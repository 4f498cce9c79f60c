"""What activations, evaluation and a second thread cost or gain."""

from __future__ import annotations

import os
import time

from engine_common import ROWS, SIZES, VALIDATION, Taut, enough, interleaved, medians, name_of, table
from engine_speed import EVALUATIONS
from threadpoolctl import threadpool_limits

from taut.engine.compiled.engine import CompiledEngine

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
    """Two threads against one, in seconds of the clock, for eight networks."""
    if (os.cpu_count() or 1) < 2:
        return "Two threads: this machine has one core.\n"
    lines = []
    with threadpool_limits(1):
        for hidden, batch in SIZES:
            nets = [Taut(hidden, batch, seed=seed) for seed in range(8)]
            data, trainings = nets[0].data, [net.training[0] for net in nets]
            epochs = max(1, enough(nets[0].epochs, 0.1))
            seconds: tuple[list[float], list[float]] = ([], [])
            goal = max(training.epoch for training in trainings)
            CompiledEngine(1).train(data, trainings, until_epoch=goal)
            for _ in range(rounds):
                for n_jobs in (1, 2):
                    goal += epochs
                    started = time.perf_counter()
                    CompiledEngine(n_jobs).train(data, trainings, until_epoch=goal)
                    seconds[n_jobs - 1].append(time.perf_counter() - started)
            one, two = medians(seconds)
            lines.append([name_of(hidden, batch), f"{one:.3f}", f"{two:.3f}", f"{one / two:.2f}"])
    head = ["hidden, batch", "one thread s", "two threads s", "gain"]
    return table("Two threads (bar: 1.85 times one)", head, lines)
