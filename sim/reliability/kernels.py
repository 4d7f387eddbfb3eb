"""Outages and the walk through the hours of many sampled years; compiled.

The walk of one year: every unit draws its own life (up, down, up …) from a stream of random numbers keyed by seed,
unit and year; each outage is entered as two changes of lost capacity. Then hour by hour: what is available less
what is asked is surplus, which charges stores, or shortage, which hydro with water left, then the measures in their
order relieve; what remains is unserved. A step has the state of its start, so its probabilities are exact.

Random numbers: SplitMix64 (Steele, Lea & Flood 2014, Fast splittable pseudorandom number generators, OOPSLA);
durations are exponential. Years are worked in blocks, each writes rows of its own: no figure depends on threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from sim.reliability.kernels_lean import kernel

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Keys = npt.NDArray[np.uint64]

LOLH, EUE, LOLF, LOLD, EXPORT_H, EXPORT_MWH, RESPONSE_MWH, STORAGE_MWH = range(8)
"""Columns of the annual figures: hours, energy, spells, days of shortage; then what the measures gave."""
COLUMNS = 8

BY_STORAGE, BY_RESPONSE, BY_EXPORT = range(3)
"""Measures against shortage."""

BLOCK = 16
"""Years worked one after the other by one thread."""

SMALL_MW = 1e-6
"""Shortage below this is rounding."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


class Units(NamedTuple):
    """Units: random key, chance to be down, mean durations h, MW lost in full outage and derating [units]."""

    key: _Keys
    unavailability: _Floats
    mean_up_h: _Floats
    mean_down_h: _Floats
    lost_mw: _Floats
    derated_lost_mw: _Floats
    derated_share: _Floats
    out_from: _Ints
    out_to: _Ints
    row: _Ints


class Course(NamedTuple):
    """Given hour by hour: supply with all units up and load [weathers, steps], ``cell`` = month × hour [steps]."""

    supply_mw: _Floats
    load_mw: _Floats
    response_mw: _Floats
    export_mw: _Floats
    day: _Ints
    cell: _Ints
    step_h: float


class Water(NamedTuple):
    """Hydro: power with all units up [steps, hydros], water besides the must-run, must-run [days, hydros]."""

    power_mw: _Floats
    free_mwh: _Floats
    minimum_mw: _Floats


class Stores(NamedTuple):
    """Stores of one kind together: limits, efficiencies, content kept over a step [stores]."""

    power_mw: _Floats
    energy_mwh: _Floats
    charge_efficiency: _Floats
    discharge_efficiency: _Floats
    keep: _Floats


class Node(NamedTuple):
    """What stands at the node besides its units."""

    course: Course
    water: Water
    stores: Stores


class Study(NamedTuple):
    """What is asked: seed, first year, load factor of each year [years], firm MW added, measures in order."""

    seed: np.uint64
    first_year: int
    load_factor: _Floats
    firm_mw: float
    measures: _Ints


@kernel
def mix(x: np.uint64) -> np.uint64:
    """Return a number scrambled (the output function of SplitMix64)."""
    x = (x ^ (x >> _S30)) * _MIX_1
    x = (x ^ (x >> _S27)) * _MIX_2
    return x ^ (x >> _S31)


@kernel
def stream_of(seed: np.uint64, key: np.uint64, year: int) -> np.uint64:
    """Return the start of the stream of random numbers of a key in a year."""
    return mix(mix(mix(seed + GOLDEN) + key) + np.uint64(year))


@kernel
def uniform(state: np.uint64) -> float:
    """Return the random number in (0, 1) that belongs to a state; the next state is ``state + GOLDEN``."""
    return (float(mix(state) >> _S11) + 0.5) * 2.0**-53


@njit(cache=True)
def year_uniforms(seed: np.uint64, key: np.uint64, first_year: int, years: int) -> _Floats:
    """Return one number in (0, 1) for each year, keyed like the outages [years]."""
    drawn = np.empty(years)
    for i in range(years):
        drawn[i] = uniform(stream_of(seed, key, first_year + i))
    return drawn


@kernel
def _lose(change: _Floats, begin: float, end: float, mw: float) -> None:
    """Enter an outage from ``begin`` to ``end`` (steps, also parts of one): counts in steps that start within."""
    last = len(change) - 1
    a = min(max(int(np.ceil(begin)), 0), last)
    b = min(max(int(np.ceil(end)), 0), last) if end < last else last
    if a < b:
        change[a] += mw
        change[b] -= mw


