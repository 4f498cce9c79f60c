"""Small things that the engine's tests share."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import erf, expit

from taut.engine.compiled.fitted import FittedMLP, FoldFit
from taut.engine.torch.architecture import Module
from taut.engine.torch.engine import TorchEngine
from taut.engine.torch.examples import TensorExamples
from taut.engine.torch.plan import find_plan
from taut.engine.torch.training import FittedModule
from taut.engine.torch.workers import InProcess, Processes
from taut.learning.architecture import MLP
from taut.learning.objective import Task, objective_of
from taut.learning.problem import Fold, Problem
from taut.learning.training import Member
from taut.recipe import Recipe
from taut.table.encoder import Encoder
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix

TASKS: tuple[Task, ...] = ("classification", "regression")


def plain_encoder(n_columns: int) -> Encoder:
    """An encoder for complete numbers that are already on one scale."""
    return Encoder(
        n_numbers=n_columns,
        center=np.zeros(n_columns, dtype=np.float32),
        scale=np.ones(n_columns, dtype=np.float32),
        flags=np.empty(0, dtype=np.int32),
        category_start=np.zeros(1, dtype=np.int32),
        category_feature=np.empty(0, dtype=np.int32),
        names=tuple(f"x{i}" for i in range(n_columns)),
    )


def numbers(values: NDArray[Any]) -> TableExamples:
    """Complete numbers as a table's rows."""
    n_columns = values.shape[1]
    return TableExamples(Matrix(values, tuple(f"x{i}" for i in range(n_columns)), n_columns, ()))


def make_problem(
    n: int = 200,
    p: int = 5,
    task: Task = "classification",
    n_outputs: int = 3,
    *,
    seed: int = 0,
    **weights: Any,
) -> Problem:
    """A table with something to learn in its first columns, and noise."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, p)).astype(np.float32)
    signal = values[:, 0] - values[:, 1 % p] ** 2 + 0.5 * rng.standard_normal(n)
    if task == "regression":
        target = 20.0 + 3.0 * signal
    else:
        edges = np.quantile(signal, np.linspace(0, 1, n_outputs + 1)[1:-1])
        target = np.searchsorted(edges, signal).astype(float)
    return Problem(numbers(values), target, objective_of(task, n_outputs), **weights)


def rows(start: int, stop: int) -> NDArray[np.int32]:
    return np.arange(start, stop, dtype=np.int32)


def make_fold(
    problem: Problem, n_train: int = 100, *, n_validation: int | None = None, n_sample: int = 40
) -> Fold:
    """The first rows train, those after them are held out."""
    n = len(problem)
    end = n if n_validation is None else n_train + n_validation
    train = rows(0, n_train)
    return Fold(train, rows(n_train, end), train[:n_sample])


def plain_fit(problem: Problem, fold: Fold, n_bins: int = 0) -> FoldFit:
    """In place of ``fit_fold``: the numbers as they are, no biases to start from, weights left aside."""
    encoder = plain_encoder(problem.examples.n_columns)
    if problem.objective.n_classes:
        return FoldFit(encoder)
    target = problem.target[fold.train]
    return FoldFit(encoder, float(target.mean()), float(target.std()))


def make_member(
    problem: Problem, recipe: Recipe | None = None, *, hidden: tuple[int, ...] = (8, 20),
    activation: Any = "relu", fold: Fold | None = None, learning_rate: float = 0.03, batch_size: int = 32,
    max_epochs: int = 8, seed: int = 1, keep_losses: bool = False,
) -> Member:  # fmt: skip
    architecture, hooks = MLP(hidden, activation), (recipe or Recipe()).hooks()
    fold = fold or make_fold(problem)
    return Member(architecture, hooks, fold, learning_rate, batch_size, max_epochs, seed, keep_losses)


def assert_same_weights(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Bit for bit, NaN included."""
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


