"""Scenario and profiles become the dispatch's arrays: own use, costs, bands, limits, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from profiles.export import generate_export
from profiles.hydro import generate_hydro
from profiles.records import Profiles
from scenarios.errors import DataError, InvariantError, ScenarioError
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from scenarios.tables import FlexibleLoad
from sim.checks import violations
from sim.dispatch import dispatch
from sim.dispatch.model import DispatchCase
from sim.fleet import build_case
from sim.fuel import part_load_of


def flat_profiles(scenario: Scenario, load_mw: float = 100.0) -> Profiles:
    """Return profiles without weather: wind and PV at a third of capacity, flat load, real contract and water."""
    steps = len(scenario.time)
    hydro, export = generate_hydro(scenario), generate_export(scenario)
    plants = scenario.plants_of("wind", "pv")
    loads = tuple(load.load_id for load in scenario.tables.loads)
    available = np.array([plant.capacity_mw / 3 for plant in plants])
    return Profiles(
        time=scenario.time,
        renewables=tuple(plant.plant_id for plant in plants),
        hydros=hydro.plants,
        loads=loads,
        channels=export.channels,
        available_mw=np.tile(available, (steps, 1)),
        load_mw=np.full((steps, len(loads)), load_mw),
        load_mvar=np.zeros((steps, len(loads))),
        export_mw=export.export_mw,
        hydro_budget_mwh=hydro.budget_mwh,
        hydro_minimum_mw=hydro.minimum_mw,
        clipped_gwh=np.zeros(len(plants)),
        notes=(),
    )


@pytest.fixture(scope="module")
def winter() -> Scenario:
    return load_scenario("plan-2025", ["time.start=2025-03-31", "time.hours=30"])


def test_coal_is_what_plants_send_out_at_what_coal_costs(winter: Scenario):
    case = build_case(winter, flat_profiles(winter))
    first = case.coal.index("C1")
    # 300 MW less 7 % own use; 338 g/kWh · 900 CNY/t + 15 = 319.2 CNY/MWh.
    assert_allclose(case.coal_unit_mw[first], 300 * 0.93)
    assert_allclose(case.coal_cost[first], 0.338 * 900 + 15)
    assert case.coal_units[first] == 4
    assert_allclose(case.coal_minimum_pu[first], 0.45)
    fuel = load_scenario("plan-2025", ["coal.fuel_cny_per_tce=1000", "coal.minimum_pu=0.2"])
    dear = build_case(fuel, flat_profiles(fuel))
    assert_allclose(dear.coal_cost[first], 338 + 15)
    assert_allclose(dear.coal_minimum_pu, 0.2)


def test_heat_supply_must_run_in_the_heating_months_only(winter: Scenario):
    # 31 March and 1 April.
    case = build_case(winter, flat_profiles(winter))
    chp = case.coal.index("C9")
    assert case.coal_must_run_units[:, chp].tolist() == [1, 0]
    assert np.delete(case.coal_must_run_units, chp, axis=1).sum() == 0


def test_band_is_around_the_contract_and_within_the_channel(winter: Scenario):
    case = build_case(winter, flat_profiles(winter))
    assert_allclose(case.export_low_mw, 0.9 * case.export_mw)
    assert_allclose(case.export_high_mw, 1.1 * case.export_mw)
    wide = load_scenario("plan-2025", ["time.hours=24", "export.band=1"])
    limits = [channel.limit_mw for channel in wide.tables.exports]
    band = build_case(wide, flat_profiles(wide))
    assert_allclose(band.export_high_mw, np.minimum(2 * band.export_mw, limits))


def test_losses_are_estimated_first_and_taken_over_later(winter: Scenario):
    profiles = flat_profiles(winter)
    case = build_case(winter, profiles)
    assert_allclose(case.loss_mw, 0.02 * (profiles.load_mw.sum(axis=1) + profiles.export_mw.sum(axis=1)))
    known = np.linspace(10, 20, len(profiles.time))
    assert_allclose(build_case(winter, profiles, known).loss_mw, known)


def test_demand_response_is_a_share_of_the_load():
    scenario = load_scenario("plan-2025", ["time.hours=24", "demand_response.shift_share=0.1"])
    profiles = flat_profiles(scenario, 50.0)
    total = 50.0 * len(profiles.loads)
    case = build_case(scenario, profiles)
    assert_allclose(case.shed_limit_mw, 0.05 * total)
    assert_allclose(case.shift_limit_mw, 0.1 * total)
    assert_allclose(case.shift_energy_mwh, 4 * 0.1 * total)


def test_a_part_of_a_day_has_its_part_of_the_water(winter: Scenario):
    case = build_case(winter, flat_profiles(winter))
    assert case.day_hours.tolist() == [24, 6]
    # March and April differ in inflow, by less than a factor of two; six hours are a quarter of a day.
    assert (case.hydro_budget_mwh[1] < 0.5 * case.hydro_budget_mwh[0]).all()
    assert (case.hydro_minimum_mw * case.day_hours[:, None] <= case.hydro_budget_mwh + 1e-9).all()


@pytest.mark.parametrize(
    "overrides", [[], ["scale.pv=0", "scale.wind=0"], ["scale.storage=0"], ["time.step_h=0.25"]]
)
def test_the_whole_fleet_is_dispatched_soundly(overrides: list[str]):
    scenario = load_scenario("plan-2025", ["time.start=2025-04-10", "time.hours=50", *overrides])
    case = build_case(scenario, flat_profiles(scenario))
    assert violations(case, dispatch(scenario, case)) == ()


def test_nothing_to_dispatch_is_the_users_mistake(winter: Scenario):
    none = Scenario(settings=winter.settings, tables=winter.tables.model_copy(update={"plants": ()}))
    profiles = flat_profiles(none, 0.0)
    silent = replace(profiles, export_mw=np.zeros_like(profiles.export_mw))
    with pytest.raises(ScenarioError, match=r"nothing to dispatch.*2025"):
        build_case(none, silent)
    # With load but without plants there is something to say: everything goes unserved.
    assert build_case(none, flat_profiles(none)).coal == ()


def test_profiles_of_another_scenario_are_refused(winter: Scenario):
    profiles = flat_profiles(winter)
    with pytest.raises(InvariantError, match="renewables are not those of the scenario"):
        build_case(winter, replace(profiles, renewables=("X1", *profiles.renewables[1:])))


# What the scenario asks beyond the plain model


def case_of(given: list[str]) -> DispatchCase:
    scenario = load_scenario("tiny", given)
    return build_case(scenario, flat_profiles(scenario))


def test_rules_come_from_the_scenario():
    given = [
        "dispatch.ramps=true",
        "dispatch.reserve.up_load_share=0.05",
        "dispatch.reserve.largest_unit=true",
        'dispatch.reserve.provided_by=["hydro"]',
        "export.ramp_mw_per_h=300",
        "export.balance=day",
        "demand_response.shed_hours_per_day=4",
        "dispatch.storage_end_cny_per_mwh=200",
    ]
    case = case_of(given)
    rules = case.rules
    assert (rules.ramps, rules.reserve_up_load, rules.reserve_largest_unit) == (True, 0.05, True)
    assert (rules.reserve_by, rules.export_ramp_mw_per_h, rules.export_balance) == (("hydro",), 300.0, "day")
    assert rules.storage_end_cny_per_mwh == 200.0
    assert case.calls.names == ("response",) and case.calls.hours_per_day.tolist() == [4.0]
    assert not case.shed_limit_mw.any() and case.calls.mwh_per_year.tolist() == [np.inf]
    plain = case_of([])
    assert not plain.rules.hold_others
    assert plain.part_load is None


def test_part_load_costs_as_much_at_rated_load_and_more_per_kwh_below():
    plain, case = case_of([]), case_of(["coal.part_load=true"])
    part_load, other = case.part_load, 15.0
    assert part_load is not None
    # A unit at rated load burns the same as without part load; at half load use_at_half times as much per kWh.
    rated = part_load.no_load_cny_per_h + case.coal_unit_mw * 0.5 * (case.coal_cost + part_load.upper_cost)
    assert_allclose(rated, case.coal_unit_mw * plain.coal_cost, rtol=1e-12)
    half = part_load.no_load_cny_per_h + case.coal_unit_mw * 0.5 * case.coal_cost
    use = (half / (0.5 * case.coal_unit_mw) - other) / (plain.coal_cost - other)
    assert set(use.round(9)) == {1.06, 1.08, 1.09}
    assert (part_load.upper_cost >= case.coal_cost).all()


def test_coal_use_that_is_not_convex_is_refused():
    scenario = load_scenario("tiny", ["coal.part_load=true"])
    rows = tuple(row.model_copy(update={"use_at_30_percent": 1.0}) for row in scenario.tables.technologies)
    wrong = scenario.model_copy(update={"tables": scenario.tables.model_copy(update={"technologies": rows})})
    with pytest.raises(DataError, match=r"coal-300-subcritical.*above half load \(0.920\) than below \(1.200\)"):
        part_load_of(wrong)


def with_flexible(scenario: Scenario, **given: object) -> Scenario:
    """Return a scenario with one flexible load of 100 MW that wants 6 h a day."""
    row: dict[str, object] = {
        "flexible_id": "E1",
        "name_en": "Electrolyser",
        "name_zh": "电解槽",
        "bus_id": scenario.tables.loads[0].bus_id,
        "county": scenario.tables.loads[0].county,
        "power_mw": 100.0,
        "target_h_per_day": 6.0,
        "missed_cny_per_mwh": 900.0,
        "source": "an example",
        "confidence": "assumed",
    }
    rows = (FlexibleLoad.model_validate(row | given),)
    tables = scenario.tables.model_copy(update={"flexible_loads": rows})
    return Scenario(settings=scenario.settings, tables=tables)


def test_a_flexible_load_wants_its_hours_as_mean_power(winter: Scenario):
    scenario = with_flexible(winter)
    case = build_case(scenario, flat_profiles(scenario))
    assert case.flexibles == ("E1",)
    assert_allclose([case.flexible.power_mw[0], case.flexible.target_mw[0]], [100.0, 100.0 * 6 / 24])
    assert build_case(with_flexible(winter, in_service_from=2030), flat_profiles(winter)).flexibles == ()


def test_a_target_that_outbids_other_load_is_refused(winter: Scenario):
    scenario = with_flexible(winter, missed_cny_per_mwh=19500.0)
    with pytest.raises(ScenarioError, match=r"E1.*19500.*19400"):
        build_case(scenario, flat_profiles(scenario))


def test_a_block_with_the_name_of_the_settings_is_refused():
    scenario = load_scenario("tiny", ["demand_response.shed_hours_per_day=4"])
    tables = scenario.tables.model_copy(update={"shed_blocks": (scenario.settings.demand_response.block(),)})
    scenario = scenario.model_copy(update={"tables": tables})
    with pytest.raises(ScenarioError, match=r'shed_blocks.csv.*"response"'):
        build_case(scenario, flat_profiles(scenario))


def test_hours_of_shedding_in_the_year_are_an_energy(winter: Scenario):
    scenario = load_scenario(
        "plan-2025", ["time.start=2025-03-31", "time.hours=30", "demand_response.shed_hours_per_year=40"]
    )
    case = build_case(scenario, flat_profiles(scenario))
    # 5 % of a flat load of 100 MW at each load point, for 40 h.
    assert_allclose(case.calls.mwh_per_year, 40 * 0.05 * 100.0 * len(case.loads))
    assert not build_case(winter, flat_profiles(winter)).calls
