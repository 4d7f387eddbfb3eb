"""Limits of the network and reserve → what the compiled coordination sees of them: rows, columns of supply, flows.

A plain dispatch, without network and stores, says beforehand which rows matter (``near_rows``, ``often_over``).

The columns of supply are the things of the segments of the stack, one after the other: in the order of their price.
All of them inject: less export is an injection at the channel, unserved load one at the load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grid.threads import take_turns
from scenarios.records import Bools, Floats, Ints
from sim.dispatch.columns import moved_share
from sim.dispatch.kernels_hour import GIVES, TAKES
from sim.dispatch.kernels_state import Hour, Network, Stack, Wires
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase
from sim.dispatch.reserve import ReserveRow
from sim.dispatch.rows import FLOW_DUST, price_overload
from sim.dispatch.sharing import Rows, evened
from sim.dispatch.stack import Role, Segment, Supply, share_of

NEAR = 0.7
"""Rows that reach this part of their limits before anything is coordinated are looked at from the start."""

NEAR_EVERY = 5
"""Every how many steps that is seen after: all hours of the day come up within five days."""

OFTEN = 2
"""How often among those steps a row must be above its limit to be expected there again."""

BLOCK_STEPS = 2190
"""Hours that one thread copies at a time."""

MOST_ACTIVE_ROWS = 80
"""Rows that bind in one step at most: more than a network of this class has buses."""

TIE_CNY_PER_MWH = 1e-6
"""Equal prices are told apart by this, so that no two vertices of a step cost the same."""

EVENED = (Role.RENEWABLES, Role.COAL, Role.COAL_TOP)
"""Roles whose things share what is used in proportion, as far as wires allow."""

THINGS = {
    Role.COAL_MINIMUM: "coal",
    Role.HYDRO_MINIMUM: "hydros",
    Role.RENEWABLES: "renewables",
    Role.EXPORT_UP: "channels",
    Role.COAL: "coal",
    Role.COAL_TOP: "coal",
    Role.EXPORT_DOWN: "channels",
    Role.SHED: "loads",
    Role.EXPORT_CUT: "channels",
    Role.FLEXIBLE_CUT: "flexibles",
    Role.UNSERVED: "loads",
    Role.LOSS_RELIEF: "loss",
}


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """What couples the steps, in this order: hydro plants, moved load, storages by kind, accounts of channels.

    Between hydro and moved load stand flexible loads and load on call (if it has an energy), ``spared`` in all.
    ``order`` numbers the hydro plants, ``first`` is the first storage of each kind, ``accounts`` counts channels.
    """

    order: Ints
    spared: int
    first: Ints
    accounts: int

    @property
    def moved(self) -> int:
        """Which resource is moved load."""
        return len(self.order) + self.spared

    @property
    def count(self) -> int:
        """Number of resources."""
        return self.moved + 1 + len(self.first) + self.accounts

    @property
    def stores(self) -> slice:
        """Which resources are storages."""
        return slice(self.moved + 1, self.moved + 1 + len(self.first))


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Rows that the walk keeps to: first those of the network, then reserve.

    MW in each row per MW that columns [rows × columns] inject, and resources while they take and while they give
    [2 × rows × resources]; what is in them before any of these acts, and limits [hours × rows], MW; price of a MWh
    beyond them [rows]. ``moved_share`` [loads] says whose load is moved or shed on call.
    """

    columns: Floats
    own: Floats
    base_mw: Floats
    low_mw: Floats
    high_mw: Floats
    price: Floats
    moved_share: Floats


def bounds_of(
    case: DispatchCase, stack: Supply, limits: NetworkLimits, resources: Resources, reserve: Sequence[ReserveRow]
) -> Bounds:
    """Return the rows of the network and of reserve."""
    share, free = moved_share(case), np.zeros((len(case.time), len(limits.rows)))
    own = _without_dust(
        np.hstack(
            [
                limits.hydros[:, resources.order],
                limits.flexibles,
                # Load on call and moved load: all loads in proportion.
                np.repeat((limits.loads @ share)[:, None], 1 + len(case.calls), axis=1),
                limits.storages[:, resources.first],
                limits.channels[:, : resources.accounts],
            ]
        )
    )
    nothing = np.zeros((len(case.time), len(reserve)))
    return Bounds(
        columns=np.vstack([column_reach(stack, limits), *(row.columns for row in reserve)]),
        own=np.concatenate([np.stack([own, own]), *(row.own[:, None] for row in reserve)], axis=1),
        base_mw=np.hstack([base_flow_mw(case, stack, limits), nothing]),
        low_mw=np.column_stack([free + limits.low_mw, *(row.low_mw for row in reserve)]),
        high_mw=np.column_stack([free + limits.high_mw, *(row.high_mw for row in reserve)]),
        price=np.repeat([price_overload(case), case.rules.price_reserve], [len(limits.rows), len(reserve)]),
        moved_share=share,
    )


