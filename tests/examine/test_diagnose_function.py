"""From a table to a verdict."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from taut import L2, BatchNorm, EarlyStopping, Recipe
from taut.errors import DataError, ParameterError, TrainingError
from taut.evidence.variants import Variant, Variants
from taut.examine import diagnose
from taut.examine.diagnosis import Diagnosis
from taut.learning.progress import TrainingProgress
from tests.estimators.helpers import given, mixed_columns, mixed_target, numbers, tasks

QUICK: dict[str, Any] = {
    "hidden": (8,), "max_epochs": 10, "learning_rate": 0.02, "n_jobs": 1, "random_state": 0, "cv": 3
}  # fmt: skip


def found(kind: str = "classification", **changes: Any) -> Diagnosis:
    X, y = changes.pop("given", None) or given(kind)
    return diagnose(X, y, **{**QUICK, **changes})


def figures(one: Diagnosis) -> dict[str, Any]:
    """All but the time that it took."""
    return {name: value for name, value in one.to_dict().items() if name != "seconds"}


def noisy(n: int = 120, p: int = 10, flip: float = 0.25) -> tuple[Any, Any]:
    """Two classes, a quarter of which are wrong: there is much to learn by heart."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, ((X[:, 0] + X[:, 1] > 0) ^ (rng.random(n) < flip)).astype(int)


# --- the verdict ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def overfitted() -> Diagnosis:
    return found(given=noisy(), hidden=(16,), max_epochs=80)


def test_a_network_that_learns_noise_by_heart_overfits(overfitted: Diagnosis) -> None:
    one = overfitted
    assert one.verdict == one.gains.fit == "overfits"
    assert one.degree in ("clearly", "badly")
    assert one.gains.weaker.matters(0.02)
    assert one.train_loss.value < 0.2 < 0.6 < one.validation_loss.value
    assert one.train_loss.low <= one.train_loss.value <= one.train_loss.high
    assert one.validation_loss.low < one.validation_loss.value < one.validation_loss.high
    assert one.turned is not None
    assert 1 <= one.turned < 40 < one.epochs == 80
    assert 0.3 < one.recovered.value <= one.recovered.high <= 1.0
    assert one.recovered.low > 0
    assert one.best in [alternative.name for alternative in one.alternatives]
    assert 0.4 < one.score < 0.9
    assert str(one).startswith("The network overfits ")
    assert one.sentence in repr(one)


def test_the_figures_of_all_alternatives_are_there(overfitted: Diagnosis) -> None:
    one = overfitted
    assert [alternative.name for alternative in one.alternatives] == [
        "stopped at its best epoch", "dropout 0.2", "dropout 0.5", "L2 0.8", "L2 5", "L1 0.3", "batch norm",
        "twice as wide",
    ]  # fmt: skip
    assert "Training longer was not tried: the loss on unseen rows had risen by the end." in str(one)
    assert all(alternative.validation_loss > 0 for alternative in one.alternatives)
    assert (one.task, one.hidden, one.learning_rate, one.batch_size) == ("classification", (16,), 0.02, 16)
    assert (one.n_rows, one.n_columns, one.n_folds, one.n_used) == (120, 10, 3, 120)
    assert one.seconds > 0
    assert len(one.curves) == 3
    assert [len(curve["epoch"]) for curve in one.curves] == [80, 80, 80]
    means = np.mean([curve["validation_loss"] for curve in one.curves], axis=0)
    assert one.turned == means.argmin() + 1
    assert means[-1] == pytest.approx(one.validation_loss.value)


def test_more_rows_and_advice(overfitted: Diagnosis) -> None:
    one = overfitted
    assert [point.n_rows for point in one.learning_curve.points] == [20, 40, 80]
    stopped = one.alternatives[0]
    assert one.learning_curve.points[-1].loss.value == pytest.approx(stopped.validation_loss, rel=1e-4)
    assert {advice.technique.name for advice in one.advice} == {"l1", "l2", "dropout", "batch_norm"}
    told = {"l1", "l2", "dropout", "batch_norm", "label_smoothing", "max_norm", "input_noise"}
    assert {advice.technique.name for advice in one.before} == told
    assert all(advice.measured is not None for advice in one.advice)
    assert all(advice.measured is None for advice in one.before)


