"""Weather at sites and plants → AC power that PV groups can generate, by the functions of pvlib.

The chain per plant and interval, with the sun at mid-interval:

    site GHI → clearness of the day + the plant's own variation (profiles.dispersion) → GHI, beam, diffuse
    → plane of the array (Hay–Davies) → reflection losses (physical glass) → cell temperature (PVsyst)
    → DC power (PVWatts) → inverter with clipping (PVWatts) → availability → MW

A plant sees the sun of its weather site: a county's plants lie within minutes of sun time of it. All steps work on
``[hours × plants]`` at once.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pvlib

from profiles.dispersion import Sampler, vary_clearness
from profiles.records import Weather
from profiles.siting import LAPSE_K_PER_M, Group, field_of, groups_by_site, places_of
from profiles.sun import Place, SunPosition, clear_sky_ghi, split_ghi, sun_at
from scenarios.records import Floats, axes, record
from scenarios.schema import Scenario
from scenarios.settings import Pv

MODULE_WIND_PER_RIDGE_WIND = 0.4
"""Wind at the modules over hub-height ridge wind: 3.2 m/s at 10 m in Weining (China Standard Weather Data) over
5.9 m/s on the ridges, brought down to 2 m by the 1/5 power law."""

PVSYST_U_CONSTANT = 25.0
PVSYST_U_WIND = 1.2
"""Heat loss of free-standing arrays, W/m²K and W/m²K per m/s (PVsyst help, "Thermal losses", with wind data)."""

CLEARNESS_MEMORY = 0.55
"""Lag-1 autocorrelation of hourly clearness within a day (cf. Aguiar & Collares-Pereira 1992, Solar Energy 49)."""

TRACKER_MAX_ANGLE_DEG = 60.0
TRACKER_GROUND_COVER = 0.35
"""Usual single-axis trackers with backtracking: axis north–south, horizontal."""

LOWEST_BEAM_COS = float(np.cos(np.radians(87.0)))
"""Within 3° of the horizon all light counts as diffuse, as in ``profiles.sun``."""


@record
class PvOutput:
    """AC power that PV plants can generate, and the energy that their inverters clip in the simulated time."""

    plants: tuple[str, ...]
    available_mw: Floats = axes("hours", "plants")
    clipped_gwh: Floats = axes("plants")


@record
class Sky:
    """Irradiance and air at the plants of one weather site; ``wind_ms`` at the height of the modules."""

    ghi_wm2: Floats = axes("hours", "plants")
    dni_wm2: Floats = axes("hours", "plants")
    dhi_wm2: Floats = axes("hours", "plants")
    temp_air_c: Floats = axes("hours", "plants")
    wind_ms: Floats = axes("hours", "plants")


@record
class Plane:
    """How the arrays stand: tilt and azimuth of the plane and the angle of incidence, degrees."""

    tilt_deg: Floats = axes("hours")
    azimuth_deg: Floats = axes("hours")
    incidence_deg: Floats = axes("hours")


def generate_pv(scenario: Scenario, weather: Weather) -> PvOutput:
    """Return what the scenario's PV plants can generate, AC, in the order of the plant table."""
    plants = scenario.plants_of("pv")
    available = np.zeros((len(weather.time), len(plants)))
    clipped = np.zeros(len(plants))
    sampler = Sampler(field_of(scenario, "pv", CLEARNESS_MEMORY), weather.time)
    for group in groups_by_site(scenario, weather, plants):
        sun = sun_at(_place(group), weather.time.middles())
        sky = sky_at_plants(scenario, weather, group, sun, sampler)
        power, lost = array_power_pu(sky, sun, scenario.settings.pv)
        available[:, group.rows] = power * group.capacity_mw()
        clipped[group.rows] = (lost * group.capacity_mw()).sum(axis=0) * weather.time.step_h / 1e3
    return PvOutput(tuple(plant.plant_id for plant in plants), available, clipped)


