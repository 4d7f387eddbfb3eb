"""Scenario → ``NetworkReport``: what is wrong with the network tables, what is doubtful, and how much is known.

``scenarios.load`` has already refused bad cells (zero length, negative ratings), names that occur twice in a table,
names of buses and conductors that do not exist, and weights that do not add up to 1. Here the rows are checked as a
network: voltages that meet, branches that lead somewhere, loads and plants that are connected in the year, values
that cannot be. Errors stop a run (``require_sound``); warnings are reported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grid.elements import Elements, LeftOut, elements_of, reference_bus
from grid.sizing import Overload, SizingChange, size_assumed_lines, with_sized_lines
from scenarios.errors import DataError, Problem
from scenarios.schema import Scenario
from scenarios.tables import Bus, Confidence, Line, LineType, Sourced, Trafo

RATED_VOLTAGE_TOLERANCE = 0.10
"""Largest difference between the rated voltage of a transformer winding and its bus, share of the latter."""
LIGHT_KM_PER_S = 299_792.458
FASTEST_WAVE = 1.05
"""Largest plausible 1/√(LC) relative to light; more means that x or c is wrong. Overhead lines are near 0.99."""
SLOWEST_WAVE = 0.4
"""Smallest plausible one; cables are near 0.5."""
X_PER_R = (1.0, 60.0)
"""Plausible range of x/r of lines (110 kV single conductor about 2, 500 kV bundle about 26)."""
SHORT_CIRCUIT_PERCENT = (5.0, 25.0)
"""Plausible range of the short-circuit voltage of transformers of 220 kV and above, %."""
SHORTEST, LONGEST = 0.98, 3.0
"""Plausible length of a line relative to the great circle between its ends."""
SITE_TOLERANCE_KM = 5.0
EARTH_RADIUS_KM = 6371.0
NOMINAL_KV = (1000.0, 750.0, 500.0, 330.0, 220.0, 110.0, 66.0, 35.0, 20.0, 10.0)
"""Nominal voltages of GB/T 156 above 6 kV."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much of something is published, derived and assumed; the unit is part of ``what``."""

    what: str
    published: float
    derived: float
    assumed: float

    @property
    def total(self) -> float:
        """Sum of the three."""
        return self.published + self.derived + self.assumed

    @property
    def published_share(self) -> float:
        """Published share of the total, 0 when there is nothing."""
        return self.published / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class NetworkReport:
    """What ``grid check`` prints.

    ``elements`` are those in service in ``year`` with the sized lines; ``evidence`` counts them by table, then
    circuit kilometres of lines and MVA of transformers. ``problems`` must be mended, ``warnings`` are for the
    reader to judge.
    """

    year: int
    elements: Elements
    evidence: tuple[Evidence, ...]
    sizing_changes: tuple[SizingChange, ...]
    left_overloaded: tuple[Overload, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Rows that are not part of the network of the year, each with the reason."""
        return self.elements.left_out

    @property
    def sound(self) -> bool:
        """Whether the network can be built."""
        return not self.problems


def check_network(scenario: Scenario) -> NetworkReport:
    """Return everything there is to say about the network of the scenario's year, without raising."""
    elements = elements_of(scenario)
    problems = (*_network_problems(scenario), *_connection_problems(scenario, elements))
    changes: tuple[SizingChange, ...] = ()
    left: tuple[Overload, ...] = ()
    if not problems and scenario.settings.grid.size_assumed_elements:
        sizing = size_assumed_lines(scenario)
        changes, left = sizing.changes, sizing.left_overloaded
        elements = elements_of(with_sized_lines(scenario, sizing))
    return NetworkReport(
        year=scenario.year,
        elements=elements,
        evidence=tuple(_evidence(elements)),
        sizing_changes=changes,
        left_overloaded=left,
        problems=problems,
        warnings=tuple(_warnings(scenario, elements)),
    )


def require_sound(scenario: Scenario) -> NetworkReport:
    """Return the report of a network that can be built; raises ``DataError`` with all problems otherwise."""
    report = check_network(scenario)
    if report.problems:
        raise DataError(report.problems)
    return report


def great_circle_km(one: Bus, other: Bus) -> float:
    """Return the distance of two buses on a sphere, km (haversine formula, R. W. Sinnott, Sky & Telescope 1984)."""
    lat_1, lat_2 = math.radians(one.lat), math.radians(other.lat)
    half_lat, half_lon = (lat_2 - lat_1) / 2, math.radians(other.lon - one.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_1) * math.cos(lat_2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))


