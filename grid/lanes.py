"""The fast kernel: ``LANES`` hours side by side, full Newton with factors in single precision.

The same method as ``grid.kernels`` (read that first), written for vectors: every number becomes one value per hour,
and all hours of a block take the same walk through the same pattern. What differs:

* Mismatches and voltages are double precision; Jacobian, factors and corrections are single precision. A correction
  good to seven digits costs at most one more iteration, and the mismatch that decides is exact.
* A correction z = ΔlnV + jΔθ turns the voltage by 1 + z + z²/2 instead of exp(z); buses that hold their voltage are
  scaled back onto their set point. Neither changes the solution, only the way there.
* ``live`` is 1.0 in lanes that still iterate and 0.0 in those that have arrived (or blown up): corrections are
  multiplied by it, so an hour's result does not depend on which hours share its block.
* The ``holds`` mask makes a control's voltage row an identity in the hours in which it holds its voltage. When
every
  mismatch of an hour is small, its controls are compared with their limits and switched, as in
  ``kernels.switch_limits``; an hour has arrived when its mismatch is within the tolerance and nothing switches.

Hours that do not arrive here are left to the careful kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from grid.kernels import AT_MAX, AT_MIN, HOLDING, OFF, Pattern, Rules, entry, inlined, kernel
from grid.kernels_year import DIRECT, LOST, Found, Given, Start
from grid.simd import (
    LANES,
    add,
    aligned,
    div,
    fma,
    fnma,
    largest,
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

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

W, W2, W3, W4 = LANES, 2 * LANES, 3 * LANES, 4 * LANES
NEAR = 1e-3
"""Mismatch (pu) below which an hour's reactive limits are looked at."""
BLOWN_UP = 1e6


class Block(NamedTuple):
    """State and scratch of one block: [rows × LANES] throughout, ``r`` twice, blocks of the factor four times."""

    e: Floats
    f: Floats
    p: Floats
    q: Floats
    r: Floats
    residual: Floats
    v_set: Floats
    q_min: Floats
    q_max: Floats
    kind: Ints
    holds: Floats
    live: Floats
    worst: Floats
    x: Singles
    row: Singles
    upper: Singles
    pivot: Singles


def new_block(pattern: Pattern) -> Block:
    """Return scratch for one thread."""
    n, blocks = len(pattern.bus), len(pattern.u_col)
    return Block(
        e=aligned(n * W),
        f=aligned(n * W),
        p=aligned(n * W),
        q=aligned(n * W),
        r=aligned(2 * n * W),
        residual=aligned(n * W),
        v_set=aligned(n * W, fill=1.0),
        q_min=aligned(n * W),
        q_max=aligned(n * W),
        kind=np.zeros(n * W, np.int64),
        holds=aligned(n * W),
        live=aligned(W),
        worst=aligned(W),
        x=aligned(2 * n * W, np.float32),
        row=aligned(4 * pattern.widest_row * W, np.float32),
        upper=aligned((4 * blocks + 4) * W, np.float32),
        pivot=aligned(4 * n * W, np.float32),
    )


@kernel
def gather(bus: Ints, values: Floats, factor: float, lane: Floats) -> None:
    """Put ``factor · values[bus]`` into one lane of a block array (``lane`` begins at that lane)."""
    for i in range(len(bus)):
        lane[i * W] = values[np.uint64(bus[i])] * factor


@kernel
def read_block(bus: Ints, given: Given, start: Start, hours: Ints, limits: bool, block: Block) -> None:
    """Gather ``hours`` (LANES of them) into the block and put every lane at the start point."""
    e, f, p, q, residual = block.e, block.f, block.p, block.q, block.residual
    p_mw, q_mvar, control, base = given.p_mw, given.q_mvar, given.control, 1.0 / given.sn_mva
    for w in range(W):
        gather(bus, p_mw[hours[w]], base, p[w:])
    for w in range(W):
        gather(bus, q_mvar[hours[w]], base, q[w:])
    for i in range(len(bus)):
        store(e, i * W, load_spread(start.e, i))
        store(f, i * W, load_spread(start.f, i))
        store(residual, i * W, spread64(0.0))
        if control[i] >= 0:
            read_control(given, start, hours, limits, block, i)


