"""Stores, hydro and the supply stack of every step → moves of energy between two steps; compiled by numba.

Each step has a *stack*: segments of supply in the order of their price, cumulated to ``top_mw``. How far the stack
is used is ``net_mw``, what is left to serve after stores and free hydro. One MW more costs ``up_price`` for the
next ``up_room_mw``, one MW less saves ``down_price`` for the next ``down_room_mw``.

A move takes one resource (a hydro plant within a day, or a store): find the pair of steps between which moving
energy pays most, move as much as holds the two prices (to the next breakpoint, power or content limit), price both
steps anew. The problem of one resource is convex and piecewise linear, so where no pair pays, it is solved. Behind
wires that bind the new prices are made elsewhere, so moves pause when such a step has changed.
"""

from __future__ import annotations

import numpy as np

from sim.dispatch.kernels_state import SMALL, Clock, Stack, Stores, Water, kernel, shift_net

LEAST_GAIN_CNY_PER_MWH = 0.01
"""A move must gain at least this much."""

MOVES_PER_STEP = 50


@kernel
def move_water(k: int, day: int, begin: int, end: int, stack: Stack, water: Water, step_h: float) -> float:
    """Move release of plant ``k`` between steps of a day, to and from spilling, while that pays; return CNY."""
    gained, line = 0.0, stack.line[k]
    for _ in range(MOVES_PER_STEP * (end - begin)):
        less, more = _best_flows(k, begin, end, stack, water)
        cheap = stack.up_price[line, less] if less >= 0 else np.inf
        dear = stack.down_price[line, more] if more >= 0 else -np.inf
        spill, use = returned_price(k, day, water) - cheap, dear - spare_price(k, day, water)
        gain = max(dear - cheap, spill, use)
        if gain <= LEAST_GAIN_CNY_PER_MWH:
            break
        if spill == gain:
            more = -1
        elif use == gain:
            less = -1
        gained += gain * step_h * _reroute(k, day, less, more, stack, water, step_h)
        if (less >= 0 and stack.seen[less]) or (more >= 0 and stack.seen[more]):
            break
    return gained


@kernel
def spare_price(k: int, day: int, water: Water) -> float:
    """Return what one more MWh given on a day costs that is not given less in another step."""
    if water.spare_mwh[k, day] > SMALL and water.pool_mwh[k] > SMALL:
        return float(-water.spill_price[k])
    return float(water.short_price[k])


@kernel
def spare_room(k: int, day: int, water: Water) -> float:
    """Return how many MWh can be had at that price."""
    if water.spare_mwh[k, day] > SMALL:
        return float(min(water.spare_mwh[k, day], water.pool_mwh[k]))
    return np.inf


@kernel
def returned_price(k: int, day: int, water: Water) -> float:
    """Return what one MWh less given on a day is worth that is not given more in another step."""
    return float(water.short_price[k] if water.spare_mwh[k, day] < -SMALL else -water.spill_price[k])


@kernel
def returned_room(k: int, day: int, water: Water) -> float:
    """Return how many MWh are worth that."""
    return float(-water.spare_mwh[k, day] if water.spare_mwh[k, day] < -SMALL else np.inf)


@kernel
def _best_flows(k: int, begin: int, end: int, stack: Stack, water: Water) -> tuple[int, int]:
    """Return the step where less release costs least and the step where more of it saves most (−1: none)."""
    less, more = -1, -1
    cheap, dear = np.inf, -np.inf
    plant, line = np.uintp(k), np.uintp(stack.line[k])
    for step in range(begin, end):
        here = np.uintp(step)
        flow = water.flow_mw[plant, here]
        if flow > SMALL and stack.up_price[line, here] < cheap:
            cheap, less = stack.up_price[line, here], step
        if flow < water.most_mw[plant, here] - SMALL and stack.down_price[line, here] > dear:
            dear, more = stack.down_price[line, here], step
    return less, more


@kernel
def _reroute(k: int, day: int, less: int, more: int, stack: Stack, water: Water, step_h: float) -> float:
    """Release less in one step and more in the other (−1: spill or spare); return the power moved, MW."""
    amount, line = np.inf, stack.line[k]
    if less >= 0:
        amount = min(amount, water.flow_mw[k, less], stack.up_room_mw[line, less])
    else:
        amount = min(amount, spare_room(k, day, water) / step_h)
    if more >= 0:
        amount = min(amount, water.most_mw[k, more] - water.flow_mw[k, more], stack.down_room_mw[line, more])
    else:
        amount = min(amount, returned_room(k, day, water) / step_h)
    if less >= 0:
        water.flow_mw[k, less] -= amount
        shift_net(k, less, amount, stack)
    else:
        water.spare_mwh[k, day] -= amount * step_h
        water.pool_mwh[k] -= amount * step_h
    if more >= 0:
        water.flow_mw[k, more] += amount
        shift_net(k, more, -amount, stack)
    else:
        water.spare_mwh[k, day] += amount * step_h
        water.pool_mwh[k] += amount * step_h
    return float(amount)


