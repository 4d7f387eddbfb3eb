"""Shedding that must be announced: hand arithmetic in which the notice bites, for both solvers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, on_call, random_case, with_calls
from numpy.testing import assert_allclose

from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.errors import ScenarioError
from scenarios.load import load_scenario
from scenarios.timeaxis import TimeAxis
from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.model import DispatchCase
from sim.dispatch.notice import announceable
from sim.dispatch.state import state_at
from sim.fleet import build_case

SOLVERS = pytest.mark.parametrize("solver", [fast, lp], ids=["fast", "lp"])


def with_notice(case: DispatchCase, hours: float) -> DispatchCase:
    """Return a case whose load that can be shed is a block on call with some hours of notice."""
    nothing = np.zeros(len(case.time))
    case = with_calls(case, on_call(case.shed_limit_mw.max(), notice_h=hours), shed_limit_mw=nothing)
    told = announceable(case.time, case.look_ahead_h, case.step_window_h, hours)
    return replace(case, call_limit_mw=np.where(told[:, None], case.call_limit_mw, 0.0))


def test_a_step_can_be_announced_when_a_window_saw_it_in_time():
    time = TimeAxis.of("2025-01-01", 72, 1.0)
    # Windows of 48 h see the first hours of the next one; nobody was told before the axis.
    assert np.flatnonzero(~announceable(time, 48, 24, 3)).tolist() == [0, 1, 2]
    assert announceable(time, 48, 24, 0).all()
    # Windows of 24 h, or of 26 h: of the next one none, or the first two hours, are seen.
    assert np.flatnonzero(~announceable(time, 24, 24, 2)).tolist() == [0, 1, 24, 25, 48, 49]
    assert np.flatnonzero(~announceable(time, 26, 24, 3)).tolist() == [0, 1, 2, 26, 50]


@SOLVERS
def test_nobody_is_told_before_the_axis(solver):
    # 130 MW for 100 MW of coal in hours 2 and 30: 20 of 30 MW can be shed, but in hour 2 nobody was told.
    load = np.full(48, 90.0)
    load[[2, 30]] = 130.0
    case = with_notice(make_case(load, coal_unit_mw=[100.0], shed_limit_mw=20.0), 3.0)
    result = solver.solve(case)
    assert_allclose(result.shed_mw[[2, 30], 0], [0.0, 20.0], atol=1e-6)
    assert_allclose(result.unserved_mw[[2, 30], 0], [30.0, 10.0], atol=1e-6)
    assert violations(case, result) == ()


@SOLVERS
def test_a_short_look_ahead_leaves_the_first_hours_of_a_day_without_calls(solver):
    # Windows of 24 h see nothing of the next one. 130 MW for 100 MW of coal at 1 and 5 o'clock of the second day:
    # with 3 hours of notice only the latter can be told; with a look-ahead of 48 h both.
    load = np.full(72, 90.0)
    load[[25, 29]] = 130.0
    case = make_case(load, coal_unit_mw=[100.0], shed_limit_mw=20.0, look_ahead_h=24)
    near, far = (solver.solve(with_notice(replace(case, look_ahead_h=hours), 3.0)) for hours in (24, 48))
    assert_allclose(near.shed_mw[[25, 29], 0], [0.0, 20.0], atol=1e-6)
    assert_allclose(near.unserved_mw[[25, 29], 0], [30.0, 10.0], atol=1e-6)
    assert_allclose(far.shed_mw[[25, 29], 0], [20.0, 20.0], atol=1e-6)


def late_spike() -> DispatchCase:
    """Return four days of 100 MW for 100 MW of coal, with 210 MW in hours 49 … 52; a store of 400 MWh, half full.

    10 MW can be shed at any time. The spike takes 4 · 10 MWh from shedding and 400 from the store, so 200 must be
    stored before, out of nothing but shedding: 20 hours of 10 MW. The first window does not see the spike; the
    second one, from hour 24 on, has 25 hours. With 6 hours of notice it has 19, and 10 MWh go unserved.
    """
    load = np.full(96, 100.0)
    load[49:53] = 210.0
    return make_case(
        load,
        coal_unit_mw=[100.0],
        coal_cost=10.0,
        storage_power_mw=[100.0],
        storage_energy_mwh=[400.0],
        shed_limit_mw=10.0,
    )


@SOLVERS
@pytest.mark.parametrize(("hours", "shed_mwh", "unserved_mwh"), [(0.0, 240.0, 0.0), (6.0, 230.0, 10.0)])
def test_what_is_seen_too_late_is_not_shed_at_once(solver, hours: float, shed_mwh: float, unserved_mwh: float):
    case = with_notice(late_spike(), hours)
    result = solver.solve(case)
    assert_allclose(result.shed_mw.sum(), shed_mwh, atol=1e-4)
    assert_allclose(result.unserved_mw.sum(), unserved_mwh, atol=1e-4)
    assert_allclose(result.shed_mw[:24], 0.0, atol=1e-6)
    if hours:
        assert_allclose(result.shed_mw[24:30], 0.0, atol=1e-6)
    assert violations(case, result) == ()


@SOLVERS
def test_a_run_from_a_seam_knows_what_was_announced(solver):
    case = with_notice(late_spike(), 6.0)
    whole = solver.solve(case)
    tail = solver.solve_rolling(case, start=state_at(case, whole, 24)).result
    assert_allclose(tail.shed_mw[24:30], 0.0, atol=1e-6)
    assert_allclose(tail.unserved_mw[24:].sum(), 10.0, atol=1e-4)


@pytest.mark.parametrize("seed", [1, 3])
def test_long_notice_costs_and_both_solvers_agree(seed: int):
    plain = random_case(seed, days=4)
    plain = replace(plain, load_mw=3.6 * plain.load_mw)
    costs = []
    for hours in (0.0, 6.0, 30.0):
        case = with_notice(plain, hours)
        quick, exact = fast.solve(case), lp.solve(case)
        assert violations(case, quick) == violations(case, exact) == ()
        assert -1e-5 < quick.total_cost_cny / exact.total_cost_cny - 1.0 < 2e-3
        costs.append(exact.total_cost_cny)
    assert_allclose(costs[0], lp.solve(plain).total_cost_cny, rtol=1e-9)
    assert costs[0] < costs[1] < costs[2]


def test_a_notice_beyond_the_look_ahead_is_refused():
    scenario = load_scenario("tiny", ["demand_response.shed_notice_h=48"])
    profiles = generate(scenario, make_weather(scenario))
    with pytest.raises(ScenarioError, match="nobody can be told 48 h before"):
        build_case(scenario, profiles)
    told = load_scenario("tiny", ["demand_response.shed_notice_h=5"])
    limit = build_case(told, profiles).call_limit_mw[:, 0]
    assert (limit[:5] == 0.0).all()
    assert (limit[5:] > 0.0).all()
