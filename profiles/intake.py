"""Weather file (EPW typical year, or CSV of our own schema) → ``RawSite``: complete, sorted, in range, unrepaired.

A file that is wrong is refused with all its problems at once; what is merely known to be poor is repaired later,
and counted, by ``profiles.quality``. ``write_csv`` is the way back, for ``weather synth``.

The CSV schema is ``COLUMNS`` plus ``time``: the start of each interval, with an offset or in UTC+08:00 without
one, in steps of 60, 30 or 15 minutes, without gaps, covering the simulated time. Exactly one of ``wind_ms`` and
``wind_10m_ms`` is given. Example:

    time,ghi_wm2,temp_air_c,wind_ms
    2025-01-01T00:00:00+08:00,0.0,1.4,6.2
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from profiles.records import Weather
from profiles.sun import read_epw
from scenarios.errors import DataError, Problem, did_you_mean
from scenarios.records import Bools, Floats, Ints, axes, record
from scenarios.timeaxis import CST, TimeAxis


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a weather file: what it means and the range outside which a value cannot be weather."""

    name: str
    low: float
    high: float
    meaning: str
    required: bool = False


COLUMNS = (
    Column("ghi_wm2", 0, 1500, "global horizontal irradiance, W/m²", required=True),
    Column("temp_air_c", -50, 55, "air temperature at the site, °C", required=True),
    Column("wind_ms", 0, 60, "wind speed at hub height on the ridges, m/s"),
    Column("wind_10m_ms", 0, 60, "wind speed of a station at 10 m, m/s; mapped to the ridges by rank"),
    Column("dni_wm2", 0, 1400, "direct normal irradiance, W/m²"),
    Column("dhi_wm2", 0, 1000, "diffuse horizontal irradiance, W/m²"),
    Column("pressure_pa", 40_000, 110_000, "air pressure at the site, Pa"),
)
_BY_NAME = {column.name: column for column in COLUMNS}
_STEPS_H = (1.0, 0.5, 0.25)
_EPW_COLUMNS = {
    "ghi": "ghi_wm2",
    "temp_air": "temp_air_c",
    "wind_speed": "wind_10m_ms",
    "atmospheric_pressure": "pressure_pa",
}


@record
class RawSite:
    """What a file says about a site, on the file's own axis. NaN in ``dni_wm2``, ``dhi_wm2`` and
    ``pressure_pa`` means that the file has no such column.

    ``wind_at`` says where the wind was measured. ``kind`` is ``csv`` (measured, right unless it breaks physics),
    ``epw`` (typical year) or ``cswd`` (typical year of the China Standard Weather Data with its known faults).
    ``repeated_hours`` were copied from 28 to 29 February.
    """  # noqa: D205

    time: TimeAxis
    ghi_wm2: Floats = axes("hours")
    dni_wm2: Floats = axes("hours")
    dhi_wm2: Floats = axes("hours")
    temp_air_c: Floats = axes("hours")
    pressure_pa: Floats = axes("hours")
    wind_ms: Floats = axes("hours")
    wind_at: Literal["ridge", "station"]
    kind: Literal["csv", "epw", "cswd"]
    file: str
    lat_lon: tuple[float, float] | None
    repeated_hours: int


def is_typical_year(path: Path) -> bool:
    """Whether a file is an EPW, that is, months of different years put together."""
    return path.suffix.lower() == ".epw"


def read_weather_file(path: Path, time: TimeAxis) -> RawSite:
    """Return what a weather file says, for the calendar year and at least the hours of ``time``.

    Raises ``DataError`` with every problem of the file.
    """
    return _read_typical_year(path, time) if is_typical_year(path) else _read_csv(path, time)


def _problem(place: str, rows: Ints, what: str, cure: str) -> Problem:
    """Return one problem for all ``rows`` (line numbers in the file) with the same fault."""
    return Problem(f"{place}, row {rows[0]} (first of {len(rows)})", what, cure)


# EPW


