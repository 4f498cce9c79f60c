"""Rows of the shared table -> one batch of network inputs, encoded on the way.

The table is stored once; every fold has its own medians and scales, which are applied here (Encoder.transform
is the same in numpy, and the test compares the two).
"""

from __future__ import annotations

import math
from typing import Any

from taut.engine.compiled.jit import part
from taut.engine.compiled.random import (
    INPUT_MASK,
    NOISE,
    SHARE,
    stream_key,
    stream_words,
    twelve_bytes,
    uniform,
)
from taut.engine.compiled.records import INPUT_DROP, INPUT_NOISE, MIX, N_INPUTS, SEED
from taut.engine.compiled.simd import (
    LANES,
    first_lanes,
    get,
    like,
    load,
    load_row,
    prefetch_row,
    put,
    select,
    splat,
    sqrt,
    store,
)

AHEAD = 8  # rows are asked for so many rows before their turn: their order is random, and a table is large


@part
def gather(
    x: Any, x0: int, width: int, stride: int, values: Any, encoding: Any, n_numbers: int, n_pieces: int,
    rows: Any, start: int, count: int,
) -> None:  # fmt: skip
    """Encode rows ``rows[start:start + count]`` of the table into x (count, width).

    ``n_pieces`` is 0 where numbers have none, and where they are looked up (looked_up.py).
    """
    numbers_end = (n_numbers + LANES - 1) // LANES * LANES
    n_flags = len(encoding.flags)
    n_categories = len(encoding.category_start) - 1
    zero = splat(x, 0.0)
    for i in range(count):
        row = get(rows, start + i)
        if i + AHEAD < count:
            ahead = get(rows, start + i + AHEAD)
            for j in range(0, values.shape[1], LANES):
                prefetch_row(values, ahead, j)
        here = x0 + i * stride
        for j in range(0, numbers_end, LANES):
            raw = load_row(values, row, j, n_numbers - j)
            u = (raw - load(encoding.center, j)) * load(encoding.scale, j)
            u = select(raw == raw, u, 0.0)
            store(x, here + j, like(x, u / sqrt(u * u * encoding.curvature + 1.0)))
        for j in range(numbers_end, width, LANES):
            store(x, here + j, zero)
        for f in range(n_flags):
            value = values[row, get(encoding.flags, f)]
            if value != value:
                put(x, here + n_numbers + f, 1.0)
        for c in range(n_categories):
            code = int(values[row, n_numbers + c])
            feature = get(encoding.category_feature, get(encoding.category_start, c) + code)
            if feature >= 0:
                put(x, here + feature, 1.0)
        for k in range(n_pieces):
            value = values[row, get(encoding.piece_column, k)]
            share = (value - get(encoding.piece_low, k)) * get(encoding.piece_slope, k)
            if share > 0.0:  # never where the value is missing
                put(x, here + get(encoding.piece_feature, k), min(share, 1.0))


@part
def share_of_partner(i: int, plan: Any, key_a: Any, key_b: Any) -> float:
    """How much of its partner a row of the batch takes on; the keys are of the stream SHARE."""
    return plan.hyperparameters[MIX] * uniform(i, key_a, key_b)


@part
def mix_rows(x: Any, x0: int, width: int, stride: int, count: int, plan: Any, epoch: int, step: int) -> None:
    """Mix each row of the batch with its partner, the one as far from the other end: their order is random.

    The targets are mixed in the loss's gradient, by the same shares.
    """
    if plan.hyperparameters[MIX] <= 0.0:
        return
    key_a, key_b = stream_key(plan.sizes[SEED], SHARE, epoch, step)
    for i in range(count // 2):
        partner = count - 1 - i
        share = share_of_partner(i, plan, key_a, key_b)
        partners_share = share_of_partner(partner, plan, key_a, key_b)
        for j in range(0, width, LANES):
            own, other = load(x, x0 + i * stride + j), load(x, x0 + partner * stride + j)
            store(x, x0 + i * stride + j, own + (other - own) * share)
            store(x, x0 + partner * stride + j, other + (own - other) * partners_share)


@part
def add_noise(x: Any, x0: int, stride: int, count: int, plan: Any, epoch: int, step: int) -> None:
    """Add normal noise to every input; the padding behind them stays zero."""
    deviation, width = plan.hyperparameters[INPUT_NOISE], plan.sizes[N_INPUTS]
    if deviation <= 0.0:
        return
    key_a, key_b = stream_key(plan.sizes[SEED], NOISE, epoch, step)
    unit = deviation / math.sqrt(65535.0)
    for i in range(count):
        for j in range(0, width, LANES):
            noise = (like(x, twelve_bytes(i * stride + j, key_a, key_b)) - 1530.0) * unit
            at = x0 + i * stride + j
            store(x, at, load(x, at) + select(first_lanes(width - j), noise, 0.0))


@part
def drop_inputs(
    x: Any, x0: int, width: int, stride: int, count: int, plan: Any, epoch: int, step: int
) -> None:
    """Dropout on the inputs: each is zero with the input rate, and scaled up otherwise."""
    rate = plan.hyperparameters[INPUT_DROP]
    if rate <= 0.0:
        return
    key_a, key_b = stream_key(plan.sizes[SEED], INPUT_MASK, epoch, step)
    threshold = int(rate * 4294967296.0)
    factor = 1.0 / (1.0 - rate)
    for i in range(count):
        for j in range(0, width, LANES):
            dropped = stream_words(i * width + j, key_a, key_b) < threshold
            at = x0 + i * stride + j
            store(x, at, select(dropped, 0.0, load(x, at) * factor))
