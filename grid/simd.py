"""Explicit vector values for numba: ``LANES`` numbers that are added, multiplied and compared side by side.

numba's own loops over lanes run three times slower here, because LLVM cannot prove that the arrays do not overlap
and keeps sums in memory. A vector value lives in registers. The operations (all element by element):

    load(array, at)            LANES consecutive elements          store(array, at, v)
    spread64(x), spread32(x)   the same number in every lane       load_spread(array, at)
    load_groups(array, starts, first, i)   element i from each of GROUPS starts, every one in a group of lanes
    fma(a, b, c) = a·b + c     fnma(a, b, c) = c − a·b             add, sub, mul, div
    max_abs(m, a)              larger of m and |a|; a NaN in a wins
    to32(v), to64(v)           change of precision                 largest(v)   over all lanes
    place_of_largest(v)        the first lane with the largest number
    any_above(a, b), any_beyond(a, b)   whether a > b, |a| > b in any lane
    choose(a, b, x, y)         x where a > b, else y (also where a or b is NaN)
    root(a)                    square root
    index(array, at)           one whole number of an array, as int64
    bits_of(x)                 the bits of a double, as int64
    hasten_read(array, at), hasten_write(array, at)   fetch what is soon read or written into the cache

Arrays that vectors lie in come from ``aligned``.

Vectors of doubles and of floats follow the type of the array. ``fma`` is one rounding where the processor can, and
two elsewhere; on one machine it is always the same, so that results do not depend on a lane's place or neighbours.
Indices are not checked and never wrap around.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 32
"""Hours solved side by side: four AVX-512 registers of doubles, two of floats."""

GROUPS = 4
"""Groups of neighbouring lanes that can hold different numbers each."""

LINE_BYTES = 64
"""Length of a line of the cache, and of a vector register: vectors that straddle two lines take twice as long."""


def aligned(size: int, dtype: type = np.float64, fill: float = 0.0) -> Any:
    """Return an array of ``size`` equal values that begins at a line of the cache."""
    spare = LINE_BYTES // np.dtype(dtype).itemsize
    room: Any = np.full(size + spare, fill, dtype=dtype)
    first = -room.ctypes.data % LINE_BYTES // room.itemsize
    return room[first : first + size]


operation: Any = intrinsic
"""numba generates the code of a call itself; what it takes and returns is beyond Python's static types."""
function_in: Any = cgutils.get_or_insert_function


class Vector(types.Type):
    """numba type of a vector of ``LANES`` floats of ``bits`` bits."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(name=f"Vector{LANES}x{bits}")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A vector is an LLVM vector; LLVM splits it over the registers there are."""

    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, llvm_type(kind))  # type: ignore[no-untyped-call]


DOUBLES, FLOATS = Vector(64), Vector(32)


def llvm_type(kind: Vector) -> Any:
    """Return the LLVM type of a vector."""
    return ir.VectorType(ir.DoubleType() if kind.bits == 64 else ir.FloatType(), LANES)


def _of(array: Any) -> Vector:
    return DOUBLES if array.dtype == types.float64 else FLOATS


def _address(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [at])


