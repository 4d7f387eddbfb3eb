"""Weather at sites and wind fleets → AC power that wind groups can generate, by windpowerlib.

The chain per plant and interval:

    ridge wind of the site at hub height → county's factor, the plant's own variation (profiles.dispersion)
    → air density on the ridge at hub height → density-corrected power curve of each kind of turbine in the fleet
    → smoothing over the farms of the group → icing → wake, availability, electrical losses → MW

Wind is never extrapolated from a basin station's 10 m: on the ridges the day runs the other way round (strong at
night) and shear is small. Power curves, air density and the density correction are windpowerlib's; the correction
is evaluated here for all hours and plants at once: the library's numbers (tested) in a fraction of its time.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import windpowerlib
from windpowerlib import density as library_density

from profiles.dispersion import Sampler, smoothed, vary_wind
from profiles.records import Weather
from profiles.siting import LAPSE_K_PER_M, Group, field_of, groups_by_site, places_of
from scenarios.errors import Problem, ScenarioError, did_you_mean
from scenarios.records import Bools, Floats, axes, record
from scenarios.schema import Scenario
from scenarios.settings import TurbineShare, Wind

ZERO_CELSIUS_K = 273.15
GRAVITY_MS2 = 9.80665
DRY_AIR_J_PER_KG_K = 287.05
STANDARD_DENSITY_KG_M3 = 1.225
"""Density for which power curves are given (IEC 61400-12-1)."""

ICING_SPREAD_H = 6.0
"""Farms of a site lie some hundreds of metres apart in height and do not ice or thaw in the same hour; assumed."""

WIND_MEMORY = 0.8
"""Lag-1 autocorrelation of the hourly part of ridge wind (as in the synthetic year)."""


@record
class WindOutput:
    """AC power that wind plants can generate."""

    plants: tuple[str, ...]
    available_mw: Floats = axes("hours", "plants")


@record
class RidgeAir:
    """Wind, temperature and pressure on the ridges of the plants of one weather site, wind at hub height."""

    wind_ms: Floats = axes("hours", "plants")
    temp_k: Floats = axes("hours", "plants")
    pressure_pa: Floats = axes("hours", "plants")


@dataclass(frozen=True, slots=True)
class Turbine:
    """A kind of turbine in the fleet: its share and its power curve per unit of rated power, wind rising."""

    share: TurbineShare
    curve_wind_ms: Floats
    curve_power_pu: Floats


def generate_wind(scenario: Scenario, weather: Weather) -> WindOutput:
    """Return what the scenario's wind plants can generate, AC, in the order of the plant table.

    Raises ``ScenarioError`` when the fleet has a turbine without a power curve in the library.
    """
    plants = scenario.plants_of("wind")
    settings = scenario.settings
    fleet = load_fleet(settings.wind)
    sampler = Sampler(field_of(scenario, "wind", WIND_MEMORY), weather.time)
    available = np.zeros((len(weather.time), len(plants)))
    for group in groups_by_site(scenario, weather, plants):
        gross = fleet_power_pu(ridge_air(scenario, weather, group, sampler), fleet)
        spread = smoothed(gross, settings.dispersion.smoothing_h, weather.time.step_h)
        net = with_losses(spread, weather.iced[:, group.column], settings.wind, weather.time.step_h)
        available[:, group.rows] = net * group.capacity_mw()
    return WindOutput(tuple(plant.plant_id for plant in plants), available)


def load_fleet(wind: Wind) -> tuple[Turbine, ...]:
    """Return the turbines of the fleet with their curves; raises ``ScenarioError`` naming all unknown ones."""
    known = _turbines_with_curves()
    problems = [
        Problem(f"wind.fleet[{i}].turbine", f'"{name}" has no power curve', did_you_mean(name, known))
        for i, name in enumerate(part.turbine for part in wind.fleet)
        if name not in known
    ]
    if problems:
        raise ScenarioError(problems)
    return tuple(_load_turbine(part) for part in wind.fleet)


@cache
def _turbines_with_curves() -> frozenset[str]:
    with warnings.catch_warnings():
        # windpowerlib.data fills gaps of a text column in a way that pandas 2.2 announced to change.
        warnings.filterwarnings("ignore", category=FutureWarning, message="Downcasting object dtype arrays")
        table = windpowerlib.get_turbine_types(print_out=False)
    return frozenset(table.loc[table["has_power_curve"], "turbine_type"])


def _load_turbine(share: TurbineShare) -> Turbine:
    """Read a curve of the library, put it in order of wind (unsorted ones would give zeros), W → per unit."""
    machine = windpowerlib.WindTurbine(hub_height=share.hub_height_m, turbine_type=share.turbine)
    curve = machine.power_curve.sort_values("wind_speed")
    return Turbine(
        share,
        curve["wind_speed"].to_numpy(dtype=np.float64),
        curve["value"].to_numpy(dtype=np.float64) / float(machine.nominal_power),
    )


def ridge_air(scenario: Scenario, weather: Weather, group: Group, sampler: Sampler) -> RidgeAir:
    """Return the air on the ridges of a group: the site's, brought to their height and varied plant by plant."""
    wind = vary_wind(
        weather.wind_ms[:, group.column],
        weather.time,
        places_of(scenario, group, sampler),
        scenario.settings.dispersion.wind_sigma_ms,
    )
    rise_m = group.county_row(lambda county: county.ridge_elevation_m) - group.site.elevation_m
    site_k = weather.temp_air_c[:, [group.column]] + ZERO_CELSIUS_K
    ridge_k = site_k - LAPSE_K_PER_M * rise_m
    return RidgeAir(
        wind_ms=wind * group.county_row(lambda county: county.wind_factor),
        temp_k=ridge_k,
        pressure_pa=pressure_at(weather.pressure_pa[:, [group.column]], (site_k + ridge_k) / 2, rise_m),
    )


