"""Objectives: what a network's outputs mean, what an example loses, and how good that is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating]
Vector: TypeAlias = NDArray[np.float64]
Task: TypeAlias = Literal["classification", "regression"]


class RowResults(NamedTuple):
    """What a network makes of some examples: shape (n,) each.

    Parameters
    ----------
    losses : float32
    correct : bool or None
        Whether their classes were right; None where there are no classes.
    """

    losses: NDArray[np.float32]
    correct: NDArray[np.bool_] | None


class Objective(ABC):
    """What is learned.

    Attributes
    ----------
    task : {"classification", "regression"}
        What saved files and scikit-learn call it.
    score_name : str
        What the score is called that people know beside the loss, greater is better; as scikit-learn writes
        it.
    score_title : str
        The same as people write it.
    score_points : str
        What follows its name where changes of it are shown, such as " points" of a hundred.
    loss_unit : str
        Such as "nats"; empty where it has none of its own.
    stratify : bool
        Whether folds keep the shares of the target's values.
    n_outputs : int
        Numbers that a network gives for an example.
    """

    task: ClassVar[Task]
    score_name: ClassVar[str]
    score_title: ClassVar[str]
    score_points: ClassVar[str] = ""
    loss_unit: ClassVar[str] = ""
    stratify: ClassVar[bool]
    n_outputs: int
    class_weighted: bool

    @property
    @abstractmethod
    def loss_name(self) -> str:
        """What the loss is called: a weighted one must not pass for the usual one."""

    @property
    def loss_title(self) -> str:
        """The loss with its unit, for an axis: ``cross-entropy (nats)``."""
        return f"{self.loss_name} ({self.loss_unit})" if self.loss_unit else self.loss_name

    @property
    def loss_in_words(self) -> str:
        """The loss with its unit, for a sentence: ``cross-entropy in nats``."""
        return f"{self.loss_name} in {self.loss_unit}" if self.loss_unit else self.loss_name

    @property
    @abstractmethod
    def n_classes(self) -> int:
        """Number of classes; 0 where the target is an amount."""

    def to_json(self) -> dict[str, object]:
        """Its task, and whether losses weigh each example by its class."""
        return {"task": self.task, "class_weighted": self.class_weighted}

    @abstractmethod
    def row_results(self, outputs: Floats, target: Floats) -> RowResults:
        """The loss of each example, and whether its class is right.

        Parameters
        ----------
        outputs : float array, shape (n, n_outputs)
            As :meth:`taut.learning.engine.Engine.predict` gives them.
        target : float array, shape (n,)
        """

    @abstractmethod
    def predictions(self, outputs: Floats) -> Vector:
        """What is averaged over several networks, such as probabilities: shape (n, n_outputs)."""

    @abstractmethod
    def outputs_of(self, predictions: Vector) -> Vector:
        """Outputs that give these predictions: the way back from an average."""

    @abstractmethod
    def constant(self, target: Floats, weight: Floats | None) -> Vector:
        """The outputs of the best constant: shape (n_outputs,).

        Parameters
        ----------
        target : float array, shape (n,)
            Of the examples that train.
        weight : float array, shape (n,), or None
            Of mean 1 over all examples.
        """

    @abstractmethod
    def spread(self, target: Floats, weight: Floats | None) -> float:
        """What a score is measured by: the loss of the best constant on these examples; NaN for none."""

    @abstractmethod
    def scores(self, losses: Vector, correct: Vector, spreads: Vector) -> Vector:
        """Scores from mean losses, shares of examples whose class is right, and spreads; any one shape."""

    @abstractmethod
    def shortfalls(
        self, losses: Vector, correct: Vector | None, target: Floats, weight: Floats | None
    ) -> Vector:
        """How much each example takes off a perfect score of 1: the weighted mean is ``1 - score``.

        Parameters
        ----------
        losses, correct : float64 array, shape (n_candidates, n_rows)
            ``correct`` is None where there are no classes.
        target : float array, shape (n_rows,)
        weight : float array, shape (n_rows,), or None
            In the loss.
        """


@final
@dataclass(frozen=True)
class CrossEntropy(Objective):
    """Classes: outputs are logits, the loss is cross-entropy in nats, the score accuracy.

    Formula: ``log(sum(exp(z))) - z[target]``.

    Parameters
    ----------
    n_outputs : int
        Number of classes; a target is the number of its class.
    class_weighted : bool
        Whether the examples' weights have those of their classes in them.
    """

    n_outputs: int
    class_weighted: bool = False

    task: ClassVar[Task] = "classification"
    score_name: ClassVar[str] = "accuracy"
    score_title: ClassVar[str] = "accuracy"
    score_points: ClassVar[str] = " points"
    loss_unit: ClassVar[str] = "nats"
    stratify: ClassVar[bool] = True

    @property
    def loss_name(self) -> str:
        """What the loss is called."""
        return "class-weighted cross-entropy" if self.class_weighted else "cross-entropy"

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.n_outputs

    def row_results(self, outputs: Floats, target: Floats) -> RowResults:
        """Cross-entropy of each example, and whether the largest logit is its class's."""
        z, codes = outputs.astype(np.float64), target.astype(np.intp)
        correct: NDArray[np.bool_] = z.argmax(axis=1) == codes
        z = z - z.max(axis=1, keepdims=True)
        own = z[np.arange(len(z)), codes]
        return RowResults((np.log(np.exp(z).sum(axis=1)) - own).astype(np.float32), correct)

    def predictions(self, outputs: Floats) -> Vector:
        """Probabilities: the softmax of the logits."""
        shifted = outputs.astype(np.float64)
        shifted -= shifted.max(axis=1, keepdims=True)
        np.exp(shifted, out=shifted)
        shifted /= shifted.sum(axis=1, keepdims=True)
        return shifted

    def outputs_of(self, predictions: Vector) -> Vector:
        """Logarithms of probabilities."""
        logits: Vector = np.log(np.maximum(predictions, np.finfo(np.float32).tiny))
        return logits

    def constant(self, target: Floats, weight: Floats | None) -> Vector:
        """Logarithms of the classes' weighted shares; a class without examples counts as half of one."""
        weights = None if weight is None else weight.astype(np.float64)
        n = len(target)
        shares = np.bincount(target.astype(np.intp), weights, minlength=self.n_outputs) / n
        logits: Vector = np.log(np.maximum(shares, 0.5 / n))
        return logits

    def spread(self, target: Floats, weight: Floats | None) -> float:
        """Accuracy is measured by nothing else."""
        return float("nan")

    def scores(self, losses: Vector, correct: Vector, spreads: Vector) -> Vector:
        """Accuracy."""
        return correct

    def shortfalls(
        self, losses: Vector, correct: Vector | None, target: Floats, weight: Floats | None
    ) -> Vector:
        """Whether the class is wrong."""
        assert correct is not None
        return 1.0 - correct


