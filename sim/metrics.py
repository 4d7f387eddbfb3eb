"""One simulated year → the figures an engineer asks for, as plain types that JSON can hold.

    Outcome  →  {energy_gwh, curtailment, utilisation, storage, demand_response,
                 network, reliability, emissions, cost, plan}

Energies come from the dispatch of all hours, figures of the network from the hours that the power flow solved
(their number stands beside them). A rate without a denominator is ``None``, never 0. ``sim.verify`` derives every
figure a second time from the hourly files by code of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from scenarios.records import Floats
from sim import accounts as acc
from sim.absorption.figures import cause_figures
from sim.accounts import MWH_PER_GWH, NEGLIGIBLE_MW, RENEWABLES, TECHS, PlantAccount, gwh, share, whole_number
from sim.dispatch.response import flexible_cut_mw, flexible_surplus_mwh
from sim.outcome import Outcome
from sim.plan import plan_targets
from sim.wires import BALANCE_TOLERANCE_MW, network_metrics, require_small

PENALTIES = ("unserved", "curtailment", "export_cut", "ranking", "reserve", "ramps", "export_balance")
"""Parts of the cost that only rank the last ways out, or price missed rules; nobody pays them."""
SAME_BASES = "every simulated cause lies in the system, as plant outages are not simulated: both bases are the same"
BULK_EQUIVALENT = (
    "transmission-level equivalents from unserved load (EENS / mean load): there are no customers, no distribution "
    "network and no random outages in this figure"
)
PPM = 1e6
PERCENT = 100.0


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Return the ``metrics`` of a run.

    Raises ``InvariantError`` when an hour's dispatch or power flow does not add up.
    """
    plants = acc.plant_accounts(outcome)
    powers = acc.system_powers_mw(outcome)
    metrics = {
        "energy_gwh": energy(outcome, plants, powers),
        "curtailment": curtailment(plants) | cause_figures(outcome.scenario, outcome.causes),
        "utilisation": utilisation(outcome, plants),
        "storage": storage(outcome),
        "demand_response": demand_response(outcome, powers),
        "network": network_metrics(outcome),
        "reliability": reliability(outcome, powers),
        "emissions": emissions(plants),
        "cost": cost(outcome, powers),
    }
    return metrics | {"plan": plan_targets(outcome, metrics)}


def energy(outcome: Outcome, plants: tuple[PlantAccount, ...], powers: Mapping[str, Floats]) -> dict[str, Any]:
    """Return the energy balance of the period, GWh: system, months and counties."""
    step_h = outcome.case.time.step_h
    flows = ("discharge", "charge", "unserved", "shed", "shift_down", "shift_up", "load", "flexible", "export")
    return {
        "hours": whole_number(outcome.case.time.hours),
        "generation": _by_tech(plants, "generation_gwh"),
        "generation_gross": _by_tech(plants, "gross_gwh"),
        **{name: gwh(powers[name], step_h) for name in (*flows, "export_contract", "loss")},
        "hydro_spilled": sum(plant.spilled_gwh for plant in plants),
        "balance": _dispatch_balance(outcome, powers),
        "by_month": _by_month(outcome, powers),
        "by_county": _by_county(outcome, plants),
    }


def _by_tech(plants: Iterable[PlantAccount], field: str) -> dict[str, float]:
    sums = {tech: float(sum(getattr(a, field) for a in acc.of_tech(plants, tech))) for tech in TECHS}
    return sums | {"total": sum(sums.values())}


def _dispatch_balance(outcome: Outcome, powers: Mapping[str, Floats]) -> dict[str, Any]:
    residual_mw = acc.balance_residual_mw(powers)
    require_small("dispatch", residual_mw, BALANCE_TOLERANCE_MW, outcome.case.time.starts())
    return {"max_residual_mw": float(np.abs(residual_mw).max()), "tolerance_mw": BALANCE_TOLERANCE_MW}


