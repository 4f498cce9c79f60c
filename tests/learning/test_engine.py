"""What every engine promises to those above it: to stop and go on, to score, to predict."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.fitted import fit_fold
from taut.learning.engine import Engine
from taut.learning.training import Control, Status, Training
from taut.recipe import Recipe
from taut.techniques import L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping
from tests.engine.helpers import (
    TASKS,
    AfterLooks,
    ModuleEngine,
    assert_same,
    assert_same_curves,
    assert_same_weights,
    make_fold,
    make_member,
    make_problem,
    mean_loss,
    numbers,
    outputs,
    plain_fit,
)
from tests.engine.test_laws import EVERYTHING, compiled_engines, engines, strong, tasks

RECIPES = [Recipe(), *(Recipe(strong(kind)) for kind in TECHNIQUES), EVERYTHING]
recipes = pytest.mark.parametrize("recipe", RECIPES, ids=Recipe.describe)


# --- stop and go on ---------------------------------------------------------------------------------------


@engines
@tasks
@recipes
def test_to_continue_equals_never_having_stopped(make_engine: Any, task: Any, recipe: Recipe) -> None:
    problem = make_problem(task=task)
    member = make_member(problem, recipe, keep_losses=True)
    engine: Engine = make_engine(1)
    at_once = engine.train(problem, [member], until_epoch=7)[0]
    in_parts = engine.train(problem, [member], until_epoch=3)[0]
    assert in_parts.epoch == len(in_parts.curve) == 3
    for epoch in (3, 4, 7, 7, 2):  # to where it is, and back, is nothing
        in_parts = engine.train(problem, [in_parts], until_epoch=epoch)[0]
    assert_same(in_parts, at_once)
    # A Training is continued in place; each may have its own goal.
    other = engine.train(problem, [member], until_epoch=1)[0]
    both = engine.train(problem, [other, member], until_epoch=[7, 5])
    assert both[0] is other
    assert_same(other, at_once)
    assert both[1].epoch == 5


@engines
@recipes
@pytest.mark.parametrize("looks", [2, 3, 7, 12, 30])
def test_cancelled_anywhere_and_continued(
    make_engine: Any, recipe: Recipe, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The shortest calls into the kernels: one batch, or one block of an evaluation.
    monkeypatch.setattr("taut.engine.compiled.engine._CALL_SECONDS", 0.0)
    problem = make_problem()
    member, engine = make_member(problem, recipe, keep_losses=True), make_engine(1)
    whole = engine.train(problem, [member], until_epoch=6)[0]
    if make_engine is ModuleEngine:  # which looks once a step, 24 times in all
        looks = min(looks, 20)
    cut = engine.train(problem, [member], until_epoch=6, control=Control(cancelled=AfterLooks(looks)))[0]
    assert cut.epoch < 6
    assert_same(engine.train(problem, [cut], until_epoch=6)[0], whole)


@engines
def test_training_again_gives_the_same_numbers(make_engine: Any) -> None:
    problem, engine = make_problem(), make_engine(2)
    members = [make_member(problem, recipe) for recipe in RECIPES]
    trainings = engine.train(problem, members, until_epoch=6)
    snapshots = engine.train(problem, members, until_epoch=4)
    anew = engine.train(problem, [training.member for training in trainings], until_epoch=4)
    for again, then in zip(anew, snapshots, strict=True):
        assert_same_weights(again.weights("last"), then.weights("last"))
        assert_same_curves(again.curve, then.curve)
    assert all(training.epoch == 6 for training in trainings)  # and these are left as they were


@engines
def test_a_deadline_that_is_over_trains_nothing(make_engine: Any) -> None:
    problem, engine = make_problem(), make_engine(1)
    late = engine.train(problem, [make_member(problem)], control=Control(deadline=time.monotonic()))[0]
    assert (late.epoch, late.status, len(late.curve)) == (0, Status.RUNNING, 0)
    start = engine.train(problem, [make_member(problem)], until_epoch=0)[0]
    assert_same_weights(late.weights(), start.weights())
    assert engine.train(problem, [late])[0].epoch == 8


@engines
def test_a_deadline_ends_a_long_training_in_time(make_engine: Any) -> None:
    problem, engine = make_problem(n=3000), make_engine(2)
    engine.prepare()
    fold = make_fold(problem, 2000)
    members = [make_member(problem, hidden=(128, 128), fold=fold, max_epochs=10**5, seed=s) for s in range(5)]
    started = time.monotonic()
    trainings = engine.train(problem, members, control=Control(deadline=started + 0.3))
    assert 0.3 <= time.monotonic() - started < 1.5
    assert trainings[0].epoch > 0
    assert 0.0 < trainings[0].seconds < 1.5
    assert all(training.status is Status.RUNNING for training in trainings)


@engines
def test_those_that_are_done_are_reported(make_engine: Any) -> None:
    problem = make_problem()
    members = [make_member(problem, max_epochs=epochs) for epochs in (3, 1, 2)]
    members.append(replace(members[0], learning_rate=1e30))
    done: list[int] = []
    make_engine(2).train(problem, members, control=Control(on_done=done.append))
    assert sorted(done) == [0, 1, 2, 3]
    # One that was cut off has not arrived.
    none: list[int] = []
    control = Control(deadline=time.monotonic(), on_done=none.append)
    make_engine(1).train(problem, members, control=control)
    assert none == []


# --- scores -----------------------------------------------------------------------------------------------


@engines
@tasks
@recipes
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_the_curve_is_what_the_predictions_score(
    make_engine: Any, task: Any, recipe: Recipe, weighted: bool
) -> None:
    weight = np.random.default_rng(1).uniform(0.2, 3.0, 200) if weighted else None
    problem = make_problem(task=task, score_weight=weight)
    engine = make_engine(1)
    training = engine.train(problem, [make_member(problem, recipe)], until_epoch=5)[0]
    fold, curve = training.member.fold, training.curve
    for chosen, column in ((fold.sample, curve.train), (fold.validation, curve.validation)):
        z = engine.predict(problem.examples, training.fitted("last"), chosen)
        np.testing.assert_allclose(z, outputs(training.fitted("last"), problem.examples, chosen), atol=1e-3)
        loss, correct = mean_loss(problem, z, chosen)
        assert column[-1] == pytest.approx(loss, rel=1e-5, abs=1e-6)
    if task == "classification":
        assert curve.correct[-1] == pytest.approx(correct, abs=1e-7)


@engines
@tasks
def test_weight_two_equals_a_row_counted_twice(
    make_engine: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = np.ones(200)
    weight[[3, 9, 110, 120, 121]] = 2.0
    twice = make_problem(task=task, fit_weight=weight, score_weight=weight)
    once = make_problem(task=task)
    fold = make_fold(once)
    train = np.append(fold.train, [3, 9]).astype(np.int32)
    validation = np.append(fold.validation, [110, 120, 121]).astype(np.int32)
    sample = np.append(fold.sample, [3, 9]).astype(np.int32)
    listed = replace(fold, train=train, validation=validation, sample=sample)
    # An encoder counts rows and not their weights, so both have the same one.
    fit = plain_fit(once, fold)
    monkeypatch.setattr("taut.engine.compiled.engine.fit_fold", lambda problem, fold, *_: fit)
    # All training rows in one batch: else the order of the rows would make a difference.
    (a,) = make_engine(1).train(twice, [make_member(twice, fold=fold, batch_size=200)])
    (b,) = make_engine(1).train(once, [make_member(once, fold=listed, batch_size=200)])
    for name in ("train", "validation", "correct"):
        np.testing.assert_allclose(getattr(a.curve, name), getattr(b.curve, name), rtol=1e-4, err_msg=name)
    for name, array in a.weights().items():
        np.testing.assert_allclose(array, b.weights()[name], atol=1e-4, err_msg=name)


@engines
@tasks
@recipes
def test_scaling_all_weights_changes_nothing(
    make_engine: Any, task: Any, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Biases that start from the classes' shares would be moved, all by the same, and round otherwise.
    monkeypatch.setattr(
        "taut.engine.compiled.engine.fit_fold",
        lambda problem, fold, *_: replace(fit_fold(problem, fold), start=None),
    )
    weight = np.random.default_rng(2).uniform(0.2, 3.0, 200)
    trainings = []
    for factor in (1.0, 4.0, 1000.0):
        problem = make_problem(task=task, fit_weight=weight * factor, score_weight=weight * factor)
        trainings += make_engine(1).train(problem, [make_member(problem, recipe)], until_epoch=4)
    assert_same(trainings[0], trainings[1])  # a power of two changes no bit
    np.testing.assert_allclose(trainings[0].curve.validation, trainings[2].curve.validation, rtol=1e-3)
    # And weights that are all the same are no weights.
    problem = make_problem(task=task, fit_weight=np.full(200, 0.5), score_weight=np.full(200, 2.0))
    plain = make_problem(task=task)
    (a,) = make_engine(1).train(problem, [make_member(problem, recipe)], until_epoch=4)
    (b,) = make_engine(1).train(plain, [make_member(plain, recipe)], until_epoch=4)
    assert_same_weights(a.weights("last"), b.weights("last"))
    np.testing.assert_allclose(a.curve.validation, b.curve.validation, rtol=1e-12)


@engines
def test_rows_of_weight_zero_do_not_count(make_engine: Any) -> None:
    weight = np.ones(200)
    weight[50:100] = 0.0
    weight[150:] = 0.0
    problem = make_problem(fit_weight=weight, score_weight=weight)
    fold = make_fold(problem, n_sample=100)
    shorter = replace(fold, validation=fold.validation[:50], sample=fold.sample[:50])
    a, b = make_engine(1).train(
        problem, [make_member(problem, fold=fold), make_member(problem, fold=shorter)]
    )
    assert_same_weights(a.weights(), b.weights())
    np.testing.assert_allclose(a.curve.validation, b.curve.validation, rtol=1e-12)
    np.testing.assert_allclose(a.curve.train, b.curve.train, rtol=1e-12)


@compiled_engines
def test_classes_that_score_the_same_are_told_apart_as_argmax_does(
    make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taut.engine.compiled.engine.fit_fold", plain_fit)
    problem, engine = make_problem(), make_engine(1)
    # Rows of zeros through a network that has not learned: every class scores zero.
    problem.examples.matrix.values[100:] = 0.0
    training = engine.train(problem, [make_member(problem, learning_rate=0.0, max_epochs=1)])[0]
    validation = training.member.fold.validation
    z = engine.predict(problem.examples, training.fitted(), validation)
    assert not z.any()
    assert training.curve.correct[0] == pytest.approx((problem.target[validation] == 0).mean())


@compiled_engines
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_a_large_target_that_varies_little_is_learned(make_engine: Any, offset: float) -> None:
    problem = make_problem(task="regression")
    moved = replace(problem, target=problem.target + offset)
    engine = make_engine(1)
    training = engine.train(moved, [make_member(moved, max_epochs=40)])[0]
    everyone = np.arange(200, dtype=np.int32)
    loss, _ = mean_loss(moved, engine.predict(moved.examples, training.fitted()), everyone)
    assert loss < 0.5 * moved.target.var()
    assert training.curve.validation.min() < moved.target.var()


@compiled_engines
def test_a_loss_that_is_no_number_is_seen_as_divergence(make_engine: Any) -> None:
    # The weights stay finite; the outputs overflow.
    problem = make_problem(task="regression")
    member = make_member(problem, hidden=(8, 8), learning_rate=1e17, max_epochs=50)
    training = make_engine(1).train(problem, [member])[0]
    assert training.status is Status.DIVERGED
    assert not np.isnan(training.curve.train[-1])
    assert not np.isfinite(training.curve.train[-1])


# --- predictions ------------------------------------------------------------------------------------------


@compiled_engines
@tasks
@pytest.mark.parametrize("recipe", [Recipe(), EVERYTHING], ids=Recipe.describe)
def test_a_prediction_does_not_depend_on_the_other_rows(make_engine: Any, task: Any, recipe: Recipe) -> None:
    problem = make_problem(n=700, task=task)
    engine = make_engine(1)
    fitted = engine.train(problem, [make_member(problem, recipe, hidden=(24, 40))])[0].fitted()
    z = engine.predict(problem.examples, fitted)
    assert z.shape == (700, problem.objective.n_outputs)
    rng = np.random.default_rng(0)
    for chosen in (
        np.array([5]), np.array([5, 5, 690]), np.arange(255), np.arange(3, 260), rng.permutation(700),
        np.empty(0, dtype=int),
    ):  # fmt: skip
        part = engine.predict(problem.examples, fitted, chosen.astype(np.int32))
        assert part.tobytes() == z[chosen].tobytes()
    # A table with other rows in it, and one that may not be written.
    alone = problem.examples.matrix.values[100:103].copy()
    alone.setflags(write=False)
    assert engine.predict(numbers(alone), fitted).tobytes() == z[100:103].tobytes()


@engines
def test_many_rows_are_predicted_by_many_threads_alike(make_engine: Any) -> None:
    problem = make_problem(n=20_001)
    fitted = make_engine(1).train(problem, [make_member(problem, EVERYTHING)])[0].fitted()
    one, two = (make_engine(n_jobs).predict(problem.examples, fitted) for n_jobs in (1, 2))
    assert one.tobytes() == two.tobytes()
    np.testing.assert_allclose(
        one[-3:], outputs(fitted, problem.examples, np.arange(19_998, 20_001)), atol=1e-4
    )


@compiled_engines
@pytest.mark.parametrize(
    ("hidden", "n_outputs", "p"),
    [((), 3, 5), ((1,), 2, 1), ((17,), 3, 40), ((300,), 3, 5), ((4, 1, 17, 33, 5), 2, 16), ((20,), 40, 5)],
    ids=str,
)
@pytest.mark.parametrize("recipe", [Recipe(), EVERYTHING], ids=Recipe.describe)
def test_any_shape_trains_and_predicts(
    make_engine: Any, hidden: tuple[int, ...], n_outputs: int, p: int, recipe: Recipe
) -> None:
    problem = make_problem(n=400, p=p, n_outputs=n_outputs)
    engine = make_engine(1)
    member = make_member(problem, recipe, hidden=hidden, fold=make_fold(problem, 300), learning_rate=0.01)
    training = engine.train(problem, [member])[0]
    curve = training.curve
    assert curve.train.min() < curve.train[0] < 1.5 * np.log(n_outputs)
    z = engine.predict(problem.examples, training.fitted())
    np.testing.assert_allclose(z, outputs(training.fitted(), problem.examples, np.arange(400)), atol=1e-4)
    names = {name.rsplit(".", 1)[1] for name in training.weights()}
    assert names == {"weight", "bias"} | (
        {"gain", "mean", "variance"} if hidden and recipe.get(BatchNorm) else set()
    )


@compiled_engines
def test_fewer_rows_than_a_batch_and_a_single_one(make_engine: Any) -> None:
    problem = make_problem(n=60)
    for n_train, batch_size in product((1, 2, 3, 33), (1, 2, 16, 10_000)):
        fold = make_fold(problem, n_train, n_sample=n_train)
        for recipe in (Recipe(), Recipe(BatchNorm(), Dropout(0.5), L2(0.1), EarlyStopping(2))):
            member = make_member(problem, recipe, fold=fold, batch_size=batch_size, max_epochs=3)
            training = make_engine(1).train(problem, [member])[0]
            assert training.status is not Status.DIVERGED
            assert np.all(np.isfinite(training.curve.validation))


@engines
def test_a_dropout_of_nearly_everything_still_trains(make_engine: Any) -> None:
    problem = make_problem()
    rate = float(np.nextafter(1.0, 0.0))
    member = make_member(problem, Recipe(Dropout(rate, input_rate=rate)))
    training = make_engine(1).train(problem, [member])[0]
    assert np.all(np.isfinite(training.curve.train))


@engines
def test_seeds_name_members(make_engine: Any) -> None:
    problem, engine = make_problem(), make_engine(1)
    seeds = (0, 1, 2**40 + 1, 2**63 - 1)
    trainings: list[Training] = engine.train(
        problem, [make_member(problem, EVERYTHING, seed=s) for s in seeds]
    )
    assert len({t.weights()["layers.0.weight"].tobytes() for t in trainings}) == len(seeds)
    assert_same(engine.train(problem, [make_member(problem, EVERYTHING, seed=2**40 + 1)])[0], trainings[2])


def test_every_technique_and_task_is_among_these() -> None:
    assert {type(t) for recipe in RECIPES for t in recipe.techniques} == set(TECHNIQUES)
    assert TASKS == ("classification", "regression")
