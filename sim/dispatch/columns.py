"""Case, running units and limits → the columns of the linear programme: the same kinds in every step.

A column is a power (MW) or a content (MWh) of one thing in one step, with price, bounds, sign in the balance, and
the flow it causes in the rows of the network. ``docs/explanation/dispatch.md`` has the table of all kinds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scenarios.records import Floats, Ints
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, PartLoad

NO_BOUND = 1e9
"""More MWh than anything can owe: stands for no bound."""

DAYS_OF_MONTH = 365.0 / 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Columns of one sort: price CNY/MWh [things], most MW or MWh [hours × things], sign in the balance (0: none).

    ``reach`` [rows × things] is the flow in each row of the network per MW injected; the columns themselves act
    ``sign`` times that. Things with equal ``marks`` [marks × things] may become one column. ``least`` is 0 unless
    given. ``end_price`` is paid per MWh at the end of a window.
    """

    name: str
    price: Floats
    most: Floats
    sign: float
    reach: Floats
    marks: Floats | None = None
    least: Floats | None = None
    end_price: float = 0.0


def kinds_of(case: DispatchCase, units_on: Ints, limits: NetworkLimits, first_mwh: Floats | None) -> Iterator[Kind]:
    """Yield all kinds.

    ``first_mwh`` [storages] are contents before the first step: only equally full storages may be one; without it
    every storage is by itself.
    """
    yield from _coal(case, units_on, limits)
    yield from _hydro(case, limits)
    yield from _exports(case, limits)
    yield from _demand(case, limits)
    if case.flexibles:
        yield from _flexible(case, limits)
    yield from _shift(case, limits.loads @ moved_share(case))
    yield from _stores(case, limits, first_mwh)
    if case.rules.export_balance != "none":
        yield from _account(case, limits)


def load_share(case: DispatchCase) -> Floats:
    """Return each load's share of the load of the step [hours × loads]."""
    total = case.load_mw.sum(axis=1, keepdims=True)
    if (total > 0.0).all():  # to look first is quicker
        return np.asarray(case.load_mw / total)
    return np.asarray(np.divide(case.load_mw, total, out=np.zeros_like(case.load_mw), where=total > 0.0))


def moved_share(case: DispatchCase) -> Floats:
    """Return each load's share of all load of the axis [loads]: in this proportion load is moved, or called."""
    return np.asarray(case.load_mw.sum(axis=0) / max(case.load_mw.sum(), 1e-300))


def called_most_mw(case: DispatchCase, at_places: bool) -> Floats:
    """Return what the blocks on call can shed [hours × calls], MW.

    ``at_places``: loads respond in the constant proportion of ``moved_share``, none with more than it takes.
    """
    limit = case.call_limit_mw.copy()
    if not at_places or not len(case.calls):
        return limit
    share = moved_share(case)
    there = share > 0.0
    left = (case.load_mw[:, there] / share[there]).min(axis=1, initial=np.inf)
    for k in np.argsort(case.calls.price_cny_per_mwh, kind="stable"):
        limit[:, k] = np.minimum(limit[:, k], left)
        left = left - limit[:, k]
    return limit


def called_day_mw(case: DispatchCase) -> Floats:
    """Return the mean power that the hours of the day allow each block [days × calls], MW."""
    mean = case.calls.power_mw * case.calls.hours_per_day / 24.0
    return np.tile(mean, (len(case.day_hours), 1))


def knee_pu(case: DispatchCase) -> Floats:
    """Return where coal becomes dearer, per unit of capacity and not below the minimum [coal]; 1: nowhere."""
    part_load = case.part_load
    return np.ones(len(case.coal)) if part_load is None else np.maximum(part_load.knee_pu, case.coal_minimum_pu)


