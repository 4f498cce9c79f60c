from __future__ import annotations

import numpy as np

from taut.evidence.signs.alike import alike, entered_twice


def test_zeros_of_both_signs_and_missing_values_are_alike() -> None:
    values = np.array([[0.0, np.nan], [-0.0, np.nan], [0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    found = alike(values)
    assert found[0] == found[1]
    assert len(set(found.tolist())) == 3


def test_the_same_rows_have_the_same_number_and_others_another() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 3, (500, 6)).astype(np.float32)
    found = alike(values)
    expected = np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)
    assert len(np.unique(found)) == expected.max() + 1
    assert len(np.unique(np.column_stack([found, expected]), axis=0)) == expected.max() + 1


def test_many_small_numbers_are_not_alike_by_chance() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 16, (1000, 20)).astype(np.float32)
    assert not entered_twice(values)
    assert entered_twice(np.concatenate([values, values[:10]]))


def test_few_categories_are_alike_by_chance() -> None:
    rng = np.random.default_rng(0)
    for n_columns in (1, 3, 8):
        assert not entered_twice(rng.integers(0, 3, (1000, n_columns)).astype(np.float32))
    skewed = (rng.random((1000, 15)) < 0.05).astype(np.float32)
    assert not entered_twice(skewed)
