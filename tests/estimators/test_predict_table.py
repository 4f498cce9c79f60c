"""Tables that were read from a file go into the estimators as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taut import TautClassifier, TautRegressorCV
from taut.errors import DataError, DataWarning
from taut.estimators.base import predict_table
from taut.table import Frame, NumberColumn, TextColumn, read_file

QUICK = {"hidden": (4,), "max_epochs": 3, "n_jobs": 1, "random_state": 0}


def table(n: int = 60) -> Frame:
    stream = np.random.default_rng(0)
    city = TextColumn("city", (np.arange(n) % 3).astype(np.int32), ("Rome", "Oslo", "Bern"))
    return Frame((NumberColumn("size", stream.normal(size=n)), city), n)


def test_columns_are_found_by_name_whatever_their_order() -> None:
    frame = table()
    clf = TautClassifier(**QUICK).fit(frame, np.arange(60) % 2)  # type: ignore[arg-type]
    assert clf.feature_names_in_.tolist() == ["size", "city"]
    assert clf.n_features_in_ == 2
    extra = NumberColumn("more", np.zeros(60))
    other = Frame((extra, frame.columns[1], frame.columns[0]), 60)
    np.testing.assert_array_equal(clf.predict_proba(other), clf.predict_proba(frame))


def test_a_prediction_has_classes_probabilities_and_notes() -> None:
    frame = table()
    clf = TautClassifier(**QUICK).fit(frame, np.array(["a", "b"])[np.arange(60) % 2])  # type: ignore[arg-type]
    found = predict_table(clf, frame)
    np.testing.assert_array_equal(found.prediction, clf.predict(frame))
    np.testing.assert_array_equal(found.probabilities, clf.predict_proba(frame))
    assert found.notes == ()
    strange = Frame((frame.columns[0], TextColumn("city", np.zeros(60, dtype=np.int32), ("Ulm",))), 60)
    (note,) = predict_table(clf, strange).notes
    assert note.where == "city"
    assert "60 of 60 rows" in note.what


def test_an_amount_has_no_probabilities() -> None:
    frame = table()
    reg = TautRegressorCV(**QUICK, cv=2, n_candidates=2).fit(frame, np.arange(60.0))  # type: ignore[arg-type]
    found = predict_table(reg, frame)
    assert found.probabilities is None
    np.testing.assert_array_equal(found.prediction, reg.predict(frame))


def test_a_missing_column_is_named() -> None:
    clf = TautClassifier(**QUICK).fit(table(), np.arange(60) % 2)  # type: ignore[arg-type]
    with pytest.raises(
        DataError, match="1 of the columns that the model was trained on is not there: 'city'"
    ):
        predict_table(clf, table().without(["city"]))


def test_an_infinity_in_a_table_is_missing() -> None:
    frame = table()
    values = frame.columns[0].values.copy()  # type: ignore[union-attr]
    values[7] = np.inf
    odd = Frame((NumberColumn("size", values), frame.columns[1]), 60)
    with pytest.warns(DataWarning, match="column 'size': 1 number is infinite"):
        TautClassifier(**QUICK).fit(odd, np.arange(60) % 2)  # type: ignore[arg-type]


def test_a_model_of_an_array_takes_a_file_without_names(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(40, 2)).round(3)
    clf = TautClassifier(**QUICK).fit(X, np.arange(40) % 2)  # type: ignore[arg-type]
    path = tmp_path / "bare.csv"
    np.savetxt(path, X, delimiter=",")
    frame = read_file(path, header=False, schema=clf.model_.schema)
    np.testing.assert_array_equal(clf.predict(frame), clf.predict(X))


def test_one_row_is_too_few() -> None:
    with pytest.raises(ValueError, match="Found array with 1 sample"):
        TautClassifier(**QUICK).fit(table().take(np.array([0])), [0])  # type: ignore[arg-type]
