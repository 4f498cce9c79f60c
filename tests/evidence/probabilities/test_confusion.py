from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix

from taut.evidence.probabilities.confusion import MOST_CLASSES, Confusion


def made(seed: int, n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(n_classes), n)
    return shares, rng.integers(0, n_classes, n), rng.exponential(size=n)


@given(st.integers(0, 1000), st.integers(1, 60), st.integers(2, 6), st.booleans())
def test_it_is_scikit_learns(seed: int, n: int, n_classes: int, weighted: bool) -> None:
    shares, codes, weight = made(seed, n, n_classes)
    used = weight if weighted else None
    found, predicted = Confusion.of(shares, codes, used), shares.argmax(axis=1)
    wanted = confusion_matrix(codes, predicted, labels=range(n_classes), sample_weight=used)
    np.testing.assert_allclose(found.rows, wanted)
    np.testing.assert_allclose(found.accuracy, accuracy_score(codes, predicted, sample_weight=used))
    assert Confusion.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_of_many_classes_the_most_frequent_are_counted() -> None:
    shares, codes, _ = made(0, 5000, MOST_CLASSES + 10)
    codes[:500] = MOST_CLASSES + 9
    found = Confusion.of(shares, codes, None)
    assert len(found.classes) == len(found.rows) == MOST_CLASSES
    assert list(found.classes) == sorted(found.classes)
    assert found.classes[-1] == MOST_CLASSES + 9
    counts = np.bincount(codes)
    assert counts[list(found.classes)].min() >= np.delete(counts, found.classes).max()
    assert found.accuracy == accuracy_score(codes, shares.argmax(axis=1))
