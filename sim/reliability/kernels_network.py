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
from numba import njit, prange

from sim.reliability import kernels_shedding as lp
from sim.reliability.kernels import (
    BLOCK,
    COLUMNS,
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
from sim.reliability.kernels_topology import Circuits, Topology, Wires, circuits_out, look_anew, new_topology

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

    Hours of a branch are those at its rating while load goes unserved. Then steps of shortage by month and hour,
    number of programmes and of failures [blocks × …].
    """

    rows: _Floats
    place_mwh: _Floats
    place_h: _Floats
    county_h: _Floats
    binding_h: _Floats
    cells: _Ints
    solved: _Ints


class Desk(NamedTuple):
    """Memory of one thread: a step's quantities, columns of the programme, flows, content of stores and days."""

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


class Scene(NamedTuple):
    """All that a step needs."""

    given: Given
    places: Places
    water: Water
    stores: Stores
    topology: Topology
    desk: Desk
    programme: lp.Programme


@njit(cache=True)
def new_desk(places: Places, supplies: int, hydros: int, stores: int, buses: int, branches: int) -> Desk:
    """Return memory for one thread."""
    demands, columns = len(places.demand_bus), len(places.bus)
    return Desk(
        np.zeros(supplies),
        np.zeros(hydros),
        np.zeros(stores),
        np.zeros(demands),
        np.zeros(demands),
        np.zeros(stores),
        np.zeros(hydros),
        np.zeros(buses),
        np.zeros(branches),
        np.zeros(branches),
        np.zeros(columns),
        np.zeros(columns),
        np.zeros(columns),
        np.zeros(columns),
        np.zeros(buses + branches, np.int64),
    )


@njit(cache=True)
def _set_supply(step: int, weather: int, firm_mw: float, lost: _Floats, scene: Scene) -> None:
    """Set what each supply and each hydro plant beyond its must-run can give, MW."""
    given, desk, places, water = scene.given, scene.desk, scene.places, scene.water
    supplies, day = len(desk.supply), given.day[step]
    for g in range(supplies):
        desk.supply[g] = max(given.supply_mw[weather, step, g] - lost[g, step], 0.0)
    for k in range(len(desk.spare)):
        power = max(water.power_mw[step, k] - lost[supplies + k, step], 0.0)
        must = min(water.minimum_mw[day, k], power)
        desk.spare[k] = power - must
        desk.supply[places.hydro_supply[k]] += must
    if firm_mw > 0.0:
        for d in range(places.loads):
            desk.supply[places.demand_supply[d]] += firm_mw * given.load_share[weather, step, d]


@njit(cache=True)
def _set_demand(step: int, weather: int, factor: float, firm_mw: float, scene: Scene) -> None:
    """Set the demands and what may be relieved of each before it goes unserved, MW; firm power below 0 is load."""
    given, desk, places = scene.given, scene.desk, scene.places
    load = given.load_mw[weather, step] * factor - min(firm_mw, 0.0)
    response = given.response_mw[weather, step] if given.uses_response else 0.0
    for d in range(places.loads):
        share = given.load_share[weather, step, d]
        desk.demand[d] = load * share
        desk.relief[d] = min(response * share, load * share)
    for channel in range(given.export_mw.shape[1]):
        d = places.loads + channel
        desk.demand[d] = given.export_mw[step, channel]
        desk.relief[d] = desk.demand[d] if given.uses_export else 0.0


@njit(cache=True)
def _set_stores(scene: Scene) -> None:
    """Let stores lose what they lose over a step, and set what each can be charged with, MW."""
    desk, stores = scene.desk, scene.stores
    for s in range(len(desk.content)):
        desk.content[s] *= stores.keep[s]
        room = (stores.energy_mwh[s] - desk.content[s]) / (stores.charge_efficiency[s] * scene.given.step_h)
        desk.charge[s] = min(stores.power_mw[s], max(room, 0.0))


@njit(cache=True)
def _inject(desk: Desk, places: Places, proportion: float) -> None:
    """Set the injection of every bus with all supplies in one proportion, stores charging, all demand served."""
    first_charge = len(desk.supply) + len(desk.spare)
    desk.injection[:] = 0.0
    for g in range(len(desk.supply)):
        desk.injection[places.bus[g]] += proportion * desk.supply[g]
    for s in range(len(desk.charge)):
        desk.injection[places.bus[first_charge + s]] -= desk.charge[s]
    for d in range(len(desk.demand)):
        desk.injection[places.demand_bus[d]] -= desk.demand[d]


@njit(cache=True)
def _set_flows(injection: _Floats, topology: Topology, flow: _Floats) -> None:
    """Fill in the flow of every branch, MW."""
    flow[:] = 0.0
    for bus in range(len(injection)):
        if injection[bus] != 0.0:
            flow += injection[bus] * topology.factor[bus]


@njit(cache=True)
def _within_ratings(flow: _Floats, limit_mw: _Floats) -> bool:
    for branch in range(len(flow)):  # noqa: SIM110  a loop takes no memory
        if abs(flow[branch]) > limit_mw[branch] + OVERLOAD_MW:
            return False
    return True


@njit(cache=True)
def _plainly_served(scene: Scene) -> bool:
    """Whether all supplies in one proportion serve all demand and charging within the ratings."""
    desk = scene.desk
    asked, supply = desk.demand.sum() + desk.charge.sum(), desk.supply.sum()
    if scene.topology.islands[0] > 1 or supply < asked:
        return False
    _inject(desk, scene.places, asked / supply if supply > 0.0 else 0.0)
    _set_flows(desk.injection, scene.topology, desk.flow)
    return _within_ratings(desk.flow, scene.topology.limit_mw)


@njit(cache=True)
def _set_columns(scene: Scene) -> None:
    """Set the upper bounds and prices of the programme's columns."""
    given, desk, stores = scene.given, scene.desk, scene.stores
    supplies, hydros, count = len(desk.supply), len(desk.spare), len(desk.charge)
    demands = len(desk.demand)
    desk.price[:] = scene.places.price
    desk.high[:supplies] = desk.supply
    at = supplies
    for k in range(hydros):
        desk.high[at + k] = min(desk.spare[k], desk.left[k] / given.step_h)
    at += hydros
    desk.high[at : at + count] = desk.charge
    at += count
    for s in range(count):
        holds_mw = desk.content[s] * stores.discharge_efficiency[s] / given.step_h
        desk.high[at + s] = min(stores.power_mw[s], holds_mw) if given.uses_storage else 0.0
        lasts_h = desk.content[s] / stores.power_mw[s] if stores.power_mw[s] > 0.0 else 0.0
        desk.price[at + s] *= 1.0 + LONGEST_FIRST / (1.0 + lasts_h)
    at += count
    desk.high[at : at + demands] = desk.relief
    at += demands
    for d in range(demands):
        desk.high[at + d * SHARES : at + (d + 1) * SHARES] = (desk.demand[d] - desk.relief[d]) / SHARES


@njit(cache=True)
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


@njit(cache=True)
def _add_overloads(scene: Scene, rows: int) -> int:
    """Add rows for the branches that the present solution overloads most; return the new number of rows."""
    desk, places, topology = scene.desk, scene.places, scene.topology
    lp.read(scene.programme, rows, desk.x)
    desk.injection[:] = 0.0
    for j in range(len(desk.x)):
        desk.injection[places.bus[j]] += places.sign[j] * desk.x[j]
    _set_flows(desk.injection, topology, desk.flow)
    desk.flow[:] -= desk.base_flow
    for _ in range(MOST_ADDED):
        branch = int(np.argmax(np.abs(desk.flow) - topology.limit_mw))
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


@njit(cache=True)
def least_price(scene: Scene) -> tuple[int, int]:
    """Solve the programme of a step into ``desk.x``; return how it ended and the number of its rows."""
    desk = scene.desk
    _set_columns(scene)
    desk.injection[:] = 0.0
    for d in range(len(desk.demand)):
        desk.injection[scene.places.demand_bus[d]] += desk.demand[d]
    _set_flows(desk.injection, scene.topology, desk.base_flow)
    rows, before, status = _balance_islands(scene), 0, lp.SOLVED
    while rows > before and status == lp.SOLVED:
        before = rows
        status = lp.solve(scene.programme, rows, desk.scratch)
        rows = _add_overloads(scene, rows)
    return status, before


@njit(cache=True)
def _charge_all(scene: Scene) -> None:
    desk = scene.desk
    for s in range(len(desk.content)):
        desk.content[s] += desk.charge[s] * scene.stores.charge_efficiency[s] * scene.given.step_h


@njit(cache=True)
def _carry_out(scene: Scene, row: _Floats) -> float:
    """Take water and content used by the solution, enter the measures into ``row``, return MW that go unserved."""
    desk, stores, step_h, x = scene.desk, scene.stores, scene.given.step_h, scene.desk.x
    hydros, count, demands = len(desk.spare), len(desk.charge), len(desk.demand)
    at = len(desk.supply)
    desk.left[:] -= x[at : at + hydros] * step_h
    at += hydros
    for s in range(count):
        given = x[at + count + s]
        gained = x[at + s] * stores.charge_efficiency[s] - given / stores.discharge_efficiency[s]
        desk.content[s] = max(desk.content[s] + gained * step_h, 0.0)
        row[STORAGE_MWH] += given * step_h
    at += 2 * count
    response, cut = x[at : at + scene.places.loads].sum(), x[at + scene.places.loads : at + demands].sum()
    row[RESPONSE_MWH] += response * step_h
    row[EXPORT_MWH] += cut * step_h
    row[EXPORT_H] += step_h if cut > SMALL_MW else 0.0
    return float(x[at + demands :].sum())


@njit(cache=True)
def _enter_places(i: int, rows: int, scene: Scene, tally: Tally) -> None:
    """Enter where a shortage is, and which branches bind in it."""
    desk, places, step_h = scene.desk, scene.places, scene.given.step_h
    columns, demands = len(desk.x), len(desk.demand)
    counted = 0  # a bit for each county
    for d in range(demands):
        first = columns - (demands - d) * SHARES
        unserved = desk.x[first : first + SHARES].sum()
        if unserved > SMALL_MW:
            tally.place_mwh[i, d] += unserved * step_h
            tally.place_h[i, d] += step_h
            county = places.county[d]
            if not (counted >> county) & 1:
                counted |= 1 << county
                tally.county_h[i, county] += step_h
    for j in range(columns):
        row = scene.programme.standing[j] - columns
        if scene.topology.islands[0] <= row < rows:
            tally.binding_h[i, desk.row_branch[row]] += step_h


@njit(cache=True)
def walk_year(
    i: int, block: int, weather: int, study: Study, outages: tuple[_Floats, _Ints], wires: Wires, scene: Scene,
    tally: Tally,
) -> None:  # fmt: skip
    """Walk through the steps of year ``i`` of the sample and add its figures to the tally."""
    given, desk, row = scene.given, scene.desk, tally.rows[i]
    lost, change = outages
    desk.content[:] = scene.stores.energy_mwh
    out, short_before, short_day, water_day = np.zeros(change.shape[1], np.int64), False, -1, -1
    look_anew(wires, out, scene.topology)
    for step in range(given.supply_mw.shape[1]):
        if change[step].any():
            out += change[step]
            look_anew(wires, out, scene.topology)
        if given.day[step] != water_day:
            water_day = given.day[step]
            desk.left[:] = scene.water.free_mwh[water_day]
        _set_supply(step, weather, study.firm_mw, lost, scene)
        _set_demand(step, weather, study.load_factor[i], study.firm_mw, scene)
        _set_stores(scene)
        if _plainly_served(scene):
            _charge_all(scene)
            short_before = False
            continue
        status, rows = least_price(scene)
        tally.solved[block, 0] += 1
        tally.solved[block, 1] += status != lp.SOLVED
        unserved = _carry_out(scene, row)
        short = unserved > SMALL_MW
        if short:
            row[LOLH] += given.step_h
            row[EUE] += unserved * given.step_h
            row[LOLF] += 0.0 if short_before else 1.0
            row[LOLD] += 0.0 if water_day == short_day else 1.0
            short_day = water_day
            tally.cells[block, given.cell[step]] += 1
            _enter_places(i, rows, scene, tally)
        short_before = short


@njit(cache=True, parallel=True)
def walk_years(  # noqa: PLR0913, PLR0917  a parallel loop takes no tuple of tuples from outside
    units: Units, circuits: Circuits, wires: Wires, given: Given, places: Places, water: Water, stores: Stores,
    study: Study, buses: int,
) -> Tally:  # fmt: skip
    """Return the tally of all years of a study, worked in blocks of years that each write rows of their own."""
    years, demands, branches = len(study.load_factor), len(places.demand_bus), len(wires.parallel)
    blocks = (years + BLOCK - 1) // BLOCK
    rows, cells = np.zeros((years, COLUMNS)), np.zeros((blocks, 288), np.int64)
    place_mwh, place_h = np.zeros((years, demands)), np.zeros((years, demands))
    county_h, binding_h = np.zeros((years, places.counties)), np.zeros((years, branches))
    solved = np.zeros((blocks, 2), np.int64)
    weathers, steps, supplies = given.supply_mw.shape
    hydros, kinds = water.free_mwh.shape[1], len(stores.power_mw)
    for block in prange(blocks):
        tally = Tally(rows, place_mwh, place_h, county_h, binding_h, cells, solved)
        desk = new_desk(places, supplies, hydros, kinds, buses, branches)
        programme = lp.new_programme(buses + branches, len(places.bus))
        scene = Scene(given, places, water, stores, new_topology(buses, branches), desk, programme)
        lost = np.empty((supplies + hydros, steps + 1))
        change = np.empty((steps + 1, branches + 1), np.int64)
        for i in range(block * BLOCK, min((block + 1) * BLOCK, years)):
            year = study.first_year + i
            lost_capacity(units, study.seed, year, lost, given.step_h)
            circuits_out(circuits, study.seed, year, given.aged_h[year % weathers], given.step_h, change)
            walk_year(i, block, year % weathers, study, (lost, change), wires, scene, tally)
    return Tally(rows, place_mwh, place_h, county_h, binding_h, cells, solved)