@kernel
def _live(u: int, units: Units, state: np.uint64, change: _Floats, step_h: float) -> None:
    """Draw the life of a unit over the span and enter its outages; planned maintenance is not lost twice."""
    end_h = (len(change) - 1) * step_h
    clock_h = 0.0
    state += GOLDEN
    up = uniform(state) >= units.unavailability[u]
    while clock_h < end_h:
        state += GOLDEN
        mean_h = units.mean_up_h[u] if up else units.mean_down_h[u]
        until_h = clock_h - np.log(uniform(state)) * mean_h
        if not up:
            state += GOLDEN
            derated = uniform(state) < units.derated_share[u]
            mw = units.derated_lost_mw[u] if derated else units.lost_mw[u]
            begin, end = clock_h / step_h, until_h / step_h
            _lose(change, begin, min(end, float(units.out_from[u])), mw)
            _lose(change, max(begin, float(units.out_to[u])), end, mw)
        clock_h = until_h
        up = not up


@kernel
def lost_capacity(units: Units, seed: np.uint64, year: int, lost: _Floats, step_h: float) -> None:
    """Fill in the MW lost by outages in a year: row 0 plain units, row k + 1 hydro plant k [rows, steps + 1]."""
    lost[:] = 0.0
    for u in range(len(units.key)):
        _live(u, units, stream_of(seed, units.key[u], year), lost[units.row[u]], step_h)
    for row in range(len(lost)):
        for step in range(1, lost.shape[1]):
            lost[row, step] += lost[row, step - 1]


@kernel
def _draw(need_mw: float, limit_mw: _Floats, left_mwh: _Floats, efficiency: _Floats, step_h: float) -> float:
    """Meet a need from stores, those first that last longest; return what is still needed.

    Longest time to go first serves the most energy (Evans, Tindemans & Angeli 2019, IEEE Trans. Power Syst. 34).
    """
    used = 0  # a bit for each store
    for _ in range(len(limit_mw)):
        best, longest = -1, 0.0
        for k in range(len(limit_mw)):
            if not (used >> k) & 1 and limit_mw[k] > 0.0 and left_mwh[k] / limit_mw[k] > longest:
                best, longest = k, left_mwh[k] / limit_mw[k]
        if best < 0 or need_mw <= 0.0:
            break
        used |= 1 << best
        given = min(need_mw, limit_mw[best], left_mwh[best] * efficiency[best] / step_h)
        left_mwh[best] -= given * step_h / efficiency[best]
        need_mw -= given
    return need_mw


@kernel
def _charge(surplus_mw: float, stores: Stores, content_mwh: _Floats, step_h: float) -> None:
    """Put surplus into stores that have room."""
    for k in range(len(content_mwh)):
        room_mw = (stores.energy_mwh[k] - content_mwh[k]) / (stores.charge_efficiency[k] * step_h)
        taken = min(surplus_mw, stores.power_mw[k], max(room_mw, 0.0))
        content_mwh[k] += taken * stores.charge_efficiency[k] * step_h
        surplus_mw -= taken


@kernel
def _must_run(step: int, water: Water, lost: _Floats, course: Course, spare_mw: _Floats) -> float:
    """Return the must-run power of hydro and set what each plant could give beyond it, MW."""
    day, total = course.day[step], 0.0
    for k in range(len(spare_mw)):
        power = max(water.power_mw[step, k] - lost[k + 1, step], 0.0)
        must = min(water.minimum_mw[day, k], power)
        spare_mw[k] = power - must
        total += must
    return total


@kernel
def _to_hold_full(stores: Stores, step_h: float) -> float:
    """Return the MW that keep all stores full against self-discharge; endless when their power is too small."""
    total = 0.0
    for k in range(len(stores.keep)):
        needed = stores.energy_mwh[k] * (1.0 - stores.keep[k]) / (stores.charge_efficiency[k] * step_h)
        total += needed if needed <= stores.power_mw[k] else np.inf
    return total


@kernel
def _all_full(content_mwh: _Floats, stores: Stores) -> bool:
    """Whether every store is full."""
    for k in range(len(content_mwh)):  # noqa: SIM110  a loop takes no memory
        if content_mwh[k] < stores.energy_mwh[k] - SMALL_MW:
            return False
    return True


