"""Commitment of coal by the day: hand-made weeks in which every rule decides once."""

from __future__ import annotations

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch.commitment import commit, daily_need_mw, start_cost_cny
from sim.dispatch.fast import solve
from sim.dispatch.model import DispatchCase


def days(*loads_mw: float) -> np.ndarray:
    return np.repeat(np.array(loads_mw, dtype=float), 24)


def units_by_day(case: DispatchCase) -> list[list[int]]:
    return commit(case).units_on[::24].tolist()


def test_need_is_the_largest_net_load_of_the_day_and_reserve():
    # Day 1: 100 + 10 loss + 20 contract − 0.5 · 40 wind − 240/24 hydro = 100, and 10 % of 100 on top.
    # Day 2: wind covers all but the reserve.
    wind = np.concatenate([days(40.0), days(500.0)])
    case = make_case(
        days(100.0, 100.0),
        loss_mw=10.0,
        export_mw=days(20.0, 20.0),
        available_mw=wind,
        hydro_capacity_mw=[50.0],
        hydro_budget_mwh=240.0,
        renewables_credit=0.5,
        reserve_share_load=0.1,
    )
    assert_allclose(daily_need_mw(case), [110.0, 10.0])


def test_a_unit_started_for_a_peak_stays_its_minimum_time_up():
    # The first plant must run; the second is started for day 2.
    loads = days(50, 150, 50, 50, 50, 50)
    plants = {"coal_unit_mw": [100.0, 100.0], "coal_cost": [200.0, 300.0], "coal_must_run_units": [1, 0]}

    def second_plant(min_up_h: float) -> list[int]:
        return [row[1] for row in units_by_day(make_case(loads, **plants, coal_min_up_h=min_up_h))]

    assert second_plant(0.0) == second_plant(24.0) == [0, 1, 0, 0, 0, 0]
    assert second_plant(25.0) == [0, 1, 1, 0, 0, 0]
    assert second_plant(72.0) == [0, 1, 1, 1, 0, 0]


def test_a_unit_held_by_its_minimum_time_lets_an_equal_one_stop():
    # Both units are equal: the older one goes, so the count follows the need at once.
    case = make_case(days(50, 150, 50, 50), coal_unit_mw=[100.0], coal_units=2, coal_min_up_h=72.0)
    assert units_by_day(case) == [[1], [2], [1], [1]]
    assert violations(case, solve(case)) == ()


def test_a_unit_that_stopped_is_not_back_before_its_minimum_time_down():
    loads = days(150, 50, 50, 50, 50, 150, 150)
    plant = {"coal_unit_mw": [100.0], "coal_units": 2, "coal_cost": [200.0]}
    free = make_case(loads, **plant)
    held = make_case(loads, **plant, coal_min_down_h=120.0)
    assert units_by_day(free) == [[2], [1], [1], [1], [1], [2], [2]]
    assert units_by_day(held) == [[2], [1], [1], [1], [1], [1], [2]]
    # 50 MW are missing through the whole of day 6.
    assert_allclose(solve(held).unserved_mw.sum(), 24 * 50.0)


def test_a_short_lull_does_not_stop_a_unit():
    # Two days without need are bridged, three are not.
    plant = {"coal_unit_mw": [100.0], "coal_units": 2, "coal_cost": [200.0]}
    assert units_by_day(make_case(days(150, 50, 50, 150), **plant)) == [[2], [2], [2], [2]]
    assert units_by_day(make_case(days(150, 50, 50, 50, 150), **plant)) == [[2], [1], [1], [1], [2]]


def test_every_plant_gives_one_unit_before_any_gives_two():
    case = make_case(days(450), coal_unit_mw=[100.0] * 3, coal_units=3, coal_cost=[200.0, 250.0, 300.0])
    assert units_by_day(case) == [[2, 2, 1]]


def test_plants_take_turns():
    # One unit is enough; every day another plant is first. The third start of plant 0 follows two idle days: hot.
    case = make_case(
        days(100, 100, 100, 100),
        coal_unit_mw=[100.0] * 3,
        coal_cost=[200.0, 210.0, 220.0],
        rotation_days=1,
        coal_start_hot_cny=[10.0, 20.0, 30.0],
        coal_start_cold_cny=[100.0, 200.0, 300.0],
    )
    assert units_by_day(case) == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    commitment = commit(case)
    assert commitment.starts.sum(axis=0).tolist() == [1, 1, 1]
    assert commitment.hot_starts.sum(axis=0).tolist() == [1, 0, 0]
    assert start_cost_cny(case, commitment) == 10 + 200 + 300


def test_heat_supply_runs_whatever_the_need():
    must = np.array([[0, 1], [0, 1], [0, 0], [0, 0]])
    case = make_case(
        days(50, 50, 50, 50), coal_unit_mw=[100.0, 100.0], coal_cost=[200.0, 300.0], coal_must_run_units=must
    )
    # On the third day nothing must run: of what runs, the second plant is kept, it covers the need.
    assert [row[1] for row in units_by_day(case)][:2] == [1, 1]
    assert (commit(case).units_on.sum(axis=1) == 1).all()


def test_the_first_day_has_no_starts():
    assert commit(make_case(days(100), coal_unit_mw=[100.0])).starts.sum() == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("min_h", [8.0, 30.0, 100.0])
def test_units_and_times_are_kept(seed: int, min_h: float):
    case = random_case(seed, days=21, coal_min_up_h=min_h, coal_min_down_h=min_h, rotation_days=3)
    assert violations(case, solve(case)) == ()


def test_no_coal_is_no_commitment():
    assert commit(make_case(days(100))).units_on.shape == (24, 0)
