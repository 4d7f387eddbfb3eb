"""Every branch out × many hours → what overloads, where voltage is lost, what splits, what has no solution.

The elimination plan of the base case serves all outages: an outage only changes four admittances, so its values are
patched into the pattern. Each outage has its own base points (one factor for all hours of a level), sought from
those of the intact grid, and its hours are solved by chords as usual. Outages that split the grid get a plan of
their own: the part without a source is dark, its power is counted as lost, the rest is solved. Threads share the
outages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import NamedTuple

import numpy as np

from grid import kernels_year
from grid.base import levels_of, make_base
from grid.block import Base
from grid.carry import Extremes, Wires, extremes
from grid.factor import Plan, make_plan
from grid.flow import FlowOptions, Prepared, empty_found, in_threads, prepared, run, wires_of
from grid.kernels_year import Found, Start
from grid.model import GridModel, Injections
from grid.summary import take
from scenarios.records import Bools, Floats, Ints, axes, record


@record
class Contingencies:
    """What each outage does over all hours, and what each hour suffers over all outages.

    Of each outage: largest ``loading`` of any remaining branch with its ``branch`` and ``hour`` (−1: no hour
    solved), ``hours_overloaded`` with a loading above 1, smallest ``v_min_pu``, ``hours_unsolved``, whether it
    ``splits`` the grid and the most power that is then dark (``lost_mw``, load and generation counted alike). Of
    each hour: ``overloading`` and ``unsolved`` outages, the largest ``hour_loading``. Of each branch: its largest
    loading under any outage in any hour.
    """

    outages: tuple[str, ...]
    loading: Floats = axes("outages")
    branch: Ints = axes("outages", dtype=np.int64)
    hour: Ints = axes("outages", dtype=np.int64)
    hours_overloaded: Ints = axes("outages", dtype=np.int64)
    v_min_pu: Floats = axes("outages")
    hours_unsolved: Ints = axes("outages", dtype=np.int64)
    splits: Bools = axes("outages", dtype=np.bool_)
    lost_mw: Floats = axes("outages")
    overloading: Ints = axes("hours", dtype=np.int64)
    unsolved: Ints = axes("hours", dtype=np.int64)
    hour_loading: Floats = axes("hours")
    branch_loading: Floats = axes("branches")


def n1(
    model: GridModel,
    injections: Injections,
    options: FlowOptions | None = None,
    outages: Iterable[str] | None = None,
) -> Contingencies:
    """Take every branch (or those named in ``outages``) out, one at a time, in every hour.

    A branch with parallel circuits goes out as a whole. Raises ``ValueError`` for a name that is no branch.
    """
    options = options or FlowOptions()
    chosen = [model.branches.index(name) for name in (model.branches if outages is None else outages)]
    table = _Table(model, chosen, len(injections.p_mw))
    case = _case(model, injections, options)

    def work(positions: Ints) -> None:
        room = empty_found(model, PART_HOURS)
        for position in positions.tolist():
            outage = _outage(case, chosen[position])
            table.split(position, outage, injections)
            for hours, part in case.parts:
                found, worst = _solve(outage, part, room, case.alone)
                table.enter(position, hours, found, worst)

    in_threads(work, np.arange(len(chosen)), options.threads)
    return table.result()


PART_HOURS = 1024
"""Hours solved at once: their voltages stay in the cache until their extremes have been found."""


class _Case(NamedTuple):
    """What all outages share: the grid as it is, its voltages at each level, the hours in parts."""

    intact: Prepared
    options: FlowOptions
    parts: tuple[tuple[Ints, Injections], ...]

    @property
    def alone(self) -> FlowOptions:
        """Options of one part: threads work on different outages, not on hours."""
        return replace(self.options, threads=1)


class _Outage(NamedTuple):
    """The grid without one branch, and the buses that are dark without it."""

    grid: Prepared
    wires: Wires
    dark: Bools


def _case(model: GridModel, injections: Injections, options: FlowOptions) -> _Case:
    """Sort the hours by level, so that those of one part share their base point, and cut them into parts."""
    intact = prepared(model, options)
    order = np.argsort(levels_of(intact.model, intact.plan, injections.p_mw), kind="stable")
    cuts = [order[first : first + PART_HOURS] for first in range(0, len(order), PART_HOURS)]
    return _Case(intact, options, tuple((hours, take(injections, hours)) for hours in cuts))


def _outage(case: _Case, branch: int) -> _Outage:
    """Take one branch out: patch the values of the plan, or make another plan where the grid falls apart."""
    model, plan, _ = case.intact
    without = _without(model, branch)
    dark = plan.live & ~_live(without)
    new = make_plan(without, case.options.distributed_slack) if dark.any() else _patched(plan, model, branch)
    if without.typical_mva is not None:
        without = replace(without, typical_mva=np.where(new.live, without.typical_mva, 0.0))
    rows = plan.row_of[new.pattern.bus]

    @cache
    def base_at(level: int) -> Base:
        intact = case.intact.base_at(level)
        e, f = intact.e[rows].copy(), intact.f[rows].copy()
        return make_base(without, new, case.options.enforce_q_limits, level, Start(e, f, e, f))

    return _Outage(Prepared(without, new, base_at), wires_of(without), dark)


def _solve(outage: _Outage, part: Injections, room: Found, options: FlowOptions) -> tuple[Found, Extremes]:
    """Solve all usable hours of one part; return what was found and its extremes."""
    part = _switched_off(part, outage.dark) if outage.dark.any() else part
    hours, dead = len(part.p_mw), ~outage.grid.plan.live
    found = room._replace(**{name: values[:hours] for name, values in room._asdict().items()})
    found.how[:] = kernels_year.LOST
    usable = np.isfinite(part.p_mw).all(axis=1) & np.isfinite(part.q_mvar).all(axis=1)
    stranded = (part.p_mw[:, dead] != 0).any(axis=1) | (part.q_mvar[:, dead] != 0).any(axis=1)
    run(outage.grid, part, found, np.flatnonzero(usable & ~stranded), options)
    worst = Extremes(
        np.full(hours, np.nan), np.full(hours, -1), np.full(hours, np.nan), np.zeros(len(outage.wires.from_bus))
    )
    extremes(outage.wires, found.v_parts, np.flatnonzero(found.how != kernels_year.LOST), worst)
    return found, worst._replace(branch_loading=np.sqrt(worst.branch_loading))


def _without(model: GridModel, branch: int) -> GridModel:
    """Return the model with the admittances of one branch set to zero."""
    ports = {}
    for name in ("y_ff_pu", "y_ft_pu", "y_tf_pu", "y_tt_pu"):
        values = getattr(model, name).copy()
        values[branch] = 0.0
        ports[name] = values
    return replace(model, **ports)


def _live(model: GridModel) -> Bools:
    """Which buses are reached from an angle reference (breadth first over the branches that remain)."""
    live = np.zeros(len(model.buses), dtype=bool)
    live[model.slack_bus[np.isfinite(model.slack_angle_deg)]] = True
    linked = (model.y_ft_pu != 0) | (model.y_tf_pu != 0)
    f, t = model.from_bus[linked], model.to_bus[linked]
    while True:
        reached = np.concatenate([t[live[f] & ~live[t]], f[live[t] & ~live[f]]])
        if not len(reached):
            return live
        live[reached] = True


def _patched(plan: Plan, model: GridModel, branch: int) -> Plan:
    """Return the plan with the four admittances of one branch taken off the values of its pattern."""
    pattern = plan.pattern
    g, b = pattern.y_g.copy(), pattern.y_b.copy()
    f, t = (int(plan.row_of[end[branch]]) for end in (model.from_bus, model.to_bus))
    ports = ((f, f, model.y_ff_pu), (f, t, model.y_ft_pu), (t, f, model.y_tf_pu), (t, t, model.y_tt_pu))
    for row, column, values in ports:
        if row < 0:
            continue
        first, last = int(pattern.y_ptr[row]), int(pattern.y_ptr[row + 1])
        at = first + int(np.searchsorted(pattern.y_col[first:last], column))
        g[at] -= values[branch].real
        b[at] -= values[branch].imag
    return plan._replace(pattern=pattern._replace(y_g=g, y_b=b))


def _switched_off(injections: Injections, dark: Bools) -> Injections:
    p_mw, q_mvar = injections.p_mw.copy(), injections.q_mvar.copy()
    p_mw[:, dark], q_mvar[:, dark] = 0.0, 0.0
    return replace(injections, p_mw=p_mw, q_mvar=q_mvar)


class _Table:
    """Results under way: one row per outage, running totals per hour and branch."""

    def __init__(self, model: GridModel, chosen: list[int], hours: int) -> None:
        count = len(chosen)
        self._lock = Lock()
        self.outages = tuple(model.branches[branch] for branch in chosen)
        self.loading, self.v_min_pu, self.lost_mw = np.full(count, np.nan), np.full(count, np.nan), np.zeros(count)
        self.branch, self.hour = np.full(count, -1), np.full(count, -1)
        self.hours_overloaded, self.hours_unsolved = (
            np.zeros(count, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
        )
        self.splits = np.zeros(count, dtype=bool)
        self.overloading, self.unsolved = np.zeros(hours, dtype=np.int64), np.zeros(hours, dtype=np.int64)
        self.hour_loading, self.branch_loading = np.full(hours, np.nan), np.zeros(len(model.branches))

    def split(self, position: int, outage: _Outage, injections: Injections) -> None:
        self.splits[position] = outage.dark.any()
        self.lost_mw[position] = np.abs(injections.p_mw[:, outage.dark]).sum(axis=1).max(initial=0.0)

    def enter(self, position: int, hours: Ints, found: Found, worst: Extremes) -> None:
        """Add one part of one outage; threads enter one after the other, and the order changes nothing."""
        lost, over = found.how == kernels_year.LOST, worst.loading > 1.0
        with self._lock:
            self.hours_unsolved[position] += lost.sum()
            self.hours_overloaded[position] += over.sum()
            self.unsolved[hours] += lost
            self.overloading[hours] += over
            self.hour_loading[hours] = np.fmax(self.hour_loading[hours], worst.loading)
            self.branch_loading = np.fmax(self.branch_loading, worst.branch_loading)
            self.v_min_pu[position] = np.fmin(self.v_min_pu[position], np.fmin.reduce(worst.v_min_pu))
            self._rank(position, hours, worst)

    def _rank(self, position: int, hours: Ints, worst: Extremes) -> None:
        """Keep the largest loading of the outage; of equal ones the earliest hour."""
        if not np.isfinite(worst.loading).any():
            return
        top = np.nanmax(worst.loading)
        at = np.flatnonzero(worst.loading == top)
        first = int(at[np.argmin(hours[at])])
        known, hour = self.loading[position], int(hours[first])
        if np.isnan(known) or top > known or (top == known and hour < self.hour[position]):
            self.loading[position], self.hour[position] = top, hour
            self.branch[position] = worst.branch[first]

    def result(self) -> Contingencies:
        return Contingencies(**{name: value for name, value in vars(self).items() if name != "_lock"})
