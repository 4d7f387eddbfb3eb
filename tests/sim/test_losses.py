"""Loss factors and what is done by them: hand arithmetic, differences of the AC flow, and whole operations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from lp_cases import flows_mw, make_limits, random_limits
from numpy.testing import assert_allclose, assert_array_equal

from grid.compile import compile_net
from grid.flow import solve
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.load import load_scenario
from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.limits import no_limits
from sim.dispatch.model import DispatchCase, DispatchResult, PartLoad, Rules
from sim.injections import hours_of, inject
from sim.losses import flow_options, residual_too_large
from sim.losses.factors import loss_bends, loss_factors
from sim.losses.shares import LossFactors, shared_by_losses
from sim.operation import Operation, operate
from sim.progress import Stages

SOLVERS = pytest.mark.parametrize("solver", [fast, lp], ids=["fast", "lp"])
R = 1e-4


def radial(case: DispatchCase, result: DispatchResult, resistance: Any) -> LossFactors:
    """Return the factors of plants that each feed the load over a line of their own: loss = Σ R · p²."""
    at = np.hstack([result.coal_mw, result.hydro_mw])
    r = np.asarray(resistance, dtype=float)
    known = np.ones(len(at), dtype=bool)
    return LossFactors((*case.coal, *case.hydros), known, at, 2.0 * r * at, np.diag(2.0 * r))


def lost_mw(result: DispatchResult, resistance: Any) -> Any:
    powers = np.hstack([result.coal_mw, result.hydro_mw])
    return (np.asarray(resistance) * powers**2).sum(axis=1)


@SOLVERS
def test_equal_plants_share_inversely_to_the_resistance_of_their_lines(solver):
    # Equal costs: 2 · R · p₁ = 2 · 2R · p₂ and p₁ + p₂ = 90 MW, so 60 and 30; the dispatch itself says 45 and 45.
    case = make_case(np.full(3, 90.0), coal_unit_mw=[100.0, 100.0], reserve_share_load=1.0)
    plain = solver.solve(case)
    shared = shared_by_losses(case, no_limits(case), plain, radial(case, plain, [R, 2 * R]))
    assert_allclose(plain.coal_mw, [[45.0, 45.0]] * 3)
    assert_allclose(shared.coal_mw, [[60.0, 30.0]] * 3, atol=1e-3)
    assert_allclose(shared.total_cost_cny, plain.total_cost_cny)


@SOLVERS
def test_a_cheaper_plant_gives_more_until_its_losses_cost_the_difference(solver):
    # 300 + 312 · 2 · 1e-4 · p₁ = 312 + 0 with a plant beside the load: p₁ = 12 / 0.0624 = 192.3 MW of 250;
    # without losses it would give all it has.
    case = make_case(
        np.full(2, 250.0), coal_unit_mw=[250.0, 250.0], coal_cost=[300.0, 312.0], reserve_share_load=1.0
    )
    plain = solver.solve(case)
    plain = replace(plain, price_cny_per_mwh=np.full(2, 312.0))  # at its kink a step has any price between the two
    shared = shared_by_losses(case, no_limits(case), plain, radial(case, plain, [R, 0.0]))
    assert_allclose(shared.coal_mw[:, 0], 12.0 / (312.0 * 2 * R), rtol=1e-3)
    assert shared.total_cost_cny > plain.total_cost_cny  # more fuel, fewer losses


@SOLVERS
def test_water_goes_where_the_lines_of_coal_are_loaded(solver):
    # Coal far away, hydro beside the load, 100 MWh of water for hours of 100 and 200 MW: coal gives 100 in both.
    case = make_case([100.0, 200.0], coal_unit_mw=[300.0], hydro_capacity_mw=[150.0], hydro_budget_mwh=[[100.0]])
    plain = solver.solve(case)
    shared = shared_by_losses(case, no_limits(case), plain, radial(case, plain, [R, 0.0]))
    assert_allclose(shared.coal_mw[:, 0], 100.0, atol=1e-2)
    assert_allclose(shared.hydro_mw[:, 0], [0.0, 100.0], atol=1e-2)
    assert violations(case, shared) == ()


def test_a_knee_holds_a_plant_that_would_give_more():
    # As in the first test, but above 50 MW the first plant costs 20 CNY/MWh more, and losses save at most
    # 300 · 2e-4 · 45 = 2.7: it stays at its knee.
    case = make_case(
        np.full(2, 90.0),
        coal_unit_mw=[100.0, 100.0],
        reserve_share_load=1.0,
        part_load=PartLoad(np.full(2, 0.5), np.full(2, 320.0), np.zeros(2)),
    )
    plain = fast.solve(case)
    shared = shared_by_losses(case, no_limits(case), plain, radial(case, plain, [R, 2 * R]))
    assert_allclose(shared.coal_mw, [[50.0, 40.0]] * 2, atol=1e-6)


def test_a_row_of_the_network_holds_the_step_in_which_it_would_be_passed():
    # The line of the first plant carries 70 MW: enough for 60 of 90, not for 80 of 120.
    case = make_case([90.0, 120.0], coal_unit_mw=[100.0, 100.0], reserve_share_load=0.5)
    limits = make_limits(case, [70.0], coal=[[1.0, 0.0]])
    plain = fast.solve(case, limits)
    shared = shared_by_losses(case, limits, plain, radial(case, plain, [R, 2 * R]))
    assert_allclose(shared.coal_mw, [[60.0, 30.0], plain.coal_mw[1]], atol=1e-3)


@SOLVERS
def test_equal_factors_change_nothing(solver):
    case = random_case(3, days=3)
    plain = solver.solve(case)
    at = np.hstack([plain.coal_mw, plain.hydro_mw])
    known = np.ones(len(at), dtype=bool)
    names, plants = (*case.coal, *case.hydros), at.shape[1]
    even = LossFactors(names, known, at, np.full_like(at, 0.03), np.zeros((plants, plants)))
    same = shared_by_losses(case, no_limits(case), plain, even)
    assert_allclose(same.coal_mw, plain.coal_mw, atol=1e-9)
    assert_allclose(same.total_cost_cny, plain.total_cost_cny, rtol=1e-9)
    unknown = shared_by_losses(
        case, no_limits(case), plain, replace(radial(case, plain, R * np.ones(plants)), known=~known)
    )
    assert_array_equal(unknown.coal_mw, plain.coal_mw)
    assert_array_equal(unknown.hydro_mw, plain.hydro_mw)


RULES = {
    "none": Rules(),
    "ramps": Rules(ramps=True),
    "coal holds reserve": Rules(reserve_up_load=0.05, reserve_down_load=0.05, reserve_by=()),
    "all hold reserve": Rules(reserve_up_load=0.1, reserve_largest_unit=True),
}


@SOLVERS
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_shares_by_losses_lose_less_and_break_nothing(solver, rules: Rules):
    case = replace(random_case(5, days=4), rules=rules)
    limits = random_limits(case, 5, tightness=0.9)
    plain = solver.solve(case, limits)
    plants = len(case.coal) + len(case.hydros)
    resistance = R / 10.0 * np.arange(1, plants + 1)
    shared = shared_by_losses(case, limits, plain, radial(case, plain, resistance))
    assert violations(case, shared, limits) == ()
    assert (
        flows_mw(case, shared, limits) <= np.maximum(flows_mw(case, plain, limits), limits.high_mw) + 1e-5
    ).all()
    worth = np.maximum(plain.price_cny_per_mwh, 0.0)
    saved = worth @ (lost_mw(plain, resistance) - lost_mw(shared, resistance))
    assert saved > shared.total_cost_cny - plain.total_cost_cny
    costs = dict(shared.cost_cny)
    for part in ("reserve", "ramps"):
        if part in costs:
            assert costs[part] <= dict(plain.cost_cny)[part] + 1e-3


@pytest.fixture(scope="module")
def two_days() -> dict[str, Operation]:
    given = ["time.start=2025-03-10", "time.hours=48", "dispatch.certify=none"]
    found = {}
    for solver in ("fast", "lp"):
        for factors in ("none", "bus"):
            settings = [*given, f"dispatch.solver={solver}", f"dispatch.loss_factors={factors}"]
            scenario = load_scenario("plan-2025", settings)
            profiles, model = generate(scenario, make_weather(scenario)), compile_net(build_net(scenario))
            found[f"{solver} {factors}"] = operate(scenario, profiles, model, Stages(quiet=True))
            found["scenario"], found["profiles"], found["model"] = scenario, profiles, model
    return found


@SOLVERS
def test_an_operation_by_loss_factors_costs_less_with_the_losses_of_the_ac_flow(two_days, solver):
    name = solver.__name__.rpartition(".")[2]
    plain, shared = two_days[f"{name} none"], two_days[f"{name} bus"]
    assert plain.saving is None
    assert shared.saving.kept
    assert shared.flow.loss_mw.sum() < 0.999 * plain.flow.loss_mw.sum()
    assert shared.result.total_cost_cny < plain.result.total_cost_cny
    assert_allclose(shared.saving.cost_cny_before, plain.result.total_cost_cny)
    for operation in (plain, shared):
        assert not residual_too_large(operation.case, operation.flow).any()
        assert violations(operation.case, operation.result, operation.limits) == ()


def test_factors_are_differences_of_the_ac_flow(two_days):
    scenario, profiles, model = (two_days[name] for name in ("scenario", "profiles", "model"))
    operation, hours = two_days["fast none"], np.array([3, 12, 20])
    injections = hours_of(inject(scenario, profiles, operation.result, model), hours)
    buses = np.array([model.buses.index(p.bus_id) for p in scenario.plants_of("coal", "hydro")])

    def moved(bus: int, by_mw: float) -> Any:
        p_mw = injections.p_mw.copy()
        p_mw[:, bus] += by_mw
        return solve(model, replace(injections, p_mw=p_mw), flow_options(scenario))

    factor, bend = loss_factors(model, moved(0, 0.0), buses), loss_bends(model, buses)
    change, growth = np.zeros_like(factor), np.zeros_like(factor)
    for k, bus in enumerate(buses):
        more, less = moved(bus, 20.0), moved(bus, -20.0)
        change[:, k] = (more.loss_mw - less.loss_mw) / 40.0
        growth[:, k] = (loss_factors(model, more, buses) - loss_factors(model, less, buses))[:, k] / 40.0
    # Reactive flow and voltages, which the factors hold still, make up the rest.
    assert_allclose(factor, change, atol=0.05 * np.abs(change).max())
    assert_allclose(growth, np.tile(np.diag(bend), (3, 1)), atol=0.1 * np.diag(bend).max())


def test_following_losses_keeps_what_couples_steps():
    case = random_case(7, days=3)
    before = lp.solve(case)
    draw = np.random.default_rng(1)
    later = replace(case, loss_mw=case.loss_mw + draw.uniform(0.0, 5.0, len(case.time)))
    after = lp.follow(later, before, no_limits(case))
    assert violations(later, after) == ()
    for name in ("hydro_mw", "charge_mw", "discharge_mw", "stored_mwh"):
        assert_allclose(getattr(after, name), getattr(before, name), atol=2e-3)
    moved = np.abs(after.coal_mw - before.coal_mw).sum(axis=1) + np.abs(
        after.renewable_mw - before.renewable_mw
    ).sum(axis=1)
    assert (moved < 2.0 * (2.0 * 5.0 + 0.5) * (len(case.coal) + len(case.renewables))).all()
    # The best that could be done costs no more, and not much less.
    best = lp.solve(later).total_cost_cny
    assert best <= after.total_cost_cny + 1e-6 * abs(best)
    assert_allclose(after.total_cost_cny, best, rtol=1e-3)