def _place(group: Group) -> Place:
    return Place(group.site.lat, group.site.lon, group.site.elevation_m)


def sky_at_plants(scenario: Scenario, weather: Weather, group: Group, sun: SunPosition, sampler: Sampler) -> Sky:
    """Return the sky over each plant: the site's, with the plant's own variation and its county's factors."""
    site_ghi = weather.ghi_wm2[:, group.column]
    varied = vary_clearness(
        site_ghi,
        clear_sky_ghi(_place(group), sun),
        weather.time,
        places_of(scenario, group, sampler),
        scenario.settings.dispersion.pv_sigma,
    )
    ghi = varied * group.county_row(lambda county: county.ghi_factor)
    dni, dhi = split_like_site(ghi, site_ghi, weather.dhi_wm2[:, group.column], sun)
    rise_m = group.county_row(lambda county: county.plant_elevation_m) - group.site.elevation_m
    wind = MODULE_WIND_PER_RIDGE_WIND * weather.wind_ms[:, [group.column]]
    return Sky(
        ghi_wm2=ghi,
        dni_wm2=dni,
        dhi_wm2=dhi,
        temp_air_c=weather.temp_air_c[:, [group.column]] - LAPSE_K_PER_M * rise_m,
        wind_ms=np.repeat(wind, len(group.plants), axis=1),
    )


def split_like_site(
    ghi_wm2: Floats, site_ghi_wm2: Floats, site_dhi_wm2: Floats, sun: SunPosition
) -> tuple[Floats, Floats]:
    """Return beam (normal) and diffuse irradiance ``(dni, dhi)`` of plants ``[hours × plants]``, W/m².

    The diffuse fraction of the site is kept and moved by as much as Erbs' correlation moves between the GHI of the
    site and that of the plant: measured diffuse light is not thrown away, and where the site's own split is Erbs'
    the plant's is too. ``ghi = dhi + dni · cos(zenith)`` holds.
    """
    erbs_plant = _diffuse_fraction(ghi_wm2, split_ghi(ghi_wm2, sun)[1])
    erbs_site = _diffuse_fraction(site_ghi_wm2, split_ghi(site_ghi_wm2, sun)[1])
    site = _diffuse_fraction(site_ghi_wm2, site_dhi_wm2)
    fraction = np.clip(erbs_plant + (site - erbs_site)[:, None], 0.0, 1.0)
    cos_zenith = sun.cos_zenith[:, None]
    beam = np.where(cos_zenith > LOWEST_BEAM_COS, ghi_wm2 * (1.0 - fraction), 0.0)
    dni = beam / np.maximum(cos_zenith, LOWEST_BEAM_COS)
    return dni, ghi_wm2 - beam


def _diffuse_fraction(ghi_wm2: Floats, dhi_wm2: Floats) -> Floats:
    return np.divide(dhi_wm2, ghi_wm2, out=np.ones_like(ghi_wm2), where=ghi_wm2 > 0)


def array_power_pu(sky: Sky, sun: SunPosition, pv: Pv) -> tuple[Floats, Floats]:
    """Return AC power and power lost to inverter clipping ``[hours × plants]``, per unit of the AC capacity.

    DC power and inverter after PVWatts (Dobos 2014, NREL/TP-6A20-62641); all losses but the inverter's are taken
    on the DC side, so that the clipped energy is what would have reached the inverter.
    """
    plane = plane_of_arrays(sun, pv)
    front, absorbed = plane_irradiance(sky, sun, plane, pv)
    cell_c = pvlib.temperature.pvsyst_cell(
        front, sky.temp_air_c, sky.wind_ms, u_c=PVSYST_U_CONSTANT, u_v=PVSYST_U_WIND
    )
    dc = pvlib.pvsystem.pvwatts_dc(absorbed, cell_c, pv.dc_ac_ratio, pv.temperature_coefficient_per_k)
    dc = np.maximum(dc, 0.0) * (1.0 - pv.losses)
    return inverted_pu(dc, pv)


