"""Place and year → a CSV file of NASA POWER's hourly weather, in the schema of ``profiles.intake``.

NASA POWER (power.larc.nasa.gov, free, no account) gives irradiance of CERES SYN1deg (1° × 1°) from 2001 on and
temperature, pressure and 10 m wind of MERRA-2 (0.5° × 0.625°; POWER documentation), some months behind the present.
A cell is far wider than a ridge: the wind counts as a station's, which the program maps to the ridges, and the
temperature is that of the cell's mean height. Beam and diffuse are left out and derived from the global irradiance,
as for any other file.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pvlib
import requests

from profiles.intake import read_weather_file
from scenarios.errors import DataError, Problem, SimulationError
from scenarios.settings import WeatherSite
from scenarios.timeaxis import CST, TimeAxis

FIRST_YEAR = 2001
COLUMNS = {
    "ghi": "ghi_wm2",
    "temp_air": "temp_air_c",
    "wind_speed": "wind_10m_ms",
    "pressure": "pressure_pa",
}
"""pvlib's names, units W/m², °C, m/s, Pa, and ours."""


def fetch_year(site: WeatherSite, year: int, path: Path) -> None:
    """Download a calendar year (UTC+08:00) of a site, check it and write it as CSV.

    Raises ``SimulationError`` when the service cannot be reached or refuses, ``DataError`` when hours are missing
    or values are impossible; then no file is left.
    """
    table = _year_of(_download(site, year), year)
    partial = path.with_name(f".partial-{path.name}")
    try:
        table.to_csv(partial, index=False, float_format="%.4f", lineterminator="\n")
        read_weather_file(partial, TimeAxis.of_year(year))
        partial.replace(path)
    except OSError as error:
        problem = Problem(str(path), f"cannot be written ({error.strerror})", "choose another folder with --out")
        raise SimulationError(problem) from None
    finally:
        partial.unlink(missing_ok=True)


def _download(site: WeatherSite, year: int) -> pd.DataFrame:
    """Return hourly values in UTC, one day more than the year: its first hours are the last of the year before."""
    place = f"NASA POWER, {site.name_en} {year}"
    days = (f"{year - 1}-12-31", f"{year}-12-31")
    try:
        table: pd.DataFrame
        table, _ = pvlib.iotools.get_nasa_power(site.lat, site.lon, *days, parameters=list(COLUMNS))
    except requests.HTTPError as error:
        raise SimulationError(Problem(place, f"the service refuses: {error}", _years(year))) from None
    except requests.ConnectionError:
        cure = "check the connection or proxy (HTTPS_PROXY); without network use a file or the synthetic year"
        raise SimulationError(Problem(place, "power.larc.nasa.gov cannot be reached", cure)) from None
    except (requests.RequestException, KeyError, ValueError) as error:
        raise SimulationError(Problem(place, f"the answer cannot be read ({error!r})", "try again later")) from None
    return table


def _years(year: int) -> str:
    return f"hourly values begin in {FIRST_YEAR}" if year < FIRST_YEAR else "hourly values are some months late"


def _year_of(table: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the hours of the calendar year in UTC+08:00; raises ``DataError`` when some have no value."""
    index = pd.DatetimeIndex(table.index).tz_convert(CST)
    ours = table.rename(columns=COLUMNS).loc[index.year == year, list(COLUMNS.values())]
    wanted = TimeAxis.of_year(year).starts()
    ours = ours.set_index(index[index.year == year]).reindex(wanted)
    missing = {name: int(count) for name, count in ours.isna().sum().items() if count}
    if missing:
        problems = (
            Problem(f"NASA POWER {year}, {name}", f"{count} of {len(wanted)} hours have no value", _years(year))
            for name, count in missing.items()
        )
        raise DataError(problems)
    ours.insert(0, "time", [stamp.isoformat() for stamp in wanted])
    return ours
