"""One rule for classes or amounts, and targets of every type through the estimators."""

from __future__ import annotations

import datetime as dt
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from taut import L2, EarlyStopping, Recipe, diagnose, effects, load, regularization_path
from taut.cli.table import read_training_table
from taut.errors import DataError
from taut.estimators.target import choose_task
from tests.estimators.helpers import given, kinds, numbers, single, tasks
from tests.ids import without_address

RNG = np.random.default_rng(0)
BIG = 2**60
N = 300

TARGETS: dict[str, tuple[Any, str]] = {
    "ages": (RNG.integers(18, 81, 1000), "regression"),
    "years": (RNG.integers(1950, 2020, N), "regression"),
    "ratings": (RNG.integers(1, 6, N), "classification"),
    "ratings of few rows": (RNG.integers(1, 6, 40), "regression"),
    "ratings with halves": (RNG.integers(2, 11, N) / 2, "regression"),
    "0 and 1 as floats": (RNG.integers(0, 2, N).astype(float), "classification"),
    "-1 and 1": (RNG.choice([-1, 1], N), "classification"),
    "two floats": (RNG.choice([0.5, 1.5], N), "classification"),
    "few fractions": (RNG.choice([0.5, 1.5, 2.5], N), "regression"),
    "counts": (RNG.poisson(4, N), "classification"),
    "zip codes": (RNG.integers(10_000, 99_999, N), "regression"),
    "zip codes as text": (np.array([f"{code:05}" for code in RNG.integers(0, 99_999, N)]), "classification"),
    "figures as text": (RNG.integers(0, 100, N).astype(str), "regression"),
    "few figures as text": (RNG.integers(0, 3, N).astype(str), "classification"),
    "large identifiers": (BIG + RNG.integers(0, 4, N), "classification"),
    "booleans": (RNG.random(N) > 0.5, "classification"),
    "yes and no": (RNG.choice(["yes", "no"], N), "classification"),
    "words": (RNG.choice(["a", "b", "c"], N), "classification"),
    "money": (np.array(["$1,200", "$3,400.50", "$7"] * 100), "regression"),
    "continuous": (RNG.normal(size=N).round(6), "regression"),
}


@pytest.mark.fault(62)
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_the_same_task_in_python_and_on_the_command_line(name: str, tmp_path: Path) -> None:
    y, expected = TARGETS[name]
    file = tmp_path / "a.csv"
    pd.DataFrame({"x": np.arange(len(y)) * 0.5, "y": y}).to_csv(file, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = read_training_table(file, "y", task="auto", drop=(), header=True)
    assert table.task == expected
    for form in (
        np.asarray(y),
        np.asarray(y).tolist(),
        np.asarray(y, dtype=object),
        pd.Series(y),
        pd.Series(y).convert_dtypes(),
        pl.Series(np.asarray(y).tolist()),
        pd.Series(y, dtype="category"),
    ):
        values, task, why = choose_task(form, "auto")
        assert task == expected
        assert len(values) == len(y)
        if name != "large identifiers":  # which are text in the file
            assert why == table.why
    # What the command line hands on is seen as the same again.
    assert choose_task(table.y, "auto")[1:] == (expected, table.why)


@pytest.mark.fault(62)
def test_all_functions_say_the_task_and_why() -> None:
    X, y = numbers(90), np.arange(90) % 45
    quick: dict[str, Any] = {"hidden": (2,), "max_epochs": 2, "cv": 2, "random_state": 0, "n_jobs": 1}
    found = (
        diagnose(X, y, **quick),
        effects(X, y, Recipe(L2(0.1), EarlyStopping()), n_seeds=1, **quick),
        regularization_path(X, y, "l2", [0.1], **quick),
    )
    for one in found:
        assert (one.task, one.why) == ("regression", "the target is numbers with 45 different values")
        assert "regression (the target is numbers with 45 different values)" in str(one).lower()


def test_a_task_that_is_asked_for_is_taken() -> None:
    text = ["2024-01-01", "2024-02-01"] * 10
    assert choose_task(text, "classification")[1:] == ("classification", "as asked for")
    halves = [0.5, 1.0, 1.5] * 10
    assert choose_task(halves, "classification")[0].tolist() == halves
    assert choose_task([0.5, 1.5] * 10, "classification")[0].tolist() == ["0.5", "1.5"] * 10
    assert choose_task(halves, "regression")[0].tolist() == halves


@pytest.mark.fault(72, 73)
@kinds
@pytest.mark.parametrize(
    ("first", "other", "form"),
    [
        (BIG, BIG + 1, lambda y: pd.Series(y, dtype="Int64")),
        (BIG, BIG + 1, lambda y: pl.Series(y)),
        (False, True, lambda y: pd.Series(y, dtype="boolean")),
        (False, True, lambda y: pd.Series(y, dtype="bool[pyarrow]")),
        (False, True, lambda y: np.array(y, dtype=object)),
        (1, 2, lambda y: np.array(y, dtype=object)),
        (1.0, 2.0, lambda y: np.array(y, dtype=object)),
        ("a", "b", lambda y: pd.Series(y, dtype="string[pyarrow]")),
        ("a", "b", lambda y: pd.Series(y, dtype="category")),
    ],
    ids=without_address,
)
def test_classes_are_predicted_in_the_type_that_they_came_in(
    make: Any, first: Any, other: Any, form: Any
) -> None:
    X, codes = given()
    y = form([other if code else first for code in codes])
    fitted = make().fit(X, y, X_val=X[:30], y_val=y[:30])
    assert fitted.classes_.tolist() == [first, other]
    assert fitted.score(X, y) == np.mean(fitted.predict(X) == [other if code else first for code in codes])
    predicted = fitted.predict(X).tolist()
    assert {type(value) for value in predicted} == {type(first)}
    assert set(predicted) == {first, other}


@pytest.mark.fault(73)
@kinds
@pytest.mark.parametrize(
    "form",
    [
        lambda y: y.astype(object),
        lambda y: np.array([Decimal(repr(float(value))) for value in y], dtype=object),
        lambda y: pd.Series(y, dtype="Float64"),
        lambda y: pl.Series(y),
        lambda y: np.array([repr(float(value)) for value in y]),
    ],
    ids=["objects", "decimals", "nullable", "polars", "text"],
)
def test_amounts_are_the_same_in_every_form(make: Any, form: Any) -> None:
    X, y = given("regression")
    plain = make("regression").fit(X, y, X_val=X[:30], y_val=y[:30]).predict(X)
    found = make("regression").fit(X, form(y), X_val=X[:30], y_val=form(y[:30])).predict(X)
    assert (found == plain).all()


@pytest.mark.fault(73)
@kinds
@tasks
@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([dt.date(2024, 1, 1 + place % 2) for place in range(150)], "the target 'y' holds dates"),
        (np.arange(150).astype("timedelta64[s]"), "the target 'y' holds durations"),
        (np.ma.array(np.arange(150) % 2, mask=np.arange(150) == 3), "y is masked in 1 of 150 rows"),
    ],
    ids=["dates", "durations", "masked"],
)
def test_targets_that_cannot_be_predicted_are_refused(make: Any, task: str, y: Any, sentence: str) -> None:
    X, good = given(task)
    with pytest.raises(DataError, match=sentence):
        make(task).fit(X, y)
    with pytest.raises(DataError, match=sentence):
        make(task).fit(X, good, X_val=X, y_val=y)
    with pytest.raises(DataError, match=sentence):
        diagnose(X, y)


