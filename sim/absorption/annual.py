"""A base study, a weather year and capacities of sites → the simulated year, as the figures that decide.

    scenario + sites ──prepare──► Study          network, lines and multipliers written down once
    Study + seed ──weather_year──► WeatherYear   weather and generation made once, per unit of capacity
    Study + WeatherYear + MW per site ──evaluate──► Point        dispatch ⇄ AC power flow, ``ROUNDS`` times
                                      ──confirm───► Point        exactly what a run does

Both are pure: they depend on nothing but their arguments, so that years may be computed anywhere, in any order. A
search evaluates; its answer is confirmed. ``evaluate`` leaves out what moves a year's curtailment by next to
nothing and takes most of a run's time: further rounds of losses, and mending single hours after the power flow.

The network stays that of the base study. The sizing rule of assumed lines (``grid.sizing``) looks at the plants of
the tables; if it looked at the grown ones, every assumed collection line would grow with them and never bind. So
lines are sized once, for the plants of the tables, and kept: a new megawatt has to find its way through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grid.checks import NetworkReport, check_network
from grid.compile import compile_net
from grid.flow import FlowOptions, solve
from grid.model import FlowResult, GridModel
from grid.network import build_net
from grid.sizing import size_assumed_lines, with_sized_lines
from profiles.generate import generate
from profiles.records import Profiles
from profiles.weather import make_weather
from scenarios.errors import Problem, ScenarioError
from scenarios.records import Floats
from scenarios.schema import Scenario
from scenarios.settings import Scale
from scenarios.tables import Plant, Storage
from sim.absorption.sites import Growing, Site, find_sites
from sim.accounts import MWH_PER_GWH, gwh
from sim.dispatch import dispatch
from sim.dispatch.limits import network_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.fleet import build_case
from sim.injections import inject
from sim.operation import Operation, operate
from sim.progress import Stages
from sim.wires import watched_buses

ROUNDS = 2
"""Dispatch and power flow of ``evaluate``: the second round knows the losses of the first. What is still wrong then
is the loss of a few MW of loss: some 0.01 % of the load."""


@dataclass(frozen=True, slots=True)
class Companion:
    """Storage that new capacity must bring along (配储): MW per MW of growth, and its hours at full power."""

    share: float = 0.0
    hours: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """What all years of a study share. ``scenario`` has sized lines, multipliers applied, new plants at 1 MW."""

    scenario: Scenario
    network: NetworkReport
    model: GridModel
    tech: Growing
    sites: tuple[Site, ...]
    companion: Companion

    @property
    def base_mw(self) -> tuple[float, ...]:
        """Capacities of the sites as they stand."""
        return tuple(site.capacity_mw for site in self.sites)


@dataclass(frozen=True, slots=True, eq=False)
class WeatherYear:
    """A weather year of a study: its name, and the profiles with the capacities of the study's scenario."""

    name: str
    scenario: Scenario
    profiles: Profiles


@dataclass(frozen=True, slots=True)
class Offer:
    """Energy that was available and energy of it that was not accepted.

    All curtailment of the model is system-caused (系统原因): maintenance, losses and clipping of the plants
    themselves are taken off before, so they are in neither figure.
    """

    available_gwh: float
    curtailed_gwh: float

    @property
    def accepted_gwh(self) -> float:
        """Energy accepted."""
        return self.available_gwh - self.curtailed_gwh

    @property
    def rate(self) -> float:
        """Curtailed / available; 0 when nothing was available."""
        return self.curtailed_gwh / self.available_gwh if self.available_gwh > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Security:
    """How well a year was supplied and the network kept; hours and element-hours of solved steps.

    ``overloaded_h`` counts hours in which a branch exceeds the limit and its tolerance; ``voltage_outside`` is the
    share of monitored bus-hours outside the voltage band.
    """

    unserved_mwh: float
    unsolved_h: float
    overloaded_h: float
    loading_max: float
    loading_branch: str
    voltage_outside: float


@dataclass(frozen=True, slots=True)
class Point:
    """One simulated year: MW of the sites, and what came of them."""

    sizes_mw: tuple[float, ...]
    weather: str
    tech: Offer
    renewables: Offer
    sites: tuple[Offer, ...]
    security: Security


def prepare(
    scenario: Scenario, names: Sequence[str], tech: Growing = "pv", companion: Companion | None = None
) -> Study:
    """Return the study of the sites of the given names; raises ``ScenarioError`` and ``DataError``."""
    network = check_network(scenario)
    sites = find_sites(scenario, network.elements, names, tech)
    fixed = _written_down(scenario, sites)
    model = compile_net(build_net(scenario))
    return Study(fixed, network, model, tech, sites, companion or Companion())


