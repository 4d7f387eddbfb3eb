"""A base operation → what might relieve it: one standard step of every measure, as a case and limits to dispatch.

    Base ──measures──► Measure …     kind, place, and how to make its ``Trial``: DispatchCase + NetworkLimits

A step changes one thing; profiles, losses and everything else are those of the base. Steps are equal in size so
that they compare, not equal in cost: what a step costs to build is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from grid.compile import compile_net
from grid.model import GridModel
from grid.network import build_net
from profiles.records import Profiles
from scenarios.records import Floats
from scenarios.schema import Scenario
from scenarios.tables import Dated, Storage
from sim.absorption.causes import AFTER_LOSS, curtailed
from sim.dispatch.facts import row_uses
from sim.dispatch.limits import NetworkLimits, network_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.fleet import build_case

KINDS = ("storage", "rating", "project", "coal_minimum", "demand_response", "flexible_load", "export_band")
"""Kinds of measures."""

STEP_MW = 100.0
STORAGE_HOURS = 2.0
STORAGE_ONE_WAY = 0.9274
"""Efficiency of charging and of discharging: round trip 0.86 (Dayao 300 MW/600 MWh, bjx.com.cn 2025-03-31)."""
COAL_MINIMUM_STEP = 0.05
RESPONSE_STEP = 0.01
NEW = "relief-step"
"""Name of what a step adds."""
NETWORK_TABLES = ("buses", "lines", "trafos", "shunts")


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """The operation to be relieved; ``limits`` and ``model`` are those of the base, whatever a step changes."""

    scenario: Scenario
    profiles: Profiles
    model: GridModel
    case: DispatchCase
    limits: NetworkLimits
    result: DispatchResult


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What a step would be dispatched with."""

    case: DispatchCase
    limits: NetworkLimits


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One standard step; ``place`` is a bus, a row of the network, or the year of a project, else empty.

    ``parts`` names the rows of the tables that a project consists of.
    """

    kind: str
    place: str
    trial_at: Callable[[Base, str], Trial]
    parts: tuple[str, ...] = ()

    def trial(self, base: Base) -> Trial:
        """Return what the step would be dispatched with."""
        return self.trial_at(base, self.place)


def measures(base: Base, most: int) -> tuple[Measure, ...]:
    """Return the steps worth trying; of buses and of rows at most ``most``, the most curtailed first."""
    buses, rows = candidate_buses(base)[:most], candidate_rows(base)[:most]
    # A channel without contract may not send anything where what is sent beyond the contract must cancel out.
    loads = buses if base.case.rules.export_balance == "none" else []
    return (
        *(Measure("storage", bus, _with_storage) for bus in buses),
        *(Measure("flexible_load", bus, _with_flexible_load) for bus in loads),
        *(Measure("rating", row, _with_rating) for row in rows),
        *_projects(base),
        Measure("coal_minimum", "", _with_lower_minimum),
        Measure("demand_response", "", _with_response),
        Measure("export_band", "", _with_wider_band),
    )


def candidate_buses(base: Base) -> list[str]:
    """Return the buses with curtailed wind or PV, those with most curtailed energy first."""
    bus_of = {plant.plant_id: plant.bus_id for plant in base.scenario.plants}
    lost: dict[str, float] = {}
    for name, energy in zip(base.case.renewables, curtailed(base.case, base.result).sum(axis=0), strict=True):
        lost[bus_of[name]] = lost.get(bus_of[name], 0.0) + float(energy)
    known = set(base.model.buses)
    return sorted((bus for bus in lost if lost[bus] > 0.0 and bus in known), key=lambda bus: (-lost[bus], bus))


def candidate_rows(base: Base) -> list[str]:
    """Return the branches and sections that were at their limit, before or after a loss, the longest first."""
    uses = row_uses(base.limits, base.case, base.result)
    return list(dict.fromkeys(monitored(use.row) for use in uses))


def monitored(row: str) -> str:
    """Return the branch or section whose flow a row limits."""
    return row.split(AFTER_LOSS, maxsplit=1)[0]


def _with_storage(base: Base, bus: str) -> Trial:
    tables = base.scenario.tables
    county = next(row.county for row in tables.buses if row.bus_id == bus)
    new = Storage(
        storage_id=NEW,
        name_en="standard step",
        name_zh="标准步长",
        kind="battery",
        bus_id=bus,
        county=county,
        power_mw=STEP_MW,
        energy_mwh=STEP_MW * STORAGE_HOURS,
        charge_efficiency=STORAGE_ONE_WAY,
        discharge_efficiency=STORAGE_ONE_WAY,
        self_discharge_per_h=0.0,
        status="assumed",
        source="standard step of a study",
        confidence="assumed",
    )
    # The scenario's own storage is written down as scaled, so that ``scale.storage`` does not multiply the step.
    scale = base.scenario.settings.scale.model_copy(update={"storage": 1.0})
    settings = base.scenario.settings.model_copy(update={"scale": scale})
    stores = (*base.scenario.storages, new)
    return _trial(base, Scenario(settings=settings, tables=tables.model_copy(update={"storages": stores})))


def _trial(base: Base, scenario: Scenario, model: GridModel | None = None) -> Trial:
    """Return case and limits of another scenario with the profiles and losses of the base."""
    case = build_case(scenario, base.profiles, base.case.loss_mw)
    return Trial(case, network_limits(scenario, model or base.model, case))


def _with_flexible_load(base: Base, bus: str) -> Trial:
    """Return a load that runs on what nobody else wants: an export channel without contract at the bus."""
    case, limits = base.case, base.limits
    steps, reach = len(case.time), _with_storage(base, bus).limits.storages[:, -1:]
    nothing = np.zeros((steps, 1))
    wider = replace(
        case,
        channels=(*case.channels, NEW),
        export_mw=np.hstack([case.export_mw, nothing]),
        export_low_mw=np.hstack([case.export_low_mw, nothing]),
        export_high_mw=np.hstack([case.export_high_mw, nothing + STEP_MW]),
    )
    return Trial(wider, replace(limits, channels=np.hstack([limits.channels, reach])))


def _with_rating(base: Base, row: str) -> Trial:
    """Return limits in which a branch or section carries 100 MW more, before and after any loss."""
    limits = base.limits
    more = STEP_MW * np.array([monitored(name) == row for name in limits.rows], dtype=np.float64)
    return Trial(base.case, replace(limits, low_mw=limits.low_mw - more, high_mw=limits.high_mw + more))


def _with_lower_minimum(base: Base, _place: str) -> Trial:
    lower = np.maximum(base.case.coal_minimum_pu - COAL_MINIMUM_STEP, 0.0)
    return Trial(replace(base.case, coal_minimum_pu=lower), base.limits)


def _with_response(base: Base, _place: str) -> Trial:
    """Return one point more of load that can be moved within the day (load that is only shed absorbs nothing)."""
    settings = base.scenario.settings
    response = settings.demand_response
    more = response.model_copy(update={"shift_share": response.shift_share + RESPONSE_STEP})
    changed = settings.model_copy(update={"demand_response": more})
    case = build_case(Scenario(settings=changed, tables=base.scenario.tables), base.profiles, base.case.loss_mw)
    return Trial(case, base.limits)


def _with_wider_band(base: Base, _place: str) -> Trial:
    """Return a band that is 100 MW wider to both sides, shared by contract; a channel's own limit still holds."""
    case = base.case
    limit = {channel.channel_id: channel.limit_mw for channel in base.scenario.tables.exports}
    most = np.maximum(case.export_high_mw, np.array([limit[name] for name in case.channels]))
    share = STEP_MW * _shares(case.export_mw.sum(axis=0))
    low = np.maximum(case.export_low_mw - share, 0.0)
    return Trial(
        replace(case, export_low_mw=low, export_high_mw=np.minimum(case.export_high_mw + share, most)), base.limits
    )


