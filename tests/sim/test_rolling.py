"""The exact dispatch in parts that are walked side by side, and memory that is kept for the next year."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from dispatch_cases import random_case
from lp_cases import random_limits
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch import exact, lp, rolling
from sim.dispatch.commitment import commit
from sim.dispatch.limits import NetworkLimits, no_limits
from sim.dispatch.model import DispatchCase, Rules
from sim.dispatch.rolling import parts_of


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts be a week, and one row be many."""
    monkeypatch.setattr(rolling, "PART_DAYS", 7)
    monkeypatch.setattr(rolling, "MANY_ROWS", 1)


def same(one: object, two: object) -> bool:
    """Whether two records have equal fields, bit by bit."""
    pairs = ((getattr(one, item.name), getattr(two, item.name)) for item in fields(one))
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def year(seed: int, **given: object) -> tuple[DispatchCase, NetworkLimits]:
    case = random_case(seed, days=28, **given)
    return case, random_limits(case, seed, tightness=0.8)


def walked_alone(case: DispatchCase, limits: NetworkLimits, monkeypatch: pytest.MonkeyPatch) -> lp.LpRun:
    with monkeypatch.context() as patch:
        patch.setattr(rolling, "PART_DAYS", 1000)
        return lp.solve_rolling(case, limits)


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_threads_change_no_bit_and_parts_next_to_nothing(seed: int, monkeypatch: pytest.MonkeyPatch):
    case, limits = year(seed)
    # 27 windows: the last one keeps both its days.
    assert [part.seam // 24 for part in parts_of(case, commit(case), limits)] == [0, 7, 14, 20]
    one, two = (lp.solve_rolling(case, limits, threads=threads) for threads in (1, 2))
    assert same(one.result, two.result)
    assert one.rows_used == two.rows_used
    assert_allclose(one.window_cost_cny, two.window_cost_cny, rtol=0.0, atol=0.0)
    alone = walked_alone(case, limits, monkeypatch)
    # Of equal optima of a window either may be taken, and the next one finds another content.
    assert_allclose(one.window_cost_cny.shape, alone.window_cost_cny.shape)
    assert_allclose(one.result.total_cost_cny, alone.result.total_cost_cny, rtol=1e-4)
    assert violations(case, one.result, limits) == ()


@pytest.mark.usefixtures("in_parts")
def test_contents_go_on_across_the_seams():
    case, limits = year(1)
    result, kept = lp.solve(case, limits), 1.0 - case.storage_self_discharge_per_h
    inflow = result.charge_mw * case.storage_charge_efficiency
    change = inflow - result.discharge_mw / case.storage_discharge_efficiency
    for before, after in pairwise(range(150, 500)):
        assert_allclose(result.stored_mwh[after], kept * result.stored_mwh[before] + change[after], atol=1e-6)


@pytest.mark.usefixtures("in_parts")
def test_a_walk_goes_on_into_a_part_that_began_otherwise(monkeypatch: pytest.MonkeyPatch):
    # Parts that begin at their seams with half-full storages are met later, or never: then they count for nothing.
    case, limits = year(1)
    monkeypatch.setattr(rolling, "EARLY_DAYS", 0)
    monkeypatch.setattr(exact.Walk, "meets", lambda *_: False)
    alone = walked_alone(case, limits, monkeypatch)
    assert same(lp.solve(case, limits, threads=2), alone.result)


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize(
    "rules", [Rules(ramps=True), Rules(export_ramp_mw_per_h=500.0), Rules(export_balance="month")], ids=str
)
def test_what_lasts_beyond_midnight_keeps_the_axis_in_one_piece(rules: Rules):
    case, limits = year(0)
    assert len(parts_of(replace(case, rules=rules), commit(case), limits)) == 1


@pytest.mark.usefixtures("in_parts")
def test_few_rows_or_cut_days_keep_the_axis_in_one_piece():
    case, limits = year(0)
    assert len(parts_of(case, commit(case), no_limits(case))) == 1
    assert len(parts_of(replace(case, step_window_h=36), commit(case), limits)) == 1


KEPT = """
import resource
import numpy as np
from sim.dispatch.memory import keep_freed_memory
told = keep_freed_memory()
def fill():
    arrays = [np.ones(500_000) for _ in range(10)]
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
fill()
before = faults()
for _ in range(5):
    fill()
print(told, faults() - before)
"""


def test_memory_is_asked_of_the_system_once():
    # Ten arrays of 4 MB are 10,000 pages, five times over; large pages make that some hundred at least.
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
    told, faults = done.stdout.split()
    assert told == "False" or int(faults) < 50
