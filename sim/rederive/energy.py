"""The hours of a run → energies once more: generation, curtailment, use, storage, response, reliability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sim.rederive.hours import TECHS, Hours, dispatch_residual_mw


def energy_again(h: Hours) -> dict[str, Any]:
    """Return energies by technology, month and county, GWh."""
    names = (
        "discharge",
        "charge",
        "unserved",
        "shed",
        "shift_down",
        "shift_up",
        "load",
        "flexible",
        "export",
        "loss",
    )
    return {
        "hours": len(h.system) * h.step_h,
        "generation": _by_tech(h, h.net_gwh),
        "generation_gross": _by_tech(h, h.gross_gwh),
        **{name: h.gwh(h.system[f"{name}_mw"]) for name in (*names, "export_contract")},
        "hydro_spilled": sum(h.each_gwh(h.run.quantity("plants", "spilled_mw")).values()),
        "balance": {"max_residual_mw": dispatch_residual_mw(h.system).abs().max()},
        "by_month": _by_month(h),
        "by_county": _by_county(h),
    }


def _by_tech(h: Hours, of_plants: Mapping[str, float], county: str | None = None) -> dict[str, float]:
    parts = {tech: sum(of_plants[name] for name in h.of(tech, county)) for tech in TECHS}
    return parts | {"total": sum(parts.values())}


def _by_month(h: Hours) -> dict[str, dict[str, float]]:
    kinds = (*TECHS, "wind_available", "pv_available", "load", "export")
    frame = h.system[[f"{kind}_mw" for kind in kinds]].rename(columns=lambda name: name.removesuffix("_mw"))
    months = pd.DatetimeIndex(frame.index).strftime("%Y-%m")
    sums = frame.groupby(months).sum() * h.step_h / 1000.0
    return {str(month): {kind: float(sums.loc[month, kind]) for kind in kinds} for month in sums.index}


def _by_county(h: Hours) -> dict[str, dict[str, float]]:
    loads = _load_by_county(h)
    counties = {row["county"] for row in h.plants.values()} | set(loads)
    return {county: _by_tech(h, h.net_gwh, county) | {"load": loads.get(county, 0.0)} for county in counties}


def _load_by_county(h: Hours) -> dict[str, float]:
    """Sum the loads by county; the buses' file has them by bus, and the loads at a bus belong to one county."""
    county_of = {row["bus_id"]: row["county"] for row in h.static["loads"].values()}
    totals: dict[str, float] = {}
    for bus, energy in h.each_gwh(h.run.quantity("buses", "load_mw")).items():
        totals[county_of[bus]] = totals.get(county_of[bus], 0.0) + energy
    return totals


def curtailed(h: Hours, names: list[str]) -> dict[str, float | None]:
    """Return what some plants curtailed, GWh, and as a share of what was available."""
    available = sum(h.available_gwh[name] for name in names)
    lost = sum(h.available_gwh[name] - h.net_gwh[name] for name in names)
    return {"gwh": lost, "available_gwh": available, "rate": lost / available if available > 0 else None}


def _curtailed_by_tech(h: Hours, county: str | None = None) -> dict[str, Any]:
    parts = {tech: curtailed(h, h.of(tech, county)) for tech in ("wind", "pv")}
    return parts | {"total": curtailed(h, h.renewables(county))}


def curtailment_again(h: Hours) -> dict[str, Any]:
    """Return what was curtailed, by technology, plant and county."""
    counties = {h.plants[name]["county"] for name in h.renewables()}
    clipped = {name: {"clipped_gwh": h.plants[name]["clipped_gwh"]} for name in h.renewables()}
    return {
        **_curtailed_by_tech(h),
        "by_plant": {name: curtailed(h, [name]) | clipped[name] for name in h.renewables()},
        "by_county": {county: _curtailed_by_tech(h, county) for county in counties},
    }


def utilisation_again(h: Hours) -> dict[str, Any]:
    """Return shares in use, full-load hours, starts, and how fast coal ramps."""
    lost = {tech: row["rate"] for tech, row in _curtailed_by_tech(h).items()}
    rates = {tech: None if rate is None else 1.0 - rate for tech, rate in lost.items()}
    counties = {row["county"] for row in h.plants.values()}
    starts = h.run.quantity("plants", "starts_count").sum()
    change = h.net[h.of("coal")].sum(axis=1).diff().dropna() / h.step_h
    return {
        "all_causes": rates,
        "system_causes": rates,
        "period_h": len(h.system) * h.step_h,
        "full_load_hours": {
            "by_tech": _full_load_by_tech(h),
            "by_plant": {name: _full_load_hours(h, [name]) for name in h.plants},
            "by_county": {county: _full_load_by_tech(h, county) for county in counties},
        },
        "starts_by_plant": {str(name): float(count) for name, count in starts.items()},
        "coal_ramps_mw_per_h": {
            "up": max(float(change.max()), 0.0),
            "down": max(-float(change.min()), 0.0),
            "usual": float(change.abs().quantile(0.99)),
        },
    }


