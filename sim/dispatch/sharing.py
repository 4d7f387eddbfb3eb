"""An optimum among many of equal cost → the fair one: equals behind the same limits give the same share.

Moving MW between plants of equal price costs nothing as long as no limit is passed. Plants with equal sensitivity
in every *binding* row of an hour are behind the same limits; within such a cluster each gives the same share of
what it could give. Binding rows keep their flows; where another row would be passed, the step stops there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scenarios.records import Bools, Floats, Ints
from sim.dispatch.programme import Programme, alike

BLOCK_STEPS = 1000
"""Steps that are worked on together: flows of thousands of rows over a year would fill the memory."""

BINDING_MW = 1e-4
"""A row this close to a limit is binding."""


def shared(plan: Programme, values: Floats) -> Floats:
    """Return ``values`` [hours × columns] with equal shares among wind and PV, and among coal of equal cost."""
    values = values.copy()
    for begin in range(0, len(values), BLOCK_STEPS):
        steps = slice(begin, begin + BLOCK_STEPS)
        flow = values[steps] @ plan.reach.T + plan.base_mw(steps)
        for columns in _equals(plan):
            part = values[steps, columns]
            values[steps, columns] = _evened(plan, part, columns, plan.upper[steps, columns], flow)
            flow += (values[steps, columns] - part) @ plan.reach[:, columns].T
    return values


def _equals(plan: Programme) -> Iterator[Ints]:
    """Yield the columns of each set of equal price that has several members."""
    first = plan.at["coal_up"].start
    cost = plan.case.coal_cost
    sets = [first + np.flatnonzero(cost == value) for value in np.unique(cost)]
    renewables = plan.at["renewables"]
    yield from (item for item in [np.arange(renewables.start, renewables.stop), *sets] if len(item) > 1)


def _evened(plan: Programme, part: Floats, columns: Ints, room: Floats, flow: Floats) -> Floats:
    """Return ``part`` [steps × columns] evened out as far as the rows with ``flow`` [steps × rows] allow."""
    reach = plan.reach[:, columns]
    binding = (flow >= plan.row_high_mw - BINDING_MW) | (flow <= plan.row_low_mw + BINDING_MW)
    open_hours = np.flatnonzero((part.sum(axis=1) > 0.0) & (room.sum(axis=1) > part.sum(axis=1)))
    evened = part.copy()
    for hours, tight in _by_pattern(binding, open_hours):
        clusters = alike(reach[tight])
        step = clusters.split(clusters.total(part[hours]), room[hours]) - part[hours]
        stretch = _stretch(plan, flow[hours][:, ~tight], step @ reach[~tight].T, ~tight)
        evened[hours] += stretch[:, None] * step
    return np.clip(evened, 0.0, room)


def _by_pattern(binding: Bools, hours: Ints) -> Iterator[tuple[Ints, Bools]]:
    """Yield the hours that have the same binding rows, with those rows."""
    packed = np.packbits(binding[hours], axis=1)
    _, first, member = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    for number, sample in enumerate(first):
        yield hours[member.ravel() == number], binding[hours[sample]]


def _stretch(plan: Programme, flow: Floats, change: Floats, rows: Bools) -> Floats:
    """Return which part of a step, 0 … 1, changes the flows [hours × rows] without passing a limit [hours]."""
    room = np.where(change > 0.0, plan.row_high_mw[rows] - flow, flow - plan.row_low_mw[rows])
    part = np.divide(room, np.abs(change), out=np.ones_like(flow), where=np.abs(change) > BINDING_MW)
    return np.asarray(np.clip(part.min(axis=1, initial=1.0), 0.0, 1.0))
