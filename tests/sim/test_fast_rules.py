"""The fast dispatch with operating rules: against the exact programme, and what it leaves to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from lp_cases import random_limits
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.certificate import certify, operating_cost_cny
from sim.dispatch.limits import NetworkLimits, no_limits
from sim.dispatch.model import DispatchCase, PartLoad, Rules
from sim.dispatch.paced import paced
from sim.dispatch.service import (
    export_ramp_excess_mw,
    reserve_down_missing_mw,
    reserve_up_missing_mw,
)

RESERVE = Rules(reserve_up_load=0.3, reserve_by=())
DOWNWARDS = Rules(reserve_down_load=0.3, reserve_by=("hydro",))
BY_DAY = Rules(export_balance="day", export_tolerance=0.02)
RAMPS = Rules(ramps=True)
EXPORT_RAMP = Rules(export_ramp_mw_per_h=100.0)
MANY = Rules(
    ramps=True,
    export_ramp_mw_per_h=100.0,
    reserve_up_load=0.05,
    reserve_largest_unit=True,
    reserve_down_load=0.03,
    export_balance="day",
    export_tolerance=0.02,
)


def ruled(seed: int, rules: Rules, days: int = 3, ramp_pu_per_h: float = 0.6) -> DispatchCase:
    case = random_case(seed, days=days)
    return replace(case, rules=rules, coal_ramp_pu_per_h=np.full(len(case.coal), ramp_pu_per_h))


def with_part_load(case: DispatchCase) -> DispatchCase:
    count = len(case.coal)
    return replace(case, part_load=PartLoad(np.full(count, 0.7), case.coal_cost + 15.0, np.full(count, 500.0)))


def gap(case: DispatchCase, limits: NetworkLimits) -> float:
    """Cost above that of the exact programme, as a share; the result must be sound."""
    quick, exact = fast.solve(case, limits), lp.solve(case, limits)
    assert violations(case, quick, limits) == ()
    assert len(quick.days_anew) < len(case.day_hours), "else this would compare the exact programme with itself"
    costs = [operating_cost_cny(case, result, limits) for result in (quick, exact)]
    return costs[0] / costs[1] - 1.0


# --- the exact programme ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [RESERVE, DOWNWARDS, BY_DAY, RAMPS, EXPORT_RAMP, MANY])
@pytest.mark.parametrize("seed", [2, 4])
def test_cost_is_that_of_the_exact_programme(seed: int, rules: Rules):
    case = with_part_load(ruled(seed, rules))
    assert -1e-5 < gap(case, no_limits(case)) < 1e-3


@pytest.mark.parametrize("rules", [RESERVE, DOWNWARDS, BY_DAY, RAMPS, EXPORT_RAMP, MANY])
def test_cost_is_that_of_the_exact_programme_behind_wires(rules: Rules):
    case = ruled(4, rules)
    assert -1e-5 < gap(case, random_limits(case, 4, tightness=0.8)) < 2e-3


@pytest.mark.parametrize("rules", [RESERVE, DOWNWARDS])
def test_reserve_is_held_where_the_plain_dispatch_misses_it(rules: Rules):
    case = ruled(3, rules, days=6)
    free, held = fast.solve(replace(case, rules=Rules())), fast.solve(case)
    missing = [
        (reserve_up_missing_mw(case, result) + reserve_down_missing_mw(case, result)).sum()
        for result in (free, held)
    ]
    assert missing[0] > 100.0, "reserve must bind, else the test shows nothing"
    assert missing[1] < 1e-3 * missing[0]


@pytest.mark.parametrize(("provided_by", "missing_mw"), [(("storage",), 0.0), ((), 20.0)])
def test_only_charging_that_can_stop_is_reserve(provided_by: tuple[str, ...], missing_mw: float):
    # 100 MW of wind for 60 MW of load; one unit of 100 MW gives its minimum of 20: 60 are left. Of 100 MW of
    # reserve 80 are free coal, 20 more only if charging counts; less coal would cost 2080 > 1000 a MWh.
    case = make_case(
        [60.0],
        available_mw=[100.0],
        coal_unit_mw=[100.0],
        coal_minimum_pu=0.2,
        coal_must_run_units=1,
        storage_power_mw=[100.0],
        storage_energy_mwh=400.0,
        rules=Rules(reserve_largest_unit=True, reserve_by=provided_by, price_reserve=1000.0),
    )
    for solve in (fast.solve, lp.solve):
        assert_allclose(reserve_up_missing_mw(case, solve(case)), [missing_mw], atol=1e-5)


# --- ramps: other shares, or days anew -------------------------------------------------------------------------


def test_plants_that_are_too_fast_share_with_others():
    # The cheap plant would jump from 20 to 90 MW and may rise by 60: the dear one gives the missing 10 MW.
    case = make_case(
        [20.0, 90.0, 20.0],
        coal_unit_mw=[100.0, 100.0],
        coal_cost=[300.0, 300.1],
        coal_must_run_units=1,
        coal_ramp_pu_per_h=0.6,
        rules=RAMPS,
    )
    result = fast.solve(case)
    # Falling by 70 is too fast as well: 80 MW are the most before 20, which is kept from there.
    assert_allclose(result.coal_mw, [[20.0, 0.0], [80.0, 10.0], [20.0, 0.0]], atol=1e-9)
    assert result.days_anew == ()


def test_other_shares_must_not_cost_much():
    # The same with a plant at twice the price: whether that is worth it the exact programme decides.
    case = make_case(
        [20.0, 90.0, 20.0],
        coal_unit_mw=[100.0, 100.0],
        coal_cost=[300.0, 600.0],
        coal_must_run_units=1,
        coal_ramp_pu_per_h=0.6,
        rules=RAMPS,
    )
    free = fast.solve(replace(case, rules=Rules()))
    assert_allclose(paced(case, no_limits(case), free).coal_mw, free.coal_mw)
    assert fast.solve(case).days_anew == (0,)


def test_what_comes_suddenly_is_prepared_for():
    # From 100 + 20 MW at most 60 MW less each: 40 + 0, but 20 MW are asked. From 80 + 40 MW it is 20 + 0.
    case = make_case(
        [120.0, 20.0],
        coal_unit_mw=[100.0, 100.0],
        coal_cost=[300.0, 300.1],
        coal_must_run_units=1,
        coal_ramp_pu_per_h=0.6,
        rules=RAMPS,
    )
    result = fast.solve(case)
    assert_allclose(result.coal_mw, [[80.0, 40.0], [20.0, 0.0]], atol=1e-9)
    assert result.days_anew == ()


@pytest.mark.parametrize("seed", [1, 2])
def test_days_that_are_not_dispatched_anew_stay_as_they_were(seed: int):
    case = ruled(seed, EXPORT_RAMP, days=6)
    free, held = fast.solve(replace(case, rules=Rules())), fast.solve(case)
    anew = np.isin(case.time.day, held.days_anew)
    assert anew.any(), "some days must break the rule, else the test shows nothing"
    assert not anew.all(), "some days must keep it"
    assert (held.coal_mw[~anew] == free.coal_mw[~anew]).all()
    assert (held.stored_mwh[~anew] == free.stored_mwh[~anew]).all()
    # What exceeds the ramp is where no dispatch of those days could help it.
    assert (export_ramp_excess_mw(case, held)[~anew] == 0.0).all()


def test_a_case_without_such_rules_is_never_dispatched_anew():
    assert fast.solve(ruled(0, RESERVE)).days_anew == ()


@pytest.mark.parametrize("rules", [BY_DAY, MANY])
def test_windows_that_end_within_a_day_leave_accounts_that_can_be_settled(rules: Rules):
    case = replace(ruled(4, rules), look_ahead_h=30, step_window_h=6)
    assert -1e-5 < gap(case, no_limits(case)) < 1e-3


def test_channels_that_a_network_tears_apart_are_left_to_the_exact_programme():
    # Four rows of random sensitivities bind in 42 of 72 hours, and a MW is worth something else at every channel.
    case = ruled(3, BY_DAY)
    limits = random_limits(case, 3, tightness=0.8)
    assert fast.solve(case, limits).days_anew == (0, 1, 2)
    assert fast.solve(case).days_anew == ()


@pytest.mark.parametrize("rules", [RESERVE, BY_DAY, MANY])
def test_sampled_weeks_are_certified_with_rules(rules: Rules):
    case = ruled(2, rules)
    found = certify(case, fast.solve(case))
    assert 0.0 <= found.worst_cost_gap + 1e-6 < 0.01
