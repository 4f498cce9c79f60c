"""scikit-learn's scorers, on the outputs of a fold's network."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer
from sklearn.metrics._scorer import _BaseScorer

from taut.engine.base import Fold
from taut.errors import ParameterError
from taut.estimators.model import softmax
from taut.estimators.problem import Problem
from taut.selection.judge import FoldScorer


@final
class FoldClassifier(ClassifierMixin, BaseEstimator):
    """What a scorer sees of a fold's network: it predicts what it was given, whatever X is."""

    def __init__(self, classes: NDArray[Any], probabilities: NDArray[np.float64]) -> None:
        self.classes, self.probabilities = classes, probabilities
        self.classes_ = classes  # fitted, as scorers see it

    def predict(self, X: object) -> NDArray[Any]:
        """The likeliest classes, shape (n,)."""
        labels: NDArray[Any] = self.classes[np.argmax(self.probabilities, axis=1)]
        return labels

    def predict_proba(self, X: object) -> NDArray[np.float64]:
        """The probabilities, shape (n, n_classes)."""
        return self.probabilities


@final
class FoldRegressor(RegressorMixin, BaseEstimator):
    """What a scorer sees of a fold's network: it predicts what it was given, whatever X is."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.values = values
        self.values_ = values

    def predict(self, X: object) -> NDArray[np.float64]:
        """The values, shape (n,)."""
        return self.values


def fold_scorer(scoring: Any, problem: Problem, folds: Sequence[Fold]) -> FoldScorer | None:
    """A scorer of networks by their outputs for a fold's validation rows; None without ``scoring``.

    Parameters
    ----------
    scoring : str, callable or None
        A scikit-learn scorer or its name. It sees the predictions for the validation rows and their true
        targets; in place of X it is given the rows' numbers.

    Raises
    ------
    ParameterError
        Where it is neither, or scikit-learn does not know the name.
    """
    if scoring is None:
        return None
    if isinstance(scoring, str):
        try:
            scorer = get_scorer(scoring)
        except ValueError as error:
            raise ParameterError(
                f"scoring={scoring!r} is not known to scikit-learn; "
                "sklearn.metrics.get_scorer_names() lists what is."
            ) from error
    elif callable(scoring):
        scorer = scoring
    else:
        raise ParameterError(f"scoring must be a scikit-learn scorer, its name or None; it is {scoring!r}.")
    target, data = problem.target, problem.data

    def score(k: int, outputs: NDArray[np.floating]) -> float:
        rows = folds[k].validation
        said: Any
        if target.classes is None:
            y = data.target[rows] * target.unit + target.origin
            said = FoldRegressor(outputs[:, 0].astype(np.float64) * target.unit + target.origin)
        else:
            y = target.classes[data.target[rows].astype(np.intp)]
            said = FoldClassifier(target.classes, softmax(outputs))
        more: dict[str, Any] = {}
        if data.score_weight is not None and isinstance(scorer, _BaseScorer):
            more["sample_weight"] = data.score_weight[rows]
        return float(scorer(said, rows.reshape(-1, 1), y, **more))

    _try(scoring, score, problem, folds)
    return score


def _try(scoring: Any, score: FoldScorer, problem: Problem, folds: Sequence[Fold]) -> None:
    """Score made-up outputs, so that a scorer that does not go with the target is told of before training.

    They are some other row's target: mostly wrong, and of values that the target has.

    Raises
    ------
    ParameterError
    """
    data = problem.data
    for k, fold in enumerate(folds):
        target = np.roll(data.target[fold.validation], 1)
        outputs = (
            target[:, None] if data.task == "regression" else np.eye(data.n_outputs)[target.astype(np.intp)]
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = score(k, outputs)
            except (ValueError, AttributeError, TypeError) as error:
                # As where it wants probabilities of a regressor, or takes no sample_weight.
                raise ParameterError(f"scoring={scoring!r} does not go with this target: {error}") from error
        if np.isnan(found):
            raise ParameterError(
                f"scoring={scoring!r} is nan on the held-out rows of fold {k}, as where these are one row or "
                "all of one class: take another cv, or another scoring."
            )
