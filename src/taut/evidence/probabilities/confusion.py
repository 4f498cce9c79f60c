"""Which classes are taken for which, on out-of-fold rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

#: Classes that are counted; of more, the most frequent ones.
MOST_CLASSES = 50


@final
@dataclass(frozen=True)
class Confusion:
    """Rows by true and predicted class, as scikit-learn's ``confusion_matrix`` has them.

    Attributes
    ----------
    classes : tuple of int
        Numbers of the classes that are counted, in their order.
    rows : tuple of tuple of float
        ``rows[i][j]``: rows of the class ``classes[i]`` that were predicted as ``classes[j]``; a sum of
        weights where rows have weights (those of classes aside).
    accuracy : float
        Share of right rows among all, classes that are not counted here included.
    """

    classes: tuple[int, ...]
    rows: tuple[tuple[float, ...], ...]
    accuracy: float

    @classmethod
    def of(
        cls, probabilities: NDArray[np.float64], codes: NDArray[np.intp], weight: NDArray[np.float64] | None
    ) -> Confusion:
        """Count them.

        Parameters
        ----------
        probabilities : float64 array, shape (n, n_classes)
        codes : int array, shape (n,)
        weight : float64 array, shape (n,), or None
            Without that of the classes.
        """
        from sklearn.metrics import confusion_matrix

        n_classes, predicted = probabilities.shape[1], probabilities.argmax(axis=1)
        frequent = np.argsort(-np.bincount(codes, weight, minlength=n_classes), kind="stable")
        kept = np.sort(frequent[:MOST_CLASSES])
        inside = np.isin(codes, kept) & np.isin(predicted, kept)
        some = None if weight is None else weight[inside]
        counts = np.zeros((len(kept), len(kept)))
        if inside.any():
            counts = confusion_matrix(codes[inside], predicted[inside], labels=kept, sample_weight=some)
        return cls(
            tuple(map(int, kept)),
            tuple(tuple(map(float, row)) for row in counts.tolist()),
            float(np.average(predicted == codes, weights=weight)),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Confusion:
        """Make it again."""
        rows = tuple(tuple(map(float, row)) for row in data["rows"])
        return cls(tuple(data["classes"]), rows, float(data["accuracy"]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        rows = [list(row) for row in self.rows]
        return {"classes": list(self.classes), "rows": rows, "accuracy": self.accuracy}
