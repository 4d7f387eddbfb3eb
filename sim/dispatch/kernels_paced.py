"""Coal that changes too fast → the same sums with other shares among the plants; compiled by numba.

Steps are walked one by one, forwards or backwards. Where a plant changes faster than it can against the step just
held, all plants are first brought within what can follow on (or come before) that step; then the cheapest blocks
with room give what is missing, or the dearest give up what is too much.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.dispatch.kernels_state import entry, kernel

DUST_MW = 1e-6
"""Changes too fast by less than this are rounding."""

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


class Room(NamedTuple):
    """Given: least and most of every plant, most rise and fall to a step from the one before [steps, plants], MW.

    Blocks of equal cost, the cheapest first: whose [blocks], from and to which power [steps, blocks].
    Written: bounds and power of the plants in one step [plants].
    """

    least: _Floats
    most: _Floats
    rise: _Floats
    fall: _Floats
    plant: _Ints
    begin: _Floats
    end: _Floats
    low: _Floats
    high: _Floats
    share: _Floats


@entry
def hold(given: _Floats, room: Room, direction: int) -> None:
    """Hold ``given`` [steps, plants] to its ramps, forwards (1) or backwards (−1), where other shares can do it."""
    steps, changed = len(given), False
    for number in range(1, steps):
        step = number if direction > 0 else steps - 1 - number
        near = step - direction
        if changed or _too_fast(max(step, near), given, room):
            changed = _bound(step, near, given, room) and _shared(step, given, room)


@kernel
def _too_fast(step: int, given: _Floats, room: Room) -> bool:
    """Whether any plant changes too fast from the step before."""
    found = False
    for plant in range(given.shape[1]):
        change = given[step, plant] - given[step - 1, plant]
        found = found or max(change - room.rise[step, plant], -change - room.fall[step, plant]) > DUST_MW
    return found


@kernel
def _bound(step: int, near: int, given: _Floats, room: Room) -> bool:
    """Write the bounds of a step that go with the power of a step beside it; False: the sum is not within them."""
    link, low_sum, high_sum, wanted = max(step, near), 0.0, 0.0, 0.0
    for plant in range(given.shape[1]):
        rise, fall = room.rise[link, plant], room.fall[link, plant]
        less, more = (fall, rise) if near < step else (rise, fall)
        room.low[plant] = max(room.least[step, plant], given[near, plant] - less)
        room.high[plant] = min(room.most[step, plant], given[near, plant] + more)
        if room.low[plant] > room.high[plant] + DUST_MW:
            return False
        low_sum += room.low[plant]
        high_sum += room.high[plant]
        wanted += given[step, plant]
    return low_sum - DUST_MW <= wanted <= high_sum + DUST_MW


@kernel
def _shared(step: int, given: _Floats, room: Room) -> bool:
    """Share the sum of a step within the bounds; return whether that changed anything."""
    missing = 0.0
    for plant in range(given.shape[1]):
        room.share[plant] = min(max(given[step, plant], room.low[plant]), room.high[plant])
        missing += given[step, plant] - room.share[plant]
    blocks, lacks = len(room.plant), missing > 0.0
    for number in range(blocks):
        block = number if lacks else blocks - 1 - number
        plant = room.plant[block]
        if lacks:
            end = min(room.end[step, block], room.high[plant])
            change = min(missing, max(end - room.share[plant], 0.0))
        else:
            end = max(room.begin[step, block], room.low[plant])
            change = max(missing, min(end - room.share[plant], 0.0))
        room.share[plant] += change
        missing -= change
    changed = False
    for plant in range(given.shape[1]):
        changed = changed or abs(room.share[plant] - given[step, plant]) > DUST_MW
        given[step, plant] = room.share[plant]
    return changed
