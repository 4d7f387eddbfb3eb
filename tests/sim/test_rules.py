"""What an operator may ask beyond the plain model: each rule by hand on the smallest system, by both solvers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, on_call, random_case, with_calls
from lp_cases import random_limits
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.lp import solve_rolling
from sim.dispatch.model import DispatchCase, DispatchResult, PartLoad, Rules
from sim.dispatch.service import (
    coal_ramp_excess_mw,
    export_ramp_excess_mw,
    reserve_down_missing_mw,
    reserve_up_missing_mw,
)
from sim.dispatch.state import state_at

Solver = Callable[[DispatchCase], DispatchResult]

DOWN_RULES = {"reserve_down_load": 1.0 / 6.0}


@pytest.fixture(params=[lp.solve, fast.solve], ids=["lp", "fast"])
def solve(request: pytest.FixtureRequest) -> Solver:
    """Either solver."""
    return request.param


def two_plants(load_mw: object, **given: object) -> DispatchCase:
    """A cheap and a dear plant of 100 MW each, both running in every hour."""
    return make_case(load_mw, coal_unit_mw=[100.0, 100.0], coal_cost=[200.0, 400.0], coal_must_run_units=1, **given)


def part(result: DispatchResult, name: str) -> float:
    return dict(result.cost_cny)[name]


# Ramps


@pytest.mark.parametrize(("look_ahead_h", "step_window_h"), [(3, 3), (2, 1), (1, 1)])
def test_a_plant_rises_no_faster_than_its_ramp_also_across_seams(
    solve: Solver, look_ahead_h: int, step_window_h: int
):
    # 30 MW an hour: the cheap plant rises from 20 to 50 and then to 70; the dear one fills the gap of 20 MW.
    case = two_plants(
        [20.0, 70.0, 70.0],
        coal_ramp_pu_per_h=0.3,
        rules=Rules(ramps=True),
        look_ahead_h=look_ahead_h,
        step_window_h=step_window_h,
    )
    result = solve(case)
    assert_allclose(result.coal_mw, [[20.0, 0.0], [50.0, 20.0], [70.0, 0.0]], atol=1e-6)
    assert part(result, "ramps") == 0.0
    assert_allclose(solve(replace(case, rules=Rules())).coal_mw[:, 0], [20.0, 70.0, 70.0], atol=1e-6)


def test_a_jump_that_no_ramp_can_follow_is_priced_and_counted(solve: Solver):
    # From 20 to 90 MW both plants together rise by 60: 10 MW too fast, at 80 + 2000 + 1000 CNY/MWh.
    case = two_plants([20.0, 90.0], coal_ramp_pu_per_h=0.3, rules=Rules(ramps=True))
    result = solve(case)
    assert_allclose(coal_ramp_excess_mw(case, result).sum(), 10.0, atol=1e-5)
    assert_allclose(part(result, "ramps"), 10.0 * 3080.0, rtol=1e-6)
    assert result.unserved_mw.sum() < 1e-6


def test_a_unit_that_starts_brings_its_whole_capacity(solve: Solver):
    # Day 1 needs one unit, day 2 both (the second starts at midnight): 40 → 190 MW is allowed.
    load = np.r_[np.full(24, 40.0), np.full(24, 190.0)]
    case = make_case(load, coal_unit_mw=[100.0], coal_units=2, coal_ramp_pu_per_h=0.5, rules=Rules(ramps=True))
    result = solve(case)
    assert result.coal_units_on[[23, 24], 0].tolist() == [1, 2]
    assert_allclose(result.coal_mw[:, 0], load, atol=1e-6)


# Reserve


@pytest.mark.parametrize(
    ("water_mwh", "hydro_mw", "missing_mw"), [(15.0, [10.0, 5.0], 0.0), (10.0, [5.0, 5.0], 5.0)]
)
def test_reserve_upwards_keeps_coal_free_as_long_as_that_is_worth_it(
    solve: Solver, water_mwh: float, hydro_mw: list[float], missing_mw: float
):
    # Hour 0: 210 MW, of which 70 wind; as much as that must be free on 200 MW of coal: at most 130, so 10 of water.
    # Hour 1: 205 MW, no wind: 5 MW of water or 5 MW unserved at 20,000. With 10 MWh, 5 MW of reserve are missing.
    case = two_plants(
        [210.0, 205.0],
        available_mw=[70.0, 0.0],
        hydro_capacity_mw=[20.0],
        hydro_budget_mwh=water_mwh,
        rules=Rules(reserve_up_renewables=1.0, reserve_by=()),
    )
    result = solve(case)
    assert_allclose(result.hydro_mw[:, 0], hydro_mw, atol=1e-6)
    assert_allclose(reserve_up_missing_mw(case, result), [missing_mw, 0.0], atol=1e-5)
    assert_allclose(part(result, "reserve"), 4000.0 * missing_mw, atol=0.1)


def test_who_may_provide_reserve_and_the_largest_unit(solve: Solver):
    # The largest unit is 100 MW: with 150 MW of load, coal has 50 free, and 50 are missing.
    case = two_plants([150.0], hydro_capacity_mw=[60.0], rules=Rules(reserve_largest_unit=True, reserve_by=()))
    assert_allclose(reserve_up_missing_mw(case, solve(case)), [50.0], atol=1e-5)
    # 60 MW of hydro stand still and may provide: nothing is missing.
    with_hydro = replace(case, rules=replace(case.rules, reserve_by=("hydro",)))
    assert_allclose(reserve_up_missing_mw(with_hydro, solve(with_hydro)), [0.0], atol=1e-5)


@pytest.mark.parametrize(("reserve_by", "coal_mw", "wind_mw"), [(("renewables",), 100.0, 20.0), ((), 120.0, 0.0)])
def test_reserve_downwards_from_wind_or_from_coal(
    solve: Solver, reserve_by: tuple[str, ...], coal_mw: float, wind_mw: float
):
    # Coal gives at least 100 of 120 MW, wind the rest. 20 MW downwards: the wind itself, or coal at 120.
    case = two_plants(
        [120.0], coal_minimum_pu=0.5, available_mw=[50.0], rules=Rules(reserve_by=reserve_by, **DOWN_RULES)
    )
    result = solve(case)
    assert_allclose([result.coal_mw.sum(), result.renewable_mw.sum()], [coal_mw, wind_mw], atol=1e-6)
    assert_allclose(reserve_down_missing_mw(case, result), [0.0], atol=1e-5)


# Export


def test_a_balanced_export_moves_energy_within_the_day_only(solve: Solver):
    # 300 MW at 200 and 100 MW at 400 CNY/MWh. 150 MW are asked in the first half of the day, 350 in the second:
    # 10 MW of export moved to the first half cost 2 · 30 and save 200. Unbalanced, all 24 h send 10 MW less.
    case = make_case(
        np.r_[np.full(12, 50.0), np.full(12, 250.0)],
        coal_unit_mw=[300.0, 100.0],
        coal_cost=[200.0, 400.0],
        coal_must_run_units=1,
        export_mw=np.full(24, 100.0),
        export_low_mw=np.full(24, 90.0),
        export_high_mw=np.full(24, 110.0),
        price_export_up=30.0,
        price_export_down=30.0,
    )
    assert_allclose(solve(case).export_mw[:, 0], 90.0, atol=1e-6)
    balanced = replace(case, rules=Rules(export_balance="day"))
    result = solve(balanced)
    assert_allclose(result.export_mw[:, 0], np.r_[np.full(12, 110.0), np.full(12, 90.0)], atol=1e-6)
    assert violations(balanced, result) == ()
    # A tolerance of 1 % of 2,400 MWh: 24 MWh less are sent, from the dear half.
    loose = replace(case, rules=Rules(export_balance="day", export_tolerance=0.01))
    assert_allclose(solve(loose).export_mw.sum(), 2400.0 - 24.0, atol=1e-5)


def test_a_monthly_balance_never_strays_further_than_its_tolerance(solve: Solver):
    case = replace(random_case(3, days=6), rules=Rules(export_balance="month", export_tolerance=0.002))
    result = solve(case)
    account = np.cumsum(np.maximum(result.export_mw, case.export_low_mw) - case.export_mw, axis=0)
    bound = 0.002 * 730.0 * case.export_mw.mean(axis=0)  # 730 h a month
    assert (np.abs(account) <= bound + 1e-4).all()
    assert (np.abs(account).max(axis=0) > 0.99 * bound).all(), "the bound must bind, else the test shows nothing"
    assert violations(case, result) == ()


def test_what_scarcity_keeps_from_being_sent_is_forgiven_at_a_price(solve: Solver):
    # 80 MW for a contract of 100 that may be 90: 10 MW below the band in each of 24 hours at 0.95 · 20,000, and all
    # 24 · 20 MWh are missing in the balance, at the same price.
    case = make_case(
        np.zeros(24),
        coal_unit_mw=[80.0],
        coal_must_run_units=1,
        export_mw=np.full(24, 100.0),
        export_low_mw=np.full(24, 90.0),
        rules=Rules(export_balance="day"),
    )
    result = solve(case)
    assert_allclose(part(result, "export_cut"), 240 * 19_000.0, rtol=1e-6)
    assert_allclose(part(result, "export_balance"), 480 * 19_000.0, rtol=1e-6)
    assert_allclose(state_at(case, result, 24).account_mwh, 0.0, atol=1e-4)


def test_export_keeps_to_its_ramp(solve: Solver):
    # Coal gives 100 MW whatever happens, all of it sent out; 50 MW of wind in hour 1. The band allows 150 MW, the
    # ramp 10 MW an hour, so 40 MW are curtailed.
    case = make_case(
        np.zeros(3),
        coal_unit_mw=[100.0],
        coal_minimum_pu=1.0,
        coal_must_run_units=1,
        available_mw=[0.0, 50.0, 0.0],
        export_mw=np.full(3, 100.0),
        export_high_mw=np.full(3, 150.0),
        price_export_up=-30.0,
    )
    assert_allclose(solve(case).export_mw[:, 0], [100.0, 150.0, 100.0], atol=1e-6)
    held = replace(case, rules=Rules(export_ramp_mw_per_h=10.0))
    assert_allclose(solve(held).export_mw[:, 0], [100.0, 110.0, 100.0], atol=1e-6)
    assert export_ramp_excess_mw(held, solve(held)).max() == 0.0


# Storage, shedding, part load


@pytest.mark.parametrize(("value", "discharge_mw"), [(0.0, 50.0), (200.0, 0.0)])
def test_content_is_kept_where_it_has_a_value_afterwards(value: float, discharge_mw: float):
    # 50 of 100 MWh in store, coal at 200: discharging saves 200 − 15 = 185 < 200, charging costs 215 > 200.
    case = two_plants(
        [80.0],
        storage_power_mw=[60.0],
        storage_energy_mwh=100.0,
        rules=Rules(storage_end_cny_per_mwh=value),
    )
    result = lp.solve(case)
    assert_allclose(result.discharge_mw, [[discharge_mw]], atol=1e-6)
    assert_allclose(result.charge_mw, [[0.0]], atol=1e-6)


def test_load_is_shed_for_so_many_hours_a_day():
    # 205 MW against 200 all day: 10 MW may be shed, for 2 h a day at full power, 20 MWh of 120.
    case = two_plants(np.full(48, 205.0), calls=on_call(10.0, hours_per_day=2.0))
    result = lp.solve(case)
    assert_allclose(result.shed_mw.reshape(2, 24).sum(axis=1), 20.0, atol=1e-5)
    assert_allclose(result.unserved_mw.sum(), 2 * 100.0, atol=1e-5)
    assert violations(case, result) == ()


def test_coal_above_its_knee_is_dearer_and_running_costs_something(solve: Solver):
    # 120 MW: plant 0 up to its knee at 50 (200), then plant 1 (250), since plant 0 costs 300 above its knee.
    case = make_case([120.0], coal_unit_mw=[100.0, 100.0], coal_cost=[200.0, 250.0], coal_must_run_units=1)
    dearer = PartLoad(np.array([0.5, 1.0]), np.array([300.0, 250.0]), np.array([1000.0, 2000.0]))
    result = solve(replace(case, part_load=dearer))
    assert_allclose(result.coal_mw, [[50.0, 70.0]], atol=1e-6)
    assert_allclose(part(result, "coal"), 50 * 200 + 70 * 250 + 3000, rtol=1e-9)
    # 180 MW: 100 from plant 1, and plant 0 goes 30 MW above its knee.
    result = solve(replace(case, load_mw=np.array([[180.0]]), part_load=dearer))
    assert_allclose(part(result, "coal"), 50 * 200 + 30 * 300 + 100 * 250 + 3000, rtol=1e-9)


# All together


def everything(seed: int, days: int = 4) -> DispatchCase:
    case = random_case(seed, days=days)
    count = len(case.coal)
    part_load = PartLoad(np.full(count, 0.7), case.coal_cost + 15.0, np.full(count, 500.0))
    rules = Rules(
        ramps=True,
        reserve_up_load=0.05,
        reserve_up_renewables=0.05,
        reserve_largest_unit=True,
        reserve_down_load=0.03,
        export_ramp_mw_per_h=100.0,
        export_balance="day",
        export_tolerance=0.02,
        storage_end_cny_per_mwh=100.0,
    )
    calls = on_call(case.shed_limit_mw.max(), hours_per_day=4.0)
    case = with_calls(case, calls, shed_limit_mw=np.zeros(len(case.time)))
    return replace(case, rules=rules, part_load=part_load, coal_ramp_pu_per_h=np.full(count, 0.3))


@pytest.mark.parametrize("seed", range(3))
def test_all_rules_at_once_with_a_network_are_sound(seed: int):
    case = everything(seed)
    limits = random_limits(case, seed)
    run = solve_rolling(case, limits)
    assert violations(case, run.result, limits) == ()


@pytest.mark.parametrize("seed", range(3))
def test_a_run_from_a_seam_on_is_the_tail_of_the_whole_run(seed: int):
    case = everything(seed)
    whole = solve_rolling(case)
    tail = solve_rolling(case, start=state_at(case, whole.result, 48))
    # Windows begin every 24 h; the third is the first of the tail. Powers may differ among equal optima.
    assert_allclose(tail.window_cost_cny, whole.window_cost_cny[2:], rtol=1e-7)
    assert (tail.result.coal_mw[:48] == 0.0).all()


@pytest.mark.parametrize("rule", [{"ramps": True}, {"reserve_up_load": 0.2}, {"export_ramp_mw_per_h": 50.0}])
def test_no_rule_makes_operation_cheaper(solve: Solver, rule: dict[str, object]):
    case = replace(random_case(5, days=2), coal_ramp_pu_per_h=np.full(len(random_case(5, days=2).coal), 0.2))
    free, held = solve(case), solve(replace(case, rules=Rules(**rule)))
    assert held.total_cost_cny >= free.total_cost_cny * (1 - 1e-9)
