"""The linear model against scikit-learn's, and how often "surely better" than a simple model is wrong.

python benchmarks/simple_baselines.py [--json FILE] [--tables N]
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_classification,
    make_friedman1,
    make_regression,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeCV
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from taut import EarlyStopping, Recipe, TautClassifierCV, TautRegressor, TautRegressorCV
from taut.evidence.simple_baselines import LINEAR_RATE

Rows = tuple[NDArray[np.float64], NDArray[Any]]

CLASSES: dict[str, Rows] = {
    "breast_cancer": load_breast_cancer(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "digits": load_digits(return_X_y=True),
    "made, 2,000 x 20": make_classification(2000, 20, n_informative=8, flip_y=0.1, random_state=0),
    "made, 5 % positive": make_classification(
        1500, 10, n_informative=5, weights=[0.95], flip_y=0.02, random_state=1
    ),
}
AMOUNTS: dict[str, Rows] = {
    "diabetes": load_diabetes(return_X_y=True),
    "friedman1": make_friedman1(1000, noise=1, random_state=0),
    "made, 300 x 30": make_regression(300, 30, n_informative=10, noise=50, random_state=0),
}


def linear_model() -> dict[str, float]:
    """Its loss divided by that of the better of scikit-learn's, by table, on five folds."""
    found = {}
    for name, (X, y) in CLASSES.items():
        splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
        clf = TautClassifierCV((4,), n_candidates=2, max_epochs=300, cv=splits, random_state=0).fit(X, y)
        kinds = (LogisticRegression(max_iter=2000), LogisticRegressionCV(Cs=8, max_iter=2000))
        best = min(
            log_loss(
                y,
                cross_val_predict(
                    make_pipeline(StandardScaler(), one), X, y, cv=splits, method="predict_proba"
                ),
            )
            for one in kinds
        )
        found[name] = clf.simple_baselines_["linear"].loss / best
    for name, (X, y) in AMOUNTS.items():
        splits = list(KFold(5, shuffle=True, random_state=0).split(X, y))
        reg = TautRegressorCV((4,), n_candidates=2, max_epochs=300, cv=splits, random_state=0).fit(X, y)
        ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 4, 20)))
        best = mean_squared_error(y, cross_val_predict(ridge, X, y, cv=splits))
        found[name] = reg.simple_baselines_["linear"].loss / best
    return found


def claims(n_tables: int) -> dict[str, Any]:
    """How often a gain whose interval is above zero is none on 20,000 other rows, and how often it is one.

    The targets are noise (nothing beats the constant), linear (little beats the linear model) or bent.
    """
    sure: dict[str, list[bool]] = {}
    for seed in range(n_tables):
        rng = np.random.default_rng(seed)
        for kind in ("noise", "linear", "bent"):
            X = rng.normal(size=(20_300, 5))
            signal = {"noise": 0.0, "linear": 1.0, "bent": 1.0}[kind]
            shape = X[:, 0] + X[:, 1] if kind != "bent" else np.abs(X[:, 0]) + X[:, 1]
            y = signal * shape + rng.normal(size=len(X))
            reg = TautRegressorCV((16,), n_candidates=6, max_epochs=60, learning_rate=0.01, random_state=seed)
            reg.fit(X[:300], y[:300])
            # The estimate is of single networks, and so is the gain.
            single = np.mean([_loss(reg, i, X[300:], y[300:]) for i in range(len(reg.model_.networks))])
            linear = TautRegressor(
                (), recipe=Recipe(EarlyStopping()), learning_rate=LINEAR_RATE, random_state=seed
            )
            linear.fit(X[:300], y[:300])
            simple = {
                "constant": float(np.mean((y[300:] - y[:300].mean()) ** 2)),
                "linear": float(np.mean((y[300:] - linear.predict(X[300:])) ** 2)),
            }
            for name, truth in simple.items():
                if reg.simple_baselines_[name].gain.low > 0:
                    sure.setdefault(f"{kind}, {name}", []).append(bool(single < truth))
    out: dict[str, Any] = {"n_tables": n_tables}
    for name, right in sure.items():
        wrong = len(right) - sum(right)
        low, high = binomtest(wrong, n_tables).proportion_ci(method="wilson")
        out[name] = {"claimed": len(right), "wrong": wrong, "wrong_share_95": [round(low, 3), round(high, 3)]}
    return out


def _loss(reg: Any, i: int, X: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    from dataclasses import replace

    kept = reg.model_
    reg.model_ = replace(kept, networks=kept.networks[i : i + 1])
    try:
        return float(np.mean((reg.predict(X) - y) ** 2))
    finally:
        reg.model_ = kept


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tables", type=int, default=60)
    given = parser.parse_args()
    found = {"linear model / scikit-learn's": linear_model(), "surely better": claims(given.tables)}
    text = json.dumps(found, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text)
