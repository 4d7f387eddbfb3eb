"""``RawSite`` (what a file says) → ``SiteSeries`` (what is used), with every repair counted.

Irradiance is put on our convention (interval means, sun at mid-interval) through the clear-sky index: the index
is formed where the file's values fit the sun best, and multiplied with the clear sky at mid-interval. Known
faults of the China Standard Weather Data (CSWD) are repaired: its solar columns are daily values split into hours
by a model (Atmosphere 2021, 12(4), 524), its wind is integer, its months come from different years.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from profiles.climate import (
    SiteClimate,
    SiteSeries,
    Sky,
    daily_clearness,
    generator,
    icing,
    mean_pressure,
    normal_scores,
    place_of,
    ridge_wind,
    sky_of,
)
from profiles.intake import RawSite
from profiles.records import Repair
from profiles.sun import clear_sky_ghi, extraterrestrial, sun_at
from scenarios.errors import DataError, Problem, ScenarioError
from scenarios.records import Bools, Floats, Ints
from scenarios.settings import WeatherSite
from scenarios.timeaxis import TimeAxis

BRIGHTEST_INDEX = 1.05
"""An hourly mean above 1.05 × clear sky is not believed in a modelled (EPW) column."""
SENSOR_MARGIN_WM2 = 20.0
"""Measured hourly means may exceed the extraterrestrial value at mid-interval by this near sunrise and sunset."""
NIGHT_ENERGY_LIMIT = 0.02
"""More of the energy than this below the horizon means that the stamps are not UTC+08:00."""
SHIFTS_MIN = tuple(range(-90, 91, 15))
COLD_FRONT_K_PER_H = 7.0
JOINT_REACH_H = 3.0
CLOSURE_MARGIN_WM2 = 30.0
FAR_KM = 30.0


@dataclass(frozen=True, slots=True)
class SiteContext:
    """Whose weather it is: the site's key and settings, its climate where known, seed, wanted annual GHI."""

    name: str
    site: WeatherSite
    climate: SiteClimate | None
    seed: int
    ghi_annual_kwh_m2: float | None


def quality_controlled(raw: RawSite, context: SiteContext) -> SiteSeries:
    """Return the repaired weather of a site on the file's axis, with all repairs.

    Raises ``DataError`` when irradiance does not fit the sun at all, or the wanted annual GHI is not possible;
    ``ScenarioError`` when it is asked for a part of a year.
    """
    sky = sky_of(context.site, raw.time)
    ghi, solar_repairs = _irradiance(raw, context, sky)
    dni, beam_repairs = _beam(raw, ghi, sky, context.name)
    temperature, heat_repairs = _temperature(raw, context.name)
    pressure, pressure_repairs = _pressure(raw, temperature, context)
    wind, wind_repairs = _wind(raw, context)
    notes = [*_file_notes(raw, context)]
    return SiteSeries(
        raw.time,
        ghi_wm2=ghi,
        dni_wm2=dni,
        temp_air_c=temperature,
        pressure_pa=pressure,
        wind_ms=wind,
        iced=icing(temperature, daily_clearness(ghi, sky.clear_ghi_wm2, raw.time), context.site, raw.time),
        origin=_origin(raw),
        repairs=tuple(notes + solar_repairs + beam_repairs + heat_repairs + pressure_repairs + wind_repairs),
    )


def _origin(raw: RawSite) -> str:
    kinds = {"csv": "CSV", "epw": "EPW typical year", "cswd": "EPW typical year (China Standard Weather Data)"}
    return f"{raw.file}, {kinds[raw.kind]}"


def _file_notes(raw: RawSite, context: SiteContext) -> Iterator[Repair]:
    if raw.repeated_hours:
        yield Repair(
            context.name,
            "typical year without 29 February",
            "典型年缺2月29日",
            "28 February repeated",
            "重复2月28日",
            raw.repeated_hours,
        )
    if raw.lat_lon is not None:
        distance = great_circle_km((context.site.lat, context.site.lon), raw.lat_lon)
        if distance > FAR_KM:
            yield Repair(
                context.name,
                f"the file's station is {distance:.0f} km from the site",
                f"文件站点距本站{distance:.0f}公里",
                "used as given; the sun is taken at the site",
                "按原值使用，太阳位置取本站",
                0,
            )


