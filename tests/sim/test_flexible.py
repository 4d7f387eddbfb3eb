"""Energies of a day or a year, and values of contents: both solvers by hand on small systems, and together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, on_call, random_case, with_calls
from lp_cases import make_limits
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.certificate import operating_cost_cny
from sim.dispatch.limits import flow_mw, no_limits
from sim.dispatch.model import DispatchCase, DispatchResult, FlexibleLoads, Rules
from sim.dispatch.response import flexible_cut_mw, flexible_surplus_mwh
from sim.dispatch.state import state_at

Solve = Callable[..., DispatchResult]
BOTH = pytest.mark.parametrize("solve", [fast.solve, lp.solve], ids=["fast", "lp"])


def electrolyser(target_mw: float, *, missed: float = 3000.0, value: float = -1000.0, minimum_mw: float = 0.0):
    """40 MW that want ``target_mw`` on average."""
    return FlexibleLoads(
        names=("E",),
        power_mw=np.array([40.0]),
        minimum_mw=np.array([minimum_mw]),
        target_mw=np.array([target_mw]),
        value_cny_per_mwh=np.array([value]),
        missed_cny_per_mwh=np.array([missed]),
    )


def cheap_then_dear(flexible: FlexibleLoads, **given: object) -> DispatchCase:
    """Two hours: 40 MW are left at 200 CNY/MWh in the first, none in the second, where the next plant costs 400."""
    fleet = {"coal_unit_mw": [100.0, 100.0], "coal_cost": [200.0, 400.0], "coal_must_run_units": 1}
    return make_case([60.0, 110.0], flexible=flexible, **(fleet | given))


def solved(solve: Solve, case: DispatchCase, *limits: object) -> DispatchResult:
    result = solve(case, *limits)
    assert violations(case, result, *limits) == ()
    return result


def part(result: DispatchResult, name: str) -> float:
    return dict(result.cost_cny)[name]


# Flexible loads


@BOTH
def test_an_electrolyser_takes_its_energy_in_the_cheap_hour(solve: Solve):
    # 20 MW on average are 40 MWh: all of them at 200 CNY/MWh.
    result = solved(solve, cheap_then_dear(electrolyser(20.0)))
    assert_allclose(result.flexible_mw[:, 0], [40.0, 0.0], atol=1e-6)
    assert_allclose(part(result, "coal"), 100 * 200 + 100 * 200 + 10 * 400)
    assert part(result, "flexible") == 0.0


@BOTH
@pytest.mark.parametrize(("missed", "taken_mw"), [(500.0, 20.0), (300.0, 0.0)])
def test_energy_is_missed_where_it_costs_more_than_missing_it(solve: Solve, missed: float, taken_mw: float):
    # 30 MW on average are 60 MWh: 40 in the cheap hour, 20 at 400 CNY/MWh or not at all.
    case = cheap_then_dear(electrolyser(30.0, missed=missed))
    result = solved(solve, case)
    assert_allclose(result.flexible_mw[:, 0], [40.0, taken_mw], atol=1e-6)
    assert_allclose(part(result, "flexible"), (20.0 - taken_mw) * missed, atol=1e-3)
    assert_allclose(flexible_surplus_mwh(case, result), [[taken_mw - 20.0]], atol=1e-6)


@BOTH
@pytest.mark.parametrize(("value", "taken_mw"), [(250.0, [40.0, 0.0]), (450.0, [40.0, 40.0]), (150.0, [20.0, 0.0])])
def test_energy_beyond_the_target_is_taken_where_it_is_worth_more_than_it_costs(
    solve: Solve, value: float, taken_mw: list[float]
):
    # The target of 20 MWh is met in the cheap hour; more is worth its value against 200 or 400 CNY/MWh.
    result = solved(solve, cheap_then_dear(electrolyser(10.0, value=value)))
    assert_allclose(result.flexible_mw[:, 0], taken_mw, atol=1e-6)
    assert_allclose(part(result, "flexible"), -(sum(taken_mw) - 20.0) * value, atol=1e-3)


@BOTH
@pytest.mark.parametrize(("value", "taken_mw"), [(0.0, 40.0), (-100.0, 20.0)])
def test_surplus_is_taken_unless_that_is_worth_less_than_curtailing(solve: Solve, value: float, taken_mw: float):
    # 200 MW of wind for 60 MW of load: curtailing costs 80, taking more than the 20 MW of the target costs −value.
    case = make_case([60.0], available_mw=[200.0], flexible=electrolyser(20.0, value=value))
    result = solved(solve, case)
    assert_allclose(result.flexible_mw, [[taken_mw]], atol=1e-6)
    assert_allclose(part(result, "curtailment"), 80.0 * (140.0 - taken_mw))


@BOTH
def test_the_minimum_of_a_flexible_load_is_cut_just_before_others_go_unserved(solve: Solve):
    # 62 MW for 60 of load and a minimum of 5: 3 are cut at 0.97 · 20,000; the target's other 5 are missed.
    case = make_case([60.0], coal_unit_mw=[62.0], flexible=electrolyser(10.0, missed=500.0, minimum_mw=5.0))
    result = solved(solve, case)
    assert_allclose([result.flexible_mw.sum(), result.unserved_mw.sum()], [2.0, 0.0], atol=1e-6)
    assert_allclose(flexible_cut_mw(case, result), [[3.0]], atol=1e-6)
    assert_allclose(part(result, "flexible"), 3 * 0.97 * 20000 + 5 * 500, rtol=1e-6)
    # With nothing there at all it is off, and the window still has a solution.
    dark = solved(solve, replace(case, coal_unit_mw=np.array([1e-9])))
    assert_allclose([dark.flexible_mw.sum(), dark.unserved_mw.sum()], [0.0, 60.0], atol=1e-6)


@BOTH
@pytest.mark.parametrize("step_window_h", [24, 6])
def test_every_day_has_its_energy_whatever_the_windows(solve: Solve, step_window_h: int):
    # 12 MW on average are 288 MWh of each of three days, in the hours of low load, however windows cut the days.
    hours = np.arange(72)
    load = 100.0 + 50.0 * np.cos((hours - 20) / 12 * np.pi)
    case = make_case(
        load,
        coal_unit_mw=np.full(10, 20.0),
        coal_cost=200.0 + 20 * np.arange(10.0),
        coal_must_run_units=1,
        flexible=electrolyser(12.0),
        step_window_h=step_window_h,
    )
    result = solved(solve, case)
    assert_allclose(result.flexible_mw[:, 0].reshape(3, 24).sum(axis=1), 288.0, atol=1e-5)
    assert result.flexible_mw[load > 130.0].max() < 1e-6


@BOTH
def test_a_wire_keeps_the_electrolyser_from_taking_more_than_it_carries(solve: Solve):
    # Injected at its bus a MW relieves the row by one, so its 40 MWh flow at 30 MW at most: 30 and 10.
    case = cheap_then_dear(electrolyser(20.0))
    limits = make_limits(case, [30.0], flexibles=[1.0])
    result = solved(solve, case, limits)
    assert_allclose(result.flexible_mw[:, 0], [30.0, 10.0], atol=1e-6)
    assert_allclose(flow_mw(limits, case, result)[:, 0], [-30.0, -10.0], atol=1e-6)


def test_commitment_reckons_with_the_mean_power_of_the_target():
    # 95 MW of load need one of two units of 100 MW; with 20 MW of flexible load on top both.
    case = make_case(np.full(24, 95.0), coal_unit_mw=[100.0], coal_units=2, flexible=electrolyser(20.0))
    assert fast.solve(case).coal_units_on.max() == 2
    assert fast.solve(replace(case, flexible=electrolyser(0.0))).coal_units_on.max() == 1


def test_a_flexible_load_with_the_whole_day_as_target_is_load():
    flat = electrolyser(40.0)
    for seed in range(3):
        case = random_case(seed, days=3)
        more = replace(case, load_mw=case.load_mw + 40.0)
        units = lp.commit(more)
        as_load, as_flexible = (lp.solve(item, units=units) for item in (more, replace(case, flexible=flat)))
        assert_allclose(as_flexible.total_cost_cny, as_load.total_cost_cny, rtol=1e-7)


def test_checks_see_what_a_flexible_load_must_not_do():
    case = cheap_then_dear(electrolyser(20.0))
    result = lp.solve(case)
    less = replace(result, flexible_mw=0.5 * result.flexible_mw)
    laws = {item.law for item in violations(case, less)}
    assert laws == {"supply and demand differ", "the cost of flexible loads is not what they take"}
    more = {item.law for item in violations(case, replace(result, flexible_mw=2.0 * result.flexible_mw))}
    assert "a flexible load above its power" in more


# Shedding


@BOTH
@pytest.mark.parametrize(("look_ahead_h", "step_window_h"), [(4, 4), (1, 1), (2, 1)])
def test_load_is_shed_for_so_many_hours_of_the_year(solve: Solve, look_ahead_h: int, step_window_h: int):
    # 10 MW short in each of four hours; 2 h at 10 MW are 20 MWh, which one-hour windows spend as they come.
    calls = on_call(10.0, mwh_per_year=20.0)
    windows = {"look_ahead_h": look_ahead_h, "step_window_h": step_window_h}
    case = make_case(np.full(4, 110.0), coal_unit_mw=[100.0], calls=calls, **windows)
    result = solved(solve, case)
    assert_allclose([result.shed_mw.sum(), result.unserved_mw.sum()], [20.0, 20.0], atol=1e-6)
    if look_ahead_h == 1:
        assert_allclose(result.shed_mw[:, 0], [10.0, 10.0, 0.0, 0.0], atol=1e-6)


@BOTH
def test_hours_of_the_year_go_to_the_day_that_needs_them_more(solve: Solve):
    # One window of two days, 20 MWh a day and 30 in all: day 1 lacks 5 MW for 4 h, which a plant has at 2,000;
    # day 2 lacks 10 MW beyond that plant for 2 h, at 20,000. So day 2 has its 20 MWh, day 1 the other 10.
    load = np.full(48, 90.0)
    load[4:8], load[30:32] = 105.0, 120.0
    case = make_case(
        load,
        coal_unit_mw=[100.0, 10.0],
        coal_cost=[200.0, 2000.0],
        coal_must_run_units=1,
        calls=on_call(10.0, hours_per_day=2.0, mwh_per_year=30.0),
    )
    result = solved(solve, case)
    assert_allclose(result.shed_mw[:, 0].reshape(2, 24).sum(axis=1), [10.0, 20.0], atol=1e-6)
    assert_allclose(result.coal_mw[:, 1].sum(), 10.0 + 20.0, atol=1e-6)
    assert result.unserved_mw.sum() < 1e-6


@BOTH
def test_hours_of_shedding_a_day(solve: Solve):
    # Always 5 MW short; 2 h of 10 MW are 20 MWh a day, the other 100 go unserved.
    case = make_case(np.full(48, 105.0), coal_unit_mw=[100.0], calls=on_call(10.0, hours_per_day=2.0))
    result = solved(solve, case)
    assert_allclose(result.shed_mw[:, 0].reshape(2, 24).sum(axis=1), 20.0, atol=1e-5)
    assert_allclose(result.unserved_mw[:, 0].reshape(2, 24).sum(axis=1), 100.0, atol=1e-5)


@BOTH
def test_the_cheaper_block_is_called_first_and_each_keeps_to_its_own_hours(solve: Solve):
    # 15 MW short for six hours of two days. Per day the cheap block has 10 MW for 2 h (20 MWh), the dear one 10 MW
    # for 4 h (40 MWh) but only 60 MWh in all: it gives 60 over both days; of 180 MWh, 40 and 60 are shed, 80 not.
    load = np.full(48, 90.0)
    load[8:14], load[32:38] = 115.0, 115.0
    calls = on_call([10.0, 10.0], [900.0, 1500.0], [2.0, 4.0], [np.inf, 60.0])
    case = make_case(load, coal_unit_mw=[100.0], calls=calls)
    result = solved(solve, case)
    assert_allclose(result.called_mw.reshape(2, 24, 2).sum(axis=1)[:, 0], [20.0, 20.0], atol=1e-6)
    assert_allclose(result.called_mw.sum(axis=0), [40.0, 60.0], atol=1e-6)
    assert_allclose([result.shed_mw.sum(), result.unserved_mw.sum()], [100.0, 80.0], atol=1e-6)
    assert_allclose(dict(result.cost_cny)["shed"], 40.0 * 900.0 + 60.0 * 1500.0, rtol=1e-9)


@BOTH
def test_plain_shedding_and_a_block_stand_beside_each_other(solve: Solve):
    # 15 MW short: 10 MW of a block at 900, then 5 of the 8 MW that respond one by one at 1,500; 3 h.
    given = {"coal_unit_mw": [100.0], "shed_limit_mw": 8.0, "calls": on_call(10.0, 900.0)}
    result = solved(solve, make_case([115.0] * 3, **given))
    assert_allclose(result.called_mw[:, 0], 10.0, atol=1e-6)
    assert_allclose(result.shed_mw[:, 0], 15.0, atol=1e-6)
    assert_allclose(dict(result.cost_cny)["shed"], 3 * (10.0 * 900.0 + 5.0 * 1500.0), rtol=1e-9)


@BOTH
def test_blocks_shed_no_more_than_there_is(solve: Solve):
    # 20 MW of load and nothing to serve it: 8 MW respond, the cheap block takes 10, the dear one what is left, 2.
    case = make_case([20.0], shed_limit_mw=8.0, calls=on_call([10.0, 10.0], [900.0, 800.0]))
    result = solved(solve, case)
    assert_allclose(result.called_mw, [[2.0, 10.0]], atol=1e-6)
    assert_allclose([result.shed_mw.sum(), result.unserved_mw.sum()], [20.0, 0.0], atol=1e-6)


@BOTH
def test_moved_load_may_need_more_where_it_goes(solve: Solve):
    # 120 MW in hour 1, 20 of it from the dear plant at 400. The cheap one (200) has room for 20 MW in hour 0, which
    # are worth 16 at an efficiency of 0.8: that saves 16 · 400 − 20 · 200 and costs 25 · 36.
    fleet = {"coal_unit_mw": [100.0, 100.0], "coal_cost": [200.0, 400.0], "coal_must_run_units": 1}
    moving = {"shift_limit_mw": 30.0, "shift_energy_mwh": 30.0, "shift_efficiency": 0.8}
    case = make_case([80.0, 120.0], **fleet, **moving)
    result = solved(solve, case)
    assert_allclose(result.shift_up_mw[:, 0], [20.0, 0.0], atol=1e-6)
    assert_allclose(result.shift_down_mw[:, 0], [0.0, 16.0], atol=1e-6)
    assert_allclose(result.total_cost_cny, 200 * 200.0 + 4 * 400.0 + 36 * 25.0, rtol=1e-9)


@BOTH
def test_moving_load_to_and_fro_at_once_burns_no_surplus(solve: Solve):
    # 50 MW of load under a unit that gives 60 at least: moving 10 MW in and 5 out in the same hour would burn 5 of
    # the 10 that are too much, for 25 · 15 instead of 2,080 · 5. It is not done.
    fleet = {"coal_unit_mw": [100.0], "coal_minimum_pu": 0.6, "coal_must_run_units": 1}
    moving = {"shift_limit_mw": 10.0, "shift_energy_mwh": 30.0, "shift_efficiency": 0.5}
    result = solved(solve, make_case([50.0], **fleet, **moving))
    assert_allclose(result.below_minimum_mw, [10.0], atol=1e-6)
    assert_allclose([result.shift_up_mw.sum(), result.shift_down_mw.sum()], [0.0, 0.0], atol=1e-6)


@BOTH
@pytest.mark.parametrize("rules", [Rules(reserve_up_load=0.9), Rules(reserve_down_load=0.6)], ids=["up", "down"])
def test_load_never_moves_both_ways_where_storages_hold_reserve(solve: Solve, rules: Rules):
    # 50 MW of load under a unit that gives 60 at least, for eight hours: 80 MWh too much, of which the store has
    # room for 30 / 0.9. Moving 10 MW in and 5 out at once would burn 5 MW of the rest; it may only be done in one
    # hour and the next. Nor does the store charge and discharge at once, with reserve short or not.
    fleet = {"coal_unit_mw": [100.0], "coal_minimum_pu": 0.6, "coal_must_run_units": 1}
    moving = {"shift_limit_mw": 10.0, "shift_energy_mwh": 30.0, "shift_efficiency": 0.5}
    store = {"storage_power_mw": [30.0], "storage_energy_mwh": [60.0]}
    store |= {"storage_charge_efficiency": 0.9, "storage_discharge_efficiency": 0.9}
    assert rules.storage_holds_reserve
    result = solved(solve, make_case(np.full(8, 50.0), **fleet, **moving, **store, rules=rules))
    assert result.below_minimum_mw.sum() > 20.0
    both = np.minimum(result.shift_up_mw, result.shift_down_mw).sum(axis=1)
    assert both.max() < 1e-6
    assert np.minimum(result.charge_mw, result.discharge_mw).max() < 1e-6


@BOTH
def test_a_block_that_costs_nothing_keeps_to_its_hours_and_sheds_nothing_in_surplus(solve: Solve):
    # 90 MW for 24 h, of which wind serves all in the first twelve and more: 10 MW for 2 h are shed later.
    wind = np.where(np.arange(24) < 12, 120.0, 0.0)
    case = make_case(np.full(24, 90.0), coal_unit_mw=[100.0], available_mw=wind, calls=on_call(10.0, 0.0, 2.0))
    result = solved(solve, case)
    assert_allclose(result.called_mw.sum(), 20.0, atol=1e-6)
    assert_allclose(result.called_mw[:12], 0.0, atol=1e-6)


@BOTH
def test_without_hours_nothing_is_shed_and_all_may_go_unserved(solve: Solve):
    case = make_case([30.0, 30.0], calls=on_call(10.0, hours_per_day=0.0))
    assert_allclose(solved(solve, case).unserved_mw[:, 0], [30.0, 30.0], atol=1e-6)


# Value of contents


@BOTH
@pytest.mark.parametrize(
    ("value", "charge_mw", "discharge_mw"), [(0.0, 0.0, 9.0), (200.0, 0.0, 0.0), (300.0, 10.0 / 0.9, 0.0)]
)
def test_a_store_gives_holds_or_fills_by_the_value_of_what_it_leaves(
    solve: Solve, value: float, charge_mw: float, discharge_mw: float
):
    # 10 of 20 MWh are stored, efficiency 0.9 each way, coal at 200. A stored MWh replaces 0.9 · (200 − 15) = 166.5;
    # one more costs (200 + 15) / 0.9 = 239. So 10 · 0.9 are drawn, or nothing, or 10 / 0.9 are put in.
    case = make_case(
        [50.0],
        coal_unit_mw=[100.0],
        coal_cost=[200.0],
        storage_power_mw=[20.0],
        storage_energy_mwh=[20.0],
        storage_charge_efficiency=0.9,
        storage_discharge_efficiency=0.9,
        rules=Rules(storage_end_cny_per_mwh=value),
    )
    result = solved(solve, case)
    assert_allclose(result.charge_mw.sum(), charge_mw, atol=1e-6)
    assert_allclose(result.discharge_mw.sum(), discharge_mw, atol=1e-6)


@BOTH
def test_self_discharge_is_reckoned_with_before_the_end(solve: Solve):
    # Half of the content is lost over the second hour, so filling in the first hour pays only above 2 · 230.
    case = make_case(
        [50.0, 150.0],
        coal_unit_mw=[100.0, 100.0],
        coal_cost=[200.0, 900.0],
        coal_must_run_units=1,
        storage_power_mw=[10.0],
        storage_energy_mwh=[100.0],
        storage_self_discharge_per_h=0.5,
    )
    low, high = (
        solved(solve, replace(case, rules=Rules(storage_end_cny_per_mwh=value))) for value in (420.0, 440.0)
    )
    # Filled at 215, halved, drawn at 900 − 15 or kept: 2 · 215 = 430 a MWh.
    assert low.stored_mwh[-1, 0] == pytest.approx(low.stored_mwh[0, 0] * 0.5 - low.discharge_mw[1, 0])
    assert high.charge_mw[0, 0] == pytest.approx(10.0)
    assert low.discharge_mw[1, 0] == pytest.approx(10.0)


# Both solvers


def stretched(seed: int) -> DispatchCase:
    """A made-up system with flexible loads, hours of shedding and a value of contents, in and out of scarcity."""
    draw, load = np.random.default_rng((seed, 77)), [1.0, 1.0, 2.6][seed % 3]
    case = random_case(seed)
    power = draw.uniform(50.0, 500.0, int(draw.integers(1, 4)))
    flexible = FlexibleLoads(
        names=tuple(f"E{k}" for k in range(len(power))),
        power_mw=power,
        minimum_mw=power * draw.choice([0.0, 0.2], len(power)),
        target_mw=power * draw.uniform(0.2, 0.9, len(power)),
        value_cny_per_mwh=draw.choice([-1000.0, 0.0, 150.0, 280.0], len(power)),
        missed_cny_per_mwh=draw.choice([350.0, 600.0, 2000.0], len(power)),
    )
    power = load * case.shed_limit_mw.max() * np.array([0.4, 0.6, 0.5])
    calls = on_call(
        power,
        price=[1500.0, 700.0, 4000.0],
        hours_per_day=draw.choice([2.0, 4.0, 24.0], 3),
        mwh_per_year=power * draw.choice([5.0, 15.0, np.inf], 3),
    )
    rules = Rules(storage_end_cny_per_mwh=float(draw.choice([0.0, 200.0])))
    scaled = {name: load * getattr(case, name) for name in ("load_mw", "loss_mw")}
    limit = np.zeros(len(case.time)) if seed % 2 else load * case.shed_limit_mw
    case = replace(case, shift_efficiency=[1.0, 0.9, 0.7][seed % 3])
    return with_calls(case, calls, flexible=flexible, rules=rules, shed_limit_mw=limit, **scaled)


@pytest.mark.parametrize("seed", range(12))
def test_the_fast_dispatch_costs_what_the_exact_one_costs(seed: int):
    # In one window: of several, the choice of one among equals decides what is left of the year to the next.
    case = replace(stretched(seed), look_ahead_h=144, step_window_h=144)
    quick, exact = solved(fast.solve, case), solved(lp.solve, case)
    costs = [operating_cost_cny(case, result, no_limits(case)) for result in (quick, exact)]
    # Contents left at the very end have their value in the objective, not in the cost.
    costs = [
        cost - case.rules.storage_end_cny_per_mwh * float(result.stored_mwh[-1].sum())
        for cost, result in zip(costs, (quick, exact), strict=True)
    ]
    assert abs(costs[0] / costs[1] - 1.0) < 1e-3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rules_and_energies_hold_together(seed: int):
    # Ramps and the balance of export have days dispatched anew; these may not shed what other days need.
    case = stretched(seed)
    rules = replace(case.rules, ramps=True, reserve_up_load=0.03, export_balance="day", export_tolerance=0.02)
    case = replace(case, rules=rules, coal_ramp_pu_per_h=np.full(len(case.coal), 0.2))
    quick, exact = solved(fast.solve, case), solved(lp.solve, case)
    costs = [operating_cost_cny(case, result, no_limits(case)) for result in (quick, exact)]
    assert abs(costs[0] / costs[1] - 1.0) < 1e-3


@pytest.mark.parametrize("seed", [2, 5])
def test_the_state_within_a_day_is_all_that_the_rest_needs(seed: int):
    # Equal optima leave a choice, so later windows may differ; that of the first window is one number.
    case = replace(stretched(seed), step_window_h=6)
    whole = lp.solve_rolling(case)
    tail = lp.solve_rolling(case, start=state_at(case, whole.result, 42))
    assert_allclose(tail.window_cost_cny[0], whole.window_cost_cny[7], rtol=1e-9)


@pytest.mark.parametrize("seed", [0, 2])
def test_a_tighter_rule_never_makes_operation_cheaper(seed: int):
    case = replace(stretched(seed), look_ahead_h=144, step_window_h=144)
    cost = lp.solve(case).total_cost_cny
    fewer = replace(case.calls, mwh_per_year=0.5 * case.calls.mwh_per_year)
    more = replace(case.flexible, target_mw=0.5 * (case.flexible.target_mw + case.flexible.power_mw))
    dearer = [replace(case, calls=fewer), replace(case, flexible=more)]
    units = lp.commit(case)
    assert all(lp.solve(item, units=units).total_cost_cny >= cost - 1e-6 * abs(cost) for item in dearer)
