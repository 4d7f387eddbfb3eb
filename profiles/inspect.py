"""``Weather`` → what a person looks at before trusting it: months, duration curves, statistics, suspicious hours.

Only figures and sentences are made here; the terminal table and the page draw them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from profiles.climate import Sky, daily_clearness, day_sums, sky_of
from profiles.records import Repair, Weather
from profiles.sun import extraterrestrial
from scenarios.records import Bools, Floats, axes, record
from scenarios.schema import Scenario
from scenarios.timeaxis import TimeAxis

LISTED_HOURS = 20
STUCK_H = 12.0
GUST_MS = 35.0
JUMP_K_PER_H = 10.0
HIGH_SUN_DEG = 10.0
CLEARNESS_SUN_DEG = 15.0
"""Hourly clear-sky indices are compared only with the sun above this: lower they are ratios of small numbers."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Hours of one site that look wrong in one way: how many, the first of them, and the most extreme value."""

    site: str
    what_en: str
    what_zh: str
    hours: int
    first: tuple[pd.Timestamp, ...]
    extreme: float


@record
class Inspection:
    """What was found. Months are those that the axis touches; ``share`` is 0–1 of the hours, for the curves.

    ``*_curve`` are duration curves, highest first, ``[share × sites]``. ``clearness_hour_sd``: standard deviation
    of the hourly clear-sky index by day; ``clearness_day_*``: of the daily one, and its autocorrelation to the
    next day. ``wind_lag``: autocorrelation of wind after 1, 6 and 24 h. ``*_between``: correlation of sites
    (hourly clear-sky index by day, hourly wind, daily wind).
    """

    sites: tuple[str, ...]
    origin: tuple[str, ...]
    months: tuple[int, ...]
    share: tuple[float, ...]
    lag_h: tuple[int, ...]
    ghi_kwh_m2: Floats = axes("months", "sites")
    temp_mean_c: Floats = axes("months", "sites")
    wind_mean_ms: Floats = axes("months", "sites")
    iced_h: Floats = axes("months", "sites")
    ghi_curve_wm2: Floats = axes("share", "sites")
    wind_curve_ms: Floats = axes("share", "sites")
    temp_curve_c: Floats = axes("share", "sites")
    clearness_hour_sd: Floats = axes("sites")
    clearness_day_sd: Floats = axes("sites")
    clearness_day_lag: Floats = axes("sites")
    wind_lag: Floats = axes("lag_h", "sites")
    wind_with_ghi: Floats = axes("sites")
    iced_days: Floats = axes("sites")
    clearness_between: Floats = axes("sites", "others")
    wind_between: Floats = axes("sites", "others")
    daily_wind_between: Floats = axes("sites", "others")
    suspicions: tuple[Suspicion, ...]
    repairs: tuple[Repair, ...]


@record
class Distances:
    """Kolmogorov–Smirnov distance (0: alike, 1: apart) of two weathers, by site."""

    sites: tuple[str, ...]
    daily_clearness: Floats = axes("sites")
    wind: Floats = axes("sites")
    temperature: Floats = axes("sites")


def inspect_weather(scenario: Scenario, weather: Weather) -> Inspection:
    """Return the inspection of ``weather`` at the scenario's sites (at least two days)."""
    time = weather.time
    skies = [sky_of(scenario.settings.weather.sites[name], time) for name in weather.sites]
    months = tuple(int(m) for m in np.unique(time.month))
    share = tuple(np.linspace(0, 1, 101).tolist())
    lags = (1, 6, 24)
    hourly = _hourly_clearness(weather, skies)
    daily = np.column_stack(
        [daily_clearness(weather.ghi_wm2[:, i], sky.clear_ghi_wm2, time) for i, sky in enumerate(skies)]
    )
    return Inspection(
        weather.sites,
        weather.origin,
        months,
        share,
        lags,
        ghi_kwh_m2=_month_sums(weather.ghi_wm2, time) * time.step_h / 1000,
        temp_mean_c=_month_means(weather.temp_air_c, time),
        wind_mean_ms=_month_means(weather.wind_ms, time),
        iced_h=_month_sums(weather.iced.astype(float), time) * time.step_h,
        ghi_curve_wm2=_duration_curve(weather.ghi_wm2, share),
        wind_curve_ms=_duration_curve(weather.wind_ms, share),
        temp_curve_c=_duration_curve(weather.temp_air_c, share),
        clearness_hour_sd=np.nanstd(hourly, axis=0),
        clearness_day_sd=daily.std(axis=0),
        clearness_day_lag=_autocorrelation(daily, 1),
        wind_lag=np.array([_autocorrelation(weather.wind_ms, round(lag / time.step_h)) for lag in lags]),
        wind_with_ghi=_paired_correlation(weather.wind_ms, weather.ghi_wm2),
        iced_days=_iced_days(weather),
        clearness_between=_correlation(hourly[~np.isnan(hourly).any(axis=1)]),
        wind_between=_correlation(weather.wind_ms),
        daily_wind_between=_correlation(np.column_stack([day_sums(v, time) for v in weather.wind_ms.T])),
        suspicions=tuple(found for i, sky in enumerate(skies) for found in _suspicions(weather, i, sky)),
        repairs=weather.repairs,
    )


