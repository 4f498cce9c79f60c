"""From what networks lose to lines that add up, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.evidence.contribution_units import Draws, Totals, Units, weights_of_few
from taut.evidence.contributions import Contributions
from taut.evidence.interval import Interval, percentiles
from taut.evidence.shapley import (
    Order,
    Values,
    coalitions_of,
    pair_interactions,
    sampled_orders,
    shapley_values,
    values_by_order,
)
from taut.streams import Stream, generator

#: Up to this many players all combinations are trained; beyond, those that occur in this many orders.
MOST_EXACT: Final = 5
N_ORDERS: Final = 6

Figure: TypeAlias = Literal["loss", "score"]


@final
@dataclass(frozen=True)
class Game:
    """Which combinations of players are trained.

    Parameters
    ----------
    n_players : int
    orders : tuple of tuple of int, or None
        In which they join, where they are sampled; None: all combinations.
    """

    n_players: int
    orders: tuple[Order, ...] | None

    @classmethod
    def of(cls, n_players: int, seed: int, most_exact: int) -> Game:
        """All combinations of few players; of many, those of orders drawn at random."""
        if n_players <= most_exact:
            return cls(n_players, None)
        return cls(n_players, tuple(sampled_orders(n_players, N_ORDERS, seed)))

    @property
    def coalitions(self) -> list[int]:
        """Those that are trained."""
        return list(range(1 << self.n_players)) if self.orders is None else coalitions_of(self.orders)

    def shares(self, values: dict[int, Values], seed: int) -> Values:
        """What each player contributes, shape (n_players, 1 + n_resamples).

        Where orders are sampled, they are drawn again in every resample, an order with its reverse, so that
        the intervals include the sampling's chance.
        """
        if self.orders is None:
            return shapley_values(values, self.n_players)
        by_order = values_by_order(values, self.orders)
        doubles = (by_order[0::2] + by_order[1::2]) / 2
        stream = generator(seed, Stream.EFFECT_ORDER_RESAMPLES)
        shares: Values = np.einsum("bo,opb->pb", weights_of_few(len(doubles), stream), doubles)
        return shares


@final
@dataclass(frozen=True)
class Changes:
    """What each step changes, from no regularization to the recipe; the steps add up to ``total``.

    Parameters
    ----------
    start, end : float
        The figure of no regularization, and of the recipe.
    total : Interval
        End less start.
    early_stopping : Interval
        From none to early stopping alone, at the usual learning rate.
    learning_rate : Interval
        From there to the recipe's learning rate.
    techniques : tuple of Interval
        In the players' order.
    without_early_stopping : Interval or None
        From all players with early stopping to the recipe, where that has none.
    interactions : tuple of Interval
        Of pairs of players, in the order of :func:`taut.evidence.shapley.pairs`; empty where orders were
        sampled.
    """

    start: float
    end: float
    total: Interval
    early_stopping: Interval
    learning_rate: Interval
    techniques: tuple[Interval, ...]
    without_early_stopping: Interval | None
    interactions: tuple[Interval, ...]

    def times(self, factor: float) -> Changes:
        """In other units."""
        last = self.without_early_stopping
        return Changes(
            start=self.start * factor,
            end=self.end * factor,
            total=self.total.times(factor),
            early_stopping=self.early_stopping.times(factor),
            learning_rate=self.learning_rate.times(factor),
            techniques=tuple(one.times(factor) for one in self.techniques),
            without_early_stopping=None if last is None else last.times(factor),
            interactions=tuple(one.times(factor) for one in self.interactions),
        )


def changes_of(
    found: Contributions, game: Game, units: Units, draws: Draws, seed: int, figure: Figure
) -> Changes:
    """Share out a figure, in the engine's units; what needs networks that diverged is NaN."""

    def values_of(totals: Totals) -> Values:
        return draws.losses(units, totals) if figure == "loss" else draws.scores(units, totals)

    nothing, stopped = values_of(found.nothing), values_of(found.stopped)
    values = {coalition: values_of(totals) for coalition, totals in found.coalitions.items()}
    alone, everyone = values[0], values[(1 << game.n_players) - 1]
    end = everyone if found.unstopped is None else values_of(found.unstopped)
    # From where they start, a loss can fall to 0 and a score rise to 1.
    start = float(nothing[0])
    lowest = -start if figure == "loss" or found.nothing.correct is not None else -np.inf
    highest = np.inf if figure == "loss" else 1.0 - start
    together = pair_interactions(values, game.n_players) if game.orders is None else ()
    return Changes(
        start=start,
        end=float(end[0]),
        total=_interval(end - nothing).within(lowest, highest),
        early_stopping=_interval(stopped - nothing).within(lowest, highest),
        learning_rate=_interval(alone - stopped),
        techniques=tuple(_interval(share) for share in game.shares(values, seed)),
        without_early_stopping=None if found.unstopped is None else _interval(end - everyone),
        interactions=tuple(_interval(each) for each in together),
    )


def _interval(values: NDArray[np.float64]) -> Interval:
    """The first is the figure, the others are its resamples."""
    return percentiles(float(values[0]), values[1:])
