"""Tables → the network elements of one year: in service, and connected to the surrounding grid.

A row counts when its own years say so, when every bus it names counts, and when there is a path of lines and
transformers to the reference bus (the first boundary row that is not a converter). What is left out although its
own years would allow it is listed with the reason, so that nothing disappears silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from scenarios.schema import Scenario
from scenarios.tables import Boundary, Bus, ExportChannel, Line, Load, Plant, Shunt, Storage, Trafo

Branch = Line | Trafo
Attached = Line | Trafo | Shunt | Boundary | Plant | Storage | Load | ExportChannel
R = TypeVar("R", Line, Trafo, Shunt, Boundary, Plant, Storage, Load, ExportChannel)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is not part of the network of the year, and why."""

    table: str
    name: str
    reason: str

    def __str__(self) -> str:
        """Return the line a user reads."""
        return f"{self.table}.csv ({self.name}): {self.reason}"


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """The rows that make up the network of ``year``, in table order.

    ``plants`` and ``storages`` carry the multipliers ``scale.*``. Plants of the boundary's account are not among
    them: they stand at buses of this network, but their output is part of the surrounding grid's balance.
    """

    year: int
    buses: tuple[Bus, ...]
    lines: tuple[Line, ...]
    trafos: tuple[Trafo, ...]
    shunts: tuple[Shunt, ...]
    boundary: tuple[Boundary, ...]
    plants: tuple[Plant, ...]
    storages: tuple[Storage, ...]
    loads: tuple[Load, ...]
    exports: tuple[ExportChannel, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Lines, then transformers."""
        return (*self.lines, *self.trafos)


def elements_of(scenario: Scenario) -> Elements:
    """Return the network elements of the scenario's year, and what was left out and why."""
    tables, year = scenario.tables, scenario.year
    lines = tuple(line for line in tables.lines if line.in_service(year))
    trafos = tuple(trafo for trafo in tables.trafos if trafo.in_service(year))
    shunts = tuple(shunt for shunt in tables.shunts if shunt.in_service(year))
    missing = _missing_buses(scenario, (*lines, *trafos))

    def kept(rows: Iterable[R]) -> tuple[R, ...]:
        return tuple(row for row in rows if not any(bus in missing for bus in buses_of(row)))

    candidates: dict[str, Iterable[Attached]] = {
        "lines": lines,
        "trafos": trafos,
        "shunts": shunts,
        "boundary": tables.boundary,
        "plants": scenario.plants,
        "storages": scenario.storages,
        "loads": tables.loads,
        "exports": tables.exports,
    }
    return Elements(
        year=year,
        buses=tuple(bus for bus in tables.buses if bus.bus_id not in missing),
        lines=kept(lines),
        trafos=kept(trafos),
        shunts=kept(shunts),
        boundary=kept(tables.boundary),
        plants=kept(scenario.plants),
        storages=kept(scenario.storages),
        loads=kept(tables.loads),
        exports=kept(tables.exports),
        left_out=tuple(_left_out(missing, candidates)),
    )


def reference_bus(scenario: Scenario) -> str | None:
    """Return the bus that gives the angle: the first boundary row that is in service and not a converter."""
    buses = {bus.bus_id: bus for bus in scenario.tables.buses}
    for row in scenario.tables.boundary:
        bus = buses[row.bus_id]
        if bus.in_service(scenario.year) and bus.kind != "hvdc":
            return row.bus_id
    return None


def buses_of(row: Attached) -> tuple[str, ...]:
    """Return the buses that a row names."""
    if isinstance(row, Line):
        return row.from_bus, row.to_bus
    if isinstance(row, Trafo):
        return row.hv_bus, row.lv_bus
    return (row.bus_id,)


def name_of(row: Attached) -> str:
    """Return the name of a row: the first column that its own class declares."""
    return str(getattr(row, next(iter(type(row).__annotations__))))


def _missing_buses(scenario: Scenario, branches: Iterable[Branch]) -> dict[str, str]:
    """Return the buses that are not part of the network, each with the reason."""
    year = scenario.year
    missing = {bus.bus_id: f"not in service in {year}" for bus in scenario.tables.buses if not bus.in_service(year)}
    reference = reference_bus(scenario)
    reached = _reachable(reference, branches, missing)
    for bus in scenario.tables.buses:
        if bus.bus_id not in missing and bus.bus_id not in reached:
            missing[bus.bus_id] = f"not connected to {reference or 'a reference bus'} in {year}"
    return missing


def _reachable(start: str | None, branches: Iterable[Branch], missing: Mapping[str, str]) -> set[str]:
    neighbours: dict[str, list[str]] = {}
    for branch in branches:
        one, other = buses_of(branch)
        if one not in missing and other not in missing:
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    reached = {start} if start is not None else set()
    frontier = list(reached)
    while frontier:
        new = [bus for bus in neighbours.get(frontier.pop(), ()) if bus not in reached]
        reached.update(new)
        frontier += new
    return reached


def _left_out(missing: Mapping[str, str], candidates: Mapping[str, Iterable[Attached]]) -> Iterable[LeftOut]:
    yield from (LeftOut("buses", bus, reason) for bus, reason in missing.items())
    for table, rows in candidates.items():
        for row in rows:
            absent = next((bus for bus in buses_of(row) if bus in missing), None)
            if absent is not None:
                yield LeftOut(table, name_of(row), f"bus {absent} is {missing[absent]}")
