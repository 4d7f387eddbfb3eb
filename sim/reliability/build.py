"""Scenario → ``AdequacySystem`` of its region, over several weather years.

Weather years are synthetic, drawn with consecutive seeds, or one for each of ``adequacy.weather_files``; a scenario
whose sites have files has the one year that they hold. Each goes through the same generation and the same case as
the annual simulation, so capacities are net of own use, hydro has its daily water, and load and export carry the
loss estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from profiles.generate import generate
from profiles.records import Weather
from profiles.weather import make_weather
from scenarios.records import Floats, Ints
from scenarios.schema import Scenario
from scenarios.tables import ReliabilityRate
from sim.dispatch.model import DispatchCase
from sim.fleet import build_case
from sim.progress import Stages
from sim.reliability.outages import maintenance_days, mean_up_h, plan_maintenance, rates_by_technology
from sim.reliability.system import PLAIN, AdequacySystem, replaced


def regional_system(scenario: Scenario, stages: Stages) -> AdequacySystem:
    """Return the system of a scenario; raises ``ScenarioError`` or ``DataError`` for inputs that are wrong."""
    years = weather_scenarios(scenario)
    weathers, cases = [], []
    for number, year in enumerate(years):
        stages.tick(number, len(years))
        weathers.append(make_weather(year))
        cases.append(build_case(year, generate(year, weathers[-1])))
    system = system_of(scenario, cases, [_name_of(year) for year in years])
    if scenario.settings.adequacy.level == "copper":
        return system
    return with_network(system, scenario, cases, weathers)


def _name_of(year: Scenario) -> str:
    """Return what a weather year is called: its file, else its seed."""
    file = year.settings.weather.sites[year.settings.weather.reference_site].file
    return str(year.settings.weather.seed) if file is None else file.name


def with_network(
    system: AdequacySystem, scenario: Scenario, cases: Sequence[DispatchCase], weathers: Sequence[Weather]
) -> AdequacySystem:
    """Return the system with its network, whose rates may be assumed too."""
    from sim.reliability.build_network import branch_rates, network_of  # noqa: PLC0415  pandapower, here only

    rates = _not_published({row.component: row for row in branch_rates(scenario)})
    ice = f"line failures in ice × {scenario.settings.adequacy.icing_factor:g} (assumed)"
    assumed = (*system.assumed, *rates, ice)
    return replaced(system, network=network_of(scenario, cases, weathers), assumed=assumed)


def weather_scenarios(scenario: Scenario) -> list[Scenario]:
    """Return the scenario once for each weather year: of the files given, of its own, else synthetic."""
    weather = scenario.settings.weather
    files = scenario.settings.adequacy.weather_files
    if files:
        return [_with_file(scenario, file) for file in files]
    if any(site.file is not None for site in weather.sites.values()):
        return [scenario]
    return [
        _with_weather(scenario, {"seed": weather.seed + number, "interannual": "draw"})
        for number in range(scenario.settings.adequacy.weather_years)
    ]


def _with_file(scenario: Scenario, file: Path) -> Scenario:
    """Return the scenario with a file for its reference site, from which the other sites are derived."""
    weather = scenario.settings.weather
    sites = {name: site.model_copy(update={"file": None}) for name, site in weather.sites.items()}
    sites[weather.reference_site] = sites[weather.reference_site].model_copy(update={"file": file})
    return _with_weather(scenario, {"sites": sites})


def _with_weather(scenario: Scenario, changes: dict[str, Any]) -> Scenario:
    weather = scenario.settings.weather.model_copy(update=changes)
    settings = scenario.settings.model_copy(update={"weather": weather})
    return Scenario(settings=settings, tables=scenario.tables)


def system_of(scenario: Scenario, cases: Sequence[DispatchCase], weathers: Sequence[str]) -> AdequacySystem:
    """Return the system of a scenario whose weather years were made into dispatch cases."""
    first, settings = cases[0], scenario.settings
    losses = 1 + settings.dispatch.loss_estimate
    load = np.stack([case.load_mw.sum(axis=1) for case in cases]) * losses
    export = first.export_mw.sum(axis=1) * losses
    renewables = np.stack([case.available_mw for case in cases])
    need_mw = (load + export - renewables.sum(axis=2)).mean(axis=0)
    rates = _rates(scenario)
    return AdequacySystem(
        name=settings.name,
        time=first.time,
        weathers=tuple(weathers),
        hydros=first.hydros,
        renewables=first.renewables,
        storages=first.storages,
        measures=settings.adequacy.measures,
        assumed=_not_published(rates),
        load_uncertainty=settings.adequacy.load_uncertainty,
        renewable_capacity_mw=np.array([plant.capacity_mw for plant in scenario.plants_of("wind", "pv")]),
        renewable_mw=renewables,
        load_mw=load,
        response_mw=np.stack([case.sheddable_mw for case in cases]),
        export_mw=export,
        hydro_budget_mwh=first.hydro_budget_mwh,
        hydro_minimum_mw=first.hydro_minimum_mw,
        **_units(scenario, first, rates, _peaks_of_days(need_mw, first.time.day)),
        **{name: getattr(first, name) for name in _STORAGE},
    )


_STORAGE = (
    "storage_power_mw",
    "storage_energy_mwh",
    "storage_charge_efficiency",
    "storage_discharge_efficiency",
    "storage_self_discharge_per_h",
)


def _rates(scenario: Scenario) -> dict[str, ReliabilityRate]:
    kinds = dict.fromkeys(plant.technology for plant in scenario.plants_of("coal", "hydro"))
    return rates_by_technology(scenario.tables.reliability, kinds)


def _not_published(rates: dict[str, ReliabilityRate]) -> tuple[str, ...]:
    rows = {row.component: row.confidence for row in rates.values() if row.confidence != "published"}
    return tuple(f"{component} ({confidence})" for component, confidence in rows.items())


def _peaks_of_days(need_mw: Floats, day: Ints) -> Floats:
    firsts = np.flatnonzero(np.diff(day, prepend=-1))
    return np.asarray(np.maximum.reduceat(need_mw, firsts))


def _units(
    scenario: Scenario, case: DispatchCase, rates: dict[str, ReliabilityRate], peaks_mw: Floats
) -> dict[str, Any]:
    """Return the units of coal plants, then of hydro plants, in the order of the case."""
    plants = {plant.plant_id: plant for plant in scenario.plants_of("coal", "hydro")}
    owners = [plants[name] for name in (*case.coal, *case.hydros) for _ in range(plants[name].units)]
    size = dict(zip(case.coal, case.coal_unit_mw, strict=True))
    size |= {name: mw / plants[name].units for name, mw in zip(case.hydros, case.hydro_capacity_mw, strict=True)}
    capacity = np.array([size[plant.plant_id] for plant in owners], dtype=np.float64)
    kinds = [plant.technology for plant in owners]
    hydro = {name: place for place, name in enumerate(case.hydros)}
    return {
        "units": _numbered([plant.plant_id for plant in owners]),
        "unit_plant": tuple(plant.plant_id for plant in owners),
        "capacity_mw": capacity,
        "derated_mw": np.zeros(len(owners)),
        "derated_share": np.zeros(len(owners)),
        "mean_up_h": np.array([mean_up_h(rates[kind]) for kind in kinds], dtype=np.float64),
        "mean_down_h": np.array([rates[kind].repair_h for kind in kinds], dtype=np.float64),
        "unit_hydro": np.array([hydro.get(plant.plant_id, PLAIN) for plant in owners], dtype=np.int64),
        **_maintenance(scenario, capacity, kinds, rates, peaks_mw),
    }


def _maintenance(
    scenario: Scenario, capacity_mw: Floats, kinds: list[str], rates: dict[str, ReliabilityRate], peaks_mw: Floats
) -> dict[str, Ints]:
    """Return the steps between which each unit is in planned maintenance."""
    time = scenario.time
    days = maintenance_days(rates, kinds, time.hours if scenario.settings.adequacy.maintenance else 0.0)
    begin = plan_maintenance(capacity_mw, days, peaks_mw)
    firsts = np.append(np.flatnonzero(np.diff(time.day, prepend=-1)), len(time))
    return {"out_from": firsts[begin], "out_to": firsts[np.minimum(begin + days, len(peaks_mw))]}


def _numbered(plants: list[str]) -> tuple[str, ...]:
    """Return a name for each unit: plant and number."""
    return tuple(f"{name}#{plants[:place].count(name) + 1}" for place, name in enumerate(plants))
