from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from taut.engine.compiled.fitted import FittedMLP
from taut.network import Network
from taut.selection.weights import LIMIT, N_BINS, count_weights, fitting_step, in_bins
from tests.engine.helpers import plain_encoder

WEIGHTS = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-9, 9, width=32)
)


def of(weight: np.ndarray) -> FittedMLP:
    """A network with these weights, and biases, which do not count."""
    weights = {"layers.0.weight": weight, "layers.0.bias": np.ones(3)}
    return FittedMLP(Network(1, (), 3), False, plain_encoder(1), 0.0, 1.0, weights)


@given(WEIGHTS)
def test_every_weight_is_counted_once(weight: np.ndarray) -> None:
    counts = count_weights(of(weight))

    assert counts.shape == (N_BINS + 1,)
    assert counts.sum() == weight.size
    assert counts[-1] == np.count_nonzero(weight == 0)


@given(WEIGHTS, st.sampled_from([1, 3, 10]), st.sampled_from([2, 40, 80]))
def test_wide_bins_hold_all_but_the_zeros_and_keep_their_sides(weight: np.ndarray, step: int, n: int) -> None:
    joined = in_bins(count_weights(of(weight)), step, n)

    assert joined.sum() == np.count_nonzero(weight)
    assert joined[: n // 2].sum() == np.count_nonzero(weight < 0)


@given(WEIGHTS, st.sampled_from([20, 40]))
def test_a_fitting_step_leaves_hardly_a_weight_outside(weight: np.ndarray, n: int) -> None:
    counts = count_weights(of(weight))
    step = fitting_step(counts, n)
    edge = step * n / 2 * (2 * LIMIT / N_BINS)

    assert 1 <= step <= N_BINS // n
    outside = np.count_nonzero((np.abs(weight) > edge + 1e-6) & (weight != 0))
    assert step == N_BINS // n or outside <= 0.002 * np.count_nonzero(weight)


def test_a_bin_is_where_its_weights_are() -> None:
    counts = count_weights(of(np.array([0.5, 0.5, -0.25])))
    joined = in_bins(counts, 10, 20)  # 0.1 wide, from -1 to 1

    assert joined[15] == 2  # 0.5 to 0.6
    assert joined[7] == 1  # -0.3 to -0.2
