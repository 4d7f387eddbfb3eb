"""Scenario and weather → ``Profiles``: what nature offers and consumers ask, hour by hour.

weather ─► PV, wind ─► available MW per plant        tables ─► hydro budgets per day
weather + calendar + shape ─► demand per load        contract ─► export per channel
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from profiles.demand import generate_demand
from profiles.dispersion import fast_wind
from profiles.export import generate_export
from profiles.hydro import HydroOutput, generate_hydro
from profiles.records import Profiles, Weather
from profiles.solar import PvOutput, generate_pv
from profiles.wind import WindOutput, generate_wind
from scenarios.errors import Problem, ScenarioError, did_you_mean
from scenarios.records import Floats
from scenarios.schema import Scenario

Note = tuple[str, str]


def generate(scenario: Scenario, weather: Weather) -> Profiles:
    """Return the profiles of a scenario under a weather; both must be of the same hours.

    Raises ``ScenarioError`` or ``DataError`` with all problems of the part that failed.
    """
    check_sites(scenario, weather)
    pv, wind = generate_pv(scenario, weather), generate_wind(scenario, weather)
    demand, export = generate_demand(scenario, weather), generate_export(scenario)
    hydro = generate_hydro(scenario)
    renewables = tuple(plant.plant_id for plant in scenario.plants_of("wind", "pv"))
    return Profiles(
        weather.time,
        renewables,
        hydro.plants,
        demand.loads,
        export.channels,
        available_mw=_in_order(renewables, pv, wind),
        load_mw=demand.load_mw,
        load_mvar=demand.load_mvar,
        export_mw=export.export_mw,
        hydro_budget_mwh=hydro.budget_mwh,
        hydro_minimum_mw=hydro.minimum_mw,
        clipped_gwh=_clipped(renewables, pv),
        notes=(*_notes(pv, hydro), _wind_note(scenario, weather)),
    )


def check_sites(scenario: Scenario, weather: Weather) -> None:
    """Raise ``ScenarioError`` when a county names a site without weather, or the hours differ."""
    problems = [
        Problem(f"counties.csv ({county.county})", f'"{county.weather_site}" has no weather', cure)
        for county in scenario.tables.counties
        if county.weather_site not in weather.sites
        for cure in [did_you_mean(county.weather_site, weather.sites)]
    ]
    sites = scenario.settings.weather
    if sites.reference_site not in sites.sites:
        cure = did_you_mean(sites.reference_site, sites.sites)
        problems.append(Problem("weather.reference_site", f'"{sites.reference_site}" is not a site', cure))
    if scenario.time != weather.time:
        problems.append(
            Problem("weather", "covers other hours than the scenario", "make the weather for this scenario")
        )
    if problems:
        raise ScenarioError(problems)


def _in_order(renewables: tuple[str, ...], pv: PvOutput, wind: WindOutput) -> Floats:
    """Return available power ``[hours × renewables]`` with the columns in the order of the plant table."""
    both = np.hstack([pv.available_mw, wind.available_mw])
    column = {name: i for i, name in enumerate(pv.plants + wind.plants)}
    return both[:, [column[name] for name in renewables]]


def _clipped(renewables: tuple[str, ...], pv: PvOutput) -> Floats:
    lost = dict(zip(pv.plants, pv.clipped_gwh, strict=True))
    return np.array([lost.get(name, 0.0) for name in renewables], dtype=np.float64)


def _notes(pv: PvOutput, hydro: HydroOutput) -> Iterator[Note]:
    """Yield a sentence for everything that was cut off or assumed."""
    clipped = float(pv.clipped_gwh.sum())
    yield (
        f"Inverters clipped {clipped:.1f} GWh of PV energy; it is not part of the available energy.",
        f"逆变器削峰损失光伏电量 {clipped:.1f} GWh，不计入可用电量。",
    )
    spilled = dict(zip(hydro.plants, hydro.spilled_gwh, strict=True))
    worst = ", ".join(f"{name} {gwh:.1f}" for name, gwh in spilled.items() if gwh > 0)
    yield (
        f"Hydro plants spilled {sum(spilled.values()):.1f} GWh" + (f" ({worst})." if worst else "."),
        f"水电弃水 {sum(spilled.values()):.1f} GWh" + (f"（{worst}）。" if worst else "。"),
    )
    yield (
        "The export contract curve and the month shares of inflow are assumptions: no curve is published.",
        "外送合同曲线与来水月度比例为假设值：未见公开曲线。",
    )


def _wind_note(scenario: Scenario, weather: Weather) -> Note:
    """Say how the sites' fast wind compares with the setting: where they differ, dispersion moves wind energy."""
    found = ", ".join(
        f"{site} {fast_wind(weather.wind_ms[:, i], weather.time).std():.2f}" for i, site in enumerate(weather.sites)
    )
    sigma = scenario.settings.dispersion.wind_sigma_ms
    return (
        f"Ridge wind varies within 12 h by {found} m/s (one sigma); dispersion.wind_sigma_ms is {sigma:g}.",
        f"山脊风速 12 小时内变化的标准差：{found} m/s；dispersion.wind_sigma_ms 取 {sigma:g}。",
    )
