"""A run folder → its metrics once more, from the hourly files and the static part of ``run.json`` alone.

``sim.metrics`` sums numpy records of the stages; here pandas works on what was written, and losses come from the
flows at both ends of the branches, not from voltages. Nothing of ``sim.metrics``, ``sim.accounts`` or ``sim.wires``
is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from grid.model import FlowStatus
from sim.runs import RunRecord

RELATIVE = 1e-9
ABSOLUTE = 1e-6
"""A figure agrees within ``RELATIVE`` of its size or within ``ABSOLUTE`` of its unit (1 kWh for GWh)."""
WANTED = ("bijie_demand_response", "bijie_500kv_transformer", "bijie_500kv_lines")
"""Targets written as ``about`` which more than that meets as well."""
TECHS = ("coal", "hydro", "wind", "pv")


def agree(stored: Any, rederived: Any, figure: str = "") -> bool:
    """Whether two values are the same: texts exactly, numbers within the tolerance, ``None`` only with ``None``."""
    if isinstance(stored, str) or stored is None or rederived is None or isinstance(rederived, str):
        return bool(stored == rederived)
    absolute = 0.0 if figure.endswith("mismatch_pu") else ABSOLUTE
    return math.isclose(stored, rederived, rel_tol=RELATIVE, abs_tol=absolute)


class Hours:
    """The frames of a run, the rows of its plants, and their energies in GWh."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run
        self.static = run.static
        self.step_h = run.step_h
        self.system = run.hourly("system")
        self.net = run.quantity("plants", "generation_mw")
        self.available = run.quantity("plants", "available_mw")
        self.solved = self.system["flow_status"] <= int(FlowStatus.SOLVED_BY_FALLBACK)
        self.plants: dict[str, dict[str, Any]] = {str(name): self.static["plants"][name] for name in self.net}
        self.net_gwh = self.each_gwh(self.net)
        self.gross_gwh = {name: value * _gross_per_net(self.plants[name]) for name, value in self.net_gwh.items()}
        self.available_gwh = self.each_gwh(self.available)

    def gwh(self, power_mw: pd.Series) -> float:
        """Return the energy of a series, GWh."""
        return float(power_mw.sum()) * self.step_h / 1000.0

    def each_gwh(self, power_mw: pd.DataFrame) -> dict[str, float]:
        """Return the energy of every column, GWh."""
        return {str(name): float(value) * self.step_h / 1000.0 for name, value in power_mw.sum().items()}

    def hours(self, flags: pd.Series) -> float:
        """Return how long a condition held, h."""
        return float(flags.sum()) * self.step_h

    def of(self, tech: str, county: str | None = None) -> list[str]:
        """Return the plants of a technology, in one county or in all."""
        rows = self.plants.items()
        return [name for name, row in rows if row["tech"] == tech and county in (None, row["county"])]

    def called(self) -> Iterator[tuple[str, pd.Series]]:
        """Yield the blocks of shedding on call, and what each shed, MW."""
        for name in self.static["shed_blocks"]:
            yield name, self.run.quantity("plants", "called_mw")[name]

    def renewables(self, county: str | None = None) -> list[str]:
        """Return the wind and PV plants, in one county or in all."""
        return [*self.of("wind", county), *self.of("pv", county)]


def _gross_per_net(plant: Mapping[str, Any]) -> float:
    """Return gross per net generation: own use is counted for coal only."""
    return 1.0 / (1.0 - plant["aux_pu"]) if plant["tech"] == "coal" else 1.0


def rederive(run: RunRecord) -> dict[str, Any]:
    """Return the metrics once more, from the hourly files and the static part of ``run.json``."""
    h = Hours(run)
    again: dict[str, Any] = {
        "energy_gwh": _energy(h),
        "curtailment": _curtailment(h),
        "utilisation": _utilisation(h),
        "storage": _storage(h),
        "demand_response": _demand_response(h),
        "network": _network(h),
        "reliability": _reliability(h),
        "emissions": _emissions(h),
        "cost": _cost(h),
    }
    return again | {"plan": _plan(h, again)}


