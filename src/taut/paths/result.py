"""A regularization path: the result of each strength, and which one to take."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut import handed_in
from taut.evidence.interval import Interval
from taut.evidence.simple_baselines import SimpleBaseline
from taut.learning.architecture import MLP, Architecture
from taut.learning.objective import Objective
from taut.learning.training import Curve
from taut.paths.plane import Plane
from taut.recipe import Recipe
from taut.selection.score import is_within_chance, paired_change, standard_error
from taut.selection.weights import N_BINS
from taut.techniques.base import Technique

if TYPE_CHECKING:
    import plotly.graph_objects

AxisKind: TypeAlias = Literal["strength", "epoch", "switch"]
Vector: TypeAlias = NDArray[np.float64]

NAN = float("nan")


@final
@dataclass(frozen=True, eq=False)
class PathPoint:
    """One strength of a path; all numbers are NaN if it failed.

    Losses are means over the folds, without penalties and in evaluation mode: cross-entropy in nats, or
    squared error in the target's own units. Each fold is scored at the epoch that is best on the other folds.

    Parameters
    ----------
    strength : float
        0 is off. On early stopping's own path, the epoch.
    recipe : Recipe
        What the networks were trained with. On early stopping's own path it has no early stopping: the
        network of a point is the recipe's with ``max_epochs=point.epochs``.
    train_losses, validation_losses, scores : float64 array, shape (n_folds,)
        The score is accuracy, or R squared.
    zero_share, weight_norm, n_nonzero : float
        Share of weights that are exactly zero, L2 norm of all weights, number of weights that are not zero:
        means over the folds, without biases and the like. They are measured at the end of training: if a
        technique is strong, early stopping goes back to an epoch before it took effect.
    kept_zero_share : float
        Share of zeros in the weights that early stopping goes back to, mean over the folds.
    epochs : int
        The epoch that is best on all folds' mean curve; 0 if it failed.
    failed : str
        Why it has no figures ("diverged"); empty otherwise.
    curves : tuple of Curve
        The folds' losses by epoch, as far as they were trained; those of one network where the points are
        epochs.
    weight_counts : int64 array, shape (N_BINS + 1,)
        Weights of all folds by size, and at the end how many are exactly zero; see
        :mod:`taut.selection.weights`.
    n_repeats : int
        How often the folds hold a row out; repetitions add no rows to a standard error.
    predictions : float64 array, shape (n_points, n_outputs), or None
        The folds' predictions on the path's plane: mean of their probabilities or values.
    """

    strength: float
    recipe: Recipe
    train_losses: Vector
    validation_losses: Vector
    scores: Vector
    zero_share: float
    kept_zero_share: float
    weight_norm: float
    n_nonzero: float
    epochs: int
    failed: str = ""
    curves: tuple[Curve, ...] = ()
    weight_counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(N_BINS + 1, dtype=np.int64))
    n_repeats: int = 1
    predictions: Vector | None = None

    @property
    def train_loss(self) -> float:
        """Mean training loss."""
        return float(np.mean(self.train_losses))

    @property
    def train_loss_se(self) -> float:
        """Standard error of the mean training loss over the folds; NaN with one fold."""
        return standard_error(self.train_losses, self.n_repeats)

    @property
    def validation_loss(self) -> float:
        """Mean validation loss."""
        return float(np.mean(self.validation_losses))

    @property
    def validation_loss_se(self) -> float:
        """Standard error of the mean validation loss over the folds; NaN with one fold."""
        return standard_error(self.validation_losses, self.n_repeats)

    @property
    def gap(self) -> float:
        """Validation loss minus training loss: how much the network has memorized."""
        return self.validation_loss - self.train_loss

    @property
    def score(self) -> float:
        """Mean accuracy, or R squared."""
        return float(np.mean(self.scores))

    @property
    def score_se(self) -> float:
        """Standard error of the mean score over the folds; NaN with one fold."""
        return standard_error(self.scores, self.n_repeats)


@final
@dataclass(frozen=True)
class Gain:
    """The difference between two points, paired over the folds so that the folds' own differences cancel.

    Parameters
    ----------
    share : float
        By which share of the other's validation loss it is lower.
    difference : float
        Mean over the folds of the other's validation loss minus its own.
    standard_error : float
        Of that mean; NaN with one fold.
    low, high : float
        95 % interval of the share; NaN with one fold.
    """

    share: float
    difference: float
    standard_error: float
    low: float
    high: float

    @property
    def within_chance(self) -> bool | None:
        """Whether the 95 % interval contains zero; None if there is no interval."""
        return is_within_chance(self.low, self.high)

    @property
    def interval(self) -> Interval:
        """The share with its 95 % interval."""
        return Interval(self.share, self.low, self.high)


@final
@dataclass(frozen=True, eq=False)
class RegularizationPath:
    """One technique over a grid of strengths, cross-validated; see :func:`taut.regularization_path`.

    Parameters
    ----------
    technique : type of Technique
    axis : {"strength", "epoch", "switch"}
        What the strengths are: early stopping's are epochs, an on/off technique's 0 and 1.
    objective : Objective
    points : tuple of PathPoint
        By strength, off first; on early stopping's own path by epoch, and off, which is no early stopping,
        is the last one.
    best_index, one_se_index, off_index : int
        Indices in ``points``; see :attr:`best`, :attr:`one_se` and :attr:`off`.
    column_names : tuple of str
        The table's columns that the network sees.
    column_norms : float64 array, shape (n_points, n_columns)
        L2 norm of the weights between a column's features and the first hidden layer, at the end of training,
        mean over the folds. A category's features and a missing flag belong to their column. A column whose
        norm is 0 is not used.
    top : float or None
        The smallest strength that makes every weight zero, if the technique has one and it was searched for.
    n_folds : int
    architecture : Architecture
    learning_rate : float
    batch_size : int
    max_epochs : int
    interrupted : bool
        Whether Ctrl+C ended it: unfinished strengths are left out.
    seconds : float
        How long it took, without the one-time compilation.
    plane : Plane or None
        Of a table with two columns of numbers: where the networks predicted.
    why : str
        Why it is that objective.
    simple : tuple of SimpleBaseline
        A constant, and a linear model, with what the best point's networks gain over each: an interval over
        the folds, not corrected for having picked the best.

    Attributes
    ----------
    table : dict of arrays
        All figures by name, as in scikit-learn's ``cv_results_``.
    """

    technique: type[Technique]
    axis: AxisKind
    objective: Objective
    points: tuple[PathPoint, ...]
    best_index: int
    one_se_index: int
    off_index: int
    column_names: tuple[str, ...]
    column_norms: Vector
    top: float | None
    n_folds: int
    architecture: Architecture
    learning_rate: float
    batch_size: int
    max_epochs: int
    interrupted: bool
    seconds: float
    plane: Plane | None = None
    why: str = ""
    simple: tuple[SimpleBaseline, ...] = ()

    @property
    def task(self) -> str:
        """Classification or regression."""
        return self.objective.task

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.architecture.widths

    @property
    def activation(self) -> str:
        """After each hidden layer; empty without a choice of it."""
        return self.architecture.activation if isinstance(self.architecture, MLP) else ""

    @property
    def best(self) -> PathPoint:
        """The point with the lowest mean validation loss; it may be off."""
        return self.points[self.best_index]

    @property
    def one_se(self) -> PathPoint:
        """The most regularized point whose loss is within one standard error of the best one's.

        The strongest one; on early stopping's own path the earliest epoch; for an on/off technique the best.
        Source: Breiman, Friedman, Olshen & Stone (1984), section 3.4.3.
        """
        return self.points[self.one_se_index]

    @property
    def off(self) -> PathPoint:
        """Without the technique: early stopping alone, or on early stopping's own path the last epoch."""
        return self.points[self.off_index]

    @property
    def failed(self) -> tuple[PathPoint, ...]:
        """The points without figures."""
        return tuple(point for point in self.points if point.failed)

    @property
    def score_name(self) -> str:
        """What the score is."""
        return self.objective.score_title

    @property
    def loss_name(self) -> str:
        """What the loss is."""
        return self.objective.loss_name

    @property
    def table(self) -> dict[str, NDArray[Any]]:
        """All figures by name, one row per point.

        Returns
        -------
        dict of arrays, each of shape (n_points,)
            ``strength``, ``train_loss``, ``train_loss_se``, ``validation_loss``, ``validation_loss_se``,
            ``gap``, ``score``, ``score_se``, ``zero_share``, ``kept_zero_share``, ``weight_norm``,
            ``n_nonzero``, ``epochs``, ``failed``, then by fold ``split0_validation_loss`` and so on.
        """
        found = {
            name: np.array([getattr(point, name) for point in self.points])
            for name in (
                "strength", "train_loss", "train_loss_se", "validation_loss", "validation_loss_se", "gap",
                "score", "score_se", "zero_share", "kept_zero_share", "weight_norm", "n_nonzero", "epochs",
                "failed",
            )
        }  # fmt: skip
        for k in range(self.n_folds):
            found[f"split{k}_validation_loss"] = np.array(
                [point.validation_losses[k] for point in self.points]
            )
        return found

    def gain(self, point: PathPoint | None = None) -> Gain:
        """Compare a point (by default the best) with off, paired over the folds."""
        point = self.best if point is None else point
        return Gain(*paired_change(point.validation_losses, self.off.validation_losses, point.n_repeats))

    def to_frame(self) -> Any:
        """Give the table as a pandas data frame, one row per point.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_frame() needs pandas, which is not installed: pip install pandas, or use path.table."
            ) from error
        return pandas.DataFrame(self.table)

    def plot(self) -> plotly.graph_objects.Figure:
        """Draw the path: validation loss with error bars, training loss, the best and the one-SE strength.

        If the technique makes zeros, the columns' weights are drawn below: they go to zero one by one.

        Returns
        -------
        plotly.graph_objects.Figure
        """
        return handed_in.figure(self)

    def __repr__(self) -> str:
        task = f"{self.task} ({self.why}), " if self.why else ""
        return (
            f"RegularizationPath({self.technique.name}, {task}{len(self.points)} points, "
            f"best {self.best.strength:.4g}, one_se {self.one_se.strength:.4g})"
        )


def best_of(points: tuple[PathPoint, ...] | list[PathPoint]) -> int | None:
    """Find the index of the lowest mean validation loss; None if every point failed."""
    losses = [point.validation_loss for point in points]
    scored = [i for i, loss in enumerate(losses) if math.isfinite(loss)]
    return min(scored, key=losses.__getitem__, default=None)


def one_se_of(points: tuple[PathPoint, ...] | list[PathPoint], best: int, axis: AxisKind) -> int:
    """Find the index of the most regularized point within one standard error of the best.

    Parameters
    ----------
    points : sequence of PathPoint
        By rising strength, or by epoch.
    best : int
    axis : {"strength", "epoch", "switch"}
        Which end is the most regularized: the strongest, the earliest, or none.
    """
    limit = points[best].validation_loss + points[best].validation_loss_se
    if axis == "switch" or math.isnan(limit):
        return best
    within = [i for i, point in enumerate(points) if point.validation_loss <= limit]
    return within[0] if axis == "epoch" else within[-1]
