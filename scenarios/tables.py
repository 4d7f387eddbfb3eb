"""The input tables: every column described once, and from that description checked, explained and documented.

A row model below *is* the description of its CSV file: field = column, type, unit (in the name), bounds,
default and one sentence. ``read_table`` turns a file into a tuple of frozen rows or reports every bad cell at
once; ``docs/reference/tables.md`` is generated from the same models.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from scenarios.errors import DataError, Problem, did_you_mean

Confidence = Literal["published", "derived", "assumed"]
Tech = Literal["coal", "hydro", "wind", "pv"]


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


OptionalInt = Annotated[int | None, BeforeValidator(_blank_is_none)]
OptionalFloat = Annotated[float | None, BeforeValidator(_blank_is_none)]


class Row(BaseModel):
    """A row of a table; unknown columns are refused, values are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)


class Sourced(Row):
    """A row that says where it comes from and how sure that is."""

    source: str = Field(min_length=1, description="where the row comes from")
    confidence: Confidence = Field(description="weakest of existence and main parameters")
    note: str = Field("", description="remarks")


class Dated(Sourced):
    """A row that exists from one year to another."""

    in_service_from: OptionalInt = Field(None, ge=1900, le=2100, description="first year in service; blank: always")
    in_service_to: OptionalInt = Field(None, ge=1900, le=2100, description="last year in service; blank: still")

    def in_service(self, year: int) -> bool:
        """Whether the element is in service in ``year``."""
        return (self.in_service_from or 0) <= year <= (self.in_service_to or 9999)


class Bus(Dated):
    """A busbar of the 500/220 kV network."""

    bus_id: str = Field(min_length=1, description="name used by all other tables")
    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    vn_kv: float = Field(gt=0, le=1100, description="nominal voltage, kV")
    lat: float = Field(ge=-90, le=90, description="latitude, degrees")
    lon: float = Field(ge=-180, le=180, description="longitude, degrees")
    county: str = Field(description="county, or boundary")
    kind: Literal["substation", "collector", "plant", "boundary", "hvdc"] = Field(description="what stands there")
    existence_confidence: Confidence = Field(description="how sure it is that the station exists")
    kv_confidence: Confidence = Field(description="how sure the voltage is")
    coord_confidence: Confidence = Field(description="how sure the coordinates are")


class Line(Dated):
    """An overhead line: one or more equal circuits between two buses."""

    line_id: str = Field(min_length=1, description="name")
    from_bus: str = Field(description="bus at which the flow is counted positive into the line")
    to_bus: str = Field(description="bus at the other end")
    vn_kv: float = Field(gt=0, le=1100, description="nominal voltage, kV")
    circuits: int = Field(ge=1, le=8, description="parallel circuits in service")
    length_km: float = Field(gt=0, le=1000, description="length, km")
    line_type: str = Field(description="conductor, a row of line_types.csv")
    length_confidence: Confidence = Field(description="how sure the length is")
    conductor_confidence: Confidence = Field(description="how sure the conductor is")


class LineType(Sourced):
    """Electrical parameters of a conductor bundle per km."""

    line_type: str = Field(min_length=1, description="name")
    r_ohm_per_km: float = Field(gt=0, le=2, description="resistance at 20 °C, Ω/km")
    x_ohm_per_km: float = Field(gt=0, le=2, description="reactance, Ω/km")
    c_nf_per_km: float = Field(ge=0, le=100, description="capacitance, nF/km")
    i_normal_ka: float = Field(gt=0, le=20, description="normal rating: conductor 70 °C, air 40 °C; kA")
    i_emergency_ka: float = Field(gt=0, le=20, description="emergency rating: conductor 80 °C, air 35 °C; kA")


