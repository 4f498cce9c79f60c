"""scikit-learn's scorers, on the outputs of a fold's network."""

from __future__ import annotations

import inspect
import math
import numbers
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.metrics._scorer import _BaseScorer

from taut.errors import ParameterError
from taut.estimators.problem import TableProblem, is_frame
from taut.learning.problem import Fold
from taut.selection.failures import ScorerError
from taut.selection.scored_epochs import FoldScorer, TimedScorer
from taut.table.frame import Frame, closest

# What metrics call their first parameter; a scorer's is an estimator.
_TRUTHS = ("y_true", "y", "y_test", "truth", "target", "actual")
# What people call some scorers.
_SHORT = {
    "mse": "neg_mean_squared_error",
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "msle": "neg_mean_squared_log_error",
    "mcc": "matthews_corrcoef",
    "r2_score": "r2",
}
_LONGEST = 300  # characters of another library's message
_TRIAL_SECONDS = 0.5  # a slow scorer is not tried on more folds than it takes


@final
class FoldClassifier(ClassifierMixin, BaseEstimator):
    """What a scorer sees of a fold's network: it predicts the fold's validation rows, and no others."""

    def __init__(self, classes: NDArray[Any], probabilities: NDArray[np.float64]) -> None:
        self.classes, self.probabilities = classes, probabilities
        self.classes_ = classes  # fitted, as scorers see it

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest classes, shape (n,)."""
        labels: NDArray[Any] = self.classes[np.argmax(self.predict_proba(X), axis=1)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probabilities, shape (n, n_classes)."""
        _check_rows(X, len(self.probabilities))
        return self.probabilities


@final
class FoldRegressor(RegressorMixin, BaseEstimator):
    """What a scorer sees of a fold's network: it predicts the fold's validation rows, and no others."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.values = values
        self.values_ = values

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The values, shape (n,)."""
        _check_rows(X, len(self.values))
        return self.values


def _check_rows(X: Any, n: int) -> None:
    found = getattr(X, "n_rows", None)  # a taut Frame
    found = len(X) if found is None else found
    if found != n:
        raise ValueError(
            f"a scorer can have the {n:,} rows predicted that it is given, and it asked for {found:,} others"
        )


def fold_scorer(
    scoring: Any,
    table: TableProblem,
    folds: Sequence[Fold],
    X: Any,
    X_val: Any = None,
    *,
    seconds: float = math.inf,
) -> TimedScorer | None:
    """A scorer of networks by their outputs for a fold's validation rows; None without ``scoring``.

    Parameters
    ----------
    scoring : str, callable or None
        A scikit-learn scorer or its name. It sees the predictions for the validation rows, their rows of X
        and their true targets.
    table : TableProblem
    folds : sequence of Fold
    X, X_val : array or data frame
        As the user gave them.
    seconds : float
        The time limit; trying the scorer out takes a small part of it.

    Raises
    ------
    ParameterError
        If it is neither, or scikit-learn does not know the name, or it cannot score this target whatever
        is predicted.
    """
    if scoring is None:
        return None
    scorer, name = scorer_of(scoring), scoring_text(scoring)
    target, problem = table.target, table.problem
    given = GivenRows(X, table.n_train, X_val)
    takes_weight = isinstance(scorer, _BaseScorer) or "sample_weight" in _parameters(scorer)

    def score(k: int, outputs: NDArray[np.floating]) -> float:
        rows = folds[k].validation
        prediction: Any
        if target.classes is None:
            y = _as_given(problem.target[rows], target.unit, target.origin)
            values = outputs[:, 0].astype(np.float64) * target.unit + target.origin
            prediction = FoldRegressor(values)
        else:
            y = target.classes[problem.target[rows].astype(np.intp)]
            prediction = FoldClassifier(target.classes, problem.objective.predictions(outputs))
        more: dict[str, Any] = {}
        if problem.row_weight is not None and takes_weight:
            more["sample_weight"] = problem.row_weight[rows]
        try:
            found = _number(scorer(prediction, given.take(rows), y, **more))
        except Exception as error:  # whatever it is, it fails one candidate and not the search
            raise _failure(name, _reason(error), prediction) from error
        if not math.isfinite(found):
            raise _failure(name, f"is {found:g}", prediction)
        return found

    timed = TimedScorer(score)
    _try(name, timed, table, folds, min(_TRIAL_SECONDS, 0.02 * seconds))
    return timed


