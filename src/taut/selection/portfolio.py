"""What did well on many tables: where time is short, a search of a table tries it first.

Learnt by benchmarks/portfolio.py, which judges such lists on tables that they were not learnt from
(benchmarks/README.md, "Portfolio").
"""

from __future__ import annotations

from typing import NamedTuple

from taut.recipe import Recipe
from taut.techniques import L1, L2, BatchNorm, Dropout, EarlyStopping


class Start(NamedTuple):
    """A recipe, and its learning rate as a multiple of the usual one."""

    recipe: Recipe
    rate: float = 1.0


#: In the order in which they lowered the mean loss most, each beside those before it.
PORTFOLIO = (
    Start(Recipe(L1(0.031), Dropout(0.44), BatchNorm(), EarlyStopping())),
    Start(Recipe(L2(1.5), Dropout(0.18), BatchNorm(), EarlyStopping())),
    Start(Recipe(L2(5.4), Dropout(0.18), EarlyStopping())),
    Start(Recipe(L2(0.77), BatchNorm(), EarlyStopping())),
    Start(Recipe(L1(0.014), Dropout(0.099), BatchNorm(), EarlyStopping()), 2.6),
    Start(Recipe(L1(0.0096), L2(5.4), Dropout(0.57), BatchNorm(), EarlyStopping())),
    Start(Recipe(L2(1.5), EarlyStopping())),
    Start(Recipe(L1(0.31), Dropout(0.57), EarlyStopping())),
)