def _read_typical_year(path: Path, time: TimeAxis) -> RawSite:
    try:
        table, header = read_epw(path)
    except OSError as error:
        raise DataError(_unreadable(path, error.strerror or "no such file")) from None
    except Exception as error:  # the library raises whatever its parsing meets
        raise DataError(_unreadable(path, f"not a valid EPW file: {error}")) from None
    year = TimeAxis.of_year(time.start.year)
    rows, repeated = _rows_of_year(table, year, path)
    columns = {ours: table[theirs].to_numpy(float)[rows] for theirs, ours in _EPW_COLUMNS.items()}
    problems = [p for name, values in columns.items() for p in _range_problems(path.name, name, values, rows + 9)]
    if problems:
        raise DataError(problems)
    unknown = np.full(len(year), np.nan)
    return RawSite(
        year,
        ghi_wm2=columns["ghi_wm2"],
        dni_wm2=unknown,
        dhi_wm2=unknown,
        temp_air_c=columns["temp_air_c"],
        pressure_pa=columns["pressure_pa"],
        wind_ms=columns["wind_10m_ms"],
        wind_at="station",
        kind="cswd" if _is_cswd(path, header.get("data_type", "")) else "epw",
        file=path.name,
        lat_lon=(float(header["latitude"]), float(header["longitude"])),
        repeated_hours=repeated,
    )


def _unreadable(path: Path, reason: str) -> Problem:
    return Problem(str(path), f"cannot be read ({reason})", "check the path and the file")


def _is_cswd(path: Path, data_type: str) -> bool:
    head = path.read_text(encoding="utf-8", errors="replace")[:5000]
    return "CSWD" in data_type.upper() or "china standard weather data" in head.lower()