def great_circle_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance of two points (lat, lon in degrees), km (haversine formula, radius 6371 km)."""
    (lat_a, lon_a), (lat_b, lon_b) = np.radians(a), np.radians(b)
    square = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return float(2 * 6371 * np.arcsin(np.sqrt(square)))


# Irradiance


def best_shift_min(ghi_wm2: Floats, site: WeatherSite, time: TimeAxis) -> int:
    """Return by how many minutes from mid-interval the sun must be moved so that it fits GHI best.

    The fit is the correlation with the clear sky, on every fourth day. 0: values are interval means; −30 for
    hourly steps: values belong to the stamp itself.
    """
    sample = time.day % 4 == 0 if time.hours > 24 * 60 else np.ones(len(time), dtype=bool)
    observed, middles = ghi_wm2[sample], time.middles()[sample]
    if observed.std() == 0:
        return 0
    moved = [middles + pd.Timedelta(minutes=minutes) for minutes in SHIFTS_MIN]
    sun = sun_at(place_of(site), pd.DatetimeIndex(moved[0].append(moved[1:])))
    clear = clear_sky_ghi(place_of(site), sun).reshape(len(SHIFTS_MIN), -1)
    fits = [float(np.corrcoef(observed, row)[0, 1]) if row.std() > 0 else -1.0 for row in clear]
    best = max(range(len(fits)), key=lambda i: (round(fits[i], 6), -abs(SHIFTS_MIN[i])))
    return SHIFTS_MIN[best]


def _irradiance(raw: RawSite, context: SiteContext, sky: Sky) -> tuple[Floats, list[Repair]]:
    """Return GHI at mid-interval and the repairs that made it."""
    shift = best_shift_min(raw.ghi_wm2, context.site, raw.time)
    if raw.kind == "csv":
        _check_night(raw, sky)
        ghi, repairs = _clipped_measurement(raw.ghi_wm2, sky, context.name)
        repairs = [*_shift_note(shift, raw.time, context.name), *repairs]
    else:
        ghi, repairs = _clipped_model(raw.ghi_wm2, shift, context, raw.time)
    target = _annual_target(raw, context)
    if target is None:
        return ghi, repairs
    scaled = scaled_to_annual(ghi, target, sky, raw, context.name)
    return scaled, [*repairs, _scaling_repair(ghi, target, raw, context.name)]


def _check_night(raw: RawSite, sky: Sky) -> None:
    total = raw.ghi_wm2.sum()
    at_night = raw.ghi_wm2[sky.sun.elevation_deg < -6].sum() / total if total else 0.0
    if at_night > NIGHT_ENERGY_LIMIT:
        what = f"{100 * at_night:.0f} % of ghi_wm2 falls while the sun is below the horizon"
        cure = "check the stamps: start of the interval, UTC+08:00 or with an offset; check lat and lon of the site"
        raise DataError(Problem(f'{raw.file}, column "ghi_wm2"', what, cure))


def _shift_note(shift_min: int, time: TimeAxis, name: str) -> list[Repair]:
    if abs(shift_min) <= 15 or time.hours < 24 * 5:
        return []
    return [
        Repair(
            name,
            f"irradiance fits the sun best {shift_min:+d} min from mid-interval: stamps may not be interval starts",
            f"辐照度与区间中点{shift_min:+d}分钟处的太阳位置最吻合，时间戳可能不是区间起点",
            "used as given",
            "按原值使用",
            0,
        )
    ]


def _clipped_measurement(ghi: Floats, sky: Sky, name: str) -> tuple[Floats, list[Repair]]:
    """Return measured GHI without what physics forbids: sun below the horizon, or more than outside the air."""
    night = ~sky.sun.is_up & (ghi > 0)
    ghi = np.where(night, 0.0, ghi)
    limit = extraterrestrial(sky.sun) + SENSOR_MARGIN_WM2
    above = sky.sun.is_up & (ghi > limit)
    repairs = [_night_repair(night, name), _bright_repair(above, name, "the extraterrestrial value", "天文辐射")]
    return np.where(above, limit, ghi), [repair for repair in repairs if repair.values]


def _clipped_model(
    ghi: Floats, shift_min: int, context: SiteContext, time: TimeAxis
) -> tuple[Floats, list[Repair]]:
    """Return the GHI of a typical year, clipped where its own sun allows less, and brought to mid-interval."""
    place = place_of(context.site)
    sun = sun_at(place, time.middles() + pd.Timedelta(minutes=shift_min))
    clear = clear_sky_ghi(place, sun)
    night = ~sun.is_up & (ghi > 0)
    above = sun.is_up & (ghi > BRIGHTEST_INDEX * clear)
    index = np.full(len(time), np.nan)
    index[sun.is_up] = np.minimum(ghi[sun.is_up] / np.maximum(clear[sun.is_up], 1e-9), BRIGHTEST_INDEX)
    known = np.flatnonzero(sun.is_up)
    index = np.interp(np.arange(len(time)), known, index[known]) if shift_min else np.nan_to_num(index)
    moved = _moved_repair(shift_min, int((ghi > 0).sum()), context.name)
    dropped = Repair(
        context.name,
        "direct and diffuse columns do not close with the global one; sky cover is random",
        "直射、散射与总辐射不闭合，云量列为随机数",
        "discarded; direct and diffuse derived from global (Erbs)",
        "弃用，由总辐射按Erbs模型分解",
        int((ghi > 0).sum()),
    )
    found = [
        _night_repair(night, context.name),
        _bright_repair(above, context.name, "1.05 × clear sky", "1.05倍晴空辐射"),
    ]
    repairs = [repair for repair in (*found, moved, dropped) if repair.values]
    return index * sky_of(context.site, time).clear_ghi_wm2, repairs


def _night_repair(night: Bools, name: str) -> Repair:
    finding = ("irradiance while the sun is below the horizon", "太阳在地平线下仍有辐照度")
    return Repair(name, *finding, "set to 0", "置零", int(night.sum()))


def _bright_repair(above: Bools, name: str, limit_en: str, limit_zh: str) -> Repair:
    finding = (f"irradiance above {limit_en}", f"辐照度超过{limit_zh}")
    return Repair(name, *finding, "clipped to it", "截断至该值", int(above.sum()))


def _moved_repair(shift_min: int, values: int, name: str) -> Repair:
    return Repair(
        name,
        f"irradiance fits the sun best {shift_min:+d} min from mid-interval",
        f"辐照度与区间中点{shift_min:+d}分钟处的太阳位置最吻合",
        "clear-sky index formed there, irradiance rebuilt at mid-interval",
        "在该处计算晴空指数，再按区间中点还原",
        values if shift_min else 0,
    )


def _annual_target(raw: RawSite, context: SiteContext) -> float | None:
    """Return the annual GHI to scale to: the one asked for, the normals' for CSWD, else none."""
    if context.ghi_annual_kwh_m2 is not None:
        return context.ghi_annual_kwh_m2
    if raw.kind == "cswd" and context.climate is not None:
        return float(context.climate.ghi_kwh_m2.sum())
    return None


