"""Seed and monthly normals → an hourly weather year of a site that looks like the region's weather.

The walk, for each site: a daily latent state (clearness, wind, temperature) shared in part by the region → daily
clear-sky index with the month's mean and a broad Beta distribution → hourly index → GHI; the same state plus
hourly noise → ridge wind by Weibull quantiles; the same state plus a daily course → temperature.

Methods: multivariate daily autoregression after Matalas (1967) and Richardson (1981, Water Resources Research
17(1)); Gaussian mapping of the hourly clearness after Graham & Hollands (1990, Solar Energy 44(6)); normal-score
wind after Brown, Katz & Murphy (1984, J. Climate Appl. Meteor. 23). Correlations were measured on the China
Standard Weather Data of Weining where one station suffices; those between sites are assumptions for sites some
50 km apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter
from scipy.special import betaincinv, ndtr

from profiles.climate import (
    SiteClimate,
    SiteSeries,
    between_days,
    climate_of,
    day_sums,
    generator,
    icing,
    mean_pressure,
    month_days,
    month_sums,
    ridge_wind,
    sky_of,
)
from scenarios.errors import DataError, Problem
from scenarios.records import Floats, Ints
from scenarios.schema import Scenario
from scenarios.settings import WeatherSite
from scenarios.timeaxis import TimeAxis

# Daily latent state in the order clearness, wind, temperature.
DAILY_MEMORY = np.array([0.45, 0.45, 0.68])
DAILY_BETWEEN_VARIABLES = np.array([[1.0, 0.15, 0.70], [0.15, 1.0, 0.22], [0.70, 0.22, 1.0]])
DAILY_BETWEEN_SITES = np.array([0.85, 0.78, 0.96])
HOURLY_CLEARNESS_MEMORY = 0.55
HOURLY_CLEARNESS_BETWEEN_SITES = 0.45
HOURLY_WIND_MEMORY = 0.80
HOURLY_WIND_BETWEEN_SITES = 0.55
DAILY_SHARE_OF_WIND = 0.55
DAILY_CLEARNESS_SD = 0.21
DAILY_CLEARNESS_RANGE = (0.04, 0.99)
HOURLY_CLEARNESS_RANGE = (0.02, 1.10)
HOURLY_CLEARNESS_SPREAD = 0.30
WARMEST_CLOCK_HOUR = 15.5
PRESSURE_SD_PA = 330.0
GHI_BETWEEN_YEARS = 0.04
WIND_BETWEEN_YEARS = 0.045
MOST_YEARS_SIGMA = 2.5
"""Drawn years stay within ±2.5 standard deviations: ±10 % irradiation, ±11 % wind."""
_BURN_IN = 60


@dataclass(frozen=True, slots=True)
class YearFactors:
    """How sunny and windy the year is relative to a normal one; a region shares its years."""

    ghi: float = 1.0
    wind: float = 1.0


def synthetic_year(scenario: Scenario, site: str) -> SiteSeries:
    """Return the whole calendar year of a site, hourly.

    It depends on the seed, the year's length, the site's name, place and normals, and on nothing else: not on
    other sites nor their order. Raises ``DataError`` when normals are missing or not possible.
    """
    weather = scenario.settings.weather
    place, climate, time = weather.sites[site], climate_of(scenario, site), TimeAxis.of_year(scenario.year)
    factors = year_factors(weather.seed, weather.interannual == "draw")
    state = _daily_state(weather.seed, site, round(time.hours / 24))
    clear = sky_of(place, time).clear_ghi_wm2
    daily = _daily_index(state[:, 0], clear, _month_targets(climate, clear, time, factors.ghi, site), time)
    noise = hourly_noise(weather.seed, site, "clearness", time)
    ghi = clear * hourly_index(daily, noise, clear, time)
    temperature = _temperature(state[:, 2], daily, climate, time)
    ghi = to_month_totals(ghi, month_sums(clear * daily[time.day], time), time)
    return SiteSeries(
        time,
        ghi_wm2=ghi,
        dni_wm2=np.full(len(time), np.nan),
        temp_air_c=temperature,
        pressure_pa=_pressure(state[:, 2], temperature, place, time),
        wind_ms=_wind(weather.seed, site, state[:, 1], climate, place.ridge_wind_ms * factors.wind, time),
        iced=icing(temperature, daily, place, time),
        origin=f"synthetic year, seed {weather.seed}",
        repairs=(),
    )


def year_factors(seed: int, draw: bool) -> YearFactors:
    """Return the normal year, or one drawn by seed (published yields 2018–2023 vary by about this much)."""
    if not draw:
        return YearFactors()
    sun, wind = np.clip(generator(seed, "year").standard_normal(2), -MOST_YEARS_SIGMA, MOST_YEARS_SIGMA)
    return YearFactors(1 + GHI_BETWEEN_YEARS * float(sun), 1 + WIND_BETWEEN_YEARS * float(wind))


def _daily_state(seed: int, site: str, days: int) -> Floats:
    """Return the daily latent state ``[days × 3]``: standard normal, shared in part with the other sites."""
    shared = daily_noise(generator(seed, "region", "day"), days)
    own = daily_noise(generator(seed, site, "day"), days)
    return np.asarray(shared * np.sqrt(DAILY_BETWEEN_SITES) + own * np.sqrt(1 - DAILY_BETWEEN_SITES), float)


def daily_noise(rng: np.random.Generator, days: int) -> Floats:
    """Return a stationary first-order vector autoregression ``[days × (clearness, wind, temperature)]``."""
    innovation = DAILY_BETWEEN_VARIABLES * (1 - np.outer(DAILY_MEMORY, DAILY_MEMORY))
    steps = rng.standard_normal((days + _BURN_IN, 3)) @ np.linalg.cholesky(innovation).T
    columns = [lfilter([1.0], [1.0, -phi], steps[:, i]) for i, phi in enumerate(DAILY_MEMORY)]
    return np.column_stack(columns)[_BURN_IN:]


def hourly_noise(seed: int, site: str, item: str, time: TimeAxis) -> Floats:
    """Return a site's hourly noise for ``clearness`` or ``wind``: standard normal, shared in part."""
    clearness = item == "clearness"
    memory = HOURLY_CLEARNESS_MEMORY if clearness else HOURLY_WIND_MEMORY
    alike = HOURLY_CLEARNESS_BETWEEN_SITES if clearness else HOURLY_WIND_BETWEEN_SITES
    shared = autoregression(generator(seed, "region", item), memory, len(time))
    own = autoregression(generator(seed, site, item), memory, len(time))
    return np.asarray(np.sqrt(alike) * shared + np.sqrt(1 - alike) * own, float)


