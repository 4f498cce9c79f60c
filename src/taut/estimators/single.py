"""One network, with a given recipe."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from taut.errors import ParameterError, TrainingError, TrainingWarning
from taut.estimators.automatic import learning_rate_of
from taut.estimators.base import (
    TautEstimator,
    history_of,
    predict_classes,
    predict_probabilities,
    predict_values,
)
from taut.estimators.problem import ClassWeight, TableProblem
from taut.estimators.target import checked_target
from taut.estimators.trouble import warn_of_trouble
from taut.evidence.of_search import importance_of
from taut.learning.architecture import MLP
from taut.learning.training import Member, Status, Training
from taut.parameters import real
from taut.recipe import Recipe
from taut.selection.candidate import Candidate
from taut.selection.failures import what_to_lower
from taut.selection.folds import Split, holdout_split, make_fold
from taut.selection.trainer import Trainer
from taut.techniques import EarlyStopping

Auto = Literal["auto"]


@final
@dataclass(frozen=True, eq=False)
class Begun:
    """A network of a given recipe that is ready to be trained.

    Parameters
    ----------
    table : TableProblem
    trainer : Trainer
    recipe : Recipe
    member : Member
    """

    table: TableProblem
    trainer: Trainer
    recipe: Recipe
    member: Member


class Single(TautEstimator):
    """How one network is fitted: begun, trained, finished.

    Who shows a network while it is trained does the three one by one, and so trains the same network, bit for
    bit.
    """

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any]) -> Self:
        begun = begin(self, X, y, sample_weight, validation)
        (training,) = begun.trainer.train([begun.member])
        if training.epoch == 0 and training.status is not Status.DIVERGED:
            raise KeyboardInterrupt
        finish(self, begun, training)
        if self.verbose:
            self._print_result()
        return self

    def _print_result(self) -> None:
        kept = self.best_epoch_ - 1
        train, validation = (self.history_[name][kept] for name in ("train_loss", "validation_loss"))
        held_out = "" if np.isnan(validation) else f", validation loss {validation:.4g}"
        text = (
            f"taut: {self.n_iter_} epochs, epoch {self.best_epoch_} kept, training loss {train:.4g}{held_out}"
        )
        print(text, file=sys.stderr, flush=True)

    def _split(self, table: TableProblem, recipe: Recipe, fraction: float, seed: int) -> Split:
        """Rows that train, and validation rows for early stopping."""
        n, n_all = table.n_train, table.matrix.n_rows
        everyone = np.arange(n, dtype=np.int32)
        if n_all > n:
            return Split(everyone, np.arange(n, n_all, dtype=np.int32))
        if recipe.hooks().patience is None or fraction == 0.0:
            return Split(everyone, np.empty(0, dtype=np.int32))
        target = table.problem.target
        return holdout_split(
            fraction, target, table.problem.objective.stratify, seed, table.duplicates, table.weight
        )


def begin(
    estimator: Single,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    validation: tuple[Any, Any, Any] = (None, None, None),
) -> Begun:
    """Check the table and the parameters, and give the network before its first epoch.

    ``validation`` is X, y and the weights of given validation rows. Raises and warns as ``fit`` does.
    """
    _recipe_of(estimator)  # a wrong parameter is told before a large table is read
    real("validation_fraction", estimator.validation_fraction, below=1.0)
    table = estimator._problem(X, y, sample_weight, *validation)
    begun = begin_on(estimator, table)
    estimator.signs_ = warn_of_trouble(table, begun.trainer.settings.seed, stacklevel=4)
    return begun


def begin_on(estimator: Single, table: TableProblem, like: Begun | None = None) -> Begun:
    """Give the network before its first epoch, of a table that was checked already.

    ``like`` is another network of the same table, seed and validation rows, whose engine and fold serve this
    one too: what was fitted on the rows that train is not fitted again.
    """
    recipe = _recipe_of(estimator)
    fraction = real("validation_fraction", estimator.validation_fraction, below=1.0)
    settings = estimator._settings(table.n_counted)
    architecture = MLP(estimator.hidden, estimator.activation, n_bins=estimator.n_bins)
    candidate = Candidate(recipe, learning_rate_of(estimator.learning_rate), architecture)
    if like is None:
        split = estimator._split(table, recipe, fraction, settings.seed)
        engine, fold = estimator._engine(), make_fold(split, table.problem, settings.seed)
    else:
        engine, fold = like.trainer.engine, like.member.fold
    trainer = Trainer(engine, table.problem, settings)
    member = trainer.member(candidate, fold, 0)
    # Early stopping's min_delta is in the units of the losses that people see.
    min_delta = member.hooks.min_delta / table.target.unit / table.target.unit
    member = replace(member, hooks=replace(member.hooks, min_delta=min_delta))
    return Begun(table, trainer, recipe, member)


def _recipe_of(estimator: Single) -> Recipe:
    recipe = Recipe(EarlyStopping()) if estimator.recipe is None else estimator.recipe
    if not isinstance(recipe, Recipe):
        raise ParameterError(f"recipe must be a taut.Recipe, and it is {recipe!r}.")
    return recipe


def finish(estimator: Single, begun: Begun, training: Training) -> None:
    """Make the estimator that of a network that was trained, wherever its training stands.

    Raises
    ------
    TrainingError
        If training diverged, and no earlier epoch is kept.
    """
    table, recipe = begun.table, begun.recipe
    member, fold = training.member, training.member.fold
    if training.status is Status.DIVERGED:
        early = member.hooks.patience is not None and len(fold.validation) > 0
        what = what_to_lower(recipe, member.learning_rate)
        _diverged(training, what, has_best=early and training.best_epoch > 0)
    estimator._keep(table, [training.fitted()])
    estimator.recipe_ = recipe
    estimator.network_ = estimator.model_.networks[0].network
    estimator.n_iter_ = training.epoch
    estimator.best_epoch_ = training.best_epoch
    estimator.history_ = history_of(training.curve, table.target)
    estimator.learning_rate_, estimator.batch_size_ = member.learning_rate, member.batch_size
    estimator.interrupted_ = training.status is Status.RUNNING and training.epoch < member.max_epochs
    trained = training.epoch * len(fold.train)
    found = importance_of(begun.trainer, estimator.model_.networks, [fold], table.owners, trained)
    estimator.importance_ = None if found is None else found.in_units(table.target.loss_unit)


def _diverged(training: Training, what: str, *, has_best: bool) -> None:
    """Early stopping restores its best epoch, whatever ended training; else there is no network."""
    sentence = (
        f"Training diverged in epoch {training.epoch}: the loss or weights were no longer finite. "
        f"{what[0].upper()}{what[1:]}."
    )
    if not has_best:
        raise TrainingError(sentence)
    warnings.warn(
        f"{sentence} The network of epoch {training.best_epoch}, the best one, is kept.",
        TrainingWarning,
        stacklevel=5,
    )


class TautClassifier(ClassifierMixin, Single):
    """A classifier: one network trained with a given recipe.

    Parameters
    ----------
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is logistic regression.
    recipe : Recipe, default=None
        The techniques and their strengths; None is ``Recipe(EarlyStopping())``.
    activation : {"relu", "silu", "gelu"}, default="relu"
    n_bins : int, default=0
        Pieces between quantiles that each number is seen in, beside itself (piecewise-linear encoding).
    learning_rate : "auto" or float, default="auto"
        AdamW's, above 0, after a linear warm-up over at most 100 steps.  "auto" is 0.002.
    batch_size : "auto" or int, default="auto"
        Rows a step.  "auto" is a power of two from 16 to 256, at most a quarter of the training rows.
    max_epochs : int, default=300
        Where training ends that nothing stopped before.
    validation_fraction : float, default=0.15
        Share of the rows held out for early stopping, stratified by class.  All rows train where the recipe
        has no early stopping.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, in training and in all losses; accuracy counts rows whatever their class.
    n_jobs : int or None, default=None
        Threads; one network uses one, prediction all.  None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
    verbose : int, default=0
        1 prints the result to standard error.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
    class_weighted_ : bool
        Whether losses weigh each row by its class, as training does (``class_weight``). Accuracy never does.
    recipe_ : Recipe
    history_ : dict of arrays, each of shape (n_iter_,)
        ``epoch``, ``train_loss``, ``validation_loss`` (cross-entropy in nats, in evaluation mode and without
        penalty) and ``validation_accuracy``.
    n_iter_, best_epoch_ : int
        Epochs trained, and the epoch whose weights were kept.
    signs_ : tuple of Sign
        Signs of trouble in the data, warned of before training: columns that give the target away.
    importance_ : Importance or None
        Which columns the network uses: by how much the validation loss rises where one is shuffled among the
        rows held out, with 95 % intervals (:class:`taut.evidence.importance.Importance`); None where no rows
        were held out.
    interrupted_ : bool
        Whether Ctrl+C ended training.
    network_ : Network
    learning_rate_, batch_size_ : float, int
        What "auto" became.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X was a data frame with names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from taut import Recipe, L2, EarlyStopping, TautClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = TautClassifier(hidden=(32,), recipe=Recipe(L2(0.01), EarlyStopping()), random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    _task = "classification"

    def __init__(
        self,
        hidden: tuple[int, ...] = (128, 128),
        recipe: Recipe | None = None,
        *,
        activation: Literal["relu", "silu", "gelu"] = "relu",
        n_bins: int = 0,
        learning_rate: float | Auto = "auto",
        batch_size: int | Auto = "auto",
        max_epochs: int = 300,
        validation_fraction: float = 0.15,
        class_weight: ClassWeight = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden = hidden
        self.recipe = recipe
        self.activation = activation
        self.n_bins = n_bins
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n_rows, n_features), or data frame
            Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
        y : array, shape (n_rows,)
            Classes.
        sample_weight : array, shape (n_rows,), optional
            Weights of the rows, in training and in validation.
        X_val, y_val, sample_weight_val : optional
            Validation rows for early stopping, instead of a share of X.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the likeliest class of each row, shape (n_rows,)."""
        return predict_classes(self, X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Give the accuracy on a table, with y of any type that ``fit`` takes."""
        accuracy: float = super().score(X, checked_target(y, self), sample_weight)
        return accuracy

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities, shape (n_rows, n_classes), in the order of ``classes_``."""
        return predict_probabilities(self, X)


class TautRegressor(RegressorMixin, Single):
    """A regressor: one network trained with a given recipe, by squared error.

    Parameters
    ----------
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers; ``()`` is linear regression.
    recipe : Recipe, default=None
        The techniques and their strengths; None is ``Recipe(EarlyStopping())``.
    activation : {"relu", "silu", "gelu"}, default="relu"
    n_bins : int, default=0
        Pieces between quantiles that each number is seen in, beside itself (piecewise-linear encoding).
    learning_rate : "auto" or float, default="auto"
        AdamW's, above 0, after a linear warm-up over at most 100 steps.  "auto" is 0.002.
    batch_size : "auto" or int, default="auto"
        Rows a step.  "auto" is a power of two from 16 to 256, at most a quarter of the training rows.
    max_epochs : int, default=300
        Where training ends that nothing stopped before.
    validation_fraction : float, default=0.15
        Share of the rows held out for early stopping.  Without early stopping all rows train.
    n_jobs : int or None, default=None
        Threads; one network uses one, prediction all.  None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
    verbose : int, default=0
        1 prints the result to standard error.

    Attributes
    ----------
    recipe_ : Recipe
    history_ : dict of arrays, each of shape (n_iter_,)
        ``epoch``, ``train_loss`` and ``validation_loss`` (mean squared error in y's units, in evaluation mode
        and without penalty).
    n_iter_, best_epoch_ : int
        Epochs trained, and the epoch whose weights were kept.
    signs_ : tuple of Sign
        Signs of trouble in the data, warned of before training: columns that give the target away.
    importance_ : Importance or None
        Which columns the network uses: by how much the validation loss rises where one is shuffled among the
        rows held out, with 95 % intervals (:class:`taut.evidence.importance.Importance`); None where no rows
        were held out.
    interrupted_ : bool
        Whether Ctrl+C ended training.
    network_ : Network
    learning_rate_, batch_size_ : float, int
        What "auto" became.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X was a data frame with names.
    """

    _task = "regression"

    def __init__(
        self,
        hidden: tuple[int, ...] = (128, 128),
        recipe: Recipe | None = None,
        *,
        activation: Literal["relu", "silu", "gelu"] = "relu",
        n_bins: int = 0,
        learning_rate: float | Auto = "auto",
        batch_size: int | Auto = "auto",
        max_epochs: int = 300,
        validation_fraction: float = 0.15,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden = hidden
        self.recipe = recipe
        self.activation = activation
        self.n_bins = n_bins
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n_rows, n_features), or data frame
            Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
        y : array, shape (n_rows,)
            Finite numbers.
        sample_weight : array, shape (n_rows,), optional
            Weights of the rows, in training and in validation.
        X_val, y_val, sample_weight_val : optional
            Validation rows for early stopping, instead of a share of X.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict a value for each row, shape (n_rows,)."""
        return predict_values(self, X)
