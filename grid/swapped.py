"""Reactive limits within chords: controls whose type is not the base point's, and when a control changes its type.

A control that holds its voltage at the base point and its reactive power in an hour, or the other way round, is
*swapped* in that hour: its row of the Jacobian is another one. The factor stays as it is; the right-hand side is
bent instead, between forward elimination and back substitution, so that all swapped rows of the hour meet their own
equations (Sherman, Morrison, Woodbury; ``kernels_base`` works out what the rows sense and how a bend presses on
others). Types change by the rules of ``kernels.switch_limits``, looked at for all lanes at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from grid.block import MOST_SWAPPED, Base, Block
from grid.kernels import HOLDING, Rules, inlined, kernel
from grid.simd import (
    LANES,
    any_above,
    choose,
    fma,
    fnma,
    index,
    load,
    load_spread,
    max_abs,
    mul,
    spread32,
    spread64,
    store,
    sub,
    to32,
    to64,
)

Ints = npt.NDArray[np.int64]

W = LANES
NEAR = 2e-2
"""Mismatch (pu) below which an hour's reactive limits are looked at."""
SLACK = 5.0
"""A control is switched when it is off its range or set point by so many times the hour's largest mismatch."""
ROUNDING = 1e-12
"""A voltage so near to its set point (relative) is there; what rounding leaves differs from block to block."""


@kernel
def begin_swapped(base: Base, block: Block) -> None:
    """List what is swapped in the hours of a block that has just been read."""
    find_swapped(base, block)
    for w in range(W):
        invert(base, block, w)


@kernel
def measure_swapped(base: Base, rows: Ints, block: Block) -> None:
    """Count what swapped controls are short of the set points that only their hours hold as mismatch."""
    worst = load(block.worst, 0)
    for c in range(len(rows)):
        if block.active[c] == 1 and base.kind[c] != HOLDING:
            held = mul(load(block.swapped, c * W), load(block.holds, c * W))
            worst = max_abs(worst, mul(held, short_of_set_point(block, rows[c], c)))
    store(block.worst, 0, worst)


@inlined
def short_of_set_point(block: Block, i: int, c: int) -> Any:
    """ln(v_set / v) of a control, to second order."""
    e, f, one = load(block.e, i * W), load(block.f, i * W), spread64(1.0)
    off = sub(mul(fma(e, e, mul(f, f)), load(block.inverse_square, c * W)), one)
    return mul(mul(spread64(-0.5), off), fnma(spread64(0.5), off, one))


@kernel
def bend_swapped(base: Base, rows: Ints, block: Block) -> None:
    """Bend the right-hand sides, eliminated forward already, so that swapped rows meet their own equations."""
    x, sense, press = block.x, base.sense, base.press
    for c in range(len(rows)):
        if block.active[c] == 0:
            continue
        short = short_of_set_point(block, rows[c], c)
        if base.kind[c] == HOLDING:  # and lanes that have just come back to their set point go there
            lack, size = load(block.left, c * W), max_abs(spread64(0.0), short)
            away = choose(size, spread64(ROUNDING), sub(spread64(1.0), load(block.swapped, c * W)), spread64(0.0))
            store(block.bent, c * W, mul(away, short))
        else:
            lack = short
            store(block.bent, c * W, spread64(0.0))
        met = spread32(0.0)
        for k in range(index(sense.ptr, c), index(sense.ptr, c + 1)):
            met = fma(load_spread(sense.value, k), load(x, index(sense.x, k)), met)
        store(block.lack, c * W, sub(lack, to64(met)))
    for w in range(W):
        bend_lane(block, w)
    for c in range(len(rows)):
        if block.active[c] == 1:
            bent = to32(load(block.bent, c * W))
            for k in range(index(press.ptr, c), index(press.ptr, c + 1)):
                at = index(press.x, k)
                store(x, at, fma(load_spread(press.value, k), bent, load(x, at)))


@kernel
def bend_lane(block: Block, w: int) -> None:
    """Multiply what the swapped controls of a lane lack by the inverse of their responses."""
    many, first, square = block.many[w], w * MOST_SWAPPED, w * MOST_SWAPPED * MOST_SWAPPED
    for a in range(many):
        total = 0.0
        for b in range(many):
            total += block.inverse[square + a * many + b] * block.lack[block.which[first + b] * W + w]
        block.bent[block.which[first + a] * W + w] = total


