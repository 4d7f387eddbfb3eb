"""What the profile stages hand on: weather at sites, and what it makes available at plants and asks at buses."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.records import Bools, Floats, axes, record
from scenarios.timeaxis import TimeAxis


@dataclass(frozen=True, slots=True)
class Repair:
    """A documented repair of the input: where, what was wrong, what was done, and how many values it touched."""

    site: str
    finding_en: str
    finding_zh: str
    action_en: str
    action_zh: str
    values: int


@record
class Weather:
    """Weather at sites. ``wind_ms`` is the wind at hub height on the ridges, not at the basin station."""

    time: TimeAxis
    sites: tuple[str, ...]
    ghi_wm2: Floats = axes("hours", "sites")
    dni_wm2: Floats = axes("hours", "sites")
    dhi_wm2: Floats = axes("hours", "sites")
    temp_air_c: Floats = axes("hours", "sites")
    pressure_pa: Floats = axes("hours", "sites")
    wind_ms: Floats = axes("hours", "sites")
    iced: Bools = axes("hours", "sites", dtype=bool)
    origin: tuple[str, ...]
    repairs: tuple[Repair, ...]


@record
class Profiles:
    """What nature offers and consumers ask. Names refer to the scenario's tables, in their order.

    ``available_mw``: wind and PV that could be generated, AC. ``hydro_budget_mwh``: energy to be released per
    calendar day. ``export_mw``: contract curve. ``clipped_gwh``: energy lost in inverters, by plant;
    ``notes``: sentences about what was assumed or limited (English, Chinese).
    """

    time: TimeAxis
    renewables: tuple[str, ...]
    hydros: tuple[str, ...]
    loads: tuple[str, ...]
    channels: tuple[str, ...]
    available_mw: Floats = axes("hours", "renewables")
    load_mw: Floats = axes("hours", "loads")
    load_mvar: Floats = axes("hours", "loads")
    export_mw: Floats = axes("hours", "channels")
    hydro_budget_mwh: Floats = axes("days", "hydros")
    hydro_minimum_mw: Floats = axes("days", "hydros")
    clipped_gwh: Floats = axes("renewables")
    notes: tuple[tuple[str, str], ...]
