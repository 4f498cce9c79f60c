"""Small things that the tests of selection share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Control, Curve, Data, Engine, Fold, Member, Status, Training
from taut.recipe import Recipe
from taut.selection.candidates import Proposer
from taut.selection.folds import cross_validation_splits, make_folds
from taut.selection.score import CandidateScore
from taut.selection.search import Search, Settings
from taut.table.matrices import Matrix, matrix_from_numbers
from taut.techniques.base import Hooks


def apart(n: int) -> NDArray[np.int64]:
    """No two rows are identical."""
    return np.arange(n)


def table(
    n: int = 240,
    p: int = 4,
    task: Any = "classification",
    *,
    seed: int = 0,
    noise: float = 0.7,
    **weights: Any,
) -> tuple[Data, Matrix]:
    """Continuous columns, the first two of which matter; three classes, or a value around 20."""
    rng = np.random.default_rng(seed)
    _, matrix = matrix_from_numbers(rng.standard_normal((n, p)).astype(np.float32))
    signal = matrix.values[:, 0] - matrix.values[:, 1] ** 2 + noise * rng.standard_normal(n)
    if task == "regression":
        return Data(matrix.values, (20.0 + 3.0 * signal).astype(np.float32), task, 1, **weights), matrix
    target = np.digitize(signal, np.quantile(signal, [1 / 3, 2 / 3])).astype(np.float32)
    return Data(matrix.values, target, task, 3, **weights), matrix


def folds_of(data: Data, matrix: Matrix, cv: int = 3, seed: int = 0) -> list[Fold]:
    target = data.target.astype(np.int64) if data.task == "classification" else data.target
    splits = cross_validation_splits(cv, target, None, data.task, seed, apart(len(target)))
    return make_folds(splits, data, matrix, seed)


def settings(**changes: Any) -> Settings:
    usual: dict[str, Any] = {
        "hidden": (8,), "activation": "relu", "learning_rate": 0.01, "batch_size": 32,
        "max_epochs": 60, "seed": 0,
    }  # fmt: skip
    return Settings(**{**usual, **changes})


@final
@dataclass
class Fixed(Proposer):
    """Proposes these recipes and no others, and remembers what it was told."""

    recipes: Sequence[Recipe]
    told: list[CandidateScore] = field(default_factory=list)
    asked: int = 0

    def ask(self, n: int) -> Sequence[Recipe]:
        some = self.recipes[self.asked : self.asked + n]
        self.asked += len(some)
        return some

    def tell(self, scores: Sequence[CandidateScore]) -> None:
        self.told += scores


def search(engine: Any, recipes: Sequence[Recipe], task: Any = "classification", **changes: Any) -> Search:
    """A search over these recipes on a small table; ``changes`` are Settings, or Search's own."""
    own = {name: changes.pop(name) for name in ("deadline", "batch_size_", "on_progress") if name in changes}
    if "batch_size_" in own:  # candidates at a time; Settings has a batch size too
        own["batch_size"] = own.pop("batch_size_")
    data, matrix = changes.pop("given", None) or table(task=task)
    return Search(engine, data, folds_of(data, matrix), settings(**changes), Fixed(recipes), **own)


def curve(validation: Any, train: Any = None, hits: Any = None) -> Curve:
    validation = np.asarray(validation, dtype=np.float64)
    return Curve(
        validation / 2 if train is None else np.asarray(train, dtype=np.float64),
        validation,
        1.0 - validation / 10 if hits is None else np.asarray(hits, dtype=np.float64),
    )


def bits(trained: Any) -> dict[str, bytes]:
    """A network's numbers, to be compared bit for bit."""
    return {name: array.tobytes() for name, array in trained.weights.items()}


Losses = Callable[[Hooks, int], Sequence[float]]


@final
class ScriptedTraining(Training):
    """A training whose validation losses were written beforehand; where they are NaN, it diverges."""

    seconds = 0.0

    def __init__(self, member: Member, losses: Sequence[float]) -> None:
        self._member, self.losses, self._epoch, self._status = member, losses, 0, Status.RUNNING

    member = property(lambda self: self._member)
    epoch = property(lambda self: self._epoch)
    status = property(lambda self: self._status)

    @property
    def best_epoch(self) -> int:
        if self._member.hooks.patience is None:
            return self._epoch
        return int(np.argmin(self.losses[: self._epoch])) + 1 if self._epoch else 0

    @property
    def curve(self) -> Curve:
        return curve(self.losses[: self._epoch])

    def weights(self, which: Any = "kept") -> Any:
        epoch = self.best_epoch if which == "kept" else self._epoch
        return {"layers.0.weight": np.full((1, 1), epoch, dtype=np.float32)}

    def go_on(self, goal: int, heed_patience: bool, control: Control) -> None:
        if not heed_patience and self._status is Status.STOPPED and self._epoch < goal:
            self._status = Status.RUNNING
        while self._status is Status.RUNNING and self._epoch < goal and not control.should_stop():
            if np.isnan(self.losses[self._epoch]):
                self._status = Status.DIVERGED
                return
            self._epoch += 1
            patience = self._member.hooks.patience
            if heed_patience and patience and self._epoch - self.best_epoch >= patience:
                self._status = Status.STOPPED


@final
class ScriptedEngine(Engine):
    """Gives the losses that a function says for a recipe's hooks and a fold's number."""

    threads = 1

    def __init__(self, losses: Losses, folds: Sequence[Fold]) -> None:
        self.losses, self.folds = losses, list(folds)
        self.calls: list[int | Sequence[int] | None] = []  # the goals of every call

    def train(
        self,
        data: Any,
        members: Any,
        *,
        until_epoch: Any = None,
        heed_patience: Any = None,
        control: Any = None,
    ) -> list[Training]:
        self.calls.append(until_epoch)
        heed = until_epoch is None if heed_patience is None else heed_patience
        control = control or Control()
        trainings = []
        for i, given in enumerate(members):
            training = given
            if isinstance(given, Member):
                number = next(k for k, fold in enumerate(self.folds) if fold is given.fold)
                training = ScriptedTraining(given, self.losses(given.hooks, number))
            goal = until_epoch[i] if isinstance(until_epoch, Sequence) else until_epoch
            training.go_on(given_or(goal, training.member.max_epochs), heed, control)
            trainings.append(training)
            if control.on_done and not control.should_stop():
                control.on_done(i)
        return trainings

    def predict(self, values: Any, trained: Any, rows: Any = None) -> Any:
        raise NotImplementedError


def given_or(goal: int | None, otherwise: int) -> int:
    return otherwise if goal is None else goal
