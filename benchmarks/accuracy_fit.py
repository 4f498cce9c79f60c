"""One fit of benchmarks/accuracy.py, in the environment of the method: prints one line of JSON.

    python accuracy_fit.py TABLE SPLIT LIMIT METHOD

It imports nothing of taut but for taut's own fits, so that it runs in an environment of the opponents too.
"""

from __future__ import annotations

import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from tables import TABLES

_ROUNDS = 2000  # trees, at most; early stopping ends them
_SPARE = 0.85  # of a limit that tuning may use: the rest is the last fit's


def prepared(name: str, split: int) -> Any:
    """Train and test parts, classes as whole numbers."""
    table = next(one for one in TABLES if one.name == name)
    X, y = table.read()
    kind = "number" if table.task == "number" else "class"
    if kind == "class":
        y = pd.Series(np.unique(y.astype(str), return_inverse=True)[1])
    stratify = y if kind == "class" else None
    X = X.reset_index(drop=True)
    parts = train_test_split(
        X, y.reset_index(drop=True), test_size=0.25, random_state=split, stratify=stratify
    )
    return kind, *parts


def as_categories(X: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Text and the like as categories that both parts share."""
    X, other = X.copy(), other.copy()
    for column in X.columns:
        if not pd.api.types.is_numeric_dtype(X[column]) or X[column].dtype == bool:
            levels = sorted(X[column].dropna().astype(str).unique())
            for part in (X, other):
                part[column] = pd.Categorical(part[column].astype(str).where(part[column].notna()), levels)
    return X, other


def taut_fit(
    kind: str, X: Any, y: Any, test: Any, limit: float, **options: Any
) -> tuple[Any, dict[str, Any]]:
    """taut's search; ``options`` go to the estimator."""
    import taut

    cv = taut.TautClassifierCV if kind == "class" else taut.TautRegressorCV
    model = cv(time_limit=limit, random_state=0, **options).fit(X, y)
    told = {
        "recipe": str(model.recipe_), "candidates": len(model.candidates_),
        "complete": sum(one.complete for one in model.candidates_),
        "estimate": [model.estimate_.loss.value, model.estimate_.loss.low, model.estimate_.loss.high],
        "n_bins": getattr(model.best_.candidate.architecture, "n_bins", 0),
        "n_bins_losses": getattr(model, "n_bins_losses_", {}),
        "epochs": sum(one.epochs_trained for one in model.candidates_),
    }  # fmt: skip
    return (model.predict_proba(test) if kind == "class" else model.predict(test)), told


def boosted(
    library: str, kind: str, n_classes: int, X: Any, y: Any, held: Any, y_held: Any, p: dict[str, Any]
) -> Any:
    """A boosted model with early stopping on held-out rows."""
    if library == "catboost":
        from catboost import CatBoostClassifier, CatBoostRegressor

        names = [c for c in X.columns if isinstance(X[c].dtype, pd.CategoricalDtype)]

        def text(part: Any) -> Any:
            return part.assign(**{c: part[c].astype(object).where(part[c].notna(), "") for c in names})

        make = CatBoostClassifier if kind == "class" else CatBoostRegressor
        model = make(iterations=_ROUNDS, verbose=False, random_seed=0, cat_features=names,
                     early_stopping_rounds=50, allow_writing_files=False, thread_count=2, **p)  # fmt: skip
        model.fit(text(X), y, eval_set=(text(held), y_held))
        predict = model.predict_proba if kind == "class" else model.predict
        return lambda part: predict(text(part))
    if library == "lightgbm":
        import lightgbm

        make = lightgbm.LGBMClassifier if kind == "class" else lightgbm.LGBMRegressor
        model = make(n_estimators=_ROUNDS, verbose=-1, random_state=0, n_jobs=2, **p)
        model.fit(X, y, eval_set=[(held, y_held)], callbacks=[lightgbm.early_stopping(50, verbose=False)])
        return model.predict_proba if kind == "class" else model.predict
    import xgboost

    make = xgboost.XGBClassifier if kind == "class" else xgboost.XGBRegressor
    model = make(n_estimators=_ROUNDS, random_state=0, n_jobs=2, enable_categorical=True, tree_method="hist",
                 early_stopping_rounds=50, **p)  # fmt: skip
    model.fit(X, y, eval_set=[(held, y_held)], verbose=False)
    return model.predict_proba if kind == "class" else model.predict


def space(library: str, trial: Any) -> dict[str, Any]:
    """What Optuna varies; the usual ranges."""
    rate = trial.suggest_float("learning_rate", 0.01, 0.3, log=True)
    if library == "catboost":
        return {
            "learning_rate": rate, "depth": trial.suggest_int("depth", 3, 9),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 0.5, 30.0, log=True),
            "random_strength": trial.suggest_float("random_strength", 0.1, 10.0, log=True),
            "bagging_temperature": trial.suggest_float("bagging_temperature", 0.0, 1.0),
        }  # fmt: skip
    shared = {
        "learning_rate": rate, "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 30.0, log=True),
    }  # fmt: skip
    if library == "lightgbm":
        return shared | {
            "num_leaves": trial.suggest_int("num_leaves", 4, 255, log=True), "subsample_freq": 1,
            "min_child_samples": trial.suggest_int("min_child_samples", 2, 100, log=True),
        }  # fmt: skip
    return shared | {
        "max_depth": trial.suggest_int("max_depth", 2, 10),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.1, 30.0, log=True),
    }


