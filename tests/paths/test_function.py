"""From a table to a path."""

from __future__ import annotations

import math
import os
import signal
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import RepeatedKFold, ShuffleSplit

import taut
from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe, regularization_path
from taut.errors import DataError, ParameterError, TrainingError, TrainingWarning
from taut.learning.progress import TrainingProgress
from taut.paths import RegularizationPath
from tests.estimators.helpers import given, mixed_columns, mixed_target

SMALL: dict[str, Any] = {
    "hidden": (8,), "max_epochs": 15, "learning_rate": 0.02, "n_jobs": 1, "random_state": 0, "cv": 3
}  # fmt: skip
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def path(
    technique: Any = "l2", strengths: Any = (0.1, 1.0), task: str = "classification", **changes: Any
) -> Any:
    X, y = changes.pop("given", None) or given(task)
    return regularization_path(X, y, technique, strengths, **{**SMALL, **changes})


def assert_same(one: RegularizationPath, other: RegularizationPath) -> None:
    np.testing.assert_equal(one.table, other.table)
    np.testing.assert_equal(one.column_norms, other.column_norms)


# --- what it is -------------------------------------------------------------------------------------------


@tasks
@pytest.mark.parametrize("technique", ["l2", "l1", "dropout", "batch_norm", "early_stopping"])
def test_every_technique_has_a_path(technique: str, task: str) -> None:
    found = path(technique, 6, task)
    assert found.task == task
    table = found.table
    assert (np.diff(table["strength"]) > 0).all()
    for name, values in table.items():
        if name != "failed":
            assert np.isfinite(values).all(), name
    assert found.best.validation_loss == table["validation_loss"].min()
    assert not found.interrupted
    assert found.failed == ()
    assert 0 < found.seconds < 60
    n = {"batch_norm": (2, 2), "early_stopping": (6, 8)}.get(technique, (7, 7))
    assert n[0] <= len(found.points) <= n[1]


@tasks
def test_off_is_early_stopping_alone_as_the_estimators_have_it(task: Any) -> None:
    """The same folds, seeds and scores as in the search."""
    X, y = given(task)
    kind = taut.TautClassifierCV if task == "classification" else taut.TautRegressorCV
    searched = kind(**SMALL, n_bins=0, n_candidates=2).fit(X, y)
    found = path("batch_norm", 1, task=task)
    baseline = searched.baseline_["early_stopping"]
    np.testing.assert_allclose(found.off.validation_losses, baseline.validation_loss, rtol=1e-12)
    np.testing.assert_allclose(found.off.train_losses, baseline.train_loss, rtol=1e-12)
    np.testing.assert_allclose(found.off.scores, baseline.score, rtol=1e-12)
    assert found.off.epochs == baseline.epoch


def test_threads_change_nothing() -> None:
    assert_same(path("l1", 5), path("l1", 5, n_jobs=2))


def test_another_seed_is_another_path() -> None:
    assert path().best.validation_loss != path(random_state=1).best.validation_loss


def test_losses_are_in_the_targets_own_units() -> None:
    X, y = given("regression")
    usual, scaled = path(given=(X, y)), path(given=(X, 1000.0 * y + 5e6))
    for name in ("train_loss", "validation_loss", "validation_loss_se", "gap"):
        np.testing.assert_allclose(scaled.table[name], 1e6 * usual.table[name], rtol=1e-3)
    np.testing.assert_allclose(scaled.table["score"], usual.table["score"], rtol=1e-3)
    assert scaled.table["epochs"].tolist() == usual.table["epochs"].tolist()


def test_strengths_are_the_techniques_own_scale() -> None:
    found = path("l2", 5).table["strength"]
    assert found[0] == 0
    np.testing.assert_allclose(found[1:], L2.path_range.grid(5))  # type: ignore[union-attr]
    assert path(L2, [3, 1, 1]).table["strength"].tolist() == [0, 1, 3]
    assert path("dropout", 3).table["strength"].tolist() == [0.0, 0.02, 0.46, 0.9]


def test_recipes_can_be_trained_again_by_hand() -> None:
    found = path("dropout", [0.3])
    assert found.points[1].recipe == Recipe(Dropout(0.3), EarlyStopping())
    assert found.points[0].recipe == Recipe(EarlyStopping())
    found = path("early_stopping", 5)
    assert found.best.recipe == Recipe()
    assert found.best.epochs == found.best.strength


