"""What a scenario file may say: one frozen, strict section per theme, each value with unit, bounds and meaning."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from scenarios import tables as t
from scenarios.timeaxis import TimeAxis

STEPS_H = (1.0, 0.5, 0.25)
"""Lengths of a step that divide an hour into whole parts."""


class Section(BaseModel):
    """A group of settings: frozen, unknown keys refused, numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Time(Section):
    """Which part of which year is simulated."""

    year: int = Field(2025, ge=1950, le=2100, description="calendar year; leap years have 8784 hours")
    start: datetime.date | None = Field(None, description="first day; none: 1 January")
    hours: float | None = Field(None, gt=0, le=8784, description="length, h; none: to the end of the year")
    step_h: float = Field(1.0, description="length of a step: 1, 0.5 or 0.25 h")

    @field_validator("step_h")
    @classmethod
    def _step_fits_the_hour(cls, value: float) -> float:
        if value not in STEPS_H:
            raise ValueError("a step is 1, 0.5 or 0.25 h")
        return value

    @model_validator(mode="after")
    def _start_in_year(self) -> Time:
        if self.start is not None and self.start.year != self.year:
            raise ValueError(f"start {self.start} is not in the year {self.year}")
        if self.start is not None and self.hours is not None:
            left = (datetime.date(self.year + 1, 1, 1) - self.start).days * 24
            if self.hours > left:
                raise ValueError(f"{self.hours:g} h from {self.start} pass the end of {self.year} ({left} h left)")
        return self

    def axis(self) -> TimeAxis:
        """Return the simulated time axis."""
        year = TimeAxis.of_year(self.year, self.step_h)
        if self.start is None:
            return TimeAxis.of(year.start.date(), self.hours or year.hours, self.step_h)
        left = (datetime.date(self.year + 1, 1, 1) - self.start).days * 24
        return TimeAxis.of(self.start, self.hours or left, self.step_h)


class WeatherSite(Section):
    """A place whose weather is simulated or read."""

    name_en: str = Field(description="English name")
    name_zh: str = Field(description="Chinese name")
    lat: float = Field(ge=-60, le=60, description="latitude, degrees")
    lon: float = Field(ge=-180, le=180, description="longitude, degrees")
    elevation_m: float = Field(ge=-400, le=5000, description="elevation of the site, m")
    ridge_elevation_m: float = Field(ge=-400, le=5000, description="elevation of the ridges with turbines, m")
    ridge_wind_ms: float = Field(gt=2, le=15, description="annual mean wind speed at hub height on the ridges, m/s")
    file: Path | None = Field(None, description="EPW or CSV file; none: synthetic, or derived from another site")
    ghi_factor_from_reference: float = Field(1.0, gt=0.3, le=1.5, description="GHI relative to the reference site")


class Weather(Section):
    """Where the weather comes from."""

    seed: int = Field(1, ge=0, le=2**31, description="seed of the synthetic year and of all gap-free derivations")
    reference_site: str = Field("weining", description="site from which others are derived when it has a file")
    ghi_annual_kwh_m2: float | None = Field(
        None,
        gt=300,
        le=2600,
        description="annual GHI to which a file of the reference site is scaled; none: as is",
    )
    interannual: Literal["normal", "draw"] = Field(
        "normal", description="normal year, or GHI and wind drawn by seed"
    )
    sites: dict[str, WeatherSite] = Field(min_length=1, description="the sites")


class Pv(Section):
    """PV arrays; a group of plants behind a bus is one array with these properties."""

    mount: Literal["fixed", "tracker"] = Field("fixed", description="fixed tilt or single-axis tracker")
    tilt_deg: float = Field(24.0, ge=0, le=90, description="tilt of fixed arrays")
    azimuth_deg: float = Field(180.0, ge=0, le=360, description="azimuth of fixed arrays, 180 = south")
    dc_ac_ratio: float = Field(1.1, ge=0.5, le=2.0, description="DC capacity per AC capacity")
    inverter_efficiency: float = Field(0.98, gt=0.8, le=1, description="nominal inverter efficiency")
    losses: float = Field(0.14, ge=0, lt=0.5, description="DC and AC losses without inverter and temperature")
    temperature_coefficient_per_k: float = Field(
        -0.0034, ge=-0.01, le=0, description="power per K of cell temperature"
    )
    bifacial_gain: float = Field(
        0.0, ge=0, le=0.3, description="extra irradiance on the rear as share of the front"
    )
    albedo: float = Field(0.2, ge=0, le=1, description="ground reflectance")
    availability: float = Field(0.99, gt=0.5, le=1, description="technical availability")


