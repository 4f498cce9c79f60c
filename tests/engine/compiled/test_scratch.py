"""A thread's memory, cut into parts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.engine.compiled.layout import Layout
from taut.engine.compiled.records import BLOCK
from taut.engine.compiled.scratch import LAYER, aligned, scratch_for
from taut.network import Network
from tests.engine.compiled.one_step import begun
from tests.engine.helpers import make_member, make_problem

hidden = st.lists(st.integers(1, 70), max_size=4).map(tuple)


def needed(layout: Layout, batch: int) -> list[int]:
    """The least that each part has to hold."""
    count = max(batch, BLOCK)
    widths = [int(layout.table[0, 7]), *(int(w) for w in layout.table[:, 8])]
    sizes = [count * widths[-1], layout.n_parameters, count * max(widths), count * max(widths)]
    sizes += [max([0, *(int(r[0] * r[1]) for r in layout.table[1:])]), 2048 * 16, 0, 0]
    for i, width in enumerate(widths[:-1]):
        normalized, smooth = i > 0 and layout.normalize, i > 0 and layout.network.activation != "relu"
        sizes += [count * width, count * width * normalized, count * width * smooth, width * normalized]
    return sizes


@given(hidden, st.booleans(), st.sampled_from(["relu", "gelu"]), st.integers(1, 600), st.sampled_from([4, 8]))
def test_parts_are_large_enough_and_apart(
    hidden: tuple[int, ...], normalize: bool, activation: Any, batch: int, itemsize: int
) -> None:
    layout = Layout(Network(9, hidden, 3, activation), normalize)
    scratch = scratch_for(layout, batch, 50, f"f{itemsize}", None)
    places = scratch.offsets.tolist()
    assert len(places) == LAYER + 4 * (len(hidden) + 1)
    for (start, end), size in zip(
        pairwise([*places, len(scratch.floats)]), needed(layout, batch), strict=True
    ):
        assert end - start >= size
        assert start % (64 // itemsize) == 0
    assert len(scratch.order) == 50


def test_memory_is_taken_over_where_it_is_enough() -> None:
    small, large = (Layout(Network(9, hidden, 3), True) for hidden in ((8,), (100, 100)))
    first = scratch_for(large, 64, 10, np.float32, None)
    again = scratch_for(small, 64, 10, np.float32, first.floats)
    assert again.floats is first.floats
    grown = scratch_for(large, 64, 10, np.float32, scratch_for(small, 64, 10, np.float32, None).floats)
    assert len(grown.floats) == len(first.floats)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 16, 1001])
def test_aligned_memory_starts_a_cache_line_and_is_zero(dtype: Any, size: int) -> None:
    for _ in range(5):
        array = aligned(size, dtype)
        assert (array.dtype, array.shape) == (np.dtype(dtype), (size,))
        assert array.flags.c_contiguous
        assert size == 0 or array.ctypes.data % 64 == 0
        assert not array.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("size", [1, 6, 17, 32, 33])
def test_aligned_memory_shares_no_cache_line(dtype: Any, size: int) -> None:
    arrays = [array for _ in range(50) for array in (aligned(size, dtype), np.zeros(4, np.int64))]
    lines: dict[int, int] = {}
    for owner, array in enumerate(arrays):
        first, last = array.ctypes.data // 64, (array.ctypes.data + array.nbytes - 1) // 64
        for line in range(first, last + 1):
            if owner % 2 == 0:
                assert lines.setdefault(line, owner) == owner
    owned = set(lines)
    for array in arrays[1::2]:
        assert array.ctypes.data // 64 not in owned
        assert (array.ctypes.data + array.nbytes - 1) // 64 not in owned


def test_what_a_member_writes_in_every_step_is_its_own() -> None:
    problem = make_problem()
    trainings = [begun(problem, make_member(problem)) for _ in range(20)]
    seen: dict[int, tuple[int, str]] = {}
    for owner, training in enumerate(trainings):
        for name in ("parameters", "statistics", "first", "second", "progress", "sums"):
            array = getattr(training.state, name)
            for line in range(
                array.ctypes.data // 64, (array.ctypes.data + max(1, array.nbytes) - 1) // 64 + 1
            ):
                assert seen.setdefault(line, (owner, name)) == (owner, name)
