"""The recipe chosen by cross-validation; the final predictor averages the folds' networks."""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_consistent_length

from taut.errors import TrainingWarning
from taut.estimators.base import (
    TautEstimator,
    predict_classes,
    predict_probabilities,
    predict_values,
)
from taut.estimators.problem import ClassWeight, Problem, warn_of_absent_classes
from taut.parameters import real, whole
from taut.selection.candidates import BASELINES, RandomProposer
from taut.selection.folds import Split, cross_validation_splits, make_folds
from taut.selection.score import CandidateScore
from taut.selection.search import Progress, Search, SearchResult, describe_failures

Auto = Literal["auto"]

#: Candidates where neither their number nor the time is limited.
N_CANDIDATES = 40


class _CrossValidated(TautEstimator):
    """How a recipe is chosen and its networks are fitted."""

    #: Called with where the search stands, one call at a time, also from worker threads; an instance sets it.
    on_progress: Callable[[Progress], None] | None = None

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> Self:
        started = time.monotonic()
        n_candidates = self.n_candidates
        if n_candidates is None:
            n_candidates = N_CANDIDATES if self.time_limit is None else None
        else:
            n_candidates = whole("n_candidates", n_candidates, low=len(BASELINES))
        limit = math.inf if self.time_limit is None else real("time_limit", self.time_limit)
        engine = self._engine()
        problem = self._problem(X, y, sample_weight, X_val, y_val, sample_weight_val)
        settings = self._settings(problem.n_counted)
        splits = self._splits(problem, groups, settings.seed)
        folds = make_folds(splits, problem.data, problem.matrix, settings.seed)
        compiled = time.monotonic()
        engine.prepare()  # the one-time compilation does not count
        started += time.monotonic() - compiled
        search = Search(
            engine=engine,
            data=problem.data,
            folds=folds,
            settings=settings,
            proposer=RandomProposer(n_candidates, settings.seed),
            n_candidates=n_candidates,
            deadline=started + limit,
            on_progress=self._progress(problem),
        )
        result = search.run()
        failures = describe_failures(result.candidates)
        if failures:
            warnings.warn(failures, TrainingWarning, stacklevel=3)
        self._keep(problem, result.networks)
        self._describe(problem, result)
        self.n_splits_ = len(folds)
        self.learning_rate_, self.batch_size_ = settings.learning_rate, settings.batch_size
        self.interrupted_ = result.interrupted
        self.search_seconds_ = time.monotonic() - started
        return self

    def _progress(self, problem: Problem) -> Callable[[Progress], None] | None:
        """What is told of the search, with losses in the target's own units."""
        tell = self.on_progress or (_print_progress if self.verbose else None)
        if tell is None:
            return None
        factor = self._loss_unit(problem)
        return lambda progress: tell(progress.in_units(factor))

    def _splits(self, problem: Problem, groups: Any, seed: int) -> list[Split]:
        n, n_all = problem.n_train, problem.matrix.n_rows
        if n_all > n:
            return [Split(np.arange(n, dtype=np.int32), np.arange(n, n_all, dtype=np.int32))]
        if groups is not None:
            check_consistent_length(problem.data.target, groups)
            groups = np.asarray(groups)
        splits = cross_validation_splits(
            self.cv, self._labels(problem), groups, self._task, seed, problem.alike, problem.weight
        )
        if groups is not None or not isinstance(self.cv, (int, np.integer)):
            warn_of_absent_classes(problem, splits)  # of stratified folds, scikit-learn says it
        return splits

    def _labels(self, problem: Problem) -> NDArray[Any]:
        """The training target as a splitter sees it."""
        codes = problem.data.target[: problem.n_train]
        return codes.astype(np.int64) if self._task == "classification" else codes

    def _describe(self, problem: Problem, result: SearchResult) -> None:
        """The fitted attributes that tell of the search."""
        factor = self._loss_unit(problem)
        self.best_index_ = next(i for i, c in enumerate(result.candidates) if c is result.best)
        self.restore_candidates([c.in_units(factor) for c in result.candidates])
        self.recipe_ = result.best.recipe
        self.network_ = result.networks[0].network
        self.best_epoch_ = result.best.epoch
        self.history_ = {
            recipe: tuple(self._history(curve, problem) for curve in curves)
            for recipe, curves in result.curves.items()
        }
        self.zero_share_ = float(np.mean([network.zero_share for network in result.networks]))

    def restore_candidates(self, candidates: Sequence[CandidateScore]) -> None:
        """Set what follows from the candidates and ``best_index_``; also when a saved model is loaded."""
        self.candidates_ = tuple(candidates)
        self.best_ = self.candidates_[self.best_index_]
        by_recipe = {c.recipe: c for c in candidates}
        self.baseline_ = {"none": by_recipe.get(BASELINES[1]), "early_stopping": by_recipe.get(BASELINES[0])}
        self.cv_results_ = cv_results(candidates)