def _energy(h: Hours) -> dict[str, Any]:
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


def dispatch_residual_mw(system: pd.DataFrame) -> pd.Series:
    """Return what is given − what is taken in the system file, MW [hours]."""
    given = ["coal_mw", "hydro_mw", "wind_mw", "pv_mw", "discharge_mw", "unserved_mw", "shed_mw", "shift_down_mw"]
    taken = ["load_mw", "flexible_mw", "shift_up_mw", "export_mw", "charge_mw", "loss_mw"]
    return system[given].sum(axis=1) - system[taken].sum(axis=1)


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


def _curtailed(h: Hours, names: list[str]) -> dict[str, float | None]:
    available = sum(h.available_gwh[name] for name in names)
    lost = sum(h.available_gwh[name] - h.net_gwh[name] for name in names)
    return {"gwh": lost, "available_gwh": available, "rate": lost / available if available > 0 else None}


def _curtailed_by_tech(h: Hours, county: str | None = None) -> dict[str, Any]:
    parts = {tech: _curtailed(h, h.of(tech, county)) for tech in ("wind", "pv")}
    return parts | {"total": _curtailed(h, h.renewables(county))}


def _curtailment(h: Hours) -> dict[str, Any]:
    counties = {h.plants[name]["county"] for name in h.renewables()}
    clipped = {name: {"clipped_gwh": h.plants[name]["clipped_gwh"]} for name in h.renewables()}
    return {
        **_curtailed_by_tech(h),
        "by_plant": {name: _curtailed(h, [name]) | clipped[name] for name in h.renewables()},
        "by_county": {county: _curtailed_by_tech(h, county) for county in counties},
    }


def _utilisation(h: Hours) -> dict[str, Any]:
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
    capacity_mw = _capacity_mw(h, names)
    return 1000.0 * sum(h.gross_gwh[name] for name in names) / capacity_mw if capacity_mw > 0 else None


def _capacity_mw(h: Hours, names: list[str]) -> float:
    return float(sum(h.plants[name]["capacity_mw"] for name in names))


def _storage(h: Hours) -> dict[str, Any]:
    charge = h.each_gwh(h.run.quantity("plants", "charge_mw"))
    discharge = h.each_gwh(h.run.quantity("plants", "discharge_mw"))
    rows = h.static["storages"]
    content = {name: row["discharge_efficiency"] * row["energy_mwh"] for name, row in rows.items()}
    each = {name: _use(charge[name], discharge[name], content[name]) for name in rows}
    return _use(sum(charge.values()), sum(discharge.values()), sum(content.values())) | {"by_storage": each}


def _use(charge: float, discharge: float, content_mwh: float) -> dict[str, float | None]:
    cycles = 1000.0 * discharge / content_mwh if content_mwh > 0 else None
    return {"charge_gwh": charge, "discharge_gwh": discharge, "loss_gwh": charge - discharge, "cycles": cycles}


def _demand_response(h: Hours) -> dict[str, Any]:
    shed, up, down = (h.system[name] for name in ("shed_mw", "shift_up_mw", "shift_down_mw"))
    return {
        "shed_gwh": h.gwh(shed),
        "shed_hours": h.hours(shed > 1e-6),
        "shed_max_mw": shed.max(),
        "shift_up_gwh": h.gwh(up),
        "shift_down_gwh": h.gwh(down),
        "shift_hours": h.hours(up + down > 1e-6),
        "flexible_gwh": h.gwh(h.system["flexible_mw"]),
        "flexible": {name: _flexible_use(h, name, row) for name, row in h.static["flexible_loads"].items()},
        "blocks": {name: _block_use(h, called) for name, called in h.called()},
    }