def _coal(case: DispatchCase, units_on: Ints, limits: NetworkLimits) -> Iterator[Kind]:
    """Coal up to its minimum, up to its knee, and above; where the minimum lies above the knee it is dearer."""
    capacity, minimum, knee = units_on * case.coal_unit_mw, case.coal_minimum_pu, knee_pu(case)
    yield Kind("coal_low", case.coal_cost - case.price_below_minimum, capacity * minimum, 1.0, limits.coal)
    yield Kind("coal_up", case.coal_cost, capacity * (knee - minimum), 1.0, limits.coal)
    if case.part_load is not None:
        yield _coal_top(case.part_load, capacity * (1.0 - knee), limits)


def _coal_top(part_load: PartLoad, most: Floats, limits: NetworkLimits) -> Kind:
    return Kind("coal_top", part_load.upper_cost, most, 1.0, limits.coal)


def _hydro(case: DispatchCase, limits: NetworkLimits) -> Iterator[Kind]:
    count, day = len(case.hydros), case.time.day
    free = np.maximum(case.hydro_capacity_mw - case.hydro_minimum_mw, 0.0)
    least = np.full(count, -case.price_hydro_minimum)
    own_water = np.arange(count, dtype=np.float64)[None, :]
    yield Kind("must_run", least, case.hydro_minimum_mw[day], 1.0, limits.hydros)
    yield Kind("water", np.full(count, -case.price_spilled), free[day], 1.0, limits.hydros, own_water)


def _exports(case: DispatchCase, limits: NetworkLimits) -> Iterator[Kind]:
    up = np.maximum(case.export_high_mw - case.export_mw, 0.0)
    down = np.maximum(case.export_mw - case.export_low_mw, 0.0)
    ones = np.ones(len(case.channels))
    # What has an account or a ramp of its own must stay a column of its own.
    rules = case.rules
    own = rules.export_balance != "none" or rules.export_ramp_mw_per_h is not None
    marks = np.arange(len(ones), dtype=np.float64)[None, :] if own else None
    yield Kind("export_up", case.price_export_up * ones, up, -1.0, limits.channels, marks)
    yield Kind("export_down", case.price_export_down * ones, down, 1.0, limits.channels, marks)
    yield Kind("export_cut", case.price_export_cut * ones, case.export_low_mw, 1.0, limits.channels, marks)


def _demand(case: DispatchCase, limits: NetworkLimits) -> Iterator[Kind]:
    shed, ones = load_share(case) * case.shed_limit_mw[:, None], np.ones(len(case.loads))
    unserved = np.maximum(case.load_mw - shed, 0.0)
    curtailed = np.full(len(case.renewables), -case.price_curtailed)
    relief = np.array([case.price_loss_relief])
    yield Kind("renewables", curtailed, case.available_mw, 1.0, limits.renewables)
    yield Kind("shed", case.price_shed * ones, shed, 1.0, limits.loads)
    if case.calls:
        yield _called(case, limits)
    yield Kind("unserved", case.price_unserved * ones, unserved, 1.0, limits.loads)
    yield Kind("relief", relief, case.loss_mw[:, None], 1.0, limits.loss[:, None])


def _called(case: DispatchCase, limits: NetworkLimits) -> Kind:
    """Return load that is shed on call, by block: by all loads together, each block with energies of its own."""
    count = len(case.calls)
    reach = np.repeat((limits.loads @ moved_share(case))[:, None], count, axis=1)
    most = called_most_mw(case, at_places=bool(limits.rows))
    own = np.arange(count, dtype=np.float64)[None, :]
    return Kind("called", case.calls.price_cny_per_mwh, most, 1.0, reach, own)


