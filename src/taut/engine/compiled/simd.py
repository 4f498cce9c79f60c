"""Sixteen numbers at a time: a vector type for Numba.

Why our own: Numba leaves vectorizing to LLVM's loop vectorizer, which gives up silently (a branch, a
reduction in float32, a possible alias) and then a pass costs ten times as much.  With a vector type a pass
over the activations says what it does, keeps its column sums in registers, and compiles to the widest
instructions of the machine at hand: LLVM splits sixteen lanes into what there is (one AVX-512 register, two
AVX2 ones, four NEON ones).  No library offers this for Numba (looked at: Numba 0.68's own extensions,
numba-scipy, SVML through icc_rt, which exists for Intel's compiler only).

A vector is made by :func:`load` or :func:`splat`; ``+ - * /``, comparisons, ``min`` and ``max`` work lane by
lane, numbers next to a vector are taken in its type.  ``min`` and ``max`` are Python's: the second argument
only where it is strictly smaller (larger), so NaN survives in first place and is lost in second.

Nothing here checks bounds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 16


class Vector(types.Type):
    """Numba's type of ``LANES`` numbers of one ``dtype``."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype} x {LANES})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, dmm: Any, fe_type: Vector) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(_lane(fe_type.dtype), LANES))


def _lane(dtype: Any) -> Any:
    """The LLVM type of one lane."""
    if dtype == types.boolean:
        return ir.IntType(1)
    if isinstance(dtype, types.Integer):
        return ir.IntType(dtype.bitwidth)  # type: ignore[attr-defined]
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


def _call(builder: Any, name: str, result: Any, args: list[Any]) -> Any:
    """Call one of LLVM's own functions, declared on first use."""
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def _suffix(dtype: Any) -> str:
    lane = _lane(dtype)
    bits = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}.get(lane) or f"i{lane.width}"
    return f"v{LANES}{bits}"


def _spread(builder: Any, scalar: Any) -> Any:
    """One scalar in every lane."""
    kind = ir.VectorType(scalar.type, LANES)
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, nothing, zeros)


def _as_vector(context: Any, builder: Any, value: Any, kind: Any, dtype: Any) -> Any:
    """A vector as it is, a number spread over all lanes in the vector's type."""
    if isinstance(kind, Vector):
        return value
    return _spread(builder, context.cast(builder, value, kind, dtype))


# --- operators ------------------------------------------------------------------------------------------


def _vector_dtype(args: tuple[Any, ...]) -> Any | None:
    """The lanes' type if one of two arguments is a vector and the other one fits to it."""
    if len(args) != 2:
        return None
    vectors = [a for a in args if isinstance(a, Vector)]
    if not vectors or not all(isinstance(a, (Vector, types.Number)) for a in args):
        return None
    if len({v.dtype for v in vectors}) != 1:
        return None
    return vectors[0].dtype


