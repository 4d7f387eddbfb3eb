"""Weather of one site → weather of a neighbour that has no file of its own.

Temperature follows the difference in elevation, pressure the hypsometric equation. Clearness and wind share the
source's days in part and have hours of their own (keyed by seed and site), with the correlations between sites
that the synthetic year uses, so that two sites do not move as one mast. Monthly GHI is the source's times the
given factor; ridge wind keeps the source's strong and weak months and has the site's own annual mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from profiles.climate import (
    LAPSE_SITE_K_PER_KM,
    SiteClimate,
    SiteSeries,
    between_days,
    daily_clearness,
    day_sums,
    generator,
    icing,
    month_sums,
    normal_scores,
    pressure_between,
    ridge_diurnal,
    ridge_wind,
    sky_of,
)
from profiles.records import Repair
from profiles.synthetic import (
    DAILY_CLEARNESS_RANGE,
    HOURLY_CLEARNESS_MEMORY,
    HOURLY_CLEARNESS_SPREAD,
    HOURLY_WIND_MEMORY,
    autoregression,
    calibrate_days,
    daily_noise,
    hourly_index,
    to_month_totals,
)
from scenarios.records import Floats, Ints
from scenarios.settings import WeatherSite
from scenarios.timeaxis import TimeAxis

# How much of the source's deviations a neighbour some 50 km away shares. Set so that the derived site relates to
# a station's file as two synthetic sites relate to each other: hourly clearness .7–.8, daily wind about .78.
DAYS_OF_CLEARNESS_ALIKE = 0.85
HOURS_OF_CLEARNESS_ALIKE = 0.57
DAYS_OF_WIND_ALIKE = 0.84
HOURS_OF_WIND_ALIKE = 0.60


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The site to be derived: key, settings, climate, seed, and its GHI relative to the source."""

    name: str
    site: WeatherSite
    climate: SiteClimate
    seed: int
    ghi_factor: float


def derived(source: SiteSeries, source_name: str, source_site: WeatherSite, target: Neighbour) -> SiteSeries:
    """Return the hourly weather of ``target`` from that of a source site (hourly, on the same axis)."""
    time = source.time
    own_days = daily_noise(generator(target.seed, target.name, "derived day"), int(time.day[-1]) + 1)
    ghi = _irradiance(source, source_site, target, own_days[:, 0])
    step_m = target.site.elevation_m - source_site.elevation_m
    temperature = source.temp_air_c - LAPSE_SITE_K_PER_KM * step_m / 1000
    middle_air_c = 0.5 * (source.temp_air_c + temperature)
    clearness = daily_clearness(ghi, sky_of(target.site, time).clear_ghi_wm2, time)
    return SiteSeries(
        time,
        ghi_wm2=ghi,
        dni_wm2=np.full(len(time), np.nan),
        temp_air_c=temperature,
        pressure_pa=pressure_between(
            source.pressure_pa, source_site.elevation_m, target.site.elevation_m, middle_air_c
        ),
        wind_ms=_wind(source, target, own_days[:, 1]),
        iced=icing(temperature, clearness, target.site, time),
        origin=f"derived from {source_name}, seed {target.seed}",
        repairs=(_derivation(source_name, target, len(time)),),
    )


def _derivation(source_name: str, target: Neighbour, hours: int) -> Repair:
    return Repair(
        target.name,
        "the site has no weather file",
        "本站无气象文件",
        f"derived from {source_name}: GHI ×{target.ghi_factor:.3g}, {LAPSE_SITE_K_PER_KM:g} K/km, own variation",
        f"由{source_name}推得：总辐射×{target.ghi_factor:.3g}，递减率{LAPSE_SITE_K_PER_KM:g} K/km，叠加本站变化",
        hours,
    )


def _irradiance(source: SiteSeries, source_site: WeatherSite, target: Neighbour, own: Floats) -> Floats:
    """Return GHI: the source's days and hours in part, own variation for the rest, month totals by factor."""
    time = source.time
    month = time.month[np.flatnonzero(np.diff(time.day, prepend=-1))] - 1
    source_clear = sky_of(source_site, time).clear_ghi_wm2
    clear = sky_of(target.site, time).clear_ghi_wm2
    days = daily_clearness(source.ghi_wm2, source_clear, time)
    alike = DAYS_OF_CLEARNESS_ALIKE
    scores = alike * normal_scores(days, month) + np.sqrt(1 - alike**2) * own
    daily = np.clip(_same_distribution(scores, days, month), *DAILY_CLEARNESS_RANGE)
    wanted = target.ghi_factor * month_sums(source.ghi_wm2, time)
    daily = calibrate_days(daily, day_sums(clear, time), wanted, month)
    noise = _hourly_noise(source.ghi_wm2, source_clear, days, time, target)
    return to_month_totals(clear * hourly_index(daily, noise, clear, time), wanted, time)


def _same_distribution(scores: Floats, values: Floats, groups: Ints) -> Floats:
    """Return ``values`` rearranged within each group so that their ranks are those of ``scores``."""
    result = np.empty_like(values)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        result[members[np.argsort(scores[members])]] = np.sort(values[members])
    return result


def _hourly_noise(ghi: Floats, clear: Floats, days: Floats, time: TimeAxis, target: Neighbour) -> Floats:
    """Return hourly noise of clearness, part of it the source's deviation from its daily index."""
    of_day = days[time.day]
    spread = HOURLY_CLEARNESS_SPREAD * np.sqrt(np.clip(of_day * (1 - of_day), 0.02, None))
    deviation = np.where(clear > 0, ghi / np.maximum(clear, 1e-9) - of_day, 0.0) / spread
    deviation = np.clip(deviation / max(float(deviation[clear > 0].std()), 1e-9), -3, 3)
    alike = HOURS_OF_CLEARNESS_ALIKE
    rng = generator(target.seed, target.name, "derived clearness")
    own = autoregression(rng, HOURLY_CLEARNESS_MEMORY, len(time))
    return np.asarray(alike * deviation + np.sqrt(1 - alike**2) * own, float)


def _wind(source: SiteSeries, target: Neighbour, own_days: Floats) -> Floats:
    """Return ridge wind whose daily means and hours are partly those of the source."""
    time = source.time
    seasonal = target.climate.wind_scale[time.month - 1] * ridge_diurnal(time)
    scores = normal_scores(source.wind_ms / seasonal, np.zeros(len(time), dtype=np.int64))
    daily = day_sums(scores, time) / np.bincount(time.day)
    slow = between_days(daily, time)
    fast = scores - slow
    own_slow = between_days(own_days, time) * daily.std()
    own = autoregression(generator(target.seed, target.name, "derived wind"), HOURLY_WIND_MEMORY, len(time))
    day_alike, hour_alike = DAYS_OF_WIND_ALIKE, HOURS_OF_WIND_ALIKE
    mixed = day_alike * slow + np.sqrt(1 - day_alike**2) * own_slow
    mixed = mixed + hour_alike * fast + np.sqrt(1 - hour_alike**2) * fast.std() * own
    return ridge_wind(mixed / mixed.std(), target.climate, target.site.ridge_wind_ms, time)
