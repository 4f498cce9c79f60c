"""What all four estimators promise: parameters, faults in the data, prediction, copies."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError

from taut import Recipe, TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
from taut.errors import DataWarning, ParameterError
from tests.estimators.helpers import (
    crossvalidated,
    given,
    kinds,
    numbers,
    output,
    single,
    target,
    tasks,
)

# --- parameters -------------------------------------------------------------------------------------------

SHARED = {
    "hidden": (128, 128),
    "activation": "relu",
    "n_bins": 0,
    "learning_rate": "auto",
    "batch_size": "auto",
    "max_epochs": 300,
    "n_jobs": None,
    "random_state": None,
    "verbose": 0,
}
ONE = {"recipe": None, "validation_fraction": 0.15}
CHOSEN = {
    "n_bins": "auto", "cv": "auto", "effort": "standard", "n_candidates": None, "time_limit": None,
    "scoring": None, "selection": "best", "final": "bag", "sampler": None, "resume": None,
    "on_candidate": None, "on_batch": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        (TautClassifier, {**ONE, "class_weight": None}),
        (TautRegressor, ONE),
        (TautClassifierCV, {**CHOSEN, "class_weight": None}),
        (TautRegressorCV, CHOSEN),
    ],
)
def test_parameters_and_their_defaults(kind: Any, own: dict[str, Any]) -> None:
    assert kind().get_params() == {**SHARED, **own}
    assert kind((5,)).hidden == (5,)


@kinds
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learning_rate": np.inf}, "learning_rate must be a finite number of 0 or more, and it is inf"),
        ({"learning_rate": -0.1}, "learning_rate must be a finite number of 0 or more, and it is -0.1"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"learning_rate": "fast"}, "learning_rate must be .* 'fast' is not a number"),
        ({"batch_size": 0}, "batch_size must be a whole number of 1 or more, and it is 0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number of 1 or more, and it is 1.5"),
        ({"max_epochs": 0}, "max_epochs must be a whole number from 1 to 1,000,000"),
        ({"hidden": 128}, r"hidden must be a tuple of widths such as \(128, 128\)"),
        ({"hidden": (8, 0)}, "Each width in hidden must be a whole number of 1 or more"),
        ({"activation": "tanh"}, "activation must be one of relu, silu, gelu, and it is 'tanh'"),
        ({"n_jobs": 0}, "n_jobs must be None or a whole number other than 0, and it is 0"),
        ({"n_jobs": 1.5}, "n_jobs must be None or a whole number other than 0, and it is 1.5"),
    ],
    ids=str,
)
def test_parameters_out_of_their_range_are_refused_in_a_sentence(
    make: Any, changes: Any, sentence: str
) -> None:
    with pytest.raises(ParameterError, match=sentence):
        make(**changes).fit(*given())


@kinds
def test_parameters_are_checked_in_fit_and_left_as_they_were_given(make: Any) -> None:
    estimator = make(hidden=[8], batch_size=16.0)
    fitted = estimator.fit(*given())
    assert fitted is estimator
    assert fitted.hidden == [8]
    assert fitted.batch_size == 16.0
    assert fitted.batch_size_ == 16
    assert fitted.network_.hidden == (8,)


# --- targets ----------------------------------------------------------------------------------------------

CLASSES = {
    "text": np.array(["one", "three", "two"]),
    "objects of text": np.array(["one", "three", "two"], dtype=object),
    "integers": np.array([-5, 0, 12]),
    "small integers": np.array([0, 1, 200], dtype=np.uint8),
    "floats": np.array([-1.0, 0.0, 3.0], dtype=np.float32),
    "emoji": np.array(["\"'", "<b>", "🍋"]),
}


@kinds
@pytest.mark.parametrize("name", CLASSES)
def test_classes_come_back_in_their_own_type(make: Any, name: str) -> None:
    X, codes = given()
    y = CLASSES[name][codes]
    fitted = make().fit(X, y)
    predicted = fitted.predict(X)
    assert fitted.classes_.tolist() == CLASSES[name].tolist()
    assert predicted.dtype == y.dtype
    assert set(predicted) <= set(y)
    assert np.mean(predicted == y) > 0.5
    assert (output(fitted, X) == output(make().fit(X, codes), X)).all()


@kinds
def test_yes_and_no_come_back_as_yes_and_no(make: Any) -> None:
    X = numbers()
    y = X[:, 0] > 0
    predicted = make().fit(X, y).predict(X)
    assert predicted.dtype == bool
    assert np.mean(predicted == y) > 0.8


@kinds
@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e9 + 0.1, 1e-300, 1e300])
def test_a_constant_target_is_predicted_exactly_with_a_warning(make: Any, value: float) -> None:
    X = numbers()
    with pytest.warns(
        DataWarning, match="in every row: there is nothing to learn, and that is what is predicted"
    ):
        fitted = make("regression").fit(X, np.full(150, value))
    assert (fitted.predict(numbers(7, seed=3)) == value).all()


@kinds
@pytest.mark.parametrize(
    ("shift", "size"), [(0.0, 1e9), (0.0, 1e-9), (1e9, 1.0), (-2e12, 50.0), (0.0, 1e-200)]
)
def test_the_size_of_the_target_changes_nothing_but_units(make: Any, shift: float, size: float) -> None:
    X, y = given("regression")
    usual = make("regression").fit(X, y)
    other = make("regression").fit(X, shift + size * y)
    spread = size * np.ptp(y)
    np.testing.assert_allclose(
        other.predict(X) - shift, size * usual.predict(X), atol=2e-3 * spread + 1e-15 * abs(shift)
    )


def test_losses_are_in_the_targets_own_units() -> None:
    X, y = given("regression")
    for make in (single, crossvalidated):
        usual, other = (make("regression").fit(X, y * factor) for factor in (1.0, 1000.0))
        first, second = (
            [e.history_["validation_loss"]]
            if make is single
            else [e.history_["chosen"][0]["validation_loss"]]
            for e in (usual, other)
        )
        np.testing.assert_allclose(second, np.array(first) * 1e6, rtol=0.02)


@kinds
def test_a_column_vector_is_flattened_with_sklearns_warning(make: Any) -> None:
    X, y = given()
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        fitted = make().fit(X, y[:, None])
    assert (output(fitted, X) == output(make().fit(X, y), X)).all()


@kinds
@pytest.mark.parametrize("rows", [1, 2])
def test_a_rare_class_warns_and_does_not_crash(make: Any, rows: int) -> None:
    X, y = given()
    y[:rows] = 9
    if make is single and rows == 2:  # one trains, one may be held out
        fitted = make().fit(X, y)
    else:
        with pytest.warns(UserWarning, match="[Ll]east populated class"):
            fitted = make().fit(X, y)
    assert fitted.classes_.tolist() == [0, 1, 2, 9]
    assert np.isfinite(output(fitted, X)).all()


# --- prediction and copies --------------------------------------------------------------------------------


@kinds
@tasks
def test_predictions_on_a_part_are_that_part_of_the_predictions(make: Any, task: str) -> None:
    X, y = given(task, n=900)
    fitted = make(task, max_epochs=4, n_jobs=2).fit(X, y)
    whole = output(fitted, X)
    order = np.random.default_rng(0).permutation(900)
    for rows in (slice(0, 1), slice(5, 300), slice(899, None), order, order[:257]):
        assert output(fitted, X[rows]).tobytes() == whole[rows].tobytes()


def test_probabilities_are_shares_in_the_order_of_the_classes() -> None:
    X, y = given()
    for make in (single, crossvalidated):
        fitted = make().fit(X, y)
        shares = fitted.predict_proba(X)
        assert shares.shape == (150, 3)
        assert shares.sum(axis=1) == pytest.approx(np.ones(150))
        assert (fitted.predict(X) == fitted.classes_[shares.argmax(axis=1)]).all()


@kinds
@tasks
def test_a_copy_through_pickle_predicts_the_same_bit_for_bit(make: Any, task: str) -> None:
    X, y = given(task)
    fitted = make(task).fit(X, y)
    copy = pickle.loads(pickle.dumps(fitted))
    assert output(copy, X).tobytes() == output(fitted, X).tobytes()
    assert repr(copy) == repr(fitted)
    assert copy.recipe_ == fitted.recipe_


@kinds
def test_a_clone_has_the_parameters_and_nothing_else(make: Any) -> None:
    fitted = make(random_state=7).fit(*given())
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        copy.predict(numbers())
    recipe = Recipe()
    assert clone(single(recipe=recipe)).recipe == recipe


@kinds
@tasks
def test_the_seed_and_not_the_threads_make_the_networks(make: Any, task: str) -> None:
    X, y = given(task)
    first, again, more, other = (
        output(make(task, **changes).fit(X, y), X) for changes in ({}, {}, {"n_jobs": 2}, {"random_state": 1})
    )
    assert first.tobytes() == again.tobytes() == more.tobytes() != other.tobytes()


@kinds
def test_without_a_seed_each_fit_is_another_and_a_random_state_goes_on(make: Any) -> None:
    X, y = given()
    assert (
        output(make(random_state=None).fit(X, y), X) != output(make(random_state=None).fit(X, y), X)
    ).any()
    state = np.random.RandomState(0)
    assert (
        output(make(random_state=state).fit(X, y), X) != output(make(random_state=state).fit(X, y), X)
    ).any()


@kinds
def test_fit_again_forgets_the_first_table(make: Any) -> None:
    X, y = given()
    estimator = make().fit(numbers(60, 2, seed=8), np.tile(["u", "v"], 30))
    estimator.fit(X, y)
    assert (output(estimator, X) == output(make().fit(X, y), X)).all()
    assert estimator.classes_.tolist() == [0, 1, 2]
    assert estimator.n_features_in_ == 4


@kinds
def test_a_linear_model_and_one_column_and_few_rows(make: Any) -> None:
    X = numbers(12, 1)
    y = (X[:, 0] > 0).astype(int)
    fitted = make(hidden=(), max_epochs=5).fit(X, y)
    assert fitted.network_.layer_sizes == (1, 2)
    assert np.isfinite(output(fitted, X)).all()
    assert target(X[:, [0, 0]]).shape == (12,)


@kinds
@tasks
@pytest.mark.parametrize("activation", ["relu", "silu", "gelu"])
def test_every_activation_learns(make: Any, task: str, activation: str) -> None:
    X, y = given(task)
    assert make(task, activation=activation, max_epochs=60, learning_rate=0.01).fit(X, y).score(X, y) > 0.6


def test_a_report_is_told_all_that_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from taut.report import methods

    seen: list[dict[str, Any]] = []
    real = methods.facts_of
    monkeypatch.setattr(methods, "facts_of", lambda *a, **named: seen.append(named) or real(*a))
    estimator = single(max_epochs=2).fit(*given())
    estimator.report(tmp_path / "page.html", effects="e", diagnosis="d", paths=("p",))
    assert seen == [{"effects": "e", "diagnosis": "d", "paths": ("p",)}]
    assert (tmp_path / "page.html").stat().st_size > 1_000_000
