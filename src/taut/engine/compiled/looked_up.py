"""The first layer's products with numbers in pieces, by looking up instead of multiplying.

Of a number's pieces those before the one that it falls into are 1, and those after it are 0. So the pieces of
one number bring a row the sum of the weights of all pieces before, which is added up once a batch, and one
piece's weights times the share of it: two vectors, however many pieces there are. The weights' gradient is
had the same way from the other end. That is exact, not an approximation.

Whatever changes single inputs in training (noise, dropout, mixing of rows) needs all of them written out;
then the pieces are multiplied like other inputs (gather.py).
"""

from __future__ import annotations

from typing import Any

from taut.engine.compiled.jit import part
from taut.engine.compiled.records import N_DENSE, N_INPUTS
from taut.engine.compiled.scratch import PLACES, SUMS
from taut.engine.compiled.simd import LANES, get, load, put, splat, store

_WIDE = 4  # vectors of a row's sums that stay in registers


@part
def is_looked_up(plan: Any) -> bool:
    """Whether the pieces are looked up."""
    return bool(plan.sizes[N_DENSE] < plan.sizes[N_INPUTS])


@part
def find_pieces(values: Any, encoding: Any, scratch: Any, rows: Any, start: int, count: int) -> None:
    """Write for each row and each number the piece that it falls into, and its share of that piece.

    At PLACES, a line of pairs a row. The piece is -1 where the number is missing or below all pieces.
    """
    f, places, ends = scratch.floats, scratch.offsets[PLACES], encoding.piece_end
    n_numbers = len(ends)
    for i in range(count):
        row, at = get(rows, start + i), places + 2 * i * n_numbers
        first = 0
        for c in range(n_numbers):
            after = get(ends, c)
            value = values[row, get(encoding.piece_column, first)]
            # The last piece that begins below the value; there is none below NaN.
            low, high = first - 1, after - 1
            while low < high:
                middle = (low + high + 1) // 2
                if get(encoding.piece_low, middle) < value:
                    low = middle
                else:
                    high = middle - 1
            share = 0.0
            if low >= first:
                share = min(1.0, (value - get(encoding.piece_low, low)) * get(encoding.piece_slope, low))
            else:
                low = -1
            put(f, at + 2 * c, float(low))
            put(f, at + 2 * c + 1, share)
            first = after


@part
def add_pieces(
    encoding: Any, scratch: Any, z0: int, z_row: int, w: Any, w0: int, n_out: int, count: int
) -> None:
    """Add what the pieces bring to z (count, n_out); their weights begin at ``w0``, a line of n_out each."""
    f, places, sums = scratch.floats, scratch.offsets[PLACES], scratch.offsets[SUMS]
    n_numbers, first = len(encoding.piece_end), 0
    for c in range(n_numbers):
        after = get(encoding.piece_end, c)
        for j in range(0, n_out, LANES):
            s = splat(f, 0.0)
            for k in range(first, after):
                store(f, sums + k * n_out + j, s)
                s = s + load(w, w0 + k * n_out + j)
        first = after
    for i in range(count):
        here, line = places + 2 * i * n_numbers, z0 + i * z_row
        j = 0
        while j + _WIDE * LANES <= n_out:
            a, b = load(f, line + j), load(f, line + j + LANES)
            c_, d = load(f, line + j + 2 * LANES), load(f, line + j + 3 * LANES)
            for c in range(n_numbers):
                k = int(get(f, here + 2 * c))
                if k >= 0:
                    share = get(f, here + 2 * c + 1)
                    own, before = w0 + k * n_out + j, sums + k * n_out + j
                    a = a + load(f, before) + load(w, own) * share
                    b = b + load(f, before + LANES) + load(w, own + LANES) * share
                    c_ = c_ + load(f, before + 2 * LANES) + load(w, own + 2 * LANES) * share
                    d = d + load(f, before + 3 * LANES) + load(w, own + 3 * LANES) * share
            store(f, line + j, a)
            store(f, line + j + LANES, b)
            store(f, line + j + 2 * LANES, c_)
            store(f, line + j + 3 * LANES, d)
            j += _WIDE * LANES
        while j < n_out:
            a = load(f, line + j)
            for c in range(n_numbers):
                k = int(get(f, here + 2 * c))
                if k >= 0:
                    share = get(f, here + 2 * c + 1)
                    a = a + load(f, sums + k * n_out + j) + load(w, w0 + k * n_out + j) * share
            store(f, line + j, a)
            j += LANES


@part
def pieces_gradient(
    encoding: Any, scratch: Any, g0: int, dz0: int, dz_row: int, n_out: int, count: int
) -> None:
    """Write the gradient of the pieces' weights, a line of n_out each from ``g0``, from dz (count, n_out).

    A piece's own rows bring their share of it, and those in later pieces of the same number all of theirs.
    """
    f, places, sums = scratch.floats, scratch.offsets[PLACES], scratch.offsets[SUMS]
    n_numbers, first = len(encoding.piece_end), 0
    for c in range(n_numbers):  # one after the other: the lines of one number stay in the first-level cache
        after = get(encoding.piece_end, c)
        zero = splat(f, 0.0)
        for at in range(first * n_out, after * n_out, LANES):
            store(f, g0 + at, zero)
            store(f, sums + at, zero)
        for i in range(count):
            pair = places + 2 * (i * n_numbers + c)
            k = int(get(f, pair))
            if k >= 0:
                share = get(f, pair + 1)
                own, total, line = g0 + k * n_out, sums + k * n_out, dz0 + i * dz_row
                for j in range(0, n_out, LANES):
                    dz = load(f, line + j)
                    store(f, own + j, load(f, own + j) + dz * share)
                    store(f, total + j, load(f, total + j) + dz)
        for j in range(0, n_out, LANES):
            later = splat(f, 0.0)
            for back in range(after - first):
                k = after - 1 - back
                at = g0 + k * n_out + j
                store(f, at, load(f, at) + later)
                later = later + load(f, sums + k * n_out + j)
        first = after