def _network_problems(scenario: Scenario) -> Iterator[Problem]:
    """Check all rows of the tables, whatever the year."""
    tables = scenario.tables
    buses = {bus.bus_id: bus for bus in tables.buses}
    for line in tables.lines:
        yield from _line_problems(line, buses[line.from_bus], buses[line.to_bus])
    for trafo in tables.trafos:
        yield from _trafo_problems(trafo, buses[trafo.hv_bus], buses[trafo.lv_bus])
    for row in tables.line_types:
        yield from _conductor_problems(row)
    for node in tables.boundary:
        if buses[node.bus_id].kind == "hvdc":
            what = "is a converter, which cannot hold voltage and angle"
            yield Problem(f"boundary.csv ({node.bus_id})", what, "name the AC station beside it")
    yield from _shared_names(scenario)


def _line_problems(line: Line, start: Bus, end: Bus) -> Iterator[Problem]:
    place = f"lines.csv ({line.line_id})"
    if start.bus_id == end.bus_id:
        yield Problem(place, f"begins and ends at {start.bus_id}", "name two different buses")
    elif start.vn_kv != end.vn_kv:
        what = f"joins {start.bus_id} at {start.vn_kv:g} kV and {end.bus_id} at {end.vn_kv:g} kV"
        yield Problem(place, what, "lines join buses of one voltage; put a transformer into trafos.csv")
    elif line.vn_kv != start.vn_kv:
        what = f"vn_kv is {line.vn_kv:g}, but its buses are at {start.vn_kv:g} kV"
        yield Problem(f"{place}, column vn_kv", what, f"write {start.vn_kv:g} or choose other buses")


def _trafo_problems(trafo: Trafo, high: Bus, low: Bus) -> Iterator[Problem]:
    place = f"trafos.csv ({trafo.trafo_id})"
    if high.vn_kv <= low.vn_kv:
        what = f"high side {high.bus_id} is at {high.vn_kv:g} kV, low side {low.bus_id} at {low.vn_kv:g} kV"
        yield Problem(place, what, "exchange hv_bus and lv_bus")
    else:
        yield from _winding_problems(f"{place}, column vn_hv_kv", trafo.vn_hv_kv, high)
        yield from _winding_problems(f"{place}, column vn_lv_kv", trafo.vn_lv_kv, low)
    if trafo.vkr_percent >= trafo.vk_percent:
        what = f"vkr_percent {trafo.vkr_percent:g} is not below vk_percent {trafo.vk_percent:g}"
        yield Problem(place, what, "vkr_percent is the resistive part of vk_percent")
    if abs(trafo.tap_position) > trafo.tap_steps:
        what = f"tap_position {trafo.tap_position} is outside −{trafo.tap_steps} … {trafo.tap_steps}"
        yield Problem(place, what, "choose a tap within tap_steps")


def _winding_problems(place: str, rated_kv: float, bus: Bus) -> Iterator[Problem]:
    low, high = bus.vn_kv * (1 - RATED_VOLTAGE_TOLERANCE), bus.vn_kv * (1 + RATED_VOLTAGE_TOLERANCE)
    if not low <= rated_kv <= high:
        what = f"{rated_kv:g} kV at {bus.bus_id} ({bus.vn_kv:g} kV); {low:g} … {high:g} kV fit"
        yield Problem(place, what, "correct the rated voltage or the bus")


def _conductor_problems(row: LineType) -> Iterator[Problem]:
    place = f"line_types.csv ({row.line_type})"
    if row.i_emergency_ka < row.i_normal_ka:
        what = f"i_emergency_ka {row.i_emergency_ka:g} is below i_normal_ka {row.i_normal_ka:g}"
        yield Problem(place, what, "the emergency rating is the larger one")
    wave = wave_speed_of_light(row)
    if wave is not None and wave > FASTEST_WAVE:
        what = f"waves would travel at {wave:.3g} times the speed of light with x_ohm_per_km {row.x_ohm_per_km:g} "
        cure = "check the units: Ω/km and nF/km at 50 Hz, per circuit"
        yield Problem(place, f"{what}and c_nf_per_km {row.c_nf_per_km:g} (at most {FASTEST_WAVE:g})", cure)


def wave_speed_of_light(row: LineType) -> float | None:
    """Return 1/√(LC) of a conductor relative to the speed of light; none without capacitance."""
    if row.c_nf_per_km == 0:
        return None
    inductance_h_per_km = row.x_ohm_per_km / (2 * math.pi * 50)
    return 1 / math.sqrt(inductance_h_per_km * row.c_nf_per_km * 1e-9) / LIGHT_KM_PER_S


def _shared_names(scenario: Scenario) -> Iterator[Problem]:
    """Branches share one list of names in the results, and so do the elements that feed in or draw."""
    tables = scenario.tables
    groups = (
        {"lines": [row.line_id for row in tables.lines], "trafos": [row.trafo_id for row in tables.trafos]},
        {
            "plants": [row.plant_id for row in tables.plants],
            "storages": [row.storage_id for row in tables.storages],
            "loads": [row.load_id for row in tables.loads],
            "exports": [row.channel_id for row in tables.exports],
        },
    )
    for group in groups:
        first: dict[str, str] = {}
        for table, names in group.items():
            for name in names:
                if first.setdefault(name, table) != table:
                    what = f"the name is also used in {first[name]}.csv"
                    yield Problem(f"{table}.csv ({name})", what, "give each element a name of its own")


