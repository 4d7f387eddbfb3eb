"""Rows of flow: by hand on a triangle, against pandapower's DC power flow, and names that lead nowhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandapower as pp
import pytest
from dispatch_cases import make_case, random_case
from lp_cases import flows_mw, make_limits, make_model, scattered
from numpy.testing import assert_allclose
from pandapower import networks

from grid.compile import compile_net
from grid.model import GridModel
from grid.network import build_net
from grid.sensitivities import ptdf
from scenarios.errors import DataError, InvariantError, ScenarioError
from scenarios.load import BUILT_IN, load_scenario, read_tables
from scenarios.schema import Scenario
from scenarios.tables import NetworkSection
from sim.dispatch.facts import overload_sentence, row_uses
from sim.dispatch.limits import (
    Section,
    branch_limit_mw,
    flow_mw,
    limits_at,
    network_limits,
    no_limits,
    overload_mw,
)
from sim.dispatch.lp import solve
from sim.dispatch.model import DispatchCase

TRIANGLE = [(0, 1, 0.1, 100.0), (1, 2, 0.1, 150.0), (0, 2, 0.1, 200.0)]


def test_two_thirds_of_a_transfer_go_the_direct_way():
    # Equal reactances, slack at bus 0: 1 MW from bus 1 meets one line directly, two in series the other way.
    flows = ptdf(make_model(TRIANGLE))
    assert_allclose(flows[:, 1], [-2 / 3, 1 / 3, -1 / 3], atol=1e-12)
    assert_allclose(flows[:, 2], [-1 / 3, -1 / 3, -2 / 3], atol=1e-12)
    assert_allclose(flows[:, 0], 0.0, atol=1e-12)


def test_a_shared_slack_withdraws_in_its_proportions():
    # Withdrawn half at bus 0 and half at bus 2: the mean of the transfers 1 → 0 and 1 → 2.
    flows = ptdf(make_model(TRIANGLE, {0: 0.5, 2: 0.5}))
    assert_allclose(flows[:, 1], [-0.5, 0.5, 0.0], atol=1e-12)
    assert_allclose(flows @ [0.5, 0.0, 0.5], 0.0, atol=1e-12)


@pytest.mark.parametrize("name", ["case9", "case30", "case_ieee30", "case118"])
def test_flows_are_those_of_pandapowers_dc_power_flow(name: str):
    net = getattr(networks, name)()
    net.shunt["p_mw"] = 0.0
    net.trafo["tap_dependency_table"] = False  # pandapower's own cases predate the column, and it warns of that
    model = compile_net(net)
    pp.rundcpp(net)
    # The same injections on both sides; shunts and phase shifters are not part of the sensitivities.
    assert not net.trafo["shift_degree"].any()
    scheduled = -net.res_bus.p_mw.to_numpy()
    lines = {str(n) if n is not None else str(i): i for i, n in net.line["name"].items()}
    flows = ptdf(model) @ scheduled
    count = len(net.line)
    assert len(lines) <= count
    assert_allclose(flows[:count], net.res_line.p_from_mw, atol=1e-6)
    assert_allclose(flows[count : count + len(net.trafo)], net.res_trafo.p_hv_mw, atol=1e-6)


def test_a_limit_is_the_rated_current_at_nominal_voltage():
    model = make_model(TRIANGLE)
    # make_model gives 100 MW / (√3 · 220 kV) = 0.2624 kA
    assert_allclose(model.limit_from_ka[0], 0.26243194, rtol=1e-6)
    assert_allclose(branch_limit_mw(model), [100.0, 150.0, 200.0])


def test_sections_add_up_branches_with_their_signs():
    model = make_model(TRIANGLE)
    case = make_case([100.0], coal_unit_mw=[100.0])
    places = {"coal-0": 1, "load-0": 2}
    section = Section("into bus 0", (("line-0", -1.0), ("line-2", -1.0)), 70.0)
    limits = limits_at(model, case, places, [section], margin=0.9)
    assert limits.rows == ("line-0", "line-1", "line-2", "section into bus 0")
    assert_allclose(limits.high_mw, [90.0, 135.0, 180.0, 70.0])
    # All that bus 1 injects and the slack at bus 0 takes arrives at bus 0.
    assert_allclose(limits.coal[3], 1.0)
    assert_allclose(limits.loads[3], 1.0)


def test_a_section_without_its_branch_is_refused_with_a_hint():
    section = Section("west", (("line-22", 1.0), ("nothing", 1.0)), 10.0)
    with pytest.raises(ScenarioError, match=r'section west: "line-22" is not a branch → did you mean "line-2"'):
        limits_at(make_model(TRIANGLE), make_case([1.0]), {"load-0": 0}, [section])


def test_islands_and_things_without_a_bus_are_refused():
    islands = make_model([(0, 1, 0.1, 1.0), (2, 3, 0.1, 1.0)])
    with pytest.raises(InvariantError, match="islands"):
        limits_at(islands, make_case([1.0]), {"load-0": 0})
    with pytest.raises(InvariantError, match="load-0"):
        limits_at(make_model(TRIANGLE), make_case([1.0]), {})


def test_flows_of_a_dispatch_balance_at_every_bus():
    case = random_case(4, days=2)
    model = make_model([(*line[:3], 1e5) for line in TRIANGLE])
    bus_of = scattered(case, model, 4)
    result = solve(case)
    limits = limits_at(model, case, bus_of)
    flow = flow_mw(limits, case, result)
    assert_allclose(flow, flows_mw(case, result, limits), atol=1e-9)
    # What flows into bus 1 and bus 2 is what is taken there; the loss is taken at the slack, bus 0.
    taken = np.zeros((len(case.time), 3))
    served = case.load_mw + result.shift_up_mw - result.shift_down_mw - result.shed_mw - result.unserved_mw
    for names, power in (
        (case.coal, -result.coal_mw),
        (case.hydros, -result.hydro_mw),
        (case.renewables, -result.renewable_mw),
        (case.storages, result.charge_mw - result.discharge_mw),
        (case.loads, served),
        (case.channels, result.export_mw),
    ):
        for name, column in zip(names, power.T, strict=True):
            taken[:, bus_of[name]] += column
    assert_allclose(flow[:, 0] - flow[:, 1], taken[:, 1], atol=1e-6)
    assert_allclose(flow[:, 1] + flow[:, 2], taken[:, 2], atol=1e-6)
    assert overload_mw(limits, case, result).max() == 0.0
    assert no_limits(case).rows == ()


# What a scenario says


@pytest.fixture(scope="module")
def grid() -> tuple[GridModel, DispatchCase]:
    """The grid of the plan, and a case whose one load stands at a bus of it."""
    scenario = load_scenario("tiny")
    return compile_net(build_net(scenario)), make_case([100.0], loads=(scenario.tables.loads[0].load_id,))


def with_section(branches: str, **given: object) -> Scenario:
    row = {"section_id": "west", "name_en": "West", "name_zh": "西部断面", "branches": branches, "limit_mw": 900.0}
    section = NetworkSection(**row, source="made for the test", confidence="assumed", **given)
    base = load_scenario("tiny")
    return base.model_copy(update={"tables": base.tables.model_copy(update={"sections": (section,)})})


def test_a_scenario_names_margin_security_and_network(grid):
    model, case = grid
    plain = network_limits(load_scenario("tiny"), model, case)
    assert len(plain.rows) == np.isfinite(branch_limit_mw(model)).sum()
    tight = network_limits(load_scenario("tiny", ["dispatch.network_margin=0.8"]), model, case)
    assert_allclose(tight.high_mw, 0.8 * plain.high_mw)
    assert network_limits(load_scenario("tiny", ["dispatch.network=copper"]), model, case).rows == ()
    secure = network_limits(load_scenario("tiny", ["dispatch.security=n1"]), model, case)
    assert secure.rows[: len(plain.rows)] == plain.rows
    assert any(" without " in row for row in secure.rows)


def test_sections_of_the_table_become_rows(grid):
    model, case = grid
    one, two = model.branches[3], model.branches[5]
    limits = network_limits(with_section(f"{one} −{two}"), model, case)
    assert limits.rows[-1] == "section west"
    assert limits.high_mw[-1] == 900.0
    assert_allclose(limits.loads[-1], limits.loads[3] - limits.loads[5])
    assert "section west" not in network_limits(with_section(one, in_service_from=2030), model, case).rows


def test_a_section_of_the_table_must_name_branches(tmp_path: Path):
    shutil.copytree(BUILT_IN / "bijie", tmp_path / "tables")
    row = "west,West,西部断面,T-WUSA-1 -T-WUSA-9,900,,,made for the test,assumed,\n"
    with (tmp_path / "tables" / "sections.csv").open("a", encoding="utf-8") as file:
        file.write(row)
    with pytest.raises(DataError, match=r'sections.csv \(west\): "T-WUSA-9" is not in lines.csv or trafos.csv'):
        read_tables(tmp_path / "tables")
    # A table with a default may be absent.
    (tmp_path / "tables" / "sections.csv").unlink()
    assert read_tables(tmp_path / "tables").sections == ()


# What a run says of them


def test_hours_at_and_above_a_limit_are_counted_row_by_row():
    # 150 MW of load behind a line for 80 MW; the cheap plant gives 100 when nobody told it: 20 MW above.
    case = make_case([50.0, 150.0], coal_unit_mw=[100.0, 100.0], coal_cost=[200.0, 400.0], coal_must_run_units=1)
    limits = make_limits(case, 80.0, coal=[1.0, 0.0])
    (told,) = row_uses(limits, case, solve(case, limits))
    assert (told.row, told.hours_at_limit, told.hours_above, told.above_mwh) == ("row-0", 1.0, 0.0, 0.0)
    assert overload_sentence((told,)) == ""
    (free,) = row_uses(limits, case, solve(case))
    assert (free.hours_at_limit, free.hours_above) == (0.0, 1.0)
    assert_allclose([free.above_mwh, free.worst_mw], 20.0)
    assert "1 rows of the network above their limits, 20 MWh in all; most row-0" in overload_sentence((free,))
    assert row_uses(no_limits(case), case, solve(case)) == ()
