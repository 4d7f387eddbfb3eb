"""The certificate: a gap that is known, a gap that cannot be negative, weeks that are drawn by seed and season."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from lp_cases import make_limits, random_limits
from numpy.testing import assert_allclose

from scenarios.errors import InvariantError
from scenarios.load import load_scenario
from scenarios.timeaxis import TimeAxis
from sim.checks import violations
from sim.dispatch import fast
from sim.dispatch.certificate import (
    SEASONS,
    Certificate,
    Sample,
    certificate_for,
    certificate_sentence,
    certify,
    certify_whole,
    operating_cost_cny,
    sampled_weeks,
)
from sim.dispatch.commitment import commit, start_cost_cny
from sim.dispatch.facts import certificate_part
from sim.dispatch.limits import no_limits
from sim.dispatch.lp import solve
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.span import cut


def idle_battery() -> tuple[DispatchCase, DispatchResult]:
    """A day in which a lossless, free battery of 24 MWh should carry 12 MWh, and a result that leaves it idle.

    Cheap plant 100 MW at 200, dear plant at 400. Hour 0 asks 50 MW, hour 1 asks 112, the others 100.
    """
    load = np.full(24, 100.0)
    load[:2] = [50.0, 112.0]
    case = make_case(
        load,
        coal_unit_mw=[100.0, 100.0],
        coal_cost=[200.0, 400.0],
        coal_must_run_units=1,
        storage_power_mw=[20.0],
        storage_energy_mwh=24.0,
        price_storage=0.0,
    )
    best = solve(case)
    coal = np.stack([np.minimum(load, 100.0), np.maximum(load - 100.0, 0.0)], axis=1)
    nothing = np.zeros((24, 1))
    stored = np.full((24, 1), 12.0)
    return case, replace(best, coal_mw=coal, charge_mw=nothing, discharge_mw=nothing, stored_mwh=stored)


def test_the_gap_is_what_the_result_wastes():
    case, idle = idle_battery()
    (sample,) = certify(case, idle).samples
    # The store must end with at least its 12 MWh, so 12 MWh move from the dear plant to the cheap one.
    # Left idle, the day takes 50 + 23 · 100 MWh of cheap coal and 12 MWh of dear coal.
    assert_allclose(sample.cost_cny, 200 * (50 + 23 * 100) + 400 * 12)
    assert_allclose(sample.exact_cost_cny, sample.cost_cny - 12 * 200)
    assert_allclose(sample.cost_gap, 2400 / sample.exact_cost_cny)
    assert sample.curtailment_gap == 0.0


def test_curtailment_that_was_not_needed_is_seen():
    case = make_case(np.full(24, 100.0), available_mw=np.full(24, 60.0), coal_unit_mw=[100.0], coal_cost=[200.0])
    best = solve(case)
    wasteful = replace(best, renewable_mw=0.5 * best.renewable_mw, coal_mw=best.coal_mw + 0.5 * best.renewable_mw)
    certificate = certify(case, wasteful)
    assert_allclose(certificate.curtailment_gap, 0.5)
    # 24 · 30 MWh from coal at 200 instead of wind, which costs 80 more to curtail.
    assert_allclose(certificate.samples[0].cost_cny - certificate.samples[0].exact_cost_cny, 24 * 30 * 280.0)


@pytest.mark.parametrize("seed", range(4))
def test_fast_is_certified_and_its_gap_is_not_negative(seed: int):
    case = random_case(seed, days=9)
    certificate = certify(case, fast.solve(case), seed=seed)
    assert certificate.samples
    assert all(-1e-7 < sample.cost_gap < 5e-3 for sample in certificate.samples)
    assert certificate.worst_cost_gap >= certificate.cost_gap - 1e-12


def test_the_exact_solution_has_only_the_gap_of_its_look_ahead():
    case = random_case(1, days=7, look_ahead_h=168, step_window_h=168)
    assert abs(certify(case, solve(case)).worst_cost_gap) < 1e-8
    assert certify(case, solve(replace(case, look_ahead_h=24))).worst_cost_gap > -1e-8


def test_a_result_that_beats_the_optimum_is_our_fault():
    case, idle = idle_battery()
    with pytest.raises(InvariantError, match="exact optimum"):
        certify(case, replace(idle, coal_mw=0.5 * idle.coal_mw))


def test_overloads_of_the_result_are_part_of_its_cost():
    case, idle = idle_battery()
    limits = make_limits(case, 90.0, coal=[1.0, 0.0])
    plain, limited = operating_cost_cny(case, idle, no_limits(case)), operating_cost_cny(case, idle, limits)
    # The cheap plant gives 100 MW in 23 hours, 10 MW above its line; a MWh of overload costs 2 · 20,000 CNY.
    assert_allclose(limited - plain, 23 * 10 * 40_000.0)
    assert certify(case, idle, limits).worst_cost_gap > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_with_a_network_the_twin_is_certified_too(seed: int):
    case = random_case(seed, days=8)
    limits = random_limits(case, seed)
    certificate = certify(case, solve(case, limits), limits)
    assert all(-1e-7 < sample.cost_gap < 1e-2 for sample in certificate.samples)


def test_the_whole_axis_can_be_certified():
    case = random_case(2, days=5)
    result = fast.solve(case)
    (sample,) = certify_whole(case, result).samples
    starts = start_cost_cny(case, commit(case))
    assert_allclose(sample.cost_cny, result.total_cost_cny - starts, rtol=1e-9)
    assert_allclose(sample.exact_cost_cny, solve(case).total_cost_cny - starts, rtol=1e-9)


def test_a_week_lies_whole_in_its_season_and_follows_the_seed():
    time = TimeAxis.of_year(2025)
    weeks = list(sampled_weeks(time, 4, seed=1))
    assert [season for season, *_ in weeks] == list(SEASONS)
    first_of = {season: time.month[24 * day] for season, day, _ in weeks}
    assert all(first_of[season] in months for season, months in SEASONS.items())
    assert all(day + length <= 365 for _, day, length in weeks)
    assert weeks == list(sampled_weeks(time, 4, seed=1))
    assert weeks != list(sampled_weeks(time, 4, seed=2))
    assert len(list(sampled_weeks(time, 10, seed=1))) == 10


def test_only_whole_days_make_a_week():
    assert list(sampled_weeks(TimeAxis.of("2025-04-10", 6 * 24 + 23), 4, 0)) == []
    assert list(sampled_weeks(TimeAxis.of("2025-04-10", 7 * 24), 4, 0)) == [("spring", 0, 7)]


def test_a_part_of_a_case_and_its_result_is_a_case_and_its_result():
    case = random_case(3, days=6)
    result = fast.solve(case)
    part, given = cut(case, 2, 3), cut(result, 2, 3)
    assert part.time.starts()[0] == case.time.starts()[48]
    assert part.hydro_budget_mwh.shape[0] == 3
    laws = {item.law for item in violations(part, given)}
    # Only what looks back before the part may seem broken: contents and minimum times.
    assert all("content" in law or "minimum" in law or "add up" in law for law in laws)


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ([], False),
        (["dispatch.certify=full"], True),
        (["dispatch.certify=none"], None),
        (["dispatch.solver=lp"], None),
    ],
)
def test_a_scenario_says_what_is_certified(given: list[str], whole: bool | None):
    case = random_case(2, days=3)
    certificate = certificate_for(load_scenario("tiny", given), case, fast.solve(case), no_limits(case))
    assert (None if certificate is None else certificate.whole) is whole
    assert bool(certificate_sentence(certificate)) is (whole is not None)


def test_run_json_holds_the_certificate():
    sample = Sample("spring", 24, 168, 1010.0, 1000.0, 12.0, 10.0, 200.0)
    part = certificate_part(Certificate((sample, replace(sample, cost_cny=1030.0)), whole=False))
    # 2040 against 2000: 2 %; 4 MWh of 400 available: 1 %.
    assert (part["cost_gap"], part["worst_cost_gap"], part["curtailment_gap"]) == (0.02, 0.03, 0.01)
    assert part["samples"][0]["first_step"] == 24
    assert certificate_part(None) is None
