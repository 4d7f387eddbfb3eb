"""A compiled grid → the fixed plan by which every hour's Jacobian is eliminated: order, pattern, program.

All hours share one sparsity pattern, so everything symbolic is done once: buses through which power only passes are
eliminated (``grid.transit``), the others that can be reached from an angle reference are put into a fill-reducing
order (references last), and the block pattern of the factors L and U is worked out together with the flat list of
update positions ("program") that the numeric kernels walk through.

The unknowns of a bus are a pair (angle, logarithm of voltage). At an angle reference the angle is known; its
place is taken by the residual active power of that reference's group, whose column has entries at all buses
sharing it.
"""

from __future__ import annotations

import heapq
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from grid.kernels import Index, Pattern
from grid.model import GridModel
from grid.transit import Rows, Transit, admittance_rows, eliminate, eliminate_passing, transit_of
from scenarios.records import Bools, Floats, Ints


class Plan(NamedTuple):
    """``pattern`` for the kernels, and how the model's buses, controls and slacks sit in it.

    ``row_of`` is the elimination row of each bus of the model (−1: not supplied, or power only passes through it:
    ``transit``); ``control`` the control at each row (−1: none); ``angle_rad`` the angle that each angle reference
    fixes, spread over its island.
    """

    pattern: Pattern
    transit: Transit
    row_of: Ints
    live: Bools
    control: Ints
    angle_rad: Floats


@lru_cache(maxsize=16)
def plan_of(model: GridModel, distributed_slack: bool) -> Plan:
    """Return the elimination plan of ``model``; it is worked out once for each model."""
    return make_plan(model, distributed_slack)


