"""Small things that the tests of selection share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.objective import CrossEntropy, Objective, SquaredError
from taut.learning.problem import Fold, Problem
from taut.learning.training import Control, Curve, Fitted, Member, Status, Training
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.folds import cross_validation_splits, make_folds
from taut.selection.progress import Callbacks
from taut.selection.proposer import Proposer
from taut.selection.race import NO_CUTS, Rule
from taut.selection.result import SearchResult
from taut.selection.score import CandidateScore
from taut.selection.search import Search
from taut.selection.space import Space
from taut.selection.stages import Stages
from taut.selection.trainer import Settings, Trainer
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix, matrix_from_numbers
from taut.techniques import L1, BatchNorm, EarlyStopping

SPACE = Space(0.01, MLP((8,)), CrossEntropy(3), search_rate=False)
EARLY, NONE = SPACE.baselines()
STOP = EarlyStopping()


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
) -> Problem:
    """Continuous columns, the first two of which matter; three classes, or a value around 20."""
    rng = np.random.default_rng(seed)
    _, matrix = matrix_from_numbers(rng.standard_normal((n, p)).astype(np.float32))
    signal = matrix.values[:, 0] - matrix.values[:, 1] ** 2 + noise * rng.standard_normal(n)
    examples = TableExamples(matrix)
    if task == "regression":
        return Problem(examples, (20.0 + 3.0 * signal).astype(np.float32), SquaredError(), **weights)
    target = np.digitize(signal, np.quantile(signal, [1 / 3, 2 / 3])).astype(np.float32)
    return Problem(examples, target, CrossEntropy(3), **weights)


def matrix_of(problem: Problem) -> Matrix:
    """What a table's problem is of."""
    assert isinstance(problem.examples, TableExamples)
    return problem.examples.matrix


def folds_of(problem: Problem, cv: Any = 3, seed: int = 0) -> list[Fold]:
    stratify = problem.objective.stratify
    target = problem.target.astype(np.int64) if stratify else problem.target
    splits = cross_validation_splits(cv, target, None, stratify, seed, apart(len(target)))
    return make_folds(splits, problem, seed)


def settings(**changes: Any) -> Settings:
    return Settings(**{"batch_size": 32, "max_epochs": 60, "seed": 0, **changes})


def tagged(tag: int, *techniques: Any) -> Candidate:
    """A candidate that a script knows by its learning rate (baselines have tag 0), with early stopping.

    A mixture where nothing else is said, for techniques alone have a right to all folds.
    """
    return Candidate(Recipe(*(techniques or (L1(0.1), BatchNorm())), STOP), float(tag), MLP((8,)))


def tag_of(member: Member) -> int:
    return int(member.learning_rate)


# --- searches ---------------------------------------------------------------------------------------------


@final
@dataclass
class Fixed(Proposer):
    """Proposes these candidates and no others, in this order, and remembers what it was asked and told."""

    candidates: Sequence[Candidate]
    first: int = 8
    told: list[CandidateScore] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def n_first(self) -> int:
        return self.first

    def ask(self, batch: int, n: int) -> Sequence[Candidate]:
        self.asked.append((batch, n))
        done = {score.candidate for score in self.told}
        return [one for one in self.candidates if one not in done][:n]

    def tell(self, scores: Sequence[CandidateScore]) -> None:
        self.told += scores


def search(
    engine: Engine,
    tried: Sequence[Recipe | Candidate],
    task: Any = "classification",
    *,
    given: Problem | None = None,
    stages: Stages | None = None,
    learning_rate: float = 0.01,
    rule: Rule = NO_CUTS,
    at_a_time: int = 8,
    trial_store: Any = None,
    callbacks: Callbacks | None = None,
    **changes: Any,
) -> Search:
    """A search over these on a small table, without cuts; ``changes`` are Search's own, or Settings."""
    problem = table(task=task) if given is None else given
    space = replace(SPACE, learning_rate=learning_rate)
    candidates = [space.usual(one) if isinstance(one, Recipe) else one for one in tried]
    common = {one.name: changes.pop(one.name) for one in fields(Settings) if one.name in changes}
    return Search(
        trainer=Trainer(engine, problem, settings(**common)),
        stages=stages or Stages(tuple(folds_of(problem))),
        baselines=space.baselines(),
        proposer=Fixed(candidates, at_a_time),
        batch_size=at_a_time,
        rule=rule,
        trial_store=trial_store,
        callbacks=callbacks or Callbacks(),
        **changes,
    )


def of(result: SearchResult, which: Candidate | Recipe) -> CandidateScore:
    """The score of one candidate, or of the one with this recipe."""
    (found,) = (c for c in result.candidates if which in (c.candidate, c.recipe))
    return found


