"""Every branch out × many hours → what overloads, where voltage is lost, what splits, what has no solution.

The elimination plan of the base case serves all outages: an outage only changes four admittances, so its values are
patched into the pattern and all hours are solved in lanes as usual. Outages that split the grid are solved on their
own: the part without a source is dark, its power is counted as lost, the rest is solved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np

from grid import kernels_year
from grid.base import make_base
from grid.carry import Extremes, Wires, extremes
from grid.factor import Plan, plan_of
from grid.flow import FlowOptions, Prepared, empty_found, in_threads, run, wires_of
from grid.kernels_year import Found
from grid.model import GridModel, Injections
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
    hours = len(injections.p_mw)
    table = _Table(model, chosen, hours)
    plan = plan_of(model, options.distributed_slack)
    for position, branch in enumerate(chosen):
        without = _without(model, branch)
        dark = plan.live & ~_live(without)
        outage_plan = plan_of(without, options.distributed_slack) if dark.any() else _patched(plan, model, branch)
        given = _switched_off(injections, dark) if dark.any() else injections
        table.splits[position] = dark.any()
        table.lost_mw[position] = np.abs(injections.p_mw[:, dark]).sum(axis=1).max(initial=0.0)
        found = _solve(_prepared(without, outage_plan, options), given, options)
        table.enter(position, found, _extremes(wires_of(without), found, len(model.branches), options.threads))
    return table.result()


def _prepared(without: GridModel, plan: Plan, options: FlowOptions) -> Prepared:
    """Base points of one outage; what is dark has no typical injections."""
    typical = None if without.typical_mva is None else np.where(plan.live, without.typical_mva, 0.0)
    model = replace(without, typical_mva=typical if options.start_from_typical else None)
    return Prepared(model, plan, cache(lambda level: make_base(model, plan, options.enforce_q_limits, level)))


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


def _solve(grid: Prepared, injections: Injections, options: FlowOptions) -> Found:
    """Solve all usable hours of one outage."""
    hours, dead = len(injections.p_mw), ~grid.plan.live
    found = empty_found(grid.model, hours)
    found.how[:] = kernels_year.LOST
    usable = np.isfinite(injections.p_mw).all(axis=1) & np.isfinite(injections.q_mvar).all(axis=1)
    stranded = (injections.p_mw[:, dead] != 0).any(axis=1) | (injections.q_mvar[:, dead] != 0).any(axis=1)
    run(grid, injections, found, np.flatnonzero(usable & ~stranded), options)
    return found


def _extremes(wires: Wires, found: Found, branches: int, threads: int) -> Extremes:
    hours = len(found.how)
    per_hour = (np.full(hours, np.nan), np.full(hours, -1), np.full(hours, np.nan))
    parts: list[Floats] = []

    def work(chosen: Ints) -> None:
        branch_worst = np.zeros(branches)
        extremes(wires, found.v_parts, chosen, Extremes(*per_hour, branch_worst))
        parts.append(branch_worst)

    in_threads(work, np.flatnonzero(found.how != kernels_year.LOST), threads)
    return Extremes(*per_hour, np.sqrt(np.max(parts, axis=0)))


class _Table:
    """Results under way: one row per outage, running totals per hour and branch."""

    def __init__(self, model: GridModel, chosen: list[int], hours: int) -> None:
        count = len(chosen)
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

    def enter(self, position: int, found: Found, worst: Extremes) -> None:
        lost = found.how == kernels_year.LOST
        over = worst.loading > 1.0
        self.hours_unsolved[position], self.hours_overloaded[position] = lost.sum(), over.sum()
        self.unsolved += lost
        self.overloading += over
        self.hour_loading = np.fmax(self.hour_loading, worst.loading)
        self.branch_loading = np.fmax(self.branch_loading, worst.branch_loading)
        self.v_min_pu[position] = np.fmin.reduce(worst.v_min_pu)
        if np.isfinite(worst.loading).any():
            hour = int(np.nanargmax(worst.loading))
            self.hour[position], self.branch[position] = hour, worst.branch[hour]
            self.loading[position] = worst.loading[hour]

    def result(self) -> Contingencies:
        return Contingencies(**self.__dict__)
