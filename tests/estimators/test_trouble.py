"""What fit says before it praises."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from taut import TautClassifier, TautClassifierCV, TautRegressor, regularization_path
from taut.errors import DataWarning
from taut.examine import diagnose

RNG = np.random.default_rng(0)
N = 300
X = RNG.normal(size=(N, 4))
Y = np.where(X[:, 0] - X[:, 1] + RNG.normal(size=N) > 0, "yes", "no")
FILLED = np.where(Y == "yes", RNG.normal(size=N), np.nan)
COPY = np.where(np.arange(N) < 3, Y == "no", Y == "yes") * 1.0

SMALL: dict[str, Any] = {"hidden": (4,), "max_epochs": 3, "random_state": 0}


def fitted(extra: Any) -> TautClassifier:
    return TautClassifier(**SMALL).fit(np.column_stack([X, extra]), Y)


@pytest.mark.fault(64)
@pytest.mark.parametrize("extra", [FILLED, COPY, COPY + 0.02 * RNG.normal(size=N)])
def test_a_leak_is_warned_of_once_by_name(extra: Any) -> None:
    with pytest.warns(DataWarning, match="^Column 'x4' (may give|gives) the target away: ") as caught:
        found = fitted(extra)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # where fit was called
    assert [sign.columns for sign in found.signs_] == [("x4",)]


@pytest.mark.fault(64)
def test_a_search_and_a_path_warn_too_and_a_diagnosis_says_the_same() -> None:
    table = np.column_stack([X, FILLED])
    with pytest.warns(DataWarning, match="Column 'x4'") as caught:
        clf = TautClassifierCV(**SMALL, cv=2, n_candidates=3).fit(table, Y)
    assert caught[0].filename == __file__
    with pytest.warns(DataWarning, match="Column 'x4'"):
        regularization_path(table, Y, technique="batch_norm", cv=2, **SMALL)
    found = diagnose(table, Y, cv=2, **SMALL)
    assert clf.signs_[0].sentence in {sign.sentence for sign in found.signs}


@pytest.mark.fault(64)
def test_a_copy_of_amounts_is_warned_of() -> None:
    y = X[:, 0] + RNG.normal(size=N)
    near = 1.8 * np.where(np.arange(N) < 3, y[::-1], y) + 32
    with pytest.warns(DataWarning, match="'x4' gives the target away: it is a copy in 99 % of the rows"):
        TautRegressor(**SMALL).fit(np.column_stack([X, near]), y)


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris, load_wine, load_diabetes])
def test_clean_tables_are_not_warned_of(load: Any) -> None:
    table, y = load(return_X_y=True)
    kind = TautRegressor if load is load_diabetes else TautClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kind(**SMALL).fit(table, y).signs_ == ()
