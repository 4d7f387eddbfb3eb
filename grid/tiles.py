"""Matrices [hours × things] ↔ lanes [things × hours], by tiles of eight by eight that are transposed in registers.

A caller's matrix has one row per hour, a block of the solver one row of ``LANES`` hours per thing. Moving single
numbers between the two costs as much as solving; a tile moves 64 numbers with 24 shuffles and whole cache lines.

    bring(matrix, starts, factor, rows, block)   block[rows[c] + w] = factor · matrix[starts[w] + c]
    send(block, rows, matrix, starts)            matrix[starts[w] + c] = block[rows[c] + w]

for every column c and lane w; ``starts`` are the flat positions at which the rows of the lanes' hours begin, and
``rows`` the flat positions at which the block's rows begin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types

from grid.kernels import kernel
from grid.simd import LANES, operation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TILE = 8


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose eight vectors of eight by interleaving halves three times."""
    places = ir.VectorType(ir.IntType(32), TILE)
    low = ir.Constant(places, [0, 8, 1, 9, 2, 10, 3, 11])
    high = ir.Constant(places, [4, 12, 5, 13, 6, 14, 7, 15])
    for _ in range(3):
        pairs = [(rows[k], rows[k + 4]) for k in range(4)]
        rows = [builder.shuffle_vector(a, b, half) for a, b in pairs for half in (low, high)]
    return rows


def _vector_at(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), ir.VectorType(ir.DoubleType(), TILE).as_pointer())


def _whole(context: Any, builder: Any, kind: Any, array: Any, at: Any, more: int) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.load(builder.gep(data, [builder.add(at, ir.Constant(ir.IntType(64), more))]))


def _move(context: Any, builder: Any, kinds: Any, args: Any, change: Any) -> None:
    """Read eight vectors, transpose, change and write them; positions are table entries plus an offset."""
    source, from_table, from_at, from_more, target, to_table, to_at, to_more = args
    rows = []
    for k in range(TILE):
        at = builder.add(_whole(context, builder, kinds[1], from_table, from_at, k), from_more)
        rows.append(builder.load(_vector_at(context, builder, kinds[0], source, at), align=8))
    for k, row in enumerate(_transposed(builder, rows)):
        at = builder.add(_whole(context, builder, kinds[5], to_table, to_at, k), to_more)
        builder.store(change(row), _vector_at(context, builder, kinds[4], target, at), align=8)


@operation
def bring_tile(typing_context, matrix, starts, w, column, factor, rows, block):  # type: ignore[no-untyped-def]
    """Eight hours from lane ``w``, eight things from ``column``: matrix → block, times ``factor``."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        matrix, starts, w, column, factor, rows, block = args
        kinds = signature.args
        vector = ir.VectorType(ir.DoubleType(), TILE)
        empty = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(empty, factor, ir.Constant(ir.IntType(32), 0))
        factors = builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), TILE), [0] * TILE))
        _move(
            context,
            builder,
            (kinds[0], kinds[1], None, None, kinds[6], kinds[5]),
            (matrix, starts, w, column, block, rows, column, w),
            lambda row: builder.fmul(row, factors),
        )
        return context.get_dummy_value()

    return types.void(matrix, starts, types.int64, types.int64, types.float64, rows, block), code


@operation
def send_tile(typing_context, block, rows, row, w, matrix, starts, column):  # type: ignore[no-untyped-def]
    """Eight rows of the block from ``row``, eight lanes from ``w``: block → matrix at ``column``."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        block, rows, row, w, matrix, starts, column = args
        kinds = signature.args
        _move(
            context,
            builder,
            (kinds[0], kinds[1], None, None, kinds[4], kinds[5]),
            (block, rows, row, w, matrix, starts, w, column),
            lambda vector: vector,
        )
        return context.get_dummy_value()

    return types.void(block, rows, types.int64, types.int64, matrix, starts, types.int64), code


@kernel
def bring(matrix: Floats, starts: Ints, factor: float, rows: Ints, block: Floats) -> None:
    """Read a row of the matrix into each lane: whole tiles, then the columns that are left."""
    whole = len(rows) - len(rows) % TILE
    for w in range(0, LANES, TILE):
        for column in range(0, whole, TILE):
            bring_tile(matrix, starts, w, column, factor, rows, block)
    flat = matrix.reshape(-1)
    for column in range(whole, len(rows)):
        for w in range(LANES):
            block[rows[column] + w] = factor * flat[starts[w] + column]


@kernel
def send(block: Floats, rows: Ints, matrix: Floats, starts: Ints) -> None:
    """Write each lane into its row of the matrix."""
    whole = len(rows) - len(rows) % TILE
    for w in range(0, LANES, TILE):
        for column in range(0, whole, TILE):
            send_tile(block, rows, column, w, matrix, starts, column)
    flat = matrix.reshape(-1)
    for column in range(whole, len(rows)):
        for w in range(LANES):
            flat[starts[w] + column] = block[rows[column] + w]
