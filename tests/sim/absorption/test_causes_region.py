"""Causes on the region's own grid: spring days of the plan, and with twice the PV; the laws of the shares."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from grid.compile import compile_net
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.load import load_scenario
from sim.absorption.causes import CAUSES, Operated, curtailed, flexible, separate
from sim.dispatch import lp
from sim.dispatch.limits import network_limits
from sim.fleet import build_case

EXACT = 1e-6
CASES = {
    "tiny": ("tiny", ()),
    "a week of the plan": ("plan-2025", ("time.start=2025-03-01", "time.hours=168")),
    "twice the PV, N-1": (
        "plan-2025",
        ("scale.pv=2", "dispatch.security=n1", "time.start=2025-03-05", "time.hours=96"),
    ),
}


@lru_cache(maxsize=3)
def operated(name):
    scenario = load_scenario(CASES[name][0], CASES[name][1])
    case = build_case(scenario, generate(scenario, make_weather(scenario)))
    limits = network_limits(scenario, compile_net(build_net(scenario)), case)
    return Operated(case, lp.solve(case, limits), limits)


@lru_cache(maxsize=3)
def causes_of(name):
    return separate(operated(name), lp.solve)


def energy(causes, *names):
    return sum(float(causes.of(name).sum()) for name in names)


@pytest.mark.parametrize("name", CASES)
def test_shares_add_up_exactly_and_none_is_negative(name):
    causes, given = causes_of(name), operated(name)
    lost = curtailed(given.case, given.result)
    assert lost.sum() > 0.0 or name == "tiny"
    assert np.abs(causes.share_mw.sum(axis=0) - lost).max() < EXACT
    assert abs(causes.share_mw.sum() - lost.sum()) < EXACT
    assert (causes.share_mw >= 0.0).all()
    assert sum(row.mwh for row in causes.rows) == pytest.approx(energy(causes, "network", "security"), abs=EXACT)


def test_twice_the_pv_meets_the_network():
    causes = causes_of("twice the PV, N-1")
    assert causes.causes == CAUSES[:4]
    assert energy(causes, "network") > 100.0
    assert causes.rows[0].hours > 0.0


def test_without_rating_limits_the_network_has_no_share():
    given = operated("twice the PV, N-1")
    wide = np.full(len(given.limits.rows), 1e6)
    free = replace(given.limits, low_mw=-wide, high_mw=wide)
    causes = separate(Operated(given.case, lp.solve(given.case, free), free), lp.solve)
    assert energy(causes, "network", "security") == 0.0
    assert causes.rows == ()


def test_only_surplus_remains_with_a_copper_plate_and_flexible_coal():
    ideal = flexible(operated("twice the PV, N-1").case)
    causes = separate(Operated(ideal, lp.solve(ideal)), lp.solve)
    assert energy(causes, "surplus") > 1000.0
    assert energy(causes, *CAUSES[1:]) == 0.0


@pytest.mark.parametrize("load", [0, 7, 19])
def test_adding_load_at_a_bus_never_raises_the_surplus(load):
    given = operated("twice the PV, N-1")
    more = given.case.load_mw.copy()
    more[:, load] += 200.0
    case = replace(given.case, load_mw=more)
    causes = separate(Operated(case, lp.solve(case, given.limits), given.limits), lp.solve)
    before = energy(causes_of("twice the PV, N-1"), "surplus")
    assert energy(causes, "surplus") < before
