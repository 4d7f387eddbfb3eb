"""Monthly normals and physics of a site → the relations that synthetic, derived and file weather share.

A site's weather is carried as a ``SiteSeries`` (one place, one time axis) until ``profiles.weather`` puts all
sites side by side. Here are the pieces used by more than one of its sources: the climate table as arrays, ridge
wind from normal scores, daily clearness, icing of turbine blades, pressure with height, keyed randomness.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.special import gamma, log_ndtr, ndtri

from profiles.records import Repair
from profiles.sun import Place, SunPosition, clear_sky_ghi, sun_at
from scenarios.errors import DataError, Problem
from scenarios.records import Bools, Floats, Ints, axes, record
from scenarios.schema import Scenario
from scenarios.settings import WeatherSite
from scenarios.timeaxis import TimeAxis

LAPSE_SITE_K_PER_KM = 5.5
"""Mean temperature gradient between stations of the region (weather normals of Weining and Bijie)."""
LAPSE_RIDGE_K_PER_KM = 6.5
"""Gradient from a site up to its ridges (International Standard Atmosphere, ISO 2533)."""
GRAVITY_MS2 = 9.80665
GAS_CONSTANT_DRY_AIR = 287.05  # J/(kg K), ISO 2533
DIURNAL_SWING = 0.10
DIURNAL_SWING_SPRING = 0.13
WINDIEST_CLOCK_HOUR = 23.0
"""Mountain masts of southern China are windiest at night, calmest around noon, with 1–2 m/s between them
(Journal of Natural Resources 2013, doi 10.11849/zrzyxb.2013.09.015); the basin station does the opposite.
"""


@record
class SiteSeries:
    """Weather of one site: as ``Weather``, without the axis of sites.

    ``pressure_pa`` holds at the site's elevation. ``dni_wm2`` is NaN where beam irradiance was not measured and
    shall be derived from ``ghi_wm2``. ``wind_ms`` is ridge wind at hub height; ``iced``: blades carry ice.
    """

    time: TimeAxis
    ghi_wm2: Floats = axes("hours")
    dni_wm2: Floats = axes("hours")
    temp_air_c: Floats = axes("hours")
    pressure_pa: Floats = axes("hours")
    wind_ms: Floats = axes("hours")
    iced: Bools = axes("hours", dtype=bool)
    origin: str
    repairs: tuple[Repair, ...]


@record
class SiteClimate:
    """Monthly normals of a site; ``wind_scale`` is the month's mean ridge wind over that of the year."""

    months: tuple[int, ...]
    ghi_kwh_m2: Floats = axes("months")
    temp_mean_c: Floats = axes("months")
    temp_range_k: Floats = axes("months")
    temp_sd_k: Floats = axes("months")
    wind_scale: Floats = axes("months")
    wind_weibull_k: Floats = axes("months")


@record
class Sky:
    """The sun and the cloudless irradiance of a site at the middle of each interval."""

    sun: SunPosition
    clear_ghi_wm2: Floats = axes("hours")


def place_of(site: WeatherSite) -> Place:
    """Return where a weather site is."""
    return Place(site.lat, site.lon, site.elevation_m)


def sky_of(site: WeatherSite, time: TimeAxis) -> Sky:
    """Return sun and clear sky of a site over an axis; the last few are kept, as several steps need them."""
    return _sky_at(place_of(site), time)


@lru_cache(maxsize=8)
def _sky_at(place: Place, time: TimeAxis) -> Sky:
    sun = sun_at(place, time.middles())
    return Sky(sun, clear_sky_ghi(place, sun))


def generator(seed: int, *item: str) -> np.random.Generator:
    """Return the random stream of ``(seed, item)``; other items and their order do not touch it."""
    return np.random.default_rng([seed, *(crc32(part.encode()) for part in item)])


def climate_of(scenario: Scenario, site: str) -> SiteClimate:
    """Return the climate table of a site.

    Raises ``DataError`` when ``weather_normals.csv`` does not have each month of the site exactly once.
    """
    rows = sorted((row for row in scenario.tables.weather_normals if row.site == site), key=lambda r: r.month)
    if [row.month for row in rows] != list(range(1, 13)):
        found = ", ".join(str(row.month) for row in rows) or "none"
        cure = "give one row for each month 1–12, or give the site a weather file with ridge wind"
        raise DataError(Problem("weather_normals.csv", f'site "{site}" has the months: {found}', cure))
    table = pd.DataFrame([row.model_dump() for row in rows])
    share_per_day = table["wind_share"].to_numpy() / month_days(TimeAxis.of_year(2025))
    # Full-load hours rise about with the square of wind speed between cut-in and rated wind.
    relative = np.sqrt(share_per_day)
    columns = ("ghi_kwh_m2", "temp_mean_c", "temp_range_k", "temp_sd_k", "wind_weibull_k")
    return SiteClimate(
        tuple(range(1, 13)),
        wind_scale=relative / np.average(relative, weights=month_days(TimeAxis.of_year(2025))),
        **{name: table[name].to_numpy(float) for name in columns},
    )


def month_days(year: TimeAxis) -> Floats:
    """Return the number of days in each month of a whole year, ``[12]``."""
    return np.bincount(year.month, minlength=13)[1:] * year.step_h / 24


def month_sums(values: Floats, time: TimeAxis) -> Floats:
    """Return the sum over each month of the year, ``[12]``."""
    return np.asarray(np.bincount(time.month - 1, values, minlength=12), float)


def day_sums(values: Floats, time: TimeAxis) -> Floats:
    """Return the sum over each calendar day of the axis, ``[days]``."""
    return np.asarray(np.bincount(time.day, values), float)