def _rows_of_year(table: pd.DataFrame, year: TimeAxis, path: Path) -> tuple[Ints, int]:
    """Return the row of the file for each hour of the scenario's year, and how many hours were repeated."""
    index = pd.DatetimeIndex(table.index)
    key = np.asarray(index.month * 10_000 + index.day * 100 + index.hour, dtype=np.int64)
    row_of = dict(zip(key.tolist(), range(len(key)), strict=True))
    starts = year.starts()
    wanted = np.asarray(starts.month * 10_000 + starts.day * 100 + starts.hour, dtype=np.int64)
    leap_day = (wanted // 100 == 229) & ~np.isin(wanted, key)
    wanted = np.where(leap_day, wanted - 100, wanted)
    missing = wanted[~np.isin(wanted, key)]
    problems = []
    if len(row_of) < len(key):
        problems.append(Problem(path.name, f"{len(key) - len(row_of)} hours occur twice", "repair the file"))
    if missing.size:
        what = f"{missing.size} hours of the year are missing, first month {missing[0] // 10_000} day "
        what += f"{missing[0] // 100 % 100} hour {missing[0] % 100}"
        problems.append(Problem(path.name, what, "an EPW file must have all 8760 hours"))
    if problems:
        raise DataError(problems)
    return np.array([row_of[k] for k in wanted.tolist()]), int(leap_day.sum())


# CSV


def _read_csv(path: Path, time: TimeAxis) -> RawSite:
    text = _read_text_table(path)
    problems = list(_header_problems(path, text))
    if problems:
        raise DataError(problems)
    stamps, problems = _stamps(path.name, text["time"])
    values: dict[str, Floats] = {}
    for column in text.columns.drop("time"):
        values[column], found = _numbers(path.name, column, text[column])
        problems += found
    if not problems:
        problems = list(_calendar_problems(path.name, stamps, time))
    if problems:
        raise DataError(problems)
    return _of_columns(path, stamps, values, time)


def _read_text_table(path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # cells beyond the header would be dropped
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except OSError as error:
        raise DataError(_unreadable(path, error.strerror or "no such file")) from None
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataError(_unreadable(path, f"not a CSV table in UTF-8: {error}")) from None
    table.columns = table.columns.str.strip()
    return table.fillna("")  # a row that ends early has empty cells


def _header_problems(path: Path, table: pd.DataFrame) -> Iterator[Problem]:
    known = ["time", *_BY_NAME]
    columns = list(table.columns)
    for column in columns:
        if column not in known:
            yield Problem(path.name, f'unknown column "{column}"', did_you_mean(column, known))
    meanings = {"time": "start of the interval, for example 2025-01-01T00:00:00+08:00"}
    meanings |= {column.name: column.meaning for column in COLUMNS if column.required}
    for name, meaning in meanings.items():
        if name not in columns:
            yield Problem(path.name, f'column "{name}" is missing', f"add it: {meaning}")
    if ("wind_ms" in columns) == ("wind_10m_ms" in columns):
        cure = "give wind_ms (hub height on the ridges) or wind_10m_ms (station), one of the two"
        yield Problem(path.name, "needs exactly one wind column", cure)
    if ("dni_wm2" in columns) != ("dhi_wm2" in columns):
        yield Problem(path.name, "has one of dni_wm2 and dhi_wm2", "give both, or neither to have them derived")
    if len(table) < 2:
        yield Problem(path.name, f"has {len(table)} rows", "give the hours of the simulated time")


def _line_numbers(condition: Bools) -> Ints:
    """Return the file's line numbers where ``condition`` holds; the header is line 1."""
    return np.flatnonzero(condition) + 2


def _stamps(file: str, cells: pd.Series[str]) -> tuple[pd.DatetimeIndex, list[Problem]]:
    cells = cells.str.strip()
    offset = cells.str.contains(r"(?:[+-]\d\d:?\d\d|Z)$", regex=True).to_numpy(bool)
    naive = pd.to_datetime(cells.where(~offset), errors="coerce", format="ISO8601")
    naive = naive.fillna(pd.to_datetime(cells, errors="coerce", format="%Y/%m/%d %H:%M"))  # as Excel writes it
    aware = pd.to_datetime(cells.where(offset), errors="coerce", format="ISO8601", utc=True)
    stamps = pd.DatetimeIndex(aware.dt.tz_convert(CST).fillna(naive.dt.tz_localize(CST)))
    problems = []
    bad = _line_numbers(np.asarray(stamps.isna()))
    place = f'{file}, column "time"'
    if bad.size:
        what = f'"{cells.iloc[bad[0] - 2]}" is not a time'
        problems.append(_problem(place, bad, what, "write 2025-01-01T00:00:00+08:00 (ISO 8601)"))
    if offset.any() and not offset.all():
        rows = _line_numbers(offset != offset[0])
        problems.append(_problem(place, rows, "some stamps have an offset and some have none", "use one way"))
    return stamps, problems


def _numbers(file: str, column: str, cells: pd.Series[str]) -> tuple[Floats, list[Problem]]:
    """Return a column as numbers with the problems of its cells."""
    cells = cells.str.strip()
    values = pd.to_numeric(cells, errors="coerce").to_numpy(float)
    place = f'{file}, column "{column}"'
    empty = cells.str.lower().isin(["", "nan", "na", "null", "none"]).to_numpy(bool)
    odd = ~np.isfinite(values) & ~empty
    problems = []
    if empty.any():
        cure = "fill the gap from another source, or simulate another period"
        problems.append(_problem(place, _line_numbers(empty), "empty or NaN", cure))
    if odd.any():
        rows = _line_numbers(odd)
        problems.append(_problem(place, rows, f'"{cells.iloc[rows[0] - 2]}" is not a number', "write a number"))
    problems += _range_problems(file, column, values, np.arange(len(values)) + 2)
    return values, problems


def _range_problems(file: str, name: str, values: Floats, rows: Ints) -> list[Problem]:
    column = _BY_NAME[name]
    outside = np.isfinite(values) & ((values < column.low) | (values > column.high))
    if not outside.any():
        return []
    first = float(values[outside][0])
    what = f"{first:g} is outside {column.low:g} to {column.high:g}"
    cure = "set night offsets to 0" if column.low == 0 > first and "wm2" in name else "check unit and sensor"
    return [_problem(f'{file}, column "{name}"', rows[outside], what, f"{cure}; {name}: {column.meaning}")]


def _calendar_problems(file: str, stamps: pd.DatetimeIndex, time: TimeAxis) -> Iterator[Problem]:
    """Check that the stamps rise by one step of 60, 30 or 15 minutes and cover the simulated time."""
    place = f'{file}, column "time"'
    gaps_h = np.asarray((stamps[1:] - stamps[:-1]) / pd.Timedelta(hours=1), float)
    step_h = float(np.median(gaps_h))
    repeated, back = gaps_h == 0, gaps_h < 0
    if repeated.any():
        rows = _line_numbers(repeated) + 1
        yield _problem(place, rows, f"{stamps[rows[0] - 2]} occurs twice", "keep one row for each interval")
    if back.any():
        rows = _line_numbers(back) + 1
        yield _problem(place, rows, "is earlier than the row before", "sort the rows by time")
    if step_h not in _STEPS_H:
        yield Problem(place, f"the usual step is {step_h:g} h", "use steps of 60, 30 or 15 minutes")
    elif (gaps := (gaps_h > 0) & (gaps_h != step_h)).any():
        rows = _line_numbers(gaps) + 1
        what = f"gap: {stamps[rows[0] - 3]} is followed by {stamps[rows[0] - 2]}"
        yield _problem(place, rows, what, f"give every interval of {step_h:g} h")
    yield from _coverage_problems(place, stamps, time, step_h)


def _coverage_problems(place: str, stamps: pd.DatetimeIndex, time: TimeAxis, step_h: float) -> Iterator[Problem]:
    year = time.start.year
    years = sorted(set(stamps.year))
    if year not in years:
        found = ", ".join(map(str, years))
        cure = f"use a file for {year}, or simulate {years[0]} (--set time.year={years[0]})"
        yield Problem(place, f"the file is for {found}, the scenario for {year}", cure)
        return
    first, last = stamps.min(), stamps.max() + pd.Timedelta(hours=step_h)
    end = time.start + pd.Timedelta(hours=time.hours)
    if first > time.start or last < end:
        what = f"has {len(stamps)} rows for {(last - first) / pd.Timedelta(hours=1):g} h from {first}, "
        what += f"the simulation needs {time.hours:g} h from {time.start}"
        yield Problem(place, what, "give all intervals, or simulate a part of the year (--start, --hours)")
    if first != first.floor("h") or last != last.floor("h"):
        yield Problem(place, f"covers {first} to {last}, not whole hours", "start and end on a full hour")


def _of_columns(path: Path, stamps: pd.DatetimeIndex, values: dict[str, Floats], time: TimeAxis) -> RawSite:
    """Return the part of the columns that lies in the scenario's year."""
    rows = np.flatnonzero(stamps.year == time.start.year)
    step_h = (stamps[1] - stamps[0]) / pd.Timedelta(hours=1)
    unknown = np.full(len(stamps), np.nan)
    ridge = "wind_ms" in values
    return RawSite(
        TimeAxis(stamps[rows[0]], len(rows), step_h),
        ghi_wm2=values["ghi_wm2"][rows],
        dni_wm2=values.get("dni_wm2", unknown)[rows],
        dhi_wm2=values.get("dhi_wm2", unknown)[rows],
        temp_air_c=values["temp_air_c"][rows],
        pressure_pa=values.get("pressure_pa", unknown)[rows],
        wind_ms=values["wind_ms" if ridge else "wind_10m_ms"][rows],
        wind_at="ridge" if ridge else "station",
        kind="csv",
        file=path.name,
        lat_lon=None,
        repeated_hours=0,
    )


def write_csv(weather: Weather, site: str, path: Path) -> None:
    """Write a site's weather in the schema that ``read_weather_file`` reads; units as in the column names."""
    if site not in weather.sites:
        raise DataError(Problem(f'site "{site}"', "is not in the weather", did_you_mean(site, weather.sites)))
    place = weather.sites.index(site)
    names = ("ghi_wm2", "temp_air_c", "wind_ms", "dni_wm2", "dhi_wm2", "pressure_pa")
    table = pd.DataFrame({name: getattr(weather, name)[:, place] for name in names})
    table.insert(0, "time", [stamp.isoformat() for stamp in weather.time.starts()])
    table.to_csv(path, index=False, float_format="%.4f", lineterminator="\n")
