"""Chains of moves over several resources: the way out where no single resource can gain any more; compiled.

``cost[0, t]`` is what one more MWh costs in step t from its own stack. One layer further, it may come from another
step through one resource: released there less and here more, or stored there and drawn here (or drawn here and
stored again later). Layer l allows l such hops:

    cost[l, t] = min(cost[l − 1, t], min over resources r and steps s of (cost[l − 1, s] carried from s to t by r))

This is Bellman's recursion for shortest paths with gains (Ahuja, Magnanti, Orlin 1993, Network Flows, ch. 15) cut
off at ``LAYERS`` hops. Where the last layer is below what the step's own stack saves for one MWh less, the chain is
worth going: the steps in between only pass energy on, so their stacks, and their kinks, play no role.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from sim.dispatch.kernels_moves import (
    LEAST_GAIN_CNY_PER_MWH,
    SMALL,
    Clock,
    Stack,
    Stores,
    Water,
    put_in,
    shift_net,
    take_out,
)

LAYERS = 4
CHAINS_PER_STEP = 4
STOP_GAIN_CNY_PER_MWH = 1e-5
"""A chain must gain this much per MWh that the window has to serve, or its end is not tried again."""

OWN, SPARE, KEPT = -1, -2, -3
"""Sources that are not another step: the step's own stack, water to be spilled, content never replaced."""


class Search(NamedTuple):
    """Labels [layers, steps of the window]: cost, which resource brings it (stores after water), from where."""

    cost: npt.NDArray[np.float64]
    by: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]


class Use(NamedTuple):
    """What a chain uses per MW delivered: flows [plants, steps], part of the spare water, store rates, contents."""

    flow: npt.NDArray[np.float64]
    spare: npt.NDArray[np.float64]
    fill: npt.NDArray[np.float64]
    draw: npt.NDArray[np.float64]
    level: npt.NDArray[np.float64]


@njit(cache=True)
def move_chains(begin: int, end: int, stack: Stack, stores: Stores, water: Water, clock: Clock) -> int:
    """Go the best chain of the window again and again while that pays; return the number of chains."""
    search = Search(
        np.empty((LAYERS + 1, end - begin)),
        np.empty((LAYERS + 1, end - begin), np.int64),
        np.empty((LAYERS + 1, end - begin), np.int64),
    )
    enough = STOP_GAIN_CNY_PER_MWH * clock.step_h * np.abs(stack.net_mw[begin:end]).sum()
    tired = np.zeros(end - begin, np.bool_)
    for number in range(CHAINS_PER_STEP * (end - begin)):
        last = _label(begin, end, search, stack, stores, water, clock)
        gain, sink = _best_sink(begin, search.cost[last], stack, tired)
        if sink < 0:
            return number
        gained = gain * _follow(last, sink, begin, search, stack, stores, water, clock)
        tired[sink - begin] = gained < enough
    return CHAINS_PER_STEP * (end - begin)


@njit(cache=True)
def _best_sink(
    begin: int, cost: npt.NDArray[np.float64], stack: Stack, tired: npt.NDArray[np.bool_]
) -> tuple[float, int]:
    """Return the largest gain per MWh and the step where the chain ends (−1: no chain pays)."""
    best, sink = LEAST_GAIN_CNY_PER_MWH, -1
    for place in range(len(cost)):
        gain = stack.down_price[begin + place] - cost[place]
        if gain > best and not tired[place]:
            best, sink = gain, begin + place
    return best, sink


@njit(cache=True)
def _label(begin: int, end: int, search: Search, stack: Stack, stores: Stores, water: Water, clock: Clock) -> int:
    """Write the layers of labels until one changes nothing; return the last one written."""
    search.by[:] = OWN
    search.cost[0] = stack.up_price[begin:end]
    for layer in range(1, LAYERS + 1):
        search.cost[layer] = search.cost[layer - 1]
        _spread(layer, begin, end, search, stores, water, clock)
        if search.by[layer].max() == OWN:
            return layer
    return LAYERS