def scaled_to_annual(ghi: Floats, target_kwh_m2: float, sky: Sky, raw: RawSite, name: str) -> Floats:
    """Return GHI scaled to an annual total, no value above the brightest sky; bright hours gain least."""
    if len(raw.time) != len(TimeAxis.of_year(raw.time.start.year, raw.time.step_h)):
        what = f"site {name}: {raw.file} covers a part of the year only"
        raise ScenarioError(Problem("weather.ghi_annual_kwh_m2", what, "remove it, or give a whole year"))
    limit = np.maximum(BRIGHTEST_INDEX * sky.clear_ghi_wm2, ghi)
    for _ in range(60):
        total = ghi.sum() * raw.time.step_h / 1000
        ghi = np.minimum(ghi * target_kwh_m2 / max(total, 1e-9), limit)
    if abs(ghi.sum() * raw.time.step_h / 1000 / target_kwh_m2 - 1) > 1e-3:
        what = f"{target_kwh_m2:g} kWh/m² cannot be reached from {raw.file} below a cloudless sky"
        raise DataError(Problem("weather.ghi_annual_kwh_m2", what, "ask for less"))
    return ghi


def _scaling_repair(ghi: Floats, target: float, raw: RawSite, name: str) -> Repair:
    total = ghi.sum() * raw.time.step_h / 1000
    known = raw.kind == "cswd"
    return Repair(
        name,
        f"annual GHI {total:.0f} kWh/m²" + (", known to be biased low in this data set" if known else ""),
        f"年总辐射{total:.0f} kWh/m²" + ("，该数据集已知偏低" if known else ""),
        f"scaled to {target:.0f} kWh/m² (×{target / total:.3f})",
        f"缩放至{target:.0f} kWh/m²（×{target / total:.3f}）",
        int((ghi > 0).sum()),
    )


def _beam(raw: RawSite, ghi: Floats, sky: Sky, name: str) -> tuple[Floats, list[Repair]]:
    """Return measured DNI where it closes with GHI and DHI, NaN (to be derived) elsewhere."""
    if np.isnan(raw.dni_wm2).all():
        return raw.dni_wm2, []
    beam_wm2 = raw.dni_wm2 * sky.sun.cos_zenith
    closes = np.abs(raw.ghi_wm2 - raw.dhi_wm2 - beam_wm2) <= CLOSURE_MARGIN_WM2
    usable = closes & (beam_wm2 <= ghi) & (ghi == raw.ghi_wm2)
    bad = ~usable & ((raw.ghi_wm2 > 0) | (raw.dni_wm2 > 0))
    finding = ("global ≠ diffuse + direct · cos(zenith)", "总辐射与直射、散射不闭合")
    repair = Repair(
        name, *finding, "direct and diffuse derived from global (Erbs)", "由总辐射按Erbs模型分解", int(bad.sum())
    )
    return np.where(usable, raw.dni_wm2, np.nan), [repair] if repair.values else []


