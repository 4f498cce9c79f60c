"""Whether a technique that is not searched should be: what it brings beside early stopping, and to a search.

    python benchmarks/techniques.py [--tables a,b] [--rows 300,1000] [--splits 3] [--techniques a,b] [--json]
    python benchmarks/techniques.py --search ...

For each table, number of rows and split, a technique's strength is one of three of its range, or off, chosen
by 5-fold cross-validation on those rows. Then networks with it and networks with early stopping alone are
trained from the same seeds, and their averages are judged on rows that chose nothing. With ``--search``, a
search that has the technique too is compared with one of as many candidates that has not. A gain is the share
by which the loss is lower; splits and numbers of rows are averaged, tables count alike, and intervals are
bootstraps of the tables.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from sklearn.metrics import log_loss
from tables import load

from taut import (
    EarlyStopping,
    Recipe,
    TautClassifier,
    TautClassifierCV,
    TautRegressor,
    TautRegressorCV,
    regularization_path,
)
from taut.selection import space
from taut.techniques.base import Technique
from taut.techniques.find import find

TABLES = (
    "magic", "credit-data", "email", "cmc", "satimage", "letter", "texture", "concrete", "ames", "saratoga",
)  # fmt: skip
NEW = "label_smoothing,max_norm,input_noise"
_POSITIONS = (0.2, 0.5, 0.8)
_MOST_HELD_OUT = 10_000
_NETWORKS = 4
_CANDIDATES = 32
_RESAMPLES = 10_000


def loss_of(networks: Sequence[Any], X: Any, y: Any) -> float:
    """The loss of the average of some networks."""
    if isinstance(networks[0], (TautRegressor, TautRegressorCV)):
        return float(np.mean((np.mean([one.predict(X) for one in networks], axis=0) - y) ** 2))
    known = np.isin(y, networks[0].classes_)  # a split may lack a rare class
    p = np.mean([one.predict_proba(X) for one in networks], axis=0)
    return float(log_loss(y[known], p[known], labels=networks[0].classes_))


def trained(recipe: Recipe, X: Any, y: Any, task: str) -> list[Any]:
    """Networks of one recipe."""
    kind = TautRegressor if task == "number" else TautClassifier
    return [kind(recipe=recipe, random_state=seed, n_jobs=1).fit(X, y) for seed in range(_NETWORKS)]


def searched(kinds: Sequence[type[Technique]], X: Any, y: Any, task: str, seed: int) -> list[Any]:
    """What a search over these techniques gives."""
    kind = TautRegressorCV if task == "number" else TautClassifierCV
    with patch.object(space, "SEARCHED", tuple(kinds)):
        return [kind(n_candidates=_CANDIDATES, random_state=seed, n_jobs=1).fit(X, y)]


def gains(
    table: str, n_rows: int, split: int, kinds: Sequence[type[Technique]], *, search: bool
) -> dict[str, Any]:
    """What each technique brought on one split, and the strength that was chosen."""
    X, y, task = load(table)
    order = np.random.default_rng((split, n_rows)).permutation(len(y))[: n_rows + _MOST_HELD_OUT]
    parts = order[:n_rows], order[n_rows:]
    (X, X_test), (y, y_test) = [X.iloc[p] for p in parts], [y[p] for p in parts]
    if search:
        without = searched(space.SEARCHED, X, y, task, split)
    else:
        without = trained(Recipe(EarlyStopping()), X, y, task)
    plain = loss_of(without, X_test, y_test)
    found: dict[str, Any] = {"table": table, "rows": n_rows, "split": split}
    for kind in kinds:
        if kind.needs_classes and task == "number":
            continue
        if search:
            networks = searched((*space.SEARCHED, kind), X, y, task, split)
            technique = networks[0].recipe_.get(kind)
            strength = 0.0 if technique is None else technique.strength
        else:
            strengths = [kind.search_range.strength_at(position) for position in _POSITIONS]
            path = regularization_path(X, y, kind, strengths, n_jobs=1, random_state=split)
            strength = path.best.strength
            recipe = Recipe(kind.at(strength), EarlyStopping())
            networks = trained(recipe, X, y, task) if strength > 0 else without
        gain = 1.0 - loss_of(networks, X_test, y_test) / plain
        found[kind.name] = {"strength": strength, "gain": gain}
    return found


def summary(cases: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """The tables' mean gains in per cent, and the middle 95 % of the bootstrap of their mean."""
    by_table: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        if name in case:
            by_table[case["table"]].append(100.0 * case[name]["gain"])
    means = {table: float(np.mean(values)) for table, values in by_table.items()}
    v = np.array(list(means.values()))
    resampled = np.random.default_rng(0).choice(v, size=(_RESAMPLES, len(v))).mean(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    chosen = [case[name]["strength"] > 0 for case in cases if name in case]
    return {
        "technique": name, "n_tables": len(v), "n_cases": len(chosen), "chosen": float(np.mean(chosen)),
        "mean": float(v.mean()), "low": float(low), "high": float(high), "tables": means,
    }  # fmt: skip


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--rows", default="300,1000")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--techniques", default=NEW)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    kinds = [find(name) for name in given.techniques.split(",")]
    cases = []
    for split in range(given.splits):
        for n_rows in map(int, given.rows.split(",")):
            for table in given.tables.split(","):
                if len(load(table)[1]) >= 1.5 * n_rows:
                    cases.append(gains(table, n_rows, split, kinds, search=given.search))
                    print(json.dumps(cases[-1]), file=sys.stderr, flush=True)
    found = [summary(cases, kind.name) for kind in kinds]
    if given.json:
        print(json.dumps({"cases": cases, "summary": found}, indent=1))
        return
    for one in found:
        print(
            f"{one['technique']}: gain {one['mean']:.1f} % ({one['low']:.1f} to {one['high']:.1f}), "
            f"{one['n_tables']} tables, {one['n_cases']} cases; chosen in {one['chosen']:.0%}"
        )
        for table, mean in one["tables"].items():
            print(f"    {table:12} {mean:6.1f} %")


if __name__ == "__main__":
    main()