def test_json_takes_it(overfitted: Diagnosis) -> None:
    plain = json.loads(json.dumps(overfitted.to_dict(), allow_nan=False))
    assert plain["verdict"] == "overfits"
    assert plain["sentence"] == overfitted.sentence


@tasks
def test_a_network_that_has_hardly_begun_underfits(task: str) -> None:
    one = found(task, max_epochs=2, learning_rate=0.005)
    assert one.verdict == "underfits"
    assert one.turned is None
    assert one.epochs == 2
    assert one.gains.stronger.share.low > 0
    assert "more capacity first" in str(one)


def test_a_network_that_fits() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2))
    y = (X[:, 0] + 1.5 * rng.standard_normal(300) > 0).astype(int)
    one = found(given=(X, y), hidden=(), max_epochs=25)
    assert (one.verdict, one.degree) == ("fits", "")
    assert "The network fits" in str(one)


# --- what is handed over ----------------------------------------------------------------------------------


def test_amounts_are_in_the_targets_own_units() -> None:
    X, y = given("regression")
    plain, scaled = found(given=(X, y)), found(given=(X, 1000 * y + 5))
    assert plain.task == scaled.task == "regression"
    assert scaled.verdict == plain.verdict
    for name in ("train_loss", "validation_loss"):
        for end in ("value", "low", "high"):
            one, other = (getattr(getattr(each, name), end) for each in (plain, scaled))
            assert other == pytest.approx(1e6 * one, rel=1e-2)
    assert scaled.alternatives[2].validation_loss == pytest.approx(
        1e6 * plain.alternatives[2].validation_loss, rel=1e-2
    )
    assert scaled.learning_curve.points[0].loss.value == pytest.approx(
        1e6 * plain.learning_curve.points[0].loss.value, rel=1e-2
    )
    assert scaled.learning_curve.points[0].train_loss == pytest.approx(
        1e6 * plain.learning_curve.points[0].train_loss, rel=1e-2
    )
    assert scaled.score == pytest.approx(plain.score, abs=1e-3)
    assert scaled.recovered.value == pytest.approx(plain.recovered.value, rel=0.05, nan_ok=True)
    lowered = plain.advice[0].lowered
    assert lowered is not None
    (same,) = (a.lowered for a in scaled.advice if a.technique is plain.advice[0].technique)
    assert same is not None
    assert same.value == pytest.approx(1e6 * lowered.value, rel=0.05)
    assert "Squared error" in str(plain)


def test_a_second_table_that_is_shifted_is_a_sign() -> None:
    X, y = given(n=240)
    shifted = X[:120] + np.array([3.0, 0.0, 0.0, 0.0])
    usual, other = (found(given=(X[120:], y[120:]), X_test=test) for test in (X[:120], shifted))
    assert not [sign for sign in usual.signs if sign.kind == "shift"]
    shifts = [sign for sign in other.signs if sign.kind == "shift"]
    assert shifts
    assert any(sign.columns[:1] == ("x0",) for sign in shifts)
    for sign in shifts:
        assert sign.text[1:] in str(other)
    assert usual.validation_loss == other.validation_loss


def test_a_leak_is_a_sign() -> None:
    X, y = noisy()
    leaky = np.column_stack([X, y + 0.01 * X[:, 3]])
    assert "leak" in [sign.kind for sign in found(given=(leaky, y)).signs]


def test_a_data_frame_with_texts_dates_and_missing_values() -> None:
    columns = mixed_columns()
    frame = pd.DataFrame(columns)
    one = found(given=(frame, mixed_target(columns)), X_test=frame.iloc[:50])
    assert one.n_columns == len(columns)
    assert math.isfinite(one.validation_loss.high)
    json.dumps(one.to_dict(), allow_nan=False)


