"""Chains of moves over several resources: the way out where no single one can gain any more; compiled by numba.

``cost[0, t]`` is what one more MWh costs in step t from its own stack. One layer further, it may come from another
step through one resource: released there less and here more, or stored there and drawn here (or drawn here and
stored again later). Layer l allows l such hops:

    cost[l, t] = min(cost[l − 1, t], min over resources r and steps s of (cost[l − 1, s] carried from s to t by r))

This is Bellman's recursion for shortest paths with gains (Ahuja, Magnanti, Orlin 1993, Network Flows, ch. 15) cut
off at ``LAYERS`` hops. Where the last layer is below what the step's own stack saves for one MWh less, the chain is
worth going: the steps in between only pass energy on, so their stacks, and their kinks, play no role.

A step behind wires that bind does not pass energy on: a MWh there is worth something else to every resource. It can
only begin or end a chain, at the price of the resource that goes there. Labels of such steps are therefore net of
what the step saves, and it may be both ends of one chain (one storage for another now, the reverse later).
"""

from __future__ import annotations

import numpy as np

from sim.dispatch.kernels_bears import SPARE, bears
from sim.dispatch.kernels_moves import (
    LEAST_GAIN_CNY_PER_MWH,
    put_in,
    returned_price,
    spare_price,
    take_out,
)
from sim.dispatch.kernels_network import freshen
from sim.dispatch.kernels_state import (
    LAYERS,
    SMALL,
    Clock,
    Network,
    Search,
    Stack,
    Stores,
    Water,
    kernel,
    served_mw,
    shift_net,
)

CHAINS_PER_STEP = 4
STOP_GAIN_CNY_PER_MWH = 1e-5
"""A chain must gain this much per MWh that the window has to serve, or its end is not tried again."""

OWN, KEPT = -1, -3
"""Sources that are not another step: the step's own stack, content never replaced; see also ``SPARE``.

A chain ends in the stack of its last step (``OWN``), or in what a plant gives less there (``SPARE``).
"""

# Where labels spread, much of the time of a year is spent. There places are unsigned (``uintp``), so that numba
# does not ask at every access whether an index counts from the end; so, too, where moves are looked for.


@kernel
def move_chains(
    begin: int,
    end: int,
    search: Search,
    network: Network,
    stack: Stack,
    stores: Stores,
    water: Water,
    clock: Clock,
) -> int:
    """Go the best chain of the window again and again while that pays; return the number of chains."""
    enough = STOP_GAIN_CNY_PER_MWH * clock.step_h * served_mw(begin, end, stack)
    for place in range(end - begin):
        search.tired[place] = False
    for number in range(CHAINS_PER_STEP * (end - begin)):
        for resource in range(len(stack.line)):
            freshen(resource, begin, end, stack, network)
        last = _label(begin, end, search, stack, stores, water, clock)
        gain, sink = _best_sink(begin, end, last, search, stack)
        returned, at, by = _best_return(begin, end, last, search, stack, water, clock)
        if returned > gain:
            gain, sink = returned, at
        else:
            by = OWN
        if sink < 0:
            return number
        gained = gain * _follow((last, sink, by), (begin, end), search, stack, stores, water, clock)
        search.tired[sink - begin] = gained < enough
    return CHAINS_PER_STEP * (end - begin)


@kernel
def _best_sink(begin: int, end: int, layer: int, search: Search, stack: Stack) -> tuple[float, int]:
    """Return the largest gain per MWh and the step where the chain ends (−1: no chain pays)."""
    best, sink = LEAST_GAIN_CNY_PER_MWH, -1
    for place in range(end - begin):
        here = np.uintp(begin + place)
        saved = 0.0 if stack.seen[here] else stack.down_price[0, here]
        gain = saved - search.cost[np.uintp(layer), place]
        if gain > best and not search.tired[place]:
            best, sink = gain, begin + place
    return best, sink


