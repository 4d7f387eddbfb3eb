"""Stress cases with operating rules: each mild and severe, with scarcity, on a tight network, and all together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scenarios.load import load_scenario
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, Rules
from sim.fuel import coal_cost_cny_per_mwh, part_load_of

RESERVE: dict[str, Any] = {"reserve_up_load": 0.05, "reserve_up_renewables": 0.05, "reserve_largest_unit": True}
MUCH_RESERVE: dict[str, Any] = {
    "reserve_up_load": 0.15,
    "reserve_up_renewables": 0.15,
    "reserve_largest_unit": True,
    "reserve_down_load": 0.1,
    "reserve_down_renewables": 0.1,
}
BY_DAY: dict[str, Any] = {"export_balance": "day", "export_tolerance": 0.02}
BY_MONTH: dict[str, Any] = {"export_balance": "month", "export_tolerance": 0.005}


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """What all cases start from: the plain case, the same with load × 3, limits, and limits × 0.6."""

    case: DispatchCase
    scarce: DispatchCase
    limits: NetworkLimits
    tight: NetworkLimits


def rule_cases(base: Base) -> Iterator[tuple[str, DispatchCase, NetworkLimits]]:
    """Yield name, case and limits."""
    case, limits = base.case, base.limits
    dearer = _with_part_load(case)
    yield "part load", dearer, limits
    yield "part load, ratings × 0.6", dearer, base.tight
    yield "reserve", _ruled(case, reserve_down_load=0.03, **RESERVE), limits
    yield "much reserve", _ruled(case, **MUCH_RESERVE), limits
    yield "much reserve of coal only", _ruled(case, reserve_by=(), **MUCH_RESERVE), limits
    yield "much reserve, ratings × 0.6", _ruled(case, **MUCH_RESERVE), base.tight
    yield "reserve, load × 3", _ruled(base.scarce, **RESERVE), limits
    yield "ramps", _ruled(case, ramps=True), limits
    yield from ((f"ramps × {k}", _ruled(_slower(case, k), ramps=True), limits) for k in (0.7, 0.4, 0.2))
    yield from ((f"export ramp {k:.0f} MW/h", _ruled(case, export_ramp_mw_per_h=k), limits) for k in (200.0, 50.0))
    yield "balance by day", _ruled(case, **BY_DAY), limits
    yield "balance by day, no tolerance", _ruled(case, export_balance="day"), limits
    yield "balance by day, ratings × 0.6", _ruled(case, **BY_DAY), base.tight
    yield "balance by day, load × 3", _ruled(base.scarce, **BY_DAY), limits
    yield "balance by month", _ruled(case, **BY_MONTH), limits
    few = {"ramps": True, "export_ramp_mw_per_h": 200.0, "reserve_down_load": 0.03, **RESERVE, **BY_DAY}
    yield "all rules", _ruled(_slower(dearer, 0.7), **few), limits
    hard = {"ramps": True, "export_ramp_mw_per_h": 100.0, **MUCH_RESERVE, **BY_DAY}
    yield "all rules severe, ratings × 0.6", _ruled(_slower(dearer, 0.3), **hard), base.tight


def _ruled(case: DispatchCase, **rules: Any) -> DispatchCase:
    return replace(case, rules=Rules(**rules))


def _slower(case: DispatchCase, factor: float) -> DispatchCase:
    return replace(case, coal_ramp_pu_per_h=factor * case.coal_ramp_pu_per_h)


def _with_part_load(case: DispatchCase) -> DispatchCase:
    scenario = load_scenario("plan-2025", ["coal.part_load=true"])
    technology = {plant.plant_id: scenario.technologies[plant.technology] for plant in scenario.plants_of("coal")}
    cost = [coal_cost_cny_per_mwh(scenario, technology[name]) for name in case.coal]
    return replace(case, part_load=part_load_of(scenario), coal_cost=np.array(cost))