def _connection_problems(scenario: Scenario, elements: Elements) -> Iterator[Problem]:
    """Check that the network of the year has a reference and that nobody is cut off."""
    if reference_bus(scenario) is None:
        what = f"no AC bus of the surrounding grid is in service in {scenario.year}"
        yield Problem("boundary.csv", what, "add a boundary row at a bus that is in service")
        return
    cure = f"connect the bus in {scenario.year}, or move or re-date the row"
    for item in elements.left_out:
        if item.table in ("plants", "storages", "loads", "exports", "boundary"):
            yield Problem(f"{item.table}.csv ({item.name})", item.reason, cure)


def _warnings(scenario: Scenario, elements: Elements) -> Iterator[Problem]:
    buses = {bus.bus_id: bus for bus in scenario.tables.buses}
    for bus in scenario.tables.buses:
        if bus.vn_kv not in NOMINAL_KV:
            known = ", ".join(f"{kv:g}" for kv in NOMINAL_KV)
            yield Problem(f"buses.csv ({bus.bus_id})", f"{bus.vn_kv:g} kV is no nominal voltage", f"known: {known}")
    for line in elements.lines:
        yield from _length_warnings(line, great_circle_km(buses[line.from_bus], buses[line.to_bus]))
    for row in scenario.tables.line_types:
        yield from _conductor_warnings(row)
    for trafo in elements.trafos:
        low, high = SHORT_CIRCUIT_PERCENT
        if not low <= trafo.vk_percent <= high:
            what = f"{trafo.vk_percent:g} % is unusual ({low:g} … {high:g} %)"
            yield Problem(f"trafos.csv ({trafo.trafo_id}), column vk_percent", what)
    held = {node.bus_id for node in elements.boundary}
    for plant in scenario.tables.plants:
        if plant.bus_id in held and plant.account == "bijie" and plant.in_service(scenario.year):
            what = f"stands at the boundary node {plant.bus_id}, which holds its own voltage"
            yield Problem(f"plants.csv ({plant.plant_id})", what)


def _length_warnings(line: Line, distance_km: float) -> Iterator[Problem]:
    place = f"lines.csv ({line.line_id}), column length_km"
    if line.length_km < SHORTEST * distance_km:
        what = f"{line.length_km:g} km is shorter than the great circle of its ends, {distance_km:.1f} km"
        yield Problem(place, what, "check the length and the coordinates")
    if line.length_km > LONGEST * distance_km + SITE_TOLERANCE_KM:
        what = f"{line.length_km:g} km is more than {LONGEST:g} times the great circle, {distance_km:.1f} km"
        yield Problem(place, what, "check the length and the coordinates")


def _conductor_warnings(row: LineType) -> Iterator[Problem]:
    place = f"line_types.csv ({row.line_type})"
    low, high = X_PER_R
    ratio = row.x_ohm_per_km / row.r_ohm_per_km
    if not low <= ratio <= high:
        yield Problem(
            place, f"x/r is {ratio:.3g}, usual are {low:g} … {high:g}", "check r_ohm_per_km and x_ohm_per_km"
        )
    wave = wave_speed_of_light(row)
    if wave is not None and wave < SLOWEST_WAVE:
        what = f"waves would travel at {wave:.3g} times the speed of light (cables: about 0.5)"
        yield Problem(place, what, "check x_ohm_per_km and c_nf_per_km")


def _evidence(elements: Elements) -> Iterator[Evidence]:
    """Count the elements by confidence; lines and transformers also by circuit kilometres and MVA."""
    tables: dict[str, tuple[Sourced, ...]] = {
        "buses": elements.buses,
        "lines": elements.lines,
        "trafos": elements.trafos,
        "shunts": elements.shunts,
        "plants": elements.plants,
        "storages": elements.storages,
        "loads": elements.loads,
        "exports": elements.exports,
        "boundary": elements.boundary,
    }
    for name, rows in tables.items():
        yield _summed(name, ((row.confidence, 1.0) for row in rows))
    yield _summed("circuit km", ((line.confidence, line.circuits * line.length_km) for line in elements.lines))
    yield _summed("MVA", ((row.confidence, row.n_parallel * row.sn_mva) for row in elements.trafos))


def _summed(what: str, amounts: Iterable[tuple[Confidence, float]]) -> Evidence:
    total: dict[Confidence, float] = {"published": 0.0, "derived": 0.0, "assumed": 0.0}
    for confidence, amount in amounts:
        total[confidence] += amount
    return Evidence(what, total["published"], total["derived"], total["assumed"])
