"""Grid → what the wires allow, as the dispatch sees it: rows of flow that stay within limits.

    flow of a row (MW) = Σ over everything that injects or withdraws: sensitivity [rows × things] · MW

A row is a branch or a section (断面: the sum of several branches). ``DispatchCase`` stays a copper plate; these
rows stand beside it. The flows are those of the linear (DC) power flow: active power only, lossless branches,
voltages at their nominal value. A branch carries at most

    limit_ka · nominal voltage · √3 · ``margin``     at the tighter of its two ends.

Actual voltages of 1.02 to 1.05 per unit allow 2 to 5 % more, reactive flow of cos φ = 0.97 takes 3 % away; the two
about cancel, so the margin is 1 unless the AC solution says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from grid.checks import require_sound
from grid.model import GridModel
from grid.sensitivities import ptdf
from grid.threads import take_turns
from scenarios.errors import InvariantError, Problem, ScenarioError, did_you_mean
from scenarios.records import Bools, Floats, Ints, axes, record
from scenarios.schema import Scenario
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.security import Circuits, secure_rows

OVERLOAD_DUST_MW = 1e-5
"""Overloads below this are rounding: a solver keeps every row and every bound to 1e-7."""

Reals = npt.NDArray[np.floating[Any]]

THINGS = ("coal", "hydros", "renewables", "storages", "loads", "channels", "flexibles")
"""Axes of a case whose things inject or withdraw."""

SECTION_MARK = "section "
"""Rows of sections are named with this before the section's name, so that no branch can be meant."""


@record
class NetworkLimits:
    """Rows of flow: limits in MW and the flow in each row, in MW, per MW *injected* by a thing (dimensionless).

    The things of each axis stand in the order of the case. ``loss`` is the flow per MW injected where losses are
    withdrawn: 0 when they are withdrawn at the slack nodes, to which all sensitivities refer.
    """

    rows: tuple[str, ...]
    low_mw: Floats = axes("rows")
    high_mw: Floats = axes("rows")
    coal: Floats = axes("rows", "coal plants")
    hydros: Floats = axes("rows", "hydro plants")
    renewables: Floats = axes("rows", "wind and PV")
    storages: Floats = axes("rows", "stores")
    loads: Floats = axes("rows", "load points")
    channels: Floats = axes("rows", "export channels")
    flexibles: Floats = axes("rows", "flexible loads")
    loss: Floats = axes("rows")

    def only(self, rows: Sequence[int]) -> NetworkLimits:
        """Return some of the rows."""
        arrays = {item.name: getattr(self, item.name)[list(rows)] for item in fields(self) if item.name != "rows"}
        return NetworkLimits(rows=tuple(self.rows[row] for row in rows), **arrays)


def no_limits(case: DispatchCase) -> NetworkLimits:
    """Return the limits of a copper plate: no rows."""
    return NetworkLimits(
        rows=(),
        low_mw=np.zeros(0),
        high_mw=np.zeros(0),
        loss=np.zeros(0),
        **{name: np.zeros((0, len(getattr(case, name)))) for name in THINGS},
    )


def flow_mw(limits: NetworkLimits, case: DispatchCase, result: DispatchResult) -> Floats:
    """Return the flow of every row in a dispatch [hours × rows], MW."""
    return np.asarray(np.hstack(_injected_mw(case, result)) @ _sensitivity(limits))


def _injected_mw(case: DispatchCase, result: DispatchResult, hours: slice = slice(None)) -> list[Floats]:
    """Return what the things of each kind inject in some hours [hours × things], MW."""
    taken = case.load_mw[hours] + result.shift_up_mw[hours]
    for less in (result.shift_down_mw, result.shed_mw, result.unserved_mw):
        taken -= less[hours]
    stored = result.discharge_mw[hours] - result.charge_mw[hours]
    given = [result.coal_mw[hours], result.hydro_mw[hours], result.renewable_mw[hours], stored]
    others = (result.export_mw[hours], result.flexible_mw[hours], result.loss_mw[hours, None])
    return [*given, *(np.negative(withdrawn) for withdrawn in (taken, *others))]


def _sensitivity(limits: NetworkLimits) -> Floats:
    """Return the flow per MW that the things of each kind inject [things × rows], in the same order."""
    given = (limits.coal, limits.hydros, limits.renewables, limits.storages)
    others = (limits.loads, limits.channels, limits.flexibles, limits.loss[:, None])
    return np.concatenate([kind.T for kind in (*given, *others)])


FLOWS_AT_ONCE = 1 << 17
"""Flows that are looked at together: as many as the nearer memory of a processor holds."""


