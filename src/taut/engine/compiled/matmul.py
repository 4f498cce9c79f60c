"""Matrix products of one member: three forms, all on padded row-major buffers.

Why not BLAS: these matrices are small (64 x 32 times 32 x 32 is one step of a small network) and there a
general BLAS reaches half to two thirds of its own best rate, and its best rate need not be the machine's
(measured figures: benchmarks/README.md).  What is left of a BLAS for such sizes is the tile in ``tiles.py``.

All widths are multiples of LANES (``layout.py`` pads them), so only rows have a remainder.
"""

from __future__ import annotations

from typing import Any

from taut.engine.compiled.jit import part
from taut.engine.compiled.simd import LANES, load, store
from taut.engine.compiled.tiles import ROWS, VECTORS, make_tile, transpose_block

WIDE = VECTORS * LANES
# B is read in columns of WIDE numbers; beyond this many numbers it is copied first, into one dense strip.
STRIP_FROM = 300_000
# The inner dimension is cut so that a strip of B and some rows of A stay in the second-level cache.
INNER_AT_MOST = 2048


def _make_column(height: int, vectors: int) -> Any:
    """Build the product with one column of B that is ``vectors`` vectors wide: tiles, then single rows."""
    tile, single = make_tile(height, vectors), make_tile(1, vectors)

    @part
    def column(
        c: Any, c0: int, ldc: int, a: Any, a0: int, a_row: int, a_inner: int, b: Any, b0: int, ldb: int,
        rows: int, inner: int, add: int,
    ) -> None:  # fmt: skip
        i = 0
        while i + height <= rows:
            tile(c, c0 + i * ldc, ldc, a, a0 + i * a_row, a_row, a_inner, b, b0, ldb, inner, add)
            i += height
        while i < rows:
            single(c, c0 + i * ldc, ldc, a, a0 + i * a_row, a_row, a_inner, b, b0, ldb, inner, add)
            i += 1

    return column


_wide = _make_column(ROWS, VECTORS)
_narrow = _make_column(ROWS * VECTORS, 1)  # as many sums in flight as in a wide tile


@part
def _tiles(
    c: Any, c0: int, ldc: int, a: Any, a0: int, a_row: int, a_inner: int, b: Any, b0: int, ldb: int,
    rows: int, columns: int, inner: int, strip: Any, strip0: int,
) -> None:  # fmt: skip
    """C = A B for any strides of A; B's rows are dense.  See make_tile for what the arguments mean."""
    for p0 in range(0, inner, INNER_AT_MOST):
        depth = min(INNER_AT_MOST, inner - p0)
        add = 1 if p0 > 0 else 0
        a1 = a0 + p0 * a_inner
        j = 0
        while j < columns:
            width = WIDE if columns - j >= WIDE else LANES
            here, b1, stride = b, b0 + p0 * ldb + j, ldb
            if depth * ldb > STRIP_FROM:
                for p in range(depth):
                    for q in range(0, width, LANES):
                        store(strip, strip0 + p * width + q, load(b, b1 + p * ldb + q))
                here, b1, stride = strip, strip0, width
            if width == WIDE and VECTORS > 1:
                _wide(c, c0 + j, ldc, a, a1, a_row, a_inner, here, b1, stride, rows, depth, add)
            else:
                _narrow(c, c0 + j, ldc, a, a1, a_row, a_inner, here, b1, stride, rows, depth, add)
            j += width


@part
def forward_product(
    f: Any, z0: int, z_row: int, x0: int, x_row: int, w: Any, w0: int, rows: int, n_in: int, n_out: int,
    strip0: int,
) -> None:  # fmt: skip
    """Write z (rows, n_out) = x (rows, n_in) @ w (n_in, n_out).

    z, x and the strip lie in the scratch ``f``; ``z_row`` and ``x_row`` are the strides of their rows.
    """
    _tiles(f, z0, z_row, f, x0, x_row, 1, w, w0, n_out, rows, n_out, n_in, f, strip0)


@part
def weight_product(
    f: Any, g0: int, x0: int, x_row: int, dz0: int, dz_row: int, rows: int, n_in: int, n_out: int, strip0: int
) -> None:
    """Write g (n_in, n_out) = x (rows, n_in).T @ dz (rows, n_out), all in the scratch ``f``."""
    _tiles(f, g0, n_out, f, x0, 1, x_row, f, dz0, dz_row, n_in, n_out, rows, f, strip0)


@part
def input_product(
    f: Any, dx0: int, dx_row: int, dz0: int, dz_row: int, w: Any, w0: int, rows: int, n_in: int, n_out: int,
    n_true: int, turned0: int, strip0: int,
) -> None:  # fmt: skip
    """Write dx (rows, n_in) = dz (rows, n_out) @ w (n_in, n_out).T, by way of turned (n_out, n_in) = w.T.

    Only the first ``n_true`` of the n_out columns are not padding, which is zero.
    """
    for i in range(0, n_in, LANES):
        for j in range(0, n_out, LANES):
            transpose_block(f, turned0 + j * n_in + i, n_in, w, w0 + i * n_out + j, n_out)
    _tiles(f, dx0, dx_row, f, dz0, dz_row, 1, f, turned0, n_in, rows, n_in, n_true, f, strip0)
