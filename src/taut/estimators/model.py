"""A fitted model: networks that predict by averaging, and what they need to read a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.engine.base import Engine, Trained
from taut.estimators.target import Target
from taut.table.schema import Schema


@final
@dataclass(frozen=True, eq=False)
class Model:
    """One network, or one per fold.

    Parameters
    ----------
    schema : Schema
    target : Target
    networks : tuple of Trained
    """

    schema: Schema
    target: Target
    networks: tuple[Trained, ...]

    def probabilities(self, engine: Engine, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities, the mean of the networks': shape (n_rows, n_classes)."""
        return self._mean(softmax(engine.predict(values, network)) for network in self.networks)

    def values(self, engine: Engine, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predicted values in the target's own units, the mean of the networks': shape (n_rows,)."""
        mean = self._mean(engine.predict(values, network).astype(np.float64) for network in self.networks)
        return mean[:, 0] * self.target.unit + self.target.origin

    def _mean(self, outputs: Any) -> NDArray[np.float64]:
        total: NDArray[np.float64] | None = None
        for output in outputs:
            total = output if total is None else total + output
        assert total is not None
        return total / len(self.networks)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """exp(logit) over the sum of them, by rows."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted
