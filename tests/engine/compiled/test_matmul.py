"""The three products of a training step, against NumPy."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numba import njit

from taut.engine.compiled.matmul import (
    INNER_AT_MOST,
    STRIP_FROM,
    WIDE,
    forward_product,
    input_product,
    weight_product,
)  # fmt: skip
from taut.engine.compiled.simd import LANES
from taut.engine.compiled.tiles import ROWS, make_tile, transpose_block

DTYPES = [np.float32, np.float64]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
GUARD = LANES  # numbers before and behind each buffer that nobody may write


class Products:
    """One layer's matrices in flat buffers, with guards around the results."""

    def __init__(self, rows: int, n_in: int, n_out: int, dtype: Any) -> None:
        rng = np.random.default_rng(rows + n_in + n_out)
        self.shape = rows, n_in, n_out
        self.x = rng.standard_normal((rows, n_in)).astype(dtype)
        self.w = rng.standard_normal((n_in, n_out)).astype(dtype)
        self.dz = rng.standard_normal((rows, n_out)).astype(dtype)
        self.strip = np.full(INNER_AT_MOST * WIDE + 2 * GUARD, np.nan, dtype)
        self.turned = np.full(n_in * n_out + 2 * GUARD, np.nan, dtype)

    def result(self, kernel: Any, n_rows: int, width: int, *arguments: Any) -> Any:
        out = np.full(n_rows * width + 2 * GUARD, 7.0, self.x.dtype)
        kernel(out, GUARD, *arguments)
        assert np.all(out[:GUARD] == 7.0)
        assert np.all(out[-GUARD:] == 7.0)
        return out[GUARD:-GUARD].reshape(n_rows, width)

    def forward(self) -> Any:
        rows, n_in, n_out = self.shape
        a = (self.x.ravel(), 0, self.w.ravel(), 0, rows, n_in, n_out, self.strip, GUARD)
        return self.result(forward_product, rows, n_out, *a)

    def weight(self) -> Any:
        rows, n_in, n_out = self.shape
        a = (self.x.ravel(), 0, self.dz.ravel(), 0, rows, n_in, n_out, self.strip, GUARD)
        return self.result(weight_product, n_in, n_out, *a)

    def input(self) -> Any:
        rows, n_in, n_out = self.shape
        a = (self.dz.ravel(), 0, self.w.ravel(), 0, rows, n_in, n_out, self.turned, GUARD, self.strip, GUARD)
        return self.result(input_product, rows, n_in, *a)

    def check(self) -> None:
        inner = {"forward": self.shape[1], "weight": self.shape[0], "input": self.shape[2]}
        double = {name: getattr(self, name).astype(np.float64) for name in ("x", "w", "dz")}
        expected = {
            "forward": double["x"] @ double["w"],
            "weight": double["x"].T @ double["dz"],
            "input": double["dz"] @ double["w"].T,
        }
        for name, exact in expected.items():
            # A chain of n multiply-adds of numbers around 1.
            allowed = 4 * np.finfo(self.x.dtype).eps * inner[name]
            np.testing.assert_allclose(getattr(self, name)(), exact, rtol=1e-5, atol=allowed, err_msg=name)
        assert np.all(np.isnan(self.strip[:GUARD]))
        assert np.all(np.isnan(self.strip[-GUARD:]))
        assert np.all(np.isnan(self.turned[:GUARD]))
        assert np.all(np.isnan(self.turned[-GUARD:]))


@dtypes
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 15, 16, 17, 33, 64])
def test_any_number_of_rows(rows: int, dtype: Any) -> None:
    for n_in, n_out in product((16, 48), (16, 32, 48, 80)):
        Products(rows, n_in, n_out, dtype).check()


@dtypes
def test_an_inner_dimension_that_is_cut(dtype: Any) -> None:
    # Each of the three products has another inner dimension.
    for extra in (0, 1, 17):
        Products(INNER_AT_MOST + extra, 16, 48, dtype).check()
    Products(9, INNER_AT_MOST + 16, 48, dtype).check()
    Products(9, 16, INNER_AT_MOST + 48, dtype).check()
    Products(3, 2 * INNER_AT_MOST + 16, 16, dtype).check()


