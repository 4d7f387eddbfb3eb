"""Demand by hand on a flat shape, the calendar against the moon, the energy of parts, leap years and fine steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from weather_cases import scenario

from profiles.calendar import chinese_new_year, is_spring_festival, is_weekend
from profiles.demand import daily_temperature, generate_demand, load_shares, shape_table
from profiles.records import Weather
from scenarios.errors import DataError
from scenarios.records import Floats
from scenarios.schema import Scenario
from scenarios.tables import LoadShape
from scenarios.timeaxis import TimeAxis


def still_air(time: TimeAxis, temp_c: float = 20.0) -> Weather:
    """Two sites of the same constant temperature; nothing else of the weather touches demand."""
    n = len(time)
    nothing = np.zeros((n, 2))
    temperature = np.full((n, 2), temp_c)
    sites = ("weining", "hezhang")
    return Weather(
        time, sites, nothing, nothing, nothing, temperature, nothing, nothing, nothing > 0, ("made", "made"), ()
    )


@cache
def demand_mw(*overrides: str, temp_c: float = 20.0) -> Floats:
    case = scenario(*overrides)
    return generate_demand(case, still_air(case.time, temp_c)).load_mw


def with_shape(case: Scenario, level: Callable[[LoadShape], float]) -> Scenario:
    rows = tuple(row.model_copy(update={"load_pu": level(row)}) for row in case.tables.load_shape)
    return Scenario(settings=case.settings, tables=case.tables.model_copy(update={"load_shape": rows}))


def test_new_year_on_published_dates() -> None:
    published = [(2000, 2, 5), (2020, 1, 25), (2023, 1, 22), (2024, 2, 10), (2025, 1, 29), (2026, 2, 17)]
    published += [(2033, 1, 31), (2034, 2, 19)]  # the disputed winter of 2033/34
    assert [chinese_new_year(day[0]) for day in published] == [date(*day) for day in published]


def new_moon_utc8(lunation: int) -> float:
    """Days since 2000-01-01 12:00 UTC+08:00 of a new moon, to minutes (Meeus, Astronomical Algorithms, ch. 49)."""
    century = lunation / 1236.85
    sun = np.radians(2.5534 + 29.10535670 * lunation)
    moon = np.radians(201.5643 + 385.81693528 * lunation)
    node = np.radians(160.7108 + 390.67050284 * lunation)
    terms = (
        -0.40720 * np.sin(moon) + 0.17241 * np.sin(sun) + 0.01608 * np.sin(2 * moon) + 0.01039 * np.sin(2 * node)
    )
    terms += 0.00739 * np.sin(moon - sun) - 0.00514 * np.sin(moon + sun) + 0.00208 * np.sin(2 * sun)
    mean = 2451550.09766 + 29.530588861 * lunation + 0.00015437 * century**2
    dynamical_minus_universal = 66.0 / 86400
    return float(mean + terms - dynamical_minus_universal + 8 / 24 - 2451545.0)


def test_every_new_year_is_the_day_of_a_new_moon() -> None:
    for year in range(1950, 2101):
        day = chinese_new_year(year)
        midnight = (day - date(2000, 1, 1)).days - 0.5
        nearest = new_moon_utc8(round((midnight + 0.5 - 5.6) / 29.530588861))
        # The short series is good to about a quarter of an hour.
        assert -0.02 < nearest - midnight < 1.02, day
        assert date(year, 1, 21) <= day <= date(year, 2, 20)


def test_the_festival_is_a_week_from_new_year_s_eve() -> None:
    time = TimeAxis.of_year(2025)
    days = sorted({stamp.date() for stamp in time.starts()[is_spring_festival(time)]})
    assert days == [date(2025, 1, 28) + timedelta(days=i) for i in range(7)]
    assert is_weekend(time).sum() == 104 * 24  # 2025 has 52 Saturdays and 52 Sundays
    assert not is_spring_festival(TimeAxis.of("2025-07-01", 48)).any()


def test_a_year_without_a_known_new_year_is_refused() -> None:
    with pytest.raises(ValueError, match="1950 to 2100, not for 2101"):
        chinese_new_year(2101)


def test_a_flat_shape_by_hand() -> None:
    # Shape 0.5 everywhere, peak 3000 MW: 1500 MW on workdays, · 0.96 on weekends, · 0.8 in the festival week.
    case = with_shape(scenario(), lambda row: 0.5)
    total = generate_demand(case, still_air(case.time)).load_mw.sum(axis=1)
    festival, weekend = is_spring_festival(case.time), is_weekend(case.time)
    assert total[festival] == pytest.approx(1200.0)
    assert total[weekend & ~festival] == pytest.approx(1440.0)
    assert total[~weekend & ~festival] == pytest.approx(1500.0)


def test_loads_add_up_to_the_region_and_industry_is_flatter() -> None:
    case = scenario()
    load = demand_mw()
    share, industry = load_shares(case), np.array([row.industrial_share for row in case.tables.loads])
    region = load.sum(axis=1)
    homes, works = int(industry.argmin()), int(industry.argmax())
    spread = load.std(axis=0) / load.mean(axis=0)
    assert spread[works] < 0.8 * spread[homes]
    # The mean share of each load in the year's energy is its share of the peaks, whatever its industry.
    assert load.sum(axis=0) / region.sum() == pytest.approx(share.ordinary)
    # Swing of a load over swing of the region = (1 − its industry) / (1 − mean industry).
    mean_industry = (share.ordinary * industry).sum()
    expected = (1 - industry[homes]) / (1 - mean_industry) * region.std() / region.mean()
    assert spread[homes] == pytest.approx(expected)


def test_heating_by_hand() -> None:
    # At −2 °C it is 10 K below the limit of 8 °C: 10 · 35 = 350 MW in every hour; at 8 °C and above nothing.
    cold, mild = demand_mw(temp_c=-2.0).sum(axis=1), demand_mw(temp_c=8.0).sum(axis=1)
    assert cold - mild == pytest.approx(350.0)
    assert np.array_equal(mild, demand_mw(temp_c=30.0).sum(axis=1))


def test_daily_means_are_met_at_the_middle_of_days() -> None:
    time = TimeAxis.of("2025-01-01", 72)
    weather = still_air(time)
    swing = np.repeat([0.0, 6.0, 3.0], 24) + 5 * np.sin(time.hour_of_day / 24 * 2 * np.pi)
    values = {name: getattr(weather, name) for name in weather.__dataclass_fields__}
    mean = daily_temperature(Weather(**(values | {"temp_air_c": np.column_stack([swing, swing])})))[:, 0]
    # Middles of days lie between hours 11 and 12, half an hour from each: 6 K per 24 h is 0.125 K in half an hour.
    assert mean[[11, 12]].mean() == pytest.approx(0.125 / 2, abs=0.07)
    assert mean[[35, 36]].mean() == pytest.approx(6.0, abs=0.1)
    assert np.abs(np.diff(mean)).max() == pytest.approx(0.25)  # 6 K in 24 h, and no step at midnight


def test_reactive_power_by_hand() -> None:
    # cos φ 0.95 → tan φ 0.3287, of which 65 % are compensated: 0.1150 Mvar per MW.
    case = scenario()
    demand = generate_demand(case, still_air(case.time))
    assert demand.load_mvar / demand.load_mw == pytest.approx(0.11504, abs=1e-5)


def test_scale_and_annual_energy() -> None:
    assert demand_mw("scale.load=1.5") == pytest.approx(1.5 * demand_mw())
    assert demand_mw("load.annual_gwh=15000").sum() / 1e3 == pytest.approx(15000.0)
    assert demand_mw("load.annual_gwh=15000", "time.year=2024").sum() / 1e3 == pytest.approx(15000.0)


def test_a_part_of_a_year_has_the_same_hours_as_the_whole() -> None:
    part = demand_mw("time.start=2025-01-27", "time.hours=60", "load.annual_gwh=15000")
    assert part == pytest.approx(demand_mw("load.annual_gwh=15000")[26 * 24 : 26 * 24 + 60])


@pytest.mark.parametrize("step_h", [0.5, 0.25])
def test_finer_steps_have_the_same_energy_and_no_jumps(step_h: float) -> None:
    fine, hours = demand_mw(f"time.step_h={step_h}"), demand_mw()
    assert fine.sum() * step_h == pytest.approx(hours.sum(), rel=1e-3)
    day = slice(5 * 24, 6 * 24)  # a Monday
    jumps = np.abs(np.diff(fine.sum(axis=1)[round(5 * 24 / step_h) : round(6 * 24 / step_h)])).max()
    assert jumps <= 1.01 * step_h * np.abs(np.diff(hours.sum(axis=1)[day])).max()


def test_gaps_in_the_shape_are_all_named() -> None:
    rows = [row for row in scenario().tables.load_shape if (row.month, row.hour) != (3, 5) and row.month != 7]
    with pytest.raises(DataError) as error:
        shape_table(tuple(rows))
    assert [problem.what for problem in error.value.problems] == [
        "month 3, workday: 1 of 24 hours are missing",
        "month 3, weekend: 1 of 24 hours are missing",
        "month 7, workday: 24 of 24 hours are missing",
        "month 7, weekend: 24 of 24 hours are missing",
    ]


def test_an_unknown_county_is_named_with_a_cure() -> None:
    case = scenario()
    loads = tuple(
        row.model_copy(update={"county": row.county.replace("七星关", "七星关区")}) for row in case.tables.loads
    )
    case = Scenario(settings=case.settings, tables=case.tables.model_copy(update={"loads": loads}))
    with pytest.raises(DataError, match='did you mean "七星关"'):
        generate_demand(case, still_air(case.time))


def test_a_shape_that_industry_would_make_negative_is_refused() -> None:
    case = with_shape(scenario(), lambda row: 1.0 if row.hour == 18 else 0.02)
    with pytest.raises(DataError, match="falls below 0"):
        generate_demand(case, still_air(case.time))
