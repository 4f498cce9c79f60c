"""Shapley values and pair interactions: how to share out a result among those who made it together.

A coalition is written as a number whose bit i says whether player i is in it: 0 is empty, ``2**n - 1``
all of them. A coalition's value may be an array (a value for each resample of a bootstrap): everything is
linear in the values, so the arrays are shared out element by element.

Sources: Shapley (1953), A value for n-person games, Contributions to the Theory of Games II, 307-317.
Grabisch & Roubens (1999), An axiomatic approach to the concept of interaction among players in cooperative
games, International Journal of Game Theory 28, 547-565. Castro, Gomez & Tejada (2009), Polynomial calculation
of the Shapley value based on sampling, Computers & Operations Research 36, 1726-1730.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from math import factorial

import numpy as np
from numpy.typing import NDArray

from taut.streams import Stream, generator

Values = NDArray[np.float64]
#: Players in the order in which they join.
Order = tuple[int, ...]


def shapley_values(values: Mapping[int, Values], n_players: int) -> Values:
    """What each player contributes, exactly.

    Formula: ``phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! * (v(S + i) - v(S))``: what i adds
    when it joins, mean over all orders in which the players can join (Shapley 1953). They add up to
    ``v(all) - v(nobody)``; a player that never changes anything gets exactly 0.

    Parameters
    ----------
    values : mapping
        By coalition (all ``2**n_players`` of them) its value: a float64 array, all of one shape.
    n_players : int

    Returns
    -------
    float64 array, shape (n_players, ...)
    """
    out = np.zeros((n_players, *np.shape(values[0])))
    for i in range(n_players):
        for coalition in range(1 << n_players):
            if not coalition >> i & 1:
                weight = _weight(coalition.bit_count(), n_players - 1)
                out[i] += weight * (values[coalition | 1 << i] - values[coalition])
    return out


def pair_interactions(values: Mapping[int, Values], n_players: int) -> Values:
    """How much two players do together beyond what they do apart, exactly.

    Formula, the Shapley interaction index of pairs (Grabisch & Roubens 1999): ``I_ij = sum over S without i
    and j of |S|! (n - |S| - 2)! / (n - 1)! * (v(S + i + j) - v(S + i) - v(S + j) + v(S))``. It is 0 where
    each adds the same whether the other is there or not.

    Parameters
    ----------
    values : mapping
        As in :func:`shapley_values`.
    n_players : int

    Returns
    -------
    float64 array, shape (n_pairs, ...)
        In the order of :func:`pairs`.
    """
    out = np.zeros((n_players * (n_players - 1) // 2, *np.shape(values[0])))
    for index, (i, j) in enumerate(pairs(n_players)):
        one, other = 1 << i, 1 << j
        for coalition in range(1 << n_players):
            if not coalition & (one | other):
                weight = _weight(coalition.bit_count(), n_players - 2)
                alone = values[coalition | one] - values[coalition]
                joined = values[coalition | one | other] - values[coalition | other]
                out[index] += weight * (joined - alone)
    return out


def pairs(n_players: int) -> list[tuple[int, int]]:
    """All pairs of players, the lower number first.

    >>> pairs(3)
    [(0, 1), (0, 2), (1, 2)]
    """
    return list(combinations(range(n_players), 2))


def sampled_orders(n_players: int, n_orders: int, seed: int) -> list[Order]:
    """Orders at random, each followed by its reverse, so that early and late positions even out.

    Parameters
    ----------
    n_players : int
    n_orders : int
        An even number.
    seed : int

    Returns
    -------
    list of tuple of int
    """
    stream = generator(seed, Stream.EFFECT_ORDERS)
    orders: list[Order] = []
    for _ in range(n_orders // 2):
        order = tuple(stream.permutation(n_players).tolist())
        orders += [order, order[::-1]]
    return orders


def coalitions_of(orders: Sequence[Order]) -> list[int]:
    """The coalitions that arise when players join in these orders, ascending, the empty one included.

    >>> coalitions_of([(0, 1), (1, 0)])
    [0, 1, 2, 3]
    """
    return sorted({coalition for order in orders for coalition in _joining(order)})


def values_by_order(values: Mapping[int, Values], orders: Sequence[Order]) -> Values:
    """What each player adds where it joins, order by order; the mean over orders estimates the Shapley value.

    In every order they add up to ``v(all) - v(nobody)`` (Castro, Gomez & Tejada 2009).

    Parameters
    ----------
    values : mapping
        By coalition its value, of those that :func:`coalitions_of` names.
    orders : sequence of tuple of int

    Returns
    -------
    float64 array, shape (n_orders, n_players, ...)
    """
    out = np.zeros((len(orders), len(orders[0]), *np.shape(values[0])))
    for index, order in enumerate(orders):
        for player, (before, after) in zip(order, pairwise(_joining(order)), strict=True):
            out[index, player] = values[after] - values[before]
    return out


def _joining(order: Order) -> list[int]:
    """The empty coalition, then the one after each has joined."""
    coalitions = [0]
    for player in order:
        coalitions.append(coalitions[-1] | 1 << player)
    return coalitions


def _weight(size: int, others: int) -> float:
    """The share of orders in which just these ``size`` of the ``others`` have joined before."""
    return factorial(size) * factorial(others - size) / factorial(others + 1)
