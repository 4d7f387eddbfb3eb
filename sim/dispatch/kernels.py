"""Supply stacks, stores and hydro → a coordinated schedule over rolling windows; compiled.

In each window the walk repeats rounds until a round gains next to nothing: every hydro plant within every day,
moved load within every day, every kind of storage across the window (``kernels_moves``). Each of these is then
optimal given the others, but together they may be stuck at a kink, where only moving two of them at once pays. So
chains of moves over several resources follow (``kernels_chains``) until none pays. Every move lowers the cost, so
the walk ends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from sim.dispatch.kernels_chains import move_chains
from sim.dispatch.kernels_moves import Clock, Stack, Stores, Water, move_store, move_water, reprice

ROUND_GAIN_CNY_PER_MWH = 1e-4
"""A round of moves must gain at least this much per MWh that the window has to serve."""

MOST_ROUNDS = 12


@njit(cache=True)
def coordinate(stack: Stack, stores: Stores, water: Water, clock: Clock) -> npt.NDArray[np.int64]:
    """Fill in the schedules of all steps; return how many [windows, rounds, chains] it took."""
    steps = len(stack.net_mw)
    counts = np.zeros(3, np.int64)
    entered = 0
    for begin in range(0, steps, clock.kept_steps):
        end = min(begin + clock.window_steps, steps)
        _enter(entered, end, stack, stores, water, clock)
        entered = end
        counts[0] += 1
        counts[1] += _improve(begin, end, stack, stores, water, clock)
        counts[2] += move_chains(begin, end, stack, stores, water, clock)
        if end == steps:
            break
    return counts


@njit(cache=True)
def _enter(begin: int, end: int, stack: Stack, stores: Stores, water: Water, clock: Clock) -> None:
    """Give new steps their first schedule: flat hydro, idle stores."""
    for step in range(begin, end):
        day = clock.day[step]
        for k in range(len(water.flow_mw)):
            flow = min(water.mean_mw[k, day], water.most_mw[k, day])
            water.flow_mw[k, step] = flow
            water.spare_mwh[k, day] += (water.mean_mw[k, day] - flow) * clock.step_h
            stack.net_mw[step] -= flow
        for k in range(len(stores.keep)):
            before = stores.level_mwh[k, step - 1] if step > 0 else stores.start_mwh[k]
            stores.level_mwh[k, step] = before * stores.keep[k]
        reprice(step, stack)


@njit(cache=True)
def _improve(begin: int, end: int, stack: Stack, stores: Stores, water: Water, clock: Clock) -> int:
    """Repeat rounds of moves over a window until a round gains next to nothing; return the number of rounds."""
    enough = ROUND_GAIN_CNY_PER_MWH * clock.step_h * np.abs(stack.net_mw[begin:end]).sum()
    for number in range(1, MOST_ROUNDS + 1):
        gained = 0.0
        for day in range(clock.day[begin], clock.day[end - 1] + 1):
            first = max(begin, clock.first_step[day])
            stop = min(end, clock.first_step[day + 1])
            for k in range(len(water.flow_mw)):
                gained += move_water(k, day, first, stop, stack, water, clock.step_h)
            for k in range(len(stores.keep)):
                if stores.daily[k]:
                    gained += move_store(k, first, stop, stack, stores, clock.step_h)
        for k in range(len(stores.keep)):
            if not stores.daily[k]:
                gained += move_store(k, begin, end, stack, stores, clock.step_h)
        if gained <= enough:
            return number
    return MOST_ROUNDS
