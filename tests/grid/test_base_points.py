"""Which base point an hour starts from, and that it changes nothing but the way: by hand, and by another way."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import numpy as np
import pytest
from flow_cases import case, two_buses, varied

from grid import reference
from grid.base import points_of
from grid.compile import compile_net, multiples_of
from grid.flow import FlowOptions, given_rows, prepared, sift_hours, solve
from grid.kernels_sift import FEATURES, LEVELS
from grid.model import FlowStatus
from grid.nearness import ANGLES, nearness
from grid.network import build_net
from grid.sensitivities import dc_angles, laplacian, linear_branches, roots_and_free
from grid.simd import LANES, aligned
from grid.summary import take
from grid.threads import each_once, portions, take_turns
from scenarios.load import load_scenario

PLAIN = FlowOptions(enforce_q_limits=False, distributed_slack=False)


def points_taken(model, p_mw):
    injections = model.injections(np.asarray(p_mw, dtype=float), np.zeros(np.shape(p_mw)))
    grid = prepared(model, PLAIN)
    return sift_hours(grid, given_rows(model, grid.plan, injections), np.arange(len(injections.p_mw)), 1)


def test_an_hour_takes_the_multiple_nearest_to_its_load():
    # One line: the angle difference is in proportion to the load, so the nearest of 1, 0 and ½ is by load: the
    # borders lie at 25 and 75 of 100 MW.
    model = replace(compile_net(two_buses()), typical_mva=np.outer([1.0, 0.0, 0.5], [0.0, -100.0]))
    sifted = points_taken(model, [[0.0, load] for load in (-90.0, -76.0, -74.0, -26.0, -24.0, 30.0)])
    assert sifted.point.tolist() == [0, 0, 2, 2, 1, 1]


def coupling(model, p_mw):
    """∂P/∂ln V of a DC flow, weighed by what surrounds it, and angle differences: dense, from the formulas."""
    b, _ = linear_branches(model)
    laplace, size = laplacian(model, b).toarray(), len(model.buses)
    _, free = roots_and_free(model)
    loose = np.setdiff1d(free, model.control_bus)
    angle = dc_angles(model, p_mw) - dc_angles(model, np.zeros(size))
    apart = angle[model.from_bus] - angle[model.to_bus]
    n = np.zeros((size, size))
    for i, j, flow in zip(model.from_bus, model.to_bus, b * apart, strict=True):
        n[i, i], n[j, j] = n[i, i] + flow, n[j, j] - flow
        n[i, j], n[j, i] = n[i, j] + flow, n[j, i] - flow

    def root(buses):
        values, vectors = np.linalg.eigh(laplace[np.ix_(buses, buses)])
        return vectors / np.sqrt(values) @ vectors.T

    weighed = root(free) @ n[np.ix_(free, loose)] @ root(loose)
    return np.concatenate([weighed.reshape(-1), np.sqrt(ANGLES) * np.where(b != 0, apart, 0.0)])


def test_nearness_is_what_the_coupling_of_angles_and_voltages_differs_by():
    net, model = case("case30")
    hours = varied(net, model, 25).p_mw * np.linspace(0.0, 1.6, 25)[:, None]
    points = [coupling(model, mva.real) for mva in model.typical_mva]
    away = np.array([[np.sum((coupling(model, p) - point) ** 2) for point in points] for p in hours])
    assert points_taken(model, hours).point.tolist() == away.argmin(axis=1).tolist()
    assert len(set(away.argmin(axis=1).tolist())) > 10
    told = nearness(model, model.typical_mva.real, FEATURES)
    apart = ((hours @ told.weight)[:, None] - told.points[None]) ** 2
    between = ((told.points[:, None] - told.points[None]) ** 2).sum(axis=-1)
    exact = np.array([[np.sum((a - b) ** 2) for b in points] for a in points])
    np.testing.assert_allclose(between, exact, atol=1e-6 * exact.max())
    # of what is off the points, the features that are left out hold less than a tenth
    assert (apart.sum(axis=-1) <= away * (1 + 1e-6)).all()
    assert apart.sum(axis=-1).min(axis=1).sum() > 0.9 * away.min(axis=1).sum()


def test_hours_of_a_point_are_ranked_by_their_distance():
    net, model = case("case30")
    hours = varied(net, model, 200).p_mw
    sifted, told = points_taken(model, hours), nearness(model, model.typical_mva.real, FEATURES)
    square = (((hours @ told.weight)[:, None] - told.points[None]) ** 2).sum(axis=-1).min(axis=1)
    octave = np.floor(np.log2(square))
    level = 2 * (octave + 26) + (square >= 1.5 * 2.0**octave)
    assert len(set(level.tolist())) > 5 and level.min() > 0 and level.max() < LEVELS - 1
    assert np.count_nonzero(sifted.rank % LEVELS != level) <= 2  # what is at the border between two may be either


@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_other_base_points_find_the_same(options):
    net, model = case("case118")
    injections = varied(net, model, 40)
    few = replace(model, typical_mva=multiples_of(model.typical_mva[0])[[0, 2, -5]])
    a, b = solve(model, injections, options), solve(few, injections, options)
    assert a.solved.all() and b.solved.all() and a.iterations.sum() < b.iterations.sum()
    np.testing.assert_allclose(a.vm_pu, b.vm_pu, atol=1e-8)
    np.testing.assert_allclose(a.control_mvar, b.control_mvar, atol=1e-4)
    assert reference.mismatch(model, injections, b).max() <= 1e-8


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_base_points_that_are_worked_out_later_change_no_bit(threads):
    net, model = case("case118")
    options, some = replace(PLAIN, threads=threads), slice(0, 3)
    hours = varied(net, model, 90)
    hours = model.injections(hours.p_mw * np.linspace(0.5, 1.3, 90)[:, None], hours.q_mvar)
    at_once, by_and_by = replace(model), replace(model)
    first, known = (
        solve(by_and_by, take(hours, some), options),
        prepared(by_and_by, options).bases.ready.place.copy(),
    )
    later, whole = solve(by_and_by, hours, options), solve(at_once, hours, options)
    place = prepared(by_and_by, options).bases.ready.place
    assert 0 < np.count_nonzero(known >= 0) < np.count_nonzero(place >= 0)
    assert place.tolist() == prepared(at_once, options).bases.ready.place.tolist()
    assert whole.solved.all() and not whole.newton_hours
    np.testing.assert_array_equal(later.vm_pu, whole.vm_pu)
    np.testing.assert_array_equal(later.va_deg, whole.va_deg)
    np.testing.assert_array_equal(first.vm_pu, whole.vm_pu[some])


@pytest.mark.parametrize("name", ["case118", "case300"])
@pytest.mark.parametrize("options", [PLAIN, FlowOptions()], ids=["plain", "limits"])
def test_held_voltages_are_at_their_set_points_to_rounding(name, options):
    # They are put there only where a step moves them far (case300: by 0.3 rad at once); what shorter steps leave is
    # rounding.
    net, model = case(name)
    hours = varied(net, model, 40)
    set_points = hours.v_set_pu * np.linspace(0.995, 1.005, 40)[:, None]
    hours = replace(hours, v_set_pu=set_points)
    result = solve(model, hours, options)
    made, chords = result.control_mvar, result.status == FlowStatus.SOLVED
    inside = np.broadcast_to(chords[:, None], made.shape)
    if options.enforce_q_limits:
        inside = inside & (made > hours.q_min_mvar + 1e-6) & (made < hours.q_max_mvar - 1e-6)
    off = np.abs(result.vm_pu[:, model.control_bus] / set_points - 1.0)
    assert chords.sum() > 25 and inside.sum() > 400
    assert off[inside].max() < 2e-12


def test_limited_generators_cost_few_steps_more():
    # Every hour of case118 has generators at their limits, other ones than its base point: without meeting their
    # rows in the step it takes two steps more (measured with multiples by tenths: 6.5 instead of 4.9).
    net, model = case("case118")
    injections = varied(net, model, 64)
    limited, plain = solve(model, injections, FlowOptions()), solve(model, injections, PLAIN)
    assert limited.iterations.mean() < plain.iterations.mean() + 1.5


def test_more_points_than_can_be_told_apart_are_refused():
    model = replace(compile_net(two_buses()), typical_mva=np.zeros((LANES + 1, 2), dtype=complex))
    with pytest.raises(ValueError, match="typical points"):
        points_of(model)


def test_all_that_is_wrong_with_an_hour_is_named():
    model = compile_net(two_buses())
    p_mw, q_mvar = np.zeros((3, 2)), np.zeros((3, 2))
    p_mw[1, 0], q_mvar[1, 1], p_mw[2, 1] = np.inf, np.nan, -np.inf
    result = solve(model, model.injections(p_mw, q_mvar))
    assert result.status.tolist() == [FlowStatus.SOLVED, FlowStatus.BAD_INPUT, FlowStatus.BAD_INPUT]
    assert result.messages[0][1].endswith("p_mw, q_mvar") and result.messages[1][1].endswith("p_mw")


def test_situations_of_the_region_balance_and_are_solved_where_they_are():
    # Sun 0 … 60 % and wind 10 … 60 % of capacity; coal makes up the rest, so that what is left for the surrounding
    # grid is no more than what coal cannot follow (its bounds are 15 and 90 %).
    scenario = load_scenario()
    net = build_net(scenario)
    model = compile_net(net)
    sun = net.sgen.max_p_mw[net.sgen.type == "pv"].sum()
    wind = net.sgen.max_p_mw[net.sgen.type == "wind"].sum()
    total = model.typical_mva.real.sum(axis=1)
    given = net.situations.groupby("situation").p_mw.sum().to_numpy()
    np.testing.assert_allclose(total, given, atol=1e-6)
    lost = 0.03 * (0.7 * net.load.p_mw[net.load.q_mvar != 0].sum() + net.load.p_mw[net.load.q_mvar == 0].sum())
    assert len(total) == 12 and (total >= lost - 1e-6).all()
    assert total.max() < 0.6 * (sun + wind)
    exact = np.isclose(total, lost, rtol=1e-6)
    assert exact.sum() >= 6
    q_mvar = model.typical_mva.imag.copy()
    result = solve(model, model.injections(model.typical_mva.real.copy(), q_mvar))
    assert result.solved.all() and (result.iterations <= 2).all()


def test_every_portion_is_taken_once_by_some_thread():
    seen, lock = [], threading.Lock()

    def work(waiting):
        for part in waiting:
            with lock:
                seen.extend(part.tolist())

    take_turns(work, portions(np.arange(1000), 7), 3)
    assert sorted(seen) == list(range(1000))
    take_turns(work, [], 0)


def test_work_within_work_does_not_wait_for_threads_that_are_busy_with_it():
    done, lock = [], threading.Lock()

    def inner(waiting):
        for part in waiting:
            with lock:
                done.append(part)

    def outer(waiting):
        for first in waiting:
            take_turns(inner, range(first, first + 10), 2)

    take_turns(outer, range(0, 80, 10), 2)
    assert sorted(done) == list(range(80))


def test_what_a_thread_raises_reaches_the_caller():
    def work(waiting):
        for part in waiting:
            if part == 7:
                raise ValueError("seven")

    with pytest.raises(ValueError, match="seven"):
        take_turns(work, range(100), 2)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not say where threads run")
def test_threads_are_apart_only_while_they_do_brief_work():
    before, seen = os.sched_getaffinity(0), []
    each_once(lambda: seen.append(os.sched_getaffinity(0)), 2, 2)
    assert os.sched_getaffinity(0) == before
    own = seen[0]  # of the caller, or of a helper that was first
    assert len(before) == 1 or own < before
    assert all(other == own or not other & own for other in seen)
    # Helpers do longer work, too: once all of them are free again, each may run anywhere.
    after, meet = [], threading.Barrier(2)

    def ask(waiting):
        for _ in waiting:
            meet.wait()
            after.append(os.sched_getaffinity(0))

    take_turns(ask, range(2), 2)
    assert after == [before, before]

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        each_once(fail, 2, 2)
    assert os.sched_getaffinity(0) == before


def test_work_is_done_where_the_system_forbids_to_keep_threads_apart(monkeypatch):
    def forbidden(*_):
        raise PermissionError("not here")

    done = []
    monkeypatch.setattr(os, "sched_setaffinity", forbidden, raising=False)
    each_once(lambda: done.append(1), 2, 2)
    assert done


def test_vectors_lie_on_whole_lines_of_the_cache():
    for size, dtype in ((1, np.float64), (5 * LANES, np.float32), (LANES, np.float64)):
        array = aligned(size, dtype, 2.0)
        assert array.ctypes.data % 64 == 0 and len(array) == size and (array == 2.0).all()