@dtypes
def test_a_matrix_so_large_that_its_columns_are_copied_first(dtype: Any) -> None:
    width = 16 * 19
    n_in = STRIP_FROM // width // 16 * 16 + 32
    assert n_in * width > STRIP_FROM
    assert n_in <= INNER_AT_MOST
    Products(11, n_in, width, dtype).check()
    Products(11, width, n_in, dtype).check()
    Products(n_in + 3, 16, width, dtype).check()


@dtypes
@pytest.mark.parametrize(("n_in", "n_out"), [(16, 16), (48, 80), (INNER_AT_MOST + 16, 48), (1008, 304)])
def test_a_row_does_not_depend_on_its_neighbours(n_in: int, n_out: int, dtype: Any) -> None:
    whole = Products(21, n_in, n_out, dtype)
    forward, back = whole.forward(), whole.input()
    for chosen in ([0], [20], [5, 5, 3], list(range(1, 18)), list(range(20, -1, -1))):
        part = Products(len(chosen), n_in, n_out, dtype)
        part.x, part.w, part.dz = whole.x[chosen], whole.w, whole.dz[chosen]
        assert part.forward().tobytes() == forward[chosen].tobytes()
        assert part.input().tobytes() == back[chosen].tobytes()
    # Not even where these are NaN.
    whole.x[7], whole.dz[7] = np.nan, np.nan
    others = np.arange(21) != 7
    assert whole.forward()[others].tobytes() == forward[others].tobytes()
    assert whole.input()[others].tobytes() == back[others].tobytes()


@dtypes
def test_buffers_may_begin_anywhere(dtype: Any) -> None:
    aligned = Products(10, 32, 48, dtype)
    x = np.concatenate([np.zeros(3, dtype), aligned.x.ravel()])
    w = np.concatenate([np.zeros(5, dtype), aligned.w.ravel()])
    out = np.zeros(7 + 10 * 48, dtype)
    forward_product(out, 7, x, 3, w, 5, 10, 32, 48, aligned.strip, 0)
    assert out[7:].tobytes() == aligned.forward().tobytes()


@dtypes
@pytest.mark.parametrize(("height", "vectors"), [(ROWS, 2), (1, 1), (4, 1), (16, 1)])
def test_a_tile_adds_where_it_is_told_to(dtype: Any, height: int, vectors: int) -> None:
    tile = make_tile(height, vectors)

    @njit
    def call(c: Any, a: Any, b: Any, inner: int, add: int) -> None:
        tile(c, 0, 40, a, 0, 10, 1, b, 0, 50, inner, add)

    rng = np.random.default_rng(0)
    a = rng.standard_normal((height, 10)).astype(dtype)
    b = rng.standard_normal((10, 50)).astype(dtype)
    width = vectors * LANES
    for inner, add in product((1, 2, 10), (0, 1)):
        c = np.ones((height, 40), dtype)
        call(c.ravel(), a.ravel(), b.ravel(), inner, add)
        expected = a[:, :inner] @ b[:inner, :width] + add
        np.testing.assert_allclose(c[:, :width], expected, rtol=1e-5, atol=1e-5)
        assert np.all(c[:, width:] == 1.0)


@njit
def turn(target: Any, source: Any) -> None:
    transpose_block(target, 2, 20, source, 3, 30)


@dtypes
def test_a_block_is_transposed_number_by_number(dtype: Any) -> None:
    source = np.arange(3 + 30 * LANES, dtype=dtype)
    target = np.zeros(2 + 20 * LANES, dtype)
    turn(target, source)
    block = source[3:].reshape(LANES, 30)[:, :LANES]
    np.testing.assert_array_equal(target[2:].reshape(LANES, 20)[:, :LANES], block.T)
    assert not target[2:].reshape(LANES, 20)[:, LANES:].any()