def make_plan(model: GridModel, distributed_slack: bool) -> Plan:
    """Work out the elimination plan of ``model``."""
    size = len(model.buses)
    neighbours = _neighbours(model)
    references = _references(model, neighbours, distributed_slack)
    live = references >= 0
    share = _shares(model, references, distributed_slack)
    admittances = admittance_rows(model, live)
    follows = eliminate_passing(admittances, _free_of_power(model, live))
    linked = [set(admittances.get(bus, ())) - {bus} for bus in range(size)]
    for bus in np.flatnonzero((share > 0) & (references != np.arange(size))):
        linked[bus].add(int(references[bus]))
        linked[int(references[bus])].add(int(bus))
    is_reference = live & (references == np.arange(size))
    solved = live.copy()
    solved[list(follows)] = False
    order = _minimum_degree(linked, np.flatnonzero(solved & ~is_reference), np.flatnonzero(is_reference))
    row_of = np.full(size, -1)
    row_of[order] = np.arange(len(order))
    pattern = _pattern(admittances, order, row_of, linked, (is_reference, references, share))
    control = np.full(len(order), -1)
    rows = row_of[model.control_bus]
    control[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    angle = dict(zip(model.slack_bus.tolist(), np.deg2rad(model.slack_angle_deg).tolist(), strict=True))
    angles = np.array([angle[int(references[bus])] for bus in order])
    return Plan(pattern, transit_of(follows, row_of, len(order)), row_of, live, control, angles)


def with_values(plan: Plan, model: GridModel) -> Plan:
    """Return the plan with the admittances of ``model``, which has no other branches and the same live buses.

    Raises ``WeakPivot`` when a bus that the plan eliminates cannot be eliminated from them.
    """
    admittances = admittance_rows(model, plan.live)
    follows = eliminate(admittances, reversed(plan.transit.bus.tolist()))
    bus = plan.pattern.bus.tolist()
    ends = [int(end) for end in plan.pattern.y_ptr]
    columns = [bus[column] for column in plan.pattern.y_col.tolist()]
    values = np.array(
        [admittances[bus[row]][columns[k]] for row in range(len(bus)) for k in range(ends[row], ends[row + 1])]
    )
    pattern = plan.pattern._replace(y_g=values.real.copy(), y_b=values.imag.copy())
    return plan._replace(pattern=pattern, transit=transit_of(follows, plan.row_of, len(bus)))


def _free_of_power(model: GridModel, live: Bools) -> list[int]:
    """Live buses at which nothing of the model feeds in, draws or holds the voltage."""
    free = live & model.transit
    free[model.control_bus] = False
    free[model.slack_bus] = False
    return np.flatnonzero(free).tolist()


def _neighbours(model: GridModel) -> list[list[int]]:
    neighbours: list[set[int]] = [set() for _ in model.buses]
    linked = (model.y_ft_pu != 0) | (model.y_tf_pu != 0)
    for f, t in zip(model.from_bus[linked].tolist(), model.to_bus[linked].tolist(), strict=True):
        if f != t:
            neighbours[f].add(t)
            neighbours[t].add(f)
    return [sorted(near) for near in neighbours]


def _references(model: GridModel, neighbours: list[list[int]], distributed_slack: bool) -> Ints:
    """Angle reference of every bus (its own row number at a reference, −1 where no reference can be reached).

    With a distributed slack the first reference of an island serves for all of it; without, every reference fixes
    its own angle and the other buses are counted to the first.
    """
    reference = np.full(len(neighbours), -1)
    fixed = [int(bus) for bus in model.slack_bus[np.isfinite(model.slack_angle_deg)]]
    for root in fixed:
        if reference[root] >= 0:
            if not distributed_slack:
                reference[root] = root
            continue
        reference[root] = root
        front = [root]
        while front:
            near = [bus for at in front for bus in neighbours[at] if reference[bus] < 0]
            reference[near] = root
            front = sorted(set(near))
    return reference


def _shares(model: GridModel, references: Ints, distributed_slack: bool) -> Floats:
    """Share of each bus in the residual of its reference's group [buses]."""
    share = np.zeros(len(references))
    if distributed_slack:
        share[model.slack_bus] = model.slack_weight
        share[references < 0] = 0.0
    roots = np.flatnonzero(references == np.arange(len(references)))
    for root in roots:
        total = share[references == root].sum() if distributed_slack else 0.0
        if total == 0:
            share[root] = 1.0
    return share


def _minimum_degree(linked: list[set[int]], free: Ints, last: Ints) -> Ints:
    """Order ``free`` buses by least current degree (Tinney's second scheme, 1967), then the ``last`` ones."""
    fixed = set(last.tolist())
    near = {int(bus): {b for b in linked[bus] if b not in fixed} for bus in free}
    heap = [(len(around), bus) for bus, around in near.items()]
    heapq.heapify(heap)
    order: list[int] = []
    while heap:
        degree, bus = heapq.heappop(heap)
        if bus not in near or degree != len(near[bus]):
            continue
        around = near.pop(bus)
        order.append(bus)
        for other in around:
            near[other] |= around
            near[other] -= {bus, other}
            heapq.heappush(heap, (len(near[other]), other))
    return np.array(order + last.tolist(), dtype=np.int64)


def _pattern(
    admittances: Rows,
    order: Ints,
    row_of: Ints,
    linked: list[set[int]],
    slack: tuple[Bools, Ints, Floats],
) -> Pattern:
    is_reference, references, share = slack
    lower, upper = _symbolic(order, row_of, linked)
    y_rows = [{int(row_of[other]): value for other, value in admittances[bus].items()} for bus in order.tolist()]
    slots = [_row_slots(row, lower[row], upper[row]) for row in range(len(order))]
    reference = row_of[references[order]]
    needs_slot = (share[order] > 0) & ~is_reference[order]
    share_slot = [slots[row][int(reference[row])] if needs_slot[row] else 0 for row in range(len(order))]
    program = [slots[row][column] for row in range(len(order)) for pivot in lower[row] for column in upper[pivot]]
    columns = [sorted(entries) for entries in y_rows]
    values = np.array([y_rows[row][col] for row in range(len(order)) for col in columns[row]], dtype=complex)
    return Pattern(
        bus=order,
        y_ptr=_pointers(columns),
        y_col=_flat(columns),
        y_slot=_index([slots[row][col] for row in range(len(order)) for col in columns[row]]),
        y_g=values.real.copy(),
        y_b=values.imag.copy(),
        l_ptr=_pointers(lower),
        l_col=_flat(lower),
        u_ptr=_pointers(upper),
        u_col=_flat(upper),
        program=_index(program),
        is_reference=is_reference[order].astype(np.uint8),
        reference=_index(reference),
        share=share[order],
        share_slot=_index(share_slot),
        widest_row=max((len(slot) for slot in slots), default=0),
    )


def _symbolic(order: Ints, row_of: Ints, linked: list[set[int]]) -> tuple[list[list[int]], list[list[int]]]:
    """Columns of L and of U (both without the diagonal) for each row of a symmetric pattern, fill included."""
    rows = [{int(row_of[b]) for b in linked[bus] if row_of[b] >= 0} for bus in order]
    lower: list[list[int]] = [[] for _ in rows]
    upper: list[list[int]] = []
    for pivot, row in enumerate(rows):
        ahead = sorted(column for column in row if column > pivot)
        upper.append(ahead)
        for column in ahead:
            rows[column].update(ahead)
            lower[column].append(pivot)
    return lower, upper


def _row_slots(row: int, lower: list[int], upper: list[int]) -> dict[int, int]:
    return {column: slot for slot, column in enumerate([*lower, row, *upper])}


def _index(values: list[int] | Ints) -> Index:
    return np.array(values, dtype=np.uint32)


def _flat(rows: list[list[int]]) -> Index:
    return _index([value for row in rows for value in row])


def _pointers(rows: list[list[int]]) -> Index:
    return _index(np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64))