def test_other_techniques_may_be_in_every_network() -> None:
    found = path("dropout", [0.2], recipe=Recipe(BatchNorm(), EarlyStopping(patience=3)))
    assert found.points[1].recipe == Recipe(Dropout(0.2), BatchNorm(), EarlyStopping(patience=3))
    assert found.off.recipe == Recipe(BatchNorm(), EarlyStopping(patience=3))
    assert path("early_stopping", 3, recipe=Recipe(L2(1.0))).best.recipe == Recipe(L2(1.0))


# --- L1 ---------------------------------------------------------------------------------------------------


@tasks
def test_the_top_of_l1_leaves_no_weight_and_half_of_it_does(task: str) -> None:
    found = path("l1", 6, task, max_epochs=150)
    assert found.points[-1].strength == found.top
    assert found.points[-1].zero_share == 1.0
    assert found.points[-1].n_nonzero == found.points[-1].weight_norm == 0
    assert (found.column_norms[-1] == 0).all()
    half = path("l1", [found.top / 2], task, max_epochs=150)
    assert half.top is None
    assert half.points[-1].zero_share < 1.0


def test_l1_makes_more_zeros_the_stronger_it_is() -> None:
    found = path("l1", 8, max_epochs=100)
    shares = found.table["zero_share"]
    assert (np.diff(shares) >= -0.02).all()
    assert shares[0] == 0.0
    assert (np.diff(found.table["weight_norm"]) < 0).all()


def test_the_columns_that_matter_hold_out_longest() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6))
    y = 2 * X[:, 1] - 3 * X[:, 4] + 0.3 * rng.standard_normal(300)
    from taut.paths.columns import holding_out

    frame = pd.DataFrame(X, columns=list("abcdef"))
    found = path("l1", 12, given=(frame, y), max_epochs=100)
    assert found.column_names == tuple("abcdef")
    assert {found.column_names[i] for i in holding_out(found)[:2]} == {"b", "e"}


def test_columns_of_every_kind_are_named_by_the_person() -> None:
    columns = mixed_columns()
    found = path("l1", [0.05], given=(pd.DataFrame(columns), mixed_target(columns)), max_epochs=5)
    assert found.column_names == tuple(columns)
    assert found.column_norms.shape == (2, len(columns))
    assert (found.column_norms > 0).all()


# --- early stopping's own path ----------------------------------------------------------------------------


def test_early_stopping_s_axis_is_the_epoch() -> None:
    found = path("early_stopping", 6, max_epochs=40)
    every = path("early_stopping", 40, max_epochs=40)
    losses = every.table["validation_loss"]
    assert every.table["strength"].tolist() == list(range(1, 41))
    assert found.best.strength == np.argmin(losses) + 1 == every.best.strength
    limit = losses.min() + every.best.validation_loss_se
    assert found.one_se.strength == np.flatnonzero(losses <= limit)[0] + 1
    assert found.off is found.points[-1]
    assert found.off.strength == 40
    assert found.points[0].strength == 1
    for point in found.points:
        assert point.validation_loss == losses[int(point.strength) - 1]


def test_epochs_may_be_given() -> None:
    found = path("early_stopping", [3, 9])
    assert found.table["strength"].tolist() == [3, 9, 15]


# --- what may be given ------------------------------------------------------------------------------------


def test_weights_groups_and_splitters() -> None:
    X, y = given()
    weight = np.where(np.arange(len(y)) % 3, 1.0, 0.0)
    assert_same(
        path(sample_weight=weight, cv=[(np.arange(0, 100), np.arange(100, 150))]),
        path(sample_weight=5 * weight, cv=[(np.arange(0, 100), np.arange(100, 150))]),
    )
    assert path(groups=np.arange(150) // 10).n_folds == 3
    assert path(cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)).n_folds == 6
    found = path(cv=ShuffleSplit(1, random_state=0))
    assert found.n_folds == 1
    assert math.isnan(found.best.validation_loss_se)
    assert found.one_se is found.best
    usual, balanced = path(), path(class_weight={0: 5.0, 1: 1.0, 2: 1.0})
    assert usual.best.validation_loss != balanced.best.validation_loss


def test_a_linear_model() -> None:
    assert path("l1", 3, hidden=(), max_epochs=60).points[-1].n_nonzero == 0


def test_what_auto_became_is_told() -> None:
    found = path(learning_rate="auto", batch_size="auto", max_epochs=3)
    assert (found.learning_rate, found.batch_size) == (0.002, 32)
    assert (found.hidden, found.activation, found.max_epochs) == ((8,), "relu", 3)


