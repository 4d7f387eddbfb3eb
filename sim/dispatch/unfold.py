"""Values of the linear programme → ``DispatchResult``: columns are powers of things again."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from scenarios.records import Bools, Floats, Ints
from sim.dispatch import settle
from sim.dispatch.columns import load_share, moved_share
from sim.dispatch.commitment import Commitment, start_cost_cny
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.programme import Programme
from sim.dispatch.rows import COAL_KINDS
from sim.dispatch.settle import Schedule


def unfold(plan: Programme, commitment: Commitment, values: Floats, price: Floats) -> DispatchResult:
    """Return the result of ``values`` [hours × columns], MW and MWh; ``price`` [hours] in CNY/MWh of load."""
    case = plan.case
    part = {name: values[:, columns] for name, columns in plan.at.items()}
    schedule = _schedule(case, part)
    hydro = part["must_run"] + part["water"]
    taken = case.flexible.power_mw - schedule.without_mw
    less, moved = part["export_down"] + part["export_cut"], _moved_share(plan)
    draft = {
        "coal_mw": sum(part[kind] for kind in COAL_KINDS if kind in part),
        "hydro_mw": hydro,
        "hydro_spilled_mwh": np.maximum(case.hydro_budget_mwh - _by_day(plan, hydro), 0.0),
        "renewable_mw": part["renewables"],
        "shed_mw": part["shed"] + schedule.called_mw.sum(axis=1, keepdims=True) * moved,
        "called_mw": schedule.called_mw,
        "shift_up_mw": schedule.shift_up_mw[:, None] * moved,
        "shift_down_mw": schedule.shift_down_mw[:, None] * moved,
        "unserved_mw": part["unserved"],
        "export_mw": np.maximum(case.export_mw + part["export_up"] - less, 0.0),
        "flexible_mw": np.maximum(taken - part.get("flexible_cut", 0.0), 0.0),
        "loss_mw": case.loss_mw - part["relief"][:, 0],
        "below_minimum_mw": (plan.upper[:, plan.at["coal_low"]] - part["coal_low"]).sum(axis=1),
        "price_cny_per_mwh": price,
    }
    result = DispatchResult(
        time=case.time,
        coal=case.coal,
        hydros=case.hydros,
        renewables=case.renewables,
        storages=case.storages,
        loads=case.loads,
        channels=case.channels,
        flexibles=case.flexibles,
        calls=case.calls.names,
        coal_units_on=commitment.units_on,
        coal_starts=commitment.starts,
        charge_mw=schedule.charge_mw,
        discharge_mw=schedule.discharge_mw,
        stored_mwh=schedule.stored_mwh,
        cost_cny=(),
        **draft,
    )
    return replace(result, cost_cny=cost_parts(case, result, start_cost_cny(case, commitment)))


def cost_parts(case: DispatchCase, result: DispatchResult, starts_cny: float) -> tuple[tuple[str, float], ...]:
    """Return the operating cost of a result by part, CNY, from its powers alone; starts are given."""
    schedule = Schedule(
        hydro_mw=np.maximum(result.hydro_mw - case.hydro_minimum_mw[case.time.day], 0.0),
        charge_mw=result.charge_mw,
        discharge_mw=result.discharge_mw,
        stored_mwh=result.stored_mwh,
        shift_up_mw=result.shift_up_mw.sum(axis=1),
        shift_down_mw=result.shift_down_mw.sum(axis=1),
        sent_mw=result.export_mw,
        without_mw=case.flexible.power_mw - result.flexible_mw,
        called_mw=result.called_mw,
    )
    return settle.cost_parts(case, result, schedule, starts_cny)


def _schedule(case: DispatchCase, part: dict[str, Floats]) -> Schedule:
    # Both ways at once is forbidden; what is left of it is rounding below 1e-6 MW.
    idle = np.minimum(part["charge"], part["discharge"])
    moved = np.minimum(part["shift_up"], part["shift_down"])[:, 0]
    return Schedule(
        hydro_mw=part["water"],
        charge_mw=part["charge"] - idle,
        discharge_mw=part["discharge"] - idle,
        stored_mwh=part["level"],
        shift_up_mw=part["shift_up"][:, 0] - moved,
        shift_down_mw=part["shift_down"][:, 0] - moved,
        sent_mw=case.export_mw,
        without_mw=part.get("without", np.zeros((len(moved), 0))),
        called_mw=part.get("called", np.zeros((len(moved), 0))),
    )


def _moved_share(plan: Programme) -> Floats:
    """Return whose load is moved [hours × loads]: by the load of the step; with rows, in constant proportion."""
    return moved_share(plan.case)[None, :] if plan.limits.rows else load_share(plan.case)


def _by_day(plan: Programme, power_mw: Floats) -> Floats:
    energy = np.zeros_like(plan.case.hydro_budget_mwh)
    np.add.at(energy, plan.case.time.day, power_mw * plan.case.time.step_h)
    return energy


def spliced(result: DispatchResult, anew: DispatchResult, steps: Bools, days: Ints) -> DispatchResult:
    """Return ``result`` with some steps and days taken from ``anew``."""
    chosen = {"hours": steps, "days": np.isin(np.arange(len(result.hydro_spilled_mwh)), days)}
    parts = {}
    for item in fields(result):
        axis = item.metadata.get("axes", ("",))[0]
        if axis in chosen:
            old, new = getattr(result, item.name), getattr(anew, item.name)
            which = chosen[axis].reshape(-1, *(1,) * (old.ndim - 1))
            parts[item.name] = np.where(which, new, old)
    return replace(result, **parts)
