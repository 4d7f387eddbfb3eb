"""A dispatch whose coal plants change faster than they can → the same with other shares among the plants.

What coal gives in an hour stays as it is; who gives it changes. Hour by hour, plants that would change too fast are
held where their ramp ends, the cheapest with room give what is missing, the dearest give up what is too much.
Nothing weighs one hour against another here: a day in which this costs more than a little, passes a limit of the
network, or cannot be done at all is given back as it was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.records import Bools, Floats
from sim.dispatch.columns import knee_pu
from sim.dispatch.kernels_paced import Room, hold
from sim.dispatch.limits import NetworkLimits, flow_mw
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.rows import ramp_limits_mw
from sim.dispatch.service import DUST_MW, coal_cost_by_step_cny, coal_ramp_excess_mw

LITTLE_COST = 5e-4
"""Part of the coal cost of a day that other shares may cost: looking ahead could not save more than that."""


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
    if not limits.rows:
        return np.zeros(len(case.hydro_budget_mwh), dtype=bool)
    flow = flow_mw(limits, case, before)
    moved = flow + (after.coal_mw - before.coal_mw) @ limits.coal.T
    over = [np.maximum(item - limits.high_mw, limits.low_mw - item).clip(min=0.0) for item in (flow, moved)]
    return np.bincount(case.time.day, (over[1] > over[0] + DUST_MW).any(axis=1)) > 0


def _paced_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return coal [hours × coal], MW, with the plants held to their ramps where that is possible.

    First forwards; what came too suddenly for that is prepared for backwards.
    """
    given, room = result.coal_mw.copy(), _room(case, result)
    for direction in (1, -1, 1):
        hold(given, room, direction)
    return given


def _room(case: DispatchCase, result: DispatchResult) -> Room:
    """Return what coal may give and how fast it may change, and its blocks up to and above the knee by cost."""
    rise, fall = ramp_limits_mw(case, result.coal_units_on)
    most = result.coal_units_on * case.coal_unit_mw
    knee, plants = most * knee_pu(case), np.arange(len(case.coal))
    cost, begin, end, plant = case.coal_cost, np.zeros_like(most), knee, plants
    if case.part_load is not None:
        cost, plant = np.append(cost, case.part_load.upper_cost), np.append(plant, plants)
        begin, end = np.hstack([begin, knee]), np.hstack([end, most])
    order = np.argsort(cost, kind="stable")
    nothing = np.zeros((3, len(plants)))
    return Room(
        least=np.minimum(most * case.coal_minimum_pu, result.coal_mw),
        most=most,
        rise=rise,
        fall=fall,
        plant=plant[order],
        begin=np.ascontiguousarray(begin[:, order]),
        end=np.ascontiguousarray(end[:, order]),
        low=nothing[0],
        high=nothing[1],
        share=nothing[2],
    )
