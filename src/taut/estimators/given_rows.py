"""Rows of X as the user gave it, for a scorer that looks at them."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.estimators.problem import is_frame
from taut.table.frame import Frame


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