@pytest.mark.fault(73)
@kinds
def test_what_is_masked_in_a_table_is_missing(make: Any) -> None:
    X, y = given()
    mask = np.random.default_rng(0).random(X.shape) < 0.2
    wild = np.ma.array(np.where(mask, 1e9, X), mask=mask)
    fitted = make().fit(np.where(mask, np.nan, X), y)
    assert (make().fit(wild, y).predict_proba(wild) == fitted.predict_proba(np.where(mask, np.nan, X))).all()


def test_text_among_the_numbers_of_an_amount_is_named() -> None:
    X, y = given("regression")
    text = [repr(float(value)) for value in y]
    with pytest.raises(DataError, match="y has text among its numbers, such as 'n/a'"):
        single("regression").fit(X, [*text[:-1], "n/a"])


# --- labels that could not be saved -----------------------------------------------------------------------


def labels(one: object, other: object) -> Any:
    """150 of two kinds, whatever they are."""
    y = np.empty(150, dtype=object)
    y[:] = [one if number > 0 else other for number in numbers()[:, 0]]
    return y


@pytest.mark.fault(87)
@kinds
@pytest.mark.parametrize(
    ("y", "said"),
    [
        (labels((1, 2), (3, 4)), "y holds values of the type tuple: make them numbers or text"),
        (labels(object(), object()), "y holds values of the type object: make them numbers or text"),
        (labels(b"a", b"b"), "y holds values of the type bytes: make them numbers or text"),
        (labels("a", "b").astype("S1"), "y holds values of the type bytes: make them numbers or text"),
        (labels(2**70, 2**70 + 1), "integers of more than 64 bits"),
        (labels(dt.date(2020, 1, 1), dt.date(2021, 1, 1)), "y' holds dates"),
        (np.array([(1,), (2,)] * 75, dtype=[("a", int)]), "y holds values of the type void: make them"),
    ],
    ids=["tuples", "objects", "bytes", "an array of bytes", "huge integers", "dates", "records"],
)
def test_labels_that_no_model_could_be_saved_with_are_refused_before_training(
    make: Any, y: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taut.engine.compiled.engine import CompiledEngine

    monkeypatch.setattr(CompiledEngine, "train", lambda *_, **__: pytest.fail("it was trained"))
    with pytest.raises(DataError, match=said):
        make().fit(numbers(), y)


@pytest.mark.fault(87)
@pytest.mark.parametrize(
    "y",
    [labels(np.str_("a"), np.str_("b")), labels(1, 2).astype(np.longdouble), labels(True, False)],
    ids=without_address,
)
def test_other_labels_are_saved(y: Any, tmp_path: Path) -> None:
    fitted = single(max_epochs=2).fit(numbers(), y)
    fitted.save(tmp_path / "model")
    assert (load(tmp_path / "model").predict(numbers()) == fitted.predict(numbers())).all()
