"""The inner loops of the matrix product, written for registers.

A tile of ``rows x (vectors * LANES)`` results stays in registers while the loop runs over the inner
dimension: per turn it loads ``vectors`` vectors of B, spreads one number of A after another over all
lanes and does ``rows * vectors`` fused multiply-adds.  Each result is one chain of multiply-adds in the
order of the inner dimension, whatever the tile: a row's result does not depend on the rows next to it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba.core import types
from numba.extending import intrinsic

from taut.engine.compiled.simd import LANES, _call, _pointer, _spread, _suffix


def _has_avx512() -> bool:
    return bool(binding.get_host_cpu_features().get("avx512f", False))


# 32 registers of 512 bits hold 8 x 2 vectors of sums; 16 registers of 256 bits hold 4 x 1 (two halves each).
ROWS, VECTORS = (8, 2) if _has_avx512() else (4, 1)


def make_tile(rows: int, vectors: int) -> Any:
    """Build ``tile(c, c0, ldc, a, a0, a_row, a_inner, b, b0, ldb, inner, add)``.

    C[i, j] (+)= sum over p < inner of A[i, p] B[p, j] for i < rows, j < vectors * LANES, where
    C[i, j] is ``c[c0 + i ldc + j]``, A[i, p] is ``a[a0 + i a_row + p a_inner]`` and B[p, j] is
    ``b[b0 + p ldb + j]``.
    With ``add`` not 0 the product is added to C.  ``inner`` is at least 1.
    """

    @intrinsic
    def tile(
        typingctx: Any,
        c: Any,
        c0: Any,
        ldc: Any,
        a: Any,
        a0: Any,
        a_row: Any,
        a_inner: Any,
        b: Any,
        b0: Any,
        ldb: Any,
        inner: Any,
        add: Any,
    ) -> Any:
        i = types.intp
        sig = types.void(c, i, i, a, i, i, i, b, i, i, i, i)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            _emit_tile(context, builder, sig, args, rows, vectors)
            return context.get_dummy_value()

        return sig, codegen

    return tile


def _emit_tile(context: Any, builder: Any, sig: Any, args: Any, rows: int, vectors: int) -> None:
    word = ir.IntType(64)
    c_kind, a_kind, b_kind = sig.args[0], sig.args[3], sig.args[7]
    lane = context.get_value_type(c_kind.dtype)
    vector = ir.VectorType(lane, LANES)
    align = context.get_abi_sizeof(lane)
    ldc, a_row, a_inner, ldb, inner, add = args[2], args[5], args[6], args[9], args[10], args[11]
    c_start = _pointer(context, builder, c_kind, args[0], args[1])
    a_start = _pointer(context, builder, a_kind, args[3], args[4])
    b_start = _pointer(context, builder, b_kind, args[7], args[8])
    cells = [(i, v) for i in range(rows) for v in range(vectors)]

    def place(pointer: Any, offset: int) -> Any:
        moved = builder.gep(pointer, [ir.Constant(word, offset)])
        return builder.bitcast(moved, vector.as_pointer())

    c_rows = [builder.gep(c_start, [builder.mul(ldc, ir.Constant(word, i))]) for i in range(rows)]
    c_places = {(i, v): place(c_rows[i], v * LANES) for i, v in cells}
    a_offsets = [builder.mul(a_row, ir.Constant(word, i)) for i in range(rows)]

    before = builder.block
    preload, loop, done = (builder.append_basic_block(name) for name in ("preload", "loop", "done"))
    builder.cbranch(builder.icmp_signed("!=", add, ir.Constant(word, 0)), preload, loop)
    builder.position_at_end(preload)
    present = {cell: builder.load(c_places[cell], align=align) for cell in cells}
    builder.branch(loop)

    builder.position_at_end(loop)

    def carried(kind: Any, start: Any, other: Any) -> Any:
        phi = builder.phi(kind)
        phi.add_incoming(start, before)
        phi.add_incoming(other, preload)
        return phi

    zero = ir.Constant(word, 0)
    turn = carried(word, zero, zero)
    a_here = carried(a_start.type, a_start, a_start)
    b_here = carried(b_start.type, b_start, b_start)
    sums = {cell: carried(vector, ir.Constant(vector, None), present[cell]) for cell in cells}
    b_vectors = [builder.load(place(b_here, v * LANES), align=align) for v in range(vectors)]
    fma = f"llvm.fma.{_suffix(c_kind.dtype)}"
    new = {}
    for i in range(rows):
        spread = _spread(builder, builder.load(builder.gep(a_here, [a_offsets[i]])))
        for v in range(vectors):
            new[i, v] = _call(builder, fma, vector, [spread, b_vectors[v], sums[i, v]])
    following = builder.add(turn, ir.Constant(word, 1))
    turn.add_incoming(following, loop)
    a_here.add_incoming(builder.gep(a_here, [a_inner]), loop)
    b_here.add_incoming(builder.gep(b_here, [ldb]), loop)
    for cell in cells:
        sums[cell].add_incoming(new[cell], loop)
    builder.cbranch(builder.icmp_signed("<", following, inner), loop, done)

    builder.position_at_end(done)
    for cell in cells:
        builder.store(new[cell], c_places[cell], align=align)


@intrinsic
def transpose_block(
    typingctx: Any, target: Any, target0: Any, target_row: Any, source: Any, source0: Any, source_row: Any
) -> Any:
    """Write a block of LANES x LANES numbers transposed; ``..._row`` are the strides of the rows."""
    i = types.intp

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        to_kind, from_kind = sig.args[0], sig.args[3]
        lane = context.get_value_type(to_kind.dtype)
        vector = ir.VectorType(lane, LANES)
        align = context.get_abi_sizeof(lane)
        word = ir.IntType(64)

        def places(kind: Any, array: Any, start: Any, stride: Any) -> list[Any]:
            first = _pointer(context, builder, kind, array, start)
            moved = [builder.gep(first, [builder.mul(stride, ir.Constant(word, r))]) for r in range(LANES)]
            return [builder.bitcast(p, vector.as_pointer()) for p in moved]

        rows = [builder.load(p, align=align) for p in places(from_kind, args[3], args[4], args[5])]
        # Four rounds of perfect interleaving (16 = 2^4) turn rows into columns.
        index = ir.VectorType(ir.IntType(32), LANES)
        half = LANES // 2
        low = ir.Constant(index, [k // 2 + (k % 2) * LANES for k in range(LANES)])
        high = ir.Constant(index, [half + k // 2 + (k % 2) * LANES for k in range(LANES)])
        for _ in range(LANES.bit_length() - 1):
            mixed = []
            for r in range(half):
                mixed.append(builder.shuffle_vector(rows[r], rows[r + half], low))
                mixed.append(builder.shuffle_vector(rows[r], rows[r + half], high))
            rows = mixed
        for vector_out, p in zip(rows, places(to_kind, args[0], args[1], args[2]), strict=True):
            builder.store(vector_out, p, align=align)
        return context.get_dummy_value()

    return types.void(target, i, i, source, i, i), codegen