class Trafo(Dated):
    """A 500/220 kV transformer bank: equal units in parallel."""

    trafo_id: str = Field(min_length=1, description="name")
    hv_bus: str = Field(description="bus at the high-voltage side")
    lv_bus: str = Field(description="bus at the low-voltage side")
    n_parallel: int = Field(ge=1, le=8, description="units in parallel")
    sn_mva: float = Field(gt=0, le=3000, description="rating of one unit, MVA")
    vn_hv_kv: float = Field(gt=0, le=1100, description="rated voltage, high side, kV")
    vn_lv_kv: float = Field(gt=0, le=1100, description="rated voltage, low side, kV")
    vk_percent: float = Field(gt=0, le=40, description="short-circuit voltage, %")
    vkr_percent: float = Field(ge=0, le=5, description="its resistive part, %")
    pfe_kw: float = Field(ge=0, le=3000, description="iron losses of one unit, kW")
    i0_percent: float = Field(ge=0, le=5, description="no-load current, %")
    tap_steps: int = Field(ge=0, le=20, description="tap range in steps to either side, high side")
    tap_step_percent: float = Field(ge=0, le=5, description="voltage per tap step, %")
    tap_position: int = Field(ge=-20, le=20, description="tap in use")


class Shunt(Dated):
    """A shunt reactor or capacitor bank."""

    shunt_id: str = Field(min_length=1, description="name")
    bus_id: str = Field(description="where it stands")
    kind: Literal["line_reactor", "reactor", "capacitor"] = Field(description="what it is")
    q_mvar: float = Field(
        ge=-1000, le=1000, description="reactive power drawn at nominal voltage, Mvar; capacitor < 0"
    )
    line_id: str = Field("", description="line with which it is switched; blank: none")


class CommonTower(Dated):
    """Two circuits on the same towers, which one event can take out together (N-2)."""

    tower_id: str = Field(min_length=1, description="name")
    line_id: str = Field(description="line of the one circuit")
    other_line_id: str = Field(
        description="line of the other circuit; the same line when it has two or more circuits"
    )


class Plant(Dated):
    """A generating plant, or a group of wind or PV plants behind one bus."""

    plant_id: str = Field(min_length=1, description="name used by all other tables")
    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    tech: Tech = Field(description="technology")
    technology: str = Field(description="parameters, a row of technologies.csv")
    units: int = Field(ge=1, le=2000, description="number of equal units")
    unit_mw: float = Field(gt=0, le=2000, description="capacity of one unit, MW (AC)")
    county: str = Field(description="county, a row of counties.csv")
    lat: float = Field(ge=-90, le=90, description="latitude, degrees")
    lon: float = Field(ge=-180, le=180, description="longitude, degrees")
    bus_id: str = Field(description="where it is connected")
    account: Literal["bijie", "boundary"] = Field(description="whose plant it is in the city's energy accounts")
    minimum_pu: float = Field(ge=0, le=1, description="technical minimum of a running unit, per unit of capacity")
    status: Literal["operating", "construction", "planned", "assumed"] = Field(description="state when recorded")
    kv_confidence: Confidence = Field(description="how sure the connection voltage is")

    @property
    def capacity_mw(self) -> float:
        """Installed capacity, MW (AC)."""
        return self.units * self.unit_mw


class Storage(Dated):
    """A battery or pumped-storage plant."""

    storage_id: str = Field(min_length=1, description="name")
    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    kind: Literal["battery", "phs"] = Field(description="technology")
    bus_id: str = Field(description="where it is connected")
    county: str = Field(description="county")
    power_mw: float = Field(gt=0, le=20000, description="charge and discharge power, MW")
    energy_mwh: float = Field(gt=0, le=500000, description="usable energy, MWh")
    charge_efficiency: float = Field(gt=0, le=1, description="stored energy per energy drawn")
    discharge_efficiency: float = Field(gt=0, le=1, description="energy delivered per stored energy")
    self_discharge_per_h: float = Field(ge=0, le=0.1, description="share of the stored energy lost per hour")
    status: Literal["operating", "construction", "planned", "assumed"] = Field(description="state when recorded")


