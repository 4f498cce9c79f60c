"""Real tables from a CSV file on disk through `taut fit` and `taut predict`, scored on rows held out.

    python benchmarks/real_tables.py [--tables credit-data,hpc,...] [--json]

Three quarters of the rows are written to train.csv, the others to test.csv without their target; the scores
are of the predictions that `taut predict` writes.  For comparison, on the same rows: early stopping alone
(one network, and a bag of five as `taut fit` makes it) and scikit-learn's MLP with early stopping behind its
usual preprocessing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import load

from taut import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV

DEFAULT = "credit-data,hmda,hpc,letter,leaf,ames,concrete,diamonds"


def scores(
    task: str, y: Any, predicted: Any, probabilities: Any = None, classes: Any = None
) -> dict[str, float]:
    """Accuracy and cross-entropy, or R squared."""
    if task == "number":
        return {"r2": float(r2_score(y, predicted))}
    out = {"accuracy": float(accuracy_score(y, predicted))}
    if probabilities is not None:
        out["log_loss"] = float(log_loss(y, np.clip(probabilities, 1e-7, 1), labels=classes))
    return out


def with_the_command_line(
    folder: Path, train: Any, test: Any, y: Any, task: str, options: list[str]
) -> dict[str, Any]:
    """Fit and predict as a person would; times of the whole processes."""
    taut = str(Path(sys.executable).parent / "taut")
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    kind = "regression" if task == "number" else "classification"
    started = time.perf_counter()
    fit = [taut, "fit", "train.csv", "--target", "TARGET", "--task", kind, "--output", "model", *options]
    subprocess.run(fit, cwd=folder, check=True, capture_output=True)
    fitted = time.perf_counter()
    subprocess.run(
        [taut, "predict", "model", "test.csv", "--output", "out.csv"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    done = time.perf_counter()
    out = pd.read_csv(folder / "out.csv", dtype={"prediction": str} if task != "number" else None)
    model = json.loads((folder / "model" / "model.json").read_text())
    classes = [c.removeprefix("probability_") for c in out.columns[1:]]
    found = scores(task, y, out["prediction"], out.iloc[:, 1:].to_numpy() if classes else None, classes)
    return found | {"fit_s": fitted - started, "predict_s": done - fitted, "recipe": model["as_code"]}


def sklearn_mlp(X: Any, y: Any, X_test: Any, y_test: Any, task: str) -> dict[str, float]:
    """scikit-learn's MLP, 128-128, with early stopping, behind imputing, scaling and one-hot encoding."""
    columns = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            OneHotEncoder(handle_unknown="ignore", min_frequency=8),
            make_column_selector(dtype_exclude="number"),
        ),
    )
    kind = MLPRegressor if task == "number" else MLPClassifier
    network = kind(
        hidden_layer_sizes=(128, 128), early_stopping=True, n_iter_no_change=20, max_iter=300, random_state=0
    )
    started = time.perf_counter()
    scale = (float(np.mean(y)), float(np.std(y))) if task == "number" else (0.0, 1.0)
    model = make_pipeline(columns, network).fit(X, (y - scale[0]) / scale[1] if task == "number" else y)
    seconds = time.perf_counter() - started
    if task == "number":
        return scores(task, y_test, model.predict(X_test) * scale[1] + scale[0]) | {"fit_s": seconds}
    return scores(task, y_test, model.predict(X_test), model.predict_proba(X_test), model.classes_) | {
        "fit_s": seconds
    }


def with_python(estimator: Any, X: Any, y: Any, X_test: Any, y_test: Any, task: str) -> dict[str, float]:
    """One of taut's estimators, in this process."""
    started = time.perf_counter()
    estimator.fit(X, y)
    seconds = time.perf_counter() - started
    if task == "number":
        return scores(task, y_test, estimator.predict(X_test)) | {"fit_s": seconds}
    probabilities = estimator.predict_proba(X_test)
    return scores(task, y_test, estimator.predict(X_test), probabilities, estimator.classes_) | {
        "fit_s": seconds
    }


def measure(name: str, options: list[str]) -> dict[str, Any]:
    X, y, task = load(name)
    split = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y if task != "number" else None)
    X_train, X_test, y_train, y_test = split
    single, several = (
        (TautRegressor, TautRegressorCV) if task == "number" else (TautClassifier, TautClassifierCV)
    )
    with tempfile.TemporaryDirectory() as folder:
        row: dict[str, Any] = {"table": name, "rows": len(X), "columns": X.shape[1], "task": task}
        train = X_train.assign(TARGET=y_train)
        row["taut fit"] = with_the_command_line(Path(folder), train, X_test, y_test, task, options)
    row["one network"] = with_python(single(random_state=0), X_train, y_train, X_test, y_test, task)
    bag = several(random_state=0, n_candidates=2)
    row["early stopping bag"] = with_python(bag, X_train, y_train, X_test, y_test, task)
    row["scikit-learn MLP"] = sklearn_mlp(X_train, y_train, X_test, y_test, task)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", default=DEFAULT)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("options", nargs="*", help="for taut fit, after --")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [measure(name, options.options) for name in options.tables.split(",")]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print(f"{row['table']}: {row['rows']:,} x {row['columns']}, {row['task']}")
        for who in ("taut fit", "early stopping bag", "one network", "scikit-learn MLP"):
            figures = "  ".join(
                f"{k} {v:.4g}" if isinstance(v, float) else f"{v}" for k, v in row[who].items()
            )
            print(f"  {who:<20} {figures}")


if __name__ == "__main__":
    main()