def inverted_pu(dc_pu: Floats, pv: Pv) -> tuple[Floats, Floats]:
    """Return AC power and clipped power from DC power, all per unit of AC capacity, after availability."""
    rated_dc = 1.0 / pv.inverter_efficiency
    ac = pvlib.inverter.pvwatts(dc_pu, rated_dc, pv.inverter_efficiency)
    clipped = np.maximum(dc_pu - rated_dc, 0.0) * pv.inverter_efficiency
    return np.maximum(ac, 0.0) * pv.availability, clipped * pv.availability


def plane_of_arrays(sun: SunPosition, pv: Pv) -> Plane:
    """Return how the arrays stand in each hour: fixed, or trackers that follow the sun and lie flat at night."""
    if pv.mount == "fixed":
        tilt, azimuth = np.full(len(sun.times), pv.tilt_deg), np.full(len(sun.times), pv.azimuth_deg)
    else:
        turned = pvlib.tracking.singleaxis(
            sun.apparent_zenith_deg,
            sun.azimuth_deg,
            axis_azimuth=180.0,
            max_angle=TRACKER_MAX_ANGLE_DEG,
            gcr=TRACKER_GROUND_COVER,
        )
        tilt, azimuth = np.nan_to_num(turned["surface_tilt"]), np.nan_to_num(turned["surface_azimuth"])
    incidence = pvlib.irradiance.aoi(tilt, azimuth, sun.zenith_deg, sun.azimuth_deg)
    return Plane(tilt, azimuth, np.asarray(incidence, dtype=np.float64))


def plane_irradiance(sky: Sky, sun: SunPosition, plane: Plane, pv: Pv) -> tuple[Floats, Floats]:
    """Return irradiance on the plane and what the cells get after reflection ``[hours × plants]``, W/m².

    Sky diffuse after Hay & Davies (1980); reflection of beam and circumsolar light by the physical glass model (De
    Soto et al. 2006), of the rest by its integral over sky and ground (Marion 2017); the rear of bifacial modules
    adds its share.
    """
    hours = (slice(None), None)
    tilt, incidence = plane.tilt_deg[hours], plane.incidence_deg[hours]
    beam = sky.dni_wm2 * np.maximum(np.cos(np.radians(incidence)), 0.0)
    parts = pvlib.irradiance.haydavies(
        tilt,
        plane.azimuth_deg[hours],
        sky.dhi_wm2,
        sky.dni_wm2,
        sun.extra_normal_wm2[hours],
        sun.zenith_deg[hours],
        sun.azimuth_deg[hours],
        return_components=True,
    )
    ground = pvlib.irradiance.get_ground_diffuse(tilt, sky.ghi_wm2, pv.albedo)
    glass = pvlib.iam.physical(incidence)
    sky_iam, ground_iam = (row[hours] for row in diffuse_reflection(plane.tilt_deg))
    front = beam + parts["poa_sky_diffuse"] + ground
    through = (beam + parts["poa_circumsolar"]) * glass + parts["poa_isotropic"] * sky_iam + ground * ground_iam
    return front, through * (1.0 + pv.bifacial_gain)


def diffuse_reflection(tilt_deg: Floats) -> tuple[Floats, Floats]:
    """Return the share of isotropic sky and of ground light that passes the glass at each tilt ``[hours]``."""
    tilts, sky, ground = _diffuse_reflection_table()
    return np.interp(tilt_deg, tilts, sky), np.interp(tilt_deg, tilts, ground)


@cache
def _diffuse_reflection_table() -> tuple[Floats, Floats, Floats]:
    tilts = np.arange(0.0, 91.0, 2.0)
    shares = pvlib.iam.marion_diffuse("physical", tilts)
    return tilts, np.asarray(shares["sky"]), np.nan_to_num(shares["ground"], nan=1.0)
