"""The order in which techniques are worth a try, as measured; docs/advice.md has the figures."""

from __future__ import annotations

from taut.evidence.advice_facts import Facts
from taut.techniques import L1, L2, BatchNorm, Dropout
from taut.techniques.base import Technique

#: From so many classes on batch norm comes first.
MANY_CLASSES = 5
#: Up to so many hidden units, and ...
FEW_UNITS = 64
#: ... from so many rows a parameter on, dropout comes after L1 and L2.
MANY_ROWS = 0.1
#: Below so many rows a step batch norm comes last.
FEW_A_STEP = 8


def order_of(facts: Facts) -> tuple[type[Technique], ...]:
    """Give those that can act on the network, the first to try first.

    With five classes or more batch norm comes first, then dropout (in a small network last), L1 and L2. Else,
    and with few rows a step, it is L1, L2, dropout and batch norm. A linear model has nothing to drop or to
    normalize.
    """
    if facts.n_hidden == 0:
        return L1, L2
    if not has_many_classes(facts) or has_small_batches(facts):
        return L1, L2, Dropout, BatchNorm
    return (BatchNorm, L1, L2, Dropout) if is_small(facts) else (BatchNorm, Dropout, L1, L2)


def has_many_classes(facts: Facts) -> bool:
    """Whether classes are predicted, and many of them."""
    return facts.n_classes is not None and facts.n_classes >= MANY_CLASSES


def is_small(facts: Facts) -> bool:
    """Whether the network has few hidden units, and few parameters for its rows."""
    return facts.n_hidden <= FEW_UNITS and facts.rows_per_parameter >= MANY_ROWS


def has_small_batches(facts: Facts) -> bool:
    """Whether a step has few rows."""
    return facts.batch_size < FEW_A_STEP