def _block_use(h: Hours, called: pd.Series) -> dict[str, float]:
    return {"gwh": h.gwh(called), "hours": h.hours(called > 1e-6), "max_mw": called.max()}


def _flexible_use(h: Hours, name: str, row: Mapping[str, Any]) -> dict[str, float]:
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


def _reliability(h: Hours) -> dict[str, Any]:
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


def _emissions(h: Hours) -> dict[str, Any]:
    co2 = {name: 1000.0 * h.net_gwh[name] * row["co2_t_per_mwh"] for name, row in h.plants.items()}
    coal = {name: h.net_gwh[name] * row["coal_gce_per_kwh"] for name, row in h.plants.items()}  # GWh · g/kWh = t
    total_gwh = sum(h.net_gwh.values())
    return {
        "co2_t": sum(co2.values()),
        "coal_tce": sum(coal.values()),
        "co2_kg_per_mwh": sum(co2.values()) / total_gwh if total_gwh > 0 else None,
        "by_plant": {name: {"co2_t": co2[name], "coal_tce": coal[name]} for name in h.of("coal")},
    }


def _cost(h: Hours) -> dict[str, Any]:
    stored = h.run.metrics["cost"]["parts_cny"]
    rules = ("ranking", "reserve", "ramps", "export_balance")
    parts = _cost_by_energy(h) | {name: stored[name] for name in ("starts", *rules) if name in stored}
    if h.static["flexible_loads"]:
        parts["flexible"] = sum(_flexible_cny(h, name, row) for name, row in h.static["flexible_loads"].items())
    total = sum(parts.values())
    penalty = sum(parts.get(name, 0.0) for name in ("unserved", "curtailment", "export_cut", *rules))
    sent_mwh = 1000.0 * h.gwh(h.system["load_mw"] + h.system["flexible_mw"] + h.system["export_mw"])
    return {
        "total_cny": total,
        "penalty_cny": penalty,
        "operating_cny": total - penalty,
        "operating_cny_per_mwh": (total - penalty) / sent_mwh if sent_mwh > 0 else None,
        "parts_cny": parts,
        "mean_price_cny_per_mwh": h.system["price_cny_per_mwh"].mean(),
    }


def _flexible_cny(h: Hours, name: str, row: Mapping[str, Any]) -> float:
    use = _flexible_use(h, name, row)
    paid = float(use["missed_gwh"] * row["missed_cny_per_mwh"] - use["beyond_gwh"] * row["value_cny_per_mwh"])
    return 1000.0 * (paid + use["cut_gwh"] * float(h.static["prices"]["flexible_cut"]))


def _cost_by_energy(h: Hours) -> dict[str, float]:
    price = h.static["prices"]
    export, contract, low = (h.run.quantity("plants", q) for q in ("export_mw", "contract_mw", "band_low_mw"))
    energies = {
        "storage": h.system["charge_mw"] + h.system["discharge_mw"],
        "shed": h.system["shed_mw"],
        "shift": h.system["shift_up_mw"] + h.system["shift_down_mw"],
        "unserved": h.system["unserved_mw"],
        "export_up": (export - contract).clip(lower=0.0).sum(axis=1),
        "export_down": (contract - export.where(export > low, low)).clip(lower=0.0).sum(axis=1),
        "export_cut": (low - export).clip(lower=0.0).sum(axis=1),
    }
    parts = {name: 1000.0 * h.gwh(power) * price[name] for name, power in energies.items()}
    for name, called in h.called():
        dearer = h.static["shed_blocks"][name]["price_cny_per_mwh"] - price["shed"]
        parts["shed"] += 1000.0 * h.gwh(called) * dearer
    parts["coal"] = sum(1000.0 * h.net_gwh[name] * h.plants[name]["cost_cny_per_mwh"] for name in h.of("coal"))
    parts["coal"] += sum(_part_load_cny(h, name) for name in h.of("coal"))
    lost_gwh = _curtailed(h, h.renewables())["gwh"] or 0.0
    return parts | {"curtailment": 1000.0 * lost_gwh * price["curtailed"]}