@kernel
def move_pool(k: int, begin: int, end: int, stack: Stack, water: Water, clock: Clock) -> float:
    """Give less on one day and more on another that has spare, while that pays; return the gain, CNY."""
    gained, line = 0.0, stack.line[k]
    for _ in range(MOVES_PER_STEP * (end - begin)):
        less, more = _best_days(k, begin, end, stack, water, clock)
        if less < 0 or more < 0:
            break
        gain = stack.down_price[line, more] - stack.up_price[line, less]
        if gain <= LEAST_GAIN_CNY_PER_MWH:
            break
        amount = min(water.flow_mw[k, less], stack.up_room_mw[line, less], stack.down_room_mw[line, more])
        amount = min(amount, water.most_mw[k, more] - water.flow_mw[k, more])
        amount = min(amount, water.spare_mwh[k, clock.day[more]] / clock.step_h)
        for step, change in ((less, -amount), (more, amount)):
            water.flow_mw[k, step] += change
            water.spare_mwh[k, clock.day[step]] -= change * clock.step_h
            shift_net(k, step, -change, stack)
        gained += gain * clock.step_h * amount
        if stack.seen[less] or stack.seen[more]:
            break
    return gained


@kernel
def _best_days(k: int, begin: int, end: int, stack: Stack, water: Water, clock: Clock) -> tuple[int, int]:
    """Return the step where less costs least, and the step where more saves most on a day that has spare."""
    less, more = -1, -1
    cheap, dear = np.inf, -np.inf
    line = stack.line[k]
    for step in range(begin, end):
        flow = water.flow_mw[k, step]
        if flow > SMALL and stack.up_price[line, step] < cheap:
            cheap, less = stack.up_price[line, step], step
        room = min(water.most_mw[k, step] - flow, water.spare_mwh[k, clock.day[step]])
        if room > SMALL and stack.down_price[line, step] > dear:
            dear, more = stack.down_price[line, step], step
    return less, more


@kernel
def move_store(k: int, begin: int, end: int, stack: Stack, stores: Stores, step_h: float) -> float:
    """Move energy of store ``k`` between steps of ``begin … end − 1`` while that pays; return the gain, CNY."""
    gained = 0.0
    for _ in range(MOVES_PER_STEP * (end - begin)):
        gain, first, last, fills_first = _best_pair(k, begin, end, stack, stores)
        if first < 0:
            break
        gained += gain * _carry(k, (first, last, end), fills_first, stack, stores, step_h)
        if stack.seen[first] or (last < end and stack.seen[last]):
            break
    return gained


@kernel
def _best_pair(k: int, begin: int, end: int, stack: Stack, stores: Stores) -> tuple[float, int, int, bool]:
    """Return gain per stored MWh at the later step, the two steps, and whether the earlier one fills the store.

    One pass: the cheapest filling and the dearest drawing so far are carried along (per MWh that is still there,
    so divided by ``keep``), and forgotten where the store is full or empty. ``last = end`` means: never undone.
    """
    best, first, last, fills_first = LEAST_GAIN_CNY_PER_MWH, -1, -1, True
    fill, fill_at, draw, draw_at = np.inf, -1, -np.inf, -1
    store, keep = np.uintp(k), stores.keep[k]
    for step in range(begin, end):
        here = np.uintp(step)
        fill_now, draw_now = _fill_price(k, step, stack, stores), _draw_price(k, step, stack, stores)
        if draw_now - fill > best:
            best, first, last, fills_first = draw_now - fill, fill_at, step, True
        if draw - fill_now > best:
            best, first, last, fills_first = draw - fill_now, draw_at, step, False
        if fill_now < fill:
            fill, fill_at = fill_now, step
        if draw_now > draw:
            draw, draw_at = draw_now, step
        fill = fill / keep if stores.high_mwh[store, here] - stores.level_mwh[store, here] > SMALL else np.inf
        draw = draw / keep if stores.level_mwh[store, here] - stores.low_mwh[store, here] > SMALL else -np.inf
    if not stores.daily[k]:
        value = stores.end_value[k]
        if value - fill > best:
            best, first, last, fills_first = value - fill, fill_at, end, True
        if draw - value > best:
            best, first, last, fills_first = draw - value, draw_at, end, False
    return best, first, last, fills_first


@kernel
def _fill_price(k: int, step: int, stack: Stack, stores: Stores) -> float:
    """Cost of one more stored MWh: by discharging less, or else by charging more."""
    store, here, line = np.uintp(k), np.uintp(step), np.uintp(stack.line[stores.resource[k]])
    if stores.discharge_mw[store, here] > 0.0:
        return float(stores.discharge_efficiency[k] * (stack.up_price[line, here] - stores.discharge_price[k]))
    if stores.most_charge_mw[store, here] - stores.charge_mw[store, here] > SMALL:
        return float((stack.up_price[line, here] + stores.charge_price[k]) / stores.charge_efficiency[k])
    return np.inf


