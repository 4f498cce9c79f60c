"""Law 3: the kernels' gradients agree with PyTorch's autograd in float64."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from taut.learning.problem import Problem
from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout
from tests.engine.compiled.one_step import OneStep
from tests.engine.helpers import make_fold, make_member, make_problem, plain_fit

torch = pytest.importorskip("torch")

N = 37


def step_with_taut(
    recipe: Recipe, activation: str, task: Any, hidden: tuple[int, ...], weighted: bool, n_outputs: int = 3,
    **hooks: float,
) -> tuple[OneStep, dict[str, Any]]:  # fmt: skip
    weight = np.random.default_rng(3).uniform(0.1, 3.0, N) if weighted else None
    problem = make_problem(N, 5, task, n_outputs, fit_weight=weight, score_weight=weight)
    member = make_member(
        problem, recipe, hidden=hidden, activation=activation, fold=make_fold(problem, N), learning_rate=1e-2
    )
    member = replace(member, hooks=replace(member.hooks, **hooks))
    step = OneStep.of(problem, member, plain_fit(problem, member.fold))
    before = step.training.weights("last")
    step.go()
    return step, before


def gradients_with_torch(step: OneStep, before: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    problem, order, member = step.problem, step.order, step.training.member
    hooks, fit, network = member.hooks, step.training.fit, step.training.layout.network
    tensors = {
        k: torch.tensor(v, requires_grad=True)
        for k, v in before.items()
        if not k.endswith(("mean", "variance"))
    }
    x = torch.tensor(fit.encoder.transform(problem.examples.matrix.values, order), dtype=torch.float64)
    shares = torch.zeros(N, dtype=torch.float64)
    if hooks.mix:
        # The batch says who took on how much; so inputs and targets have to agree.
        mixed, partners = torch.tensor(step.inputs()), x.flip(0)
        shares = ((mixed - x) * (partners - x)).sum(1) / ((partners - x) ** 2).sum(1).clamp(min=1e-9)
        assert 0.0 <= shares.min() < 0.2 * hooks.mix < 0.8 * hooks.mix < shares.max() <= hooks.mix
        x = x + shares[:, None] * (partners - x)
        np.testing.assert_allclose(x, mixed, atol=1e-6)
    functions = {"relu": torch.relu, "silu": torch.nn.functional.silu, "gelu": torch.nn.functional.gelu}
    batch_statistics = []
    n_hidden = len(network.hidden)
    for layer in range(n_hidden):
        z = x @ tensors[f"layers.{layer}.weight"]
        if hooks.normalize:
            mean, variance = z.mean(0), z.var(0, unbiased=False)
            batch_statistics.append((mean.detach().numpy(), variance.detach().numpy() * N / (N - 1)))
            z = (z - mean) / torch.sqrt(variance + 1e-5) * tensors[f"layers.{layer}.gain"]
        x = functions[network.activation](z + tensors[f"layers.{layer}.bias"])
        if hooks.drop:
            kept = torch.tensor(step.activations(layer) != 0.0)
            assert 0.0 < kept.double().mean() < 1.0
            rate = round(hooks.drop * 65536) / 65536
            x = torch.where(kept, x / (1.0 - rate), 0.0)
    z = x @ tensors[f"layers.{n_hidden}.weight"] + tensors[f"layers.{n_hidden}.bias"]
    own, others = (loss_with_torch(z, problem, step, rows, order) for rows in (order, order[::-1].copy()))
    ((1.0 - shares) * own + shares * others).mean().backward()
    return {k: t.grad.numpy() for k, t in tensors.items()}, batch_statistics


def loss_with_torch(z: Any, problem: Problem, step: OneStep, order: Any, batch: Any) -> Any:
    """Each row's loss, with the targets and weights of the rows in ``order``."""
    fit, smoothing = step.training.fit, step.training.member.hooks.smoothing
    weight = torch.ones(N, dtype=torch.float64)
    if problem.fit_weight is not None:
        weight = torch.tensor(problem.fit_weight[order] / problem.fit_weight[batch].mean())
    target = torch.tensor(problem.target[order])
    if problem.objective.n_classes:
        losses = torch.nn.functional.cross_entropy(
            z, target.long(), reduction="none", label_smoothing=smoothing
        )
    else:
        losses = (z[:, 0] - (target - fit.center) / fit.scale) ** 2
    return losses * weight