@final
@dataclass(frozen=True)
class SquaredError(Objective):
    """An amount: the output is its value, the loss the squared error, the score R squared."""

    n_outputs: int = 1
    class_weighted: ClassVar[bool] = False  # type: ignore[misc]

    task: ClassVar[Task] = "regression"
    score_name: ClassVar[str] = "r2"
    score_title: ClassVar[str] = "R²"
    stratify: ClassVar[bool] = False

    @property
    def loss_name(self) -> str:
        """What the loss is called."""
        return "squared error"

    @property
    def n_classes(self) -> int:
        """There are none."""
        return 0

    def row_results(self, outputs: Floats, target: Floats) -> RowResults:
        """The squared error of each example."""
        return RowResults(((outputs.astype(np.float64)[:, 0] - target) ** 2).astype(np.float32), None)

    def predictions(self, outputs: Floats) -> Vector:
        """The values themselves."""
        return outputs.astype(np.float64)

    def outputs_of(self, predictions: Vector) -> Vector:
        """The values themselves."""
        return predictions

    def constant(self, target: Floats, weight: Floats | None) -> Vector:
        """The weighted mean."""
        weights = None if weight is None else weight.astype(np.float64)
        return np.array([np.average(target.astype(np.float64), weights=weights)])

    def spread(self, target: Floats, weight: Floats | None) -> float:
        """The target's weighted variance."""
        y = target.astype(np.float64)
        return float(np.average((y - np.average(y, weights=weight)) ** 2, weights=weight))

    def scores(self, losses: Vector, correct: Vector, spreads: Vector) -> Vector:
        """R squared, ``1 - loss / spread``; NaN where the target is constant."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Vector = np.where(spreads > 0, 1.0 - losses / spreads, np.nan)
        return found

    def shortfalls(
        self, losses: Vector, correct: Vector | None, target: Floats, weight: Floats | None
    ) -> Vector:
        """Rows whose mean is ``1 - R**2``, and whose spread is that of the ratio that it is.

        ``l / V - mean(l) / V**2 * ((y - mean(y))**2 - V)``, ``V`` the target's variance: the ratio's value
        and its influence function (Hampel, 1974). NaN for a constant target.
        """
        known = np.isfinite(losses).all(axis=0)
        used = None if weight is None else weight[known]
        y = target.astype(np.float64)
        squares = (y - np.average(y[known], weights=used)) ** 2
        variance = float(np.average(squares[known], weights=used))
        if not variance > 0:
            return np.full_like(losses, np.nan)
        means = np.average(losses[:, known], axis=1, weights=used)[:, None]
        shares: Vector = losses / variance - means / variance**2 * (squares - variance)
        return shares


def objective_of(task: str, n_outputs: int, class_weighted: bool = False) -> Objective:
    """The objective that saved files and estimators call ``task``."""
    return CrossEntropy(n_outputs, class_weighted) if task == "classification" else SquaredError()


def loss_name(task: str, class_weighted: bool) -> str:
    """What the loss is called where only the task is known."""
    return objective_of(task, 1, class_weighted).loss_name