def compared(scenario: Scenario, weather: Weather, other: Weather) -> Distances:
    """Return how far the distributions of two weathers of the same sites and length are apart."""
    clearness = []
    for i, name in enumerate(weather.sites):
        clear = sky_of(scenario.settings.weather.sites[name], weather.time).clear_ghi_wm2
        pair = [daily_clearness(w.ghi_wm2[:, i], clear, weather.time) for w in (weather, other)]
        clearness.append(ks_distance(*pair))
    columns = range(len(weather.sites))
    return Distances(
        weather.sites,
        daily_clearness=np.array(clearness),
        wind=np.array([ks_distance(weather.wind_ms[:, i], other.wind_ms[:, i]) for i in columns]),
        temperature=np.array([ks_distance(weather.temp_air_c[:, i], other.temp_air_c[:, i]) for i in columns]),
    )


def ks_distance(first: Floats, second: Floats) -> float:
    """Return the largest gap between two empirical distribution functions (Kolmogorov–Smirnov)."""
    points = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(sample), points, side="right") / len(sample) for sample in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def _hourly_clearness(weather: Weather, skies: list[Sky]) -> Floats:
    """Return the clear-sky index ``[hours × sites]``, NaN while the sun is low."""
    columns = [
        np.where(
            sky.sun.elevation_deg > CLEARNESS_SUN_DEG,
            weather.ghi_wm2[:, i] / np.maximum(sky.clear_ghi_wm2, 1.0),
            np.nan,
        )
        for i, sky in enumerate(skies)
    ]
    return np.column_stack(columns)


def _month_sums(values: Floats, time: TimeAxis) -> Floats:
    return np.array([values[time.month == month].sum(axis=0) for month in np.unique(time.month)])


def _month_means(values: Floats, time: TimeAxis) -> Floats:
    return np.array([values[time.month == month].mean(axis=0) for month in np.unique(time.month)])


def _duration_curve(values: Floats, share: tuple[float, ...]) -> Floats:
    return np.asarray(np.quantile(values, 1 - np.array(share), axis=0), float)


def _correlation(columns: Floats) -> Floats:
    """Return the correlation matrix of columns; a constant column has none (NaN)."""
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 of a constant column is the NaN that is meant
        return np.atleast_2d(np.corrcoef(columns.T))


def _paired_correlation(first: Floats, second: Floats) -> Floats:
    pairs = [_correlation(np.column_stack([a, b])) for a, b in zip(first.T, second.T, strict=True)]
    return np.array([pair[0, 1] for pair in pairs])


def _autocorrelation(columns: Floats, steps: int) -> Floats:
    if len(columns) < steps + 2:
        return np.full(columns.shape[1], np.nan)
    return _paired_correlation(columns[:-steps], columns[steps:])


def _iced_days(weather: Weather) -> Floats:
    """Return the number of days with at least six iced hours."""
    per_day = np.column_stack([day_sums(iced.astype(float), weather.time) for iced in weather.iced.T])
    return np.asarray((per_day * weather.time.step_h >= 6).sum(axis=0), float)


def _suspicions(weather: Weather, site: int, sky: Sky) -> Iterator[Suspicion]:
    """Yield what looks wrong at one site; the values are used all the same."""
    ghi, temp, wind = weather.ghi_wm2[:, site], weather.temp_air_c[:, site], weather.wind_ms[:, site]
    step_h, up = weather.time.step_h, sky.sun.is_up
    jump = np.abs(np.diff(temp, prepend=temp[0]))
    findings: tuple[tuple[str, str, Bools, Floats], ...] = (
        ("irradiance with the sun below the horizon", "日落后有辐照度", ~up & (ghi > 0), ghi),
        (
            "irradiance above the extraterrestrial",
            "辐照度超过天文辐射",
            up & (ghi > extraterrestrial(sky.sun) + 20),
            ghi,
        ),
        (
            "no irradiance with a high sun",
            "太阳高时无辐照度",
            (sky.sun.elevation_deg > HIGH_SUN_DEG) & (ghi <= 0),
            ghi,
        ),
        ("temperature jump", "气温突变", jump > JUMP_K_PER_H * step_h, jump),
        ("storm on the ridge", "山脊大风", wind > GUST_MS, wind),
        ("temperature stands still (filled gap?)", "气温长时间不变（疑似填补）", _stuck(temp, step_h), temp),
        ("wind stands still (filled gap?)", "风速长时间不变（疑似填补）", _stuck(wind, step_h), wind),
    )
    starts = weather.time.starts()
    for what_en, what_zh, found, values in findings:
        if found.any():
            first = tuple(starts[found][:LISTED_HOURS])
            hours = int(found.sum())
            yield Suspicion(weather.sites[site], what_en, what_zh, hours, first, float(values[found].max()))


def _stuck(values: Floats, step_h: float) -> Bools:
    """Return where a value belongs to a run of equal values of at least ``STUCK_H``."""
    run = np.cumsum(np.diff(values, prepend=np.nan) != 0)
    return np.asarray(np.bincount(run)[run] * step_h >= STUCK_H, bool)
