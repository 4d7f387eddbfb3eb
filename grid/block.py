"""One block of ``LANES`` hours: what it holds, and how a schedule gets into it and voltages out of it.

Everything is [rows × LANES], flat: the value of row i in lane w lies at ``i · LANES + w``. Rows are buses in the
order of elimination, or controls in the order of the model. ``grid.chord`` solves what lies here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grid.kernels import AT_MAX, AT_MIN, Pattern, allocating, kernel
from grid.kernels_year import BAD_P, BAD_Q, IN_TRANSIT, STRANDED, Found, Given
from grid.simd import (
    LANES,
    add,
    aligned,
    choose,
    div,
    fma,
    fnma,
    index,
    load,
    load_spread,
    max_abs,
    mul,
    spread64,
    store,
    sub,
)
from grid.tiles import bring, send
from grid.transit import Transit

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Index = npt.NDArray[np.uint32]

W = LANES
MOST_SWAPPED = 24
"""Swapped controls that an hour may have; the cost of each grows with their number."""
UNBOUNDED = 1e30
"""Stands for an infinite reactive range, so that 0 · range is 0."""


class Entries(NamedTuple):
    """What is not 0 in the rows of a matrix: pointers of the rows, where the column begins in ``x``, the value."""

    ptr: Index
    x: Index
    value: Singles


class Base(NamedTuple):
    """The base point and its factor, in the order of elimination.

    ``by_size`` is 1 / |V|, ``p`` and ``q`` are the powers injected there, ``kind`` is the type of each control.
    ``l_*`` and ``u_*`` list, row by row, the columns of the factor: where the column's values begin in ``x``,
    and its negated coefficients in the row's equations for angle and for ln V (the second unused where the row
    is single). ``pivot`` holds four numbers per row. ``bend`` [controls × controls], ``press`` and ``sense``
    are explained in ``kernels_base``.
    """

    e: Floats
    f: Floats
    by_size: Floats
    p: Floats
    q: Floats
    kind: Ints
    double: npt.NDArray[np.uint8]
    l_ptr: Index
    l_x: Index
    l_turn: Singles
    l_stretch: Singles
    u_ptr: Index
    u_x: Index
    u_turn: Singles
    u_stretch: Singles
    pivot: Singles
    bend: Floats
    press: Entries
    sense: Entries


class Ready(NamedTuple):
    """Base points that have been worked out, side by side; the place of each point among them [LANES], −1: none."""

    bases: Base
    place: Ints


@allocating  # the arrays of the record are new ones to numba: it must count them
def at_point(bases: Base, k: int) -> Base:
    """One of several base points of a grid, which share pattern and types of rows (``grid.base.side_by_side``)."""
    return Base(
        bases.e[k],
        bases.f[k],
        bases.by_size[k],
        bases.p[k],
        bases.q[k],
        bases.kind[k],
        bases.double,
        bases.l_ptr,
        bases.l_x,
        bases.l_turn[k],
        bases.l_stretch[k],
        bases.u_ptr,
        bases.u_x,
        bases.u_turn[k],
        bases.u_stretch[k],
        bases.pivot[k],
        bases.bend[k],
        Entries(bases.press.ptr[k], bases.press.x, bases.press.value),
        Entries(bases.sense.ptr[k], bases.sense.x, bases.sense.value),
    )


class Places(NamedTuple):
    """Where the caller's columns sit in a block: flat positions of bus power, of bus e and f, of controls.

    The power of a bus that is not supplied has a row of its own behind all others, its voltage one with all of
    them. ``slack_rows`` and ``control_rows`` are the rows of elimination of slacks and controls (−1: not
    supplied); ``transit`` is how the voltages of eliminated buses, whose rows come after the others, follow.
    """

    bus: Ints
    voltage: Ints
    control: Ints
    slack_rows: Ints
    control_rows: Ints
    transit: Transit


class Block(NamedTuple):
    """State and scratch of one block: [rows × LANES], then [controls × LANES], then what lanes have swapped.

    ``v`` holds e and then f; each has a last row for all buses that are not supplied, of which p and q have one
    each. A control ``holds`` its voltage (1.0) or not (0.0); ``side`` is 1.0 where it is held at its largest,
    −1.0 where at its least reactive power, ``fixed`` that power; neither: it is off. ``left`` is what is left
    of its reactive power, ``lack`` what the swapped rows lack, ``bent`` what is put on their right for it.
    ``moved`` marks lanes that have just switched, ``near`` those whose controls are looked at, ``slack`` how
    far these may be off. ``passing`` and ``stranded`` are the largest power where there should be none,
    ``unheeded`` is NaN where reactive power that no equation asks for is not finite, ``wrong`` has the bits.
    ``done`` marks lanes that have arrived, ``shared`` is what they leave to one slack. ``hours`` are those of the
    lanes, ``next_hours`` those of the next block, ``starts`` where their rows begin in the caller's matrices.
    """

    v: Floats
    e: Floats
    f: Floats
    p: Floats
    q: Floats
    residual: Floats
    x: Singles
    worst: Floats
    live: Floats
    moved: Floats
    its: Floats
    v_set: Floats
    inverse_square: Floats
    q_min: Floats
    q_max: Floats
    holds: Floats
    side: Floats
    fixed: Floats
    left: Floats
    lack: Floats
    swapped: Floats
    bent: Floats
    active: npt.NDArray[np.uint8]
    many: Ints
    which: Ints
    inverse: Floats
    near: Floats
    slack: Floats
    wide: Floats
    passing: Floats
    stranded: Floats
    unheeded: Floats
    done: Floats
    shared: Floats
    wrong: npt.NDArray[np.uint8]
    hours: Ints
    next_hours: Ints
    starts: Ints


def new_block(rows: int, buses: int, controls: int) -> Block:
    """Return scratch for one thread: ``rows`` are solved for or recovered, all ``buses`` can have power."""
    size, many, square = (rows + 1) * W, controls * W, MOST_SWAPPED * MOST_SWAPPED
    sizes = {"v": 2 * size, "p": buses * W, "q": buses * W, "residual": size}
    sizes |= dict.fromkeys(("v_set", "inverse_square", "q_min", "q_max", "holds", "side", "fixed", "left"), many)
    sizes |= dict.fromkeys(("lack", "swapped", "bent"), many)
    sizes |= dict.fromkeys(("worst", "live", "moved", "its", "near", "slack", "wide"), W)
    sizes |= dict.fromkeys(("passing", "stranded", "unheeded", "done", "shared"), W)
    room, begin = aligned(sum(sizes.values())), np.cumsum([0, *sizes.values()]).tolist()
    arrays = {name: room[first : first + sizes[name]] for name, first in zip(sizes, begin, strict=False)}
    return Block(
        **arrays,
        e=arrays["v"][:size],
        f=arrays["v"][size:],
        x=aligned(2 * size, np.float32),
        active=np.zeros(controls, np.uint8),
        many=np.zeros(W, np.int64),
        which=np.zeros(W * MOST_SWAPPED, np.int64),
        inverse=np.zeros(W * square),
        wrong=np.zeros(W, np.uint8),
        hours=np.zeros(W, np.int64),
        next_hours=np.zeros(W, np.int64),
        starts=np.zeros(W, np.int64),
    )


@kernel
def begin_block(given: Given, places: Places, limits: bool, block: Block) -> None:
    """Make scratch ready, whatever was solved in it before, and read what holds for all hours.

    The voltage of buses that are not supplied is NaN and stays so. Without limits all controls hold.
    """
    block.v.fill(np.nan)
    block.x.fill(0.0)
    for values in (block.side, block.fixed, block.swapped, block.bent, block.lack):
        values.fill(0.0)
    for values in (block.v_set, block.inverse_square, block.holds):
        values.fill(1.0)
    block.left.fill(np.nan)
    block.hours.fill(0)
    read_controls(True, given, places, limits, block)


@kernel
def read_block(base: Base, given: Given, places: Places, limits: bool, block: Block) -> None:
    """Read the schedule of the block's hours (LANES of them), and put every lane at the base point."""
    per_unit, hours, starts = 1.0 / given.sn_mva, block.hours, block.starts
    for w in range(W):
        starts[w] = hours[w] * len(places.bus)
    bring(given.p_mw, starts, per_unit, places.bus, block.p)
    bring(given.q_mvar, starts, per_unit, places.bus, block.q)
    judge_block(len(given.control), places, block)
    for i in range(len(given.control)):
        store(block.e, i * W, load_spread(base.e, i))
        store(block.f, i * W, load_spread(base.f, i))
    for i in places.slack_rows:
        store(block.residual, i * W, spread64(0.0))
    read_controls(False, given, places, limits, block)
    store(block.live, 0, spread64(1.0))
    for c in range(len(places.control_rows)):
        block.active[c] = 0
        if places.control_rows[c] >= 0:
            begin_control(base, block, places.control_rows[c], c, limits)
    for w in range(W):
        if block.wrong[w] != 0:
            block.live[w] = 0.0


