"""A dispatch whose coal plants change faster than they can → the same with other shares among the plants.

What coal gives in an hour stays as it is; who gives it changes. Hour by hour, plants that would change too fast are
held where their ramp ends, the cheapest with room give what is missing, the dearest give up what is too much.
Nothing weighs one hour against another here: a day in which this costs more than a little, passes a limit of the
network, or cannot be done at all is given back as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scenarios.records import Bools, Floats
from sim.dispatch.columns import knee_pu
from sim.dispatch.limits import NetworkLimits, overload_mw
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.rows import ramp_limits_mw
from sim.dispatch.service import DUST_MW, coal_cost_by_step_cny, coal_ramp_excess_mw

LITTLE_COST = 5e-4
"""Part of the coal cost of a day that other shares may cost: looking ahead could not save more than that."""


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """What coal may give and how fast it may change [hours × coal], MW, and its blocks by cost."""

    least: Floats
    most: Floats
    up: Floats
    down: Floats
    blocks: list[tuple[int, Floats, Floats]]


def paced(case: DispatchCase, limits: NetworkLimits, result: DispatchResult) -> DispatchResult:
    """Return the result with coal within its ramps wherever that takes other shares only, and little."""
    if not coal_ramp_excess_mw(case, result).any():
        return result
    tried = replace(result, coal_mw=_paced_mw(case, result))
    worse = _dear_days(case, result, tried) | _overloaded_days(case, limits, result, tried)
    back = worse[case.time.day][:, None]
    return replace(tried, coal_mw=np.where(back, result.coal_mw, tried.coal_mw))


def _dear_days(case: DispatchCase, before: DispatchResult, after: DispatchResult) -> Bools:
    """Return on which days coal costs more than a little above what it did [days]."""
    costs = [np.bincount(case.time.day, coal_cost_by_step_cny(case, result)) for result in (before, after)]
    return np.asarray(costs[1] - costs[0] > LITTLE_COST * np.abs(costs[0]))


def _overloaded_days(
    case: DispatchCase, limits: NetworkLimits, before: DispatchResult, after: DispatchResult
) -> Bools:
    """Return on which days rows are exceeded by more than they were [days]."""
    over = [overload_mw(limits, case, result).sum(axis=1) for result in (before, after)]
    return np.bincount(case.time.day, over[1] - over[0] > DUST_MW) > 0


def _paced_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return coal [hours × coal], MW, with the plants held to their ramps where that is possible.

    First forwards; what came too suddenly for that is prepared for backwards.
    """
    up, down = ramp_limits_mw(case, result.coal_units_on)
    most = result.coal_units_on * case.coal_unit_mw
    least = np.minimum(most * case.coal_minimum_pu, result.coal_mw)
    room = Room(least, most, up, down, _blocks(case, most))
    given = result.coal_mw.copy()
    for direction in (1, -1, 1):
        _hold(given, room, direction)
    return given


def _hold(given: Floats, room: Room, direction: int) -> None:
    """Hold every step to what can follow on the one before, or (direction −1) come before the one after."""
    rise = np.diff(given, axis=0, prepend=given[:1])
    too_fast = (rise > room.up + DUST_MW) | (-rise > room.down + DUST_MW)
    breach = np.asarray(too_fast.any(axis=1))
    steps, changed = np.arange(1, len(given)), False
    for step in steps if direction > 0 else steps[::-1] - 1:
        near, link = step - direction, max(step, step - direction)
        if not (changed or breach[link]):
            continue
        more, less = (room.up[link], room.down[link])[::direction]
        low, high = (
            np.maximum(room.least[step], given[near] - less),
            np.minimum(room.most[step], given[near] + more),
        )
        shared = _shared(given[step], low, high, [(plant, lo[step], hi[step]) for plant, lo, hi in room.blocks])
        changed = shared is not None and bool(np.abs(shared - given[step]).max() > DUST_MW)
        given[step] = given[step] if shared is None else shared


def _blocks(case: DispatchCase, most: Floats) -> list[tuple[int, Floats, Floats]]:
    """Return (plant, from MW [hours], to MW [hours]) of all blocks of equal cost, the cheapest first."""
    knee = most * knee_pu(case)
    blocks = [(cost, plant, np.zeros(len(most)), knee[:, plant]) for plant, cost in enumerate(case.coal_cost)]
    if case.part_load is not None:
        dearer = enumerate(case.part_load.upper_cost)
        blocks += [(cost, plant, knee[:, plant], most[:, plant]) for plant, cost in dearer]
    return [block[1:] for block in sorted(blocks, key=lambda block: block[:2])]


def _shared(wanted: Floats, low: Floats, high: Floats, blocks: list[tuple[int, float, float]]) -> Floats | None:
    """Return the same sum between ``low`` and ``high``, close to what is wanted; None when there is none."""
    if (low > high + DUST_MW).any() or not low.sum() - DUST_MW <= wanted.sum() <= high.sum() + DUST_MW:
        return None
    given = np.clip(wanted, low, high)
    missing = float(wanted.sum() - given.sum())
    for plant, start, end in blocks if missing > 0.0 else reversed(blocks):
        if missing > 0.0:
            step = min(missing, max(min(end, high[plant]) - given[plant], 0.0))
        else:
            step = max(missing, min(max(start, low[plant]) - given[plant], 0.0))
        given[plant] += step
        missing -= step
    return given
