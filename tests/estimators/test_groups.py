"""Groups as people have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from taut import L2, EarlyStopping, Recipe, diagnose, effects, regularization_path
from taut.errors import DataError
from taut.estimators.groups import group_codes, read_groups
from tests.estimators.helpers import crossvalidated, given

CODES = np.arange(150) % 7
NAMES = np.array(list("abcdefg"))[CODES]
MIXED = [int(code) if code < 3 else f"g{code}" for code in CODES]
DAYS = np.datetime64("2024-01-01") + CODES
SMALL: dict[str, Any] = {"hidden": (4,), "cv": 3, "max_epochs": 2, "n_jobs": 1, "random_state": 0}


@pytest.mark.fault(86)
@pytest.mark.parametrize(
    "groups",
    [
        CODES, CODES.tolist(), tuple(NAMES), NAMES, CODES * 0.5, DAYS, CODES[:, None], MIXED,
        np.array(MIXED, dtype=object), pd.Series(NAMES, index=range(5, 155)), pd.DataFrame({"g": CODES}),
        pd.Series(CODES, dtype="Int64"), pd.Series(NAMES, dtype="category"), pl.Series(NAMES),
        pl.DataFrame({"g": NAMES}), pd.Series(MIXED), np.ma.masked_array(CODES),
    ],
    ids=lambda groups: f"{type(groups).__module__}.{type(groups).__name__}",
)  # fmt: skip
def test_groups_of_every_kind_are_taken(groups: Any) -> None:
    codes = group_codes(groups, 150)
    assert {(a, b) for a, b in zip(codes.tolist(), CODES.tolist(), strict=True)} == {
        (codes[i], CODES[i]) for i in range(7)
    }
    assert len(np.unique(codes)) == 7


def test_groups_keep_their_values_where_they_can_be_sorted() -> None:
    assert read_groups(DAYS, 150) is DAYS
    assert read_groups(NAMES.tolist(), 150).tolist() == NAMES.tolist()


def with_gap(values: Any, gap: Any) -> Any:
    found = list(values)
    found[4] = found[9] = gap
    return found


@pytest.mark.fault(86)
@pytest.mark.parametrize(
    "groups",
    [
        with_gap(CODES, np.nan), with_gap(NAMES, None), with_gap(NAMES, float("nan")), with_gap(MIXED, None),
        np.array(with_gap(CODES, np.nan)), np.array(with_gap(DAYS, np.datetime64("NaT"))),
        pd.Series(with_gap(CODES, None), dtype="Int64"), pd.Series(with_gap(NAMES, pd.NA)),
        pd.DataFrame({"g": with_gap(NAMES, None)}), pl.Series(with_gap(CODES.tolist(), None)),
        np.ma.masked_array(CODES, np.isin(np.arange(150), [4, 9])),
    ],
    ids=lambda groups: f"{type(groups).__module__}.{type(groups).__name__}",
)  # fmt: skip
def test_gaps_are_named(groups: Any) -> None:
    with pytest.raises(DataError, match="groups has no value in 2 of 150 rows, row 5 first"):
        read_groups(groups, 150)


@pytest.mark.fault(86)
@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (CODES[:149], "groups has 149 rows, and X has 150"),
        (pd.DataFrame({"a": CODES, "b": CODES}), "groups has 2 columns, and one is wanted"),
        (np.zeros((150, 2)), r"an array of shape \(150, 2\)"),
        ("customer", "groups must have a value for each row of X, and it is 'customer'"),
        (7, "groups must have a value for each row"),
        ({"a": 1}, "groups must have a value for each row"),
        ([[1], "a"] * 75, "groups holds values that can't be compared"),
    ],
    ids=["short", "two columns", "a table", "a name", "a number", "a dict", "lists"],
)
def test_what_is_no_group_a_row_is_refused(groups: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_groups(groups, 150)


@pytest.mark.fault(86)
def test_every_entry_point_takes_them_and_names_their_gaps() -> None:
    X, y = given("regression")
    recipe = Recipe(L2(0.1), EarlyStopping())
    for groups in (MIXED, pd.DataFrame({"g": NAMES}), CODES[:, None]):
        assert crossvalidated("regression", n_candidates=3).fit(X, y, groups=groups).n_splits_ == 3
    regularization_path(X, y, "l2", strengths=1, groups=MIXED, **SMALL)
    effects(X, y, recipe, n_seeds=1, groups=MIXED, **SMALL)
    bad = with_gap(CODES, np.nan)
    for fit in (
        lambda: crossvalidated("regression").fit(X, y, groups=bad),
        lambda: regularization_path(X, y, "l2", groups=bad, **SMALL),
        lambda: effects(X, y, recipe, groups=bad, **SMALL),
        lambda: diagnose(X, y, groups=bad, **SMALL),
    ):
        with pytest.raises(DataError, match="groups has no value in 2 of 150 rows"):
            fit()
