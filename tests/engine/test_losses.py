"""The validation rows' losses by epoch, which every engine keeps for those members that ask for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.learning.engine import Engine
from taut.learning.training import Status
from taut.recipe import Recipe
from taut.techniques import BatchNorm, EarlyStopping
from tests.engine.helpers import (
    assert_same,
    assert_same_curves,
    assert_same_weights,
    each_loss,
    make_fold,
    make_member,
    make_problem,
)
from tests.engine.test_laws import EVERYTHING, compiled_engines, engines, tasks
from tests.learning.test_engine import recipes

# Classes that fill less than a vector of the kernels, and more than one; and a number.
KINDS: list[tuple[Any, int]] = [
    ("classification", 2), ("classification", 3), ("classification", 16), ("classification", 20),
    ("regression", 1),
]  # fmt: skip
kinds = pytest.mark.parametrize(("task", "n_outputs"), KINDS)
weights = pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])


def some_weights(weighted: bool, n: int) -> Any:
    """Many of them the same, as rows of one weight share a logarithm in the kernels."""
    return np.random.default_rng(1).choice([0.25, 1.0, 3.5], n) if weighted else None


@engines
@tasks
@recipes
def test_to_keep_them_changes_nothing_else(make_engine: Any, task: Any, recipe: Recipe) -> None:
    problem = make_problem(task=task, score_weight=some_weights(True, 200))
    off = make_member(problem, recipe)
    a, b = make_engine(1).train(problem, [off, replace(off, keep_losses=True)])
    assert (a.epoch, a.best_epoch, a.status) == (b.epoch, b.best_epoch, b.status)
    for which in ("kept", "last"):
        assert_same_weights(a.weights(which), b.weights(which))
    assert_same_curves(a.curve, b.curve)
    assert [a.losses(epoch) for epoch in range(10)] == [None] * 10


@engines
@kinds
@weights
def test_their_weighted_mean_is_the_curve(
    make_engine: Any, task: Any, n_outputs: int, weighted: bool
) -> None:
    problem = make_problem(900, task=task, n_outputs=n_outputs, score_weight=some_weights(weighted, 900))
    # More rows than are evaluated at a time.
    member = make_member(problem, EVERYTHING, fold=make_fold(problem, 200), keep_losses=True)
    (training,) = make_engine(1).train(problem, [member], until_epoch=4)
    weight = None if problem.score_weight is None else problem.score_weight[200:]
    for epoch, mean in enumerate(training.curve.validation, start=1):
        losses = training.losses(epoch)
        assert losses is not None
        assert (losses.dtype, losses.shape) == (np.float32, (700,))
        assert np.average(losses.astype(np.float64), weights=weight) == pytest.approx(mean, rel=1e-6)


@engines
@pytest.mark.parametrize("n_outputs", [2, 20])
def test_accuracy_has_weights_of_its_own(make_engine: Any, n_outputs: int) -> None:
    problem = make_problem(900, n_outputs=n_outputs, score_weight=some_weights(True, 900))
    own = np.random.default_rng(2).choice([0.5, 2.0], 900)
    member = make_member(problem, EVERYTHING, fold=make_fold(problem, 200), keep_losses=True)
    (plain,) = make_engine(1).train(problem, [member], until_epoch=3)
    (other,) = make_engine(1).train(replace(problem, accuracy_weight=own), [member], until_epoch=3)
    assert plain.curve.validation.tobytes() == other.curve.validation.tobytes()
    assert_same_weights(plain.weights(), other.weights())
    for epoch, mean in enumerate(other.curve.correct, start=1):
        assert np.average(other.correct(epoch), weights=own[200:]) == pytest.approx(mean, rel=1e-6)


@compiled_engines
@kinds
@weights
def test_outputs_are_those_of_the_prediction(
    make_engine: Any, task: Any, n_outputs: int, weighted: bool
) -> None:
    problem = make_problem(900, task=task, n_outputs=n_outputs, score_weight=some_weights(weighted, 900))
    fold = make_fold(problem, 200)
    member = replace(make_member(problem, EVERYTHING, fold=fold), keep_outputs=True)
    engine = make_engine(1)
    (training,) = engine.train(problem, [member], until_epoch=2)
    assert training.outputs(0) is training.outputs(3) is None
    first = training.outputs(1)
    engine.train(problem, [training], until_epoch=4)
    assert np.array_equal(training.outputs(1), first)
    said = engine.predict(problem.examples, training.fitted("last"), fold.validation)
    assert np.array_equal(training.outputs(4), said.astype(training.outputs(4).dtype))
    (other,) = engine.train(problem, [replace(member, keep_outputs=False)], until_epoch=4)
    assert other.outputs(4) is None
    assert_same_weights(training.weights(), other.weights())
    assert_same_curves(training.curve, other.curve)


@engines
@kinds
@weights
def test_they_are_the_rows_own_in_the_order_of_the_fold(
    make_engine: Any, task: Any, n_outputs: int, weighted: bool
) -> None:
    problem = make_problem(700, task=task, n_outputs=n_outputs, score_weight=some_weights(weighted, 700))
    fold, engine = make_fold(problem, 100), make_engine(1)
    shuffled = np.random.default_rng(0).permutation(fold.validation)
    member = make_member(problem, EVERYTHING, fold=replace(fold, validation=shuffled), keep_losses=True)
    for epoch in (1, 5):
        (then,) = engine.train(problem, [member], until_epoch=epoch)
        z = engine.predict(problem.examples, then.fitted("last"), shuffled)
        losses = then.losses(epoch)
        assert losses is not None
        # A row's weight has no part in its own loss.
        np.testing.assert_allclose(losses, each_loss(problem, z, shuffled), rtol=2e-5, atol=1e-6)


@compiled_engines
def test_a_loss_is_in_the_tables_units(make_engine: Any) -> None:
    problem = make_problem(task="regression")
    fold = make_fold(problem)
    member = make_member(problem, fold=fold, learning_rate=0.0, keep_losses=True)
    (training,) = make_engine(1).train(problem, [member], until_epoch=1)
    assert training.fitted().scale != 1.0
    z = make_engine(1).predict(problem.examples, training.fitted(), fold.validation)
    errors = (z[:, 0] - problem.target[fold.validation]) ** 2
    np.testing.assert_allclose(training.losses(1), errors, rtol=1e-5)


@engines
def test_a_row_of_large_loss_is_not_cut(make_engine: Any) -> None:
    problem = make_problem(task="regression")
    problem.target[150] = 1e9
    member = make_member(problem, fold=make_fold(problem, 100), keep_losses=True)
    (training,) = make_engine(1).train(problem, [member], until_epoch=2)
    losses = training.losses(2)
    assert losses is not None
    assert losses[50] == pytest.approx(1e18, rel=1e-3)


@engines
@pytest.mark.parametrize("recipe", [Recipe(), EVERYTHING], ids=Recipe.describe)
def test_in_pieces_they_are_the_same(make_engine: Any, recipe: Recipe) -> None:
    problem, engine = make_problem(), make_engine(1)
    member = make_member(problem, recipe, max_epochs=400, keep_losses=True)
    (whole,) = engine.train(problem, [member], until_epoch=300)
    pieces = engine.train(problem, [member], until_epoch=1)
    early = pieces[0].losses(1)
    # Over the ends of the room that an engine makes to begin with.
    for epoch in (2, 63, 64, 65, 127, 128, 129, 130, 290, 300):
        engine.train(problem, pieces, until_epoch=epoch)
    assert_same(pieces[0], whole)
    assert early is not None
    assert early.tobytes() == whole.losses(1).tobytes()


@engines
def test_beyond_its_patience_they_are_kept_too(make_engine: Any) -> None:
    problem, engine = make_problem(n=160, seed=3), make_engine(1)
    member = make_member(
        problem, Recipe(EarlyStopping(4)), hidden=(60, 60), fold=make_fold(problem, 40), max_epochs=40,
        learning_rate=0.01, keep_losses=True,
    )  # fmt: skip
    (stopped,) = engine.train(problem, [member])
    assert stopped.status is Status.STOPPED
    own = stopped.epoch
    assert own < 40
    engine.train(problem, [stopped], until_epoch=40)
    (straight,) = engine.train(problem, [member], until_epoch=40)
    assert_same(stopped, straight)
    assert len({straight.losses(epoch).tobytes() for epoch in range(1, 41)}) == 40


@engines
def test_none_where_not_trained_not_kept_or_nobody_is_held_out(make_engine: Any) -> None:
    problem, engine = make_problem(), make_engine(1)
    kept = make_member(problem, Recipe(BatchNorm()), keep_losses=True)
    nobody = replace(kept, fold=make_fold(problem, n_validation=0))
    begun, without = engine.train(problem, [kept, nobody], until_epoch=0)
    assert begun.losses(0) is begun.losses(1) is without.losses(1) is None
    engine.train(problem, [begun, without], until_epoch=3)
    assert [begun.losses(epoch) is None for epoch in (-1, 0, 1, 2, 3, 4, 99)] == [
        True, True, False, False, False, True, True,
    ]  # fmt: skip
    assert without.losses(1) is without.losses(3) is None
    (off,) = engine.train(problem, [replace(kept, keep_losses=False)], until_epoch=3)
    assert off.losses(1) is off.losses(3) is None


@engines
def test_what_is_given_is_a_copy(make_engine: Any) -> None:
    problem = make_problem()
    (training,) = make_engine(1).train(problem, [make_member(problem, keep_losses=True)], until_epoch=2)
    losses = training.losses(2)
    assert losses is not None
    before = losses.copy()
    losses[:] = 0.0
    np.testing.assert_array_equal(training.losses(2), before)


@engines
def test_who_diverges_keeps_those_of_the_epochs_before(make_engine: Any) -> None:
    problem, engine = make_problem(task="regression"), make_engine(1)
    member = make_member(problem, hidden=(8, 8), learning_rate=1e17, max_epochs=50, keep_losses=True)
    training: Any = engine.train(problem, [member])[0]
    assert training.status is Status.DIVERGED
    for epoch, mean in enumerate(training.curve.validation, start=1):
        own = float(np.mean(training.losses(epoch).astype(np.float64)))
        if np.isfinite(mean) and mean < 1e37:  # a float32 ends about there
            assert own == pytest.approx(mean, rel=1e-5)
        else:
            assert not own < 1e37
    assert training.losses(training.epoch + 1) is None


@engines
def test_members_that_keep_them_and_members_that_do_not_are_strangers(make_engine: Any) -> None:
    problem = make_problem()
    members = [make_member(problem, EVERYTHING, seed=s, keep_losses=s % 2 == 0) for s in range(8)]
    engine: Engine = make_engine(2)
    for alone, among in zip(
        [engine.train(problem, [member])[0] for member in members],
        engine.train(problem, members),
        strict=True,
    ):
        assert_same(alone, among)
