"""Scenario, its dispatch cases and weather → the ``Network`` of an adequacy study at network level.

Branches, impedances and ratings are those of the compiled grid; failure rates come from ``reliability.csv``: lines
per 100 km and circuit, transformers per unit. A line ages faster while blades and conductors of a weather site at
either of its ends are iced; transformers age evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from grid.compile import compile_net
from grid.elements import Elements, elements_of
from grid.model import GridModel
from grid.network import build_net
from grid.sensitivities import linear_branches
from profiles.records import Weather
from scenarios.errors import DataError, Problem
from scenarios.records import Floats, Ints
from scenarios.schema import Scenario
from scenarios.tables import Line, ReliabilityRate, Trafo
from sim.dispatch.limits import branch_limit_mw, circuits_of
from sim.dispatch.model import DispatchCase
from sim.reliability.network import Label, Network
from sim.reliability.outages import mean_up_h

UNRATED_MW = 1e9
"""Rating of a branch without one."""

EXPORT = Label("export", "外送", "export")
KM_OF_RATE = 100.0
"""Lines fail in proportion to their length; rates are for this many km."""


def network_of(scenario: Scenario, cases: Sequence[DispatchCase], weathers: Sequence[Weather]) -> Network:
    """Return the network; raises ``DataError`` where ``reliability.csv`` has no row for an element."""
    model, elements = compile_net(build_net(scenario)), elements_of(scenario)
    place = {name: at for at, name in enumerate(model.buses)}
    return Network(
        buses=model.buses,
        bus_of=_buses_of(elements, place),
        **_branches(scenario, model, elements, weathers),
        **_demands(scenario, cases, elements, place),
    )


def branch_rates(scenario: Scenario) -> tuple[ReliabilityRate, ...]:
    """Return the rows of ``reliability.csv`` that branches of the scenario use, each once."""
    elements = elements_of(scenario)
    known = _rates(scenario, elements)
    used = dict.fromkeys(_component(branch) for branch in elements.branches)
    return tuple(known[name] for name in used)


def _component(branch: Line | Trafo) -> str:
    return f"line {branch.vn_kv:g} kV" if isinstance(branch, Line) else "transformer"


def _rates(scenario: Scenario, elements: Elements) -> dict[str, ReliabilityRate]:
    known = {row.component: row for row in scenario.tables.reliability}
    missing = sorted({_component(branch) for branch in elements.branches} - set(known))
    if missing:
        raise DataError(
            Problem("reliability.csv", f'component "{name}" has no row', "add its failure rate and repair time")
            for name in missing
        )
    return known


def _branches(
    scenario: Scenario, model: GridModel, elements: Elements, weathers: Sequence[Weather]
) -> dict[str, Any]:
    rows = {branch.line_id if isinstance(branch, Line) else branch.trafo_id: branch for branch in elements.branches}
    branches = [rows[name] for name in model.branches]
    rates = _rates(scenario, elements)
    limit = branch_limit_mw(model) * scenario.settings.adequacy.branch_rating_pu
    return {
        "branches": tuple(Label(name, name, name) for name in model.branches),
        "from_bus": np.array(model.from_bus, dtype=np.int64),
        "to_bus": np.array(model.to_bus, dtype=np.int64),
        "susceptance": linear_branches(model).b_pu,
        "limit_mw": np.where(np.isfinite(limit), limit, UNRATED_MW),
        "circuits": circuits_of(scenario, model).count,
        "mean_up_h": np.array([_mean_up_h(branch, rates[_component(branch)]) for branch in branches]),
        "mean_down_h": np.array([rates[_component(branch)].repair_h for branch in branches]),
        **_ageing(scenario, branches, weathers),
    }


def _mean_up_h(branch: Line | Trafo, rate: ReliabilityRate) -> float:
    """Return the mean time to failure of one circuit, h: that of a line falls with its length."""
    if isinstance(branch, Trafo):
        return mean_up_h(rate)
    length = branch.length_km / KM_OF_RATE
    return mean_up_h(rate.model_copy(update={"failure_rate": rate.failure_rate * length, "unavailability": None}))


def _sites(scenario: Scenario, branches: Sequence[Line | Trafo]) -> list[frozenset[str]]:
    """Return the weather sites at the ends of each line; none for transformers."""
    site_of = {county.county: county.weather_site for county in scenario.tables.counties}
    county_of = {bus.bus_id: bus.county for bus in scenario.tables.buses}
    ends = [(branch.from_bus, branch.to_bus) if isinstance(branch, Line) else () for branch in branches]
    return [frozenset(site_of[county_of[bus]] for bus in pair if county_of[bus] in site_of) for pair in ends]


def _ageing(
    scenario: Scenario, branches: Sequence[Line | Trafo], weathers: Sequence[Weather]
) -> dict[str, Ints | Floats]:
    """Return the ageing zone of each branch (a set of sites) and how much it ages [weathers × hours × zones]."""
    sites = _sites(scenario, branches)
    zones = sorted(set(sites), key=sorted)
    members = [np.array([site in zone for site in weathers[0].sites], dtype=bool) for zone in zones]
    iced = np.stack([np.stack([weather.iced[:, m].any(axis=1) for m in members], axis=1) for weather in weathers])
    return {
        "zone": np.array([zones.index(zone) for zone in sites], dtype=np.int64),
        "ageing": np.where(iced, scenario.settings.adequacy.icing_factor, 1.0),
    }


def _demands(
    scenario: Scenario, cases: Sequence[DispatchCase], elements: Elements, place: dict[str, int]
) -> dict[str, Any]:
    """Return the demands: the load of each bus that has any, then the channels of export."""
    bus_of = {load.load_id: load.bus_id for load in elements.loads}
    buses = {bus.bus_id: bus for bus in elements.buses}
    at = list(dict.fromkeys(bus_of[name] for name in cases[0].loads))
    counties = list(dict.fromkeys(buses[name].county for name in at))
    english = {row.county: row.name_en for row in scenario.tables.counties}
    channels = {row.channel_id: row for row in elements.exports}
    shown = [channels[name] for name in cases[0].channels]
    gather = np.array([[bus_of[load] == bus for bus in at] for load in cases[0].loads], dtype=np.float64)
    return {
        "demands": (
            *(Label(name, buses[name].name_zh, buses[name].name_en) for name in at),
            *(Label(row.channel_id, row.name_zh, row.name_en) for row in shown),
        ),
        "counties": (*(Label(name, name, english.get(name, name)) for name in counties), EXPORT),
        "demand_bus": np.array([place[n] for n in (*at, *(row.bus_id for row in shown))], dtype=np.int64),
        "county": np.array(
            [*(counties.index(buses[name].county) for name in at), *(len(counties) for _ in shown)], dtype=np.int64
        ),
        "load_share": np.stack([_shares(case.load_mw @ gather) for case in cases]),
        "export_share": _shares(cases[0].export_mw),
    }


def _shares(parts: Floats) -> Floats:
    """Return parts as shares of their sum; equal shares where the sum is 0 [hours × parts]."""
    total = parts.sum(axis=1, keepdims=True)
    count = max(parts.shape[1], 1)
    return np.asarray(np.divide(parts, total, out=np.full_like(parts, 1 / count), where=total > 0))


def _buses_of(elements: Elements, place: dict[str, int]) -> dict[str, int]:
    stands = [
        *((plant.plant_id, plant.bus_id) for plant in elements.plants),
        *((storage.storage_id, storage.bus_id) for storage in elements.storages),
    ]
    return {name: place[bus] for name, bus in stands}
