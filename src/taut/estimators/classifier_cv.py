"""A classifier whose recipe is chosen by cross-validation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from taut.errors import ParameterError
from taut.estimators.base import predict_classes, predict_probabilities
from taut.estimators.crossvalidated import Auto, CrossValidated, OnBatch, OnCandidate
from taut.estimators.effort import Effort
from taut.estimators.problem import ClassWeight
from taut.estimators.target import checked_target
from taut.evidence.probabilities.thresholds import Metric, Threshold, Thresholds
from taut.selection.choice import Selection
from taut.selection.final import Final
from taut.selection.proposer import SamplerMaker


class TautClassifierCV(ClassifierMixin, CrossValidated):
    """A classifier whose recipe is chosen by cross-validation.

    Candidates are: early stopping alone, no regularization, each technique at several strengths, and
    mixtures; first some that fill the space, then what an Optuna sampler proposes.  They race over the folds:
    those that fall behind on one fold are not trained on the next.  The lowest cross-entropy wins.
    With ``class_weight`` that is the class-weighted cross-entropy, by which early stopping goes too.

    Parameters
    ----------
    hidden : tuple of int or "auto", default=(128, 128)
        Widths of the hidden layers; "auto" searches one to three layers of 32 to 256.
    activation : {"relu", "silu", "gelu"}, default="relu"
    n_bins : int or "auto", default="auto"
        Pieces between quantiles that each number is seen in, beside itself, which makes steps and bends in
        one number easy (piecewise-linear encoding); 0 is none. "auto" takes 24 (8 where there are more than
        125 numbers, 0 above 375) where that lowers the loss on the first folds by 2 % at least, else 0.
    learning_rate : "auto" or float, default="auto"
        "auto" searches it, from 0.0003 to 0.01; the baselines have 0.002.
    batch_size : "auto" or int, default="auto"
    max_epochs : int, default=300
    cv : "auto", int, splitter or iterable, default="auto"
        Number of folds (stratified and shuffled), or any scikit-learn splitter, or a list of splits.  "auto":
        5 folds, made three times on up to 500 rows; one split above 200,000 rows.
    effort : {"quick", "standard", "thorough"}, default="standard"
        18, 66 or 200 candidates.
    n_candidates : int or None, default=None
        Candidates to try, baselines included.  None goes by ``effort``, or with ``time_limit`` as many
        as fit in.
    time_limit : float or None, default=None
        Seconds for all of ``fit`` but the one-time compilation.
    scoring : str, callable or None, default=None
        A scikit-learn scorer to choose among candidates by, and early stopping's epoch of each; None takes
        the loss.  They race on the loss.
    selection : {"best", "1se"}, default="best"
        "1se": among candidates within one paired standard error of the best, and not worse than the
        baselines, the one with the smallest gap between validation and training loss.
    final : {"bag", "refit"}, default="bag"
        Average the folds' networks, or five networks trained on all rows to the chosen epoch.
    sampler : callable or None, default=None
        Makes an Optuna sampler from ``seed=``, such as ``optuna.samplers.RandomSampler``; None uses TPE.
    resume : path or None, default=None
        A file for finished work.  A search that was ended or killed continues from there when it is
        started again with the same data and parameters.
    on_candidate, on_batch : callable or None, default=None
        Called with each CandidateScore, and with the tuple of each batch's.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, in training and in all losses; accuracy counts rows whatever their class.
    n_jobs : int or None, default=None
        Threads.  None is all cores, and one inside a joblib worker.
    random_state : int, RandomState or None, default=None
        The same seed and no time limit give the same networks, whatever ``n_jobs``.
    verbose : int, default=0
        1 prints progress to standard error.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
    class_weighted_ : bool
        Whether losses weigh each row by its class, as training does (``class_weight``). Accuracy never does.
    recipe_ : Recipe
        The chosen one.
    n_bins_ : int
        What "auto" became.
    n_bins_losses_ : dict
        By number of pieces, the loss by which it was chosen (in the better of two recipes); empty where
        it was not, or time was over.
    learning_rate_, batch_size_, network_
        What it was trained with.
    best_ : CandidateScore
        Its losses, score and epoch by fold.
    baseline_ : dict
        ``"none"`` and ``"early_stopping"``: CandidateScore of no regularization, of early stopping alone.
    simple_baselines_ : dict of SimpleBaseline
        ``"constant"`` (always the most frequent class) and ``"linear"`` (no hidden layers), on the same
        folds, with what the chosen recipe gains over each; without time for it, there is no linear model.
    candidates_ : tuple of CandidateScore
    cv_results_ : dict of arrays
        As in scikit-learn's searches; candidates are chosen by the score.
    estimate_ : Estimate
        The error to expect on unseen rows, corrected for having chosen the best of many, with a 95 % interval
        (:class:`taut.evidence.estimate.Estimate`).
    calibration_ : Calibration or None
        How right the probabilities are out of fold, and the temperature that makes them better, which acts
        where that is sure (:class:`taut.evidence.probabilities.calibration.Calibration`); None where fewer
        than 20 rows were held out.
    confusion_ : Confusion or None
        Out-of-fold rows by true and predicted class
        (:class:`taut.evidence.probabilities.confusion.Confusion`).
    thresholds_ : Thresholds or None
        Of two classes, what :meth:`best_threshold` chooses from
        (:class:`taut.evidence.probabilities.thresholds.Thresholds`).
    signs_ : tuple of Sign
        Signs of trouble in the data, warned of before training: columns that give the target away.
    importance_ : Importance or None
        Which columns the networks use: by how much the loss rises on held-out rows where one is shuffled
        among them, with 95 % intervals (:class:`taut.evidence.importance.Importance`); None where there was
        no time for it.
    row_losses_ : float32 array, shape (n_candidates, n_rows)
        Cross-entropy of every row where it was held out; NaN where a candidate was dropped before.
    history_ : dict
        ``"none"``, ``"early_stopping"`` and ``"chosen"``: the folds' curves: ``epoch``, ``train_loss``,
        ``validation_loss``, ``validation_accuracy``.
    best_index_, best_epoch_, n_splits_ : int
    n_rows_ : int
        Rows that were given.
    n_identical_rows_ : int
        Further rows that are identical to an earlier one, as chance repeats them.
    zero_share_ : float
        Share of weights that are exactly zero in the final networks.
    interrupted_ : bool
        Whether Ctrl+C ended the search.
    search_seconds_ : float
        All sessions of a resumed search together.
    """

    _task = "classification"

    def __init__(
        self,
        hidden: tuple[int, ...] | Auto = (128, 128),
        *,
        activation: Literal["relu", "silu", "gelu"] = "relu",
        n_bins: int | Auto = "auto",
        learning_rate: float | Auto = "auto",
        batch_size: int | Auto = "auto",
        max_epochs: int = 300,
        cv: Any = "auto",
        effort: Effort = "standard",
        n_candidates: int | None = None,
        time_limit: float | None = None,
        scoring: Any = None,
        selection: Selection = "best",
        final: Final = "bag",
        sampler: SamplerMaker | None = None,
        resume: str | os.PathLike[str] | None = None,
        on_candidate: OnCandidate | None = None,
        on_batch: OnBatch | None = None,
        class_weight: ClassWeight = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden,
            activation=activation,
            n_bins=n_bins,
            learning_rate=learning_rate,
            batch_size=batch_size,
            max_epochs=max_epochs,
            cv=cv,
            effort=effort,
            n_candidates=n_candidates,
            time_limit=time_limit,
            scoring=scoring,
            selection=selection,
            final=final,
            sampler=sampler,
            resume=resume,
            on_candidate=on_candidate,
            on_batch=on_batch,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the likeliest class of each row, shape (n_rows,)."""
        return predict_classes(self, X)

    def best_threshold(
        self, metric: Metric | None = None, *, cost: Sequence[float] | None = None
    ) -> Threshold:
        """Choose from which probability on the second class, ``classes_[1]``, should be predicted.

        ``predict`` goes on predicting the likelier class; see ``docs/calibration.md`` for scikit-learn's
        ``FixedThresholdClassifier``, and ``taut predict --threshold``.

        Parameters
        ----------
        metric : {"f1", "balanced_accuracy", "matthews_corrcoef", "accuracy"}, optional
            What should be high.
        cost : (float, float), optional
            What a false positive and what a false negative costs, in place of a metric.

        Returns
        -------
        Threshold
            Chosen on out-of-fold rows, with what to expect of it, corrected for that.

        Raises
        ------
        NotFittedError
            scikit-learn's, if the estimator is not fitted.
        ParameterError
            If there are more than two classes or no out-of-fold predictions, or metric and cost are not as
            above.
        """
        check_is_fitted(self, "model_")
        if len(self.classes_) != 2:
            raise ParameterError(
                f"a threshold is for two classes, and the model has {len(self.classes_)}: predict takes the "
                "likeliest."
            )
        thresholds: Thresholds | None = getattr(self, "thresholds_", None)
        if thresholds is None:
            raise ParameterError(
                "the model has no out-of-fold predictions to choose a threshold on: fit it again, or give a "
                "number."
            )
        return thresholds.best(metric, cost=cost)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Give the accuracy on a table, with y of any type that ``fit`` takes."""
        accuracy: float = super().score(X, checked_target(y, self), sample_weight)
        return accuracy

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict class probabilities, shape (n_rows, n_classes), in the order of ``classes_``."""
        return predict_probabilities(self, X)