def test_the_task_may_be_said() -> None:
    X, y = given()
    found = regularization_path(X, y, "batch_norm", task="regression", **SMALL)
    assert found.task == "regression"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"technique": "dropuot"}, "no technique 'dropuot'; did you mean dropout"),
        ({"technique": 3}, "technique must be a name such as 'l2', or a class such as taut.L2"),
        ({"technique": L1(0.1)}, "technique must be a name"),
        ({"strengths": 0}, "strengths must be a whole number from 1 to 10,000"),
        ({"strengths": True}, "strengths must be a whole number"),
        ({"strengths": 2.5}, "strengths must be a whole number"),
        ({"strengths": [-1]}, "L2's strength"),
        ({"technique": "early_stopping", "strengths": [16]}, "epoch 16, and max_epochs is 15"),
        ({"recipe": Recipe(L2(1.0))}, "recipe has l2, whose path this is"),
        (
            {"technique": "early_stopping", "strengths": 5, "recipe": Recipe(EarlyStopping())},
            "recipe has early_stopping, whose path this is",
        ),
        ({"recipe": L1(0.1)}, "recipe must be a taut.Recipe"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"hidden": 8}, "hidden must be a tuple of widths"),
        ({"max_epochs": 0}, "max_epochs must be a whole number"),
        ({"n_jobs": 0}, "n_jobs must be"),
        ({"activation": "tanh"}, "activation must be one of"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        path(**changes)


def test_more_that_is_wrong() -> None:
    X, y = given("regression")
    with pytest.raises(ParameterError, match="class_weight is for classes"):
        path(given=(X, y), class_weight="balanced")
    with pytest.raises(ParameterError, match="task must be auto"):
        regularization_path(X, y, "l2", task="ranking", **SMALL)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="one class only"):
        path(given=(X, np.zeros(150, dtype=int)))
    with pytest.raises(ValueError, match="Cannot have number of splits"):
        path(cv=1000)


# --- what goes wrong --------------------------------------------------------------------------------------


def test_strengths_that_diverge_are_rows_of_nan_and_named() -> None:
    with pytest.warns(
        TrainingWarning, match=r"1 of 3 points of the l2 path have no figures: 1e\+06 \(diverged\)"
    ):
        found = path("l2", [0.1, 1e6])
    assert [point.strength for point in found.failed] == [1e6]
    assert math.isnan(found.table["validation_loss"][2])
    assert np.isnan(found.column_norms[2]).all()
    assert found.best.strength < 1e6
    assert found.plot().data


def test_where_all_diverge_it_says_what_to_do() -> None:
    with pytest.raises(TrainingError, match="Every network diverged .* lower learning_rate"):
        path(learning_rate=1e30)


def test_a_constant_target() -> None:
    X, _ = given()
    with pytest.warns(UserWarning, match="in every row: there is nothing to learn"):
        found = regularization_path(X, np.full(150, 4.5), "l2", [1.0], **SMALL)
    assert found.best.validation_loss < 1e-2


# --- progress and Ctrl+C ----------------------------------------------------------------------------------


def test_progress_is_told_network_by_network() -> None:
    told: list[TrainingProgress] = []
    path(on_progress=told.append)
    assert [one.done for one in told] == list(range(10))
    assert {one.total for one in told} == {9}
    told.clear()
    path("early_stopping", 3, on_progress=told.append)
    assert (told[-1].done, told[-1].total) == (15, 15)


def test_verbose_prints_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    path(verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "taut: training 9 of 9" in err
    path()
    assert capsys.readouterr().err == ""


in_main = pytest.mark.skipif(os.name == "nt", reason="signals")


def interrupts_after(n: int, times: int = 1) -> Any:
    """Ctrl+C when so many networks are done."""
    seen = threading.Event()

    def tell(progress: TrainingProgress) -> None:
        if progress.doing == "training" and progress.done >= n and not seen.is_set():
            seen.set()
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    return tell


@in_main
def test_after_ctrl_c_what_is_finished_is_there() -> None:
    found = path("l2", 30, on_progress=interrupts_after(40), n_jobs=2)
    assert found.interrupted
    assert found.off.strength == 0
    assert 2 < len(found.points) < 31
    strengths = found.table["strength"][1:]
    assert strengths.max() / strengths.min() > 100  # spread over the whole path
    assert np.isfinite(found.table["validation_loss"]).all()
    assert found.plot().data


@in_main
def test_after_ctrl_c_the_epochs_so_far_are_there() -> None:
    found = path("early_stopping", 10, max_epochs=500, on_progress=interrupts_after(20))
    assert found.interrupted
    assert 20 <= found.off.strength < 500


@in_main
def test_ctrl_c_before_anything_is_finished_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        path("l2", 30, on_progress=interrupts_after(0))