def _by_month(outcome: Outcome, powers: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    time = outcome.case.time
    kinds = (*TECHS, "wind_available", "pv_available", "load", "export")
    return {
        f"{outcome.scenario.year}-{month:02d}": {
            kind: gwh(powers[kind][time.month == month], time.step_h) for kind in kinds
        }
        for month in sorted(set(time.month.tolist()))
    }


def _by_county(outcome: Outcome, plants: tuple[PlantAccount, ...]) -> dict[str, dict[str, float]]:
    counties = acc.by_county(plants)
    loads = acc.load_gwh_by_county(outcome.scenario, outcome.case)
    return {
        county: _by_tech(counties.get(county, ()), "generation_gwh") | {"load": loads.get(county, 0.0)}
        for county in {**counties, **loads}
    }


def curtailment(plants: tuple[PlantAccount, ...]) -> dict[str, Any]:
    """Return curtailed energy and its rate (curtailed / available) by technology, plant and county."""
    renewables = acc.of_tech(plants, *RENEWABLES)
    return {
        **_curtailed_by_tech(renewables),
        "by_plant": {
            account.plant.plant_id: _curtailed((account,)) | {"clipped_gwh": account.clipped_gwh}
            for account in renewables
        },
        "by_county": {county: _curtailed_by_tech(members) for county, members in acc.by_county(renewables).items()},
    }


def _curtailed_by_tech(accounts: tuple[PlantAccount, ...]) -> dict[str, Any]:
    return {tech: _curtailed(acc.of_tech(accounts, tech)) for tech in RENEWABLES} | {"total": _curtailed(accounts)}


def _curtailed(accounts: Iterable[PlantAccount]) -> dict[str, float | None]:
    members = tuple(accounts)
    available = float(sum(account.available_gwh or 0.0 for account in members))
    curtailed = float(sum(account.curtailed_gwh for account in members))
    return {"gwh": curtailed, "available_gwh": available, "rate": share(curtailed, available)}


def utilisation(outcome: Outcome, plants: tuple[PlantAccount, ...]) -> dict[str, Any]:
    """Return utilisation rates (accepted / available) on both official bases, and full-load hours.

    Full-load hours (利用小时) are gross generation / installed capacity over the simulated period of ``period_h``.
    """
    rates = {tech: _utilisation(acc.of_tech(plants, tech)) for tech in RENEWABLES}
    rates["total"] = _utilisation(acc.of_tech(plants, *RENEWABLES))
    return {
        "all_causes": rates,
        "system_causes": dict(rates),
        "note": SAME_BASES,
        "period_h": whole_number(outcome.case.time.hours),
        "full_load_hours": {
            "by_tech": {tech: _full_load_hours(acc.of_tech(plants, tech)) for tech in TECHS},
            "by_plant": {account.plant.plant_id: _full_load_hours((account,)) for account in plants},
            "by_county": {
                county: {tech: _full_load_hours(acc.of_tech(members, tech)) for tech in TECHS}
                for county, members in acc.by_county(plants).items()
            },
        },
        "starts_by_plant": {a.plant.plant_id: a.starts for a in acc.of_tech(plants, "coal")},
        "coal_ramps_mw_per_h": ramps(outcome.dispatch.coal_mw.sum(axis=1), outcome.case.time.step_h),
    }


USUAL_RAMP = 99.0
"""Per cent of the steps in which the fleet changes no faster than usual."""


def ramps(power_mw: Floats, step_h: float) -> dict[str, float]:
    """Return how fast a power rises and falls at most, and in 99 % of the steps, MW per hour."""
    change = np.diff(power_mw) / step_h if len(power_mw) > 1 else np.zeros(1)
    return {
        "up": float(max(change.max(), 0.0)),
        "down": float(max(-change.min(), 0.0)),
        "usual": float(np.percentile(np.abs(change), USUAL_RAMP)),
    }


def _utilisation(accounts: tuple[PlantAccount, ...]) -> float | None:
    rate = _curtailed(accounts)["rate"]
    return None if rate is None else 1.0 - rate


def _full_load_hours(accounts: tuple[PlantAccount, ...]) -> float | None:
    energy_mwh = sum(account.gross_gwh for account in accounts) * MWH_PER_GWH
    return share(energy_mwh, sum(account.plant.capacity_mw for account in accounts))


def storage(outcome: Outcome) -> dict[str, Any]:
    """Return the use of storage; a cycle is the energy content drawn once: Σ discharge / efficiency / content."""
    result, step_h = outcome.dispatch, outcome.case.time.step_h
    by_storage = {
        item.storage_id: _storage_use(
            gwh(result.charge_mw[:, k], step_h),
            gwh(result.discharge_mw[:, k], step_h),
            item.discharge_efficiency * item.energy_mwh,
        )
        for item in outcome.scenario.storages
        for k in [result.storages.index(item.storage_id)]
    }
    charge, discharge = (
        sum(row[key] or 0.0 for row in by_storage.values()) for key in ("charge_gwh", "discharge_gwh")
    )
    content = sum(item.discharge_efficiency * item.energy_mwh for item in outcome.scenario.storages)
    return _storage_use(charge, discharge, content) | {"by_storage": by_storage}


def _storage_use(charge_gwh: float, discharge_gwh: float, deliverable_mwh: float) -> dict[str, float | None]:
    return {
        "charge_gwh": charge_gwh,
        "discharge_gwh": discharge_gwh,
        "loss_gwh": charge_gwh - discharge_gwh,
        "cycles": share(discharge_gwh * MWH_PER_GWH, deliverable_mwh),
    }


def demand_response(outcome: Outcome, powers: Mapping[str, Floats]) -> dict[str, Any]:
    """Return how much load was shed and shifted, and in how many hours; what flexible loads took."""
    step_h = outcome.case.time.step_h
    return {
        "shed_gwh": gwh(powers["shed"], step_h),
        "shed_hours": _active_hours(powers["shed"], step_h),
        "shed_max_mw": float(powers["shed"].max()),
        "shift_up_gwh": gwh(powers["shift_up"], step_h),
        "shift_down_gwh": gwh(powers["shift_down"], step_h),
        "shift_hours": _active_hours(powers["shift_up"] + powers["shift_down"], step_h),
        "flexible_gwh": gwh(powers["flexible"], step_h),
        "flexible": _flexible(outcome),
        "blocks": _blocks(outcome),
    }


def _blocks(outcome: Outcome) -> dict[str, dict[str, float | int]]:
    """Return what each block on call shed: energy, hours, most at once."""
    result, step_h = outcome.dispatch, outcome.case.time.step_h
    return {
        name: {
            "gwh": gwh(result.called_mw[:, k], step_h),
            "hours": _active_hours(result.called_mw[:, k], step_h),
            "max_mw": float(result.called_mw[:, k].max()),
        }
        for k, name in enumerate(result.calls)
    }


def _flexible(outcome: Outcome) -> dict[str, dict[str, float | None]]:
    """Return the energies of each flexible load: taken, asked by its target, missed, beyond it, and cut, GWh."""
    case, result = outcome.case, outcome.dispatch
    step_h, surplus_mwh = case.time.step_h, flexible_surplus_mwh(case, result)
    cut_mw = flexible_cut_mw(case, result)
    return {
        name: {
            "gwh": gwh(result.flexible_mw[:, k], step_h),
            "target_gwh": float(case.flexible.target_mw[k]) * case.time.hours / MWH_PER_GWH,
            "missed_gwh": float(np.maximum(-surplus_mwh[:, k], 0.0).sum()) / MWH_PER_GWH,
            "beyond_gwh": float(np.maximum(surplus_mwh[:, k], 0.0).sum()) / MWH_PER_GWH,
            "cut_gwh": gwh(cut_mw[:, k], step_h),
            "full_load_hours": share(float(result.flexible_mw[:, k].sum()) * step_h, case.flexible.power_mw[k]),
        }
        for k, name in enumerate(case.flexibles)
    }


def _active_hours(power_mw: Floats, step_h: float) -> float | int:
    return whole_number(float((power_mw > NEGLIGIBLE_MW).sum()) * step_h)


def reliability(outcome: Outcome, powers: Mapping[str, Floats]) -> dict[str, Any]:
    """Return unserved energy and its bulk equivalents.

    供电可靠率 RS-1 = 1 − 用户平均停电时间 / 统计期间时间 (DL/T 836) counts customers; without customers the
    load-weighted equivalent is EENS / mean load, and it is named an equivalent.
    """
    step_h, hours = outcome.case.time.step_h, outcome.case.time.hours
    eens_mwh = gwh(powers["unserved"], step_h) * MWH_PER_GWH
    load_mwh = gwh(powers["load"], step_h) * MWH_PER_GWH
    lost = share(eens_mwh, load_mwh)
    return {
        "eens_mwh": eens_mwh,
        "unserved_hours": _active_hours(powers["unserved"], step_h),
        "unserved_ppm": None if lost is None else lost * PPM,
        "bulk_equivalent_reliability_percent": None if lost is None else (1.0 - lost) * PERCENT,
        "bulk_equivalent_outage_h": None if lost is None else lost * hours,
        "bulk_equivalent_note": BULK_EQUIVALENT,
        "coal_below_minimum_hours": _active_hours(powers["below_minimum"], step_h),
        "coal_below_minimum_mwh": gwh(powers["below_minimum"], step_h) * MWH_PER_GWH,
    }


def emissions(plants: tuple[PlantAccount, ...]) -> dict[str, Any]:
    """Return CO2 and coal use of the region's plants (technology factors × net energy; starts not included)."""
    co2_t = sum(account.co2_t for account in plants)
    net_mwh = sum(account.generation_gwh for account in plants) * MWH_PER_GWH
    return {
        "co2_t": co2_t,
        "coal_tce": sum(account.coal_tce for account in plants),
        "co2_kg_per_mwh": None if net_mwh <= 0 else co2_t * acc.KG_PER_T / net_mwh,
        "by_plant": {
            account.plant.plant_id: {"co2_t": account.co2_t, "coal_tce": account.coal_tce}
            for account in acc.of_tech(plants, "coal")
        },
    }


def cost(outcome: Outcome, powers: Mapping[str, Floats]) -> dict[str, Any]:
    """Return the cost of operation by part, CNY; ``total_cny`` includes the model's penalty prices."""
    parts = {name: float(value) for name, value in outcome.dispatch.cost_cny}
    total = sum(parts.values())
    penalty = sum(parts.get(name, 0.0) for name in PENALTIES)
    sent_mwh = gwh(powers["load"] + powers["flexible"] + powers["export"], outcome.case.time.step_h) * MWH_PER_GWH
    return {
        "total_cny": total,
        "penalty_cny": penalty,
        "operating_cny": total - penalty,
        "operating_cny_per_mwh": share(total - penalty, sent_mwh),
        "parts_cny": parts,
        "mean_price_cny_per_mwh": float(outcome.dispatch.price_cny_per_mwh.mean()),
    }
