"""What is predicted: a target as the user gives it, and as the engine sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, check_consistent_length, column_or_1d

from taut.errors import DataError, ParameterError
from taut.table.checks import fraction_labels, task_of
from taut.table.frame import NumberColumn, TextColumn
from taut.table.target import target_array, target_column, target_name

Task: TypeAlias = Literal["classification", "regression"]

# Losses are squared errors in the target's own units, and float64 has to hold their squares too.
_MOST_TARGET = 1e75


@final
@dataclass(frozen=True, eq=False)
class Target:
    """What is predicted, and in which units the engine sees it.

    Parameters
    ----------
    classes : array, shape (n_classes,), or None
        In sorted order; None for regression.
    origin, unit : float
        The engine's values are ``(y - origin) / unit``, so that float32 keeps their precision (regression).
    constant : bool
        Whether all training values are the same (regression).
    """

    classes: NDArray[Any] | None
    origin: float = 0.0
    unit: float = 1.0
    constant: bool = False

    @property
    def n_outputs(self) -> int:
        """Number of the network's outputs."""
        return 1 if self.classes is None else len(self.classes)

    @property
    def loss_unit(self) -> float:
        """What a loss of the engine is multiplied by to be in the target's own units."""
        return self.unit**2


def read_target(
    estimator: BaseEstimator, y: Any, task: Task, weight: NDArray[np.float64] | None
) -> tuple[Target, NDArray[np.float64]]:
    """The target, and its values as the engine sees them: class numbers, or values in the table's units.

    Rows with weight 0 do not affect the units.
    """
    read = {"classification": _read_classes, "regression": _read_amounts}[task]
    return read(checked_target(y, estimator), weight)


def _read_classes(y: NDArray[Any], _: object) -> tuple[Target, NDArray[np.float64]]:
    """Classes, and their numbers."""
    if y.dtype.kind not in "biufUO":  # refused before training: no model of these could be saved
        kind = y.dtype.type.__name__.rstrip("_")
        raise DataError(f"y holds values of the type {kind}: make them numbers or text.")
    if y.dtype == np.longdouble:
        y = y.astype(np.float64)
    classes, codes = np.unique(y, return_inverse=True)
    check_classification_targets(y)
    if len(classes) < 2:
        raise DataError(
            f"y has one class only, {plain(classes[0])!r}: a classifier needs two classes or more."
        )
    return Target(classes), codes.astype(np.float64)


def _read_amounts(y: NDArray[Any], weight: NDArray[np.float64] | None) -> tuple[Target, NDArray[np.float64]]:
    """An amount's units, and its values in them."""
    y = _amounts(y)
    if weight is None:
        target = _amount(y)
        return target, (y - target.origin) / target.unit
    check_consistent_length(y, weight)
    target = _amount(y[weight > 0])
    return target, (np.where(weight > 0, y, target.origin) - target.origin) / target.unit


def checked_target(y: Any, estimator: BaseEstimator | None = None) -> NDArray[Any]:
    """A target as an array (n_rows,) of booleans, finite numbers or text.

    Raises
    ------
    DataError
        If values are missing or masked, or of a kind that cannot be predicted.
    ValueError
        scikit-learn's own, if it is not one column, or not finite.
    """
    values = target_array(y)
    if np.ndim(values) != 1:
        values = target_array(column_or_1d(values, warn=True))
    checked: NDArray[Any] = _check_y(values, estimator=estimator)
    return checked


def choose_task(
    y: Any, task: Literal["auto"] | Task, *, class_weight: object = None
) -> tuple[NDArray[Any], Task, str]:
    """Decide whether a target is classes or an amount, as the command line does.

    Returns
    -------
    y : array (n_rows,)
        For an estimator of that task.
    task : "classification" or "regression"
    why : str

    Raises
    ------
    DataError
        See :func:`checked_target`.
    ParameterError
        If there are class weights, and the target is an amount.
    """
    values = checked_target(y)
    found, why = task, "as asked for"
    if found == "auto":
        column = target_column(values, target_name(y))
        found, why = task_of(column)
        if isinstance(column, TextColumn) and values.dtype.kind in "iu":
            why = f"the target is {len(np.unique(values)):,} integers of more figures than a number holds"
    if found == "classification":
        return (fraction_labels(values) if values.dtype.kind == "f" else values), found, why
    if class_weight is not None:
        raise ParameterError("class_weight is for classes, and y is an amount: leave it out.")
    return values, found, why


def _amounts(y: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers, also those that are written as text, as in a file."""
    if y.dtype.kind not in "OU":
        return y.astype(np.float64)
    column = target_column(y)
    if not isinstance(column, NumberColumn):
        raise DataError(f"y holds text, such as {plain(y[0])!r}, and regression needs numbers.")
    odd = y[column.missing]
    if len(odd):
        raise DataError(f"y has text among its numbers, such as {plain(odd[0])!r}: leave out those rows.")
    return column.values


def plain(value: Any) -> Any:
    """A value of an array as a person would write it."""
    return value.item() if isinstance(value, np.generic) else value


def _amount(y: NDArray[np.float64]) -> Target:
    """Units in which float32 keeps the figures that differ."""
    low, high = float(y.min()), float(y.max())
    if low == high:
        return Target(None, low, 1.0, constant=True)
    most = max(abs(low), abs(high))
    if most > _MOST_TARGET:
        raise DataError(
            f"y has values as far from 0 as {most:.3g}, and their squares overflow: change its unit."
        )
    origin, span = float(np.mean(y)), high - low
    # By way of the span, because squares of very small values vanish.
    return Target(None, origin, span * float(np.std((y - origin) / span)) or span)


def encode_target(target: Target, y: Any, estimator: BaseEstimator) -> NDArray[np.float64]:
    """Values of another target (a validation set's) as the engine sees them."""
    y = checked_target(y, estimator)
    if target.classes is None:
        return (_amounts(y) - target.origin) / target.unit
    same_kind = (y.dtype.kind in "OU") == (target.classes.dtype.kind in "OU")
    known = np.isin(y, target.classes) if same_kind else np.zeros(len(y), dtype=bool)
    if not known.all():
        raise DataError(f"y_val has a class that y has not: {plain(y[~known][0])!r}.")
    codes: NDArray[np.intp] = np.searchsorted(target.classes, y)
    return codes.astype(np.float64)
