"""The figures of the tiny year, each with its arithmetic; and that a year which does not add up is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_outcome import FlowStatus, model, outcome

from scenarios.errors import InvariantError
from sim.accounts import gwh, share, whole_number
from sim.metrics import ramps, summarise
from sim.wires import losses_from_voltages_mw, monitored_buses

KEYS = [
    "energy_gwh",
    "curtailment",
    "utilisation",
    "storage",
    "demand_response",
    "network",
    "reliability",
    "emissions",
    "cost",
    "plan",
]


@pytest.fixture(scope="module")
def metrics():
    return summarise(outcome())


def test_metrics_have_exactly_the_promised_keys_and_are_json(metrics):
    assert list(metrics) == KEYS
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_energy_by_hand(metrics):
    energy = metrics["energy_gwh"]
    # C1 = 1 + 10.3 + 40.69596 − 10 + 20, … − 0 + 21, 1 − 20.4 + 118.70199 − 20 + 19, 1 + 30 + 60 − 10 + 20
    coal_mwh = 61.99596 + 72.99596 + 98.30199 + 101.0
    assert energy["generation"]["coal"] == pytest.approx(coal_mwh / 1000)
    assert energy["generation"]["wind"] == pytest.approx((20 + 30 + 40 + 10) / 1000)
    assert energy["generation"]["pv"] == pytest.approx((10 + 15 + 5) / 1000)
    assert energy["generation"]["total"] == pytest.approx((coal_mwh + 40 + 100 + 30) / 1000)
    assert energy["generation_gross"]["coal"] == pytest.approx(coal_mwh / 1000 / (1 - 0.06))
    assert energy["export"] == pytest.approx(0.080)
    assert energy["hydro_spilled"] == pytest.approx(0.010)
    assert energy["hours"] == 4
    assert list(energy["by_month"]) == ["2025-04"]
    assert energy["by_county"]["赫章"]["pv"] == pytest.approx(0.030)
    assert sum(row["load"] for row in energy["by_county"].values()) == pytest.approx(energy["load"])


def test_sources_and_uses_are_equal(metrics):
    energy = metrics["energy_gwh"]
    given = energy["generation"]["total"] + sum(energy[k] for k in ("discharge", "unserved", "shed", "shift_down"))
    taken = sum(energy[k] for k in ("load", "shift_up", "export", "charge", "loss"))
    assert given == pytest.approx(taken, rel=1e-12)
    assert energy["balance"]["max_residual_mw"] < 1e-9


def test_curtailment_by_hand(metrics):
    lost = metrics["curtailment"]
    assert lost["wind"]["gwh"] == pytest.approx(0.005)  # hour 0: 25 offered, 20 taken
    assert lost["wind"]["rate"] == pytest.approx(5 / 105)
    assert lost["pv"]["gwh"] == pytest.approx(0.010)  # hour 1: 25 offered, 15 taken
    assert lost["pv"]["rate"] == pytest.approx(10 / 40)
    assert lost["total"] == pytest.approx({"gwh": 0.015, "available_gwh": 0.145, "rate": 15 / 145})
    assert lost["by_plant"]["V1"]["clipped_gwh"] == pytest.approx(0.002)
    assert lost["by_county"]["威宁"]["pv"]["rate"] is None  # no PV there: no rate, not zero
    assert lost["by_county"]["赫章"]["pv"]["gwh"] == pytest.approx(0.010)


def test_the_causes_add_up_to_the_total(metrics):
    causes = metrics["curtailment"]["by_cause"].values()
    assert sum(cause["gwh"] for cause in causes) == pytest.approx(metrics["curtailment"]["total"]["gwh"])


def test_causes_by_hand(metrics):
    lost = metrics["curtailment"]
    # surplus 2 + 4, coal 3 + 5, network 1 of 15 MWh; the dispatches with fewer limits curtailed 7, 14 and 15 MWh
    by_cause = {cause: (row["gwh"], row["share"], row["increase_gwh"]) for cause, row in lost["by_cause"].items()}
    assert by_cause == {
        "surplus": pytest.approx((0.006, 6 / 15, 0.007)),
        "flexibility": pytest.approx((0.008, 8 / 15, 0.007)),
        "network": pytest.approx((0.001, 1 / 15, 0.001)),
        "security": pytest.approx((0.0, 0.0, 0.0)),
        "ac": pytest.approx((0.0, 0.0, 0.0)),
    }
    assert [row["operated"] for row in lost["by_cause"].values()] == [True, True, True, False, False]
    assert lost["by_cause"]["security"]["sentence"] == "no part of this operation"
    parts = lost["causes"]
    assert parts["by_tech"]["wind"] == pytest.approx({"surplus": 0.002, "flexibility": 0.003, "network": 0.0})
    assert parts["by_county"]["赫章"] == pytest.approx({"surplus": 0.004, "flexibility": 0.005, "network": 0.001})
    assert parts["by_plant"]["V1"] == parts["by_county"]["赫章"]
    assert parts["by_month"] == {
        "2025-04": pytest.approx({"surplus": 0.006, "flexibility": 0.008, "network": 0.001})
    }
    (row,) = parts["rows"]
    assert (row["row"], row["cause"], row["hours"], row["gwh"]) == ("L", "network", 2.0, pytest.approx(0.001))


def test_utilisation_and_full_load_hours_by_hand(metrics):
    used = metrics["utilisation"]
    assert used["all_causes"]["pv"] == pytest.approx(0.75)
    assert used["system_causes"] == used["all_causes"]
    hours = used["full_load_hours"]
    assert hours["by_plant"]["W1"] == pytest.approx(100 / 50)
    assert hours["by_tech"]["hydro"] == pytest.approx(40 / 20)
    assert hours["by_county"]["威宁"]["pv"] is None
    assert used["starts_by_plant"] == {"C1": 1}


def test_ramps_by_hand():
    # 10 → 40 → 15 → 15 → 20 MW in steps of half an hour: +60, −50, 0 and +10 MW/h; of |60|, |50|, |10|, 0 the 99th
    # percentile lies 0.97 of the way from 50 to 60.
    found = ramps(np.array([10.0, 40.0, 15.0, 15.0, 20.0]), 0.5)
    assert found == pytest.approx({"up": 60.0, "down": 50.0, "usual": 59.7})


def test_storage_demand_response_and_reliability_by_hand(metrics):
    assert metrics["storage"]["cycles"] == pytest.approx(4 / 0.8 / 20)
    assert metrics["storage"]["loss_gwh"] == pytest.approx(0.001)
    assert metrics["demand_response"]["shift_hours"] == 2
    assert metrics["demand_response"]["shed_max_mw"] == 1.0
    lost, load_mwh = 3.0, metrics["energy_gwh"]["load"] * 1000
    assert metrics["reliability"]["eens_mwh"] == pytest.approx(lost)
    assert metrics["reliability"]["unserved_hours"] == 1
    assert metrics["reliability"]["bulk_equivalent_outage_h"] == pytest.approx(lost / (load_mwh / 4))
    assert metrics["reliability"]["bulk_equivalent_reliability_percent"] == pytest.approx(
        100 * (1 - lost / load_mwh)
    )
    assert metrics["reliability"]["coal_below_minimum_mwh"] == pytest.approx(7.0)


def test_emissions_and_cost_by_hand(metrics):
    coal_mwh = 334.29391
    assert metrics["emissions"]["co2_t"] == pytest.approx(coal_mwh * 0.775)
    assert metrics["emissions"]["coal_tce"] == pytest.approx(coal_mwh * 287 / 1000)
    parts = [coal_mwh * 300, 600_000, 9 * 15, 1500, 4 * 25, 3 * 20000, -30, 450, 15 * 80]
    assert metrics["cost"]["total_cny"] == pytest.approx(sum(parts))
    assert metrics["cost"]["penalty_cny"] == pytest.approx(3 * 20000 + 15 * 80)
    assert metrics["cost"]["mean_price_cny_per_mwh"] == pytest.approx((300 - 80 + 20000 + 300) / 4)


def test_the_network_counts_solved_hours_only(metrics):
    network = metrics["network"]
    assert (network["hours_solved"], network["hours_failed"]) == (3, 1)
    assert network["by_status"]["not_converged"]["hours"] == 1
    assert network["messages"][0]["time"] == "2025-04-10T03:00:00+08:00"
    assert network["losses"]["gwh"] == pytest.approx((1.00404 + 1.00404 + 5.69801) / 1000)
    assert network["losses"]["dispatch_estimate_gwh"] == pytest.approx(0.003)
    assert network["losses"]["max_difference_mw"] == pytest.approx(4.69801)
    assert network["slack"]["net_gwh"] == pytest.approx((0.00404 + 0.00404 + 4.69801) / 1000)
    assert network["balance"]["ac_max_residual_mw"] < 1e-9


def test_loading_by_hand(metrics):
    loading = metrics["network"]["loading"]
    line = loading["by_branch"]["L"]
    assert line["max"] == pytest.approx(1.224)
    assert line["p99"] == pytest.approx(0.412 + 0.98 * (1.224 - 0.412))  # 2 · 0.99 = 1.98 along three values
    assert line["time_of_max"] == "2025-04-10T02:00:00+08:00"
    assert (loading["overloaded_hours"], loading["overloaded_element_hours"]) == (1, 2)


def test_voltage_compliance_by_hand(metrics):
    voltage = metrics["network"]["voltage"]
    assert voltage["rate"] == pytest.approx(8 / 9)  # C220 at 0.99 pu in one of its three hours
    assert voltage["by_bus"]["C220"]["low_hours"] == 1
    assert voltage["by_bus"]["C220"]["high_hours"] == 0
    of = outcome()
    b_mw, c_mw = of.case.load_mw.mean(axis=0)
    assert voltage["load_weighted_rate"] == pytest.approx((b_mw + c_mw * 2 / 3) / (b_mw + c_mw))
    assert (voltage["low_rate"], voltage["high_rate"]) == (pytest.approx(1 / 9), 0.0)
    assert voltage["load_weighted_low_rate"] == pytest.approx(c_mw / 3 / (b_mw + c_mw))
    assert voltage["by_bus"]["C220"]["low_rate"] == pytest.approx(1 / 3)
    assert voltage["by_bus"]["C220"]["weight_mw"] == pytest.approx(c_mw)
    # A500 has no load: its level has a rate, and no weighted one
    level = voltage["by_level"]["500"]
    assert (level["rate"], level["load_weighted_rate"]) == (1.0, None)
    assert voltage["by_level"]["220"]["rate"] == pytest.approx(5 / 6)


def test_buses_of_the_surrounding_grid_are_not_monitored():
    of = outcome()
    buses = tuple(
        bus.model_copy(update={"kind": "boundary"} if bus.bus_id == "A500" else {})
        for bus in of.scenario.tables.buses
    )
    tables = of.scenario.tables.model_copy(update={"buses": buses})
    changed = replace(of, scenario=of.scenario.model_copy(update={"tables": tables}))
    assert [item.bus.bus_id for item in monitored_buses(changed)] == ["B220", "C220"]


def test_worst_hours(metrics):
    worst = metrics["network"]["worst_hours"]
    assert worst["highest_curtailment"] == {"time": "2025-04-10T01:00:00+08:00", "mw": 10.0}
    assert worst["highest_loading"]["name"] == "L"
    assert worst["lowest_voltage"] == {"time": "2025-04-10T02:00:00+08:00", "vm_pu": 0.99, "name": "C220"}
    assert worst["largest_loss"]["mw"] == pytest.approx(5.69801)


def test_half_hours_halve_every_energy(metrics):
    half = summarise(outcome(0.5))
    assert half["energy_gwh"]["hours"] == 2
    for key in ("load", "export", "charge"):
        assert half["energy_gwh"][key] == pytest.approx(metrics["energy_gwh"][key] / 2)
    assert half["network"]["hours_solved"] == 1.5
    assert half["curtailment"]["total"]["rate"] == pytest.approx(metrics["curtailment"]["total"]["rate"])


def test_losses_from_voltages_do_not_use_the_flows():
    of = outcome()
    loss_mw = losses_from_voltages_mw(model(), of.flow, of.flow.solved)
    assert loss_mw == pytest.approx([1.00404, 1.00404, 5.69801], abs=1e-9)


def test_a_year_without_a_solved_hour_has_no_network_figures():
    of = outcome()
    nan = {
        name: np.full_like(getattr(of.flow, name), np.nan)
        for name in ("vm_pu", "va_deg", "p_from_mw", "p_to_mw", "loading", "slack_mw", "mismatch_pu")
    }
    failed = np.full(4, FlowStatus.NOT_CONVERGED, dtype=np.int64)
    network = summarise(replace(of, flow=replace(of.flow, status=failed, **nan)))["network"]
    assert network["hours_solved"] == 0
    assert network["loading"]["max"] is None
    assert network["voltage"]["rate"] is None
    assert network["losses"]["share_of_generation"] is None
    assert network["worst_hours"]["lowest_voltage"] is None


def test_a_dispatch_out_of_balance_is_refused():
    of = outcome()
    coal_mw = of.dispatch.coal_mw + np.array([[0.0], [0.01], [0.0], [0.0]])
    with pytest.raises(InvariantError, match=r"dispatch.*01:00.*does not add up in 1 steps, worst 0.01 MW"):
        summarise(replace(of, dispatch=replace(of.dispatch, coal_mw=coal_mw)))


def test_injections_that_are_not_the_dispatch_are_refused():
    of = outcome()
    injections = replace(of.injections, p_mw=of.injections.p_mw + np.array([0.0, 0.1, 0.0]))
    with pytest.raises(InvariantError, match="dispatch to injections"):
        summarise(replace(of, injections=injections))


def test_voltages_that_do_not_carry_the_injections_are_refused():
    of = outcome()
    vm_pu = of.flow.vm_pu + np.array([0.0, 1e-4, 0.0])
    with pytest.raises(InvariantError, match="AC power flow"):
        summarise(replace(of, flow=replace(of.flow, vm_pu=vm_pu)))


def test_flows_that_are_not_those_of_the_voltages_are_refused():
    of = outcome()
    p_to_mw = of.flow.p_to_mw + np.array([0.0, 0.5])
    with pytest.raises(InvariantError, match="flows of the branches"):
        summarise(replace(of, flow=replace(of.flow, p_to_mw=p_to_mw)))


def test_small_helpers():
    assert gwh(np.array([1000.0, 500.0]), 0.5) == pytest.approx(0.75)
    assert share(1.0, 0.0) is None
    assert whole_number(8760.0) == 8760
    assert isinstance(whole_number(8760.0), int)
    assert whole_number(0.25) == 0.25
