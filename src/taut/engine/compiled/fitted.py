"""What the compiled engine fits: a fold's encoder and units, and networks that predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.errors import TrainingError
from taut.learning.objective import CrossEntropy, Floats, SquaredError, Vector
from taut.learning.problem import Fold, Problem
from taut.learning.training import Fitted, InputWeights
from taut.network import Network
from taut.table.encoder import Encoder
from taut.table.examples import TableExamples


@final
@dataclass(frozen=True, eq=False)
class FoldFit:
    """What is fitted on the rows that train, before any network is.

    Parameters
    ----------
    encoder : Encoder
    center, scale : float
        The network's output times ``scale`` plus ``center`` is in the target's units (amounts).
    start : float64 array, shape (n_outputs,), or None
        What the last layer's biases are before training (classes): a network that begins with the classes'
        shares need not learn them first.
    """

    encoder: Encoder
    center: float = 0.0
    scale: float = 1.0
    start: Vector | None = None


def table_of(problem: Problem) -> TableExamples:
    """The examples, which this engine has to know.

    Raises
    ------
    TrainingError
        Where they are no table, or the objective is none of this engine's.
    """
    if not isinstance(problem.examples, TableExamples):
        kind = type(problem.examples).__name__
        raise TrainingError(f"The compiled engine trains on tables, and these examples are {kind}.")
    if not isinstance(problem.objective, (CrossEntropy, SquaredError)):
        name = problem.objective.loss_name
        raise TrainingError(f"The compiled engine knows cross-entropy and squared error, and not {name}.")
    return problem.examples


def fit_fold(problem: Problem, fold: Fold, n_bins: int = 0) -> FoldFit:
    """Fit the encoder, and the target's units or the classes' shares, on a fold's training rows."""
    encoder = table_of(problem).encoder(fold.train, n_bins)
    answer = problem.constant(fold.train)
    if problem.objective.n_classes:
        return FoldFit(encoder, start=answer)
    center = float(answer[0])
    weights = None if problem.fit_weight is None else problem.fit_weight[fold.train].astype(np.float64)
    values = problem.target[fold.train].astype(np.float64)
    scale = float(np.sqrt(np.average((values - center) ** 2, weights=weights))) or 1.0
    return FoldFit(encoder, center, scale)


@final
@dataclass(frozen=True, eq=False)
class FittedMLP(Fitted):
    """A network on a table's rows.

    Parameters
    ----------
    network : Network
    normalize : bool
        Whether it has batch norm.
    encoder : Encoder
    center, scale : float
        As in :class:`FoldFit`.
    weights : dict
        ``layers.0.weight`` (n_in, n_out), ``layers.0.bias`` (n_out,) and, with batch norm, ``.gain``,
        ``.mean``, ``.variance`` (n_out,); then ``layers.1....``
    """

    network: Network
    normalize: bool
    encoder: Encoder
    center: float
    scale: float
    weights: dict[str, Floats]

    def penalized_weights(self) -> Sequence[tuple[str, Floats]]:
        """The layers' matrices."""
        return [(name, array) for name, array in self.weights.items() if name.endswith(".weight")]

    def input_weights(self) -> InputWeights:
        """The first layer's, by the table's column; an input that stands for no column is left out."""
        columns = self.encoder.columns
        return InputWeights(self.weights["layers.0.weight"][: len(columns)], columns)
