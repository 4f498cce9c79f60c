"""How long the rest of a search takes: from the trainings of its races, and what one has taken.

Candidates are a poor measure: all of a batch are scored together, when their race is over. The trainings of a
race are counted as if as many candidates continued from each round as may; if fewer do, it is over sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

#: Trainings of the first batch, and of the later ones, whose candidates are better and so train longer,
#: relative to those of early stopping alone.
FIRST_TAKES, LATER_TAKE = 1.4, 1.6

# The seconds of early stopping alone count as this share of the work, beside those of candidates.
_PRIOR_SHARE = 0.05
# If a batch takes more trainings than expected, this much remains to be done until it is over.
_NEARLY = 0.95


@final
class TimeLeft:
    """Counts trainings, and estimates the time left.

    Parameters
    ----------
    batches : sequence of float
        The trainings that each batch will take.
    each : float
        Seconds of one, until it is known better.
    """

    def __init__(self, batches: Sequence[float], each: float) -> None:
        self._to_come = list(batches)
        self._each = each
        self._prior = _PRIOR_SHARE * sum(batches)
        self._done = self._of_this = 0.0

    def done(self, size: float = 1.0) -> None:
        """Count a training; one on part of the rows is less than one."""
        self._of_this += size

    def batch_is_over(self) -> None:
        """Count a batch, however many trainings it took."""
        self._done += self._to_come.pop(0) if self._to_come else 0.0
        self._of_this = 0.0

    def seconds(self, spent: float) -> float:
        """Estimate what is left.

        Parameters
        ----------
        spent : float
            Seconds that everything counted has taken, earlier sessions included.
        """
        total = sum(self._to_come)
        if not total:
            return 0.0
        of_this = min(self._of_this, _NEARLY * self._to_come[0])
        each = (self._prior * self._each + spent) / (self._prior + self._done + of_this)
        return (total - of_this) * each


def batch_sizes(n: int, first: int, later: int) -> list[int]:
    """How many of ``n`` candidates each batch has: the first one, the later ones, and the last with the rest.

    >>> batch_sizes(20, 10, 8)
    [10, 8, 2]
    """
    sizes = [first]
    while sum(sizes) < n:
        sizes.append(later)
    sizes[-1] -= max(0, sum(sizes) - n)
    return sizes
