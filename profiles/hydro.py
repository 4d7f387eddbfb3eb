"""Annual inflow energy and its months → energy that each hydro plant releases per day.

    annual energy × month share × wet or dry year → natural inflow of the day
    + outflow of the plant upstream, as many hours ago as the water takes → inflow of the day, of the month
    → reservoir: release as even as the storage allows → release of the month → budget of the day

The dispatch places a day's budget within the day. What neither the turbines can take nor the reservoir can hold is
spilled; it is counted, and reaches the plant downstream like what is released.
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
class WaterYear:
    """The calendar year of a plant, day by day: energy released through the turbines, and spilled, GWh."""

    release_gwh: Floats = axes("days")
    spilled_gwh: Floats = axes("days")


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
    years = water_years(scenario, energies)
    time = scenario.time
    hours, first = _hours_of_days(time), int(time.day_of_year[0]) - 1
    days = slice(first, first + len(hours))
    release = [years[row.plant_id].release_gwh[days] * 1e3 for row in energies]
    budget = np.zeros((len(hours), 0)) if not release else np.stack(release, axis=1) * hours[:, None] / 24.0
    return HydroOutput(
        tuple(plant.plant_id for plant in plants),
        budget,
        minimum_mw=budget / hours[:, None] * np.array([row.minimum_share for row in energies]),
        spilled_gwh=np.array([(years[row.plant_id].spilled_gwh[days] * hours / 24.0).sum() for row in energies]),
    )


def water_years(scenario: Scenario, rows: Sequence[HydroEnergy]) -> dict[str, WaterYear]:
    """Return the year of each plant of ``rows``, and of all plants upstream of them that are in service."""
    energy_of = {row.plant_id: row for row in scenario.tables.hydro_energy}
    plants = {item.plant_id: item for item in scenario.tables.plants if item.in_service(scenario.year)}
    years: dict[str, WaterYear] = {}
    for row in rows:
        river = [row]
        while river[-1].upstream in plants:
            river.append(energy_of[river[-1].upstream])
        for part in reversed(river):
            if part.plant_id not in years:
                above = years.get(part.upstream)
                years[part.plant_id] = _water_year(scenario, plants[part.plant_id], part, above)
    return years


def _water_year(scenario: Scenario, plant: Plant, energy: HydroEnergy, above: WaterYear | None) -> WaterYear:
    """Return the year of a plant; without storage it passes the inflow of every day, else it is even in a month."""
    month = _months_of_year(scenario.year)
    inflow_gwh = _inflow_gwh(scenario, energy, above)
    by_month = np.bincount(month, inflow_gwh, 12).astype(np.float64)
    year = reservoir_year(by_month, energy.reservoir_gwh, _capacity_gwh(scenario, plant))
    part = (1.0 / np.bincount(month, minlength=12))[month]
    if energy.reservoir_gwh == 0.0:
        part = np.divide(inflow_gwh, by_month[month], out=part, where=by_month[month] > 0.0)
    return WaterYear(year.release_gwh[month] * part, year.spilled_gwh[month] * part)


def delayed(outflow: Floats, delay_h: float) -> Floats:
    """Return what arrives each day [days] of what leaves upstream evenly over each day, ``delay_h`` later.

    With a delay of d hours below 24, (24 − d)/24 arrive on the same day and d/24 on the next. The year is a circle,
    as for the reservoirs.
    """
    days, part = divmod(delay_h / 24.0, 1.0)
    sooner, later = np.roll(outflow, int(days)), np.roll(outflow, int(days) + 1)
    return np.asarray((1.0 - part) * sooner + part * later)


def _energy_rows(plants: Sequence[Plant], rows: Sequence[HydroEnergy]) -> list[HydroEnergy]:
    by_plant = {row.plant_id: row for row in rows}
    missing = [plant.plant_id for plant in plants if plant.plant_id not in by_plant]
    if missing:
        raise DataError(
            Problem("hydro_energy.csv", f'hydro plant "{name}" has no row', "add its annual inflow energy")
            for name in missing
        )
    return [by_plant[plant.plant_id] for plant in plants]


def _inflow_gwh(scenario: Scenario, energy: HydroEnergy, above: WaterYear | None) -> Floats:
    """Return the inflow of each day of the year, GWh; the shares of months are taken relative to their sum.

    Without the plant upstream (``above``) in service, its part of the water comes as nature sends it.
    """
    shares = np.zeros(12)
    for row in scenario.tables.hydro_months:
        shares[row.month - 1] = row.share
    month = _months_of_year(scenario.year)
    part = (shares / shares.sum() / np.bincount(month, minlength=12))[month]
    if above is not None:
        outflow = above.release_gwh + above.spilled_gwh
        sent = delayed(outflow / max(outflow.sum(), 1e-300), energy.delay_h)
        part = (1.0 - energy.upstream_share) * part + energy.upstream_share * sent
    return np.asarray(energy.annual_gwh * scenario.settings.hydro.inflow_factor * part)


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


def _months_of_year(year: int) -> Ints:
    """Return the month, 0 … 11, of every day of a calendar year."""
    return TimeAxis.of_year(year).month[::24] - 1
