"""What ``taut.torch.tune`` brings a convolutional network on few pictures.

    python benchmarks/torch_pictures.py [--json] [--sizes 1000 5000] [--seeds 0 1 2] [--time-limit 600]

Fashion-MNIST, the four gzip files that Debian's package dataset-fashion-mnist puts into
/usr/share/datasets/fashion-mnist (``--folder`` for another place). A seed chooses pictures that train, and
all 10,000 test pictures judge. Before: the person's network, trained on the same pictures for 30 epochs by a
plain loop. After: ``tune`` as it comes. ``--json`` prints a list of objects with the keys network, n, seed,
recipe, candidates, seconds, before and after (accuracy, loss), estimate (loss, low, high; of the score too)
and holds (whether the estimate's interval of the loss holds the test loss).
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import taut.torch

EPOCHS, BATCH = 30, 64


class Net(nn.Module):
    """conv16-conv32-fc128: 206,922 parameters with ten classes."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(32 * 49, 128), nn.Linear(128, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        found: Tensor = self.fc2(F.relu(self.fc1(x.flatten(1))))
        return found


def pictures(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Pictures of shape (n, 1, 28, 28) between 0 and 1, and their classes; the format is IDX."""
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        X = np.frombuffer(file.read(), dtype=np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), dtype=np.uint8, offset=8)
    return torch.tensor(X).float() / 255, torch.tensor(y).long()


def judged(net: nn.Module, X: Tensor, y: Tensor) -> dict[str, float]:
    with torch.no_grad():
        outputs = torch.cat([net.eval()(part) for part in X.split(1000)])
    right = (outputs.argmax(dim=1) == y).float().mean()
    return {"accuracy": float(right), "loss": float(F.cross_entropy(outputs, y))}


def plain(make: Callable[[], nn.Module], X: Tensor, y: Tensor, seed: int) -> nn.Module:
    """The loop that a person writes."""
    torch.manual_seed(seed)
    net = make()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(net(X[rows]), y[rows]).backward()
            optimizer.step()
    return net


def measure(
    make: Callable[[], nn.Module],
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    n: int,
    seed: int,
    time_limit: float,
    quiet: bool,
) -> dict[str, Any]:
    """Before and after for n examples that a seed chooses of those for training."""
    chosen = np.random.default_rng(seed).permutation(len(train[0]))[:n]
    X, y = train[0][chosen], train[1][chosen]
    before = judged(plain(make, X, y, seed), *test)
    begun = time.monotonic()
    found = taut.torch.tune(
        make, (X, y), max_epochs=EPOCHS, batch_size=BATCH, time_limit=time_limit, random_state=seed,
        verbose=0 if quiet else 1,
    )  # fmt: skip
    seconds = time.monotonic() - begun
    after, estimate = judged(found.module, *test), found.estimate
    return {
        "network": make.__name__, "n": n, "seed": seed, "recipe": str(found.recipe),
        "candidates": estimate.n_candidates, "seconds": seconds, "before": before, "after": after,
        "estimate": {
            "loss": estimate.loss.value, "low": estimate.loss.low, "high": estimate.loss.high,
            "score": estimate.score.value, "score_low": estimate.score.low, "score_high": estimate.score.high,
        },
        "holds": estimate.loss.low <= after["loss"] <= estimate.loss.high,
    }  # fmt: skip


def in_words(found: list[dict[str, Any]]) -> str:
    """A line each, and the means of each network and size."""
    lines = []
    for one in found:
        before, after, estimate = one["before"], one["after"], one["estimate"]
        lines.append(
            f"{one['network']}, {one['n']:,} examples, seed {one['seed']}: accuracy "
            f"{before['accuracy']:.1%} to {after['accuracy']:.1%}, log loss "
            f"{before['loss']:.3f} to {after['loss']:.3f}; estimate "
            f"{estimate['loss']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f}), "
            f"{'holds it' if one['holds'] else 'misses it'}; {one['seconds']:.0f} s; {one['recipe']}"
        )
    for network, n in sorted({(one["network"], one["n"]) for one in found}):
        some = [one for one in found if (one["network"], one["n"]) == (network, n)]
        gain = statistics.mean(one["after"]["accuracy"] - one["before"]["accuracy"] for one in some)
        ratio = statistics.mean(one["after"]["loss"] / one["before"]["loss"] for one in some)
        lines.append(
            f"{network}, {n:,} examples, mean: {100 * gain:+.2f} points of accuracy, "
            f"log loss {ratio - 1:+.0%}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON, and nothing else")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 5000], help="pictures that train")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds of each search")
    parser.add_argument("--folder", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    given = parser.parse_args()
    if not given.folder.is_dir():
        sys.exit(f"{given.folder} is missing: install Debian's dataset-fashion-mnist, or name its --folder.")
    train, test = pictures(given.folder, "train"), pictures(given.folder, "t10k")
    found = [
        measure(Net, train, test, n, seed, given.time_limit, given.json)
        for n in given.sizes
        for seed in given.seeds
    ]
    print(json.dumps(found, indent=2) if given.json else in_words(found))


if __name__ == "__main__":
    main()