def test_groups_stay_together() -> None:
    """Rows of a group are nearly the same: torn apart they are easy, together they are not."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 5)
    X = rng.standard_normal((30, 6))[groups] + 0.01 * rng.standard_normal((150, 6))
    y = rng.integers(0, 2, 30)[groups]
    torn, together = found(given=(X, y), max_epochs=40), found(given=(X, y), max_epochs=40, groups=groups)
    assert together.validation_loss.value > 3 * torn.validation_loss.value


def test_weights_and_class_weights() -> None:
    weight = np.where(np.arange(150) < 75, 1.0, 3.0)
    usual, weighted = found(), found(sample_weight=weight)
    balanced = found(class_weight={0: 5.0, 1: 1.0, 2: 1.0})
    assert len({one.validation_loss.value for one in (usual, weighted, balanced)}) == 3
    assert found(sample_weight=np.full(150, 2.0)).validation_loss.value == pytest.approx(
        usual.validation_loss.value, rel=1e-3
    )


def test_a_recipe_of_ones_own() -> None:
    recipe = Recipe(L2(0.8), BatchNorm(), EarlyStopping(patience=5))
    one = found(recipe=recipe, max_epochs=60)
    assert one.recipe == recipe
    assert [alternative.name for alternative in one.alternatives] == [
        "dropout 0.2", "dropout 0.5", "L2 5", "L1 0.3", "twice as wide"
    ]  # fmt: skip
    assert one.epochs < 60
    assert one.advice == ()  # nothing was measured against early stopping alone
    if one.verdict != "underfits":
        assert "What to try first, from the table alone:" in str(one)


def test_a_linear_model() -> None:
    one = found(hidden=())
    assert "with a hidden layer of 64" in [alternative.name for alternative in one.alternatives]
    told = {"l1", "l2", "label_smoothing", "input_noise"}  # no hidden units to act on
    assert {advice.technique.name for advice in one.before} == told


def test_one_split_has_no_interval_of_the_training_loss() -> None:
    one = found(cv=[(np.arange(100), np.arange(100, 150))])
    assert one.n_folds == 1
    assert math.isnan(one.train_loss.low)
    assert one.validation_loss.low < one.validation_loss.value < one.validation_loss.high
    assert one.n_used == 150


def test_very_few_rows() -> None:
    X, y = given(n=24)
    one = found(given=(X, y))
    assert "too few rows to tell" in str(one)
    assert math.isnan(one.learning_curve.next_doubling)


def test_of_very_many_rows_some_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taut.examine.diagnosing._LEAST_USED", 40)
    monkeypatch.setattr("taut.examine.diagnosing._MOST_LOSSES", 600)
    one = found()
    assert 40 <= one.n_used < 100
    assert one.n_rows == 150
    assert f"150 rows (of which {one.n_used} were used)" in str(one)
    json.dumps(one.to_dict(), allow_nan=False)


def test_the_task_may_be_said() -> None:
    assert found(task="regression").task == "regression"


# --- progress, seeds, ends --------------------------------------------------------------------------------


def test_progress_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[TrainingProgress] = []
    found(on_progress=seen.append)
    assert [one.done for one in seen] == list(range(len(seen)))
    assert seen[0].total == seen[-1].total
    assert seen[-1].done == seen[-1].total == 30  # 8 networks and 2 parts of the rows, on 3 folds
    assert capsys.readouterr().err == ""
    found(verbose=1)
    assert capsys.readouterr().err.startswith("taut: training 0 of 30 networks\n")


@tasks
def test_the_same_seed_gives_the_same_whatever_the_threads(task: str) -> None:
    assert figures(found(task)) == figures(found(task, n_jobs=2))


def test_another_seed_gives_another() -> None:
    assert found().validation_loss != found(random_state=1).validation_loss


@pytest.mark.parametrize("at", [0, 5, 28])
def test_ctrl_c_ends_it(at: int) -> None:
    before = signal.getsignal(signal.SIGINT)
    raised = threading.Event()

    def press(progress: TrainingProgress) -> None:
        if progress.done == at and not raised.is_set():
            raised.set()
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        found(on_progress=press, max_epochs=200)
    assert raised.is_set()
    assert signal.getsignal(signal.SIGINT) is before


# --- what goes wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": L2(0.1)}, "recipe must be a taut.Recipe, and it is L2"),
        ({"recipe": "l2"}, "recipe must be a taut.Recipe"),
        ({"max_epochs": 0}, "max_epochs must be a whole number from 1 to"),
        ({"task": "both"}, "task must be auto, classification or regression"),
        ({"activation": "tanh"}, "activation"),
        ({"learning_rate": -1.0}, "learning_rate must be"),
        ({"hidden": (0,)}, "hidden"),
    ],
)
def test_wrong_parameters_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        found(**changes)


def test_wrong_tables_are_named() -> None:
    X, y = given()
    with pytest.raises(DataError, match="y has one class only"):
        found(given=(X, np.ones(150, dtype=int)))
    with pytest.raises(ValueError, match="3 features, but .* 4 features"):
        found(X_test=X[:, :3])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        found(given=(X, y[1:]))


def test_a_network_that_diverges_however_it_is_trained() -> None:
    with pytest.raises(
        TrainingError, match=r"The network and all alternatives diverged .* lower learning_rate"
    ):
        found("regression", learning_rate=1e38)


@pytest.mark.parametrize("n_failed", [1, 2])
def test_a_network_that_diverges_as_it_is_has_a_diagnosis_of_what_does_not(
    n_failed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is; and also where it is stopped."""
    original = Variants.own

    def own(self: Variants) -> list[Variant]:
        sound = original(self)
        if len(sound) < 2:  # parts of the rows, for the learning curve
            return sound
        failed = [self._failed(t.name, t.side, t.candidate, 0, self._own) for t in sound[:n_failed]]
        return [*failed, *sound[n_failed:]]

    monkeypatch.setattr(Variants, "own", own)
    one = found()
    assert (one.verdict, one.degree) == ("overfits", "badly")
    assert math.isnan(one.validation_loss.value)
    assert one.turned is None
    assert math.isnan(one.recovered.value)
    assert one.sentence.startswith("The network diverges as it is; ")
    assert "nan" not in str(one)
    json.dumps(one.to_dict(), allow_nan=False)
    assert len(one.learning_curve.points) == 3
    assert bool(one.advice) is (n_failed == 1)  # else there is no early stopping alone to measure against