def broken_rows(limits: NetworkLimits, case: DispatchCase, result: DispatchResult, threads: int = 1) -> Ints:
    """Return the rows that a dispatch exceeds in any step; a year of thousands of rows needs little memory."""
    steps = FLOWS_AT_ONCE // max(len(limits.rows), len(case.loads), 1) + 1
    blocks = range(0, len(case.time), steps)
    broken = np.zeros((len(blocks), len(limits.rows)), dtype=bool)
    reach = _sensitivity(limits).T.copy()
    roughly = reach.astype(np.float32)

    def look(waiting: Iterator[int]) -> None:
        for block in waiting:
            hours = slice(blocks[block], blocks[block] + steps)
            _look_at(_injected_mw(case, result, hours), reach, roughly, limits, broken[block])

    take_turns(look, range(len(blocks)), threads)
    return np.flatnonzero(broken.any(axis=0))


def _look_at(injected: list[Floats], reach: Floats, roughly: Reals, limits: NetworkLimits, broken: Bools) -> None:
    """Mark the rows that are exceeded in some steps; ``reach`` [rows × things], ``roughly`` in single precision.

    Most rows stay far below their limits: those are told in single precision, the others looked at exactly.
    """
    rough = np.concatenate(injected, axis=1, dtype=np.float32, casting="same_kind")
    flow = roughly @ rough.T
    # A product of n terms is off by at most about n · eps of the sum of their amounts (Higham 2002, Accuracy and
    # Stability of Numerical Algorithms, § 3.1), and that sum is bounded by the product of lengths.
    lengths = (float(np.einsum("ij,ij->i", x, x).max(initial=0.0)) for x in (rough, roughly))
    slack = 2.0 * rough.shape[1] * float(np.finfo(np.float32).eps) * math.sqrt(math.prod(lengths))
    most, least = limits.high_mw + OVERLOAD_DUST_MW - slack, limits.low_mw - OVERLOAD_DUST_MW + slack
    near = np.flatnonzero((flow.max(axis=1) > most) | (flow.min(axis=1) < least))
    if not len(near):
        return
    beyond = (flow[near] > most[near, None]) | (flow[near] < least[near, None])
    hours = np.flatnonzero(beyond.any(axis=0))
    exact = np.hstack([part[hours] for part in injected]) @ reach[near].T
    excess = np.maximum(exact - limits.high_mw[near], limits.low_mw[near] - exact)
    broken[near] = (excess > OVERLOAD_DUST_MW).any(axis=0)


def overload_mw(limits: NetworkLimits, case: DispatchCase, result: DispatchResult) -> Floats:
    """Return by how much a dispatch exceeds the limits [hours × rows], MW; rounding counts as nothing."""
    flow = flow_mw(limits, case, result)
    excess = np.maximum(flow - limits.high_mw, limits.low_mw - flow)
    return np.asarray(np.where(excess > OVERLOAD_DUST_MW, excess, 0.0))


@dataclass(frozen=True, slots=True)
class Section:
    """A named section: the sum of flows over ``branches`` (name, +1 from → to, −1 against) within ± its limit."""

    name: str
    branches: tuple[tuple[str, float], ...]
    limit_mw: float


def section_row(section: Section) -> str:
    """Return the name of the row of a section."""
    return SECTION_MARK + section.name


def network_limits(scenario: Scenario, model: GridModel, case: DispatchCase) -> NetworkLimits:
    """Return what the scenario lets the dispatch know of its grid; losses are withdrawn at the slack nodes.

    ``dispatch.network = "limits"``: all rated branches, and the sections of ``sections.csv``;
    ``dispatch.security = "n1"``: also the rows that hold after the loss of any circuit (``sim.dispatch.security``).

    Raises ``ScenarioError`` for a section that names no branch of the grid, ``InvariantError`` for a grid in
    islands or a thing of the case without a bus: the network check should have refused these.
    """
    settings = scenario.settings.dispatch
    if settings.network == "copper":
        return no_limits(case)
    circuits = circuits_of(scenario, model) if settings.security == "n1" else None
    sections = sections_of(scenario, model)
    return limits_at(
        model, case, buses_of(scenario, model), sections, margin=settings.network_margin, circuits=circuits
    )


def sections_of(scenario: Scenario, model: GridModel) -> tuple[Section, ...]:
    """Return the sections in service; a branch that is not in service this year carries nothing in them."""
    rows = [row for row in scenario.tables.sections if row.in_service(scenario.year)]
    there = {row.section_id: [pair for pair in row.signed_branches if pair[0] in model.branches] for row in rows}
    return tuple(
        Section(row.section_id, tuple(there[row.section_id]), row.limit_mw) for row in rows if there[row.section_id]
    )


