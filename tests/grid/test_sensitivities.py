"""PTDF and LODF against hand arithmetic, and against solving the DC flow again."""

import numpy as np
import pandapower as pp
import pytest
from flow_cases import case, ring

from grid import sensitivities
from grid.compile import compile_net
from grid.contingency import Outage, _without


def triangle():
    net = pp.create_empty_network(sn_mva=100.0)
    buses = [pp.create_bus(net, 100.0, name=n) for n in "ABC"]
    pp.create_ext_grid(net, buses[0])
    for f, t in ((0, 1), (1, 2), (0, 2)):
        pp.create_line_from_parameters(net, f, t, 10.0, 0.0, 1.0, 0.0, 0.5)
    return compile_net(net)


def test_triangle_by_hand():
    # Equal reactances, injection at B taken out at A: 2/3 goes straight (B→A), 1/3 around (B→C→A).
    # Injection at C: 1/3 over B, 2/3 straight.
    expected = np.array([[0, -2 / 3, -1 / 3], [0, 1 / 3, -1 / 3], [0, -1 / 3, -2 / 3]])
    np.testing.assert_allclose(sensitivities.ptdf(triangle()), expected, atol=1e-12)
    # Any line out: all of its flow takes the other way round.
    shares = sensitivities.lodf(triangle())
    np.testing.assert_allclose(np.abs(shares), np.ones((3, 3)), atol=1e-9)
    np.testing.assert_allclose(np.diag(shares), -1.0)


@pytest.mark.parametrize("name", ["case14", "case118"])
def test_ptdf_and_lodf_equal_a_new_dc_flow(name):
    _, model = case(name)
    p_mw = np.random.default_rng(2).normal(0, 20, len(model.buses))
    p_mw -= p_mw.mean()
    factors = sensitivities.ptdf(model)

    def flows(grid):
        b, shift = sensitivities.linear_branches(grid)
        angle = sensitivities.dc_angles(grid, p_mw)
        return grid.sn_mva * b * (angle[grid.from_bus] - angle[grid.to_bus] - shift)

    base = flows(model)
    no_injection = sensitivities.dc_angles(model, np.zeros(len(p_mw)))
    b, shift = sensitivities.linear_branches(model)
    turned = model.sn_mva * b * (no_injection[model.from_bus] - no_injection[model.to_bus] - shift)
    np.testing.assert_allclose(factors @ p_mw + turned, base, atol=1e-8)
    shares = sensitivities.lodf(model, factors)
    checked = 0
    for out in range(0, len(model.branches), 7):
        if np.isnan(shares[out, out]) or shift[out] != 0:
            continue
        np.testing.assert_allclose(
            base + shares[:, out] * base[out],
            flows(_without(model, Outage("", ((model.branches[out], 1.0),)))),
            atol=1e-6,
        )
        checked += 1
    assert checked >= 2


def test_weights_take_the_injection_out():
    model = compile_net(ring())
    factors = sensitivities.ptdf(model)
    # Injecting at the slacks by their weights (3 : 1) cancels against taking out: no flow at all.
    np.testing.assert_allclose(factors[:, model.slack_bus] @ model.slack_weight, 0.0, atol=1e-12)


def test_bridge_is_nan():
    net = pp.create_empty_network(sn_mva=100.0)
    a, b = pp.create_bus(net, 100.0), pp.create_bus(net, 100.0)
    pp.create_ext_grid(net, a)
    pp.create_line_from_parameters(net, a, b, 10.0, 0.0, 1.0, 0.0, 0.5)
    assert np.isnan(sensitivities.lodf(compile_net(net))).all()
