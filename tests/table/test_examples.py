from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taut.learning.examples import Columns
from taut.table.duplicates import duplicate_groups
from taut.table.encoder import Encoder
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix


def examples(n: int = 60, **changes: Any) -> TableExamples:
    """Two numbers, and a category of three values."""
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.standard_normal((n, 2)), rng.integers(0, 3, n)]).astype(np.float32)
    matrix = Matrix(values, ("x", "y", "c"), 2, (("u", "v", "w"),))
    return TableExamples(replace(matrix, **changes))


def digest(given: TableExamples) -> str:
    found = hashlib.sha256()
    given.hash_into(found)
    return found.hexdigest()


def test_they_are_rows_of_columns() -> None:
    given = examples()
    assert isinstance(given, Columns)
    assert (len(given), given.n_columns, given.n_categories) == (60, 3, 1)


def test_the_hash_is_of_the_numbers_bit_for_bit_their_type_and_shape() -> None:
    given = examples()
    values = given.matrix.values
    one_bit = values.copy()
    one_bit[59, 1] = np.nextafter(one_bit[59, 1], np.float32(np.inf))
    swapped = values[[1, 0, *range(2, 60)]]
    others = [one_bit, swapped, values[:-1], values.astype(np.float64), values.reshape(30, 6)]
    found = {digest(examples(values=other)) for other in [values, *others]}
    assert len(found) == 6
    # And of nothing else: neither names, nor the order of memory or of bytes.
    assert digest(examples(names=("a", "b", "c"))) == digest(given)
    for same in (values.copy(), np.asfortranarray(values), values.astype(">f4")):
        assert digest(examples(values=same)) == digest(given)


def test_missing_numbers_and_zeros_of_both_signs_are_told_apart_by_the_hash() -> None:
    def of(value: float) -> str:
        values = examples().matrix.values.copy()
        values[0, 0] = value
        return digest(examples(values=values))

    assert len({of(value) for value in (0.0, -0.0, np.nan, np.inf)}) == 4


def test_identical_rows_have_one_number_in_the_groups() -> None:
    given = examples()
    twice = examples(values=np.concatenate([given.matrix.values, given.matrix.values[:6]]))
    groups = twice.duplicate_groups()
    assert groups.tolist() == [*range(60), *range(6)]
    assert groups.tolist() == duplicate_groups(twice.matrix)[0].tolist()
    assert len(set(given.duplicate_groups().tolist())) == 60
    # What chance repeats stays apart.
    dice = TableExamples(Matrix(np.tile([[0, 1], [1, 0]], (50, 1)).astype(np.float32), ("x", "y"), 2, ()))
    assert len(set(dice.duplicate_groups().tolist())) == 100


def test_the_encoder_is_fitted_on_the_rows_that_are_named() -> None:
    given = examples()
    rows = np.arange(5, 45, dtype=np.int32)
    assert given.encoder(rows).to_json() == Encoder.fit(given.matrix, rows).to_json()
    assert given.encoder(rows).to_json() != given.encoder(rows[::2]).to_json()


def test_shuffled_rows_take_other_rows_values_in_some_columns_the_masks_slowest() -> None:
    given, rng = examples(), np.random.default_rng(1)
    rows = np.array([3, 50, 7, 12], dtype=np.int32)
    donors = np.array([rng.permutation(4) for _ in range(3)])
    masks = [np.array(mask) for mask in ([True, False, False], [False, True, True], [False] * 3)]
    before = given.matrix.values.copy()
    found = given.shuffled(rows, donors, masks)
    assert len(found) == 3 * 3 * 4
    values = found.matrix.values.reshape(3, 3, 4, 3)
    for i, mask in enumerate(masks):
        for j, order in enumerate(donors):
            for k in range(4):
                for column in range(3):
                    row = rows[order[k]] if mask[column] else rows[k]
                    assert values[i, j, k, column] == before[row, column]
    assert given.matrix.values.tobytes() == before.tobytes()
    assert (found.matrix.names, found.matrix.n_numbers) == (given.matrix.names, 2)
    assert found.matrix.levels == given.matrix.levels
    assert found.matrix.values.flags.c_contiguous
    assert found.matrix.values.dtype == np.float32


@pytest.mark.parametrize("n_masks", [0, 1])
def test_shuffled_with_no_mask_or_no_shuffle_is_empty(n_masks: int) -> None:
    masks = [np.ones(3, dtype=bool)] * n_masks
    rows = np.arange(4, dtype=np.int32)
    donors = np.arange(4)[None][: 1 - n_masks]
    found = examples().shuffled(rows, donors, masks)
    assert (len(found), found.n_columns) == (0, 3)
