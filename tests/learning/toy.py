"""An engine of a few lines: logistic regression on arrays of shape (n, 3, 8, 8), flattened inside, in NumPy.

It knows no table, and nothing above it knows that there are pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.architecture import Architecture
from taut.learning.engine import Engine
from taut.learning.objective import CrossEntropy, Objective
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Curve, Fitted, Member, Status, Training
from taut.techniques import WEIGHT_TECHNIQUES
from taut.techniques.base import Place, Technique

SHAPE = (3, 8, 8)


@final
@dataclass(frozen=True, eq=False)
class Pictures:
    """Float array, shape (n, 3, 8, 8)."""

    pixels: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pixels)

    def hash_into(self, digest: Any) -> None:
        digest.update(self.pixels.tobytes())

    def duplicate_groups(self) -> NDArray[np.integer]:
        return np.arange(len(self))


def pictures(n: int = 160, seed: int = 0, noise: float = 1.0) -> Problem:
    """Pictures that are bright in the upper or in the lower half, with much noise and some wrong labels."""
    rng = np.random.default_rng(seed)
    target = (np.arange(n) % 2).astype(float)
    pixels = noise * rng.standard_normal((n, *SHAPE))
    pixels[:, 0, :4] += 0.4 * target[:, None, None]
    pixels[:, 0, 4:] += 0.4 * (1.0 - target)[:, None, None]
    flipped = rng.random(n) < 0.15  # wrong labels, which only a network that overfits gets right
    return Problem(Pictures(pixels), np.where(flipped, 1.0 - target, target), CrossEntropy(2))


@final
@dataclass(frozen=True)
class Logistic(Architecture):
    """One layer on the pixels; what acts on weights or on stopping is all that it can do."""

    label = "logistic regression on pixels"
    n_hidden = 0

    def supports(self, technique: type[Technique], objective: Objective) -> str | None:
        if technique.acts_on in (Place.WEIGHTS, Place.STOPPING):
            return None
        return f"{technique.page.title} acts on {technique.acts_on.value}, which this engine does not train."

    def code(self) -> str:
        return "Logistic()"

    def to_json(self) -> dict[str, Any]:
        return {"kind": "logistic"}

    def from_json(self, data: Mapping[str, Any]) -> Logistic:
        return self


@final
@dataclass(frozen=True, eq=False)
class FittedLogistic(Fitted):
    weight: NDArray[np.float64]  # (pixels, n_outputs)
    bias: NDArray[np.float64]

    def penalized_weights(self) -> Sequence[tuple[str, Any]]:
        return [("weight", self.weight)]

    def outputs(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        return pixels.reshape(len(pixels), -1) @ self.weight + self.bias


@final
class ToyTraining(Training):
    """Gradient descent with every epoch's network kept."""

    def __init__(self, member: Member, problem: Problem, replays: bool) -> None:
        self._member, self._problem, self._status = member, problem, Status.RUNNING
        # An engine that does not replay begins elsewhere every time.
        seed = np.random.default_rng(member.seed) if replays else np.random.default_rng()
        n_pixels, n_outputs = int(np.prod(SHAPE)), problem.objective.n_outputs
        self._now = FittedLogistic(0.01 * seed.standard_normal((n_pixels, n_outputs)), np.zeros(n_outputs))
        self._networks: list[FittedLogistic] = []
        self._lines: list[tuple[float, float, float]] = []
        self._results: list[Any] = []
        self._seed = int(seed.integers(2**32))
        self._patience = member.hooks.patience if len(member.fold.validation) else None

    member = property(lambda self: self._member)
    status = property(lambda self: self._status)
    epoch = property(lambda self: len(self._networks))
    seconds = property(lambda self: 1e-3 * len(self._networks))

    @property
    def best_epoch(self) -> int:
        if self._patience is None or not self._lines:
            return self.epoch
        return int(np.argmin([line[1] for line in self._lines])) + 1

    @property
    def curve(self) -> Curve:
        return Curve(*np.array(self._lines, dtype=float).reshape(-1, 3).T)

    def losses(self, epoch: int) -> NDArray[np.float32] | None:
        kept = self._member.keep_losses and 0 < epoch <= self.epoch
        return self._results[epoch - 1].losses if kept else None

    def correct(self, epoch: int) -> NDArray[np.bool_] | None:
        kept = self._member.keep_losses and 0 < epoch <= self.epoch
        return self._results[epoch - 1].correct if kept else None

    def outputs(self, epoch: int) -> Any:
        if not self._member.keep_outputs or not 0 < epoch <= self.epoch:
            return None
        return self._networks[epoch - 1].outputs(self._pixels(self._member.fold.validation))

    def fitted(self, which: Literal["kept", "last"] = "kept") -> FittedLogistic:
        epoch = self.best_epoch if which == "kept" else self.epoch
        return self._networks[epoch - 1] if epoch else self._now

    def checkpoint(self, epoch: int) -> FittedLogistic | None:
        return self._networks[epoch - 1] if 0 < epoch <= self.epoch else None

    def _pixels(self, rows: Any) -> NDArray[np.float64]:
        assert isinstance(self._problem.examples, Pictures)
        return self._problem.examples.pixels[rows]

    def _loss(self, rows: Any) -> tuple[float, Any]:
        results = self._problem.row_results(self._now.outputs(self._pixels(rows)), rows)
        weight = None if self._problem.score_weight is None else self._problem.score_weight[rows]
        return (float(np.average(results.losses, weights=weight)) if len(rows) else np.nan), results

    def go_on(self, goal: int, patient: bool, control: Control) -> None:
        if not patient and self._status is Status.STOPPED and self.epoch < goal:
            self._status = Status.RUNNING
        member, objective = self._member, self._problem.objective
        while self._status is Status.RUNNING and self.epoch < goal and not control.should_stop():
            weight, bias = self._now.weight.copy(), self._now.bias.copy()
            order = np.random.default_rng((self._seed, self.epoch)).permutation(member.fold.train)
            for start in range(0, len(order), member.batch_size):
                rows = order[start : start + member.batch_size]
                pixels = self._pixels(rows).reshape(len(rows), -1)
                slope = objective.predictions(pixels @ weight + bias)
                slope[np.arange(len(rows)), self._problem.target[rows].astype(int)] -= 1.0
                weight -= member.learning_rate * pixels.T @ slope / len(rows)
                bias -= member.learning_rate * slope.mean(axis=0)
                for kind, amount in zip(WEIGHT_TECHNIQUES, member.hooks.weight_amounts, strict=True):
                    if amount:
                        step = np.vectorize(kind.weight_step, otypes=[float])
                        weight = step(weight, member.learning_rate * amount)
            self._now = FittedLogistic(weight, bias)
            validation, results = self._loss(member.fold.validation)
            shown = float(np.mean(results.correct)) if len(member.fold.validation) else np.nan
            self._networks.append(self._now)
            self._results.append(results)
            self._lines.append((self._loss(member.fold.sample)[0], validation, shown))
            if not np.isfinite(weight).all():
                self._status = Status.DIVERGED
            elif patient and self._patience and self.epoch - self.best_epoch >= self._patience:
                self._status = Status.STOPPED


