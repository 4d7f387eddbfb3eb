"""Buses through which power only passes: eliminated by hand, and held against the grid with all its buses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandapower as pp
import pytest
from flow_cases import case, ring, varied

from grid import flow, reference
from grid.compile import compile_net
from grid.contingency import n1
from grid.factor import plan_of
from grid.flow import FlowOptions, solve
from grid.model import FlowStatus
from grid.transit import WeakPivot, eliminate, eliminate_passing, recover, transit_of

PLAIN = FlowOptions(enforce_q_limits=False, distributed_slack=False)


def star(*conductances):
    """Rows of a star: its centre is bus 0, its ends 1, 2, …"""
    rows = {0: {0: complex(sum(conductances))}}
    for end, g in enumerate(conductances, start=1):
        rows[0][end] = complex(-g)
        rows[end] = {end: complex(g), 0: complex(-g)}
    return rows


def whole(model):
    return replace(model, transit=np.zeros(len(model.buses), dtype=bool))


def test_a_star_becomes_a_mesh():
    # Conductances 1, 2, 3 from the centre: between two ends g_i · g_j / Σ g = 2/6, 3/6, 6/6 (Kennelly 1899).
    rows = star(1.0, 2.0, 3.0)
    follows = eliminate(rows, [0])
    assert {ends: -rows[ends[0]][ends[1]].real for ends in ((1, 2), (1, 3), (2, 3))} == pytest.approx(
        {(1, 2): 1 / 3, (1, 3): 1 / 2, (2, 3): 1.0}
    )
    assert rows[1][1] == pytest.approx(1 / 3 + 1 / 2)
    # The centre lies at the mean of its ends, weighted by conductance: (1·6 + 2·3 + 3·0) / 6 = 2.
    transit = transit_of(follows, np.array([-1, 0, 1, 2]), 3)
    v = np.array([[np.nan, 6.0, 3.0, 0.0]], dtype=complex)
    recover(transit, np.array([1, 2, 3]), v, np.array([0]))
    assert v[0, 0] == pytest.approx(2.0)


def test_large_stars_and_resonant_buses_stay():
    assert list(eliminate_passing(star(1.0, 1.0, 1.0), [0])) == [0]
    assert not eliminate_passing(star(1.0, 1.0, 1.0, 1.0), [0])
    resonant = star(1.0, 1.0)
    resonant[0][0] = 0j
    assert not eliminate_passing(resonant, [0])
    with pytest.raises(WeakPivot):
        eliminate(resonant, [0])


def test_a_bus_that_its_neighbours_leave_in_resonance_stays():
    # 1 – 2 – 3 – 4: without 2, what bus 3 has of its own is 2 − 1/2 = 3/2; a shunt of −3/2 takes it all away.
    rows = {k: {k: 2 + 0j} | {n: -1 + 0j for n in (k - 1, k + 1) if 1 <= n <= 4} for k in (1, 2, 3, 4)}
    rows[3][3] -= 1.5
    assert list(eliminate_passing(rows, [2, 3])) == [2]
    assert rows[3] == {3: 0j, 1: -0.5 + 0j, 4: -1 + 0j}


def test_a_chain_goes_bus_by_bus():
    # 1 – 2 – 3 – 4 with conductance 1 each: without 2 and 3, a third of it between 1 and 4.
    rows = {k: {k: 2 + 0j} | {n: -1 + 0j for n in (k - 1, k + 1) if 1 <= n <= 4} for k in (1, 2, 3, 4)}
    rows[1][1] = rows[4][4] = 1 + 0j
    eliminate_passing(rows, [2, 3])
    assert rows == {
        1: {1: pytest.approx(1 / 3), 4: pytest.approx(-1 / 3)},
        4: {4: pytest.approx(1 / 3), 1: pytest.approx(-1 / 3)},
    }


@pytest.mark.parametrize("name", ["case57", "case118", "case300"])
@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_the_whole_grid_has_the_same_solution(name, options):
    net, model = case(name)
    hours = varied(net, model, 40)
    # at its full load case300 has no solution within its reactive limits in some of these hours, and next to those
    # either way may find one that the other misses
    injections = replace(hours, p_mw=0.9 * hours.p_mw, q_mvar=0.9 * hours.q_mvar)
    eliminated = plan_of(model, False).transit.bus
    assert len(eliminated) >= 5
    less, all_buses = solve(model, injections, options), solve(whole(model), injections, options)
    assert less.solved.all() and all_buses.solved.all()
    np.testing.assert_allclose(less.vm_pu, all_buses.vm_pu, atol=1e-8)
    np.testing.assert_allclose(less.va_deg, all_buses.va_deg, atol=1e-6)
    assert np.nanmax(reference.mismatch(model, injections, less)) <= 1e-8


@pytest.mark.parametrize("steps", [0, 1, 20])
def test_however_an_hour_is_solved(monkeypatch, steps):
    # None or one chord brings no hour to the tolerance: Newton has to do it.
    monkeypatch.setattr(flow, "CHORD_STEPS", steps)
    net, model = case("case118")
    injections = varied(net, model, 5)
    result = solve(model, injections)
    assert result.newton_hours == (5 if steps < 20 else 0)
    assert reference.mismatch(model, injections, result).max() <= 1e-8


def test_power_where_none_was_expected_is_met_and_touches_no_other_hour():
    net, model = case("case118")
    injections = varied(net, model, 30)
    bus = int(plan_of(model, True).transit.bus[0])
    p_mw = injections.p_mw.copy()
    p_mw[7, bus] = -20.0
    usual, other = solve(model, injections), solve(model, replace(injections, p_mw=p_mw))
    assert other.solved.all()
    assert reference.mismatch(model, replace(injections, p_mw=p_mw), other).max() <= 1e-8
    rest = np.arange(30) != 7
    np.testing.assert_array_equal(other.vm_pu[rest], usual.vm_pu[rest])
    assert abs(other.va_deg[7, bus] - usual.va_deg[7, bus]) > 1e-3


def test_power_that_is_no_number_is_refused_there_too():
    net, model = case("case118")
    injections = varied(net, model, 3)
    p_mw = injections.p_mw.copy()
    p_mw[1, plan_of(model, True).transit.bus[0]] = np.nan
    result = solve(model, replace(injections, p_mw=p_mw))
    assert result.status.tolist() == [FlowStatus.SOLVED, FlowStatus.BAD_INPUT, FlowStatus.SOLVED]


def test_outages_find_the_same_with_all_buses():
    net, model = case("case57")
    injections = varied(net, model, 6)
    less, all_buses = n1(model, injections), n1(whole(model), injections)
    np.testing.assert_allclose(less.loading, all_buses.loading, atol=1e-6)
    np.testing.assert_allclose(less.v_min_pu, all_buses.v_min_pu, atol=1e-8)
    np.testing.assert_array_equal(less.hours_unsolved, all_buses.hours_unsolved)


def test_an_outage_that_leaves_an_eliminated_bus_in_resonance_is_solved_with_it():
    # A line to B0 and a series capacitor of the same size to B1: nothing is left of T once its third branch is out.
    net = ring()
    middle = pp.create_bus(net, 220.0, name="T")
    for k, (r, x) in enumerate(((0.0, 0.3), (0.0, -0.3), (0.05, 0.4))):
        pp.create_line_from_parameters(net, middle, k, 60.0, r, x, 0.0, 0.9, name=f"T{k}")
    model = compile_net(net)
    injections = varied(net, model, 4, high=0.9)
    assert len(plan_of(model, True).transit.bus) == 1
    less, all_buses = n1(model, injections), n1(whole(model), injections)
    assert not less.hours_unsolved.any()
    np.testing.assert_allclose(less.loading, all_buses.loading, atol=1e-6)
    np.testing.assert_allclose(less.v_min_pu, all_buses.v_min_pu, atol=1e-8)