@kernel
def read_control(given: Given, start: Start, hours: Ints, limits: bool, block: Block, i: int) -> None:
    """Gather set points and limits of the control at row i; begin at the set point (or fixed)."""
    c, base = given.control[i], 1.0 / given.sn_mva
    size = np.sqrt(start.e[i] * start.e[i] + start.f[i] * start.f[i])
    for w in range(W):
        k, h = i * W + w, hours[w]
        block.v_set[k] = given.v_set[min(h, len(given.v_set) - 1), c]
        block.q_min[k] = given.q_min[min(h, len(given.q_min) - 1), c] * base
        block.q_max[k] = given.q_max[min(h, len(given.q_max) - 1), c] * base
        off = limits and block.q_min[k] == block.q_max[k]
        block.kind[k] = OFF if off else HOLDING
        block.holds[k] = 0.0 if off else 1.0
        if off:
            block.q[k] += block.q_min[k]
        else:
            block.e[k] *= block.v_set[k] / size
            block.f[k] *= block.v_set[k] / size


@kernel
def residuals(pattern: Pattern, control: Ints, block: Block) -> None:
    """Fill ``r`` with the mismatches of every row (0 for the voltage of a held bus) and each lane's ``worst``."""
    e, f, p, q, r, holds = block.e, block.f, block.p, block.q, block.r, block.holds
    y_ptr, y_col, y_g, y_b = pattern.y_ptr, pattern.y_col, pattern.y_g, pattern.y_b
    share, reference, residual = pattern.share, pattern.reference, block.residual
    worst, one = spread64(0.0), spread64(1.0)
    for i in range(len(control)):
        g_e, b_f, g_f, b_e = spread64(0.0), spread64(0.0), spread64(0.0), spread64(0.0)
        for k in range(y_ptr[i], y_ptr[i + 1]):
            j = np.int64(y_col[k]) * W
            e_j, f_j, g, b = load(e, j), load(f, j), load_spread(y_g, k), load_spread(y_b, k)
            g_e, b_f, g_f, b_e = fma(g, e_j, g_e), fma(b, f_j, b_f), fma(g, f_j, g_f), fma(b, e_j, b_e)
        real, imag, e_i, f_i = sub(g_e, b_f), add(g_f, b_e), load(e, i * W), load(f, i * W)
        left_p = fnma(f_i, imag, fnma(e_i, real, load(p, i * W)))
        left_q = fma(e_i, imag, fnma(f_i, real, load(q, i * W)))
        if share[i] != 0.0:
            left_p = fma(load_spread(share, i), load(residual, np.int64(reference[i]) * W), left_p)
        if control[i] >= 0:
            left_q = mul(left_q, sub(one, load(holds, i * W)))
        store(r, i * W2, left_p)
        store(r, i * W2 + W, left_q)
        worst = max_abs(max_abs(worst, left_p), left_q)
    store(block.worst, 0, worst)


@inlined
def fill_row(pattern: Pattern, control: Ints, block: Block, i: int) -> None:
    """Put the Jacobian blocks of row i into the working row (see ``kernels.fill_row``), in single precision."""
    e, f, row = block.e, block.f, block.row
    y_col, y_slot, y_g, y_b, is_reference = (
        pattern.y_col, pattern.y_slot, pattern.y_g, pattern.y_b, pattern.is_reference
    )  # fmt: skip
    lower = np.int64(pattern.l_ptr[i + 1]) - np.int64(pattern.l_ptr[i])
    width = lower + 1 + np.int64(pattern.u_ptr[i + 1]) - np.int64(pattern.u_ptr[i])
    zero, one = spread32(0.0), spread32(1.0)
    for k in range(4 * width):
        store(row, k * W, zero)
    e_i, f_i, diagonal = to32(load(e, i * W)), to32(load(f, i * W)), lower * W4
    p_sum, q_sum = zero, zero
    free = sub(one, to32(load(block.holds, i * W))) if control[i] >= 0 else one
    for k in range(pattern.y_ptr[i], pattern.y_ptr[i + 1]):
        j, at = np.int64(y_col[k]), np.int64(y_slot[k]) * W4
        e_j, f_j = to32(load(e, j * W)), to32(load(f, j * W))
        g, b = spread32(y_g[k]), spread32(y_b[k])
        real, imag = fnma(b, f_j, mul(g, e_j)), fma(b, e_j, mul(g, f_j))
        p, q = fma(e_i, real, mul(f_i, imag)), fnma(e_i, imag, mul(f_i, real))
        p_sum, q_sum = add(p_sum, p), add(q_sum, q)
        if is_reference[j] == 0:
            store(row, at, q)
            store(row, at + W2, mul(free, sub(zero, p)))
        store(row, at + W, p)
        store(row, at + W3, mul(free, q))
    finish_diagonal(pattern, block, i, diagonal, (p_sum, q_sum, free))


