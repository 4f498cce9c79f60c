from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from taut.engine.torch.examples import call
from taut.engine.torch.plan import Plan, find_plan
from tests.engine.torch.modules import (
    MODULES,
    Pictures,
    Raw,
    Recurrent,
    Residual,
    Sequences,
    Twice,
    deep,
    inputs_of,
    plain,
    with_own_dropout,
)


def plan_of(make: Any, where: Any = "everywhere") -> Plan:
    return find_plan(make(), inputs_of(make), where)


def names(sites: Any) -> list[str]:
    return [site.layer for site in sites]


def test_a_network_for_pictures() -> None:
    plan = plan_of(Pictures)
    assert names(plan.dropout) == ["conv2", "fc1", "fc2"]
    assert [site.n_axes for site in plan.dropout] == [2, 0, 0]
    assert names(plan.norms) == ["conv1", "conv2", "fc1"]
    assert plan.penalized == ("conv1.weight", "conv2.weight", "fc1.weight", "fc2.weight")
    assert plan.units == ("conv1.weight", "conv2.weight", "fc1.weight")
    assert {why for _, why in plan.exempt} == {"biases"}
    assert plan.declined == ()
    assert str(plan).splitlines()[0] == (
        "conv1 -> [batch norm] -> relu -> [dropout of channels] -> conv2 -> [batch norm] -> relu -> "
        "[dropout] -> fc1 -> [batch norm] -> relu -> [dropout] -> fc2"
    )


def test_how_it_prints() -> None:
    weights = "self_attn.in_proj_weight self_attn.out_proj.weight linear1.weight linear2.weight".split()
    assert str(plan_of(Sequences)).splitlines()[3:] == [
        "batch norm behind: nothing",
        f"L1 and L2 on: {', '.join(f'encoder.layers.0.{name}' for name in weights)}, head.weight",
        "neither on: embeddings and biases and normalization",
        "No batch norm behind encoder.layers.0.linear1: its outputs have 3 axes, and which of them to "
        "average over is not clear.",
    ]


def test_the_head_alone_or_layers_by_name() -> None:
    head = plan_of(Pictures, "head")
    assert names(head.dropout) == ["fc1", "fc2"]
    assert head.penalized == ("fc1.weight", "fc2.weight")
    assert ("conv1.weight", "not where regularization was asked for") in head.exempt
    one = plan_of(Pictures, ["fc1"])
    assert (names(one.dropout), names(one.norms), one.penalized) == (["fc1"], ["fc1"], ("fc1.weight",))


def test_own_norms_are_left_alone_and_a_sum_of_activations_is_one() -> None:
    plan = plan_of(Residual)
    assert names(plan.dropout) == ["block", "head"]
    assert names(plan.norms) == []
    assert ("norm.weight", "normalization") in plan.exempt
    assert plan.declined == (
        "Batch norm finds no place: no activation follows a linear layer or a convolution directly.",
    )


def test_a_transformer() -> None:
    plan = plan_of(Sequences)
    assert plan.dropout == ()  # its own dropout stands before every layer
    assert plan.rates == (
        "encoder.layers.0.self_attn",
        "encoder.layers.0.dropout",
        "encoder.layers.0.dropout1",
        "encoder.layers.0.dropout2",
    )
    assert "encoder.layers.0.self_attn.in_proj_weight" in plan.penalized
    assert ("embedding.weight", "embeddings") in plan.exempt
    assert any("its outputs have 3 axes" in sentence for sentence in plan.declined)


def test_a_recurrent_network_cannot_be_stacked() -> None:
    plan = plan_of(Recurrent)
    assert names(plan.dropout) == ["head"]
    assert plan.penalized == ("gru.weight_ih_l0", "gru.weight_hh_l0", "head.weight")
    assert not plan.stackable
    assert plan_of(plain).stackable


def test_what_cannot_be_done_is_a_sentence() -> None:
    plan = plan_of(Twice)
    assert names(plan.dropout) == ["bare"]
    assert names(plan.norms) == ["first"]
    assert plan.declined == (
        "same is called 2 times: it gets neither dropout nor batch norm.",
        "No batch norm behind bare: it has no bias that it could be folded into.",
        "The rate of a functional dropout stays as it is: only that of a layer can be set.",
    )


