"""The hours of a run, and figures derived from them → the targets of the plan once more, met or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sim.rederive.energy import capacity_mw
from sim.rederive.hours import TECHS, Hours

WANTED = ("bijie_demand_response", "bijie_500kv_transformer", "bijie_500kv_lines")
"""Targets written as ``about`` which more than that meets as well."""


def plan_again(h: Hours, again: Mapping[str, Any]) -> dict[str, Any]:
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
    capacity = {tech: capacity_mw(h, h.of(tech)) for tech in TECHS}
    clean, total = capacity["hydro"] + capacity["wind"] + capacity["pv"], sum(capacity.values())
    coal = [h.plants[name]["minimum_used_pu"] for name in h.of("coal")]
    units = {name: float(row["units"]) for name, row in h.plants.items()}
    return {
        "bijie_nonfossil_capacity": clean,
        "bijie_nonfossil_capacity_share": 100.0 * clean / total if total > 0 else None,
        "bijie_wind_capacity": capacity["wind"],
        "bijie_pv_capacity": capacity["pv"],
        "weining_hezhang_bases": min(capacity_mw(h, h.of("pv", county)) for county in ("威宁", "赫章")),
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