# Temperature, pressure, wind


def _temperature(raw: RawSite, name: str) -> tuple[Floats, list[Repair]]:
    """Return temperature; in a typical year, jumps where two months of different years meet are smoothed.

    Jumps inside a month stay: a cold front of the Kunming quasi-stationary front brings 7–13 K within an hour.
    """
    if raw.kind == "csv":
        return raw.temp_air_c, []
    smooth, touched = smoothed_joints(raw.temp_air_c, raw.time)
    finding = (f"temperature jumps by more than {COLD_FRONT_K_PER_H:g} K/h where months meet", "月份衔接处气温突变")
    repair = Repair(name, *finding, "interpolated across the joint", "跨衔接处线性插值", touched)
    return smooth, [repair] if touched else []


def smoothed_joints(temp_c: Floats, time: TimeAxis) -> tuple[Floats, int]:
    """Return temperature without jumps within an hour of a month's start, and how many values changed."""
    reach = round(JOINT_REACH_H / time.step_h)
    first_of_month = np.flatnonzero(np.diff(time.month, prepend=0))
    jumps = np.flatnonzero(np.abs(np.diff(temp_c)) > COLD_FRONT_K_PER_H * time.step_h)
    joints = [j for j in jumps if np.abs(first_of_month - j).min() <= 1]
    replaced = np.zeros(len(temp_c), dtype=bool)
    for joint in joints:
        replaced[max(joint - reach + 1, 0) : joint + reach + 1] = True
    kept = np.flatnonzero(~replaced)
    return np.interp(np.arange(len(temp_c)), kept, temp_c[kept]), int(replaced.sum())


def _pressure(raw: RawSite, temp_c: Floats, context: SiteContext) -> tuple[Floats, list[Repair]]:
    if not np.isnan(raw.pressure_pa).all():
        return raw.pressure_pa, []
    finding = ("the file has no pressure", "文件无气压")
    action = ("mean pressure of the site's elevation", "取本站海拔的平均气压")
    return mean_pressure(context.site.elevation_m, temp_c), [Repair(context.name, *finding, *action, len(temp_c))]


def _wind(raw: RawSite, context: SiteContext) -> tuple[Floats, list[Repair]]:
    """Return ridge wind at hub height; a station's wind only lends its order of strong and weak hours."""
    wind, repairs = _dejittered(raw.wind_ms, context)
    if raw.wind_at == "ridge":
        return wind, repairs
    if context.climate is None:
        cure = f'add the normals of "{context.name}" to weather_normals.csv, or give wind_ms at hub height'
        raise DataError(Problem(raw.file, "station wind needs the site's normals to reach the ridges", cure))
    steady, spot_readings = without_daily_course(wind, raw.time), raw.kind != "csv"
    if spot_readings:  # an hour's mean on a ridge is steadier than a reading in a basin
        steady = np.convolve(np.pad(steady, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    scores = normal_scores(steady, raw.time.month)
    mapped = Repair(
        context.name,
        "wind of a station at 10 m, not of the ridges",
        "风速为站点10米风，非山脊风",
        "mapped by rank to the ridges' Weibull distribution and daily course at hub height"
        + (", weighted 1-2-1 over neighbouring hours" if spot_readings else ""),
        "按秩映射到山脊轮毂高度的威布尔分布与日变化" + ("，并作相邻三小时1-2-1加权" if spot_readings else ""),
        len(wind),
    )
    return ridge_wind(scores, context.climate, context.site.ridge_wind_ms, raw.time), [*repairs, mapped]


def _dejittered(wind: Floats, context: SiteContext) -> tuple[Floats, list[Repair]]:
    """Return wind with its rounding undone by uniform noise of ±0.5 m/s, when all values are integers."""
    if len(wind) < 48 or np.any(wind != np.round(wind)) or wind.max() == 0:
        return wind, []
    noise = generator(context.seed, context.name, "rounding").uniform(-0.5, 0.5, len(wind))
    finding = ("wind speed in whole m/s", "风速为整数")
    action = ("uniform noise of ±0.5 m/s added (seeded)", "加入±0.5 m/s均匀随机量（定种子）")
    return np.abs(wind + noise), [Repair(context.name, *finding, *action, len(wind))]


def without_daily_course(wind: Floats, time: TimeAxis) -> Floats:
    """Return wind divided by its mean daily course of each month: the basin's afternoon maximum is not ridge's."""
    cell: Ints = time.month * 24 + time.hour_of_day
    course = np.bincount(cell, wind) / np.maximum(np.bincount(cell), 1)
    return wind / np.maximum(course[cell], 0.2)
