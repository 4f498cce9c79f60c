"""A recipe in Lightning's own loop."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import taut.torch
from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.errors import ParameterError

# Of third parties, and nothing that a user of taut can change.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{message}")
    for message in (
        ".*does not have many workers",
        ".*number of training batches",
        "`isinstance\\(treespec, LeafSpec\\)` is deprecated",
        ".*LeafSpec",
        ".*pkg_resources",
        ".*exists and is not empty",
        "You defined a `validation_step` but have no `val_dataloader`",
    )
]

X = torch.randn(96, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()
RECIPE = Recipe(L2(0.1), L1(0.02), Dropout(0.3), BatchNorm(), EarlyStopping(patience=50))


def batches() -> DataLoader[Any]:
    return DataLoader(TensorDataset(X, Y), batch_size=32)


def lightning_module(losses: list[float] | None = None, parts: bool = False) -> Any:
    from lightning.pytorch import LightningModule

    class Net(LightningModule):
        """A small network, whose validation loss may be made up."""

        def __init__(self) -> None:
            super().__init__()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                self.body = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
                self.last = nn.Linear(16, 2)
            self.example_input_array = X[:4]
            self.outputs: list[Tensor] = []

        def forward(self, x: Tensor) -> Any:
            return self.last(self.body(x))

        def training_step(self, batch: Any, index: int) -> Tensor:
            outputs = self.last(self.body(batch[0])) if parts else self(batch[0])
            self.outputs.append(outputs.detach())
            return F.cross_entropy(outputs, batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            made_up = None if losses is None else losses[min(self.current_epoch, len(losses) - 1)]
            loss = F.cross_entropy(self(batch[0]), batch[1])
            self.log("val_loss", loss if made_up is None else torch.tensor(made_up))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.01, weight_decay=0.0)
            return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]

    return Net()


def trainer(*callbacks: Any, epochs: int = 4, **options: Any) -> Any:
    from lightning.pytorch import Trainer

    given = {
        "max_epochs": epochs, "callbacks": list(callbacks), "accelerator": "cpu", "logger": False,
        "enable_progress_bar": False, "enable_checkpointing": False, "enable_model_summary": False,
    } | options  # fmt: skip
    return Trainer(**given)


def same(a: nn.Module, b: nn.Module) -> bool:
    one, other = a.state_dict(), b.state_dict()
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_the_best_weights_come_back_and_batch_norm_is_folded_in() -> None:
    from lightning.pytorch import Callback

    kept: list[Any] = []

    class Keep(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            kept.append(copy.deepcopy(pl_module.state_dict()))

    net = lightning_module([3.0, 1.0, 2.0, 2.0, 2.0])
    keys = list(net.state_dict())
    recipe = RECIPE.with_(EarlyStopping(patience=2)).with_(L1(0.5))
    callback = taut.torch.LightningRegularization(recipe, verbose=0)
    fitted = trainer(callback, Keep(), epochs=10)
    fitted.fit(net, batches(), batches())
    assert fitted.current_epoch == 4
    assert callback.loop is not None
    assert (callback.loop.epoch, callback.loop.best_epoch, callback.loop.best_loss) == (4, 2, 1.0)
    assert list(net.state_dict()) == keys
    assert torch.equal(net.last.weight, kept[1]["last.weight"])
    assert torch.equal(net.last.bias, kept[1]["last.bias"])
    assert (net.body[0].weight == 0).any()
    assert not torch.equal(net.body[0].weight, kept[1]["body.0.weight"])  # folded


def test_it_is_attach() -> None:
    net = lightning_module()
    trainer(taut.torch.LightningRegularization(RECIPE, verbose=0)).fit(net, batches(), batches())

    own = lightning_module()
    optimizer = torch.optim.AdamW(own.parameters(), lr=0.01, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    loop = taut.torch.attach(RECIPE, own, optimizer, X[:4], verbose=0)
    for _ in range(4):
        own.train()
        for x, y in batches():
            loop.begin_batch()
            optimizer.zero_grad()
            F.cross_entropy(own(x), y).backward()
            optimizer.step()
        scheduler.step()
        own.eval()
        with torch.no_grad():
            loop.update(F.cross_entropy(own(X), Y))
    loop.restore()
    assert same(loop.strip(), net)


def test_training_continues_from_a_checkpoint_bit_for_bit(tmp_path: Path) -> None:
    from lightning.pytorch.callbacks import ModelCheckpoint

    def run(epochs: int, path: Any = None) -> tuple[Any, Any, Any]:
        net = lightning_module([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
        callback = taut.torch.LightningRegularization(RECIPE, verbose=0)
        saved = ModelCheckpoint(tmp_path, save_last=True)
        fitted = trainer(callback, saved, epochs=epochs, enable_checkpointing=True)
        fitted.fit(net, batches(), batches(), ckpt_path=path)
        return net, callback.loop, saved.last_model_path

    at_once, loop, _ = run(6)
    _, _, path = run(3)
    continued, again, _ = run(6, path)
    assert same(at_once, continued)
    assert (loop.epoch, loop.best_epoch) == (again.epoch, again.best_epoch) == (6, 2)


def test_what_training_raises_gives_the_best_weights_too() -> None:
    from lightning.pytorch import Callback

    class Stumbles(Callback):
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 3:
                raise OSError("the disk is full")

    net = lightning_module([1.0, 2.0, 3.0])
    keys = list(net.state_dict())
    callback = taut.torch.LightningRegularization(RECIPE, verbose=0)
    with pytest.raises(OSError, match="disk is full"):
        trainer(callback, Stumbles()).fit(net, batches(), batches())
    assert list(net.state_dict()) == keys
    assert callback.loop is not None
    assert callback.loop.best_epoch == 1
    once = lightning_module([1.0])
    trainer(taut.torch.LightningRegularization(RECIPE, verbose=0), epochs=1).fit(once, batches(), batches())
    assert same(once, net)


def test_masks_differ_where_only_parts_of_the_module_are_called() -> None:
    net = lightning_module(parts=True)
    same_rows = DataLoader(TensorDataset(X[:32].repeat(2, 1), Y[:32].repeat(2)), batch_size=32)
    callback = taut.torch.LightningRegularization(Recipe(Dropout(0.5)), verbose=0)
    trainer(callback, epochs=1, accumulate_grad_batches=2).fit(net, same_rows)
    assert not torch.equal(*net.outputs)


def test_without_early_stopping_and_without_validation() -> None:
    net = lightning_module()
    callback = taut.torch.LightningRegularization(Recipe(L1(0.5), Dropout(0.3)), verbose=0)
    trainer(callback, limit_val_batches=0).fit(net, batches())
    assert (net.body[0].weight == 0).any()


def test_a_loss_that_is_not_logged_is_refused() -> None:
    callback = taut.torch.LightningRegularization(RECIPE, monitor="valid_los", verbose=0)
    with pytest.raises(ParameterError, match="valid_los is not logged.*what is logged: val_loss"):
        trainer(callback).fit(lightning_module(), batches(), batches())


def test_batch_norm_asks_for_an_example_batch() -> None:
    net = lightning_module()
    net.example_input_array = None
    callback = taut.torch.LightningRegularization(RECIPE, verbose=0)
    with pytest.raises(ParameterError, match="set example_input_array in Net, or give inputs"):
        trainer(callback).fit(net, batches(), batches())
    given = taut.torch.LightningRegularization(RECIPE, inputs=X[:4], verbose=0)
    trainer(given, epochs=1).fit(net, batches(), batches())
    assert given.loop is not None
    assert given.loop.epoch == 1


def test_without_lightning_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "taut.torch.lightning_callback", raising=False)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(ImportError, match="needs Lightning: install it with pip install lightning"):
        _ = taut.torch.LightningRegularization
    with pytest.raises(AttributeError, match="'taut.torch' has no attribute 'Nothing'"):
        _ = taut.torch.Nothing  # type: ignore[attr-defined]