def _define(function: Any, emit: Callable[[Any, Any, Any, Any], Any], compares: bool = False) -> None:
    """Let ``function(vector, vector or number)`` mean ``emit(builder, dtype, a, b)``."""

    @infer_global(function)
    class _Typing(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            dtype = _vector_dtype(args)
            if dtype is None or kws:
                return None
            return signature(Vector(types.boolean if compares else dtype), *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        dtype = _vector_dtype(sig.args)
        a, b = (_as_vector(context, builder, v, k, dtype) for v, k in zip(args, sig.args, strict=True))
        return emit(builder, dtype, a, b)

    for kinds in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(function, *kinds)(lower)


def _arithmetic(real: str, whole: str) -> Callable[[Any, Any, Any, Any], Any]:
    def emit(builder: Any, dtype: Any, a: Any, b: Any) -> Any:
        if isinstance(dtype, types.Float):
            # "contract" lets a*b+c become one fused instruction; NaN and infinity stay what they are.
            return getattr(builder, real)(a, b, flags=("contract",))
        return getattr(builder, whole)(a, b)

    return emit


def _comparison(sign: str) -> Callable[[Any, Any, Any, Any], Any]:
    def emit(builder: Any, dtype: Any, a: Any, b: Any) -> Any:
        if isinstance(dtype, types.Float):
            ordered = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
            return ordered(sign, a, b)
        return builder.icmp_unsigned(sign, a, b)

    return emit


def _whole(name: str) -> Callable[[Any, Any, Any, Any], Any]:
    return lambda builder, dtype, a, b: getattr(builder, name)(a, b)


def _extreme(sign: str) -> Callable[[Any, Any, Any, Any], Any]:
    # As Python's own: the second only where it is strictly smaller (larger), so that one text of a formula
    # gives the same bits for a number and for a vector.
    return lambda builder, dtype, a, b: builder.select(_comparison(sign)(builder, dtype, b, a), b, a)


_define(operator.add, _arithmetic("fadd", "add"))
_define(operator.sub, _arithmetic("fsub", "sub"))
_define(operator.mul, _arithmetic("fmul", "mul"))
_define(operator.truediv, _arithmetic("fdiv", "udiv"))
_define(operator.xor, _whole("xor"))
_define(operator.and_, _whole("and_"))
_define(operator.or_, _whole("or_"))
_define(operator.rshift, _whole("lshr"))
_define(operator.lshift, _whole("shl"))
_define(min, _extreme("<"))
_define(max, _extreme(">"))
_define(operator.lt, _comparison("<"), compares=True)
_define(operator.le, _comparison("<="), compares=True)
_define(operator.gt, _comparison(">"), compares=True)
_define(operator.ge, _comparison(">="), compares=True)
_define(operator.eq, _comparison("=="), compares=True)


@infer_global(operator.neg)
class _Negative(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(args[0], args[0]) if len(args) == 1 and isinstance(args[0], Vector) else None


@lower_builtin(operator.neg, Vector)
def _negative(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(args[0])


# --- memory ---------------------------------------------------------------------------------------------


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


def _vector_pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> tuple[Any, int]:
    lane = context.get_value_type(kind.dtype)
    place = _pointer(context, builder, kind, array, index)
    return builder.bitcast(place, ir.VectorType(lane, LANES).as_pointer()), context.get_abi_sizeof(lane)


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """The vector at ``array[index:index + LANES]`` of a one-dimensional array."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place, align = _vector_pointer(context, builder, sig.args[0], args[0], args[1])
        return builder.load(place, align=align)

    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, vector: Any) -> Any:
    """``array[index:index + LANES] = vector``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place, align = _vector_pointer(context, builder, sig.args[0], args[0], args[1])
        builder.store(args[2], place, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), codegen


@intrinsic
def load_row(typingctx: Any, array: Any, row: Any, column: Any, count: Any) -> Any:
    """The first ``count`` lanes from ``array[row, column:]`` of a C-contiguous matrix, zero in the others."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = sig.args[0]
        struct = context.make_array(kind)(context, builder, args[0])
        width = cgutils.unpack_tuple(builder, struct.shape)[1]
        index = builder.add(builder.mul(args[1], width), args[2])
        lane = context.get_value_type(kind.dtype)
        vector = ir.VectorType(lane, LANES)
        place = builder.bitcast(builder.gep(struct.data, [index]), vector.as_pointer())
        align = ir.Constant(ir.IntType(32), context.get_abi_sizeof(lane))
        mask = _first(builder, args[3])
        name = f"llvm.masked.load.{_suffix(kind.dtype)}.p0"
        return _call(builder, name, vector, [place, align, mask, ir.Constant(vector, None)])

    return Vector(array.dtype)(array, types.intp, types.intp, types.intp), codegen


@intrinsic
def prefetch_row(typingctx: Any, array: Any, row: Any, column: Any) -> Any:
    """Ask for the cache line at ``array[row, column]`` ahead of its use."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        struct = context.make_array(sig.args[0])(context, builder, args[0])
        width = cgutils.unpack_tuple(builder, struct.shape)[1]
        place = builder.gep(struct.data, [builder.add(builder.mul(args[1], width), args[2])])
        word = ir.IntType(32)
        hints = [ir.Constant(word, hint) for hint in (0, 3, 1)]  # to read, near, data
        pointer = builder.bitcast(place, ir.IntType(8).as_pointer())
        _call(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, *hints])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), codegen


@intrinsic
def get(typingctx: Any, array: Any, index: Any) -> Any:
    """``array[index]`` without a look at the sign of the index."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, sig.args[0], args[0], args[1]))

    return array.dtype(array, types.intp), codegen


@intrinsic
def put(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """``array[index] = value`` without a look at the sign of the index."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, sig.args[0], args[0], args[1]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), codegen


# --- making and taking apart ----------------------------------------------------------------------------


def _iota(bits: int) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(bits), LANES), list(range(LANES)))