def bits(trained: Any) -> dict[str, bytes]:
    """A network's numbers, to be compared bit for bit."""
    return {name: array.tobytes() for name, array in trained.weights.items()}


def networks_of(result: SearchResult) -> list[dict[str, bytes]]:
    return [bits(network) for network in result.networks]


def assert_same_score(a: CandidateScore, b: CandidateScore, *, but: Sequence[str] = ("seconds",)) -> None:
    """Bit for bit, all but the time that it took."""
    one, other = a.to_json(), b.to_json()
    for name in but:
        del one[name], other[name]
    np.testing.assert_equal(one, other)


def assert_same_result(a: SearchResult, b: SearchResult) -> None:
    """All that a search finds, bit for bit; not the time that it took."""
    assert a.chosen == b.chosen
    assert len(a.candidates) == len(b.candidates)
    for one, other in zip(a.candidates, b.candidates, strict=True):
        assert_same_score(one, other)
    assert networks_of(a) == networks_of(b)
    assert a.curves.keys() == b.curves.keys()
    for name, curves in a.curves.items():
        for one_curve, other_curve in zip(curves, b.curves[name], strict=True):
            for part in ("train", "validation", "correct"):
                assert getattr(one_curve, part).tobytes() == getattr(other_curve, part).tobytes()
    assert a.row_losses.keys() == b.row_losses.keys()
    for number, rows in a.row_losses.items():
        assert rows.tobytes() == b.row_losses[number].tobytes()


def curve(validation: Any, train: Any = None, correct: Any = None) -> Curve:
    validation = np.asarray(validation, dtype=np.float64)
    return Curve(
        validation / 2 if train is None else np.asarray(train, dtype=np.float64),
        validation,
        1.0 - validation / 10 if correct is None else np.asarray(correct, dtype=np.float64),
    )


def score(validation: Any = (1.0, 1.0), **changes: Any) -> CandidateScore:
    """A complete candidate's score with these losses by fold, its training losses half of them."""
    losses = np.asarray(validation, dtype=np.float64)
    usual: dict[str, Any] = {
        "candidate": EARLY, "batch": 0, "state": "complete", "loss": float(losses.mean()), "epoch": 3,
        "fold_epochs": np.full(len(losses), 3), "train_loss": losses / 2, "validation_loss": losses,
        "score": 1.0 - losses / 10, "scoring": None, "zero_share": 0.25, "epochs_trained": 9, "failed": "",
        "seconds": 1.5,
    }  # fmt: skip
    return CandidateScore(**{**usual, **changes})


# --- engines ----------------------------------------------------------------------------------------------

#: By member and stage the validation losses by epoch: shape (n_epochs,), the same for all rows, or
#: (n_epochs, n_validation). Where the mean is NaN, it diverges.
Script = Callable[[Member, int], Any]


@final
class Clock:
    """A clock that only moves when a script trains."""

    def __init__(self, monkeypatch: Any, start: float = 1000.0) -> None:
        self.now = start
        monkeypatch.setattr("time.monotonic", lambda: self.now)


@final
@dataclass(frozen=True, eq=False)
class ScriptedFitted(Fitted):
    """A network of one weight and another: the epoch and the learning rate that it comes from."""

    weights: dict[str, NDArray[np.float32]]

    def penalized_weights(self) -> Sequence[tuple[str, NDArray[np.float32]]]:
        return list(self.weights.items())


@final
class ScriptedTraining(Training):
    """A training whose validation losses were written beforehand."""

    def __init__(
        self, member: Member, script: Any, weight: Any, clock: Clock | None, gap: float | None,
        objective: Objective,
    ) -> None:  # fmt: skip
        self._objective = objective
        lines = script if isinstance(script, list) else np.asarray(script, dtype=np.float64)
        self._member, self._lines, self._weight, self._clock, self._gap = member, lines, weight, clock, gap
        self._epoch, self._status, self._means = 0, Status.RUNNING, list[float]()
        self.spent = 0.0

    member = property(lambda self: self._member)
    epoch = property(lambda self: self._epoch)
    status = property(lambda self: self._status)
    seconds = property(lambda self: self.spent)

    @property
    def best_epoch(self) -> int:
        if self._member.hooks.patience is None:
            return self._epoch
        return int(np.argmin(self._means)) + 1 if self._epoch else 0

    @property
    def curve(self) -> Curve:
        return curve(self._means, None if self._gap is None else np.array(self._means) - self._gap)

    def losses(self, epoch: int) -> NDArray[np.float32] | None:
        if not self._member.keep_losses or not 0 < epoch <= self._epoch:
            return None
        n = len(self._member.fold.validation)
        return np.broadcast_to(self._lines[epoch - 1], n).astype(np.float32)

    def correct(self, epoch: int) -> NDArray[np.bool_] | None:
        losses = self.losses(epoch)
        return None if losses is None or not self._objective.n_classes else losses < math.log(2)

    def outputs(self, epoch: int) -> None:
        """It has none."""

    def fitted(self, which: Any = "kept") -> ScriptedFitted:
        epoch = self.best_epoch if which == "kept" else self._epoch
        rate = self._member.learning_rate
        return ScriptedFitted({"layers.0.weight": np.array([[epoch, rate]], dtype=np.float32)})

    def go_on(self, goal: int, respect_patience: bool, control: Control) -> None:
        if not respect_patience and self._status is Status.STOPPED and self._epoch < goal:
            self._status = Status.RUNNING
        patience = self._member.hooks.patience
        while self._status is Status.RUNNING and self._epoch < goal and not control.should_stop():
            line = self._lines[self._epoch]
            if self._clock:
                self._clock.now += 1.0
                self.spent += 1.0
            if np.isnan(line).any():
                self._status = Status.DIVERGED
                return
            self._epoch += 1
            weight = None if np.ndim(line) == 0 else self._weight
            self._means.append(float(np.average(line, weights=weight)))
            if respect_patience and patience and self._epoch - self.best_epoch >= patience:
                self._status = Status.STOPPED