@inlined
def finish_diagonal(pattern: Pattern, block: Block, i: int, diagonal: Any, sums: Any) -> None:
    """Add the bus's own power to its diagonal block and put the slack share where it belongs."""
    row, (p_sum, q_sum, free) = block.row, sums
    if pattern.is_reference[i] == 0:
        store(row, diagonal, sub(load(row, diagonal), q_sum))
        store(row, diagonal + W2, fma(free, p_sum, load(row, diagonal + W2)))
    store(row, diagonal + W, add(load(row, diagonal + W), p_sum))
    own = fma(free, q_sum, load(row, diagonal + W3))
    store(row, diagonal + W3, add(own, sub(spread32(1.0), free)))
    if pattern.share[i] != 0.0:
        at = diagonal if pattern.is_reference[i] == 1 else np.int64(pattern.share_slot[i]) * W4
        store(row, at, sub(load(row, at), spread32(pattern.share[i])))


@kernel
def factor_forward(pattern: Pattern, control: Ints, block: Block) -> None:
    """Make and eliminate the Jacobian row by row, carrying the right-hand side along (the walk of ``kernels``)."""
    row, upper, pivot, x, r = block.row, block.upper, block.pivot, block.x, block.r
    l_ptr, l_col, u_ptr, program = pattern.l_ptr, pattern.l_col, pattern.u_ptr, pattern.program
    step = 0
    for i in range(len(control)):
        fill_row(pattern, control, block, i)
        x0, x1 = to32(load(r, i * W2)), to32(load(r, i * W2 + W))
        first, last = np.int64(l_ptr[i]), np.int64(l_ptr[i + 1])
        for k in range(first, last):
            c, at = np.int64(l_col[k]), (k - first) * W4
            a, b, c_, d = load(row, at), load(row, at + W), load(row, at + W2), load(row, at + W3)
            o = c * W4
            i00, i01, i10, i11 = load(pivot, o), load(pivot, o + W), load(pivot, o + W2), load(pivot, o + W3)
            l00, l01 = fma(b, i10, mul(a, i00)), fma(b, i11, mul(a, i01))
            l10, l11 = fma(d, i10, mul(c_, i00)), fma(d, i11, mul(c_, i01))
            y0, y1 = load(x, c * W2), load(x, c * W2 + W)
            x0, x1 = fnma(l01, y1, fnma(l00, y0, x0)), fnma(l11, y1, fnma(l10, y0, x1))
            for m in range(np.int64(u_ptr[c]), np.int64(u_ptr[c + 1])):
                to, u = np.int64(program[step]) * W4, m * W4
                step += 1
                u00, u01, u10, u11 = load(upper, u), load(upper, u + W), load(upper, u + W2), load(upper, u + W3)
                store(row, to, fnma(l01, u10, fnma(l00, u00, load(row, to))))
                store(row, to + W, fnma(l01, u11, fnma(l00, u01, load(row, to + W))))
                store(row, to + W2, fnma(l11, u10, fnma(l10, u00, load(row, to + W2))))
                store(row, to + W3, fnma(l11, u11, fnma(l10, u01, load(row, to + W3))))
        store(x, i * W2, x0)
        store(x, i * W2 + W, x1)
        store_row(pattern, block, i)


@inlined
def store_row(pattern: Pattern, block: Block, i: int) -> None:
    """Keep the finished row: inverse of its pivot block and its U blocks."""
    row, upper, pivot = block.row, block.upper, block.pivot
    at = (np.int64(pattern.l_ptr[i + 1]) - np.int64(pattern.l_ptr[i])) * W4
    a, b, c, d = load(row, at), load(row, at + W), load(row, at + W2), load(row, at + W3)
    inverse, zero = div(spread32(1.0), fnma(b, c, mul(a, d))), spread32(0.0)
    store(pivot, i * W4, mul(d, inverse))
    store(pivot, i * W4 + W, sub(zero, mul(b, inverse)))
    store(pivot, i * W4 + W2, sub(zero, mul(c, inverse)))
    store(pivot, i * W4 + W3, mul(a, inverse))
    start, count = np.int64(pattern.u_ptr[i]) * W4, np.int64(pattern.u_ptr[i + 1]) - np.int64(pattern.u_ptr[i])
    for k in range(4 * count):
        store(upper, start + k * W, load(row, at + W4 + k * W))


