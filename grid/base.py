"""A compiled grid → its base point: the operating point whose factor corrects all hours (``grid.chord``).

Base points are the solutions of the model's typical injections times 0.0, 0.1 … 1.5; each hour takes the one that
is nearest to its schedule. They are properties of the grid and the options, never of the hours that are solved, so
that no hour's result depends on its neighbours.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from grid.block import Base, Places
from grid.factor import Plan, plan_of
from grid.kernels import HOLDING, PQ, Hour, Index, Rules, State
from grid.kernels_base import factor_at, injected, levels, operating_point
from grid.kernels_year import Start
from grid.model import Complexes, GridModel
from grid.sensitivities import dc_angles
from grid.simd import LANES
from scenarios.records import Bools, Floats, Ints

TYPICAL = Rules(1e-10, 20, False, False)


USUAL, HIGHEST, PER_UNIT = 10, 15, 10
"""Levels are tenths of the typical injections."""


def levels_of(model: GridModel, plan: Plan, p_mw: Floats) -> Ints:
    """Return the level of the base point that is nearest to each hour's schedule [hours × buses]."""
    share = np.empty(len(p_mw))
    typical_mw = np.zeros(len(model.buses)) if model.typical_mva is None else model.typical_mva.real
    levels(p_mw, np.where(plan.live, typical_mw, 0.0), share)
    share[~np.isfinite(share)] = 0.0
    return np.clip(np.rint(share * PER_UNIT), 0, HIGHEST).astype(np.int64)


@lru_cache(maxsize=64)
def base_of(model: GridModel, distributed_slack: bool, limits: bool, level: int) -> Base:
    """Return the base point of ``model`` at a level; it is worked out once for each model and choice of options."""
    return make_base(model, plan_of(model, distributed_slack), limits, level)


def make_base(model: GridModel, plan: Plan, limits: bool, level: int, near: Start | None = None) -> Base:
    """Return the base point for the values in ``plan``, sought from ``near`` (by rows; else from the flat start).

    Where the typical injections have no solution, the base point is where the search began.
    """
    state = _base_state(model, plan, limits, level, near or flat_start(model, plan))
    rows = control_rows(model, plan)
    work, bend = factor_at(plan.pattern, state, rows if limits else rows[:0])
    kind = np.where(rows >= 0, state.kind[rows], HOLDING)
    double = np.ones(len(plan.control), dtype=np.uint8)
    if not limits:
        double[rows[rows >= 0]] = 0
    pattern, wide = plan.pattern, double == 1
    lower = _columns(pattern.l_ptr, pattern.l_col, wide, work.lower)
    upper = _columns(pattern.u_ptr, pattern.u_col, wide, work.upper)
    p, q = injected(pattern, state)
    return Base(state.e, state.f, p, q, kind, double, *lower, *upper, work.pivot.astype(np.float32), bend)


def _columns(
    ptr: Index, col: Index, wide: Bools, blocks: Floats
) -> tuple[
    Index, Index, np.ndarray[tuple[int], np.dtype[np.float32]], np.ndarray[tuple[int], np.dtype[np.float32]]
]:
    """Turn 2×2 blocks by rows into single columns: of a column whose ln V is known only the angle's remains."""
    width = 1 + wide[col]
    block = np.repeat(np.arange(len(col)), width)
    second = np.arange(len(block)) - np.repeat(np.cumsum(width) - width, width)
    pointer = np.concatenate([[0], np.cumsum(width)])[ptr]
    at = 4 * block + second
    return (
        pointer.astype(np.uint32),
        ((2 * col[block] + second) * LANES).astype(np.uint32),
        blocks[at].astype(np.float32),
        blocks[at + 2].astype(np.float32),
    )


def _base_state(model: GridModel, plan: Plan, limits: bool, level: int, start: Start) -> State:
    """Solve the typical injections at ``level``, or at the next lower one that can be; else take ``start``."""
    if model.typical_mva is not None:
        for share in range(level, 0, -1):
            rules = TYPICAL._replace(limits=limits)
            hour = _typical_hour(model, plan, model.typical_mva * (share / PER_UNIT))
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
    typical = np.zeros(len(model.buses)) if model.typical_mva is None else model.typical_mva.real.copy()
    angle = dc_angles(model, typical)[plan.pattern.bus]
    fixed = plan.pattern.is_reference == 1
    angle[fixed] = plan.angle_rad[fixed]
    return Start(np.cos(angle), np.sin(angle), np.cos(angle), np.sin(angle))


def control_rows(model: GridModel, plan: Plan) -> Ints:
    """Return the elimination row of each control (−1: not supplied)."""
    return plan.row_of[model.control_bus]


def places_of(model: GridModel, plan: Plan) -> Places:
    """Return where the model's columns sit in a block of the chord kernel."""
    rows = len(plan.pattern.bus)
    bus = np.where(plan.live, plan.row_of, rows) * LANES
    voltage = np.column_stack([bus, bus + (rows + 1) * LANES]).reshape(-1)
    slack = plan.row_of[model.slack_bus]
    return Places(bus, voltage, np.arange(len(model.controls)) * LANES, slack[slack >= 0])
