"""The compiled arrays against pandapower's own matrices, and the refusals."""

import numpy as np
import pandapower as pp
import pytest
from flow_cases import case, ring, two_buses

from grid import reference
from grid.compile import bus_positions, compile_net, tabled_injections
from grid.tables import quiet, solver_tables
from scenarios.errors import DataError


@pytest.mark.parametrize("name", ["case14", "case57", "case118", "case300"])
def test_admittance_equals_pandapowers(name):
    net, model = case(name)
    with quiet():
        pp.runpp(net, lightsim2grid=False)
    theirs = net._ppc["internal"]["Ybus"]
    rows = solver_tables(net).bus_of
    lookup = net._pd2ppc_lookups["bus"]
    to = np.empty(len(rows), dtype=int)
    for bus, row in rows.items():
        to[row] = lookup[bus]
    np.testing.assert_allclose(reference.admittance(model).toarray(), theirs.toarray()[np.ix_(to, to)], atol=1e-9)


def test_two_ports_by_hand():
    # x = 50 Ω on 100 kV, 100 MVA (100 Ω): 0.5 pu → y = −2j; no charging, no tap.
    model = compile_net(two_buses())
    for port, value in (("y_ff_pu", -2j), ("y_ft_pu", 2j), ("y_tf_pu", 2j), ("y_tt_pu", -2j)):
        assert getattr(model, port)[0] == pytest.approx(value)
    assert model.limit_from_ka[0] == 0.5 and not model.is_trafo[0]


def test_parallel_circuits_and_missing_ratings():
    net = two_buses()
    net.line["parallel"] = 3
    model = compile_net(net)
    assert model.limit_to_ka[0] == pytest.approx(1.5) and model.y_ft_pu[0] == pytest.approx(6j)
    net.line["max_i_ka"] = np.nan
    assert np.isinf(compile_net(net).limit_from_ka[0])


def test_sources_and_slacks():
    model = compile_net(ring())
    assert model.controls == ("B0", "B2") and model.q_max_mvar.tolist() == [np.inf, 20.0]
    assert model.slack_weight.tolist() == [0.75, 0.25]
    assert model.slack_angle_deg[0] == 0.0 and np.isnan(model.slack_angle_deg[1])


def test_generators_at_one_bus_are_one_control():
    net = ring()
    pp.create_gen(net, 2, p_mw=10.0, vm_pu=1.01, min_q_mvar=-5.0, max_q_mvar=7.0)
    model = compile_net(net)
    assert model.q_min_mvar[1] == -25.0 and model.q_max_mvar[1] == 27.0
    assert tabled_injections(net, model).p_mw[0, 2] == 60.0


def test_fused_buses_and_elements_out_of_service():
    net = ring()
    twin = pp.create_bus(net, 220.0, name="B1 twin")
    pp.create_switch(net, 1, twin, et="b")
    pp.create_bus(net, 220.0, name="gone", in_service=False)
    net.line.loc[3, "in_service"] = False
    model = compile_net(net)
    assert model.buses == ("B0", "B1", "B2", "B3") and model.branches == ("L0", "L1", "L2")
    assert bus_positions(net)["B1 twin"] == bus_positions(net)["B1"] == 1


def test_the_net_is_not_changed():
    net = ring()
    before = net.line.copy(), sorted(net.keys())
    compile_net(net)
    assert before[0].equals(net.line) and before[1] == sorted(net.keys())


def test_all_problems_at_once():
    net = ring()
    pp.create_gen(net, 2, p_mw=1.0, vm_pu=1.05)
    pp.create_gen(net, 1, p_mw=1.0, vm_pu=1.0, min_q_mvar=5.0, max_q_mvar=-5.0)
    with pytest.raises(DataError) as caught:
        compile_net(net)
    assert len(caught.value.problems) == 2
    assert "B2" in str(caught.value) and "min_q_mvar" in str(caught.value)


def test_what_is_not_modelled_is_refused():
    net = ring()
    pp.create_dcline(net, 0, 1, p_mw=10, loss_percent=1, loss_mw=0.1, vm_from_pu=1.02, vm_to_pu=1.0)
    with pytest.raises(DataError, match="dcline"):
        compile_net(net)
    net = ring()
    net.load["const_z_p_percent"] = 20.0
    with pytest.raises(DataError, match="voltage-dependent"):
        compile_net(net)


def test_no_reference():
    net = ring()
    net.ext_grid["in_service"] = False
    with pytest.raises(DataError, match=r"external grid|reference|slack"):
        compile_net(net)
