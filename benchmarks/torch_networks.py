"""What ``taut.torch.tune`` brings two other networks: a transformer on sequences, an MLP of one's own layers.

    python benchmarks/torch_networks.py [--json] [--networks Rows Gated] [--seeds 0 1 2] [--time-limit 300]

``Rows`` is a small transformer that reads each picture of Fashion-MNIST as a sequence of its 28 rows; 2,000
pictures train, and the 10,000 test pictures judge. ``Gated`` is an MLP of gated residual layers, which no
engine of taut knows, on scikit-learn's digits: 500 train, and the other 1,297 judge. Before, after and the
keys of ``--json`` as in torch_pictures.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch_pictures import in_words, measure, pictures


class Rows(nn.Module):
    """A transformer encoder of two layers over 28 steps of 28 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(28, 64)
        self.position = nn.Parameter(0.02 * torch.randn(28, 64))
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.encoder(self.embed(x) + self.position).mean(dim=1))
        return found


class GatedLayer(nn.Module):
    """x + value(x) * sigmoid(gate(x))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + torch.relu(self.value(x)) * self.gate(x).sigmoid()
        return found


class Gated(nn.Module):
    """Three gated residual layers of 128 units between two linear ones."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(64, 128)
        self.layers = nn.Sequential(*(GatedLayer(128) for _ in range(3)))
        self.head = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.layers(torch.relu(self.embed(x))))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON, and nothing else")
    parser.add_argument("--networks", nargs="+", choices=("Rows", "Gated"), default=["Rows", "Gated"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds of each search")
    parser.add_argument("--folder", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    given = parser.parse_args()
    found = []
    for seed in given.seeds:
        if "Rows" in given.networks:
            if not given.folder.is_dir():
                sys.exit(f"{given.folder} is missing: install Debian's dataset-fashion-mnist.")
            train, test = ((X[:, 0], y) for X, y in (pictures(given.folder, p) for p in ("train", "t10k")))
            found.append(measure(Rows, train, test, 2000, seed, given.time_limit, given.json))
        if "Gated" in given.networks:
            X, y = (torch.from_numpy(part) for part in load_digits(return_X_y=True))
            order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
            X, y = X[order].float() / 16, y[order]
            halves = (X[:500], y[:500]), (X[500:], y[500:])
            found.append(measure(Gated, *halves, 500, seed, given.time_limit, given.json))
    print(json.dumps(found, indent=2) if given.json else in_words(found))


if __name__ == "__main__":
    main()
