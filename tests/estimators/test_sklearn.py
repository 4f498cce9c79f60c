"""scikit-learn's own checks on all four estimators."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from taut import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV

# Small and quick, and enough for the checks that ask for a good score.
QUICK: dict[str, Any] = {"hidden": (16,), "max_epochs": 100, "n_jobs": 1, "random_state": 0}
ESTIMATORS = [
    TautClassifier(**QUICK),
    TautRegressor(**QUICK),
    TautClassifierCV(**QUICK, cv=3, n_candidates=3),
    TautRegressorCV(**QUICK, cv=3, n_candidates=3),
    # What they have of their own, at other values than the usual ones.
    TautClassifierCV(**QUICK, cv=2, effort="quick", n_candidates=5, selection="1se", final="refit"),
    TautRegressorCV(**QUICK, cv=2, n_candidates=5, scoring="r2", final="refit"),
]


def expected_failures(estimator: Any) -> dict[str, str]:
    """Checks that minibatches or folds of rows make impossible."""
    return {
        "check_sample_weight_equivalence_on_dense_data": (
            "a row of weight 2 is one row of a minibatch, and a row that stands there twice is in two; the "
            "rows are also held out, or dealt to folds, one by one"
        )
    }


@pytest.mark.filterwarnings("ignore::taut.errors.DataWarning", "ignore::UserWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures, xfail_strict=True)
def test_sklearn_check(estimator: Any, check: Any) -> None:
    check(estimator)
