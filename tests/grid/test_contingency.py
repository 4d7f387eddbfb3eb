"""N-1 against a full solve of each reduced net, and pandapower on samples."""

from copy import deepcopy

import numpy as np
import pandapower as pp
import pytest
from flow_cases import case, ring, two_buses, varied

from grid import reference
from grid.compile import compile_net
from grid.contingency import n1
from grid.flow import FlowOptions, solve


@pytest.mark.parametrize("options", [FlowOptions(enforce_q_limits=False), FlowOptions()], ids=["plain", "limits"])
def test_equals_solving_each_reduced_net(options):
    net = ring()
    model = compile_net(net)
    injections = varied(net, model, 9)
    table = n1(model, injections, options)
    hour_worst = np.zeros(9)
    for position, line in enumerate(net.line.index):
        reduced = ring()
        reduced.line.loc[line, "in_service"] = False
        alone = compile_net(reduced)
        result = solve(alone, alone.injections(injections.p_mw, injections.q_mvar), options)
        assert table.outages[position] == f"L{line}" and not table.splits[position]
        assert table.loading[position] == pytest.approx(np.nanmax(result.loading), abs=1e-7)
        assert table.hour[position] == np.unravel_index(np.nanargmax(result.loading), result.loading.shape)[0]
        assert table.v_min_pu[position] == pytest.approx(np.nanmin(result.vm_pu), abs=1e-8)
        assert table.hours_overloaded[position] == (result.loading > 1).any(axis=1).sum()
        assert table.hours_unsolved[position] == 0
        hour_worst = np.maximum(hour_worst, result.loading.max(axis=1))
    np.testing.assert_allclose(table.hour_loading, hour_worst, atol=1e-7)


def test_samples_agree_with_runpp():
    net, model = case("case30")
    injections = varied(net, model, 1)
    names = [model.branches[k] for k in (0, 6, 20)]
    table = n1(model, injections, FlowOptions(enforce_q_limits=False, distributed_slack=False), names)
    for position, line in enumerate((0, 6, 20)):
        out = deepcopy(net)
        out.line.loc[line, "in_service"] = False
        reduced = compile_net(out)
        plain = FlowOptions(enforce_q_limits=False, distributed_slack=False)
        theirs = reference.solve(out, reduced, reduced.injections(injections.p_mw, injections.q_mvar), plain)
        assert table.v_min_pu[position] == pytest.approx(theirs.vm_pu.min(), abs=1e-8)
        assert table.loading[position] == pytest.approx(theirs.loading.max(), abs=1e-6)


def test_outage_that_splits_is_counted():
    model = compile_net(two_buses())
    table = n1(model, model.injections(np.array([[0.0, -80.0], [0.0, -30.0]]), np.zeros((2, 2))))
    assert table.splits.tolist() == [True] and table.lost_mw[0] == 80.0
    assert table.hours_unsolved[0] == 0 and table.branch[0] == -1 and table.v_min_pu[0] == 1.0


def test_outage_without_solution_is_counted():
    # Two lines of 0.5 pu in parallel carry up to 2 pu, one of them up to 1 pu: 1.5 pu survives no outage.
    net = two_buses()
    pp.create_line_from_parameters(net, 0, 1, 100.0, 0.0, 0.5, 0.0, 0.5, name="AB2")
    model = compile_net(net)
    table = n1(model, model.injections(np.array([[0.0, -150.0], [0.0, -50.0]]), np.zeros((2, 2))))
    assert table.hours_unsolved.tolist() == [1, 1] and table.unsolved.tolist() == [2, 0]


def test_unknown_branch():
    model = compile_net(two_buses())
    with pytest.raises(ValueError, match="not in tuple"):
        n1(model, model.injections(np.zeros((1, 2)), np.zeros((1, 2))), outages=["nowhere"])
