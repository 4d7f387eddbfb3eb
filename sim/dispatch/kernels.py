"""Supply stacks, stores and hydro → a coordinated schedule over rolling windows; compiled by numba.

In each window the walk repeats rounds until a round gains next to nothing: every hydro plant within every day,
moved load within every day, every kind of storage across the window (``kernels_moves``). Each of these is then
optimal given the others, but together they may be stuck at a kink, where only moving two of them at once pays. So
chains of moves over several resources follow (``kernels_chains``) until none pays. Every move lowers the cost, so
the walk ends.

Then the flows of the window are looked at. A step in which a row is violated sees its rows from now on: it is a
small linear programme (``kernels_hour``) instead of a stack, and moves go by the prices at their resources. Moves
and a look at the flows alternate until no row is violated any more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.dispatch.kernels_chains import move_chains
from sim.dispatch.kernels_moves import move_pool, move_store, move_water
from sim.dispatch.kernels_network import any_stale, freshen, look, settled
from sim.dispatch.kernels_state import (
    Clock,
    Network,
    Search,
    Stack,
    Stores,
    Water,
    entry,
    kernel,
    reprice,
    served_mw,
)

ROUND_GAIN_CNY_PER_MWH = 1e-4
"""A round of moves must gain at least this much per MWh that the window has to serve."""

MOST_ROUNDS = 12

MOST_LOOKS = 40
"""Looks at the flows of a window; the last one ends with rows kept, so none of them goes unheeded."""


@entry
def coordinate(
    counts: npt.NDArray[np.int64],
    span: tuple[int, int, int],
    search: Search,
    network: Network,
    stack: Stack,
    stores: Stores,
    water: Water,
    clock: Clock,
) -> None:
    """Fill in the schedules of a span (first step, end, steps entered before) of windows.

    The span ends where a window begins, or with the axis. What a window before it, seen in full or in part, has
    planned for its first steps stands in the arrays already: up to the step that was ``entered`` last.
    ``counts`` [windows, rounds, chains, looks] says how many it took.
    """
    steps = len(stack.net_mw)
    first, stop, entered = span
    for begin in range(first, stop, clock.kept_steps):
        if entered == steps:
            break
        end = min(begin + clock.window_steps, steps)
        _keep_to_plan(begin, entered, water)
        _enter(entered, end, stack, stores, water, clock)
        _close_accounts(entered, end, stores, clock)
        entered = end
        counts[0] += 1
        for _ in range(MOST_LOOKS):
            counts[1] += _improve(begin, end, network, stack, stores, water, clock)
            counts[2] += move_chains(begin, end, search, network, stack, stores, water, clock)
            counts[3] += 1
            if not look(begin, end, stack, network):
                break
    for step in range(first, stop):
        if stack.seen[step]:
            settled(step, stack, network)


@kernel
def _keep_to_plan(begin: int, entered: int, water: Water) -> None:
    """Let what needs notice give no more, in the first steps of a window, than the window before has planned."""
    for k in range(len(water.notice)):
        for step in range(begin, min(begin + water.notice[k], entered)):
            water.most_mw[k, step] = min(water.most_mw[k, step], water.flow_mw[k, step])


@kernel
def _enter(begin: int, end: int, stack: Stack, stores: Stores, water: Water, clock: Clock) -> None:
    """Give new steps their first schedule: flat hydro, idle stores; what is dearer to give than to keep is kept."""
    for step in range(begin, end):
        day = clock.day[step]
        for k in range(len(water.flow_mw)):
            flow = min(water.mean_mw[k, day], water.most_mw[k, step]) if water.spill_price[k] >= 0.0 else 0.0
            water.flow_mw[k, step] = flow
            water.spare_mwh[k, day] += (water.mean_mw[k, day] - flow) * clock.step_h
            stack.net_mw[step] -= flow
            stack.injected_mw[step, k] = flow
        for k in range(len(stores.keep)):
            before = stores.level_mwh[k, step - 1] if step > 0 else stores.start_mwh[k]
            stores.level_mwh[k, step] = before * stores.keep[k]
        reprice(step, stack)


@kernel
def _close_accounts(last_end: int, end: int, stores: Stores, clock: Clock) -> None:
    """Bound accounts where the window ends, and no more where the last one ended within a day."""
    for k in range(stores.accounts, len(stores.keep)):
        if last_end > 0 and clock.day[last_end - 1] == clock.day[last_end]:
            stores.high_mwh[k, last_end - 1] = stores.inside_mwh[k]
            stores.low_mwh[k, last_end - 1] = -stores.inside_mwh[k]
        stores.high_mwh[k, end - 1] = stores.end_mwh[k]
        stores.low_mwh[k, end - 1] = -stores.end_mwh[k]


@kernel
def _improve(
    begin: int, end: int, network: Network, stack: Stack, stores: Stores, water: Water, clock: Clock
) -> int:
    """Repeat rounds of moves over a window until a round gains next to nothing; return the number of rounds."""
    enough = ROUND_GAIN_CNY_PER_MWH * clock.step_h * served_mw(begin, end, stack)
    for number in range(1, MOST_ROUNDS + 1):
        gained = 0.0
        for day in range(clock.day[begin], clock.day[end - 1] + 1):
            first = max(begin, clock.first_step[day])
            stop = min(end, clock.first_step[day + 1])
            for k in range(len(water.flow_mw)):
                gained += _improve_water(k, day, (first, stop), network, stack, water, clock.step_h)
            for k in range(len(stores.keep)):
                if stores.daily[k]:
                    gained += _improve_store(k, first, stop, network, stack, stores, clock)
        for k in range(len(water.flow_mw)):
            if water.pool_mwh[k] < np.inf:
                gained += _improve_pool(k, begin, end, network, stack, water, clock)
        for k in range(len(stores.keep)):
            if not stores.daily[k]:
                gained += _improve_store(k, begin, end, network, stack, stores, clock)
        if gained <= enough:
            return number
    return MOST_ROUNDS


@kernel
def _improve_store(
    k: int, begin: int, end: int, network: Network, stack: Stack, stores: Stores, clock: Clock
) -> float:
    """Move energy of a store while that pays; return the gain, CNY."""
    gained = 0.0
    while True:
        freshen(stores.resource[k], begin, end, stack, network)
        gained += move_store(k, begin, end, stack, stores, clock.step_h)
        if not any_stale(stores.resource[k], begin, end, stack):
            return gained


@kernel
def _improve_water(
    k: int, day: int, reach: tuple[int, int], network: Network, stack: Stack, water: Water, step_h: float
) -> float:
    """Move release of a plant within a day while that pays; return the gain, CNY."""
    gained, (begin, end) = 0.0, reach
    while True:
        freshen(k, begin, end, stack, network)
        gained += move_water(k, day, begin, end, stack, water, step_h)
        if not any_stale(k, begin, end, stack):
            return gained


@kernel
def _improve_pool(
    k: int, begin: int, end: int, network: Network, stack: Stack, water: Water, clock: Clock
) -> float:
    """Move what a plant gives from day to day while that pays; return the gain, CNY."""
    gained = 0.0
    while True:
        freshen(k, begin, end, stack, network)
        gained += move_pool(k, begin, end, stack, water, clock)
        if not any_stale(k, begin, end, stack):
            return gained
