"""What a standard step of each measure brings: by hand on three buses, and what must hold for any of them.

    A500 ──T── B220 ──L── C220        V1 (sun): 100 MW in each of 4 hours; LC: 20 MW; LB: 100 MW; no loss.
    C1         LB         V1, LC      L carries 40 MW: of 100 MW of sun 60 are taken, 40 · 4 = 160 MWh curtailed.

C1 sends out up to 200 · (1 − 0.06) = 188 MW and at least a tenth of that; it covers the other 60 MW.
"""

from dataclasses import replace

import numpy as np
import pytest
from lp_cases import make_model
from tiny_outcome import outcome

from scenarios.schema import Scenario
from sim.absorption.measures import KINDS, Base, candidate_buses, candidate_rows, measures, monitored
from sim.absorption.relief import relief_of
from sim.dispatch import lp
from sim.dispatch.limits import network_limits
from sim.fleet import build_case
from sim.progress import Stages

HOURS = 4


@pytest.fixture(scope="module")
def base():
    scenario = flat_scenario()
    flat = np.ones((HOURS, 1))
    profiles = replace(
        outcome().profiles,
        available_mw=flat * [0.0, 100.0],
        load_mw=flat * [100.0, 20.0],
        export_mw=flat * 0.0,
        hydro_budget_mwh=np.zeros((1, 1)),
        hydro_minimum_mw=np.zeros((1, 1)),
    )
    lines = make_model([(0, 1, 0.1, 1000.0), (1, 2, 0.1, 40.0)])
    model = replace(lines, buses=("A500", "B220", "C220"), branches=("T", "L"))
    case = build_case(scenario, profiles, np.zeros(HOURS))
    limits = network_limits(scenario, model, case)
    return Base(scenario, profiles, model, case, limits, lp.solve(case, limits))


def flat_scenario():
    """Return the scenario of the tiny year without storage and response, its coal down to a tenth."""
    given = outcome().scenario
    settings = given.settings
    changed = {
        "scale": settings.scale.model_copy(update={"storage": 0.0}),
        "coal": settings.coal.model_copy(update={"minimum_pu": 0.1}),
        "demand_response": settings.demand_response.model_copy(update={"shed_share": 0.0, "shift_share": 0.0}),
    }
    return Scenario(settings=settings.model_copy(update=changed), tables=given.tables)


@pytest.fixture(scope="module")
def relief(base):
    return relief_of(base, lp.solve, 5, Stages(quiet=True))


def step(relief, kind, place=""):
    return next(item for item in relief.steps if (item.kind, item.place) == (kind, place))


def test_the_base_by_hand(base, relief):
    assert relief.curtailed_mwh == pytest.approx(4 * 40.0)
    assert relief.available_mwh == pytest.approx(400.0)
    assert relief.cost_cny == pytest.approx(4 * 60.0 * base.case.coal_cost[0])
    assert (candidate_buses(base), candidate_rows(base)) == (["C220"], ["L"])
    assert relief.left_out == 0


def test_rating_by_hand(base, relief):
    # 140 MW on L: all 100 MW of sun are taken, 20 at C and 80 over L; coal gives 20 (its minimum is 18.8).
    found = step(relief, "rating", "L")
    assert found.recovered_mwh == pytest.approx(160.0)
    assert found.saved_cny == pytest.approx(160.0 * base.case.coal_cost[0])


def test_storage_by_hand(relief):
    # 200 MWh, half full: 100 MWh of room, filled with 100 / 0.9274 MWh. While L is full it replaces no coal.
    found = step(relief, "storage", "C220")
    assert found.recovered_mwh == pytest.approx(100.0 / 0.9274)
    # Throughput is priced at 15 CNY/MWh, and no coal is saved within the four hours.
    assert found.saved_cny == pytest.approx(-15.0 * 100.0 / 0.9274)


def test_flexible_load_by_hand(base, relief):
    # It takes the 40 MW that nobody else can take, and pays what export above the contract pays (30 CNY/MWh).
    found = step(relief, "flexible_load", "C220")
    assert found.recovered_mwh == pytest.approx(160.0)
    assert found.saved_cny == pytest.approx(-base.case.price_export_up * 160.0)


def test_what_does_not_reach_behind_the_bottleneck_recovers_nothing(relief):
    for kind in ("coal_minimum", "export_band"):
        assert step(relief, kind).recovered_mwh == pytest.approx(0.0, abs=1e-6)


def test_steps_are_ranked_by_what_they_recover(relief):
    recovered = [item.recovered_mwh for item in relief.steps]
    assert recovered == sorted(recovered, reverse=True)
    assert {item.kind for item in relief.steps} == set(KINDS) - {"project"}  # these tables date nothing later


def test_an_export_channel_takes_no_more_than_it_can_carry(base):
    # Contract 0 and a limit of 50 MW: the band of 100 MW more is cut to 50.
    wider = next(item for item in measures(base, 1) if item.kind == "export_band").trial(base)
    assert wider.case.export_high_mw.max() == pytest.approx(50.0)
    assert wider.case.export_low_mw.min() == 0.0


def test_a_project_enters_with_what_it_replaces(base):
    tables = base.scenario.tables
    (line,) = tables.lines
    now = line.model_copy(update={"in_service_to": 2026})
    twin = line.model_copy(update={"line_id": "L2", "in_service_from": 2027})
    later = Scenario(settings=base.scenario.settings, tables=tables.model_copy(update={"lines": (now, twin)}))
    (project,) = [item for item in measures(replace(base, scenario=later), 1) if item.kind == "project"]
    assert (project.place, project.parts) == ("2027", ("L2",))
    assert project.trial(replace(base, scenario=later)).limits.rows == ("L2", "T")


def test_the_place_of_a_row_is_what_it_monitors():
    assert monitored("L without T") == "L"
    assert monitored("section 乌撒外送") == "section 乌撒外送"