@kernel
def judge_block(solved: int, places: Places, block: Block) -> None:
    """Find lanes with power that no equation would notice: ``wrong`` has the bits.

    Where nothing is solved for; and what is not finite where a voltage is held, as that reactive power is free.
    """
    zero, transit, rows = spread64(0.0), len(places.transit.bus), len(block.p) // W
    passing, stranded, unheeded = zero, zero, zero
    for i in range(solved, solved + transit):
        passing = max_abs(max_abs(passing, load(block.p, i * W)), load(block.q, i * W))
    for i in range(solved + transit, rows):
        stranded = max_abs(max_abs(stranded, load(block.p, i * W)), load(block.q, i * W))
    for i in places.control_rows:
        if i >= 0:
            unheeded = fma(load(block.q, i * W), zero, unheeded)
    store(block.passing, 0, passing)
    store(block.stranded, 0, stranded)
    store(block.unheeded, 0, unheeded)
    for w in range(W):
        misplaced = IN_TRANSIT * (block.passing[w] != 0.0) | STRANDED * (block.stranded[w] != 0.0)
        block.wrong[w] = misplaced | BAD_Q * (block.unheeded[w] != 0.0)


@kernel
def not_finite(block: Block, w: int) -> int:
    """Return the bits of what is no finite number in a lane that did not arrive."""
    bad = 0
    for k in range(w, len(block.p), W):
        bad |= BAD_P * (block.p[k] * 0.0 != 0.0) | BAD_Q * (block.q[k] * 0.0 != 0.0)
    return bad