@kernel
def _draw_price(k: int, step: int, stack: Stack, stores: Stores) -> float:
    """Value of one less stored MWh: by charging less, or else by discharging more."""
    store, here, line = np.uintp(k), np.uintp(step), np.uintp(stack.line[stores.resource[k]])
    if stores.charge_mw[store, here] > 0.0:
        return float((stack.down_price[line, here] + stores.charge_price[k]) / stores.charge_efficiency[k])
    if stores.most_discharge_mw[store, here] - stores.discharge_mw[store, here] > SMALL:
        return float(stores.discharge_efficiency[k] * (stack.down_price[line, here] - stores.discharge_price[k]))
    return -np.inf


@kernel
def _carry(
    k: int,
    ends: tuple[int, int, int],
    fills_first: bool,
    stack: Stack,
    stores: Stores,
    step_h: float,
) -> float:
    """Move as much as price, power and content allow; return it in stored MWh at the later step."""
    first, last, stop = ends
    amount, kept = np.inf, 1.0
    for step in range(last - 1, first - 1, -1):
        kept *= stores.keep[k]
        level = stores.level_mwh[k, step]
        room = stores.high_mwh[k, step] - level if fills_first else level - stores.low_mwh[k, step]
        amount = min(amount, room * kept)
    if fills_first:
        amount = min(amount, _fill_most(k, first, stack, stores) * step_h * kept)
        if last < stop:
            amount = min(amount, _draw_most(k, last, stack, stores) * step_h)
        put_in(k, first, amount / kept / step_h, stack, stores)
        if last < stop:
            take_out(k, last, amount / step_h, stack, stores)
    else:
        amount = min(amount, _draw_most(k, first, stack, stores) * step_h * kept)
        if last < stop:
            amount = min(amount, _fill_most(k, last, stack, stores) * step_h)
        take_out(k, first, amount / kept / step_h, stack, stores)
        if last < stop:
            put_in(k, last, amount / step_h, stack, stores)
    change = amount if fills_first else -amount
    kept = 1.0
    for step in range(last - 1, first - 1, -1):
        kept *= stores.keep[k]
        stores.level_mwh[k, step] += change / kept
    return amount


@kernel
def _fill_most(k: int, step: int, stack: Stack, stores: Stores) -> float:
    """Most that filling can grow at its price, as change of content per hour."""
    line = stack.line[stores.resource[k]]
    if stores.discharge_mw[k, step] > 0.0:
        power = min(stores.discharge_mw[k, step], stack.up_room_mw[line, step])
        return float(power / stores.discharge_efficiency[k])
    power = min(stores.most_charge_mw[k, step] - stores.charge_mw[k, step], stack.up_room_mw[line, step])
    return float(power * stores.charge_efficiency[k])


@kernel
def _draw_most(k: int, step: int, stack: Stack, stores: Stores) -> float:
    """Most that drawing can grow at its price, as change of content per hour."""
    line = stack.line[stores.resource[k]]
    if stores.charge_mw[k, step] > 0.0:
        power = min(stores.charge_mw[k, step], stack.down_room_mw[line, step])
        return float(power * stores.charge_efficiency[k])
    power = min(stores.most_discharge_mw[k, step] - stores.discharge_mw[k, step], stack.down_room_mw[line, step])
    return float(power / stores.discharge_efficiency[k])


@kernel
def put_in(k: int, step: int, rate: float, stack: Stack, stores: Stores) -> None:
    """Raise the content by ``rate`` MWh per hour of this step."""
    if stores.discharge_mw[k, step] > 0.0:
        power = rate * stores.discharge_efficiency[k]
        stores.discharge_mw[k, step] = _less(stores.discharge_mw[k, step], power)
    else:
        power = rate / stores.charge_efficiency[k]
        stores.charge_mw[k, step] += power
    shift_net(stores.resource[k], step, power, stack)


@kernel
def take_out(k: int, step: int, rate: float, stack: Stack, stores: Stores) -> None:
    """Lower the content by ``rate`` MWh per hour of this step."""
    if stores.charge_mw[k, step] > 0.0:
        power = rate / stores.charge_efficiency[k]
        stores.charge_mw[k, step] = _less(stores.charge_mw[k, step], power)
    else:
        power = rate * stores.discharge_efficiency[k]
        stores.discharge_mw[k, step] += power
    shift_net(stores.resource[k], step, -power, stack)


@kernel
def _less(power: float, by: float) -> float:
    """Subtract, and let rounding dust be nothing: a store with dust left would block the other direction."""
    rest = power - by
    return rest if rest > 1e-2 * SMALL else 0.0
