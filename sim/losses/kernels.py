"""Plants that could give other shares → the shares that cost least with the losses they cause; compiled by numba.

A walk over one day changes two things, as long as that pays: in a step, coal of one plant for coal of another;
between two steps, water of a hydro plant, with coal stepping in for it in one and back for it in the other. Each
time the best exchange is made, up to where a plant meets its limit or knee, or where losses, which grow with the
square of the power, have eaten the gain. The problem is convex, so every exchange lowers the cost; this is how
large quadratic programmes with one equation are solved elsewhere (Fan, Chen & Lin 2005, J. Machine Learning
Research 6: sequential minimal optimisation).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

LEAST_GAIN_CNY_PER_MWH = 0.01
"""An exchange must gain at least this much."""

EXCHANGES_PER_STEP = 500
"""Exchanges in a day, per step: more are never needed, and a walk must end."""

DUST_MW = 1e-6
"""Room below this counts as none."""

LEAN: Any = {"cache": True, "nogil": True, "_nrt": False}
"""Nothing is allocated here: without memory of its own (nrt), numba counts no references to arrays passed on."""

UNWRAPPED: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_Function = TypeVar("_Function", bound=Callable[..., object])
_Floats = npt.NDArray[np.float64]


def kernel(function: _Function) -> _Function:
    """Compile a lean function that only kernels call: without wrappers for Python and C, in half the time."""
    compiled: _Function = njit(**LEAN, **UNWRAPPED)(function)
    return compiled


def entry(function: _Function) -> _Function:
    """Compile a lean function that Python calls."""
    compiled: _Function = njit(**LEAN)(function)
    return compiled


class Plants(NamedTuple):
    """Coal, then hydro: limits and knee [steps × plants], MW; what coal costs more above its knee [coal], CNY/MWh.

    ``bend`` [plants × plants] is the change of a loss factor per MW, ``worth`` [steps] the value of a MWh of loss.
    Written: power given, and its marginal cost below the knee, losses included [steps × plants].
    """

    least: _Floats
    knee: _Floats
    most: _Floats
    above: _Floats
    bend: _Floats
    worth: _Floats
    given: _Floats
    cost: _Floats


@entry
def exchange(begin: int, end: int, plants: Plants) -> None:
    """Exchange within a day of steps ``begin … end − 1`` until nothing pays."""
    coal = len(plants.above)
    for _ in range(EXCHANGES_PER_STEP * (end - begin)):
        gain = 0.0
        for step in range(begin, end):
            gain = max(gain, _swap(step, plants))
        for hydro in range(coal, plants.given.shape[1]):
            gain = max(gain, _move_water(hydro, begin, end, plants))
        if gain <= LEAST_GAIN_CNY_PER_MWH:
            break


@kernel
def _swap(step: int, plants: Plants) -> float:
    """Let the cheapest coal of a step replace the dearest once; return the gain per MWh before it."""
    more, less = _cheapest(step, plants), _dearest(step, plants)
    if more < 0 or less < 0:
        return 0.0
    gain = _fall_price(step, less, plants) - _rise_price(step, more, plants)
    if gain > LEAST_GAIN_CNY_PER_MWH:
        room = min(_rise_mw(step, more, plants), _fall_mw(step, less, plants))
        _give(step, more, less, _amount(gain, plants.worth[step] * _bend(more, less, plants), room), plants)
    return gain


@kernel
def _move_water(hydro: int, begin: int, end: int, plants: Plants) -> float:
    """Move water of a plant between the two steps of a day where that pays most; return the gain per MWh."""
    dry, wet, cheap, dear = -1, -1, np.inf, -np.inf
    for step in range(begin, end):
        own = plants.cost[step, hydro]
        more, less = _cheapest(step, plants), _dearest(step, plants)
        if more >= 0 and _fall_mw(step, hydro, plants) > DUST_MW and _rise_price(step, more, plants) - own < cheap:
            dry, cheap = step, _rise_price(step, more, plants) - own
        if less >= 0 and _rise_mw(step, hydro, plants) > DUST_MW and _fall_price(step, less, plants) - own > dear:
            wet, dear = step, _fall_price(step, less, plants) - own
    if dry < 0 or wet < 0 or dry == wet or dear - cheap <= LEAST_GAIN_CNY_PER_MWH:
        return 0.0
    more, less = _cheapest(dry, plants), _dearest(wet, plants)
    bend = plants.worth[dry] * _bend(more, hydro, plants) + plants.worth[wet] * _bend(hydro, less, plants)
    room = min(_rise_mw(dry, more, plants), _fall_mw(dry, hydro, plants))
    room = min(room, _rise_mw(wet, hydro, plants), _fall_mw(wet, less, plants))
    amount = _amount(dear - cheap, bend, room)
    _give(dry, more, hydro, amount, plants)
    _give(wet, hydro, less, amount, plants)
    return float(dear - cheap)


@kernel
def _give(step: int, more: int, less: int, amount: float, plants: Plants) -> None:
    """Let one plant give more and another less, and price all plants of the step anew."""
    plants.given[step, more] += amount
    plants.given[step, less] -= amount
    for plant in range(plants.given.shape[1]):
        change = plants.bend[plant, more] - plants.bend[plant, less]
        plants.cost[step, plant] += plants.worth[step] * amount * change


@kernel
def _amount(gain: float, bend: float, room: float) -> float:
    """Return how much to exchange: until the gain, which falls by ``bend`` per MW, is gone, or room ends."""
    return float(min(room, gain / bend)) if bend > 0.0 else float(room)


@kernel
def _bend(more: int, less: int, plants: Plants) -> float:
    """Return by how much the difference of two loss factors grows per MW exchanged."""
    bend = plants.bend
    return float(bend[more, more] + bend[less, less] - 2.0 * bend[more, less])


@kernel
def _cheapest(step: int, plants: Plants) -> int:
    """Return the coal plant whose next MWh costs least, −1 if none has room."""
    best, price = -1, np.inf
    for plant in range(len(plants.above)):
        if _rise_mw(step, plant, plants) > DUST_MW and _rise_price(step, plant, plants) < price:
            best, price = plant, _rise_price(step, plant, plants)
    return best


@kernel
def _dearest(step: int, plants: Plants) -> int:
    """Return the coal plant whose last MWh costs most, −1 if none can give less."""
    best, price = -1, -np.inf
    for plant in range(len(plants.above)):
        if _fall_mw(step, plant, plants) > DUST_MW and _fall_price(step, plant, plants) > price:
            best, price = plant, _fall_price(step, plant, plants)
    return best


@kernel
def _rise_mw(step: int, plant: int, plants: Plants) -> float:
    """Return how much more a plant can give at one price, MW."""
    below = plants.knee[step, plant] - plants.given[step, plant]
    return float(below if below > DUST_MW else plants.most[step, plant] - plants.given[step, plant])


@kernel
def _fall_mw(step: int, plant: int, plants: Plants) -> float:
    """Return how much less a plant can give at one price, MW."""
    above = plants.given[step, plant] - plants.knee[step, plant]
    return float(above if above > DUST_MW else plants.given[step, plant] - plants.least[step, plant])


@kernel
def _rise_price(step: int, plant: int, plants: Plants) -> float:
    """Return what one MWh more of a coal plant costs, losses included, CNY/MWh."""
    over = plants.knee[step, plant] - plants.given[step, plant] <= DUST_MW
    return float(plants.cost[step, plant] + (plants.above[plant] if over else 0.0))


@kernel
def _fall_price(step: int, plant: int, plants: Plants) -> float:
    """Return what one MWh less of a coal plant saves, losses included, CNY/MWh."""
    over = plants.given[step, plant] - plants.knee[step, plant] > DUST_MW
    return float(plants.cost[step, plant] + (plants.above[plant] if over else 0.0))