@kernel
def read_controls(always: bool, given: Given, places: Places, limits: bool, block: Block) -> None:
    """Read the set points and ranges of controls: those that hold for all hours (one row), or the others."""
    per_unit = 1.0 / given.sn_mva
    if always == (len(given.v_set) == 1):
        read_rows(given.v_set, 1.0, places, block, block.v_set)
        for c in range(len(places.control)):
            v_set = load(block.v_set, c * W)
            store(block.inverse_square, c * W, div(spread64(1.0), mul(v_set, v_set)))
    if limits and always == (len(given.q_min) == 1):
        read_rows(given.q_min, per_unit, places, block, block.q_min)
    if limits and always == (len(given.q_max) == 1):
        read_rows(given.q_max, per_unit, places, block, block.q_max)


@kernel
def read_rows(values: Floats, factor: float, places: Places, block: Block, target: Floats) -> None:
    """Read the hours' rows of a matrix [hours or 1 × controls]."""
    for w in range(W):
        block.starts[w] = min(block.hours[w], len(values) - 1) * len(places.control)
    bring(values, block.starts, factor, places.control, target)


@kernel
def begin_control(base: Base, block: Block, i: int, c: int, limits: bool) -> None:
    """Give the control the base point's type, or none where it has no range, and put it at its set point."""
    at, zero, one = c * W, spread64(0.0), spread64(1.0)
    if limits:
        begin_limits(base, block, i, c)
    v_set, holds = load(block.v_set, at), load(block.holds, at)
    scale = choose(holds, zero, mul(load_spread(base.by_size, i), v_set), one)
    store(block.e, i * W, mul(load(block.e, i * W), scale))
    store(block.f, i * W, mul(load(block.f, i * W), scale))


