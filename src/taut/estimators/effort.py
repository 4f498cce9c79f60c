"""How much is tried where neither a number nor a time says so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, final, get_args

from taut.errors import ParameterError

Effort: TypeAlias = Literal["quick", "standard", "thorough"]


@final
@dataclass(frozen=True)
class Plan:
    """What an effort means.

    Parameters
    ----------
    n_candidates : int
        The two baselines counted.
    n_first : int
        Candidates of the first batch: each technique alone, and mixtures that fill the space.
    """

    n_candidates: int
    n_first: int


_PLANS: dict[Effort, Plan] = {
    "quick": Plan(n_candidates=18, n_first=16),
    "standard": Plan(n_candidates=66, n_first=24),
    "thorough": Plan(n_candidates=200, n_first=48),
}


def plan_of(effort: object) -> Plan:
    """The plan of an effort.

    Raises
    ------
    ParameterError
        Where there is no such effort.
    """
    if not isinstance(effort, str) or effort not in _PLANS:
        known = ", ".join(repr(name) for name in get_args(Effort))
        raise ParameterError(f"effort must be one of {known}, and it is {effort!r}.")
    return _PLANS[effort]


#: Up to so many rows the folds are made so often where ``cv`` is "auto": on few rows one fold's noise is
#: larger than the differences searched for (benchmarks/README.md, "Repeated folds").
FEW_ROWS, REPEATS = 500, 3


# Weights times rows that a thread trains in a second, or so; and the epochs that are the least of a search.
_PACE, _LEAST_EPOCHS = 2e9, 100


def auto_repeats(n_rows: int, n_weights: int = 0, seconds: float = math.inf) -> int:
    """How often the folds are made, for so many rows.

    Parameters
    ----------
    n_rows : int
    n_weights : int
        Of a network.
    seconds : float
        Of processor time that a limit has: on a wide table it is better spent on epochs than on more folds.
    """
    epoch = REPEATS * AUTO_FOLDS * n_rows * n_weights / _PACE
    return REPEATS if n_rows <= FEW_ROWS and _LEAST_EPOCHS * epoch <= seconds else 1


#: Above so many rows one split takes the place of cross-validation where ``cv`` is "auto".
ONE_SPLIT_ROWS = 200_000
#: Folds of the cross-validation; the one split holds out the same share.
AUTO_FOLDS = 5
