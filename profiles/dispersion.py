"""Coordinates and a seed → short-term variation of every plant, as alike as plants are near.

Weather is known at a few sites, but twelve gigawatts do not move as one mast. What a site's weather does within
some hours belongs to the place; the slower part belongs to the region. So a plant takes the slow part of its
site as it is, and of the fast part only what distance leaves it, the rest being its own:

    own fast part = ρ · h + s · (f(plant) − ρ · f(site)),     ρ = exp(−d/L)

with h the fast part at the site, s its standard deviation, and f a random field of unit variance in which two
places have the correlation exp(−d/L). This is conditional simulation (Journel 1974, Economic Geology 69(5)): a
plant beside the site follows it, a far one varies as strongly but on its own, and two plants are as alike as their
distance says. That hourly changes of irradiance and of wind power lose their likeness over tens of kilometres is
found by Hoff & Perez (2010, Solar Energy 84(10); 2012, Solar Energy 86(6)) and Ernst et al. (1999,
NREL/CP-500-26722).

The field is a sum of plane waves whose amplitudes are independent AR(1) series (spectral representation, Shinozuka
1971, J. Acoust. Soc. Am. 49(1B)): fixed waves and fixed series, so what a plant gets depends on the seed and its
coordinates and on nothing else; adding, removing or reordering plants changes no other plant by a bit.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from scenarios.records import Floats
from scenarios.timeaxis import TimeAxis

WAVES = 160
"""Plane waves of the field; with 160 the correlation keeps within 0.05 of exp(−d/L) (tested)."""

LONGEST_YEAR_H = 8784
"""Every series is drawn for a leap year and cut, so that a part of a year equals the same hours of the whole."""

BOUND = 2.5
"""Variations are cut at ± this many standard deviations, so that they can be scaled to stay within physics."""

WIND_TREND_H = 12.0
"""What changes more slowly than this is weather of the whole region: wind power keeps its likeness over some 500 km
at 12 h and loses it within some 20 km at 5 minutes (Ernst et al. 1999)."""

HIGHEST_CLEARNESS = 1.1
"""Cloud edges can lift an hour a little above the clear sky."""

KM_PER_DEGREE = 111.195
"""Length of a degree of a great circle on a sphere of radius 6371 km."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The point whose tangent plane serves as map; degrees."""

    lat: float
    lon: float

    def plane_km(self, lat: float, lon: float) -> tuple[float, float]:
        """Return the position east and north of the origin, km; within 2 % of great circles up to 300 km."""
        east = KM_PER_DEGREE * np.cos(np.radians(self.lat)) * (lon - self.lon)
        return float(east), float(KM_PER_DEGREE * (lat - self.lat))


@dataclass(frozen=True, slots=True)
class Field:
    """A random field over the map: its name and seed fix the draw, the rest its likeness in space and time."""

    name: str
    seed: int
    correlation_km: float
    hourly_memory: float


class Sampler:
    """The series of one field over a time axis; ``at`` reads the field off at a place."""

    def __init__(self, field: Field, time: TimeAxis) -> None:
        self._time = time
        self._series = _wave_amplitudes(field)
        self._waves_per_km = _wave_vectors(field.correlation_km)

    def at(self, place_km: tuple[float, float]) -> Floats:
        """Return the variation at a place ``[hours]``: mean 0, standard deviation 1.

        The sum runs over the waves in a fixed order and touches no other place (no matrix product, whose
        rounding may depend on what else is multiplied).
        """
        phase = self._waves_per_km @ np.array(place_km)
        weights = np.concatenate([np.cos(phase), np.sin(phase)]) / np.sqrt(WAVES)
        hourly: Floats = np.einsum("tw,w->t", self._series, weights)
        return _on_axis(hourly, self._time)


