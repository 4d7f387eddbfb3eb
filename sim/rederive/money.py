"""The hours of a run → emissions and costs once more, from energies and the prices of the static part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.rederive.energy import curtailed, flexible_use
from sim.rederive.hours import Hours


def emissions_again(h: Hours) -> dict[str, Any]:
    """Return emissions and coal use, t."""
    co2 = {name: 1000.0 * h.net_gwh[name] * row["co2_t_per_mwh"] for name, row in h.plants.items()}
    coal = {name: h.net_gwh[name] * row["coal_gce_per_kwh"] for name, row in h.plants.items()}  # GWh · g/kWh = t
    total_gwh = sum(h.net_gwh.values())
    return {
        "co2_t": sum(co2.values()),
        "coal_tce": sum(coal.values()),
        "co2_kg_per_mwh": sum(co2.values()) / total_gwh if total_gwh > 0 else None,
        "by_plant": {name: {"co2_t": co2[name], "coal_tce": coal[name]} for name in h.of("coal")},
    }


def cost_again(h: Hours) -> dict[str, Any]:
    """Return costs by part, CNY; parts that the hours cannot tell are taken as stored."""
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
    use = flexible_use(h, name, row)
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
    lost_gwh = curtailed(h, h.renewables())["gwh"] or 0.0
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
