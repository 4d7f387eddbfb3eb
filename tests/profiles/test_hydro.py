"""Reservoirs by hand, the year's water accounted for, and budgets of parts of years and leap years."""

from __future__ import annotations

import numpy as np
import pytest
from weather_cases import scenario

from profiles.hydro import delayed, generate_hydro, reservoir_year, water_years
from scenarios.errors import DataError
from scenarios.schema import Scenario
from scenarios.tables import HydroEnergy

WET_AND_DRY = np.array([1.0, 3.0] * 6)
ROOMY = np.full(12, 100.0)


def test_a_large_reservoir_runs_at_constant_power() -> None:
    # 24 GWh a year in months of equal capacity: 2 GWh a month; the storage swings by 1 GWh.
    year = reservoir_year(WET_AND_DRY, 10.0, ROOMY)
    assert year.release_gwh == pytest.approx(2.0)
    assert np.ptp(year.storage_gwh) == pytest.approx(1.0)
    assert year.spilled_gwh.sum() == 0


def test_run_of_river_passes_the_inflow_and_spills_what_turbines_cannot_take() -> None:
    assert reservoir_year(WET_AND_DRY, 0.0, ROOMY).release_gwh == pytest.approx(WET_AND_DRY)
    narrow = reservoir_year(WET_AND_DRY, 0.0, np.full(12, 2.5))
    assert narrow.release_gwh == pytest.approx([1.0, 2.5] * 6)
    assert narrow.spilled_gwh == pytest.approx([0.0, 0.5] * 6)


def test_a_small_reservoir_by_hand() -> None:
    # Room for 0.5 GWh: the wet month keeps 0.5 and releases 2.5; the dry month releases 1 + 0.5 = 1.5.
    year = reservoir_year(WET_AND_DRY, 0.5, ROOMY)
    assert year.release_gwh == pytest.approx([1.5, 2.5] * 6)
    assert year.storage_gwh == pytest.approx([0.0, 0.5] * 6)


@pytest.mark.parametrize("seed", range(20))
def test_water_is_neither_made_nor_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inflow, capacity = rng.gamma(1.0, 3.0, 12), rng.uniform(1.0, 6.0, 12)
    size = float(rng.uniform(0, 15))
    year = reservoir_year(inflow, size, capacity)
    assert year.release_gwh.sum() + year.spilled_gwh.sum() == pytest.approx(inflow.sum())
    assert (year.storage_gwh >= -1e-9).all()
    assert (year.storage_gwh <= size + 1e-9).all()
    assert (year.release_gwh <= capacity + 1e-9).all()
    assert (year.spilled_gwh >= 0).all()


@pytest.mark.parametrize("year", [2025, 2024])
def test_the_year_releases_the_annual_inflow(year: int) -> None:
    hydro = generate_hydro(scenario(f"time.year={year}"))
    assert hydro.budget_mwh.shape[0] == (366 if year == 2024 else 365)
    annual = {row.plant_id: row.annual_gwh for row in scenario().tables.hydro_energy}
    wanted = [annual[name] for name in hydro.plants]
    assert hydro.budget_mwh.sum(axis=0) / 1e3 + hydro.spilled_gwh == pytest.approx(wanted)


def test_budgets_keep_within_capacity_and_minimum_within_budgets() -> None:
    case = scenario()
    hydro = generate_hydro(case)
    capacity = np.array([plant.capacity_mw for plant in case.plants_of("hydro")])
    assert (hydro.budget_mwh <= 0.95 * capacity * 24 + 1e-9).all()
    assert (hydro.minimum_mw * 24 <= hydro.budget_mwh + 1e-9).all()
    # Hongjiadu: 1559 GWh / 8760 h = 178.0 MW on average, the least a tenth of it.
    first = hydro.plants.index("H1")
    assert hydro.minimum_mw[:, first] == pytest.approx(0.1 * 1559e3 / 8760, rel=1e-6)


def test_a_flood_year_spills_and_counts_it() -> None:
    hydro = generate_hydro(scenario("hydro.inflow_factor=3"))
    normal = generate_hydro(scenario())
    assert hydro.spilled_gwh.sum() > 0
    total = hydro.budget_mwh.sum() / 1e3 + hydro.spilled_gwh.sum()
    assert total == pytest.approx(3 * normal.budget_mwh.sum() / 1e3)
    assert generate_hydro(scenario("hydro.inflow_factor=0")).budget_mwh.sum() == 0


