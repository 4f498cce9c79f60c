"""Curves, fitted networks and control, whatever engine trains."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from taut.learning.training import Control, Curve, Fitted, Member, Status
from taut.recipe import Recipe
from taut.techniques import L1, EarlyStopping
from tests.learning import toy

CURVE = Curve(np.array([3.0, 2.0, 1.0]), np.array([4.0, np.nan, 2.0]), np.array([0.5, 0.75, 1.0]))
FOLD = toy.fold(range(120), range(120, 160))


class Weights(Fitted):
    def __init__(self, *arrays: Any) -> None:
        self.arrays = arrays

    def penalized_weights(self) -> Sequence[tuple[str, Any]]:
        return [(str(i), np.array(array)) for i, array in enumerate(self.arrays)]


def member(recipe: Recipe | None = None, **changes: Any) -> Member:
    settings = {"learning_rate": 0.02, "batch_size": 20, "max_epochs": 30, "seed": 1, **changes}
    return Member(toy.Logistic(), (recipe or Recipe()).hooks(), FOLD, **settings)


def test_a_curve_in_another_unit_keeps_its_shares() -> None:
    found = CURVE.times(100.0)
    assert found.train.tolist() == [300.0, 200.0, 100.0]
    np.testing.assert_array_equal(found.validation, [400.0, np.nan, 200.0])
    assert found.correct is CURVE.correct
    assert len(found) == 3


@pytest.mark.parametrize("epoch", [0, 1, 3, 9])
def test_the_first_epochs_of_a_curve(epoch: int) -> None:
    found = CURVE.until(epoch)
    assert len(found) == min(epoch, 3)
    for name in ("train", "validation", "correct"):
        assert getattr(found, name).tobytes() == getattr(CURVE, name)[:epoch].tobytes()


def test_the_share_of_zeros_is_of_all_penalized_weights_together() -> None:
    assert Weights([[0.0, 1.0]], [0.0, -0.0, 1e-300]).zero_share == 0.6
    assert Weights([[1.0]]).zero_share == 0.0
    assert Weights([[0.0]], [0.0]).zero_share == 1.0
    assert Weights([[1.0]]).input_weights() is None


def test_control_stops_at_its_deadline_or_when_cancelled() -> None:
    assert not Control().should_stop()
    assert Control(deadline=time.monotonic()).should_stop()
    assert not Control(deadline=time.monotonic() + 100.0).should_stop()
    control = Control()
    control.cancelled.set()
    assert control.should_stop()
    assert not Control().should_stop()  # each has an event of its own


# An engine of a few lines keeps what an engine promises, so that tests of those above may use it.


def test_a_toy_engine_replays_and_continues() -> None:
    problem, one = toy.pictures(), member(Recipe(L1(0.01)), keep_losses=True, keep_outputs=True)
    (whole,) = toy.ToyEngine().train(problem, [one], until_epoch=6)
    (pieces,) = toy.ToyEngine().train(problem, [one], until_epoch=2)
    toy.ToyEngine().train(problem, [pieces], until_epoch=6)
    assert whole.fitted().weight.tobytes() == pieces.fitted().weight.tobytes()
    assert whole.curve.validation.tobytes() == pieces.curve.validation.tobytes()
    assert whole.fitted().zero_share > 0.0
    for epoch, mean in enumerate(whole.curve.validation, start=1):
        assert whole.losses(epoch).mean() == pytest.approx(mean, rel=1e-6)
        fitted = whole.checkpoint(epoch)
        z = toy.ToyEngine().predict(problem.examples, fitted, FOLD.validation)
        assert z.tobytes() == whole.outputs(epoch).tobytes()
    assert whole.checkpoint(0) is whole.checkpoint(7) is whole.losses(7) is whole.outputs(7) is None


def test_a_toy_engine_stops_early_and_keeps_the_best_epoch() -> None:
    problem = toy.pictures(noise=3.0)
    (training,) = toy.ToyEngine().train(problem, [member(Recipe(EarlyStopping(3)), max_epochs=200)])
    assert training.status is Status.STOPPED
    assert training.best_epoch == training.epoch - 3 == int(np.argmin(training.curve.validation)) + 1
    assert training.fitted() is training.checkpoint(training.best_epoch)
    assert training.fitted("last") is training.checkpoint(training.epoch)
    toy.ToyEngine().train(problem, [training], until_epoch=training.epoch + 5)
    assert training.status is Status.RUNNING


def test_a_toy_engine_that_does_not_replay_keeps_every_epoch() -> None:
    problem, engine = toy.pictures(), toy.ToyEngine(replays_exactly=False)
    assert not engine.replays_exactly
    a, b = engine.train(problem, [member(), member()], until_epoch=3)
    assert a.fitted().weight.tobytes() != b.fitted().weight.tobytes()
    assert all(a.checkpoint(epoch) is not None for epoch in (1, 2, 3))
    assert engine.n_begun == 2
    assert (engine.memory(problem, member()), engine.affordable(problem, [member()] * 4)) == (0, 4)
    assert engine.inputs(problem, FOLD, FOLD.train) is None
