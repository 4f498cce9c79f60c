"""A plain MLP is recognized, trained by the compiled engine, and comes back as the person's own module."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import taut.torch
from taut.engine.compiled.engine import CompiledEngine
from taut.engine.torch.architecture import Module
from taut.engine.torch.engine import TorchEngine
from taut.engine.torch.plan import find_plan
from taut.errors import ParameterError
from taut.learning.architecture import MLP
from taut.learning.objective import CrossEntropy, Objective, SquaredError
from taut.learning.problem import Problem
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout
from taut.torch.given import Options, read
from taut.torch.plain_mlp import find_plain_mlp, table_of
from tests.engine.helpers import make_fold, make_member
from tests.engine.torch.modules import MODULES, inputs_of

N, P = 160, 4


class Net(nn.Module):
    """Functional activations, and layers in another order than they are called in."""

    def __init__(self, act: Any = F.silu, n_in: int = P, n_out: int = 3, **kinds: Any) -> None:
        super().__init__()
        self.out = nn.Linear(10, n_out)
        self.one, self.two = nn.Linear(n_in, 12), nn.Linear(12, 10)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(self.act(self.two(self.act(self.one(x)))))
        return found


class Odd(Net):
    """Something beside the stack, by name."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        if what == "frozen":
            self.one.weight.requires_grad_(False)
        if what == "buffer":
            self.register_buffer("shift", torch.zeros(P))
        if what == "parameter":
            self.shift = nn.Parameter(torch.zeros(P))
        if what == "no bias":
            self.two = nn.Linear(12, 10, bias=False)
        if what == "trained before":
            with torch.random.fork_rng():
                torch.manual_seed(5)
                self.one, self.two, self.out = nn.Linear(P, 12), nn.Linear(12, 10), nn.Linear(10, 3)
        if what == "hook":
            self.two.register_forward_pre_hook(lambda m, args: None)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(x)
        x = torch.tanh(x) if self.what == "tanh" else F.relu(x)
        if self.what == "functional dropout":
            x = F.dropout(x, 0.2, self.training)
        h = self.two(x)
        h = F.silu(h) if self.what == "two activations" else F.relu(h)
        if self.what == "skip":
            h = h + x[:, :10]
        found: Tensor = self.out(h)
        if self.what == "scaled":
            found = found * 1.01
        if self.what == "batch statistics" and self.training:
            found = found - found.mean(dim=0)
        return found


ODD = (
    "frozen", "buffer", "parameter", "no bias", "trained before", "hook", "tanh", "functional dropout",
    "two activations", "skip", "scaled", "batch statistics",
)  # fmt: skip


def sequential(kind: Any) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(P, 12), kind(), nn.Sequential(nn.Linear(12, 10), kind()), nn.Linear(10, 3)
    )


def rows(p: int = P, shift: float = 0.0) -> Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.randn(N, p, generator=g) * torch.logspace(-2, 2, p) + shift * torch.logspace(-2, 2, p)


@pytest.mark.parametrize("act", ["relu", "silu", "gelu"])
def test_recognized_with_functional_activations_and_with_modules(act: Any) -> None:
    kind = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}[act]
    found = find_plain_mlp(partial(Net, getattr(F, act)), rows(), CrossEntropy(3), "Net")
    assert found is not None
    assert found.layers == ("one", "two", "out")
    assert (found.architecture, found.n_outputs) == (MLP((12, 10), act), 3)
    found = find_plain_mlp(partial(sequential, kind), rows(), CrossEntropy(3), "Sequential")
    assert found is not None
    assert found.layers == ("1", "3.0", "4")
    assert found.architecture == MLP((12, 10), act)


@pytest.mark.parametrize("what", ODD)
def test_whatever_is_beside_the_stack_keeps_the_pytorch_engine(what: str) -> None:
    assert find_plain_mlp(partial(Odd, what), rows(), CrossEntropy(3), "Odd") is None
    assert find_plain_mlp(partial(Odd, "nothing"), rows(), CrossEntropy(3), "Odd") is not None


@pytest.mark.parametrize("make", MODULES)
def test_modules_of_other_kinds_are_not_taken_for_one(make: Any) -> None:
    inputs = inputs_of(make)
    if isinstance(inputs, Tensor):
        found = find_plain_mlp(make, inputs, CrossEntropy(3), make.__name__)
        assert (found is not None) == (make.__name__ == "plain")


def test_approximations_and_columns_far_from_zero_are_not_taken() -> None:
    tanh = partial(nn.GELU, approximate="tanh")
    assert find_plain_mlp(partial(sequential, tanh), rows(), CrossEntropy(3), "S") is None
    X = rows()
    X[:, 1] += 1e6
    assert find_plain_mlp(partial(sequential, nn.ReLU), X, CrossEntropy(3), "S") is None
    X[:, 1] = 1e6  # a constant is left out, wherever it lies
    assert find_plain_mlp(partial(sequential, nn.ReLU), X, CrossEntropy(3), "S") is not None
    assert find_plain_mlp(partial(sequential, nn.ReLU), X.double(), CrossEntropy(3), "S") is None