def column_reach(stack: Supply, limits: NetworkLimits) -> Floats:
    """Return the flow in each row per MW of every column [rows × columns]."""
    return _without_dust(np.hstack([_segment_reach(segment, limits) for segment in stack.segments]))


def _segment_reach(segment: Segment, limits: NetworkLimits) -> Floats:
    if segment.role is Role.LOSS_RELIEF:
        return limits.loss[:, None]
    reach: Floats = getattr(limits, THINGS[segment.role])
    return reach[:, segment.things]


def _without_dust(reach: Floats) -> Floats:
    return np.ascontiguousarray(np.where(np.abs(reach) < FLOW_DUST, 0.0, reach))


def base_flow_mw(case: DispatchCase, stack: Supply, limits: NetworkLimits) -> Floats:
    """Return the flow of every row when all that is asked is served and nothing is supplied."""
    flow = case.load_mw @ limits.loads.T + stack.sent_mw @ limits.channels.T
    flow += case.flexible.power_mw @ limits.flexibles.T
    return np.asarray(-flow - case.loss_mw[:, None] * limits.loss)


def near_rows(case: DispatchCase, stack: Supply, limits: NetworkLimits) -> Ints:
    """Return the rows that come near their limits in a plain dispatch: flat hydro, idle stores."""
    if not limits.rows:
        return np.zeros(0, np.int64)
    flow = _plain_flow_mw(case, stack, limits)
    near = (flow.max(axis=0) > NEAR * limits.high_mw) | (flow.min(axis=0) < NEAR * limits.low_mw)
    return np.flatnonzero(near)


def often_over(case: DispatchCase, stack: Supply, limits: NetworkLimits, steps: int) -> Bools:
    """Return which rows are above their limits again and again in a plain dispatch, by place [steps × rows].

    A place is taken every ``steps`` steps.
    """
    if not limits.rows:
        return np.zeros((steps, 0), dtype=bool)
    flow = _plain_flow_mw(case, stack, limits)
    over = (flow > limits.high_mw) | (flow < limits.low_mw)
    place = np.arange(0, len(case.time), NEAR_EVERY) % steps
    times = [np.bincount(place[over[:, row]], minlength=steps) for row in range(len(limits.rows))]
    return np.asarray(np.stack(times, axis=1) >= OFTEN)


def _plain_flow_mw(case: DispatchCase, stack: Supply, limits: NetworkLimits) -> Floats:
    """Return the flows of every few steps of a plain dispatch [steps × rows], MW."""
    injected = _plain_mw(case, stack, slice(0, None, NEAR_EVERY))
    reach = np.hstack([limits.loss[:, None] if kind == "loss" else getattr(limits, kind) for kind in injected])
    return np.asarray(np.hstack(list(injected.values())) @ reach.T)


def _plain_mw(case: DispatchCase, stack: Supply, steps: slice) -> dict[str, Floats]:
    """Return what everything injects in some steps of a plain dispatch, by kind [steps × things], MW."""
    water = np.minimum(case.hydro_budget_mwh / case.day_hours[:, None], case.hydro_capacity_mw)
    water = np.maximum(water - case.hydro_minimum_mw, 0.0)[case.time.day[steps]]
    spared = case.flexible.power_mw - case.flexible.target_mw
    net = stack.asked_mw[steps] - water.sum(axis=1) - spared.sum()
    injected = {
        "coal": np.zeros((len(net), len(case.coal))),
        "hydros": water,
        "renewables": np.zeros((len(net), len(case.renewables))),
        "loads": -case.load_mw[steps],
        "channels": -stack.sent_mw[steps],
        "flexibles": np.tile(spared - case.flexible.power_mw, (len(net), 1)),
        "loss": -case.loss_mw[steps, None],
    }
    used = stack.used_mw(net, steps)
    share = share_of(used, stack.width_mw[:, steps])
    for number, segment in enumerate(stack.segments):
        if share[number].any():
            part = segment.part_mw[steps] * share[number, :, None]
            injected[THINGS[segment.role]][:, segment.things] += part
    return injected