def assert_same_curves(a: Any, b: Any) -> None:
    for name in ("train", "validation", "correct"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def assert_same(a: Any, b: Any) -> None:
    """Two trainings are the same, bit for bit."""
    assert (a.epoch, a.best_epoch, a.status) == (b.epoch, b.best_epoch, b.status)
    for which in ("kept", "last"):
        assert_same_weights(a.weights(which), b.weights(which))
    assert_same_curves(a.curve, b.curve)
    if a.member.keep_losses and b.member.keep_losses:
        for epoch in range(1, a.epoch + 1):
            assert a.losses(epoch).tobytes() == b.losses(epoch).tobytes(), epoch


ACTIVATIONS: dict[str, Any] = {
    "relu": lambda y: np.maximum(y, 0.0),
    "silu": lambda y: y * expit(y),
    "gelu": lambda y: y * 0.5 * (1.0 + erf(y / np.sqrt(2.0))),
}


def outputs(
    fitted: FittedMLP | FittedModule, examples: TableExamples, chosen: NDArray[Any]
) -> NDArray[np.float64]:
    """What a network gives in evaluation mode, by the book and in float64, in the table's units."""
    if isinstance(fitted, FittedModule):
        with torch.no_grad():
            found: NDArray[np.float64] = (
                fitted.module().double()(tensors(examples).inputs[chosen].double()).numpy()
            )
        return found
    w = {name: array.astype(np.float64) for name, array in fitted.weights.items()}
    x = fitted.encoder.transform(examples.matrix.values, chosen).astype(np.float64)
    n_hidden = len(fitted.network.hidden)
    for i in range(n_hidden):
        z = x @ w[f"layers.{i}.weight"]
        if fitted.normalize:
            z = (z - w[f"layers.{i}.mean"]) / np.sqrt(w[f"layers.{i}.variance"] + 1e-5)
            z = z * w[f"layers.{i}.gain"]
        x = ACTIVATIONS[fitted.network.activation](z + w[f"layers.{i}.bias"])
    z = x @ w[f"layers.{n_hidden}.weight"] + w[f"layers.{n_hidden}.bias"]
    return z * fitted.scale + fitted.center


def each_loss(problem: Problem, z: NDArray[Any], chosen: NDArray[Any]) -> Any:
    """The loss of every row, by the book."""
    z = z.astype(np.float64)
    target = problem.target[chosen]
    if problem.objective.task == "regression":
        return (z[:, 0] - target) ** 2
    top = z.max(axis=1, keepdims=True)
    return np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[np.arange(len(z)), target.astype(int)]


def mean_loss(problem: Problem, z: NDArray[Any], chosen: NDArray[Any]) -> tuple[float, float]:
    """The weighted mean loss of outputs, and the weighted share of correct."""
    weight = np.ones(len(chosen)) if problem.score_weight is None else problem.score_weight[chosen]
    loss = float(np.average(each_loss(problem, z, chosen), weights=weight))
    if problem.objective.task == "regression":
        return loss, 0.0
    correct = z.argmax(axis=1) == problem.target[chosen]
    return loss, float(np.average(correct, weights=weight))


class Layers(torch.nn.Module):
    """The network that taut builds, as a person's module with the same names."""

    def __init__(self, widths: tuple[int, ...], activation: str) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in pairwise(widths))
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            x = getattr(torch.nn.functional, self.activation)(layer(x))
        found: torch.Tensor = self.layers[-1](x)
        return found


class ModuleEngine:
    """The PyTorch engine, given tables and ``MLP`` as the compiled one is: for the laws that both keep."""

    stack = False

    def __init__(self, n_jobs: int) -> None:
        stack = self.stack
        executor = InProcess(stack=stack) if n_jobs == 1 else Processes(n_jobs, stack=stack)
        self.engine = TorchEngine(executor=executor)

    def prepare(self) -> None:
        self.engine.prepare()

    def train(self, problem: Problem, members: Any, **how: Any) -> Any:
        trained = module_problem(problem)
        return self.engine.train(
            trained, [module_member(trained, m) if isinstance(m, Member) else m for m in members], **how
        )

    def predict(self, examples: Any, fitted: Any, chosen: Any = None) -> Any:
        return self.engine.predict(tensors(examples), fitted, chosen)


class StackedEngine(ModuleEngine):
    """The same, with small networks many at a time."""

    stack = True


_PROBLEMS: dict[int, tuple[Problem, Problem]] = {}
_ARCHITECTURES: dict[Any, Module] = {}


def module_problem(problem: Problem) -> Problem:
    """The same rows as tensors; one object for one problem, as what is checked of it is kept."""
    if id(problem) not in _PROBLEMS:
        _PROBLEMS.clear()
        _PROBLEMS[id(problem)] = problem, replace(problem, examples=tensors(problem.examples))
    return _PROBLEMS[id(problem)][1]


def tensors(examples: Any) -> TensorExamples:
    return TensorExamples(torch.from_numpy(np.ascontiguousarray(examples.matrix.values)))


def module_member(problem: Problem, member: Member) -> Member:
    """The same member with its network as a module."""
    if isinstance(member.architecture, Module):
        return member
    mlp: Any = member.architecture
    examples: Any = problem.examples
    widths = (examples.inputs.shape[1], *mlp.hidden, problem.objective.n_outputs)
    key = widths, mlp.activation
    if key not in _ARCHITECTURES:
        make = partial(Layers, *key)
        _ARCHITECTURES[key] = Module(make, find_plan(make(), examples.inputs[:4]), "Layers")
    return replace(member, architecture=_ARCHITECTURES[key])


class AfterLooks(threading.Event):
    """An event that is set once it has been looked at so many times: an interruption at a known place."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return super().is_set() or self.looks < 0