def test_numbers_may_be_missing() -> None:
    X, y = numbers(), given()[1]
    X[::7, 1] = math.nan
    assert math.isfinite(found(given=(X, y)).validation_loss.value)


# --- effort and time ----------------------------------------------------------------------------------------


def test_a_thorough_diagnosis_trains_longer_whatever_the_loss_does() -> None:
    one = found(effort="thorough", max_epochs=40)
    assert one.alternatives[-1].name == "trained twice as long"


def test_a_quick_diagnosis_tries_less() -> None:
    one = found(effort="quick", max_epochs=5)
    names = [alternative.name for alternative in one.alternatives]
    assert names[:4] == ["stopped at its best epoch", "dropout 0.5", "L2 0.8", "twice as wide"]
    assert len(one.learning_curve.points) == 2
    with pytest.raises(ParameterError, match="effort must be one of 'quick', 'standard', 'thorough'"):
        found(effort="lazy")


def test_a_time_limit_leaves_out_what_there_is_no_time_for_and_names_it() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6000, 8))
    y = X[:, 0] + rng.standard_normal(6000)
    started = time.monotonic()
    one = diagnose(X, y, time_limit=2.0, random_state=0, n_jobs=1)
    assert time.monotonic() - started < 2 + 20  # the machine may be busy
    assert one.n_folds < 5 or one.n_used < 6000
    if one.missing:
        assert f"There was no time for: {', '.join(one.missing)}." in str(one)


def test_no_time_at_all_is_said() -> None:
    with pytest.raises(TrainingError, match="time_limit is 1e-06 s, and it passed before"):
        found(time_limit=1e-6)
