"""Daily need and an order of turns → which unit runs on which day; compiled.

The walk goes day by day and decides every unit once: what must run runs; what runs already stays while it is still
wanted; then idle units start in the order of the turn until the need is covered. On the first day of a turn,
running and idle units queue up together, so that plants really change places.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

LONG_AGO_DAYS = 10_000
"""Age of the state that a unit has on the first day: its history is not known and binds nothing."""


class Units(NamedTuple):
    """Single coal units [units]: sent-out capacity and the fewest whole days up and down."""

    capacity_mw: npt.NDArray[np.float64]
    min_up_days: npt.NDArray[np.int64]
    min_down_days: npt.NDArray[np.int64]


class Wants(NamedTuple):
    """What each day asks: capacity to have, capacity worth keeping [days], units that must run [days, units]."""

    need_mw: npt.NDArray[np.float64]
    keep_mw: npt.NDArray[np.float64]
    must_run: npt.NDArray[np.bool_]


@njit(cache=True)
def walk_days(
    units: Units, wants: Wants, queues: npt.NDArray[np.int64], rotation_days: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return which units run ``[days, units]`` and how many days each had been idle when it starts (else 0).

    ``queues`` [turns, units] is the order of the units in each turn of ``rotation_days`` days.
    """
    days, count = wants.must_run.shape
    running = np.zeros((days, count), np.bool_)
    idle_days = np.zeros((days, count), np.int64)
    state = np.zeros(count, np.bool_)
    age = np.full(count, LONG_AGO_DAYS, np.int64)
    for day in range(days):
        today = running[day]
        queue = queues[day // rotation_days]
        total = _hold(units, wants.must_run[day], state, age, today)
        if day % rotation_days != 0:
            total = _stay(units, queue, state, today, total, wants.keep_mw[day])
        _fill(units, wants, day, queue, state, age, today, total)
        _grow_older(state, age, today, idle_days[day], day == 0)
    return running, idle_days


@njit(cache=True)
def _hold(
    units: Units,
    must_run: npt.NDArray[np.bool_],
    state: npt.NDArray[np.bool_],
    age: npt.NDArray[np.int64],
    today: npt.NDArray[np.bool_],
) -> float:
    """Run what must run or has not been up for its minimum time; return that capacity, MW."""
    total = 0.0
    for unit in range(len(state)):
        if must_run[unit] or (state[unit] and age[unit] < units.min_up_days[unit]):
            today[unit] = True
            total += units.capacity_mw[unit]
    return total


@njit(cache=True)
def _stay(
    units: Units,
    queue: npt.NDArray[np.int64],
    state: npt.NDArray[np.bool_],
    today: npt.NDArray[np.bool_],
    total: float,
    keep_mw: float,
) -> float:
    """Keep running units on while capacity is worth keeping; return the capacity so far, MW."""
    for unit in queue:
        if state[unit] and not today[unit] and total < keep_mw:
            today[unit] = True
            total += units.capacity_mw[unit]
    return total


@njit(cache=True)
def _fill(
    units: Units,
    wants: Wants,
    day: int,
    queue: npt.NDArray[np.int64],
    state: npt.NDArray[np.bool_],
    age: npt.NDArray[np.int64],
    today: npt.NDArray[np.bool_],
    total: float,
) -> None:
    """Take units in the order of the queue: a running one while worth keeping, an idle one while needed."""
    for unit in queue:
        if today[unit]:
            continue
        wanted = wants.keep_mw[day] if state[unit] else wants.need_mw[day]
        ready = state[unit] or age[unit] >= units.min_down_days[unit]
        if ready and total < wanted:
            today[unit] = True
            total += units.capacity_mw[unit]


@njit(cache=True)
def _grow_older(
    state: npt.NDArray[np.bool_],
    age: npt.NDArray[np.int64],
    today: npt.NDArray[np.bool_],
    idle_days: npt.NDArray[np.int64],
    first_day: bool,
) -> None:
    """Move every unit's state and age (days since its last change) to the end of the day; note starts."""
    for unit in range(len(state)):
        if today[unit] == state[unit]:
            age[unit] += 1
        elif first_day:
            state[unit] = today[unit]
            age[unit] = LONG_AGO_DAYS
        else:
            if today[unit]:
                idle_days[unit] = age[unit]
            state[unit] = today[unit]
            age[unit] = 1
