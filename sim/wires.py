"""A power flow of all hours → what the network carried: loadings, voltages, losses, slack, and whether it adds up.

Only solved hours enter a figure; how many there were stands beside it. Three balances are checked with arithmetic
of their own, and a breach is our fault (``InvariantError``):

    schedule   Σ scheduled bus injections           =  the loss that the dispatch reckoned with
    AC         Σ scheduled bus injections + Σ slack =  Σ branch losses + Σ shunt losses, from voltages and
               admittances alone: S_from = v_f · conj(y_ff·v_f + y_ft·v_t), likewise at the other end
    flows      Σ power into both ends of branches + Σ shunt losses  =  the same losses
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grid.model import FlowResult, FlowStatus, GridModel
from scenarios.errors import InvariantError, Problem
from scenarios.records import Bools, Floats
from scenarios.schema import Scenario
from scenarios.settings import VoltageBand
from scenarios.tables import Bus
from sim.accounts import (
    TECHS,
    curtailed_mw,
    gwh,
    number,
    residual_load_mw,
    share,
    system_powers_mw,
    whole_number,
)
from sim.outcome import Outcome

BALANCE_TOLERANCE_MW = 1e-3
"""Largest imbalance of a dispatch that is rounding (sums of some 100 numbers of 10⁴ MW)."""
HOURS_AT_ONCE = 512
"""Hours whose complex currents are held in memory together."""
LOWEST_500_KV = 400.0
LOWEST_220_KV = 180.0
MESSAGES_KEPT = 100
OUTSIDE = ("boundary", "hvdc")
"""Kinds of buses that stand for the surrounding grid: their voltages are set, so they are not monitored."""


@dataclass(frozen=True, slots=True)
class Monitored:
    """A bus whose voltage is judged: its column in the flow result, its limits, and its mean load as a weight."""

    bus: Bus
    column: int
    band: VoltageBand
    weight_mw: float

    @property
    def level(self) -> str:
        """The voltage level to whose limits it belongs, kV."""
        return "500" if self.bus.vn_kv >= LOWEST_500_KV else "220"


def network_metrics(outcome: Outcome) -> dict[str, Any]:
    """Return the section ``network`` of the metrics; raises ``InvariantError`` when the flow does not add up."""
    ac_loss_mw = losses_from_voltages_mw(outcome.model, outcome.flow, outcome.flow.solved)
    return {
        **_status(outcome),
        "balance": _balances(outcome, ac_loss_mw),
        "loading": _loading(outcome),
        "voltage": _voltage(outcome),
        "losses": _losses(outcome, ac_loss_mw),
        "slack": _slack(outcome),
        "worst_hours": _worst_hours(outcome, ac_loss_mw),
    }


def _status(outcome: Outcome) -> dict[str, Any]:
    flow, time = outcome.flow, outcome.case.time
    solved = int(flow.solved.sum())
    by_status = {
        status.name.lower(): {
            "hours": whole_number(int((flow.status == status).sum()) * time.step_h),
            "sentence": status.sentence,
        }
        for status in FlowStatus
    }
    stamps = time.starts()
    failed = [{"time": stamps[hour].isoformat(), "message": text} for hour, text in flow.messages]
    return {
        "hours_solved": whole_number(solved * time.step_h),
        "hours_failed": whole_number((len(time) - solved) * time.step_h),
        "by_status": by_status,
        "messages": failed[:MESSAGES_KEPT],
        "messages_left_out": max(0, len(failed) - MESSAGES_KEPT),
        "loss_rounds": outcome.loss_rounds,
    }


def _balances(outcome: Outcome, ac_loss_mw: Floats) -> dict[str, Any]:
    solved = outcome.flow.solved
    scheduled = outcome.injections.p_mw.sum(axis=1) - outcome.dispatch.loss_mw
    allowed = ac_tolerance_mw(outcome.model, outcome.scenario.settings.grid.tolerance_pu)
    given = (outcome.injections.p_mw.sum(axis=1) + outcome.flow.slack_mw.sum(axis=1))[solved]
    ac, flows = given - ac_loss_mw, _losses_from_flows_mw(outcome) - ac_loss_mw
    stamps = outcome.case.time.starts()
    require_small("dispatch to injections", scheduled, BALANCE_TOLERANCE_MW, stamps)
    require_small("AC power flow", ac, allowed, stamps[solved])
    require_small("flows of the branches", flows, allowed, stamps[solved])
    return {
        "schedule_max_residual_mw": _largest(scheduled),
        "schedule_tolerance_mw": BALANCE_TOLERANCE_MW,
        "ac_max_residual_mw": _largest(ac),
        "ac_tolerance_mw": allowed,
        "flows_max_residual_mw": _largest(flows),
        "max_mismatch_pu": _largest(outcome.flow.mismatch_pu[solved]),
    }


def ac_tolerance_mw(model: GridModel, tolerance_pu: float) -> float:
    """Return the imbalance that a flow may have when each of its buses is solved to ``tolerance_pu``."""
    return BALANCE_TOLERANCE_MW + tolerance_pu * model.sn_mva * len(model.buses)


def require_small(what: str, residual_mw: Floats, allowed_mw: float, stamps: Any) -> None:
    """Raise ``InvariantError`` naming the worst hour when a residual is larger than allowed, or not a number."""
    if residual_mw.size == 0:
        return
    size = np.where(np.isfinite(residual_mw), np.abs(residual_mw), np.inf)
    worst = int(size.argmax())
    if size[worst] > allowed_mw:
        count = int((size > allowed_mw).sum())
        text = f"does not add up in {count} steps, worst {size[worst]:.6g} MW (allowed {allowed_mw:.3g} MW)"
        raise InvariantError(Problem(f"energy balance, {what}, {stamps[worst]}", text))


def losses_from_voltages_mw(model: GridModel, flow: FlowResult, hours: Bools) -> Floats:
    """Return what branches and shunts consume in the given hours, MW, from voltages and admittances alone."""
    chosen = np.flatnonzero(hours)
    parts = [chosen[first : first + HOURS_AT_ONCE] for first in range(0, len(chosen), HOURS_AT_ONCE)]
    return np.concatenate([_block_losses_mw(model, flow, part) for part in parts] or [np.zeros(0)])


def _block_losses_mw(model: GridModel, flow: FlowResult, hours: npt.NDArray[np.intp]) -> Floats:
    voltage = flow.vm_pu[hours] * np.exp(1j * np.deg2rad(flow.va_deg[hours]))
    voltage = np.where(np.isfinite(voltage), voltage, 0.0)  # buses of an empty dead island carry nothing
    v_from, v_to = voltage[:, model.from_bus], voltage[:, model.to_bus]
    into_from = v_from * np.conj(model.y_ff_pu * v_from + model.y_ft_pu * v_to)
    into_to = v_to * np.conj(model.y_tf_pu * v_from + model.y_tt_pu * v_to)
    shunts = np.abs(voltage) ** 2 @ model.y_shunt_pu.real
    return np.asarray(((into_from + into_to).real.sum(axis=1) + shunts) * model.sn_mva, dtype=np.float64)


def _losses_from_flows_mw(outcome: Outcome) -> Floats:
    """Return the losses of the solved hours, MW, from the flows at both ends; dead branches and buses are NaN."""
    flow, model = outcome.flow, outcome.model
    branches = np.nansum(flow.p_from_mw[flow.solved] + flow.p_to_mw[flow.solved], axis=1)
    shunts = np.nansum(flow.vm_pu[flow.solved] ** 2 * model.y_shunt_pu.real, axis=1)
    return np.asarray(branches + shunts * model.sn_mva, dtype=np.float64)


def bus_injections_mw(outcome: Outcome) -> Floats:
    """Return the power put into the grid at each bus, slack included [hours × buses], MW; NaN where not solved."""
    total = np.where(outcome.flow.solved[:, None], outcome.injections.p_mw, np.nan)
    for column, bus in enumerate(outcome.model.slack_bus):
        total[:, bus] += outcome.flow.slack_mw[:, column]
    return total


def _loading(outcome: Outcome) -> dict[str, Any]:
    flow, model, step_h = outcome.flow, outcome.model, outcome.case.time.step_h
    limit = outcome.scenario.settings.limits.overload
    loading = flow.loading[flow.solved]
    over = loading > limit
    stamps = outcome.case.time.starts()[flow.solved]
    by_branch = {
        name: _branch_loading(loading[:, k], over[:, k], stamps, step_h) for k, name in enumerate(model.branches)
    }
    return {
        "limit": limit,
        "max": _largest(loading),
        "overloaded_branches": int(over.any(axis=0).sum()) if over.size else 0,
        "overloaded_hours": whole_number(float(over.any(axis=1).sum()) * step_h),
        "overloaded_element_hours": whole_number(float(over.sum()) * step_h),
        "by_branch": by_branch,
    }


def _branch_loading(loading: Floats, over: Bools, stamps: Any, step_h: float) -> dict[str, Any]:
    valid = np.isfinite(loading)
    if not valid.any():
        return {"max": None, "p99": None, "mean": None, "overloaded_hours": 0, "time_of_max": None}
    known = loading[valid]
    return {
        "max": float(known.max()),
        "p99": float(np.quantile(known, 0.99)),
        "mean": float(known.mean()),
        "overloaded_hours": whole_number(float(over.sum()) * step_h),
        "time_of_max": stamps[valid][int(known.argmax())].isoformat(),
    }


def monitored_buses(outcome: Outcome) -> tuple[Monitored, ...]:
    """Return the 500 and 220 kV buses of the region that are in the compiled grid, in its order."""
    loads = _mean_load_by_bus_mw(outcome)
    return tuple(
        Monitored(bus, column, band, loads.get(bus.bus_id, 0.0))
        for bus, column, band in watched_buses(outcome.scenario, outcome.model)
    )


def watched_buses(scenario: Scenario, model: GridModel) -> list[tuple[Bus, int, VoltageBand]]:
    """Return the region's 500 and 220 kV buses with their column in a flow result and their voltage band."""
    rows = {bus.bus_id: bus for bus in scenario.tables.buses}
    found = []
    for column, name in enumerate(model.buses):
        bus = rows.get(name)
        band = _band(scenario, model.vn_kv[column])
        if bus is not None and band is not None and bus.kind not in OUTSIDE:
            found.append((bus, column, band))
    return found