@kernel
def begin_limits(base: Base, block: Block, i: int, c: int) -> None:
    """Set the type of a control in all lanes; a control that is off at the base point begins by holding."""
    at, zero, one, most, kind = c * W, spread64(0.0), spread64(1.0), spread64(UNBOUNDED), base.kind[c]
    low, high, least = load(block.q_min, at), load(block.q_max, at), sub(zero, most)
    low, high = choose(low, least, low, least), choose(most, high, high, most)
    on = choose(high, low, one, zero)
    at_limit = high if kind == AT_MAX else low if kind == AT_MIN else zero
    holds = zero if kind in (AT_MAX, AT_MIN) else on
    fixed = choose(on, zero, at_limit, low)
    store(block.q_min, at, low)
    store(block.q_max, at, high)
    store(block.holds, at, holds)
    store(block.side, at, on if kind == AT_MAX else sub(zero, on) if kind == AT_MIN else zero)
    store(block.fixed, at, fixed)
    store(block.q, i * W, add(load(block.q, i * W), fixed))


@kernel
def recover(transit: Transit, solved: int, block: Block) -> None:
    """Work out the voltages of eliminated buses from those that were solved for."""
    e, f = block.e, block.f
    for k in range(len(transit.bus)):
        g_e, b_f, g_f, b_e = spread64(0.0), spread64(0.0), spread64(0.0), spread64(0.0)
        for term in range(index(transit.ptr, k), index(transit.ptr, k + 1)):
            j = index(transit.row, term) * W
            e_j, f_j, g, b = load(e, j), load(f, j), load_spread(transit.g, term), load_spread(transit.b, term)
            g_e, b_f, g_f, b_e = fma(g, e_j, g_e), fma(b, f_j, b_f), fma(g, f_j, g_f), fma(b, e_j, b_e)
        store(e, (solved + k) * W, sub(g_e, b_f))
        store(f, (solved + k) * W, add(g_f, b_e))


@kernel
def write_block(pattern: Pattern, given: Given, places: Places, block: Block, found: Found) -> None:
    """Write what is asked for; NaN in lanes that did not arrive (which are not ``done``)."""
    hours, starts = block.hours, block.starts
    for w in range(W):
        starts[w] = 2 * hours[w] * len(places.bus)
        if block.done[w] == 0.0:
            blank_lane(block, len(given.control), w)
    recover(places.transit, len(given.control), block)
    send(block.v, places.voltage, found.v_parts, starts)
    if len(found.control_mvar) > 0:
        write_machines(pattern, given, places, block, found)


@kernel
def write_machines(pattern: Pattern, given: Given, places: Places, block: Block, found: Found) -> None:
    """Write slack shares and reactive power."""
    hours, starts, base, slacks = block.hours, block.starts, spread64(given.sn_mva), found.slack_mw.reshape(-1)
    for i in places.slack_rows:
        residual = load(block.residual, index(pattern.reference, i) * W)
        store(block.shared, 0, mul(mul(load_spread(pattern.share, i), residual), base))
        for w in range(W):
            slacks[hours[w] * found.slack_mw.shape[1] + given.slack[i]] = block.shared[w]
    for c in range(len(places.control)):
        made = fnma(load(block.holds, c * W), load(block.left, c * W), load(block.fixed, c * W))
        store(block.left, c * W, mul(made, base))
    for w in range(W):
        starts[w] = hours[w] * len(places.control)
    send(block.left, places.control, found.control_mvar, starts)


@kernel
def blank_lane(block: Block, rows: int, w: int) -> None:
    """Leave no voltage in a lane."""
    for i in range(rows):
        block.e[i * W + w] = np.nan
        block.f[i * W + w] = np.nan
