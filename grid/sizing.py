"""Assumed lines that are too small for today's plants → lines that can carry them away, and a list of the changes.

Most 220 kV lines of this grid are assumed. When an assumed line cannot carry what ``plants.csv`` puts behind it,
that is a fault of the assumption and not a finding about the grid. The rule, applied in the open:

1. With all circuits in service (N-0), the plants of the tables – without the multipliers ``scale.*``, so that
   studies of growth still meet congestion – are evacuated in the four situations of ``SITUATIONS``: wind and PV at
   ``grid.simultaneity`` of their capacity, and so on. A line is one thing in all scenarios, so the years that count
   do not follow the scenario: they run from the year in which the last plant recorded as operating came into
   service to the year in which the tables add their last bus.
2. A line below 330 kV whose DC flow exceeds its normal rating at cos φ 0.95 is given the next larger conductor of
   its voltage level; when there is none, one more parallel circuit. This is repeated until nothing changes.
3. Only what is assumed is changed: rows of confidence ``assumed`` may get conductors and circuits; rows of
   confidence ``derived`` whose conductor is assumed may get a conductor, their circuits stay; published rows stay
   as they are. What remains overloaded is reported.

The simultaneity of wind and PV behind one collection line (0.85 by default) is recalled planning practice for
220 kV collection lines, 0.7 to 0.9; it is an assumption, and so is everything that it changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from grid.elements import Branch, Elements, buses_of, elements_of, name_of
from scenarios.errors import InvariantError
from scenarios.records import Floats, Ints
from scenarios.schema import Scenario
from scenarios.tables import Line, LineType, Plant, Trafo

COLLECTION_BELOW_KV = 330.0
"""Lines of this nominal voltage and above form the transmission backbone, which the rule leaves alone."""
COS_PHI = 0.95
"""Active share of the rating: the power factor to which GB/T 19963 and GB/T 19964 hold wind and PV (recalled)."""
MOST_CIRCUITS = 8
SN_MVA = 100.0


@dataclass(frozen=True, slots=True)
class Situation:
    """A way of running the plants: wind and PV per unit of ``grid.simultaneity``, load per unit of the peak.

    Hydro per unit of capacity; coal between its technical minimum (0) and full output (1).
    """

    name: str
    wind: float
    pv: float
    hydro: float
    coal: float
    load: float


SITUATIONS = (
    Situation("sunny and windy noon, light load", wind=1.0, pv=1.0, hydro=0.0, coal=0.0, load=0.45),
    Situation("windy night, light load", wind=1.0, pv=0.0, hydro=0.0, coal=0.0, load=0.40),
    Situation("wet season, sunny noon", wind=0.3, pv=1.0, hydro=1.0, coal=0.0, load=0.60),
    Situation("windy winter evening, peak load", wind=1.0, pv=0.0, hydro=0.5, coal=1.0, load=1.00),
)
"""The situations in which lines must hold; load levels are assumed from the load shape's extremes."""