def _first(builder: Any, count: Any) -> Any:
    """A mask of the lanes before ``count``."""
    return builder.icmp_signed("<", _iota(64), _spread(builder, count))


@intrinsic
def splat(typingctx: Any, array: Any, value: Any) -> Any:
    """A number in all lanes, in the type of ``array``'s items."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _spread(builder, context.cast(builder, args[1], sig.args[1], sig.args[0].dtype))

    return Vector(array.dtype)(array, value), codegen


@intrinsic
def like(typingctx: Any, array: Any, vector: Any) -> Any:
    """A vector in the type of ``array``'s items."""
    source, target = vector.dtype, array.dtype

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if source == target:
            return args[1]
        kind = ir.VectorType(_lane(target), LANES)
        if isinstance(source, types.Integer):
            return builder.uitofp(args[1], kind)
        return (builder.fpext if target == types.float64 else builder.fptrunc)(args[1], kind)

    return Vector(target)(array, vector), codegen


@intrinsic
def lanes_from(typingctx: Any, start: Any) -> Any:
    """The unsigned 32-bit vector ``start, start + 1, ...``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        base = context.cast(builder, args[0], sig.args[0], types.uint32)
        return builder.add(_spread(builder, base), _iota(32))

    return Vector(types.uint32)(start), codegen


@intrinsic
def first_lanes(typingctx: Any, count: Any) -> Any:
    """The mask of the lanes before ``count``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _first(builder, args[0])

    return Vector(types.boolean)(types.intp), codegen


@intrinsic
def one_hot(typingctx: Any, array: Any, lane: Any) -> Any:
    """1 in one lane and 0 in the others, in the type of ``array``'s items; all 0 without such a lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.VectorType(_lane(array.dtype), LANES)
        here = builder.icmp_signed("==", _iota(64), _spread(builder, args[1]))
        return builder.uitofp(here, kind)

    return Vector(array.dtype)(array, types.intp), codegen


@intrinsic
def select(typingctx: Any, mask: Any, yes: Any, no: Any) -> Any:
    """``yes`` where the mask holds, else ``no``; one of the two may be a number."""
    dtype = _vector_dtype((yes, no))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a = _as_vector(context, builder, args[1], sig.args[1], dtype)
        b = _as_vector(context, builder, args[2], sig.args[2], dtype)
        return builder.select(args[0], a, b)

    return Vector(dtype)(mask, yes, no), codegen


def _fold(builder: Any, value: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Combine the lanes in a fixed order: halves, then halves of halves."""
    count = LANES
    while count > 1:
        count //= 2
        index = ir.VectorType(ir.IntType(32), count)
        low = builder.shuffle_vector(value, value, ir.Constant(index, list(range(count))))
        high = builder.shuffle_vector(value, value, ir.Constant(index, list(range(count, 2 * count))))
        value = combine(low, high)
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


@intrinsic
def total(typingctx: Any, vector: Any) -> Any:
    """The sum of the lanes."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _fold(builder, args[0], builder.fadd)

    return vector.dtype(vector), codegen


@intrinsic
def largest(typingctx: Any, vector: Any) -> Any:
    """The largest lane (a NaN may be passed over)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def larger(a: Any, b: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", a, b), a, b)

        return _fold(builder, args[0], larger)

    return vector.dtype(vector), codegen


# --- mathematics ----------------------------------------------------------------------------------------


def _same(name: str) -> Any:
    def declare(typingctx: Any, vector: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return _call(builder, f"llvm.{name}.{_suffix(vector.dtype)}", args[0].type, [args[0]])

        return vector(vector), codegen

    declare.__name__ = name
    return intrinsic(declare)


sqrt = _same("sqrt")
floor = _same("floor")
fabs = _same("fabs")


@intrinsic
def two_to(typingctx: Any, exponent: Any) -> Any:
    """2 to the power of whole numbers within the range of normal numbers, by writing the exponent's bits."""
    bits, bias, shift = (32, 127, 23) if exponent.dtype == types.float32 else (64, 1023, 52)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = builder.fptosi(args[0], ir.VectorType(ir.IntType(bits), LANES))
        biased = builder.add(whole, _spread(builder, ir.Constant(ir.IntType(bits), bias)))
        raised = builder.shl(biased, _spread(builder, ir.Constant(ir.IntType(bits), shift)))
        return builder.bitcast(raised, args[0].type)

    return exponent(exponent), codegen