@njit(cache=True)
def _spread(layer: int, begin: int, end: int, search: Search, stores: Stores, water: Water, clock: Clock) -> None:
    """Offer to every step of a layer what each resource can bring from the layer before."""
    plants = len(water.flow_mw)
    for day in range(clock.day[begin], clock.day[end - 1] + 1):
        first = max(begin, clock.first_step[day])
        stop = min(end, clock.first_step[day + 1])
        for k in range(plants):
            _by_water(k, day, layer, (begin, first, stop), search, water)
        for k in range(len(stores.keep)):
            if stores.daily[k] and stores.high_mwh[k] > stores.low_mwh[k]:
                _by_store(k, plants + k, layer, (begin, first, stop), search, stores)
    for k in range(len(stores.keep)):
        if not stores.daily[k]:
            _by_store(k, plants + k, layer, (begin, begin, end), search, stores)


@njit(cache=True)
def _offer(layer: int, place: int, cost: float, by: int, source: int, search: Search) -> None:
    """Keep a way to a step if it is the cheapest so far."""
    if cost < search.cost[layer, place] - 1e-9:
        search.cost[layer, place] = cost
        search.by[layer, place] = by
        search.source[layer, place] = source


@njit(cache=True)
def _by_water(k: int, day: int, layer: int, reach: tuple[int, int, int], search: Search, water: Water) -> None:
    """Offer energy that plant ``k`` brings from the cheapest step of the day, or from its spare water."""
    origin, first, stop = reach
    cheap, source = np.inf, OWN
    if water.spare_mwh[k, day] > SMALL:
        cheap, source = -water.spill_price, SPARE
    for step in range(first, stop):
        if water.flow_mw[k, step] > SMALL and search.cost[layer - 1, step - origin] < cheap:
            cheap, source = search.cost[layer - 1, step - origin], step
    for step in range(first, stop):
        if water.flow_mw[k, step] < water.most_mw[k, day] - SMALL:
            _offer(layer, step - origin, cheap, k, source, search)


@njit(cache=True)
def _by_store(k: int, by: int, layer: int, reach: tuple[int, int, int], search: Search, stores: Stores) -> None:
    """Offer energy that store ``k`` carries forward from earlier filling, or draws now and fills up later."""
    origin, first, stop = reach
    keep = stores.keep[k]
    carried, source = np.inf, OWN
    for step in range(first, stop):
        _offer(layer, step - origin, _drawn(k, step, carried, stores), by, source, search)
        now = _filled(k, step, search.cost[layer - 1, step - origin], stores)
        if now < carried:
            carried, source = now, step
        carried = carried / keep if stores.high_mwh[k] - stores.level_mwh[k, step] > SMALL else np.inf
    carried, source = np.inf, OWN
    if not stores.daily[k]:
        carried, source = 0.0, KEPT
    for step in range(stop - 1, first - 1, -1):
        if stores.level_mwh[k, step] - stores.low_mwh[k] <= SMALL:
            carried = np.inf
        carried *= keep
        _offer(layer, step - origin, _drawn(k, step, carried, stores), by, source, search)
        now = _filled(k, step, search.cost[layer - 1, step - origin], stores)
        if now < carried:
            carried, source = now, step


@njit(cache=True)
def _filled(k: int, step: int, cost: float, stores: Stores) -> float:
    """Cost of a stored MWh when energy costs ``cost`` in this step."""
    if stores.discharge_mw[k, step] > 0.0:
        return float(stores.discharge_efficiency[k] * (cost - stores.price[k]))
    if stores.power_mw[k, step] - stores.charge_mw[k, step] > SMALL:
        return float((cost + stores.price[k]) / stores.charge_efficiency[k])
    return np.inf


