"""Rows are encoded on the way into a batch as the encoder does it in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from taut.engine.compiled.engine import CompiledEngine
from taut.engine.compiled.gather import gather
from taut.engine.compiled.layout import padded
from taut.engine.compiled.plans import encoding_of
from taut.learning.objective import CrossEntropy
from taut.learning.problem import Fold, Problem
from taut.recipe import Recipe
from taut.table.encoder import Encoder
from taut.table.examples import TableExamples
from taut.table.matrices import Matrix
from taut.techniques import BatchNorm
from tests.engine.helpers import make_member, make_problem, outputs, plain_encoder


@njit(nogil=True)
def call(x: Any, width: int, stride: int, values: Any, encoding: Any, n_numbers: int, rows: Any) -> None:
    n_pieces = len(encoding.piece_feature)
    gather(x, 3, width, stride, values, encoding, n_numbers, n_pieces, rows, 1, len(rows) - 1)


def gathered(encoder: Encoder, values: Any, rows: Any, dtype: Any = np.float32) -> Any:
    """All rows but the first, from behind the third place of a buffer full of rubbish."""
    width = padded(encoder.n_features)
    x = np.full(3 + (len(rows) - 1) * (width + 16), np.nan, dtype)
    call(x, width, width + 16, values, encoding_of(encoder), encoder.n_numbers, rows.astype(np.int32))
    assert np.all(np.isnan(x[:3]))
    batch = x[3:].reshape(-1, width + 16)
    assert np.all(np.isnan(batch[:, width:]))  # what lies between the rows is left alone
    return batch[:, :width]


def table(n: int, n_numbers: int, n_categories: int, seed: int) -> Matrix:
    """Numbers of all sizes with values missing, and categories with rare, other and missing ones."""
    rng = np.random.default_rng(seed)
    numbers = (rng.standard_t(1, (n, n_numbers)) * 10.0 ** rng.integers(-6, 7, n_numbers)).astype(np.float32)
    numbers[rng.random((n, n_numbers)) < rng.choice([0.0, 0.2, 0.9], n_numbers)] = np.nan
    if n_numbers:
        numbers[:, 0] = 4.0  # a constant
        numbers[0, -1] = 1e12  # the most that a matrix holds
    levels = tuple(tuple(f"v{i}" for i in range(rng.integers(1, 9))) for _ in range(n_categories))
    codes = [rng.choice(len(v) + 2, n, p=_shares(len(v) + 2)) for v in levels]
    values = np.column_stack([numbers, *codes]).astype(np.float32)
    names = tuple(f"c{i}" for i in range(values.shape[1]))
    return Matrix(np.ascontiguousarray(values), names, n_numbers, levels)


def _shares(n: int) -> Any:
    shares = 1.0 / np.arange(1, n + 1) ** 2
    return shares / shares.sum()


@given(
    st.integers(0, 40), st.integers(0, 4), st.integers(0, 10**6), st.sampled_from([np.float32, np.float64]),
    st.sampled_from([0, 1, 5, 24]),
)  # fmt: skip
@settings(max_examples=60)
def test_gathered_rows_are_those_of_the_encoder(
    n_numbers: int, n_categories: int, seed: int, dtype: Any, n_bins: int
) -> None:
    matrix = table(150, n_numbers, n_categories, seed)
    rng = np.random.default_rng(seed)
    encoder = Encoder.fit(matrix, rng.choice(150, 100, replace=False), n_bins)
    if encoder.n_features == 0:
        return
    rows = rng.integers(0, 150, 40)
    x = gathered(encoder, matrix.values, rows, dtype)
    expected = encoder.transform(matrix.values, rows[1:])
    np.testing.assert_allclose(x[:, : encoder.n_features], expected, atol=1e-6)
    assert np.abs(expected).max() <= 3.001
    assert not x[:, encoder.n_features :].any()  # padding
    flags = slice(encoder.n_numbers, None)
    np.testing.assert_array_equal(x[:, flags][:, : expected[:, flags].shape[1]], expected[:, flags])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_a_clip_a_number_is_what_the_encoder_makes_of_it(dtype: Any) -> None:
    values = make_problem(p=5).examples.matrix.values * 100
    matrix = Matrix(values, tuple("abcde"), 5, ())
    encoder = Encoder.standard(matrix, np.arange(50))
    rows = np.arange(200)
    x = gathered(encoder, values, rows, dtype)
    np.testing.assert_array_equal(x[:, :5], encoder.transform(values, rows[1:]))


def test_flags_and_categories_take_part_in_training_and_prediction() -> None:
    matrix = table(300, 5, 3, 7)
    rng = np.random.default_rng(0)
    target = (np.isnan(matrix.values[:, 2]) ^ (matrix.values[:, 5] == 0)).astype(float)
    problem = Problem(TableExamples(matrix), target, CrossEntropy(2))
    train = rng.permutation(300)[:200].astype(np.int32)
    validation = np.setdiff1d(np.arange(300), train).astype(np.int32)
    member = make_member(
        problem, Recipe(BatchNorm()), fold=Fold(train, validation, train[:100]), max_epochs=40
    )
    engine = CompiledEngine(1)
    training = engine.train(problem, [member])[0]
    fitted = training.fitted()
    assert len(fitted.encoder.flags) > 0
    assert fitted.encoder.to_json() == Encoder.fit(matrix, train).to_json()
    assert training.curve.correct[-1] > 0.9
    z = engine.predict(problem.examples, fitted)
    np.testing.assert_allclose(z, outputs(fitted, problem.examples, np.arange(300)), atol=1e-3)


@pytest.mark.parametrize("n_numbers", [1, 15, 16, 17, 33])
def test_missing_numbers_are_zero_and_the_largest_are_clipped(n_numbers: int) -> None:
    values, encoder = make_problem(p=n_numbers).examples.matrix.values, plain_encoder(n_numbers)
    values[3] = np.nan
    values[4] = 1e12
    values[5] = -1e12
    x = gathered(encoder, values, np.array([0, 3, 4, 5]))
    np.testing.assert_allclose(
        x[:, :n_numbers], np.repeat([[0.0], [3.0], [-3.0]], n_numbers, axis=1), rtol=1e-6
    )