def between_days(daily: Floats, time: TimeAxis) -> Floats:
    """Return daily values drawn out over the axis, linear from noon to noon, so that midnight has no step."""
    clock_h = np.asarray((time.middles() - time.start.normalize()) / pd.Timedelta(hours=1), float)
    return np.asarray(np.interp(clock_h, 24.0 * np.arange(len(daily)) + 12.0, daily), float)


def daily_clearness(ghi_wm2: Floats, clear_wm2: Floats, time: TimeAxis) -> Floats:
    """Return each day's irradiation over that of a cloudless day, ``[days]``."""
    return day_sums(ghi_wm2, time) / np.maximum(day_sums(clear_wm2, time), 1e-9)


def normal_scores(values: Floats, groups: Ints) -> Floats:
    """Return the standard normal quantile of each value's rank within its group; ties share their mean rank."""
    ranked = pd.Series(values).groupby(groups)
    return np.asarray(ndtri((ranked.rank().to_numpy() - 0.5) / ranked.transform("size").to_numpy()), float)


def ridge_diurnal(time: TimeAxis) -> Floats:
    """Return the daily course of ridge wind over its daily mean (most at night, more swing in spring)."""
    middles = time.middles()
    clock = np.asarray(middles.hour + middles.minute / 60, float)
    swing = np.where(np.isin(time.month, (3, 4, 5)), DIURNAL_SWING_SPRING, DIURNAL_SWING)
    return 1.0 + swing * np.cos(2 * np.pi * (clock - WINDIEST_CLOCK_HOUR) / 24)


def ridge_wind(scores: Floats, climate: SiteClimate, mean_ms: float, time: TimeAxis) -> Floats:
    """Return ridge wind at hub height, m/s, whose ranks are those of ``scores`` (standard normal).

    Weibull quantiles by month (Brown, Katz & Murphy 1984, J. Climate Appl. Meteor. 23) times the ridge's daily
    course, scaled so that a whole year has the mean ``mean_ms``; a part of a year has its months' share of it.
    """
    k = climate.wind_weibull_k[time.month - 1]
    scale = climate.wind_scale[time.month - 1]
    wind = scale / gamma(1 + 1 / k) * (-log_ndtr(-scores)) ** (1 / k) * ridge_diurnal(time)
    return np.asarray(wind * mean_ms * scale.mean() / wind.mean(), float)


ICING_MONTHS = (12, 1, 2)
ICING_BELOW_C = 0.0
ICING_CLEARNESS = 0.45
ICING_ONSET_H = 6.0
THAW_ABOVE_C = 2.0
THAW_H = 6.0


def icing(temp_air_c: Floats, clearness: Floats, site: WeatherSite, time: TimeAxis) -> Bools:
    """Return when turbine blades on the site's ridges carry ice.

    Ice begins after ``ICING_ONSET_H`` of cold and overcast air at hub height in December to February and stays
    until ``THAW_H`` of thaw. ``clearness`` is the daily clear-sky index, a stand-in for humidity: Weining's
    cold overcast spells are freezing rain and cloud. The limits are set to give what the station and the
    region report: 523 h with T ≤ 0 °C and humidity ≥ 90 %, 31–45 days (China Standard Weather Data;
    Meteorological Monthly 2020, 46(5), 666–674), so 450–700 h on the ridges.
    """
    ridge_c = temp_air_c - LAPSE_RIDGE_K_PER_KM / 1000 * (site.ridge_elevation_m - site.elevation_m)
    overcast = between_days(clearness, time) < ICING_CLEARNESS
    wet_cold = overcast & (ridge_c < ICING_BELOW_C) & np.isin(time.month, ICING_MONTHS)
    started = _lasting(wet_cold, round(ICING_ONSET_H / time.step_h))
    ended = _lasting(ridge_c > THAW_ABOVE_C, round(THAW_H / time.step_h)) | ~np.isin(time.month, ICING_MONTHS)
    return _held(started, ended)


def _lasting(condition: Bools, steps: int) -> Bools:
    """Return where the condition has held for at least ``steps`` steps, this one included."""
    counts = np.cumsum(condition)
    last_false = np.maximum.accumulate(np.where(condition, 0, counts))
    return np.asarray(counts - last_false >= steps, bool)


def _held(started: Bools, ended: Bools) -> Bools:
    """Return the state that ``started`` switches on and ``ended`` switches off (off wins)."""
    steps = np.arange(len(started))
    last_on = np.maximum.accumulate(np.where(started & ~ended, steps, -1))
    last_off = np.maximum.accumulate(np.where(ended, steps, -1))
    return np.asarray(last_on > last_off, bool)


STATION_PRESSURE_PA = 77_800.0
STATION_ELEVATION_M = 2237.5
"""Mean pressure at the Weining station and its elevation (China Standard Weather Data)."""


def pressure_between(pressure_pa: Floats, from_m: float, to_m: float, temp_air_c: Floats) -> Floats:
    """Return the pressure at ``to_m``, Pa, from that at ``from_m``: hypsometric equation, air at ``temp_air_c``."""
    kelvin = temp_air_c + 273.15
    return pressure_pa * np.exp(-GRAVITY_MS2 * (to_m - from_m) / (GAS_CONSTANT_DRY_AIR * kelvin))


def mean_pressure(elevation_m: float, temp_air_c: Floats) -> Floats:
    """Return the region's mean pressure brought to an elevation, Pa, in the shape of ``temp_air_c``."""
    station = np.full(np.shape(temp_air_c), STATION_PRESSURE_PA)
    return pressure_between(station, STATION_ELEVATION_M, elevation_m, np.full_like(station, temp_air_c.mean()))
