"""A convolutional network on pictures: does it overfit, which regularization fixes it, how good is it then?

    python examples/pictures.py [--short]

1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn; 400 of them train, the others judge.
"""

from __future__ import annotations

import argparse

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

import taut.torch


class Net(nn.Module):
    """Yours: nothing in it knows of taut."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few candidates, for a look")
    parser.add_argument("--report", help="write the page to this file")
    given = parser.parse_args()
    pictures, digits = load_digits(return_X_y=True)
    X = torch.tensor(pictures, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    y = torch.tensor(digits)
    found = taut.torch.tune(
        Net,
        (X[:400], y[:400]),
        max_epochs=8 if given.short else 40,
        n_candidates=6 if given.short else None,
        time_limit=None if given.short else 300,
    )
    print(found)
    with torch.no_grad():
        outputs = found.module(X[400:])
    right = (outputs.argmax(dim=1) == y[400:]).float().mean()
    print(f"on 1,397 other digits: loss {F.cross_entropy(outputs, y[400:]):.3f}, accuracy {right:.1%}")
    if given.report:
        found.report(given.report)


if __name__ == "__main__":
    main()