def pressure_at(pressure_pa: Floats, layer_k: Floats, rise_m: Floats) -> Floats:
    """Return the pressure ``rise_m`` above, Pa, by the hypsometric equation for a layer at ``layer_k``."""
    return pressure_pa * np.exp(-GRAVITY_MS2 * rise_m / (DRY_AIR_J_PER_KG_K * layer_k))


def fleet_power_pu(air: RidgeAir, fleet: Iterable[Turbine]) -> Floats:
    """Return the gross power of the mix of turbines ``[hours × plants]``, per unit of capacity."""
    total = np.zeros_like(air.wind_ms)
    for turbine in fleet:
        hub_m = turbine.share.hub_height_m
        hub_k = air.temp_k - LAPSE_K_PER_M * hub_m
        # The library takes heights above the point of the pressure: the ridge itself, height 0.
        density = library_density.barometric(air.pressure_pa, 0.0, hub_m, hub_k)
        total += turbine.share.share * turbine_power_pu(
            air.wind_ms * turbine.share.wind_factor, np.asarray(density), turbine
        )
    return total


def turbine_power_pu(wind_ms: Floats, density_kg_m3: Floats, turbine: Turbine) -> Floats:
    """Return the power of a turbine ``[hours × plants]``, per unit, in air of the given density.

    The curve is stretched along the wind axis, v_site = v · (1.225 / ρ)^p(v), with p rising from 1/3 at 7.5 m/s to
    2/3 at 12.5 m/s (Svenningsen 2010, EMD International; ``windpowerlib.power_output``), then read linearly; below
    its first and above its last point the power is 0.
    """
    exponents = np.interp(turbine.curve_wind_ms, [7.5, 12.5], [1 / 3, 2 / 3])
    thinness = np.log(STANDARD_DENSITY_KG_M3 / density_kg_m3)
    power = np.zeros_like(wind_ms)
    left = turbine.curve_wind_ms[0] * np.exp(exponents[0] * thinness)
    for i in range(len(exponents) - 1):
        right = turbine.curve_wind_ms[i + 1] * np.exp(exponents[i + 1] * thinness)
        here = (wind_ms >= left) & (wind_ms <= right)
        share = (wind_ms[here] - left[here]) / (right[here] - left[here])
        low, high = turbine.curve_power_pu[i], turbine.curve_power_pu[i + 1]
        power[here] = low + share * (high - low)
        left = right
    return power


def with_losses(gross_pu: Floats, iced: Bools, wind: Wind, step_h: float) -> Floats:
    """Return net power ``[hours × plants]``: while blades are iced only a share is left; then constant losses.

    ``iced`` ``[hours]`` is one flag for all ridges of a site; farms ice and thaw spread around it.
    """
    left = smoothed(np.where(iced, wind.iced_power_pu, 1.0)[:, None], ICING_SPREAD_H, step_h)
    return gross_pu * left * (wind.wake_efficiency * wind.availability * wind.electrical_efficiency)