def _shares(values: Floats) -> Floats:
    total = float(values.sum())
    return values / total if total > 0.0 else np.full(len(values), 1.0 / max(len(values), 1))


def _projects(base: Base) -> Iterator[Measure]:
    """Yield the changes of the network that the tables date later than the year, by year."""
    year = base.scenario.year
    for later in sorted({row.in_service_from or 0 for row in _network_rows(base.scenario)} - {0}):
        if later > year:
            parts = tuple(_name(row) for row in _network_rows(base.scenario) if row.in_service_from == later)
            yield Measure("project", str(later), _with_project, parts)


def _network_rows(scenario: Scenario) -> list[Dated]:
    return [row for name in NETWORK_TABLES for row in getattr(scenario.tables, name)]


def _name(row: Dated) -> str:
    return next(
        str(getattr(row, key)) for key in ("line_id", "trafo_id", "shunt_id", "bus_id") if hasattr(row, key)
    )


def _with_project(base: Base, year: str) -> Trial:
    """Return the base with everything that enters service in a later year, without what it replaces."""
    tables = base.scenario.tables
    changed = {
        name: tuple(_advanced(getattr(tables, name), base.scenario.year, int(year))) for name in NETWORK_TABLES
    }
    scenario = Scenario(settings=base.scenario.settings, tables=tables.model_copy(update=changed))
    return _trial(base, scenario, compile_net(build_net(scenario)))


def _advanced(rows: Iterable[Dated], year: int, later: int) -> Iterator[Dated]:
    for row in rows:
        update: Mapping[str, int] = {}
        if row.in_service_from == later:
            update = {"in_service_from": year}
        elif row.in_service(year) and row.in_service_to == later - 1:
            update = {"in_service_to": year - 1}
        yield row.model_copy(update=dict(update))
