"""Storages that hold reserve while reserve is short: which of them charge and which discharge is not convex."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from scipy.optimize import linprog

from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.certificate import certify
from sim.dispatch.model import DispatchCase, Rules

UPWARDS = Rules(reserve_up_load=0.2)
BOTH = Rules(reserve_up_load=0.15, reserve_up_renewables=0.1, reserve_largest_unit=True, reserve_down_load=0.1)

DOWNWARDS = Rules(reserve_down_load=0.6, reserve_by=("hydro", "storage"))


def small_case(load_mw: Any) -> DispatchCase:
    """Return hours of scarcity: coal of 100 MW, a store of 30 MW and 60 MWh, a fifth of the load in reserve."""
    return make_case(
        load_mw,
        coal_unit_mw=[100.0],
        storage_power_mw=[30.0],
        storage_energy_mwh=[60.0],
        storage_charge_efficiency=0.9,
        storage_discharge_efficiency=0.9,
        rules=UPWARDS,
    )


def best_of_all_directions(load_mw: Any) -> float:
    """Return the least cost over every choice of directions, each a linear programme written down anew."""
    load, hours = np.asarray(load_mw), len(load_mw)
    # Columns by hour: coal, charge, discharge, unserved, missing reserve.
    cost = np.tile([300.0, 15.0, 15.0, 20000.0, 4000.0], hours)
    balance = np.kron(np.eye(hours), [1.0, -1.0, 1.0, 1.0, 0.0])
    reserve = np.kron(np.eye(hours), [1.0, -1.0, 0.0, 0.0, -1.0])
    content = np.kron(np.tril(np.ones((hours, hours))), [0.0, 0.9, -1.0 / 0.9, 0.0, 0.0])
    rows = np.vstack([reserve, content, -content])
    right = np.concatenate([100.0 - 0.2 * load, np.full(hours, 60.0 - 30.0), np.full(hours, 30.0)])
    least = np.inf
    for charges in product((0.0, 1.0), repeat=hours):
        bounds = [
            (0.0, most)
            for hour, on in enumerate(charges)
            for most in (100.0, 30.0 * on, 30.0 * (1.0 - on), load[hour], None)
        ]
        found = linprog(cost, rows, right, balance, load, bounds)
        least = min(least, found.fun if found.success else np.inf)
    return least


@pytest.mark.parametrize("seed", range(8))
def test_the_exact_programme_finds_the_best_directions(seed: int):
    load = np.random.default_rng(seed).uniform(60.0, 110.0, 6).round()
    case = small_case(load)
    best, found = best_of_all_directions(load), lp.solve(case)
    assert violations(case, found) == ()
    assert best <= found.total_cost_cny * (1.0 + 1e-7)
    assert found.total_cost_cny <= best * (1.0 + 1e-7)


@pytest.mark.parametrize("rules", [UPWARDS, BOTH, DOWNWARDS], ids=["upwards", "both ways", "downwards"])
@pytest.mark.parametrize("seed", [0, 1, 3, 4])
def test_the_fast_dispatch_is_never_better_than_the_exact_programme(seed: int, rules: Rules):
    plain = random_case(seed, days=4)
    case = replace(plain, rules=rules, load_mw=3.0 * plain.load_mw)
    quick, exact = fast.solve(case), lp.solve_rolling(case)
    assert exact.one_way_windows > 0
    assert violations(case, exact.result) == ()
    assert quick.total_cost_cny / exact.result.total_cost_cny - 1.0 > -1e-6
    for sample in certify(case, quick).samples:
        assert sample.cost_gap > -1e-7
