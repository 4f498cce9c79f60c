"""Vectors do lane by lane what NumPy does."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from numba import njit

from taut.engine.compiled import simd
from taut.engine.compiled.simd import (
    LANES,
    fabs,
    first_lanes,
    floor,
    get,
    lanes_from,
    largest,
    like,
    load,
    load_row,
    one_hot,
    put,
    select,
    splat,
    sqrt,
    store,
    total,
    two_to,
)  # fmt: skip

DTYPES = [np.float32, np.float64]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-30, -3.5, 2.5, 1e30, 0.5, -0.5, 7.0, -7.0, 3.0]


def same(a: Any, b: Any) -> None:
    """Bit for bit, except that a NaN is a NaN."""
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a[~np.isnan(a)]), np.signbit(b[~np.isnan(b)]))


@pytest.fixture(params=DTYPES, ids=["float32", "float64"])
def pairs(request: pytest.FixtureRequest) -> Any:
    """Every special number next to every other."""
    a = np.repeat(np.array(SPECIAL, request.param), LANES)
    b = np.tile(np.array(SPECIAL, request.param), LANES)
    return a, b


OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq]


@njit
def arithmetic(a: Any, b: Any, out: Any) -> None:
    for i in range(0, len(a), LANES):
        x, y = load(a, i), load(b, i)
        store(out[0], i, x + y)
        store(out[1], i, x - y)
        store(out[2], i, x * y)
        store(out[3], i, x / y)
        store(out[4], i, -x)
        store(out[5], i, fabs(x))
        store(out[6], i, floor(x))
        store(out[7], i, sqrt(fabs(x)))


def test_arithmetic(pairs: Any) -> None:
    a, b = pairs
    out = np.empty((8, len(a)), a.dtype)
    arithmetic(a, b, out)
    with np.errstate(all="ignore"):
        for line, function in zip(out, OPERATIONS, strict=False):
            same(line, function(a, b))
        same(out[4], -a)
        same(out[5], np.abs(a))
        same(out[6], np.floor(a))
        same(out[7], np.sqrt(np.abs(a)))


@njit
def compare(a: Any, b: Any, out: Any) -> None:
    for i in range(0, len(a), LANES):
        x, y = load(a, i), load(b, i)
        store(out[0], i, select(x < y, splat(a, 1.0), 0.0))
        store(out[1], i, select(x <= y, splat(a, 1.0), 0.0))
        store(out[2], i, select(x > y, splat(a, 1.0), 0.0))
        store(out[3], i, select(x >= y, splat(a, 1.0), 0.0))
        store(out[4], i, select(x == y, splat(a, 1.0), 0.0))
        store(out[5], i, min(x, y))
        store(out[6], i, max(x, y))


def test_comparisons_min_and_max_as_pythons_own(pairs: Any) -> None:
    a, b = pairs
    out = np.empty((7, len(a)), a.dtype)
    compare(a, b, out)
    for line, function in zip(out, COMPARISONS, strict=False):
        same(line, function(a, b).astype(a.dtype))
    same(out[5], np.array([min(x, y) for x, y in zip(a, b, strict=True)]))
    same(out[6], np.array([max(x, y) for x, y in zip(a, b, strict=True)]))


@njit
def with_numbers(a: Any, out: Any) -> None:
    for i in range(0, len(a), LANES):
        x = load(a, i)
        store(out[0], i, 2.0 * x + 1)
        store(out[1], i, (x - 0.5) / 2)
        store(out[2], i, 1 / x)
        store(out[3], i, select(x > 0.25, x, -1.0))
        store(out[4], i, select(0.25 >= x, 3, x))


@dtypes
def test_a_number_next_to_a_vector_is_taken_in_its_type(dtype: Any) -> None:
    a = np.linspace(-2, 3, 2 * LANES).astype(dtype)
    out = np.empty((5, len(a)), dtype)
    with_numbers(a, out)
    np.testing.assert_allclose(out[0], 2 * a + 1, rtol=1e-6)
    same(out[1], (a - dtype(0.5)) / dtype(2))
    same(out[2], 1 / a)
    same(out[3], np.where(a > 0.25, a, dtype(-1)))
    same(out[4], np.where(a <= 0.25, dtype(3), a))


@njit
def whole_numbers(start: int, out: Any) -> None:
    x = lanes_from(start)
    store(out[0], 0, x * 0x9E3779B1 + 0xFFFFFFF0)
    store(out[1], 0, x ^ (x >> 3))
    store(out[2], 0, (x << 5) | 1)
    store(out[3], 0, x & 0xFFFF)
    store(out[4], 0, select(x < 2**31, x - 1, 7))


@pytest.mark.parametrize("start", [0, 5, 2**31 - 8, 2**32 - 3])
def test_whole_numbers_wrap_around_without_a_sign(start: int) -> None:
    out = np.empty((5, LANES), np.uint32)
    whole_numbers(start, out)
    x = (np.arange(LANES, dtype=np.uint64) + np.uint64(start)).astype(np.uint32)
    same(out[0], x * np.uint32(0x9E3779B1) + np.uint32(0xFFFFFFF0))
    same(out[1], x ^ (x >> np.uint32(3)))
    same(out[2], (x << np.uint32(5)) | np.uint32(1))
    same(out[3], x & np.uint32(0xFFFF))
    same(out[4], np.where(x < 2**31, x - np.uint32(1), np.uint32(7)))


@njit
def take_apart(a: Any, count: int, out: Any) -> None:
    x = load(a, 0)
    put(out, 0, total(x))
    put(out, 1, largest(x))
    put(out, 2, get(a, 3))
    store(out, LANES, select(first_lanes(count), x, 0.0))
    store(out, 2 * LANES, one_hot(a, count))


@dtypes
@pytest.mark.parametrize("count", [-1, 0, 1, 7, 15, 16, 40])
def test_lanes(dtype: Any, count: int) -> None:
    a = np.random.default_rng(0).standard_normal(LANES).astype(dtype)
    out = np.zeros(3 * LANES, dtype)
    take_apart(a, count, out)
    assert out[0] == pytest.approx(a.sum(dtype=np.float64), rel=1e-5)
    assert out[1] == a.max()
    assert out[2] == a[3]
    lanes = np.arange(LANES)
    same(out[LANES : 2 * LANES], np.where(lanes < count, a, dtype(0)))
    same(out[2 * LANES :], (lanes == count).astype(dtype))


@njit
def convert(singles: Any, row: int, column: int, count: int, target: Any) -> None:
    store(target, 0, like(target, load_row(singles, row, column, count)))


@dtypes
@pytest.mark.parametrize("count", [-3, 0, 1, 13, 16, 20])
def test_a_row_is_read_up_to_its_end_and_converted(dtype: Any, count: int) -> None:
    values = np.arange(60, dtype=np.float32).reshape(2, 30)
    target = np.full(LANES, 9, dtype)
    convert(values, 1, 10, count, target)
    expected = np.zeros(LANES, dtype)
    expected[: max(0, count)] = values[1, 10 : 10 + max(0, min(count, LANES))]
    same(target, expected)


@njit
def last_of_all(values: Any, out: Any) -> None:
    store(out, 0, load_row(values, len(values) - 1, 16, 4))


def test_the_end_of_the_last_row_does_not_touch_what_is_behind() -> None:
    # A memory map that ends with its page: reading behind the last number would be a crash.
    import mmap

    page = mmap.mmap(-1, mmap.PAGESIZE)
    values = np.frombuffer(page, np.float32).reshape(-1, 1)[-20:].reshape(1, 20)
    values[:] = np.arange(20)
    out = np.empty(LANES, np.float32)
    last_of_all(values, out)
    same(out, np.array([16, 17, 18, 19] + [0] * 12, np.float32))


@njit
def powers(a: Any, out: Any) -> None:
    for i in range(0, len(a), LANES):
        store(out, i, two_to(load(a, i)))


@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 126), (np.float64, 1022)])
def test_powers_of_two(dtype: Any, most: int) -> None:
    exponents = np.linspace(-most, most, 4 * LANES).round().astype(dtype)
    out = np.empty_like(exponents)
    powers(exponents, out)
    same(out, np.exp2(exponents))


def test_vectors_of_different_types_do_not_mix() -> None:
    @njit
    def mixed(a: Any, b: Any) -> None:
        store(a, 0, load(a, 0) + load(b, 0))

    with pytest.raises(Exception, match="No implementation of function|Invalid use"):
        mixed(np.zeros(LANES, np.float32), np.zeros(LANES))


@njit
def at_any_place(a: Any, b: Any, place: int) -> None:
    store(b, place, load(a, place) + 1.0)


@pytest.mark.parametrize("place", [0, 1, 5, 16, 23])
def test_places_need_no_alignment(place: int) -> None:
    a, b = np.arange(40, dtype=np.float32), np.zeros(40, np.float32)
    at_any_place(a, b, place)
    expected = np.zeros(40, np.float32)
    expected[place : place + LANES] = a[place : place + LANES] + 1
    same(b, expected)


def test_sixteen_lanes_are_what_the_layout_counts_on() -> None:
    assert LANES == 16
    assert simd.Vector.__module__ == "taut.engine.compiled.simd"