def autoregression(rng: np.random.Generator, memory: float, steps: int) -> Floats:
    """Return a stationary first-order autoregression of unit variance, ``[steps]``."""
    shocks = rng.standard_normal(steps + _BURN_IN) * np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], shocks)[_BURN_IN:])


def _month_targets(climate: SiteClimate, clear: Floats, time: TimeAxis, factor: float, site: str) -> Floats:
    """Return each month's irradiation, Wh/m²; a leap February has 29/28 of its normal."""
    days = month_days(time)
    target = 1000 * climate.ghi_kwh_m2 * factor * days / np.where(days == 29, 28, days)
    too_bright = np.flatnonzero(target > 0.93 * month_sums(clear, time))
    if too_bright.size:
        months = ", ".join(str(m + 1) for m in too_bright)
        what = f'site "{site}", months {months}: ghi_kwh_m2 is above 93 % of a cloudless month'
        raise DataError(Problem("weather_normals.csv", what, "correct ghi_kwh_m2, or the latitude of the site"))
    return target


def _daily_index(state: Floats, clear: Floats, target: Floats, time: TimeAxis) -> Floats:
    """Return the daily clear-sky index ``[days]``: Beta by month, with the month's irradiation ``target``."""
    month = time.month[:: time.steps_per_day] - 1
    mean = (target / month_sums(clear, time))[month]
    sd = np.minimum(DAILY_CLEARNESS_SD, 0.7 * np.sqrt(mean * (1 - mean)))
    weight = mean * (1 - mean) / sd**2 - 1
    daily = betaincinv(mean * weight, (1 - mean) * weight, ndtr(state))
    return calibrate_days(daily, day_sums(clear, time), target, month)