def _part_load_cny(h: Hours, name: str) -> float:
    """Return what a coal plant costs beside its MWh at one price: running units, and more above the knee."""
    plant = h.plants[name]
    if "knee_pu" not in plant:
        return 0.0
    on = h.run.quantity("plants", "units_on_count")[name]
    unit_mw = plant["unit_mw"] * (1.0 - plant["aux_pu"])
    above = (h.net[name] - on * unit_mw * plant["knee_pu"]).clip(lower=0.0)
    dearer = plant["upper_cost_cny_per_mwh"] - plant["cost_cny_per_mwh"]
    return h.step_h * float(above.sum() * dearer + on.sum() * plant["no_load_cny_per_h"])


def _network(h: Hours) -> dict[str, Any]:
    status = h.system["flow_status"]
    loss = _branch_and_shunt_losses(h)
    return {
        "hours_solved": h.hours(h.solved),
        "hours_failed": h.hours(~h.solved),
        "by_status": {s.name.lower(): {"hours": h.hours(status == int(s))} for s in FlowStatus},
        "balance": _balance(h, loss),
        "loading": _loading(h),
        "voltage": _voltage(h),
        "losses": _losses(h, loss),
        "slack": _slack(h),
        "worst_hours": _worst_hours(h, loss),
    }


def _branch_and_shunt_losses(h: Hours) -> pd.Series:
    """Return what branches and shunts consume in the solved hours, MW, from flows at both ends."""
    into = h.run.quantity("branches", "from_mw") + h.run.quantity("branches", "to_mw")
    shunts = shunts_mw(h)
    return (into.sum(axis=1) + shunts.sum(axis=1))[h.solved]


def shunts_mw(h: Hours) -> pd.DataFrame:
    """Return what the shunt of each bus consumes, MW [hours × buses]."""
    at_one = pd.Series({name: row["shunt_mw_at_1_pu"] for name, row in h.static["buses"].items()}, dtype=float)
    return h.run.quantity("buses", "vm_pu") ** 2 * at_one


def _balance(h: Hours, loss: pd.Series) -> dict[str, Any]:
    given = h.run.quantity("buses", "injection_mw").sum(axis=1)[h.solved]
    scheduled = (_served_and_sent(h) - h.system["loss_mw"]).abs().max()
    return {
        "schedule_max_residual_mw": scheduled,
        "ac_max_residual_mw": _largest((given - loss).abs()),
        "flows_max_residual_mw": _largest((h.system["ac_loss_mw"][h.solved] - loss).abs()),
        "max_mismatch_pu": _largest(h.system["mismatch_pu"][h.solved]),
    }


def _served_and_sent(h: Hours) -> pd.Series:
    """Return Σ scheduled injections: generation + discharge − charge − load served − export, MW."""
    s = h.system
    served = s["load_mw"] + s["shift_up_mw"] - s["shift_down_mw"] - s["shed_mw"] - s["unserved_mw"]
    return h.net.sum(axis=1) + s["discharge_mw"] - s["charge_mw"] - served - s["flexible_mw"] - s["export_mw"]


def _largest(values: pd.Series) -> float | None:
    top = values.max()
    return None if pd.isna(top) else float(top)


def _loading(h: Hours) -> dict[str, Any]:
    limit = h.run.metrics["network"]["loading"]["limit"]
    loading = h.run.quantity("branches", "loading_fraction")[h.solved]
    over = loading > limit
    return {
        "max": _largest(loading.max()),
        "overloaded_branches": float(over.any().sum()),
        "overloaded_hours": h.hours(over.any(axis=1)),
        "overloaded_element_hours": float(over.to_numpy().sum()) * h.step_h,
        "by_branch": {
            str(name): {
                "max": _largest(values),
                "p99": None if values.dropna().empty else float(values.dropna().quantile(0.99)),
                "mean": None if values.dropna().empty else float(values.mean()),
                "overloaded_hours": h.hours(over[name]),
                "time_of_max": _first_time(values),
            }
            for name, values in loading.items()
        },
    }


