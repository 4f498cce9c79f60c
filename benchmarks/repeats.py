"""Whether folds that are made anew help on few rows: the chosen networks' loss on held-out rows.

    python benchmarks/repeats.py [--rows 300] [--seeds 4]

Some rows of a table train, thousands or hundreds of others judge; once with five folds, and once with fifteen
(five folds, made anew twice), both as bags of all folds' networks.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from selection_common import Bench
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from tables import load

NAMES = "spam,hpc,satimage,computers,cmc,concrete,saratoga,credit-data"


def main() -> None:
    """Print a line a table and seed, and the summary."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", default=NAMES)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    ratios = []
    for name in given.names.split(","):
        X, y, task = load(name)
        for seed in range(given.seeds):
            losses, seconds = [], []
            for n_repeats in (1, given.repeats):
                kind = RepeatedKFold if task == "number" else RepeatedStratifiedKFold
                cv = kind(n_splits=5, n_repeats=n_repeats, random_state=seed)
                bench = Bench.of(X, y, task, seed, test_size=len(y) - given.rows, cv=cv, n_jobs=1)
                search, result, took = bench.search(n_candidates=34)
                losses.append(bench.held_out_networks(search, result.networks))
                seconds.append(took)
            ratios.append((losses[1] / losses[0], seconds[1] / seconds[0]))
            print(name, seed, [f"{loss:.5g}" for loss in losses], f"{ratios[-1][0]:.3f}", flush=True)
    loss, time = np.array(ratios).T
    error = loss.std(ddof=1) / np.sqrt(len(loss))
    print(
        f"{given.rows} rows, {given.repeats} x 5 folds over 5: loss {loss.mean():.3f} +- {error:.3f}, median "
        f"{np.median(loss):.3f}, lower on {(loss < 1).sum()} of {len(loss)}; time {np.median(time):.1f}"
    )


if __name__ == "__main__":
    main()
