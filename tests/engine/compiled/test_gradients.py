"""Law 3: the kernels' gradients agree with PyTorch's autograd in float64."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numba import njit

from taut.engine.base import Data, Fold, Member
from taut.engine.compiled.engine import CompiledTraining, _shared
from taut.engine.compiled.epochs import _train_step
from taut.engine.compiled.records import BATCH
from taut.engine.compiled.scratch import GRADIENT, OUTPUTS, scratch_for
from taut.network import Network
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout
from tests.engine.helpers import plain_encoder

torch = pytest.importorskip("torch")

N, P = 37, 5


@njit(nogil=True)
def one_step(rows: Any, encoding: Any, plan: Any, state: Any, scratch: Any) -> int:
    scratch.order[:] = np.arange(len(scratch.order))
    return _train_step(rows, encoding, plan, state, scratch)


def step_with_taut(
    recipe: Recipe, activation: str, task: str, hidden: tuple[int, ...], weighted: bool
) -> Any:
    rng = np.random.default_rng(3)
    values = rng.standard_normal((N, P)).astype(np.float32)
    n_outputs = 3 if task == "classification" else 1
    target = rng.integers(0, 3, N).astype(float) if task == "classification" else rng.standard_normal(N)
    weight = rng.uniform(0.1, 3.0, N) if weighted else None
    data = Data(values, target, task, n_outputs, weight, weight)
    everyone, nobody = np.arange(N, dtype=np.int32), np.empty(0, dtype=np.int32)
    scale = 1.0 if task == "classification" else 1.7
    center = 0.0 if task == "classification" else 0.4
    fold = Fold(everyone, nobody, nobody, plain_encoder(P), center, scale)
    member = Member(Network(P, hidden, n_outputs, activation), recipe.hooks(), fold, 1e-2, N, 10, 11)
    training = CompiledTraining(member, data, np.float64)
    before = training.weights("last")
    rows = _shared(data, np.dtype(np.float64))._replace(train=everyone, validation=nobody, sample=nobody)
    scratch = scratch_for(training.layout, int(training.plan.sizes[BATCH]) + 1, N, np.float64, None)
    one_step(rows, training.encoding, training.plan, training.state, scratch)
    place = scratch.places[GRADIENT]
    flat = scratch.floats[place : place + training.layout.n_parameters]
    statistics = np.zeros(training.layout.n_statistics)
    gradients = training.layout.unpack(flat, statistics)
    outs = []
    for layer in range(len(hidden)):
        width = int(training.layout.table[layer, 1])
        at = scratch.places[OUTPUTS + 6 + 4 * (layer + 1)]
        outs.append(scratch.floats[at : at + N * width].reshape(N, width)[:, : hidden[layer]].copy())
    return data, fold, before, gradients, outs, training


def gradients_with_torch(
    data: Data, fold: Fold, before: dict[str, Any], outs: list[Any], recipe: Recipe, activation: str
) -> tuple[dict[str, Any], list[Any]]:
    hooks = recipe.hooks()
    tensors = {
        k: torch.tensor(v, requires_grad=True)
        for k, v in before.items()
        if not k.endswith(("mean", "variance"))
    }
    x = torch.tensor(fold.encoder.transform(data.values, fold.train), dtype=torch.float64)
    functions = {"relu": torch.relu, "silu": torch.nn.functional.silu, "gelu": torch.nn.functional.gelu}
    batch_statistics = []
    n_hidden = len(outs)
    for layer in range(n_hidden):
        z = x @ tensors[f"layers.{layer}.weight"]
        if hooks.normalize:
            mean, variance = z.mean(0), z.var(0, unbiased=False)
            batch_statistics.append((mean.detach().numpy(), variance.detach().numpy() * N / (N - 1)))
            z = (z - mean) / torch.sqrt(variance + 1e-5) * tensors[f"layers.{layer}.gain"]
        x = functions[activation](z + tensors[f"layers.{layer}.bias"])
        if hooks.drop and (layer == n_hidden - 1 or not hooks.normalize):
            kept = torch.tensor(outs[layer] != 0.0)
            assert 0.0 < kept.double().mean() < 1.0
            rate = round(hooks.drop * 65536) / 65536
            x = torch.where(kept, x / (1.0 - rate), 0.0)
    z = x @ tensors[f"layers.{n_hidden}.weight"] + tensors[f"layers.{n_hidden}.bias"]
    weight = torch.ones(N, dtype=torch.float64) if data.fit_weight is None else torch.tensor(data.fit_weight)
    weight = weight / weight.mean()
    if data.task == "classification":
        losses = torch.nn.functional.cross_entropy(z, torch.tensor(data.target).long(), reduction="none")
    else:
        losses = (z[:, 0] - (torch.tensor(data.target) - fold.center) / fold.scale) ** 2
    (losses * weight).mean().backward()
    return {k: t.grad.numpy() for k, t in tensors.items()}, batch_statistics


RECIPES = [
    Recipe(),
    Recipe(Dropout(0.4)),
    Recipe(BatchNorm()),
    Recipe(BatchNorm(), Dropout(0.4), L1(0.01), L2(0.1)),
]


@pytest.mark.parametrize(
    ("recipe", "activation", "task"),
    list(product(RECIPES, ["relu", "silu", "gelu"], ["classification", "regression"])),
    ids=lambda value: value.describe() if isinstance(value, Recipe) else value,
)
@pytest.mark.parametrize(
    ("hidden", "weighted"), [((7, 18), False), ((20,), True)], ids=["two-layers", "weighted"]
)
def test_gradient_agrees_with_autograd(
    recipe: Recipe, activation: str, task: str, hidden: tuple[int, ...], weighted: bool
) -> None:
    data, fold, before, ours, outs, training = step_with_taut(recipe, activation, task, hidden, weighted)
    theirs, batch_statistics = gradients_with_torch(data, fold, before, outs, recipe, activation)
    # gelu's error function is an approximation good to 1.5e-7, the gathered rows are float32
    tolerance = 2e-6 if activation == "gelu" else 1e-6
    for name, gradient in theirs.items():
        scale = np.abs(gradient).max() + 1e-3
        np.testing.assert_allclose(ours[name], gradient, atol=tolerance * scale, err_msg=name)
    after = training.weights("last")
    for layer, (mean, variance) in enumerate(batch_statistics):
        np.testing.assert_allclose(after[f"layers.{layer}.mean"], mean, atol=1e-7)
        np.testing.assert_allclose(after[f"layers.{layer}.variance"], variance, atol=1e-7)


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe(L2(0.5)), Recipe(L1(0.3)), Recipe(L2(0.5), L1(0.3))], ids=str
)
def test_step_is_adam_and_then_the_techniques_on_the_weights(recipe: Recipe) -> None:
    _, _, before, gradients, _, training = step_with_taut(recipe, "relu", "classification", (7, 18), False)
    after = training.weights("last")
    learning_rate = 1e-2 / 100  # the first of a hundred steps of warm-up
    l2, l1 = recipe.get(L2), recipe.get(L1)
    for name, start in before.items():
        g = gradients[name]
        expected = start - learning_rate * g / (np.abs(g) + 1e-8)
        if name.endswith("weight"):
            expected = expected * (1.0 - learning_rate * (l2.strength if l2 else 0.0))
            shift = learning_rate * (l1.strength if l1 else 0.0)
            expected = np.sign(expected) * np.maximum(np.abs(expected) - shift, 0.0)
        np.testing.assert_allclose(after[name], expected, atol=1e-12, err_msg=name)
