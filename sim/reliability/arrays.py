"""``AdequacySystem`` → the arrays of units, water and stores that both compiled walks take.

Arrays are copies, so that the kernels are compiled for one layout only.
"""

from __future__ import annotations

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.records import Bools, Floats, Ints
from sim.reliability import kernels
from sim.reliability.system import PLAIN, AdequacySystem, keys_of


def one_row(system: AdequacySystem) -> Ints:
    """Return the row of each unit when there is one node: 0 for plain units, then one for each hydro plant."""
    return np.asarray(system.unit_hydro - PLAIN)


def in_service_mw(system: AdequacySystem, row: Ints, rows: int) -> Floats:
    """Return capacity not in planned maintenance [steps × rows], given the row of each unit."""
    change = np.zeros((len(system.time) + 1, rows))
    for u, capacity in enumerate(system.capacity_mw):
        column = row[u]
        change[0, column] += capacity
        change[system.out_from[u], column] -= capacity
        change[system.out_to[u], column] += capacity
    # Sums of unit capacities, cleaned from the rounding dust of adding and taking off.
    return np.asarray(np.round(np.cumsum(change[:-1], axis=0), 9))


def units_of(system: AdequacySystem, row: Ints) -> kernels.Units:
    """Return the units; an outage is entered into the ``row`` of its unit."""
    return kernels.Units(
        key=keys_of(system.units),
        unavailability=np.array(system.unavailability),
        mean_up_h=np.array(system.mean_up_h),
        mean_down_h=np.array(system.mean_down_h),
        lost_mw=np.array(system.capacity_mw),
        derated_lost_mw=np.array(system.capacity_mw - system.derated_mw),
        derated_share=np.array(system.derated_share),
        out_from=np.array(system.out_from),
        out_to=np.array(system.out_to),
        row=np.array(row),
    )


def water_of(system: AdequacySystem, power_mw: Floats) -> kernels.Water:
    """Return hydro: the must-run of the whole day is set aside, the rest of its water is free.

    ``power_mw`` is what the plants can give with all units up [steps × hydros].
    """
    hours = np.bincount(system.time.day) * system.time.step_h
    free = np.maximum(system.hydro_budget_mwh - system.hydro_minimum_mw * hours[:, None], 0.0)
    return kernels.Water(power_mw.copy(), free, np.array(system.hydro_minimum_mw))


def stores_of(system: AdequacySystem) -> kernels.Stores:
    """Return every store by itself."""
    return kernels.Stores(
        power_mw=np.array(system.storage_power_mw),
        energy_mwh=np.array(system.storage_energy_mwh),
        charge_efficiency=np.array(system.storage_charge_efficiency),
        discharge_efficiency=np.array(system.storage_discharge_efficiency),
        keep=(1 - system.storage_self_discharge_per_h) ** system.time.step_h,
    )


def merged_stores(system: AdequacySystem) -> kernels.Stores:
    """Return stores with those of one kind (hours, efficiencies, self-discharge) added up: they act as one."""
    kinds = np.column_stack(
        [
            system.storage_energy_mwh / system.storage_power_mw,
            system.storage_charge_efficiency,
            system.storage_discharge_efficiency,
            (1 - system.storage_self_discharge_per_h) ** system.time.step_h,
        ]
    )
    _, first, kind = np.unique(np.round(kinds, 12), axis=0, return_index=True, return_inverse=True)
    of_kind: Bools = kind.reshape(-1)[None, :] == np.arange(len(first))[:, None]
    return kernels.Stores(
        power_mw=of_kind @ system.storage_power_mw,
        energy_mwh=of_kind @ system.storage_energy_mwh,
        charge_efficiency=kinds[first, 1],
        discharge_efficiency=kinds[first, 2],
        keep=kinds[first, 3],
    )