@kernel
def _best_return(
    begin: int, end: int, layer: int, search: Search, stack: Stack, water: Water, clock: Clock
) -> tuple[float, int, int]:
    """Return the same where a plant gives less in the last step, out of an energy that is dear to give."""
    best, sink, by = LEAST_GAIN_CNY_PER_MWH, -1, OWN
    for k in range(len(water.flow_mw)):
        if water.spill_price[k] > 0.0 and water.short_price[k] == np.inf:
            continue
        for place in range(end - begin):
            step = begin + place
            gain = returned_price(k, clock.day[step], water) - search.cost[layer, place]
            usable = water.flow_mw[k, step] > SMALL and not stack.seen[step] and not search.tired[place]
            if usable and gain > best:
                best, sink, by = gain, step, k
    return best, sink, by


@kernel
def _label(begin: int, end: int, search: Search, stack: Stack, stores: Stores, water: Water, clock: Clock) -> int:
    """Write the layers of labels until one changes nothing; return the last one written."""
    for step in range(begin, end):
        here = np.uintp(step)
        search.cost[0, np.uintp(step - begin)] = np.inf if stack.seen[here] else stack.up_price[0, here]
    for k in range(len(stores.keep)):
        _prices_of_store(k, begin, end, search, stores)
    for layer in range(1, LAYERS + 1):
        row, before = np.uintp(layer), np.uintp(layer - 1)
        for place in range(end - begin):
            search.cost[row, place] = search.cost[before, place]
            search.by[row, place] = OWN
        _spread(layer, begin, end, search, stack, stores, water, clock)
        changed = False
        for place in range(end - begin):
            changed = changed or search.by[layer, place] != OWN
        if not changed:
            return layer
    return LAYERS


@kernel
def _spread(
    layer: int,
    begin: int,
    end: int,
    search: Search,
    stack: Stack,
    stores: Stores,
    water: Water,
    clock: Clock,
) -> None:
    """Offer to every step of a layer what each resource can bring from the layer before."""
    plants = len(water.flow_mw)
    for day in range(clock.day[begin], clock.day[end - 1] + 1):
        first = max(begin, clock.first_step[day])
        stop = min(end, clock.first_step[day + 1])
        new = _new_among(layer, first, stop, begin, search)
        if new[0] == stop:
            continue
        for k in range(plants):
            _by_water(k, day, layer, (begin, first, stop), search, stack, water)
        for k in range(len(stores.keep)):
            if stores.daily[k]:
                _by_store(k, layer, new, (begin, first, stop), search, stack, stores)
    for k in range(plants):
        if water.pool_mwh[k] < np.inf:
            _by_pool(k, layer, (begin, end), search, stack, water, clock)
    new = _new_among(layer, begin, end, begin, search)
    for k in range(len(stores.keep)):
        if not stores.daily[k]:
            _by_store(k, layer, new, (begin, begin, end), search, stack, stores)


@kernel
def _offer(layer: int, step: int, cost: float, way: tuple[int, int, int], search: Search, stack: Stack) -> None:
    """Keep a way (by, source, first step of the window) to a step if it is the cheapest so far."""
    by, source, begin = way
    row, place, here = np.uintp(layer), np.uintp(step - begin), np.uintp(step)
    if stack.seen[here]:
        cost -= stack.down_price[stack.line[by], here]
    if cost < search.cost[row, place] - 1e-9:
        search.cost[row, place] = cost
        search.by[row, place] = by
        search.source[row, place] = source


@kernel
def _is_new(layer: int, place: int, search: Search) -> bool:
    """Whether the layer before has a new label in a step: what old ones can bring, it has offered already."""
    return bool(layer == 1 or search.by[np.uintp(layer - 1), np.uintp(place)] != OWN)


@kernel
def _new_among(layer: int, first: int, stop: int, begin: int, search: Search) -> tuple[int, int]:
    """Return the first and the last step with a new label in the layer before; none: ``stop``, ``first − 1``."""
    least, most = first, stop - 1
    while least < stop and not _is_new(layer, least - begin, search):
        least += 1
    while most > least and not _is_new(layer, most - begin, search):
        most -= 1
    return least, most if least < stop else first - 1


@kernel
def _taken(layer: int, step: int, by: int, begin: int, search: Search, stack: Stack) -> float:
    """Return what a MWh costs that a resource takes from a step, when the step has it from the layer before."""
    here = np.uintp(step)
    if stack.seen[here]:
        return float(stack.up_price[stack.line[by], here])
    return float(search.cost[np.uintp(layer - 1), np.uintp(step - begin)])


