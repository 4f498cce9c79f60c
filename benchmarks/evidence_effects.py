"""What ``effects`` costs, against the search whose recipe it explains.

Prints one JSON object: seconds of a default ``TautClassifierCV`` fit and of ``effects`` on the same made-up
rows, one after the other in one process, and their ratio; for two recipes with three players, and for the
recipe that the search has chosen.

    python benchmarks/evidence_effects.py [--repeats 1] [--rows 1000] [--columns 20]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

from sklearn.datasets import make_classification

from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe, TautClassifierCV
from taut.engine.compiled.engine import CompiledEngine
from taut.examine import Effects, effects

#: Three players, weak and strong: the stronger, the more epochs.
THREE = {
    "three_weak": Recipe(L2(0.1), Dropout(0.2), BatchNorm(), EarlyStopping()),
    "three_strong": Recipe(L1(0.2), L2(1.5), Dropout(0.4), EarlyStopping()),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--columns", type=int, default=20)
    given = parser.parse_args()
    runs = [one_run(given.rows, given.columns, seed) for seed in range(given.repeats)]
    ratios = {
        kind: {name: statistics.median(run[name][kind] for run in runs) for name in (*THREE, "chosen")}
        for kind in ("ratio", "cpu_ratio")
    }
    print(json.dumps({"rows": given.rows, "columns": given.columns, **ratios, "runs": runs}, indent=1))


def one_run(n_rows: int, n_columns: int, seed: int) -> dict[str, Any]:
    """A search, then effects of recipes with three players at its learning rate, then of what it chose."""
    X, y = make_classification(n_rows, n_columns, n_informative=n_columns // 2, flip_y=0.1, random_state=seed)
    CompiledEngine().prepare()  # the one-time compilation does not count
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, search = timed(lambda: TautClassifierCV(random_state=seed).fit(X, y))
        rate = model.learning_rate_
        told = {
            name: timed(lambda recipe=recipe: effects(X, y, recipe, learning_rate=rate, random_state=seed))
            for name, recipe in THREE.items()
        }
        told["chosen"] = timed(lambda: effects(X, y, model, random_state=seed))
    return {
        "seed": seed,
        "search": search,
        "learning_rate": rate,
        **{name: cost(found, spent, search) for name, (found, spent) in told.items()},
    }


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What comes of it, its seconds, and those of all cores together, which other programs disturb less."""
    wall, cpu = time.monotonic(), time.process_time()
    found = work()
    return found, {"seconds": time.monotonic() - wall, "cpu_seconds": time.process_time() - cpu}


def cost(found: Effects, spent: dict[str, float], search: dict[str, float]) -> dict[str, Any]:
    return {
        "recipe": found.recipe.describe(),
        "networks": found.n_networks,
        **spent,
        "ratio": spent["seconds"] / search["seconds"],
        "cpu_ratio": spent["cpu_seconds"] / search["cpu_seconds"],
    }


if __name__ == "__main__":
    main()
