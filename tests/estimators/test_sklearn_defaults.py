"""scikit-learn's own checks on the estimators as they come, without smaller networks or fewer epochs."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from taut import TautClassifier, TautClassifierCV, TautRegressor, TautRegressorCV
from tests.estimators.test_sklearn import expected_failures

DEFAULTS = [
    TautClassifier(),
    TautRegressor(),
    TautClassifierCV(n_candidates=2),
    TautRegressorCV(n_candidates=2),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::taut.errors.DataWarning", "ignore::UserWarning")
@parametrize_with_checks(DEFAULTS, expected_failed_checks=expected_failures, xfail_strict=True)
def test_sklearn_check(estimator: Any, check: Any) -> None:
    check(estimator)
