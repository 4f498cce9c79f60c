"""How much is tried where neither a number nor a time says so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, final, get_args

from taut.errors import ParameterError

Effort: TypeAlias = Literal["quick", "standard", "thorough"]


@final
@dataclass(frozen=True)
class SearchBudget:
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


_BUDGETS: dict[Effort, SearchBudget] = {
    "quick": SearchBudget(n_candidates=18, n_first=16),
    "standard": SearchBudget(n_candidates=66, n_first=24),
    "thorough": SearchBudget(n_candidates=200, n_first=48),
}


def budget_of(effort: object) -> SearchBudget:
    """The plan of an effort.

    Raises
    ------
    ParameterError
        If there is no such effort.
    """
    if not isinstance(effort, str) or effort not in _BUDGETS:
        known = ", ".join(repr(name) for name in get_args(Effort))
        raise ParameterError(f"effort must be one of {known}, and it is {effort!r}.")
    return _BUDGETS[effort]


#: Where ``cv`` is "auto", up to this many rows have their folds made this often: there, a fold's noise is
#: larger than the differences searched for (benchmarks/README.md, "Repeated folds").
FEW_ROWS, REPEATS = 500, 3


# Weights times rows that a thread trains in about a second, and the fewest epochs of a search.
_PACE, _LEAST_EPOCHS = 2e9, 100


def auto_repeats(n_rows: int, n_weights: int = 0, seconds: float = math.inf) -> int:
    """How often the folds are made, for this many rows.

    Parameters
    ----------
    n_rows : int
    n_weights : int
        Of a network.
    seconds : float
        Processor time of the limit: on a wide table it is better spent on epochs than on more folds.
    """
    epoch = REPEATS * AUTO_FOLDS * n_rows * n_weights / _PACE
    return REPEATS if n_rows <= FEW_ROWS and _LEAST_EPOCHS * epoch <= seconds else 1


# Epochs of a network that stops early, in the usual case.
_USUAL_STOP = 60
# Networks that the first race of a search trains, about, and the share of a time limit that they may take.
_FIRST_RACE, _FIRST_RACE_SHARE = 75, 0.6
#: Where there is no time for it: epochs of a first stage that leaves few candidates, and how many begin.
SHORT_EPOCHS, SHORT_FIRST = 25, 16


def is_short_of_time(n_rows: int, n_weights: int, seconds: float) -> bool:
    """Whether a time limit is too short for a race over folds.

    Parameters
    ----------
    n_rows : int
        That train in a fold.
    n_weights : int
        Of a network.
    seconds : float
        Processor time of the limit.
    """
    network = _USUAL_STOP * n_rows * n_weights / _PACE
    return _FIRST_RACE * network > _FIRST_RACE_SHARE * seconds


#: Above this many rows, one split replaces cross-validation where ``cv`` is "auto".
ONE_SPLIT_ROWS = 200_000
#: Folds of the cross-validation; the one split holds out the same share.
AUTO_FOLDS = 5
