"""The network that is looked at is the one that a script trains, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from taut import TautClassifier, TautRegressor
from taut.learning.training import Control
from taut.play import run as run_module
from taut.play.data import REAL, Data
from taut.play.run import Run, soon
from taut.play.settings import Settings, made, usual
from taut.play.toys import TOYS, Toy, toy
from taut.recipe import Recipe
from taut.techniques import L1, L2, TECHNIQUES, BatchNorm, Dropout, EarlyStopping, MaxNorm
from taut.techniques.base import Technique
from tests.play.helpers import curves_of, finished, quick, run_of, weights_of

ALL = (L1(0.01), L2(0.1), MaxNorm(0.9), Dropout(0.2), BatchNorm(), EarlyStopping(patience=3))


def script(settings: Settings, X: Any, y: Any, task: str) -> Any:
    """As a person writes it, without anything of ``taut play``."""
    classes = task == "classification"
    train, held_out = train_test_split(
        np.arange(len(y)), test_size=settings.held_out, random_state=settings.random_state,
        stratify=y if classes else None,
    )  # fmt: skip
    kind = TautClassifier if classes else TautRegressor
    model = kind(
        hidden=settings.hidden,
        recipe=settings.recipe,
        activation=settings.activation,  # type: ignore[arg-type]
        n_bins=settings.n_bins,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        max_epochs=settings.max_epochs,
        random_state=settings.random_state,
    )
    return model.fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])


def assert_same(one: Any, other: Any) -> None:
    assert weights_of(one) == weights_of(other)
    assert curves_of(one) == curves_of(other)
    assert (one.best_epoch_, one.n_iter_) == (other.best_epoch_, other.n_iter_)


@pytest.mark.parametrize("kind", [None, *TECHNIQUES], ids=lambda kind: kind.name if kind else "nothing")
@pytest.mark.parametrize("one", TOYS, ids=lambda one: one.name)
def test_a_toy_problems_network_is_that_of_a_script(one: Toy, kind: type[Technique] | None) -> None:
    if kind is not None and kind.needs_classes and one.task == "regression":
        pytest.skip("it is for classes")
    techniques = [] if kind is None else [made(kind, usual(kind))]
    settings = quick(*techniques, problem=one.name, noise=one.usual, max_epochs=3)
    X, y = toy(one.name, settings.n_rows, one.usual, settings.random_state)
    assert_same(finished(settings).fitted(), script(settings, X, y, one.task))


@pytest.mark.parametrize("problem", REAL)
@pytest.mark.parametrize(
    "changes",
    [{}, {"activation": "gelu", "n_bins": 4, "hidden": (8, 4)}, {"hidden": (), "held_out": 0.9}],
    ids=["plain", "pieces", "linear"],
)
def test_a_real_tables_network_is_that_of_a_script(problem: str, changes: dict[str, Any]) -> None:
    settings = quick(*ALL, problem=problem, max_epochs=3, **changes)
    data = settings.data(None)
    assert_same(finished(settings).fitted(), script(settings, data.X, data.y, data.task))


def by_epochs(run: Run) -> None:
    while not run.is_over:
        run.train(Control(), run.training.epoch + 1)


def in_pieces(run: Run) -> None:
    while not run.is_over:
        run.train(soon(0.001))


def cancelled_now_and_then(run: Run) -> None:
    while not run.is_over:
        control = Control()
        control.cancelled.set()
        run.train(control)
        run.train(Control(), run.training.epoch + 2)


@pytest.mark.parametrize("train", [by_epochs, in_pieces, cancelled_now_and_then])
@pytest.mark.parametrize("problem", ["moons", "sine"])
def test_in_steps_it_is_the_same_network(train: Callable[[Run], None], problem: str) -> None:
    settings = quick(*ALL, problem=problem, max_epochs=30)
    stepped = run_of(settings)
    train(stepped)
    whole = finished(settings)
    assert stepped.training.epoch == whole.training.epoch
    assert_same(stepped.fitted(), whole.fitted())
    last = whole.training.epoch
    assert (stepped.row_losses(last) == whole.row_losses(last)).all()  # type: ignore[union-attr]


def test_it_ends_where_patience_does() -> None:
    run = finished(quick(EarlyStopping(patience=3), max_epochs=500, learning_rate=0.05))
    assert run.training.epoch < 500
    assert run.training.epoch == run.training.best_epoch + 3


def test_what_it_keeps_on_the_way_is_what_a_script_of_so_many_epochs_keeps() -> None:
    settings = quick(Dropout(0.3), L2(0.1))
    run = run_of(settings)
    run.train(Control(), 4)
    shorter = finished(replace(settings, max_epochs=4))
    assert weights_of(run.fitted()) == weights_of(shorter.fitted())


def test_losses_are_in_the_targets_own_units() -> None:
    settings = quick(problem="diabetes", max_epochs=3)
    run = finished(settings)
    history = run.fitted().history_
    validation = run.training.curve.times(run.loss_unit).validation
    np.testing.assert_allclose(validation, history["validation_loss"], rtol=1e-6)
    assert run.row_losses(3).mean() == pytest.approx(validation[2], rel=1e-5)  # type: ignore[union-attr]
    y = run.split.held_out_rows[1]
    constant = np.mean((y - run.split.training_rows[1].mean()) ** 2)
    assert run.constant_loss == pytest.approx(constant, rel=1e-5)


# --- settings that change on the way ----------------------------------------------------------------------


def test_a_change_on_the_way_goes_on_from_here() -> None:
    run = run_of(quick(max_epochs=10))
    run.train(Control(), 4)
    before = run.training.curve
    run.change(replace(quick(L2(20.0)), max_epochs=10))
    assert run.training.epoch == 4
    run.train(Control())
    assert run.training.epoch == 10
    assert (run.training.curve.until(4).train == before.train).all()
    plain = finished(quick(max_epochs=10))
    assert norm(run) < 0.8 * norm(plain)
    assert [epoch for epoch, _ in run.changes] == [4]
    assert run.fitted().recipe_ == Recipe(L2(20.0))


def norm(run: Run) -> float:
    return float(sum(np.square(array).sum() for _, array in run.kept.penalized_weights()))


def test_a_change_to_the_same_settings_changes_no_weight() -> None:
    settings = quick(Dropout(0.2), L2(0.1), BatchNorm(), max_epochs=8)
    run = run_of(settings)
    run.train(Control(), 3)
    run.change(settings)
    run.train(Control())
    assert weights_of(run.fitted()) == weights_of(finished(settings).fitted())


def test_rows_and_units_stay_where_settings_change_on_the_way() -> None:
    settings = quick()
    run = run_of(settings)
    run.train(Control(), 2)
    run.change(quick(L2(0.1), n_rows=200, noise=0.9, hidden=(20,), held_out=0.1, random_state=9))
    assert run.settings == replace(settings, techniques=quick(L2(0.1)).techniques)
    run.train(Control())
    assert run.training.status.value == "running"


def test_a_network_that_stopped_goes_on_with_more_patience() -> None:
    run = finished(quick(EarlyStopping(patience=2), max_epochs=200, learning_rate=0.05))
    stopped = run.training.epoch
    run.change(quick(EarlyStopping(patience=30), max_epochs=200, learning_rate=0.05))
    assert not run.is_over
    run.train(Control())
    assert run.training.epoch > stopped
    assert run.training.best_epoch > stopped


def test_losses_of_rows_that_were_not_kept_are_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = quick(max_epochs=10)
    n = len(run_of(settings).split.validation)
    monkeypatch.setattr(run_module, "_MOST_LOSSES", 7 * n)
    run = run_of(settings)
    run.train(Control(), 4)
    assert run.row_losses(2) is None
    run.change(replace(settings, max_epochs=6))  # so few that they would be kept
    run.train(Control())
    assert run.row_losses(2) is None


# --- what goes wrong --------------------------------------------------------------------------------------


def test_a_network_that_diverges_is_over() -> None:
    run = run_of(quick(L2(1e7)))
    run.train(Control())
    assert run.diverged
    assert run.is_over


def test_what_fit_warns_of_is_noted() -> None:
    y = np.tile([0, 1], 40)
    X = np.column_stack([y, np.random.default_rng(0).standard_normal(80)]).astype(float)
    notes = run_of(quick(), None).notes
    assert notes == []
    leaky = Run(quick(), Data(X, y, "classification", "made"))
    assert any("x0" in note or "column" in note for note in leaky.notes)


# --- its code ---------------------------------------------------------------------------------------------


def executed(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(code, "code.py", "exec"), names)
    return names


@pytest.mark.parametrize("problem", [*(one.name for one in TOYS), *REAL])
def test_its_code_trains_the_same_network(
    problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from taut.play.code import taut_code

    run = finished(quick(*ALL, problem=problem, max_epochs=4))
    model = executed(taut_code(run), tmp_path, monkeypatch)["model"]
    assert_same(model, run.fitted())
    assert capsys.readouterr().out.startswith(f"epoch {run.training.best_epoch}, validation loss ")
