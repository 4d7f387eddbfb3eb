"""Scenario → ``Weather`` of all sites on the simulated time axis: from files, derived, or synthetic.

Each site's weather is made for the whole calendar year (or what its file covers), then brought to the scenario's
step and cut: a part of a year equals the same hours of the full year.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from profiles.climate import SiteSeries, climate_of, sky_of
from profiles.derive import Neighbour, derived
from profiles.intake import is_typical_year, read_weather_file, write_csv
from profiles.quality import SiteContext, quality_controlled
from profiles.records import Weather
from profiles.sun import split_ghi
from profiles.synthetic import synthetic_year
from scenarios.errors import Problem, ScenarioError, did_you_mean
from scenarios.records import Bools, Floats
from scenarios.schema import Scenario
from scenarios.settings import WeatherSite
from scenarios.timeaxis import TimeAxis

__all__ = ["make_weather", "write_csv"]


def make_weather(scenario: Scenario) -> Weather:
    """Return the weather of all sites of the scenario, in the order of ``weather.sites``.

    A site with a file has that file's weather; the others are derived from the reference site when it has a file
    (else from the first site that has one); without any file all sites are synthetic. Raises ``ScenarioError``
    and ``DataError``.
    """
    sites = scenario.settings.weather.sites
    _check_settings(scenario)
    known = {name: _from_file(scenario, name) for name, site in sites.items() if site.file is not None}
    series = {name: known[name] if name in known else _without_file(scenario, name, known) for name in sites}
    on_axis = [brought_to(series[name], sites[name], scenario.time) for name in sites]
    return _side_by_side(on_axis, scenario)


def _check_settings(scenario: Scenario) -> None:
    weather = scenario.settings.weather
    problems = []
    if weather.reference_site not in weather.sites:
        cure = did_you_mean(weather.reference_site, weather.sites)
        problems.append(Problem("weather.reference_site", f'"{weather.reference_site}" is not a site', cure))
    typical = [n for n, site in weather.sites.items() if site.file is not None and is_typical_year(site.file)]
    if len(typical) > 1:
        what = (
            "typical-year (EPW) files of several sites take each month from a different year; "
            "side by side they would invent a smoothing that no real hour has"
        )
        cure = (
            "give one site the EPW file and no file to the others (they are derived from it), or measured CSV files"
        )
        problems.append(Problem(f"weather.sites: {', '.join(typical)}", what, cure))
    if problems:
        raise ScenarioError(problems)


def _from_file(scenario: Scenario, name: str) -> SiteSeries:
    weather = scenario.settings.weather
    path = weather.sites[name].file
    if path is None:
        raise ValueError(f"site {name} has no file")
    raw = read_weather_file(path, scenario.time)
    has_normals = any(row.site == name for row in scenario.tables.weather_normals)
    context = SiteContext(
        name,
        weather.sites[name],
        climate_of(scenario, name) if has_normals else None,
        weather.seed,
        weather.ghi_annual_kwh_m2 if name == weather.reference_site else None,
    )
    return quality_controlled(raw, context)


def _without_file(scenario: Scenario, name: str, known: Mapping[str, SiteSeries]) -> SiteSeries:
    if not known:
        return synthetic_year(scenario, name)
    weather = scenario.settings.weather
    source = weather.reference_site if weather.reference_site in known else next(iter(known))
    site, origin = weather.sites[name], weather.sites[source]
    factor = site.ghi_factor_from_reference / origin.ghi_factor_from_reference
    target = Neighbour(name, site, climate_of(scenario, name), weather.seed, factor)
    return derived(_hourly(known[source], origin), source, origin, target)


def _hourly(series: SiteSeries, site: WeatherSite) -> SiteSeries:
    time = series.time
    whole = TimeAxis(
        time.start.ceil("h"), int(time.hours - (time.start.ceil("h") - time.start).seconds / 3600), 1.0
    )
    return brought_to(series, site, whole)


# Steps


def brought_to(series: SiteSeries, site: WeatherSite, axis: TimeAxis) -> SiteSeries:
    """Return a site's weather on another axis inside its own, conserving the energy of each hour.

    Finer: GHI follows the clear sky at the finer step with an interpolated clear-sky index; wind, temperature and
    pressure are interpolated; the mean over each original interval stays. Coarser: means.
    """
    if axis.step_h < series.time.step_h:
        series = _refined(series, site, axis.step_h)
    step = TimeAxis(axis.start, round(axis.hours / series.time.step_h), series.time.step_h)
    part = step.position_in(series.time)
    group = round(axis.step_h / series.time.step_h)
    return SiteSeries(
        axis,
        ghi_wm2=_means(series.ghi_wm2[part], group),
        dni_wm2=series.dni_wm2[part] if group == 1 else np.full(len(axis), np.nan),
        temp_air_c=_means(series.temp_air_c[part], group),
        pressure_pa=_means(series.pressure_pa[part], group),
        wind_ms=_means(series.wind_ms[part], group),
        iced=_means(series.iced[part].astype(float), group) >= 0.5,
        origin=series.origin,
        repairs=series.repairs,
    )


def _means(values: Floats, group: int) -> Floats:
    return np.asarray(values.reshape(-1, group).mean(axis=1), float)


def _refined(series: SiteSeries, site: WeatherSite, step_h: float) -> SiteSeries:
    time = series.time
    fine = TimeAxis(time.start, round(time.hours / step_h), step_h)
    count = round(time.step_h / step_h)
    wind = _between(series.wind_ms, count)
    return SiteSeries(
        fine,
        ghi_wm2=_refined_ghi(series, site, fine, count),
        dni_wm2=np.full(len(fine), np.nan),
        temp_air_c=_shifted_to_means(_between(series.temp_air_c, count), series.temp_air_c),
        pressure_pa=_shifted_to_means(_between(series.pressure_pa, count), series.pressure_pa),
        wind_ms=_scaled_to_means(wind, series.wind_ms),
        iced=np.repeat(series.iced, count),
        origin=series.origin,
        repairs=series.repairs,
    )


def _between(values: Floats, count: int) -> Floats:
    """Return values at the middles of ``count`` parts of each interval, linear between interval middles."""
    parts = (np.arange(len(values) * count) + 0.5) / count - 0.5
    return np.interp(parts, np.arange(len(values)), values)


def _shifted_to_means(fine: Floats, means: Floats) -> Floats:
    count = len(fine) // len(means)
    return fine + np.repeat(means - _means(fine, count), count)


def _scaled_to_means(fine: Floats, means: Floats) -> Floats:
    count = len(fine) // len(means)
    got = _means(fine, count)
    ratio = np.where(got > 0, means / np.maximum(got, 1e-12), 0.0)
    return np.asarray(fine * np.repeat(ratio, count), float)


def _refined_ghi(series: SiteSeries, site: WeatherSite, fine: TimeAxis, count: int) -> Floats:
    clear = sky_of(site, series.time).clear_ghi_wm2
    day: Bools = clear > 0
    if not day.any():
        return np.zeros(len(fine))
    steps = np.arange(len(clear))
    index = np.interp(steps, steps[day], series.ghi_wm2[day] / clear[day])
    # A dark hour between bright ones still needs a shape to carry its energy, so the index keeps above zero.
    shape = np.maximum(_between(index, count), 1e-6) * sky_of(site, fine).clear_ghi_wm2
    return _scaled_to_means(shape, series.ghi_wm2)


def _side_by_side(series: list[SiteSeries], scenario: Scenario) -> Weather:
    """Return the sites' weather as one record; beam and diffuse are split here, under each site's sun."""
    settings = scenario.settings.weather
    beams = [
        _beam_and_diffuse(item, settings.sites[name]) for name, item in zip(settings.sites, series, strict=True)
    ]
    return Weather(
        scenario.time,
        tuple(settings.sites),
        ghi_wm2=np.column_stack([item.ghi_wm2 for item in series]),
        dni_wm2=np.column_stack([dni for dni, _ in beams]),
        dhi_wm2=np.column_stack([dhi for _, dhi in beams]),
        temp_air_c=np.column_stack([item.temp_air_c for item in series]),
        pressure_pa=np.column_stack([item.pressure_pa for item in series]),
        wind_ms=np.column_stack([item.wind_ms for item in series]),
        iced=np.column_stack([item.iced for item in series]),
        origin=tuple(item.origin for item in series),
        repairs=tuple(repair for item in series for repair in item.repairs),
    )


def _beam_and_diffuse(series: SiteSeries, site: WeatherSite) -> tuple[Floats, Floats]:
    """Return ``(dni, dhi)``, W/m²: measured beam where there is one, else split from GHI."""
    sun = sky_of(site, series.time).sun
    derived_dni, _ = split_ghi(series.ghi_wm2, sun)
    dni = np.where(np.isnan(series.dni_wm2), derived_dni, series.dni_wm2)
    return dni, series.ghi_wm2 - dni * sun.cos_zenith
