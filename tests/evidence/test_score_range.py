"""What scores can be."""

from __future__ import annotations

import math

import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    get_scorer,
    get_scorer_names,
    make_scorer,
    mean_squared_error,
)

from taut.evidence.score_range import score_range

INF = math.inf


@pytest.mark.fault(75)
@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("accuracy", (0, 1)),
        ("roc_auc", (0, 1)),
        ("roc_auc_ovr_weighted", (0, 1)),
        ("f1_macro", (0, 1)),
        ("r2", (-INF, 1)),
        ("explained_variance", (-INF, 1)),
        ("matthews_corrcoef", (-1, 1)),
        ("neg_log_loss", (-INF, 0)),
        ("neg_root_mean_squared_error", (-INF, 0)),
        ("neg_max_error", (-INF, 0)),
        (get_scorer("average_precision"), (0, 1)),
        (make_scorer(f1_score, average="macro"), (0, 1)),
        (make_scorer(mean_squared_error, greater_is_better=False), (-INF, 0)),
        (make_scorer(mean_squared_error), (-INF, INF)),
        (make_scorer(accuracy_score, normalize=False), (-INF, INF)),
        (make_scorer(balanced_accuracy_score, adjusted=True), (-INF, INF)),
        (lambda estimator, X, y: 7.0, (-INF, INF)),
        ("no_such_scorer", (-INF, INF)),
    ],
)
def test_what_is_known_of_a_scorer(scoring: object, expected: tuple[float, float]) -> None:
    assert score_range(scoring) == expected


def test_every_scorer_of_scikit_learn_has_an_end() -> None:
    assert [name for name in get_scorer_names() if score_range(name) == (-INF, INF)] == []
