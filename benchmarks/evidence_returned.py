"""Is the estimate right of the model that is returned?  Fits on some rows, their loss on others.

One line of JSON a fit, appended to a file, so that it goes on where it was ended; judged by ``judge``.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from evidence_collect import ESTIMATE_TABLES, SIZES
from numpy.typing import NDArray
from scipy.stats import beta
from tables import load

from taut import TautClassifierCV, TautRegressorCV

_HELD_OUT = 5_000
# Small networks and few candidates: what is judged is the estimate, and 450 fits take hours all the same.
_HIDDEN, _CANDIDATES = (32, 32), 16


def collect(path: Path, n_splits: int, n_jobs: int | None = None) -> None:
    """Fit what is not in the file yet, all tables' first splits before any second one."""
    done = {(one["table"], one["n_rows"], one["split"]) for one in read(path)}
    for split in range(n_splits):
        for n_rows in SIZES:
            for table in ESTIMATE_TABLES:
                if (table, n_rows, split) in done:
                    continue
                found = fitted(table, n_rows, split, n_jobs)
                with path.open("a") as file:
                    file.write(json.dumps(found) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """All fits of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def fitted(table: str, n_rows: int, split: int, n_jobs: int | None) -> dict[str, Any]:
    """One fit, and what its model loses on rows that it has not seen."""
    X, y, task = load(table)
    rows = np.random.default_rng((split, n_rows, len(table), 14)).permutation(len(y))
    train, test = rows[:n_rows], rows[n_rows : n_rows + _HELD_OUT]
    kind = TautRegressorCV if task == "number" else TautClassifierCV
    model = kind(_HIDDEN, n_candidates=_CANDIDATES, random_state=split, n_jobs=n_jobs)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X.iloc[train], y[train])
        if task != "number":  # a class that no training row has can be predicted by none
            test = test[np.isin(y[test], model.classes_)]
        losses, score = _losses(model, X.iloc[test], y[test])
    return {
        "table": table, "n_rows": n_rows, "split": split, "seconds": time.perf_counter() - started,
        "loss": float(losses.mean()), "spread": float(losses.std()), "score": score,
        "estimate": model.estimate_.to_dict(),
    }  # fmt: skip


def _losses(model: Any, X: Any, y: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Of each row, and the score."""
    if isinstance(model, TautRegressorCV):
        losses = (model.predict(X) - y.astype(float)) ** 2
        return losses, float(1.0 - losses.mean() / np.var(y.astype(float)))
    probabilities = model.predict_proba(X)
    codes = np.searchsorted(model.classes_, y)
    losses = -np.log(np.maximum(probabilities[np.arange(len(y)), codes], 1e-12))
    return losses, float(np.mean(probabilities.argmax(axis=1) == codes))


def judge(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Coverage with its interval, both sides' misses, width and bias; by table and by rows too."""
    return {
        **_figures(found),
        "by_table": dict(_by(found, "table")),
        "by_rows": dict(_by(found, "n_rows")),
    }


def _by(found: Sequence[dict[str, Any]], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for value in sorted({one[name] for one in found}):
        yield str(value), _figures([one for one in found if one[name] == value])


def _figures(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    lines = []
    for one in found:
        loss, score = one["estimate"]["loss"], one["estimate"]["score"]
        usual = 3.92 * one["spread"] / np.sqrt(one["n_rows"])
        lines.append(
            (
                loss["low"] <= one["loss"] <= loss["high"],
                one["loss"] < loss["low"],
                one["loss"] > loss["high"],
                score["low"] <= one["score"] <= score["high"],
                (loss["high"] - loss["low"]) / usual,
                np.log(loss["value"] / one["loss"]),
                np.log((one["estimate"]["naive_loss"] + one["estimate"]["price"]) / one["loss"]),
            )
        )
    holds, below, above, of_score, width, bias, single = np.array(lines, dtype=float).T
    n, k = len(holds), int(holds.sum())
    return {
        "fits": n,
        "holds": holds.mean(),
        "holds_interval": [
            float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0,
            float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0,
        ],
        "lower_than_interval": below.mean(),
        "higher_than_interval": above.mean(),
        "score_holds": of_score.mean(),
        "width_median": float(np.median(width)),
        "log_bias": [bias.mean(), bias.std() / np.sqrt(n)],
        "log_bias_of_single_networks": [single.mean(), single.std() / np.sqrt(n)],
    }