class Load(Sourced):
    """Consumption at a bus."""

    load_id: str = Field(min_length=1, description="name")
    bus_id: str = Field(description="where it is connected")
    name_zh: str = Field(description="Chinese name")
    county: str = Field(description="county")
    peak_mw: float = Field(ge=0, le=20000, description="winter peak at this bus, MW")
    power_factor: float = Field(gt=0.5, le=1, description="cos φ of the consumption")
    compensation: float = Field(ge=0, le=1, description="share of its reactive power compensated below 220 kV")
    industrial_share: float = Field(ge=0, le=1, description="share of flat industrial load")


class FlexibleLoad(Dated):
    """Consumption that needs an energy a day, whenever that is (an electrolyser), beside the loads of loads.csv."""

    flexible_id: str = Field(min_length=1, description="name")
    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    bus_id: str = Field(description="where it is connected")
    county: str = Field(description="county")
    power_mw: float = Field(gt=0, le=20000, description="most that it takes, MW")
    minimum_mw: float = Field(0.0, ge=0, le=20000, description="what it takes at any time, MW")
    target_h_per_day: float = Field(ge=0, le=24, description="energy that it needs each day, in hours of its power")
    missed_cny_per_mwh: float = Field(ge=0, le=100000, description="price of a MWh of that energy that is missed")
    value_cny_per_mwh: float = Field(
        0.0,
        ge=-10000,
        le=100000,
        description="value of a MWh beyond it; 0: taken in surplus; below minus the price of curtailment: never",
    )
    power_factor: float = Field(0.95, gt=0.5, le=1, description="cos φ at its bus")


class ShedBlock(Dated):
    """Load that is shed on call, by all loads at once: an agreement with a price, and hours of the day and year."""

    block_id: str = Field(min_length=1, description="name")
    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    share: float = Field(gt=0, le=1, description="load that can be shed, share of the peak")
    price_cny_per_mwh: float = Field(ge=0, le=100000, description="price of shedding")
    hours_per_day: float = Field(24.0, ge=0, le=24, description="hours of shedding a day, at full power")
    hours_per_year: OptionalFloat = Field(
        None, ge=0, le=8784, description="hours of shedding in the simulated time, at full power; blank: no limit"
    )
    notice_h: float = Field(0.0, ge=0, le=168, description="hours before it takes effect at which it is announced")


class ExportChannel(Sourced):
    """A place at which contracted energy leaves the region."""

    channel_id: str = Field(min_length=1, description="name")
    bus_id: str = Field(description="where it is connected")
    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    share: float = Field(ge=0, le=1, description="share of the contracted energy; all shares add up to 1")
    limit_mw: float = Field(gt=0, le=20000, description="most that the channel can carry, MW")


class Boundary(Sourced):
    """A node of the surrounding grid that shares the residual power (distributed slack)."""

    bus_id: str = Field(description="bus")
    weight: float = Field(gt=0, le=1, description="share of the residual; all weights add up to 1")
    v_set_pu: float = Field(ge=0.9, le=1.1, description="voltage held there, per unit")


class NetworkSection(Dated):
    """A section (断面): branches whose flows together must stay within a limit, in both directions."""

    section_id: str = Field(min_length=1, description="name")
    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    branches: str = Field(
        min_length=1,
        description="names from lines.csv and trafos.csv, separated by spaces; with − (or -) in front: backwards",
    )
    limit_mw: float = Field(gt=0, le=100000, description="most that may flow in either direction, MW")

    @property
    def signed_branches(self) -> tuple[tuple[str, float], ...]:
        """The names of the branches, each with +1 (counted from its first bus to its second) or −1."""
        words = (word.replace("−", "-", 1) if word.startswith("−") else word for word in self.branches.split())
        return tuple((word.removeprefix("-"), -1.0 if word.startswith("-") else 1.0) for word in words)


