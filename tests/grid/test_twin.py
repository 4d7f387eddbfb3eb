"""The kernels against the plain numpy twin of the same method."""

import numpy as np
import pytest
from flow_cases import case, ring, varied

from grid import twin
from grid.compile import compile_net
from grid.flow import FlowOptions, solve


@pytest.mark.parametrize("name", ["case9", "case14", "case30", "case57"])
@pytest.mark.parametrize("limits", [False, True])
def test_kernel_equals_twin(name, limits):
    net, model = case(name)
    injections = varied(net, model, 6)
    options = FlowOptions(enforce_q_limits=limits)
    result = solve(model, injections, options)
    for hour in range(6):
        slow = twin.solve_hour(model, injections.p_mw[hour], injections.q_mvar[hour], options)
        assert slow.converged
        np.testing.assert_allclose(result.vm_pu[hour], np.abs(slow.v), atol=1e-8)
        np.testing.assert_allclose(result.control_mvar[hour], slow.control_pu * model.sn_mva, atol=1e-4)


def test_shares_equal_twin():
    net = ring()
    model = compile_net(net)
    injections = varied(net, model, 5)
    result = solve(model, injections)
    for hour in range(5):
        slow = twin.solve_hour(model, injections.p_mw[hour], injections.q_mvar[hour], FlowOptions())
        np.testing.assert_allclose(result.slack_mw[hour], slow.slack_pu * model.sn_mva, atol=1e-5)
        np.testing.assert_allclose(result.va_deg[hour], np.rad2deg(np.angle(slow.v)), atol=1e-6)
