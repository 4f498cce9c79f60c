"""What averaged weights and numbers in pieces bring to one network: held-out loss and epochs, by setting.

    python benchmarks/network_parts.py averages|pieces [--tables hpc,spam,...] [--seeds 3]

Averages: learning rate, how the weights are averaged (0: the last step's), patience. Pieces: numbers as they
are, and in 8, 24 and 64 pieces. Each with early stopping alone, with L2 and dropout, and with batch norm and
dropout; a quarter of the rows is held out. Losses are of one network and of the seeds' average, relative to
the first setting, as geometric means over the recipes and then over the tables.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from accuracy_fit import loss_of, prepared
from numpy.typing import NDArray

import taut
from taut import L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.estimators import automatic

TABLES = "hpc,satimage,spam,ames,credit-data,stackoverflow,concrete,pima,computers,magic,letter,caravan,cmc"


class Setting(NamedTuple):
    """How a network is trained."""

    learning_rate: float = automatic.AUTO_LEARNING_RATE
    average: float = automatic.AVERAGE
    patience: int = 20
    n_bins: int = 0


SETTINGS = {
    "averages": (
        Setting(1e-3, 0.0), Setting(2e-3, 0.0), Setting(3e-3, 0.0), Setting(1e-3, 8.0), Setting(3e-3, 8.0),
        Setting(3e-3, 8.0, 12), Setting(3e-3, 0.0, 12), Setting(3e-3, 4.0), Setting(3e-3, 16.0),
    ),
    "pieces": tuple(Setting(n_bins=n) for n in (0, 8, 24, 64)),
}  # fmt: skip


def recipes(patience: int) -> dict[str, Recipe]:
    """Three, of little to much regularization."""
    stop = EarlyStopping(patience=patience)
    return {
        "early stopping": Recipe(stop),
        "L2, dropout": Recipe(L2(0.3), Dropout(0.3), stop),
        "batch norm, dropout": Recipe(BatchNorm(), Dropout(0.2), stop),
    }


def fitted(data: Any, setting: Setting, recipe: Recipe, seed: int) -> tuple[NDArray[np.floating], int]:
    """Predictions of one network for the held-out rows, and its epochs."""
    kind, X, test, y, _ = data
    make = taut.TautClassifier if kind == "class" else taut.TautRegressor
    model = make(
        recipe=recipe, learning_rate=setting.learning_rate, n_bins=setting.n_bins, n_jobs=1, random_state=seed
    ).fit(X, y)
    return (model.predict_proba(test) if kind == "class" else model.predict(test)), model.n_iter_


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=SETTINGS)
    parser.add_argument("--tables", default=TABLES)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    settings = SETTINGS[given.part]
    logs: dict[Setting, list[NDArray[np.float64]]] = {setting: [] for setting in settings}
    for name in given.tables.split(","):
        data = prepared(name, 0)
        kind, y = data[0], data[4]
        spread = 1.0 if kind == "class" else float(np.std(y))
        found: dict[Setting, list[list[float]]] = {}
        for setting in settings:
            automatic.AVERAGE = setting.average
            for recipe in recipes(setting.patience).values():
                with ThreadPoolExecutor(2) as both:
                    runs = list(
                        both.map(lambda seed: fitted(data, setting, recipe, seed), range(given.seeds))  # noqa: B023
                    )
                one = np.mean([loss_of(kind, y, run, spread) for run, _ in runs])
                together = loss_of(kind, y, np.mean([run for run, _ in runs], axis=0), spread)
                found.setdefault(setting, []).append([one, together, float(np.mean([n for _, n in runs]))])
        first = np.log(found[settings[0]])
        for setting in settings:
            logs[setting].append((np.log(found[setting]) - first).mean(axis=0))
            one, together, epochs = np.exp(logs[setting][-1])
            print(f"{name:14} {setting}: {one:.3f}, average {together:.3f}, epochs {epochs:.2f}", flush=True)
    for setting, rows in logs.items():
        one, together, epochs = np.exp(np.mean(rows, axis=0))
        better = np.mean([row[1] < 0.0 for row in rows])
        print(f"all {setting}: {one:.3f}, average {together:.3f} ({better:.0%} better), epochs {epochs:.2f}")


if __name__ == "__main__":
    main()