def _wave_vectors(correlation_km: float) -> Floats:
    """Return wave numbers ``[waves × 2]``, rad/km, spread by the spectrum of exp(−d/L) in the plane.

    That spectrum is ∝ k / (1 + k²L²)^1.5, so that a share u of the waves is shorter than k = √(1/(1−u)² − 1) / L;
    directions follow the golden angle.
    """
    number = np.arange(WAVES)
    share = (number + 0.5) / WAVES
    length = np.sqrt(1.0 / (1.0 - share) ** 2 - 1.0) / correlation_km
    angle = number * np.pi * (3.0 - np.sqrt(5.0))
    return np.asarray(length[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


def _wave_amplitudes(field: Field) -> Floats:
    """Return hourly AR(1) series of unit variance, two per wave ``[hours of a leap year × 2 waves]``."""
    rng = np.random.default_rng([field.seed, zlib.crc32(field.name.encode())])
    noise = rng.standard_normal((LONGEST_YEAR_H, 2 * WAVES))
    noise[1:] *= np.sqrt(1.0 - field.hourly_memory**2)
    return np.asarray(lfilter([1.0], [1.0, -field.hourly_memory], noise, axis=0), dtype=np.float64)


def _on_axis(hourly: Floats, time: TimeAxis) -> Floats:
    """Cut an hourly series of a year to a time axis; between mid-hours it is interpolated."""
    start_h = 24.0 * (time.start.dayofyear - 1) + time.start.hour
    middle_h = start_h + (np.arange(len(time)) + 0.5) * time.step_h
    return np.asarray(np.interp(middle_h, np.arange(len(hourly)) + 0.5, hourly), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Blend:
    """How a plant's fast part is put together: ``common`` × the site's, plus ``own`` × the plant's variation.

    ``variation`` ``[hours]`` has unit variance and is cut at ± ``BOUND``; ``own`` has the unit of the fast part.
    """

    common: float
    own: float
    variation: Floats


@dataclass(frozen=True, slots=True)
class Places:
    """A weather site and the plants under its sky on the map, and the field that varies between them."""

    sampler: Sampler
    site_km: tuple[float, float]
    plants_km: tuple[tuple[float, float], ...]
    correlation_km: float

    def blends(self, sigma: float) -> list[Blend]:
        """Return the mix of every plant for a fast part of standard deviation ``sigma``."""
        at_site = self.sampler.at(self.site_km)
        return [blend(self.sampler.at(plant), at_site, self._likeness(plant), sigma) for plant in self.plants_km]

    def _likeness(self, plant_km: tuple[float, float]) -> float:
        """Return exp(−d/L) between a plant and the site."""
        distance = np.hypot(plant_km[0] - self.site_km[0], plant_km[1] - self.site_km[1])
        return float(np.exp(-distance / self.correlation_km))


def blend(at_plant: Floats, at_site: Floats, alike: float, sigma: float) -> Blend:
    """Return the mix for a plant from the field at it and at its site ``[hours]``.

    ``alike`` is ρ and ``sigma`` the standard deviation of the fast part, which stays: ρ² + (own / sigma)² = 1.
    """
    apart = float(np.sqrt(1.0 - alike**2))
    if apart == 0.0:
        return Blend(1.0, 0.0, np.zeros_like(at_plant))
    own = (at_plant - alike * at_site) / apart
    return Blend(alike, apart * sigma, np.clip(own, -BOUND, BOUND))


def fast_wind(site_ms: Floats, time: TimeAxis) -> Floats:
    """Return the fast part of the wind at a site ``[hours]``, m/s: what its mean over ``WIND_TREND_H`` leaves."""
    return site_ms - smoothed(site_ms[:, None], WIND_TREND_H, time.step_h)[:, 0]


def vary_wind(site_ms: Floats, time: TimeAxis, places: Places, sigma_ms: float) -> Floats:
    """Return the wind at the plants ``[hours × plants]``, m/s, from the wind of their site ``[hours]``, m/s.

    ``sigma_ms`` is the standard deviation of the fast part; where it is that of the site's (``fast_wind``), the
    plants have the site's spread of wind and so its energy. 0 leaves all plants with the wind of the site.
    """
    if sigma_ms == 0.0:
        return np.repeat(site_ms[:, None], len(places.plants_km), axis=1)
    fast = fast_wind(site_ms, time)
    slow = site_ms - fast
    mixes = places.blends(sigma_ms)
    return np.column_stack([_bounded(slow + mix.common * fast, mix, mix.own, 0.0, np.inf) for mix in mixes])


def vary_clearness(ghi_wm2: Floats, clear_wm2: Floats, time: TimeAxis, places: Places, sigma: float) -> Floats:
    """Return GHI at the plants ``[hours × plants]``, W/m², from GHI and clear-sky GHI of their site ``[hours]``.

    The slow part is the clearness K of the calendar day; the fast part is counted in units of √(K (1 − K)), the
    spread that a value between overcast and clear can have, so that clear and dark days vary little. ``sigma`` is
    the standard deviation of the fast part when K = 0.5; 0 leaves all plants with the weather of the site.
    """
    if sigma == 0.0:
        return np.repeat(ghi_wm2[:, None], len(places.plants_km), axis=1)
    daily = _daily_clearness(ghi_wm2, clear_wm2, time)
    scale = np.sqrt(np.clip(daily * (1.0 - daily), 0.0, None))
    fast = np.divide(ghi_wm2, clear_wm2, out=daily.copy(), where=clear_wm2 > 0) - daily
    varied = [
        _bounded(daily + mix.common * fast, mix, mix.own * scale, 0.0, HIGHEST_CLEARNESS) * clear_wm2
        for mix in places.blends(2.0 * sigma)
    ]
    return np.where(clear_wm2[:, None] > 0, np.column_stack(varied), ghi_wm2[:, None])


def _daily_clearness(ghi_wm2: Floats, clear_wm2: Floats, time: TimeAxis) -> Floats:
    """Return GHI over clear-sky GHI of the calendar day of each interval ``[hours]``; 0 where no sun shines."""
    got = np.bincount(time.day, weights=ghi_wm2)
    could = np.bincount(time.day, weights=clear_wm2)
    return np.divide(got, could, out=np.zeros_like(got), where=could > 0)[time.day]


def _bounded(base: Floats, mix: Blend, sigma: Floats | float, low: float, high: float) -> Floats:
    """Return ``base`` plus the plant's own variation of standard deviation ``sigma``, within ``low … high``.

    Where a bound is near, the variation shrinks to both sides alike, so that the mean stays (a plain clip would
    add energy at the low end and take it at the high one).
    """
    room = np.maximum(np.minimum(base - low, high - base) / BOUND, 0.0)
    return np.maximum(base, low) + np.minimum(sigma, room) * mix.variation


def smoothed(power: Floats, spread_h: float, step_h: float) -> Floats:
    """Return power ``[hours × plants]`` as a group whose farms meet a change spread over ``spread_h`` hours.

    A moving mean in time of the group's power: the block average of Nørgaard & Holttinen (2004, Nordic Wind Power
    Conference, a multi-turbine power curve approach). Energy is kept: what would leave the ends is mirrored.
    """
    weights = _box_weights(spread_h / step_h)
    reach = len(weights) // 2
    padded = np.pad(power, ((reach, reach), (0, 0)), mode="symmetric")
    return np.asarray(sum(weight * padded[i : i + len(power)] for i, weight in enumerate(weights)))


def _box_weights(width: float) -> Floats:
    """Return the weights of a box of ``width`` steps over values interpolated between the steps; they add up to 1.

    The integral of hat functions over the box: width 1 gives 1/8, 3/4, 1/8.
    """
    if width <= 0:
        return np.ones(1)
    reach = int(np.ceil(width / 2 + 0.5))
    fine = ((np.arange(2000) + 0.5) / 2000 - 0.5) * width
    hats = np.maximum(0.0, 1.0 - np.abs(fine[:, None] - np.arange(-reach, reach + 1)))
    return np.asarray(hats.mean(axis=0))
