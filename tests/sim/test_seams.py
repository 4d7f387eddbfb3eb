"""Windows and their seams: contents go on, a saved state is all that the rest needs, parts of a year join."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from dispatch_cases import make_case, on_call, random_case, with_calls
from lp_cases import random_limits
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch import fast, lp, parts
from sim.dispatch.fast import FastRun, solve_rolling
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult, FlexibleLoads, Rules
from sim.dispatch.service import coal_ramp_excess_mw, export_ramp_excess_mw
from sim.dispatch.span import UNITS, since
from sim.dispatch.state import State, state_at
from sim.dispatch.unfold import cost_parts

LOOK_BEYOND_H = 24


def broken_contents_mwh(case: DispatchCase, result: DispatchResult, start: State | None = None) -> float:
    """The largest difference between a content and what the one before and the powers make of it."""
    first = 0 if start is None else start.step
    begin = START_CONTENT * case.storage_energy_mwh if start is None else start.stored_mwh
    keep = (1.0 - case.storage_self_discharge_per_h) ** case.time.step_h
    before = np.vstack([begin, result.stored_mwh[first:-1]])
    filled = case.storage_charge_efficiency * result.charge_mw[first:]
    drawn = result.discharge_mw[first:] / case.storage_discharge_efficiency
    made = keep * before + (filled - drawn) * case.time.step_h
    return float(np.abs(result.stored_mwh[first:] - made).max(initial=0.0))


def arrays(result: DispatchResult) -> dict[str, np.ndarray]:
    """All arrays of a result by hours."""
    return {f.name: getattr(result, f.name) for f in fields(result) if f.metadata.get("axes", ("",))[0] == "hours"}


def same_bits(result: DispatchResult, other: DispatchResult, first: int = 0) -> bool:
    one, two = arrays(result), arrays(other)
    return all((one[name][first:] == two[name][first:]).all() for name in one)


def empty_before(result: DispatchResult, step: int) -> bool:
    done = (values for name, values in arrays(result).items() if name not in UNITS)
    return not any(values[:step].any() for values in done)


@pytest.mark.parametrize("solve", [lp.solve, fast.solve], ids=["lp", "fast"])
@pytest.mark.parametrize("seed", [1, 4])
def test_state_goes_on_across_every_seam(solve, seed):
    case = random_case(seed, days=14)
    cost = []
    for step_h in (24, 48, 168):
        result = solve(replace(case, step_window_h=step_h, look_ahead_h=step_h + LOOK_BEYOND_H))
        assert broken_contents_mwh(case, result) < 1e-9
        cost.append(result.total_cost_cny)
    # The same year in longer windows differs by what a view beyond the day is worth, and by no more.
    whole = lp.solve(replace(case, step_window_h=336, look_ahead_h=336)).total_cost_cny
    assert min(cost) >= whole * (1 - 1e-7)
    assert_allclose(cost, whole, rtol=5e-3)


# --- a saved state ---------------------------------------------------------------------------------------------


def with_energies(case: DispatchCase) -> DispatchCase:
    """Add flexible loads, and hours of shedding of the day and of all days, with too little coal."""
    loads = FlexibleLoads(
        names=("E1", "E2"),
        power_mw=np.array([200.0, 300.0]),
        minimum_mw=np.array([0.0, 40.0]),
        target_mw=np.array([90.0, 120.0]),
        value_cny_per_mwh=np.array([-1000.0, 250.0]),
        missed_cny_per_mwh=np.array([900.0, 600.0]),
    )
    calls = on_call([150.0, 100.0], [1500.0, 900.0], 4.0, [3000.0, np.inf])
    plain = np.zeros(len(case.time))
    rules = Rules(storage_end_cny_per_mwh=120.0)
    load = 2.6 * case.load_mw
    return with_calls(case, calls, flexible=loads, rules=rules, shed_limit_mw=plain, load_mw=load)


def with_rules(case: DispatchCase, **rules: object) -> DispatchCase:
    held = Rules(reserve_up_load=0.05, reserve_largest_unit=True, reserve_down_load=0.03, **rules)
    return replace(case, rules=held, coal_ramp_pu_per_h=np.full(len(case.coal), 0.6))


def whole_and_tail(case: DispatchCase, step: int, limits: NetworkLimits | None = None) -> tuple[FastRun, FastRun]:
    """The whole run, and the run from what it saved before a step; contents must go on."""
    whole = solve_rolling(case, limits, keep=(step,))
    (saved,) = whole.saved
    tail = solve_rolling(case, limits, start=saved)
    assert broken_contents_mwh(case, tail.result, saved.state) < 1e-9
    assert empty_before(tail.result, step)
    day = case.time.day[step]
    assert_allclose(tail.result.hydro_spilled_mwh[day:], whole.result.hydro_spilled_mwh[day:], atol=1e-6)
    return whole, tail


@pytest.mark.parametrize("step", [24, 72, 120])
@pytest.mark.parametrize("seed", [1, 4])
def test_a_run_from_a_saved_state_is_the_tail_of_the_whole_run(seed: int, step: int):
    case = random_case(seed, days=6)
    whole, tail = whole_and_tail(case, step)
    assert same_bits(whole.result, tail.result, step)


@pytest.mark.parametrize("step", [6, 42, 66])
@pytest.mark.parametrize("seed", [0, 2])
def test_the_tail_within_a_day_with_energies_of_the_day_and_the_year(seed: int, step: int):
    case = replace(with_energies(random_case(seed, days=4)), step_window_h=6)
    whole, tail = whole_and_tail(case, step)
    assert whole.result.shed_mw.any(), "load must be shed, else its energy does not count"
    assert same_bits(whole.result, tail.result, step)


@pytest.mark.parametrize("step", [24, 72])
@pytest.mark.parametrize("seed", [3, 5])
def test_the_tail_behind_wires(seed: int, step: int):
    case = random_case(seed, days=4)
    whole, tail = whole_and_tail(case, step, random_limits(case, seed, tightness=0.8))
    assert whole.saved[0].rows, "rows must bind, else the test shows nothing"
    assert same_bits(whole.result, tail.result, step)


@pytest.mark.parametrize("balance", ["day", "month"])
def test_the_tail_with_accounts_and_reserve(balance: str):
    case = with_rules(random_case(2, days=5), export_balance=balance, export_tolerance=0.02)
    whole, tail = whole_and_tail(case, 72)
    assert whole.result.days_anew == (), "days dispatched anew have a test of their own"
    assert same_bits(whole.result, tail.result, 72)


def test_a_saved_state_can_be_gone_on_from_and_saved_again():
    case = random_case(4, days=6)
    whole = solve_rolling(case, keep=(24, 96))
    later = solve_rolling(case, start=whole.saved[0], keep=(96,))
    assert same_bits(whole.result, solve_rolling(case, start=later.saved[0]).result, 96)


def test_costs_of_head_and_tail_add_up():
    case = random_case(4, days=6)
    whole, tail = whole_and_tail(case, 72)
    head = {name: value - dict(tail.result.cost_cny)[name] for name, value in whole.result.cost_cny}
    step = slice(0, 72)
    coal = float((whole.result.coal_mw[step] @ case.coal_cost).sum())
    curtailed = float((case.available_mw - whole.result.renewable_mw)[step].sum()) * case.price_curtailed
    spilled = float(whole.result.hydro_spilled_mwh[:3].sum()) * case.price_spilled
    assert_allclose([head[n] for n in ("coal", "curtailment")], [coal, curtailed], rtol=1e-9)
    assert_allclose(head["ranking"], spilled, rtol=1e-6, atol=1.0)


@pytest.mark.parametrize("rules", [{"ramps": True}, {"export_ramp_mw_per_h": 100.0}])
@pytest.mark.parametrize("step", [48, 96])
def test_rules_that_couple_steps_hold_from_the_state_on(rules: dict[str, object], step: int):
    # Which other shares are chosen, and which days are dispatched anew, depends on days before the seam too: there
    # the tail keeps to the rules from the powers of the state on, at the same cost.
    case = with_rules(random_case(1, days=6), **rules)
    whole, tail = whole_and_tail(case, step)
    assert whole.result.days_anew or rules == {"ramps": True}
    after = replace(tail.result, coal_mw=joined("coal_mw", whole, tail, step))
    after = replace(after, export_mw=joined("export_mw", whole, tail, step))
    for excess_mw in (coal_ramp_excess_mw, export_ramp_excess_mw):
        if excess_mw is export_ramp_excess_mw or "ramps" in rules:
            assert excess_mw(case, after)[step:].sum() <= excess_mw(case, whole.result)[step:].sum() + 1e-3
    rest = [cost_parts(since(case, step), since(run.result, step), 0.0) for run in (whole, tail)]
    costs = [sum(value for _, value in item) for item in rest]
    assert_allclose(*costs, rtol=1e-6)


def joined(name: str, whole: FastRun, tail: FastRun, step: int) -> np.ndarray:
    return np.vstack([getattr(whole.result, name)[:step], getattr(tail.result, name)[step:]])


def test_a_plain_state_will_do_as_well():
    # Of ``lp``, say: the contents go on, though the first windows have no plan to begin with.
    case = random_case(4, days=6)
    state = state_at(case, lp.solve(case), 48)
    quick, exact = solve_rolling(case, start=state).result, lp.solve_rolling(case, start=state).result
    assert broken_contents_mwh(case, quick, state) < 1e-9
    assert_allclose((quick.coal_mw @ case.coal_cost).sum(), (exact.coal_mw @ case.coal_cost).sum(), rtol=1e-3)


def test_storages_that_begin_with_unequal_contents_stay_apart():
    case = make_case(
        100.0 + 50.0 * np.sin(np.arange(72) / 12 * np.pi),
        coal_unit_mw=np.full(4, 60.0),
        coal_cost=[200.0, 300.0, 400.0, 500.0],
        storage_power_mw=[20.0, 20.0],
        storage_energy_mwh=60.0,
    )
    state = state_at(case, fast.solve(case), 24)
    state = replace(state, stored_mwh=np.array([10.0, 50.0]))
    assert broken_contents_mwh(case, solve_rolling(case, start=state).result, state) < 1e-9


def test_what_does_not_fit_is_refused():
    case = random_case(4, days=4)
    with pytest.raises(ValueError, match="no window begins at step"):
        solve_rolling(case, keep=(25,))
    (saved,) = solve_rolling(case, random_limits(case, 4, tightness=0.8), keep=(24,)).saved
    with pytest.raises(ValueError, match="of other limits"):
        solve_rolling(case, start=saved)


# --- parts of a year -------------------------------------------------------------------------------------------


@pytest.fixture
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts be a week."""
    monkeypatch.setattr(parts, "PART_DAYS", 7)