@kernel
def backward_correct(pattern: Pattern, control: Ints, block: Block) -> None:
    """Solve backward and correct every voltage on the way (nothing later in the walk needs the old one)."""
    x, upper, pivot = block.x, block.upper, block.pivot
    u_ptr, u_col, rows = pattern.u_ptr, pattern.u_col, len(control)
    live = load(block.live, 0)
    for back in range(rows):
        i = rows - 1 - back
        a, b = load(x, i * W2), load(x, i * W2 + W)
        for k in range(np.int64(u_ptr[i]), np.int64(u_ptr[i + 1])):
            c, u = np.int64(u_col[k]) * W2, k * W4
            y0, y1 = load(x, c), load(x, c + W)
            a = fnma(load(upper, u + W), y1, fnma(load(upper, u), y0, a))
            b = fnma(load(upper, u + W3), y1, fnma(load(upper, u + W2), y0, b))
        o = i * W4
        turn = fma(load(pivot, o + W), b, mul(load(pivot, o), a))
        stretch = fma(load(pivot, o + W3), b, mul(load(pivot, o + W2), a))
        store(x, i * W2, turn)
        store(x, i * W2 + W, stretch)
        correct(pattern, control, block, i, (mul(live, to64(turn)), mul(live, to64(stretch)), live))


@inlined
def correct(pattern: Pattern, control: Ints, block: Block, i: int, change: Any) -> None:
    """Multiply V_i by 1 + z + z²/2; scale a held bus back to its set point; move the residual.

    The scale is one Newton step for 1/√(v²/v_set²), exact to rounding so near to one.
    """
    turn, stretch, live = change
    e, f = block.e, block.f
    if pattern.is_reference[i] == 1:
        store(block.residual, i * W, add(load(block.residual, i * W), turn))
        turn = spread64(0.0)
    half, one = spread64(0.5), spread64(1.0)
    real = fma(half, fnma(turn, turn, mul(stretch, stretch)), add(one, stretch))
    imag = fma(stretch, turn, turn)
    e_i, f_i = load(e, i * W), load(f, i * W)
    e_n, f_n = fnma(f_i, imag, mul(e_i, real)), fma(f_i, real, mul(e_i, imag))
    if control[i] >= 0:
        v_set = load(block.v_set, i * W)
        ratio = div(fma(e_n, e_n, mul(f_n, f_n)), mul(v_set, v_set))
        off = mul(mul(live, load(block.holds, i * W)), mul(half, sub(one, ratio)))
        e_n, f_n = fma(e_n, off, e_n), fma(f_n, off, f_n)
    store(e, i * W, e_n)
    store(f, i * W, f_n)


@kernel
def switch_lane(pattern: Pattern, control_rows: Ints, block: Block, w: int, slack: float) -> int:
    """Switch the controls of one lane as ``kernels.switch_limits`` does; return how many changed."""
    switched = 0
    for i in control_rows:
        k = i * W + w
        kind = block.kind[k]
        if kind == HOLDING:
            made = generated(pattern, block, i, w)
            if made > block.q_max[k] + slack or made < block.q_min[k] - slack:
                at_max = made > block.q_max[k]
                block.kind[k], block.holds[k] = AT_MAX if at_max else AT_MIN, 0.0
                block.q[k] += block.q_max[k] if at_max else block.q_min[k]
                switched += 1
        elif kind != OFF:
            v = np.sqrt(block.e[k] * block.e[k] + block.f[k] * block.f[k])
            if (kind == AT_MAX and v > block.v_set[k] + slack) or (kind == AT_MIN and v < block.v_set[k] - slack):
                block.q[k] -= block.q_max[k] if kind == AT_MAX else block.q_min[k]
                block.kind[k], block.holds[k] = HOLDING, 1.0
                block.e[k] *= block.v_set[k] / v
                block.f[k] *= block.v_set[k] / v
                switched += 1
    return switched


