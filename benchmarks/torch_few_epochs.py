"""What few epochs tell of who will be best: a module's first candidates, each trained on one fold.

    python benchmarks/torch_few_epochs.py [--json] [--n 1000] [--seeds 0 1] [--folder ...]

The network and the pictures are those of torch_pictures.py; each candidate trains for 30 epochs. After 8, 10,
12 and 15 of them candidates are ranked by their lowest validation loss so far, and by what their curves
promise (``taut.selection.promise``). ``--json`` prints a list of objects: seed, epoch, rule, rank_of_best
(from 1), correlation (with the lowest loss of all epochs).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from torch_pictures import BATCH, EPOCHS, Net, pictures

from taut.selection.promise import further_fall
from taut.selection.proposer import OptunaProposer
from taut.selection.space import Space
from taut.torch.given import Options, read

AFTER = (8, 10, 12, 15)


def curves(train: Any, n: int, seed: int) -> list[Any]:
    """Validation losses by epoch of early stopping alone and of the first 16 candidates."""
    chosen = np.random.default_rng(seed).permutation(len(train[0]))[:n]
    options = Options(
        loss=None, valid=None, cv=3, groups=None, where="everywhere", optimizer=None, learning_rate=None,
        max_epochs=EPOCHS, batch_size=BATCH, collate=None, engine="auto", device="cpu", n_jobs=None,
        random_state=seed,
    )  # fmt: skip
    given = read(Net, (train[0][chosen], train[1][chosen]), options)
    space = Space(given.learning_rate, given.architecture, given.trainer.problem.objective, few=True)
    candidates = [space.baselines()[0], *OptunaProposer(space, seed, n_first=16).ask(0, 16)]
    members = [given.trainer.member(one, given.folds[0], 0) for one in candidates]
    trained = given.trainer.train(members, until_epoch=EPOCHS, respect_patience=False)
    return [training.curve.validation for training in trained]


def ranked(found: list[Any], seed: int) -> list[dict[str, Any]]:
    lowest = np.array([curve.min() for curve in found])
    rows = []
    for epoch in AFTER:
        so_far = np.array([curve[:epoch].min() for curve in found])
        falls = np.array([further_fall(curve[:epoch], EPOCHS) for curve in found])
        for rule, guess in (("lowest so far", so_far), ("promise", so_far - falls)):
            rank = 1 + int(np.sum(guess < guess[lowest.argmin()]))
            correlation = float(np.corrcoef(guess, lowest)[0, 1])
            rows.append({"seed": seed, "epoch": epoch, "rule": rule, "rank_of_best": rank,
                         "correlation": correlation})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON, and nothing else")
    parser.add_argument("--n", type=int, default=1000, help="pictures that train")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--folder", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    given = parser.parse_args()
    train = pictures(given.folder, "train")
    found = [row for seed in given.seeds for row in ranked(curves(train, given.n, seed), seed)]
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for row in found:
        print(
            f"seed {row['seed']}, after {row['epoch']} epochs, by {row['rule']}: the best is number "
            f"{row['rank_of_best']} of 17, correlation {row['correlation']:.2f}"
        )


if __name__ == "__main__":
    main()