class Technology(Sourced):
    """Operating parameters of a kind of unit."""

    technology: str = Field(min_length=1, description="name used by plants.csv")
    tech: Tech = Field(description="technology family")
    ramp_pu_per_h: float = Field(
        gt=0, le=60, description="ramp limit of a running unit, per unit of capacity and hour"
    )
    min_up_h: float = Field(ge=0, le=200, description="minimum time up, h")
    min_down_h: float = Field(ge=0, le=200, description="minimum time down, h")
    start_hot_cny: float = Field(ge=0, description="cost of a hot start of one unit, CNY")
    start_cold_cny: float = Field(ge=0, description="cost of a cold start of one unit, CNY")
    coal_gce_per_kwh: float = Field(
        ge=0, le=600, description="net coal use at rated load, g of coal equivalent per kWh"
    )
    use_at_half: OptionalFloat = Field(
        None, ge=1, le=2, description="coal use per kWh at half load, relative to rated load; blank: the same"
    )
    use_at_30_percent: OptionalFloat = Field(
        None,
        ge=1,
        le=3,
        description="coal use per kWh at 30 % load, relative to rated load; blank: on the line",
    )
    co2_t_per_mwh: float = Field(ge=0, le=2, description="CO2 per net MWh, t")
    aux_pu: float = Field(ge=0, lt=0.3, description="own use as share of gross generation")
    q_min_pu: float = Field(ge=-1, le=0, description="reactive lower limit per unit of active capacity")
    q_max_pu: float = Field(ge=0, le=1, description="reactive upper limit per unit of active capacity")


class County(Sourced):
    """A county and the weather that it has."""

    county: str = Field(min_length=1, description="Chinese name, the key")
    name_en: str = Field(description="English name")
    weather_site: str = Field(description="weather site whose weather it has, a key of weather.sites")
    ghi_factor: float = Field(gt=0.3, le=1.5, description="global irradiation relative to that site")
    wind_factor: float = Field(gt=0.3, le=1.5, description="ridge wind speed relative to that site")
    plant_elevation_m: float = Field(ge=0, le=4000, description="typical elevation of PV plants, m")
    ridge_elevation_m: float = Field(ge=0, le=4000, description="typical elevation of wind turbines, m")


class WeatherNormal(Sourced):
    """Monthly climate of a weather site, to which synthetic weather is calibrated."""

    site: str = Field(description="weather site")
    month: int = Field(ge=1, le=12, description="month")
    ghi_kwh_m2: float = Field(gt=0, le=350, description="global horizontal irradiation of the month, kWh/m²")
    temp_mean_c: float = Field(ge=-40, le=45, description="mean temperature, °C")
    temp_range_k: float = Field(gt=0, le=30, description="mean daily temperature range, K")
    temp_sd_k: float = Field(gt=0, le=10, description="standard deviation of daily mean temperature, K")
    wind_share: float = Field(gt=0, le=0.3, description="share of the year's wind full-load hours in this month")
    wind_weibull_k: float = Field(gt=1, le=4, description="Weibull shape of ridge wind speed")


class HydroEnergy(Sourced):
    """Energy of a hydro plant's inflow."""

    plant_id: str = Field(description="plant")
    annual_gwh: float = Field(gt=0, le=20000, description="mean annual inflow energy, GWh")
    reservoir_gwh: float = Field(ge=0, le=20000, description="energy the reservoir can store, GWh; 0: run of river")
    minimum_share: float = Field(ge=0, le=1, description="must-run share of the day's mean power")
    upstream: str = Field("", description="plant whose outflow reaches this one, a row of this table; blank: none")
    upstream_share: float = Field(
        0.0, ge=0, le=1, description="share of the annual inflow energy that comes with that outflow"
    )
    delay_h: float = Field(0.0, ge=0, le=240, description="how long the water is on its way, h")


class HydroMonth(Sourced):
    """Share of the year's natural inflow in each month."""

    month: int = Field(ge=1, le=12, description="month")
    share: float = Field(ge=0, le=1, description="share of the annual inflow")