@final
class ToyEngine(Engine):
    """One member after the other.

    Parameters
    ----------
    replays_exactly : bool
        Without it every training begins elsewhere, and gives the networks of all its epochs.
    """

    threads = 1

    def __init__(self, replays_exactly: bool = True) -> None:
        self._replays = replays_exactly
        self.n_begun = 0

    @property
    def replays_exactly(self) -> bool:
        return self._replays

    def train(
        self,
        problem: Problem,
        members: Sequence[Member | Training],
        *,
        until_epoch: int | Sequence[int] | None = None,
        respect_patience: bool | None = None,
        control: Control | None = None,
    ) -> list[Training]:
        control = control or Control()
        patient = until_epoch is None if respect_patience is None else respect_patience
        goals = until_epoch if isinstance(until_epoch, Sequence) else [until_epoch] * len(members)
        self.n_begun += sum(isinstance(one, Member) for one in members)
        trainings = [
            one if isinstance(one, ToyTraining) else ToyTraining(one, problem, self._replays)  # type: ignore[arg-type]
            for one in members
        ]
        for i, (training, goal) in enumerate(zip(trainings, goals, strict=True)):
            goal = training.member.max_epochs if goal is None else goal
            training.go_on(goal, patient, control)
            if control.on_done and (training.status is not Status.RUNNING or training.epoch >= goal):
                control.on_done(i)
        return list(trainings)

    def predict(self, examples: Any, fitted: Any, rows: Any = None) -> NDArray[np.float64]:
        found: NDArray[np.float64] = fitted.outputs(
            examples.pixels if rows is None else examples.pixels[rows]
        )
        return found

    def n_parameters(self, problem: Problem, member: Member) -> int:
        return (int(np.prod(SHAPE)) + 1) * problem.objective.n_outputs


def fold(train: Sequence[int], validation: Sequence[int]) -> Fold:
    rows = np.array(train, dtype=np.int32)
    return Fold(rows, np.array(validation, dtype=np.int32), rows[: max(1, len(validation))])
