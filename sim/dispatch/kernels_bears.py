"""How far a chain of moves bears: the most MW that it can deliver; compiled by numba.

Hops may share a resource, so all that a chain changes per MW delivered is added up first; then powers, flows, spare
energies and contents each say how much of it they have room for.
"""

from __future__ import annotations

import numpy as np

from sim.dispatch.kernels_moves import returned_room, spare_room
from sim.dispatch.kernels_state import Clock, Search, Stores, Water, kernel

SPARE = -2
"""A source or an end that is not another step: energy of the day that is spare, or is given less."""


@kernel
def bears(
    count: int, reach: tuple[int, int], search: Search, stores: Stores, water: Water, clock: Clock
) -> tuple[float, float]:
    """Return the most MW that a chain can deliver, and the MW it takes at its start for each of them.

    Hops may share a resource, so first all changes per MW delivered are added up, then each is held to its room.
    """
    begin, plants, hops = reach[0], len(water.flow_mw), search.hops
    _forget(reach[1] - begin, search)
    taken, most = 1.0, np.inf
    for hop in range(count):
        by, source, step = hops[hop, 0], hops[hop, 1], hops[hop, 2]
        if step == SPARE:
            search.flow[by, source - begin] -= taken
            most = returned_room(by, clock.day[source], water) / clock.step_h
        elif by >= plants:
            taken = _use_store(by - plants, (source, step), reach, taken, search, stores)
        elif source == SPARE:
            search.flow[by, step - begin] += taken
            search.spare[by] += taken * clock.step_h / spare_room(by, clock.day[step], water)
            taken = 0.0
        else:
            search.flow[by, step - begin] += taken
            search.flow[by, source - begin] -= taken
            if clock.day[step] != clock.day[source]:
                search.spare[by] += taken * clock.step_h / water.spare_mwh[by, clock.day[step]]
    most = min(most, _bound_by_water(reach, search, water))
    return min(most, _bound_by_stores(reach, search, stores, clock)), taken


@kernel
def _forget(steps: int, use: Search) -> None:
    """Set all that a chain uses to nothing."""
    for k in range(len(use.spare)):
        use.spare[k] = 0.0
        for place in range(steps):
            use.flow[k, place] = 0.0
    for k in range(len(use.level)):
        for place in range(steps):
            use.fill[k, place] = use.draw[k, place] = use.level[k, place] = 0.0


@kernel
def _use_store(
    k: int, path: tuple[int, int], reach: tuple[int, int], taken: float, use: Search, stores: Stores
) -> float:
    """Add what one hop uses of a store when it delivers ``taken`` MW; return the MW it takes at its source."""
    (source, step), (begin, end) = path, reach
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
        for t in range(step, source if source >= 0 else end):
            use.level[k, t - begin] -= rate
            rate *= stores.keep[k]
    if source < 0:
        return 0.0
    use.fill[k, source - begin] += rate
    if stores.discharge_mw[k, source] > 0.0:
        return float(rate * stores.discharge_efficiency[k])
    return float(rate / stores.charge_efficiency[k])


@kernel
def _bound_by_water(reach: tuple[int, int], use: Search, water: Water) -> float:
    """Return the most MW that flows and spare water allow."""
    most, (begin, end) = np.inf, reach
    for k in range(len(use.spare)):
        if use.spare[k] > 0.0:
            most = min(most, 1.0 / use.spare[k])
        for place in range(end - begin):
            here = np.uintp(begin + place)
            change, flow = use.flow[k, place], water.flow_mw[k, here]
            if change > 0.0:
                most = min(most, (water.most_mw[k, here] - flow) / change)
            elif change < 0.0:
                most = min(most, flow / -change)
    return most


@kernel
def _bound_by_stores(reach: tuple[int, int], use: Search, stores: Stores, clock: Clock) -> float:
    """Return the most MW that powers and contents allow."""
    most, (begin, end) = np.inf, reach
    for k in range(len(use.level)):
        for place in range(end - begin):
            step = np.uintp(begin + place)
            change, level = use.level[k, place] * clock.step_h, stores.level_mwh[k, step]
            charge, discharge = stores.charge_mw[k, step], stores.discharge_mw[k, step]
            if change > 0.0:
                most = min(most, (stores.high_mwh[k, step] - level) / change)
            elif change < 0.0:
                most = min(most, (level - stores.low_mwh[k, step]) / -change)
            if use.fill[k, place] > 0.0:
                room = discharge / stores.discharge_efficiency[k]
                if discharge == 0.0:
                    room = (stores.most_charge_mw[k, step] - charge) * stores.charge_efficiency[k]
                most = min(most, room / use.fill[k, place])
            if use.draw[k, place] > 0.0:
                room = charge * stores.charge_efficiency[k]
                if charge == 0.0:
                    room = (stores.most_discharge_mw[k, step] - discharge) / stores.discharge_efficiency[k]
                most = min(most, room / use.draw[k, place])
    return most
