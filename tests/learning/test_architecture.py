"""Architectures: which techniques they support, and their relatives."""

from __future__ import annotations

from typing import Any

import pytest

from taut.errors import ParameterError
from taut.learning.architecture import FIRST_LAYER, MLP
from taut.learning.objective import CrossEntropy, SquaredError
from taut.techniques import L1, TECHNIQUES, BatchNorm, Dropout

CLASSES, AMOUNT = CrossEntropy(2), SquaredError()


def test_a_network_with_hidden_layers_supports_all_techniques_for_classes() -> None:
    assert [MLP((8,)).supports(kind, CLASSES) for kind in TECHNIQUES] == [None] * len(TECHNIQUES)


@pytest.mark.parametrize("kind", [Dropout, BatchNorm])
def test_a_linear_model_has_no_hidden_units_and_says_so(kind: Any) -> None:
    sentence = MLP(()).supports(kind, CLASSES)
    assert sentence == f"{kind.page.title} acts on hidden units, and a linear model has none."
    assert MLP(()).supports(L1, CLASSES) is None


def test_what_needs_classes_is_refused_for_amounts_in_a_sentence() -> None:
    for kind in TECHNIQUES:
        sentence = MLP((8,)).supports(kind, AMOUNT)
        if kind.needs_classes:
            assert sentence == f"{kind.page.title} is for classes, and the target is an amount."
        else:
            assert sentence is None


def test_wider_is_twice_as_wide_or_a_first_hidden_layer() -> None:
    assert MLP((8, 3), "gelu").wider() == ("twice as wide", MLP((16, 6), "gelu"))
    assert MLP(()).wider() == (f"with a hidden layer of {FIRST_LAYER}", MLP((FIRST_LAYER,)))


def test_the_linear_model_beside_it() -> None:
    assert MLP((8, 3), "gelu", searched=True).linear() == MLP((), "gelu")
    assert MLP(()).linear() is None


def test_it_is_varied_only_where_it_is_searched() -> None:
    fixed, searched = MLP((128, 128)), MLP((128, 128), searched=True)
    assert (fixed.dimensions, fixed.point()) == ((), {})
    assert fixed.at({}) is fixed
    assert [dimension.name for dimension in searched.dimensions] == ["log2_width", "depth"]
    assert searched.at({"log2_width": 5, "depth": 3}).hidden == (32, 32, 32)
    assert searched.at({"log2_width": 5, "depth": 3}).point() == {"log2_width": 5, "depth": 3}


def test_its_json_has_the_widths_and_the_rest_is_as_in_another() -> None:
    usual = MLP((8,), "silu")
    assert usual.from_json(MLP((4, 5), "silu").to_json()) == MLP((4, 5), "silu")
    for wrong in ("8", [0], [True], [2.0]):
        with pytest.raises(ParameterError, match="widths are whole numbers"):
            usual.from_json({"hidden": wrong})


def test_its_words() -> None:
    assert MLP((8, 3)).label == "hidden layers 8-3"
    assert MLP(()).label == "hidden layers none"
    assert MLP((8,), "gelu").code() == "hidden=(8,), activation='gelu'"
    assert (MLP((8, 3)).n_hidden, MLP(()).n_hidden) == (11, 0)


def test_widths_are_checked_at_once_and_the_activation_where_a_network_is_made() -> None:
    with pytest.raises(ParameterError, match="width in hidden"):
        MLP((0,))
    with pytest.raises(ParameterError, match="activation must be one of"):
        MLP((8,), "tanh").network(3, 2)  # type: ignore[arg-type]
