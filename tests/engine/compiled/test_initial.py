"""Weights to start from."""

from __future__ import annotations

import numpy as np
import pytest

from taut.engine.compiled.initial import initial_weights
from taut.network import Network

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