def calibrate_days(daily: Floats, clear_day: Floats, target: Floats, month: Ints) -> Floats:
    """Return daily indices scaled month by month, within their range, until irradiation meets ``target``."""
    for _ in range(60):
        got = np.bincount(month, daily * clear_day, minlength=12)
        factor = np.where(got > 0, target / np.maximum(got, 1e-9), 1.0)
        daily = np.clip(daily * factor[month], *DAILY_CLEARNESS_RANGE)
    return daily


def hourly_index(daily: Floats, noise: Floats, clear: Floats, time: TimeAxis) -> Floats:
    """Return the hourly clear-sky index ``[hours]`` that keeps each day's index.

    Its spread is widest in broken cloud: ``0.30 √(K (1 − K))``, after Graham & Hollands (1990).
    """
    of_day = daily[time.day]
    spread = HOURLY_CLEARNESS_SPREAD * np.sqrt(np.clip(of_day * (1 - of_day), 0, None))
    index = np.clip(of_day + spread * noise, *HOURLY_CLEARNESS_RANGE)
    wanted = daily * day_sums(clear, time)
    for _ in range(12):
        factor = wanted / np.maximum(day_sums(index * clear, time), 1e-9)
        index = np.clip(index * factor[time.day], *HOURLY_CLEARNESS_RANGE)
    return index


def to_month_totals(ghi: Floats, target: Floats, time: TimeAxis) -> Floats:
    """Return ``ghi`` scaled to each month's sum ``target``; removes what clipping of hours left over."""
    got = month_sums(ghi, time)
    return ghi * np.where(got > 0, target / np.maximum(got, 1e-9), 1.0)[time.month - 1]


def wind_scores(daily: Floats, hourly: Floats, time: TimeAxis) -> Floats:
    """Return normal scores of wind, ``[hours]``: weather of days and noise of hours, mean 0 and variance 1."""
    slow = np.sqrt(DAILY_SHARE_OF_WIND) * between_days(daily, time)
    scores = slow + np.sqrt(1 - DAILY_SHARE_OF_WIND) * hourly
    return np.asarray((scores - scores.mean()) / scores.std(), float)


def _wind(seed: int, site: str, daily: Floats, climate: SiteClimate, mean_ms: float, time: TimeAxis) -> Floats:
    scores = wind_scores(daily, hourly_noise(seed, site, "wind", time), time)
    return ridge_wind(scores, climate, mean_ms, time)


def _temperature(state: Floats, daily_index: Floats, climate: SiteClimate, time: TimeAxis) -> Floats:
    """Return air temperature, °C ``[hours]``, whose monthly means are the normals; clear days swing more."""
    month = time.month[:: time.steps_per_day] - 1
    usual = np.bincount(month, daily_index) / np.bincount(month)
    swing_k = climate.temp_range_k[month] * (0.45 + 0.55 * daily_index / usual[month])
    middles = time.middles()
    clock = np.asarray(middles.hour + middles.minute / 60, float)
    course = 0.5 * between_days(swing_k, time) * np.cos(2 * np.pi * (clock - WARMEST_CLOCK_HOUR) / 24)
    weather = between_days(climate.temp_sd_k[month] * state, time)
    return with_month_means(course + weather, climate.temp_mean_c, time)


def with_month_means(anomaly: Floats, wanted: Floats, time: TimeAxis) -> Floats:
    """Return ``anomaly`` plus a curve through the months that makes every monthly mean the ``wanted`` one.

    The curve is piecewise linear between mid-months and closes over the year, so months join without a step;
    its knots are found by fixed point.
    """
    days = month_days(time)
    middle_h = 24 * (np.cumsum(days) - days / 2)
    hours = np.arange(len(time)) * time.step_h + time.step_h / 2
    curve, knots = np.zeros(len(time)), np.zeros(12)
    for _ in range(40):
        knots += wanted - month_sums(anomaly + curve, time) / month_sums(np.ones(len(time)), time)
        curve = np.interp(hours, middle_h, knots, period=time.hours)
    return anomaly + curve


def _pressure(state: Floats, temp_air_c: Floats, place: WeatherSite, time: TimeAxis) -> Floats:
    """Return station pressure, Pa: the region's mean at this elevation, lower while warm air moves in."""
    return mean_pressure(place.elevation_m, temp_air_c) - PRESSURE_SD_PA * between_days(state, time)
