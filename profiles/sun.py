"""Place and time → where the sun stands, what a clear sky gives, and how global irradiance splits.

Everything about the sun that weather needs from pvlib is here, so that no other module of the weather side
knows that library. Angles are degrees, irradiance is W/m² on the horizontal unless it says normal. The true
(not refracted) zenith is used for all geometry, so ``ghi = dhi + dni · cos(zenith)`` holds to rounding with
``SunPosition.cos_zenith``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib

from scenarios.records import Bools, Floats, axes, record

LOWEST_BEAM_SUN_DEG = 3.0
"""Below this elevation all irradiance counts as diffuse: dividing by cos(zenith) would magnify noise."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the ground: latitude and longitude in degrees (north and east > 0), elevation in m."""

    lat: float
    lon: float
    elevation_m: float


@record
class SunPosition:
    """Where the sun stands at ``times``; azimuth 0 = north, 90 = east.

    ``extra_normal_wm2`` is the irradiance outside the atmosphere on a plane that faces the sun.
    """

    times: pd.DatetimeIndex
    zenith_deg: Floats = axes("times")
    apparent_zenith_deg: Floats = axes("times")
    azimuth_deg: Floats = axes("times")
    extra_normal_wm2: Floats = axes("times")

    @property
    def elevation_deg(self) -> Floats:
        """True elevation above the horizon, negative at night."""
        return 90.0 - self.zenith_deg

    @property
    def cos_zenith(self) -> Floats:
        """Cosine of the true zenith angle, 0 while the sun is below the horizon."""
        return np.maximum(np.cos(np.radians(self.zenith_deg)), 0.0)

    @property
    def is_up(self) -> Bools:
        """Whether the centre of the sun is above the true horizon."""
        return self.zenith_deg < 90.0


def sun_at(place: Place, times: pd.DatetimeIndex) -> SunPosition:
    """Return the sun's position at ``times`` (with offset), usually ``TimeAxis.middles()``.

    Solar position algorithm of NREL (Reda & Andreas 2004, Solar Energy 76(5)); extraterrestrial irradiance
    after Spencer (1971); both through pvlib.
    """
    angles = pvlib.solarposition.get_solarposition(times, place.lat, place.lon, place.elevation_m)
    return SunPosition(
        times,
        zenith_deg=angles["zenith"].to_numpy(float),
        apparent_zenith_deg=angles["apparent_zenith"].to_numpy(float),
        azimuth_deg=angles["azimuth"].to_numpy(float),
        extra_normal_wm2=np.asarray(pvlib.irradiance.get_extra_radiation(times), float),
    )


def clear_sky_ghi(place: Place, sun: SunPosition) -> Floats:
    """Return the global irradiance of a cloudless sky, W/m² ``[times]``.

    Ineichen & Perez (2002, Solar Energy 73(3)) with the monthly Linke turbidity of the SoDa climatology and
    the air mass at the place's elevation, through pvlib.
    """
    airmass = pvlib.atmosphere.get_absolute_airmass(
        pvlib.atmosphere.get_relative_airmass(sun.apparent_zenith_deg),
        pvlib.atmosphere.alt2pres(place.elevation_m),
    )
    turbidity = pvlib.clearsky.lookup_linke_turbidity(sun.times, place.lat, place.lon).to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):  # pvlib divides by cos(zenith) = 0 at night
        sky = pvlib.clearsky.ineichen(
            sun.apparent_zenith_deg, airmass, turbidity, place.elevation_m, sun.extra_normal_wm2
        )
    return np.where(sun.is_up, np.nan_to_num(np.asarray(sky["ghi"], float)), 0.0)


def extraterrestrial(sun: SunPosition) -> Floats:
    """Return the irradiance outside the atmosphere on a horizontal plane, W/m² ``[times]``."""
    return sun.extra_normal_wm2 * sun.cos_zenith


def split_ghi(ghi_wm2: Floats, sun: SunPosition) -> tuple[Floats, Floats]:
    """Return beam (normal) and diffuse (horizontal) irradiance ``(dni, dhi)``, W/m², in the shape given.

    ``ghi_wm2`` is ``[times]`` or ``[times × things]`` under the same sun. Diffuse fraction after Erbs, Klein
    & Duffie (1982, Solar Energy 28(4)) as pvlib does it; all is diffuse while the sun is lower than
    ``LOWEST_BEAM_SUN_DEG``. ``ghi = dhi + dni · cos_zenith`` holds to rounding.
    """
    per_time = (slice(None),) + (None,) * (np.ndim(ghi_wm2) - 1)
    zenith = sun.zenith_deg[per_time] + 0.0 * ghi_wm2
    day = np.asarray(sun.times.dayofyear, float)[per_time] + 0.0 * ghi_wm2
    beam = np.asarray(pvlib.irradiance.erbs(ghi_wm2, zenith, day)["dni"], float)
    dni = np.where(90.0 - zenith > LOWEST_BEAM_SUN_DEG, np.maximum(beam, 0.0), 0.0)
    return dni, ghi_wm2 - dni * sun.cos_zenith[per_time]


def read_epw(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the hourly table of an EnergyPlus weather file and its header, as ``pvlib.iotools.read_epw``.

    Columns used here: ``ghi`` W/m², ``temp_air`` °C, ``atmospheric_pressure`` Pa, ``wind_speed`` m/s at
    10 m. Header keys used: ``data_type``, ``city``, ``latitude``, ``longitude``, ``altitude``. The years in
    the file are kept: a typical year may have a different one in each month. The library raises what it
    likes on a file that is not EPW; ``profiles.weather`` turns that into a ``DataError``.
    """
    table, header = pvlib.iotools.read_epw(str(path))
    return table, header
