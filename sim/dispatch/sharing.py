"""An optimum among many of equal cost → the fair one: equals behind the same limits give the same share.

Moving MW between plants of equal price costs nothing as long as no limit is passed. Plants with equal sensitivity
in every *binding* row of an hour are behind the same limits; within such a cluster each gives the same share of
what it could give. Binding rows keep their flows; where another row would be passed, the step stops there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scenarios.records import Bools, Floats, Ints
from sim.dispatch.kernels_sharing import Shares, even_out
from sim.dispatch.programme import Programme

BLOCK_FLOWS = 250_000
"""Flows that are worked on together: those of thousands of rows over a year would fill the memory."""


@dataclass(slots=True, eq=False)
class Rows:
    """Rows over a block of steps: coefficients [rows × columns], flows and limits [steps × rows], MW."""

    reach: Floats
    flow_mw: Floats
    low_mw: Floats
    high_mw: Floats


def shared(plan: Programme, values: Floats, chosen: Bools | None = None) -> Floats:
    """Return ``values`` [hours × columns] with equal shares among wind and PV, and among coal of equal cost.

    In ``chosen`` [hours] steps; none: in all.
    """
    values = values.copy()
    size = BLOCK_FLOWS // max(len(plan.reach), 1) + 1
    for steps in _blocks(np.ones(len(values), dtype=bool) if chosen is None else chosen, size):
        rows = _rows(plan, values[steps], steps)
        for columns in _equals(plan):
            part = values[steps, columns]
            values[steps, columns] = evened(part, rows.reach[:, columns], plan.upper[steps, columns], rows)
            rows.flow_mw += (values[steps, columns] - part) @ rows.reach[:, columns].T
    return values


def _blocks(chosen: Bools, size: int) -> Iterator[slice]:
    """Yield all chosen steps in blocks of ``size`` neighbours at most."""
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
    for first, stop in edges.reshape(-1, 2).tolist():
        yield from (slice(k, min(k + size, stop)) for k in range(first, stop, size))


def _rows(plan: Programme, values: Floats, steps: slice) -> Rows:
    """Return the rows of a block of steps; coupled ones hold no plants of equal price apart that are evened out."""
    still = ~plan.coupled
    reach = plan.reach[still]
    flow = values @ reach.T + plan.base_mw(steps)[:, still]
    return Rows(reach, flow, plan.low_mw(steps)[:, still], plan.high_mw(steps)[:, still])


def _equals(plan: Programme) -> Iterator[Ints]:
    """Yield the columns of each set of equal price that has several members."""
    kinds = ["renewables"]
    # Ramps hold every plant to its own path from step to step.
    kinds += [] if plan.case.rules.ramps else [kind for kind in ("coal_up", "coal_top") if kind in plan.at]
    for kind in kinds:
        columns = np.arange(plan.at[kind].start, plan.at[kind].stop)
        sets = (columns[plan.price[columns] == value] for value in np.unique(plan.price[columns]))
        yield from (item for item in sets if len(item) > 1)


def evened(part: Floats, reach: Floats, room: Floats, rows: Rows) -> Floats:
    """Return ``part`` [steps × columns] evened out as far as the rows allow; ``reach`` is [rows × columns]."""
    given = (room, reach, rows.flow_mw, rows.low_mw, rows.high_mw, part)
    order, first = np.zeros(len(reach), dtype=np.int64), np.zeros(part.shape[1], dtype=np.int64)
    room, reach, flow, low, high, fair = (np.array(values, order="C") for values in given)
    even_out(Shares(room, reach, flow, low, high, fair, order, first, np.zeros(len(first))))
    return fair
