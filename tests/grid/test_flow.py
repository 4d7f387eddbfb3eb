"""The batched flow against hand arithmetic, pandapower, the laws of physics, and itself under permutation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandapower as pp
import pytest
from flow_cases import CASES, case, ring, two_buses, varied

from grid import reference
from grid.compile import compile_net, tabled_injections
from grid.flow import FlowOptions, solve, solve_voltages
from grid.model import FlowStatus, Injections
from grid.summary import split, summarise, take
from grid.tables import solver_tables

PLAIN = FlowOptions(enforce_q_limits=False, distributed_slack=False)
MATRICES = (
    "vm_pu",
    "va_deg",
    "p_from_mw",
    "q_from_mvar",
    "p_to_mw",
    "loading",
    "loss_mw",
    "slack_mw",
    "control_mvar",
)


def same_bits(one, other, hours=slice(None), other_hours=slice(None)):
    for name in (*MATRICES, "iterations", "status"):
        np.testing.assert_array_equal(getattr(one, name)[hours], getattr(other, name)[other_hours], err_msg=name)


def test_two_buses_by_hand():
    # Lossless line x = 0.5 pu between 1.0 pu and a load P + j0. With V2 = cos δ (no reactive power arrives):
    # P = V1 V2 sin δ / x = sin 2δ / (2x) → P = 0.8 pu: sin 2δ = 0.8 → δ = 26.5650512°, V2 = cos δ = 2/√5.
    # Sending end: Q1 = (1 − cos²δ)/x = sin²δ / 0.5 = 0.2 / 0.5 = 0.4 pu.
    model = compile_net(two_buses())
    result = solve(model, model.injections(np.array([[0.0, -80.0]]), np.zeros((1, 2))))
    assert result.vm_pu[0, 1] == pytest.approx(2 / math.sqrt(5), abs=1e-9)
    assert result.va_deg[0, 1] == pytest.approx(-math.degrees(math.asin(0.8)) / 2, abs=1e-7)
    assert result.q_from_mvar[0, 0] == pytest.approx(40.0, abs=1e-5)
    assert result.slack_mw[0, 0] == pytest.approx(80.0, abs=1e-5)
    # I = P / V2 at unit power factor: 0.8 / 0.894427 = 0.894427 pu; base 100/(√3·100) kA; rating 0.5 kA
    assert result.loading[0, 0] == pytest.approx(0.894427191 * 100 / (math.sqrt(3) * 100) / 0.5, abs=1e-7)


def test_beyond_the_nose_is_reported():
    # P > V²/(2x) = 1 pu cannot be carried: sin 2δ would exceed one. The message tells how far one can go.
    model = compile_net(two_buses())
    result = solve(model, model.injections(np.array([[0.0, -80.0], [0.0, -125.0]]), np.zeros((2, 2))))
    assert result.status.tolist() == [FlowStatus.SOLVED, FlowStatus.NOT_CONVERGED]
    assert np.isnan(result.vm_pu[1]).all() and np.isnan(result.loss_mw[1]) and np.isnan(result.slack_mw[1]).all()
    [(hour, sentence)] = result.messages
    share = float(sentence.split(":")[2].split("%")[0])
    assert hour == 1 and 78.0 < share <= 80.0 and "left with" in sentence  # 100/125 = 80 %


@pytest.mark.parametrize(("name", "hours"), list(zip(CASES, (100, 50, 50, 20, 20, 10, 5, 5, 2), strict=True)))
def test_agrees_with_runpp(name, hours):
    # The large cases take fewer hours, so that the whole suite stays within a minute.
    net, model = case(name)
    injections = varied(net, model, hours)
    ours, theirs = solve(model, injections, PLAIN), reference.solve(net, model, injections, PLAIN)
    assert ours.solved.all() and theirs.solved.all()
    assert np.abs(ours.vm_pu - theirs.vm_pu).max() <= 1e-8
    assert np.abs(ours.va_deg - theirs.va_deg).max() <= 1e-6
    np.testing.assert_allclose(ours.p_from_mw, theirs.p_from_mw, atol=1e-4)
    np.testing.assert_allclose(ours.loading, theirs.loading, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_mismatch_by_separate_code(name, options):
    net, model = case(name)
    injections = varied(net, model, 64, high=0.9)
    result = solve(model, injections, options)
    assert result.solved.sum() >= 60
    assert np.nanmax(reference.mismatch(model, injections, result)) <= 1e-8


def complementarity(model, injections, result):
    """At the maximum V ≤ V_set, at the minimum V ≥ V_set, between V = V_set; nobody outside the range."""
    hours = result.solved
    v, q = result.vm_pu[hours][:, model.control_bus], result.control_mvar[hours] / model.sn_mva
    low, high = injections.q_min_mvar / model.sn_mva, injections.q_max_mvar / model.sn_mva
    eps = 2e-7
    assert (q >= low - eps).all() and (q <= high + eps).all()
    off = np.broadcast_to(low == high, q.shape)
    inside = (q > low + eps) & (q < high - eps) & ~off
    assert np.abs(v - injections.v_set_pu)[inside].max(initial=0) <= eps
    assert (v - injections.v_set_pu)[~off & (q >= high - eps)].max(initial=-1) <= eps
    assert (injections.v_set_pu - v)[~off & (q <= low + eps)].max(initial=-1) <= eps
    return inside.mean()


@pytest.mark.parametrize("name", ["case57", "case118", "case_illinois200", "case300"])
def test_reactive_limits_are_complementary(name):
    net, model = case(name)
    injections = varied(net, model, 100)
    share = complementarity(model, injections, solve(model, injections))
    assert 0.05 < share < 1.0  # both kinds occur, so the checks above were not empty


def test_limits_agree_with_runpp_where_it_releases_nobody():
    net, model = case("case118")
    injections = varied(net, model, 12)
    ours, theirs = solve(model, injections), reference.solve(net, model, injections)
    same = np.abs(ours.control_mvar - theirs.control_mvar).max(axis=1) < 1e-3
    assert same.sum() >= 6
    assert np.abs(ours.vm_pu - theirs.vm_pu)[same].max() <= 1e-8
    limited = np.isclose(ours.control_mvar, injections.q_max_mvar, atol=1e-6)
    assert limited[same].any()


def test_control_without_range_holds_no_voltage():
    net, model = case("case14")
    base = varied(net, model, 2)
    q_min, q_max = np.repeat(base.q_min_mvar, 2, 0), np.repeat(base.q_max_mvar, 2, 0)
    q_min[1, 2] = q_max[1, 2] = 7.0
    v_set = base.v_set_pu
    result = solve(model, Injections(base.p_mw, base.q_mvar, v_set, q_min, q_max))
    assert result.control_mvar[1, 2] == pytest.approx(7.0, abs=1e-12)
    bus = model.control_bus[2]
    plain_q = base.q_mvar.copy()
    plain_q[1, bus] += 7.0  # the same as a plain load bus with 7 Mvar more
    q_min2, q_max2 = q_min.copy(), q_max.copy()
    q_min2[1, 2] = q_max2[1, 2] = 0.0
    other = solve(model, Injections(base.p_mw, plain_q, v_set, q_min2, q_max2))
    np.testing.assert_allclose(result.vm_pu, other.vm_pu, atol=1e-9)
    assert abs(result.vm_pu[1, bus] - v_set[0, 2]) > 1e-4


def test_set_points_of_each_hour():
    net, model = case("case9")
    base = varied(net, model, 3)
    v_set = np.array([[1.0, 1.0, 1.0], [1.03, 1.02, 1.01], [0.98, 1.0, 1.02]])
    result = solve(model, Injections(base.p_mw, base.q_mvar, v_set, base.q_min_mvar, base.q_max_mvar), PLAIN)
    np.testing.assert_allclose(result.vm_pu[:, model.control_bus], v_set, atol=1e-12)


def test_distributed_slack_agrees_with_runpp():
    net = ring()
    model = compile_net(net)
    injections = varied(net, model, 10)
    options = FlowOptions(enforce_q_limits=False)
    ours, theirs = solve(model, injections, options), reference.solve(net, model, injections, options)
    assert np.abs(ours.vm_pu - theirs.vm_pu).max() <= 1e-8
    assert np.abs(ours.va_deg - theirs.va_deg).max() <= 1e-6
    # weights 3 : 1, and together they cover the deficit and the loss
    np.testing.assert_allclose(ours.slack_mw[:, 0], 3 * ours.slack_mw[:, 1], rtol=1e-12)
    np.testing.assert_allclose(ours.slack_mw.sum(1), -injections.p_mw.sum(1) + ours.loss_mw, atol=1e-5)


def test_separate_references_keep_their_angles():
    net = two_buses()
    pp.create_ext_grid(net, 1, vm_pu=1.0, va_degree=-30.0)
    model = compile_net(net)
    result = solve(model, model.injections(np.zeros((1, 2)), np.zeros((1, 2))), PLAIN)
    # P = sin 30° / 0.5 = 1 pu from A to B
    np.testing.assert_allclose(result.slack_mw[0], [100.0, -100.0], atol=1e-5)


def transformers():
    """Taps, a phase shifter, a three-winding transformer with iron losses, a shunt and a closed bus switch."""
    net = pp.create_empty_network(sn_mva=100.0)
    hv, hv2, mv, lv = (pp.create_bus(net, kv, name=n) for kv, n in ((220, "H"), (220, "H2"), (110, "M"), (10, "L")))
    fused = pp.create_bus(net, 110, name="M2")
    pp.create_ext_grid(net, hv, 1.01)
    pp.create_line_from_parameters(net, hv, hv2, 20, 0.05, 0.4, 9, 0.8, name="HH", parallel=2)
    pp.create_transformer3w_from_parameters(
        net,
        hv,
        mv,
        lv,
        220,
        110,
        10,
        180,
        180,
        60,
        12,
        14,
        8,
        0.3,
        0.3,
        0.3,
        90,
        0.2,
        name="T3",
        tap_side="hv",
        tap_neutral=0,
        tap_pos=2,
        tap_step_percent=1.25,
        tap_min=-8,
        tap_max=8,
        tap_changer_type="Ratio",
    )
    pp.create_transformer_from_parameters(
        net,
        hv2,
        mv,
        150,
        220,
        110,
        0.3,
        11,
        80,
        0.3,
        shift_degree=5.0,
        name="T2",
        parallel=2,
        tap_side="hv",
        tap_neutral=0,
        tap_pos=-1,
        tap_step_percent=2.5,
        tap_changer_type="Ratio",
    )
    pp.create_switch(net, mv, fused, et="b")
    pp.create_shunt(net, mv, q_mvar=-20.0)
    pp.create_load(net, fused, 90, 30)
    pp.create_load(net, lv, 20, 8)
    return net


def test_transformers_agree_with_runpp():
    net = transformers()
    model = compile_net(net)
    result = solve(model, tabled_injections(net, model))
    pp.runpp(net, tolerance_mva=1e-9, lightsim2grid=False)
    row = solver_tables(net).bus_of
    for bus in net.bus.index:
        assert result.vm_pu[0, row[bus]] == pytest.approx(net.res_bus.vm_pu[bus], abs=1e-8)
        assert result.va_deg[0, row[bus]] == pytest.approx(net.res_bus.va_degree[bus], abs=1e-6)
    loading = dict(zip(model.branches, result.loading[0], strict=True))
    assert loading["HH"] == pytest.approx(net.res_line.loading_percent[0] / 100, abs=1e-7)
    assert loading["T2"] == pytest.approx(net.res_trafo.loading_percent[0] / 100, abs=1e-7)
    worst = max(loading[f"T3 {side}"] for side in ("hv", "mv", "lv"))
    assert worst == pytest.approx(net.res_trafo3w.loading_percent[0] / 100, abs=1e-7)
    at_from, at_to = (dict(zip(model.branches, end[0], strict=True)) for end in result.current_ka(model))
    assert at_from["HH"] == pytest.approx(net.res_line.i_from_ka[0], abs=1e-8)
    assert at_to["HH"] == pytest.approx(net.res_line.i_to_ka[0], abs=1e-8)
    assert at_from["T2"] == pytest.approx(net.res_trafo.i_hv_ka[0], abs=1e-8)
    assert at_to["T2"] == pytest.approx(net.res_trafo.i_lv_ka[0], abs=1e-8)


def with_islands():
    """The ring, a second supplied island, an unsupplied pair of buses."""
    net = ring()
    c, d, x, y = (pp.create_bus(net, 220.0, name=n) for n in "CDXY")
    pp.create_ext_grid(net, c, vm_pu=1.03)
    pp.create_line_from_parameters(net, c, d, 50.0, 0.05, 0.4, 9.0, 0.9, name="CD")
    pp.create_line_from_parameters(net, x, y, 50.0, 0.05, 0.4, 9.0, 0.9, name="XY")
    return net


def test_islands():
    net = with_islands()
    model, alone = compile_net(net), compile_net(ring())
    p, q = np.zeros((3, 8)), np.zeros((3, 8))
    p[:, 1], p[:, 3], q[:, 1] = -120, -80, -60
    p[:, 5] = -40
    p[1, 6] = -1.0
    result = solve(model, model.injections(p, q))
    assert result.status.tolist() == [0, FlowStatus.ISLAND_WITHOUT_SOURCE, 0]
    assert "X" in dict(result.messages)[1] and np.isnan(result.vm_pu[1]).all()
    assert np.isnan(result.vm_pu[0, 6:]).all() and np.isnan(result.loading[0, model.branches.index("XY")])
    part = solve(alone, alone.injections(p[:1, :4], q[:1, :4]))
    np.testing.assert_allclose(result.vm_pu[0, :4], part.vm_pu[0], atol=1e-10)
    third = int(np.flatnonzero(model.slack_bus == 4)[0])
    assert 40.0 < result.slack_mw[0, third] < 41.0  # feeds its own island and its losses
    assert result.loss_mw[0] == pytest.approx(result.slack_mw[0].sum() + p[0].sum(), abs=1e-5)


@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_planted_hours_change_no_other_bit(options):
    net, model = case("case118")
    clean = varied(net, model, 70)
    p = clean.p_mw.copy()
    p[11], p[40, 3] = 40 * p[11], np.nan
    planted = solve(model, Injections(p, clean.q_mvar, clean.v_set_pu, clean.q_min_mvar, clean.q_max_mvar), options)
    whole = solve(model, clean, options)
    assert planted.status[11] == FlowStatus.NOT_CONVERGED and planted.status[40] == FlowStatus.BAD_INPUT
    assert [hour for hour, _ in planted.messages] == [11, 40]
    for matrix in MATRICES:
        assert np.isnan(getattr(planted, matrix)[[11, 40]]).all(), matrix
    others = np.setdiff1d(np.arange(70), [11, 40])
    same_bits(planted, whole, others, others)


@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_permuted_hours_permute_every_bit(options):
    net, model = case("case118")
    injections = varied(net, model, 100)
    order = np.random.default_rng(3).permutation(100)
    result, mixed = solve(model, injections, options), solve(model, take(injections, order), options)
    same_bits(mixed, result, slice(None), order)
    same_bits(solve(model, take(injections, slice(37, 38)), options), result, slice(None), slice(37, 38))


def test_threads_change_no_bit():
    net, model = case("case30")
    injections = varied(net, model, 75)
    one = solve(model, injections, FlowOptions(threads=1))
    for threads in (2, 3, 7):
        same_bits(solve(model, injections, FlowOptions(threads=threads)), one)


def test_permuted_buses_and_lines_permute_the_result():
    model = compile_net(ring())
    p = np.array([[0.0, -120, 50, -80], [0.0, -60, 20, -100]])
    q = np.array([[0.0, -60, 0, -30], [0.0, -20, 0, -30]])
    plain = solve(model, model.injections(p, q))
    net = ring()
    net.bus = net.bus.iloc[::-1]
    order = [3, 1, 0, 2]
    net.line = net.line.iloc[order]
    mixed = compile_net(net)
    to = [model.buses.index(name) for name in mixed.buses]
    other = solve(mixed, mixed.injections(p[:, to], q[:, to]))
    np.testing.assert_allclose(other.vm_pu, plain.vm_pu[:, to], atol=1e-9)
    lines = [model.branches.index(name) for name in mixed.branches]
    assert lines == order
    np.testing.assert_allclose(other.p_from_mw, plain.p_from_mw[:, lines], atol=1e-6)


def test_bad_values_are_named():
    model = compile_net(two_buses())
    v_set = np.array([[1.0], [-1.0]])
    good = model.injections(np.zeros((2, 2)), np.zeros((2, 2)))
    result = solve(model, Injections(good.p_mw, good.q_mvar, v_set, good.q_min_mvar, good.q_max_mvar))
    assert result.status.tolist() == [0, FlowStatus.BAD_INPUT] and "v_set_pu" in result.messages[0][1]
    with pytest.raises(ValueError, match="does not fit the grid"):
        solve(model, model.injections(np.zeros((2, 3)), np.zeros((2, 3))))


def test_no_hour_that_can_be_tried():
    net, model = case("case9")
    good = varied(net, model, 4)
    for bad in (replace(good, v_set_pu=-good.v_set_pu), replace(good, p_mw=good.p_mw * np.nan)):
        result, alone = solve(model, bad), solve_voltages(model, bad)
        assert (result.status == FlowStatus.BAD_INPUT).all() and len(result.messages) == 4
        assert np.isnan(result.vm_pu).all() and np.isnan(alone.v_pu).all()
    dark = replace(model, slack_angle_deg=np.full_like(model.slack_angle_deg, np.nan))
    assert (solve(dark, good).status == FlowStatus.ISLAND_WITHOUT_SOURCE).all()
    none = take(good, slice(0, 0))
    assert solve(model, none).vm_pu.shape == (0, 9) and not solve_voltages(model, none).messages


@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_power_that_is_no_number_is_named_and_touches_no_other_hour(options):
    # Also reactive power at a bus that holds its voltage, which no equation of a plain flow asks for.
    net, model = case("case30")
    good = varied(net, model, 40)
    p_mw, q_mvar = good.p_mw.copy(), good.q_mvar.copy()
    p_mw[3, 5], q_mvar[7, model.control_bus[-1]], p_mw[9, 0], q_mvar[9, 11] = np.nan, np.inf, -np.inf, np.nan
    result, clean = solve(model, model.injections(p_mw, q_mvar), options), solve(model, good, options)
    assert np.flatnonzero(result.status == FlowStatus.BAD_INPUT).tolist() == [3, 7, 9]
    named = [sentence.split(": ")[1] for _, sentence in result.messages]
    assert named == ["p_mw", "q_mvar", "p_mw, q_mvar"]
    bad = ~result.solved
    assert np.isnan(result.vm_pu[bad]).all() and np.isnan(result.control_mvar[bad]).all()
    for name in ("vm_pu", "va_deg", "control_mvar", "slack_mw", "iterations"):
        np.testing.assert_array_equal(getattr(result, name)[~bad], getattr(clean, name)[~bad])


def test_summary_of_blocks_equals_the_whole():
    net, model = case("case30")
    injections = varied(net, model, 50)
    p = injections.p_mw.copy()
    p[20] *= 50
    injections = model.injections(p, injections.q_mvar)
    result, summary = solve(model, injections), summarise(model, split(injections, 16))
    solved = result.solved
    assert not solved[20] and np.isnan(summary.loading[20]) and summary.loading_branch[20] == -1
    np.testing.assert_array_equal(summary.loading[solved], result.loading[solved].max(axis=1))
    np.testing.assert_array_equal(summary.v_min_pu[solved], result.vm_pu[solved].min(axis=1))
    np.testing.assert_array_equal(summary.branch_loading, result.loading[solved].max(axis=0))
    np.testing.assert_array_equal(summary.hours_overloaded, (result.loading > 1).sum(axis=0))
    np.testing.assert_array_equal(summary.status, result.status)
    assert [hour for hour, _ in summary.messages] == [hour for hour, _ in result.messages]
