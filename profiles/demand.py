"""Peaks of the loads, a typical shape of the day, the calendar and the temperature → demand at every load.

    peak × ( shape by month, type of day and hour × weekend or Spring Festival, flatter where industry is )
    + heating below the limit temperature                → MW
    MW × tan φ × (1 − compensation)                      → Mvar

The shape is a table relative to the annual peak before heating. Heating is a straight line in the daily mean
temperature of the county's weather site and goes to the part of the load that is not industry.
"""

from __future__ import annotations

import numpy as np

from profiles.calendar import is_spring_festival, is_weekend
from profiles.records import Weather
from scenarios.errors import DataError, Problem, did_you_mean
from scenarios.records import Bools, Floats, axes, record
from scenarios.schema import Scenario
from scenarios.settings import LoadModel
from scenarios.tables import LoadShape
from scenarios.timeaxis import TimeAxis

WORKDAY, WEEKEND = 0, 1
_DAY_TYPES = {"workday": WORKDAY, "weekend": WEEKEND}


@record
class DemandOutput:
    """Active and reactive power asked at the loads."""

    loads: tuple[str, ...]
    load_mw: Floats = axes("hours", "loads")
    load_mvar: Floats = axes("hours", "loads")


@record
class LoadShares:
    """How the region's load splits: share of the ordinary load and of heating; each adds up to 1.

    ``swing`` is how much a load moves with the region's: above 1 where there is little industry, 0 where there is
    nothing else.
    """

    ordinary: Floats = axes("loads")
    heating: Floats = axes("loads")
    swing: Floats = axes("loads")


def generate_demand(scenario: Scenario, weather: Weather) -> DemandOutput:
    """Return the demand of the scenario's loads, in the order of the table.

    With ``load.annual_gwh`` the curve is scaled so that the whole calendar year has this energy before heating, so
    that a part of a year equals the same hours of the whole. ``scale.load`` multiplies all.

    Raises ``DataError`` for an incomplete load shape, an unknown county, or a shape that industry makes negative.
    """
    loads, model = scenario.tables.loads, scenario.settings.load
    _check_counties(scenario)
    shares = load_shares(scenario)
    table = shape_table(scenario.tables.load_shape)
    curve = regional_curve(table, model, weather.time) * peak_mw(table, model, scenario.year)
    mean = float(curve_of_year(table, model, scenario.year).mean()) * peak_mw(table, model, scenario.year)
    load_mw = shares.ordinary * (mean + shares.swing * (curve - mean)[:, None])
    _check_sign(load_mw, shares)
    load_mw = (load_mw + heating_mw(scenario, weather, shares)) * scenario.settings.scale.load
    tangent = np.array([np.tan(np.arccos(load.power_factor)) * (1.0 - load.compensation) for load in loads])
    return DemandOutput(tuple(load.load_id for load in loads), load_mw, load_mw * tangent)


def load_shares(scenario: Scenario) -> LoadShares:
    """Return how the region's load splits over the loads, by their peaks and industrial shares."""
    loads = scenario.tables.loads
    peaks = np.array([load.peak_mw for load in loads])
    homes = np.array([1.0 - load.industrial_share for load in loads])
    ordinary = peaks / peaks.sum() if peaks.sum() > 0 else np.zeros_like(peaks)
    flexible = ordinary * homes
    average = flexible.sum()
    if average == 0:
        return LoadShares(ordinary, ordinary, np.ones_like(ordinary))
    return LoadShares(ordinary, flexible / average, homes / average)


def shape_table(rows: tuple[LoadShape, ...]) -> Floats:
    """Return the load shape as ``[12 months × 2 day types × 24 hours]``; raises ``DataError`` naming gaps."""
    table = np.full((12, 2, 24), np.nan)
    for row in rows:
        table[row.month - 1, _DAY_TYPES[row.day_type], row.hour] = row.load_pu
    missing = [
        Problem("load_shape.csv", f"month {month + 1}, {kind}: {gaps} of 24 hours are missing", "add the rows")
        for month in range(12)
        for kind, column in _DAY_TYPES.items()
        if (gaps := int(np.isnan(table[month, column]).sum()))
    ]
    if missing:
        raise DataError(missing)
    return table


