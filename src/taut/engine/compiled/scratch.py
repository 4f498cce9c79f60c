"""A thread's own memory: one flat buffer, cut into parts for one network at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from taut.engine.compiled.layout import Layout
from taut.engine.compiled.matmul import INNER_AT_MOST, WIDE
from taut.engine.compiled.records import BLOCK, IN_STRIDE, OUT, OUT_STRIDE, Encoding, Scratch

# Places in Scratch.offsets: the parts that all layers share, then four per layer (output, hat, slope,
# inverse deviation); layer 0 is the encoded input and has an output only. Of numbers in pieces: where the
# rows fall, and sums over the pieces (looked_up.py).
OUTPUTS, GRADIENT, GRAD_A, GRAD_B, TURNED, STRIP, PLACES, SUMS, LAYER = range(9)

_LINE = 64  # bytes of a cache line: every part starts on one


def scratch_for(
    layout: Layout,
    batch: int,
    n_order: int,
    dtype: DTypeLike,
    floats: NDArray[np.floating] | None,
    encoding: Encoding | None = None,
) -> Scratch:
    """Cut ``floats`` (made anew where it is absent or too small) for batches of up to ``batch`` rows.

    The encoding is needed where it has numbers in pieces.
    """
    count = max(batch, BLOCK)
    table = layout.table
    strides = [int(table[0, IN_STRIDE]), *(int(r[OUT_STRIDE]) for r in table)]
    unit = _LINE // np.dtype(dtype).itemsize
    indices: list[int] = []
    end = 0

    def part(size: int) -> None:
        nonlocal end
        indices.append(end)
        end += -(-size // unit) * unit

    widest = max(strides)
    part(count * strides[-1])
    part(layout.n_parameters)
    part(count * widest)
    part(count * widest)
    part(max((int(r[0] * r[1]) for r in table[1:]), default=0))
    part(INNER_AT_MOST * WIDE)
    n_places, n_pieces = (0, 0) if encoding is None else map(len, (encoding.piece_end, encoding.piece_low))
    part(2 * count * n_places)
    part(n_pieces * int(table[0, OUT]))
    for i, stride in enumerate(strides[:-1]):
        inner = 0 < i
        part(count * stride)
        part(count * stride if inner and layout.normalize else 0)
        part(count * stride if inner and layout.network.activation != "relu" else 0)
        part(stride if inner and layout.normalize else 0)
    if floats is None or len(floats) < end:
        floats = aligned(end, dtype)
    return Scratch(floats, np.array(indices, dtype=np.int64), np.empty(n_order, dtype=np.int32))


def aligned(size: int, dtype: DTypeLike) -> NDArray[Any]:
    """Zeros whose first number lies at the start of a cache line, and that share no line with anything else.

    A line that two threads write to goes back and forth between their cores: members whose few counters lay
    side by side took up to half as long again.
    """
    itemsize = np.dtype(dtype).itemsize
    pair = 2 * _LINE  # processors fetch lines in pairs
    raw = np.zeros((-(-size * itemsize // pair) + 1) * pair // itemsize, dtype=dtype)
    skip = (-raw.ctypes.data % pair) // itemsize
    return raw[skip : skip + size]
