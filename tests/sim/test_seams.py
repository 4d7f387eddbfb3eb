"""Windows of 24, 48 and 168 hours: contents go on across every seam, and a longer view costs no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import random_case
from numpy.testing import assert_allclose

from sim.dispatch import fast, lp
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult

LOOK_BEYOND_H = 24


def broken_contents_mwh(case: DispatchCase, result: DispatchResult) -> float:
    """The largest difference between a content and what the one before and the powers make of it."""
    keep = (1.0 - case.storage_self_discharge_per_h) ** case.time.step_h
    before = np.vstack([START_CONTENT * case.storage_energy_mwh, result.stored_mwh[:-1]])
    filled = case.storage_charge_efficiency * result.charge_mw
    drawn = result.discharge_mw / case.storage_discharge_efficiency
    made = keep * before + (filled - drawn) * case.time.step_h
    return float(np.abs(result.stored_mwh - made).max())


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
