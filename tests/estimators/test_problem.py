"""From what a person hands to ``fit`` to what the engine trains on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taut.errors import DataError, ParameterError
from taut.estimators.problem import (
    TableProblem,
    encode_target,
    is_frame,
    make_problem,
    read_features,
    read_target,
)
from taut.table.frame import Frame, NumberColumn
from tests.estimators.helpers import given, mixed_columns, mixed_target, numbers, single, target


def classification(
    X: Any, y: Any, weight: Any = None, class_weight: Any = None, validation: Any = None
) -> TableProblem:
    return make_problem(single(), "classification", X, y, weight, class_weight, validation)


def regression(X: Any, y: Any, weight: Any = None, validation: Any = None) -> TableProblem:
    return make_problem(single("regression"), "regression", X, y, weight, None, validation)


def target_of(y: Any, task: str = "regression", weight: Any = None) -> Any:
    return read_target(single(task), y, task, weight)


# --- classes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([2, 0, 2, 1], [0, 1, 2]),
        ([-1.0, 1.0, 1.0, -1.0], [-1.0, 1.0]),
        ([True, False, True, True], [False, True]),
        (["b", "a", "b", "b"], ["a", "b"]),
        (np.array(["b", "a", "c", "b"], dtype=object), ["a", "b", "c"]),
        (pd.Series(["b", "a", "b", "b"], dtype="category"), ["a", "b"]),
        (pd.Series(["b", "a", "b", "b"], dtype="string"), ["a", "b"]),
        (pl.Series(["b", "a", "b", "b"]), ["a", "b"]),
        (np.array([3, 1, 3, 1], dtype=np.uint8), [1, 3]),
    ],
    ids=str,
)
def test_classes_are_sorted_and_rows_hold_their_numbers(y: Any, classes: list[Any]) -> None:
    problem = classification(numbers(4), y)
    assert problem.target.classes is not None
    assert problem.target.classes.tolist() == classes
    assert [classes[int(code)] for code in problem.problem.target] == list(y)
    assert problem.problem.objective.n_outputs == problem.target.n_outputs == len(classes)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([0.0, np.nan, 1.0, 1.0], "y contains NaN"),
        (
            ["a", None, "b", "b"],
            "y has missing values: leave out those rows, or give them a class of their own",
        ),
        (np.array(["a", np.nan, "b", "b"], dtype=object), "NaN|missing values"),
        (pd.Series(["a", pd.NA, "b", "b"], dtype="string"), "NaN|missing values"),
        (pd.Series(["a", None, "b", "b"], dtype="category"), "NaN|missing values"),
        (pd.Series([1, pd.NA, 2, 2], dtype="Int64"), "NaN|missing values"),
        ([0.0, np.inf, 1.0, 1.0], "y contains infinity"),
        ([1, 1, 1, 1], "y has one class only, 1: a classifier needs two classes or more"),
        (["yes"] * 4, "y has one class only, 'yes'"),
        (
            np.array(["a", 1, "b", 2], dtype=object),
            "y mixes int and str: make all classes text, or all numbers",
        ),
        ([0.5, 1.25, 3.75, 2.0], "Unknown label type: continuous"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], "1d array"),
        (None, "requires y to be passed"),
        ([0, 1, 0], "inconsistent numbers of samples"),
    ],
    ids=str,
)
def test_a_target_that_is_no_classes_is_refused_in_a_sentence(y: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        classification(numbers(4), y)


# --- values -----------------------------------------------------------------------------------------------

amounts = arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e12, 1e12, allow_subnormal=False))


@given_by(amounts, st.sampled_from([0.0, 1e9, -3e15]), st.sampled_from([1.0, 1e-9, 1e9, 1e-200]))
def test_units_keep_the_figures_that_differ(y: Any, shift: float, factor: float) -> None:
    y = shift + y * factor
    found, values = target_of(y)
    if np.ptp(y) == 0:
        assert found.constant
        assert (found.origin, found.unit) == (y[0], 1.0)
        assert (values == 0).all()
        return
    assert not found.constant
    assert found.unit > 0
    assert np.isfinite(values).all()
    # Back again through float32, as the engine sees it: seven figures of the spread.
    back = values.astype(np.float32).astype(np.float64) * found.unit + found.origin
    assert np.abs(back - y).max() <= 1e-6 * np.ptp(y) + 4 * np.spacing(np.abs(y).max())
    assert np.std(values) == pytest.approx(1.0, rel=1e-6) or np.ptp(y) < 1e-300


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([0.0, np.nan, 1.0, 1.0], "y contains NaN"),
        ([0.0, np.inf, 1.0, 1.0], "y contains infinity"),
        (
            [0.0, 1e80, 1.0, 1.0],
            "y has values as far from 0 as 1e.80, and their squares overflow: change its unit",
        ),
        (["a", "b", "a", "b"], "y holds text, such as 'a', and regression needs numbers"),
        ([1.0, 2.0], "inconsistent numbers of samples"),
        (None, "requires y to be passed"),
    ],
    ids=str,
)
def test_a_target_that_is_no_amount_is_refused_in_a_sentence(y: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        regression(numbers(4), y)


# --- weights ----------------------------------------------------------------------------------------------


def test_without_weights_there_are_none() -> None:
    data = classification(*given()).problem
    assert data.fit_weight is None
    assert data.score_weight is None


@pytest.mark.parametrize("factor", [1.0, 3.0, 1e300, 1e-300])
def test_only_ratios_of_weights_count(factor: float) -> None:
    X, y = given()
    weight = np.random.default_rng(0).random(150)
    first, other = classification(X, y, weight).problem, classification(X, y, weight * factor).problem
    assert first.fit_weight is not None
    assert other.fit_weight is not None
    np.testing.assert_allclose(other.fit_weight, first.fit_weight, rtol=1e-6)
    assert first.fit_weight.mean() == pytest.approx(1.0, rel=1e-6)
    assert first.score_weight is not None
    assert first.score_weight.tolist() == first.fit_weight.tolist()


def test_weights_of_zero_and_one_stay_what_they_are() -> None:
    X, y = given()
    weight = np.where(np.arange(150) < 20, 0.0, 7.0)
    problem = classification(X, y, weight)
    assert problem.problem.fit_weight is not None
    assert set(problem.problem.fit_weight.tolist()) == {0.0, 1.0}
    assert problem.n_counted == 130
    assert problem.weight is not None
    assert np.count_nonzero(problem.weight) == 130
    assert classification(X, y).n_counted == 150


def test_rows_with_weight_zero_have_no_say_in_the_units() -> None:
    X, y = given("regression")
    weight = np.where(np.arange(150) < 20, 0.0, 1.0)
    wild = y.copy()
    wild[:20] = 1e140
    problem, without = regression(X, wild, weight), regression(X[20:], y[20:])
    assert (problem.target.origin, problem.target.unit) == (without.target.origin, without.target.unit)
    assert problem.problem.target[20:].tobytes() == without.problem.target.tobytes()
    assert np.isfinite(problem.problem.target).all()


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (np.ones(3), r"sample_weight.shape == \(3,\), expected \(150,\)"),
        (np.ones((150, 2)), "Sample weights must be 1D"),
        (-np.ones(150), "Negative values in data passed to `sample_weight`"),
        (np.zeros(150), "sample_weight|Sample weights must contain at least one non-zero"),
        (np.full(150, np.nan), "sample_weight contains NaN"),
        (np.ma.array(np.ones(150), mask=np.arange(150) < 5), "sample_weight is masked in some rows"),
        (np.full(150, np.inf), "sample_weight contains infinity"),
    ],
    ids=["length", "two columns", "negative", "all zero", "NaN", "masked", "infinite"],
)
def test_weights_that_are_none_are_refused_in_a_sentence(weight: Any, sentence: str) -> None:
    X, y = given()
    with pytest.raises(ValueError, match=sentence):
        classification(X, y, weight)
    with pytest.raises(ValueError, match=sentence.replace("sample_weight", "sample_weight(_val)?")):
        classification(X, y, validation=(X, y, weight))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.fault(65)
def test_class_weights_count_in_training_and_in_the_loss_and_not_in_accuracy(weighted: bool) -> None:
    X = numbers(100)
    y = np.repeat(["a", "b"], [80, 20])
    weight = 1.0 + (np.arange(100) % 2) if weighted else None
    data = classification(X, y, weight, {"a": 1.0, "b": 4.0}).problem
    fit = data.fit_weight
    assert fit is not None
    ratio = fit[80:].mean() / fit[:80].mean()
    assert ratio == pytest.approx(4.0)
    assert data.score_weight is not None
    assert data.score_weight.tolist() == fit.tolist()
    plain = classification(X, y, weight).problem
    assert plain.accuracy_weight is None
    assert data.accuracy_weight is not None
    expected = np.ones(100) if plain.score_weight is None else plain.score_weight
    assert data.accuracy_weight.tolist() == expected.tolist()


def test_balanced_class_weights_give_all_classes_the_same_sum() -> None:
    y = np.repeat([0, 1, 2], [70, 20, 10])
    fit = classification(numbers(100), y, class_weight="balanced").problem.fit_weight
    assert fit is not None
    sums = np.bincount(y, weights=fit)
    assert sums == pytest.approx(np.full(3, 100 / 3))


@pytest.mark.parametrize(
    ("class_weight", "sentence"),
    [
        ({0: 1.0, 1: -1.0}, "class_weight of the class 1 must be a finite number of 0 or more, and it is -1"),
        ({0: 1.0, 1: np.inf}, "class_weight of the class 1 must be"),
        ({0: 1.0, np.int64(1): "much"}, "class_weight of the class 1 must be .* 'much' is not a number"),
        ({0: 0.0, 1: 0.0, 2: 0.0}, "class_weight leaves no row with a weight above 0"),
        ("heavy", "class_weight"),
    ],
    ids=str,
)
def test_class_weights_that_are_none_are_refused_in_a_sentence(class_weight: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        classification(*given(), class_weight=class_weight)


# --- a validation set -------------------------------------------------------------------------------------


def test_validation_rows_stand_behind_the_others() -> None:
    X, y = given()
    problem = classification(X[:100], y[:100], validation=(X[100:], y[100:], None))
    assert (problem.n_train, problem.matrix.n_rows, len(problem.duplicates)) == (100, 150, 100)
    assert problem.matrix.values.tolist() == X.astype(np.float32).tolist()
    assert problem.problem.target.tolist() == y.tolist()
    assert problem.problem.fit_weight is None


@pytest.mark.parametrize("which", ["train", "validation"])
def test_weights_on_one_side_are_ones_on_the_other(which: str) -> None:
    X, y = given()
    first = np.full(100, 2.0) if which == "train" else None
    second = np.full(50, 2.0) if which == "validation" else None
    score = classification(
        X[:100], y[:100], first, validation=(X[100:], y[100:], second)
    ).problem.score_weight
    assert score is not None
    ratio = score[0] / score[-1]
    assert ratio == pytest.approx(2.0 if which == "train" else 0.5)


def test_validation_values_are_in_the_training_targets_units() -> None:
    X, y = given("regression")
    problem = regression(X[:100], y[:100], validation=(X[100:], y[100:] + 50.0, None))
    back = problem.problem.target * problem.target.unit + problem.target.origin
    np.testing.assert_allclose(back[100:], y[100:] + 50.0, rtol=1e-5)


@pytest.mark.parametrize("y_val", [[0, 1, 7], ["a", "b", "c"]])
def test_a_class_that_training_has_not_is_refused(y_val: Any) -> None:
    X, y = given()
    with pytest.raises(DataError, match="y_val has a class that y has not: (7|'a')"):
        classification(X, y, validation=(X[:3], y_val, None))


def test_classes_of_a_validation_set_are_numbered_as_in_training() -> None:
    found, _ = target_of(["b", "a", "c", "b"], "classification")
    assert encode_target(found, ["c", "a"], single()).tolist() == [2.0, 0.0]


# --- tables -----------------------------------------------------------------------------------------------


def test_what_is_a_data_frame_and_what_is_not() -> None:
    columns = {"a": [1.0, 2.0], "b": [3.0, 4.0]}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        assert is_frame(frame)
    for other in (
        np.ones((2, 2)),
        [[1.0, 2.0]],
        pd.Series([1.0]),
        pl.Series([1.0]),
        None,
    ):
        assert not is_frame(other)
    with pytest.raises(DataError, match="X is a lazy frame, whose rows are not in memory: collect it"):
        is_frame(pl.DataFrame(columns).lazy())


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_of_all_libraries_are_read_alike(library: str) -> None:
    columns = mixed_columns()
    y = mixed_target(columns)
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
    problem = classification(make[library](columns), y)
    usual = classification(pd.DataFrame(columns), y)
    assert problem.schema == usual.schema
    np.testing.assert_array_equal(problem.matrix.values, usual.matrix.values)
    assert [column.kind for column in problem.schema.columns] == [
        "number",
        "number",
        "category",
        "boolean",
        "date",
    ]


def test_an_array_is_not_copied_where_it_need_not_be_and_is_never_changed() -> None:
    X = numbers().astype(np.float32)
    before = X.tobytes()
    problem = classification(X, target(X))
    assert np.shares_memory(problem.matrix.values, X)
    assert X.tobytes() == before


def test_a_table_of_ours_keeps_its_names_and_its_infinities_are_missing() -> None:
    values = numbers(30, 1)[:, 0]
    values[3] = np.inf
    estimator = single()
    frame = Frame((NumberColumn("a", values), NumberColumn("b", numbers(30, 1, 5)[:, 0])), 30)
    with pytest.warns(UserWarning, match="column 'a': 1 number is infinite; it counts as missing"):
        schema, matrix = read_features(estimator, frame, None)
    assert np.isnan(matrix.values[3, 0])
    assert estimator.feature_names_in_.tolist() == ["a", "b"]
    assert estimator.n_features_in_ == 2
    _, again = read_features(estimator, Frame(frame.columns[::-1], 30).take(np.arange(1)), schema)
    assert again.values[0].tolist() == matrix.values[0].tolist()


def test_too_few_rows_are_refused_in_a_sentence() -> None:
    one = pd.DataFrame({"a": [1.0]})
    for X in (one, one.to_numpy(), Frame((NumberColumn("a", np.ones(1)),), 1)):
        with pytest.raises(ValueError, match="minimum of 2 is required"):
            classification(X, [1])


def test_validation_set_and_weights_go_together() -> None:
    X, y = given()
    with pytest.raises(ParameterError, match="X_val and y_val go together: give both, or neither"):
        single().fit(X, y, X_val=X)
    with pytest.raises(ParameterError, match="X_val and y_val go together"):
        single().fit(X, y, y_val=y)
    with pytest.raises(ParameterError, match="sample_weight_val needs X_val and y_val"):
        single().fit(X, y, sample_weight_val=np.ones(150))
