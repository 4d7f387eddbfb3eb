"""The chord iteration: which hours it leaves to Newton, agreement of both, and the flows made from voltages."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from flow_cases import case, two_buses, varied

from grid import flow, reference
from grid.carry import Carried, carry, new_sheet
from grid.compile import compile_net
from grid.contingency import n1
from grid.flow import FlowOptions, solve, solve_voltages, wires_of
from grid.model import FlowStatus
from grid.summary import take

PLAIN = FlowOptions(enforce_q_limits=False, distributed_slack=False)


def test_an_hour_near_the_nose_is_left_to_newton():
    # Lossless line x = 0.5 pu: sin 2δ = P (test_flow). P = 0.3 is near the unloaded base point; at P = 0.999 the
    # Jacobian there is nothing like the one here, but Newton's method arrives: δ = asin(0.999) / 2, V = cos δ.
    model = compile_net(two_buses())
    result = solve(model, model.injections(np.array([[0.0, -30.0], [0.0, -99.9]]), np.zeros((2, 2))))
    assert result.status.tolist() == [FlowStatus.SOLVED, FlowStatus.SOLVED] and result.newton_hours == 1
    for hour, power in enumerate((0.3, 0.999)):
        assert result.vm_pu[hour, 1] == pytest.approx(math.cos(math.asin(power) / 2), abs=1e-7)


@pytest.mark.parametrize("name", ["case30", "case57", "case118"])
@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_chords_and_newton_find_the_same(name, options, monkeypatch):
    net, model = case(name)
    injections = varied(net, model, 40)
    chords = solve(model, injections, options)
    monkeypatch.setattr(flow, "CHORD_STEPS", 0)
    newton = solve(model, injections, options)
    assert newton.newton_hours == 40 and chords.newton_hours < 20
    np.testing.assert_allclose(chords.vm_pu, newton.vm_pu, atol=1e-8)
    np.testing.assert_allclose(chords.va_deg, newton.va_deg, atol=1e-6)
    np.testing.assert_allclose(chords.control_mvar, newton.control_mvar, atol=1e-4)
    np.testing.assert_allclose(chords.slack_mw, newton.slack_mw, atol=1e-4)


def test_an_earlier_solve_with_other_options_leaves_nothing_behind():
    # Threads use their scratch again: a plain solve after one in which no plant holds its voltage is as before it.
    net, model = case("case30")
    injections = varied(net, model, 40)
    before = solve(model, injections, PLAIN)
    off = np.where(np.isin(model.control_bus, model.slack_bus), np.inf, 0.0)[None]
    assert solve(model, replace(injections, q_min_mvar=-off, q_max_mvar=off)).solved.all()
    after = solve(model, injections, PLAIN)
    np.testing.assert_array_equal(before.vm_pu, after.vm_pu)
    np.testing.assert_array_equal(before.control_mvar, after.control_mvar)


def test_hours_far_from_any_base_point():
    # Nothing at all, reversed power, and more than the highest level: each takes some base point, all are exact.
    net, model = case("case9")
    base = varied(net, model, 4)
    factor = np.array([[0.0], [-0.5], [0.2], [1.7]])
    injections = model.injections(base.p_mw * factor, base.q_mvar * factor)
    result = solve(model, injections, PLAIN)
    assert result.solved.all()
    assert reference.mismatch(model, injections, result).max() <= 1e-8


def test_voltages_alone_are_those_of_the_whole_result():
    net, model = case("case30")
    injections = varied(net, model, 33)
    p_mw = injections.p_mw.copy()
    p_mw[5], p_mw[7] = np.nan, 60 * p_mw[7]
    injections = model.injections(p_mw, injections.q_mvar)
    whole, alone = solve(model, injections), solve_voltages(model, injections)
    np.testing.assert_array_equal(alone.status, whole.status)
    assert alone.status[5] == FlowStatus.BAD_INPUT and np.isnan(alone.v_pu[[5, 7]]).all()
    assert alone.messages == whole.messages and alone.newton_hours == whole.newton_hours
    np.testing.assert_allclose(np.abs(alone.v_pu), whole.vm_pu, rtol=1e-15)


def test_voltages_alone_are_the_same_however_they_are_found(monkeypatch):
    # No chords: Newton in lanes, and for P = 1.2, which has no solution (|V| sin 2δ = P, test_flow), all fallbacks.
    monkeypatch.setattr(flow, "CHORD_STEPS", 0)
    model = compile_net(two_buses())
    injections = model.injections(np.array([[0.0, -30.0], [0.0, -120.0], [0.0, -60.0]]), np.zeros((3, 2)))
    whole, alone = solve(model, injections), solve_voltages(model, injections)
    assert whole.newton_hours == 2 and whole.status.tolist() == [0, FlowStatus.NOT_CONVERGED, 0]
    np.testing.assert_allclose(np.abs(alone.v_pu), whole.vm_pu, rtol=1e-15)
    assert alone.status.tolist() == whole.status.tolist()


def test_angles_in_all_octants():
    model = compile_net(two_buses())
    angle = np.deg2rad(np.linspace(-179.9, 180.0, 96))
    v = np.column_stack([np.exp(1j * angle), 0.7 * np.exp(-0.3j * angle)])
    two, one = (np.empty((96, columns)) for columns in (2, 1))
    carried = Carried(two, two.copy(), *(one.copy() for _ in range(5)), np.empty(96))
    carry(wires_of(model), v.view(np.float64), carried, 64, np.zeros(1, np.int64), new_sheet(2, 1))
    np.testing.assert_allclose(carried.va_deg, np.angle(v, deg=True), atol=1e-13)
    np.testing.assert_allclose(carried.vm_pu, np.abs(v), rtol=1e-15)
    # S = V conj(I): I = (V_A − V_B) / 0.5j pu on 100 MVA
    current = (v[:, 0] - v[:, 1]) / 0.5j
    np.testing.assert_allclose(carried.p_from_mw[:, 0], 100 * (v[:, 0] * current.conj()).real, atol=1e-11)
    np.testing.assert_allclose(carried.q_to_mvar[:, 0], -100 * (v[:, 1] * current.conj()).imag, atol=1e-11)


def test_threads_and_order_of_hours_change_no_outage():
    net, model = case("case14")
    injections = varied(net, model, 70)
    one = n1(model, injections, FlowOptions(threads=1))
    order = np.random.default_rng(5).permutation(70)
    others = (
        (n1(model, injections, FlowOptions(threads=3)), np.arange(70)),
        (n1(model, take(injections, order), FlowOptions(threads=2)), order),
    )
    for other, hours in others:
        for name in ("loading", "v_min_pu", "hours_overloaded", "hours_unsolved", "branch", "branch_loading"):
            np.testing.assert_array_equal(getattr(other, name), getattr(one, name), err_msg=name)
        np.testing.assert_array_equal(other.hour_loading, one.hour_loading[hours])
        np.testing.assert_array_equal(hours[other.hour], one.hour)
