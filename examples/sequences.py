"""A transformer on sequences of different lengths, in a Dataset with a collate function of one's own.

    python examples/sequences.py [--short]

Each sequence is a noisy wave of one of three shapes, 10 to 24 steps long; 300 of them train.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

import taut.torch


class Waves(Dataset[Any]):
    """Sine, triangle and square waves."""

    def __init__(self, n: int, seed: int) -> None:
        g = torch.Generator().manual_seed(seed)
        self.items = []
        for i in range(n):
            steps = int(torch.randint(10, 25, (), generator=g))
            t = torch.arange(steps) * (0.2 + 0.3 * torch.rand((), generator=g)) + 6 * torch.rand(
                (), generator=g
            )
            wave = (t.sin(), t.sin().asin(), t.sin().sign())[i % 3]
            noisy = wave + 0.5 * torch.randn(steps, generator=g)
            self.items.append((noisy[:, None], i % 3))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]


def collate(items: list[Any]) -> Any:
    """Sequences padded with zeros, and a mask of what is padding."""
    padded = pad_sequence([x for x, _ in items], batch_first=True)
    lengths = torch.tensor([len(x) for x, _ in items])
    mask = torch.arange(padded.shape[1]) >= lengths[:, None]
    return (padded, mask), torch.tensor([y for _, y in items])


class Net(nn.Module):
    """Yours: nothing in it knows of taut."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(1, 32)
        self.position = nn.Parameter(0.1 * torch.randn(24, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 3)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        x = self.embed(x) + self.position[: x.shape[1]]
        x = self.encoder(x, src_key_padding_mask=padding)
        kept = (~padding).unsqueeze(-1).float()
        return self.head((x * kept).sum(dim=1) / kept.sum(dim=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few candidates, for a look")
    given = parser.parse_args()
    found = taut.torch.tune(
        Net,
        Waves(90 if given.short else 300, seed=0),
        collate=collate,
        max_epochs=3 if given.short else 40,
        n_candidates=4 if given.short else None,
        time_limit=None if given.short else 300,
    )
    print(found)
    judged = Waves(300, seed=1)
    (inputs, padding), y = collate([judged[i] for i in range(len(judged))])
    with torch.no_grad():
        outputs = found.module(inputs, padding)
    right = (outputs.argmax(dim=1) == y).float().mean()
    print(f"on 300 others: loss {nn.functional.cross_entropy(outputs, y):.3f}, accuracy {right:.1%}")


if __name__ == "__main__":
    main()
