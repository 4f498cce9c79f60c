"""What the four estimators share: parameters, the fitted model, prediction."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from taut import handed_in
from taut.errors import ParameterError
from taut.estimators.automatic import engine_of, settings_of
from taut.estimators.model import Model
from taut.estimators.problem import (
    ClassWeight,
    TableProblem,
    make_problem,
    read_features,
    warn_of_unknown_values,
)
from taut.estimators.target import Target
from taut.learning.engine import Engine
from taut.learning.training import Curve
from taut.selection.trainer import Settings
from taut.table.frame import Frame, Note
from taut.table.matrices import Matrix

if TYPE_CHECKING:
    import torch

Task = Literal["classification", "regression"]


class TautEstimator(BaseEstimator, ABC):
    """An estimator with a fitted ``Model``; the classes below it say how it is fitted."""

    _task: Task
    model_: Model
    notes_: tuple[str, ...]  # set by who read the table for it, to be saved with the model

    _saved_report: str | None = None  # what was saved with the model that was loaded: JSON, unchecked
    _report_facts: Any = None  # the facts of the last report, with what was given for it

    @abstractmethod
    def fit(self, X: Any, y: Any) -> Self:
        """Fit to a table."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _engine(self) -> Engine:
        return engine_of(self.n_jobs)

    def _problem(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, weight_val: Any
    ) -> TableProblem:
        if (X_val is None) != (y_val is None):
            raise ParameterError("X_val and y_val go together: give both, or neither.")
        if X_val is None and weight_val is not None:
            raise ParameterError("sample_weight_val needs X_val and y_val.")
        class_weight: ClassWeight = getattr(self, "class_weight", None)
        validation = None if X_val is None else (X_val, y_val, weight_val)
        table = make_problem(self, self._task, X, y, sample_weight, class_weight, validation)
        given = {"sample_weight": sample_weight, "X_val": X_val}
        self._given = tuple(name for name, value in given.items() if value is not None)
        self.n_identical_rows_ = table.n_identical
        self.n_rows_ = table.n_train
        if table.target.classes is not None:
            self.classes_ = table.target.classes
            self.class_weighted_ = table.problem.accuracy_weight is not None
        return table

    def _settings(self, n_train: int) -> Settings:
        return settings_of(n_train, self.batch_size, self.max_epochs, self.random_state)

    def _keep(self, table: TableProblem, networks: Any) -> None:
        if table.target.constant:
            # A network that learned from a constant is only nearly constant.
            networks = [replace(network, scale=0.0) for network in networks]
        self.model_ = Model(table.schema, table.target, tuple(networks))
        for name in ("_saved_report", "_report_facts"):  # they are of the networks before
            self.__dict__.pop(name, None)

    def _matrix(self, X: Any) -> Matrix:
        check_is_fitted(self, "model_")
        table = read_features(self, X, self.model_.schema)[1]
        warn_of_unknown_values(table)
        return table

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        effects: Any = None,
        diagnosis: Any = None,
        paths: Sequence[Any] = (),
    ) -> None:
        """Write what regularization did as one HTML page that needs no internet.

        What is given here is kept with the estimator: it is on later pages too, and ``save`` saves it.

        Parameters
        ----------
        path : path
            The file; an older page written by taut is replaced, and nothing else is.
        effects : Effects, optional
            Of :func:`taut.effects`, to be shown too.
        diagnosis : Diagnosis, optional
            Of :func:`taut.diagnose`, to be shown too.
        paths : sequence of RegularizationPath
            Of :func:`taut.regularization_path` on the same table, to explore strength by strength.

        Raises
        ------
        DataError
            If the file cannot be written, or is not a page written by taut.
        """
        handed_in.write_report(self, path, effects, diagnosis, paths)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save the fitted model as a folder of JSON and safetensors; :func:`taut.load` loads it.

        What a report says of it is saved too, as ``report.json``.

        Parameters
        ----------
        folder : path
            Made if it does not exist. An existing one is replaced only if it holds a saved model.

        Raises
        ------
        NotFittedError
            scikit-learn's, if the estimator is not fitted.
        StoreError
            If the folder holds something other than a model, or cannot be written.
        """
        handed_in.save(self, folder)

    def to_matrix(self, X: Any) -> NDArray[np.float32]:
        """The table as the networks of :meth:`to_torch` and :meth:`to_onnx` take it.

        Parameters
        ----------
        X : table, shape (n_rows, n_features)
            As ``predict`` takes it.

        Returns
        -------
        float32 array, shape (n_rows, n_columns)
            First the columns of numbers, NaN where missing: of a date several, and yes or no as 1 and 0;
            those whose values are large and close together are shifted and scaled. Then the categories as
            code numbers: that of a value, then one for any other value, then one for a missing one. The
            module's ``columns``, ``units`` and ``levels`` say which is which; columns that were dropped are
            not there.

        Raises
        ------
        NotFittedError
            scikit-learn's, if the estimator is not fitted.
        DataError
            As in ``predict``.
        """
        return self._matrix(X).values

    def to_torch(self) -> torch.nn.Module:
        """The fitted model as a plain PyTorch module in evaluation mode: encoders, networks and average.

        It shares nothing with the estimator, so that it can be trained on, moved to another device or saved
        with ``torch.save``. Its predictions are the same within 1e-5 (of an amount, in standard deviations of
        the training target).

        Returns
        -------
        taut.torch.export.TableModule
            Takes a float tensor (n_rows, n_columns), ``torch.from_numpy(estimator.to_matrix(X))``, and
            returns log-probabilities (n_rows, n_classes) in the order of ``classes_`` (``exp`` and
            ``softmax`` both give the probabilities), or of an amount float64 values (n_rows,) in the target's
            own units.

        Raises
        ------
        NotFittedError
            scikit-learn's, if the estimator is not fitted.
        ImportError
            If PyTorch is not installed: ``pip install "taut[torch]"``.
        """
        check_is_fitted(self, "model_")
        return handed_in.to_torch(self)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model as an ONNX file, for any runtime; it is the module of :meth:`to_torch`.

        Its input ``table`` is float32 (n_rows, n_columns), any number of rows, as :meth:`to_matrix` gives it.
        Its output is ``log_probabilities``, float32 (n_rows, n_classes), or of an amount ``values``, float64
        (n_rows,). The file's metadata ``taut.columns``, ``taut.units``, ``taut.levels`` and ``taut.classes``
        are JSON: what each column is, the origin and the unit of each number, the values of each category by
        their codes, and the classes.

        Parameters
        ----------
        path : path
            The file; an older one is replaced.

        Raises
        ------
        NotFittedError
            scikit-learn's, if the estimator is not fitted.
        ImportError
            If PyTorch, onnx or onnxscript is not installed: ``pip install "taut[onnx]"``.
        DataError
            If the file cannot be written.
        """
        check_is_fitted(self, "model_")
        handed_in.to_onnx(self, path)

    def _html_repr(self) -> str:
        """What a notebook shows: scikit-learn's own form, and once fitted above it what came out."""
        own: str = estimator_html_repr(self)
        return handed_in.notebook_html(self, own) if hasattr(self, "model_") else own