def _first_time(values: pd.Series) -> str | None:
    known = values.dropna()
    return None if known.empty else pd.DatetimeIndex(known.index)[int(known.argmax())].isoformat()


def _voltage(h: Hours) -> dict[str, Any]:
    buses = pd.DataFrame({name: row for name, row in h.static["buses"].items() if row["monitored"]}).T
    vm = h.run.quantity("buses", "vm_pu").loc[h.solved, list(buses.index)]
    low = vm.lt(pd.Series(buses["low_pu"], dtype=float)) if len(buses) else vm.astype(bool)
    high = vm.gt(pd.Series(buses["high_pu"], dtype=float)) if len(buses) else vm.astype(bool)
    weight = h.run.quantity("buses", "load_mw").mean().reindex(buses.index).fillna(0.0)
    table = pd.DataFrame({"seen": vm.notna().sum(), "low": low.sum(), "high": high.sum(), "weight": weight})
    by_level = {"500": table[buses["vn_kv"] >= 400], "220": table[buses["vn_kv"] < 400]}
    return {
        **_shares(table),
        "hours_with_violation": h.hours((low | high).any(axis=1)),
        "low_element_hours": float(table["low"].sum()) * h.step_h,
        "high_element_hours": float(table["high"].sum()) * h.step_h,
        "by_level": {level: _shares(part) for level, part in by_level.items()},
        "by_bus": {
            name: {
                "monitored_hours": float(row["seen"]) * h.step_h,
                "low_hours": float(row["low"]) * h.step_h,
                "high_hours": float(row["high"]) * h.step_h,
                **{key: value for key, value in _shares(table.loc[[name]]).items() if not key.startswith("load")},
                "weight_mw": float(row["weight"]),
                "min_pu": None if row["seen"] == 0 else float(vm[name].min()),
                "max_pu": _largest(vm[name]),
            }
            for name, row in table.iterrows()
        },
    }


def _shares(table: pd.DataFrame) -> dict[str, float | None]:
    """Return time within, below and above the limits as shares: all buses alike, and weighted with their loads."""
    found: dict[str, float | None] = {}
    for prefix, weight in (("", table["weight"] * 0.0 + 1.0), ("load_weighted_", table["weight"])):
        sums = table[["seen", "low", "high"]].mul(weight, axis=0).sum()
        outside = {f"{prefix}{side}_rate": sums[side] for side in ("low", "high")}
        within = sums["seen"] - sums["low"] - sums["high"]
        for key, value in ({f"{prefix}rate": within} | outside).items():
            found[key] = float(value / sums["seen"]) if sums["seen"] > 0 else None
    return found


def _losses(h: Hours, loss: pd.Series) -> dict[str, Any]:
    estimate = h.system["loss_mw"][h.solved]
    given = (h.net.sum(axis=1) + h.system["discharge_mw"])[h.solved]
    return {
        "gwh": h.gwh(loss),
        "of_hours": h.hours(h.solved),
        "share_of_generation": float(loss.sum() / given.sum()) if given.sum() > 0 else None,
        "max_mw": _largest(loss.abs()),
        "dispatch_estimate_gwh": h.gwh(estimate),
        "estimate_minus_ac_gwh": h.gwh(estimate - loss),
        "max_difference_mw": _largest((estimate - loss).abs()),
    }


def _slack(h: Hours) -> dict[str, Any]:
    by_bus = h.run.quantity("buses", "slack_mw")[h.solved]
    total = by_bus.sum(axis=1)
    return {
        "net_gwh": h.gwh(total),
        "absolute_gwh": h.gwh(total.abs()),
        "max_mw": _largest(total.abs()),
        "by_bus_gwh": h.each_gwh(by_bus),
    }


