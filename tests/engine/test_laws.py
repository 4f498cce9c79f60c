"""The laws that every engine keeps, for every technique (DESIGN: "Two engines, one promise").

Law 3 is in the engines' own tests of gradients, and in tests/techniques for the proximal step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.engine import Engine
from taut.learning.training import Member, Status, Training
from taut.recipe import Recipe
from taut.techniques import L1, L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping
from taut.techniques.base import Technique
from tests.engine.helpers import (
    TASKS,
    ModuleEngine,
    assert_same,
    assert_same_curves,
    assert_same_weights,
    make_fold,
    make_member,
    make_problem,
    mean_loss,
    outputs,
)

ENGINES: list[Callable[[int], Any]] = [CompiledEngine, ModuleEngine]

engines = pytest.mark.parametrize("make_engine", ENGINES, ids=lambda e: e.__name__)
# What a person's module need not keep: it is trained as it is, on the target's own scale, and its products
# may differ in the last bit where batches do.
compiled_engines = pytest.mark.parametrize("make_engine", ENGINES[:1], ids=lambda e: e.__name__)
tasks = pytest.mark.parametrize("task", TASKS)


def kinds_of(kinds: Any) -> Any:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


def strong(kind: type[Technique]) -> Technique:
    """The technique at the top of its range, where it shows most."""
    return kind.at(kind.search_range.high)


MIXTURE = (L2(0.1), L1(0.001), Dropout(0.3, input_rate=0.1), BatchNorm(), EarlyStopping(3))
EVERYTHING = Recipe(
    *MIXTURE,
    *(kind.at(kind.search_range.grid(1)[0]) for kind in TECHNIQUES if kind not in set(map(type, MIXTURE))),
)


# --- law 1: off equals absent -----------------------------------------------------------------------------


@engines
@tasks
@kinds_of([kind for kind in TECHNIQUES if kind is not EarlyStopping])
@pytest.mark.parametrize("others", [Recipe(), EVERYTHING], ids=["alone", "in-company"])
def test_off_equals_absent(make_engine: Any, task: Any, kind: type[Technique], others: Recipe) -> None:
    problem = make_problem(task=task)
    off = make_member(problem, others.with_(kind.at(0)))
    absent = make_member(problem, others.without(kind))
    assert_same(*make_engine(1).train(problem, [off, absent], until_epoch=4))


@engines
@tasks
def test_a_rate_that_drops_nothing_equals_absence(make_engine: Any, task: Any) -> None:
    # Not off, so its hook is entered and its random numbers are drawn: nobody else may notice.
    problem = make_problem(task=task)
    for recipe in (Recipe(), EVERYTHING):
        tiny = make_member(problem, recipe.with_(Dropout(1e-9, input_rate=1e-12)))
        absent = make_member(problem, recipe.without(Dropout))
        a, b = make_engine(1).train(problem, [tiny, absent], until_epoch=4)
        assert_same_weights(a.weights("last"), b.weights("last"))


@engines
@tasks
def test_a_patience_that_never_ends_leaves_training_alone(make_engine: Any, task: Any) -> None:
    problem = make_problem(task=task)
    recipe = EVERYTHING.without(EarlyStopping)
    patient = make_member(problem, recipe.with_(EarlyStopping(1000)))
    a, b = make_engine(1).train(problem, [patient, make_member(problem, recipe)])
    assert_same_weights(a.weights("last"), b.weights("last"))
    assert_same_curves(a.curve, b.curve)


# --- law 2: members are strangers -------------------------------------------------------------------------


def crowd(problem: Any, n: int) -> list[Member]:
    """Members of many kinds."""
    shapes: list[tuple[int, ...]] = [(8, 20), (33,), (), (5, 17, 3), (70,)]
    recipes = [Recipe(strong(kind)) for kind in TECHNIQUES] + [Recipe(), EVERYTHING]
    return [
        make_member(
            problem,
            recipes[i % len(recipes)],
            hidden=shapes[i % 5],
            activation=("relu", "silu", "gelu")[i % 3],
            batch_size=16 + i % 9,
            seed=i,
            keep_losses=i % 2 == 0,
        )  # fmt: skip
        for i in range(n)
    ]


@engines
@tasks
def test_alone_or_among_a_hundred_on_one_thread_or_two(make_engine: Any, task: Any) -> None:
    problem = make_problem(task=task)
    recipes = [Recipe(), EVERYTHING, *(Recipe(strong(kind)) for kind in TECHNIQUES)]
    members = [make_member(problem, recipe, keep_losses=True) for recipe in recipes]
    alone = [make_engine(1).train(problem, [member])[0] for member in members]
    others = crowd(problem, 100 if make_engine is CompiledEngine else 10)
    before = 4 * len(others) // 10
    mixed = others[:before] + members + others[before:]
    for n_jobs in (1, 2):
        among = make_engine(n_jobs).train(problem, mixed)
        for a, b in zip(alone, among[before : before + len(members)], strict=True):
            assert_same(a, b)


@engines
@tasks
@kinds_of(TECHNIQUES)
def test_a_neighbour_that_diverges_stops_and_leaves_the_others_alone(
    make_engine: Any, task: Any, kind: type[Technique]
) -> None:
    problem = make_problem(task=task)
    healthy = make_member(problem, Recipe(strong(kind)), keep_losses=True)
    wild = replace(healthy, architecture=replace(healthy.architecture, hidden=(30, 30)), learning_rate=1e30)
    alone = make_engine(1).train(problem, [healthy])[0]
    # One thread: the neighbour has left its NaN in the memory that the healthy one takes over.
    first, second, third = make_engine(1).train(problem, [wild, healthy, wild])
    assert_same(second, alone)
    for diverged in (first, third):
        assert diverged.status is Status.DIVERGED
        assert diverged.epoch < wild.max_epochs
        assert len(diverged.curve) == diverged.epoch
    assert_same(first, third)
    # Nothing makes it go on.
    epoch = first.epoch
    assert make_engine(1).train(problem, [first], until_epoch=100)[0].epoch == epoch


# --- law 4: it acts ---------------------------------------------------------------------------------------


def train_at(
    engine: Engine, kind: type[Technique], strengths: list[float], **settings: Any
) -> list[Training]:
    problem = make_problem()
    members = [
        make_member(problem, Recipe(kind.at(s)), max_epochs=60, batch_size=20, **settings) for s in strengths
    ]
    return engine.train(problem, members)


def matrices(training: Training) -> list[Any]:
    return [w for name, w in training.weights().items() if name.endswith(".weight")]


@engines
def test_l1_gives_exact_zeros_and_more_with_more_strength(make_engine: Any) -> None:
    trainings = train_at(make_engine(1), L1, [0.0, 0.01, 0.03, 0.1, 30.0])
    shares = [training.fitted().zero_share for training in trainings]
    assert shares[0] == 0.0
    assert shares == sorted(set(shares))  # each more than the one before
    assert shares[-1] == 1.0
    # Biases are exempt.
    assert np.all(trainings[-1].weights()["layers.2.bias"] != 0.0)


@engines
def test_l2_shrinks_the_norm_and_leaves_no_zeros(make_engine: Any) -> None:
    trainings = train_at(make_engine(1), L2, [0.0, 0.1, 1.0, 10.0])
    norms = [sum(float(np.square(w).sum()) for w in matrices(training)) for training in trainings]
    assert norms == sorted(norms, reverse=True)
    assert norms[-1] < 0.1 * norms[0]
    assert all(training.fitted().zero_share == 0.0 for training in trainings)


@engines
@pytest.mark.parametrize("recipe", [Recipe(BatchNorm()), EVERYTHING], ids=Recipe.describe)
def test_batch_norm_predicts_with_running_statistics(make_engine: Any, recipe: Recipe) -> None:
    problem, engine = make_problem(), make_engine(1)
    fitted = engine.train(problem, [make_member(problem, recipe)])[0].fitted()
    everyone = np.arange(len(problem), dtype=np.int32)
    ours = engine.predict(problem.examples, fitted)
    np.testing.assert_allclose(ours, outputs(fitted, problem.examples, everyone), atol=2e-5)
    # One row at a time there are no batch statistics to use.
    for row in (0, 7, 199):
        one = engine.predict(problem.examples, fitted, np.array([row], dtype=np.int32))
        np.testing.assert_allclose(one, ours[row : row + 1], atol=2e-5)
        if make_engine is CompiledEngine:
            assert one.tobytes() == ours[row : row + 1].tobytes()


@engines
def test_running_statistics_are_the_training_rows_own(make_engine: Any) -> None:
    problem = make_problem()
    member = make_member(problem, Recipe(BatchNorm()), hidden=(12,), batch_size=100, max_epochs=1)
    engine = make_engine(1)
    weights = engine.train(problem, [member])[0].weights()
    start = engine.train(problem, [member], until_epoch=0)[0].weights()
    if make_engine is CompiledEngine:
        z = engine.inputs(problem, member.fold, member.fold.train) @ start["layers.0.weight"]
        mean, variance = weights["layers.0.mean"], weights["layers.0.variance"]
    else:
        z = problem.examples.matrix.values[member.fold.train] @ start["layers.0.weight"].T
        z += start["layers.0.bias"]
        mean, variance = weights["taut.0.running_mean"], weights["taut.0.running_var"]
    assert np.ptp(mean) > 0.0
    # The first step takes its own statistics: momentum max(.1, 1 / step).
    np.testing.assert_allclose(mean, z.mean(0), atol=1e-5)
    np.testing.assert_allclose(variance, z.var(0, ddof=1), rtol=1e-4)


@engines
@tasks
def test_dropout_trains_worse_and_predicts_with_all_units(make_engine: Any, task: Any) -> None:
    # That prediction is the expectation of training is in compiled/test_passes.py.
    problem, engine = make_problem(n=120, task=task), make_engine(1)
    fold = make_fold(problem, 60, n_sample=60)
    rates = [0.0, 0.3, 0.7]
    members = [
        make_member(problem, Recipe(Dropout(rate)), hidden=(64, 64), fold=fold, max_epochs=60)
        for rate in rates
    ]
    trainings = engine.train(problem, members)
    losses = [float(training.curve.train[-10:].mean()) for training in trainings]
    assert losses == sorted(losses)
    for training in trainings:
        z = outputs(training.fitted(), problem.examples, fold.sample)
        assert training.curve.train[-1] == pytest.approx(
            mean_loss(problem, z, fold.sample)[0], rel=1e-3, abs=1e-4
        )


def overfitting(task: Any) -> tuple[Any, Member]:
    """A network whose validation loss has its lowest point in the middle of training."""
    problem = make_problem(n=160, task=task, seed=3)
    fold = make_fold(problem, 40)
    recipe = Recipe(EarlyStopping(4))
    return problem, make_member(
        problem, recipe, hidden=(60, 60), fold=fold, max_epochs=40, learning_rate=0.01
    )


def assert_best_kept(engine: Engine, problem: Any, training: Training) -> None:
    curve, fold = training.curve, training.member.fold
    assert training.best_epoch == int(np.argmin(curve.validation)) + 1
    for which, epoch in (("kept", training.best_epoch), ("last", training.epoch)):
        fitted = training.fitted(which)  # type: ignore[arg-type]
        z = engine.predict(problem.examples, fitted, fold.validation)
        loss, _ = mean_loss(problem, z, fold.validation)
        assert curve.validation[epoch - 1] == pytest.approx(loss, rel=1e-4), which


@engines
@tasks
def test_early_stopping_returns_the_best_epoch_whatever_ended_training(make_engine: Any, task: Any) -> None:
    engine = make_engine(1)
    problem, member = overfitting(task)

    def train(member: Member, until_epoch: int | None = None) -> Training:
        return engine.train(problem, [member], until_epoch=until_epoch)[0]

    stopped = train(member)
    assert stopped.status is Status.STOPPED
    assert 1 < stopped.best_epoch == stopped.epoch - 4
    assert_best_kept(engine, problem, stopped)

    ended = train(replace(member, max_epochs=stopped.best_epoch + 2))  # two epochs behind the best one
    assert ended.status is Status.RUNNING
    assert ended.best_epoch == stopped.best_epoch == ended.epoch - 2
    assert_best_kept(engine, problem, ended)
    assert_same_weights(ended.weights(), stopped.weights())

    beyond = train(member, until_epoch=member.max_epochs)
    assert beyond.epoch == member.max_epochs
    assert_best_kept(engine, problem, beyond)

    continued = engine.train(problem, [stopped], until_epoch=member.max_epochs)[0]
    assert_same(continued, beyond)
    # Its patience has been over for long: without a goal there is nothing more to do.
    again = engine.train(problem, [continued])[0]
    assert (again.status, again.epoch) == (Status.STOPPED, member.max_epochs)


@engines
def test_min_delta_asks_for_more_than_a_little(make_engine: Any) -> None:
    problem, member = overfitting("classification")
    plain, demanding = make_engine(1).train(
        problem,
        [member, replace(member, hooks=Recipe(EarlyStopping(4, min_delta=0.2)).hooks())],
    )
    assert demanding.epoch < plain.epoch
    curve = demanding.curve.validation
    best = demanding.best_epoch
    assert np.all(curve[best:] >= curve[best - 1] - 0.2)


@engines
def test_without_rows_to_watch_early_stopping_keeps_the_last_epoch(make_engine: Any) -> None:
    problem = make_problem()
    member = make_member(problem, Recipe(EarlyStopping(1)), fold=make_fold(problem, n_validation=0))
    training = make_engine(1).train(problem, [member])[0]
    assert training.epoch == training.best_epoch == member.max_epochs
    assert np.all(np.isnan(training.curve.validation))
    assert_same_weights(training.weights("kept"), training.weights("last"))


# --- law 5: it composes -----------------------------------------------------------------------------------


@engines
@tasks
@pytest.mark.parametrize(
    "recipe",
    [Recipe(strong(a), strong(b)) for a, b in combinations(TECHNIQUES, 2)] + [EVERYTHING],
    ids=Recipe.describe,
)
def test_techniques_compose(make_engine: Any, task: Any, recipe: Recipe) -> None:
    problem = make_problem(task=task)
    shapes: list[tuple[int, ...]] = [(8, 20), (20,), ()]
    if make_engine is ModuleEngine:  # whose networks take longer, and are all of one kind to it
        shapes = shapes[:1]
    members = [make_member(problem, recipe, hidden=hidden) for hidden in shapes]
    for training in make_engine(1).train(problem, members):
        assert training.status is not Status.DIVERGED
        for array in training.weights("last").values():
            assert np.all(np.isfinite(array))
        assert np.all(np.isfinite(training.curve.train))
        assert np.all(np.isfinite(training.curve.validation))
