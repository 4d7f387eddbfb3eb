"""Annual inflow energy and its months → energy that each hydro plant releases per day.

    annual energy × month share × wet or dry year → natural inflow of the month
    → reservoir: release as even as the storage allows → release of the month → budget of the day

The dispatch places a day's budget within the day. What neither the turbines can take nor the reservoir can hold is
spilled; it is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenarios.errors import DataError, Problem
from scenarios.records import Floats, Ints, axes, record
from scenarios.schema import Scenario
from scenarios.tables import HydroEnergy, Plant
from scenarios.timeaxis import TimeAxis

USABLE_CAPACITY = 0.95
"""Most of its capacity that a plant can run at over a whole day (one unit in maintenance at times)."""

SETTLED_GWH = 1e-9
MOST_CYCLES = 1000
"""The reservoir's year is repeated until it ends as it began; each round moves it by the year's imbalance."""


@record
class HydroOutput:
    """Energy to release per day, the least power to keep, and what is spilled in the simulated time."""

    plants: tuple[str, ...]
    budget_mwh: Floats = axes("days", "plants")
    minimum_mw: Floats = axes("days", "plants")
    spilled_gwh: Floats = axes("plants")


@record
class ReservoirYear:
    """A year of a reservoir that ends as it began; months in order, energy in GWh, storage at the month's end."""

    release_gwh: Floats = axes("months")
    spilled_gwh: Floats = axes("months")
    storage_gwh: Floats = axes("months")


def generate_hydro(scenario: Scenario) -> HydroOutput:
    """Return budgets of the scenario's hydro plants, in the order of the plant table.

    Raises ``DataError`` naming all plants without a row in ``hydro_energy.csv``.
    """
    plants = scenario.plants_of("hydro")
    energies = _energy_rows(plants, scenario.tables.hydro_energy)
    time = scenario.time
    hours = _hours_of_days(time)
    month_of_day = _month_of_days(time)
    budget, minimum = np.zeros((2, len(hours), len(plants)))
    spilled = np.zeros(len(plants))
    for i, (plant, energy) in enumerate(zip(plants, energies, strict=True)):
        year = reservoir_year(_inflow_gwh(scenario, energy), energy.reservoir_gwh, _capacity_gwh(scenario, plant))
        per_hour = 1e3 / _hours_of_months(scenario.year)
        budget[:, i] = (year.release_gwh * per_hour)[month_of_day - 1] * hours
        minimum[:, i] = energy.minimum_share * budget[:, i] / hours
        spilled[i] = ((year.spilled_gwh * per_hour)[month_of_day - 1] * hours).sum() / 1e3
    return HydroOutput(tuple(plant.plant_id for plant in plants), budget, minimum, spilled)


def _energy_rows(plants: Sequence[Plant], rows: Sequence[HydroEnergy]) -> list[HydroEnergy]:
    by_plant = {row.plant_id: row for row in rows}
    missing = [plant.plant_id for plant in plants if plant.plant_id not in by_plant]
    if missing:
        raise DataError(
            Problem("hydro_energy.csv", f'hydro plant "{name}" has no row', "add its annual inflow energy")
            for name in missing
        )
    return [by_plant[plant.plant_id] for plant in plants]


def _inflow_gwh(scenario: Scenario, energy: HydroEnergy) -> Floats:
    """Return the natural inflow of each month, GWh; the shares are taken relative to their sum."""
    shares = np.zeros(12)
    for row in scenario.tables.hydro_months:
        shares[row.month - 1] = row.share
    return np.asarray(energy.annual_gwh * scenario.settings.hydro.inflow_factor * shares / shares.sum())


def _capacity_gwh(scenario: Scenario, plant: Plant) -> Floats:
    """Return what the turbines can generate in each month, GWh."""
    return USABLE_CAPACITY * plant.capacity_mw * _hours_of_months(scenario.year) / 1e3


def reservoir_year(inflow_gwh: Floats, reservoir_gwh: float, capacity_gwh: Floats) -> ReservoirYear:
    """Return a year of a reservoir that releases as evenly as it can and ends as it began (all GWh, by month).

    Mass balance by the linear operating rule (Loucks & van Beek 2017, Water Resource Systems Planning and
    Management, ch. 4): the target is the year's mean inflow in proportion to the month's capacity, so a reservoir
    that is large enough runs at constant power, and one of size 0 passes the inflow. Release is bounded by the
    water that is there and by the turbines; what no longer fits is spilled.
    """
    target = inflow_gwh.sum() * capacity_gwh / capacity_gwh.sum()
    start = reservoir_gwh / 2
    for _ in range(MOST_CYCLES):
        year = _operate(start, inflow_gwh, reservoir_gwh, target, capacity_gwh)
        if abs(year.storage_gwh[-1] - start) < SETTLED_GWH:
            break
        start = float(year.storage_gwh[-1])
    return year


def _operate(
    start_gwh: float, inflow_gwh: Floats, reservoir_gwh: float, target_gwh: Floats, capacity_gwh: Floats
) -> ReservoirYear:
    """Step through the months from a given storage."""
    release, spilled, storage = np.zeros((3, len(inflow_gwh)))
    stored = start_gwh
    for month, inflow in enumerate(inflow_gwh):
        water = stored + inflow
        wanted = max(target_gwh[month], water - reservoir_gwh)
        release[month] = min(wanted, water, capacity_gwh[month])
        spilled[month] = max(water - release[month] - reservoir_gwh, 0.0)
        stored = water - release[month] - spilled[month]
        storage[month] = stored
    return ReservoirYear(release, spilled, storage)


def _hours_of_months(year: int) -> Floats:
    return np.bincount(TimeAxis.of_year(year).month, minlength=13)[1:].astype(np.float64)


def _hours_of_days(time: TimeAxis) -> Floats:
    """Return how many hours of each calendar day are simulated: 24, less on days that are cut."""
    return np.asarray(np.bincount(time.day) * time.step_h, dtype=np.float64)


def _month_of_days(time: TimeAxis) -> Ints:
    first_of_day = np.flatnonzero(np.diff(time.day, prepend=-1))
    return time.month[first_of_day]