@kernel
def generated(pattern: Pattern, block: Block, i: int, w: int) -> float:
    """Reactive power that the control at row i adds to its schedule in lane w, while it holds its voltage (pu)."""
    e, f = block.e, block.f
    real, imag = 0.0, 0.0
    for k in range(pattern.y_ptr[i], pattern.y_ptr[i + 1]):
        j = np.int64(pattern.y_col[k]) * W + w
        real += pattern.y_g[k] * e[j] - pattern.y_b[k] * f[j]
        imag += pattern.y_g[k] * f[j] + pattern.y_b[k] * e[j]
    made: float = f[i * W + w] * real - e[i * W + w] * imag - block.q[i * W + w]
    return made


@kernel
def settle(pattern: Pattern, control_rows: Ints, block: Block, rules: Rules) -> bool:
    """Take lanes that have arrived or blown up out of ``live``; say whether any lane's limits switched."""
    any_switched = False
    for w in range(W):
        worst, switched = block.worst[w], 0
        if block.live[w] == 0.0:
            continue
        if not worst < BLOWN_UP:
            block.live[w] = 0.0
        elif rules.limits and worst < NEAR:
            switched = switch_lane(pattern, control_rows, block, w, 10 * max(rules.tolerance, worst))
            any_switched = any_switched or switched > 0
        if switched == 0 and worst <= rules.tolerance:
            block.live[w] = 0.0
    return any_switched


@kernel
def newton_block(
    pattern: Pattern, control: Ints, control_rows: Ints, block: Block, rules: Rules, its: Ints
) -> None:
    """Iterate until every lane has arrived or blown up; ``its`` counts the corrections of each lane.

    A lane has arrived when it is not live and its ``worst`` mismatch is within the tolerance.
    """
    for w in range(W):
        block.live[w], its[w] = 1.0, 0
    for _ in range(rules.max_iterations):
        residuals(pattern, control, block)
        if settle(pattern, control_rows, block, rules):
            residuals(pattern, control, block)
        if largest(load(block.live, 0)) == 0.0:
            return
        for w in range(W):
            its[w] += block.live[w] == 1.0
        factor_forward(pattern, control, block)
        backward_correct(pattern, control, block)
    residuals(pattern, control, block)


@kernel
def write_block(
    pattern: Pattern, given: Given, block: Block, hours: Ints, its: Ints, found: Found, rules: Rules
) -> None:
    """Scatter the lanes that have arrived; the others are marked for the careful kernel."""
    machines = len(found.control_mvar) > 0
    for w in range(W):
        h = hours[w]
        arrived = block.live[w] == 0.0 and block.worst[w] <= rules.tolerance
        found.how[h] = DIRECT if arrived else LOST
        found.iterations[h], found.mismatch_pu[h], found.reached[h] = its[w], block.worst[w], 1.0
        if not arrived:
            continue
        for i in range(len(pattern.bus)):
            found.v_pu[h, pattern.bus[i]] = complex(block.e[i * W + w], block.f[i * W + w])
            if machines and given.slack[i] >= 0:
                shared = pattern.share[i] * block.residual[np.int64(pattern.reference[i]) * W + w]
                found.slack_mw[h, given.slack[i]] = shared * given.sn_mva
            if machines and given.control[i] >= 0:
                found.control_mvar[h, given.control[i]] = made_by(pattern, block, i, w) * given.sn_mva


@kernel
def made_by(pattern: Pattern, block: Block, i: int, w: int) -> float:
    """Reactive power that the control at row i adds to its schedule in lane w (pu)."""
    kind, k = block.kind[i * W + w], i * W + w
    made: float = block.q_max[k] if kind == AT_MAX else block.q_min[k]
    return made if kind in (AT_MAX, AT_MIN, OFF) else generated(pattern, block, i, w)


@entry
def solve_lanes(
    pattern: Pattern,
    given: Given,
    control_rows: Ints,
    start: Start,
    rules: Rules,
    chosen: Ints,
    block: Block,
    found: Found,
) -> None:
    """Solve the ``chosen`` hours block by block; the last block repeats its last hour to fill its lanes."""
    hours, its = np.zeros(W, np.int64), np.zeros(W, np.int64)
    for first in range(0, len(chosen), W):
        for w in range(W):
            hours[w] = chosen[min(first + w, len(chosen) - 1)]
        read_block(pattern.bus, given, start, hours, rules.limits, block)
        newton_block(pattern, given.control, control_rows, block, rules, its)
        write_block(pattern, given, block, hours, its, found, rules)
