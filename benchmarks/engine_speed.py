"""taut against a PyTorch loop, scikit-learn and the limit of the matrix products: CPU seconds of an epoch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from engine_common import (
    CLASSES,
    COLUMNS,
    ROWS,
    SIZES,
    Taut,
    cpu_seconds,
    enough,
    make_table,
    medians,
    name_of,
    table,
)
from threadpoolctl import threadpool_limits

EVALUATIONS = 8
PRODUCTS = ((64, 32, 32), (256, 64, 64), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024))

# What the project set out to reach: times faster than the loop, share of the limit, and what to aim at.
BARS = {32: (15.0, 0.40, 0.60), 64: (5.0, 0.60, 0.75), 256: (1.6, 0.50, 0.75)}


@dataclass(frozen=True)
class Figures:
    """Seconds of one core per network and epoch."""

    hidden: tuple[int, ...]
    batch: int
    taut_s: float
    torch_loop_s: float
    sklearn_s: float
    limit_s: float
    eval_s: float

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "hidden": list(self.hidden)}


class TorchLoop:
    """What a person writes: tensors in memory, fused AdamW, no DataLoader."""

    def __init__(self, hidden: tuple[int, ...], batch: int) -> None:
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
        X, y = make_table(ROWS)
        self.X, self.y, self.batch = torch.from_numpy(X), torch.from_numpy(y).long(), batch
        layers: list[Any] = []
        for before, width in zip((COLUMNS, *hidden), hidden, strict=False):
            layers += [torch.nn.Linear(before, width), torch.nn.BatchNorm1d(width), torch.nn.ReLU()]
            layers += [torch.nn.Dropout(0.2)]
        self.net = torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1], CLASSES))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3, fused=True)
        self.loss = torch.nn.CrossEntropyLoss()

    def epochs(self, count: int) -> None:
        import torch

        self.net.train()
        for _ in range(count):
            order = torch.randperm(len(self.X))
            for start in range(0, len(order), self.batch):
                rows = order[start : start + self.batch]
                self.optimizer.zero_grad(set_to_none=True)
                self.loss(self.net(self.X[rows]), self.y[rows]).backward()
                self.optimizer.step()


class ScikitLearn:
    """MLPClassifier, gone on with from call to call; it has neither batch norm nor dropout."""

    def __init__(self, hidden: tuple[int, ...], batch: int) -> None:
        from sklearn.neural_network import MLPClassifier

        self.X, self.y = make_table(ROWS)
        self.net = MLPClassifier(
            hidden, solver="adam", batch_size=batch, warm_start=True, early_stopping=False, tol=0.0,
            n_iter_no_change=10**9, random_state=0,
        )  # fmt: skip

    def epochs(self, count: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            self.net.set_params(max_iter=count).fit(self.X, self.y)


def multiply_adds(hidden: tuple[int, ...]) -> int:
    """Floating-point operations of an epoch's matrix products; nobody needs the gradient of the inputs."""
    widths = (COLUMNS, *hidden, CLASSES)
    return sum(
        2 * ROWS * a * b * (3 if i else 2)
        for i, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True))
    )


class Product:
    """One matrix product of NumPy's BLAS in float32, into memory that is there."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        rng = np.random.default_rng(0)
        m, k, n = shape
        self.operations = 2 * m * k * n
        self.a = rng.standard_normal((m, k), dtype=np.float32)
        self.b = rng.standard_normal((k, n), dtype=np.float32)
        self.out = np.zeros((m, n), dtype=np.float32)

    def times(self, count: int) -> None:
        for _ in range(count):
            np.dot(self.a, self.b, out=self.out)


def measure(rounds: int) -> list[Figures]:
    """All in one run, one after another and that many times over, each on one core."""
    with threadpool_limits(1):
        products = [Product(shape) for shape in PRODUCTS]
        runs: list[tuple[Any, ...]] = []
        for hidden, batch in SIZES:
            alone, evaluating = Taut(hidden, batch), Taut(hidden, batch, evaluations=EVALUATIONS)
            runs.append(
                (
                    alone.epochs,
                    evaluating.epochs,
                    TorchLoop(hidden, batch).epochs,
                    ScikitLearn(hidden, batch).epochs,
                )
            )
        counts = [[enough(run, 0.3) for run in group] for group in runs]
        times = [enough(product.times, 0.05) for product in products]
        found: list[list[list[float]]] = [[[] for _ in group] for group in runs]
        rate = 0.0
        for _ in range(rounds):
            for place, (group, count) in enumerate(zip(runs, counts, strict=True)):
                for contender, (run, epochs) in enumerate(zip(group, count, strict=True)):
                    found[place][contender].append(cpu_seconds(run, epochs))
                for product, n in zip(products, times, strict=True):
                    rate = max(rate, product.operations / cpu_seconds(product.times, n))
    figures = []
    for (hidden, batch), lists in zip(SIZES, found, strict=True):
        alone_s, evaluating_s, torch_s, sklearn_s = medians(lists)
        eval_s = max(0.0, evaluating_s - alone_s) / EVALUATIONS
        figures.append(
            Figures(hidden, batch, alone_s, torch_s, sklearn_s, multiply_adds(hidden) / rate, eval_s)
        )
    return figures


def in_words(all_figures: list[Figures]) -> str:
    lines = []
    for f in all_figures:
        faster, share, aim = BARS[f.hidden[0]]
        lines.append([
            name_of(f.hidden, f.batch), f"{f.taut_s:.5f}", f"{f.torch_loop_s:.5f}", f"{f.sklearn_s:.5f}",
            f"{f.limit_s:.5f}", f"{f.eval_s:.5f}", f"{f.torch_loop_s / f.taut_s:.1f} (>= {faster:g})",
            f"{f.limit_s / f.taut_s:.2f} (>= {share:.2f}, aim {aim:.2f})",
            f"{f.sklearn_s / f.taut_s:.1f}", f"{f.eval_s / f.taut_s:.0%} (<= 25%)",
        ])  # fmt: skip
    head = ["hidden, batch", "taut s", "torch loop s", "sklearn s", "limit s", "eval s"]
    head += ["loop / taut", "share of the limit", "sklearn / taut", "eval / taut"]
    title = f"CPU seconds of one core per network and epoch, {ROWS} rows x {COLUMNS} columns, training alone"
    return table(title, head, lines)
