"""One network with a given recipe."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error
from sklearn.utils.class_weight import compute_sample_weight

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.errors import DataError, DataWarning, ParameterError, TrainingError, TrainingWarning
from taut.selection import folds
from tests.estimators.helpers import given, numbers, output, single, target, tasks

STOP = EarlyStopping(patience=5)
ALL = Recipe(L1(1e-4), L2(0.1), Dropout(0.2), BatchNorm(), STOP)


def fitted_with_rest(task: str, **changes: Any) -> tuple[Any, Any, Any]:
    """Fitted with a validation set of its own, and that set."""
    X, y = given(task, n=250)
    usual = {"max_epochs": 60, "learning_rate": 0.05, **changes}
    return single(task, **usual).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:]), X[100:], y[100:]


# --- the recipe and early stopping ------------------------------------------------------------------------


def test_no_recipe_is_early_stopping_alone() -> None:
    X, y = given()
    fitted = single().fit(X, y)
    assert fitted.recipe_ == Recipe(EarlyStopping())
    assert fitted.recipe is None
    assert (output(fitted, X) == output(single(recipe=Recipe(EarlyStopping())).fit(X, y), X)).all()


@pytest.mark.parametrize("recipe", [L2(0.1), "dropout", [L2(0.1)], {"L2": 0.1}])
def test_what_is_no_recipe_is_refused_in_a_sentence(recipe: Any) -> None:
    with pytest.raises(ParameterError, match=r"recipe must be a taut\.Recipe, and it is"):
        single(recipe=recipe).fit(*given())


@tasks
@pytest.mark.parametrize("recipe", [Recipe(STOP), ALL], ids=Recipe.describe)
def test_the_best_epochs_network_is_kept_and_its_loss_is_the_curves(task: str, recipe: Recipe) -> None:
    fitted, X_val, y_val = fitted_with_rest(task, recipe=recipe)
    history = fitted.history_
    assert fitted.best_epoch_ == np.argmin(history["validation_loss"]) + 1
    assert fitted.n_iter_ == fitted.best_epoch_ + 5 < 60  # its patience was over
    best = history["validation_loss"][fitted.best_epoch_ - 1]
    if task == "regression":
        assert mean_squared_error(y_val, fitted.predict(X_val)) == pytest.approx(best, rel=1e-5)
    else:
        assert log_loss(y_val, fitted.predict_proba(X_val)) == pytest.approx(best, rel=1e-5)
        correct = history["validation_accuracy"][fitted.best_epoch_ - 1]
        assert accuracy_score(y_val, fitted.predict(X_val)) == pytest.approx(correct)


@tasks
def test_the_best_epochs_network_is_kept_where_the_last_epoch_ended_training(task: str) -> None:
    fitted, X_val, y_val = fitted_with_rest(task, recipe=Recipe(EarlyStopping(patience=1000)))
    assert fitted.n_iter_ == 60
    assert fitted.best_epoch_ == np.argmin(fitted.history_["validation_loss"]) + 1 < 60
    # As if training had been ended there.
    short, _, _ = fitted_with_rest(task, recipe=Recipe(), max_epochs=fitted.best_epoch_)
    assert output(fitted, X_val).tobytes() == output(short, X_val).tobytes()


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_min_delta_is_in_the_units_of_the_losses(size: float) -> None:
    X, y = given("regression")
    min_delta = 0.1 * float(np.var(y)) * size * size
    recipe = Recipe(EarlyStopping(patience=3, min_delta=min_delta))
    fitted = single("regression", recipe=recipe, max_epochs=60).fit(X, y * size)
    losses = fitted.history_["validation_loss"]
    best = 0
    for epoch, loss in enumerate(losses):
        best = epoch if loss < losses[best] - min_delta else best
    assert fitted.best_epoch_ == best + 1 > 1
    assert fitted.n_iter_ == fitted.best_epoch_ + 3 < 60


def test_a_min_delta_beyond_all_numbers_stops_at_once() -> None:
    X, y = given("regression")
    recipe = Recipe(EarlyStopping(patience=3, min_delta=1.0))
    assert single("regression", recipe=recipe, max_epochs=60).fit(X, y * 1e-200).best_epoch_ == 1


@tasks
def test_histories_have_one_entry_an_epoch(task: str) -> None:
    fitted, _, _ = fitted_with_rest(task)
    names = ["epoch", "train_loss", "validation_loss"]
    names += ["validation_accuracy"] if task == "classification" else []
    assert list(fitted.history_) == names
    for name in names:
        assert fitted.history_[name].shape == (fitted.n_iter_,)
    assert fitted.history_["epoch"].tolist() == list(range(1, fitted.n_iter_ + 1))
    assert fitted.history_["train_loss"][-1] < fitted.history_["train_loss"][0]


@tasks
def test_without_early_stopping_all_rows_train_to_the_last_epoch(task: str, monkeypatch: Any) -> None:
    made = []
    real = folds.make_fold

    def spy(*arguments: Any) -> Any:
        made.append(real(*arguments))
        return made[-1]

    monkeypatch.setattr("taut.estimators.single.make_fold", spy)
    X, y = given(task)
    for changes in ({"recipe": Recipe(L2(0.1))}, {"validation_fraction": 0.0}):
        fitted = single(task, **changes).fit(X, y)
        assert fitted.n_iter_ == fitted.best_epoch_ == 15
        assert np.isnan(fitted.history_["validation_loss"]).all()
        assert np.isfinite(fitted.history_["train_loss"]).all()
        assert made.pop().train.tolist() == list(range(150))
    single(task).fit(X, y)
    fold = made.pop()
    assert len(fold.validation) == round(0.15 * 150)
    assert sorted([*fold.train, *fold.validation]) == list(range(150))
    single(task, validation_fraction=0.4).fit(X, y)
    assert len(made.pop().validation) == 60


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 2, np.nan, "some"])
def test_a_fraction_out_of_its_range_is_refused_in_a_sentence(fraction: Any) -> None:
    with pytest.raises(ParameterError, match="validation_fraction must be a number from 0 to below 1"):
        single(validation_fraction=fraction).fit(*given())


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_a_fraction_leaves_a_row_on_both_sides(fraction: float) -> None:
    X, y = given()
    with pytest.warns(DataWarning, match="not made as usual"):  # no class can be stratified then
        fitted = single(validation_fraction=fraction).fit(X, y)
    assert np.isfinite(output(fitted, X)).all()


def test_a_validation_set_takes_the_place_of_the_fraction() -> None:
    X, y = given()
    first = single(validation_fraction=0.5).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    second = single().fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert output(first, X).tobytes() == output(second, X).tobytes()
    # A recipe without early stopping has its curve too.
    free = single(recipe=Recipe()).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert np.isfinite(free.history_["validation_loss"]).all()
    assert free.best_epoch_ == free.n_iter_ == 15


# --- weights ----------------------------------------------------------------------------------------------


@tasks
@pytest.mark.parametrize("recipe", [Recipe(L2(0.1)), ALL], ids=Recipe.describe)
def test_a_row_of_weight_zero_is_as_if_it_were_not_there(task: str, recipe: Recipe) -> None:
    X, y = given(task)
    weight = np.ones(150)
    weight[::4] = 0.0
    y = y.copy()
    y[::4] = y[0] if task == "classification" else 1e6
    X[::8] = 100.0
    with_them = single(task, recipe=recipe).fit(X, y, weight)
    without = single(task, recipe=recipe).fit(X[weight > 0], y[weight > 0])
    assert output(with_them, X).tobytes() == output(without, X).tobytes()


@tasks
def test_weights_pull_the_network_to_their_rows(task: str) -> None:
    X = numbers(200, 1)  # nothing to learn but how the target is distributed
    y = np.tile([0, 1], 100)
    weight = np.where(y == 1, 3.0, 1.0)
    fitted = single(task, recipe=Recipe(), max_epochs=40).fit(X, y, weight)
    mean = output(fitted, X)[:, 1].mean() if task == "classification" else fitted.predict(X).mean()
    assert mean == pytest.approx(0.75, abs=0.03)


@tasks
def test_weights_count_in_validation(task: str) -> None:
    X, y = given(task, n=250)
    weight = np.random.default_rng(2).random(150)
    fitted = single(task).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:], sample_weight_val=weight)
    loss = fitted.history_["validation_loss"][fitted.best_epoch_ - 1]
    if task == "regression":
        expected = mean_squared_error(y[100:], fitted.predict(X[100:]), sample_weight=weight)
    else:
        expected = log_loss(y[100:], fitted.predict_proba(X[100:]), sample_weight=weight)
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.fault(65)
def test_class_weights_count_in_training_and_in_the_loss_that_stops_it() -> None:
    X = np.random.default_rng(0).standard_normal((400, 2))
    y = (X[:, 0] + 1.5 * np.random.default_rng(1).standard_normal(400) > 1.2).astype(int)
    plain = single(max_epochs=40).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    balanced = single(max_epochs=40, class_weight="balanced").fit(
        X[:200], y[:200], X_val=X[200:], y_val=y[200:]
    )
    assert balanced.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.1
    loss = balanced.history_["validation_loss"][balanced.best_epoch_ - 1]
    weight = compute_sample_weight(dict(enumerate(200 / (2 * np.bincount(y[:200])))), y[200:])
    said = balanced.predict_proba(X[200:])
    assert loss == pytest.approx(log_loss(y[200:], said, sample_weight=weight), rel=1e-5)
    assert loss == balanced.history_["validation_loss"].min()
    accuracy = balanced.history_["validation_accuracy"][balanced.best_epoch_ - 1]
    assert accuracy == pytest.approx(np.mean(said.argmax(axis=1) == y[200:]), abs=1e-6)


def test_a_class_of_weight_zero_does_not_train() -> None:
    X, y = given()
    fitted = single(recipe=Recipe(), class_weight={2: 0.0}).fit(X, y)
    assert fitted.predict_proba(X)[:, 2].max() < 0.1
    assert fitted.classes_.tolist() == [0, 1, 2]


def test_one_row_with_a_weight_is_too_few_for_early_stopping() -> None:
    X, y = given()
    weight = np.zeros(150)
    weight[3] = 1.0
    with pytest.raises(
        DataError, match="sample_weight leaves one row with a weight above 0, and early stopping"
    ):
        single().fit(X, y, weight)


# --- divergence -------------------------------------------------------------------------------------------


@tasks
def test_divergence_is_an_error_that_names_the_likely_cause(task: str) -> None:
    with pytest.raises(
        TrainingError, match=r"Training diverged in epoch 1:.*Lower learning_rate \(it was 1e.30\)"
    ):
        single(task, learning_rate=1e30).fit(*given(task))


def test_early_stopping_goes_back_to_its_best_epoch_after_divergence_too() -> None:
    X, y = given("regression")
    # From some step on, L2 takes 1.25 times the weight from the weight and half as much again, for ever.
    recipe = Recipe(L2(250.0), EarlyStopping(patience=1000))
    with pytest.warns(
        TrainingWarning, match=r"diverged in epoch \d+:.*The network of epoch \d+, the best one"
    ):
        fitted = single("regression", recipe=recipe, learning_rate=0.01, max_epochs=1000).fit(X, y)
    assert fitted.best_epoch_ <= fitted.n_iter_ < 1000
    assert len(fitted.history_["epoch"]) == fitted.n_iter_
    assert fitted.best_epoch_ == np.nanargmin(fitted.history_["validation_loss"]) + 1
    assert np.isfinite(fitted.predict(X)).all()
    with pytest.raises(TrainingError, match="diverged"):
        single("regression", recipe=Recipe(L2(250.0)), learning_rate=0.01, max_epochs=1000).fit(X, y)


# --- Ctrl+C, verbose --------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_best_so_far() -> None:
    X, y = given(n=2000, p=10)
    patient = {"hidden": (64, 64), "recipe": Recipe(EarlyStopping(patience=10**6)), "learning_rate": 1e-5}
    single(**patient, max_epochs=1).fit(X, y)  # whatever is compiled or imported on first use
    estimator = single(**patient, max_epochs=1_000_000)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.4, _thread.interrupt_main)
    started = time.monotonic()
    timer.start()
    try:
        estimator.fit(X, y)
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 3.0
    assert estimator.interrupted_
    assert 0 < estimator.n_iter_ < 1_000_000
    assert np.isfinite(estimator.predict_proba(X)).all()
    again = single(**patient, max_epochs=estimator.best_epoch_).fit(X, y)
    assert not again.interrupted_
    assert output(again, X).tobytes() == output(estimator, X).tobytes()


@tasks
def test_verbose_prints_what_came_of_it(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = given(task)
    fitted = single(task, verbose=1).fit(X, y)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"taut: {fitted.n_iter_} epochs, epoch {fitted.best_epoch_} kept, training loss ")
    assert ", validation loss " in err
    single(task, verbose=1, recipe=Recipe()).fit(X, y)
    assert "validation loss" not in capsys.readouterr().err
    single(task).fit(X, y)
    assert capsys.readouterr() == ("", "")


def test_identical_rows_are_not_on_both_sides() -> None:
    """A network that recites what it has seen looks no better for it."""
    X = np.repeat(numbers(60), 4, axis=0)
    y = np.repeat(np.random.default_rng(5).integers(0, 2, 60), 4)  # nothing to learn
    fitted = single(hidden=(64,), max_epochs=100, recipe=Recipe(EarlyStopping(patience=100))).fit(X, y)
    assert fitted.history_["train_loss"][-1] < 0.2
    assert fitted.history_["validation_loss"][-1] > 0.7
    assert target(X).shape == (240,)


def test_an_absurd_strength_is_named_and_not_the_learning_rate() -> None:
    with pytest.raises(TrainingError, match=r"diverged .* Lower the strength of L2 1e\+308 \(taut tries 50"):
        single("regression", recipe=Recipe(L2(1e308))).fit(*given("regression"))
