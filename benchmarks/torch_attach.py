"""What a recipe costs in a training loop of one's own: L2 and L1 by attach against AdamW's own decay.

    python benchmarks/torch_attach.py [--json] [--rounds 9]

CPU milliseconds of one thread for an epoch, and their ratio: medians over rounds in which both take turns,
so that what else the machine does hits both. Bar: a ratio of at most 1.05. ``--json`` prints a list of
objects with the keys network, optimizer, adamw_ms, attach_ms and ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import taut.torch
from taut import L1, L2, Recipe


def mlp() -> tuple[nn.Module, Tensor]:
    net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    return net, torch.randn(2048, 32)


def cnn() -> tuple[nn.Module, Tensor]:
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(512, 28), nn.ReLU(), nn.Linear(28, 2),
    )  # fmt: skip
    return net, torch.randn(512, 1, 28, 28)


def epoch_of(
    make: Callable[[], tuple[nn.Module, Tensor]], attached: bool, fused: bool
) -> Callable[[], float]:
    """A function that trains an epoch and gives its CPU milliseconds."""
    torch.manual_seed(0)
    net, X = make()
    y = torch.randint(0, 2, (len(X),))
    decay = 0.0 if attached else 0.1
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=decay, fused=fused)
    if attached:
        taut.torch.attach(Recipe(L2(0.1), L1(0.01)), net, optimizer, verbose=0)

    def epoch() -> float:
        begun = time.process_time()
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(net(X[rows]), y[rows]).backward()
            optimizer.step()
        return (time.process_time() - begun) * 1e3

    return epoch


def turns(alone: Callable[[], float], attached: Callable[[], float]) -> tuple[float, float]:
    """The shortest of a few epochs of each, in turn."""
    both = [(alone(), attached()) for _ in range(5)]
    return min(a for a, _ in both), min(b for _, b in both)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for name, make in (("MLP 64-64", mlp), ("CNN 20k", cnn)):
        for fused in (False, True):
            alone, attached = epoch_of(make, False, fused), epoch_of(make, True, fused)
            for one in (alone, attached):
                one()
            pairs = [turns(alone, attached) for _ in range(given.rounds)]
            found.append(
                {
                    "network": name,
                    "optimizer": "AdamW, fused" if fused else "AdamW",
                    "adamw_ms": round(statistics.median(a for a, _ in pairs), 1),
                    "attach_ms": round(statistics.median(b for _, b in pairs), 1),
                    "ratio": round(statistics.median(b / a for a, b in pairs), 3),
                }
            )
    if given.json:
        print(json.dumps(found))
        return
    for row in found:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