def _written_down(scenario: Scenario, sites: Sequence[Site]) -> Scenario:
    """Return the scenario with sized lines and scaled plants in its tables, so that neither rule applies again."""
    settings = scenario.settings
    if settings.grid.size_assumed_elements:
        scenario = with_sized_lines(scenario, size_assumed_lines(scenario))
    scale = Scale(load=settings.scale.load, export=settings.scale.export)
    grid = settings.grid.model_copy(update={"size_assumed_elements": False})
    new = [plant for site in sites for plant in site.new]
    tables = scenario.tables.model_copy(
        update={"plants": (*_standing(scenario), *new), "storages": scenario.storages}
    )
    return Scenario(settings=settings.model_copy(update={"scale": scale, "grid": grid}), tables=tables)


def _standing(scenario: Scenario) -> list[Plant]:
    """Return the plants in service as scaled, and those of other accounts, in the order of the table."""
    scaled = {plant.plant_id: plant for plant in scenario.plants}
    rows = scenario.tables.plants
    return [scaled.get(row.plant_id, row) for row in rows if row.plant_id in scaled or row.account != "bijie"]


def weather_year(study: Study, seed: int | None = None) -> WeatherYear:
    """Return a weather year: the scenario's own, or a synthetic year drawn with ``seed``."""
    scenario = study.scenario
    if seed is not None:
        weather = scenario.settings.weather.model_copy(update={"seed": seed, "interannual": "draw"})
        settings = scenario.settings.model_copy(update={"weather": weather})
        scenario = Scenario(settings=settings, tables=scenario.tables)
    name = "scenario" if seed is None else str(seed)
    return WeatherYear(name, scenario, generate(scenario, make_weather(scenario)))


def require_drawable(scenario: Scenario) -> None:
    """Raise ``ScenarioError`` when the scenario's weather comes from files: then there are no years to draw."""
    files = [name for name, site in scenario.settings.weather.sites.items() if site.file is not None]
    if files:
        what = f"draws synthetic years, but {', '.join(files)} has a weather file"
        raise ScenarioError(Problem("--weather-years", what, "leave out --weather, or --weather-years"))


@dataclass(frozen=True, slots=True, eq=False)
class Flown:
    """A dispatch and the AC power flow that carries it."""

    case: DispatchCase
    result: DispatchResult
    flow: FlowResult


def evaluate(study: Study, year: WeatherYear, sizes_mw: Sequence[float]) -> Point:
    """Return the year with these capacities of the sites, MW in their order."""
    scenario, profiles = at_sizes(study, year, sizes_mw)
    case = build_case(scenario, profiles)
    limits = network_limits(scenario, study.model, case)
    for left in reversed(range(ROUNDS)):
        result = dispatch(scenario, case, limits)
        flow = solve(study.model, inject(scenario, profiles, result, study.model), _flow_options(scenario))
        if left:
            slack_mw = np.where(flow.solved, np.nan_to_num(flow.slack_mw.sum(axis=1)), 0.0)
            case = build_case(scenario, profiles, np.maximum(case.loss_mw + slack_mw, 0.0))
    return point_of(study, year, sizes_mw, Flown(case, result, flow))


def _flow_options(scenario: Scenario) -> FlowOptions:
    grid = scenario.settings.grid
    return FlowOptions(tolerance_pu=grid.tolerance_pu, enforce_q_limits=grid.enforce_q_limits)


def operate_at(study: Study, year: WeatherYear, sizes_mw: Sequence[float]) -> Operation:
    """Return the year with these capacities as a run has it; raises ``PowerFlowError`` when no hour is solved."""
    scenario, profiles = at_sizes(study, year, sizes_mw)
    return operate(scenario, profiles, study.model, Stages(quiet=True))


