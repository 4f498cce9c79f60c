"""The averages of the weights over the steps, which are evaluated and kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.memory import cost_of
from taut.engine.compiled.plans import network_of
from taut.engine.compiled.training import CompiledTraining
from taut.recipe import Recipe
from taut.techniques import L1, BatchNorm, Dropout, EarlyStopping, MaxNorm
from tests.engine.helpers import assert_same, make_fold, make_member, make_problem, plain_fit

PROBLEM = make_problem(140)
MIXTURE = Recipe(L1(0.05), Dropout(0.3), BatchNorm(), MaxNorm(0.2))


def trained(recipe: Recipe, average: float, until: int, *, batch_size: int = 100) -> CompiledTraining:
    """A member in float64; one step an epoch where a batch has all rows."""
    member = make_member(PROBLEM, recipe, max_epochs=30, batch_size=batch_size)
    (training,) = CompiledEngine(1, dtype=np.float64).train(
        PROBLEM, [replace(member, average=average)], until_epoch=until
    )
    assert isinstance(training, CompiledTraining)
    return training


@pytest.mark.parametrize("recipe", [Recipe(), MIXTURE], ids=["plain", "mixture"])
@pytest.mark.parametrize("reach", [0.5, 4.0, 8.0])
def test_each_step_enters_with_its_share(recipe: Recipe, reach: float) -> None:
    averages: dict[str, NDArray[np.floating]] = {}
    for t in range(1, 13):
        share = min(1.0, reach / t)
        for name, w in trained(recipe, 0.0, t).weights("last").items():
            # Before the first step the average is the initial network.
            before = averages.get(name, trained(recipe, 0.0, 0).weights("last")[name])
            mean = before + (w - before) * share
            is_zero = (w == 0.0) & (not name.endswith(("mean", "variance")))
            averages[name] = np.where(is_zero, 0.0, mean)
    found = trained(recipe, reach, 12).weights("last")
    for name, expected in averages.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, atol=1e-14, err_msg=name)


def test_they_leave_training_as_it_is() -> None:
    off, on = trained(MIXTURE, 0.0, 9, batch_size=16), trained(MIXTURE, 8.0, 9, batch_size=16)
    np.testing.assert_array_equal(off.state.parameters, on.state.parameters)
    assert not np.array_equal(off.weights()["layers.0.weight"], on.weights()["layers.0.weight"])


def test_zeros_of_l1_are_zeros_of_the_average() -> None:
    recipe = Recipe(L1(0.3))
    off, on = (trained(recipe, average, 30, batch_size=16).fitted("last") for average in (0.0, 8.0))
    assert off.zero_share > 0.3
    assert on.zero_share == off.zero_share


def test_what_is_scored_is_what_is_kept() -> None:
    engine = CompiledEngine(1)
    recipe = Recipe(Dropout(0.3), BatchNorm(), EarlyStopping(3))
    member = replace(make_member(PROBLEM, recipe, max_epochs=20), average=8.0)
    (training,) = engine.train(PROBLEM, [member])
    for which, epoch in (("kept", training.best_epoch), ("last", training.epoch)):
        outputs = engine.predict(PROBLEM.examples, training.fitted(which), member.fold.validation)
        rows = PROBLEM.row_results(outputs, member.fold.validation)
        assert rows.losses.mean() == pytest.approx(training.curve.validation[epoch - 1], rel=1e-5)


def test_a_member_that_was_continued_is_one_that_was_not() -> None:
    engine = CompiledEngine(1)
    member = replace(make_member(PROBLEM, MIXTURE, batch_size=16), average=8.0)
    (whole,) = engine.train(PROBLEM, [member], until_epoch=8)
    (part,) = engine.train(PROBLEM, [member], until_epoch=3)
    (continued,) = engine.train(PROBLEM, [part], until_epoch=8)
    assert_same(whole, continued)


def test_their_memory_is_counted() -> None:
    member = make_member(PROBLEM, Recipe(BatchNorm()), fold=make_fold(PROBLEM))
    network = network_of(member, PROBLEM, plain_fit(PROBLEM, member.fold))
    (training,) = CompiledEngine(1).train(PROBLEM, [replace(member, average=8.0)], until_epoch=1)
    assert isinstance(training, CompiledTraining)
    more = cost_of(replace(member, average=8.0), network, 4).kept - cost_of(member, network, 4).kept
    assert more == training.state.average.nbytes + training.state.average_statistics.nbytes
