"""The losses of the kernels: what each row lost, and the sums."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.fitted import FoldFit
from taut.engine.compiled.records import BLOCK
from taut.engine.compiled.training import CompiledTraining
from taut.recipe import Recipe
from taut.techniques import EarlyStopping
from tests.engine.helpers import assert_same, each_loss, make_fold, make_member, make_problem, plain_encoder


@pytest.mark.parametrize(
    ("task", "n_outputs"),
    [("classification", 2), ("classification", 17), ("classification", 40), ("regression", 1)],
)
def test_in_float64_each_row_loses_what_the_book_says(task: Any, n_outputs: int) -> None:
    weight = np.random.default_rng(2).uniform(0.1, 4.0, 800)
    problem = make_problem(800, task=task, n_outputs=n_outputs, score_weight=weight)
    engine = CompiledEngine(1, np.float64)
    member = make_member(problem, activation="gelu", fold=make_fold(problem, 200), keep_losses=True)
    (training,) = engine.train(problem, [member], until_epoch=3)
    losses = training.losses(3)
    assert losses is not None
    assert losses.dtype == np.float32  # half the room, whatever the kernels count in
    z = engine.predict(problem.examples, training.fitted("last"), member.fold.validation)
    # float32's rounding, and that of adding up to a logarithm.
    np.testing.assert_allclose(losses, each_loss(problem, z, member.fold.validation), rtol=2e-7, atol=1e-7)


def test_a_class_that_is_certain_costs_nothing_and_one_that_is_ruled_out_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = make_problem(n_outputs=2)
    fit = FoldFit(plain_encoder(5), start=np.array([0.0, 500.0]))
    monkeypatch.setattr("taut.engine.compiled.engine.fit_fold", lambda problem, fold, *_: fit)
    member = make_member(problem, hidden=(), learning_rate=0.0, keep_losses=True)
    (training,) = CompiledEngine(1).train(problem, [member], until_epoch=1)
    losses = training.losses(1)
    assert losses is not None
    is_second = problem.target[member.fold.validation] == 1.0
    assert losses[is_second].tolist() == [0.0] * int(is_second.sum())
    assert np.abs(losses[~is_second] - 500.0).max() < 20.0  # the untrained weights move it a little


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_any_number_of_rows_is_kept_whole(n: int) -> None:
    problem = make_problem(100 + n)
    member = make_member(problem, fold=make_fold(problem, 100), keep_losses=True)
    (training,) = CompiledEngine(1).train(problem, [member], until_epoch=3)
    for epoch in (1, 2, 3):
        losses = training.losses(epoch)
        assert losses is not None
        assert losses.shape == (n,)
        assert losses.mean() == pytest.approx(training.curve.validation[epoch - 1], rel=1e-5)


def test_room_is_made_as_training_goes_on_and_only_where_they_are_kept() -> None:
    problem = make_problem()
    recipe = Recipe(EarlyStopping(3))
    keeps = make_member(problem, recipe, max_epochs=10**6, keep_losses=True)
    training, without = CompiledEngine(1).train(problem, [keeps, replace(keeps, keep_losses=False)])
    assert isinstance(training, CompiledTraining)
    assert isinstance(without, CompiledTraining)
    assert training.epoch < 100
    assert training.state.losses.nbytes <= 4 * 100 * 2 * 64  # not a million epochs of a hundred rows
    assert len(without.state.losses) == 0
    before = [training.losses(epoch) for epoch in range(1, training.epoch + 1)]
    training.make_room(10)  # never less
    training.make_room(1000)
    assert len(training.state.losses) == 100 * 1000
    for epoch, losses in enumerate(before, start=1):
        np.testing.assert_array_equal(training.losses(epoch), losses)


def test_threads_do_not_mix_them_up() -> None:
    problem = make_problem(600)
    members = [
        make_member(problem, fold=make_fold(problem, 100), seed=s, hidden=(5 + s,), keep_losses=True)
        for s in range(6)
    ]
    for one, two in zip(
        CompiledEngine(1).train(problem, members), CompiledEngine(2).train(problem, members), strict=True
    ):
        assert_same(one, two)
