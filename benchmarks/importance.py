"""How often intervals of columns of no use miss zero, and what importance takes of a fit.

python benchmarks/importance.py [noise] [time]
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut import TautClassifier, TautClassifierCV
from taut.estimators import crossvalidated

Table = tuple[NDArray[np.float64], NDArray[np.int64]]


def table(n: int, p: int, noise: float, seed: int) -> Table:
    """Two columns make the classes, the others have no use."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, (X[:, 0] - X[:, 1] + noise * rng.normal(size=n) > 0).astype(np.int64)


def misses(make: Callable[[int], Any], n: int, p: int, noise: float, n_tables: int) -> str:
    """Give shares of the useless columns' intervals that lie above and below zero."""
    above = below = total = found = 0
    for seed in range(n_tables):
        for line in make(seed).fit(*table(n, p, noise, seed)).importance_.lines:
            if line.name in ("x0", "x1"):
                found += line.loss.low > 0
                continue
            total, above, below = total + 1, above + (line.loss.low > 0), below + (line.loss.high < 0)
    shares = f"above zero {above / total:.3f}, below {below / total:.3f}"
    return f"{total} useless columns: {shares}; the useful ones above {found / n_tables / 2:.2f}"


def noise() -> None:
    """Print it for one network and for cross-validation."""
    shared: dict[str, Any] = {"hidden": (16,), "max_epochs": 40, "learning_rate": 0.01}

    def one(seed: int) -> Any:
        return TautClassifier(**shared, validation_fraction=0.3, random_state=seed)

    def folds(k: int) -> Callable[[int], Any]:
        return lambda seed: TautClassifierCV(**shared, cv=k, n_candidates=2, random_state=seed)

    print("one network, 300 x 8:       ", misses(one, 300, 8, 0.5, 150), flush=True)
    print("3 folds, 150 x 6:           ", misses(folds(3), 150, 6, 0.5, 150), flush=True)
    print("5 folds, 300 x 8:           ", misses(folds(5), 300, 8, 0.5, 150), flush=True)
    print("5 folds, 300 x 8, much noise:", misses(folds(5), 300, 8, 3.0, 150), flush=True)
    print("5 folds, 1,000 x 20:        ", misses(folds(5), 1000, 20, 0.5, 40), flush=True)


def of_a_fit() -> None:
    """Print the seconds of a standard fit, and those of them that importance took."""
    spent, measured = [0.0], crossvalidated.importance_of_search

    def timed(*given: Any) -> Any:
        started = time.perf_counter()
        found = measured(*given)
        spent[0] = time.perf_counter() - started
        return found

    crossvalidated.importance_of_search = timed
    for n, p in ((300, 8), (1000, 20), (1000, 300)):
        X, y = table(n, p, 0.5, 0)
        started = time.perf_counter()
        found = TautClassifierCV(random_state=0).fit(X, y).importance_
        seconds = time.perf_counter() - started
        assert found is not None
        print(
            f"{n:,} x {p}: {spent[0]:.2f} s of {seconds:.1f} s, {100 * spent[0] / seconds:.1f} %; "
            f"{found.n_rows} rows, {found.n_shuffles} shuffles, {found.n_left_out} left out",
            flush=True,
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for what in sys.argv[1:] or ["noise", "time"]:
        {"noise": noise, "time": of_a_fit}[what]()
