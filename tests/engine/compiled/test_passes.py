"""Through the whole network: masks, what is dropped where, and the moments of dead weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numba import njit

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.passes import _FIRST_UNIT, _compose_factors
from taut.engine.compiled.records import BATCH
from taut.engine.compiled.scratch import LAYER
from taut.engine.compiled.training import CompiledTraining
from taut.learning.training import Member
from taut.recipe import Recipe
from taut.techniques import L1, BatchNorm, Dropout
from tests.engine.compiled.one_step import OneStep
from tests.engine.helpers import make_fold, make_member, make_problem, plain_fit

N = 40
EXACT = CompiledEngine(1, np.float64)


def still(recipe: Recipe, hidden: tuple[int, ...], task: Any = "regression") -> OneStep:
    """A network in training that learns nothing."""
    problem = make_problem(N, 6, task)
    member = make_member(problem, recipe, hidden=hidden, fold=make_fold(problem, N), learning_rate=0.0)
    return OneStep.of(problem, member, plain_fit(problem, member.fold))


def linear(recipe: Recipe, hidden: tuple[int, ...]) -> OneStep:
    """One whose units are all active, so that it is linear: no weight and no input is negative."""
    step = still(recipe, hidden)
    np.abs(step.training.state.parameters, out=step.training.state.parameters)
    np.abs(step.rows.values, out=step.rows.values)
    return step


def outputs_in_training(step: OneStep) -> Any:
    """The outputs of one masked pass in units of the table, worked out from the loss's gradient.

    d loss / d output = 2 (output - target) / n, both in the fold's units.
    """
    step.go()
    fit = step.training.fit
    target = (step.problem.target[step.order] - fit.center) / fit.scale
    z = step.outputs()[:, 0] * N / 2.0 + target
    out = np.empty(N)
    out[step.order] = z * fit.scale + fit.center
    return out


@pytest.mark.parametrize(
    "technique",
    [Dropout(0.3), Dropout(0.0, input_rate=0.2), Dropout(0.5, input_rate=0.5), Dropout(0.85)],
    ids=lambda technique: technique.label,
)
@pytest.mark.parametrize("hidden", [(24,), (20, 33)], ids=str)
def test_dropouts_prediction_is_the_expectation_of_training(
    technique: Dropout, hidden: tuple[int, ...]
) -> None:
    step = linear(Recipe(technique), hidden)
    passes = np.array([outputs_in_training(step) for _ in range(1500)])
    predicted = EXACT.predict(step.problem.examples, step.training.fitted("last"))[:, 0]
    error = passes.std(axis=0) / np.sqrt(len(passes))
    assert np.all(error > 0.0)
    assert np.abs((passes.mean(axis=0) - predicted) / error).max() < 5.0


def test_without_dropout_a_pass_in_training_is_the_prediction() -> None:
    step = linear(Recipe(), (20, 33))
    predicted = EXACT.predict(step.problem.examples, step.training.fitted("last"))[:, 0]
    np.testing.assert_allclose(outputs_in_training(step), predicted, rtol=1e-9)


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_hidden_units_are_dropped_at_the_rate_and_anew_every_time(rate: float) -> None:
    step = linear(Recipe(Dropout(rate)), (64, 17))
    kept: list[list[Any]] = [[], []]
    for _ in range(40):
        step.go()
        for layer in (0, 1):
            kept[layer].append(step.activations(layer) != 0.0)
    for masks in kept:
        drawn = np.array(masks)
        assert abs((1.0 - drawn.mean()) - rate) < 5 * np.sqrt(rate * (1 - rate) / drawn.size)
        # No unit, no place in the batch and no step has a rate of its own.
        for axes in ((0, 1), (0, 2), (1, 2)):
            shares = 1.0 - drawn.mean(axis=axes)
            per_share = drawn.size / shares.size
            assert np.abs(shares - rate).max() < 5 * np.sqrt(rate * (1 - rate) / per_share)
        # Neighbours of all kinds are dropped independently of one another.
        centered = drawn - drawn.mean()
        for a, b in (
            (centered[1:], centered[:-1]),
            (centered[:, 1:], centered[:, :-1]),
            (centered[:, 2:], centered[:, :-2]),
            (centered[:, :, 1:], centered[:, :, :-1]),
        ):
            assert abs((a * b).mean() / centered.var()) < 5 / np.sqrt(a.size)
    # Nor do the layers of one network share their masks.
    a, b = (np.array(masks)[:, :, :17] - np.mean(masks) for masks in kept)
    assert abs((a * b).mean() / (a.std() * b.std())) < 5 / np.sqrt(a.size)


def test_every_step_of_an_epoch_has_masks_of_its_own() -> None:
    step = linear(Recipe(Dropout(0.5, input_rate=0.5)), (64, 64))
    step.training.plan.sizes[BATCH] = N // 4
    masks = []
    for _ in range(4):
        step.go(budget=1)
        for batch in (step.inputs(), step.activations(0), step.activations(1)):
            masks.append((batch[: N // 4] != 0.0).tobytes())
    assert step.training.epoch == 0
    assert len(set(masks)) == len(masks)


def test_kept_units_are_scaled_up_by_exactly_what_is_dropped() -> None:
    plain, dropped = linear(Recipe(), (32,)), linear(Recipe(Dropout(0.3)), (32,))
    plain.go()
    dropped.go()
    np.testing.assert_array_equal(plain.order, dropped.order)
    ratio = dropped.activations(0) / plain.activations(0)
    rate = round(0.3 * 65536) / 65536
    np.testing.assert_allclose(np.unique(ratio.round(9)), [0.0, 1 / (1 - rate)], rtol=1e-8)


@pytest.mark.parametrize("activation", ["relu", "silu", "gelu"])
def test_with_batch_norm_every_hidden_layer_drops_too(activation: Any) -> None:
    problem = make_problem(N, 6)
    member = make_member(
        problem, Recipe(BatchNorm(), Dropout(0.5)), hidden=(30, 30, 30), activation=activation,
        fold=make_fold(problem, N), learning_rate=0.0,
    )  # fmt: skip
    step = OneStep.of(problem, member)
    step.go()
    without = OneStep.of(problem, make_member(
        problem, Recipe(BatchNorm()), hidden=(30, 30, 30), activation=activation, fold=make_fold(problem, N),
        learning_rate=0.0,
    ))  # fmt: skip
    without.go()
    for layer in (0, 1, 2):
        dropped = (step.activations(layer) == 0.0).mean()
        usual = (without.activations(layer) == 0.0).mean()
        assert abs(dropped - (usual + (1.0 - usual) * 0.5)) < 0.1


# --- the batch and its inputs ------------------------------------------------------------------------------


def with_hooks(n: int = N, p: int = 6, **hooks: float) -> OneStep:
    """A network in training that learns nothing, its hooks set by hand."""
    problem = make_problem(n, p)
    member = make_member(problem, hidden=(7,), fold=make_fold(problem, n), learning_rate=0.0)
    member = replace(member, hooks=replace(member.hooks, **hooks))
    return OneStep.of(problem, member, plain_fit(problem, member.fold))


@pytest.mark.parametrize("deviation", [0.01, 0.5])
def test_noise_on_the_inputs_is_normal_and_new_at_every_step(deviation: float) -> None:
    step, plain = with_hooks(500, 19, input_noise=deviation), with_hooks(500, 19)
    drawn = []
    for _ in range(20):
        step.go()
        plain.go()
        np.testing.assert_array_equal(step.order, plain.order)
        drawn.append((step.inputs() - plain.inputs()) / deviation)
        assert not step.part(LAYER, 32)[:, 19:].any()  # padding
    noise = np.array(drawn)
    assert abs(noise.mean()) < 5 / np.sqrt(noise.size)
    assert noise.var() == pytest.approx(1.0, abs=5 * np.sqrt(2 / noise.size))
    # Shares beyond one, two and three deviations: a normal distribution's, and the sum of twelve bytes' own.
    for bound, share in ((1.0, 0.3173), (2.0, 0.0455), (3.0, 0.0022)):
        assert np.mean(np.abs(noise) > bound) == pytest.approx(share, rel=0.15)
    # No neighbour, row or step is like another one.
    for a, b in (
        (noise[1:], noise[:-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise[:, :, 1:], noise[:, :, :-1]),
        (noise[:, :, 16:], noise[:, :, :-16]),
    ):
        assert abs((a * b).mean()) < 5 / np.sqrt(a.size)


def test_rows_are_mixed_in_pairs_by_shares_that_are_uniform_and_new_at_every_step() -> None:
    step, plain = with_hooks(501, mix=0.4), with_hooks(501)
    drawn = []
    for _ in range(20):
        step.go()
        plain.go()
        own = plain.inputs()
        away = own[::-1] - own
        shares = ((step.inputs() - own) * away).sum(1) / np.maximum((away**2).sum(1), 1e-9)
        np.testing.assert_allclose(step.inputs(), own + shares[:, None] * away, atol=1e-9)
        drawn.append(np.delete(shares, 250) / 0.4)  # the one in the middle has no partner
    found = np.array(drawn)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    counts = np.histogram(found, 10, (0.0, 1.0))[0]
    assert np.abs(counts / found.size - 0.1).max() < 5 * np.sqrt(0.09 / found.size)
    centered = found - 0.5
    for a, b in ((centered[1:], centered[:-1]), (centered[:, 1:], centered[:, :-1])):
        assert abs((a * b).mean() * 12) < 5 / np.sqrt(a.size)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_batch_of_few_rows_is_mixed_too(n: int) -> None:
    step = with_hooks(n, mix=0.5)
    step.go()
    assert np.isfinite(step.outputs()).all()


# --- the step ---------------------------------------------------------------------------------------------


def test_unit_steps_are_chained_each_at_the_norm_that_the_one_before_left() -> None:
    chain = _compose_factors((lambda norm, a, rate: 1 - rate * a, lambda norm, a, rate: min(a / norm, 1)))

    @njit
    def factor(norm: float, hyperparameters: Any) -> Any:
        return chain(norm, hyperparameters, 0.1)

    others = np.full(_FIRST_UNIT, np.nan)
    assert factor(8.0, np.append(others, [5.0, 1.0])) == pytest.approx(1.0 / 8.0)
    assert factor(8.0, np.append(others, [5.0, 4.0])) == pytest.approx(0.5)
    assert factor(8.0, np.append(others, [0.0, 9.0])) == 1.0


def trained_single(member: Member, problem: Any, epochs: int) -> CompiledTraining:
    training = CompiledEngine(1).train(problem, [member], until_epoch=epochs)[0]
    assert isinstance(training, CompiledTraining)
    return training


def test_moments_of_dead_weights_do_not_turn_denormal() -> None:
    # Units whose bias is far below zero never fire again: their gradients are zero from here on.
    problem = make_problem()
    member = make_member(problem, hidden=(32, 32))
    training = trained_single(member, problem, 3)
    shift = int(training.layout.table[0, 4])
    training.state.parameters[shift : shift + 8] = -1e6
    CompiledEngine(1).train(problem, [training], until_epoch=3000)
    smallest = np.finfo(np.float32).tiny
    dead = training.layout.unpack(training.state.first, training.state.statistics)["layers.0.weight"][:, :8]
    assert not dead.any()
    for moments in (training.state.first, training.state.second):
        assert not np.any((moments != 0.0) & (np.abs(moments) < smallest))


def test_padding_stays_zero() -> None:
    problem = make_problem(p=5)
    for recipe in (Recipe(), Recipe(BatchNorm(), Dropout(0.3, input_rate=0.2), L1(1e-3))):
        for activation in ("relu", "silu", "gelu"):
            member = make_member(problem, recipe, hidden=(7, 18), activation=activation)
            training = trained_single(member, problem, 5)
            layout, state = training.layout, training.state
            parameters, statistics = np.empty_like(state.parameters), np.empty_like(state.statistics)
            layout.pack(layout.unpack(state.parameters, state.statistics), parameters, statistics)
            np.testing.assert_array_equal(parameters, state.parameters)


def test_biases_gains_and_shifts_are_exempt_from_the_techniques_on_the_weights() -> None:
    problem = make_problem()
    free, held = (
        make_member(problem, Recipe(BatchNorm(), L1(amount)), hidden=(8,), max_epochs=1, batch_size=200)
        for amount in (0.0, 1e6)
    )
    a, b = trained_single(free, problem, 1).weights(), trained_single(held, problem, 1).weights()
    for name, array in a.items():
        if name.endswith("weight"):
            assert not b[name].any()
        else:  # in the first step the gradients are still the same
            np.testing.assert_array_equal(b[name], array)