def at_sizes(study: Study, year: WeatherYear, sizes_mw: Sequence[float]) -> tuple[Scenario, Profiles]:
    """Return scenario and profiles with these capacities of the sites, and with the storage that growth brings."""
    tables = year.scenario.tables
    now = {plant.plant_id: plant.capacity_mw for plant in year.scenario.plants}
    factor = {
        name: size * share / now[name]
        for site, size in zip(study.sites, sizes_mw, strict=True)
        for name, share in site.shares
    }
    plants = tuple(
        row.model_copy(update={"unit_mw": row.unit_mw * factor[row.plant_id]}) if row.plant_id in factor else row
        for row in tables.plants
    )
    storages = (*tables.storages, *_companions(study, sizes_mw))
    scenario = Scenario(
        settings=year.scenario.settings,
        tables=tables.model_copy(update={"plants": plants, "storages": storages}),
    )
    columns = np.array([factor.get(name, 1.0) for name in year.profiles.renewables])
    available = year.profiles.available_mw * columns
    clipped = year.profiles.clipped_gwh * columns
    return scenario, replace(year.profiles, available_mw=available, clipped_gwh=clipped)


def _companions(study: Study, sizes_mw: Sequence[float]) -> list[Storage]:
    """Return the storage that growth brings along, at the buses of the plants that grow."""
    if study.companion.share == 0:
        return []
    at = {plant.plant_id: plant for plant in study.scenario.plants}
    growth = {
        name: share * (size - site.capacity_mw)
        for site, size in zip(study.sites, sizes_mw, strict=True)
        for name, share in site.shares
        if size > site.capacity_mw
    }
    return [_companion(study, at[name], study.companion.share * mw) for name, mw in growth.items()]


def _companion(study: Study, plant: Plant, power_mw: float) -> Storage:
    """Return a battery beside a plant, with the efficiencies of the first battery of the tables."""
    batteries = [row for row in study.scenario.tables.storages if row.kind == "battery"]
    if not batteries:
        what = "storages.csv has no battery in service to take efficiencies from"
        raise ScenarioError(Problem("--storage", what, "add a battery, even a small one"))
    changes = {
        "storage_id": f"with-{plant.plant_id}",
        "name_en": f"storage with {plant.name_en}",
        "name_zh": f"{plant.name_zh}配套储能",
        "bus_id": plant.bus_id,
        "county": plant.county,
        "power_mw": power_mw,
        "energy_mwh": power_mw * study.companion.hours,
        "status": "assumed",
        "source": "absorption study",
        "confidence": "assumed",
    }
    return batteries[0].model_copy(update=changes)


def point_of(study: Study, year: WeatherYear, sizes_mw: Sequence[float], flown: Flown | Operation) -> Point:
    """Return the figures of a year."""
    case = flown.case
    tech_of = {plant.plant_id: plant.tech for plant in year.scenario.plants}
    of_tech = [tech_of[name] == study.tech for name in case.renewables]
    of_sites = [[name in dict(site.shares) for name in case.renewables] for site in study.sites]
    return Point(
        sizes_mw=tuple(float(size) for size in sizes_mw),
        weather=year.name,
        tech=_offer(flown, of_tech),
        renewables=_offer(flown, [True] * len(case.renewables)),
        sites=tuple(_offer(flown, mine) for mine in of_sites),
        security=_security(study, flown),
    )


def _offer(flown: Flown | Operation, chosen: Sequence[bool]) -> Offer:
    columns, step_h = np.array(chosen, dtype=bool), flown.case.time.step_h
    available = flown.case.available_mw[:, columns]
    curtailed = available - flown.result.renewable_mw[:, columns]
    return Offer(gwh(available, step_h), gwh(curtailed, step_h))


def _security(study: Study, flown: Flown | Operation) -> Security:
    flow, step_h = flown.flow, flown.case.time.step_h
    settings = study.scenario.settings
    loading = np.nan_to_num(flow.loading[flow.solved])
    allowed = settings.limits.overload + settings.absorption.loading_tolerance
    worst = loading.max(axis=0, initial=0.0)
    return Security(
        unserved_mwh=gwh(flown.result.unserved_mw, step_h) * MWH_PER_GWH,
        unsolved_h=float((~flow.solved).sum()) * step_h,
        overloaded_h=float((loading > allowed).any(axis=1).sum()) * step_h,
        loading_max=float(worst.max()),
        loading_branch=study.model.branches[int(worst.argmax())],
        voltage_outside=_voltage_outside(study, flow),
    )


def _voltage_outside(study: Study, flow: FlowResult) -> float:
    watched = watched_buses(study.scenario, study.model)
    if not watched:
        return 0.0
    vm_pu: Floats = flow.vm_pu[flow.solved][:, [column for _, column, _ in watched]]
    low = np.array([band.low_pu for _, _, band in watched])
    high = np.array([band.high_pu for _, _, band in watched])
    known = np.isfinite(vm_pu)
    outside = known & ((vm_pu < low) | (vm_pu > high))
    return float(outside.sum() / max(1, known.sum()))