def trained(make: Any, X: Tensor, y: Any, objective: Objective, recipe: Recipe) -> tuple[Any, Any]:
    """The compiled engine's outputs, and the person's module that its network became."""
    plain = find_plain_mlp(make, X, objective, "Net")
    assert plain is not None
    problem = Problem(table_of(X), np.asarray(y, dtype=np.float64), objective)
    engine = CompiledEngine(1)
    member = make_member(
        problem,
        recipe,
        hidden=plain.architecture.hidden,
        activation=plain.architecture.activation,
        fold=make_fold(problem, 120),
        learning_rate=0.01,
    )
    (training,) = engine.train(problem, [member])
    module = Module(make, find_plan(make(), X[:4]), "Net")
    found: Any = training.fitted()
    return engine.predict(problem.examples, found), plain.fitted(found, module, objective)


RECIPES = (Recipe(), Recipe(BatchNorm(), Dropout(0.2), L2(0.01)), Recipe(L1(0.05)))


def assert_near(found: Any, wanted: Any) -> None:
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("shift", [0.0, 30.0])
def test_classes_come_back_as_the_persons_own_module(recipe: Recipe, shift: float) -> None:
    X = rows(shift=shift)
    X[:, 2] = 7.0  # a constant
    wanted, fitted = trained(Net, X, (X[:, 3] > 90 * shift).long(), CrossEntropy(3), recipe)
    module = fitted.module()
    assert type(module) is Net
    assert list(module.state_dict()) == list(Net().state_dict())
    with torch.no_grad():
        assert_near(module(X).numpy(), wanted)
    assert (module.one.weight[:, 2] == 0).all()
    assert [name for name, _ in fitted.penalized_weights()] == ["one.weight", "two.weight", "out.weight"]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("p", [1, P])
def test_amounts_come_back_in_their_own_units(recipe: Recipe, p: int) -> None:
    X = rows(p, shift=-3.0)
    y = 1000.0 + 50.0 * X[:, 0].square().numpy() / float(X[:, 0].square().mean())
    wanted, fitted = trained(partial(Net, F.gelu, p, 1), X, y, SquaredError(), recipe)
    with torch.no_grad():
        assert_near(fitted.module()(X).numpy(), wanted)


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_one_logit_for_two_classes_is_the_log_odds(recipe: Recipe) -> None:
    X = rows()
    wanted, fitted = trained(partial(Net, F.relu, P, 1), X, (X[:, 0] > 0).long(), CrossEntropy(2), recipe)
    with torch.no_grad():
        assert_near(fitted.module()(X).numpy()[:, 0], wanted[:, 1] - wanted[:, 0])


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_zeros_stay_zeros(recipe: Recipe) -> None:
    X = rows()
    _, fitted = trained(Net, X, (X[:, 3] > 0).long(), CrossEntropy(3), recipe)
    for name, array in fitted.penalized_weights():
        assert ((fitted.state[name].numpy() == 0) == (array == 0)).all(), name


OPTIONS: dict[str, Any] = dict.fromkeys(
    ("loss", "valid", "groups", "optimizer", "learning_rate", "collate"), None
) | {
    "cv": 3, "where": "everywhere", "max_epochs": 3, "batch_size": 32, "engine": "auto", "device": "cpu",
    "n_jobs": 1, "random_state": 0,
}  # fmt: skip


def test_only_where_nothing_else_was_asked_for() -> None:
    X = rows()
    data = (X, (X[:, 0] > 0).long())

    def engine(data: Any = data, **asked: Any) -> Any:
        return type(read(Net, data, Options(**{**OPTIONS, **asked})).trainer.engine)

    assert engine() is CompiledEngine
    assert engine(optimizer=lambda p: torch.optim.SGD(p, lr=0.1)) is TorchEngine
    assert engine(where="head") is TorchEngine
    assert engine(engine="torch") is TorchEngine
    assert engine(loss=nn.MultiMarginLoss()) is TorchEngine
    assert engine((X.numpy(), X[:, 0].abs().numpy() > 1)) is CompiledEngine
    with pytest.raises(ParameterError, match="engine must be 'auto' or 'torch', and it is 'jax'"):
        engine(engine="jax")


def test_tuned_reported_saved_and_loaded(tmp_path: Path) -> None:
    X = rows()
    y = 5.0 + 2.0 * X[:, 0].numpy() * 100
    make = partial(Net, F.relu, P, 1)
    state = torch.get_rng_state()
    tuned = taut.torch.tune(make, (X, y), n_candidates=4, max_epochs=6, time_limit=60, n_jobs=1, verbose=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert any(
        "Net is a plain MLP (12-10, relu): it is trained by the compiled" in n for n in tuned.given.notes
    )
    with torch.no_grad():
        found = tuned.module(X).numpy()
    wanted = tuned.given.trainer.outputs(tuned.result.networks[0], np.arange(N, dtype=np.int32))
    assert_near(found, wanted)
    tuned.save(tmp_path / "model")
    again = taut.torch.load(tmp_path / "model", make)
    with torch.no_grad():
        np.testing.assert_array_equal(again(X).numpy(), found)
    tuned.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "taut.torch.tune(Net, ...)" in page
    assert "it is trained by the compiled engine" in page
    assert "as it is" in str(tuned)


def test_diagnosed_and_traced() -> None:
    X = rows()
    data = (X, (X[:, 0] > 0).long())
    found = taut.torch.diagnose(Net, data, max_epochs=5, n_jobs=1, verbose=0)
    assert str(found)
    path = taut.torch.regularization_path(Net, data, "dropout", 3, max_epochs=5, n_jobs=1, verbose=0)
    assert path.best is not None
