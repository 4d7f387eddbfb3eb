"""The fast dispatch behind wires: by hand, and against the exact programme."""

from __future__ import annotations

import pytest
from dispatch_cases import make_case, random_case
from lp_cases import make_limits, random_limits
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.limits import NetworkLimits, overload_mw
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.programme import price_overload


def two_plants(load_mw: object, **given: object) -> DispatchCase:
    """A cheap and a dear plant of 100 MW each, both running in every hour."""
    return make_case(load_mw, coal_unit_mw=[100.0, 100.0], coal_cost=[200.0, 400.0], coal_must_run_units=1, **given)


def full_cost_cny(case: DispatchCase, limits: NetworkLimits, result: DispatchResult) -> float:
    """Cost with the price of overloads."""
    over_mwh = overload_mw(limits, case, result).sum() * case.time.step_h
    return result.total_cost_cny + float(over_mwh) * price_overload(case)


# --- hand arithmetic -------------------------------------------------------------------------------------------


def test_two_bus_congestion():
    # The cheap plant stands at bus A, the load and the dear plant at bus B; the line A–B carries 80 MW.
    case = two_plants([150.0])
    result = fast.solve(case, make_limits(case, 80.0, coal=[1.0, 0.0]))
    assert_allclose(result.coal_mw, [[80.0, 70.0]])
    assert_allclose(result.price_cny_per_mwh, [400.0], atol=1e-3)
    assert_allclose(fast.solve(case).coal_mw, [[100.0, 50.0]])


def test_the_price_is_that_at_the_load_wherever_flows_refer_to():
    case = two_plants([150.0])
    result = fast.solve(case, make_limits(case, 80.0, coal=[0.0, -1.0], loads=[-1.0]))
    assert_allclose(result.coal_mw, [[80.0, 70.0]])
    assert_allclose(result.price_cny_per_mwh, [400.0], atol=1e-3)


def test_load_behind_a_line_that_is_too_small_goes_unserved_there():
    # 60 of 100 MW of the second load lie behind a line for 40 MW and nothing generates there.
    case = two_plants([[50.0, 100.0]])
    result = fast.solve(case, make_limits(case, 40.0, loads=[0.0, -1.0]))
    assert_allclose(result.unserved_mw, [[0.0, 60.0]])


def test_an_overload_that_load_cannot_help_remains():
    # 0.25 MW on the line per MW of load: cutting 4 MWh of load for 1 MWh of overload would cost 80,000 > 40,000.
    case = two_plants([150.0])
    limits = make_limits(case, 30.0, loads=[-0.25])
    result = fast.solve(case, limits)
    assert_allclose(overload_mw(limits, case, result), [[7.5]])
    assert result.unserved_mw.sum() == 0.0


def test_water_behind_a_full_line_is_used_in_another_hour():
    # 60 MWh behind a line for 20 MW: 30 MW would be flat in both hours, 20 pass in each, 20 MWh are spilled.
    water = {"hydro_capacity_mw": [50.0], "hydro_budget_mwh": 60.0}
    case = two_plants([150.0, 150.0], **water)
    result = fast.solve(case, make_limits(case, 20.0, hydros=[1.0]))
    assert_allclose(result.hydro_mw[:, 0], [20.0, 20.0], atol=1e-6)
    assert_allclose(result.hydro_spilled_mwh, [[20.0]], atol=1e-6)


def test_of_two_storages_the_one_before_the_line_is_charged():
    # 90 MW of wind behind a line for 40 MW, 40 MW of load: 50 MW can only go into the storage beside the wind.
    store = {"storage_power_mw": [100.0, 100.0], "storage_energy_mwh": 200.0}
    case = make_case([40.0, 130.0], available_mw=[90.0, 0.0], coal_unit_mw=[200.0], coal_cost=[300.0], **store)
    result = fast.solve(case, make_limits(case, 40.0, renewables=[1.0], storages=[1.0, 0.0]))
    assert_allclose(result.charge_mw[0], [50.0, 0.0], atol=1e-6)
    assert_allclose(result.renewable_mw[:, 0], [90.0, 0.0], atol=1e-6)
    # The second hour is served from both, at most 40 MW over the line.
    assert_allclose(result.discharge_mw[1].sum(), 130.0, atol=1e-6)
    assert result.discharge_mw[1, 0] <= 40.0 + 1e-6


# --- the exact programme ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
def test_cost_is_that_of_the_exact_programme(seed: int):
    case = random_case(seed, days=4)
    limits = random_limits(case, seed, tightness=0.8)
    quick, exact = fast.solve(case, limits), lp.solve_rolling(case, limits)
    assert exact.rows_used, "the limits must bind, else the test shows nothing"
    gap = full_cost_cny(case, limits, quick) / full_cost_cny(case, limits, exact.result) - 1.0
    assert -1e-6 < gap < 1e-3
    assert violations(case, quick, limits) == ()
    assert overload_mw(limits, case, quick).max() < 1e-6


def test_wide_limits_change_nothing_but_who_stores():
    case = random_case(1, days=3)
    wide = make_limits(case, 1e6, renewables=0.5, loads=0.1)
    free, bound = fast.solve(case), fast.solve(case, wide)
    assert_allclose(bound.total_cost_cny, free.total_cost_cny, rtol=1e-5)