class LoadShape(Sourced):
    """Shape of the load: hour of the day by month and type of day, per unit of the peak."""

    month: int = Field(ge=1, le=12, description="month")
    day_type: Literal["workday", "weekend"] = Field(description="type of day")
    hour: int = Field(ge=0, le=23, description="clock hour")
    load_pu: float = Field(ge=0, le=1.2, description="load relative to the annual peak")


class ReliabilityRate(Sourced):
    """Outage statistics of a kind of element."""

    component: str = Field(min_length=1, description="name")
    failure_rate: float = Field(ge=0, description="sustained forced outages per year (lines: per 100 km and year)")
    failure_rate_unit: str = Field(description="unit of the rate")
    repair_h: float = Field(gt=0, description="mean repair time, h")
    unavailability: OptionalFloat = Field(
        None, ge=0, lt=1, description="forced unavailability used for adequacy; blank: rate × repair time"
    )
    technologies: str = Field("", description="rows of technologies.csv that it applies to, separated by spaces")
    planned_days: float = Field(0.0, ge=0, le=200, description="planned maintenance of a unit, days per year")


class PlanTarget(Row):
    """A quantity that the planning documents promise."""

    key: str = Field(min_length=1, description="name")
    region: str = Field(description="where it applies")
    year: OptionalInt = Field(None, ge=1900, le=2100, description="year")
    quantity: str = Field(description="what, in English")
    value: OptionalFloat = Field(None, description="promised value")
    unit: str = Field(description="unit")
    bound: Literal["min", "max", "about", "named"] = Field(description="how the value binds")
    source: str = Field(min_length=1, description="planning document")
    wording: str = Field(description="its words")


R = TypeVar("R", bound=Row)


def read_table(path: Path, row_type: type[R]) -> tuple[R, ...]:
    """Return the rows of a CSV file, or raise ``DataError`` with every bad cell, unknown and missing column."""
    header, records = _read_csv(path)
    problems = list(_header_problems(path, header, row_type))
    if problems:
        raise DataError(problems)
    rows: list[R] = []
    for number, raw in enumerate(records, start=2):
        try:
            rows.append(row_type.model_validate(raw))
        except ValidationError as error:
            problems += [_cell_problem(path, number, raw, item, row_type) for item in error.errors()]
    if problems:
        raise DataError(problems)
    return tuple(rows)


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", restkey="(more cells than the header)")
            return list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise DataError(Problem(str(path), f"cannot be read ({reason})", "check the path and the file")) from None


def _header_problems(path: Path, header: list[str], row_type: type[Row]) -> Iterable[Problem]:
    known = row_type.model_fields
    for column in header:
        if column not in known:
            yield Problem(path.name, f'unknown column "{column}"', did_you_mean(column, known))
    for column, info in known.items():
        if info.is_required() and column not in header:
            yield Problem(path.name, f'column "{column}" is missing', f"add it: {info.description}")


def _cell_problem(path: Path, number: int, raw: dict[str, str], item: Any, row_type: type[Row]) -> Problem:
    column = str(item["loc"][0]) if item["loc"] else ""
    key = next(iter(raw.values())) if column != next(iter(raw)) else ""
    place = f"{path.name} row {number}" + (f" ({key})" if key else "") + f', column "{column}"'
    info = row_type.model_fields.get(column)
    cure = f"{column}: {info.description}" if info is not None else ""
    return Problem(place, f'"{raw.get(column, "")}" – {item["msg"]}', cure)


def unique_problems(table: str, keys: Iterable[str]) -> list[Problem]:
    """Return one problem for every name that occurs twice."""
    seen: set[str] = set()
    repeated = [key for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    return [Problem(table, f'"{key}" occurs twice', "give each row a name of its own") for key in repeated]


def reference_problems(
    table: str, references: Iterable[tuple[str, str]], known: Iterable[str], target: str
) -> list[Problem]:
    """Return one problem for every ``(row, name)`` whose name is not in ``known``, which lives in ``target``."""
    names = set(known)
    return [
        Problem(f"{table} ({row})", f'"{name}" is not in {target}', did_you_mean(name, names))
        for row, name in references
        if name not in names
    ]