def assert_gradients_agree(step: OneStep, before: dict[str, Any]) -> None:
    theirs, batch_statistics = gradients_with_torch(step, before)
    ours = step.gradients()
    # gelu's error function is an approximation good to 1.5e-7, the gathered rows are float32
    tolerance = 2e-6 if step.training.layout.network.activation == "gelu" else 1e-6
    for name, gradient in theirs.items():
        scale = np.abs(gradient).max() + 1e-3
        np.testing.assert_allclose(ours[name], gradient, atol=tolerance * scale, err_msg=name)
    after = step.training.weights("last")
    for layer, (mean, variance) in enumerate(batch_statistics):
        np.testing.assert_allclose(after[f"layers.{layer}.mean"], mean, atol=1e-7)
        np.testing.assert_allclose(after[f"layers.{layer}.variance"], variance, atol=1e-7)


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
    step, before = step_with_taut(recipe, activation, task, hidden, weighted)
    assert_gradients_agree(step, before)


@pytest.mark.parametrize("recipe", [Recipe(), RECIPES[-1]], ids=Recipe.describe)
@pytest.mark.parametrize("hooks", [{"smoothing": 0.2}, {"mix": 0.5}, {"smoothing": 0.1, "mix": 0.3}], ids=str)
@pytest.mark.parametrize(
    ("task", "n_outputs"),
    [("regression", 1), ("classification", 2), ("classification", 16), ("classification", 40)],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_of_mixed_and_smoothed_targets_agrees_with_autograd(
    recipe: Recipe, hooks: dict[str, float], task: str, n_outputs: int, weighted: bool
) -> None:
    step, before = step_with_taut(recipe, "relu", task, (9,), weighted, n_outputs, **hooks)
    assert_gradients_agree(step, before)


@pytest.mark.parametrize("n_outputs", [2, 16, 17, 40])
@pytest.mark.parametrize("hidden", [(), (9,)], ids=["linear", "hidden"])
def test_gradient_agrees_with_autograd_for_any_number_of_classes(
    n_outputs: int, hidden: tuple[int, ...]
) -> None:
    # More than sixteen classes take another way through the loss than up to sixteen.
    step, before = step_with_taut(Recipe(), "relu", "classification", hidden, True, n_outputs)
    assert_gradients_agree(step, before)


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe(L2(0.5)), Recipe(L1(0.3)), Recipe(L2(0.5), L1(0.3))], ids=str
)
def test_step_is_adam_and_then_the_techniques_on_the_weights(recipe: Recipe) -> None:
    step, start = step_with_taut(recipe, "relu", "classification", (7, 18), False)
    l2, l1 = recipe.get(L2), recipe.get(L1)
    before = start
    first = {name: np.zeros_like(w) for name, w in start.items()}
    second = {name: np.zeros_like(w) for name, w in start.items()}
    for t in range(1, 7):
        if t > 1:
            step.go()
        after, gradients = step.training.weights("last"), step.gradients()
        learning_rate = 1e-2 * min(1.0, t / 5)  # on the way up: five epochs of one step
        for name, g in gradients.items():
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.999 * second[name] + 0.001 * g * g
            m, v = first[name] / (1 - 0.9**t), second[name] / (1 - 0.999**t)
            expected = before[name] - learning_rate * m / (np.sqrt(v) + 1e-8)
            if name.endswith("weight"):
                expected = expected * (1.0 - learning_rate * (l2.strength if l2 else 0.0))
                shift = learning_rate * (l1.strength if l1 else 0.0)
                expected = np.sign(expected) * np.maximum(np.abs(expected) - shift, 0.0)
            np.testing.assert_allclose(after[name], expected, atol=1e-12, err_msg=f"{name}, step {t}")
        before = after
