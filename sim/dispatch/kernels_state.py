"""What the coordination, compiled by numba, works on: supply stacks, wires, stores, hydro, clock.

Resources are numbered through: hydro plants first, then stores. Every resource sees a price and a room on both
sides of what each step has to serve, on its own *line* of the price arrays. Where no wire binds, all resources see
the supply stack, so without a network one line serves them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])

LEAN: Any = {"cache": True, "nogil": True, "_nrt": False}
"""For kernels that allocate nothing: without memory of its own (nrt), numba counts no references.

It would for every array of a tuple whenever the tuple is passed on, which took 9/10 of the time of these functions.
"""


UNWRAPPED: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: _Function) -> _Function:
    """Compile a lean function that only kernels call: without wrappers for Python and C, in half the time."""
    compiled: _Function = njit(**LEAN, **UNWRAPPED)(function)
    return compiled


def entry(function: _Function) -> _Function:
    """Compile a lean function that Python calls."""
    compiled: _Function = njit(**LEAN)(function)
    return compiled


LAYERS = 4
"""Most hops of a chain of moves."""

SMALL = 1e-7
"""Powers (MW) and contents (MWh) below this count as nothing."""

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_Marks = npt.NDArray[np.int8]


class Hour(NamedTuple):
    """The vertex of one step while it is worked on; ``size[0]`` is the number of active rows.

    ``row`` [active], ``position`` [rows] of a row among the active ones (−1: none), ``basic`` [active + 1],
    ``place`` [columns + 3 · rows], inverse of the basis, values of the basic columns, duals, the right side, a
    scratch column, entries of a row of the tableau and reduced costs [columns + 3 · rows], supply used and its
    width [columns].
    """

    size: _Ints
    row: _Ints
    position: _Ints
    basic: _Ints
    place: _Marks
    basis: _Floats
    inverse: _Floats
    value: _Floats
    dual: _Floats
    right: _Floats
    column: _Floats
    entry: _Floats
    reduced: _Floats
    used_mw: _Floats
    width_mw: _Floats


class Wires(NamedTuple):
    """Rows of flow that may bind, and the steps behind them.

    Given: flow per MW that a column of supply [rows, columns] or a resource injects, the latter by what it does: 0
    it takes, 1 it gives [2, rows, resources] (in a row of reserve a storage counts one way only); limits and the
    flow before any of them acts [steps, rows]; what a MWh beyond the limits of a row costs [rows]; columns in the
    order of their price, with their width [steps, columns] and segment of the stack; what is to be served [steps]
    and what resources inject [steps, resources] (both are those of the stack). Load that is moved away cannot go
    unserved as well: the columns from ``lost_first`` on are at most ``lost_most_mw`` [steps, loads] less what the
    resource ``moved`` takes of each load, and less what is shed on call by those from ``called`` up to it.
    Written, of steps that see rows: the vertex (number of active rows, these rows, the basic columns, where every
    column stands [steps, columns + 3 · rows]), and in the end what is used of each column [steps, columns].
    """

    reach: _Floats
    own: _Floats
    low_mw: _Floats
    high_mw: _Floats
    base_mw: _Floats
    row_price: _Floats
    price: _Floats
    width_mw: _Floats
    column_segment: _Ints
    lost_first: int
    lost_most_mw: _Floats
    moved: int
    called: int
    moved_share: _Floats
    net_mw: _Floats
    injected_mw: _Floats
    active: _Ints
    row: _Ints
    basic: _Ints
    place: _Marks
    used_mw: _Floats


class Network(NamedTuple):
    """The wires, and two vertices to work on."""

    wires: Wires
    hour: Hour
    trial: Hour


class Stack(NamedTuple):
    """Given: ascending ``price`` [segments], ``top_mw`` [steps, segments], price line of each resource.

    Written: what is to be served, and the segment that serves it [steps]; price and room of one MW more, of one MW
    less [lines, steps]; net injection of every resource [steps, resources]; whether a step has seen rows that bind,
    whether its flows were checked since it changed, and which of its prices are stale [resources, steps].
    """

    price: _Floats
    top_mw: _Floats
    line: _Ints
    net_mw: _Floats
    place: _Ints
    up_price: _Floats
    up_room_mw: _Floats
    down_price: _Floats
    down_room_mw: _Floats
    injected_mw: _Floats
    seen: _Bools
    checked: _Bools
    stale: _Bools


class Stores(NamedTuple):
    """Stores [stores] (× [steps]), each with the number of its resource: moved load, storages, accounts of export.

    ``keep`` is the content kept over a step; ``daily``: back to its start at midnight; ``end_value``: what a MWh
    that a window leaves behind is worth, as if it were drawn one step later. Prices and most power are those of
    charging and of discharging. Stores from ``accounts`` on are what a channel sent beyond its contract: within
    ``± end_mwh`` where a day or a window ends, elsewhere within ``± inside_mwh``.
    """

    resource: _Ints
    accounts: int
    end_mwh: _Floats
    inside_mwh: _Floats
    charge_efficiency: _Floats
    discharge_efficiency: _Floats
    keep: _Floats
    charge_price: _Floats
    discharge_price: _Floats
    start_mwh: _Floats
    daily: _Bools
    end_value: _Floats
    low_mwh: _Floats
    high_mwh: _Floats
    most_charge_mw: _Floats
    most_discharge_mw: _Floats
    charge_mw: _Floats
    discharge_mw: _Floats
    level_mwh: _Floats


class Water(NamedTuple):
    """What gives power out of an energy of the day: hydro above its must-run, flexible loads, load on call.

    Given: mean of each day [plants, days], price of a MWh of the day that is not given [plants], and of one given
    beyond it (infinite: never), steps of notice [plants]. Written: most [plants, steps], which shrinks to what was
    planned where notice is due, flow [plants, steps], what is spare of each day (negative: given beyond it)
    [plants, days], what is left of an energy of the year (infinite: no limit) [plants].
    """

    mean_mw: _Floats
    most_mw: _Floats
    spill_price: _Floats
    short_price: _Floats
    notice: _Ints
    flow_mw: _Floats
    spare_mwh: _Floats
    pool_mwh: _Floats


class Search(NamedTuple):
    """Room to look for chains of moves in a window.

    Labels [layers, steps]: cost, which resource brings it, from where; ends that were tried in vain [steps];
    (resource, from, to) of every hop, one more than layers. What a stored MWh costs when energy costs x is
    by · x + add, and likewise the other way [stores, steps]. What a chain uses per MW delivered: flows
    [plants, steps], part of the spare water [plants], rates of filling and drawing, and contents [stores, steps].
    """

    cost: _Floats
    by: _Ints
    source: _Ints
    tired: _Bools
    hops: _Ints
    fill_by: _Floats
    fill_add: _Floats
    draw_by: _Floats
    draw_add: _Floats
    flow: _Floats
    spare: _Floats
    fill: _Floats
    draw: _Floats
    level: _Floats


class Clock(NamedTuple):
    """Given: day of each step, first step of each day and of the day after the last, window lengths in steps."""

    day: _Ints
    first_step: _Ints
    step_h: float
    window_steps: int
    kept_steps: int


@kernel
def reprice(step: int, stack: Stack) -> None:
    """Find the segments above and below ``net_mw`` of a step and note price and room on both sides."""
    here = np.uintp(step)
    top = stack.top_mw[here]
    net = stack.net_mw[here]
    last = len(stack.price) - 1
    up = stack.place[here]
    while up < last and top[up] - net <= SMALL:
        up += 1
    while up > 0 and top[up - 1] - net > SMALL:
        up -= 1
    down = up
    while down > 0 and net - top[down - 1] <= SMALL:
        down -= 1
    stack.place[here] = up
    more = top[up] - net
    less = net - (top[down - 1] if down > 0 else 0.0)
    for line in range(len(stack.up_price)):
        stack.up_room_mw[line, here] = more
        stack.up_price[line, here] = stack.price[up] if more > SMALL else np.inf
        stack.down_room_mw[line, here] = less
        stack.down_price[line, here] = stack.price[down] if less > SMALL else -np.inf


@kernel
def shift_net(resource: int, step: int, more_mw: float, stack: Stack) -> None:
    """Let a resource take ``more_mw`` out of a step; prices follow at once, behind wires when asked for."""
    stack.net_mw[step] += more_mw
    stack.injected_mw[step, resource] -= more_mw
    stack.checked[step] = False
    if stack.seen[step]:
        for other in range(len(stack.stale)):
            stack.stale[other, step] = True
    else:
        reprice(step, stack)


@kernel
def served_mw(begin: int, end: int, stack: Stack) -> float:
    """Return the sum of what the steps have to serve."""
    total = 0.0
    for step in range(begin, end):
        total += abs(stack.net_mw[step])
    return total
