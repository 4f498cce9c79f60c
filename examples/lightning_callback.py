"""A recipe as a Lightning callback: handwritten digits, of which few are learned from.

python examples/lightning_callback.py            under a minute
python examples/lightning_callback.py --short    a few seconds

It needs Lightning: pip install lightning
"""

from __future__ import annotations

import argparse
import logging
import warnings
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

import taut.torch
from taut import L2, BatchNorm, Dropout, EarlyStopping, Recipe

RECIPE = Recipe(L2(0.3), Dropout(0.2), BatchNorm(), EarlyStopping(patience=8))


class Digits(LightningModule):
    """A small convolutional network, which knows nothing of taut."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip
        self.example_input_array = torch.zeros(2, 1, 8, 8)  # batch norm's place is found with it

    def forward(self, x: Tensor) -> Any:
        return self.layers(x)

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        self.log("val_loss", F.cross_entropy(self(batch[0]), batch[1]))

    def test_step(self, batch: list[Tensor], index: int) -> None:
        outputs = self(batch[0])
        self.log("test_loss", F.cross_entropy(outputs, batch[1]))
        self.log("test_accuracy", (outputs.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.AdamW(self.parameters(), lr=3e-3, weight_decay=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--short", action="store_true", help="few epochs")
    max_epochs = 3 if parser.parse_args().short else 25
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers")
    warnings.filterwarnings("ignore", ".*number of training batches")
    warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated")

    seed_everything(0, verbose=False)
    X, y = load_digits(return_X_y=True)
    dataset = TensorDataset(torch.tensor(X / 16, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(y))
    train, valid, test = random_split(dataset, [300, 200, len(dataset) - 500])
    callback = taut.torch.LightningRegularization(RECIPE, monitor="val_loss")
    trainer = Trainer(
        max_epochs=max_epochs, callbacks=[callback], accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    net = Digits()
    trainer.fit(net, DataLoader(train, 50, shuffle=True), DataLoader(valid, 200))
    found = trainer.test(net, DataLoader(test, 2000), verbose=False)[0]
    assert callback.loop is not None
    print(
        f"epoch {callback.loop.best_epoch} of {callback.loop.epoch} is the best: "
        f"test loss {found['test_loss']:.3f}, accuracy {found['test_accuracy']:.1%}"
    )


if __name__ == "__main__":
    main()