class TurbineShare(Section):
    """A share of a wind fleet with one kind of turbine."""

    turbine: str = Field(description="turbine of the windpowerlib library, for example N131/3000")
    share: float = Field(gt=0, le=1, description="share of the capacity")
    hub_height_m: float = Field(gt=20, le=200, description="hub height, m")
    wind_factor: float = Field(1.0, gt=0.5, le=1.5, description="its ridge wind relative to the fleet's")


class Wind(Section):
    """Wind fleets; a group of farms behind a bus is one mix of turbines."""

    fleet: tuple[TurbineShare, ...] = Field(min_length=1, description="mix of turbines; shares add up to 1")
    wake_efficiency: float = Field(0.93, gt=0.5, le=1, description="energy left after wake losses")
    availability: float = Field(0.97, gt=0.5, le=1, description="technical availability")
    electrical_efficiency: float = Field(0.97, gt=0.5, le=1, description="energy left after electrical losses")
    iced_power_pu: float = Field(0.2, ge=0, le=1, description="power left while blades are iced")

    @model_validator(mode="after")
    def _shares_add_up(self) -> Wind:
        total = sum(part.share for part in self.fleet)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of wind.fleet add up to {total:g}, not to 1")
        return self


class Dispersion(Section):
    """Short-term variation of each plant group around its site's weather."""

    pv_sigma: float = Field(0.15, ge=0, le=0.5, description="standard deviation of hourly clearness of one group")
    wind_sigma_ms: float = Field(
        1.45, ge=0, le=4, description="standard deviation of hourly ridge wind of one group, m/s"
    )
    correlation_km: float = Field(
        35.0, gt=0, le=1000, description="distance at which hourly variations are 1/e alike"
    )
    smoothing_h: float = Field(1.0, ge=0, le=6, description="spread of a group's farms in time, h")


class Hydro(Section):
    """Water."""

    inflow_factor: float = Field(1.0, ge=0, le=3, description="wet or dry year: multiplies all inflow energy")


class LoadModel(Section):
    """Consumption inside the region."""

    peak_mw: float = Field(3000.0, ge=0, le=1e6, description="annual peak before temperature effects, MW")
    annual_gwh: float | None = Field(
        None, gt=0, description="if given, the calendar year without heating is scaled to this energy, GWh"
    )
    heating_mw_per_k: float = Field(
        35.0, ge=0, le=1000, description="more load per K below the heating limit, MW/K"
    )
    heating_limit_c: float = Field(8.0, ge=-20, le=25, description="daily mean temperature below which people heat")
    spring_festival_factor: float = Field(0.8, gt=0.2, le=1.2, description="load in the week of Spring Festival")
    weekend_factor: float = Field(0.96, gt=0.2, le=1.2, description="load on Saturday and Sunday")


class Export(Section):
    """Energy sent out under contract (毕电送深, 黔电送粤)."""

    annual_gwh: float = Field(40000.0, ge=0, le=1e6, description="contracted energy of a full year, GWh")
    night_pu: float = Field(0.7, ge=0, le=1, description="contract power from 23 to 9 h relative to the day")
    flank_h: float = Field(2.0, ge=0, le=6, description="duration of the morning and evening flank, h")
    band: float = Field(0.10, ge=0, le=1, description="allowed deviation from the contract curve, share of it")
    up_price_cny_per_mwh: float = Field(-30.0, le=1000, description="cost of sending more than contracted")
    down_price_cny_per_mwh: float = Field(450.0, ge=0, description="cost of sending less than contracted")
    ramp_mw_per_h: float | None = Field(
        None, gt=0, description="most that a channel changes besides the contract's own steps, MW/h; none: no limit"
    )
    balance: Literal["none", "day", "month"] = Field(
        "none", description="what is sent beyond the contract cancels out: never, by midnight, or within the month"
    )
    balance_tolerance: float = Field(
        0.01, ge=0, le=1, description="deviation left open, share of the contract energy of a mean day or month"
    )

    @model_validator(mode="after")
    def _no_money_pump(self) -> Export:
        if self.up_price_cny_per_mwh <= -self.down_price_cny_per_mwh:
            raise ValueError(
                f"up_price_cny_per_mwh {self.up_price_cny_per_mwh:g} must be above minus down_price_cny_per_mwh "
                f"({-self.down_price_cny_per_mwh:g}): sending more and less at once would earn money"
            )
        return self


