"""The range of a score, where that is known."""

from __future__ import annotations

import math
from typing import Any

# Of scikit-learn's functions by name. Those that are not here, and the user's own, may be any number.
_SHARES = {
    "accuracy_score", "average_precision_score", "balanced_accuracy_score", "completeness_score", "f1_score",
    "fbeta_score", "fowlkes_mallows_score", "homogeneity_score", "jaccard_score",
    "normalized_mutual_info_score", "precision_score", "rand_score", "recall_score", "roc_auc_score",
    "top_k_accuracy_score", "v_measure_score",
}  # fmt: skip
_AT_MOST_ONE = {
    "adjusted_mutual_info_score", "adjusted_rand_score", "d2_absolute_error_score", "d2_brier_score",
    "d2_log_loss_score", "d2_pinball_score", "d2_tweedie_score", "explained_variance_score", "r2_score",
}  # fmt: skip
_CORRELATIONS = {"cohen_kappa_score", "matthews_corrcoef"}
_NOT_BELOW_ZERO = {"mutual_info_score", "positive_likelihood_ratio"}
# These change what a function returns: counts instead of shares, and shares beyond chance.
_OTHERWISE = ({"normalize": False}, {"adjusted": True})


def score_range(scoring: Any) -> tuple[float, float]:
    """Give the lowest and the highest value that a scorer can give; infinite where it is not known.

    Parameters
    ----------
    scoring : str or callable
        A scikit-learn scorer or its name.

    Examples
    --------
    >>> score_range("roc_auc"), score_range("r2"), score_range("neg_mean_squared_error")
    ((0.0, 1.0), (-inf, 1.0), (-inf, 0.0))
    """
    from sklearn.metrics import get_scorer

    if isinstance(scoring, str):
        try:
            scoring = get_scorer(scoring)
        except ValueError:
            return -math.inf, math.inf
    function, sign = getattr(scoring, "_score_func", None), getattr(scoring, "_sign", 1)
    given = getattr(scoring, "_kwargs", {})
    low, high = -math.inf, math.inf
    if str(getattr(function, "__module__", "")).partition(".")[0] == "sklearn":
        name = getattr(function, "__name__", "")
        if any(given.get(key) == value for other in _OTHERWISE for key, value in other.items()):
            pass
        elif name in _SHARES:
            low, high = 0.0, 1.0
        elif name in _AT_MOST_ONE:
            high = 1.0
        elif name in _CORRELATIONS:
            low, high = -1.0, 1.0
        elif sign < 0 or name in _NOT_BELOW_ZERO:  # an error
            low = 0.0
    return (low, high) if sign > 0 else (0.0 - high, 0.0 - low)
