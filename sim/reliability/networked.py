"""``AdequacySystem`` with a network → figures of sampled years: the door to the compiled walk at network level."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.errors import InvariantError
from scenarios.records import Floats, Ints, axes, record
from sim.reliability import kernels
from sim.reliability.arrays import in_service_mw, stores_of, units_of, water_of
from sim.reliability.kernels_network import SHARE_PRICE, SHARES, Desk, Given, Places, Scene, Tally, walk_years
from sim.reliability.kernels_shedding import new_programme
from sim.reliability.kernels_topology import Circuits, Topology, Wires
from sim.reliability.network import Network
from sim.reliability.system import PLAIN, AdequacySystem, keys_of

PRICE_RATIO = 30.0
"""Price of a measure relative to the one before it: this many MW of one are used to spare one MW of the next."""

PRICE_OF_WATER = 1.0
PRICE_OF_CHARGING = -0.5
"""Charging is worth less than water costs: stores are charged from surplus only."""

RANKING = 1e-3
"""Supplies have prices between 0 and this, all different, so that no two solutions are equally good."""


@record
class Where:
    """Where load went unserved: MWh and hours of each demand, hours of counties, hours of limiting branches.

    ``programmes`` is how many steps needed the linear programme.
    """

    programmes: int
    demand_mwh: Floats = axes("years", "demands")
    demand_h: Floats = axes("years", "demands")
    county_h: Floats = axes("years", "counties")
    binding_h: Floats = axes("years", "branches")

    def followed_by(self, later: Where) -> Where:
        """Return this sample continued by later years."""
        names = ("demand_mwh", "demand_h", "county_h", "binding_h")
        return Where(
            programmes=self.programmes + later.programmes,
            **{name: np.vstack([getattr(self, name), getattr(later, name)]) for name in names},
        )


class Networked(NamedTuple):
    """A system with a network as the kernels want it."""

    units: kernels.Units
    circuits: Circuits
    given: Given
    places: Places
    water: kernels.Water
    stores: kernels.Stores
    wires: Wires
    buses: int
    load_uncertainty: float


def networked(system: AdequacySystem, network: Network) -> Networked:
    """Return the arrays of the compiled walk at network level."""
    supply_bus = _supply_buses(system, network)
    at = {bus: place for place, bus in enumerate(supply_bus)}
    supplies, bus_of = len(supply_bus), network.bus_of
    row = np.array(
        [
            at[bus_of[plant]] if hydro == PLAIN else supplies + hydro
            for plant, hydro in zip(system.unit_plant, system.unit_hydro, strict=True)
        ],
        dtype=np.int64,
    )
    service = in_service_mw(system, row, supplies + len(system.hydros))
    gather = np.zeros((len(system.renewables), supplies))
    for r, name in enumerate(system.renewables):
        gather[r, at[bus_of[name]]] = 1.0
    return Networked(
        units_of(system, row),
        circuits_of(network),
        _given(system, network, service[:, :supplies] + system.renewable_mw @ gather),
        _places(system, network, supply_bus, at),
        water_of(system, service[:, supplies:]),
        stores_of(system),
        _wires(network),
        len(network.buses),
        system.load_uncertainty,
    )


def sample_network(ready: Networked, study: kernels.Study, threads: int) -> tuple[Floats, Ints, Where]:
    """Return annual figures, steps of shortage by month and clock hour [288], and where they are.

    Blocks of years are walked side by side; each writes its own rows, so no figure depends on ``threads``. Raises
    ``InvariantError`` when a step could not be solved: the programme always has a solution.
    """
    starts = range(0, len(study.load_factor), kernels.BLOCK)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda start: _walk_block(ready, study, start), starts))
    failed = sum(int(part.solved[1]) for part in parts)
    if failed:
        raise InvariantError(f"adequacy: the programme of {failed} steps was not solved")
    where = Where(
        programmes=sum(int(part.solved[0]) for part in parts),
        demand_mwh=np.vstack([part.demand_mwh for part in parts]),
        demand_h=np.vstack([part.demand_h for part in parts]),
        county_h=np.vstack([part.county_h for part in parts]),
        binding_h=np.vstack([part.binding_h for part in parts]),
    )
    cells = np.sum([part.cells for part in parts], axis=0)
    return np.vstack([part.rows for part in parts]), cells, where


def _walk_block(ready: Networked, study: kernels.Study, start: int) -> Tally:
    """Return the tally of one block of years."""
    factors = study.load_factor[start : start + kernels.BLOCK]
    part = study._replace(first_year=study.first_year + start, load_factor=factors.copy())
    years, demands = len(factors), len(ready.places.demand_bus)
    tally = Tally(
        rows=np.zeros((years, kernels.COLUMNS)),
        demand_mwh=np.zeros((years, demands)),
        demand_h=np.zeros((years, demands)),
        county_h=np.zeros((years, ready.places.counties)),
        binding_h=np.zeros((years, len(ready.wires.parallel))),
        cells=np.zeros(288, np.int64),
        solved=np.zeros(2, np.int64),
    )
    walk_years(ready.units, ready.circuits, part, _scene(ready), tally)
    return tally


def _scene(ready: Networked) -> Scene:
    """Return what a step needs, with memory of its own."""
    buses, branches, columns = ready.buses, len(ready.wires.parallel), len(ready.places.bus)
    _, steps, supplies = ready.given.supply_mw.shape
    hydros, stores, demands = ready.water.free_mwh.shape[1], len(ready.stores.keep), len(ready.places.demand_bus)
    desk = Desk(
        supply=np.zeros(supplies),
        spare=np.zeros(hydros),
        charge=np.zeros(stores),
        demand=np.zeros(demands),
        relief=np.zeros(demands),
        content=np.zeros(stores),
        left=np.zeros(hydros),
        injection=np.zeros(buses),
        flow=np.zeros(branches),
        base_flow=np.zeros(branches),
        high=np.zeros(columns),
        price=np.zeros(columns),
        x=np.zeros(columns),
        scratch=np.zeros(columns),
        row_branch=np.zeros(buses + branches, np.int64),
        out=np.zeros(branches, np.int64),
        lost=np.zeros((supplies + hydros, steps + 1)),
        change=np.zeros((steps + 1, branches + 1), np.int64),
    )
    topology = Topology(
        island=np.zeros(buses, np.int64),
        islands=np.zeros(1, np.int64),
        factor=np.zeros((buses, branches)),
        limit_mw=np.zeros(branches),
        inverse=np.zeros((buses, buses)),
    )
    return Scene(*ready[2:7], topology, desk, new_programme(buses + branches, columns))


def circuits_of(network: Network) -> Circuits:
    """Return every circuit by itself."""
    branch = np.repeat(np.arange(len(network.branches)), network.circuits)
    number = np.concatenate([np.arange(count) for count in network.circuits])
    names = [f"{network.branches[b].name} circuit {n + 1}" for b, n in zip(branch, number, strict=True)]
    unavailability = network.mean_down_h / (network.mean_up_h + network.mean_down_h)
    return Circuits(
        key=keys_of(names),
        branch=branch,
        zone=network.zone[branch],
        unavailability=unavailability[branch],
        mean_up_h=network.mean_up_h[branch],
        mean_down_h=network.mean_down_h[branch],
    )


def _wires(network: Network) -> Wires:
    return Wires(
        np.array(network.from_bus),
        np.array(network.to_bus),
        np.array(network.susceptance),
        np.array(network.limit_mw),
        network.circuits.astype(np.float64),
    )


def aged_h(network: Network, step_h: float) -> Floats:
    """Return the weighted hours up to each step [weathers × zones × (steps + 1)].

    They are scaled so that a zone ages by one hour per hour on the mean of all weather years: the published rate,
    a mean over all weather, is kept, and its failures gather in ice.
    """
    weight = network.ageing / network.ageing.mean(axis=(0, 1))
    aged = np.zeros((weight.shape[0], weight.shape[2], weight.shape[1] + 1))
    np.cumsum(weight.transpose(0, 2, 1) * step_h, axis=2, out=aged[:, :, 1:])
    return aged


def _supply_buses(system: AdequacySystem, network: Network) -> list[int]:
    """Return the buses at which there is or may be supply: of plants, renewables and loads (for firm power)."""
    named = [network.bus_of[name] for name in (*system.unit_plant, *system.hydros, *system.renewables)]
    return sorted({*named, *network.demand_bus[: network.loads].tolist()})


def _given(system: AdequacySystem, network: Network, supply_mw: Floats) -> Given:
    time, measures = system.time, system.measures
    return Given(
        supply_mw=supply_mw,
        load_mw=np.array(system.load_mw),
        response_mw=np.array(system.response_mw),
        load_share=np.array(network.load_share),
        export_mw=system.export_mw[:, None] * network.export_share,
        aged_h=aged_h(network, time.step_h),
        day=np.array(time.day),
        cell=(time.month - 1) * 24 + time.hour_of_day,
        step_h=time.step_h,
        uses_storage="storage" in measures,
        uses_response="response" in measures,
        uses_export="export" in measures,
    )


def _places(system: AdequacySystem, network: Network, supply_bus: list[int], at: dict[int, int]) -> Places:
    hydro_bus = [network.bus_of[name] for name in system.hydros]
    store_bus = [network.bus_of[name] for name in system.storages]
    demand_bus = network.demand_bus.tolist()
    shares = np.repeat(demand_bus, SHARES).tolist()
    sign = np.ones(len(supply_bus) + len(hydro_bus) + 2 * len(store_bus) + len(demand_bus) * (1 + SHARES))
    first_charge = len(supply_bus) + len(hydro_bus)
    sign[first_charge : first_charge + len(store_bus)] = -1.0
    return Places(
        bus=np.array([*supply_bus, *hydro_bus, *store_bus, *store_bus, *demand_bus, *shares], dtype=np.int64),
        sign=sign,
        price=_prices(system, network, len(supply_bus)),
        demand_bus=np.array(network.demand_bus),
        county=np.array(network.county),
        demand_supply=np.array([at.get(bus, 0) for bus in demand_bus], dtype=np.int64),
        hydro_supply=np.array([at[bus] for bus in hydro_bus], dtype=np.int64),
        loads=network.loads,
        counties=len(network.counties),
    )


def _prices(system: AdequacySystem, network: Network, supplies: int) -> Floats:
    """Return the price of each column in the order of ``Places``; a little dearer from one to the next."""
    demands, stores = len(network.demands), len(system.storages)
    price_of = {name: PRICE_OF_WATER * PRICE_RATIO ** (1 + rank) for rank, name in enumerate(system.measures)}
    unserved = PRICE_OF_WATER * PRICE_RATIO ** (1 + len(system.measures))
    relief = [price_of.get("response" if d < network.loads else "export", unserved) for d in range(demands)]
    price = np.concatenate(
        [
            RANKING * np.arange(1, supplies + 1) / supplies,
            np.full(len(system.hydros), PRICE_OF_WATER),
            np.full(stores, PRICE_OF_CHARGING),
            np.full(stores, price_of.get("storage", unserved)),
            np.array(relief),
            unserved * (1 + SHARE_PRICE * np.tile(np.arange(SHARES), demands)),
        ]
    )
    return np.asarray(price * (1 + 1e-7 * np.arange(len(price))))
