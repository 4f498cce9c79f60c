"""What taut's selection is compared with: networks that a plain PyTorch loop trains, in two processes.

The loop is what a good engineer writes: tensors in memory, fused AdamW with decoupled weight decay on the
weights alone, one shuffle an epoch, evaluation without gradients, early stopping that keeps the best weights.
PyTorch's own initial weights and no warm-up, as people have them. Both sides see the same encoded features:
preprocessing is no part of a comparison.
"""

from __future__ import annotations

import math
import os
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.engine.compiled.fitted import FoldFit, fit_fold, table_of
from taut.learning.architecture import MLP
from taut.learning.problem import Fold, Problem
from taut.selection.candidate import Candidate

# --- the table, as a person has it after preprocessing ------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of one fold: features float32 (n, n_features), and class numbers (n,) or values (n, 1)."""

    X: NDArray[np.float32]
    y: NDArray[Any]


@dataclass(frozen=True, eq=False)
class FoldArrays:
    """One fold; ``sample`` are some of the training rows, and a loss times ``factor`` is in taut's units."""

    train: Part
    validation: Part
    sample: Part
    task: Literal["classification", "regression"]
    n_outputs: int
    factor: float


def encoded(problem: Problem, folds: Sequence[Fold]) -> list[FoldArrays]:
    """The folds as arrays, features and target as taut's networks see them."""
    if problem.fit_weight is not None or problem.score_weight is not None:
        raise ValueError("The reference knows no weights of rows: give a problem without them.")
    values, objective = table_of(problem).matrix.values, problem.objective

    def part(fit: FoldFit, rows: Any) -> Part:
        X, y = fit.encoder.transform(values, rows), problem.target[rows]
        if objective.n_classes:
            return Part(X, y.astype(np.int64))
        return Part(X, ((y - fit.center) / fit.scale).astype(np.float32)[:, None])

    return [
        FoldArrays(
            part(fit, fold.train), part(fit, fold.validation), part(fit, fold.sample), objective.task,
            objective.n_outputs, fit.scale**2,
        )
        for fold in folds
        for fit in [fit_fold(problem, fold)]
    ]  # fmt: skip


# --- one network in PyTorch ---------------------------------------------------------------------------------


class TorchFold:
    """A fold's arrays as tensors, made once a process."""

    def __init__(self, fold: FoldArrays) -> None:
        import torch

        self.arrays = fold
        self.train, self.validation, self.sample = (
            (torch.from_numpy(part.X), torch.from_numpy(part.y))
            for part in (fold.train, fold.validation, fold.sample)
        )


class TorchTraining:
    """One network with a candidate's recipe, learning rate and widths (relu).

    ``train`` and ``validation`` are its losses by epoch in evaluation mode and in taut's units.
    """

    def __init__(self, candidate: Candidate, fold: TorchFold, batch_size: int, seed: int) -> None:
        import torch

        torch.manual_seed(seed)
        recipe, arrays = candidate.recipe, fold.arrays
        self.fold, self.batch_size = fold, batch_size
        self.net = network(recipe, arrays.train.X.shape[1], candidate.architecture.widths, arrays.n_outputs)
        classes = arrays.task == "classification"
        self.loss: Any = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
        layers = [layer for layer in self.net if isinstance(layer, torch.nn.Linear)]
        self.weights = [layer.weight for layer in layers]
        decay, parameters = strength_of(recipe, L2), list(self.net.parameters())
        groups: list[dict[str, Any]] = [{"params": parameters, "weight_decay": 0.0}]
        if decay:  # a second group costs 5 % of a step
            decayed = set(map(id, self.weights))
            groups = [
                {"params": self.weights, "weight_decay": decay},
                {"params": [p for p in parameters if id(p) not in decayed], "weight_decay": 0.0},
            ]
        self.optimizer = torch.optim.AdamW(groups, lr=candidate.learning_rate, fused=True)
        self.l1_amount = candidate.learning_rate * strength_of(recipe, L1)
        self.train: list[float] = []
        self.validation: list[float] = []
        self.best_epoch = 0
        self.best_loss = math.inf

    def run(
        self, max_epochs: int, patience: int, after_epoch: Callable[[int, float], None] | None = None
    ) -> None:
        """Train to the end of the patience, and go back to the best epoch's weights.

        ``after_epoch`` is called with the epoch, from 1, and its validation loss.
        """
        best: dict[str, Any] = {}
        for epoch in range(1, max_epochs + 1):
            self._train_epoch()
            self.train.append(self.evaluate(*self.fold.sample))
            self.validation.append(self.evaluate(*self.fold.validation))
            if not math.isfinite(self.validation[-1]):
                break
            if self.validation[-1] < self.best_loss:
                self.best_loss, self.best_epoch = self.validation[-1], epoch
                best = {name: value.clone() for name, value in self.net.state_dict().items()}
            elif epoch - self.best_epoch >= patience:
                break
            if after_epoch:
                after_epoch(epoch, self.validation[-1])
        if best:
            self.net.load_state_dict(best)

    def _train_epoch(self) -> None:
        import torch

        net, loss, optimizer = self.net, self.loss, self.optimizer
        X, y = self.fold.train
        order = torch.randperm(len(X))
        sizes = batch_sizes(len(X), self.batch_size)
        batches = zip(torch.split(X[order], sizes), torch.split(y[order], sizes), strict=True)
        net.train()
        for X_batch, y_batch in batches:
            optimizer.zero_grad()
            loss(net(X_batch), y_batch).backward()
            optimizer.step()
            if self.l1_amount:
                self._shrink()

    def _shrink(self) -> None:
        """The proximal step of L1: every weight towards zero, and no further."""
        import torch

        with torch.no_grad():
            for w in self.weights:
                w.copy_(torch.nn.functional.softshrink(w, self.l1_amount))

    def evaluate(self, X: Any, y: Any) -> float:
        """The mean loss without penalty."""
        import torch

        self.net.eval()
        with torch.inference_mode():
            return float(self.loss(self.net(X), y)) * self.fold.arrays.factor


