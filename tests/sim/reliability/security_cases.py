"""A grid small enough to be reckoned by hand, as a scenario with an operation that was written down.

    A (surrounding grid, 220 kV, 1.0 pu) ══ L: two circuits of 30 Ω ══ B ── S: one circuit of 30 Ω ── C
                                         ── M: one circuit of 60 Ω ──

Lines have no charging and next to no resistance. Loads draw no reactive power. Emergency ratings: L and S 0.8 kA a
circuit, M 1.0 kA; normal ratings are 0.8 of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grid.compile import compile_net
from grid.elements import elements_of
from grid.network import build_net
from scenarios import tables as t
from scenarios.schema import Scenario, Tables
from scenarios.settings import Grid, Settings, Time
from sim.reliability.security_operation import YearOperation
from sim.reliability.security_outages import Situation

MADE = {"source": "hand-made", "confidence": "assumed"}
SITE = {"name_en": "s", "name_zh": "s", "lat": 27, "lon": 105, "elevation_m": 2000, "ridge_elevation_m": 2000}
COAL = t.Technology(
    technology="coal", tech="coal", ramp_pu_per_h=1, min_up_h=0, min_down_h=0, start_hot_cny=0, start_cold_cny=0,
    coal_gce_per_kwh=0, co2_t_per_mwh=0, aux_pu=0, q_min_pu=-0.3, q_max_pu=0.5, **MADE,
)  # fmt: skip


def conductor(name: str, emergency_ka: float) -> t.LineType:
    return t.LineType(
        line_type=name, r_ohm_per_km=1e-9, x_ohm_per_km=0.3, c_nf_per_km=0, i_normal_ka=0.8 * emergency_ka,
        i_emergency_ka=emergency_ka, **MADE,
    )  # fmt: skip


def bus(name: str, kind: str = "substation", **more: Any) -> t.Bus:
    sure = dict.fromkeys(("existence_confidence", "kv_confidence", "coord_confidence"), "assumed")
    names = {"name_en": f"Station {name}", "name_zh": f"{name}站", "county": "x"}
    place = {"vn_kv": 220, "lat": 27.0, "lon": 105.0}
    return t.Bus(bus_id=name, kind=kind, **{**names, **place, **sure, **MADE, **more})


def line(
    name: str, start: str, end: str, circuits: int = 1, km: float = 100, kind: str = "I", **more: Any
) -> t.Line:
    sure = {"length_confidence": "assumed", "conductor_confidence": "assumed"}
    plain = {"vn_kv": 220, "circuits": circuits, "length_km": km, "line_type": kind}
    return t.Line(line_id=name, from_bus=start, to_bus=end, **{**plain, **sure, **MADE, **more})


def coal_plant(name: str, at: str, units: int, unit_mw: float) -> t.Plant:
    return t.Plant(
        plant_id=name, name_en=f"Plant {name}", name_zh=f"{name}电厂", tech="coal", technology="coal", units=units,
        unit_mw=unit_mw, county="x", lat=27, lon=105, bus_id=at, account="bijie", minimum_pu=0.4,
        status="operating", kv_confidence="assumed", **MADE,
    )  # fmt: skip


def scenario(security: dict[str, Any] | None = None, hours: int = 2, **tables: Any) -> Scenario:
    rows: dict[str, Any] = dict.fromkeys(Tables.model_fields, ()) | {
        "buses": (bus("A", "boundary"), bus("B"), bus("C")),
        "lines": (line("L", "A", "B", circuits=2), line("M", "A", "B", km=200, kind="II"), line("S", "B", "C")),
        "line_types": (conductor("I", 0.8), conductor("II", 1.0)),
        "boundary": (t.Boundary(bus_id="A", weight=1.0, v_set_pu=1.0, **MADE),),
        "technologies": (COAL,),
    }
    settings = Settings(
        name="hand-made", title_en="t", title_zh="t", time=Time(year=2025, hours=hours),
        weather={"sites": {"weining": SITE | {"ridge_wind_ms": 6}}},
        wind={"fleet": [{"turbine": "V90/2000", "share": 1, "hub_height_m": 80}]},
        grid=Grid(size_assumed_elements=False, v_set_220_pu=1.0), security=security or {},
    )  # fmt: skip
    return Scenario(settings=settings, tables=Tables(**{**rows, **tables}))


def situation(
    taken_mw: dict[str, list[float]],
    given_mw: dict[str, list[float]] | None = None,
    of: Scenario | None = None,
    units_on: dict[str, list[int]] | None = None,
    solved: list[bool] | None = None,
) -> Situation:
    """The situation of ``of`` with load and generation by bus, hour by hour; a plant's power is its bus's."""
    hours = len(next(iter(taken_mw.values())))
    of = of or scenario(hours=hours)
    model = compile_net(build_net(of))
    taken, given = (_at_buses(model.buses, part or {}, hours) for part in (taken_mw, given_mw))
    plants = of.plants_of("coal", "hydro")
    on = np.array([(units_on or {})[plant.plant_id] for plant in plants]).reshape(len(plants), hours).T
    injections = model.injections(given - taken, np.zeros_like(given))
    operation = YearOperation(
        time=of.time, buses=model.buses, plants=tuple(plant.plant_id for plant in plants), injections=injections,
        solved=np.array(solved or [True] * hours), taken_mw=taken,
        generation_mw=given[:, [model.buses.index(plant.bus_id) for plant in plants]],
        units_on=on.astype(np.int64),
    )  # fmt: skip
    return Situation(of, elements_of(of), model, operation)


def _at_buses(buses: tuple[str, ...], by_bus: dict[str, list[float]], hours: int) -> np.ndarray:
    values = np.zeros((hours, len(buses)))
    for name, mw in by_bus.items():
        values[:, buses.index(name)] = mw
    return values
