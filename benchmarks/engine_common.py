"""What the engine's benchmarks share: the task that is timed, and how."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Fold, Problem
from taut.learning.training import Member, Training
from taut.recipe import Recipe
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix
from taut.techniques import BatchNorm, Dropout

ROWS, COLUMNS, CLASSES = 4096, 32, 2
VALIDATION = ROWS // 4  # with five folds, four parts train and one is held out
SIZES: tuple[tuple[tuple[int, ...], int], ...] = (((32, 32), 64), ((64, 64), 256), ((256, 256), 256))
RECIPE = Recipe(BatchNorm(), Dropout(0.2))

Floats = Any


def make_table(rows: int = ROWS + VALIDATION, columns: int = COLUMNS) -> tuple[Floats, Floats]:
    """Numbers and a class that depends on them, with noise; float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, columns), dtype=np.float32)
    y = (X @ rng.standard_normal(columns) + 2.0 * rng.standard_normal(rows) > 0).astype(np.float32)
    return X, y


def problem_of(X: Floats, y: Floats) -> Problem:
    """The classes of rows of complete numbers."""
    columns = X.shape[1]
    matrix = Matrix(X, tuple(f"x{i}" for i in range(columns)), columns, ())
    return Problem(TableExamples(matrix), y, CrossEntropy(CLASSES))


def index(start: int, stop: int) -> Any:
    return np.arange(start, stop, dtype=np.int32)


class Taut:
    """A member in training that can be timed by the epoch."""

    def __init__(
        self,
        hidden: tuple[int, ...],
        batch: int,
        *,
        activation: Any = "relu",
        evaluations: int = 0,
        rows: int = ROWS,
        seed: int = 1,
    ) -> None:
        X, y = make_table(rows + VALIDATION)
        # As many times over as asked for: an evaluation is so short that one alone would drown in noise.
        held_out = np.tile(index(rows, rows + VALIDATION), evaluations)
        sample = np.tile(index(0, VALIDATION), evaluations)
        fold = Fold(index(0, rows), held_out, sample)
        self.member = Member(MLP(hidden, activation), RECIPE.hooks(), fold, 1e-3, batch, 10**9, seed)
        self.problem = problem_of(X, y)
        self.engine = CompiledEngine(n_jobs=1)
        self.training: list[Training] = self.engine.train(self.problem, [self.member], until_epoch=2)

    def epochs(self, count: int) -> None:
        """Continue for so many epochs."""
        goal = self.training[0].epoch + count
        self.engine.train(self.problem, self.training, until_epoch=goal)


def cpu_seconds(run: Callable[[int], object], count: int) -> float:
    """CPU seconds per unit of work."""
    started = time.process_time()
    run(count)
    return (time.process_time() - started) / count


def enough(run: Callable[[int], object], seconds: float) -> int:
    """How many units of work take about so long."""
    count = 1
    while True:
        took = cpu_seconds(run, count) * count
        if took > seconds / 4:
            return max(1, round(count * seconds / took))
        count *= 2


def interleaved(
    runs: Sequence[Callable[[int], object]], rounds: int, seconds: float = 0.3
) -> tuple[list[float], ...]:
    """CPU seconds per unit of work, all runs one after another and that many times over."""
    counts = [enough(run, seconds) for run in runs]
    found: tuple[list[float], ...] = tuple([] for _ in runs)
    for _ in range(rounds):
        for place, (run, count) in enumerate(zip(runs, counts, strict=True)):
            found[place].append(cpu_seconds(run, count))
    return found


def medians(lists: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.median(values) for values in lists]


def name_of(hidden: Sequence[int], batch: int) -> str:
    return f"{'-'.join(map(str, hidden))}, {batch}"


def table(title: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in plain text."""
    cells = [list(head), *map(list, lines)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    rows = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join([title, "", *rows, ""])
