"""Windows in a ring: each costs what it costs by itself, from the state that the one before leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import random_case
from lp_cases import random_limits
from numpy.testing import assert_allclose

from sim.checks import violations
from sim.dispatch import lp
from sim.dispatch.commitment import commit
from sim.dispatch.exact import Walk
from sim.dispatch.model import Rules
from sim.dispatch.programme import programme
from sim.dispatch.rolling import blocks_of, windows
from sim.dispatch.state import first_state, state_at


@pytest.mark.parametrize(("look_ahead_h", "blocks"), [(48, 2), (72, 3)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_window_costs_what_it_costs_by_itself(seed: int, look_ahead_h: int, blocks: int):
    case = replace(random_case(seed, days=8), look_ahead_h=look_ahead_h)
    assert blocks_of(case) == blocks
    limits, units = random_limits(case, seed, tightness=0.7), commit(case)
    run = lp.solve_rolling(case, limits, units=units)
    assert run.rows_used
    assert violations(case, run.result, limits) == ()
    equal: list[bool] = []
    for number, window in enumerate(windows(case)):
        state = state_at(case, run.result, window.begin) if window.begin else first_state(case)
        alone = replace(window, kept=window.end)
        walk = Walk(programme(case, units.units_on, limits, first_state(case).stored_mwh), state)
        walk._blocks = 1  # no ring
        walk.take(alone)
        by_itself = walk.finished(units)
        assert_allclose(run.window_cost_cny[number], by_itself.window_cost_cny[0], rtol=1e-9)
        steps, own = slice(window.begin, window.kept), by_itself.result.price_cny_per_mwh
        # Where an optimum lies in a corner of too many rows, there are two prices.
        equal += np.isclose(run.result.price_cny_per_mwh[steps], own[steps], rtol=1e-6, atol=1e-3).tolist()
    assert np.mean(equal) > 0.98


def test_windows_that_share_more_than_contents_stand_in_no_ring():
    case = random_case(0, days=8)
    assert blocks_of(replace(case, rules=Rules(ramps=True))) == 1
    assert blocks_of(replace(case, step_window_h=36, look_ahead_h=72)) == 1  # begins at noon
    assert blocks_of(replace(case, look_ahead_h=36)) == 1  # one block and a half
    assert blocks_of(replace(case, step_window_h=48, look_ahead_h=96)) == 2
