"""Small searches and paths of a plane of two columns, trained once, for those who look at an explorer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import make_moons

from taut.estimators import TautClassifierCV, TautRegressorCV
from taut.paths import RegularizationPath
from taut.paths.several import path_of, techniques_of


@cache
def table(task: str = "two") -> tuple[Any, Any]:
    X, y = make_moons(120, noise=0.3, random_state=0)
    if task == "amount":
        return X, 500 + 100 * X[:, 0] * X[:, 1]
    names = np.array(["no", "yes", "<b>maybe</b>"])
    return X, names[np.where((X[:, 0] > 1) & (task == "three"), 2, y)]


@cache
def moons(task: str = "two") -> Any:
    kind = TautRegressorCV if task == "amount" else TautClassifierCV
    # Enough candidates for every technique alone at three strengths.
    estimator = kind((8,), n_bins=0, cv=3, n_candidates=18, max_epochs=15, random_state=0)
    return estimator.fit(*table(task))


@cache
def paths(task: str = "two", strengths: int = 3) -> tuple[RegularizationPath, ...]:
    kinds = techniques_of(moons(task))
    return tuple(path_of(moons(task), *table(task), kind, strengths) for kind in kinds)
