"""A fitted model: networks that predict by averaging, and what they need to read a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.engine.compiled.fitted import FittedMLP
from taut.estimators.target import Target
from taut.evidence.probabilities.temperature import tempered
from taut.learning.engine import Engine
from taut.learning.objective import CrossEntropy, Objective, SquaredError
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix
from taut.table.schema import Schema


@final
@dataclass(frozen=True, eq=False)
class Model:
    """One network, or one per fold.

    Parameters
    ----------
    schema : Schema
    target : Target
    networks : tuple of FittedMLP
    temperature : float
        Of the mean probabilities; 1 leaves them as they are.
    """

    schema: Schema
    target: Target
    networks: tuple[FittedMLP, ...]
    temperature: float = 1.0

    @property
    def objective(self) -> Objective:
        """What the networks learned."""
        classes = self.target.classes
        return SquaredError() if classes is None else CrossEntropy(len(classes))

    @property
    def n_bins(self) -> int:
        """Pieces that its networks see each number in, at most."""
        return self.networks[0].encoder.pieces.n_bins

    def probabilities(self, engine: Engine, matrix: Matrix) -> NDArray[np.float64]:
        """Class probabilities, the mean of the networks' at the temperature: shape (n_rows, n_classes)."""
        return tempered(self._mean(engine, matrix), self.temperature)

    def values(self, engine: Engine, matrix: Matrix) -> NDArray[np.float64]:
        """Predicted values in the target's own units, the mean of the networks': shape (n_rows,)."""
        return self._mean(engine, matrix)[:, 0] * self.target.unit + self.target.origin

    def _mean(self, engine: Engine, matrix: Matrix) -> NDArray[np.float64]:
        objective, examples = self.objective, TableExamples(matrix)
        total: NDArray[np.float64] | None = None
        for network in self.networks:
            predictions = objective.predictions(engine.predict(examples, network))
            total = predictions if total is None else total + predictions
        assert total is not None
        return total / len(self.networks)