def _position(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return context.cast(builder, args[1], signature.args[1], types.intp)


def _spread(builder: Any, kind: Vector, x: Any) -> Any:
    vector = llvm_type(kind)
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, x, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _call(builder: Any, kind: Vector, name: str, args: list[Any]) -> Any:
    vector = llvm_type(kind)
    kinds = ir.FunctionType(vector, [vector] * len(args))
    function = function_in(builder.module, kinds, f"llvm.{name}.v{LANES}f{kind.bits}")
    return builder.call(function, args)


@operation
def load(typing_context, array, at):  # type: ignore[no-untyped-def]
    """LANES elements from position ``at``."""
    kind = _of(array)

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _address(context, builder, signature.args[0], args[0], _position(context, builder, signature, args))
        return builder.load(builder.bitcast(place, llvm_type(kind).as_pointer()), align=kind.bits // 8)

    return kind(array, at), code


@operation
def store(typing_context, array, at, v):  # type: ignore[no-untyped-def]
    """Write a vector to position ``at``."""
    kind = _of(array)

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _address(context, builder, signature.args[0], args[0], _position(context, builder, signature, args))
        builder.store(args[2], builder.bitcast(place, llvm_type(kind).as_pointer()), align=kind.bits // 8)
        return context.get_dummy_value()

    return types.void(array, at, v), code


@operation
def load_spread(typing_context, array, at):  # type: ignore[no-untyped-def]
    """One element in every lane."""
    kind = _of(array)

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _address(context, builder, signature.args[0], args[0], _position(context, builder, signature, args))
        return _spread(builder, kind, builder.load(place))

    return kind(array, at), code


@operation
def load_groups(typing_context, array, starts, first, i):  # type: ignore[no-untyped-def]
    """Element ``starts[first + g] + i`` in all lanes of group g."""
    kind = _of(array)

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        whole, size = ir.IntType(32), LANES // GROUPS
        few = ir.Constant(ir.VectorType(llvm_type(kind).element, GROUPS), ir.Undefined)
        for group in range(GROUPS):
            place = builder.add(args[2], ir.Constant(args[2].type, group))
            start = builder.load(_address(context, builder, signature.args[1], args[1], place))
            number = _address(context, builder, signature.args[0], args[0], builder.add(start, args[3]))
            few = builder.insert_element(few, builder.load(number), ir.Constant(whole, group))
        lanes = ir.Constant(ir.VectorType(whole, LANES), [group for group in range(GROUPS) for _ in range(size)])
        return builder.shuffle_vector(few, few, lanes)

    return kind(array, starts, types.int64, types.int64), code


def _spreading(kind: Vector, scalar: Any) -> Any:
    @operation
    def spread(typing_context, x):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return _spread(builder, kind, context.cast(builder, args[0], signature.args[0], scalar))

        return kind(x), code

    return spread


spread64, spread32 = _spreading(DOUBLES, types.float64), _spreading(FLOATS, types.float32)


def _fused(negative: bool) -> Any:
    @operation
    def fused(typing_context, a, b, c):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            x = builder.fneg(args[0]) if negative else args[0]
            return _call(builder, c, "fmuladd", [x, args[1], args[2]])

        return c(a, b, c), code

    return fused


fma, fnma = _fused(False), _fused(True)


def _binary(instruction: str) -> Any:
    @operation
    def binary(typing_context, a, b):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return getattr(builder, instruction)(args[0], args[1])

        return a(a, b), code

    return binary


add, sub, mul, div = _binary("fadd"), _binary("fsub"), _binary("fmul"), _binary("fdiv")


@operation
def root(typing_context, a):  # type: ignore[no-untyped-def]
    """Square root."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return _call(builder, a, "sqrt", [args[0]])

    return a(a), code


@operation
def choose(typing_context, a, b, x, y):  # type: ignore[no-untyped-def]
    """``x`` where a > b, ``y`` elsewhere."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])

    return x(a, b, x, y), code


def _anywhere(size: bool) -> Any:
    @operation
    def compare(typing_context, a, limit):  # type: ignore[no-untyped-def]
        """Whether a, or its size, is larger than the limit in any lane (NaN is not)."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            number = _call(builder, a, "fabs", [args[0]]) if size else args[0]
            lanes = builder.bitcast(builder.fcmp_ordered(">", number, args[1]), ir.IntType(LANES))
            return builder.icmp_unsigned("!=", lanes, ir.Constant(ir.IntType(LANES), 0))

        return types.boolean(a, limit), code

    return compare


any_above, any_beyond = _anywhere(False), _anywhere(True)


@operation
def index(typing_context, array, at):  # type: ignore[no-untyped-def]
    """Whole number at position ``at``; without numba's care for negative positions, which costs in short loops."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _address(context, builder, signature.args[0], args[0], _position(context, builder, signature, args))
        number = builder.load(place)
        return number if number.type.width == 64 else builder.zext(number, ir.IntType(64))

    return types.int64(array, at), code


@operation
def bits_of(typing_context, x):  # type: ignore[no-untyped-def]
    """Bits of a double as a whole number; ordered as the numbers are where these are not negative."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.bitcast(context.cast(builder, args[0], signature.args[0], types.float64), ir.IntType(64))

    return types.int64(x), code


@operation
def max_abs(typing_context, m, a):  # type: ignore[no-untyped-def]
    """Larger of ``m`` ≥ 0 and |a|; NaN wherever ``a`` is NaN or ``m`` already was.

    Bit patterns of numbers without sign are ordered as the numbers are, with NaN above infinity.
    """

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        whole = ir.VectorType(ir.IntType(a.bits), LANES)
        size = builder.bitcast(_call(builder, a, "fabs", [args[1]]), whole)
        name = f"llvm.umax.v{LANES}i{a.bits}"
        function = function_in(builder.module, ir.FunctionType(whole, [whole, whole]), name)
        return builder.bitcast(builder.call(function, [builder.bitcast(args[0], whole), size]), llvm_type(a))

    return m(m, a), code


def _changing(kind: Vector) -> Any:
    @operation
    def change(typing_context, v):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return (builder.fptrunc if kind.bits == 32 else builder.fpext)(args[0], llvm_type(kind))

        return kind(v), code

    return change


to32, to64 = _changing(FLOATS), _changing(DOUBLES)


@operation
def largest(typing_context, v):  # type: ignore[no-untyped-def]
    """Largest element (NaN are passed over)."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        vector = llvm_type(v)
        name = f"llvm.vector.reduce.fmax.v{LANES}f{v.bits}"
        function = function_in(builder.module, ir.FunctionType(vector.element, [vector]), name)
        return builder.call(function, [args[0]])

    return (types.float64 if v.bits == 64 else types.float32)(v), code


@operation
def place_of_largest(typing_context, v):  # type: ignore[no-untyped-def]
    """First lane that holds the largest element; ``LANES`` where all of them are NaN."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        vector, bits = llvm_type(v), ir.IntType(LANES)
        reduced = ir.FunctionType(vector.element, [vector])
        name = f"llvm.vector.reduce.fmax.v{LANES}f{v.bits}"
        most = builder.call(function_in(builder.module, reduced, name), [args[0]])
        same = builder.bitcast(builder.fcmp_ordered("==", args[0], _spread(builder, v, most)), bits)
        place = builder.cttz(same, ir.Constant(ir.IntType(1), 0))
        return builder.zext(place, ir.IntType(64))

    return types.int64(v), code


@operation
def count_up(typing_context, counts, at, number):  # type: ignore[no-untyped-def]
    """Raise ``counts[at]`` by ``number`` and return what it was before; no two threads are told the same.

    Whoever sees the new count also sees all that was written before it was raised.
    """

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _address(context, builder, signature.args[0], args[0], _position(context, builder, signature, args))
        more = context.cast(builder, args[2], signature.args[2], types.int64)
        return builder.atomic_rmw("add", place, more, "acq_rel")

    return types.int64(counts, at, number), code


def _hastening(write: int) -> Any:
    @operation
    def hasten(typing_context, array, at):  # type: ignore[no-untyped-def]
        """Fetch the line of the cache in which position ``at`` lies; goes on at once."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            whole = ir.IntType(32)
            place = _address(
                context, builder, signature.args[0], args[0], _position(context, builder, signature, args)
            )
            kinds = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), whole, whole, whole])
            function = function_in(builder.module, kinds, "llvm.prefetch.p0i8")
            place = builder.bitcast(place, ir.IntType(8).as_pointer())
            builder.call(function, [place, *(ir.Constant(whole, number) for number in (write, 2, 1))])
            return context.get_dummy_value()

        return types.void(array, at), code

    return hasten


hasten_read, hasten_write = _hastening(0), _hastening(1)
