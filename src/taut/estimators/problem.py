"""From what a person hands to ``fit`` to what the engine trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    validate_data,
)

from taut.engine.base import Data
from taut.errors import DataError
from taut.table.checks import duplicate_groups
from taut.table.columns import describe
from taut.table.convert import frame_from
from taut.table.frame import Frame
from taut.table.matrices import Matrix, matrix, matrix_from_numbers
from taut.table.schema import Schema

ClassWeight = Mapping[Any, float] | Literal["balanced"] | None


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
        """Numbers that the network puts out."""
        return 1 if self.classes is None else len(self.classes)


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """A training table, ready for the engine; validation rows that were given stand behind the others."""

    schema: Schema
    matrix: Matrix
    data: Data
    target: Target
    n_train: int
    alike: NDArray[np.integer]


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of some library, rather than an array."""
    if isinstance(X, np.ndarray) or not hasattr(X, "columns"):
        return False
    import narwhals

    return isinstance(narwhals.from_native(X, pass_through=True, eager_only=True), narwhals.DataFrame)


def read_features(estimator: BaseEstimator, X: Any, schema: Schema | None) -> tuple[Schema, Matrix]:
    """X as a matrix: described where no schema is given, else by the schema of the training rows.

    A :class:`~taut.table.frame.Frame` (a file that was read) is matched by its columns' names, and an
    infinity in it is a missing value; data frames and arrays are checked as scikit-learn checks them.

    Raises
    ------
    ValueError
        scikit-learn's own, where X is not what it should be.
    """
    new = schema is None
    if isinstance(X, Frame):
        _check_rows(X.n_rows, 2 if new else 1)
        if new:
            estimator.feature_names_in_ = np.array(X.names, dtype=object)
            estimator.n_features_in_ = len(X.names)
        schema = describe(X) if schema is None else schema
        return schema, matrix(schema, X, strict=False)
    if is_frame(X):
        validate_data(estimator, X, reset=new, skip_check_array=True)
        frame = frame_from(X)
        _check_rows(frame.n_rows, 2 if new else 1)
        schema = describe(frame) if schema is None else schema
        return schema, matrix(schema, frame, strict=True)
    X = validate_data(
        estimator,
        X,
        reset=new,
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan",
        ensure_min_samples=2 if new else 1,
        order="C",
    )
    if schema is not None and any(column.kind not in ("number", "dropped") for column in schema.columns):
        raise DataError(
            "the model was trained on a data frame with columns that are not numbers; predict on a data "
            "frame with the same columns."
        )
    return matrix_from_numbers(X, schema)


def _check_rows(n_rows: int, least: int) -> None:
    if n_rows < least:
        raise ValueError(f"Found array with {n_rows} sample(s) while a minimum of {least} is required.")


def read_target(estimator: BaseEstimator, y: Any, task: str) -> tuple[Target, NDArray[np.float64]]:
    """The target, and its values as the engine sees them: class numbers, or values in the table's units."""
    if task == "classification":
        y = _check_y(y, estimator=estimator)
        check_classification_targets(y)
        classes, codes = _classes(y)
        if len(classes) < 2:
            raise DataError(f"y has one class only, {classes[0]!r}: a classifier needs two classes or more.")
        return Target(classes), codes.astype(np.float64)
    y = _check_y(y, y_numeric=True, estimator=estimator).astype(np.float64)
    origin, unit = float(np.mean(y)), float(np.std(y))
    constant = bool(np.ptp(y) == 0)
    if constant or not np.isfinite(unit) or unit == 0.0:
        unit = max(1.0, float(np.max(np.abs(y - origin)))) if not constant else 1.0
        origin = float(y[0]) if constant else origin
    target = Target(None, origin, unit, constant)
    return target, (y - target.origin) / target.unit


def _classes(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    missing = y.dtype == object and any(v is None or v != v for v in y)
    if missing:
        raise DataError("y has missing values: leave out those rows, or give them a class of their own.")
    try:
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError:
        kinds = sorted({type(v).__name__ for v in y})
        raise DataError(f"y mixes {' and '.join(kinds)}: make all classes text, or all numbers.") from None
    return classes, codes


def encode_target(target: Target, y: Any, task: str, estimator: BaseEstimator) -> NDArray[np.float64]:
    """Values of another target (a validation set's) as the engine sees them."""
    if target.classes is None:
        y = _check_y(y, y_numeric=True, estimator=estimator).astype(np.float64)
        return (y - target.origin) / target.unit  # type: ignore[no-any-return]
    y = _check_y(y, estimator=estimator)
    known = np.isin(y, target.classes)
    if not known.all():
        raise DataError(f"y_val has a class that y has not: {np.unique(np.asarray(y)[~known])[0]!r}.")
    return np.searchsorted(target.classes, y).astype(np.float64)


def make_problem(
    estimator: BaseEstimator,
    task: Literal["classification", "regression"],
    X: Any,
    y: Any,
    sample_weight: Any,
    class_weight: ClassWeight,
    validation: tuple[Any, Any, Any] | None,
) -> Problem:
    """Check everything that ``fit`` is given, and put it together."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    schema, features = read_features(estimator, X, None)
    target, values = read_target(estimator, y, task)
    n = features.n_rows
    check_consistent_length(features.values, values)
    weight = _weights(sample_weight, features.values, "sample_weight")
    alike, _ = duplicate_groups(features)
    if validation is not None:
        X_val, y_val, weight_val = validation
        _, more = read_features(estimator, X_val, schema)
        more_values = encode_target(target, y_val, task, estimator)
        check_consistent_length(more.values, more_values)
        more_weight = _weights(weight_val, more.values, "sample_weight_val")
        features = _stacked(features, more)
        values = np.concatenate([values, more_values])
        if weight is not None or more_weight is not None:
            first = np.ones(n) if weight is None else weight
            weight = np.concatenate(
                [first, np.ones(len(more_values)) if more_weight is None else more_weight]
            )
    fit_weight = weight
    if target.classes is not None and class_weight is not None:
        labels = target.classes[values[:n].astype(np.intp)]
        each = compute_class_weight(class_weight, classes=target.classes, y=labels)
        fit_weight = each[values.astype(np.intp)] * (1.0 if weight is None else weight)
    data = Data(
        values=features.values,
        target=values.astype(np.float32),
        task=task,
        n_outputs=target.n_outputs,
        fit_weight=None if fit_weight is None else _mean_one(fit_weight),
        score_weight=None if weight is None else _mean_one(weight),
    )
    return Problem(schema, features, data, target, n, alike)


def _mean_one(weight: NDArray[np.float64]) -> NDArray[np.float32]:
    """Only ratios of weights count, so their size must not meet the limits of float32."""
    return (weight / np.mean(weight)).astype(np.float32)


def _weights(weight: Any, values: Any, name: str) -> NDArray[np.float64] | None:
    if weight is None:
        return None
    checked: NDArray[np.float64] = _check_sample_weight(
        weight, values, dtype=np.float64, ensure_non_negative=True
    )
    if not np.any(checked > 0):
        raise DataError(f"{name} is zero for every row: at least one row needs a weight above 0.")
    return checked


def _stacked(first: Matrix, second: Matrix) -> Matrix:
    values = np.concatenate([first.values, second.values])
    return Matrix(values, first.names, first.n_numbers, first.levels, first.notes + second.notes)
