"""A day on three buses whose absorption capacity can be reckoned by hand.

    A220 ──L1── B220 ──L2── C220      no shunts, no charging: an idle line takes nothing
    slack       LB, K, V1   V2        LB: 100 MW in every hour; K: coal that may rest

The sun shines in 8 of 24 hours, at full power or not at all. So of C MW in the region, all at B220, what exceeds
100 MW is curtailed, and the rate is (C − 100) / C. L2 carries ``line_mw``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from grid.checks import check_network
from grid.compile import compile_net
from grid.network import build_net
from profiles.records import Profiles
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from scenarios.settings import Time
from scenarios.tables import Boundary, Bus, Line, LineType, Load, Plant
from sim.absorption.annual import Companion, Study, WeatherYear, prepare

HOURS, SUNNY = 24, slice(8, 16)
LOAD_MW = 100.0
SOURCE = {"source": "hand-made example", "confidence": "assumed", "note": ""}
SURE = {"existence_confidence": "assumed", "kv_confidence": "assumed", "coord_confidence": "assumed"}


def day(line_mw: float = 400.0, **absorption: float) -> Scenario:
    """Return the scenario; ``absorption`` replaces values of its section."""
    base = load_scenario("plan-2025").settings
    rules = base.absorption.model_copy(update={"resolution_mw": 1.0, **absorption})
    changed = {
        "name": "three-buses",
        "time": Time(year=2025, start="2025-04-10", hours=HOURS),
        "scale": base.scale.model_copy(update={"storage": 1.0}),
        "dispatch": base.dispatch.model_copy(update={"solver": "lp", "loss_estimate": 0.0}),
        "demand_response": base.demand_response.model_copy(update={"shed_share": 0.0, "shift_share": 0.0}),
        "grid": base.grid.model_copy(update={"size_assumed_elements": False}),
        "absorption": rules,
    }
    tables = load_scenario("plan-2025").tables
    rows = {
        "buses": (bus("A220", "boundary", "boundary"), bus("B220", "威宁"), bus("C220", "赫章", "collector")),
        "lines": (line("L1", "A220", "B220", "wide"), line("L2", "B220", "C220", "narrow")),
        "line_types": (conductor("wide", 400.0), conductor("narrow", line_mw)),
        "trafos": (),
        "shunts": (),
        "sections": (),
        "plants": (
            plant("K", "coal", "coal-660-usc", "B220", "威宁", 200.0),
            plant("V1", "pv", "pv", "B220", "威宁", 40.0),
            plant("V2", "pv", "pv", "C220", "赫章", 20.0),
        ),
        "storages": (),
        "loads": (load("LB", "B220", "威宁"),),
        "exports": (),
        "boundary": (Boundary(bus_id="A220", weight=1, v_set_pu=1.0, **SOURCE),),
        "hydro_energy": (),
    }
    return Scenario(settings=base.model_copy(update=changed), tables=tables.model_copy(update=rows))


def study_of(scenario: Scenario, *names: str, companion: Companion | None = None) -> Study:
    return prepare(scenario, names, "pv", companion)


def sunny_day(study: Study) -> WeatherYear:
    """Return eight hours of full sun on every PV plant, and the flat load."""
    scenario = study.scenario
    plants = scenario.plants_of("wind", "pv")
    sun = np.zeros((HOURS, len(plants)))
    sun[SUNNY] = [row.capacity_mw for row in plants]
    load_mw = np.full((HOURS, 1), LOAD_MW)
    profiles = Profiles(
        scenario.time,
        tuple(row.plant_id for row in plants),
        (),
        ("LB",),
        (),
        available_mw=sun,
        load_mw=load_mw,
        load_mvar=np.zeros_like(load_mw),
        export_mw=np.zeros((HOURS, 0)),
        hydro_budget_mwh=np.zeros((1, 0)),
        hydro_minimum_mw=np.zeros((1, 0)),
        clipped_gwh=np.zeros(len(plants)),
        notes=(),
    )
    return WeatherYear("by hand", scenario, profiles)


def lines_of(scenario: Scenario) -> Sequence[Line]:
    return check_network(scenario).elements.lines


def branch_limits(scenario: Scenario) -> np.ndarray:
    return compile_net(build_net(scenario)).limit_from_ka


def conductor(name: str, mw: float) -> LineType:
    """Return a conductor that carries ``mw`` at 220 kV, almost without resistance."""
    ka = mw / (math.sqrt(3) * 220)
    return LineType(
        line_type=name, r_ohm_per_km=1e-6, x_ohm_per_km=0.3, c_nf_per_km=0.0, i_normal_ka=ka, i_emergency_ka=ka,
        **SOURCE,
    )  # fmt: skip


def line(name: str, start: str, end: str, line_type: str) -> Line:
    sure = {"length_confidence": "assumed", "conductor_confidence": "assumed"}
    return Line(
        line_id=name, from_bus=start, to_bus=end, vn_kv=220, circuits=1, length_km=30, line_type=line_type,
        **sure, **SOURCE,
    )  # fmt: skip


def bus(name: str, county: str, kind: str = "substation") -> Bus:
    return Bus(
        bus_id=name, name_en=f"Station {name}", name_zh=f"{name}站", vn_kv=220, lat=27, lon=104.5, county=county,
        kind=kind, **SURE, **SOURCE,
    )  # fmt: skip


def plant(name: str, tech: str, technology: str, at: str, county: str, unit_mw: float) -> Plant:
    return Plant(
        plant_id=name, name_en=f"Plant {name}", name_zh=f"电厂{name}", tech=tech, technology=technology, units=1,
        unit_mw=unit_mw, county=county, lat=27, lon=104.5, bus_id=at, account="bijie", minimum_pu=0.0,
        status="assumed", kv_confidence="assumed", **SOURCE,
    )  # fmt: skip


def load(name: str, at: str, county: str) -> Load:
    return Load(
        load_id=name, bus_id=at, name_zh=name, county=county, peak_mw=LOAD_MW, power_factor=1, compensation=0,
        industrial_share=0, **SOURCE,
    )  # fmt: skip