def _worst_hours(h: Hours, loss: pd.Series) -> dict[str, Any]:
    stored = h.run.metrics["network"]["worst_hours"]
    watched = [name for name, row in h.static["buses"].items() if row["monitored"]]
    vm = h.run.quantity("buses", "vm_pu").loc[h.solved, watched]
    offered = h.system["wind_available_mw"] + h.system["pv_available_mw"]
    curtailed = offered - h.system["wind_mw"] - h.system["pv_mw"]
    residual = h.system["load_mw"] + h.system["export_mw"] - offered
    loading = h.run.quantity("branches", "loading_fraction")[h.solved]
    return {
        "highest_curtailment": _worst(curtailed.to_frame(""), stored["highest_curtailment"], "mw"),
        "highest_residual_load": _worst(residual.to_frame(""), stored["highest_residual_load"], "mw"),
        "highest_unserved": _worst(h.system[["unserved_mw"]], stored["highest_unserved"], "mw"),
        "highest_loading": _worst(loading, stored["highest_loading"], "loading"),
        "lowest_voltage": _worst(vm, stored["lowest_voltage"], "vm_pu", sign=-1.0),
        "highest_voltage": _worst(vm, stored["highest_voltage"], "vm_pu"),
        "largest_loss": _worst(loss.to_frame(""), stored["largest_loss"], "mw"),
    }


def _worst(
    frame: pd.DataFrame, stored: dict[str, Any] | None, unit: str, sign: float = 1.0
) -> dict[str, Any] | None:
    """Return the extreme and its place; where several hours share it, the stored one when it is among them."""
    values = sign * frame.to_numpy(dtype=float)
    if values.size == 0 or np.isnan(values).all():
        return None
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    found = {
        "time": pd.DatetimeIndex(frame.index)[int(row)].isoformat(),
        unit: float(sign * values[row, column]),
        "name": frame.columns[int(column)],
    }
    if stored is not None and agree(_at(frame, stored), found[unit]):
        found |= {key: stored[key] for key in ("time", "name") if key in stored}
    return found


def _at(frame: pd.DataFrame, stored: dict[str, Any]) -> float | None:
    stamp = pd.Timestamp(stored["time"])
    name = stored.get("name", frame.columns[0])
    return float(frame.loc[stamp, name]) if stamp in frame.index and name in frame.columns else None


def _plan(h: Hours, again: Mapping[str, Any]) -> dict[str, Any]:
    """Return the simulated value of each target: from figures derived above, else from the static part."""
    rows = {row["key"]: row for row in h.run.metrics["plan"]}
    values = _plan_from_figures(h, again) | _plan_from_elements(h)
    return {
        key: {
            "value": values.get(key),
            "deviation": _deviation(values.get(key), row["target"]),
            "met": None if row["met"] is None else _met(key, row, values[key]),
        }
        for key, row in rows.items()
    }


def _met(key: str, row: Mapping[str, Any], value: float | None) -> bool | None:
    """Judge a target anew: ``about`` allows a tenth to either side, upwards anything where more is wanted."""
    if value is None:
        return None
    tenth, rounding = 0.1 * row["target"], 1e-9 * max(1.0, row["target"])
    more_is_fine = key.startswith("bijie_nonfossil") or key in WANTED
    low = row["target"] - (tenth if row["bound"] == "about" else 0.0)
    high = row["target"] + (tenth if row["bound"] == "about" else 0.0)
    high_enough = row["bound"] == "max" or value >= low - rounding
    binds_above = row["bound"] == "max" or (row["bound"] == "about" and not more_is_fine)
    return bool(high_enough and (not binds_above or value <= high + rounding))


def _deviation(value: float | None, target: float | None) -> float | None:
    return value / target - 1.0 if value is not None and target else None


