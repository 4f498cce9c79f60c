"""A network's numbers in flat buffers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.engine.compiled.layout import Layout, initial_weights, padded, stride
from taut.engine.compiled.simd import LANES
from taut.network import Network

widths = st.integers(1, 70)
layouts = st.builds(
    lambda p, hidden, k, normalize: Layout(Network(p, tuple(hidden), k), normalize),
    widths, st.lists(widths, max_size=4), widths, st.booleans(),
)  # fmt: skip


def numbered(layout: Layout) -> dict[str, Any]:
    """Arrays of the true shapes that hold 1, 2, 3, ..."""
    sizes, arrays, start = layout.widths, {}, 1
    for i in range(len(sizes) - 1):
        shapes: dict[str, tuple[int, ...]] = {"weight": (sizes[i], sizes[i + 1]), "bias": (sizes[i + 1],)}
        if layout.normalize and i < len(sizes) - 2:
            shapes |= dict.fromkeys(("gain", "mean", "variance"), (sizes[i + 1],))
        for name, shape in shapes.items():
            arrays[f"layers.{i}.{name}"] = np.arange(start, start + np.prod(shape), dtype=float).reshape(
                shape
            )
            start += int(np.prod(shape))
    return arrays


def buffers(layout: Layout) -> tuple[Any, Any]:
    return np.full(layout.n_parameters, np.nan), np.full(layout.n_statistics, np.nan)


@given(layouts)
def test_what_is_packed_is_unpacked(layout: Layout) -> None:
    arrays = numbered(layout)
    parameters, statistics = buffers(layout)
    layout.pack(arrays, parameters, statistics)
    back = layout.unpack(parameters, statistics)
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
    # Every number has a place of its own, and all else is zero.
    everything = np.concatenate([parameters, statistics])
    n = sum(array.size for array in arrays.values())
    np.testing.assert_array_equal(np.sort(everything[everything != 0.0]), np.arange(1, n + 1))
    # Unpacked arrays are copies.
    for array in back.values():
        array[:] = -1.0
    assert min(parameters.min(), statistics.min(initial=0.0)) >= 0.0


@given(layouts)
def test_weights_come_first_and_are_dense(layout: Layout) -> None:
    arrays = {
        name: np.full_like(a, 1.0 if name.endswith("weight") else 2.0) for name, a in numbered(layout).items()
    }
    parameters, statistics = buffers(layout)
    layout.pack(arrays, parameters, statistics)
    assert set(np.unique(parameters[: layout.n_weights])) <= {0.0, 1.0}
    assert set(np.unique(parameters[layout.n_weights :])) <= {0.0, 2.0}


@given(layouts)
def test_every_place_starts_a_vector(layout: Layout) -> None:
    assert layout.table.shape == (len(layout.widths) - 1, 9)
    assert not (layout.table[:, [0, 1, 3, 4, 5, 6, 7, 8]] % LANES).any()
    assert layout.n_parameters % LANES == layout.n_statistics % LANES == 0
    np.testing.assert_array_equal(layout.table[:, 2], layout.widths[1:])
    assert layout.table[-1, 5] == layout.table[-1, 6] == 0  # no batch norm behind the last layer
    if not layout.normalize:
        assert layout.n_statistics == 0


@pytest.mark.parametrize(("width", "expected"), [(1, 16), (15, 16), (16, 16), (17, 32), (300, 304)])
def test_padding(width: int, expected: int) -> None:
    assert padded(width) == expected


@given(layouts)
def test_the_rows_of_a_batch_do_not_fall_into_the_same_sets_of_a_cache(layout: Layout) -> None:
    widths = [padded(width) for width in layout.widths]
    strides = [int(layout.table[0, 7]), *(int(s) for s in layout.table[:, 8])]
    assert strides == [stride(width) for width in widths]
    assert strides[:-1] == layout.table[:, 7].tolist()  # what a layer gives is what the next one takes
    for width, step in zip(widths, strides, strict=True):
        assert width <= step <= width + LANES
        assert step % 64 != 0


NETWORK = Network(300, (400, 200), 3)


def test_variances_are_those_of_the_formula() -> None:
    weights = initial_weights(NETWORK, False, 1)
    for name, n_in, n_out in (("layers.0", 300, 400), ("layers.1", 400, 200), ("layers.2", 200, 3)):
        w = weights[f"{name}.weight"]
        assert abs(w.mean()) < 5 * w.std() / np.sqrt(w.size)
        assert w.var() == pytest.approx(2 / (n_in + n_out), rel=5 * np.sqrt(2 / w.size))
        assert not weights[f"{name}.bias"].any()


def test_batch_norm_starts_as_the_identity_and_changes_no_weight() -> None:
    plain, normalized = (initial_weights(NETWORK, normalize, 1) for normalize in (False, True))
    for name, array in plain.items():
        np.testing.assert_array_equal(normalized[name], array)
    assert set(normalized) - set(plain) == {
        f"layers.{i}.{name}" for i in (0, 1) for name in ("gain", "mean", "variance")
    }
    assert np.all(normalized["layers.1.gain"] == 1.0)
    assert np.all(normalized["layers.1.variance"] == 1.0)
    assert not normalized["layers.1.mean"].any()


def test_seeds_and_layers_draw_from_streams_of_their_own() -> None:
    same = Network(50, (50, 50), 50)
    draws = [
        initial_weights(same, False, seed)[f"layers.{i}.weight"].ravel()
        for seed in (0, 1, 2**40)
        for i in range(3)
    ]
    for i, a in enumerate(draws):
        for b in draws[:i]:
            assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(a.size)
    again = initial_weights(same, False, 2**40)["layers.2.weight"].ravel()
    np.testing.assert_array_equal(again, draws[-1])
    # A layer's weights do not depend on the other layers.
    deeper = initial_weights(Network(50, (50, 50, 7), 2), False, 0)
    np.testing.assert_array_equal(deeper["layers.1.weight"].ravel(), draws[1])
