"""A problem: examples, what is to be predicted of them, and by what objective; and its folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.learning.examples import Examples, Indices
from taut.learning.objective import Floats, Objective, RowResults, Vector


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """What all networks learn, stored once.

    Parameters
    ----------
    examples : Examples
    target : float array, shape (n_examples,)
        The number of an example's class, or its value.
    objective : Objective
    fit_weight, score_weight : float array, shape (n_examples,), or None
        Weight of an example in training and in the loss of evaluation; None counts every one once.
    accuracy_weight : float array, shape (n_examples,), or None
        Weight of an example in accuracy, and in whatever counts examples, where classes have weights too;
        None: as in the loss.
    groups : int array, shape (n_examples,), or None
        Examples with the same number belong together; None: those of ``examples.duplicate_groups()`` do.
    """

    examples: Examples
    target: Floats
    objective: Objective
    fit_weight: Floats | None = None
    score_weight: Floats | None = None
    accuracy_weight: Floats | None = None
    groups: NDArray[np.integer] | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def row_weight(self) -> Floats | None:
        """Weight of an example without that of its class."""
        return self.score_weight if self.accuracy_weight is None else self.accuracy_weight

    def row_results(self, outputs: Floats, rows: Indices) -> RowResults:
        """What outputs for some examples are worth; see :meth:`Objective.row_results`."""
        return self.objective.row_results(outputs, self.target[rows])

    def spreads(self, folds: Sequence[Fold]) -> Vector:
        """What each fold's score is measured by; see :meth:`Objective.spread`: shape (n_folds,)."""
        weight = self.score_weight
        return np.array(
            [
                self.objective.spread(
                    self.target[f.validation], None if weight is None else weight[f.validation]
                )
                for f in folds
            ]
        )

    def constant(self, rows: Indices) -> Vector:
        """The outputs of the best constant by the examples that train: shape (n_outputs,)."""
        weight = self.fit_weight
        return self.objective.constant(self.target[rows], None if weight is None else weight[rows])


@final
@dataclass(frozen=True, eq=False)
class Fold:
    """Who trains and who is held out, by the examples' numbers, each in rising order.

    What an engine fits on the training examples, such as an encoder, is the engine's own.

    Parameters
    ----------
    train, validation : int32 array
        ``validation`` may be empty.
    sample : int32 array
        Some of the training examples, evaluated every epoch.
    """

    train: Indices
    validation: Indices
    sample: Indices