def _flexible(case: DispatchCase, limits: NetworkLimits) -> Iterator[Kind]:
    """Return what flexible loads do without (all of their power is asked for), what they miss, and what is cut.

    Doing without costs what a MWh beyond the target is worth; missed energy the rest of its price.
    """
    loads, steps = case.flexible, (len(case.time), 1)
    own = np.arange(len(loads.names), dtype=np.float64)[None, :]
    value, more = loads.value_cny_per_mwh, loads.missed_cny_per_mwh - loads.value_cny_per_mwh
    cut = np.full(len(loads.names), case.price_flexible_cut)
    ever = np.full((len(case.time), len(loads.names)), NO_BOUND)
    yield Kind("without", value, np.tile(loads.free_mw, steps), 1.0, limits.flexibles, own)
    yield Kind("missed", more, ever, 0.0, limits.flexibles, own)
    yield Kind("flexible_cut", cut, np.tile(loads.minimum_mw, steps), 1.0, limits.flexibles, own)


def _shift(case: DispatchCase, reach: Floats) -> Iterator[Kind]:
    """Return moved load and the energy moved so far (negative: taken back later); nothing is open at midnight."""
    price, limit = np.array([case.price_shift]), case.shift_limit_mw[:, None]
    most = np.full((len(case.time), 1), case.shift_energy_mwh)
    most[day_ends(case)] = 0.0
    yield Kind("shift_up", price, limit, -1.0, reach[:, None])
    yield Kind("shift_down", price, limit, 1.0, reach[:, None])
    yield Kind("shift_level", np.zeros(1), most, 0.0, reach[:, None], least=-most)


def _stores(case: DispatchCase, limits: NetworkLimits, first_mwh: Floats | None) -> Iterator[Kind]:
    by_itself = np.arange(len(case.storages), dtype=np.float64)
    marks = np.stack(
        [
            case.storage_charge_efficiency,
            case.storage_discharge_efficiency,
            case.storage_self_discharge_per_h,
            case.storage_energy_mwh / case.storage_power_mw,
            by_itself if first_mwh is None else first_mwh / case.storage_energy_mwh,
        ]
    )
    steps = (len(case.time), 1)
    power, energy = np.tile(case.storage_power_mw, steps), np.tile(case.storage_energy_mwh, steps)
    price, value = np.full(len(case.storages), case.price_storage), case.rules.storage_end_cny_per_mwh
    yield Kind("charge", price, power, -1.0, limits.storages, marks)
    yield Kind("discharge", price, power, 1.0, limits.storages, marks)
    yield Kind("level", np.zeros(len(price)), energy, 0.0, limits.storages, marks, end_price=-value)


def _account(case: DispatchCase, limits: NetworkLimits) -> Iterator[Kind]:
    """Return what channels sent beyond their contract so far, MWh: bounded at midnight or (by month) always.

    What scarcity keeps a channel from sending later is forgiven, at the price of sending less than the band.
    """
    count = len(case.channels)
    most = np.tile(account_bound_mwh(case), (len(case.time), 1))
    if case.rules.export_balance == "day":
        inside = np.ones(len(case.time), dtype=bool)
        inside[day_ends(case)] = False
        most[inside] = NO_BOUND
    own = np.arange(count, dtype=np.float64)[None, :]
    yield Kind("account", np.zeros(count), most, 0.0, limits.channels, own, least=-most)
    ever = np.full_like(most, NO_BOUND)
    yield Kind("forgiven", np.full(count, case.price_export_cut), ever, 0.0, limits.channels, own)


def account_bound_mwh(case: DispatchCase) -> Floats:
    """Return how far a channel's account may stand off zero, MWh [channels]: a share of a mean day or month."""
    days = 1.0 if case.rules.export_balance == "day" else DAYS_OF_MONTH
    return np.asarray(case.rules.export_tolerance * 24.0 * days * mean_contract_mw(case))


def mean_contract_mw(case: DispatchCase) -> Floats:
    """Return the mean contract of each channel, MW [channels]."""
    return np.asarray(case.export_mw.mean(axis=0) if case.export_mean_mw is None else case.export_mean_mw)


def day_ends(case: DispatchCase) -> Ints:
    """Return the last step of every day."""
    return np.flatnonzero(np.diff(case.time.day, append=-1))
