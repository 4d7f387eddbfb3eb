"""Every branch out × many hours → what overloads, where voltage is lost, what splits, what has no solution.

The elimination plan of the base case serves all outages: an outage only changes a few admittances, so its values
are patched into the pattern and all hours are solved in lanes as usual. Outages that split the grid are solved on
their own: the part without a source is dark, its power is counted as lost, the rest is solved.

    n1(model, injections)                          every branch as a whole: extremes
    each_outage(model, injections, outages)        any outages, one after the other: all voltages of all hours
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from grid import kernels_year
from grid.factor import Plan, plan_of
from grid.flow import FlowOptions, empty_found, given_rows, in_threads, run, start_of, wires_of
from grid.kernels_year import Extremes, Found, Wires
from grid.model import Complexes, GridModel, Injections
from scenarios.records import Bools, Floats, Ints, axes, record

PORTS = ("y_ff_pu", "y_ft_pu", "y_tf_pu", "y_tt_pu")
ROUNDING = 1e-9
"""Share of a branch that is left over by adding up shares like 1/3."""


@dataclass(frozen=True, slots=True, eq=False)
class Outage:
    """What goes out together.

    ``lost`` names branches, each with the share of it that is lost (one of n equal circuits: 1/n; the rating
    shrinks with it). ``shunts`` names buses, each with the admittance (pu) that is switched off there.
    ``injections`` is what is fed in meanwhile (a unit is lost); without it nothing changes.
    """

    name: str
    lost: tuple[tuple[str, float], ...] = ()
    shunts: tuple[tuple[str, complex], ...] = ()
    injections: Injections | None = None


@dataclass(frozen=True, slots=True, eq=False)
class After:
    """All hours with an outage: ``v_pu`` [hours × buses] is NaN in unsolved hours and at dark buses.

    ``solved`` [hours]; ``dark`` [buses] says where the outage leaves no source; ``injections`` is what was asked
    of the grid before those buses went dark; ``model`` is the grid that remains, with the ratings that remain.
    """

    outage: Outage
    model: GridModel
    injections: Injections
    v_pu: Complexes
    solved: Bools
    dark: Bools


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
    whole = (Outage(model.branches[branch], ((model.branches[branch], 1.0),)) for branch in chosen)
    for position, after in enumerate(each_outage(model, injections, whole, options)):
        table.splits[position] = after.dark.any()
        table.lost_mw[position] = np.abs(injections.p_mw[:, after.dark]).sum(axis=1).max(initial=0.0)
        table.enter(position, after, _extremes(wires_of(after.model), after, len(model.branches), options.threads))
    return table.result()


def each_outage(
    model: GridModel, injections: Injections, outages: Iterable[Outage], options: FlowOptions | None = None
) -> Iterator[After]:
    """Yield the grid after each of ``outages`` in every hour; only one is alive at a time.

    Raises ``ValueError`` for a name that is no branch or no bus.
    """
    options = options or FlowOptions()
    plan = plan_of(model, options.distributed_slack)
    for outage in outages:
        asked = outage.injections or injections
        without = _without(model, outage)
        dark = plan.live & ~_live(without)
        outage_plan = plan_of(without, options.distributed_slack) if dark.any() else _patched(plan, model, without)
        given = _switched_off(asked, dark) if dark.any() else asked
        found = _solve(model, outage_plan, given, options)
        yield After(outage, without, asked, found.v_pu, found.how != kernels_year.LOST, dark)


def _without(model: GridModel, outage: Outage) -> GridModel:
    """Return the model with the lost shares taken off admittances and ratings, and shunts switched off."""
    kept = np.ones(len(model.branches))
    for name, share in outage.lost:
        kept[model.branches.index(name)] -= share
    kept[np.abs(kept) < ROUNDING] = 0.0
    if (kept < 0).any():
        raise ValueError(f"outage {outage.name}: more of a branch is lost than there is")
    y_shunt = model.y_shunt_pu.copy()
    for bus, admittance in outage.shunts:
        y_shunt[model.buses.index(bus)] -= admittance
    ports = {name: getattr(model, name) * kept for name in PORTS}
    left = np.where(kept > 0, kept, 1.0)  # a branch that is out carries nothing: its rating does not matter
    return replace(
        model,
        y_shunt_pu=y_shunt,
        limit_from_ka=model.limit_from_ka * left,
        limit_to_ka=model.limit_to_ka * left,
        **ports,
    )


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


def _patched(plan: Plan, model: GridModel, without: GridModel) -> Plan:
    """Return the plan with what ``without`` lacks taken off the values of its pattern."""
    g, b = plan.pattern.y_g.copy(), plan.pattern.y_b.copy()
    changed = np.flatnonzero(without.y_ff_pu != model.y_ff_pu)
    f, t = model.from_bus[changed], model.to_bus[changed]
    for name, row, column in zip(PORTS, (f, f, t, t), (f, t, f, t), strict=True):
        _take_off(plan, (g, b), (row, column), (getattr(model, name) - getattr(without, name))[changed])
    buses = np.flatnonzero(without.y_shunt_pu != model.y_shunt_pu)
    _take_off(plan, (g, b), (buses, buses), (model.y_shunt_pu - without.y_shunt_pu)[buses])
    return plan._replace(pattern=plan.pattern._replace(y_g=g, y_b=b))


def _take_off(plan: Plan, values: tuple[Floats, Floats], places: tuple[Ints, Ints], admittance: Complexes) -> None:
    """Subtract admittances at (bus, bus) from the conductances and susceptances of the plan's pattern."""
    pattern = plan.pattern
    for bus, other, y in zip(*places, admittance, strict=True):
        row, column = plan.row_of[bus], plan.row_of[other]
        if row < 0:
            continue
        first, last = int(pattern.y_ptr[row]), int(pattern.y_ptr[row + 1])
        at = first + int(np.searchsorted(pattern.y_col[first:last], column))
        values[0][at] -= y.real
        values[1][at] -= y.imag