def _plan_from_figures(h: Hours, again: Mapping[str, Any]) -> dict[str, float | None]:
    gross = again["energy_gwh"]["generation_gross"]
    clean = gross["hydro"] + gross["wind"] + gross["pv"]
    rate = again["network"]["voltage"]["rate"]
    return {
        "bijie_generation": gross["total"] / 1000.0,
        "bijie_export": again["energy_gwh"]["export"] / 1000.0,
        "bijie_nonfossil_energy_share": 100.0 * clean / gross["total"] if gross["total"] > 0 else None,
        "voltage_compliance": None if rate is None else 100.0 * rate,
        "customer_outage_time": again["reliability"]["bulk_equivalent_outage_h"],
        "supply_reliability": again["reliability"]["bulk_equivalent_reliability_percent"],
        "bijie_demand_response": _response(h),
    }


def _response(h: Hours) -> float | None:
    peak = float(h.system["load_mw"].max())
    return 100.0 * float(h.system["shed_limit_mw"].max()) / peak if peak > 0 else None


def _plan_from_elements(h: Hours) -> dict[str, float | None]:
    capacity = {tech: _capacity_mw(h, h.of(tech)) for tech in TECHS}
    clean, total = capacity["hydro"] + capacity["wind"] + capacity["pv"], sum(capacity.values())
    coal = [h.plants[name]["minimum_used_pu"] for name in h.of("coal")]
    units = {name: float(row["units"]) for name, row in h.plants.items()}
    return {
        "bijie_nonfossil_capacity": clean,
        "bijie_nonfossil_capacity_share": 100.0 * clean / total if total > 0 else None,
        "bijie_wind_capacity": capacity["wind"],
        "bijie_pv_capacity": capacity["pv"],
        "weining_hezhang_bases": min(_capacity_mw(h, h.of("pv", county)) for county in ("威宁", "赫章")),
        "bijie_coal_flexibility_min": 100.0 * max(coal) if coal else None,
        "plant_weihe": units.get("C11", 0.0),
        "plant_jinyuan_zhijin": units.get("C10", 0.0),
        "phs_sites": float(sum(row["kind"] == "phs" for row in h.static["storages"].values())),
        **_plan_from_rows(h.static["elements"]),
    }


def _plan_from_rows(elements: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, float | None]:
    buses, lines, trafos = (pd.DataFrame(elements[name]).T for name in ("buses", "lines", "trafos"))
    inside = set(buses.index[buses["county"] != "boundary"])
    new_buses, new_lines, new_trafos = (_of_the_plan(frame) for frame in (buses, lines, trafos))
    stations = new_buses[(new_buses["kind"] == "substation") & (new_buses["vn_kv"] >= 400)]
    high = new_lines[
        (new_lines["vn_kv"] >= 400) & (new_lines["from_bus"].isin(inside) | new_lines["to_bus"].isin(inside))
    ]
    banks = new_trafos[new_trafos["hv_bus"].isin(inside)]
    return {
        "bijie_500kv_stations": float(stations.index.isin(inside).sum()),
        "bijie_500kv_transformer": float((banks["n_parallel"] * banks["sn_mva"]).sum()),
        "bijie_500kv_lines": float((high["circuits"] * high["length_km"]).sum()),
        "line_shexiang_yaxi_2": float("SX500-YAXI500-II" in lines.index),
        "line_wusa_shexiang_2": float({"WUSA500-JHH500", "JHH500-SX500"} <= set(lines.index)),
        "station_jinhaihu": float("JHH500" in buses.index),
        "station_wusa_expansion": float("T-WUSA-2" in trafos.index),
        "station_donghong": float("DH220" in buses.index),
    }


def _of_the_plan(frame: pd.DataFrame) -> pd.DataFrame:
    since = pd.to_numeric(frame["in_service_from"])
    return frame[(since >= 2021) & (since <= 2025)]
