"""What is the compiled engine's own."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.engine.compiled import records as R
from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.fitted import FittedMLP, FoldFit, fit_fold
from taut.engine.compiled.layout import Layout
from taut.engine.compiled.plans import encoding_of, network_of, plan_to_train
from taut.learning.training import Control, Curve, Member, Status, Training
from taut.recipe import Recipe
from taut.techniques import BatchNorm, EarlyStopping
from tests.engine.compiled.one_step import begun
from tests.engine.helpers import (
    assert_same_weights,
    make_fold,
    make_member,
    make_problem,
    numbers,
    outputs,
    plain_encoder,
)


class Foreign(Training):
    """A training of another engine."""

    member: Any = None
    status: Any = Status.RUNNING
    epoch = best_epoch = 0
    curve: Any = Curve(*np.empty((3, 0)))
    seconds = 0.0

    def losses(self, epoch: int) -> Any:
        return None

    def correct(self, epoch: int) -> Any:
        return None

    def outputs(self, epoch: int) -> Any:
        return None

    def fitted(self, which: Any = "kept") -> Any:
        return None


def test_the_training_of_another_engine_is_refused() -> None:
    with pytest.raises(TypeError, match="a Foreign comes from another engine and cannot be continued here"):
        CompiledEngine(1).train(make_problem(), [Foreign()])


def test_threads_are_what_was_asked_for() -> None:
    assert CompiledEngine(3).threads == 3
    assert CompiledEngine(1).threads == 1


def test_the_first_layer_of_a_wide_table_and_tables_that_may_not_be_written() -> None:
    problem = make_problem(p=300)
    for array in (problem.examples.matrix.values, problem.target):
        array.setflags(write=False)
    weight = np.ones(200, np.float32)
    weight.setflags(write=False)
    problem = replace(problem, fit_weight=weight, score_weight=weight)
    training = CompiledEngine(1).train(problem, [make_member(problem)])[0]
    z = CompiledEngine(1).predict(problem.examples, training.fitted())
    np.testing.assert_allclose(z, outputs(training.fitted(), problem.examples, np.arange(200)), atol=1e-4)


def test_a_table_in_another_order_of_memory_or_type_is_the_same_table() -> None:
    problem = make_problem()
    expected = CompiledEngine(1).train(problem, [make_member(problem)])[0].weights()
    given = problem.examples.matrix.values
    for values in (np.asfortranarray(given), given.astype(np.float64)):
        other = replace(problem, examples=numbers(values), target=problem.target.astype(np.int64))
        assert_same_weights(CompiledEngine(1).train(other, [make_member(other)])[0].weights(), expected)


def test_the_table_is_not_copied() -> None:
    from taut.engine.compiled.plans import rows_of

    problem = make_problem(score_weight=np.ones(200, np.float32))
    shared = rows_of(problem, np.dtype(np.float32))
    for theirs, ours in ((problem.examples.matrix.values, shared.values), (problem.target, shared.target)):
        assert np.shares_memory(theirs, ours)
    assert np.shares_memory(problem.score_weight, shared.score_weight)


def test_weights_are_copies_of_the_state() -> None:
    problem = make_problem()
    training = CompiledEngine(1).train(problem, [make_member(problem)])[0]
    weights = training.weights()
    before = {name: array.copy() for name, array in weights.items()}
    for array in weights.values():
        array[:] = 0.0
    assert_same_weights(training.weights(), before)
    curve = training.curve
    curve.train[:] = 0.0
    assert training.curve.train.all()


def test_float64_agrees_with_float32_and_with_the_book() -> None:
    problem = make_problem()
    member = make_member(problem, Recipe(BatchNorm()), activation="silu", learning_rate=1e-3)
    single, double = (
        CompiledEngine(1, dtype).train(problem, [member])[0] for dtype in (np.float32, np.float64)
    )
    assert double.weights()["layers.0.weight"].dtype == np.float64
    for name, array in double.weights().items():
        np.testing.assert_allclose(single.weights()[name], array, atol=2e-3)
    z = CompiledEngine(1, np.float64).predict(problem.examples, double.fitted())
    np.testing.assert_allclose(z, outputs(double.fitted(), problem.examples, np.arange(200)), atol=1e-6)


def test_regression_predicts_in_float64_where_the_target_has_units() -> None:
    problem = make_problem(task="regression")
    engine = CompiledEngine(1)
    training = engine.train(problem, [make_member(problem)])[0]
    assert engine.predict(problem.examples, training.fitted()).dtype == np.float64
    standard = FittedMLP(**{**vars(training.fitted()), "center": 0.0, "scale": 1.0})
    assert engine.predict(problem.examples, standard).dtype == np.float32


@pytest.mark.parametrize(
    ("n_train", "batch_size", "expected"), [(1000, 10, 100), (1000, 100, 50), (7, 100, 5)]
)
def test_warm_up_is_a_hundred_steps_and_on_small_tables_five_epochs(
    n_train: int, batch_size: int, expected: int
) -> None:
    problem = make_problem(1001)
    member = make_member(problem, fold=make_fold(problem, n_train), batch_size=batch_size)
    fit = fit_fold(problem, member.fold)
    plan = plan_to_train(member, Layout(network_of(member, problem, fit), False), problem, fit)
    assert plan.sizes[R.WARMUP] == expected


def test_the_outputs_may_start_at_the_classes_shares() -> None:
    problem = make_problem()
    start = np.log([0.5, 0.3, 0.2])
    for hidden in ((), (8,)):
        member = make_member(problem, hidden=hidden)
        weights = begun(problem, member, np.float64, FoldFit(plain_encoder(5), start=start)).weights()
        np.testing.assert_array_equal(weights[f"layers.{len(hidden)}.bias"], start)


def test_weights_have_a_mean_of_one_over_the_training_rows() -> None:
    problem = make_problem(fit_weight=np.arange(200.0))
    member = make_member(problem)
    fit = fit_fold(problem, member.fold)
    plan = plan_to_train(member, Layout(network_of(member, problem, fit), False), problem, fit)
    assert plan.hyperparameters[R.FIT_FACTOR] * np.arange(100).mean() == pytest.approx(1.0)


def test_encodings_are_padded_to_whole_vectors() -> None:
    encoding = encoding_of(plain_encoder(17))
    assert encoding.center.shape == encoding.scale.shape == (32,)
    assert encoding.scale.tolist() == [1.0] * 17 + [0.0] * 15
    assert encoding_of(plain_encoder(16)).center.shape == (16,)


def test_calls_into_the_kernel_are_short_enough_to_cancel() -> None:
    problem = make_problem(20_000, 30)
    fold = make_fold(problem, 15_000)
    engine = CompiledEngine(1)
    engine.prepare()
    for hidden in ((8,), (400, 400)):
        control, when = Control(), []

        def cancel(control: Control = control, when: list[float] = when) -> None:
            when.append(time.monotonic())
            control.cancelled.set()

        member: Member = make_member(problem, hidden=hidden, fold=fold, batch_size=256, max_epochs=10**5)
        timer = threading.Timer(0.4, cancel)
        timer.start()
        engine.train(problem, [member], control=control)
        assert time.monotonic() - when[0] < 1.0
        timer.join()


def test_curves_are_as_long_as_training() -> None:
    problem = make_problem()
    engine = CompiledEngine(1)
    training = engine.train(problem, [make_member(problem, Recipe(EarlyStopping(2)), max_epochs=50)])[0]
    curve = training.curve
    assert len(curve) == len(curve.validation) == len(curve.correct) == training.epoch < 50
    assert np.all(np.isfinite(curve.validation))
    assert np.all((curve.correct >= 0.0) & (curve.correct <= 1.0))
    assert training.seconds > 0.0


# --- networks of earlier epochs ---------------------------------------------------------------------------


def kept_by(training: Training, last: int) -> list[int]:
    return [epoch for epoch in range(1, last + 1) if training.checkpoint(epoch) is not None]


@pytest.mark.parametrize("average", [0.0, 8.0])
def test_the_last_epochs_networks_are_kept_and_change_nothing(average: float) -> None:
    problem = make_problem(200, 6)
    plain = replace(
        make_member(problem, Recipe(BatchNorm(), EarlyStopping(4))), max_epochs=60, average=average
    )
    engine = CompiledEngine(1)
    (expected,) = engine.train(problem, [plain], until_epoch=60, respect_patience=True)
    (found,) = engine.train(problem, [replace(plain, keep_networks=6)], until_epoch=60, respect_patience=True)
    stop = found.epoch
    assert stop == expected.epoch < 50
    assert_same_weights(found.weights(), expected.weights())  # type: ignore[attr-defined]
    assert found.curve.validation.tobytes() == expected.curve.validation.tobytes()
    assert kept_by(found, stop) == list(range(stop - 5, stop + 1))
    for epoch in (stop - 5, stop):
        (there,) = engine.train(problem, [plain], until_epoch=epoch)
        one, other = found.checkpoint(epoch), there.fitted("last")
        assert isinstance(one, FittedMLP)
        assert isinstance(other, FittedMLP)
        for name, values in other.weights.items():
            assert one.weights[name].tobytes() == values.tobytes(), name
    assert found.checkpoint(found.best_epoch) is not None
    # Beyond its patience the first ones are kept, and the others stay.
    engine.train(problem, [found], until_epoch=60)
    assert kept_by(found, 60) == list(range(stop - 5, min(60, stop + 6) + 1))


def test_without_being_asked_none_is_kept() -> None:
    problem = make_problem(200, 3)
    (found,) = CompiledEngine(1).train(problem, [make_member(problem, Recipe())], until_epoch=3)
    assert kept_by(found, 3) == []
