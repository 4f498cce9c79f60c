"""The networks of a path: what is trained, how it is scored, and what its weights are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

from taut.engine.compiled.engine import CompiledEngine
from taut.learning.architecture import MLP
from taut.learning.engine import Engine
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Problem
from taut.learning.training import Control
from taut.paths import training as module
from taut.paths.training import (
    PathRow,
    PathWork,
    spread,
    train_by_epoch,
    train_rows,
    zero_share,
)
from taut.recipe import Recipe
from taut.selection.trainer import Trainer
from taut.table import Encoder, Frame, Matrix, NumberColumn, TextColumn, describe, matrix
from taut.table.examples import TableExamples
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping
from tests.selection.helpers import folds_of, settings, table

STOP = EarlyStopping(patience=5)
RECIPES = [
    Recipe(STOP),
    Recipe(L2(1.0), STOP),
    Recipe(L1(0.3), STOP),
    Recipe(Dropout(0.3), BatchNorm(), STOP),
]
EXPLODES = Recipe(L2(1e6), STOP)  # takes a thousand times the weight from the weight
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def work(task: Any = "classification", engine: Engine | None = None, **changes: Any) -> PathWork:
    problem = changes.pop("given", None) or table(task=task)
    architecture, learning_rate = MLP(changes.pop("hidden", (8,))), changes.pop("learning_rate", 0.02)
    folds = folds_of(problem, changes.pop("cv", 3))
    trainer = Trainer(engine or CompiledEngine(1), problem, settings(**{"max_epochs": 40, **changes}))
    return PathWork(trainer, folds, architecture, learning_rate)


def numbers(row: PathRow | None) -> dict[str, Any]:
    """All of a row, to be compared bit for bit."""
    assert row is not None
    if row.failed:
        return {"failed": row.failed}
    return {name: getattr(part, name) for part in (row.scores, row.weights) for name in vars(part)}


def assert_same(first: list[PathRow | None], second: list[PathRow | None]) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_equal(numbers(one), numbers(other))


# --- scores -----------------------------------------------------------------------------------------------


@tasks
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_are_those_of_the_networks_at_the_chosen_epochs(task: Any, weighted: bool) -> None:
    weight = np.random.default_rng(3).random(240).astype(np.float32) if weighted else None
    made = work(task, given=table(task=task, fit_weight=weight, score_weight=weight))
    (row,) = train_rows(made, RECIPES[3:], Control())
    assert row is not None
    assert row.scores is not None
    problem = made.trainer.problem
    for k, fold in enumerate(made.folds):
        epoch = int(row.scores.fold_epochs[k])
        (training,) = made.trainer.train([made.member(RECIPES[3], k)], until_epoch=epoch)
        out = made.trainer.outputs(training.fitted("last"), fold.validation).astype(np.float64)
        y, w = problem.target[fold.validation], None if weight is None else weight[fold.validation]
        if task == "regression":
            loss = mean_squared_error(y, out[:, 0], sample_weight=w)
            skill = r2_score(y, out[:, 0], sample_weight=w)
        else:
            loss = log_loss(y, softmax(out, axis=1), sample_weight=w)
            skill = accuracy_score(y, out.argmax(axis=1), sample_weight=w)
        assert row.scores.validation_loss[k] == pytest.approx(loss, rel=1e-5)
        assert row.scores.score[k] == pytest.approx(skill, rel=1e-5)


def test_a_fold_is_scored_at_the_epoch_that_is_best_on_the_others_up_to_the_longest_ones_stop() -> None:
    made = work(max_epochs=200)
    (row,) = train_rows(made, RECIPES[:1], Control())
    alone = made.trainer.train([made.member(RECIPES[0], k) for k in range(3)])
    longest = max(training.epoch for training in alone)
    assert min(training.epoch for training in alone) < longest < 200
    full = made.trainer.train(alone, until_epoch=longest)
    curves = np.stack([training.curve.validation for training in full])
    assert row is not None
    assert row.scores is not None
    assert row.scores.epoch == np.argmin(curves.mean(axis=0)) + 1
    for k in range(3):
        others = np.delete(curves, k, axis=0)
        assert row.scores.fold_epochs[k] == np.argmin(others.mean(axis=0)) + 1
        assert row.scores.validation_loss[k] == curves[k, row.scores.fold_epochs[k] - 1]


def test_threads_company_and_memory_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = train_rows(work(), RECIPES, Control())
    assert_same(train_rows(work(engine=CompiledEngine(2)), RECIPES, Control()), usual)
    assert_same(train_rows(work(), RECIPES[::-1], Control())[::-1], usual)
    monkeypatch.setattr(module, "_MOST_BYTES", 1)  # one recipe at a time
    assert_same(train_rows(work(), RECIPES, Control()), usual)


def test_all_strengths_start_from_the_same_weights_and_each_fold_from_its_own() -> None:
    made = work()
    assert made.member(RECIPES[0], 0).seed == made.member(RECIPES[1], 0).seed
    assert made.member(RECIPES[0], 0).seed != made.member(RECIPES[0], 1).seed
    assert work(seed=1).member(RECIPES[0], 0).seed != made.member(RECIPES[0], 0).seed


def test_one_call_trains_all_and_one_goes_on_with_the_shorter_folds() -> None:
    engine = CompiledEngine(1)
    calls: list[int] = []
    usual = engine.train

    def train(problem: Any, members: Any, **options: Any) -> Any:
        calls.append(len(members))
        return usual(problem, members, **options)

    engine.train = train  # type: ignore[method-assign]
    arrived: list[int] = []
    train_rows(work(engine=engine), RECIPES, Control(), on_done=lambda: arrived.append(1))
    assert calls[0] == len(arrived) == 3 * len(RECIPES)
    assert len(calls) == 2
    assert calls[1] < calls[0]


def test_a_network_that_diverges_is_a_failure_and_leaves_the_others_alone() -> None:
    rows = train_rows(work(), [*RECIPES[:2], EXPLODES], Control())
    assert rows[2] is not None
    assert rows[2].failed == "diverged"
    assert rows[2].scores is None
    assert_same(rows[:2], train_rows(work(), RECIPES[:2], Control()))


# --- weights ----------------------------------------------------------------------------------------------


def test_weights_are_those_at_the_end_of_training() -> None:
    made = work(max_epochs=200)
    (row,) = train_rows(made, RECIPES[2:3], Control(), at_least=150)
    trainings = made.trainer.train([made.member(RECIPES[2], k) for k in range(3)])
    kept = [zero_share(training, "kept") for training in trainings]
    assert max(training.epoch for training in trainings) < 150
    trainings = made.trainer.train(trainings, until_epoch=150)
    assert row is not None
    weights = row.weights
    assert weights is not None
    np.testing.assert_array_equal(weights.kept_zero_share, kept)
    for k, training in enumerate(trainings):
        arrays = training.weights("last")
        flat = np.concatenate([arrays["layers.0.weight"].ravel(), arrays["layers.1.weight"].ravel()])
        assert weights.norm[k] == pytest.approx(np.linalg.norm(flat), rel=1e-5)
        assert weights.n_nonzero[k] == np.count_nonzero(flat)
        assert weights.zero_share[k] == pytest.approx(np.mean(flat == 0))
        np.testing.assert_allclose(
            weights.column_squares[k], (arrays["layers.0.weight"] ** 2).sum(axis=1), rtol=1e-5
        )
    assert weights.zero_share.mean() > weights.kept_zero_share.mean() > 0


def test_following_the_weights_changes_no_score() -> None:
    usual, followed = (train_rows(work(), RECIPES, Control(), at_least=n) for n in (0, 40))
    for one, other in zip(usual, followed, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_equal(vars(one.scores), vars(other.scores))


def test_epochs_for_so_many_steps() -> None:
    made = work(batch_size=32)  # 160 rows train: 5 steps an epoch
    assert made.epochs_of(1) == 1
    assert made.epochs_of(5) == 1
    assert made.epochs_of(6) == 2
    assert made.epochs_of(10**6) == 40  # max_epochs


def test_a_flag_and_a_categorys_features_belong_to_their_column() -> None:
    rng = np.random.default_rng(0)
    size = rng.standard_normal(120)
    size[::5] = np.nan
    colour = rng.integers(0, 3, 120).astype(np.int32)
    frame = Frame(
        (
            TextColumn("colour", colour, ("red", "green", "blue")),
            NumberColumn("size", size),
            NumberColumn("age", rng.standard_normal(120)),
        ),
        120,
    )
    made = matrix(describe(frame), frame, strict=True)
    encoder = Encoder.fit(made, np.arange(120))
    found = dict(zip(encoder.names, (made.names[column] for column in encoder.columns), strict=True))
    assert found == {
        "size": "size", "age": "age", "size missing": "size",
        "colour=red": "colour", "colour=green": "colour", "colour=blue": "colour",
    }  # fmt: skip


def test_a_table_without_a_feature_has_columns_without_weight() -> None:
    nothing = Matrix(np.zeros((120, 1), dtype=np.float32), ("colour",), 0, (("red",),))
    problem = Problem(TableExamples(nothing), np.arange(120.0) % 2, CrossEntropy(2))
    made = work(given=problem)
    assert TableExamples(nothing).encoder(made.folds[0].train).n_features == 0
    row = train_rows(made, RECIPES[:1], Control())[0]
    assert row is not None
    assert row.weights is not None
    assert not row.weights.column_squares.any()
    assert np.isfinite(row.weights.norm).all()


# --- cut off ----------------------------------------------------------------------------------------------


def test_what_was_finished_is_scored_where_it_is_cut_off() -> None:
    control, done = Control(), [0]

    def arrived() -> None:
        done[0] += 1
        if done[0] == 7:  # two recipes and a fold of a third
            control.cancelled.set()

    rows = train_rows(work(), RECIPES, control, on_done=arrived)
    finished = [i for i, row in enumerate(rows) if row is not None]
    assert finished == sorted(spread(4)[:2])
    for i in finished:
        assert np.isfinite(rows[i].scores.validation_loss).all()  # type: ignore[union-attr]


def test_nothing_is_trained_where_it_is_cut_off_before() -> None:
    control = Control()
    control.cancelled.set()
    assert train_rows(work(), RECIPES, control) == [None] * 4
    assert train_by_epoch(work(), Recipe(), control) == []


@given(st.integers(0, 300))
def test_an_order_is_spread_wherever_it_ends(n: int) -> None:
    order = spread(n)
    assert sorted(order) == list(range(n))
    for k in range(1, n + 1):
        gaps = np.diff([-1, *sorted(order[:k]), n])
        assert gaps.max() <= 4 * n / k + 1


# --- by epoch ---------------------------------------------------------------------------------------------


@tasks
def test_by_epoch_every_epoch_is_a_row(task: Any) -> None:
    made, told = work(task), []
    rows = train_by_epoch(made, Recipe(), Control(), on_done=lambda: told.append(1))
    assert len(rows) == len(told) == 40
    trainings = made.trainer.train([made.member(Recipe(), k) for k in range(3)])
    for k, training in enumerate(trainings):
        got = [row.scores.validation_loss[k] for row in rows]  # type: ignore[union-attr]
        np.testing.assert_array_equal(got, training.curve.validation)
        got = [row.scores.train_loss[k] for row in rows]  # type: ignore[union-attr]
        np.testing.assert_array_equal(got, training.curve.train)
    for epoch, row in enumerate(rows, start=1):
        assert row.scores is not None
        assert row.scores.epoch == epoch
        assert (row.scores.fold_epochs == epoch).all()
    assert rows[0].weights.norm.mean() < rows[-1].weights.norm.mean()  # type: ignore[union-attr]


def test_by_epoch_rows_after_a_divergence_are_failures() -> None:
    rows = train_by_epoch(work(learning_rate=1e30), Recipe(), Control())
    assert len(rows) == 40
    assert rows[-1].failed == "diverged"


def test_by_epoch_whole_epochs_are_kept_where_it_is_cut_off() -> None:
    control, done = Control(), [0]

    def arrived() -> None:
        done[0] += 1
        if done[0] == 9:
            control.cancelled.set()

    assert len(train_by_epoch(work(), Recipe(), control, on_done=arrived)) == 9
