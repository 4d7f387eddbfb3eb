"""A measure → its place as people call it, and what is known of it."""

from __future__ import annotations

from typing import NamedTuple

from scenarios.schema import Scenario
from scenarios.tables import Line, NetworkSection, Trafo
from sim.absorption.measures import Measure
from sim.dispatch.limits import SECTION_MARK


class Place(NamedTuple):
    """Names in both languages, and the confidence of the strengthened element (empty where none is meant)."""

    zh: str
    en: str
    confidence: str = ""


def place_of(scenario: Scenario, measure: Measure) -> Place:
    """Return the place of a measure; measures of the whole system have none."""
    if measure.kind == "rating":
        return _strengthened(scenario, measure.place)
    if measure.kind == "project":
        wires = {*(row.line_id for row in scenario.tables.lines), *(row.trafo_id for row in scenario.tables.trafos)}
        named = [part for part in measure.parts if part in wires] or measure.parts
        return Place(f"{measure.place}年 {'、'.join(named)}", f"{measure.place}, {', '.join(named)}")
    return Place(*_bus_names(scenario, measure.place)) if measure.place else Place("", "")


def _strengthened(scenario: Scenario, name: str) -> Place:
    tables = scenario.tables
    rows: dict[str, Line | Trafo | NetworkSection] = {row.line_id: row for row in tables.lines}
    rows |= {row.trafo_id: row for row in tables.trafos}
    rows |= {f"{SECTION_MARK}{row.section_id}": row for row in tables.sections}
    row = rows.get(name)
    if row is None:
        return Place(name, name)
    if isinstance(row, NetworkSection):
        return Place(row.name_zh, row.name_en, row.confidence)
    ends = (row.from_bus, row.to_bus) if isinstance(row, Line) else (row.hv_bus, row.lv_bus)
    start, end = (_bus_names(scenario, bus) for bus in ends)
    return Place(f"{start[0]}–{end[0]}", f"{start[1]} – {end[1]}", row.confidence)


def _bus_names(scenario: Scenario, bus: str) -> tuple[str, str]:
    return next(((row.name_zh, row.name_en) for row in scenario.tables.buses if row.bus_id == bus), (bus, bus))