def regional_curve(table: Floats, model: LoadModel, time: TimeAxis) -> Floats:
    """Return the region's ordinary load ``[hours]`` relative to ``load.peak_mw``.

    The hours of the table are means of clock hours; shorter steps are read off the straight lines between the
    middles of hours, so that there is no jump at every full hour.
    """
    weekend, festival = is_weekend(time), is_spring_festival(time)
    calendar = np.where(festival, model.spring_festival_factor, np.where(weekend, model.weekend_factor, 1.0))
    return _read_table(table, time, weekend | festival) * calendar


def _read_table(table: Floats, time: TimeAxis, rest_day: Bools) -> Floats:
    hour = (time.start.hour + (np.arange(len(time)) + 0.5) * time.step_h) % 24 - 0.5
    before = np.floor(hour).astype(np.int64)
    share = hour - before
    month, kind = time.month - 1, rest_day.astype(np.int64)
    low, high = table[month, kind, before % 24], table[month, kind, (before + 1) % 24]
    return np.asarray((1.0 - share) * low + share * high)


def curve_of_year(table: Floats, model: LoadModel, year: int) -> Floats:
    """Return the region's ordinary load of the whole calendar year by hours, relative to ``load.peak_mw``."""
    return regional_curve(table, model, TimeAxis.of_year(year))


def peak_mw(table: Floats, model: LoadModel, year: int) -> float:
    """Return the power that 1.0 in the curve stands for: ``load.peak_mw``, or what ``load.annual_gwh`` asks."""
    if model.annual_gwh is None:
        return model.peak_mw
    return model.annual_gwh * 1e3 / float(curve_of_year(table, model, year).sum())


def heating_mw(scenario: Scenario, weather: Weather, shares: LoadShares) -> Floats:
    """Return the heating load ``[hours × loads]``, MW: ``heating_mw_per_k`` for every K below the limit.

    Heating degrees after the degree-day method (ASHRAE Handbook Fundamentals, ch. 19). The daily mean is taken at
    noon and joined by straight lines: buildings are slow, and there is no step at midnight.
    """
    model = scenario.settings.load
    sites = [scenario.counties[load.county].weather_site for load in scenario.tables.loads]
    columns = [weather.sites.index(site) for site in sites]
    cold_k = np.maximum(model.heating_limit_c - daily_temperature(weather), 0.0)
    return np.asarray(model.heating_mw_per_k * cold_k[:, columns] * shares.heating)


def daily_temperature(weather: Weather) -> Floats:
    """Return the daily mean temperature ``[hours × sites]``, °C, straight between the middles of the days."""
    day = weather.time.day
    counts = np.bincount(day)
    order = np.arange(len(day))
    middle = np.bincount(day, weights=order) / counts
    means = [np.bincount(day, weights=column) / counts for column in weather.temp_air_c.T]
    return np.column_stack([np.interp(order, middle, mean) for mean in means])


def _check_counties(scenario: Scenario) -> None:
    problems = [
        Problem(f"loads.csv ({load.load_id})", f'"{load.county}" is not in counties.csv', cure)
        for load in scenario.tables.loads
        if load.county not in scenario.counties
        for cure in [did_you_mean(load.county, scenario.counties)]
    ]
    if problems:
        raise DataError(problems)


def _check_sign(load_mw: Floats, shares: LoadShares) -> None:
    if (load_mw < 0).any():
        raise DataError(
            Problem(
                "loads.csv, load_shape.csv",
                f"the load without industry swings {shares.swing.max():.2f} times the region's and falls below 0",
                "raise the night values of load_shape.csv, or bring the industrial shares closer together",
            )
        )
