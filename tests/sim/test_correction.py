"""What the AC flow changes of a dispatch: rows tightened by hand, days dispatched anew, trouble that goes away."""

from __future__ import annotations

import numpy as np
import pytest
from dispatch_cases import random_case
from lp_cases import flows_mw, make_limits, random_limits
from numpy.testing import assert_allclose
from tiny_outcome import BUS_B_MW, BUS_C_MW, changed, outcome

from grid.compile import compile_net
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.load import load_scenario
from sim.checks import violations
from sim.correction import Plan, Setting, tightened, trouble, with_hours
from sim.dispatch.lp import redispatch, solve
from sim.operation import operate
from sim.progress import Stages


@pytest.fixture(scope="module")
def three_buses() -> tuple[Setting, Plan]:
    of = outcome()
    # Flows refer to A500: what is injected at B220 flows back through T, at C220 through L and T.
    at_b, at_c = [-1.0, 0.0], [-1.0, -1.0]
    limits = make_limits(
        of.case,
        np.sqrt(3.0) * np.array([0.1 * 500.0, 0.25 * 220.0]),
        ("T", "L"),
        renewables=np.stack([at_b, at_c], axis=1),
        storages=np.stack([at_b], axis=1),
        loads=np.stack([at_b, at_c], axis=1),
    )
    return Setting(of.scenario, of.profiles, of.model, limits), Plan(of.case, of.dispatch, of.flow)


def test_rows_are_tightened_in_the_ratio_of_ac_to_linear_flow(three_buses):
    # Linear flows: T carries what B and C lack, L what C lacks. Hour 2: T is loaded to 104 %, L to 122.4 %, and
    # C220 has 0.99 < 1.0 pu, for which L keeps 95 %. Hour 3 has no solution: T carries 90 of 86.6 MW and keeps
    # 90 %, L carries 60 of 95.3 MW, which is not heavy. Nothing is wrong in hours 0 and 1.
    setting, plan = three_buses
    caps = tightened(setting, plan, np.full((4, 2), np.inf))
    t, line = -(BUS_B_MW + BUS_C_MW), -BUS_C_MW
    assert np.isinf(caps[:2]).all()
    assert_allclose(caps[2, 0], t[2] * 0.998 / 1.04, rtol=1e-9)
    assert_allclose(caps[2, 1], min(line[2] * 0.998 / 1.224, 0.95 * line[2]), rtol=1e-9)
    assert_allclose(caps[3], [0.9 * t[3], np.inf], rtol=1e-9)
    assert trouble(setting, plan).tolist() == [False, False, True, True]
    # What was tightened before is not loosened.
    assert_allclose(tightened(setting, plan, np.full((4, 2), 1.0)), 1.0)


def test_low_voltage_alone_relieves_the_heaviest_row_at_the_bus(three_buses):
    setting, plan = three_buses
    calm = changed(plan.flow, loading=np.full((4, 2), 0.5), status=np.zeros(4, dtype=np.int64))
    caps = tightened(setting, Plan(plan.case, plan.result, calm), np.full((4, 2), np.inf))
    assert_allclose(caps[2], [np.inf, 0.95 * -BUS_C_MW[2]])


def test_hours_are_put_into_a_flow_and_their_messages_follow(three_buses):
    _, plan = three_buses
    hours = np.array([1, 3])
    part = {
        name: getattr(plan.flow, name)[[0, 0]] for name in ("vm_pu", "va_deg", "loading", "loss_mw", "slack_mw")
    }
    part |= {
        name: getattr(plan.flow, name)[[0, 0]]
        for name in (
            "p_from_mw",
            "q_from_mvar",
            "p_to_mw",
            "q_to_mvar",
            "control_mvar",
            "iterations",
            "mismatch_pu",
        )
    }
    status = np.array([0, 3])
    both = with_hours(plan.flow, changed(plan.flow, **part, status=status, messages=((1, "worse"),)), hours)
    assert_allclose(both.loading[[0, 1, 2]], plan.flow.loading[[0, 0, 2]])
    assert_allclose(both.loading[3], plan.flow.loading[0])
    assert both.messages == ((3, "worse"),)


@pytest.mark.parametrize("seed", range(3))
def test_days_dispatched_anew_keep_their_caps_and_leave_the_others_alone(seed: int):
    case = random_case(seed, days=5)
    limits = random_limits(case, seed, tightness=0.9)
    result = solve(case, limits)
    flow = np.abs(flows_mw(case, result, limits))
    caps = np.full_like(flow, np.inf)
    caps[30:34] = 0.8 * flow[30:34]
    days = np.array([1])
    anew = redispatch(case, result, limits, caps, days)
    assert violations(case, anew, limits) == ()
    for name in ("coal_mw", "stored_mwh", "export_mw", "price_cny_per_mwh"):
        old, new = getattr(result, name), getattr(anew, name)
        assert np.array_equal(np.delete(new, slice(24, 48), axis=0), np.delete(old, slice(24, 48), axis=0))
    assert_allclose(anew.stored_mwh[47], result.stored_mwh[47], atol=1e-6)
    assert (np.abs(flows_mw(case, anew, limits))[30:34] <= caps[30:34] + 1e-4).mean() > 0.9
    assert anew.total_cost_cny > result.total_cost_cny
    # Without caps nothing better is found than the day already was, between the same contents.
    again = redispatch(case, result, limits, np.full_like(flow, np.inf), days)
    assert again.total_cost_cny <= result.total_cost_cny + 1e-6 * abs(result.total_cost_cny)


def test_an_overload_that_the_linear_flow_allows_is_mended():
    # Rows planned to 120 % of their ratings on two days before Jinhaihu station: the AC flow shows it, and the
    # correction takes it back, with losses that the slack hardly has to make up for.
    given = ["time.year=2024", "time.start=2024-02-26", "time.hours=48", "dispatch.solver=lp"]
    scenario = load_scenario("tiny", [*given, "dispatch.network_margin=1.2"])
    profiles, model = generate(scenario, make_weather(scenario)), compile_net(build_net(scenario))
    operation = operate(scenario, profiles, model, Stages(quiet=True))
    correction = operation.correction
    assert correction is not None
    assert correction.hours_before > 0
    assert correction.hours_left == 0
    assert np.nanmax(operation.flow.loading) <= 1.0
    assert correction.more_curtailed_mwh > 0
    assert correction.more_unserved_mwh == 0
    residual = np.abs(operation.flow.slack_mw.sum(axis=1))
    assert (residual <= 1e-3 * operation.case.load_mw.sum(axis=1)).all()
    assert violations(operation.case, operation.result, operation.limits) == ()
    planned_case, planned = operation.planned
    assert planned.renewable_mw.sum() > operation.result.renewable_mw.sum()
    assert planned_case is not operation.case
    off = load_scenario("tiny", [*given, "dispatch.network_margin=1.2", "dispatch.ac_rounds=0"])
    assert operate(off, profiles, model, Stages(quiet=True)).correction is None