def _band(scenario: Scenario, vn_kv: float) -> VoltageBand | None:
    if vn_kv >= LOWEST_500_KV:
        return scenario.settings.limits.voltage_500
    return scenario.settings.limits.voltage_220 if vn_kv >= LOWEST_220_KV else None


def _mean_load_by_bus_mw(outcome: Outcome) -> dict[str, float]:
    bus_of = {load.load_id: load.bus_id for load in outcome.scenario.tables.loads}
    means: dict[str, float] = {}
    for name, power_mw in zip(outcome.case.loads, outcome.case.load_mw.T, strict=True):
        means[bus_of[name]] = means.get(bus_of[name], 0.0) + float(power_mw.mean())
    return means


def _voltage(outcome: Outcome) -> dict[str, Any]:
    """电压合格率 of a point = 1 − time outside its limits / time monitored (DL/T 1773 limits, see ``limits``).

    Time below and above the limits is counted apart: rate + low rate + high rate = 1, of a bus, of a level and of
    all. Means weigh every bus alike, or by its mean load.
    """
    monitored, step_h = monitored_buses(outcome), outcome.case.time.step_h
    vm_pu = outcome.flow.vm_pu[outcome.flow.solved]
    by_bus = {item.bus.bus_id: _bus_voltage(item, vm_pu[:, item.column], step_h) for item in monitored}
    outside_limits = [
        (vm_pu[:, m.column] < m.band.low_pu) | (vm_pu[:, m.column] > m.band.high_pu) for m in monitored
    ]
    any_outside = np.any(outside_limits, axis=0) if outside_limits else np.zeros(0)
    limits = outcome.scenario.settings.limits
    bands = {"500": limits.voltage_500, "220": limits.voltage_220}
    return {
        **_compliance(by_bus.values()),
        "hours_with_violation": whole_number(float(any_outside.sum()) * step_h),
        "low_element_hours": whole_number(sum(row["low_hours"] for row in by_bus.values())),
        "high_element_hours": whole_number(sum(row["high_hours"] for row in by_bus.values())),
        "limits_pu": {level: {"low": band.low_pu, "high": band.high_pu} for level, band in bands.items()},
        "by_level": {
            level: _compliance(by_bus[item.bus.bus_id] for item in monitored if item.level == level)
            for level in bands
        },
        "by_bus": by_bus,
    }