def network(recipe: Recipe, n_inputs: int, hidden: tuple[int, ...], n_outputs: int) -> Any:
    """Dense, batch norm, relu, dropout for each hidden layer; then a dense one."""
    from torch import nn

    dropout, normalize = recipe.get(Dropout), bool(strength_of(recipe, BatchNorm))
    if dropout is not None and dropout.input_rate:
        raise ValueError(f"The reference has no dropout of its inputs, and this is {dropout!r}.")
    rate = strength_of(recipe, Dropout)
    layers: list[Any] = []
    for before, width in pairwise((n_inputs, *hidden)):
        layers.append(nn.Linear(before, width, bias=not normalize))
        if normalize:
            layers.append(nn.BatchNorm1d(width))
        layers.append(nn.ReLU())
        if rate:
            layers.append(nn.Dropout(rate))
    return nn.Sequential(*layers, nn.Linear((n_inputs, *hidden)[-1], n_outputs))


def strength_of(recipe: Recipe, kind: type[Any]) -> float:
    """A technique's strength, 0 where the recipe has none."""
    found = recipe.get(kind)
    return 0.0 if found is None else float(found.strength)


def batch_sizes(n: int, size: int) -> list[int]:
    """Whole batches and the rest; a rest of one row, which batch norm refuses, joins the batch before it."""
    sizes = [size] * (n // size) + ([n % size] if n % size else [])
    if len(sizes) > 1 and sizes[-1] == 1:
        sizes[-2:] = [size + 1]
    return sizes


# --- processes ----------------------------------------------------------------------------------------------

Take = Callable[[], int]
Send = Callable[[Any], None]
#: Called in each process with its number, a counter that all share, and the arguments; gives the work.
Prepare = Callable[..., Callable[[Send], None]]

_START_SECONDS = 300.0


def in_processes(prepare: Prepare, *arguments: Any, n_processes: int = 2) -> Iterator[tuple[float, Any]]:
    """Work in fresh processes, one PyTorch thread each; yields what they send, and when (in seconds).

    The clock starts when every process has imported, prepared and warmed up. Ends the processes where the
    caller stops listening.
    """
    context = get_context(
        "spawn"
    )  # a fork would inherit the threads of BLAS and Numba in who knows what state
    results, start, taken = context.Queue(), context.Barrier(n_processes + 1), context.Value("q", 0)
    team = [
        context.Process(target=_process, args=(prepare, i, arguments, taken, start, results), daemon=True)
        for i in range(n_processes)
    ]
    try:
        for process in team:
            process.start()
        try:
            start.wait(_START_SECONDS)
        except threading.BrokenBarrierError:
            raise RuntimeError("a process of the reference failed before it began") from _why(results)
        running = n_processes
        while running:
            try:
                what, seconds, value = results.get(timeout=5.0)
            except queue.Empty:
                if not all(process.is_alive() or process.exitcode == 0 for process in team):
                    raise RuntimeError("a process of the reference was killed") from None
                continue
            if what == "failed":
                raise RuntimeError(f"a process of the reference failed:\n{value}")
            if what == "ended":
                running -= 1
            else:
                yield seconds, value
    finally:
        for process in team:
            if process.is_alive():
                process.terminate()
            if process.pid is not None:
                process.join()


def _why(results: Any) -> Exception | None:
    """What a process said before it gave up."""
    try:
        return RuntimeError(results.get(timeout=5.0)[2])
    except queue.Empty:
        return None


def _process(
    prepare: Prepare, place: int, arguments: tuple[Any, ...], taken: Any, start: Any, results: Any
) -> None:
    """One process, from its imports to the end of its work."""
    try:
        os.environ["OMP_NUM_THREADS"] = "1"
        import torch

        torch.set_num_threads(1)

        def take() -> int:
            with taken.get_lock():
                taken.value += 1
                return int(taken.value) - 1

        work = prepare(place, take, *arguments)
        _warm_up()
        start.wait(_START_SECONDS)
        started = time.perf_counter()
        work(lambda value: results.put(("value", time.perf_counter() - started, value)))
        results.put(("ended", time.perf_counter() - started, None))
    except Exception:
        results.put(("failed", 0.0, traceback.format_exc()))
        start.abort()


def _warm_up() -> None:
    """Train a small network once: what PyTorch does at first use is start-up."""
    rng = np.random.default_rng(0)
    part = Part(rng.standard_normal((128, 4), dtype=np.float32), rng.integers(0, 2, 128))
    fold = TorchFold(FoldArrays(part, part, part, "classification", 2, 1.0))
    recipe = Recipe(L2(0.1), L1(0.01), Dropout(0.1), BatchNorm(), EarlyStopping())
    TorchTraining(Candidate(recipe, 1e-3, MLP((8, 8))), fold, 64, 0).run(5, 5)
