"""A recipe in skorch's own loop."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

import taut.torch
from taut import L1, L2, BatchNorm, Dropout, EarlyStopping, Recipe
from taut.errors import ParameterError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 8)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
RECIPE = Recipe(L2(0.1), L1(0.02), Dropout(0.3), BatchNorm(), EarlyStopping(patience=2))


class Net(nn.Module):
    """A small network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, X: Any) -> Any:
        return self.body(X)


def classifier(recipe: Recipe = RECIPE, monitor: str = "valid_loss", **options: Any) -> Any:
    from skorch import NeuralNetClassifier

    callback = taut.torch.SkorchRegularization(recipe, monitor, verbose=0)
    given = {
        "criterion": nn.CrossEntropyLoss, "optimizer": torch.optim.AdamW, "optimizer__weight_decay": 0.0,
        "lr": 0.02, "max_epochs": 30, "batch_size": 32, "verbose": 0, "callbacks": [("taut", callback)],
    } | options  # fmt: skip
    torch.manual_seed(0)
    return NeuralNetClassifier(Net, **given)


def callback_of(net: Any) -> Any:
    return dict(net.callbacks_)["taut"]


def test_patience_ends_training_and_the_best_weights_come_back() -> None:
    net = classifier().fit(X, Y)
    losses = net.history[:, "valid_loss"]
    loop = callback_of(net).loop_
    assert loop.epoch == len(losses) == loop.best_epoch + 2 < 30
    assert loop.best_epoch == int(np.argmin(losses)) + 1
    assert list(net.module_.state_dict()) == list(Net().state_dict())
    assert (net.module_.body[0].weight == 0).sum() >= 0
    valid = net.get_split_datasets(X, Y)[1]
    found = net.forward(valid, training=False)
    targets = torch.tensor([int(valid[i][1]) for i in range(len(valid))])
    assert float(nn.functional.cross_entropy(found, targets)) == pytest.approx(min(losses), abs=1e-5)


def test_it_is_attach() -> None:
    recipe = RECIPE.without(EarlyStopping)
    net = classifier(recipe, train_split=None, max_epochs=3).fit(X, Y)

    torch.manual_seed(0)
    own = Net()
    optimizer = torch.optim.AdamW(own.parameters(), lr=0.02, weight_decay=0.0)
    loop = taut.torch.attach(recipe, own, optimizer, torch.from_numpy(X[:32]), verbose=0)
    for _ in range(3):
        for i in range(0, 120, 32):
            optimizer.zero_grad()
            rows = slice(i, i + 32)
            nn.functional.cross_entropy(own(torch.from_numpy(X[rows])), torch.from_numpy(Y[rows])).backward()
            optimizer.step()
    loop.strip()
    assert all(map(torch.equal, own.state_dict().values(), net.module_.state_dict().values()))


def test_it_is_cloned_pickled_and_fitted_again() -> None:
    net = clone(classifier())
    net.fit(X, Y).partial_fit(X, Y)
    copied = pickle.loads(pickle.dumps(net))
    assert np.array_equal(copied.predict_proba(X), net.predict_proba(X))
    assert callback_of(copied).loop_.best_epoch == callback_of(net).loop_.best_epoch


def test_early_stopping_needs_its_loss() -> None:
    with pytest.raises(ParameterError, match="valid_loss is not in the history.*train_split"):
        classifier(train_split=None).fit(X, Y)
    net = classifier(Recipe(L1(0.5)), train_split=None, max_epochs=5).fit(X, Y)
    assert (net.module_.body[0].weight == 0).any()


def test_the_random_stream_is_left_alone() -> None:
    from skorch.callbacks import Callback

    class Draws(Callback):  # type: ignore[misc]
        def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
            self.state_ = torch.get_rng_state()

    net = classifier(train_split=None, max_epochs=1, callbacks=[Draws()]).fit(X, Y)
    reference = net.callbacks_[-2][1].state_
    taut_ = taut.torch.SkorchRegularization(RECIPE.without(EarlyStopping), verbose=0)
    net = classifier(train_split=None, max_epochs=1, callbacks=[taut_, Draws()]).fit(X, Y)
    assert torch.equal(net.callbacks_[-2][1].state_, reference)


def test_without_skorch_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "taut.torch.skorch_callback", raising=False)
    monkeypatch.setitem(sys.modules, "skorch.callbacks", None)
    with pytest.raises(ImportError, match="needs skorch: install it with pip install skorch"):
        _ = taut.torch.SkorchRegularization
