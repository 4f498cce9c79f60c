"""Shapley values and interactions: what the mathematics promises."""

from __future__ import annotations

from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from taut.evidence.shapley import (
    coalitions_of,
    pair_interactions,
    pairs,
    sampled_orders,
    shapley_values,
    values_by_order,
)

Game = dict[int, NDArray[np.float64]]
n_players = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)


def random_game(n: int, seed: int, shape: tuple[int, ...] = (3,)) -> Game:
    rng = np.random.default_rng(seed)
    return {coalition: rng.normal(size=shape) for coalition in range(1 << n)}


def without(coalition: int, player: int) -> int:
    return coalition & ~(1 << player)


@given(n_players, seeds)
def test_values_add_up(n: int, seed: int) -> None:
    game = random_game(n, seed)
    total = game[(1 << n) - 1] - game[0]
    np.testing.assert_allclose(shapley_values(game, n).sum(axis=0), total, atol=1e-12)


@given(n_players, seeds)
def test_values_are_the_mean_over_all_orders(n: int, seed: int) -> None:
    """Shapley's own definition, by brute force."""
    game = random_game(n, seed)
    expected = np.zeros((n, 3))
    for order in permutations(range(n)):
        coalition = 0
        for player in order:
            expected[player] += game[coalition | 1 << player] - game[coalition]
            coalition |= 1 << player
    np.testing.assert_allclose(shapley_values(game, n), expected / factorial(n), atol=1e-12)


@given(n_players, seeds, st.data())
def test_who_changes_nothing_gets_exactly_nothing(n: int, seed: int, data: st.DataObject) -> None:
    player = data.draw(st.integers(0, n - 1))
    game = random_game(n, seed)
    game = {coalition: game[without(coalition, player)] for coalition in game}
    assert (shapley_values(game, n)[player] == 0.0).all()
    for place, pair in enumerate(pairs(n)):
        if player in pair:
            assert (pair_interactions(game, n)[place] == 0.0).all()


@given(st.integers(2, 5), seeds, st.data())
def test_players_who_do_the_same_get_the_same(n: int, seed: int, data: st.DataObject) -> None:
    i, j = data.draw(st.sampled_from(pairs(n)))
    game = random_game(n, seed)
    for coalition in list(game):
        if coalition >> i & 1 and not coalition >> j & 1:
            game[without(coalition, i) | 1 << j] = game[coalition]
    values = shapley_values(game, n)
    np.testing.assert_allclose(values[i], values[j], atol=1e-12)


@given(n_players, seeds, st.floats(-3, 3), st.floats(-3, 3))
def test_values_and_interactions_are_linear(n: int, seed: int, a: float, b: float) -> None:
    one, other = random_game(n, seed), random_game(n, seed + 1)
    both = {coalition: a * one[coalition] + b * other[coalition] for coalition in one}
    for of in (shapley_values, pair_interactions):
        np.testing.assert_allclose(of(both, n), a * of(one, n) + b * of(other, n), atol=1e-11)


@given(n_players, seeds)
def test_who_only_adds_does_not_interact(n: int, seed: int) -> None:
    worth = np.random.default_rng(seed).normal(size=(n, 3))
    game = {c: 1.0 + sum((worth[i] for i in range(n) if c >> i & 1), np.zeros(3)) for c in range(1 << n)}
    np.testing.assert_allclose(shapley_values(game, n), worth, atol=1e-12)
    np.testing.assert_allclose(pair_interactions(game, n), 0.0, atol=1e-12)


@given(st.integers(2, 5), seeds)
def test_interactions_are_what_one_adds_to_the_others_value(n: int, seed: int) -> None:
    """Grabisch and Roubens' recursion: i's value where j is there less where j is not, j taken out."""
    game = random_game(n, seed)
    for place, (i, j) in enumerate(pairs(n)):
        others = [player for player in range(n) if player != j]

        def spread(coalition: int, others: list[int] = others) -> int:
            return sum(1 << player for bit, player in enumerate(others) if coalition >> bit & 1)

        reduced = range(1 << (n - 1))
        absent = shapley_values({c: game[spread(c)] for c in reduced}, n - 1)
        present = shapley_values({c: game[spread(c) | 1 << j] for c in reduced}, n - 1)
        at = others.index(i)
        np.testing.assert_allclose(pair_interactions(game, n)[place], present[at] - absent[at], atol=1e-12)


def test_two_who_replace_each_other_share_and_interact() -> None:
    """Either alone lowers the loss by 1, and so do both."""
    game = {0: np.array(3.0), 1: np.array(2.0), 2: np.array(2.0), 3: np.array(2.0)}
    assert shapley_values(game, 2).tolist() == [-0.5, -0.5]
    assert pair_interactions(game, 2).tolist() == [1.0]


def test_nobody_gets_nothing() -> None:
    game = {0: np.ones(4)}
    assert shapley_values(game, 0).shape == (0, 4)
    assert pair_interactions(game, 0).shape == (0, 4)
    assert pair_interactions(random_game(1, 0), 1).shape == (0, 3)


# --- sampled orders ---------------------------------------------------------------------------------------


@given(st.integers(1, 7), seeds)
def test_sampled_values_add_up_in_every_order(n: int, seed: int) -> None:
    orders = sampled_orders(n, 6, seed)
    game = random_game(n, seed)
    game = {coalition: game[coalition] for coalition in coalitions_of(orders)}
    by_order = values_by_order(game, orders)
    assert by_order.shape == (6, n, 3)
    total = np.broadcast_to(game[(1 << n) - 1] - game[0], (6, 3))
    np.testing.assert_allclose(by_order.sum(axis=1), total, atol=1e-12)


def test_sampled_values_come_to_the_exact_ones() -> None:
    game = random_game(4, 5)
    errors = []
    for n_orders in (10, 20000):
        sampled = values_by_order(game, sampled_orders(4, n_orders, 0)).mean(axis=0)
        errors.append(float(np.abs(sampled - shapley_values(game, 4)).max()))
    assert errors[1] < 0.03 < errors[0]


def test_all_orders_give_the_exact_values() -> None:
    game = random_game(4, 1)
    orders = list(permutations(range(4)))
    np.testing.assert_allclose(
        values_by_order(game, orders).mean(axis=0), shapley_values(game, 4), atol=1e-12
    )
    assert coalitions_of(orders) == list(range(16))


def test_orders_come_in_pairs_and_by_their_seed() -> None:
    orders = sampled_orders(6, 6, 3)
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert [order[::-1] for order in orders[0::2]] == orders[1::2]
    assert sampled_orders(6, 6, 3) == orders
    assert sampled_orders(6, 6, 4) != orders
    assert len(coalitions_of(orders)) <= 6 * 5 + 2 < 64


def test_coalitions_without_a_value_are_asked_for() -> None:
    with pytest.raises(KeyError):
        shapley_values({0: np.zeros(1), 1: np.zeros(1)}, 2)