@njit(cache=True)
def _drawn(k: int, step: int, stored: float, stores: Stores) -> float:
    """Cost of a MWh in this step when a stored MWh costs ``stored``."""
    if stores.charge_mw[k, step] > 0.0:
        return float(stored * stores.charge_efficiency[k] - stores.price[k])
    if stores.power_mw[k, step] - stores.discharge_mw[k, step] > SMALL:
        return float(stored / stores.discharge_efficiency[k] + stores.price[k])
    return np.inf


@njit(cache=True)
def _follow(
    layer: int,
    sink: int,
    begin: int,
    search: Search,
    stack: Stack,
    stores: Stores,
    water: Water,
    clock: Clock,
) -> float:
    """Go the chain that ends in ``sink`` with label ``layer`` as far as it bears; return the MWh delivered."""
    hops = np.empty((LAYERS, 3), np.int64)
    count, start = _trace(layer, sink, begin, search, hops)
    reach = (begin, begin + search.cost.shape[1])
    most, taken = _bears(hops[:count], reach, stores, water, clock)
    most = min(most, stack.down_room_mw[sink])
    if start >= 0:
        most = min(most, stack.up_room_mw[start] / taken)
    if most <= SMALL:
        return 0.0
    passed = most
    for hop in range(count):
        passed *= _apply(hops[hop], passed, reach[1], stack, stores, water, clock)
    return float(most * clock.step_h)