def cv_results(candidates: Sequence[CandidateScore]) -> dict[str, Any]:
    """The candidates as scikit-learn's searches give them; ``score`` is the negative loss.

    Returns
    -------
    dict of arrays, each of shape (n_candidates,)
        ``param_recipe``, ``params``, ``split0_test_score``, ..., ``mean_test_score``, ``std_test_score``,
        ``rank_test_score``, the same with ``train`` (no rank), ``mean_test_accuracy_or_r2`` as
        ``mean_test_metric``, ``mean_fit_time`` (seconds a fold), ``epochs``, ``zero_share``, ``failed``.
    """
    test = -np.array([c.validation_loss for c in candidates])
    train = -np.array([c.train_loss for c in candidates])
    recipes = np.empty(len(candidates), dtype=object)
    recipes[:] = [c.recipe for c in candidates]
    results: dict[str, Any] = {
        "params": [{"recipe": c.recipe} for c in candidates],
        "param_recipe": np.ma.MaskedArray(recipes, mask=False),
        "mean_fit_time": np.array([c.seconds / len(c.validation_loss) for c in candidates]),
    }
    for name, values in (("test", test), ("train", train)):
        for k in range(values.shape[1]):
            results[f"split{k}_{name}_score"] = values[:, k]
        results[f"mean_{name}_score"] = values.mean(axis=1)
        results[f"std_{name}_score"] = values.std(axis=1)
    worst_last = np.where(np.isnan(results["mean_test_score"]), -np.inf, results["mean_test_score"])
    results["rank_test_score"] = rankdata(-worst_last, method="min").astype(np.int32)
    results["mean_test_metric"] = np.array([np.mean(c.score) for c in candidates])
    results["epochs"] = np.array([c.epoch for c in candidates])
    results["zero_share"] = np.array([c.zero_share for c in candidates])
    results["failed"] = np.array([c.failed for c in candidates])
    return results


def _print_progress(progress: Progress) -> None:
    total = f" of {progress.total}" if progress.total else ""
    left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
    print(
        f"taut: {progress.done}{total} candidates, best loss {progress.best:.4g} "
        f"(early stopping alone {progress.baseline:.4g}){left}",
        file=sys.stderr,
        flush=True,
    )


class TautClassifierCV(ClassifierMixin, _CrossValidated):
    """A classifier whose recipe is chosen by cross-validation.

    Candidates are: early stopping alone, no regularization, each technique at several strengths, and random
    mixtures.  The lowest cross-validated cross-entropy wins; the predictor averages the folds' networks.

    Parameters
    ----------
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers.
    activation : {"relu", "silu", "gelu"}, default="relu"
    learning_rate : "auto" or float, default="auto"
    batch_size : "auto" or int, default="auto"
    max_epochs : int, default=300
    cv : int, splitter or iterable, default=5
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.
    n_candidates : int or None, default=None
        Recipes to try, the two baselines counted.  None is 40, or with ``time_limit`` as many as fit in.
    time_limit : float or None, default=None
        Seconds for all of ``fit`` but the one-time compilation.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training (not in validation).
    n_jobs : int or None, default=None
        Threads.  None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed and no time limit give the same networks, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
    recipe_ : Recipe
        The chosen one.
    best_ : CandidateScore
        Its losses, score and epoch by fold.
    baseline_ : dict
        ``"none"`` and ``"early_stopping"``: CandidateScore of no regularization, of early stopping alone.
    candidates_ : tuple of CandidateScore
    cv_results_ : dict of arrays
        As in scikit-learn's searches; the score is the negative cross-entropy.
    history_ : dict
        By recipe (the two baselines and the chosen one) the folds' curves: ``epoch``, ``train_loss``,
        ``validation_loss``, ``validation_accuracy``.
    best_index_, best_epoch_, n_splits_ : int
    n_identical_rows_ : int
        Further rows that are identical to an earlier one, as chance repeats them.
    zero_share_ : float
        Share of weights that are exactly zero in the final networks.
    interrupted_ : bool
        Whether Ctrl+C ended the search.
    """

    _task = "classification"

    def __init__(
        self,
        hidden: tuple[int, ...] = (128, 128),
        *,
        activation: Literal["relu", "silu", "gelu"] = "relu",
        learning_rate: float | Auto = "auto",
        batch_size: int | Auto = "auto",
        max_epochs: int = 300,
        cv: Any = 5,
        n_candidates: int | None = None,
        time_limit: float | None = None,
        class_weight: ClassWeight = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.cv = cv
        self.n_candidates = n_candidates
        self.time_limit = time_limit
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
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Choose a recipe and train its networks.

        Parameters
        ----------
        X : array, shape (n_rows, n_features), or data frame
            Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
        y : array, shape (n_rows,)
            Classes.
        sample_weight : array, shape (n_rows,), optional
            Weights of the rows, in training and in validation.
        groups : array, shape (n_rows,), optional
            Rows of one group stay in one fold.
        X_val, y_val, sample_weight_val : optional
            A validation set, in place of cross-validation.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, groups, X_val, y_val, sample_weight_val)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the likeliest class of each row, shape (n_rows,)."""
        return predict_classes(self, X)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities, shape (n_rows, n_classes), in the order of ``classes_``."""
        return predict_probabilities(self, X)


