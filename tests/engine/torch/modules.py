"""Modules of many kinds, small."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Pictures(nn.Module):
    """Convolutions with functional activations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, 3, padding=1)
        self.fc1 = nn.Linear(8 * 4, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        found: Tensor = self.fc2(F.relu(self.fc1(x.flatten(1))))
        return found


class Residual(nn.Module):
    """Two blocks that are added to what enters them, with norms of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.block = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = torch.relu(x + self.block(x))
        found: Tensor = self.head(x.mean(dim=(2, 3)))
        return found


class Sequences(nn.Module):
    """A transformer encoder over token numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.encoder(self.embedding(x)).mean(dim=1))
        return found


class Recurrent(nn.Module):
    """A GRU whose last state is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 8, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        outputs, _ = self.gru(x)
        found: Tensor = self.head(outputs[:, -1])
        return found


class Twice(nn.Module):
    """One layer that is called twice, and one without a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.same = nn.Linear(6, 6)
        self.bare = nn.Linear(6, 6, bias=False)
        self.last = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        x = F.relu(self.same(F.relu(self.same(x))))
        found: Tensor = self.last(F.dropout(F.relu(self.bare(x)), 0.2, self.training))
        return found


class Raw(nn.Module):
    """Matrices of one's own, and tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(4, 6) / 2)
        self.embedding = nn.Embedding(5, 6)
        self.head = nn.Linear(6, 5)
        self.head.weight = self.embedding.weight
        self.norm = nn.LayerNorm([6])

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.norm(x @ self.matrix))
        return found


class Two(nn.Module):
    """Two inputs by name, and a dictionary of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 5), nn.Linear(2, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        return {"logits": self.head(torch.tanh(self.left(left) + self.right(right)))}


def with_own_dropout() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))


def deep() -> nn.Module:
    """A GRU that drops units between its layers."""
    found = Recurrent()
    found.gru = nn.GRU(3, 8, num_layers=2, dropout=0.2, batch_first=True)
    return found


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.Linear(8, 3))


def inputs_of(make: Any, n: int = 12) -> Any:
    """Examples that a module takes."""
    g = torch.Generator().manual_seed(0)
    if make in (Pictures, Residual):
        return torch.randn(n, 1, 8, 8, generator=g)
    if make is Sequences:
        return torch.randint(0, 11, (n, 7), generator=g)
    if make in (Recurrent, deep):
        return torch.randn(n, 6, 3, generator=g)
    if make is Two:
        return {"left": torch.randn(n, 3, generator=g), "right": torch.randn(n, 2, generator=g)}
    return torch.randn(n, 4, generator=g)


MODULES = (Pictures, Residual, Sequences, Recurrent, Twice, Raw, Two, with_own_dropout, plain)