def history_of(curve: Curve, target: Target) -> dict[str, NDArray[Any]]:
    """A curve by name, squared errors in the target's own units."""
    history: dict[str, NDArray[Any]] = {
        "epoch": np.arange(1, len(curve) + 1),
        "train_loss": curve.train * target.loss_unit,
        "validation_loss": curve.validation * target.loss_unit,
    }
    if target.classes is not None:
        history["validation_accuracy"] = curve.correct
    return history


@final
@dataclass(frozen=True, eq=False)
class TablePrediction:
    """A model's predictions for a table.

    Parameters
    ----------
    prediction : array, shape (n_rows,)
        Classes or values.
    probabilities : float64 array, shape (n_rows, n_classes), or None
        In the order of ``classes_``; None for regression.
    notes : tuple of Note
        What was noticed in the table, such as texts that training had not seen.
    """

    prediction: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    notes: tuple[Note, ...]

    def at_threshold(self, threshold: float, classes: NDArray[Any]) -> TablePrediction:
        """The same with the second of two classes predicted where its probability is at least this."""
        assert self.probabilities is not None
        second = self.probabilities[:, 1] >= threshold
        return replace(self, prediction=classes[second.astype(np.intp)])


def predict_table(estimator: TautEstimator, frame: Frame) -> TablePrediction:
    """Predict for every row of a table, in one pass, and note anything unusual in it.

    Raises
    ------
    DataError
        If columns are missing or hold something else than in training.
    """
    check_is_fitted(estimator, "model_")
    model, engine = estimator.model_, estimator._engine()
    table = read_features(estimator, frame, model.schema)[1]
    if model.target.classes is None:
        return TablePrediction(model.values(engine, table), None, table.notes)
    probabilities = model.probabilities(engine, table)
    return TablePrediction(model.target.classes[probabilities.argmax(axis=1)], probabilities, table.notes)


def predict_classes(estimator: TautEstimator, X: Any) -> NDArray[Any]:
    """The likeliest class of each row."""
    probabilities = predict_probabilities(estimator, X)
    predicted: NDArray[Any] = estimator.classes_[np.argmax(probabilities, axis=1)]
    return predicted


def predict_probabilities(estimator: TautEstimator, X: Any) -> NDArray[np.float64]:
    """Class probabilities in the order of ``classes_``."""
    matrix = estimator._matrix(X)  # which is where an estimator that is not fitted says so
    return estimator.model_.probabilities(estimator._engine(), matrix)


def predict_values(estimator: TautEstimator, X: Any) -> NDArray[np.float64]:
    """Predicted values."""
    matrix = estimator._matrix(X)
    return estimator.model_.values(estimator._engine(), matrix)