def in_one_piece(
    case: DispatchCase, limits: NetworkLimits | None, monkeypatch: pytest.MonkeyPatch
) -> DispatchResult:
    with monkeypatch.context() as patch:
        patch.setattr(parts, "PART_DAYS", 1000)
        return fast.solve(case, limits)


@pytest.mark.usefixtures("short_parts")
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_threads_change_no_bit_and_parts_next_to_nothing(seed: int, monkeypatch: pytest.MonkeyPatch):
    case = random_case(seed, days=28)
    limits = random_limits(case, seed, tightness=0.9)
    one, two, four = (fast.solve(case, limits, threads) for threads in (1, 2, 4))
    assert same_bits(one, two)
    assert same_bits(one, four)
    assert broken_contents_mwh(case, one) < 1e-9
    assert violations(case, one, limits) == ()
    assert_allclose(one.total_cost_cny, in_one_piece(case, limits, monkeypatch).total_cost_cny, rtol=1e-5)


@pytest.mark.usefixtures("short_parts")
@pytest.mark.parametrize("step", [24, 7 * 24, 8 * 24, 20 * 24])
def test_the_tail_of_a_run_in_parts(step: int):
    case = random_case(1, days=28)
    whole = solve_rolling(case, keep=(step,), threads=2)
    tail = solve_rolling(case, start=whole.saved[0])
    assert same_bits(whole.result, tail.result, step)


