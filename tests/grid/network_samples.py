"""Rows and scenarios for network tests: every field that does not matter here has a plain value."""

from __future__ import annotations

from typing import Any

from scenarios import tables as t
from scenarios.schema import Scenario, Tables
from scenarios.settings import Grid, Settings, Time

ASSUMED = {"source": "hand-made", "confidence": "assumed"}
SITE = {"name_en": "s", "name_zh": "s", "lat": 27, "lon": 105, "elevation_m": 2000, "ridge_elevation_m": 2000}
TYPES = (
    t.LineType(line_type="500kV 4x400", r_ohm_per_km=0.0188, x_ohm_per_km=0.2738, c_nf_per_km=12.92,
               i_normal_ka=2.356, i_emergency_ka=3.205, **ASSUMED),
    t.LineType(line_type="220kV 2x300", r_ohm_per_km=0.0490, x_ohm_per_km=0.3051, c_nf_per_km=11.71,
               i_normal_ka=1.010, i_emergency_ka=1.364, **ASSUMED),
    t.LineType(line_type="220kV 2x400", r_ohm_per_km=0.0377, x_ohm_per_km=0.3015, c_nf_per_km=11.85,
               i_normal_ka=1.178, i_emergency_ka=1.603, **ASSUMED),
    t.LineType(line_type="220kV 2x630", r_ohm_per_km=0.0236, x_ohm_per_km=0.2944, c_nf_per_km=12.14,
               i_normal_ka=1.552, i_emergency_ka=2.146, **ASSUMED),
)  # fmt: skip
TECHNOLOGY = t.Technology(
    technology="any", tech="coal", ramp_pu_per_h=1, min_up_h=0, min_down_h=0, start_hot_cny=0, start_cold_cny=0,
    coal_gce_per_kwh=0, co2_t_per_mwh=0, aux_pu=0, q_min_pu=-0.25, q_max_pu=0.5, **ASSUMED,
)  # fmt: skip


def bus(bus_id: str, vn_kv: float, kind: str = "substation", **more: Any) -> t.Bus:
    """A bus at 27° N; ``lon`` defaults to 105° E."""
    plain: dict[str, Any] = {"name_en": bus_id, "name_zh": bus_id, "lat": 27.0, "lon": 105.0, "county": "x"}
    sure = dict.fromkeys(("existence_confidence", "kv_confidence", "coord_confidence"), "assumed")
    return t.Bus(bus_id=bus_id, vn_kv=vn_kv, kind=kind, **{**plain, **sure, **ASSUMED, **more})


def line(line_id: str, start: str, end: str, **more: Any) -> t.Line:
    """A 100 km 500 kV line of one circuit unless told otherwise."""
    plain: dict[str, Any] = {"vn_kv": 500, "circuits": 1, "length_km": 100, "line_type": "500kV 4x400"}
    sure = {"length_confidence": "assumed", "conductor_confidence": "assumed"}
    return t.Line(line_id=line_id, from_bus=start, to_bus=end, **{**plain, **sure, **ASSUMED, **more})


def trafo(trafo_id: str, high: str, low: str, **more: Any) -> t.Trafo:
    """Two 750 MVA autotransformers without no-load losses."""
    plain: dict[str, Any] = {
        "n_parallel": 2, "sn_mva": 750, "vn_hv_kv": 525, "vn_lv_kv": 230, "vk_percent": 12, "vkr_percent": 0.18,
        "pfe_kw": 0, "i0_percent": 0, "tap_steps": 2, "tap_step_percent": 2.5, "tap_position": 0,
    }  # fmt: skip
    return t.Trafo(trafo_id=trafo_id, hv_bus=high, lv_bus=low, **{**plain, **ASSUMED, **more})


def plant(plant_id: str, bus_id: str, tech: str, mw: float, **more: Any) -> t.Plant:
    """A plant of twenty units, operating since ever, with a technical minimum of 40 % if it burns coal."""
    plain: dict[str, Any] = {
        "name_en": plant_id, "name_zh": plant_id, "technology": "any", "units": 20, "unit_mw": mw / 20,
        "county": "x", "lat": 27, "lon": 105, "account": "bijie", "minimum_pu": 0.4 if tech == "coal" else 0,
        "status": "operating", "kv_confidence": "assumed",
    }  # fmt: skip
    return t.Plant(plant_id=plant_id, bus_id=bus_id, tech=tech, **{**plain, **ASSUMED, **more})


def load(load_id: str, bus_id: str, peak_mw: float, **more: Any) -> t.Load:
    """A load with cos φ 0.8 of whose reactive power a quarter is compensated."""
    plain = {"name_zh": load_id, "county": "x", "power_factor": 0.8, "compensation": 0.25, "industrial_share": 0}
    return t.Load(load_id=load_id, bus_id=bus_id, peak_mw=peak_mw, **{**plain, **ASSUMED, **more})


def boundary(bus_id: str, weight: float = 1.0, v_set_pu: float = 1.0) -> t.Boundary:
    return t.Boundary(bus_id=bus_id, weight=weight, v_set_pu=v_set_pu, **ASSUMED)


def shunt(shunt_id: str, bus_id: str, q_mvar: float) -> t.Shunt:
    return t.Shunt(shunt_id=shunt_id, bus_id=bus_id, kind="reactor", q_mvar=q_mvar, **ASSUMED)


def export(channel_id: str, bus_id: str, share: float = 1.0) -> t.ExportChannel:
    names = {"name_en": channel_id, "name_zh": channel_id}
    return t.ExportChannel(channel_id=channel_id, bus_id=bus_id, share=share, limit_mw=1000, **names, **ASSUMED)


def storage(storage_id: str, bus_id: str, power_mw: float) -> t.Storage:
    plain: dict[str, Any] = {
        "name_en": storage_id, "name_zh": storage_id, "kind": "battery", "county": "x",
        "energy_mwh": 2 * power_mw, "charge_efficiency": 0.9, "discharge_efficiency": 0.9,
        "self_discharge_per_h": 0, "status": "operating",
    }  # fmt: skip
    return t.Storage(storage_id=storage_id, bus_id=bus_id, power_mw=power_mw, **plain, **ASSUMED)


def scenario(settings: dict[str, Any] | None = None, year: int = 2025, **tables: Any) -> Scenario:
    """A scenario with the given tables, the conductors ``TYPES`` and nothing else; no sizing unless asked for."""
    rows = dict.fromkeys(Tables.model_fields, ()) | {"line_types": TYPES, "technologies": (TECHNOLOGY,)}
    plain: dict[str, Any] = {
        "name": "hand-made", "title_en": "t", "title_zh": "t", "time": Time(year=year),
        "weather": {"sites": {"weining": SITE | {"ridge_wind_ms": 6}}},
        "wind": {"fleet": [{"turbine": "V90/2000", "share": 1, "hub_height_m": 80}]},
        "grid": Grid(size_assumed_elements=False),
    }  # fmt: skip
    return Scenario(settings=Settings(**{**plain, **(settings or {})}), tables=Tables(**{**rows, **tables}))


def three_buses(**more: Any) -> Scenario:
    """The surrounding grid A (500 kV), 100 km of double line, B (500 kV), two 750 MVA transformers, C (220 kV)."""
    tables: dict[str, Any] = {
        "buses": (bus("A", 500, "boundary"), bus("B", 500, lon=105.8), bus("C", 220, lon=105.8)),
        "lines": (line("A-B", "A", "B", circuits=2),),
        "trafos": (trafo("T", "B", "C"),),
        "boundary": (boundary("A"),),
    }
    return scenario(**{**tables, **more})