def _bus_voltage(item: Monitored, vm_pu: Floats, step_h: float) -> dict[str, Any]:
    known = vm_pu[np.isfinite(vm_pu)]
    low, high = int((known < item.band.low_pu).sum()), int((known > item.band.high_pu).sum())
    return {
        "monitored_hours": whole_number(len(known) * step_h),
        "low_hours": whole_number(low * step_h),
        "high_hours": whole_number(high * step_h),
        "rate": share(len(known) - low - high, len(known)),
        "low_rate": share(low, len(known)),
        "high_rate": share(high, len(known)),
        "weight_mw": item.weight_mw,
        "min_pu": number(known.min()) if known.size else None,
        "max_pu": number(known.max()) if known.size else None,
    }


def _compliance(rows: Iterable[dict[str, Any]]) -> dict[str, float | None]:
    """Return the shares of monitored bus hours within, below and above the limits; ``None`` without any."""
    members = tuple(rows)
    found: dict[str, float | None] = {}
    for prefix, weights in (("", [1.0] * len(members)), ("load_weighted_", [row["weight_mw"] for row in members])):
        pairs = tuple(zip(members, weights, strict=True))
        whole = sum(row["monitored_hours"] * weight for row, weight in pairs)
        low, high = (sum(row[key] * weight for row, weight in pairs) for key in ("low_hours", "high_hours"))
        found[f"{prefix}rate"] = share(whole - low - high, whole)
        found[f"{prefix}low_rate"], found[f"{prefix}high_rate"] = share(low, whole), share(high, whole)
    return found


