"""A generating system without network and weather, as published test systems are: tables → checked rows.

    units.csv       capacity, time to failure and to repair, optionally a derated state
    load_weeks.csv  peak of each week  │
    load_days.csv   peak of each day   ├ in percent of the next larger span
    load_hours.csv  load of each hour  │

``rts79`` ships with the project: the IEEE Reliability Test System of 1979 (IEEE Trans. PAS-98, 2047–2054).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from scenarios.tables import OptionalFloat, Sourced, read_table

Season = Literal["winter", "summer", "spring_fall"]

PUBLISHED_SYSTEMS = {
    "rts79": "IEEE RTS-79",
    "rts79-derated": "IEEE RTS-79, 350 and 400 MW units with a derated state (1986)",
}
"""Names and titles of the systems that can be assessed without a scenario."""

RTS79_PEAK_MW = 2850.0
"""Annual peak of the IEEE RTS-79."""


class GeneratingUnit(Sourced):
    """A generating unit with its outage statistics; the last three columns replace the two states by three."""

    unit_id: str = Field(min_length=1, description="name")
    kind: str = Field(description="fuel and type")
    capacity_mw: float = Field(gt=0, le=5000, description="capacity, MW")
    mttf_h: float = Field(gt=0, description="mean time to failure, h")
    mttr_h: float = Field(gt=0, description="mean time to repair, h")
    outage_probability: OptionalFloat = Field(None, ge=0, lt=1, description="probability of the full outage")
    derated_mw: OptionalFloat = Field(None, ge=0, description="capacity in the derated state, MW")
    derated_probability: OptionalFloat = Field(None, ge=0, lt=1, description="probability of the derated state")


class WeekPeak(Sourced):
    """Peak of a week."""

    week: int = Field(ge=1, le=53, description="week of the year")
    season: Season = Field(description="season, which decides the hourly shape")
    peak_percent: float = Field(gt=0, le=100, description="peak in percent of the annual peak")


class DayPeak(Sourced):
    """Peak of a day."""

    day: int = Field(ge=0, le=6, description="day of the week, 0 for Monday")
    peak_percent: float = Field(gt=0, le=100, description="peak in percent of the week's peak")


class HourLoad(Sourced):
    """Load of an hour."""

    season: Season = Field(description="season")
    day_type: Literal["workday", "weekend"] = Field(description="type of day")
    hour: int = Field(ge=0, le=23, description="clock hour")
    peak_percent: float = Field(gt=0, le=100, description="load in percent of the day's peak")


@dataclass(frozen=True, slots=True)
class GeneratingSystem:
    """The checked tables and the annual peak."""

    peak_mw: float
    units: tuple[GeneratingUnit, ...]
    weeks: tuple[WeekPeak, ...]
    days: tuple[DayPeak, ...]
    hours: tuple[HourLoad, ...]


def load_rts79() -> GeneratingSystem:
    """Return the IEEE RTS-79 of the project; raises ``DataError`` when its tables were damaged."""
    folder = Path(__file__).parent / "rts79"
    return GeneratingSystem(
        RTS79_PEAK_MW,
        units=read_table(folder / "units.csv", GeneratingUnit),
        weeks=read_table(folder / "load_weeks.csv", WeekPeak),
        days=read_table(folder / "load_days.csv", DayPeak),
        hours=read_table(folder / "load_hours.csv", HourLoad),
    )
