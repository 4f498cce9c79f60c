from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from taut.engine.torch.attached import (
    UNIT_FORMS,
    WEIGHT_FORMS,
    Attached,
    key_of,
    step_units,
    step_weights,
)
from taut.engine.torch.examples import call
from taut.engine.torch.plan import find_plan
from taut.recipe import Recipe
from taut.techniques import L1, UNIT_TECHNIQUES, WEIGHT_TECHNIQUES, BatchNorm, Dropout, MaxNorm
from tests.engine.torch.modules import MODULES, Pictures, inputs_of, plain, with_own_dropout


def attached(make: Any, recipe: Recipe, seed: int = 3) -> tuple[nn.Module, Attached]:
    torch.manual_seed(0)
    net = make()
    return net, Attached(net, find_plan(net, inputs_of(make)), recipe.hooks(), seed)


def outputs(net: nn.Module, make: Any) -> torch.Tensor:
    found: Any = call(net, inputs_of(make))
    tensor: torch.Tensor = found["logits"] if isinstance(found, dict) else found
    return tensor.detach()


def test_every_technique_on_weights_has_a_form() -> None:
    assert set(WEIGHT_FORMS) == set(WEIGHT_TECHNIQUES)
    assert set(UNIT_FORMS) == set(UNIT_TECHNIQUES)


@pytest.mark.parametrize("kind", WEIGHT_TECHNIQUES, ids=lambda kind: kind.name)
@given(
    values=st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=5),
    strength=st.floats(0.01, 3),
    rate=st.floats(0.001, 0.3),
)
def test_the_step_on_weights_is_the_techniques_own(
    kind: Any, values: list[float], strength: float, rate: float
) -> None:
    weights = torch.tensor(values)
    step_weights([weights], Recipe(kind.at(strength)).hooks(), rate)
    amount = np.float32(rate * strength)
    wanted = [kind.weight_step(np.float32(w), amount) for w in values]
    np.testing.assert_allclose(weights.numpy(), wanted, rtol=1e-5, atol=1e-6)
    if kind is L1:
        assert ((weights == 0).numpy() == (np.abs(np.float32(values)) <= amount)).all()


@given(strength=st.floats(0.01, 5), rate=st.floats(0.001, 0.3))
def test_the_step_on_units_is_the_techniques_own(strength: float, rate: float) -> None:
    weight = torch.randn(6, 2, 3, 3, generator=torch.Generator().manual_seed(1))
    norms = weight.flatten(1).norm(dim=1)
    before = weight.clone()
    step_units(weight, Recipe(MaxNorm(strength)).hooks(), rate)
    for i, norm in enumerate(norms.tolist()):
        factor = MaxNorm.unit_step(norm, strength, rate)
        torch.testing.assert_close(weight[i], before[i] * factor, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", MODULES)
def test_evaluation_is_as_before_and_so_is_training_at_rate_0(make: Any) -> None:
    torch.manual_seed(0)
    net = make().eval()
    wanted = outputs(net, make)
    net, _ = attached(make, Recipe(Dropout(0.5)))
    torch.testing.assert_close(outputs(net.eval(), make), wanted, rtol=0, atol=0)
    net, one = attached(make, Recipe(Dropout(0.0)))
    assert not one._handles


@pytest.mark.parametrize("make", [Pictures, plain])
def test_dropout_drops_whole_channels_of_pictures_and_keeps_the_mean(make: Any) -> None:
    net, one = attached(make, Recipe(Dropout(0.5)))
    seen: list[torch.Tensor] = []
    layer = net.conv2 if make is Pictures else net[2]
    layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    net.train()
    one.begin_step(0, 0, 0)
    outputs(net, make)
    x = seen[0]
    zero = (x == 0).flatten(2).all(dim=2) if make is Pictures else x == 0
    share = zero.float().mean().item()
    assert 0.3 < share < 0.9  # half are dropped, and relu gives zeros too


def test_masks_follow_from_seed_epoch_and_step_and_from_nothing_else() -> None:
    net, one = attached(plain, Recipe(Dropout(0.5)))
    net.train()

    def drawn(epoch: int, step: int) -> torch.Tensor:
        one.begin_step(epoch, step, 0)
        return outputs(net, plain)

    first = drawn(0, 0)
    torch.manual_seed(99)
    assert torch.equal(drawn(0, 0), first)
    assert not torch.equal(drawn(0, 1), first)
    assert not torch.equal(drawn(1, 0), first)
    other, two = attached(plain, Recipe(Dropout(0.5)), seed=4)
    other.train()
    two.begin_step(0, 0, 0)
    assert not torch.equal(outputs(other, plain), first)


def test_own_rates_are_set_and_given_back() -> None:
    net, one = attached(with_own_dropout, Recipe(Dropout(0.3)))
    assert net[2].p == 0.3
    one.strip()
    assert net[2].p == 0.5


@pytest.mark.parametrize("make", [Pictures, plain])
def test_batch_norm_is_folded_in(make: Any) -> None:
    net, one = attached(make, Recipe(BatchNorm(), Dropout(0.2)))
    keys = list(make().state_dict())
    assert list(net.state_dict()) == keys  # the person's own
    net.train()
    for step in range(5):
        one.begin_step(0, step, step)
        outputs(net, make)
    net.eval()
    wanted = outputs(net, make)
    one.strip()
    torch.testing.assert_close(outputs(net, make), wanted, rtol=1e-4, atol=1e-5)
    assert list(net.state_dict()) == keys
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_keys_are_spread() -> None:
    found = {key_of(seed, epoch, step) for seed in range(3) for epoch in range(20) for step in range(50)}
    assert len(found) == 3000
    assert all(0 <= key < 2**63 for key in found)
    low = np.array([key % 2**32 for key in sorted(found)])
    assert len(set(low.tolist())) > 2990  # a generator on the CPU looks at the lower half only