def network_of(case: DispatchCase, supply: Supply, bounds: Bounds, stack: Stack, threads: int) -> Network:
    """Return the network of a walk that has not begun: no step sees any row.

    All arrays are contiguous by rows and may be written: other arrays would be other types, for which the kernels
    compile anew. Those that were made for this are not copied.
    """
    rows, columns = bounds.columns.shape
    steps = len(case.time) if rows else 0
    most = min(rows, MOST_ACTIVE_ROWS)
    sizes = [len(segment.things) for segment in supply.segments]
    plants = len(case.hydros) + len(case.flexibles)
    lost = next(k for k, segment in enumerate(supply.segments) if segment.role is Role.UNSERVED)
    wires = Wires(
        reach=_plain(bounds.columns),
        own=_plain(bounds.own),
        low_mw=_plain(bounds.low_mw[:steps]),
        high_mw=_plain(bounds.high_mw[:steps]),
        base_mw=_plain(bounds.base_mw),
        row_price=bounds.price,
        price=np.repeat(supply.price, sizes) + TIE_CNY_PER_MWH * np.arange(columns),
        width_mw=_side_by_side([segment.part_mw[:steps] for segment in supply.segments], threads),
        column_segment=np.repeat(np.arange(len(sizes)), sizes),
        lost_first=sum(sizes[:lost]),
        lost_most_mw=_plain(supply.segments[lost].part_mw),
        moved=plants + len(case.calls),
        called=plants,
        moved_share=bounds.moved_share,
        net_mw=stack.net_mw,
        injected_mw=stack.injected_mw,
        active=np.zeros(steps, np.int64),
        row=np.zeros((steps, most), np.int64),
        basic=np.zeros((steps, most + 1), np.int64),
        place=np.zeros((steps, columns + 3 * rows), np.int8),
        used_mw=np.empty((steps, columns)),
    )
    return Network(wires, _hour(most, rows, columns), _hour(most, rows, columns))


def _plain(array: Floats) -> Floats:
    return np.require(array, requirements=("C", "W"))


def _side_by_side(parts: Sequence[Floats], threads: int) -> Floats:
    """Return [hours × things] of all parts in one array, block after block of hours."""
    steps = len(parts[0])
    joined = np.empty((steps, sum(part.shape[1] for part in parts)))

    def fill(waiting: Iterator[int]) -> None:
        for first in waiting:
            hours = slice(first, first + BLOCK_STEPS)
            np.concatenate([part[hours] for part in parts], axis=1, out=joined[hours])

    take_turns(fill, range(0, steps, BLOCK_STEPS), threads)
    return joined


def _hour(most: int, rows: int, columns: int) -> Hour:
    counts, values = np.zeros((2, most + 1), np.int64), np.zeros((4, most + 1))
    logical = np.zeros((2, columns + 3 * rows))
    return Hour(
        size=np.zeros(1, np.int64),
        row=counts[0],
        position=np.zeros(rows, np.int64),
        basic=counts[1],
        place=np.zeros(columns + 3 * rows, np.int8),
        basis=np.zeros((most + 1, most + 1)),
        inverse=np.zeros((most + 1, most + 1)),
        value=values[0],
        dual=values[1],
        right=values[2],
        column=values[3],
        entry=logical[0],
        reduced=logical[1],
        used_mw=np.zeros(columns),
        width_mw=np.zeros(columns),
    )


def shared_behind(wires: Wires, supply: Supply, seen: Ints) -> Floats:
    """Return what is used of every column in the steps ``seen``, equals behind the same limits in proportion."""
    used, width = wires.used_mw[seen], wires.width_mw[seen]
    injected = wires.injected_mw[seen]
    flow = wires.base_mw[seen] + used @ wires.reach.T
    flow += np.maximum(injected, 0.0) @ wires.own[GIVES].T + np.minimum(injected, 0.0) @ wires.own[TAKES].T
    rows = Rows(wires.reach, flow, wires.low_mw[seen], wires.high_mw[seen])
    for number, segment in enumerate(supply.segments):
        columns = np.flatnonzero(wires.column_segment == number)
        if segment.role in EVENED and len(columns) > 1:
            part = used[:, columns]
            used[:, columns] = evened(part, wires.reach[:, columns], width[:, columns], rows)
            rows.flow_mw += (used[:, columns] - part) @ wires.reach[:, columns].T
    return used
