"""Whether the mixture that ``taut demo`` chooses surely beats early stopping alone, on rows kept aside.

    python benchmarks/demo_table.py [--seeds 20] [--json FILE]

A seed draws the 600 digits that are learned from, makes the folds and seeds the networks; all other rows
judge. What is chosen and early stopping alone are made alike: an average of the networks of the same five
folds. The differences of the seeds are paired; the interval is Student's over the seeds, and since these
share the rows of one table, the number of seeds that are won stands beside it.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sklearn.metrics import log_loss

from taut import EarlyStopping, Recipe, TautClassifierCV
from taut.cli.demo import digits, split


def main() -> None:
    """Print a line a seed, and the summary."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--n-jobs", type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    frame, y = digits()
    rows = []
    for seed in range(given.first, given.first + given.seeds):
        train, aside = split(len(y), seed)
        X, X_aside = frame.take(train), frame.take(aside)
        row: dict[str, object] = {"seed": seed}
        for name, candidates in (("chosen", None), ("early stopping alone", 2)):
            began = time.process_time()
            model = TautClassifierCV(
                effort="quick", n_candidates=candidates, random_state=seed, n_jobs=given.n_jobs
            ).fit(X, y[train])
            if candidates:
                assert model.recipe_ == Recipe(EarlyStopping(20)), model.recipe_
            row[name] = {
                "recipe": repr(model.recipe_),
                "loss": log_loss(y[aside], model.predict_proba(X_aside)),
                "accuracy": model.score(X_aside, y[aside]),
                "cpu seconds": time.process_time() - began,
            }
        rows.append(row)
        print(json.dumps(row), flush=True)
    summary = {"rows": rows, **{name: _paired(rows, name) for name in ("loss", "accuracy")}}
    print(json.dumps({name: summary[name] for name in ("loss", "accuracy")}, indent=1))
    if given.json:
        given.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def _paired(rows: list[dict[str, object]], name: str) -> dict[str, float]:
    """The chosen networks' figure less that of early stopping alone."""
    chosen, alone = (np.array([row[who][name] for row in rows]) for who in ("chosen", "early stopping alone"))
    difference = chosen - alone
    half = student.ppf(0.975, len(rows) - 1) * difference.std(ddof=1) / np.sqrt(len(rows))
    better = difference < 0 if name == "loss" else difference > 0
    return {
        "chosen": float(chosen.mean()),
        "early stopping alone": float(alone.mean()),
        "difference": float(difference.mean()),
        "low": float(difference.mean() - half),
        "high": float(difference.mean() + half),
        "seeds better": int(better.sum()),
        "seeds": len(rows),
    }


if __name__ == "__main__":
    main()
