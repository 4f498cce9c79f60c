"""Objectives in PyTorch: the loss that is trained, and a person's own loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from taut.errors import TrainingError
from taut.learning.objective import (
    CrossEntropy,
    Floats,
    Objective,
    RowResults,
    SquaredError,
    Task,
    Vector,
)

#: Gives the loss of each row from a module's outputs and the rows' targets: shape (n,).
RowLoss = Callable[[Any, Tensor], Tensor]


@final
@dataclass(frozen=True, eq=False)
class OwnLoss(Objective):
    """A person's own loss: there is no score beside it.

    Parameters
    ----------
    row_loss : callable
    name : str
    n_outputs : int
        Numbers that the module gives for a row.
    shape : tuple of int
        In which it gives them.
    """

    row_loss: RowLoss
    name: str
    n_outputs: int
    shape: tuple[int, ...]

    class_weighted: ClassVar[bool] = False  # type: ignore[misc]
    task: ClassVar[Task] = "regression"
    score_name: ClassVar[str] = "negative loss"
    score_title: ClassVar[str] = "negative loss"
    stratify: ClassVar[bool] = False

    @property
    def loss_name(self) -> str:
        """What the loss is called."""
        return self.name

    @property
    def n_classes(self) -> int:
        """None that taut knows of."""
        return 0

    def row_results(self, outputs: Floats, target: Floats) -> RowResults:
        """The loss of each example."""
        with torch.no_grad():
            z = torch.from_numpy(np.ascontiguousarray(outputs)).reshape(len(outputs), *self.shape)
            losses = self.row_loss(z, torch.from_numpy(np.ascontiguousarray(target)))
        return RowResults(losses.numpy().astype(np.float32), None)

    def predictions(self, outputs: Floats) -> Vector:
        """The outputs."""
        return outputs.astype(np.float64)

    def outputs_of(self, predictions: Vector) -> Vector:
        """The outputs."""
        return predictions

    def constant(self, target: Floats, weight: Floats | None) -> Vector:
        """NaN: which constant a loss is lowest for is not known."""
        return np.full(self.n_outputs, np.nan)

    def spread(self, target: Floats, weight: Floats | None) -> float:
        """Nothing to measure it by."""
        return float("nan")

    def scores(self, losses: Vector, correct: Vector, spreads: Vector) -> Vector:
        """The negative loss."""
        return -losses

    def shortfalls(
        self, losses: Vector, correct: Vector | None, target: Floats, weight: Floats | None
    ) -> Vector:
        """What is missing to a score of 1."""
        return 1.0 + losses


def unwrapped(found: Any) -> Any:
    """The outputs among all that a module gives: its logits by that name, or the first of several things."""
    if hasattr(found, "logits"):
        return found.logits
    if isinstance(found, dict):
        return found.get("logits", next(iter(found.values()), None))
    return found[0] if isinstance(found, tuple) and found else found


def outputs_of(found: Any, objective: Objective, module: str) -> Tensor:
    """A module's outputs as the objective has them: shape (n, n_outputs); for an own loss as they are.

    Raises
    ------
    TrainingError
        Where their shape does not fit; it names both.
    """
    found = unwrapped(found)
    if not isinstance(found, Tensor):
        raise TrainingError(f"{module} gives {type(found).__name__}, and taut needs a tensor of outputs.")
    return found if isinstance(objective, OwnLoss) else _fitting(found, objective, module)


def check_rows(outputs: Tensor, n_rows: int, module: str) -> None:
    """Refuse outputs for another number of examples, which a loss may spread over all of them.

    Raises
    ------
    TrainingError
    """
    if not outputs.dim() or len(outputs) != n_rows:
        raise TrainingError(
            f"{module} gives outputs of shape {tuple(outputs.shape)} for {n_rows} examples: the first axis "
            "must count the examples."
        )


def as_rows(outputs: Tensor) -> Tensor:
    """Outputs as they are kept: shape (n, n_outputs), one number a row where they have no axis for them."""
    return outputs.reshape(len(outputs), -1).float().cpu()


def _fitting(found: Tensor, objective: Objective, module: str) -> Tensor:
    """Outputs of shape (n, n_outputs)."""
    n = objective.n_outputs
    if found.dim() == 1:
        found = found.unsqueeze(1)
    if objective.n_classes == 2 and found.dim() == 2 and found.shape[1] == 1:  # the log odds of the second
        found = torch.cat([torch.zeros_like(found), found], dim=1)
    if found.dim() != 2 or found.shape[1] != n:
        wanted = f"a logit for each of {n} classes" if objective.n_classes else f"{n} numbers a row"
        raise TrainingError(
            f"{module} gives outputs of shape {tuple(found.shape)}, and the target needs {wanted}: shape "
            f"({found.shape[0]}, {n})."
        )
    return found


def training_loss(
    outputs: Tensor, target: Tensor, weight: Tensor | None, objective: Objective, smoothing: float
) -> Tensor:
    """The mean loss that a step lowers.

    Parameters
    ----------
    outputs : tensor
        As :func:`outputs_of` gives them.
    target : tensor
        int64 classes, or numbers.
    weight : tensor, shape (n,), or None
    objective : Objective
    smoothing : float
        Share of the target that is spread evenly over all classes.
    """
    if isinstance(objective, CrossEntropy):
        if weight is None:
            mean: Tensor = F.cross_entropy(outputs, target, label_smoothing=smoothing)
            return mean
        rows = F.cross_entropy(outputs, target, reduction="none", label_smoothing=smoothing)
    elif isinstance(objective, OwnLoss):
        rows = objective.row_loss(outputs, target)
    else:
        assert isinstance(objective, SquaredError)
        rows = (outputs - target.reshape(outputs.shape)).square().mean(dim=1)
    return rows.mean() if weight is None else (rows * weight).mean()