class Coal(Section):
    """Coal units."""

    minimum_pu: float | None = Field(None, ge=0, le=1, description="one technical minimum for all; none: by plant")
    fuel_cny_per_tce: float = Field(900.0, ge=0, le=10000, description="price of a tonne of coal equivalent, CNY")
    other_cny_per_mwh: float = Field(15.0, ge=0, description="variable cost besides fuel")
    rotation_days: int = Field(7, ge=1, le=60, description="after how many days plants of a rank take turns")
    part_load: bool = Field(
        False, description="coal use at part load (columns use_at_half and use_at_30_percent of technologies.csv)"
    )


class DemandResponse(Section):
    """Consumers who can reduce or move their load for a price."""

    shed_share: float = Field(0.05, ge=0, le=1, description="load that can be shed, share of the peak")
    shed_price_cny_per_mwh: float = Field(1500.0, ge=0, description="price of shedding")
    shed_hours_per_day: float = Field(24.0, ge=0, le=24, description="hours of shedding a day, at full power")
    shed_hours_per_year: float | None = Field(
        None, ge=0, le=8784, description="hours of shedding in the simulated time, at full power; none: no limit"
    )
    shed_notice_h: float = Field(
        0.0, ge=0, le=168, description="hours before it takes effect at which shedding must be announced"
    )
    shift_share: float = Field(0.0, ge=0, le=1, description="load that can be moved, share of the hour's load")
    shift_window_h: float = Field(4.0, gt=0, le=24, description="most energy owed, in hours of shiftable power")
    shift_efficiency: float = Field(
        1.0, gt=0.3, le=1, description="what a MWh more in one hour is worth of the MWh less in another"
    )
    shift_price_cny_per_mwh: float = Field(25.0, ge=0, description="price of moving, each way")

    @property
    def on_call(self) -> bool:
        """Whether shedding has limited hours or needs notice: then all loads shed at once, on call."""
        limited = self.shed_hours_per_day < 24.0 or self.shed_hours_per_year is not None
        return (limited or self.shed_notice_h > 0.0) and self.shed_share > 0.0

    def block(self) -> t.ShedBlock:
        """Return shedding as a block on call."""
        return t.ShedBlock(
            block_id="response",
            name_en="Demand response",
            name_zh="需求响应",
            share=self.shed_share,
            price_cny_per_mwh=self.shed_price_cny_per_mwh,
            hours_per_day=self.shed_hours_per_day,
            hours_per_year=self.shed_hours_per_year,
            notice_h=self.shed_notice_h,
            source="demand_response of the scenario",
            confidence="assumed",
        )


class Reserve(Section):
    """Spinning reserve that running units hold in every step; 0: what is committed is not held."""

    up_load_share: float = Field(0.0, ge=0, le=1, description="upwards, share of the load")
    up_renewables_share: float = Field(0.0, ge=0, le=1, description="upwards, share of available wind and PV")
    largest_unit: bool = Field(False, description="upwards, and the largest running unit")
    down_load_share: float = Field(0.0, ge=0, le=1, description="downwards, share of the load")
    down_renewables_share: float = Field(0.0, ge=0, le=1, description="downwards, share of available wind and PV")
    provided_by: tuple[Literal["hydro", "storage", "renewables"], ...] = Field(
        ("hydro", "storage", "renewables"),
        description="who may provide besides coal; storage by charging or discharging less, wind and PV downwards",
    )
    missing_cny_per_mwh: float = Field(4000.0, ge=0, description="price of reserve that is missing")