def scorer_of(scoring: Any) -> Any:
    """The scorer itself, called with an estimator, X and y.

    Raises
    ------
    ParameterError
        If ``scoring`` is neither a scorer nor the name of one.
    """
    if isinstance(scoring, str):
        try:
            return get_scorer(scoring)
        except ValueError as error:
            raise ParameterError(
                f"scoring={scoring!r} is not known to scikit-learn; {_meant(scoring)}"
            ) from error
    if not callable(scoring) or isinstance(scoring, type):
        several = isinstance(scoring, (list, tuple, set, dict))
        hint = " Candidates are chosen by one score: name one." if several and len(scoring) else ""
        raise ParameterError(
            f"scoring must be a scikit-learn scorer, its name or None; it is {scoring!r}.{hint}"
        )
    if not isinstance(scoring, _BaseScorer) and _is_metric(scoring):
        name = scoring_text(scoring)
        raise ParameterError(
            f"scoring={name} is a metric, of true and predicted values, and a scorer is called with an "
            f"estimator, X and y: give sklearn.metrics.make_scorer({name}){_by_name(scoring)}."
        )
    return scoring


def scoring_text(scoring: Any) -> str:
    """A scorer's name in sentences: 'roc_auc' in quotes, a function by its name."""
    if isinstance(scoring, str):
        return repr(scoring)
    metric = getattr(scoring, "_score_func", None)
    if metric is not None:
        return f"make_scorer({scoring_text(metric)})"
    whole = getattr(scoring, "func", scoring)  # of a functools.partial
    name = getattr(whole, "__name__", None)
    return str(name) if name else type(scoring).__name__


def score_name(scoring: Any) -> str:
    """The name of its figures in a result, as scikit-learn names scorers."""
    if isinstance(scoring, str):
        return scoring
    metric = getattr(scoring, "_score_func", None)
    if metric is None:
        return scoring_text(scoring)
    return ("neg_" if scoring._sign < 0 else "") + scoring_text(metric)


def _meant(name: str) -> str:
    """The closest names, or where to find the list."""
    names = get_scorer_names()
    plain = _SHORT.get(name.casefold(), name).casefold().replace("-", "_").replace(" ", "_").strip("_")
    bare = plain.replace("_", "")
    folded = {other.replace("_", ""): other for other in names}
    found = folded.get(bare) or folded.get("neg" + bare)
    if found is None:
        parts = [other for other in names if bare and bare in other.replace("_", "").removeprefix("neg")]
        found = min(parts, key=len, default=None)
    if found is not None:
        return f"did you mean {found!r}?"
    near = closest(plain, names)
    return near if near.startswith("did") else "sklearn.metrics.get_scorer_names() lists what is."


def _parameters(function: Any) -> Any:
    """A function's parameters by name; none where that is not to be had."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def _is_metric(function: Any) -> bool:
    """Whether a function wants true and predicted values, or at any rate not three arguments."""
    parameters = _parameters(function)
    if not parameters:
        return False
    theirs = getattr(function, "__module__", "").startswith("sklearn.metrics.")
    if theirs or next(iter(parameters)) in _TRUTHS:
        return "estimator" not in parameters
    try:
        inspect.signature(function).bind(None, None, None)
    except TypeError:
        return True
    return False


def _by_name(metric: Any) -> str:
    """scikit-learn's name for the scorer of a metric, if it has one."""
    for name in get_scorer_names():
        scorer = get_scorer(name)
        if getattr(scorer, "_score_func", None) is metric and not getattr(scorer, "_kwargs", None):
            return f", or scoring={name!r}"
    return ""


def _as_given(values: NDArray[np.floating], unit: float, origin: float) -> NDArray[np.float64]:
    """The target in its own units.

    On the way to the engine's units and back the last digit may change, and a count of 0 that became -1e-17
    is refused by scorers of counts: whole numbers come back whole.
    """
    y = values.astype(np.float64) * unit + origin
    whole = np.round(y)
    near = np.abs(y - whole) <= 8 * np.finfo(np.float64).eps * (np.abs(y - origin) + abs(origin))
    return np.where(near, whole, y)


