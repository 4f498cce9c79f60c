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
GUARD = LANES  # numbers around each buffer, and between its rows, that nobody may write


@njit
def forward(f: Any, p: Any, s: Any, w: Any, rows: int, n_in: int, n_out: int) -> None:
    forward_product(f, p[3], s[1], p[0], s[0], w, 0, rows, n_in, n_out, p[2])


@njit
def weight(f: Any, p: Any, s: Any, rows: int, n_in: int, n_out: int) -> None:
    weight_product(f, p[3], p[0], s[0], p[1], s[1], rows, n_in, n_out, p[2])


@njit
def back(f: Any, p: Any, s: Any, w: Any, rows: int, n_in: int, n_out: int, n_true: int) -> None:
    input_product(f, p[3], s[0], p[1], s[1], w, 0, rows, n_in, n_out, n_true, p[4], p[2])


class Products:
    """One layer's matrices in one flat buffer, as in a thread's scratch, with guards between them."""

    def __init__(self, rows: int, n_in: int, n_out: int, dtype: Any, gap: int = 0, offset: int = 0) -> None:
        rng = np.random.default_rng(rows + n_in + n_out)
        self.shape, self.gap, self.offset = (rows, n_in, n_out), gap, offset
        self.x = rng.standard_normal((rows, n_in)).astype(dtype)
        self.w = rng.standard_normal((n_in, n_out)).astype(dtype)
        self.dz = rng.standard_normal((rows, n_out)).astype(dtype)
        self.n_true = n_out

    def result(self, kernel: Any, shape: tuple[int, int], gap: int, *w: Any) -> Any:
        """Call a kernel; the result is checked to be all that was written outside of its own memory."""
        rows, n_in, n_out = self.shape
        strides = np.array([n_in + self.gap, n_out + self.gap])
        height, width = shape
        sizes = [
            rows * strides[0],
            rows * strides[1],
            INNER_AT_MOST * WIDE,
            height * (width + gap),
            n_in * n_out,
        ]
        places = self.offset + GUARD + np.cumsum([0, *(size + GUARD for size in sizes)])
        f = np.full(places[-1] + GUARD, 7.0, self.x.dtype)
        for array, place, stride in ((self.x, places[0], strides[0]), (self.dz, places[1], strides[1])):
            f[place : place + rows * stride].reshape(rows, stride)[:, : array.shape[1]] = array
        before = f.copy()
        kernel(f, places, strides, *w, rows, n_in, n_out)
        out = f[places[3] : places[3] + sizes[3]].reshape(height, width + gap)[:, :width].copy()
        f[places[3] : places[3] + sizes[3]].reshape(height, width + gap)[:, :width] = 7.0
        for own in (2, 4):  # the strip, and the transposed weights
            f[places[own] : places[own] + sizes[own]] = 7.0
        np.testing.assert_array_equal(f, before)
        return out

    def forward(self) -> Any:
        return self.result(forward, (self.shape[0], self.shape[2]), self.gap, self.w.ravel())

    def weight(self) -> Any:
        return self.result(weight, (self.shape[1], self.shape[2]), 0)

    def input(self) -> Any:
        def kernel(f: Any, p: Any, s: Any, w: Any, rows: int, n_in: int, n_out: int) -> None:
            back(f, p, s, w, rows, n_in, n_out, self.n_true)

        return self.result(kernel, (self.shape[0], self.shape[1]), self.gap, self.w.ravel())

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
def test_rows_may_lie_apart_and_buffers_begin_anywhere(dtype: Any) -> None:
    dense = Products(21, 32, 48, dtype)
    for gap, offset in ((16, 0), (0, 3), (5, 1)):
        apart = Products(21, 32, 48, dtype, gap, offset)
        apart.check()
        for name in ("forward", "weight", "input"):
            assert getattr(apart, name)().tobytes() == getattr(dense, name)().tobytes()


@dtypes
def test_columns_that_are_padding_need_not_be_multiplied(dtype: Any) -> None:
    for n_true in (1, 2, 17, 31):
        products = Products(9, 48, 32, dtype)
        products.w[:, n_true:] = 0.0
        products.dz[:, n_true:] = 0.0
        whole = products.input()
        products.n_true = n_true
        np.testing.assert_array_equal(products.input(), whole)


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