def test_a_part_of_a_year_is_cut_from_the_whole_and_a_cut_day_has_less() -> None:
    whole = generate_hydro(scenario()).budget_mwh
    part = generate_hydro(scenario("time.start=2025-04-10", "time.hours=60")).budget_mwh  # 2.5 days
    day = 31 + 28 + 31 + 9
    assert part[:2] == pytest.approx(whole[day : day + 2])
    assert part[2] == pytest.approx(whole[day + 2] / 2)
    fine = generate_hydro(scenario("time.start=2025-04-10", "time.hours=60", "time.step_h=0.25")).budget_mwh
    assert fine == pytest.approx(part)


def test_a_plant_without_water_is_named() -> None:
    case = scenario()
    tables = case.tables.model_copy(update={"hydro_energy": case.tables.hydro_energy[2:]})
    with pytest.raises(DataError) as error:
        generate_hydro(Scenario(settings=case.settings, tables=tables))
    assert [problem.what for problem in error.value.problems] == [
        'hydro plant "H1" has no row',
        'hydro plant "H5" has no row',
    ]


# Cascades


def with_river(share: float, delay_h: float, year: int = 2025) -> Scenario:
    """Return a scenario in which H7, without storage, lies below H1, whose 900 GWh of storage even out its year."""
    case = scenario(f"time.year={year}")
    given = {"upstream": "H1", "upstream_share": share, "delay_h": delay_h}
    rows = tuple(row.model_copy(update=given) if row.plant_id == "H7" else row for row in case.tables.hydro_energy)
    return Scenario(settings=case.settings, tables=case.tables.model_copy(update={"hydro_energy": rows}))


def release_gwh(case: Scenario, name: str) -> np.ndarray:
    rows: dict[str, HydroEnergy] = {row.plant_id: row for row in case.tables.hydro_energy}
    return water_years(case, [rows[name]])[name].release_gwh


def test_water_arrives_hours_later_by_hand() -> None:
    # 24 MWh a day, 48 on the third. 6 h later, a quarter of a day's water is one day late.
    sent = np.array([24.0, 24.0, 48.0, 24.0])
    assert delayed(sent, 0.0) == pytest.approx(sent)
    assert delayed(sent, 6.0) == pytest.approx([24.0, 24.0, 0.75 * 48 + 0.25 * 24, 0.75 * 24 + 0.25 * 48])
    assert delayed(sent, 30.0) == pytest.approx([0.75 * 24 + 0.25 * 48, 24.0, 24.0, 0.75 * 48 + 0.25 * 24])


def test_a_plant_below_a_large_reservoir_has_its_even_water() -> None:
    plain, below = scenario(), with_river(1.0, 12.0)
    # H1 releases every month alike; all of H7's 350 GWh come with it: 350 / 365 a day. By itself it has wet months.
    assert np.ptp(release_gwh(plain, "H1")) < 1e-6
    assert release_gwh(below, "H7") == pytest.approx(350.0 / 365.0)
    assert np.ptp(release_gwh(plain, "H7")) > 1.0
    half = release_gwh(with_river(0.5, 12.0), "H7")
    assert half == pytest.approx((release_gwh(plain, "H7") + 350.0 / 365.0) / 2)
    assert release_gwh(below, "H1") == pytest.approx(release_gwh(plain, "H1"))


def test_a_delay_moves_water_to_the_next_day_and_loses_none() -> None:
    # H5 (60 GWh of storage) sends other amounts in other months: on the first of a month, half of the old day's.
    case = scenario()
    given = {"upstream": "H5", "upstream_share": 1.0, "delay_h": 12.0}
    rows = tuple(row.model_copy(update=given) if row.plant_id == "H7" else row for row in case.tables.hydro_energy)
    below = Scenario(settings=case.settings, tables=case.tables.model_copy(update={"hydro_energy": rows}))
    sent, arrived = release_gwh(below, "H5"), release_gwh(below, "H7")
    assert arrived.sum() == pytest.approx(350.0)
    scale = 350.0 / 864.0
    july = 31 + 28 + 31 + 30 + 31 + 30
    assert arrived[july] == pytest.approx(scale * (sent[july - 1] + sent[july]) / 2)
    assert arrived[july + 1] == pytest.approx(scale * sent[july + 1])
    assert abs(sent[july] - sent[july - 1]) > 0.01


def test_a_reservoir_that_is_not_yet_built_holds_nothing_back() -> None:
    # Hongjiadu is of 2004: in 2003 the river below it runs as nature has it.
    rows = {row.plant_id: row for row in scenario("time.year=2003").tables.hydro_energy}
    natural = water_years(scenario("time.year=2003"), [rows["H7"]])["H7"].release_gwh
    assert release_gwh(with_river(1.0, 12.0, year=2003), "H7") == pytest.approx(natural)
