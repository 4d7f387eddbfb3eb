"""A run folder of the real tables with invented hours: everything a page needs, without any solver.

The hours follow simple curves (sun by the clock, wind by a slow sine, coal fills the rest); the figures of
``metrics`` are sums of those very hours, so that page, workbook and files can be held against each other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grid.checks import check_network
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from scenarios.timeaxis import CST
from sim.metrics import SAME_BASES
from sim.static import network_part

Frames = dict[str, pd.DataFrame]
CAUSES = ("surplus", "flexibility", "network", "security", "ac")
TECHS = ("coal", "hydro", "wind", "pv")
OVERLOADED = "WUSA500-JHH500"
NASTY = "<script>alert(\"x\")</script> & '乌蒙山脉超长名称的光伏发电基地升压汇集站' 🌞"


def write_sample(folder: Path, days: int = 14, failed: tuple[int, ...] = (30, 31), nasty: bool = False) -> Path:
    """Write a run of ``days`` days from 1 January and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    scenario = load_scenario("plan-2025")
    index = pd.date_range("2025-01-01", periods=24 * days, freq="h", tz=CST, name="time")
    static = _static(scenario, index)
    if nasty:
        first = next(iter(static["plants"].values()))
        first["name_zh"] = first["name_en"] = NASTY
        static["buses"]["WUSA500"]["name_zh"] = static["buses"]["WUSA500"]["name_en"] = NASTY
    frames = _frames(static, index, failed)
    for name, frame in frames.items():
        frame.to_parquet(folder / f"hourly_{name}.parquet")
    info = _info(scenario, static) | {"metrics": _metrics(static, frames)}
    (folder / "run.json").write_text(json.dumps(info, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return folder


def _static(scenario: Scenario, index: pd.DatetimeIndex) -> dict[str, Any]:
    year = scenario.year
    buses = {b.bus_id: b.model_dump(mode="json") for b in scenario.tables.buses if b.in_service(year)}
    for bus in buses.values():
        bus |= {"monitored": bus["county"] != "boundary", "slack": False, "shunt_mw_at_1_pu": 0.0}
        bus |= {"low_pu": 0.95 if bus["vn_kv"] == 500 else 1.0, "high_pu": 1.1}
    lines = {r.line_id: r.model_dump(mode="json") for r in scenario.tables.lines if r.in_service(year)}
    trafos = {r.trafo_id: r.model_dump(mode="json") for r in scenario.tables.trafos if r.in_service(year)}
    ends = {n: ("line", r["from_bus"], r["to_bus"]) for n, r in lines.items()}
    ends |= {n: ("trafo", r["hv_bus"], r["lv_bus"]) for n, r in trafos.items()}
    rating = {"limit_from_ka": 1.2, "limit_to_ka": 1.2}
    branches = {
        name: (lines | trafos)[name] | {"kind": kind, "from": start, "to": end} | rating
        for name, (kind, start, end) in ends.items()
        if start in buses and end in buses
    }
    plants = {
        p.plant_id: p.model_dump(mode="json") | {"capacity_mw": p.capacity_mw, "clipped_gwh": None}
        for p in scenario.plants
    }
    return {
        "time": {"start": index[0].isoformat(), "steps": len(index), "step_h": 1.0},
        "region": "Bijie",
        "plants": plants,
        "storages": {s.storage_id: s.model_dump(mode="json") for s in scenario.storages},
        "loads": {row.load_id: row.model_dump(mode="json") for row in scenario.tables.loads},
        "flexible_loads": {},
        "shed_blocks": {},
        "channels": {row.channel_id: row.model_dump(mode="json") for row in scenario.tables.exports},
        "counties": {row.county: row.model_dump(mode="json") for row in scenario.tables.counties},
        "buses": buses,
        "branches": branches,
        "elements": {"buses": buses, "lines": lines, "trafos": trafos},
        "prices": {"curtailed": 80.0, "unserved": 20000.0},
    }


def _frames(static: dict[str, Any], index: pd.DatetimeIndex, failed: tuple[int, ...]) -> Frames:
    plants = _plants(static, index)
    return {
        "system": _system(static, index, plants, failed),
        "plants": plants,
        "branches": _branches(static, index, failed),
        "buses": _buses(static, index, failed),
    }


def _plants(static: dict[str, Any], index: pd.DatetimeIndex) -> pd.DataFrame:
    hour, day = index.hour.to_numpy(), index.dayofyear.to_numpy()
    sun = np.clip(np.sin((hour - 6.5) / 12 * np.pi), 0, None) * (0.55 + 0.35 * np.sin(day * 2.1))
    season = 0.5 + 0.3 * np.cos(day / 365 * 2 * np.pi)
    wind = np.clip(season + 0.4 * np.sin(day * 1.3 + hour / 9), 0.02, 1)
    curtailed = np.where((sun > 0.7) & (hour > 11) & (hour < 15), 0.12, 0.0)
    shape = {
        "pv": sun,
        "wind": wind,
        "hydro": 0.2 + 0.15 * np.sin(day / 58),
        "coal": 0.75 - 0.35 * sun - 0.2 * wind,
    }
    columns: dict[str, Any] = {}
    for name, plant in static["plants"].items():
        offered = plant["capacity_mw"] * shape[plant["tech"]]
        accepted = offered * (1 - curtailed) if plant["tech"] in ("pv", "wind") else offered
        columns[f"{name} generation_mw"] = accepted
        if plant["tech"] in ("pv", "wind"):
            columns[f"{name} available_mw"] = offered
    for name, item in static["storages"].items():
        columns[f"{name} charge_mw"] = np.where(hour == 13, 0.8 * item["power_mw"], 0.0)
        columns[f"{name} discharge_mw"] = np.where(hour == 19, 0.6 * item["power_mw"], 0.0)
        columns[f"{name} stored_mwh"] = np.where((hour >= 13) & (hour < 19), 0.8 * item["energy_mwh"], 0.0)
    return pd.DataFrame(columns, index=index)


def _system(
    static: dict[str, Any], index: pd.DatetimeIndex, plants: pd.DataFrame, failed: tuple[int, ...]
) -> pd.DataFrame:
    tech = {name: plant["tech"] for name, plant in static["plants"].items()}

    def total(quantity: str, *techs: str) -> np.ndarray[Any, Any]:
        names = [
            c
            for c in map(str, plants)
            if c.endswith(f" {quantity}") and (not techs or tech[c.split(" ")[0]] in techs)
        ]
        return np.asarray(plants[names].sum(axis=1))

    columns: dict[str, Any] = {f"{t}_mw": total("generation_mw", t) for t in TECHS}
    columns |= {f"{t}_available_mw": total("available_mw", t) for t in ("wind", "pv")}
    columns |= {"discharge_mw": total("discharge_mw"), "charge_mw": total("charge_mw")}
    zero = np.zeros(len(index))
    columns |= {f"{kind}_mw": zero.copy() for kind in ("unserved", "shed", "shift_down", "shift_up", "flexible")}
    columns["unserved_mw"][18] = 42.0
    given = sum(columns[f"{k}_mw"] for k in (*TECHS, "discharge", "unserved"))
    left = given - columns["charge_mw"]
    columns |= {"load_mw": 0.34 * left, "export_mw": 0.64 * left, "loss_mw": 0.02 * left}
    columns |= {"export_contract_mw": 0.64 * left, "below_minimum_mw": zero.copy()}
    offered = columns["wind_available_mw"] + columns["pv_available_mw"]
    columns["curtailed_mw"] = offered - columns["wind_mw"] - columns["pv_mw"]
    shares = _cause_shares(static, plants)
    columns |= {f"curtailed_{cause}_mw": share.sum(axis=1).to_numpy() for cause, share in shares.items()}
    columns["residual_load_mw"] = columns["load_mw"] + columns["export_mw"] - offered
    columns |= {"stored_mwh": total("stored_mwh"), "price_cny_per_mwh": 250 + 100 * np.sin(index.hour / 4)}
    status = np.zeros(len(index), dtype=np.int64)
    status[list(failed)] = 2
    loss = np.where(status == 0, columns["loss_mw"], np.nan)
    columns |= {"flow_status_count": status, "iterations_count": status + 3, "mismatch_pu": zero + 1e-10}
    columns |= {"ac_loss_mw": loss, "slack_mw": np.where(status == 0, 3.0, np.nan)}
    return pd.DataFrame(columns, index=index)


def _branches(static: dict[str, Any], index: pd.DatetimeIndex, failed: tuple[int, ...]) -> pd.DataFrame:
    hour, columns = index.hour.to_numpy(), {}
    for k, name in enumerate(static["branches"]):
        loading = (0.15 + 0.6 * (k * 37 % 100) / 100) * (0.7 + 0.3 * np.sin(hour / 24 * 2 * np.pi + k))
        loading = loading * (0.9 + 0.1 * np.sin(index.dayofyear.to_numpy() / 20))
        if name == OVERLOADED:
            loading = np.where(hour == 12, 1.134, loading)
        loading[list(failed)] = np.nan
        columns[f"{name} loading_fraction"] = loading
        columns[f"{name} from_mw"] = loading * 400 * (-1) ** k
    return pd.DataFrame(columns, index=index)


def _buses(static: dict[str, Any], index: pd.DatetimeIndex, failed: tuple[int, ...]) -> pd.DataFrame:
    hour, columns = index.hour.to_numpy(), {}
    for k, name in enumerate(static["buses"]):
        voltage = 1.03 + 0.02 * np.sin(hour / 24 * 2 * np.pi + k) - (0.04 if name == "WN220" else 0)
        voltage[list(failed)] = np.nan
        columns[f"{name} vm_pu"] = voltage
    return pd.DataFrame(columns, index=index)


def _gwh(values: Any) -> float:
    return float(np.asarray(values).sum()) / 1000


def _rate(gwh: float, available: float) -> dict[str, float | None]:
    return {"gwh": gwh, "available_gwh": available, "rate": gwh / available if available else None}


def _metrics(static: dict[str, Any], frames: Frames) -> dict[str, Any]:
    system, plants = frames["system"], frames["plants"]
    return {
        "energy_gwh": _energy(static, system, plants),
        "curtailment": _curtailment(static, plants),
        "utilisation": _utilisation(static, plants),
        "storage": _storage(static, plants),
        "demand_response": {
            "shed_gwh": 0.0, "shed_hours": 0, "shed_max_mw": 0.0,
            "shift_up_gwh": 0.0, "shift_down_gwh": 0.0, "shift_hours": 0,
            "flexible_gwh": 0.0, "flexible": {}, "blocks": {},
        },
        "network": _network(static, frames),
        "reliability": {
            "eens_mwh": 42.0, "unserved_hours": 1, "unserved_ppm": 42e3 / _gwh(system["load_mw"]),
            "bulk_equivalent_reliability_percent": 99.99, "bulk_equivalent_outage_h": 0.02,
            "bulk_equivalent_note": "equivalents", "coal_below_minimum_hours": 0, "coal_below_minimum_mwh": 0.0,
        },
        "emissions": {
            "co2_t": _gwh(system["coal_mw"]) * 870, "coal_tce": _gwh(system["coal_mw"]) * 315,
            "co2_kg_per_mwh": 600.0,
            "by_plant": {name: {"co2_t": 1e5, "coal_tce": 4e4} for name in _coal(static)},
        },
        "cost": {
            "total_cny": 1.49984e9, "penalty_cny": 9.984e7, "operating_cny": 1.4e9, "operating_cny_per_mwh": 234.5,
            "parts_cny": {"coal": 1.38e9, "starts": 2.0e7, "unserved": 8.4e5, "curtailment": 9.9e7},
            "mean_price_cny_per_mwh": 260.0,
        },
        "plan": _plan(),
    }  # fmt: skip


def _coal(static: dict[str, Any]) -> list[str]:
    return [name for name, plant in static["plants"].items() if plant["tech"] == "coal"]


def _highest(values: pd.Series[float]) -> dict[str, Any]:
    return {"time": str(values.idxmax()).replace(" ", "T"), "mw": float(values.max())}


def _plan() -> list[dict[str, Any]]:
    scenario = load_scenario("plan-2025")
    met = {"bijie_generation": (61.2, True), "bijie_export": (33.0, False), "bijie_pv_capacity": (7300.0, True)}
    return [
        {
            "key": row.key, "quantity": row.quantity, "region": row.region, "year": row.year,
            "value": met.get(row.key, (None, None))[0], "target": row.value, "unit": row.unit, "bound": row.bound,
            "met": met.get(row.key, (None, None))[1],
            "reason": "" if row.key in met else "no figure of this simulation corresponds to it",
            "source": row.source, "wording": row.wording,
        }
        for row in scenario.tables.plan_targets
    ]  # fmt: skip


def _energy(static: dict[str, Any], system: pd.DataFrame, plants: pd.DataFrame) -> dict[str, Any]:
    kinds = (
        "discharge",
        "charge",
        "unserved",
        "shed",
        "shift_down",
        "shift_up",
        "load",
        "flexible",
        "export",
        "export_contract",
        "loss",
    )
    by_tech = {t: _gwh(system[f"{t}_mw"]) for t in TECHS}
    by_tech |= {"total": sum(by_tech.values())}
    months = {}
    for month, part in system.groupby(pd.DatetimeIndex(system.index).strftime("%Y-%m")):
        names = (*TECHS, "wind_available", "pv_available", "load", "export")
        months[str(month)] = {name: _gwh(part[f"{name}_mw"]) for name in names}
    return {
        "hours": len(system),
        "generation": by_tech,
        "generation_gross": {name: value * 1.05 for name, value in by_tech.items()},
        **{kind: _gwh(system[f"{kind}_mw"]) for kind in kinds},
        "hydro_spilled": 0.0,
        "balance": {"max_residual_mw": 1e-9, "tolerance_mw": 1e-3},
        "by_month": months,
        "by_county": {
            county: {t: _gwh(_of(static, plants, "generation_mw", county, t)) for t in TECHS}
            | {"total": 0.0, "load": 1.0}
            for county in static["counties"]
        },
    }


def _of(static: dict[str, Any], plants: pd.DataFrame, quantity: str, county: str, *techs: str) -> pd.Series[float]:
    names = [
        f"{name} {quantity}"
        for name, plant in static["plants"].items()
        if plant["tech"] in techs and county in (plant["county"], "")
    ]
    return plants[[name for name in names if name in plants]].sum(axis=1)


def _pair(static: dict[str, Any], plants: pd.DataFrame, county: str, *techs: str) -> dict[str, float | None]:
    available = _gwh(_of(static, plants, "available_mw", county, *techs))
    return _rate(available - _gwh(_of(static, plants, "generation_mw", county, *techs)), available)


def _curtailment(static: dict[str, Any], plants: pd.DataFrame) -> dict[str, Any]:
    def triple(county: str) -> dict[str, Any]:
        return {
            "wind": _pair(static, plants, county, "wind"),
            "pv": _pair(static, plants, county, "pv"),
            "total": _pair(static, plants, county, "wind", "pv"),
        }

    by_plant = {}
    for name, plant in static["plants"].items():
        if plant["tech"] in ("wind", "pv"):
            offered = _gwh(plants[f"{name} available_mw"])
            by_plant[name] = _rate(offered - _gwh(plants[f"{name} generation_mw"]), offered) | {"clipped_gwh": 0.5}
    total = triple("")
    shares = _cause_shares(static, plants)
    return total | {
        "by_plant": by_plant,
        "by_county": {county: triple(county) for county in static["counties"]},
        "by_cause": {cause: _cause(shares.get(cause), total["total"]["gwh"]) for cause in CAUSES},
        "causes": _causes(static, shares),
    }


def _cause_shares(static: dict[str, Any], plants: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the share of each cause [hours × plants]: a fifth surplus, half coal, the rest the network."""
    names = [name for name, plant in static["plants"].items() if plant["tech"] in ("wind", "pv")]
    lost = pd.DataFrame({n: plants[f"{n} available_mw"] - plants[f"{n} generation_mw"] for n in names})
    return {"surplus": 0.2 * lost, "flexibility": 0.5 * lost, "network": 0.3 * lost}


def _cause(share: pd.DataFrame | None, total: float) -> dict[str, Any]:
    gwh = 0.0 if share is None else _gwh(share)
    return {
        "gwh": gwh, "share": gwh / total, "increase_gwh": gwh, "operated": share is not None,
        "sentence": "a sentence",
    }  # fmt: skip


def _causes(static: dict[str, Any], shares: dict[str, pd.DataFrame]) -> dict[str, Any]:
    rows, names = static["plants"], list(shares["surplus"])

    def split(chosen: list[str]) -> dict[str, float]:
        return {cause: _gwh(share[chosen]) for cause, share in shares.items()}

    def grouped(key: str) -> dict[str, dict[str, float]]:
        return {
            value: split([n for n in names if rows[n][key] == value]) for value in {rows[n][key] for n in names}
        }

    months = pd.DatetimeIndex(shares["surplus"].index).strftime("%Y-%m")
    row = {"cause": "network", "limit_mw": 420.0, "forward": True, "hours": 30.0, "curtailing_hours": 12.0}
    return {
        "by_tech": grouped("tech"),
        "by_county": grouped("county"),
        "by_plant": {name: split([name]) for name in names},
        "by_month": {m: {c: _gwh(share[months == m]) for c, share in shares.items()} for m in months.unique()},
        "rows": [row | {"row": OVERLOADED, "gwh": 0.7}, row | {"row": "section 乌撒", "gwh": 0.1}],
    }


def _utilisation(static: dict[str, Any], plants: pd.DataFrame) -> dict[str, Any]:
    rates = {t: 1 - float(_pair(static, plants, "", t)["rate"] or 0) for t in ("wind", "pv")}
    rates["total"] = 1 - float(_pair(static, plants, "", "wind", "pv")["rate"] or 0)
    hours = {
        name: float(plants[f"{name} generation_mw"].sum()) / plant["capacity_mw"]
        for name, plant in static["plants"].items()
    }
    capacity = {t: sum(p["capacity_mw"] for p in static["plants"].values() if p["tech"] == t) for t in TECHS}
    by_tech = {t: 1000 * _gwh(_of(static, plants, "generation_mw", "", t)) / capacity[t] for t in TECHS}
    return {
        "all_causes": rates,
        "system_causes": dict(rates),
        "note": SAME_BASES,
        "period_h": len(plants),
        "full_load_hours": {
            "by_tech": by_tech,
            "by_plant": hours,
            "by_county": {county: dict.fromkeys(TECHS, 100.0) for county in static["counties"]},
        },
        "starts_by_plant": dict.fromkeys(_coal(static), 3),
        "coal_ramps_mw_per_h": {"up": 620.0, "down": 480.0, "usual": 310.0},
    }


def _storage(static: dict[str, Any], plants: pd.DataFrame) -> dict[str, Any]:
    def use(charge: float, discharge: float, content: float) -> dict[str, float]:
        cycles = 1000 * discharge / content
        return {"charge_gwh": charge, "discharge_gwh": discharge, "loss_gwh": charge - discharge, "cycles": cycles}

    rows = {
        name: use(
            _gwh(plants[f"{name} charge_mw"]), _gwh(plants[f"{name} discharge_mw"]),
            item["energy_mwh"] * item["discharge_efficiency"],
        )
        for name, item in static["storages"].items()
    }  # fmt: skip
    content = sum(s["energy_mwh"] * s["discharge_efficiency"] for s in static["storages"].values())
    sums = [sum(row[key] for row in rows.values()) for key in ("charge_gwh", "discharge_gwh")]
    return use(sums[0], sums[1], content) | {"by_storage": rows}


def _network(static: dict[str, Any], frames: Frames) -> dict[str, Any]:
    system, stamps = frames["system"], frames["system"].index
    failed = int((system["flow_status_count"] > 1).sum())
    loading = frames["branches"].filter(like="loading_fraction")
    by_branch = {
        str(column).split(" ")[0]: {
            "max": float(values.max()), "p99": float(values.quantile(0.99)), "mean": float(values.mean()),
            "overloaded_hours": int((values > 1).sum()), "time_of_max": str(values.idxmax()).replace(" ", "T"),
        }
        for column, values in loading.items()
    }  # fmt: skip
    over = (loading > 1).to_numpy()
    first = stamps[12].isoformat()
    return {
        "hours_solved": len(system) - failed,
        "hours_failed": failed,
        "by_status": {
            "solved": {"hours": len(system) - failed, "sentence": "solved to the tolerance"},
            "not_converged": {"hours": failed, "sentence": "not converged"},
        },
        "messages": [{"time": stamps[h].isoformat(), "message": "not converged"} for h in (30, 31) if failed],
        "messages_left_out": 0,
        "loss_rounds": 3,
        "balance": {"ac_max_residual_mw": 1e-7, "ac_tolerance_mw": 1e-3, "max_mismatch_pu": 1e-10},
        "loading": {
            "limit": 1.0, "max": float(loading.max().max()), "overloaded_branches": int(over.any(axis=0).sum()),
            "overloaded_hours": int(over.any(axis=1).sum()), "overloaded_element_hours": int(over.sum()),
            "by_branch": by_branch,
        },
        "voltage": _voltage(static, frames["buses"]),
        "losses": {
            "gwh": _gwh(system["ac_loss_mw"].dropna()), "of_hours": len(system) - failed,
            "share_of_generation": 0.02,
            "max_mw": float(system["ac_loss_mw"].max()), "dispatch_estimate_gwh": _gwh(system["loss_mw"]),
            "estimate_minus_ac_gwh": 0.1, "max_difference_mw": 4.0,
        },
        "slack": {"net_gwh": 0.1, "absolute_gwh": 0.2, "max_mw": 3.0, "by_bus_gwh": {"GUIYANG500": 0.1}},
        "worst_hours": {
            "highest_curtailment": _highest(system["curtailed_mw"]),
            "highest_residual_load": _highest(system["residual_load_mw"]),
            "highest_unserved": {"time": stamps[18].isoformat(), "mw": 42.0},
            "highest_loading": {"time": first, "loading": 1.134, "name": OVERLOADED},
            "lowest_voltage": {"time": first, "vm_pu": 0.97, "name": "WN220"},
            "highest_voltage": {"time": first, "vm_pu": 1.05, "name": "SX500"},
            "largest_loss": {"time": first, "mw": 300.0},
        },
    }  # fmt: skip


def _voltage(static: dict[str, Any], buses: pd.DataFrame) -> dict[str, Any]:
    rows = {}
    for name, bus in static["buses"].items():
        if bus["monitored"]:
            values = buses[f"{name} vm_pu"].dropna()
            low, high = int((values < bus["low_pu"]).sum()), int((values > bus["high_pu"]).sum())
            rows[name] = {
                "monitored_hours": len(values), "low_hours": low, "high_hours": high,
                "rate": 1 - (low + high) / len(values), "low_rate": low / len(values),
                "high_rate": high / len(values), "weight_mw": 100.0,
                "min_pu": float(values.min()), "max_pu": float(values.max()),
            }  # fmt: skip
    rates = {key: float(np.mean([row[key] for row in rows.values()])) for key in ("rate", "low_rate", "high_rate")}
    rates |= {f"load_weighted_{key}": value for key, value in rates.items()}
    limits = {"500": {"low": 0.95, "high": 1.1}, "220": {"low": 1.0, "high": 1.1}}
    return {
        **rates, "by_level": {"500": rates, "220": rates},
        "hours_with_violation": max(row["low_hours"] for row in rows.values()),
        "low_element_hours": sum(row["low_hours"] for row in rows.values()),
        "high_element_hours": sum(row["high_hours"] for row in rows.values()),
        "limits_pu": limits, "by_bus": rows,
    }  # fmt: skip


def _info(scenario: Scenario, static: dict[str, Any]) -> dict[str, Any]:
    settings = scenario.settings
    return {
        "format": 3,
        "scenario": settings.name,
        "title_en": settings.title_en,
        "title_zh": settings.title_zh,
        "description": settings.description,
        "run_hash": "0123abcd",
        "created": "2025-11-22T04:00:00+08:00",
        "seed": settings.weather.seed,
        "versions": {"wumeng": "0.1.0", "numpy": "2.4", "python": "3.11"},
        "hashes": {"settings": "a" * 64, "tables": "b" * 64, "weather": "c" * 64, "code": "d" * 64},
        "settings": settings.model_dump(mode="json"),
        "timings_s": {"weather": 1.2, "dispatch": 3.4, "flow": 2.1},
        "provenance": {
            "weather_origin": {"weining": "synthetic year, seed 1", "hezhang": "synthetic year, seed 1"},
            "weather_repairs": [
                {
                    "site": "weining", "values": 17,
                    "finding_en": "GHI above the extraterrestrial value", "finding_zh": "总辐射高于天文辐射",
                    "action_en": "limited", "action_zh": "已限幅",
                }
            ],
            "notes": [{"en": "Rooftop PV is not simulated.", "zh": "未模拟屋顶光伏。"}],
        },
        "network": network_part(check_network(scenario)),
        "static": static,
    }  # fmt: skip
