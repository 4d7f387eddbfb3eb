"""The Bijie grid after losses, solved again by ``pandapower.runpp`` on a net without the element.

The net is changed in pandapower's own tables (``parallel``, ``in_service``, shunts), converted anew and solved hour
by hour: neither the patched admittances nor the batch solver nor the judging kernel are used.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from grid.checks import check_network
from grid.compile import compile_net
from grid.contingency import each_outage
from grid.model import FlowOptions
from grid.network import build_net
from grid.reference import solve as solve_by_pandapower
from scenarios.load import load_scenario
from sim.reliability.security import emergency_model, post_fault_band, study_security
from sim.reliability.security_operation import YearOperation
from sim.reliability.security_outages import Situation, losses_of

HOURS = 3
OPTIONS = FlowOptions()


@cache
def bijie() -> tuple[object, Situation]:
    """The net and a situation of three made-up hours: loads, plants and exports at 55 to 85 % of what they can."""
    scenario = load_scenario("plan-2025", [f"time.hours={HOURS}"])
    elements, net = check_network(scenario).elements, build_net(scenario)
    model = compile_net(net)
    rng = np.random.default_rng(3)
    taken, given = (np.zeros((HOURS, len(model.buses))) for _ in range(2))
    q_mvar = np.zeros_like(taken)
    for load in elements.loads:
        mw = load.peak_mw * rng.uniform(0.55, 0.85, HOURS)
        taken[:, model.buses.index(load.bus_id)] += mw
        q_mvar[:, model.buses.index(load.bus_id)] -= 0.12 * mw
    for channel in elements.exports:
        taken[:, model.buses.index(channel.bus_id)] += channel.share * 4600.0
    plants = scenario.plants_of("coal", "hydro")
    generation = np.zeros((HOURS, len(plants)))
    for plant in elements.plants:
        mw = plant.capacity_mw * rng.uniform(0.3, 0.5, HOURS)
        given[:, model.buses.index(plant.bus_id)] += mw
        if plant in plants:
            generation[:, plants.index(plant)] = mw
    operation = YearOperation(
        time=scenario.time, buses=model.buses, plants=tuple(plant.plant_id for plant in plants),
        injections=model.injections(given - taken, q_mvar), solved=np.ones(HOURS, dtype=bool), taken_mw=taken,
        generation_mw=generation, units_on=np.array([[plant.units for plant in plants]] * HOURS),
    )  # fmt: skip
    return net, Situation(scenario, elements, model, operation)


def without(loss: str):
    """The net with the element out of service, and the injections of a unit's loss, both by plain table edits."""
    net, at = bijie()
    net, operation, injections = deepcopy(net), at.operation, at.operation.injections
    name = loss.split(maxsplit=1)[0]
    kind = "trafo" if name.startswith("T-") else "line" if "-" in name else "gen"
    if kind == "gen":
        (plant,) = (plant for plant in at.scenario.plants if plant.plant_id == name)
        p_mw = injections.p_mw.copy()
        p_mw[:, at.model.buses.index(plant.bus_id)] -= (
            operation.generation_mw[:, operation.plants.index(name)] / plant.units
        )
        keep = 1 - 1 / plant.units
        row = net.gen.index[net.gen["name"] == name][0]
        net.gen.loc[row, ["min_q_mvar", "max_q_mvar"]] *= keep
        net.gen.loc[row, "in_service"] = keep > 0
        return net, p_mw
    table = net[kind]
    row = table.index[table["name"] == name][0]
    count = int(table.at[row, "parallel"])
    table.loc[row, "parallel"] = max(1, count - 1)
    table.loc[row, "in_service"] = count > 1
    reactors = [shunt.shunt_id for shunt in at.elements.shunts if shunt.line_id == name]
    net.shunt.loc[net.shunt["name"].isin(reactors), "q_mvar"] *= 1 - 1 / count
    return net, injections.p_mw


LOSSES = ("T-WUSA-2", "T-SX 1/2", "WUSA500-JHH500", "WUSA220-GFH220 1/2", "WUSA500-LPS500 1/2", "C8 1/2")


@cache
def theirs(loss: str):
    net, p_mw = without(loss)
    model = compile_net(net)
    injections = model.injections(p_mw, bijie()[1].operation.injections.q_mvar)
    return model, solve_by_pandapower(net, model, injections, OPTIONS)