@final
class ScriptedEngine(Engine):
    """Gives the losses that a script says; a second of the clock, where there is one, for every epoch.

    Training losses are half of those, or less by a gap.
    """

    threads = 1

    def __init__(
        self,
        script: Script,
        stages: Sequence[Fold],
        clock: Clock | None = None,
        gap: Callable[[Member], float] | None = None,
    ) -> None:
        self.script, self.stages, self.clock, self.gap = script, list(stages), clock, gap
        self.calls: list[int | Sequence[int] | None] = []  # the goals of every call

    def train(
        self,
        problem: Problem,
        members: Any,
        *,
        until_epoch: Any = None,
        respect_patience: Any = None,
        control: Any = None,
    ) -> list[Training]:
        self.calls.append(until_epoch)
        respect = until_epoch is None if respect_patience is None else respect_patience
        control = control or Control()
        trainings = [one if isinstance(one, Training) else self.begin(one, problem) for one in members]
        for i, training in enumerate(trainings):
            if control.should_stop():
                break
            goal = until_epoch[i] if isinstance(until_epoch, Sequence) else until_epoch
            goal = training.member.max_epochs if goal is None else goal
            training.go_on(goal, respect, control)
            arrived = training.status is not Status.RUNNING or training.epoch >= goal
            if control.on_done and arrived:
                control.on_done(i)
        return trainings

    def begin(self, member: Member, problem: Problem) -> Any:
        """Rows that are not among the stages (all of them, say) have the number -1."""
        number = next((k for k, fold in enumerate(self.stages) if fold is member.fold), -1)
        weight = None if problem.score_weight is None else problem.score_weight[member.fold.validation]
        gap = None if self.gap is None else self.gap(member)
        script = self.script(member, number)
        return ScriptedTraining(member, script, weight, self.clock, gap, problem.objective)

    def predict(self, examples: Any, fitted: Any, rows: Any = None) -> Any:
        """For every row the epoch and the learning rate that the network comes from."""
        return np.repeat(fitted.weights["layers.0.weight"], len(rows), axis=0)

    def n_parameters(self, problem: Problem, member: Member) -> int:
        return 2


class WrappedEngine(Engine):
    """Another engine's work, looked at or meddled with on the way."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def threads(self) -> int:
        return self.engine.threads

    @property
    def replays_exactly(self) -> bool:
        return self.engine.replays_exactly

    def train(self, problem: Problem, members: Any, **how: Any) -> list[Training]:
        return self.engine.train(problem, members, **how)

    def predict(self, examples: Any, fitted: Any, rows: Any = None) -> Any:
        return self.engine.predict(examples, fitted, rows)

    def inputs(self, problem: Problem, fold: Fold, rows: Any) -> Any:
        return self.engine.inputs(problem, fold, rows)

    def n_parameters(self, problem: Problem, member: Member) -> int:
        return self.engine.n_parameters(problem, member)


@final
class CountingEngine(WrappedEngine):
    """Counts the epochs that another engine trains, by (learning rate, hooks, seed)."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.epochs: Counter[Any] = Counter()

    def train(self, problem: Problem, members: Any, **how: Any) -> list[Training]:
        before = [one.epoch if isinstance(one, Training) else 0 for one in members]
        trainings = self.engine.train(problem, members, **how)
        for training, epoch in zip(trainings, before, strict=True):
            self.epochs[key_of(training.member)] += training.epoch - epoch
        self.epochs = +self.epochs  # without zeros
        return trainings


def key_of(member: Member) -> tuple[Any, ...]:
    """What tells members of one search apart."""
    return member.learning_rate, member.hooks, member.seed