def limits_at(
    model: GridModel,
    case: DispatchCase,
    bus_of: Mapping[str, int],
    sections: Sequence[Section] = (),
    *,
    margin: float = 1.0,
    circuits: Circuits | None = None,
) -> NetworkLimits:
    """Return the rows with ``bus_of``: the model's bus of everything that injects or withdraws, by name."""
    _require_one_system(model)
    branch_flows, branch_mw = ptdf(model), margin * branch_limit_mw(model)
    rated = np.flatnonzero(np.isfinite(branch_mw))
    names = [*(model.branches[k] for k in rated), *map(section_row, sections)]
    rows = np.vstack([branch_flows[rated], _section_rows(model, sections) @ branch_flows])
    high = np.concatenate([branch_mw[rated], [section.limit_mw for section in sections]])
    if circuits is not None:
        secure = secure_rows(model, branch_flows, branch_mw, circuits)
        names += secure.names
        rows, high = np.vstack([rows, secure.flows]), np.concatenate([high, secure.limit_mw])
    return NetworkLimits(
        rows=tuple(names),
        low_mw=-high,
        high_mw=high,
        loss=np.zeros(len(rows)),
        **{name: rows[:, _places(getattr(case, name), bus_of)] for name in THINGS},
    )


def branch_limit_mw(model: GridModel) -> Floats:
    """Return the rated power of each branch [branches], MW: √3 · nominal voltage · rated current, lesser end."""
    ends = ((model.limit_from_ka, model.from_bus), (model.limit_to_ka, model.to_bus))
    return np.asarray(np.minimum(*(math.sqrt(3.0) * limit * model.vn_kv[bus] for limit, bus in ends)))


def circuits_of(scenario: Scenario, model: GridModel) -> Circuits:
    """Return the circuits and emergency ratings of the scenario's lines and transformers, in the model's order."""
    elements = require_sound(scenario).elements
    types = {row.line_type: row for row in scenario.tables.line_types}
    trafo_emergency = scenario.settings.security.trafo_emergency
    known = {trafo.trafo_id: (trafo.n_parallel, trafo_emergency) for trafo in elements.trafos}
    for line in elements.lines:
        conductor = types[line.line_type]
        known[line.line_id] = (line.circuits, conductor.i_emergency_ka / conductor.i_normal_ka)
    count, emergency = zip(*(known[name] for name in model.branches), strict=True)
    return Circuits(np.array(count, dtype=np.int64), np.array(emergency, dtype=np.float64))


def _section_rows(model: GridModel, sections: Sequence[Section]) -> Floats:
    """Return which branches each section adds up [sections × branches]."""
    place = {name: row for row, name in enumerate(model.branches)}
    wrong = [(section, name) for section in sections for name, _ in section.branches if name not in place]
    if wrong:
        raise ScenarioError(
            Problem(f"section {section.name}", f'"{name}" is not a branch', did_you_mean(name, place))
            for section, name in wrong
        )
    combine = np.zeros((len(sections), len(place)))
    for row, section in enumerate(sections):
        for name, sign in section.branches:
            combine[row, place[name]] += sign
    return combine


def buses_of(scenario: Scenario, model: GridModel) -> dict[str, int]:
    """Return the model's bus of everything that injects or withdraws, by name."""
    place = {bus: row for row, bus in enumerate(model.buses)}
    tables = scenario.tables
    stands = [
        *((plant.plant_id, plant.bus_id) for plant in scenario.plants),
        *((storage.storage_id, storage.bus_id) for storage in scenario.storages),
        *((load.load_id, load.bus_id) for load in tables.loads),
        *((channel.channel_id, channel.bus_id) for channel in tables.exports),
        *((load.flexible_id, load.bus_id) for load in scenario.flexible_loads),
    ]
    return {name: place[bus] for name, bus in stands if bus in place}


def _require_one_system(model: GridModel) -> None:
    size = len(model.buses)
    linked = (model.y_ft_pu != 0.0) | (model.y_tf_pu != 0.0)
    links = (np.ones(int(linked.sum())), (model.from_bus[linked], model.to_bus[linked]))
    if connected_components(coo_matrix(links, shape=(size, size)), directed=False)[0] > 1:
        raise InvariantError("dispatch: the network falls into islands, and the dispatch knows one system only")


def _places(names: Iterable[str], bus_of: Mapping[str, int]) -> Ints:
    names = tuple(names)
    lost = [name for name in names if name not in bus_of]
    if lost:
        raise InvariantError(f"dispatch: {', '.join(lost)} stand at no bus of the compiled grid")
    return np.array([bus_of[name] for name in names], dtype=np.int64)
