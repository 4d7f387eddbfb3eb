"""The walk through sampled years with the network: outages of units and circuits, least priced shortage; compiled.

In every step the supplies, hydro plants, stores and demands stand at their buses. First a quick look: all supplies
in one proportion, charging included. If that keeps every branch within its rating, the step is as good as it can
be: nothing is used that costs, and the stores are charged. Only else is the programme of least price solved:

    minimise Σ price · MW    over supply, water, charging, discharging, the other measures, unserved demand
    island by island:  supply + measures + unserved = demand + charging
    branch by branch:  −rating ≤ Σ factor · injection ≤ rating, added when violated

The order of the measures is in the prices; unserved demand is dearest. Each demand's unserved part comes in shares
of slightly rising price, so that a shortage which the network does not place is spread over the demands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from sim.reliability import kernels_shedding as lp
from sim.reliability.kernels import (
    EUE,
    EXPORT_H,
    EXPORT_MWH,
    LOLD,
    LOLF,
    LOLH,
    RESPONSE_MWH,
    SMALL_MW,
    STORAGE_MWH,
    Stores,
    Study,
    Units,
    Water,
    lost_capacity,
)
from sim.reliability.kernels_lean import clear, entry, kernel, put, sum_between
from sim.reliability.kernels_topology import Circuits, Topology, Wires, circuits_out, look_anew

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

SHARES = 5
"""Shares of a demand that go unserved one after the other."""

SHARE_PRICE = 1e-4
"""Rise of the price from share to share, relative: it spreads a shortage without changing how large it is."""

LONGEST_FIRST = 0.01
"""Most by which the price of a store falls with the hours it lasts, relative: the longest gives first."""

OVERLOAD_MW = 1e-6
"""A branch may be overloaded by this: rounding."""

LIMITING_PRICE = 0.5
"""A branch limits when one more MW of its rating is worth this; swapping supplies alone is worth far less."""

MOST_ADDED = 4
"""Rows added between two solutions."""


class Places(NamedTuple):
    """Where things stand: column blocks are supplies, hydro, charging, discharging, relief, unserved shares.

    ``bus`` and ``sign`` (of the injection) and ``price`` of each column; the bus, county and supply at the bus of
    each demand; the supply at the bus of each hydro plant; ``loads`` demands are loads, the others export.
    """

    bus: _Ints
    sign: _Floats
    price: _Floats
    demand_bus: _Ints
    county: _Ints
    demand_supply: _Ints
    hydro_supply: _Ints
    loads: int
    counties: int


class Given(NamedTuple):
    """Given hour by hour: supply with all units up [weathers, steps, supplies], load, response [weathers, steps].

    Shares of the loads [weathers, steps, loads], export [steps, channels], weighted hours of each zone
    [weathers, zones, steps + 1], ``cell`` = month × hour [steps]; which measures are used.
    """

    supply_mw: _Floats
    load_mw: _Floats
    response_mw: _Floats
    load_share: _Floats
    export_mw: _Floats
    aged_h: _Floats
    day: _Ints
    cell: _Ints
    step_h: float
    uses_storage: bool
    uses_response: bool
    uses_export: bool


class Tally(NamedTuple):
    """What is counted: annual figures, energy and hours of each demand, hours of counties and branches [years × …].

    Hours of a branch are those in which its rating costs something while load goes unserved. Then steps of shortage
    by month and hour [288], and how many programmes were solved and how many not [2].
    """

    rows: _Floats
    demand_mwh: _Floats
    demand_h: _Floats
    county_h: _Floats
    binding_h: _Floats
    cells: _Ints
    solved: _Ints


class Desk(NamedTuple):
    """Memory of one thread: a step's quantities, content of stores and days, columns of the programme, flows.

    ``lost`` [supplies + hydro plants, steps + 1] and ``change`` [steps + 1, branches + 1] are a year's outages.
    """

    supply: _Floats
    spare: _Floats
    charge: _Floats
    demand: _Floats
    relief: _Floats
    content: _Floats
    left: _Floats
    injection: _Floats
    flow: _Floats
    base_flow: _Floats
    high: _Floats
    price: _Floats
    x: _Floats
    scratch: _Floats
    row_branch: _Ints
    out: _Ints
    lost: _Floats
    change: _Ints


class Scene(NamedTuple):
    """All that a step needs: what is given, and the memory of one thread."""

    given: Given
    places: Places
    water: Water
    stores: Stores
    wires: Wires
    topology: Topology
    desk: Desk
    programme: lp.Programme


class Year(NamedTuple):
    """The sampled year that is walked: its row in the tally, its weather, its load factor, firm MW added."""

    row: int
    weather: int
    load_factor: float
    firm_mw: float


@njit(inline="always")
def _set_supply(step: int, year: Year, scene: Scene) -> None:
    """Set what each supply and each hydro plant beyond its must-run can give, MW."""
    given, desk, places, water = scene.given, scene.desk, scene.places, scene.water
    supply, spare, lost = desk.supply, desk.spare, desk.lost
    supplies, day = len(supply), given.day[step]
    for g in range(supplies):
        supply[g] = max(given.supply_mw[year.weather, step, g] - lost[g, step], 0.0)
    for k in range(len(spare)):
        power = max(water.power_mw[step, k] - lost[supplies + k, step], 0.0)
        must = min(water.minimum_mw[day, k], power)
        spare[k] = power - must
        supply[places.hydro_supply[k]] += must
    if year.firm_mw > 0.0:
        for d in range(places.loads):
            supply[places.demand_supply[d]] += year.firm_mw * given.load_share[year.weather, step, d]


@njit(inline="always")
def _set_demand(step: int, year: Year, scene: Scene) -> None:
    """Set the demands and what may be relieved of each before it goes unserved, MW; firm power below 0 is load."""
    given, demand, relief, loads = scene.given, scene.desk.demand, scene.desk.relief, scene.places.loads
    load = given.load_mw[year.weather, step] * year.load_factor - min(year.firm_mw, 0.0)
    response = given.response_mw[year.weather, step] if given.uses_response else 0.0
    for d in range(loads):
        share = given.load_share[year.weather, step, d]
        demand[d] = load * share
        relief[d] = min(response * share, load * share)
    for d in range(loads, len(demand)):
        demand[d] = given.export_mw[step, d - loads]
        relief[d] = demand[d] if given.uses_export else 0.0


@njit(inline="always")
def _set_stores(scene: Scene) -> None:
    """Let stores lose what they lose over a step, and set what each can be charged with, MW."""
    stores, content, charge = scene.stores, scene.desk.content, scene.desk.charge
    for s in range(len(content)):
        content[s] *= stores.keep[s]
        room = (stores.energy_mwh[s] - content[s]) / (stores.charge_efficiency[s] * scene.given.step_h)
        charge[s] = min(stores.power_mw[s], max(room, 0.0))


@njit(inline="always")
def _charge_all(scene: Scene) -> None:
    stores, content, charge = scene.stores, scene.desk.content, scene.desk.charge
    for s in range(len(content)):
        content[s] += charge[s] * stores.charge_efficiency[s] * scene.given.step_h


@njit(inline="always")
def _sum(values: _Floats) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


@njit(inline="always")
def _inject(desk: Desk, places: Places, proportion: float) -> None:
    """Set the injection of every bus with all supplies in one proportion, stores charging, all demand served."""
    injection, supply, charge, demand, bus = desk.injection, desk.supply, desk.charge, desk.demand, places.bus
    first_charge = len(supply) + len(desk.spare)
    for b in range(len(injection)):
        injection[b] = 0.0
    for g in range(len(supply)):
        injection[bus[g]] += proportion * supply[g]
    for s in range(len(charge)):
        injection[bus[first_charge + s]] -= charge[s]
    for d in range(len(demand)):
        injection[places.demand_bus[d]] -= demand[d]


@njit(inline="always")
def _set_flows(injection: _Floats, factor: _Floats, flow: _Floats) -> None:
    """Fill in the flow of every branch, MW."""
    for branch in range(len(flow)):
        flow[branch] = 0.0
    for bus in range(len(injection)):
        mw = injection[bus]
        if mw != 0.0:
            for branch in range(len(flow)):
                flow[branch] += mw * factor[bus, branch]


@njit(inline="always")
def _within_ratings(flow: _Floats, limit_mw: _Floats) -> bool:
    within = True
    for branch in range(len(flow)):
        within &= abs(flow[branch]) <= limit_mw[branch] + OVERLOAD_MW
    return within


@kernel
def _served_until(step: int, end: int, year: Year, scene: Scene) -> int:
    """Walk from ``step`` on while all supplies in one proportion serve all demand and charging within the ratings.

    Returns the first step that does not, with its quantities on the desk, or ``end``. The helpers are inlined: over
    a million steps, handing large tuples to functions costs more than the arithmetic.
    """
    desk, topology = scene.desk, scene.topology
    whole = topology.islands[0] == 1
    for now in range(step, end):
        _set_supply(now, year, scene)
        _set_demand(now, year, scene)
        _set_stores(scene)
        asked, supply = _sum(desk.demand) + _sum(desk.charge), _sum(desk.supply)
        if not whole or supply < asked:
            return now
        _inject(desk, scene.places, asked / supply if supply > 0.0 else 0.0)
        _set_flows(desk.injection, topology.factor, desk.flow)
        if not _within_ratings(desk.flow, topology.limit_mw):
            return now
        _charge_all(scene)
    return end


@kernel
def _set_columns(scene: Scene) -> None:
    """Set the upper bounds and prices of the programme's columns."""
    given, desk, stores = scene.given, scene.desk, scene.stores
    supplies, hydros, count = len(desk.supply), len(desk.spare), len(desk.charge)
    demands = len(desk.demand)
    put(desk.price, 0, scene.places.price)
    put(desk.high, 0, desk.supply)
    at = supplies
    for k in range(hydros):
        desk.high[at + k] = min(desk.spare[k], desk.left[k] / given.step_h)
    at += hydros
    put(desk.high, at, desk.charge)
    at += count
    for s in range(count):
        holds_mw = desk.content[s] * stores.discharge_efficiency[s] / given.step_h
        desk.high[at + s] = min(stores.power_mw[s], holds_mw) if given.uses_storage else 0.0
        lasts_h = desk.content[s] / stores.power_mw[s] if stores.power_mw[s] > 0.0 else 0.0
        desk.price[at + s] *= 1.0 + LONGEST_FIRST / (1.0 + lasts_h)
    at += count
    put(desk.high, at, desk.relief)
    at += demands
    for k in range(demands * SHARES):
        desk.high[at + k] = (desk.demand[k // SHARES] - desk.relief[k // SHARES]) / SHARES


@kernel
def _balance_islands(scene: Scene) -> int:
    """Begin the programme with one row for each island: what is put in equals what is asked; return the rows."""
    desk, places, island = scene.desk, scene.places, scene.topology.island
    lp.begin(scene.programme, desk.price, desk.high)
    islands = int(scene.topology.islands[0])
    for number in range(islands):
        asked = 0.0
        for d in range(len(desk.demand)):
            if island[places.demand_bus[d]] == number:
                asked += desk.demand[d]
        for j in range(len(desk.x)):
            desk.scratch[j] = places.sign[j] if island[places.bus[j]] == number else 0.0
        lp.add_row(scene.programme, number, desk.scratch, asked, asked)
    return islands


@kernel
def _most_overloaded(flow: _Floats, limit_mw: _Floats) -> int:
    """Return the branch that is furthest beyond its rating, or nearest to it."""
    worst, most = 0, -np.inf
    for branch in range(len(flow)):
        over = abs(flow[branch]) - limit_mw[branch]
        if over > most:
            worst, most = branch, over
    return worst


@kernel
def _add_overloads(scene: Scene, rows: int) -> int:
    """Add rows for the branches that the present solution overloads most; return the new number of rows."""
    desk, places, topology = scene.desk, scene.places, scene.topology
    lp.read(scene.programme, rows, desk.x)
    clear(desk.injection)
    for j in range(len(desk.x)):
        desk.injection[places.bus[j]] += places.sign[j] * desk.x[j]
    _set_flows(desk.injection, topology.factor, desk.flow)
    for branch in range(len(desk.flow)):
        desk.flow[branch] -= desk.base_flow[branch]
    for _ in range(MOST_ADDED):
        branch = _most_overloaded(desk.flow, topology.limit_mw)
        limit = topology.limit_mw[branch]
        if abs(desk.flow[branch]) <= limit + OVERLOAD_MW:
            break
        for j in range(len(desk.x)):
            desk.scratch[j] = places.sign[j] * topology.factor[places.bus[j], branch]
        desk.row_branch[rows] = branch
        base = desk.base_flow[branch]
        rows = lp.add_row(scene.programme, rows, desk.scratch, base - limit, base + limit)
        desk.flow[branch] = 0.0  # has its row now
    return rows


@kernel
def least_price(scene: Scene) -> tuple[int, int]:
    """Solve the programme of a step into ``desk.x``; return how it ended and the number of its rows."""
    desk = scene.desk
    _set_columns(scene)
    clear(desk.injection)
    for d in range(len(desk.demand)):
        desk.injection[scene.places.demand_bus[d]] += desk.demand[d]
    _set_flows(desk.injection, scene.topology.factor, desk.base_flow)
    rows, before, status = _balance_islands(scene), 0, lp.SOLVED
    while rows > before and status == lp.SOLVED:
        before = rows
        status = lp.solve(scene.programme, rows, desk.scratch)
        rows = _add_overloads(scene, rows)
    return status, before


@kernel
def _carry_out(scene: Scene, row: _Floats) -> float:
    """Take water and content used by the solution, enter the measures into ``row``, return MW that go unserved."""
    desk, stores, step_h, x = scene.desk, scene.stores, scene.given.step_h, scene.desk.x
    hydros, count, demands = len(desk.spare), len(desk.charge), len(desk.demand)
    at = len(desk.supply)
    for k in range(hydros):
        desk.left[k] -= x[at + k] * step_h
    at += hydros
    for s in range(count):
        given = x[at + count + s]
        gained = x[at + s] * stores.charge_efficiency[s] - given / stores.discharge_efficiency[s]
        desk.content[s] = max(desk.content[s] + gained * step_h, 0.0)
        row[STORAGE_MWH] += given * step_h
    at += 2 * count
    first_cut = at + scene.places.loads
    response, cut = sum_between(x, at, first_cut), sum_between(x, first_cut, at + demands)
    row[RESPONSE_MWH] += response * step_h
    row[EXPORT_MWH] += cut * step_h
    row[EXPORT_H] += step_h if cut > SMALL_MW else 0.0
    return sum_between(x, at + demands, len(x))


@kernel
def _enter_places(i: int, rows: int, scene: Scene, tally: Tally) -> None:
    """Enter where a shortage is, and which branches limit in it."""
    desk, places, step_h = scene.desk, scene.places, scene.given.step_h
    columns, demands = len(desk.x), len(desk.demand)
    counted = 0  # a bit for each county
    for d in range(demands):
        first = columns - (demands - d) * SHARES
        unserved = sum_between(desk.x, first, first + SHARES)
        if unserved > SMALL_MW:
            tally.demand_mwh[i, d] += unserved * step_h
            tally.demand_h[i, d] += step_h
            county = places.county[d]
            if not (counted >> county) & 1:
                counted |= 1 << county
                tally.county_h[i, county] += step_h
    for j in range(columns):
        row = scene.programme.standing[j] - columns
        if scene.topology.islands[0] <= row < rows and abs(scene.programme.reduced[j]) > LIMITING_PRICE:
            tally.binding_h[i, desk.row_branch[row]] += step_h


@kernel
def _enter_shortage(unserved_mw: float, before: int, step: int, year: Year, given: Given, tally: Tally) -> None:
    """Add a step of shortage to the figures of the year; ``before`` is the last short step, −1 for none."""
    row = tally.rows[year.row]
    row[LOLH] += given.step_h
    row[EUE] += unserved_mw * given.step_h
    row[LOLF] += 1.0 if before < 0 or before != step - 1 else 0.0
    row[LOLD] += 1.0 if before < 0 or given.day[before] != given.day[step] else 0.0
    tally.cells[given.cell[step]] += 1


@kernel
def walk_year(year: Year, scene: Scene, tally: Tally) -> None:
    """Walk through the steps of a year and add its figures to the tally."""
    given, desk = scene.given, scene.desk
    steps = given.supply_mw.shape[1]
    put(desk.content, 0, scene.stores.energy_mwh)
    for branch in range(len(desk.out)):
        desk.out[branch] = 0
    short_step, water_day, step, changed = -1, -1, 0, 0
    while step < steps:
        if step == changed:  # the network of the steps until the next change
            for branch in range(len(desk.out)):
                desk.out[branch] += desk.change[step, branch]
            look_anew(scene.wires, desk.out, scene.topology)
            changed = step + 1
            while changed < steps and desk.change[changed, -1] == 0:
                changed += 1
        step = _served_until(step, changed, year, scene)
        if step == changed:
            continue
        if given.day[step] != water_day:
            water_day = given.day[step]
            put(desk.left, 0, scene.water.free_mwh[water_day])
        status, rows = least_price(scene)
        tally.solved[0] += 1
        tally.solved[1] += status != lp.SOLVED
        unserved = _carry_out(scene, tally.rows[year.row])
        if unserved > SMALL_MW:
            _enter_shortage(unserved, short_step, step, year, given, tally)
            _enter_places(year.row, rows, scene, tally)
            short_step = step
        step += 1


@entry
def walk_years(units: Units, circuits: Circuits, study: Study, scene: Scene, tally: Tally) -> None:
    """Walk through all years of a study; its rows stand in the tally, its memory in the scene."""
    given, desk = scene.given, scene.desk
    for i in range(len(study.load_factor)):
        number = study.first_year + i
        weather = number % len(given.supply_mw)
        lost_capacity(units, study.seed, number, desk.lost, given.step_h)
        circuits_out(circuits, study.seed, number, given.aged_h[weather], given.step_h, desk.change)
        walk_year(Year(i, weather, study.load_factor[i], study.firm_mw), scene, tally)
