from __future__ import annotations

import numpy as np

from taut.evidence.signs.trees import grown, one_thread


def test_trees_learn_with_missing_values_and_give_the_same_again() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 3)).astype(np.float32)
    X[::5, 1] = np.nan
    y = X[:, 0] + np.isnan(X[:, 1])
    with one_thread():
        model, again = grown(X, y, classes=False), grown(X, y, classes=False)
        classes = grown(X, (y > 0).astype(int), classes=True)
    assert model.score(X, y) > 0.9
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert classes.score(X, y > 0) > 0.9
