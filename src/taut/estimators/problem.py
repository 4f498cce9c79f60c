"""From what the user hands to ``fit`` to what the engine trains on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    validate_data,
)

from taut.errors import DataError, DataWarning
from taut.estimators.target import Target, encode_target, plain, read_target
from taut.evidence.importance import Owners
from taut.learning.architecture import MLP
from taut.learning.objective import objective_of
from taut.learning.problem import Problem
from taut.parameters import real
from taut.selection.folds import Split
from taut.table.columns import describe
from taut.table.convert import as_text_for, frame_from, without_index
from taut.table.duplicates import duplicate_groups
from taut.table.examples import TableExamples
from taut.table.frame import Frame
from taut.table.levels import NOT_TOLD_APART
from taut.table.matrices import Matrix, matrix, matrix_from_numbers
from taut.table.schema import Schema

ClassWeight = Mapping[Any, float] | Literal["balanced"] | None


@final
@dataclass(frozen=True, eq=False)
class TableProblem:
    """A training table, ready for the engine; given validation rows come after the others."""

    schema: Schema
    matrix: Matrix
    problem: Problem
    target: Target
    n_train: int
    duplicates: NDArray[np.integer]  # identical rows that chance would not repeat share a number
    n_identical: int  # further rows that are identical to an earlier one, as chance repeats them

    @property
    def weight(self) -> NDArray[np.floating] | None:
        """Weights of the training rows, without those of their classes; None where all count once."""
        weight = self.problem.row_weight
        return None if weight is None else weight[: self.n_train]

    @property
    def owners(self) -> Owners:
        """The person's columns, and which of them each column of the matrix belongs to."""
        return Owners(tuple(column.name for column in self.schema.kept), self.schema.owners)

    def n_weights(self, architecture: MLP) -> int:
        """About how many numbers a network learns, by the table's columns: before they are encoded."""
        network = architecture.network(self.matrix.values.shape[1], self.target.n_outputs)
        return network.n_parameters(batch_norm=False)

    @property
    def n_counted(self) -> int:
        """Training rows with a weight above 0."""
        return self.n_train if self.weight is None else int(np.count_nonzero(self.weight))


class TrainingTable(BaseEstimator):
    """The estimator on which scikit-learn keeps a table's columns, and that its errors name.

    When an estimator is fitted, it is that estimator.
    """


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
        scikit-learn's own, if X is not what it should be.
    """
    new = schema is None
    if isinstance(X, Frame):
        _check_rows(X.n_rows, 2 if new else 1)
        if new:
            X.check()
            estimator.feature_names_in_ = np.array(X.names, dtype=object)
            estimator.n_features_in_ = len(X.names)
        schema, X = (describe(X), X) if schema is None else (schema, as_text_for(schema, X))
        return schema, matrix(schema, X, strict=False)
    if is_frame(X):
        if new or hasattr(estimator, "feature_names_in_"):
            X = without_index(X, None if new else estimator.feature_names_in_)
        validate_data(estimator, X, reset=new, skip_check_array=True)
        frame = frame_from(X, schema)
        _check_rows(frame.n_rows, 2 if new else 1)
        if schema is None:
            schema = describe(frame)
        elif not hasattr(estimator, "feature_names_in_"):
            frame = _by_position(frame, schema)
        return schema, matrix(schema, frame, strict=True)
    if isinstance(X, np.ma.MaskedArray) and X.dtype.kind in "biufO":  # what is masked is missing
        X = np.ma.filled(X.astype(np.result_type(X.dtype, np.float32)), np.nan)
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


def make_problem(
    estimator: BaseEstimator,
    task: Literal["classification", "regression"],
    X: Any,
    y: Any,
    sample_weight: Any,
    class_weight: ClassWeight,
    validation: tuple[Any, Any, Any] | None,
) -> TableProblem:
    """Check everything that ``fit`` is given, and put it together.

    Warns
    -----
    DataWarning
        If all values of an amount are the same.
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    schema, features = read_features(estimator, X, None)
    n = features.n_rows
    weight = _weights(sample_weight, features.values, "sample_weight")
    target, values = read_target(estimator, y, task, weight)
    check_consistent_length(features.values, values)
    groups, n_identical = duplicate_groups(features)
    if validation is not None:
        X_val, y_val, weight_val = validation
        _, more = read_features(estimator, X_val, schema)
        warn_of_unknown_values(more)
        more_values = encode_target(target, y_val, estimator)
        check_consistent_length(more.values, more_values)
        more_weight = _weights(weight_val, more.values, "sample_weight_val")
        features = _stacked(features, more)
        values = np.concatenate([values, more_values])
        if weight is not None or more_weight is not None:
            first = np.ones(n) if weight is None else weight
            weight = np.concatenate(
                [first, np.ones(len(more_values)) if more_weight is None else more_weight]
            )
    whole = weight
    if target.classes is not None and class_weight is not None:
        each = _class_weights(class_weight, target.classes, values[:n].astype(np.intp))
        whole = each[values.astype(np.intp)] * (1.0 if weight is None else weight)
        if not np.any(whole[:n] > 0):
            raise DataError("class_weight leaves no row with a weight above 0: raise that of a class.")
        weight = np.ones(len(values)) if weight is None else weight
    accuracy_weight = None if whole is weight or weight is None else _mean_one(weight)
    problem = Problem(
        examples=TableExamples(features),
        target=values,
        objective=objective_of(task, target.n_outputs, accuracy_weight is not None),
        fit_weight=None if whole is None else _mean_one(whole),
        # Stopping, the race and the choice use the loss that was asked for, with the classes' weights.
        score_weight=None if whole is None else _mean_one(whole),
        accuracy_weight=accuracy_weight,
    )
    if target.constant:
        warnings.warn(
            f"y is {target.origin:g} in every row: there is nothing to learn, and that is what is predicted.",
            DataWarning,
            stacklevel=4,
        )
    return TableProblem(schema, features, problem, target, n, groups, n_identical)


