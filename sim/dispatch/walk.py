"""A case with its stacks and rows → the arrays that the compiled walk works on; parts of them kept and put back.

What a walk has done stands in arrays by step: what is served, given, stored and used, and the prices that follow.
So a walk can go on in the arrays of another one wherever their contents agree (``parts``), and what it leaves to
the rest of the axis can be kept and taken up again (``Plan``): contents, and what is planned for the steps that it
has looked at already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.records import Floats, Ints
from sim.dispatch.columns import called_day_mw, called_most_mw
from sim.dispatch.kernels import coordinate
from sim.dispatch.kernels_state import LAYERS, Clock, Network, Search, Stack, Stores, Water
from sim.dispatch.model import DispatchCase
from sim.dispatch.notice import notice_of
from sim.dispatch.stack import Supply
from sim.dispatch.wires import Bounds, network_of

Array = npt.NDArray[Any]
Group = TypeVar("Group", Stack, Stores, Water)

STACK_BY_STEP = ("net_mw", "place", "injected_mw", "seen", "checked")
STACK_BY_LINE = ("up_price", "up_room_mw", "down_price", "down_room_mw", "stale")
WIRES_BY_STEP = ("active", "row", "basic", "place", "used_mw")
STORES_BY_KIND = ("low_mwh", "high_mwh", "charge_mw", "discharge_mw", "level_mwh")
WATER_BY_PLANT = ("most_mw", "flow_mw", "spare_mwh", "pool_mwh")

NOT_EMPTY = ("net_mw", "low_mwh", "high_mwh", "most_mw", "pool_mwh")
"""Arrays that a walk writes, and that hold something before it begins."""

LATE = "used_mw"
"""The array that is only written, and then read, when a step is done with; before that it may hold anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a walk leaves before a step: contents [stores], MWh, and what it has planned up to ``entered``.

    ``by_step`` and ``by_day`` are arrays over the steps from there on, and over their days; ``pool_mwh`` is what is
    left of energies of the year [plants].
    """

    entered: int
    level_mwh: Floats
    pool_mwh: Floats
    by_step: dict[str, Array]
    by_day: Floats


class Walk:
    """What one walk over the windows works on; walks over the same case share what is given."""

    def __init__(self, network: Network, stack: Stack, stores: Stores, water: Water, clock: Clock) -> None:
        """Stand before the first step of the axis."""
        self.network, self.stack, self.stores, self.water, self.clock = network, stack, stores, water, clock
        self.entered = 0
        self._usual_mwh = stores.start_mwh
        self._search = _search_for(stores, water, clock)

    def twin(self) -> Walk:
        """Return a walk of its own over the same case; only before this one has begun."""
        stack = _own(self.stack, (*STACK_BY_STEP, *STACK_BY_LINE))
        wires = self.network.wires
        own: dict[str, Any] = {name: _empty_again(name, getattr(wires, name)) for name in WIRES_BY_STEP}
        wires = wires._replace(net_mw=stack.net_mw, injected_mw=stack.injected_mw, **own)
        hour, trial = (type(h)(*(np.zeros(a.shape, a.dtype) for a in h)) for h in self.network[1:])
        stores, water = _own(self.stores, STORES_BY_KIND), _own(self.water, WATER_BY_PLANT)
        stores = stores._replace(start_mwh=self._usual_mwh)
        return Walk(Network(wires, hour, trial), stack, stores, water, self.clock)

    def begin_at(self, step: int, level_mwh: Floats) -> None:
        """Stand before a step with these contents [stores], MWh, and nothing planned."""
        self.entered = step
        if step:
            self.stores.level_mwh[:, step - 1] = level_mwh
        else:
            self.stores = self.stores._replace(start_mwh=level_mwh.copy())

    def go(self, first: int, stop: int) -> None:
        """Coordinate the windows that begin at ``first`` … ``stop − 1``: where they begin, or end with the axis."""
        if first >= stop:
            return
        groups = (self.network, self.stack, self.stores, self.water, self.clock)
        coordinate(np.zeros(4, np.int64), (first, stop, self.entered), self._search, *groups)
        kept = self.clock.kept_steps
        last = first + (stop - 1 - first) // kept * kept
        self.entered = max(self.entered, min(last + self.clock.window_steps, len(self.clock.day)))

    def have_given(self, step: int, given_mwh: Floats, called_mwh: Floats) -> None:
        """Know what plants gave since midnight [plants], and blocks on call on the axis so far [calls], MWh."""
        water, clock = self.water, self.clock
        day = clock.day[step]
        passed_h = (step - clock.first_step[day]) * clock.step_h
        water.spare_mwh[:, day] = water.mean_mw[:, day] * passed_h - given_mwh
        water.pool_mwh[len(water.pool_mwh) - len(called_mwh) :] -= called_mwh

    def announced(self, step: int, told_mw: Floats) -> None:
        """Know what blocks may give from a step on, having been announced before [steps × calls], MW."""
        blocks = self.water.most_mw[len(self.water.most_mw) - told_mw.shape[1] :, step : step + len(told_mw)]
        np.minimum(blocks, told_mw[: blocks.shape[1]].T, out=blocks)

    def begin_early(self, step: int) -> None:
        """Stand before a step as if the axis began there."""
        self.begin_at(step, self._usual_mwh)

    def level_mwh(self, step: int) -> Floats:
        """Return the contents before a step [stores], MWh."""
        return self.stores.level_mwh[:, step - 1] if step else self.stores.start_mwh

    def plan(self, step: int) -> Plan:
        """Return what is left to the steps from ``step`` on, where a window begins."""
        steps, days = slice(step, self.entered), self._days(step, self.entered)
        arrays = self._by_step() | self._wires()
        return Plan(
            entered=self.entered,
            level_mwh=self.level_mwh(step).copy(),
            pool_mwh=self.water.pool_mwh.copy(),
            by_step={name: array[steps].copy() for name, array in arrays.items()},
            by_day=self.water.spare_mwh[:, days].copy(),
        )

    def take_up(self, step: int, plan: Plan) -> None:
        """Stand before a step as another walk did when it left this plan.

        Raises ``ValueError`` for the plan of another case.
        """
        arrays = self._by_step() | self._wires()
        if any(array[step : plan.entered].shape != plan.by_step[name].shape for name, array in arrays.items()):
            raise ValueError("the saved state is one of another case, or of other limits")
        self.begin_at(step, plan.level_mwh)
        self.entered = plan.entered
        for name, array in arrays.items():
            array[step : plan.entered] = plan.by_step[name]
        self.water.spare_mwh[:, self._days(step, plan.entered)] = plan.by_day
        self.water.pool_mwh[:] = plan.pool_mwh

    def join(self, other: Walk, step: int) -> None:
        """Go on from a step, where a day begins, as another walk did."""
        theirs, stop = other._by_step(), other.entered
        for name, array in self._by_step().items():
            array[step:stop] = theirs[name][step:stop]
        seen = step + np.flatnonzero(other.stack.seen[step:stop])
        for name in WIRES_BY_STEP:
            getattr(self.network.wires, name)[seen] = getattr(other.network.wires, name)[seen]
        days = self._days(step, stop)
        self.water.spare_mwh[:, days] = other.water.spare_mwh[:, days]
        self.entered = stop

    def _days(self, step: int, stop: int) -> slice:
        day = self.clock.day
        return slice(int(day[step]), int(day[stop - 1]) + 1) if stop > step else slice(0, 0)

    def _by_step(self) -> dict[str, Array]:
        """Return the arrays that a walk writes for every step, as views whose first axis are the steps."""
        views = {name: getattr(self.stack, name) for name in STACK_BY_STEP}
        views |= {name: getattr(self.stack, name).T for name in STACK_BY_LINE}
        views |= {name: getattr(self.stores, name).T for name in STORES_BY_KIND}
        return views | {"flow_mw": self.water.flow_mw.T}

    def _wires(self) -> dict[str, Array]:
        """Return those that it writes for steps behind wires, before these are done with."""
        return {f"wires {name}": getattr(self.network.wires, name) for name in WIRES_BY_STEP if name != LATE}


def walk_of(
    case: DispatchCase, supply: Supply, bounds: Bounds, stores: Stores, order: Ints, threads: int = 1
) -> Walk:
    """Return the walk over a case; ``order`` numbers the hydro plants."""
    stack = _stack(supply, bounds)
    water = _water(case, order, at_places=len(bounds.columns) > 0)
    return Walk(network_of(case, supply, bounds, stack, threads), stack, stores, water, _clock(case))


def _own(group: Group, names: tuple[str, ...]) -> Group:
    own: dict[str, Any] = {name: _empty_again(name, getattr(group, name)) for name in names}
    return group._replace(**own)


def _empty_again(name: str, array: Array) -> Array:
    if name == LATE:
        return np.empty_like(array)
    return array.copy() if name in NOT_EMPTY else np.zeros(array.shape, array.dtype)


def _stack(supply: Supply, bounds: Bounds) -> Stack:
    steps, resources = len(supply.asked_mw), bounds.own.shape[2]
    lines = resources if len(bounds.columns) else 1
    prices, rooms = np.zeros((2, lines, steps)), np.zeros((2, lines, steps))
    return Stack(
        price=supply.price,
        top_mw=np.ascontiguousarray(supply.top_mw.T),
        line=np.arange(resources) if lines > 1 else np.zeros(resources, np.int64),
        net_mw=supply.asked_mw.copy(),
        place=np.zeros(steps, np.int64),
        up_price=prices[0],
        up_room_mw=rooms[0],
        down_price=prices[1],
        down_room_mw=rooms[1],
        injected_mw=np.zeros((steps, resources)),
        seen=np.zeros(steps, np.bool_),
        checked=np.zeros(steps, np.bool_),
        stale=np.zeros((resources, steps), np.bool_),
    )


def _water(case: DispatchCase, order: Ints, at_places: bool) -> Water:
    """Return hydro above its must-run, the largest plant first; what flexible loads can spare; load on call."""
    loads, steps = case.flexible, (1, len(case.time))
    parts = [_hydro(case, order)]
    spare = np.repeat((loads.power_mw - loads.target_mw)[:, None], len(case.day_hours), axis=1)
    parts.append(
        (spare, np.tile(loads.free_mw[:, None], steps), -loads.value_cny_per_mwh, loads.missed_cny_per_mwh)
    )
    never = np.full(len(case.calls), np.inf)
    most_called = called_most_mw(case, at_places).T
    parts.append((called_day_mw(case).T, most_called, -case.calls.price_cny_per_mwh, never))
    mean, most, spill, short = (np.ascontiguousarray(np.concatenate(part)) for part in zip(*parts, strict=True))
    others = np.full(len(mean) - len(case.calls), np.inf)
    return Water(
        mean_mw=mean,
        most_mw=most,
        spill_price=spill,
        short_price=short,
        notice=np.concatenate([np.zeros(len(others), np.int64), notice_of(case)]),
        flow_mw=np.zeros_like(most),
        spare_mwh=np.zeros_like(mean),
        pool_mwh=np.concatenate([others, case.calls.mwh_per_year]),
    )


def _hydro(case: DispatchCase, order: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, most, price of spilling and of releasing too much, as ``Water`` has them."""
    minimum, count = case.hydro_minimum_mw, len(case.hydros)
    mean = np.maximum(case.hydro_budget_mwh / case.day_hours[:, None] - minimum, 0.0)
    most = np.maximum(case.hydro_capacity_mw - minimum, 0.0)[case.time.day]
    return mean[:, order].T, most[:, order].T, np.full(count, case.price_spilled), np.full(count, np.inf)


def _search_for(stores: Stores, water: Water, clock: Clock) -> Search:
    """Return room to look for chains in one window."""
    steps, plants, count = clock.window_steps, len(water.flow_mw), len(stores.keep)
    labels, rates = np.zeros((2, LAYERS + 1, steps), np.int64), np.zeros((7, count, steps))
    return Search(
        cost=np.zeros((LAYERS + 1, steps)),
        by=labels[0],
        source=labels[1],
        tired=np.zeros(steps, np.bool_),
        hops=np.zeros((LAYERS + 1, 3), np.int64),
        fill_by=rates[3],
        fill_add=rates[4],
        draw_by=rates[5],
        draw_add=rates[6],
        flow=np.zeros((plants, steps)),
        spare=np.zeros(plants),
        fill=rates[0],
        draw=rates[1],
        level=rates[2],
    )


def _clock(case: DispatchCase) -> Clock:
    day = case.time.day
    kept = max(round(case.step_window_h / case.time.step_h), 1)
    return Clock(
        day=day,
        first_step=np.append(np.flatnonzero(np.diff(day, prepend=-1)), len(day)),
        step_h=float(case.time.step_h),
        window_steps=max(round(case.look_ahead_h / case.time.step_h), kept),
        kept_steps=kept,
    )
