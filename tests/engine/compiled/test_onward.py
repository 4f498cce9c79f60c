"""A network that goes on under another recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine, CompiledTraining
from taut.engine.compiled.onward import onward
from taut.learning.problem import Problem
from taut.learning.training import Member, Status
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping, InputNoise, MaxNorm
from tests.engine.helpers import assert_same_curves, assert_same_weights, make_member, make_problem

RECIPES = {
    "plain": Recipe(),
    "decay": Recipe(L1(0.01), L2(0.1)),
    "max norm": Recipe(MaxNorm(0.5)),
    "dropout": Recipe(Dropout(0.4, input_rate=0.1), InputNoise(0.1)),
    "batch norm": Recipe(BatchNorm()),
    "early stopping": Recipe(EarlyStopping(patience=50)),
    "all": Recipe(
        L1(0.01),
        L2(0.1),
        MaxNorm(0.5),
        Dropout(0.3),
        BatchNorm(),
        InputNoise(0.1),
        EarlyStopping(patience=50),
    ),
}


def trained(problem: Problem, member: Any, until: int) -> CompiledTraining:
    (training,) = CompiledEngine(1).train(problem, [member], until_epoch=until)
    assert isinstance(training, CompiledTraining)
    return training


def snapshot(training: CompiledTraining) -> tuple[bytes, ...]:
    return tuple(np.ascontiguousarray(array).tobytes() for array in training.state)


@pytest.mark.parametrize("average", [0.0, 5.0], ids=["last", "average"])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_with_nothing_changed_it_is_the_same_network_bit_for_bit(recipe: Recipe, average: float) -> None:
    problem = make_problem()
    member = replace(make_member(problem, recipe, keep_losses=True), average=average)
    straight = trained(problem, member, 8)
    turned = trained(problem, onward(trained(problem, member, 3), member, problem), 8)
    assert_same_weights(turned.weights("last"), straight.weights("last"))
    assert_same_curves(turned.curve, straight.curve)
    for epoch in range(1, 9):
        assert turned.losses(epoch).tobytes() == straight.losses(epoch).tobytes()  # type: ignore[union-attr]


def test_the_old_training_is_left_as_it_was() -> None:
    problem = make_problem()
    member = make_member(problem, RECIPES["all"], keep_losses=True)
    old = trained(problem, member, 3)
    before = snapshot(old)
    trained(problem, onward(old, make_member(problem, Recipe(L2(5.0)), fold=member.fold), problem), 6)
    assert snapshot(old) == before


def test_a_change_acts_from_there_on() -> None:
    problem = make_problem()
    member = make_member(problem)
    old = trained(problem, member, 3)
    turned = onward(old, replace(member, hooks=Recipe(L2(20.0)).hooks()), problem)
    assert_same_weights(turned.weights(), old.weights())
    turned = trained(problem, turned, 6)
    assert_same_curves(turned.curve.until(3), old.curve)
    plain = trained(problem, member, 6).weights()["layers.0.weight"]
    assert np.linalg.norm(turned.weights()["layers.0.weight"]) < 0.8 * np.linalg.norm(plain)


def test_l1_that_is_switched_on_late_makes_zeros() -> None:
    problem = make_problem()
    member = make_member(problem)
    old = trained(problem, member, 3)
    assert old.fitted().zero_share == 0
    turned = trained(problem, onward(old, replace(member, hooks=Recipe(L1(1.0)).hooks()), problem), 6)
    assert turned.fitted().zero_share > 0


def test_learning_rate_batch_size_and_last_epoch_may_change() -> None:
    problem = make_problem()
    member = make_member(problem)
    old = trained(problem, member, 2)
    still = trained(problem, onward(old, replace(member, learning_rate=1e-9), problem), 3)
    np.testing.assert_allclose(
        still.weights()["layers.0.weight"], old.weights()["layers.0.weight"], atol=1e-6
    )
    longer = onward(old, replace(member, batch_size=7, max_epochs=20), problem)
    CompiledEngine(1).train(problem, [longer])
    assert longer.epoch == 20


def test_batch_norm_that_is_switched_on_begins_with_gains_of_one() -> None:
    problem = make_problem()
    member = make_member(problem)
    turned = onward(trained(problem, member, 3), replace(member, hooks=Recipe(BatchNorm()).hooks()), problem)
    assert (turned.weights()["layers.0.gain"] == 1).all()
    turned = trained(problem, turned, 8)
    assert (turned.weights()["layers.0.gain"] != 1).any()
    assert np.isfinite(turned.curve.validation).all()


def test_batch_norm_that_is_switched_off_takes_its_numbers_along() -> None:
    problem = make_problem()
    member = make_member(problem, Recipe(BatchNorm()))
    old = trained(problem, member, 3)
    turned = onward(old, replace(member, hooks=Recipe().hooks()), problem)
    assert "layers.0.gain" not in turned.weights()
    assert turned.weights()["layers.0.weight"].tobytes() == old.weights()["layers.0.weight"].tobytes()
    assert np.isfinite(trained(problem, turned, 8).curve.validation).all()


def test_early_stopping_looks_for_its_best_from_here_on() -> None:
    problem = make_problem()
    member = make_member(problem, Recipe(EarlyStopping(patience=3)), max_epochs=200)
    engine = CompiledEngine(1)
    (old,) = engine.train(problem, [member])
    assert isinstance(old, CompiledTraining)
    assert old.status is Status.STOPPED
    turned = onward(old, member, problem)
    assert (turned.status, turned.epoch, turned.best_epoch) == (Status.RUNNING, old.epoch, old.epoch)
    assert_same_weights(turned.weights("kept"), old.weights("last"))
    engine.train(problem, [turned])
    assert turned.epoch > old.epoch
    after = turned.curve.validation[old.epoch :]
    assert turned.best_epoch == old.epoch + 1 + int(np.argmin(after))


def test_early_stopping_that_is_switched_off_keeps_the_last_epoch() -> None:
    problem = make_problem()
    member = make_member(problem, Recipe(EarlyStopping(patience=50)))
    turned = onward(trained(problem, member, 4), replace(member, hooks=Recipe().hooks()), problem)
    turned = trained(problem, turned, 8)
    assert turned.best_epoch == 8
    assert_same_weights(turned.weights("kept"), turned.weights("last"))


def test_an_average_that_is_switched_on_begins_with_the_weights_as_they_stand() -> None:
    problem = make_problem()
    member = make_member(problem)
    old = trained(problem, member, 4)
    turned = onward(old, replace(member, average=5.0), problem)
    assert_same_weights(turned.weights("last"), old.weights("last"))


@pytest.mark.parametrize("first", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("second", RECIPES.values(), ids=RECIPES)
def test_from_any_recipe_to_any_other(first: Recipe, second: Recipe) -> None:
    problem = make_problem()
    member = make_member(problem, first, keep_losses=True)
    other: Member = replace(member, hooks=second.hooks())
    turned = trained(problem, onward(trained(problem, member, 2), other, problem), 4)
    assert turned.epoch == 4
    assert np.isfinite(turned.curve.train).all()
