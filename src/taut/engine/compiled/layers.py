"""What happens between two matrix products, as one fused pass per column block.

A block is LANES columns of all rows in the batch: 16 KB at 256 rows, so the second and third look at it find
it in the first-level cache, and column sums stay in registers.  Order: dense, batch norm, activation,
dropout.
"""

from __future__ import annotations

from typing import Any

from taut.engine.compiled.functions import RELU, SILU, gelu, relu, silu
from taut.engine.compiled.jit import part
from taut.engine.compiled.random import stream_words
from taut.engine.compiled.simd import load, select, splat, store

VARIANCE_FLOOR = 1e-5  # added to the variance before its root, as everywhere


@part
def moments_of_block(f: Any, z0: int, stride: int, count: int) -> tuple[Any, Any]:
    """Mean and variance of the columns of one block."""
    zero = splat(f, 0.0)
    s0, s1, s2, s3 = zero, zero, zero, zero
    i = 0
    while i + 4 <= count:
        at = z0 + i * stride
        s0 = s0 + load(f, at)
        s1 = s1 + load(f, at + stride)
        s2 = s2 + load(f, at + 2 * stride)
        s3 = s3 + load(f, at + 3 * stride)
        i += 4
    while i < count:
        s0 = s0 + load(f, z0 + i * stride)
        i += 1
    mean = ((s0 + s1) + (s2 + s3)) / float(count)
    s0, s1, s2, s3 = zero, zero, zero, zero
    i = 0
    while i + 4 <= count:
        at = z0 + i * stride
        d0 = load(f, at) - mean
        d1 = load(f, at + stride) - mean
        d2 = load(f, at + 2 * stride) - mean
        d3 = load(f, at + 3 * stride) - mean
        s0 = s0 + d0 * d0
        s1 = s1 + d1 * d1
        s2 = s2 + d2 * d2
        s3 = s3 + d3 * d3
        i += 4
    while i < count:
        d0 = load(f, z0 + i * stride) - mean
        s0 = s0 + d0 * d0
        i += 1
    return mean, ((s0 + s1) + (s2 + s3)) / float(count)


@part
def move_statistics(
    statistics: Any, index: int, width: int, mean: Any, variance: Any, count: int, step: int
) -> None:
    """Running mean and variance: the first steps are plain averages, later a new batch weighs one tenth."""
    share = max(0.1, 1.0 / step)
    unbiased = variance * (count / max(1.0, count - 1.0))
    store(statistics, index, load(statistics, index) * (1.0 - share) + mean * share)
    store(statistics, index + width, load(statistics, index + width) * (1.0 - share) + unbiased * share)


@part
def drop_threshold(rate: float) -> int:
    """The rate in sixteen bits: a unit is dropped whose random number is below.  One in 65,536 stays."""
    return min(65535, int(rate * 65536.0 + 0.5))


@part
def activate_block(
    f: Any, out0: int, slope0: int, z0: int, stride: int, count: int, mean: Any, inverse: Any, gain: Any,
    shift: Any, normalize: bool, activation: int, keep_slope: bool, drop: float, first_word: int, width: int,
    key_a: Any, key_b: Any,
) -> None:  # fmt: skip
    """Write out = mask * activation(gain * hat + shift) on one column block.

    With ``normalize``, hat = (z - mean) * inverse takes the place of z, else hat is z.  With ``keep_slope``
    the derivative times the mask goes to slope (relu needs none: its output's sign tells both).  One random
    word serves two rows, sixteen bits each.
    """
    threshold = drop_threshold(drop)
    factor = 1.0 / (1.0 - threshold / 65536.0)
    words = stream_words(first_word, key_a, key_b)
    for i in range(count):
        hat = load(f, z0 + i * stride)
        if normalize:
            hat = (hat - mean) * inverse
            store(f, z0 + i * stride, hat)
        y = hat * gain + shift
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
        store(f, out0 + i * stride, value)
        if keep_slope:
            store(f, slope0 + i * stride, derivative)


@part
def deactivate_block(
    f: Any,
    grad0: int,
    out0: int,
    slope0: int,
    hat0: int,
    stride: int,
    count: int,
    activation: int,
    drop: float,
) -> tuple[Any, Any]:
    """Turn d loss / d out into d loss / d y on one column block, in place.

    Returns the column sums of d loss / d y, and of d loss / d y times hat.
    """
    zero = splat(f, 0.0)
    s0, s1, t0, t1 = zero, zero, zero, zero
    factor = 1.0 / (1.0 - drop_threshold(drop) / 65536.0)
    for i in range(count):
        at = i * stride
        incoming = load(f, grad0 + at)
        if activation == RELU:
            dy = select(load(f, out0 + at) > 0.0, incoming * factor, 0.0)
        else:
            dy = incoming * load(f, slope0 + at)
        store(f, grad0 + at, dy)
        if i % 2 == 0:
            s0 = s0 + dy
            t0 = t0 + dy * load(f, hat0 + at)
        else:
            s1 = s1 + dy
            t1 = t1 + dy * load(f, hat0 + at)
    return s0 + s1, t0 + t1


@part
def denormalize_block(
    f: Any,
    grad0: int,
    hat0: int,
    stride: int,
    count: int,
    dy_sum: Any,
    dy_hat_sum: Any,
    gain: Any,
    inverse: Any,
) -> None:
    """Turn d loss / d y into d loss / d z through batch norm, in place.

    dz = gain inverse (dy - mean(dy) - hat mean(dy hat)), Ioffe and Szegedy 2015, section 3.
    """
    n = float(count)
    mean_dy, mean_dy_hat = dy_sum / n, dy_hat_sum / n
    whole = gain * inverse
    for i in range(count):
        at = i * stride
        dz = (load(f, grad0 + at) - mean_dy - load(f, hat0 + at) * mean_dy_hat) * whole
        store(f, grad0 + at, dz)
