"""Scenario and its year → the losses that are tried: each circuit, transformer and large unit, common towers.

Equal circuits of a line (units of a bank or a plant) are solved once and count as many times as there are. What
goes out with them:

* a line: the same share of the line reactors that are switched with it (``shunts.csv``, column ``line_id``);
* a unit: its share of the plant's power and reactive range; the surrounding grid replaces the power at its nodes by
  their weights, as it does for every other imbalance (``boundary.csv``);
* common towers: both circuits that a row of ``common_towers.csv`` names (N-2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from grid.contingency import Outage
from grid.elements import Elements
from grid.model import GridModel
from scenarios.records import Floats
from scenarios.schema import Scenario
from scenarios.tables import Line, Plant
from sim.reliability.security_operation import YearOperation

Kind = Literal["line", "trafo", "unit", "tower"]
N1_KINDS: tuple[Kind, ...] = ("line", "trafo", "unit")


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """One loss that is tried.

    ``elements`` are the ids of lines, of the bank or of the plant; ``of`` is how many equal circuits or units there
    are (1 where the whole element is lost), ``count`` [steps] for how many elements the result stands in each step:
    a unit that does not run cannot be lost. ``outage`` makes what the power flow needs.
    """

    name: str
    kind: Kind
    elements: tuple[str, ...]
    of: int
    confidence: str
    count: Floats
    outage: Callable[[], Outage]


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """What a loss meets: the scenario, its elements of the year, the compiled grid and the operation."""

    scenario: Scenario
    elements: Elements
    model: GridModel
    operation: YearOperation


def losses_of(at: Situation, *, towers: bool = False) -> list[Loss]:
    """Return all N-1 losses (and with ``towers`` those of common towers), in the order of the tables."""
    found = [*_lines(at), *_trafos(at), *_units(at)]
    return [*found, *_towers(at)] if towers else found


def _lines(at: Situation) -> Iterator[Loss]:
    for line in at.elements.lines:
        yield _branch_loss(at, line.line_id, "line", line.circuits, line.confidence)


def _trafos(at: Situation) -> Iterator[Loss]:
    for trafo in at.elements.trafos:
        yield _branch_loss(at, trafo.trafo_id, "trafo", trafo.n_parallel, trafo.confidence)


def _branch_loss(at: Situation, name: str, kind: Kind, of: int, confidence: str) -> Loss:
    label = name if of == 1 else f"{name} 1/{of}"
    count = np.full(len(at.operation.time), float(of))
    return Loss(label, kind, (name,), of, confidence, count, partial(_circuits_out, at, label, {name: 1.0 / of}))


def _circuits_out(at: Situation, label: str, shares: dict[str, float]) -> Outage:
    """Return the outage of a share of each of some branches, with that share of their line reactors."""
    shunts = tuple(
        (row.bus_id, -1j * row.q_mvar / at.model.sn_mva * shares[row.line_id])
        for row in at.elements.shunts
        if row.line_id in shares
    )
    return Outage(label, tuple(shares.items()), shunts)


def _units(at: Situation) -> Iterator[Loss]:
    for plant in at.scenario.plants_of("coal", "hydro"):
        if plant.unit_mw >= at.scenario.settings.security.unit_mw:
            count = at.operation.units_on[:, at.operation.plants.index(plant.plant_id)]
            label = f"{plant.plant_id} 1/{plant.units}"
            unit_out = partial(_unit_out, at, label, plant)
            yield Loss(
                label, "unit", (plant.plant_id,), plant.units, plant.confidence, count.astype(float), unit_out
            )


def _unit_out(at: Situation, label: str, plant: Plant) -> Outage:
    """Return the outage of one running unit of a plant: its power and its reactive range are missing."""
    operation, given = at.operation, at.operation.injections
    column = operation.plants.index(plant.plant_id)
    on, bus = operation.units_on[:, column], at.model.buses.index(plant.bus_id)
    p_mw = given.p_mw.copy()
    p_mw[:, bus] -= np.where(on > 0, operation.generation_mw[:, column] / np.maximum(on, 1), 0.0)
    shape = (len(on), len(at.model.controls))
    q_min, q_max = (
        np.broadcast_to(given_range, shape).copy() for given_range in (given.q_min_mvar, given.q_max_mvar)
    )
    control = int(np.flatnonzero(at.model.control_bus == bus)[0])
    if bus not in at.model.slack_bus:
        limits = at.scenario.technologies[plant.technology]
        q_min[:, control] -= (on > 0) * limits.q_min_pu * plant.unit_mw
        q_max[:, control] -= (on > 0) * limits.q_max_pu * plant.unit_mw
    _none_left(q_min, q_max, control)
    return Outage(label, injections=replace(given, p_mw=p_mw, q_min_mvar=q_min, q_max_mvar=q_max))


def _none_left(q_min: Floats, q_max: Floats, control: int) -> None:
    """Make a range that rounding left over exactly zero: the bus then holds no voltage."""
    gone = q_max[:, control] - q_min[:, control] < 1e-9
    q_min[gone, control] = q_max[gone, control] = 0.0


def _towers(at: Situation) -> Iterator[Loss]:
    lines = {line.line_id: line for line in at.elements.lines}
    for row in at.scenario.tables.common_towers:
        pair = (row.line_id, row.other_line_id)
        if row.in_service(at.scenario.year) and all(name in lines for name in pair):
            shares = _shares_of_pair(lines, pair)
            out = partial(_circuits_out, at, row.tower_id, shares)
            yield Loss(row.tower_id, "tower", pair, 1, row.confidence, np.ones(len(at.operation.time)), out)


def _shares_of_pair(lines: dict[str, Line], pair: tuple[str, str]) -> dict[str, float]:
    """Return the share of each line that two circuits are: of one line, or one of each of two lines."""
    shares: dict[str, float] = {}
    for name in pair:
        shares[name] = shares.get(name, 0.0) + 1.0 / lines[name].circuits
    return shares
