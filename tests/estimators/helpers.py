"""Small things that the tests of the estimators share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from taut import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV

# A high learning rate, so that few epochs are enough to learn something.
SMALL: dict[str, Any] = {
    "hidden": (8,), "max_epochs": 15, "learning_rate": 0.02, "n_jobs": 1, "random_state": 0
}  # fmt: skip
Make = Callable[..., Any]


def single(task: str = "classification", **changes: Any) -> Any:
    kind = TautClassifier if task == "classification" else TautRegressor
    return kind(**{**SMALL, **changes})


def crossvalidated(task: str = "classification", **changes: Any) -> Any:
    kind = TautClassifierCV if task == "classification" else TautRegressorCV
    return kind(**{**SMALL, "n_bins": 0, "cv": 3, "n_candidates": 4, **changes})


kinds = pytest.mark.parametrize("make", [single, crossvalidated], ids=["single", "cv"])
tasks = pytest.mark.parametrize("task", ["classification", "regression"])


def numbers(n: int = 150, p: int = 4, seed: int = 0) -> Any:
    """Columns of numbers without a repeated row."""
    return np.random.default_rng(seed).standard_normal((n, p))


def target(X: Any, task: str = "classification", seed: int = 1) -> Any:
    """Three classes, or a value, that depend on the first two columns."""
    signal = X[:, 0] - X[:, 1] ** 2 + 0.3 * np.random.default_rng(seed).standard_normal(len(X))
    return signal if task == "regression" else np.digitize(signal, np.quantile(signal, [1 / 3, 2 / 3]))


def given(task: str = "classification", n: int = 150, p: int = 4) -> tuple[Any, Any]:
    X = numbers(n, p)
    return X, target(X, task)


def output(estimator: Any, X: Any) -> Any:
    """Probabilities, or values."""
    return estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)


def weights_of(fitted: Any) -> list[dict[str, bytes]]:
    """The networks' numbers, to be compared bit for bit."""
    return [
        {name: array.tobytes() for name, array in network.weights.items()}
        for network in fitted.model_.networks
    ]


def numbers_of(fitted: Any) -> list[str]:
    """What the search found by candidate, but for the time that it took; text, because NaN equals nothing."""
    return [repr({**c.to_json(), "seconds": 0}) for c in fitted.candidates_]


def mixed_columns(n: int = 120, seed: int = 0) -> dict[str, Any]:
    """Columns of every kind, with values missing, as plain lists."""
    import datetime as dt

    rng = np.random.default_rng(seed)
    day = dt.datetime(2023, 1, 1)
    columns: dict[str, Any] = {
        "size": [None if i % 11 == 0 else float(v) for i, v in enumerate(rng.standard_normal(n))],
        "count": [int(v) for v in rng.integers(0, 9, n)],
        "colour": [
            None if i % 13 == 0 else str(v) for i, v in enumerate(rng.choice(["red", "green", "blue"], n))
        ],
        "large": [bool(v) for v in rng.integers(0, 2, n)],
        "when": [day + dt.timedelta(hours=int(v)) for v in rng.integers(0, 20_000, n)],
    }
    return columns


def mixed_target(columns: dict[str, Any], task: str = "classification") -> Any:
    rows = zip(columns["colour"], columns["large"], columns["size"], strict=True)
    signal = np.array([2.0 * (colour == "red") + large + (size or 0.0) for colour, large, size in rows])
    return signal if task == "regression" else (signal > np.median(signal)).astype(int)