def boosted_fit(
    library: str, kind: str, X: Any, y: Any, test: Any, limit: float, tuned: bool
) -> tuple[Any, dict[str, Any]]:
    """One boosted model, or the best of those that fit into the time: judged on a fifth of the rows."""
    started = time.monotonic()
    X, test = as_categories(X, test)
    stratify = y if kind == "class" else None
    inner, held, y_inner, y_held = train_test_split(X, y, test_size=0.2, random_state=0, stratify=stratify)
    n_classes = int(y.max()) + 1 if kind == "class" else 1

    def one(p: dict[str, Any]) -> tuple[float, Any]:
        model = boosted(library, kind, n_classes, inner, y_inner, held, y_held, p)
        return loss_of(kind, y_held, model(held), 1.0), model

    if not tuned:
        return one({})[1](test), {}
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    best: list[Any] = [math.inf, None]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    longest = 0.0
    n = 0
    while True:
        begun = time.monotonic()
        trial = study.ask()
        loss, model = one({} if n == 0 else space(library, trial))
        study.tell(trial, loss) if n else study.tell(trial, state=optuna.trial.TrialState.FAIL)
        if loss < best[0]:
            best = [loss, model]
        n += 1
        longest = max(longest, time.monotonic() - begun)
        if time.monotonic() - started + longest > _SPARE * limit:
            return best[1](test), {"trials": n}