def _losses(outcome: Outcome, ac_mw: Floats) -> dict[str, Any]:
    """AC losses of the solved hours, and how far the dispatch's own estimate was off in the same hours."""
    solved, step_h = outcome.flow.solved, outcome.case.time.step_h
    estimate_mw = outcome.dispatch.loss_mw[solved]
    powers = system_powers_mw(outcome)
    given_mw = np.sum([powers[name][solved] for name in (*TECHS, "discharge")], axis=0)
    return {
        "gwh": gwh(ac_mw, step_h),
        "of_hours": whole_number(int(solved.sum()) * step_h),
        "share_of_generation": share(float(ac_mw.sum()), float(given_mw.sum())),
        "max_mw": _largest(ac_mw),
        "dispatch_estimate_gwh": gwh(estimate_mw, step_h),
        "estimate_minus_ac_gwh": gwh(estimate_mw - ac_mw, step_h),
        "max_difference_mw": _largest(estimate_mw - ac_mw),
    }


def _slack(outcome: Outcome) -> dict[str, Any]:
    """Return what the boundary nodes had to add (+) or take (−) because the schedule's loss was an estimate."""
    flow, model, step_h = outcome.flow, outcome.model, outcome.case.time.step_h
    slack_mw = flow.slack_mw[flow.solved]
    total_mw = slack_mw.sum(axis=1)
    return {
        "net_gwh": gwh(total_mw, step_h),
        "absolute_gwh": gwh(np.abs(total_mw), step_h),
        "max_mw": _largest(total_mw),
        "by_bus_gwh": {
            model.buses[bus]: gwh(slack_mw[:, column], step_h) for column, bus in enumerate(model.slack_bus)
        },
    }


def _worst_hours(outcome: Outcome, ac_loss_mw: Floats) -> dict[str, Any]:
    """Return the hours that an engineer would look at first; those of the network among the solved ones."""
    powers, flow, stamps = system_powers_mw(outcome), outcome.flow, outcome.case.time.starts()
    solved = stamps[flow.solved]
    monitored = monitored_buses(outcome)
    names = tuple(item.bus.bus_id for item in monitored)
    vm_pu = flow.vm_pu[flow.solved][:, [item.column for item in monitored]]
    return {
        "highest_curtailment": worst_of(curtailed_mw(powers), stamps, "mw"),
        "highest_residual_load": worst_of(residual_load_mw(powers), stamps, "mw"),
        "highest_unserved": worst_of(powers["unserved"], stamps, "mw"),
        "highest_loading": worst_of(flow.loading[flow.solved], solved, "loading", outcome.model.branches),
        "lowest_voltage": lowest_of(vm_pu, solved, "vm_pu", names),
        "highest_voltage": worst_of(vm_pu, solved, "vm_pu", names),
        "largest_loss": worst_of(ac_loss_mw, solved, "mw"),
    }


def worst_of(values: Floats, stamps: Any, unit: str, things: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """Return when (and, for a matrix, where) the largest finite value is, or ``None`` when there is none."""
    known: npt.NDArray[np.float64] = np.where(np.isfinite(values), values, -np.inf)
    if known.size == 0 or not np.isfinite(known).any():
        return None
    place = np.unravel_index(int(known.argmax()), known.shape)
    found: dict[str, Any] = {"time": stamps[int(place[0])].isoformat(), unit: float(values[place])}
    return found | ({"name": things[int(place[1])]} if things else {})


def lowest_of(values: Floats, stamps: Any, unit: str, things: tuple[str, ...]) -> dict[str, Any] | None:
    """Return when and where the smallest finite value is, or ``None`` when there is none."""
    found = worst_of(-values, stamps, unit, things)
    return found if found is None else found | {unit: -found[unit]}


def _largest(values: npt.NDArray[Any]) -> float | None:
    """Return the largest absolute finite value, or ``None`` when there is none."""
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size else None