@kernel
def _by_water(
    k: int, day: int, layer: int, reach: tuple[int, int, int], search: Search, stack: Stack, water: Water
) -> None:
    """Offer energy that plant ``k`` brings from the cheapest step of the day, or from its spare water."""
    begin, first, stop = reach
    cheap, source = spare_price(k, day, water) if layer == 1 else np.inf, SPARE
    plant = np.uintp(k)
    for step in range(first, stop):
        if water.flow_mw[plant, np.uintp(step)] > SMALL and _is_new(layer, step - begin, search):
            cost = _taken(layer, step, k, begin, search, stack)
            if cost < cheap:
                cheap, source = cost, step
    if cheap == np.inf:
        return
    for step in range(first, stop):
        here = np.uintp(step)
        if water.flow_mw[plant, here] < water.most_mw[plant, here] - SMALL and step != source:
            _offer(layer, step, cheap, (k, source, begin), search, stack)


@kernel
def _by_pool(
    k: int, layer: int, reach: tuple[int, int], search: Search, stack: Stack, water: Water, clock: Clock
) -> None:
    """Offer energy that a plant with an energy of the year gives less on one day and more on another with spare."""
    cheap, source, (begin, end) = np.inf, OWN, reach
    for step in range(begin, end):
        if water.flow_mw[k, step] > SMALL:
            cost = _taken(layer, step, k, begin, search, stack)
            if cost < cheap:
                cheap, source = cost, step
    for step in range(begin, end):
        room = min(water.most_mw[k, step] - water.flow_mw[k, step], water.spare_mwh[k, clock.day[step]])
        if source >= 0 and clock.day[step] != clock.day[source] and room > SMALL:
            _offer(layer, step, cheap, (k, source, begin), search, stack)


@kernel
def _prices_of_store(k: int, begin: int, end: int, search: Search, stores: Stores) -> None:
    """Write what a stored MWh costs in each step when energy costs x, by · x + add, and the same the other way.

    Filling is discharging less, or else charging more; drawing is charging less, or else discharging more.
    """
    store = np.uintp(k)
    charges, discharges = stores.charge_efficiency[k], stores.discharge_efficiency[k]
    for step in range(begin, end):
        place, here = np.uintp(step - begin), np.uintp(step)
        # Cost without end where there is no room.
        search.fill_by[store, place] = search.draw_by[store, place] = 1.0
        search.fill_add[store, place] = search.draw_add[store, place] = np.inf
        if stores.discharge_mw[store, here] > 0.0:
            search.fill_by[store, place] = discharges
            search.fill_add[store, place] = -discharges * stores.discharge_price[k]
        elif stores.most_charge_mw[store, here] - stores.charge_mw[store, here] > SMALL:
            search.fill_by[store, place] = 1.0 / charges
            search.fill_add[store, place] = stores.charge_price[k] / charges
        if stores.charge_mw[store, here] > 0.0:
            search.draw_by[store, place] = charges
            search.draw_add[store, place] = -stores.charge_price[k]
        elif stores.most_discharge_mw[store, here] - stores.discharge_mw[store, here] > SMALL:
            search.draw_by[store, place] = 1.0 / discharges
            search.draw_add[store, place] = stores.discharge_price[k]


