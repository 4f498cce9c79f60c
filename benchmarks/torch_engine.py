"""What training a person's PyTorch network costs, beside the loop that a person writes.

    python benchmarks/torch_engine.py [--json] [--quick]

CPU seconds of one core per network and epoch, medians of rounds in which both are measured in turn. The loop
has its tensors in memory and PyTorch's default AdamW, and measures the loss of 64 held-out rows every epoch;
taut also measures that of 64 training rows, which is in its time. ``--json`` prints a list of objects with
the keys network, way, members, loop_s, taut_s, ratio, bar (null where there is none) and reached. What the
figures say is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_pictures import Net

from taut.learning.training import Member
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.torch.given import Given, Options, read

BATCH, CLASSES, HELD_OUT = 64, 4, 64


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))


class Transformer(nn.Module):
    """Two layers of width 32 over sequences of 32 numbers of 100."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.encoder(self.embedding(x)).mean(dim=1))
        return found


class Recurrent(nn.Module):
    """A GRU of 64 over sequences of 32 rows of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(8, 64, batch_first=True), nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.gru(x)[0][:, -1])
        return found


@dataclass(frozen=True)
class Case:
    """One network, trained in one way.

    Parameters
    ----------
    network : str
    make : callable
    shape : tuple of int
        Of one example; that of token numbers where there are no floats.
    n_rows : int
        That train.
    way : str
    members : int
        Trained together.
    epochs : int
        Of a round.
    engine : {"auto", "torch"}
    bar : float or None
        At most this share of the loop's time.
    """

    network: str
    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    n_rows: int
    way: str
    members: int
    epochs: int
    engine: Any
    bar: float | None


CASES = (
    Case("MLP 64-64", mlp, (32,), 2048, "compiled", 1, 30, "auto", 1 / 25),
    Case("MLP 64-64", mlp, (32,), 2048, "64 together", 64, 2, "torch", 1 / 5),
    Case("MLP 64-64", mlp, (32,), 2048, "16 together", 16, 2, "torch", None),
    Case("MLP 64-64", mlp, (32,), 2048, "3 together", 3, 2, "torch", None),
    Case("MLP 64-64", mlp, (32,), 2048, "one by one", 1, 2, "torch", None),
    Case(
        "conv16-conv32-fc128", partial(Net, CLASSES), (1, 28, 28), 512, "one by one", 1, 2, "torch", 1 / 1.25
    ),
    Case("transformer d32", Transformer, (32,), 512, "one by one", 1, 1, "torch", 1.05),
    Case("GRU 64", Recurrent, (32, 8), 512, "one by one", 1, 2, "torch", 1.05),
)


def data_of(case: Case) -> tuple[Tensor, Tensor]:
    """Rows that train, and those that are held out behind them."""
    stream = torch.Generator().manual_seed(0)
    n = case.n_rows + HELD_OUT
    y = torch.randint(0, CLASSES, (n,), generator=stream)
    if case.make is Transformer:
        return torch.randint(0, 100, (n, *case.shape), generator=stream), y
    return torch.randn(n, *case.shape, generator=stream), y


class Loop:
    """What a person writes: tensors in memory, the default AdamW, no DataLoader."""

    def __init__(self, case: Case) -> None:
        torch.manual_seed(0)
        X, y = data_of(case)
        self.X, self.y = X[: case.n_rows], y[: case.n_rows]
        self.held_out = X[case.n_rows :], y[case.n_rows :]
        self.losses: list[float] = []
        self.net = case.make()
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)

    def epochs(self, count: int) -> None:
        for _ in range(count):
            self.net.train()
            for rows in torch.randperm(len(self.X)).split(BATCH):
                self.optimizer.zero_grad()
                F.cross_entropy(self.net(self.X[rows]), self.y[rows]).backward()
                self.optimizer.step()
            self.net.eval()
            with torch.no_grad():
                X, y = self.held_out
                self.losses.append(float(F.cross_entropy(self.net(X), y)))


class Taut:
    """Members in training by taut."""

    def __init__(self, case: Case) -> None:
        X, y = data_of(case)
        n = case.n_rows
        options = Options(
            loss=None, valid=(X[n:], y[n:]), cv=None, groups=None, where="everywhere", optimizer=None,
            learning_rate=None, max_epochs=10**6, batch_size=BATCH, collate=None, engine=case.engine,
            device="cpu", n_jobs=1, random_state=0,
        )  # fmt: skip
        given: Given = read(case.make, (X[:n], y[:n]), options, many=case.members > 1)
        given.trainer.engine.prepare()
        fold = replace(given.folds[0], sample=given.folds[0].train[:HELD_OUT])
        candidate = Candidate(Recipe(), given.learning_rate, given.architecture)
        self.trainer, self.done = given.trainer, 0
        self.trainings: list[Any] = []
        for number in range(case.members):
            member: Member = given.trainer.member(candidate, fold, number)
            self.trainings.append(member)

    def epochs(self, count: int) -> None:
        self.done += count
        self.trainings = list(self.trainer.train(self.trainings, until_epoch=self.done))


def cpu_seconds(run: Callable[[], None]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """Both in turn, round by round."""
    loop, own = Loop(case), Taut(case)
    loop_epochs = max(1, min(case.epochs, 4))
    loop.epochs(1)
    own.epochs(1)
    loops, owns = [], []
    for _ in range(rounds):
        loops.append(cpu_seconds(lambda: loop.epochs(loop_epochs)) / loop_epochs)
        owns.append(cpu_seconds(lambda: own.epochs(case.epochs)) / case.epochs / case.members)
    loop_s, taut_s = statistics.median(loops), statistics.median(owns)
    ratio = statistics.median(np.array(owns) / np.array(loops))
    return {
        "network": case.network, "way": case.way, "members": case.members, "loop_s": loop_s,
        "taut_s": taut_s, "ratio": ratio, "bar": case.bar,
        "reached": bool(case.bar is None or ratio <= case.bar),
    }  # fmt: skip


def in_words(found: list[dict[str, Any]]) -> str:
    lines = [
        f"{'network':22}{'way':14}{'loop, ms':>10}{'taut, ms':>10}{'taut / loop':>13}{'loop / taut':>13}"
        f"{'bar':>7}"
    ]
    for one in found:
        lines.append(
            f"{one['network']:22}{one['way']:14}{1e3 * one['loop_s']:10.1f}{1e3 * one['taut_s']:10.2f}"
            f"{one['ratio']:13.3f}{1 / one['ratio']:13.2f}{one['bar'] or float('nan'):7.2f}"
            f"{'' if one['reached'] else '  not reached'}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON, and nothing else")
    parser.add_argument("--quick", action="store_true", help="one round of fewer members, for a look")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; medians count")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = CASES
    if options.quick:
        cases = tuple(replace(case, members=min(case.members, 16), epochs=1) for case in CASES)
    found = [measure(case, 1 if options.quick else options.rounds) for case in cases]
    print(json.dumps(found, indent=2) if options.json else in_words(found))


if __name__ == "__main__":
    sys.exit(main())
