"""The checker finds every law broken on purpose, and nothing in a sound result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dispatch_cases import make_case, random_case

from scenarios.errors import InvariantError
from sim.checks import balance_mw, ramp_exceedances, require_sound, violations
from sim.dispatch.fast import solve
from sim.dispatch.model import DispatchCase, DispatchResult


@pytest.fixture(scope="module")
def sound() -> tuple[DispatchCase, DispatchResult]:
    case = random_case(1, days=3)
    return case, solve(case)


def with_entry(result: DispatchResult, name: str, at: Any, add: float) -> DispatchResult:
    values = getattr(result, name).copy()
    values[at] += values.dtype.type(add)
    return replace(result, **{name: values})


def test_a_sound_result_passes(sound):
    require_sound(*sound)
    assert np.abs(balance_mw(*sound)).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "at", "add", "law"),
    [
        ("coal_mw", (5, 0), 0.01, "supply and demand differ"),
        ("coal_mw", (5, 0), 1e5, "coal above the running capacity"),
        ("coal_mw", (5, 0), -1e5, "coal_mw is negative or not finite"),
        ("coal_mw", (5, 0), np.nan, "coal_mw is negative or not finite"),
        ("below_minimum_mw", 5, 10.0, "coal below minimum is not what is reported"),
        ("coal_units_on", (5, 0), 100, "more units on than there are"),
        ("coal_units_on", (30, 0), 1, "units and starts do not add up"),
        ("hydro_mw", (3, 1), 5000.0, "hydro above capacity"),
        ("hydro_mw", (3, 1), 5000.0, "hydro above the day's budget"),
        ("hydro_spilled_mwh", (0, 0), 3.0, "spilled water is not what is left"),
        ("renewable_mw", (2, 0), 1.0, "wind or PV above what is available"),
        ("charge_mw", (4, 0), 1e4, "charge above power"),
        ("discharge_mw", (4, 0), 1e4, "discharge above power"),
        ("stored_mwh", (4, 0), 0.1, "content does not follow from charge and discharge"),
        ("stored_mwh", (4, 0), 1e5, "content above capacity"),
        ("shift_up_mw", (9, 0), 1e3, "more load moved in than allowed"),
        ("shift_down_mw", (9, 0), 1e3, "more load moved out than allowed"),
        ("shift_up_mw", (23, 0), 1.0, "moved load is not paid back by midnight"),
        ("shed_mw", (7, 0), 1e3, "more load shed than allowed"),
        ("unserved_mw", (7, 0), 1e5, "more load lost than there is"),
        ("export_mw", (7, 0), 1e4, "export above its band"),
        ("loss_mw", 7, 1.0, "losses above the estimate"),
        ("loss_mw", 7, -1.0, "losses cut although load is served"),
        ("price_cny_per_mwh", 7, np.inf, "a price is not finite"),
    ],
)
def test_each_law_is_watched(sound, name: str, at: Any, add: float, law: str):
    case, result = sound
    broken = with_entry(result, name, at, add)
    assert law in {item.law for item in violations(case, broken)}
    with pytest.raises(InvariantError, match="dispatch: "):
        require_sound(case, broken)


def test_charge_and_discharge_at_once_is_found_however_small(sound):
    case, result = sound
    step = int(np.flatnonzero(result.charge_mw[:, 0] > 1)[0])
    broken = with_entry(result, "discharge_mw", (step, 0), 1e-9)
    assert [item.law for item in violations(case, broken)] == ["charge and discharge at once"]


def test_minimum_times_are_counted_by_unit():
    # Two units of one plant; the second starts at hour 24, and both stop at hour 36: one had 12 h, wanted 24.
    case = make_case(
        np.full(72, 80.0), coal_unit_mw=[100.0], coal_units=2, coal_min_up_h=24.0, coal_min_down_h=40.0
    )
    result = solve(case)
    on, starts = result.coal_units_on.copy(), result.coal_starts.copy()
    on[24:36], on[36:], starts[24] = 2, 0, 1
    short_run = replace(result, coal_units_on=on, coal_starts=starts)
    assert "minimum up time of coal-0" in {item.law for item in violations(case, short_run)}
    # Both run to hour 24, one pauses for 24 h, wanted 40.
    on, starts = np.full_like(on, 2), np.zeros_like(starts)
    on[24:48], starts[48] = 1, 1
    short_pause = replace(result, coal_units_on=on, coal_starts=starts)
    assert {item.law for item in violations(case, short_pause)} == {"minimum down time of coal-0"}


def test_a_unit_that_must_run_and_coal_below_minimum_are_found():
    case = make_case([80.0], coal_unit_mw=[100.0], available_mw=[30.0], coal_minimum_pu=0.4)
    result = solve(case)  # 30 wind, 50 coal
    off = replace(result, coal_units_on=np.zeros((1, 1), dtype=np.int64))
    must = replace(case, coal_must_run_units=np.ones((1, 1), dtype=np.int64))
    assert "a unit that must run is off" in {item.law for item in violations(must, off)}
    low = replace(result, coal_mw=np.array([[30.0]]), below_minimum_mw=np.array([10.0]))
    laws = {item.law for item in violations(case, low)}
    assert "coal below minimum while wind, PV or hydro generate" in laws


def test_the_place_and_the_worst_amount_are_told(sound):
    case, result = sound
    broken = with_entry(with_entry(result, "export_mw", (7, 1), 1e4), "export_mw", (9, 0), 2e4)
    item = next(item for item in violations(case, broken) if item.law == "export above its band")
    assert item.count == 2
    assert item.where == (9, 0)
    assert 1e4 < item.worst <= 2e4


def test_ramps_are_counted():
    # 100 MW unit, 30 %/h: 20 → 90 is 70 MW in an hour, 40 too many; 90 → 70 is allowed.
    case = make_case([20.0, 90.0, 70.0], coal_unit_mw=[100.0], coal_ramp_pu_per_h=0.3)
    assert ramp_exceedances(case, solve(case)).tolist() == [1]
