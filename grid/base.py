"""A compiled grid → its base points: operating points whose factors correct all hours (``grid.chord``).

Base points are the solutions of the model's typical injections; each hour takes the one that is nearest to its
schedule. They are properties of the grid and the options, never of the hours that are solved, so that no hour's
result depends on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np

from grid.block import Base, Entries, Places, Ready, Singles
from grid.factor import Plan, plan_of
from grid.kernels import HOLDING, PQ, Hour, Index, Rules, State
from grid.kernels_base import factor_at, injected, operating_point
from grid.kernels_sift import FEATURES, Points, new_points
from grid.kernels_year import Start
from grid.model import Complexes, GridModel
from grid.nearness import nearness
from grid.sensitivities import dc_angles
from grid.simd import LANES
from scenarios.records import Bools, Floats, Ints

TYPICAL = Rules(1e-10, 20, False, False)


USUAL = 0
"""The base point that Newton starts from."""


@lru_cache(maxsize=64)
def points_of(model: GridModel) -> Points:
    """Return what tells how near an hour is to each base point, as chords feel it.

    Raises ``ValueError`` when the model has more than ``LANES`` points.
    """
    typical_mw = np.zeros((1, len(model.buses))) if model.typical_mva is None else model.typical_mva.real
    if len(typical_mw) > LANES:
        raise ValueError(f"{len(typical_mw)} typical points; at most {LANES} can be told apart")
    return new_points(*nearness(model, typical_mw, FEATURES))


@lru_cache(maxsize=128)
def base_of(model: GridModel, distributed_slack: bool, limits: bool, point: int) -> Base:
    """Return a base point of ``model``; it is worked out once for each model and choice of options."""
    return make_base(model, plan_of(model, distributed_slack), limits, point)


class Bases:
    """Base points of one grid, each worked out when an hour first takes it; what was, stays.

    Those that are known to be needed are worked out ``together``, as soon as one of them is.
    """

    def __init__(self, make: Callable[[int], Base], together: Iterable[int] = ()) -> None:
        self.at = cache(make)
        self.ready: Ready | None = None
        self._together = frozenset(together)

    def add(self, points: Iterable[int]) -> Ready:
        """Work out some more points; return them and those that were ready before."""
        known = self._together if self.ready is None else set(np.flatnonzero(self.ready.place >= 0).tolist())
        wanted = sorted(known.union(points))
        place = np.full(LANES, -1)
        place[wanted] = np.arange(len(wanted))
        self.ready = Ready(side_by_side([self.at(point) for point in wanted]), place)
        return self.ready


@lru_cache(maxsize=64)
def bases_of(model: GridModel, distributed_slack: bool, limits: bool) -> Bases:
    """Return the base points of ``model``, one collection for each choice of options."""
    return Bases(partial(base_of, model, distributed_slack, limits))


def side_by_side(bases: Sequence[Base]) -> Base:
    """Return base points of one grid as one record: its arrays have points as their first axis.

    What depends on the pattern alone has not (``double``, pointers and places of the factor). Entries of ``press``
    and ``sense`` lie one after the other.
    """
    same, stack = {"double", "l_ptr", "l_x", "u_ptr", "u_x"}, np.array if len(bases) > 1 else _alone
    changed: dict[str, Any] = {
        name: stack([getattr(base, name) for base in bases])
        for name in set(Base._fields) - same - {"press", "sense"}
    }
    changed |= {name: _joined([getattr(base, name) for base in bases]) for name in ("press", "sense")}
    return bases[0]._replace(**changed)


def _alone(values: Sequence[Floats]) -> Floats:
    return values[0][None]


def _joined(entries: Sequence[Entries]) -> Entries:
    if len(entries) == 1:
        return entries[0]._replace(ptr=entries[0].ptr[None])
    begin = np.cumsum([0, *(len(each.x) for each in entries)])
    return Entries(
        ptr=np.stack([each.ptr + start for each, start in zip(entries, begin[:-1], strict=True)]).astype(np.uint32),
        x=np.concatenate([each.x for each in entries]),
        value=np.concatenate([each.value for each in entries]),
    )


def make_base(model: GridModel, plan: Plan, limits: bool, point: int, near: Start | None = None) -> Base:
    """Return a base point for the values in ``plan``, sought from ``near`` (by rows; else from the flat start).

    Where the typical injections have no solution, the base point is where the search began.
    """
    state = _base_state(model, plan, limits, point, near or flat_start(model, plan))
    rows = control_rows(model, plan)
    work, press, sense = factor_at(plan.pattern, state, rows if limits else rows[:0])
    kind, supplied = np.full(len(rows), HOLDING), rows >= 0
    kind[supplied] = state.kind[rows[supplied]]
    double = np.ones(len(plan.control), dtype=np.uint8)
    if not limits:
        double[rows[supplied]] = 0
    pattern, wide = plan.pattern, double == 1
    lower = _columns(pattern.l_ptr, pattern.l_col, wide, work.lower)
    upper = _columns(pattern.u_ptr, pattern.u_col, wide, work.upper)
    p, q = injected(pattern, state)
    bends = sense @ press.T, _entries(press), _entries(sense)
    by_size = 1.0 / np.hypot(state.e, state.f)
    return Base(
        state.e, state.f, by_size, p, q, kind, double, *lower, *upper, work.pivot.astype(np.float32), *bends
    )


def _entries(rows: Floats) -> Entries:
    """Return what is not 0 in a matrix [controls × 2 · buses]."""
    control, column = np.nonzero(rows)
    pointer = np.searchsorted(control, np.arange(len(rows) + 1))
    values = rows[control, column].astype(np.float32)
    return Entries(pointer.astype(np.uint32), (column * LANES).astype(np.uint32), values)


def _columns(ptr: Index, col: Index, wide: Bools, blocks: Floats) -> tuple[Index, Index, Singles, Singles]:
    """Turn 2×2 blocks by rows into single columns: of a column whose ln V is known only the angle's remains.

    Coefficients are negated: kernels add their products (numba's compiler makes a negation a step of its own).
    """
    width = 1 + wide[col]
    block = np.repeat(np.arange(len(col)), width)
    second = np.arange(len(block)) - np.repeat(np.cumsum(width) - width, width)
    pointer = np.concatenate([[0], np.cumsum(width)])[ptr]
    at = 4 * block + second
    return (
        pointer.astype(np.uint32),
        ((2 * col[block] + second) * LANES).astype(np.uint32),
        -blocks[at].astype(np.float32),
        -blocks[at + 2].astype(np.float32),
    )


def _base_state(model: GridModel, plan: Plan, limits: bool, point: int, start: Start) -> State:
    """Solve the typical injections of a point, or as many tenths of them as can be; else take ``start``."""
    if model.typical_mva is not None:
        for tenth in range(10, -1, -1):
            rules = TYPICAL._replace(limits=limits)
            hour = _typical_hour(model, plan, model.typical_mva[point] * (tenth / 10))
            worked, state = operating_point(plan.pattern, hour, start.e, start.f, plan.control, rules)
            if worked:
                return state
    kind = np.where(plan.control >= 0, HOLDING, PQ)
    zero = np.zeros(len(plan.control))
    return State(start.e.copy(), start.f.copy(), zero, kind, zero)


def _typical_hour(model: GridModel, plan: Plan, typical_mva: Complexes) -> Hour:
    """Return typical injections and the model's own set points and ranges, in elimination order and per unit."""
    mva, held = typical_mva[plan.pattern.bus], plan.control >= 0

    def at_rows(values: Floats, other: float) -> Floats:
        return np.where(held, values[plan.control], other) if len(values) else np.full(len(held), other)

    return Hour(
        p=mva.real / model.sn_mva,
        q=mva.imag / model.sn_mva,
        v_set=at_rows(model.v_set_pu, 1.0),
        q_min=at_rows(model.q_min_mvar / model.sn_mva, 0.0),
        q_max=at_rows(model.q_max_mvar / model.sn_mva, 0.0),
    )


def flat_start(model: GridModel, plan: Plan) -> Start:
    """Return 1 pu at the angles of a DC flow of the typical injections (which knows of phase shifters)."""
    typical = np.zeros(len(model.buses)) if model.typical_mva is None else model.typical_mva[USUAL].real.copy()
    angle = dc_angles(model, typical)[plan.pattern.bus]
    fixed = plan.pattern.is_reference == 1
    angle[fixed] = plan.angle_rad[fixed]
    return Start(np.cos(angle), np.sin(angle), np.cos(angle), np.sin(angle))


def control_rows(model: GridModel, plan: Plan) -> Ints:
    """Return the elimination row of each control (−1: not supplied)."""
    return plan.row_of[model.control_bus]


@lru_cache(maxsize=16)
def places_of(model: GridModel, distributed_slack: bool) -> Places:
    """Return where the model's columns sit in a block of the chord kernel; worked out once for each model."""
    return make_places(model, plan_of(model, distributed_slack))


def make_places(model: GridModel, plan: Plan) -> Places:
    """Return the same for the values in ``plan``: rows that are solved for, eliminated ones, others."""
    solved, transit = len(plan.pattern.bus), plan.transit
    rows = solved + len(transit.bus)
    row = np.where(plan.row_of >= 0, plan.row_of, rows)
    row[transit.bus] = np.arange(solved, rows)
    bus = row * LANES
    dead = np.flatnonzero(row == rows)
    bus[dead] = np.arange(rows, rows + len(dead)) * LANES
    row = row * LANES
    voltage = np.column_stack([row, row + (rows + 1) * LANES]).reshape(-1)
    slack = plan.row_of[model.slack_bus]
    control = np.arange(len(model.controls)) * LANES
    return Places(bus, voltage, control, slack[slack >= 0], control_rows(model, plan), transit)