def _switched_off(injections: Injections, dark: Bools) -> Injections:
    p_mw, q_mvar = injections.p_mw.copy(), injections.q_mvar.copy()
    p_mw[:, dark], q_mvar[:, dark] = 0.0, 0.0
    return replace(injections, p_mw=p_mw, q_mvar=q_mvar)


def _solve(model: GridModel, plan: Plan, injections: Injections, options: FlowOptions) -> Found:
    """Solve all usable hours from the base case's start point; a start is taken over bus by bus."""
    hours = len(injections.p_mw)
    found = empty_found(model, hours)
    found.how[:] = kernels_year.LOST
    usable = np.isfinite(injections.p_mw).all(axis=1) & np.isfinite(injections.q_mvar).all(axis=1)
    stranded = (injections.p_mw[:, ~plan.live] != 0).any(axis=1) | (injections.q_mvar[:, ~plan.live] != 0).any(
        axis=1
    )
    base_plan, base = plan_of(model, options.distributed_slack), start_of(model, options.distributed_slack)
    rows = base_plan.row_of[plan.pattern.bus]
    start = kernels_year.Start(*(values[rows].copy() for values in base))
    run(plan, given_rows(model, plan, injections), start, found, np.flatnonzero(usable & ~stranded), options)
    return found


def _extremes(wires: Wires, after: After, branches: int, threads: int) -> Extremes:
    hours = len(after.solved)
    per_hour = (np.full(hours, np.nan), np.full(hours, -1), np.full(hours, np.nan))
    parts: list[Floats] = []

    def work(chosen: Ints) -> None:
        branch_worst = np.zeros(branches)
        kernels_year.extremes(wires, after.v_pu, chosen, Extremes(*per_hour, branch_worst))
        parts.append(branch_worst)

    in_threads(work, np.flatnonzero(after.solved), threads)
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

    def enter(self, position: int, after: After, worst: Extremes) -> None:
        lost = ~after.solved
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
