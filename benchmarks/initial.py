"""How large the first weights should be, on held-out rows: early stopping alone, and what a search chooses.

    python benchmarks/initial.py [--names pima,cmc,...] [--seeds 2]

Each start is a factor on taut's own; all else is the same. Both figures are losses of the folds' bags on a
third of the rows (tables are thinned to 3,000 rows), over those of the usual start.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from selection_common import Bench
from tables import load

import taut.engine.compiled.engine as engine_module
from taut.engine.compiled.layout import initial_weights
from taut.network import Network

NAMES = "pima,cmc,concrete,hmda,cells,car-prices,leaf,saratoga,ames,email,computers"

#: Standard deviation of the weights, from inputs, outputs and whether the layer is hidden.
STARTS: dict[str, Callable[[int, int, bool], float]] = {
    "Glorot": lambda n_in, n_out, hidden: math.sqrt(2 / (n_in + n_out)),
    "He": lambda n_in, n_out, hidden: math.sqrt((2 if hidden else 1) / n_in),
    "PyTorch": lambda n_in, n_out, hidden: math.sqrt(1 / (3 * n_in)),
}


def started(deviation: Callable[[int, int, bool], float]) -> Callable[[Network, bool, int], Any]:
    """Initial weights with another spread."""

    def weights(network: Network, normalize: bool, seed: int) -> Any:
        arrays = initial_weights(network, normalize, seed)
        sizes = network.layer_sizes
        for i, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            hidden = i < len(sizes) - 2
            factor = deviation(n_in, n_out, hidden) / STARTS["Glorot"](n_in, n_out, hidden)
            arrays[f"layers.{i}.weight"] = arrays[f"layers.{i}.weight"] * factor
        return arrays

    return weights


def main() -> None:
    """Print a line a table and seed, and the summary."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", default=NAMES)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTS}
    for seed in range(given.seeds):
        for name in given.names.split(","):
            X, y, task = load(name)
            if len(y) > 3000:
                some = np.random.default_rng(seed).permutation(len(y))[:3000]
                X, y = X.iloc[some], y[some]
            found = {}
            for start, deviation in STARTS.items():
                engine_module.initial_weights = started(deviation)
                bench = Bench.of(X, y, task, seed, cv=5)
                search, result, _ = bench.search(n_candidates=34)
                found[start] = bench.held_out(search, 0), bench.held_out_networks(search, result.networks)
            for start, (alone, chosen) in found.items():
                ratios[start].append((alone / found["Glorot"][0], chosen / found["Glorot"][1]))
            print(
                name,
                seed,
                {start: [f"{loss:.5g}" for loss in both] for start, both in found.items()},
                flush=True,
            )
    for start, each in ratios.items():
        values = np.array(each)
        medians, higher = np.median(values, axis=0), (values > 1).sum(axis=0)
        print(
            f"{start}: early stopping alone {medians[0]:.3f} (higher on {higher[0]} of {len(values)}), "
            f"chosen {medians[1]:.3f} (higher on {higher[1]} of {len(values)})"
        )


if __name__ == "__main__":
    main()
