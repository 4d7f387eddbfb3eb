"""The fastest kernel: ``LANES`` hours side by side, all corrected with the one factor of the base point.

Newton's method with a Jacobian that is not renewed ("chord", "dishonest" or "very dishonest" Newton; Kelley 1995,
ch. 5.4). Mismatches are exact, in double precision and without any trigonometry, so that the answer is exact; only
the step is approximate, and the largest mismatch of an hour is told to six digits. It costs no factorisation, and
the factor is the same for all lanes: each of its numbers is read once and used for ``LANES`` hours. Convergence is
linear: the nearer an hour is to the base point, the faster.

Walk for one block:

1. ``read_block``: schedule, set points and ranges in; every lane at the base point.
2. ``mismatch_forward``: mismatch of one bus after the other, each at once eliminated forward with L.
3. ``bend_swapped``: a control whose type differs from the base point's is *swapped*; the right-hand side of its row
   is bent before back substitution so that its own equation is met (``grid.swapped``).
4. ``backward_correct``: back substitution with U; each voltage is corrected on the way; mismatches as in 2.
5. ``settle``: controls that left their range are held, those that need not be held are released (rules of
   ``kernels.switch_limits``); hours within the tolerance of which nothing switched are done and move no more. The
   others go back to 3.
6. ``write_block``: voltages, slack shares and reactive power out; lanes that did not arrive are marked LOST.

Rows of controls that never change type are *single*: ln V is known and only the angle is solved for. ``live`` is
1.0 in lanes that still move, 0.0 in the others, as in ``grid.lanes``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from grid.block import Base, Block, Places, Ready, at_point, begin_block, not_finite, read_block, write_block
from grid.kernels import HOLDING, Pattern, Rules, entry, inlined, kernel
from grid.kernels_sift import SIFTED, SOLVED, SOLVING, Sifting, portioned, sift
from grid.kernels_year import DIRECT, LOST, Found, Given
from grid.simd import (
    LANES,
    add,
    any_above,
    any_beyond,
    choose,
    count_up,
    fma,
    fnma,
    hasten_read,
    hasten_write,
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
from grid.swapped import begin_swapped, bend_swapped, measure_swapped, switch_controls

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

W, W2 = LANES, 2 * LANES
SHORT_ROW = 256
"""Buses of a grid whose rows are fetched beforehand; longer rows the processor foresees, and they would not fit."""
FAR, STRETCHED = 1e-3, 1e-5
"""A held voltage that is turned (rad) or stretched (relative) by no more stays on its set point: |1 + z + z²/2| is
off by an eighth of the fourth power of the turn and a sixth of the third of the stretch, which is rounding."""
HASTENED = 3
"""Lanes whose rows are fetched at a time, twice in every step."""
PACE = 6.0
"""An hour is given up that would have to shrink its mismatch more than so many times in every step that is left."""


@inlined
def current(pattern: Pattern, block: Block, i: int) -> Any:
    """Return the current injected at row i (pu): its real part with the sign turned, and its imaginary part."""
    e, f, y_col, y_g, y_b = block.e, block.f, pattern.y_col, pattern.y_g, pattern.y_b
    minus_real, imag = spread64(0.0), spread64(0.0)
    for k in range(index(pattern.y_ptr, i), index(pattern.y_ptr, i + 1)):
        j = index(y_col, k) * W
        e_j, f_j, g, b = load(e, j), load(f, j), load_spread(y_g, k), load_spread(y_b, k)
        minus_real, imag = fma(b, f_j, fnma(g, e_j, minus_real)), fma(b, e_j, fma(g, f_j, imag))
    return minus_real, imag


@inlined
def left_active(pattern: Pattern, block: Block, i: int, minus_real: Any, imag: Any) -> Any:
    """Scheduled minus computed active power of row i (pu)."""
    left = fma(load(block.e, i * W), minus_real, load(block.p, i * W))
    left = fnma(load(block.f, i * W), imag, left)
    if pattern.share[i] != 0.0:
        left = fma(load_spread(pattern.share, i), load(block.residual, index(pattern.reference, i) * W), left)
    return left


@inlined
def left_reactive(block: Block, i: int, minus_real: Any, imag: Any) -> Any:
    """Scheduled minus computed reactive power of row i (pu)."""
    left = fma(load(block.f, i * W), minus_real, load(block.q, i * W))
    return fma(load(block.e, i * W), imag, left)


@kernel
def mismatch_forward(pattern: Pattern, base: Base, control: Ints, block: Block, first: bool) -> None:
    """Compute every mismatch, keep the largest of each lane in ``worst``, and eliminate forward into ``x``.

    The ``first`` time all lanes are at the base point, whose powers are known (but for other set points). What is
    left of reactive power does not matter in single rows, where voltage is held whatever that takes.
    """
    x, worst = block.x, spread32(0.0)
    for i in range(len(control)):
        if first:
            minus_real, imag = spread64(0.0), spread64(0.0)
            a = to32(sub(load(block.p, i * W), load_spread(base.p, i)))
        else:
            minus_real, imag = current(pattern, block, i)
            a = to32(left_active(pattern, block, i, minus_real, imag))
        worst = max_abs(worst, a)
        if base.double[i] == 1:
            if first:
                left_q = sub(load(block.q, i * W), load_spread(base.q, i))
            else:
                left_q = left_reactive(block, i, minus_real, imag)
            b, worst = right_side(base, block, index(control, i), left_q, worst)
            for k in range(index(base.l_ptr, i), index(base.l_ptr, i + 1)):
                y = load(x, index(base.l_x, k))
                a, b = fma(load_spread(base.l_turn, k), y, a), fma(load_spread(base.l_stretch, k), y, b)
            store(x, i * W2 + W, b)
        else:
            for k in range(index(base.l_ptr, i), index(base.l_ptr, i + 1)):
                a = fma(load_spread(base.l_turn, k), load(x, index(base.l_x, k)), a)
        store(x, i * W2, a)
    store(block.worst, 0, to64(worst))


@inlined
def right_side(base: Base, block: Block, c: int, left_q: Any, worst: Any) -> Any:
    """Return the right-hand side of a second row, and ``worst`` with it; where voltage is held it is 0.

    Its control c (−1: none) may do so at the base point, or in some of the hours.
    """
    b, one = to32(left_q), spread64(1.0)
    if c >= 0:
        store(block.left, c * W, left_q)
    if c >= 0 and (block.active[c] == 1 or base.kind[c] == HOLDING):
        if block.active[c] == 1:
            worst = max_abs(worst, mul(to32(sub(one, load(block.holds, c * W))), b))
        own = spread64(0.0) if base.kind[c] == HOLDING else sub(one, load(block.swapped, c * W))
        return mul(to32(own), b), worst
    return b, max_abs(worst, b)


@kernel
def left_at_held(pattern: Pattern, base: Base, control: Ints, block: Block) -> None:
    """Find what is left of reactive power where rows are single."""
    for i in range(len(control)):
        if base.double[i] == 0:
            minus_real, imag = current(pattern, block, i)
            store(block.left, index(control, i) * W, left_reactive(block, i, minus_real, imag))


@kernel
def backward_correct(pattern: Pattern, base: Base, control: Ints, block: Block) -> None:
    """Substitute backward and correct every voltage on the way (nothing later in the walk needs the old one)."""
    x, live, rows = block.x, to32(load(block.live, 0)), len(control)
    for back in range(rows):
        i = rows - 1 - back
        a, o = load(x, i * W2), 4 * i
        if base.double[i] == 1:
            b = load(x, i * W2 + W)
            for k in range(index(base.u_ptr, i), index(base.u_ptr, i + 1)):
                y = load(x, index(base.u_x, k))
                a, b = fma(load_spread(base.u_turn, k), y, a), fma(load_spread(base.u_stretch, k), y, b)
            turn = fma(load_spread(base.pivot, o + 1), b, mul(load_spread(base.pivot, o), a))
            stretch = fma(load_spread(base.pivot, o + 3), b, mul(load_spread(base.pivot, o + 2), a))
            store(x, i * W2, turn)
            store(x, i * W2 + W, stretch)
            turn = angle_of(pattern, block, i, mul(live, turn))
            correct(base, control, block, i, turn, mul(live, stretch))
        else:
            for k in range(index(base.u_ptr, i), index(base.u_ptr, i + 1)):
                a = fma(load_spread(base.u_turn, k), load(x, index(base.u_x, k)), a)
            turn = mul(load_spread(base.pivot, o), a)
            store(x, i * W2, turn)
            turn_held(control, block, i, angle_of(pattern, block, i, mul(live, turn)))


@inlined
def angle_of(pattern: Pattern, block: Block, i: int, turn: Any) -> Any:
    """Return the turn of a bus; that of a reference is 0: there the unknown is residual power, which is entered."""
    if pattern.is_reference[i] == 1:
        store(block.residual, i * W, add(load(block.residual, i * W), to64(turn)))
        return spread32(0.0)
    return turn


@inlined
def correct(base: Base, control: Ints, block: Block, i: int, turn: Any, stretch: Any) -> None:
    """Multiply V_i by 1 + z + z²/2, z = stretch + j·turn, and keep a bus that is held on its set point.

    Controls that hold their voltage only in this hour, not at the base point, get there by their bent right-hand
    side instead.
    """
    real = fma(spread32(0.5), fnma(turn, turn, mul(stretch, stretch)), stretch)
    e_n, f_n = multiplied(block, i, real, fma(stretch, turn, turn))
    c = index(control, i)
    if c >= 0 and base.kind[c] == HOLDING:
        far = max_abs(max_abs(spread32(0.0), turn), mul(spread32(FAR / STRETCHED), stretch))
        if any_beyond(far, spread32(FAR)):
            e_n, f_n = onto_set_point(block, c, far, e_n, f_n)
    store(block.e, i * W, e_n)
    store(block.f, i * W, f_n)


@inlined
def turn_held(control: Ints, block: Block, i: int, turn: Any) -> None:
    """Do as ``correct`` does where ln V is known, so that z = j·turn."""
    e_n, f_n = multiplied(block, i, mul(spread32(-0.5), mul(turn, turn)), turn)
    if any_beyond(turn, spread32(FAR)):
        e_n, f_n = onto_set_point(block, index(control, i), max_abs(spread32(0.0), turn), e_n, f_n)
    store(block.e, i * W, e_n)
    store(block.f, i * W, f_n)


@inlined
def multiplied(block: Block, i: int, real: Any, imag: Any) -> Any:
    """V_i · (1 + real + j·imag)."""
    e, f, more, across = load(block.e, i * W), load(block.f, i * W), to64(real), to64(imag)
    return fnma(f, across, fma(e, more, e)), fma(f, more, fma(e, across, f))


@inlined
def onto_set_point(block: Block, c: int, far: Any, e: Any, f: Any) -> Any:
    """Scale a held voltage to its set point in lanes in which it has just been changed by more than ``FAR``.

    By 1/√(1 − d) = 1 + d/2 + 3d²/8 + …, to its fifth term: a turn of 0.35 is then left with rounding (d = 0.004).
    """
    one, series = spread64(1.0), spread64(63.0 / 256.0)
    moved = mul(choose(to64(far), spread64(FAR), one, spread64(0.0)), load(block.holds, c * W))
    d = fnma(fma(e, e, mul(f, f)), load(block.inverse_square, c * W), one)
    series = fma(series, d, spread64(35.0 / 128.0))
    series = fma(series, d, spread64(5.0 / 16.0))
    series = fma(series, d, spread64(3.0 / 8.0))
    series = fma(series, d, spread64(1.0 / 2.0))
    off = mul(mul(load(block.live, 0), moved), mul(d, series))
    return fma(e, off, e), fma(f, off, f)


@kernel
def settle(rows: Ints, base: Base, block: Block, rules: Rules, most: float) -> None:
    """Switch controls at their limits; take lanes that have arrived or are beyond ``most`` pu out of ``live``."""
    zero, one, worst = spread64(0.0), spread64(1.0), load(block.worst, 0)
    away = choose(worst, spread64(rules.tolerance), one, zero)
    if rules.limits:
        switch_controls(rows, base, block, rules)
        away = choose(load(block.moved, 0), zero, one, away)
    within = choose(spread64(most), worst, away, zero)  # NaN: neither away nor within
    store(block.live, 0, mul(load(block.live, 0), within))


# --- blocks ---


@kernel
def chord_block(
    pattern: Pattern, base: Base, given: Given, rows: Ints, block: Block, rules: Rules, found: Found
) -> None:
    """Iterate until every lane has arrived or been given up; ``its`` counts their corrections."""
    control, lane = given.control, 0
    store(block.its, 0, spread64(0.0))
    if rules.limits:
        begin_swapped(base, block)
    mismatch_forward(pattern, base, control, block, True)
    for left in range(rules.max_iterations - 1, -1, -1):
        store(block.its, 0, add(load(block.its, 0), load(block.live, 0)))
        lane = hasten_rows(given, block, found, lane)
        if rules.limits:
            bend_swapped(base, rows, block)
        backward_correct(pattern, base, control, block)
        lane = hasten_rows(given, block, found, lane)
        mismatch_forward(pattern, base, control, block, False)
        if rules.limits:
            measure_swapped(base, rows, block)
        settle(rows, base, block, rules, rules.tolerance * PACE**left)
        if not any_above(load(block.live, 0), spread64(0.0)):
            return


@kernel
def hasten_rows(given: Given, block: Block, found: Found, lane: int) -> int:
    """Fetch the rows that some lanes will write and those of the next block read, where they are short.

    Return the lane to go on with. A few at a time, as a processor waits for no more than some dozen lines at once.
    """
    buses, last = given.p_mw.shape[1], min(lane + HASTENED, W)
    if buses > SHORT_ROW:
        return lane
    for w in range(lane, last):
        begin = 2 * buses * block.hours[w]
        for k in range(begin, begin + 2 * buses, 8):
            hasten_write(found.v_parts, k)
        begin = buses * block.next_hours[w]
        for k in range(begin, begin + buses, 8):
            hasten_read(given.p_mw, k)
            hasten_read(given.q_mvar, k)
    return last


@kernel
def solve_portion(
    pattern: Pattern,
    base: Base,
    given: Given,
    places: Places,
    rules: Rules,
    chosen: Ints,
    block: Block,
    found: Found,
) -> int:
    """Solve the ``chosen`` hours block by block, and return how many; the last block repeats its last hour."""
    hours, last, solved = block.hours, len(chosen) - 1, 0
    for first in range(0, len(chosen), W):
        for w in range(W):
            hours[w], block.next_hours[w] = chosen[min(first + w, last)], chosen[min(first + W + w, last)]
        read_block(base, given, places, rules.limits, block)
        chord_block(pattern, base, given, places.control_rows, block, rules, found)
        for w in range(W):
            h, right = hours[w], block.wrong[w] == 0
            arrived = right and block.live[w] == 0.0 and block.worst[w] <= rules.tolerance
            if not arrived:
                block.wrong[w] |= not_finite(block, w)
            block.done[w] = 1.0 if arrived else 0.0
            solved += arrived and first + w <= last
            found.wrong[h], found.how[h] = block.wrong[w], DIRECT if arrived else LOST
            found.iterations[h] = int(block.its[w]) if block.wrong[w] == 0 else 0
            found.mismatch_pu[h] = block.worst[w]
        if len(found.control_mvar) > 0:
            left_at_held(pattern, base, given.control, block)
        write_block(pattern, given, places, block, found)
    return solved


@inlined
def portion_of(rows: int) -> int:
    """Hours that a thread solves at a time: some tenths of a millisecond of work, in whole blocks."""
    return W * min(max(256 // max(rows, 1), 1), 8)


@entry
def solve_chord(
    pattern: Pattern,
    ready: Ready,
    given: Given,
    places: Places,
    rules: Rules,
    sifting: Sifting,
    block: Block,
    found: Found,
) -> None:
    """Find the base point of every hour asked for, then solve all hours that have one which is ready.

    All threads do the same and take portion after portion, as long as there are any that no other one has taken.
    They meet once in between, in a loop: to wake a thread takes longer than to sift.
    """
    begin_block(given, places, rules.limits, block)
    sift(given, sifting)
    while count_up(sifting.counts, SIFTED, 0) < len(sifting.asked):
        pass
    tasks = portioned(sifting.sifted, ready.place, portion_of(len(pattern.bus)))
    while True:
        k = count_up(sifting.counts, SOLVING, 1)
        if k >= len(tasks.base):
            return
        chosen, base = tasks.order[tasks.first[k] : tasks.last[k]], at_point(ready.bases, tasks.base[k])
        solved = solve_portion(pattern, base, given, places, rules, chosen, block, found)
        count_up(sifting.counts, SOLVED, solved)
