"""The exact twin: by hand, against an independent programme, against ``fast``, and against its own limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from dispatch_lp import lp_cost_cny
from lp_cases import flows_mw, make_limits, random_limits
from numpy.testing import assert_allclose

from scenarios.load import load_scenario
from sim.checks import balance_mw, violations
from sim.dispatch import dispatch, exact, fast, lp
from sim.dispatch.commitment import commit
from sim.dispatch.lp import solve, solve_rolling
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.rolling import windows

LIMITS = ("shed_limit_mw", "call_limit_mw", "shift_limit_mw")


def two_plants(load_mw: object, **given: object) -> DispatchCase:
    """A cheap and a dear plant of 100 MW each, both running in every hour."""
    return make_case(load_mw, coal_unit_mw=[100.0, 100.0], coal_cost=[200.0, 400.0], coal_must_run_units=1, **given)


def curtailed_mwh(case: DispatchCase, result: DispatchResult) -> float:
    return float((case.available_mw - result.renewable_mw).sum() * case.time.step_h)


# By hand


def test_storage_arbitrage_with_efficiencies():
    # 50 MWh in store give 0.9 · 50 = 45 MW in hour 1, where 50 MW would come from the dear plant. The other 5 MW
    # need 5 / 0.9 / 0.9 = 6.173 MW of charging in hour 0: 215 / 0.81 = 265 CNY < 400 − 15.
    case = two_plants(
        [50.0, 150.0],
        storage_power_mw=[60.0],
        storage_energy_mwh=100.0,
        storage_charge_efficiency=0.9,
        storage_discharge_efficiency=0.9,
    )
    result = solve(case)
    charge = 5.0 / 0.81
    assert_allclose(result.charge_mw[:, 0], [charge, 0.0], atol=1e-6)
    assert_allclose(result.discharge_mw[:, 0], [0.0, 50.0], atol=1e-6)
    assert_allclose(result.stored_mwh[:, 0], [50.0 + 0.9 * charge, 0.0], atol=1e-6)
    assert_allclose(result.coal_mw, [[50.0 + charge, 0.0], [100.0, 0.0]], atol=1e-6)
    assert_allclose(result.total_cost_cny, 200 * (150 + charge) + 15 * (50 + charge), rtol=1e-9)


@pytest.mark.parametrize(("energy_mwh", "moved_mw"), [(20.0, 20.0), (15.0, 15.0)])
def test_shift_with_pay_back(energy_mwh: float, moved_mw: float):
    # Moving 1 MWh from hour 1 (dear plant, 400) to hour 0 (cheap plant, 200) saves 200 − 2 · 25: all that is dear.
    case = two_plants([80.0, 120.0], shift_limit_mw=30.0, shift_energy_mwh=energy_mwh)
    result = solve(case)
    assert_allclose(result.shift_up_mw[:, 0], [moved_mw, 0.0], atol=1e-6)
    assert_allclose(result.shift_down_mw[:, 0], [0.0, moved_mw], atol=1e-6)
    dear = 20.0 - moved_mw
    assert_allclose(result.total_cost_cny, 200 * (200 - dear) + 400 * dear + 50 * moved_mw, rtol=1e-9)


def test_two_bus_congestion():
    # The cheap plant stands at bus A, the load and the dear plant at bus B; the line A–B carries 80 MW.
    # Flows refer to B: only what is injected at A acts on the line. One more MWh at B comes from the dear plant.
    case = two_plants([150.0])
    limits = make_limits(case, 80.0, coal=[1.0, 0.0])
    run = solve_rolling(case, limits)
    assert_allclose(run.result.coal_mw, [[80.0, 70.0]], atol=1e-6)
    assert_allclose(run.result.total_cost_cny, 80 * 200 + 70 * 400, rtol=1e-9)
    assert_allclose(run.result.price_cny_per_mwh, [400.0], atol=1e-6)
    assert run.rows_used == ("row-0",)
    assert_allclose(solve(case).coal_mw, [[100.0, 50.0]], atol=1e-6)


def test_the_price_is_that_at_the_load_wherever_flows_refer_to():
    # The same with flows that refer to A: now the load (−1 per MW injected) and the dear plant act on the line.
    case = two_plants([150.0])
    limits = make_limits(case, 80.0, coal=[0.0, -1.0], loads=[-1.0])
    result = solve(case, limits)
    assert_allclose(result.coal_mw, [[80.0, 70.0]], atol=1e-6)
    assert_allclose(result.price_cny_per_mwh, [400.0], atol=1e-6)


def test_a_section_limits_the_sum_of_its_lines():
    # Two lines of 60 MW from A to B share the flow equally: 100 MW of the cheap plant load each with 50. The
    # section of both may carry 90, so 10 MW come from the dear plant.
    case = two_plants([100.0])
    limits = make_limits(
        case, [60.0, 60.0, 90.0], ("line 1", "line 2", "section"), coal=[[0.5, 0.0], [0.5, 0.0], [1.0, 0.0]]
    )
    run = solve_rolling(case, limits)
    assert_allclose(run.result.coal_mw, [[90.0, 10.0]], atol=1e-6)
    assert run.rows_used == ("section",)


def test_load_behind_a_line_that_is_too_small_goes_unserved_there():
    # 60 of 100 MW of the second load lie behind a line for 40 MW and nothing generates there.
    case = two_plants([[50.0, 100.0]])
    run = solve_rolling(case, make_limits(case, 40.0, loads=[0.0, -1.0]))
    assert_allclose(run.result.unserved_mw, [[0.0, 60.0]], atol=1e-6)
    assert run.overload_mw.max() < 1e-6


def test_an_overload_that_load_cannot_help_is_reported():
    # The line carries 0.25 MW per MW of load: 150 MW give 37.5, allowed are 30. Cutting 4 MWh of load for 1 MW of
    # overload would cost 4 · 20,000 > 40,000.
    case = two_plants([150.0])
    run = solve_rolling(case, make_limits(case, 30.0, loads=[-0.25]))
    assert_allclose(run.overload_mw, [[7.5]], atol=1e-6)
    assert run.result.unserved_mw.sum() < 1e-6


def test_curtailment_behind_the_same_limit_is_shared_by_availability():
    # Plants 0 and 1 stand behind a line for 90 MW, plant 2 does not. 200 MW are available behind the line: each may
    # give 45 %. The system itself curtails nothing: 300 MW of load.
    case = make_case([300.0], available_mw=[[50.0, 150.0, 100.0]], coal_unit_mw=[300.0])
    run = solve_rolling(case, make_limits(case, 90.0, renewables=[1.0, 1.0, 0.0]))
    assert_allclose(run.result.renewable_mw, [[22.5, 67.5, 100.0]], atol=1e-6)
    # Without load to serve, everything shares: 150 of 300 MW are left, and the line carries 0.5 · 200 = 100 > 90.
    # Then those behind the line stay at 45 %, and the others make up: 150 − 90 = 60 MW.
    case = make_case([150.0], available_mw=[[50.0, 150.0, 100.0]], coal_unit_mw=[300.0])
    run = solve_rolling(case, make_limits(case, 90.0, renewables=[1.0, 1.0, 0.0]))
    assert_allclose(run.result.renewable_mw, [[22.5, 67.5, 60.0]], atol=1e-6)
    # With a line for 110 MW nothing binds, and all give the same half.
    run = solve_rolling(case, make_limits(case, 110.0, renewables=[1.0, 1.0, 0.0]))
    assert_allclose(run.result.renewable_mw, [[25.0, 75.0, 50.0]], atol=1e-6)


def test_storage_never_burns_energy():
    # Curtailment at 5,000 CNY/MWh: charging and discharging at once would burn 1 − 0.25 of it for 30 CNY.
    given = {"storage_power_mw": [40.0], "storage_energy_mwh": 50.0, "price_curtailed": 5000.0}
    losses = {"storage_charge_efficiency": 0.5, "storage_discharge_efficiency": 0.5}
    case = make_case(np.zeros(12), available_mw=np.full(12, 10.0), **given, **losses)
    run = solve_rolling(case)
    assert np.minimum(run.result.charge_mw, run.result.discharge_mw).max() == 0.0
    assert run.one_way_windows == 1
    # 25 MWh fit in: 50 MWh are taken up, 70 MWh of 120 are curtailed.
    assert_allclose(curtailed_mwh(case, run.result), 70.0, atol=1e-5)


def test_load_above_everything_goes_unserved():
    case = two_plants([[150.0, 150.0], [50.0, 50.0]], loss_mw=10.0)
    result = solve(case)
    # 200 MW against 300 and 10 of losses: 110 MW unserved, equally shared.
    assert_allclose(result.unserved_mw, [[55.0, 55.0], [0.0, 0.0]], atol=1e-6)
    assert violations(case, result) == ()


def test_with_nobody_left_to_serve_there_is_no_loss_and_no_load_lost_twice():
    given = {"shift_limit_mw": 20.0, "shift_energy_mwh": 50.0, "shed_limit_mw": 10.0}
    case = make_case(np.full(24, 100.0), loss_mw=5.0, **given)
    result = solve(case)
    assert_allclose(result.loss_mw, 0.0, atol=1e-6)
    assert_allclose((result.unserved_mw + result.shed_mw).sum(axis=1), 100.0, atol=1e-6)
    assert violations(case, result) == ()


# Against others


@pytest.mark.parametrize("seed", range(6))
def test_one_window_costs_what_an_independent_programme_says(seed: int):
    case = random_case(seed, days=2)
    run = solve_rolling(case)
    assert run.one_way_windows == 0
    assert_allclose(run.result.total_cost_cny, lp_cost_cny(case, commit(case)), rtol=1e-8)
    assert violations(case, run.result) == ()


@pytest.mark.parametrize("seed", range(6))
def test_fast_is_never_better_and_hardly_worse_within_one_window(seed: int):
    case = random_case(seed, days=2)
    exact, quick = solve(case), fast.solve(case)
    gap = quick.total_cost_cny / exact.total_cost_cny - 1.0
    assert -1e-8 < gap < 2e-3
    assert abs(quick.unserved_mw.sum() - exact.unserved_mw.sum()) <= 1e-4 * case.load_mw.sum()


@pytest.mark.parametrize("factor", [4.0, 5.0])
def test_scarcity_is_the_same_for_both_solvers(factor: float):
    calm = random_case(3, days=2)
    limits = {"shed_limit_mw": calm.shed_limit_mw * factor, "shift_limit_mw": calm.shift_limit_mw * factor}
    case = replace(calm, load_mw=calm.load_mw * factor, loss_mw=calm.loss_mw * factor, **limits)
    exact, quick = solve(case), fast.solve(case)
    assert exact.unserved_mw.sum() > 0.0
    assert_allclose(quick.unserved_mw.sum(), exact.unserved_mw.sum(), rtol=0.03)
    assert_allclose(quick.total_cost_cny, exact.total_cost_cny, rtol=5e-3)
    assert violations(case, exact) == ()


# Laws


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_kept_and_the_result_is_sound(seed: int):
    case = random_case(seed, days=3)
    limits = random_limits(case, seed)
    run = solve_rolling(case, limits)
    assert run.rows_used, "the limits must bind, else the test shows nothing"
    flow = flows_mw(case, run.result, limits)
    excess = np.maximum(np.abs(flow) - limits.high_mw, 0.0)
    assert_allclose(excess, run.overload_mw, atol=1e-4)
    assert np.abs(balance_mw(case, run.result)).max() < 1e-6
    assert run.result.total_cost_cny >= solve(case).total_cost_cny * (1 - 1e-9)


def test_lazy_rows_give_the_cost_of_all_rows_from_the_start(monkeypatch: pytest.MonkeyPatch):
    case = random_case(1, days=2)
    limits = random_limits(case, 1, rows=6)
    wide = np.where(np.arange(6) < 3, 1.0, 10.0) * limits.high_mw
    limits = replace(limits, low_mw=-wide, high_mw=wide)
    lazy = solve_rolling(case, limits)
    monkeypatch.setattr(exact, "FLOW_TOLERANCE_MW", -1e9)  # so that every row counts as violated in every step
    eager = solve_rolling(case, limits)
    assert len(eager.rows_used) == 6 > len(lazy.rows_used)
    assert_allclose(lazy.window_cost_cny, eager.window_cost_cny, rtol=1e-9)


@pytest.mark.parametrize(("look_ahead_h", "step_window_h"), [(48, 24), (30, 6), (24, 24), (96, 48), (17, 5)])
def test_any_window_is_sound_and_costs_about_the_same(look_ahead_h: int, step_window_h: int):
    case = random_case(2, days=5)
    whole = solve(replace(case, look_ahead_h=120, step_window_h=120))
    rolled = solve(replace(case, look_ahead_h=look_ahead_h, step_window_h=step_window_h))
    assert violations(case, rolled) == ()
    gap = rolled.total_cost_cny / whole.total_cost_cny - 1.0
    assert -1e-9 < gap < 2e-2


@pytest.mark.parametrize(("steps", "step_h"), [(1, 1.0), (60, 1.0), (130, 0.5), (300, 0.25)])
def test_any_length_and_step_is_sound(steps: int, step_h: float):
    whole = random_case(5, days=4, step_h=step_h)
    keep = slice(0, steps)
    hours = {
        name: getattr(whole, name)[keep]
        for name in ("available_mw", "load_mw", "loss_mw", "export_mw", "export_low_mw", "export_high_mw")
    }
    hours |= {name: getattr(whole, name)[keep] for name in LIMITS}
    time = replace(whole.time, steps=steps)
    days = int(time.day[-1]) + 1
    share = np.bincount(time.day)[:, None] * step_h / 24.0
    case = replace(
        whole,
        time=time,
        coal_must_run_units=whole.coal_must_run_units[:days],
        hydro_minimum_mw=whole.hydro_minimum_mw[:days],
        hydro_budget_mwh=whole.hydro_budget_mwh[:days] * share,
        **hours,
    )
    assert violations(case, solve(case)) == ()


def test_hours_and_quarters_of_hours_agree():
    hourly = random_case(4, days=2)
    quarters = {
        name: np.repeat(getattr(hourly, name), 4, axis=0)
        for name in ("available_mw", "load_mw", "loss_mw", "export_mw", "export_low_mw", "export_high_mw")
    }
    quarters |= {name: np.repeat(getattr(hourly, name), 4, axis=0) for name in LIMITS}
    fine = replace(hourly, time=replace(hourly.time, steps=4 * len(hourly.time), step_h=0.25), **quarters)
    still = {"storage_self_discharge_per_h": np.zeros(len(hourly.storages))}
    hourly, fine = replace(hourly, **still), replace(fine, **still)
    # What is constant over the hour gains nothing from quarters, except contents that change within it.
    assert_allclose(solve(fine).total_cost_cny, solve(hourly).total_cost_cny, rtol=1e-4)


def test_more_of_a_line_never_costs_more():
    case = random_case(0, days=2)
    limits = random_limits(case, 0, tightness=0.4)
    cost = [
        solve_rolling(
            case, replace(limits, low_mw=-limits.high_mw * k, high_mw=limits.high_mw * k)
        ).window_cost_cny[0]
        for k in (1.0, 1.2, 1.5, 3.0)
    ]
    assert np.diff(cost).max() <= 1e-6 * abs(cost[0])
    assert cost[0] > cost[-1]


def test_the_order_of_plants_does_not_matter():
    case = random_case(7, days=2)
    turned = replace(
        case,
        renewables=case.renewables[::-1],
        available_mw=case.available_mw[:, ::-1],
        channels=case.channels[::-1],
        export_mw=case.export_mw[:, ::-1],
        export_low_mw=case.export_low_mw[:, ::-1],
        export_high_mw=case.export_high_mw[:, ::-1],
    )
    straight, back = solve(case), solve(turned)
    assert_allclose(back.renewable_mw[:, ::-1], straight.renewable_mw, atol=1e-6)
    assert_allclose(back.export_mw[:, ::-1], straight.export_mw, atol=1e-6)


def test_windows_cover_the_axis_once():
    case = random_case(0, days=5, look_ahead_h=30, step_window_h=7)
    spans = list(windows(case))
    kept = [step for window in spans for step in range(window.begin, window.kept)]
    assert kept == list(range(len(case.time)))
    assert all(window.end - window.begin <= 30 for window in spans)


@pytest.mark.parametrize("solver", ["fast", "lp"])
def test_the_scenario_names_the_solver(solver: str):
    scenario = load_scenario("tiny", [f"dispatch.solver={solver}"])
    case = random_case(6, days=2)
    wanted = {"fast": fast, "lp": lp}[solver].solve(case)
    assert_allclose(dispatch(scenario, case).coal_mw, wanted.coal_mw, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_loads_that_are_one_column_until_one_goes_without_change_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
):
    # Tight rows and scarce supply at several loads: some go without, by place; told apart from the start or not.
    calm = random_case(seed, days=2)
    share = np.random.default_rng(seed).dirichlet(np.ones(4))
    loads = {"load_mw": calm.load_mw * share, "loads": tuple("abcd")}
    case = replace(calm, **loads)
    limits = random_limits(case, seed, tightness=0.4)
    lumped = solve_rolling(case, limits)
    monkeypatch.setattr(exact.Walk, "_lumps", False)
    apart = solve_rolling(case, limits)
    assert_allclose(lumped.window_cost_cny, apart.window_cost_cny, rtol=1e-9)
    assert_allclose(lumped.overload_mw.sum(), apart.overload_mw.sum(), atol=1e-3)


@pytest.mark.parametrize("factor", [0.01, 1.0, 2.5])
def test_columns_at_rest_change_nothing(factor: float, monkeypatch: pytest.MonkeyPatch):
    # With little load coal runs below its minimum, with much of it exports are cut and load goes without.
    calm = random_case(3, days=4)
    names = ("load_mw", "shed_limit_mw", "shift_limit_mw", "export_mw", "export_low_mw", "export_high_mw")
    case = replace(calm, **{name: factor * getattr(calm, name) for name in names})
    limits, units = random_limits(calm, 3, tightness=0.8), commit(calm)
    resting = solve_rolling(case, limits, units=units)
    monkeypatch.setattr(exact.Walk, "_lumps", False)
    awake = solve_rolling(case, limits, units=units)
    if factor < 1.0:
        assert (resting.result.coal_mw < units.units_on * case.coal_unit_mw * case.coal_minimum_pu - 1.0).any()
    if factor > 1.0:
        assert (resting.result.export_mw < case.export_low_mw - 1.0).any()
    assert_allclose(resting.window_cost_cny[0], awake.window_cost_cny[0], rtol=1e-9)
    assert_allclose(resting.result.total_cost_cny, awake.result.total_cost_cny, rtol=1e-5)