def sklearn_fit(
    kind: str, X: Any, y: Any, test: Any, limit: float, trees: bool
) -> tuple[Any, dict[str, Any]]:
    """scikit-learn's models, tuned by a random search within the limit."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    started = time.monotonic()
    X, test = as_categories(X, test)
    rng = np.random.default_rng(0)
    text = make_column_selector(dtype_include="category")
    stratify = y if kind == "class" else None
    inner, held, y_inner, y_held = train_test_split(X, y, test_size=0.2, random_state=0, stratify=stratify)

    def make(first: bool) -> Any:
        if trees:
            model = HistGradientBoostingClassifier if kind == "class" else HistGradientBoostingRegressor
            p = {} if first else {
                "learning_rate": 10 ** rng.uniform(-2, -0.5),
                "l2_regularization": 10 ** rng.uniform(-3, 1.5),
                "max_leaf_nodes": int(2 ** rng.uniform(2, 7)),
                "min_samples_leaf": int(2 ** rng.uniform(1, 7)),
            }  # fmt: skip
            codes = make_column_transformer(
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), text),
                remainder="passthrough",
            )
            return make_pipeline(codes, model(early_stopping=True, random_state=0, max_iter=1000, **p))
        network = MLPClassifier if kind == "class" else MLPRegressor
        p = {} if first else {
            "hidden_layer_sizes": (int(2 ** rng.uniform(4, 8)),) * int(rng.integers(1, 4)),
            "alpha": 10 ** rng.uniform(-6, 1), "learning_rate_init": 10 ** rng.uniform(-4, -2),
        }  # fmt: skip
        numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        inputs = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", min_frequency=8), text), remainder=numbers
        )
        return make_pipeline(inputs, network(early_stopping=True, max_iter=300, random_state=0, **p))

    best: tuple[float, Any] = (math.inf, None)
    longest, n = 0.0, 0
    spread = 1.0 if kind == "class" else float(np.std(y_inner))
    while n == 0 or time.monotonic() - started + longest < _SPARE * limit:
        begun = time.monotonic()
        model = make(n == 0).fit(inner, y_inner if kind == "class" else y_inner / spread)
        found = model.predict_proba(held) if kind == "class" else model.predict(held) * spread
        loss = loss_of(kind, y_held, found, 1.0)
        if loss < best[0]:
            best = (loss, model)
        n += 1
        longest = max(longest, time.monotonic() - begun)
    found = best[1].predict_proba(test) if kind == "class" else best[1].predict(test) * spread
    return found, {"trials": n}


def pytabkit_fit(name: str, kind: str, X: Any, y: Any, test: Any) -> tuple[Any, dict[str, Any]]:
    """RealMLP-TD or TabM-D as they come; they may take longer than the limit.

    RealMLP stops by accuracy and smooths labels as it comes, which is for accuracy; its authors' setting for
    probabilities is given here. It takes no missing numbers: they are medians.
    """
    import pytabkit

    X, test = as_categories(X, test)
    medians = X.median(numeric_only=True)
    X, test = X.fillna(medians), test.fillna(medians)
    made = {"realmlp": "RealMLP_TD", "tabm": "TabM_D"}[name] + (
        "_Classifier" if kind == "class" else "_Regressor"
    )
    options = {"val_metric_name": "cross_entropy"} if kind == "class" else {}
    if name == "realmlp" and kind == "class":
        options |= {"use_ls": False}
    model = getattr(pytabkit, made)(random_state=0, device="cpu", n_threads=2, **options).fit(X, y)
    return (model.predict_proba(test) if kind == "class" else model.predict(test)), {}


def loss_of(kind: str, y: Any, predicted: Any, spread: float) -> float:
    """Log loss; or the RMSE in units of the spread."""
    if kind == "class":
        p = np.clip(np.asarray(predicted, dtype=float), 1e-7, 1.0)
        p /= p.sum(axis=1, keepdims=True)
        return float(-np.log(p[np.arange(len(y)), np.asarray(y)]).mean())
    return float(np.sqrt(np.mean((np.asarray(y) - np.asarray(predicted).reshape(-1)) ** 2)) / spread)


def main() -> None:
    name, split, limit, method = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    warnings.simplefilter("ignore")
    kind, X, test, y, y_test = prepared(name, split)
    fits: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
        "taut": lambda: taut_fit(kind, X, y, test, limit),
        "taut-early": lambda: taut_fit(kind, X, y, test, limit, n_candidates=2),
        "taut-no-pieces": lambda: taut_fit(kind, X, y, test, limit, n_bins=0),
        "sklearn-trees": lambda: sklearn_fit(kind, X, y, test, limit, True),
        "sklearn-mlp": lambda: sklearn_fit(kind, X, y, test, limit, False),
        "realmlp": lambda: pytabkit_fit("realmlp", kind, X, y, test),
        "tabm": lambda: pytabkit_fit("tabm", kind, X, y, test),
    }
    for library in ("catboost", "lightgbm", "xgboost"):
        fits[library] = lambda library=library: boosted_fit(library, kind, X, y, test, limit, False)
        fits[f"{library}-tuned"] = lambda library=library: boosted_fit(library, kind, X, y, test, limit, True)
    begun = time.monotonic()
    predicted, told = fits[method]()
    seconds = time.monotonic() - begun
    spread = 1.0 if kind == "class" else float(np.std(y_test))
    print(json.dumps({"loss": loss_of(kind, y_test, predicted, spread), "seconds": seconds, **told}))


if __name__ == "__main__":
    main()
