"""Case and result → what of the operator's rules a result misses: reserve, ramps; and what that costs.

Plain numpy on the two records: solvers price what they miss, checks and reports count it with these.
"""

from __future__ import annotations

import numpy as np

from scenarios.records import Floats
from sim.dispatch.columns import account_bound_mwh, day_ends
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.response import flexible_cost_cny
from sim.dispatch.rows import export_ramp_limit_mw, ramp_limits_mw, reserve_down_mw, reserve_up_mw

DUST_MW = 1e-5
"""What is missing by less than this is rounding."""


def reserve_up_missing_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return by how much the reserve upwards falls short [hours], MW; 0 when none is asked."""
    if not case.rules.reserve_up:
        return np.zeros(len(case.time))
    held = result.coal_units_on @ case.coal_unit_mw - result.coal_mw.sum(axis=1)
    if "hydro" in case.rules.reserve_by:
        held = held + (case.hydro_capacity_mw - result.hydro_mw).sum(axis=1)
    if "storage" in case.rules.reserve_by:
        held = held + result.charge_mw.sum(axis=1)
    return _missing(reserve_up_mw(case, result.coal_units_on) - held)


def reserve_down_missing_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return by how much the reserve downwards falls short [hours], MW; 0 when none is asked."""
    if not case.rules.reserve_down:
        return np.zeros(len(case.time))
    held = (result.coal_mw - result.coal_units_on * (case.coal_unit_mw * case.coal_minimum_pu)).sum(axis=1)
    if "hydro" in case.rules.reserve_by:
        held = held + np.maximum(result.hydro_mw - case.hydro_minimum_mw[case.time.day], 0.0).sum(axis=1)
    if "storage" in case.rules.reserve_by:
        held = held + result.discharge_mw.sum(axis=1)
    if "renewables" in case.rules.reserve_by:
        held = held + result.renewable_mw.sum(axis=1)
    return _missing(reserve_down_mw(case) - held)


def coal_ramp_excess_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return by how much each plant changed faster than its units can [hours × coal], MW, whatever the rules."""
    up, down = ramp_limits_mw(case, result.coal_units_on)
    change = np.diff(result.coal_mw, axis=0, prepend=result.coal_mw[:1])
    return _missing(np.maximum(change - up, -change - down))


def export_ramp_excess_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return by how much each channel changed faster than the rules allow [hours × channels], MW."""
    ramp = case.rules.export_ramp_mw_per_h
    if ramp is None:
        return np.zeros_like(result.export_mw)
    change = np.diff(result.export_mw, axis=0, prepend=result.export_mw[:1])
    return _missing(np.abs(change) - export_ramp_limit_mw(case, ramp))


def export_forgiven_mwh(
    case: DispatchCase, result: DispatchResult, step: int | None = None, before_mwh: Floats | float = 0.0
) -> Floats:
    """Return what channels sent too little for their balance before ``step`` (none: in all) [channels], MWh.

    ``before_mwh`` [channels] is what they sent beyond their contract before the first step.
    """
    if case.rules.export_balance == "none" or not len(result.export_mw[:step]):
        return np.zeros(len(case.channels))
    account = before_mwh + np.cumsum(result.export_mw - case.export_mw, axis=0)[:step] * case.time.step_h
    checked = np.ones(len(account), dtype=bool)
    if case.rules.export_balance == "day":
        checked = np.isin(np.arange(len(account)), day_ends(case))
    short = -account_bound_mwh(case) - account[checked]
    return _missing(short.max(axis=0, initial=0.0))


def missed_cost(case: DispatchCase, result: DispatchResult) -> tuple[tuple[str, float], ...]:
    """Return what missed rules and targets cost by part, CNY; only the parts that the case has."""
    rules, step_h = case.rules, case.time.step_h
    parts = []
    if rules.reserve_up or rules.reserve_down:
        missing = reserve_up_missing_mw(case, result) + reserve_down_missing_mw(case, result)
        parts.append(("reserve", float(missing.sum()) * step_h * rules.price_reserve))
    if rules.ramps or rules.export_ramp_mw_per_h is not None:
        excess = export_ramp_excess_mw(case, result).sum()
        excess += coal_ramp_excess_mw(case, result).sum() if rules.ramps else 0.0
        parts.append(("ramps", float(excess) * step_h * case.price_ramp))
    if rules.export_balance != "none":
        parts.append(("export_balance", float(export_forgiven_mwh(case, result).sum()) * case.price_export_cut))
    if case.flexibles:
        parts.append(("flexible", flexible_cost_cny(case, result)))
    return tuple(parts)


def coal_cost_cny(case: DispatchCase, result: DispatchResult) -> float:
    """Return the cost of coal, CNY: every MWh at its plant's cost, more above the knee, and running units idle."""
    return float(coal_cost_by_step_cny(case, result).sum())


def coal_cost_by_step_cny(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return the same by step [hours], CNY."""
    cost = result.coal_mw @ case.coal_cost
    if case.part_load is not None:
        knee = np.maximum(case.part_load.knee_pu, case.coal_minimum_pu)
        above = np.maximum(result.coal_mw - result.coal_units_on * (case.coal_unit_mw * knee), 0.0)
        cost += above @ (case.part_load.upper_cost - case.coal_cost)
        cost += result.coal_units_on @ case.part_load.no_load_cny_per_h
    return np.asarray(cost * case.time.step_h)


def _missing(excess: Floats) -> Floats:
    return np.asarray(np.where(excess > DUST_MW, excess, 0.0))