def never_meeting() -> DispatchCase:
    """A peak on the first day takes 30 of the 50 MWh of a storage; then its content is worth what coal costs."""
    load = np.full(28 * 24, 100.0)
    load[12:14] = 115.0
    return make_case(
        load,
        coal_unit_mw=[100.0],
        coal_cost=[300.0],
        storage_power_mw=[20.0],
        storage_energy_mwh=[100.0],
        rules=Rules(storage_end_cny_per_mwh=300.0),
    )


@pytest.mark.usefixtures("short_parts")
@pytest.mark.parametrize("step", [24, 7 * 24, 10 * 24])
def test_parts_that_never_meet_are_walked_through(step: int, monkeypatch: pytest.MonkeyPatch):
    case = never_meeting()
    run = solve_rolling(case, keep=(step,), threads=2)
    assert_allclose(run.result.stored_mwh[-1], [20.0])
    assert same_bits(run.result, in_one_piece(case, None, monkeypatch))
    assert same_bits(run.result, solve_rolling(case, start=run.saved[0]).result, step)


@pytest.mark.usefixtures("short_parts")
def test_parts_that_meet_late_are_joined_there():
    # The peak of the first day leaves 20 MWh; on day 10 wind fills any storage, and then the contents are one.
    case = never_meeting()
    wind = np.zeros(len(case.time))
    wind[9 * 24 : 10 * 24] = 150.0
    result = fast.solve(replace(case, renewables=("W",), available_mw=wind[:, None]), threads=2)
    assert_allclose(result.stored_mwh[8 * 24 - 1], [20.0])
    assert_allclose(result.stored_mwh[10 * 24 - 1], [100.0])
    assert_allclose(result.stored_mwh[-1], [100.0])


def test_what_lasts_longer_than_storages_is_one_part():
    case = random_case(0, days=21)
    year = with_calls(case, on_call(50.0, mwh_per_year=100.0))
    month = replace(case, rules=Rules(export_balance="month"))
    within = replace(case, step_window_h=6)
    for item in (year, month, within):
        assert len(cut_into(item)) == 1


def cut_into(case: DispatchCase) -> tuple[parts.Part, ...]:
    """The parts of a case when a week is enough."""
    walks = []

    class Watched(parts.Parts):
        def __init__(self, walk, keep):
            walks.append(walk)
            super().__init__(walk, keep)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART_DAYS", 7)
        patch.setattr(fast, "Parts", Watched)
        fast.solve(case)
        return parts.parts_of(walks[0])


def test_a_year_in_weeks_has_its_seams_where_windows_begin():
    case = replace(random_case(0, days=23), step_window_h=48, look_ahead_h=72)
    found = cut_into(case)
    # Twelve windows of two days, three parts: seams at windows 4 and 8; four days early are two windows.
    assert [(part.begin, part.seam, part.stop) for part in found] == [(0, 0, 192), (96, 192, 384), (288, 384, 552)]
