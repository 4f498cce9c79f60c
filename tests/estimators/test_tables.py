"""Tables that the four estimators are given: what is refused, what is mended, and what is taken directly."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.utils import Bunch

from taut.errors import DataError, DataWarning
from taut.estimators.base import predict_table
from taut.table.convert import frame_from
from tests.estimators.helpers import (
    crossvalidated,
    given,
    kinds,
    mixed_columns,
    mixed_target,
    output,
    single,
    tasks,
)

# --- faults in X (FAULTS.md 24, 26, 27, 35) ---------------------------------------------------------------


@kinds
@tasks
@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (lambda X: scipy.sparse.csr_array(X), TypeError, "Sparse data was passed"),
        (lambda X: X + 1j, ValueError, "Complex data not supported"),
        (lambda X: X[:, 0], ValueError, "Expected 2D array, got 1D array instead"),
        (lambda X: X[:, :, None], ValueError, "Found array with dim 3"),
        (lambda X: X[:0], ValueError, "minimum of 2 is required|inconsistent numbers"),
        (lambda X: X[:, :0], ValueError, r"0 feature\(s\)"),
        (lambda X: np.where(X > 2, np.inf, X), ValueError, "X contains infinity"),
        (lambda X: pd.DataFrame(np.where(X > 2, np.inf, X), columns=list("abcd")), ValueError, "infinity"),
        (lambda X: [*X.astype(str).tolist()[:-1], ["a"] * 4], ValueError, "could not convert string to"),
        (lambda X: pd.DataFrame({"a": [[1, 2]] * len(X)}), ValueError, r"'a' \(nested"),
        (lambda X: X[:-1], ValueError, "inconsistent numbers of samples"),
        (lambda X: pd.DataFrame(X, columns=list("abca")), DataError, "same name: .*'a' 2 times; rename"),
    ],
    ids=["sparse", "complex", "1-D", "3-D", "no rows", "no columns", "infinity", "infinity in a frame",
         "text", "nested", "a row less", "a name twice"],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_a_sentence(
    make: Any, task: str, change: Any, error: Any, sentence: str
) -> None:
    X, y = given(task)
    with pytest.raises(error, match=sentence):
        make(task).fit(change(X), y)


@kinds
@tasks
def test_missing_values_are_accepted_in_training_and_prediction(make: Any, task: str) -> None:
    X, y = given(task)
    X[::3, 0] = np.nan
    X[1::5, 2] = np.nan
    fitted = make(task).fit(X, y)
    assert np.isfinite(output(fitted, X)).all()
    assert np.isfinite(output(fitted, np.full((2, 4), np.nan))).all()


@kinds
def test_columns_that_say_nothing_are_left_out_and_may_come_alive_later(make: Any) -> None:
    X, y = given()
    more = np.column_stack([X, np.full(150, np.nan), np.full(150, 7.0)])
    fitted = make().fit(more, y)
    assert fitted.n_features_in_ == 6
    assert [column.kind for column in fitted.model_.schema.columns] == [*["number"] * 4, "dropped", "dropped"]
    assert (output(fitted, more) == output(make().fit(X, y), X)).all()
    more[:, 4:] = 1e6
    assert (output(fitted, more) == output(fitted, np.column_stack([X, X[:, :2]]))).all()


@kinds
@tasks
@pytest.mark.parametrize("huge", [1e300, -1e300, 1e20])
def test_huge_values_are_clipped_with_a_warning(make: Any, task: str, huge: float) -> None:
    X, y = given(task)
    X[4, 1] = huge
    with pytest.warns(DataWarning, match="'x1': 1 number is too far from the others; it is clipped"):
        fitted = make(task).fit(X, y)
    with pytest.warns(DataWarning, match="clipped"):
        assert np.isfinite(output(fitted, X)).all()


@kinds
@tasks
@pytest.mark.parametrize(
    "form", ["float64", "float32", "fortran", "list", "int", "read-only", "strided", "frame"]
)
def test_x_and_y_are_never_changed(make: Any, task: str, form: str) -> None:
    X, y = given(task)
    X[3, 1] = 1e15  # to be clipped
    forms: dict[str, Any] = {
        "float64": X,
        "float32": X.astype(np.float32),
        "fortran": np.asfortranarray(X),
        "list": X.tolist(),
        "int": (10 * X).astype(np.int64),
        "read-only": X.copy(),
        "strided": np.repeat(X, 2, axis=0)[::2],
        "frame": pd.DataFrame(X, columns=list("abcd")),
    }
    table = forms[form]
    if form == "read-only":
        table.flags.writeable = False
    weight = np.linspace(0.0, 1.0, 150)
    before = [np.array(part, copy=True) for part in (table, y, weight)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        fitted = make(task).fit(table, y, weight)
        output(fitted, table)
    for part, was in zip((table, y, weight), before, strict=True):
        assert np.array(part).tobytes() == was.tobytes()


# --- frames (FAULTS.md 29 to 32) --------------------------------------------------------------------------


@kinds
@tasks
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_frames_with_columns_of_every_kind_are_taken_directly(make: Any, task: str, library: Any) -> None:
    columns = mixed_columns()
    y = mixed_target(columns, task)
    fitted = make(task, max_epochs=60).fit(library(columns), y)
    assert fitted.feature_names_in_.tolist() == list(columns)
    assert fitted.n_features_in_ == 5
    assert fitted.score(library(columns), y) > (0.6 if task == "regression" else 0.8)
    # A frame of another library with the same content gives the same.
    assert (output(fitted, pd.DataFrame(columns)) == output(fitted, pl.DataFrame(columns))).all()


def test_pandas_categories_are_taken_too() -> None:
    columns = mixed_columns()
    frame = pd.DataFrame(columns)
    y = mixed_target(columns)
    same = output(single().fit(frame, y), frame)
    frame["colour"] = frame["colour"].astype("category")
    assert (output(single().fit(frame, y), frame) == same).all()


@pytest.fixture(scope="module")
def on_frame() -> Any:
    columns = mixed_columns()
    frame = pd.DataFrame(columns)
    return Bunch(frame=frame, fitted=single().fit(frame, mixed_target(columns)))


def test_a_value_not_seen_in_training_counts_as_other(on_frame: Any) -> None:
    new = on_frame.frame.head(3).assign(colour=["violet", "ochre", "red"])
    for call in (on_frame.fitted.predict, on_frame.fitted.predict_proba):
        with pytest.warns(DataWarning, match="'colour': 2 of 3 rows hold a value that is not told apart"):
            assert len(call(new)) == 3
    table = predict_table(on_frame.fitted, frame_from(new))
    (note,) = table.notes
    assert note.where == "colour"
    assert "2 of 3 rows hold a value that is not told apart" in note.what
    assert table.probabilities is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert (table.prediction == on_frame.fitted.predict(new)).all()
        assert (table.probabilities == on_frame.fitted.predict_proba(new)).all()


def test_a_column_that_is_missing_is_named(on_frame: Any) -> None:
    with pytest.raises(ValueError, match="(?s)yet now missing:.*colour"):
        on_frame.fitted.predict(on_frame.frame.drop(columns="colour"))
    with pytest.raises(
        DataError, match="1 of the columns that the model was trained on is not there: 'colour'"
    ):
        predict_table(on_frame.fitted, frame_from(on_frame.frame.drop(columns="colour")))


def test_columns_extra_or_in_another_order_are_sklearns_message(on_frame: Any) -> None:
    with pytest.raises(ValueError, match="(?s)unseen at fit time:.*extra"):
        on_frame.fitted.predict(on_frame.frame.assign(extra=1))
    turned = on_frame.frame[on_frame.frame.columns[::-1]]
    with pytest.raises(ValueError, match="must be in the same order"):
        on_frame.fitted.predict(turned)
    # By way of a table of ours they are matched by name.
    matched = predict_table(on_frame.fitted, frame_from(turned.assign(extra=1)))
    assert (matched.prediction == on_frame.fitted.predict(on_frame.frame)).all()


def test_text_in_a_column_of_numbers_is_counted_and_refused(on_frame: Any) -> None:
    new = on_frame.frame.head(4).assign(count=["1", "many", "few", "2"])
    with pytest.raises(
        DataError, match="column 'count' held numbers in training, and 2 of 4 rows now hold text"
    ):
        on_frame.fitted.predict(new)


def test_an_array_for_a_model_of_a_frame_with_texts_is_refused(on_frame: Any) -> None:
    with (
        pytest.warns(UserWarning, match="X does not have valid feature names"),
        pytest.raises(DataError, match="trained on a data frame with columns that are not numbers"),
    ):
        on_frame.fitted.predict(np.ones((2, 5)))


@kinds
def test_names_of_columns_are_checked_as_sklearn_does(make: Any) -> None:
    X, y = given()
    frame = pd.DataFrame(X, columns=list("abcd"))
    fitted = make().fit(frame, y)
    assert fitted.feature_names_in_.tolist() == list("abcd")
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        without = output(fitted, X)
    assert (without == output(fitted, frame)).all()
    plain = make().fit(X, y)
    assert not hasattr(plain, "feature_names_in_")
    with pytest.raises(ValueError, match="X has 3 features, but Taut.* is expecting 4 features"):
        plain.predict(X[:, :3])
    assert not hasattr(fitted.fit(X, y), "feature_names_in_")


@kinds
def test_a_frame_for_a_model_of_an_array_is_taken_by_position_with_sklearns_warning(make: Any) -> None:
    X, y = given()
    fitted = make().fit(X, y)
    frame = pd.DataFrame(X, columns=["d", "c", "b", "a"])
    with pytest.warns(UserWarning, match="X has feature names, but .* was fitted without feature names"):
        assert (output(fitted, frame) == output(fitted, X)).all()
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        of_frame = make().fit(X, y, X_val=frame[:40], y_val=y[:40])
    assert (output(of_frame, X) == output(make().fit(X, y, X_val=X[:40], y_val=y[:40]), X)).all()
    with (
        pytest.warns(UserWarning, match="was fitted without feature names"),
        pytest.raises(ValueError, match="has 3 features, but .* is expecting 4"),
    ):
        fitted.predict(frame[["a", "b", "c"]])


def test_a_model_of_columns_with_numbers_for_names_takes_them_by_these() -> None:
    X, y = given()
    frame = pd.DataFrame(X)
    fitted = crossvalidated().fit(frame, y)
    assert (output(fitted, frame[[2, 0, 3, 1]]) == output(fitted, frame)).all()
