"""Scenarios and small weather files that the weather tests share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from profiles.climate import SiteClimate, climate_of, sky_of
from profiles.intake import RawSite
from profiles.quality import SiteContext
from profiles.records import Weather
from profiles.weather import make_weather
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from scenarios.settings import WeatherSite
from scenarios.timeaxis import TimeAxis

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "weather"
WEINING_EPW = FOLDER / "CHN_Guizhou.Weining.566910_CSWD.epw"
BIJIE_EPW = FOLDER / "CHN_Guizhou.Bijie.577070_CSWD.epw"
needs_epw = pytest.mark.skipif(not WEINING_EPW.is_file(), reason="the Weining EPW is not redistributed")


@cache
def scenario(*overrides: str) -> Scenario:
    return load_scenario("plan-2025", overrides)


@cache
def weather(*overrides: str) -> Weather:
    return make_weather(scenario(*overrides))


def with_file(path: Path, site: str = "weining") -> str:
    return f'weather.sites.{site}.file="{path}"'


def weining() -> WeatherSite:
    return scenario().settings.weather.sites["weining"]


def weining_climate() -> SiteClimate:
    return climate_of(scenario(), "weining")


def context(**changes) -> SiteContext:
    values = {
        "name": "weining",
        "site": weining(),
        "climate": weining_climate(),
        "seed": 1,
        "ghi_annual_kwh_m2": None,
    }
    return SiteContext(**(values | changes))


def raw_site(time: TimeAxis, **changes) -> RawSite:
    """A plain file: sun at 60 % of the clear sky, 10 °C, 5 m/s on the ridge, nothing else measured."""
    n = len(time)
    values = {
        "ghi_wm2": 0.6 * sky_of(weining(), time).clear_ghi_wm2,
        "dni_wm2": np.full(n, np.nan),
        "dhi_wm2": np.full(n, np.nan),
        "temp_air_c": np.full(n, 10.0),
        "pressure_pa": np.full(n, 77_800.0),
        "wind_ms": np.full(n, 5.25),
        "wind_at": "ridge",
        "kind": "csv",
        "file": "made.csv",
        "lat_lon": None,
        "repeated_hours": 0,
    }
    return RawSite(time, **(values | changes))


def csv_lines(hours: int = 48, start: str = "2025-06-01") -> list[str]:
    """The lines of a good CSV file: header, then one row for each hour."""
    time = TimeAxis.of(start, hours)
    ghi = 0.6 * sky_of(weining(), time).clear_ghi_wm2
    rows = [f"{t.isoformat()},{g:.3f},15.0,6.5" for t, g in zip(time.starts(), ghi, strict=True)]
    return ["time,ghi_wm2,temp_air_c,wind_ms", *rows]