@kernel
def _by_store(
    k: int,
    layer: int,
    new: tuple[int, int],
    reach: tuple[int, int, int],
    search: Search,
    stack: Stack,
    stores: Stores,
) -> None:
    """Offer energy that store ``k`` carries forward from earlier filling, or draws now and fills up later.

    Nothing comes from before the first ``new`` label, or from after the last one.
    """
    store, (begin, first, stop) = np.uintp(k), reach
    keep, by = stores.keep[k], stores.resource[k]
    longer, carried, source = 1.0 / keep, np.inf, OWN
    for step in range(new[0], stop):
        place, here = np.uintp(step - begin), np.uintp(step)
        if carried < np.inf:
            cost = carried * search.draw_by[store, place] + search.draw_add[store, place]
            _offer(layer, step, cost, (by, source, begin), search, stack)
        if _is_new(layer, step - begin, search):
            now = (
                _taken(layer, step, by, begin, search, stack) * search.fill_by[store, place]
                + search.fill_add[store, place]
            )
            if now < carried:
                carried, source = now, step
        carried = (
            carried * longer if stores.high_mwh[store, here] - stores.level_mwh[store, here] > SMALL else np.inf
        )
    carried, source = np.inf, OWN
    if layer == 1 and not stores.daily[k]:
        carried, source = stores.end_value[k], KEPT
    for step in range(new[1], first - 1, -1):
        place, here = np.uintp(step - begin), np.uintp(step)
        if stores.level_mwh[store, here] - stores.low_mwh[store, here] <= SMALL:
            carried = np.inf
        carried *= keep
        if carried < np.inf:
            cost = carried * search.draw_by[store, place] + search.draw_add[store, place]
            _offer(layer, step, cost, (by, source, begin), search, stack)
        if _is_new(layer, step - begin, search):
            now = (
                _taken(layer, step, by, begin, search, stack) * search.fill_by[store, place]
                + search.fill_add[store, place]
            )
            if now < carried:
                carried, source = now, step


@kernel
def _follow(
    goal: tuple[int, int, int],
    reach: tuple[int, int],
    search: Search,
    stack: Stack,
    stores: Stores,
    water: Water,
    clock: Clock,
) -> float:
    """Go the chain to a goal (label, step, plant or ``OWN``) as far as it bears; return the MWh delivered."""
    hops, sink = search.hops, goal[1]
    count, start = _trace(goal, reach[0], search, stack)
    most, taken = bears(count, reach, search, stores, water, clock)
    lines = stack.line[hops[0, 0]], stack.line[hops[count - 1, 0]]
    # Prices of both ends hold together for half of the rooms that they hold for one by one: costs are convex.
    part = 0.5 if start == sink else 1.0
    if goal[2] == OWN:
        most = min(most, part * stack.down_room_mw[lines[0], sink])
    if start >= 0:
        most = min(most, part * stack.up_room_mw[lines[1], start] / taken)
    if most <= SMALL:
        return 0.0
    passed = most
    for hop in range(count):
        passed *= _apply((hops[hop, 0], hops[hop, 1], hops[hop, 2]), passed, reach[1], stack, stores, water, clock)
    return float(most * clock.step_h)


@kernel
def _trace(goal: tuple[int, int, int], begin: int, search: Search, stack: Stack) -> tuple[int, int]:
    """Write (resource, from, to) of every hop, last hop first; return their number and the first step, or −1."""
    count, (last, step, plant) = 0, goal
    if plant != OWN:
        search.hops[0, 0], search.hops[0, 1], search.hops[0, 2] = plant, step, SPARE
        count = 1
    for layer in range(last, 0, -1):
        by = search.by[layer, step - begin]
        if by >= 0:
            source = search.source[layer, step - begin]
            search.hops[count, 0], search.hops[count, 1], search.hops[count, 2] = by, source, step
            count += 1
            if source < 0:
                return count, OWN
            step = source
            if stack.seen[step]:
                break
    return count, step


@kernel
def _apply(
    hop: tuple[int, int, int],
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
    _give(by, step, amount, source == SPARE, stack, water, clock)
    _give(by, source, -amount, step == SPARE, stack, water, clock)
    if source >= 0 and step >= 0 and clock.day[step] != clock.day[source]:
        water.spare_mwh[by, clock.day[step]] -= amount * clock.step_h
        water.spare_mwh[by, clock.day[source]] += amount * clock.step_h
    return 0.0 if source == SPARE else 1.0


@kernel
def _give(by: int, step: int, more: float, of_spare: bool, stack: Stack, water: Water, clock: Clock) -> None:
    """Let a plant give more in a step (none for ``SPARE``), and take it from what is spare of its day."""
    if step == SPARE:
        return
    water.flow_mw[by, step] += more
    shift_net(by, step, -more, stack)
    if of_spare:
        water.spare_mwh[by, clock.day[step]] -= more * clock.step_h
        water.pool_mwh[by] -= more * clock.step_h


@kernel
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