class Dispatch(Section):
    """How the system is operated; every MWh that is not ordinary generation has a price here."""

    solver: Literal["fast", "lp"] = Field("fast", description="solver")
    commitment: Literal["rule", "milp"] = Field(
        "rule",
        description="which coal units run: by the daily rule, or by mixed-integer programmes (lp only)",
    )
    look_ahead_h: int = Field(48, ge=1, le=336, description="window, h")
    step_window_h: int = Field(24, ge=1, le=168, description="part of the window that is kept, h")
    reserve_share_load: float = Field(0.08, ge=0, le=1, description="spinning reserve committed, share of the peak")
    renewables_credit: float = Field(0.7, ge=0, le=1, description="share of forecast wind and PV counted on")
    curtailment_cny_per_mwh: float = Field(80.0, ge=0, description="price of curtailed wind and PV")
    unserved_cny_per_mwh: float = Field(20000.0, ge=0, description="price of unserved load")
    storage_cny_per_mwh: float = Field(15.0, ge=0, description="throughput price of storage, each way")
    storage_end_cny_per_mwh: float = Field(
        0.0, ge=0, le=1000, description="value of the content that a window leaves behind (weekly storage)"
    )
    ramps: bool = Field(False, description="coal plants keep to their ramps from step to step (technologies.csv)")
    reserve: Reserve = Reserve()
    network: Literal["limits", "copper"] = Field(
        "limits", description="what the dispatch knows of the network: branch and section limits, or nothing"
    )
    network_margin: float = Field(1.0, gt=0, le=2, description="share of each branch rating that may be planned")
    security: Literal["none", "n1"] = Field(
        "none", description="n1: limits also hold after the loss of any one circuit"
    )
    loss_factors: Literal["none", "bus"] = Field(
        "none",
        description="bus: coal and hydro share their energy by its cost with the losses at their bus (AC flow)",
    )
    certify: Literal["weeks", "full", "none"] = Field(
        "weeks",
        description="what of a fast dispatch is solved again exactly: a week per season, all, or nothing",
    )
    certify_seed: int = Field(1, ge=0, le=2**31, description="seed that draws the certified weeks")
    ac_rounds: int = Field(
        3,
        ge=0,
        le=10,
        description="how often hours with overload or low voltage in the AC flow are dispatched anew",
    )
    loss_estimate: float = Field(
        0.02, ge=0, le=0.2, description="first estimate of losses, share of load and export"
    )

    @model_validator(mode="after")
    def _milp_needs_lp(self) -> Dispatch:
        if self.commitment == "milp" and self.solver != "lp":
            raise ValueError("commitment = milp needs solver = lp")
        return self


class Grid(Section):
    """The network and what it may carry."""

    flow: Literal["fast", "pandapower"] = Field("fast", description="power-flow engine")
    tolerance_pu: float = Field(1e-8, gt=0, le=1e-4, description="largest bus mismatch of a solved hour, per unit")
    enforce_q_limits: bool = Field(True, description="generators keep their reactive limits")
    v_set_500_pu: float = Field(1.03, ge=0.9, le=1.1, description="voltage held by plants at 500 kV")
    v_set_220_pu: float = Field(1.03, ge=0.9, le=1.1, description="voltage held by plants at 220 kV")
    renewables_power_factor: float = Field(
        1.0, ge=0.9, le=1, description="cos φ of wind and PV without voltage duty"
    )
    size_assumed_elements: bool = Field(True, description="apply the sizing rule to assumed collection lines")
    simultaneity: float = Field(
        0.85, gt=0, le=1, description="simultaneity of wind and PV behind one line (sizing rule)"
    )


class VoltageBand(Section):
    """Allowed voltage of a level."""

    low_pu: float = Field(ge=0.5, le=1, description="lower limit, per unit of the nominal voltage")
    high_pu: float = Field(ge=1, le=1.5, description="upper limit, per unit of the nominal voltage")


class Limits(Section):
    """What counts as normal operation."""

    voltage_500: VoltageBand = VoltageBand(low_pu=0.95, high_pu=1.10)
    voltage_220: VoltageBand = VoltageBand(low_pu=1.00, high_pu=1.10)
    overload: float = Field(1.0, gt=0, le=2, description="loading above which an element counts as overloaded")