@dataclass(frozen=True, slots=True)
class SizingChange:
    """One line before and after, with the flow that asked for it."""

    line_id: str
    type_before: str
    type_after: str
    circuits_before: int
    circuits_after: int
    flow_mw: float
    limit_mw: float
    situation: str

    @property
    def before(self) -> str:
        """Circuits and conductor of the table."""
        return f"{self.circuits_before} × {self.type_before}"

    @property
    def after(self) -> str:
        """Circuits and conductor after sizing."""
        return f"{self.circuits_after} × {self.type_after}"

    @property
    def reason(self) -> str:
        """Return why the line was changed, in one sentence."""
        return f"{self.flow_mw:.0f} MW in a {self.situation}, against a normal rating of {self.limit_mw:.0f} MW"

    def __str__(self) -> str:
        """Return the line a user reads."""
        return f"{self.line_id}: {self.before} → {self.after} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Overload:
    """A branch that the rule may not change and that exceeds its normal rating in a situation."""

    branch_id: str
    confidence: str
    flow_mw: float
    limit_mw: float
    situation: str

    def __str__(self) -> str:
        """Return the line a user reads."""
        return (
            f"{self.branch_id} ({self.confidence}, not changed): {self.flow_mw:.0f} MW in a {self.situation}, "
            f"against a normal rating of {self.limit_mw:.0f} MW"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sizing:
    """All rows of ``lines.csv`` after the rule, what it changed and what it had to leave."""

    lines: tuple[Line, ...]
    changes: tuple[SizingChange, ...]
    left_overloaded: tuple[Overload, ...]


@dataclass(frozen=True, slots=True)
class _Flow:
    """Largest flow of a branch over the situations."""

    mw: float
    limit_mw: float
    situation: str


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """The network of a design year and what its buses feed in, MW [situations × buses]."""

    elements: Elements
    injections_mw: Floats


def size_assumed_lines(scenario: Scenario) -> Sizing:
    """Return the lines of the scenario after the sizing rule (see the module).

    They depend on the tables, on ``grid.simultaneity`` and, where no plant and no bus is dated, on the year.
    """
    types = {row.line_type: row for row in scenario.tables.line_types}
    designs = [_design(scenario, year) for year in design_years(scenario)]
    sized = {line.line_id: line for line in scenario.tables.lines}
    first: dict[str, _Flow] = {}
    for _ in range(MOST_CIRCUITS + len(types)):
        flows = _largest_flows(designs, sized, types)
        small = [line for name, line in sized.items() if name in flows and _too_small(line, flows[name])]
        grown = {line.line_id: larger for line in small if (larger := _larger(line, types)) is not None}
        if not grown:
            return _result(scenario, sized, first, flows)
        first = {name: flows[name] for name in grown} | first
        sized |= grown
    raise InvariantError("the sizing rule did not come to an end")


def design_years(scenario: Scenario) -> range:
    """Return the years for whose network and plants the assumed lines must hold (see the module)."""
    tables = scenario.tables
    plants = [plant.in_service_from for plant in tables.plants if plant.status == "operating"]
    first = max((year for year in plants if year is not None), default=scenario.year)
    last = max((bus.in_service_from or first for bus in tables.buses), default=first)
    return range(first, max(first, last) + 1)


def with_sized_lines(scenario: Scenario, sizing: Sizing) -> Scenario:
    """Return the scenario with the sized rows in place of ``lines.csv``."""
    return scenario.model_copy(
        update={"tables": scenario.tables.model_copy(update={"lines": sizing.lines})},
    )


def situation_injections_mw(scenario: Scenario, elements: Elements) -> Floats:
    """Return what each bus feeds in, MW [situations × buses]; the boundary takes the residual by its weights.

    Plants of the boundary's account count as well: the lines must carry them, whoever owns the energy.
    """
    at = {bus.bus_id: column for column, bus in enumerate(elements.buses)}
    result = np.zeros((len(SITUATIONS), len(at)))
    for row, situation in enumerate(SITUATIONS):
        for plant in scenario.tables.plants:
            if plant.bus_id in at and plant.in_service(scenario.year):
                simultaneity = scenario.settings.grid.simultaneity
                result[row, at[plant.bus_id]] += _output_mw(plant, situation, simultaneity)
        for load in elements.loads:
            result[row, at[load.bus_id]] -= load.peak_mw * situation.load
        residual = result[row].sum()
        for node in elements.boundary:
            result[row, at[node.bus_id]] -= node.weight * residual
    return result


def dc_flows_mw(
    branches: Iterable[Branch], types: Mapping[str, LineType], elements: Elements, injections_mw: Floats
) -> Floats:
    """Return the active flow from the first to the second bus of each branch, MW [situations × branches].

    The DC approximation (Wood and Wollenberg, Power Generation, Operation and Control, ch. 4): B·θ = P with
    b = 1/(x·ratio), lossless; the first bus of ``elements`` is the angle reference. Injections must sum to zero.
    """
    at = {bus.bus_id: column for column, bus in enumerate(elements.buses)}
    kv = {bus.bus_id: bus.vn_kv for bus in elements.buses}
    rows = list(branches)
    ends: Ints = np.array([[at[bus] for bus in buses_of(row)] for row in rows], dtype=np.int64).reshape(-1, 2)
    b_pu = np.array([_susceptance_pu(row, types, kv) for row in rows])
    incidence = np.zeros((len(rows), len(at)))
    incidence[np.arange(len(rows)), ends[:, 0]] = 1.0
    incidence[np.arange(len(rows)), ends[:, 1]] = -1.0
    matrix = incidence.T @ (b_pu[:, None] * incidence)
    angle = np.zeros_like(injections_mw)
    angle[:, 1:] = np.linalg.solve(matrix[1:, 1:], injections_mw[:, 1:].T / SN_MVA).T
    return SN_MVA * b_pu * (angle @ incidence.T)


def rated_mw(branch: Branch, types: Mapping[str, LineType]) -> float:
    """Return the active power that a branch carries at its normal rating and cos φ 0.95, MW."""
    if isinstance(branch, Trafo):
        return branch.n_parallel * branch.sn_mva * COS_PHI
    return math.sqrt(3) * branch.vn_kv * types[branch.line_type].i_normal_ka * branch.circuits * COS_PHI


def _design(scenario: Scenario, year: int) -> _Design:
    settings = scenario.settings.model_copy(
        update={"time": scenario.settings.time.model_copy(update={"year": year, "start": None})}
    )
    in_year = Scenario(settings=settings, tables=scenario.tables)
    elements = elements_of(in_year)
    return _Design(elements, situation_injections_mw(in_year, elements))


def _output_mw(plant: Plant, situation: Situation, simultaneity: float) -> float:
    per_unit = {
        "wind": simultaneity * situation.wind,
        "pv": simultaneity * situation.pv,
        "hydro": situation.hydro,
        "coal": plant.minimum_pu + situation.coal * (1 - plant.minimum_pu),
    }
    return plant.capacity_mw * per_unit[plant.tech]


def _susceptance_pu(branch: Branch, types: Mapping[str, LineType], kv: Mapping[str, float]) -> float:
    """Return b = 1/(x·ratio) on ``SN_MVA``; a transformer's x is referred to its low side."""
    if isinstance(branch, Line):
        x_ohm = types[branch.line_type].x_ohm_per_km * branch.length_km / branch.circuits
        return kv[branch.from_bus] ** 2 / SN_MVA / x_ohm
    low = branch.vn_lv_kv / kv[branch.lv_bus]
    high = branch.vn_hv_kv * (1 + branch.tap_position * branch.tap_step_percent / 100) / kv[branch.hv_bus]
    x_percent = math.sqrt(branch.vk_percent**2 - branch.vkr_percent**2)
    return branch.sn_mva * branch.n_parallel / SN_MVA * 100 / x_percent / (low * high)


def _largest_flows(
    designs: Iterable[_Design], sized: Mapping[str, Line], types: Mapping[str, LineType]
) -> dict[str, _Flow]:
    """Return the largest flow of every branch over the design years and situations."""
    largest: dict[str, _Flow] = {}
    for design in designs:
        lines = tuple(sized[line.line_id] for line in design.elements.lines)
        branches: tuple[Branch, ...] = (*lines, *design.elements.trafos)
        flows = np.abs(dc_flows_mw(branches, types, design.elements, design.injections_mw))
        for column, (branch, row) in enumerate(zip(branches, flows.argmax(axis=0), strict=True)):
            flow = _Flow(float(flows[row, column]), rated_mw(branch, types), SITUATIONS[row].name)
            before = largest.get(name_of(branch))
            if before is None or flow.mw > before.mw:
                largest[name_of(branch)] = flow
    return largest


def _too_small(line: Line, flow: _Flow) -> bool:
    return flow.mw > flow.limit_mw and line.vn_kv < COLLECTION_BELOW_KV


def _larger(line: Line, types: Mapping[str, LineType]) -> Line | None:
    """Return the line with its next larger conductor or one more circuit, or none when the rule leaves it alone."""
    if line.confidence == "published" or line.conductor_confidence != "assumed":
        return None
    conductor = _next_conductor(types[line.line_type], types)
    if conductor is not None:
        return line.model_copy(update={"line_type": conductor})
    if line.confidence == "derived" or line.circuits >= MOST_CIRCUITS:
        return None
    return line.model_copy(update={"circuits": line.circuits + 1})


def _next_conductor(present: LineType, types: Mapping[str, LineType]) -> str | None:
    """Return the next larger conductor of the same voltage level, which is the first word of its name."""
    level = present.line_type.split()[0]
    larger = [
        row for row in types.values() if row.line_type.split()[0] == level and row.i_normal_ka > present.i_normal_ka
    ]
    return min(larger, key=lambda row: row.i_normal_ka).line_type if larger else None


def _result(
    scenario: Scenario, sized: Mapping[str, Line], first: Mapping[str, _Flow], flows: Mapping[str, _Flow]
) -> Sizing:
    tables = scenario.tables
    changes = tuple(
        _change(line, sized[line.line_id], first[line.line_id]) for line in tables.lines if line.line_id in first
    )
    branches: tuple[Branch, ...] = (*tables.lines, *tables.trafos)
    left = tuple(
        Overload(name_of(branch), branch.confidence, flow.mw, flow.limit_mw, flow.situation)
        for branch in branches
        if (flow := flows.get(name_of(branch))) is not None and flow.mw > flow.limit_mw
    )
    return Sizing(tuple(_noted(sized[line.line_id], line) for line in tables.lines), changes, left)


def _change(before: Line, after: Line, flow: _Flow) -> SizingChange:
    return SizingChange(
        line_id=before.line_id,
        type_before=before.line_type,
        type_after=after.line_type,
        circuits_before=before.circuits,
        circuits_after=after.circuits,
        flow_mw=flow.mw,
        limit_mw=flow.limit_mw,
        situation=flow.situation,
    )


def _noted(after: Line, before: Line) -> Line:
    if after is before:
        return before
    was = f"sized, was {before.circuits} × {before.line_type}"
    return after.model_copy(update={"note": f"{before.note}; {was}" if before.note else was})
