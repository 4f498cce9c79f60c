"""What averaging the networks that are handed over brings, from averages that have not seen a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Averaging:
    """From a single network's figures to those of an average.

    Parameters
    ----------
    n_networks : int
        That the average has; 1 where nothing is averaged, or nobody measured what it brings.
    loss_factor, badness_factor : float
        What a single network's mean loss and mean badness are multiplied by.
    losses, badness : float64 array, shape (n_rows,)
        Of averages row by row; NaN where there are none.
    score_changes : float64 array, shape (n_folds,), or None
        What is added to each fold's score, where a person's scorer gives it.
    """

    n_networks: int = 1
    loss_factor: float = 1.0
    badness_factor: float = 1.0
    losses: Vector = field(default_factory=lambda: np.empty(0))
    badness: Vector = field(default_factory=lambda: np.empty(0))
    score_changes: Vector | None = None

    def losses_of(self, single: Vector) -> Vector:
        """The average's losses row by row, as far as known; else a single network's, by the factor."""
        return _known(self.losses, single, self.loss_factor)

    def badness_of(self, single: Vector) -> Vector:
        """The same of the badness."""
        return _known(self.badness, single, self.badness_factor)


def _known(of_average: Vector, single: Vector, factor: float) -> Vector:
    if not len(of_average):
        return single
    return np.where(np.isfinite(of_average), of_average, single * factor)


def factor_of(single: float, several: float, n_several: int, n_networks: int) -> float:
    """What a single network's mean loss is multiplied by, for an average of ``n_networks``.

    Parameters
    ----------
    single, several : float
        Mean losses of networks one by one, and of an average of ``n_several`` of them, on the same rows.
    n_several : int
        Two or more.
    n_networks : int

    Notes
    -----
    An average of n networks loses ``L(n) = L(1) - V (1 - 1 / n)``, where V is their mean disagreement (Krogh
    and Vedelsby, 1995; exact for squared error, and the first term of the log loss's expansion), so that two
    of these give every other. On the logarithmic scale, lest what is extrapolated falls below 0: as long as
    averaging brings little, that is the same.
    """
    if n_networks < 2 or n_several < 2 or not (single > 0.0 and several > 0.0):
        return 1.0
    return float((several / single) ** times_as_far(n_several, n_networks))


def times_as_far(n_several: int, n_networks: int) -> float:
    """How far ``n_networks`` are from a single one, by how far ``n_several``, two or more, are."""
    return (1.0 - 1.0 / n_networks) / (1.0 - 1.0 / n_several)
