"""The exact twin against PyPSA: the same network, window and costs, units given; the objectives must agree.

PyPSA needs pandas 3 in recent versions and lives in an environment of its own: ``WUMENG_PYPSA_PYTHON`` names its
interpreter; without the variable it is looked for beside the project's own packages.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dispatch_cases import random_case
from lp_cases import make_model, scattered
from numpy.testing import assert_allclose

from benchmarks import dispatch_peer
from sim.dispatch.commitment import commit
from sim.dispatch.limits import limits_at
from sim.dispatch.lp import solve_rolling
from sim.dispatch.model import START_CONTENT
from sim.dispatch.programme import programme

DAYS = 14
RING = [
    (0, 1, 0.02),
    (1, 2, 0.03),
    (2, 3, 0.02),
    (3, 4, 0.04),
    (4, 5, 0.02),
    (5, 0, 0.03),
    (1, 4, 0.02),
    (2, 5, 0.05),
]


def interpreter() -> str:
    python = os.environ.get("WUMENG_PYPSA_PYTHON")
    if python is None and importlib.util.find_spec("pypsa") is None:
        pytest.skip("PyPSA is not installed here, and WUMENG_PYPSA_PYTHON names no interpreter that has it")
    return python or sys.executable


def by_pypsa(path: Path) -> dict[str, Any]:
    call = [interpreter(), str(Path(dispatch_peer.__file__)), str(path)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=300, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("seed", [4])
def test_two_weeks_with_a_network_cost_what_pypsa_says(seed: int, tmp_path: Path):
    interpreter()
    case = random_case(seed, days=DAYS, look_ahead_h=24 * DAYS, step_window_h=24 * DAYS)
    model = make_model([(*line, 900.0) for line in RING])
    bus_of = scattered(case, model, seed)
    limits = limits_at(model, case, bus_of)
    run = solve_rolling(case, limits)
    assert run.rows_used
    assert run.overload_mw.max() < 1e-6, "PyPSA's lines are hard limits"
    assert START_CONTENT == dispatch_peer.START_SHARE
    first = START_CONTENT * case.storage_energy_mwh
    plan = programme(case, commit(case).units_on, limits, first)
    dispatch_peer.write_case(tmp_path / "case.npz", plan, model, bus_of)
    answer = by_pypsa(tmp_path / "case.npz")
    assert answer["status"] == ["ok", "optimal"]
    assert_allclose(run.window_cost_cny.sum(), answer["objective"], rtol=1e-6)
    assert np.isfinite(answer["seconds"])
