"""Running units by mixed-integer programme: minimum times by hand, seams, and PyPSA's unit commitment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pypsa_units
import pytest
from dispatch_cases import make_case
from lp_cases import make_limits
from numpy.testing import assert_allclose
from test_lp_pypsa import interpreter

from scenarios.errors import ScenarioError
from scenarios.load import load_scenario
from sim.checks import violations
from sim.dispatch import dispatch
from sim.dispatch.commitment import Commitment
from sim.dispatch.lp import solve
from sim.dispatch.model import DispatchCase
from sim.dispatch.units import commit_units, hot_starts


def peak_at(hours: list[int], steps: int = 24, **given: Any) -> DispatchCase:
    """80 MW, and 150 in some hours: a plant of 100 MW that must run, and one of 100 MW for the peak."""
    load = np.full(steps, 80.0)
    load[hours] = 150.0
    fields = {"coal_unit_mw": [100.0, 100.0], "coal_cost": [200.0, 300.0], "coal_minimum_pu": [0.2, 0.2]}
    fields |= {"coal_must_run_units": [1, 0], "coal_start_hot_cny": 1000.0, "coal_start_cold_cny": 1000.0}
    return make_case(load, **(fields | given))


def committed(case: DispatchCase, **given: Any) -> Commitment:
    return commit_units(case, before=np.array([1, 0]), **given)


@pytest.mark.parametrize(("min_up_h", "hours_up"), [(0.0, 1), (4.0, 4)])
def test_a_unit_that_starts_stays_for_its_minimum_time(min_up_h: float, hours_up: int):
    # The peak plant is needed in hour 10 only, and costs 20 MW · 100 CNY/MWh in every hour more that it has to run.
    case = peak_at([10], coal_min_up_h=min_up_h)
    units = committed(case)
    assert units.units_on[:, 1].sum() == hours_up
    assert units.units_on[10, 1] == 1
    assert units.starts[:, 1].sum() == 1
    result = solve(case, units=units)
    assert violations(case, result) == ()
    # 150 MW: 100 at 200, 50 at 300; the other hours of the peak plant at its minimum.
    cost = 200 * (23 * 80 + 100) + 300 * 50 + (hours_up - 1) * 20 * 100 + 1000
    assert_allclose(result.total_cost_cny, cost, rtol=1e-9)


def test_a_pause_is_worth_it_only_if_idling_costs_more_than_a_start():
    # Between two peaks of 6 h distance the plant idles at 20 MW · 100 CNY/MWh · 5 h = 10,000 CNY, or starts again.
    cheap, dear = (
        peak_at([5, 11], coal_start_hot_cny=cost, coal_start_cold_cny=cost) for cost in (9000.0, 11000.0)
    )
    assert committed(cheap).starts[:, 1].sum() == 2
    assert committed(dear).starts[:, 1].sum() == 1
    assert committed(dear).units_on[5:12, 1].tolist() == [1] * 7
    # A minimum time down of 6 h forbids the pause of 5 h even where it pays.
    held = peak_at([5, 11], coal_min_down_h=6.0, coal_start_hot_cny=1.0, coal_start_cold_cny=1.0)
    assert committed(held).starts[:, 1].sum() == 1


def test_minimum_times_hold_across_seams():
    # Peaks in hours 5 and 14, windows of 6 h that look no further: the plant that starts in hour 5 has to stay on
    # until hour 12, which lies two seams later; that window sees the next peak and keeps it on, since a pause would
    # last 8 h.
    case = peak_at([5, 14], coal_min_up_h=8.0, coal_min_down_h=8.0, look_ahead_h=6, step_window_h=6)
    units = committed(case)
    assert units.units_on[:, 1].tolist() == [0] * 5 + [1] * 10 + [0] * 9
    result = solve(case, units=units)
    assert violations(case, result) == ()


def test_reserve_of_the_commitment_is_held_when_it_is_cheaper_than_its_price():
    # 95 MW on 100 MW of capacity, 10 % reserve: 4.5 MW · 4000 CNY are missing without the second plant, whose
    # minimum costs 20 MW · 100 CNY/MWh more.
    case = peak_at([], coal_must_run_units=[1, 0], reserve_share_load=0.1)
    alone = committed(case)
    assert alone.units_on[:, 1].sum() == 0  # 80 MW leave 20 free
    high = make_case(
        np.full(6, 95.0),
        coal_unit_mw=[100.0, 100.0],
        coal_cost=[200.0, 300.0],
        coal_minimum_pu=[0.2, 0.2],
        coal_must_run_units=[1, 0],
        reserve_share_load=0.1,
    )
    assert committed(high).units_on[:, 1].tolist() == [1] * 6


def test_a_limit_of_the_network_calls_the_unit_behind_it():
    # All load behind a line for 60 MW from the cheap plant: the plant behind it must run.
    case = peak_at([], steps=6)
    limits = make_limits(case, 60.0, coal=[1.0, 0.0])
    assert committed(case).units_on[:, 1].sum() == 0
    assert committed(case, limits=limits).units_on[:, 1].tolist() == [1] * 6


def test_starts_are_hot_after_a_short_pause():
    starts, stops = np.zeros((2, 100, 1), dtype=np.int64)
    stops[[1, 10], 0] = 1
    starts[[30, 80], 0] = 1
    # The unit that stopped last (hour 10) starts first, after 20 h: hot. The other was down for 79 h: cold.
    assert np.flatnonzero(hot_starts(starts, stops, 1.0)).tolist() == [30]


def test_a_scenario_asks_for_it_and_only_lp_can():
    with pytest.raises(ScenarioError, match="commitment = milp needs solver = lp"):
        load_scenario("tiny", ["dispatch.commitment=milp"])
    scenario = load_scenario("tiny", ["dispatch.commitment=milp", "dispatch.solver=lp"])
    case = peak_at([10], coal_min_up_h=4.0)
    assert dispatch(scenario, case).coal_units_on[:, 1].sum() < 24


@pytest.mark.parametrize("seed", [2])
def test_three_days_cost_what_pypsa_says(seed: int, tmp_path: Path):
    python = interpreter()
    draw = np.random.default_rng(seed)
    load = 500.0 + 200.0 * np.sin((np.arange(72) % 24 - 9) / 12 * np.pi) + draw.normal(0, 30, 72)
    case = make_case(
        load,
        coal_unit_mw=[300.0, 200.0, 200.0, 150.0],
        coal_cost=[240.0, 262.0, 281.0, 305.0],
        coal_minimum_pu=[0.4, 0.35, 0.35, 0.3],
        coal_min_up_h=[10.0, 8.0, 8.0, 4.0],
        coal_min_down_h=[8.0, 8.0, 6.0, 4.0],
        coal_start_hot_cny=[90e3, 60e3, 40e3, 20e3],
        coal_start_cold_cny=[90e3, 60e3, 40e3, 20e3],
        available_mw=np.clip(150.0 + np.cumsum(draw.normal(0, 40, 72)), 0, 400),
        look_ahead_h=72,
        step_window_h=72,
    )
    units = commit_units(case, before=np.ones(4, dtype=np.int64), gap=0.0)
    assert units.starts.sum() > 0
    result = solve(case, units=units)
    pypsa_units.write_case(tmp_path / "case.npz", case)
    call = [python, str(Path(pypsa_units.__file__)), str(tmp_path / "case.npz")]
    done = subprocess.run(call, capture_output=True, text=True, timeout=300, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["status"] == ["ok", "optimal"]
    curtailed_none = 80.0 * case.available_mw.sum()  # PyPSA is paid 80 for what is used: a constant apart
    assert_allclose(result.total_cost_cny, answer["objective"] + curtailed_none, rtol=1e-6)