def test_weights_of_ones_own_and_tied_ones() -> None:
    plan = plan_of(Raw)
    assert plan.penalized == ()
    why = dict(plan.exempt)
    assert why["matrix"] == "a parameter of your own, of which taut cannot know whether it is a weight"
    assert why["embedding.weight"] == "embeddings"
    assert "L1 and L2 find no weights to act on." in plan.declined
    assert "Dropout finds no place: no activation enters a linear layer or a convolution." in plan.declined


class Tokens(nn.Module):
    """A class token, positions, and a norm over two axes, behind which an activation is written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 6))
        self.positions = nn.Embedding(3, 6)
        self.enter, self.norm = nn.Linear(2, 6), nn.LayerNorm([3, 6])
        self.middle, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        tokens = torch.cat([self.token.expand(len(x), -1, -1), self.enter(x.reshape(-1, 2, 2))], dim=1)
        x = self.middle(self.norm(tokens + self.positions.weight))
        found: Tensor = self.head((x * torch.sigmoid(x)).clamp(min=0)[:, 0])
        return found


def test_tokens_and_norms_of_two_axes_are_not_penalized_and_activations_by_hand_are_told() -> None:
    plan = plan_of(Tokens)
    assert plan.penalized == ("enter.weight", "middle.weight", "head.weight")
    why = dict(plan.exempt)
    assert why["token"] == "a parameter of your own, of which taut cannot know whether it is a weight"
    assert (why["positions.weight"], why["norm.weight"]) == ("embeddings", "normalization")
    assert (plan.dropout, plan.norms) == ((), ())
    assert plan.declined == (
        "Dropout finds no place: no activation enters a linear layer or a convolution.",
        "Batch norm finds no place: no activation follows a linear layer or a convolution directly.",
    )


class Functional(nn.Module):
    """Drops units by functions, at every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout(F.relu(self.one(x)), 0.5, training=self.training)
        x = F.dropout(F.relu(self.two(x)), 0.5, training=self.training)
        found: Tensor = self.three(x)
        return found


def test_functional_dropout_is_not_doubled_and_told_once() -> None:
    plan = plan_of(Functional)
    assert plan.dropout == ()
    assert plan.declined == (
        "The rate of a functional dropout stays as it is: only that of a layer can be set.",
        "Dropout finds no place: no activation enters a linear layer or a convolution.",
    )


def test_inner_dropout_of_a_recurrent_network_is_set() -> None:
    plan = plan_of(deep)
    assert (plan.rates, names(plan.dropout)) == (("gru",), ["head"])
    assert plan_of(Recurrent).rates == ()  # between layers, of which there is one


def test_layers_of_computed_weights_get_dropout_and_no_batch_norm() -> None:
    norm = nn.utils.parametrizations.weight_norm
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), norm(nn.Linear(8, 8)), nn.ReLU(), nn.Linear(8, 3))
    plan = find_plan(net, inputs_of(plain))
    assert (names(plan.dropout), names(plan.norms)) == (["2", "4"], ["0"])
    assert plan.declined == (
        "No batch norm behind 2: its weights are computed from others, into which it could not be folded.",
    )
    assert plan.penalized == ("0.weight", "4.weight")


def test_frozen_weights_are_left_alone() -> None:
    net = plain()
    net[0].weight.requires_grad_(False)
    plan = find_plan(net, inputs_of(plain))
    assert ("0.weight", "frozen") in plan.exempt
    assert plan.n_parameters == sum(p.numel() for p in net.parameters()) - 64


def test_own_dropout_is_set_and_not_doubled() -> None:
    plan = plan_of(with_own_dropout)
    assert (plan.dropout, plan.rates) == ((), ("2",))


@pytest.mark.parametrize("make", MODULES)
@pytest.mark.parametrize("training", [True, False])
def test_looking_leaves_everything_as_it_was(make: Any, training: bool) -> None:
    net = make().train(training)
    before = {name: one.clone() for name, one in net.state_dict().items()}
    stream = torch.get_rng_state()
    find_plan(net, inputs_of(make))
    assert torch.equal(torch.get_rng_state(), stream)
    assert all(one.training is training for one in net.modules())
    assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())
    assert all(p.grad is None for p in net.parameters())
    call(net, inputs_of(make))
