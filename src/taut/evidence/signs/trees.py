"""Boosted trees, small and quick: what columns tell together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TREES = 30
_RATE = 0.2


def grown(X: NDArray[np.float32], y: NDArray[Any], *, classes: bool) -> Any:
    """Fit scikit-learn's boosted trees, which take missing values as they are."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = kind(
        max_iter=_TREES, learning_rate=_RATE, min_samples_leaf=10, early_stopping=False, random_state=0
    )
    return model.fit(X, y)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold trees to one thread: on small tables, threads that wait for each other cost more than they save.

    threadpoolctl comes with scikit-learn.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="openmp"):
        yield
