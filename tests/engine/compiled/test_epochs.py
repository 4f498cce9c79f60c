"""Batches and blocks: what one call into the kernel does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.kernels import load_kernels
from taut.engine.compiled.plans import rows_of
from taut.engine.compiled.records import (
    BLOCK,
    CURSOR,
    EPOCH,
    PATIENCE,
    PHASE,
    SAMPLING,
    STEP,
    TRAINING,
    VALIDATING,
)
from taut.engine.compiled.scratch import scratch_for
from taut.engine.compiled.training import CompiledTraining
from taut.recipe import Recipe
from taut.techniques import BatchNorm, Dropout, EarlyStopping
from tests.engine.compiled.one_step import begun
from tests.engine.helpers import assert_same, make_fold, make_member, make_problem

RECIPE = Recipe(BatchNorm(), Dropout(0.3, input_rate=0.1), EarlyStopping(3))


def steps_of_an_epoch(n_train: int, batch_size: int) -> int:
    problem = make_problem(n_train + 10)
    member = make_member(problem, RECIPE, fold=make_fold(problem, n_train), batch_size=batch_size)
    training = CompiledEngine(1).train(problem, [member], until_epoch=1)[0]
    assert isinstance(training, CompiledTraining)
    return int(training.state.progress[STEP])


@pytest.mark.parametrize(
    ("n_train", "batch_size", "expected"),
    [
        (64, 16, 4),
        (66, 16, 5),  # a last batch of two stays
        (65, 16, 4),  # a last batch of one row is merged into the one before it
        (17, 16, 1),
        (16, 16, 1),
        (2, 1, 1),
        (5, 1, 4),
        (1, 1, 1),
        (5, 1000, 1),
        (257, 256, 1),
    ],
)
def test_batches_of_an_epoch(n_train: int, batch_size: int, expected: int) -> None:
    assert steps_of_an_epoch(n_train, batch_size) == expected


class ByHand:
    """Calls into the kernel with a budget of one's own, and rubbish in the memory before each."""

    def __init__(self, n_validation: int = 60) -> None:
        self.problem = make_problem(100 + n_validation)
        self.member = make_member(self.problem, RECIPE, fold=make_fold(self.problem, 100, n_sample=40))
        self.member = replace(self.member, keep_losses=True)
        self.training = begun(self.problem, self.member)
        self.training.plan.sizes[PATIENCE] = 1000  # the best epoch is looked for, and nothing stops
        fold = self.member.fold
        self.rows = rows_of(self.problem, np.dtype(np.float32))._replace(
            train=fold.train, validation=fold.validation, sample=fold.sample
        )

    def call(self, until_epoch: int, budget: int) -> int:
        training = self.training
        training.make_room(until_epoch)
        scratch = scratch_for(training.layout, 33, 100, np.float32, None)
        scratch.floats[:] = np.nan
        scratch.order[:] = -(2**31)
        kernel = load_kernels(np.float32).train_some
        return int(
            kernel(self.rows, training.encoding, training.plan, training.state, scratch, until_epoch, budget)
        )

    @property
    def progress(self) -> Any:
        return self.training.state.progress


@pytest.mark.parametrize("budget", [1, 33, 70, 150, 1000])
def test_calls_of_any_length_come_to_the_same(budget: int) -> None:
    hand = ByHand()
    calls = 0
    while hand.progress[EPOCH] < 4:
        assert hand.call(4, budget) <= budget
        calls += 1
        assert calls < 100
    whole = CompiledEngine(1).train(hand.problem, [hand.member], until_epoch=4)[0]
    assert_same(hand.training, whole)


def test_a_call_ends_after_the_step_that_uses_its_budget_up() -> None:
    hand = ByHand()
    assert hand.call(5, 1) == 1 - 32
    assert hand.progress[[EPOCH, PHASE, CURSOR, STEP]].tolist() == [0, TRAINING, 32, 1]
    assert hand.call(5, 33) == 33 - 64
    assert hand.progress[[CURSOR, STEP]].tolist() == [96, 3]
    hand.call(5, 1)
    assert hand.progress[[PHASE, CURSOR, STEP]].tolist() == [VALIDATING, 0, 4]
    hand.call(5, 1)
    assert hand.progress[[PHASE, CURSOR]].tolist() == [SAMPLING, 0]
    hand.call(5, 1)
    assert hand.progress[[EPOCH, PHASE, CURSOR]].tolist() == [1, TRAINING, 0]
    # What is not used up is given back, and says that there is nothing left to do.
    assert hand.call(1, 500) == 500


def test_an_evaluation_goes_block_by_block() -> None:
    hand = ByHand(n_validation=2 * BLOCK + 10)
    hand.call(5, 100)
    assert hand.progress[PHASE] == VALIDATING
    cursors = []
    while hand.progress[PHASE] == VALIDATING:
        hand.call(5, 1)
        cursors.append(int(hand.progress[CURSOR]))
    assert cursors == [BLOCK, 2 * BLOCK, 0]


def test_every_training_row_is_used_in_an_epoch() -> None:
    # Only one row counts: where it is left out, nothing moves.
    problem = make_problem(60)
    for n_train in (7, 32, 33, 50):
        for row in range(0, n_train, 3):
            weight = np.zeros(60)
            weight[row] = 1.0
            weighted = make_problem(60, fit_weight=weight)
            member = make_member(weighted, fold=make_fold(problem, n_train), batch_size=8, max_epochs=1)
            moved = CompiledEngine(1).train(weighted, [member])[0]
            start = CompiledEngine(1).train(weighted, [member], until_epoch=0)[0]
            assert not np.array_equal(moved.weights()["layers.2.bias"], start.weights()["layers.2.bias"])


def test_the_order_differs_between_epochs_and_members() -> None:
    orders = []
    for seed in (1, 2):
        hand = ByHand()
        hand.training.plan.sizes[0] = seed
        for epoch in (1, 2):
            scratch = scratch_for(hand.training.layout, 33, 100, np.float32, None)
            hand.training.make_room(epoch)
            load_kernels(np.float32).train_some(
                hand.rows,
                hand.training.encoding,
                hand.training.plan,
                hand.training.state,
                scratch,
                epoch,
                100,
            )
            orders.append(scratch.order.copy())
            hand.call(epoch, 10**6)
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(100))
    assert len({order.tobytes() for order in orders}) == 4


def test_continuing_from_a_copy_leaves_the_first_alone() -> None:
    problem = make_problem()
    member = make_member(problem, RECIPE)
    a, b = CompiledEngine(1).train(problem, [member, member], until_epoch=2)
    CompiledEngine(1).train(problem, [b], until_epoch=6)
    (c,) = CompiledEngine(1).train(problem, [member], until_epoch=2)
    assert_same(a, c)