class Adequacy(Section):
    """How it is assessed whether supply is enough when units fail."""

    seed: int = Field(1, ge=0, le=2**31, description="seed of the outages; a year of a seed is always the same")
    level: Literal["copper", "network"] = Field(
        "copper", description="one node, or the network: branches fail and limit, load is shed where it must be"
    )
    weather_years: int = Field(
        5, ge=1, le=200, description="synthetic weather years, drawn with seeds from weather.seed on"
    )
    weather_files: tuple[Path, ...] = Field(
        (), description="weather years from files of the reference site, one each, in place of synthetic ones"
    )
    measures: tuple[Literal["storage", "response", "export"], ...] = Field(
        ("storage", "response", "export"),
        description="what is used against shortage before load goes unserved, in order; without export it is firm",
    )
    maintenance: bool = Field(True, description="plan the maintenance days of reliability.csv")
    load_uncertainty: float = Field(
        0.0, ge=0, lt=0.3, description="standard deviation of the annual load forecast error, share of the load"
    )
    icing_factor: float = Field(
        10.0, ge=1, le=1000, description="failure rate of a line in an iced hour, relative to other hours (assumed)"
    )
    branch_rating_pu: float = Field(
        1.0, gt=0, le=3, description="what branches may carry at network level, per unit of their rating"
    )
    credit_lolh: float = Field(
        2.4, gt=0, le=1000, description="hours of shortage to which load is added before a capacity credit is found"
    )
    credit_measure: Literal["eue", "lolh"] = Field(
        "eue", description="risk that a capacity credit keeps: energy unserved or hours of shortage"
    )

    @field_validator("measures")
    @classmethod
    def _each_measure_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("each measure may be named once")
        return value


class Security(Section):
    """What the grid must stand after the loss of one element, and which units are lost.

    220 kV: −5 % to +10 % after a fault (SD 325-1989, DL/T 1773; recalled). 500 kV: the lower limit is assumed.
    """

    voltage_500: VoltageBand = VoltageBand(low_pu=0.90, high_pu=1.10)
    voltage_220: VoltageBand = VoltageBand(low_pu=0.95, high_pu=1.10)
    trafo_emergency: float = Field(
        1.3,
        ge=1,
        le=2,
        description="emergency rating of a transformer, multiple of its rating (IEC 60076-7, table 4: long-time)",
    )
    unit_mw: float = Field(
        300.0, gt=0, le=5000, description="units of at least this capacity are lost one at a time, MW"
    )
    generation_may_island: bool = Field(
        True,
        description="cutting off generation alone, with its only connection, is no failure; cutting off load is",
    )


class Absorption(Section):
    """How much more wind or PV can be absorbed: what must hold, and how finely it is searched."""

    limit: float = Field(0.05, gt=0, lt=1, description="most curtailment of the technology in a year, share")
    account: Literal["region", "sites"] = Field(
        "region",
        description="whose curtailment must stay within the limit: the technology's in the region, or the sites'",
    )
    resolution_mw: float = Field(10.0, gt=0, le=1000, description="capacities are found to this step, MW")
    samples: int = Field(
        9, ge=3, le=101, description="capacities at which the curve is sampled before it is searched"
    )
    loading_tolerance: float = Field(
        0.01, ge=0, le=0.5, description="loading above limits.overload that does not count as overload"
    )
    overloaded_tolerance_h: float = Field(
        0.0, ge=0, le=8784, description="more overloaded hours than in the base case that are accepted, h"
    )
    voltage_tolerance: float = Field(
        0.001, ge=0, le=1, description="more bus-hours outside the voltage band than in the base case, share"
    )
    unserved_tolerance_mwh: float = Field(
        1.0, ge=0, description="more unserved energy than in the base case that is accepted, MWh"
    )


class Scale(Section):
    """Multipliers for studies."""

    pv: float = Field(1.0, ge=0, le=20, description="PV capacity")
    wind: float = Field(1.0, ge=0, le=20, description="wind capacity")
    load: float = Field(1.0, ge=0, le=10, description="load")
    storage: float = Field(1.0, ge=0, le=100, description="storage power and energy")
    export: float = Field(1.0, ge=0, le=10, description="contracted export")


class Settings(Section):
    """Everything a scenario file may say."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$", description="short name, used for folders")
    title_en: str = Field(description="English title")
    title_zh: str = Field(description="Chinese title")
    description: str = Field("", description="what the scenario is for")
    tables: str = Field("bijie", description="folder of the tables, beside the scenario file or built in")
    region_key: str = Field("Bijie", description="region of the plan targets to compare with")
    time: Time = Time()
    weather: Weather
    pv: Pv = Pv()
    wind: Wind
    dispersion: Dispersion = Dispersion()
    hydro: Hydro = Hydro()
    load: LoadModel = LoadModel()
    export: Export = Export()
    coal: Coal = Coal()
    demand_response: DemandResponse = DemandResponse()
    dispatch: Dispatch = Dispatch()
    grid: Grid = Grid()
    limits: Limits = Limits()
    adequacy: Adequacy = Adequacy()
    security: Security = Security()
    absorption: Absorption = Absorption()
    scale: Scale = Scale()