class TautRegressorCV(RegressorMixin, _CrossValidated):
    """A regressor whose recipe is chosen by cross-validation.

    Candidates are: early stopping alone, no regularization, each technique at several strengths, and random
    mixtures.  The lowest cross-validated squared error wins; the predictor averages the folds' networks.

    Parameters
    ----------
    hidden : tuple of int, default=(128, 128)
        Widths of the hidden layers.
    activation : {"relu", "silu", "gelu"}, default="relu"
    learning_rate : "auto" or float, default="auto"
    batch_size : "auto" or int, default="auto"
    max_epochs : int, default=300
    cv : int, splitter or iterable, default=5
        Number of folds (shuffled), or any scikit-learn splitter, or a list of splits.
    n_candidates : int or None, default=None
        Recipes to try, the two baselines counted.  None is 40, or with ``time_limit`` as many as fit in.
    time_limit : float or None, default=None
        Seconds for all of ``fit`` but the one-time compilation.
    n_jobs : int or None, default=None
        Threads.  None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed and no time limit give the same networks, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.

    Attributes
    ----------
    recipe_ : Recipe
        The chosen one.
    best_ : CandidateScore
        Its losses (squared error in y's units), R squared and epoch by fold.
    baseline_ : dict
        ``"none"`` and ``"early_stopping"``: CandidateScore of no regularization, of early stopping alone.
    candidates_ : tuple of CandidateScore
    cv_results_ : dict of arrays
        As in scikit-learn's searches; the score is the negative mean squared error.
    history_ : dict
        By recipe (the two baselines and the chosen one) the folds' curves: ``epoch``, ``train_loss``,
        ``validation_loss``.
    best_index_, best_epoch_, n_splits_ : int
    n_identical_rows_ : int
        Further rows that are identical to an earlier one, as chance repeats them.
    zero_share_ : float
        Share of weights that are exactly zero in the final networks.
    interrupted_ : bool
        Whether Ctrl+C ended the search.
    """

    _task = "regression"

    def __init__(
        self,
        hidden: tuple[int, ...] = (128, 128),
        *,
        activation: Literal["relu", "silu", "gelu"] = "relu",
        learning_rate: float | Auto = "auto",
        batch_size: int | Auto = "auto",
        max_epochs: int = 300,
        cv: Any = 5,
        n_candidates: int | None = None,
        time_limit: float | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.cv = cv
        self.n_candidates = n_candidates
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Choose a recipe and train its networks.

        Parameters
        ----------
        X : array, shape (n_rows, n_features), or data frame
            Numbers, NaN where missing; a data frame may hold text, booleans and dates too.
        y : array, shape (n_rows,)
            Finite numbers.
        sample_weight : array, shape (n_rows,), optional
            Weights of the rows, in training and in validation.
        groups : array, shape (n_rows,), optional
            Rows of one group stay in one fold.
        X_val, y_val, sample_weight_val : optional
            A validation set, in place of cross-validation.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, groups, X_val, y_val, sample_weight_val)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict a value for each row, shape (n_rows,)."""
        return predict_values(self, X)
