from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taut.errors import ParameterError
from taut.network import Network

widths = st.integers(1, 10_000)
networks = st.builds(
    Network,
    n_inputs=widths,
    hidden=st.lists(widths, max_size=5).map(tuple),
    n_outputs=widths,
    activation=st.sampled_from(["relu", "silu", "gelu"]),
)


@given(networks)
def test_to_json_and_back(network: Network) -> None:
    assert Network.from_json(json.loads(json.dumps(network.to_json()))) == network


@given(networks)
def test_repr_is_the_code_that_makes_it(network: Network) -> None:
    assert eval(repr(network)) == network


@pytest.mark.parametrize("hidden", [(), (7,), (8, 5, 3)])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_parameters_are_those_of_the_same_network_in_pytorch(
    hidden: tuple[int, ...], batch_norm: bool
) -> None:
    network = Network(4, hidden, 2)
    layers: list[torch.nn.Module] = []
    width = 4
    for after in hidden:
        layers += [torch.nn.Linear(width, after), *([torch.nn.BatchNorm1d(after)] * batch_norm)]
        width = after
    layers.append(torch.nn.Linear(width, 2))
    theirs = sum(parameter.numel() for parameter in torch.nn.Sequential(*layers).parameters())
    assert network.n_parameters(batch_norm) == theirs


def test_layer_sizes_go_from_input_to_output() -> None:
    assert Network(4, (8, 5), 2).layer_sizes == (4, 8, 5, 2)


def test_it_is_a_value() -> None:
    network = Network(np.int64(4), [8, np.int32(5)], 2)  # type: ignore[arg-type]
    assert network == Network(4, (8, 5), 2)
    assert hash(network) == hash(Network(4, (8, 5), 2))
    assert network.hidden == (8, 5)
    with pytest.raises(FrozenInstanceError):
        network.n_inputs = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n_inputs": 0}, "A network's n_inputs must be a whole number of 1 or more, and it is 0"),
        ({"n_outputs": 1.5}, "A network's n_outputs must be a whole number of 1 or more, and it is 1.5"),
        ({"hidden": (8, 0)}, "Each width in hidden must be a whole number of 1 or more, and it is 0"),
        (
            {"hidden": 128},
            r"hidden must be a tuple of widths such as \(128, 128\), or \(128,\) for one layer",
        ),
        ({"hidden": "128"}, "hidden must be a tuple of widths"),
        ({"activation": "tanh"}, "activation must be one of relu, silu, gelu, and it is 'tanh'"),
    ],
)
def test_a_wrong_parameter_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Network(**{"n_inputs": 4, "hidden": (8,), "n_outputs": 2, **change})


def test_a_newer_format_is_refused_with_both_versions() -> None:
    with pytest.raises(
        ParameterError, match="network is of format 2, and this version of taut reads format 1"
    ):
        Network.from_json({**Network(4, (8,), 2).to_json(), "format": 2})
