"""N-1: two parallel lines by hand, every row against the grid with the circuit really taken out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case
from lp_cases import make_model
from numpy.testing import assert_allclose

from grid.model import GridModel
from grid.sensitivities import ptdf
from scenarios.records import Floats
from sim.dispatch.limits import branch_limit_mw, limits_at
from sim.dispatch.lp import solve_rolling
from sim.dispatch.security import Circuits, secure_rows

MESH = [(0, 1, 0.02, 100.0), (1, 2, 0.05, 80.0), (2, 3, 0.03, 90.0), (3, 0, 0.04, 70.0), (0, 2, 0.06, 60.0)]
SPUR = (3, 4, 0.05, 50.0)


def rows_of(model: GridModel, count: list[int], emergency: float) -> tuple[dict[str, Floats], dict[str, float]]:
    flows = ptdf(model)
    circuits = Circuits(np.array(count), np.full(len(count), emergency))
    rows = secure_rows(model, flows, branch_limit_mw(model), circuits)
    return dict(zip(rows.names, rows.flows, strict=True)), dict(zip(rows.names, rows.limit_mw, strict=True))


@pytest.mark.parametrize("as_one_branch", [True, False])
def test_two_parallel_circuits_carry_what_one_can_carry_in_an_emergency(as_one_branch: bool):
    # A cheap plant of 200 MW behind two circuits of 100 MW each, a dear one at the load of 150 MW. Without N-1 the
    # cheap plant serves all. With it, one circuit must carry everything after the loss: 120 MW, the rest is dear.
    line = (0, 1, 0.04, 100.0)
    lines, count = ([(0, 1, 0.02, 200.0)], [2]) if as_one_branch else ([line, line], [1, 1])
    model = make_model(lines)
    case = make_case([150.0], coal_unit_mw=[200.0, 200.0], coal_cost=[200.0, 400.0], coal_must_run_units=1)
    bus_of = {"coal-0": 1, "coal-1": 0, "load-0": 0}
    free = solve_rolling(case, limits_at(model, case, bus_of))
    assert_allclose(free.result.coal_mw, [[150.0, 0.0]], atol=1e-6)
    circuits = Circuits(np.array(count), np.full(len(count), 1.2))
    secure = solve_rolling(case, limits_at(model, case, bus_of, circuits=circuits))
    assert_allclose(secure.result.coal_mw, [[120.0, 30.0]], atol=1e-6)
    assert all("without" in name for name in secure.rows_used)


def test_every_row_is_the_flow_of_the_grid_without_the_circuit():
    model = make_model(MESH)
    rows, limits = rows_of(model, [1] * 5, 1.0)
    assert rows
    for name, flows in rows.items():
        kept, lost = (int(part.removeprefix("line-")) for part in name.split(" without "))
        left = [line for number, line in enumerate(MESH) if number != lost]
        assert_allclose(flows, ptdf(make_model(left))[kept - (kept > lost)], atol=1e-9)
        assert limits[name] == pytest.approx(MESH[kept][3])


def test_one_of_three_circuits_leaves_two_thirds():
    model = make_model(MESH)
    rows, limits = rows_of(model, [3, 1, 1, 1, 1], 1.0)
    # Line 0 with one of three circuits lost is a line with 3/2 of the reactance and 2/3 of the rating.
    weakened = [(0, 1, 0.03, 66.67), *MESH[1:]]
    assert_allclose(rows["line-0 without line-0"], ptdf(make_model(weakened))[0], atol=1e-9)
    assert_allclose(limits["line-0 without line-0"], 200.0 / 3.0)
    assert_allclose(rows["line-1 without line-0"], ptdf(make_model(weakened))[1], atol=1e-9)


def test_a_row_that_is_left_out_cannot_be_passed():
    # Whatever is injected, as long as all flows keep to the normal ratings: rows without screening stay within.
    model = make_model(MESH)
    all_rows, limits = rows_of(model, [1] * 5, 1.0)
    few_rows, _ = rows_of(model, [1] * 5, 1.7)
    left_out = set(all_rows) - set(few_rows)
    assert few_rows
    assert left_out
    draw = np.random.default_rng(0)
    injected = draw.normal(0, 1, (4, 2000))
    injected[0] = -injected[1:].sum(axis=0)
    flow = ptdf(model) @ injected
    injected /= np.abs(flow / branch_limit_mw(model)[:, None]).max(axis=0)
    for name in left_out:
        assert np.abs(all_rows[name] @ injected).max() <= 1.7 * limits[name] + 1e-6


def test_bridges_are_named_and_left_out():
    model = make_model([*MESH, SPUR])
    circuits = Circuits(np.ones(6, dtype=np.int64), np.ones(6))
    rows = secure_rows(model, ptdf(model), branch_limit_mw(model), circuits)
    assert rows.bridges == ("line-5",)
    double = replace(circuits, count=np.array([1, 1, 1, 1, 1, 2]))
    assert secure_rows(model, ptdf(model), branch_limit_mw(model), double).bridges == ()
