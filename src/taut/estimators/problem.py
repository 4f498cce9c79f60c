"""From what a person hands to ``fit`` to what the engine trains on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from taut.errors import DataError, DataWarning
from taut.parameters import real
from taut.selection.folds import Split
from taut.table.columns import describe
from taut.table.convert import frame_from
from taut.table.duplicates import duplicate_groups
from taut.table.frame import Frame
from taut.table.matrices import Matrix, matrix, matrix_from_numbers
from taut.table.schema import Schema

ClassWeight = Mapping[Any, float] | Literal["balanced"] | None

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
    alike: NDArray[np.integer]  # identical rows that chance would not repeat share a number
    n_identical: int  # further rows that are identical to an earlier one, as chance repeats them

    @property
    def weight(self) -> NDArray[np.floating] | None:
        """Weights of the training rows, without those of their classes; None where all count once."""
        return None if self.data.score_weight is None else self.data.score_weight[: self.n_train]

    @property
    def n_counted(self) -> int:
        """Training rows with a weight above 0."""
        return self.n_train if self.weight is None else int(np.count_nonzero(self.weight))


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of some library, rather than an array."""
    if isinstance(X, np.ndarray) or not hasattr(type(X), "columns"):
        return False
    import narwhals

    try:
        found = narwhals.from_native(X, pass_through=True)
    except narwhals.exceptions.DuplicateError as error:
        raise DataError(
            f"X has columns with the same name: {' '.join(str(error).split())}; rename them."
        ) from error
    if isinstance(found, narwhals.LazyFrame):
        raise DataError("X is a lazy frame, whose rows are not in memory: collect it, and give the result.")
    return isinstance(found, narwhals.DataFrame)


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
        if schema is None:
            schema = describe(frame)
        elif not hasattr(estimator, "feature_names_in_"):
            frame = _by_position(frame, schema)
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


def _by_position(frame: Frame, schema: Schema) -> Frame:
    """The frame for a model of an array, whose columns have numbers and no names; scikit-learn has warned.

    A frame that has the schema's names after all, such as whole numbers, is taken by them.
    """
    names = [column.name for column in schema.columns]
    if set(names) <= set(frame.names):
        return frame
    columns = (replace(column, name=name) for column, name in zip(frame.columns, names, strict=True))
    return replace(frame, columns=tuple(columns))


def _check_rows(n_rows: int, least: int) -> None:
    if n_rows < least:
        raise ValueError(f"Found array with {n_rows} sample(s) while a minimum of {least} is required.")


def read_target(
    estimator: BaseEstimator, y: Any, task: str, weight: NDArray[np.float64] | None
) -> tuple[Target, NDArray[np.float64]]:
    """The target, and its values as the engine sees them: class numbers, or values in the table's units.

    Rows with weight 0 have no say in the units.
    """
    if hasattr(y, "isna") and np.any(y.isna()):  # pandas' NA has no truth value, and checks stumble over it
        raise DataError("y has missing values: leave out those rows.")
    if task == "classification":
        y = _check_y(y, estimator=estimator)
        classes, codes = _classes(y)
        check_classification_targets(y)
        if len(classes) < 2:
            raise DataError(
                f"y has one class only, {_plain(classes[0])!r}: a classifier needs two classes or more."
            )
        return Target(classes), codes.astype(np.float64)
    y = _check_y(y, y_numeric=True, estimator=estimator).astype(np.float64)
    if weight is None:
        target = _amount(y)
        return target, (y - target.origin) / target.unit
    check_consistent_length(y, weight)
    target = _amount(y[weight > 0])
    return target, (np.where(weight > 0, y, target.origin) - target.origin) / target.unit


def _classes(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    if y.dtype == object and any(v is None or v != v for v in y):
        raise DataError("y has missing values: leave out those rows, or give them a class of their own.")
    try:
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError:
        kinds = sorted({type(v).__name__ for v in y})
        raise DataError(f"y mixes {' and '.join(kinds)}: make all classes text, or all numbers.") from None
    return classes, codes


def _plain(value: Any) -> Any:
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


def encode_target(target: Target, y: Any, task: str, estimator: BaseEstimator) -> NDArray[np.float64]:
    """Values of another target (a validation set's) as the engine sees them."""
    if target.classes is None:
        y = _check_y(y, y_numeric=True, estimator=estimator).astype(np.float64)
        return (y - target.origin) / target.unit  # type: ignore[no-any-return]
    y = _check_y(y, estimator=estimator)
    known = np.isin(y, target.classes)
    if not known.all():
        raise DataError(f"y_val has a class that y has not: {_plain(np.asarray(y)[~known][0])!r}.")
    codes: NDArray[np.intp] = np.searchsorted(target.classes, y)
    return codes.astype(np.float64)


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
    n = features.n_rows
    weight = _weights(sample_weight, features.values, "sample_weight")
    target, values = read_target(estimator, y, task, weight)
    check_consistent_length(features.values, values)
    alike, n_identical = duplicate_groups(features)
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
        each = _class_weights(class_weight, target.classes, values[:n].astype(np.intp))
        fit_weight = each[values.astype(np.intp)] * (1.0 if weight is None else weight)
        if not np.any(fit_weight[:n] > 0):
            raise DataError("class_weight leaves no row with a weight above 0: raise that of a class.")
    data = Data(
        values=features.values,
        target=values,
        task=task,
        n_outputs=target.n_outputs,
        fit_weight=None if fit_weight is None else _mean_one(fit_weight),
        score_weight=None if weight is None else _mean_one(weight),
    )
    return Problem(schema, features, data, target, n, alike, n_identical)


def warn_of_absent_classes(problem: Problem, splits: Sequence[Split]) -> None:
    """Say which classes no training row of some fold has; their rows are held out and cannot be got right.

    Warns
    -----
    DataWarning
        Where there are such classes.
    """
    classes = problem.target.classes
    if classes is None:
        return
    codes = problem.data.target.astype(np.intp)
    present = [np.bincount(codes[split.train], minlength=len(classes)) > 0 for split in splits]
    n_absent = len(splits) - np.sum(present, axis=0)
    absent = np.flatnonzero(n_absent)
    if len(absent):
        named = ", ".join(f"{_plain(classes[i])!r} ({n_absent[i]} of {len(splits)})" for i in absent[:3])
        more = f" and {len(absent) - 3:,} more" if len(absent) > 3 else ""
        text = f"some folds have no training row of these classes: {named}{more}; they cannot learn them"
        warnings.warn(
            f"{text}. Take another cv or other groups, or join these classes with others.",
            DataWarning,
            stacklevel=4,
        )


def _mean_one(weight: NDArray[np.float64]) -> NDArray[np.float32]:
    """Only ratios of weights count, so their size must not meet the limits of float32.

    One is the mean of those above 0, so that weights of 0 and 1 stay what they are.
    """
    shares = weight / np.max(weight)
    return (shares / np.mean(shares[shares > 0])).astype(np.float32)


def _class_weights(given: ClassWeight, classes: NDArray[Any], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """A weight for each class."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            real(f"class_weight of the class {_plain(name)!r}", value)
    weights: NDArray[np.float64] = compute_class_weight(given, classes=classes, y=classes[codes])
    return weights


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