@kernel
def switch_controls(rows: Ints, base: Base, block: Block, rules: Rules) -> None:
    """Switch the controls of all lanes that must be, and list what is swapped where that has changed.

    Only lanes that are near a solution are looked at.
    """
    worst, tolerance = load(block.worst, 0), spread64(rules.tolerance)
    near = choose(spread64(NEAR), worst, load(block.live, 0), spread64(0.0))
    store(block.moved, 0, spread64(0.0))
    store(block.near, 0, near)
    if not any_above(near, spread64(0.0)):
        return
    store(block.slack, 0, mul(spread64(SLACK), choose(worst, tolerance, worst, tolerance)))
    for c in range(len(rows)):
        if rows[c] >= 0:
            switch_control(rows[c], c, base, block)
    if any_above(load(block.moved, 0), spread64(0.0)):
        find_swapped(base, block)
        for w in range(W):
            if block.moved[w] == 1.0:
                invert(base, block, w)


@kernel
def switch_control(i: int, c: int, base: Base, block: Block) -> None:
    """Look at one control in all lanes, and switch it in those near a solution where it must be."""
    if block.active[c] == 1:
        held = mul(load(block.side, c * W), beyond_set_point(block, i, c))
        off = fma(load(block.holds, c * W), beyond_range(block, c), held)
    elif base.kind[c] == HOLDING:  # as at the base point, in all lanes: half of what there is need not be loaded
        off = beyond_range(block, c)
    else:
        off = mul(load(block.side, c * W), beyond_set_point(block, i, c))
    wide = mul(load(block.near, 0), sub(off, load(block.slack, 0)))
    if not any_above(wide, spread64(0.0)):
        return
    store(block.wide, 0, wide)
    for w in range(W):
        if block.wide[w] > 0.0:
            switch_lane(i, c, w, block)


@inlined
def beyond_range(block: Block, c: int) -> Any:
    """Reactive power of a control that holds its voltage, beyond its range (pu; negative inside)."""
    made = sub(spread64(0.0), load(block.left, c * W))
    above, below = sub(made, load(block.q_max, c * W)), sub(load(block.q_min, c * W), made)
    return choose(above, below, above, below)


@inlined
def beyond_set_point(block: Block, i: int, c: int) -> Any:
    """Voltage of a control above its set point, (v² − v_set²) / 2."""
    e, f, v_set = load(block.e, i * W), load(block.f, i * W), load(block.v_set, c * W)
    return mul(spread64(0.5), fnma(v_set, v_set, fma(e, e, mul(f, f))))


@kernel
def switch_lane(i: int, c: int, w: int, block: Block) -> None:
    """Hold the control at the limit it left, or release it back onto its set point."""
    k, at = c * W + w, i * W + w
    before = block.fixed[k]
    if block.holds[k] == 1.0:
        above = before - block.left[k] > block.q_max[k]
        block.holds[k], block.side[k] = 0.0, 1.0 if above else -1.0
        block.fixed[k] = block.q_max[k] if above else block.q_min[k]
    else:
        block.holds[k], block.side[k], block.fixed[k] = 1.0, 0.0, 0.0
    block.q[at] += block.fixed[k] - before
    block.left[k] += block.fixed[k] - before
    block.moved[w] = 1.0


@kernel
def find_swapped(base: Base, block: Block) -> None:
    """List the controls of all lanes whose type is not the base point's; a lane with too many is given up."""
    block.many[:] = 0
    for c in range(len(block.active)):
        holds = load(block.holds, c * W)
        differs = sub(spread64(1.0), holds) if base.kind[c] == HOLDING else holds
        store(block.swapped, c * W, differs)
        if any_above(differs, spread64(0.0)):
            block.active[c] = 1
            list_swapped(c, block)
    for w in range(W):
        if block.many[w] > MOST_SWAPPED:
            block.live[w], block.many[w] = 0.0, 0


@kernel
def list_swapped(c: int, block: Block) -> None:
    """Enter a control in the lists of the lanes in which it is swapped, as long as there is room."""
    for w in range(W):
        if block.swapped[c * W + w] == 1.0:
            if block.many[w] < MOST_SWAPPED:
                block.which[w * MOST_SWAPPED + block.many[w]] = c
            block.many[w] += 1


@kernel
def invert(base: Base, block: Block, w: int) -> None:
    """Gauss-Jordan on the responses of the lane's swapped controls (their diagonal dominates: no pivoting)."""
    many, which, at = block.many[w], block.which[w * MOST_SWAPPED :], w * MOST_SWAPPED * MOST_SWAPPED
    a = block.inverse[at:]
    for i in range(many):
        for j in range(many):
            a[i * many + j] = base.bend[which[i], which[j]]
    for k in range(many):
        pivot = 1.0 / a[k * many + k]
        a[k * many + k] = 1.0
        for j in range(many):
            a[k * many + j] *= pivot
        for i in range(many):
            if i != k:
                factor = a[i * many + k]
                a[i * many + k] = 0.0
                for j in range(many):
                    a[i * many + j] -= factor * a[k * many + j]
