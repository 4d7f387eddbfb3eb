"""A name and a technology → the place where capacity may grow, as shares of plants.

A name is a base (``weining``), a county (``赫章``, ``Hezhang``), a bus, a plant, or the region (``bijie``). The
plants of the technology that stand there grow in proportion, each at its bus and with its own profile. Where none
stands yet, a new plant is put there: at a bus on that bus, in a county on each of its 220 kV stations in equal
parts; it takes its technical data from the nearest plant of the technology under the same weather, and its profile
from the weather of its county at the place of the bus.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grid.elements import Elements
from scenarios.errors import Problem, ScenarioError, did_you_mean
from scenarios.schema import Scenario
from scenarios.tables import Bus, County, Plant

Growing = Literal["pv", "wind"]

STATION_KINDS = ("substation", "collector")
"""Kinds of buses at which new plants of a county may be connected."""
COLLECTION_BELOW_KV = 330.0


@dataclass(frozen=True, slots=True)
class Site:
    """A place where capacity of one technology may grow.

    ``shares`` says how its capacity is spread over plants, and adds up to 1; ``capacity_mw`` is what stands there
    now, 0 when all its plants are ``new`` (rows with a capacity of 1 MW, not in the tables).
    """

    name: str
    title_zh: str
    title_en: str
    tech: Growing
    capacity_mw: float
    shares: tuple[tuple[str, float], ...]
    new: tuple[Plant, ...] = ()
    plan_mw: float | None = None


def find_sites(scenario: Scenario, elements: Elements, names: Sequence[str], tech: Growing) -> tuple[Site, ...]:
    """Return the sites of the given names; raises ``ScenarioError`` with everything that is wrong with them."""
    found: list[Site] = []
    problems: list[Problem] = []
    for name in names:
        try:
            found.append(_site(scenario, elements, name, tech))
        except ScenarioError as error:
            problems += error.problems
    problems += _overlaps(found)
    if problems:
        raise ScenarioError(problems)
    return tuple(found)


def _overlaps(sites: Sequence[Site]) -> list[Problem]:
    problems = []
    for place, one in enumerate(sites):
        for other in sites[:place]:
            both = sorted({name for name, _ in one.shares} & {name for name, _ in other.shares})
            if both:
                what = f"shares {', '.join(both)} with --site {other.name}"
                problems.append(Problem(f"--site {one.name}", what, "name sites that have no plant in common"))
    return problems


def _site(scenario: Scenario, elements: Elements, name: str, tech: Growing) -> Site:
    if name.lower() in {scenario.settings.region_key.lower(), "all"}:
        return _region(scenario, name, tech)
    plants = {plant.plant_id: plant for plant in scenario.tables.plants}
    if name in plants:
        return _plant(scenario, plants[name], tech)
    buses = {bus.bus_id: bus for bus in elements.buses}
    if name in buses:
        return _bus(scenario, buses[name], tech)
    for county in scenario.tables.counties:
        if name.lower() in {county.county, county.name_en.lower()}:
            return _county(scenario, elements, county, name, tech)
    counties = [text for county in scenario.tables.counties for text in (county.county, county.name_en.lower())]
    cure = did_you_mean(name, (*counties, *buses, *plants, scenario.settings.region_key.lower()))
    raise ScenarioError(Problem(f"--site {name}", "is no base, county, bus in service or plant", cure))


def _region(scenario: Scenario, name: str, tech: Growing) -> Site:
    plants = scenario.plants_of(tech)
    if not plants:
        what = f"has no {tech} plant in {scenario.year} whose share could grow"
        raise ScenarioError(Problem(f"--site {name}", what, "name a county or a bus"))
    return _grown(name, "全市", "the whole region", tech, plants)


def _plant(scenario: Scenario, plant: Plant, tech: Growing) -> Site:
    place = f"--site {plant.plant_id}"
    if plant.tech != tech:
        cure = f"use --technology {plant.tech}" if plant.tech in ("pv", "wind") else "name its bus instead"
        raise ScenarioError(Problem(place, f"is a {plant.tech} plant, and --technology is {tech}", cure))
    standing = [row for row in scenario.plants if row.plant_id == plant.plant_id]
    if not standing:
        cure = "choose another time.year, or name its bus"
        raise ScenarioError(Problem(place, f"is not in service in {scenario.year}, or not the region's", cure))
    return _grown(plant.plant_id, plant.name_zh, plant.name_en, tech, standing)


def _bus(scenario: Scenario, bus: Bus, tech: Growing) -> Site:
    plants = [plant for plant in scenario.plants_of(tech) if plant.bus_id == bus.bus_id]
    if plants:
        return _grown(bus.bus_id, bus.name_zh, bus.name_en, tech, plants)
    if bus.county not in scenario.counties:
        what = f"is in no county of the region ({bus.county}), so no weather is known there"
        raise ScenarioError(Problem(f"--site {bus.bus_id}", what, "name a bus inside the region"))
    return _fresh(scenario, bus.bus_id, (bus.name_zh, bus.name_en), tech, [bus])


def _county(scenario: Scenario, elements: Elements, county: County, name: str, tech: Growing) -> Site:
    base = county.weather_site == name.lower() and county.name_en.lower() == name.lower()
    titles = (f"{county.county}基地", f"{county.name_en} base") if base else (county.county, county.name_en)
    plants = [plant for plant in scenario.plants_of(tech) if plant.county == county.county]
    plan_mw = _plan_mw(scenario, county) if tech == "pv" else None
    if plants:
        return _grown(name, *titles, tech, plants, plan_mw)
    stations = [bus for bus in elements.buses if bus.county == county.county and _takes_plants(bus)]
    if not stations:
        what = f"has neither a {tech} plant nor a 220 kV station in {scenario.year}"
        raise ScenarioError(Problem(f"--site {name}", what, "name a bus"))
    return _fresh(scenario, name, titles, tech, stations)


def _takes_plants(bus: Bus) -> bool:
    return bus.kind in STATION_KINDS and bus.vn_kv < COLLECTION_BELOW_KV


def _plan_mw(scenario: Scenario, county: County) -> float | None:
    """Return what the plan promises for the PV base of a county, MW; ``None`` when it names none."""
    for target in scenario.tables.plan_targets:
        if county.name_en in target.region and "PV base" in target.quantity and target.unit == "MW":
            return target.value
    return None


def _grown(
    name: str,
    title_zh: str,
    title_en: str,
    tech: Growing,
    plants: Sequence[Plant],
    plan_mw: float | None = None,
) -> Site:
    total = sum(plant.capacity_mw for plant in plants)
    shares = tuple((plant.plant_id, plant.capacity_mw / total) for plant in plants)
    return Site(name, title_zh, title_en, tech, total, shares, plan_mw=plan_mw)


def _fresh(scenario: Scenario, name: str, titles: tuple[str, str], tech: Growing, buses: Sequence[Bus]) -> Site:
    new = tuple(_new_plant(scenario, bus, tech) for bus in buses)
    shares = tuple((plant.plant_id, 1.0 / len(new)) for plant in new)
    return Site(name, *titles, tech, 0.0, shares, new)


def _new_plant(scenario: Scenario, bus: Bus, tech: Growing) -> Plant:
    """Return a plant of 1 MW at a bus, with the technical data of the nearest one under the same weather."""
    sky = scenario.counties[bus.county].weather_site
    models = [plant for plant in scenario.tables.plants if plant.tech == tech and plant.account == "bijie"]
    if not models:
        what = f"has no {tech} plant in plants.csv to take technical data from"
        raise ScenarioError(Problem(f"--site {bus.bus_id}", what, f"add a {tech} plant, even a small one"))

    def far(plant: Plant) -> tuple[bool, float]:
        apart = math.hypot((plant.lon - bus.lon) * math.cos(math.radians(bus.lat)), plant.lat - bus.lat)
        return scenario.counties[plant.county].weather_site != sky, apart

    changes = {
        "plant_id": f"new-{tech}-{bus.bus_id}",
        "name_en": f"new {tech} at {bus.name_en}",
        "name_zh": f"{bus.name_zh}新增{'光伏' if tech == 'pv' else '风电'}",
        "units": 1,
        "unit_mw": 1.0,
        "county": bus.county,
        "lat": bus.lat,
        "lon": bus.lon,
        "bus_id": bus.bus_id,
        "status": "assumed",
        "in_service_from": None,
        "in_service_to": None,
        "source": "absorption study",
        "confidence": "assumed",
    }
    return min(models, key=far).model_copy(update=changes)
