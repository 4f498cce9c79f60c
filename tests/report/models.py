"""Small fitted estimators of every kind, on a made-up table with a column of every kind; fitted once."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from taut.errors import DataWarning
from taut.estimators import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping

NASTY = "<script>alert(1)</script>"
FULL = Recipe(L1(0.01), L2(0.1), Dropout(0.2, input_rate=0.1), BatchNorm(), EarlyStopping(patience=5))


@cache
def table(n_rows: int = 150) -> pd.DataFrame:
    """Columns of every kind; ``y`` has classes with a nasty name, ``amount`` numbers."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    gaps = np.where(rng.random(n_rows) < 0.2, np.nan, rng.normal(size=n_rows))
    return pd.DataFrame(
        {
            NASTY: x,
            'it\'s "odd"\\': gaps,
            "town": rng.choice(["Rome", "Oslo", NASTY], n_rows),
            "member": rng.random(n_rows) < 0.5,
            "day": np.array("2021-01-01", dtype="M8[D]") + rng.integers(0, 900, n_rows),
            "price": [f"{value:.2f}".replace(".", ",") for value in rng.uniform(1, 9, n_rows)],
            "same": ["always"] * n_rows,
            "y": np.where(x + 0.3 * rng.normal(size=n_rows) > 0, NASTY, "no"),
            "three": rng.choice(["a", "b", "c"], n_rows),
            "amount": 1000 + 50 * x + rng.normal(size=n_rows),
        }
    )


def parts(target: str) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    frame = table()
    return frame.drop(columns=["y", "three", "amount"]), frame[target].to_numpy()


def fitted(estimator: Any, target: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # a column is the same everywhere
        return estimator.fit(*parts(target))


@cache
def searched(target: str = "y") -> Any:
    kind = TautRegressorCV if target == "amount" else TautClassifierCV
    return fitted(kind((8,), cv=3, n_candidates=8, max_epochs=25, random_state=0), target)


@cache
def single(target: str = "y", recipe: Recipe = FULL, max_epochs: int = 25) -> Any:
    kind = TautRegressor if target == "amount" else TautClassifier
    found = kind((8, 4), recipe=recipe, learning_rate=0.02, max_epochs=max_epochs, random_state=0)
    return fitted(found, target)