def _number(found: Any) -> float:
    """What a scorer gave, as a number.

    Raises
    ------
    TypeError
        If it is none.
    """
    if isinstance(found, np.ndarray) and found.ndim == 0:
        found = found.item()
    if isinstance(found, (numbers.Real, np.bool_)):
        return float(found)
    if hasattr(found, "__float__") and not hasattr(found, "__len__") and not np.iscomplexobj(found):
        return float(found)  # a decimal, a tensor's number
    kind = type(found).__name__
    if isinstance(found, dict):
        kind += ", as scorers of several metrics do: candidates are chosen by one score"
    raise TypeError(f"it gave {'an' if kind[0] in 'aeiou' else 'a'} {kind}, and a score is one number")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    hint = ""
    if "sample_weight" in text:
        hint = " (it takes no sample_weight)"
    elif "pos_label" in text:
        hint = " (sklearn.metrics.make_scorer takes pos_label, the class that counts)"
    return f"raised {type(error).__name__}: {text}{hint}" if text else f"raised {type(error).__name__}"


def _failure(name: str, why: str, prediction: FoldClassifier | FoldRegressor) -> ScorerError:
    if isinstance(prediction, FoldRegressor):
        low, high = float(prediction.values.min()), float(prediction.values.max())
        return ScorerError(f"scoring={name} {why}", f"values from {low:.4g} to {high:.4g}", low)
    n = len(np.unique(prediction.probabilities.argmax(axis=1)))
    return ScorerError(f"scoring={name} {why}", f"{n} of {len(prediction.classes)} classes")


def _try(name: str, score: FoldScorer, table: TableProblem, folds: Sequence[Fold], seconds: float) -> None:
    """Score made-up outputs, so that a scorer that does not suit the target is refused before training.

    Only what is certain is refused: a scorer that gives no number for any of several kinds of predictions.
    What depends on the predictions is left to the search, where it fails one candidate and not the others.

    Raises
    ------
    ParameterError
    """
    deadline = time.monotonic() + seconds
    for k, fold in enumerate(folds):
        if k and time.monotonic() >= deadline:
            return
        error: ScorerError | None = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for outputs in _made_up(table, fold):
                try:
                    score(k, outputs)
                    error = None
                    break
                except ScorerError as failed:
                    error = error or failed
        if error is None:
            continue
        if error.__cause__ is None:
            raise ParameterError(
                f"{error.why} on the held-out rows of fold {k} whatever is predicted, as where these are one "
                "row or all of one class: take another cv, or another scoring."
            ) from error
        reason = error.why.removeprefix(f"scoring={name} ")
        for usual in (ValueError, AttributeError, TypeError):  # what it says tells enough
            reason = reason.removeprefix(f"raised {usual.__name__}: ")
        raise ParameterError(f"scoring={name} does not go with this target: {reason}.") from error


def _made_up(table: TableProblem, fold: Fold) -> Iterator[NDArray[np.floating]]:
    """Outputs for a fold's validation rows: some other row's target, mostly wrong; then what is more usual.

    Amounts are not whole numbers, which a scorer of classes would take for classes; the second kind lies
    within the target's range, so that they are positive where the target is.
    """
    problem, target = table.problem, table.target
    own, n_classes = problem.target[fold.validation], problem.objective.n_classes
    if n_classes:
        for codes in (np.roll(own, 1), own):
            yield np.eye(n_classes)[codes.astype(np.intp)]
        return
    values = own * target.unit + target.origin
    middle, little = float(np.mean(values)), (float(np.abs(values).max()) or 1.0) / 3000
    for share in (1.0, 0.5):
        made = middle + share * (np.roll(values, 1) - middle) + little
        yield ((made - target.origin) / target.unit)[:, None]


@final
class GivenRows:
    """The rows of X followed by those of a validation set, as the folds count them.

    Parameters
    ----------
    X : array, data frame or Frame
    n_train : int
        Rows that it has.
    X_val : the same, optional
    """

    def __init__(self, X: Any, n_train: int, X_val: Any = None) -> None:
        self._X, self._n_train, self._X_val = X, n_train, X_val

    def take(self, rows: NDArray[np.integer]) -> Any:
        """Copy these rows, all of them of X or all of the validation set; the type stays what was given."""
        if len(rows) and rows[0] >= self._n_train:
            return _take(self._X_val, rows - self._n_train)
        return _take(self._X, rows)


def _take(X: Any, rows: NDArray[np.integer]) -> Any:
    if isinstance(X, Frame):
        return X.take(rows)
    if is_frame(X):
        import narwhals

        return narwhals.from_native(X, eager_only=True)[rows.tolist()].to_native()
    from sklearn.utils import _safe_indexing

    return _safe_indexing(X if hasattr(X, "__getitem__") else np.asarray(X), rows)
