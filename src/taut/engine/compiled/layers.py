"""What happens between two matrix products, as one fused pass per column block.

A block is LANES columns of all rows in the batch: 16 KB at 256 rows, so the second and third look at it find
it in the first-level cache, and column sums stay in registers.  Order: dense, batch norm, activation,
dropout.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from taut.engine.compiled.functions import GELU, RELU, SILU, gelu, relu, silu
from taut.engine.compiled.random import stream_words
from taut.engine.compiled.simd import load, select, splat, sqrt, store

VARIANCE_FLOOR = 1e-5  # added to the variance before its root, as everywhere


@njit(nogil=True)
def normalize_block(
    z: Any, z0: int, width: int, count: int, mean_at: Any, statistics: Any, place: int, step: int
) -> Any:
    """Batch norm's first half on one column block, in place: (z - mean) / sqrt(variance + floor).

    Also moves the running statistics, which start fresh: the first steps are plain averages, later ones
    weigh a new batch with one tenth.  Returns 1 / sqrt(variance + floor).
    """
    zero = splat(z, 0.0)
    s0, s1, s2, s3 = zero, zero, zero, zero
    i = 0
    while i + 4 <= count:
        at = z0 + i * width
        s0 = s0 + load(z, at)
        s1 = s1 + load(z, at + width)
        s2 = s2 + load(z, at + 2 * width)
        s3 = s3 + load(z, at + 3 * width)
        i += 4
    while i < count:
        s0 = s0 + load(z, z0 + i * width)
        i += 1
    mean = ((s0 + s1) + (s2 + s3)) / float(count)
    s0, s1, s2, s3 = zero, zero, zero, zero
    i = 0
    while i + 4 <= count:
        at = z0 + i * width
        d0 = load(z, at) - mean
        d1 = load(z, at + width) - mean
        d2 = load(z, at + 2 * width) - mean
        d3 = load(z, at + 3 * width) - mean
        s0 = s0 + d0 * d0
        s1 = s1 + d1 * d1
        s2 = s2 + d2 * d2
        s3 = s3 + d3 * d3
        i += 4
    while i < count:
        d0 = load(z, z0 + i * width) - mean
        s0 = s0 + d0 * d0
        i += 1
    variance = ((s0 + s1) + (s2 + s3)) / float(count)
    inverse = 1.0 / sqrt(variance + VARIANCE_FLOOR)
    for i in range(count):
        at = z0 + i * width
        store(z, at, (load(z, at) - mean) * inverse)
    share = max(0.1, 1.0 / step)
    unbiased = variance * (count / max(1.0, count - 1.0))
    store(statistics, place, load(statistics, place) * (1.0 - share) + mean * share)
    store(statistics, place + width, load(statistics, place + width) * (1.0 - share) + unbiased * share)
    return inverse


@njit(nogil=True)
def drop_threshold(rate: float) -> int:
    """The rate in sixteen bits: a unit is dropped whose random number is below.  One in 65,536 stays."""
    return min(65535, int(rate * 65536.0 + 0.5))


@njit(nogil=True)
def activate_block(
    out: Any, out0: int, slope: Any, slope0: int, z: Any, z0: int, width: int, count: int, gain: Any,
    shift: Any, activation: int, keep_slope: bool, drop: float, first_word: int, key_a: Any, key_b: Any,
) -> None:  # fmt: skip
    """Write out = mask * activation(gain * z + shift) on one column block.

    With ``keep_slope`` the derivative times the mask goes to ``slope`` (relu needs none: its output's sign
    tells both).  One random word serves two rows, sixteen bits each.
    """
    threshold = drop_threshold(drop)
    factor = 1.0 / (1.0 - threshold / 65536.0)
    words = stream_words(first_word, key_a, key_b)
    for i in range(count):
        y = load(z, z0 + i * width) * gain + shift
        if activation == RELU:
            value = relu(y)
            derivative = value
        elif activation == SILU:
            value, derivative = silu(y)
        else:
            value, derivative = gelu(y)
        if threshold > 0:
            if i % 2 == 0:
                words = stream_words(first_word + (i // 2) * width, key_a, key_b)
                dropped = (words & 0xFFFF) < threshold
            else:
                dropped = (words >> 16) < threshold
            value = select(dropped, 0.0, value * factor)
            derivative = select(dropped, 0.0, derivative * factor)
        store(out, out0 + i * width, value)
        if keep_slope:
            store(slope, slope0 + i * width, derivative)


@njit(nogil=True)
def deactivate_block(
    grad: Any,
    grad0: int,
    out: Any,
    out0: int,
    slope: Any,
    slope0: int,
    width: int,
    count: int,
    activation: int,
    drop: float,
) -> Any:
    """Turn d loss / d out into d loss / d y on one column block, in place; returns its column sums."""
    s0, s1 = splat(grad, 0.0), splat(grad, 0.0)
    factor = 1.0 / (1.0 - drop_threshold(drop) / 65536.0)
    for i in range(count):
        at = i * width
        incoming = load(grad, grad0 + at)
        if activation == RELU:
            dy = select(load(out, out0 + at) > 0.0, incoming * factor, 0.0)
        else:
            dy = incoming * load(slope, slope0 + at)
        store(grad, grad0 + at, dy)
        if i % 2 == 0:
            s0 = s0 + dy
        else:
            s1 = s1 + dy
    return s0 + s1


@njit(nogil=True)
def denormalize_block(
    grad: Any, grad0: int, hat: Any, hat0: int, width: int, count: int, dy_sum: Any, gain: Any, inverse: Any
) -> Any:
    """Turn d loss / d y into d loss / d z through batch norm, in place; returns d loss / d gain.

    dz = gain inverse (dy - mean(dy) - hat mean(dy hat)), Ioffe and Szegedy 2015, section 3.
    """
    s0, s1 = splat(grad, 0.0), splat(grad, 0.0)
    i = 0
    while i + 2 <= count:
        at = i * width
        s0 = s0 + load(grad, grad0 + at) * load(hat, hat0 + at)
        s1 = s1 + load(grad, grad0 + at + width) * load(hat, hat0 + at + width)
        i += 2
    if i < count:
        s0 = s0 + load(grad, grad0 + i * width) * load(hat, hat0 + i * width)
    gain_gradient = s0 + s1
    n = float(count)
    mean_dy, mean_dy_hat = dy_sum / n, gain_gradient / n
    whole = gain * inverse
    for i in range(count):
        at = i * width
        dz = (load(grad, grad0 + at) - mean_dy - load(hat, hat0 + at) * mean_dy_hat) * whole
        store(grad, grad0 + at, dz)
    return gain_gradient


__all__ = ["GELU", "activate_block", "deactivate_block", "denormalize_block", "normalize_block"]