def _full_load_by_tech(h: Hours, county: str | None = None) -> dict[str, float | None]:
    return {tech: _full_load_hours(h, h.of(tech, county)) for tech in TECHS}


def _full_load_hours(h: Hours, names: list[str]) -> float | None:
    capacity = capacity_mw(h, names)
    return 1000.0 * sum(h.gross_gwh[name] for name in names) / capacity if capacity > 0 else None


def capacity_mw(h: Hours, names: list[str]) -> float:
    """Return the capacity of some plants together, MW."""
    return float(sum(h.plants[name]["capacity_mw"] for name in names))


def storage_again(h: Hours) -> dict[str, Any]:
    """Return what storage took and gave, GWh, and its cycles."""
    charge = h.each_gwh(h.run.quantity("plants", "charge_mw"))
    discharge = h.each_gwh(h.run.quantity("plants", "discharge_mw"))
    rows = h.static["storages"]
    content = {name: row["discharge_efficiency"] * row["energy_mwh"] for name, row in rows.items()}
    each = {name: _use(charge[name], discharge[name], content[name]) for name in rows}
    return _use(sum(charge.values()), sum(discharge.values()), sum(content.values())) | {"by_storage": each}


def _use(charge: float, discharge: float, content_mwh: float) -> dict[str, float | None]:
    cycles = 1000.0 * discharge / content_mwh if content_mwh > 0 else None
    return {"charge_gwh": charge, "discharge_gwh": discharge, "loss_gwh": charge - discharge, "cycles": cycles}


def demand_response_again(h: Hours) -> dict[str, Any]:
    """Return what was shed, moved, and taken by flexible loads."""
    shed, up, down = (h.system[name] for name in ("shed_mw", "shift_up_mw", "shift_down_mw"))
    return {
        "shed_gwh": h.gwh(shed),
        "shed_hours": h.hours(shed > 1e-6),
        "shed_max_mw": shed.max(),
        "shift_up_gwh": h.gwh(up),
        "shift_down_gwh": h.gwh(down),
        "shift_hours": h.hours(up + down > 1e-6),
        "flexible_gwh": h.gwh(h.system["flexible_mw"]),
        "flexible": {name: flexible_use(h, name, row) for name, row in h.static["flexible_loads"].items()},
        "blocks": {name: _block_use(h, called) for name, called in h.called()},
    }


def _block_use(h: Hours, called: pd.Series) -> dict[str, float]:
    return {"gwh": h.gwh(called), "hours": h.hours(called > 1e-6), "max_mw": called.max()}


def flexible_use(h: Hours, name: str, row: Mapping[str, Any]) -> dict[str, float]:
    """Return the energies of a flexible load, day by day, GWh."""
    taken = h.run.quantity("plants", "consumption_mw")[name]
    cut = (row["minimum_mw"] - taken).clip(lower=0.0)
    cut = cut.where(cut > 1e-6, 0.0)
    more = taken + cut - row["power_mw"] * row["target_h_per_day"] / 24.0
    daily = more.groupby(pd.DatetimeIndex(more.index).date).sum()
    return {
        "gwh": h.gwh(taken),
        "target_gwh": h.gwh(taken + cut - more),
        "missed_gwh": h.gwh(-daily.clip(upper=0.0)),
        "beyond_gwh": h.gwh(daily.clip(lower=0.0)),
        "cut_gwh": h.gwh(cut),
        "full_load_hours": 1000.0 * h.gwh(taken) / row["power_mw"],
    }


def reliability_again(h: Hours) -> dict[str, Any]:
    """Return what went unserved, and coal below its minimum."""
    unserved, below = h.system["unserved_mw"], h.system["below_minimum_mw"]
    eens, load = 1000.0 * h.gwh(unserved), 1000.0 * h.gwh(h.system["load_mw"])
    lost = eens / load if load > 0 else None
    return {
        "eens_mwh": eens,
        "unserved_hours": h.hours(unserved > 1e-6),
        "unserved_ppm": None if lost is None else 1e6 * lost,
        "bulk_equivalent_reliability_percent": None if lost is None else 100.0 * (1.0 - lost),
        "bulk_equivalent_outage_h": None if lost is None else lost * len(h.system) * h.step_h,
        "coal_below_minimum_hours": h.hours(below > 1e-6),
        "coal_below_minimum_mwh": 1000.0 * h.gwh(below),
    }