def warn_of_absent_classes(table: TableProblem, splits: Sequence[Split], *, stacklevel: int) -> None:
    """Warn of classes that some fold has no training row of: it cannot predict their held-out rows.

    Warns
    -----
    DataWarning
        If there are such classes.
    """
    classes = table.target.classes
    if classes is None:
        return
    codes = table.problem.target.astype(np.intp)
    present = [np.bincount(codes[split.train], minlength=len(classes)) > 0 for split in splits]
    n_absent = len(splits) - np.sum(present, axis=0)
    absent = np.flatnonzero(n_absent)
    if len(absent):
        named = ", ".join(f"{plain(classes[i])!r} ({n_absent[i]} of {len(splits)})" for i in absent[:3])
        more = f" and {len(absent) - 3:,} more" if len(absent) > 3 else ""
        text = f"some folds have no training row of these classes: {named}{more}; they cannot learn them"
        warnings.warn(
            f"{text}. Take another cv or other groups, or join these classes with others.",
            DataWarning,
            stacklevel=stacklevel + 1,
        )


def warn_of_unknown_values(table: Matrix) -> None:
    """Warn, once for all columns, of categories' values that training did not have.

    Warns
    -----
    DataWarning
        If there are such.
    """
    found = [str(note) for note in table.notes if NOT_TOLD_APART in note.what]
    if found:
        more = f" So do {len(found) - 3:,} more columns." if len(found) > 3 else ""
        why = "Training did not have these values, or too rarely to tell them apart."
        warnings.warn(f"{' '.join(found[:3])}{more} {why}", DataWarning, stacklevel=5)


def _mean_one(weight: NDArray[np.float64]) -> NDArray[np.float32]:
    """Scale weights: only their ratios count, and their size must not meet the limits of float32.

    The mean of those above 0 becomes 1, so that weights of 0 and 1 stay what they are.
    """
    shares = weight / np.max(weight)
    return (shares / np.mean(shares[shares > 0])).astype(np.float32)


def _class_weights(given: ClassWeight, classes: NDArray[Any], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """A weight for each class."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            real(f"class_weight of the class {plain(name)!r}", value)
    weights: NDArray[np.float64] = compute_class_weight(given, classes=classes, y=classes[codes])
    return weights


def _weights(weight: Any, values: Any, name: str) -> NDArray[np.float64] | None:
    if weight is None:
        return None
    if isinstance(weight, np.ma.MaskedArray) and np.ma.is_masked(weight):
        raise DataError(f"{name} is masked in some rows: give these a weight, or leave them out.")
    checked: NDArray[np.float64] = _check_sample_weight(
        weight, values, dtype=np.float64, ensure_non_negative=True
    )
    if not np.any(checked > 0):
        raise DataError(f"{name} is zero for every row: at least one row needs a weight above 0.")
    return checked


def _stacked(first: Matrix, second: Matrix) -> Matrix:
    values = np.concatenate([first.values, second.values])
    return Matrix(values, first.names, first.n_numbers, first.levels, first.notes + second.notes)
