"""A recipe in a training loop of one's own: handwritten digits, of which few are learned from.

python examples/own_loop.py            under a minute
python examples/own_loop.py --short    a few seconds
"""

from __future__ import annotations

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional as F

import taut.torch
from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe

PLAIN = Recipe(EarlyStopping(patience=10))
MIXTURE = Recipe(L2(0.3), L1(0.03), Dropout(0.3), BatchNorm(), EarlyStopping(patience=10))


def digits() -> list[Tensor]:
    """300 to learn from, 200 to stop by, the rest to judge by."""
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X / 16, dtype=torch.float32)
    X_train, X_rest, y_train, y_rest = train_test_split(X, torch.tensor(y), train_size=300, random_state=0)
    X_valid, X_test, y_valid, y_test = train_test_split(X_rest, y_rest, train_size=200, random_state=0)
    return [X_train, y_train, X_valid, y_valid, X_test, y_test]


def train(recipe: Recipe, max_epochs: int) -> None:
    X_train, y_train, X_valid, y_valid, X_test, y_test = digits()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max_epochs)

    loop = taut.torch.attach(recipe, net, optimizer, X_train[:8])
    for _ in range(max_epochs):
        net.train()
        for rows in torch.randperm(len(X_train)).split(50):
            optimizer.zero_grad()
            F.cross_entropy(net(X_train[rows]), y_train[rows]).backward()
            optimizer.step()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            valid_loss = F.cross_entropy(net(X_valid), y_valid)
        if loop.update(valid_loss):
            break
    loop.restore()
    net = loop.strip()

    with torch.no_grad():
        outputs = net.eval()(X_test)
    zeros = sum(int((p == 0).sum()) for p in net.parameters() if p.dim() > 1)
    print(
        f"{recipe.describe()}: epoch {loop.best_epoch} of {loop.epoch} is the best, "
        f"test loss {F.cross_entropy(outputs, y_test):.3f}, "
        f"accuracy {(outputs.argmax(1) == y_test).float().mean():.1%}, {zeros:,} weights are zero"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--short", action="store_true", help="few epochs")
    max_epochs = 5 if parser.parse_args().short else 100
    for recipe in (PLAIN, MIXTURE):
        train(recipe, max_epochs)


if __name__ == "__main__":
    main()
