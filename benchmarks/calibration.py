"""What the temperature and chosen thresholds bring on held-out rows of real tables.

Run: ``make tables``, then ``python benchmarks/calibration.py [--json FILE] [--seeds N] [--candidates N]``.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss
from sklearn.model_selection import train_test_split
from tables import TABLES, load

from taut import TautClassifierCV

ROWS, MOST_TEST = 2000, 5000
COST = (1.0, 5.0)


def one(name: str, seed: int, n_candidates: int) -> dict[str, Any]:
    """One fit on at most ``ROWS`` rows, judged on a quarter of the table at least."""
    X, y, task = load(name)
    n = min(ROWS, len(y) * 3 // 4)
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=n, stratify=y, random_state=seed)
    X_test, y_test = X_test[:MOST_TEST], y_test[:MOST_TEST]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = TautClassifierCV((64,), n_candidates=n_candidates, max_epochs=100, random_state=seed)
        model.fit(X_train, y_train)
        found = model.calibration_
        own = model.model_
        losses = {}
        for which, temperature in (("before", 1.0), ("after", found.fitted_temperature)):
            model.model_ = replace(own, temperature=temperature)
            losses[which] = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
        model.model_ = own
        shares = model.predict_proba(X_test)
    row: dict[str, Any] = {
        "table": name,
        "seed": seed,
        "n_averaged": found.n_averaged,
        "temperature": found.fitted_temperature,
        "applied": found.applied,
        "gain": found.gain.to_dict(),
        "error": found.error.to_dict(),
        "error_after": found.error_after.to_dict(),
        **losses,
    }
    if task == "binary":
        true, second = y_test == model.classes_[1], shares[:, 1]
        for metric, score in (("f1", f1_score), ("balanced_accuracy", balanced_accuracy_score)):
            chosen = model.best_threshold(metric)
            row[metric] = {
                "at_half": score(true, second >= 0.5),
                "chosen": score(true, second >= chosen.threshold),
                "expected": chosen.value.to_dict(),
                "claimed": chosen.gain.low > 0,
            }
        chosen = model.best_threshold(cost=COST)
        row["cost"] = {
            "at_half": _cost(true, second >= 0.5),
            "chosen": _cost(true, second >= chosen.threshold),
            "expected": chosen.value.to_dict(),
            "claimed": chosen.gain.low > 0,
        }
    return row


def _cost(true: Any, predicted: Any) -> float:
    return float(np.mean(COST[0] * (predicted & ~true) + COST[1] * (true & ~predicted)))


def main() -> None:
    """Print a line a fit, and the means by table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--tables", nargs="*", default=[t.name for t in TABLES if t.task != "number"])
    given = parser.parse_args()
    rows = []
    for seed in range(given.seeds):
        for name in given.tables:
            rows.append(one(name, seed, given.candidates))
            print(json.dumps(rows[-1]), flush=True)
            if given.json:
                given.json.write_text(json.dumps(rows))
    print()
    for name in given.tables:
        mine = [row for row in rows if row["table"] == name]
        line = [f"{name:12}", f"applied {sum(row['applied'] for row in mine)} of {len(mine)}"]
        line.append(f"T {np.mean([row['temperature'] for row in mine]):.2f}")
        line += [f"{which} {np.mean([row[which] for row in mine]):.4f}" for which in ("before", "after")]
        for metric in ("f1", "balanced_accuracy", "cost"):
            if metric in mine[0]:
                ends = [np.mean([row[metric][at] for row in mine]) for at in ("at_half", "chosen")]
                line.append(f"{metric} {ends[0]:.3f} -> {ends[1]:.3f}")
        print("  ".join(line))
    logs = [math.log(row["after"] / row["before"]) for row in rows if row["applied"]]
    if logs:
        print(f"where it was applied, the log loss changed by {100 * math.expm1(np.mean(logs)):+.2f} %")


if __name__ == "__main__":
    main()
