"""Every branch out × many hours → what overloads, where voltage is lost, what splits, what has no solution.

The elimination plan of the base case serves all outages: an outage only changes a few admittances, so its values
are patched into the pattern. Each outage has its own base points (one factor for all hours near it), sought from
those of the intact grid, and its hours are solved by chords as usual. Outages that split the grid get a plan of
their own: the part without a source is dark, its power is counted as lost, the rest is solved.

    n1(model, injections)                          every branch as a whole: extremes; threads share the outages
    each_outage(model, injections, outages)        any outages, one after the other: all voltages of all hours
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from threading import Lock
from typing import NamedTuple

import numpy as np

from grid import kernels_year
from grid.base import Bases, make_base, make_places
from grid.block import Base
from grid.carry import Extremes, Sheet, Wires, extremes, new_sheet
from grid.factor import Plan, make_plan, with_values
from grid.flow import (
    FlowOptions,
    Prepared,
    empty_found,
    given_rows,
    prepared,
    run,
    sift_hours,
    wires_of,
)
from grid.kernels_sift import Points
from grid.kernels_year import Found, Start
from grid.model import Complexes, GridModel, Injections
from grid.simd import LANES
from grid.summary import take
from grid.threads import take_turns
from grid.transit import WeakPivot, recover
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
    case = _case(model, injections, options)

    def work(positions: Iterator[int]) -> None:
        room = _Room(
            empty_found(model, PART_HOURS, machines=False), new_sheet(len(model.buses), len(model.branches))
        )
        for position in positions:
            name = model.branches[chosen[position]]
            outage = _outage(case, Outage(name, ((name, 1.0),)))
            table.split(position, outage, injections)
            for hours, part in case.parts:
                found, worst = _solve(outage, part, room, case.alone)
                table.enter(position, hours, found, worst)

    take_turns(work, range(len(chosen)), options.threads)
    return table.result()


def each_outage(
    model: GridModel, injections: Injections, outages: Iterable[Outage], options: FlowOptions | None = None
) -> Iterator[After]:
    """Yield the grid after each of ``outages`` in every hour; only one is alive at a time.

    Raises ``ValueError`` for a name that is no branch or no bus.
    """
    options = options or FlowOptions()
    case = _case(model, injections, options)
    for outage in outages:
        asked = outage.injections or injections
        left = _outage(case, outage)
        found = _solved(left, asked, empty_found(model, len(asked.p_mw), machines=False), options)
        solved = found.how != kernels_year.LOST
        found.v_pu[~solved] = complex(np.nan, np.nan)
        found.v_pu[:, left.dark] = complex(np.nan, np.nan)
        yield After(outage, left.grid.model, asked, found.v_pu, solved, left.dark)


PART_HOURS = 1024
"""Hours solved at once: their voltages stay in the cache until their extremes have been found."""


class _Case(NamedTuple):
    """What all outages share: the grid as it is, voltages [buses] of its base points, the hours in parts.

    ``points`` are the base points that these hours take.
    """

    intact: Prepared
    points: tuple[int, ...]
    voltages_at: Callable[[int], Complexes]
    options: FlowOptions
    parts: tuple[tuple[Ints, Injections], ...]

    @property
    def alone(self) -> FlowOptions:
        """Options of one part: threads work on different outages, not on hours."""
        return replace(self.options, threads=1)


class _Outage(NamedTuple):
    """The grid that remains after an outage, and the buses that are dark."""

    grid: Prepared
    wires: Wires
    dark: Bools


def _case(model: GridModel, injections: Injections, options: FlowOptions) -> _Case:
    """Sort the hours by base point, so that those of one part share it, and cut them into parts."""
    whole = prepared(model, options)
    intact = whole._replace(points=_fewer(whole.points))
    given, asked = given_rows(intact.model, intact.plan, injections), np.arange(len(injections.p_mw))
    sifted = sift_hours(intact, given, asked, options.threads)
    order = np.argsort(sifted.rank, kind="stable")
    cuts = [order[first : first + PART_HOURS] for first in range(0, len(order), PART_HOURS)]
    voltages_at = cache(partial(_voltages, intact))
    points = tuple(np.flatnonzero(sifted.hours_at).tolist())
    return _Case(intact, points, voltages_at, options, tuple((hours, take(injections, hours)) for hours in cuts))


FEW_POINTS = 16
"""So many base points are not too many for one outage."""


def _fewer(points: Points) -> Points:
    """Leave one in four of many base points: each outage has to work out its own, whatever the number of hours."""
    if np.count_nonzero(np.isfinite(points.half_square)) <= FEW_POINTS:
        return points
    return points._replace(half_square=np.where(np.arange(LANES) % 4 == 0, points.half_square, np.inf))


def _outage(case: _Case, outage: Outage) -> _Outage:
    """Return what an outage leaves: its plan, its base points where they are asked for."""
    model, plan = case.intact.model, case.intact.plan
    without = _without(model, outage)
    dark = plan.live & ~_live(without)
    new = _plan(case, without, bool(dark.any()))
    if without.typical_mva is not None:
        without = replace(without, typical_mva=np.where(new.live, without.typical_mva, 0.0))

    def base_at(point: int) -> Base:
        v_pu = case.voltages_at(point)[new.pattern.bus]
        e, f = v_pu.real.copy(), v_pu.imag.copy()
        return make_base(without, new, case.options.enforce_q_limits, point, Start(e, f, e, f))

    whole = partial(prepared, replace(without, transit=np.zeros_like(without.transit)), case.options)
    grid = Prepared(without, new, make_places(without, new), Bases(base_at, case.points), case.intact.points, whole)
    return _Outage(grid, wires_of(without), dark)


def _plan(case: _Case, without: GridModel, apart: bool) -> Plan:
    """Patch what is lost into the values of the plan, or make another plan where the grid falls apart.

    Another one also where a bus that is eliminated would be left in resonance.
    """
    if not apart:
        with suppress(WeakPivot):
            return with_values(case.intact.plan, without)
    return make_plan(without, case.options.distributed_slack)


def _voltages(grid: Prepared, point: int) -> Complexes:
    """Return the voltages of a base point [buses]."""
    base, bus = grid.bases.at(point), grid.plan.pattern.bus
    v_pu: Complexes = np.full((1, len(grid.model.buses)), complex(np.nan, np.nan))
    v_pu[0, bus] = base.e + 1j * base.f
    recover(grid.plan.transit, bus, v_pu, np.array([0]))
    row: Complexes = v_pu[0]
    return row


class _Room(NamedTuple):
    """What one thread writes to, part after part."""

    found: Found
    sheet: Sheet


def _solve(outage: _Outage, part: Injections, room: _Room, options: FlowOptions) -> tuple[Found, Extremes]:
    """Solve all usable hours of one part; return what was found and its extremes."""
    hours = len(part.p_mw)
    found = room.found._replace(**{name: values[:hours] for name, values in room.found._asdict().items()})
    found = _solved(outage, part, found, options)
    worst = Extremes(
        np.full(hours, np.nan), np.full(hours, -1), np.full(hours, np.nan), np.zeros(len(outage.wires.from_bus))
    )
    solved = np.flatnonzero(found.how != kernels_year.LOST)
    extremes(outage.wires, found.v_parts, solved, room.sheet, worst)
    return found, worst._replace(branch_loading=np.sqrt(worst.branch_loading))


def _solved(outage: _Outage, asked: Injections, found: Found, options: FlowOptions) -> Found:
    """Solve all usable hours into ``found``; what feeds in at dark buses is switched off."""
    asked = _switched_off(asked, outage.dark) if outage.dark.any() else asked
    found.how[:] = kernels_year.LOST
    run(outage.grid, asked, found, options)
    return found


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