@kernel
def _relieve(
    need_mw: float, step: int, weather: int, node: Node, measures: _Ints, content_mwh: _Floats, row: _Floats
) -> float:
    """Use the measures in their order, enter what they gave into ``row``, and return the MW that go unserved."""
    course, stores = node.course, node.stores
    for measure in measures:
        if need_mw <= SMALL_MW:
            break
        before = need_mw
        if measure == BY_STORAGE:
            need_mw = _draw(need_mw, stores.power_mw, content_mwh, stores.discharge_efficiency, course.step_h)
            row[STORAGE_MWH] += (before - need_mw) * course.step_h
        elif measure == BY_RESPONSE:
            need_mw -= min(need_mw, course.response_mw[weather, step])
            row[RESPONSE_MWH] += (before - need_mw) * course.step_h
        else:
            need_mw -= min(need_mw, course.export_mw[step])
            row[EXPORT_MWH] += (before - need_mw) * course.step_h
            row[EXPORT_H] += course.step_h if before > need_mw else 0.0
    return need_mw


@kernel
def _enter_shortage(need_mw: float, begins: bool, first_of_day: bool, course: Course, row: _Floats) -> None:
    """Add a step of shortage to the annual figures."""
    row[LOLH] += course.step_h
    row[EUE] += need_mw * course.step_h
    row[LOLF] += 1.0 if begins else 0.0
    row[LOLD] += 1.0 if first_of_day else 0.0


@njit(cache=True)
def walk_year(
    weather: int, factor: float, lost: _Floats, node: Node, study: Study, row: _Floats, cells: _Ints
) -> None:
    """Walk through the steps of a year; add its figures to ``row`` and its steps of shortage to ``cells``."""
    course, water, stores = node.course, node.water, node.stores
    content, hold_mw, full = stores.energy_mwh.copy(), _to_hold_full(stores, course.step_h), True
    left, spare = np.zeros(water.free_mwh.shape[1]), np.zeros(water.free_mwh.shape[1])
    lossless = np.ones(len(left))
    short_before, short_day, water_day = False, -1, -1
    for step in range(course.supply_mw.shape[1]):
        asked = course.load_mw[weather, step] * factor + course.export_mw[step] - study.firm_mw
        balance = course.supply_mw[weather, step] - lost[0, step] - asked
        if full and balance >= hold_mw:
            short_before = False
            continue  # most steps: enough without hydro, and the stores stay full
        day, need = course.day[step], 0.0
        if day != water_day:
            left[:] = water.free_mwh[day]
            water_day = day
        balance += _must_run(step, water, lost, course, spare)
        for k in range(len(content)):
            content[k] *= stores.keep[k]
        if balance > 0.0:
            _charge(balance, stores, content, course.step_h)
        elif balance < -SMALL_MW:
            need = _draw(-balance, spare, left, lossless, course.step_h)
            need = _relieve(need, step, weather, node, study.measures, content, row)
        full = _all_full(content, stores)
        short = need > SMALL_MW
        if short:
            _enter_shortage(need, not short_before, day != short_day, course, row)
            short_day = day
            cells[course.cell[step]] += 1
        short_before = short


@njit(cache=True, parallel=True)
def walk_years(units: Units, course: Course, water: Water, stores: Stores, study: Study) -> tuple[_Floats, _Ints]:
    """Return the figures of each year [years × COLUMNS] and steps of shortage by month and hour [blocks × 288]."""
    years = len(study.load_factor)
    blocks = (years + BLOCK - 1) // BLOCK
    rows = np.zeros((years, COLUMNS))
    cells = np.zeros((blocks, 288), np.int64)
    weathers, steps = course.supply_mw.shape
    plants = water.free_mwh.shape[1]
    for block in prange(blocks):
        node = Node(course, water, stores)  # a parallel loop takes no tuple of tuples from outside
        lost = np.empty((plants + 1, steps + 1))
        for i in range(block * BLOCK, min((block + 1) * BLOCK, years)):
            year = study.first_year + i
            lost_capacity(units, study.seed, year, lost, course.step_h)
            walk_year(year % weathers, study.load_factor[i], lost, node, study, rows[i], cells[block])
    return rows, cells