@njit(cache=True)
def _trace(last: int, sink: int, begin: int, search: Search, hops: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Write (resource, from, to) of every hop, last hop first; return their number and the first step, or −1."""
    count, step = 0, sink
    for layer in range(last, 0, -1):
        by = search.by[layer, step - begin]
        if by >= 0:
            source = search.source[layer, step - begin]
            hops[count, 0], hops[count, 1], hops[count, 2] = by, source, step
            count += 1
            if source < 0:
                return count, OWN
            step = source
    return count, step


@njit(cache=True)
def _bears(
    hops: npt.NDArray[np.int64], reach: tuple[int, int], stores: Stores, water: Water, clock: Clock
) -> tuple[float, float]:
    """Return the most MW that a chain can deliver, and the MW it takes at its start for each of them.

    Hops may share a resource, so first all changes per MW delivered are added up, then each is held to its room.
    """
    begin, end = reach
    plants, steps = len(water.flow_mw), end - begin
    use = Use(
        np.zeros((plants, steps)),
        np.zeros(plants),
        np.zeros((len(stores.keep), steps)),
        np.zeros((len(stores.keep), steps)),
        np.zeros((len(stores.keep), steps)),
    )
    taken = 1.0
    for by, source, step in hops:
        if by >= plants:
            taken = _use_store(by - plants, (source, step, begin), taken, use, stores)
        elif source == SPARE:
            use.flow[by, step - begin] += taken
            use.spare[by] += taken * clock.step_h / water.spare_mwh[by, clock.day[step]]
            taken = 0.0
        else:
            use.flow[by, step - begin] += taken
            use.flow[by, source - begin] -= taken
    return min(_bound_by_water(begin, use, water, clock), _bound_by_stores(begin, use, stores, clock)), taken


@njit(cache=True)
def _use_store(k: int, path: tuple[int, int, int], taken: float, use: Use, stores: Stores) -> float:
    """Add what one hop uses of a store when it delivers ``taken`` MW; return the MW it takes at its source."""
    source, step, begin = path
    if stores.charge_mw[k, step] > 0.0:
        rate = taken * stores.charge_efficiency[k]
    else:
        rate = taken / stores.discharge_efficiency[k]
    use.draw[k, step - begin] += rate
    if 0 <= source < step:
        for t in range(step - 1, source - 1, -1):
            rate /= stores.keep[k]
            use.level[k, t - begin] += rate
    else:
        for t in range(step, source if source >= 0 else begin + use.level.shape[1]):
            use.level[k, t - begin] -= rate
            rate *= stores.keep[k]
    if source < 0:
        return 0.0
    use.fill[k, source - begin] += rate
    if stores.discharge_mw[k, source] > 0.0:
        return float(rate * stores.discharge_efficiency[k])
    return float(rate / stores.charge_efficiency[k])


@njit(cache=True)
def _bound_by_water(begin: int, use: Use, water: Water, clock: Clock) -> float:
    """Return the most MW that flows and spare water allow."""
    most = np.inf
    for k in range(len(use.spare)):
        if use.spare[k] > 0.0:
            most = min(most, 1.0 / use.spare[k])
        for place in range(use.flow.shape[1]):
            change, flow = use.flow[k, place], water.flow_mw[k, begin + place]
            if change > 0.0:
                most = min(most, (water.most_mw[k, clock.day[begin + place]] - flow) / change)
            elif change < 0.0:
                most = min(most, flow / -change)
    return most


@njit(cache=True)
def _bound_by_stores(begin: int, use: Use, stores: Stores, clock: Clock) -> float:
    """Return the most MW that powers and contents allow."""
    most = np.inf
    for k in range(len(use.level)):
        for place in range(use.level.shape[1]):
            step = begin + place
            change, level = use.level[k, place] * clock.step_h, stores.level_mwh[k, step]
            charge, discharge = stores.charge_mw[k, step], stores.discharge_mw[k, step]
            if change > 0.0:
                most = min(most, (stores.high_mwh[k] - level) / change)
            elif change < 0.0:
                most = min(most, (level - stores.low_mwh[k]) / -change)
            if use.fill[k, place] > 0.0:
                room = discharge / stores.discharge_efficiency[k]
                if discharge == 0.0:
                    room = (stores.power_mw[k, step] - charge) * stores.charge_efficiency[k]
                most = min(most, room / use.fill[k, place])
            if use.draw[k, place] > 0.0:
                room = charge * stores.charge_efficiency[k]
                if charge == 0.0:
                    room = (stores.power_mw[k, step] - discharge) / stores.discharge_efficiency[k]
                most = min(most, room / use.draw[k, place])
    return most


@njit(cache=True)
def _apply(
    hop: npt.NDArray[np.int64],
    amount: float,
    end: int,
    stack: Stack,
    stores: Stores,
    water: Water,
    clock: Clock,
) -> float:
    """Deliver ``amount`` MW by one hop; return the MW it took at its source for each MW delivered."""
    by, source, step = hop
    plants = len(water.flow_mw)
    if by >= plants:
        return _apply_store(by - plants, (source, step, end), amount, stack, stores, clock.step_h)
    water.flow_mw[by, step] += amount
    shift_net(step, -amount, stack)
    if source == SPARE:
        water.spare_mwh[by, clock.day[step]] -= amount * clock.step_h
        return 0.0
    water.flow_mw[by, source] -= amount
    shift_net(source, amount, stack)
    return 1.0


@njit(cache=True)
def _apply_store(
    k: int, path: tuple[int, int, int], amount: float, stack: Stack, stores: Stores, step_h: float
) -> float:
    """Do the same by a store, and move its content along the path."""
    source, step, end = path
    if stores.charge_mw[k, step] > 0.0:
        rate = amount * stores.charge_efficiency[k]
    else:
        rate = amount / stores.discharge_efficiency[k]
    take_out(k, step, rate, stack, stores)
    kept = 1.0
    if 0 <= source < step:
        for t in range(step - 1, source - 1, -1):
            kept *= stores.keep[k]
            stores.level_mwh[k, t] += rate / kept * step_h
        rate /= kept
    else:
        for t in range(step, source if source >= 0 else end):
            stores.level_mwh[k, t] -= rate * kept * step_h
            kept *= stores.keep[k]
        rate *= kept
    if source < 0:
        return 0.0
    before = stack.net_mw[source]
    put_in(k, source, rate, stack, stores)
    return float((stack.net_mw[source] - before) / amount)
