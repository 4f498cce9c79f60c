"""How long the rest of a search takes: by the trainings that its races will take, and what one has taken.

Candidates are no measure: all of a batch are scored together, when their race is over. The trainings of a
race are counted as if as many candidates went on from each round as may; if fewer did, it is over sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

# What early stopping alone took counts as this share of the work, beside what candidates have taken.
_PRIOR_SHARE = 0.05
# Of a batch that takes more trainings than was thought, so much stays to be done until it is over.
_NEARLY = 0.95


@final
class TimeLeft:
    """Counts trainings, and guesses.

    Parameters
    ----------
    batches : sequence of float
        The trainings that each batch will take.
    each : float
        Seconds of one, for want of better.
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
        """Guess what is left.

        Parameters
        ----------
        spent : float
            Seconds that everything counted has taken, in earlier sessions too.
        """
        total = sum(self._to_come)
        if not total:
            return 0.0
        of_this = min(self._of_this, _NEARLY * self._to_come[0])
        each = (self._prior * self._each + spent) / (self._prior + self._done + of_this)
        return (total - of_this) * each