@cache
def mine(loss: str):
    _, at = bijie()
    (wanted,) = (item for item in losses_of(at) if item.name == loss)
    (after,) = each_outage(emergency_model(at), at.operation.injections, [wanted.outage()], OPTIONS)
    (verdict,) = study_security(at, [wanted], OPTIONS).verdicts
    return after, verdict


@pytest.mark.parametrize("loss", LOSSES)
def test_voltages_agree(loss: str):
    model, result = theirs(loss)
    after, _ = mine(loss)
    assert result.solved.all() and after.solved.all()
    assert model.buses == after.model.buses
    v = result.vm_pu * np.exp(1j * np.deg2rad(result.va_deg))
    assert np.abs(v - after.v_pu).max() < 1e-8


@pytest.mark.parametrize("loss", LOSSES)
def test_worst_loading_and_voltages_agree(loss: str):
    model, result = theirs(loss)
    _, verdict = mine(loss)
    at = bijie()[1]
    ratio = dict(zip(at.model.branches, emergency_model(at).limit_from_ka / at.model.limit_from_ka, strict=True))
    emergency = result.loading / np.array([ratio[name] for name in model.branches])
    assert verdict.loading.value == pytest.approx(emergency.max(), abs=1e-8)
    step, branch = np.unravel_index(emergency.argmax(), emergency.shape)
    assert (verdict.loading.step, verdict.loading.place) == (step, model.branches[branch])
    band = post_fault_band(at.scenario, at.model)
    judged = result.vm_pu[:, band.bus]
    assert verdict.low.value == pytest.approx(judged.flat[(judged / band.low_pu).argmin()], abs=1e-8)
    assert verdict.high.value == pytest.approx(judged.flat[(judged / band.high_pu).argmax()], abs=1e-8)
    assert sorted(over.branch for over in verdict.overloads) == sorted(
        name for k, name in enumerate(model.branches) if emergency[:, k].max() > 1
    )


def test_emergency_ratings_are_those_of_the_tables():
    at = bijie()[1]
    ratio = dict(zip(at.model.branches, emergency_model(at).limit_from_ka / at.model.limit_from_ka, strict=True))
    assert ratio["T-WUSA-1"] == pytest.approx(1.3)
    assert ratio["WUSA500-JHH500"] == pytest.approx(4.293 / 3.105)


def test_line_reactors_go_out_with_their_line():
    """WUSA500-JHH500 has one reactor of 108.8 Mvar at WUSA500; one of two circuits of WUSA500-LPS500 has half."""
    at = bijie()[1]
    outages = {loss.name: loss.outage() for loss in losses_of(at) if loss.kind == "line"}
    assert outages["WUSA500-JHH500"].shunts == (("WUSA500", -1.088j),)
    assert outages["WUSA500-LPS500 1/2"].shunts == (("WUSA500", -0.408j), ("LPS500", -0.408j))
    assert outages["WUSA220-WN220 1/2"].shunts == ()


def test_every_line_transformer_and_large_unit_is_tried():
    at = bijie()[1]
    losses = losses_of(at)
    by_kind = {kind: [loss for loss in losses if loss.kind == kind] for kind in ("line", "trafo", "unit")}
    assert [loss.elements[0] for loss in by_kind["line"]] == [line.line_id for line in at.elements.lines]
    assert sum(loss.of for loss in by_kind["line"]) == sum(line.circuits for line in at.elements.lines)
    assert sum(loss.of for loss in by_kind["trafo"]) == sum(trafo.n_parallel for trafo in at.elements.trafos)
    large = [plant for plant in at.scenario.plants if plant.tech in ("coal", "hydro") and plant.unit_mw >= 300]
    assert {loss.elements[0] for loss in by_kind["unit"]} == {plant.plant_id for plant in large}
    towers = [loss for loss in losses_of(at, towers=True) if loss.kind == "tower"]
    assert {loss.confidence for loss in towers} == {"assumed"}


def test_more_of_a_branch_than_there_is_cannot_be_lost():
    at = bijie()[1]
    loss = losses_of(at)[0]
    twice = replace(loss.outage(), lost=(*loss.outage().lost, *loss.outage().lost))
    with pytest.raises(ValueError, match="more of a branch is lost than there is"):
        list(each_outage(at.model, at.operation.injections, [twice], OPTIONS))
