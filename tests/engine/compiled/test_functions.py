"""Elementary functions on vectors, over the whole range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy.special import erf, expit

from taut.engine.compiled.functions import exp, gelu, relu, silu
from taut.engine.compiled.simd import LANES, load, store

DTYPES = [np.float32, np.float64]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])


@njit
def evaluate(x: Any, out: Any) -> None:
    for i in range(0, len(x), LANES):
        v = load(x, i)
        store(out[0], i, exp(v))
        store(out[1], i, relu(v))
        value, slope = silu(v)
        store(out[2], i, value)
        store(out[3], i, slope)
        value, slope = gelu(v)
        store(out[4], i, value)
        store(out[5], i, slope)


def functions_of(x: Any) -> Any:
    padded = np.concatenate([x, np.zeros(-len(x) % LANES, x.dtype)])
    out = np.empty((6, len(padded)), x.dtype)
    evaluate(padded, out)
    return out[:, : len(x)]


RANGE = {np.float32: (-87.0, 88.0, 2e-7), np.float64: (-708.0, 709.0, 1e-15)}


@dtypes
def test_exp_is_accurate_over_the_whole_range(dtype: Any) -> None:
    low, high, tolerance = RANGE[dtype]
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [
            np.linspace(low, high, 100_000),
            rng.standard_normal(20_000),
            rng.standard_normal(1000) * 1e-6,
            np.arange(-80, 80) * np.log(2.0) / 2,  # where the reduction changes from one power to the next
            [0.0, -0.0, low, high],
        ]
    ).astype(dtype)
    # The argument as it is, rounded; the result with more digits.
    expected = np.exp(x.astype(np.longdouble))
    error = np.abs(functions_of(x)[0] / expected - 1.0)
    assert float(error.max()) < tolerance
    assert functions_of(np.zeros(1, dtype))[0, 0] == 1.0


@dtypes
def test_exp_of_extremes(dtype: Any) -> None:
    low, high, _ = RANGE[dtype]
    most = float(np.finfo(dtype).max)
    x = np.array([-np.inf, -most, 2 * low, high + 5, most, np.inf, np.nan], dtype)
    y = functions_of(x)[0]
    assert np.all(np.isfinite(y[:6]))
    assert np.all((y[:3] > 0.0) & (y[:3] <= np.exp(low) * 1.0001))  # a normal number: nothing denormal
    assert np.all(y[:3] >= np.finfo(dtype).tiny)
    assert np.all(y[3:6] >= np.exp(high) * 0.9999)
    assert np.isnan(y[6])


@dtypes
def test_exp_never_falls(dtype: Any) -> None:
    x = np.linspace(-20, 20, 200_001).astype(dtype)
    steps = np.diff(functions_of(x)[0])
    # Neighbours may be a rounding apart, no more.
    assert float((steps / functions_of(x)[0][1:]).min()) > -3 * np.finfo(dtype).eps


def reference(x: Any) -> dict[str, Any]:
    s, cumulative = expit(x), 0.5 * (1.0 + erf(x / np.sqrt(2.0)))
    bell = np.exp(-x * x / 2.0) / np.sqrt(2.0 * np.pi)
    return {
        "relu": np.maximum(x, 0.0),
        "silu": x * s,
        "silu slope": s * (1.0 + x * (1.0 - s)),
        "gelu": x * cumulative,
        "gelu slope": cumulative + x * bell,
    }


@dtypes
def test_activations_and_their_slopes(dtype: Any) -> None:
    x = np.linspace(-30, 30, 60_001).astype(dtype)
    ours = functions_of(x)[1:]
    exact = reference(x.astype(np.float64))
    # gelu's error function is an approximation that is good to 1.5e-7
    limits = {"relu": 0.0, "silu": 1e-15, "silu slope": 3e-15, "gelu": 6e-7, "gelu slope": 6e-7}
    for (name, expected), found in zip(exact.items(), ours, strict=True):
        # 1 - s has an error of one rounding, and x times that is in silu's slope
        rounding = 0.0 if dtype is np.float64 or name == "relu" else 1.2e-6
        allowed = limits[name] + rounding
        miss = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
        assert float(miss.max()) <= allowed, name


@dtypes
def test_slopes_are_those_of_the_values(dtype: Any) -> None:
    x = np.linspace(-6, 6, 241).astype(dtype)
    h = dtype(1e-2)
    up, down, here = functions_of(x + h), functions_of(x - h), functions_of(x)
    for value in (2, 4):
        np.testing.assert_allclose((up[value] - down[value]) / (2 * h), here[value + 1], atol=3e-4)


@dtypes
def test_activations_agree_with_pytorch(dtype: Any) -> None:
    torch = pytest.importorskip("torch")
    x = np.linspace(-12, 12, 999).astype(dtype)
    tensor = torch.tensor(x, requires_grad=True)
    ours = functions_of(x)
    for row, name in ((2, "silu"), (4, "gelu")):
        y = getattr(torch.nn.functional, name)(tensor)
        (slope,) = torch.autograd.grad(y.sum(), tensor)
        np.testing.assert_allclose(ours[row], y.detach().numpy(), atol=4e-6)
        np.testing.assert_allclose(ours[row + 1], slope.numpy(), atol=4e-6)


@dtypes
def test_every_activation_is_zero_at_zero_and_keeps_nan(dtype: Any) -> None:
    # Padding units count on the first, and that divergence is seen on the second.
    assert np.all(functions_of(np.array([0.0, -0.0], dtype))[[1, 2, 4]] == 0.0)
    assert np.all(np.isnan(functions_of(np.array([np.nan], dtype))))
    assert np.all(np.isinf(functions_of(np.array([np.inf], dtype))[[1, 2, 4]]))
