"""Tables → pandapower net: parameters by hand, what is in service when, and four snapshots of the real tables."""

from __future__ import annotations

import math

import numpy as np
import pandapower as pp
import pytest
from network_samples import boundary, bus, export, line, load, plant, scenario, shunt, storage, three_buses, trafo

from grid.elements import elements_of
from grid.network import build_net, held_voltage_pu
from scenarios.errors import DataError
from scenarios.load import load_scenario
from scenarios.schema import Scenario


def solve(net: pp.pandapowerNet) -> None:
    pp.runpp(
        net,
        distributed_slack=True,
        enforce_q_lims=True,
        init="dc",
        calculate_voltage_angles=True,
        max_iteration=50,
        tolerance_mva=1e-8,
    )


def solved_branches(net: pp.pandapowerNet) -> np.ndarray:
    """r, x, b and ratio (pu on 100 MVA) of every branch as pandapower's solver sees them."""
    solve(net)
    return net._ppc["branch"][:, [2, 3, 4, 8]].real


# --- parameters -----------------------------------------------------------------------------------


def test_line_becomes_the_pi_circuit_of_its_parallel_circuits() -> None:
    # Base impedance 500² / 100 = 2500 Ω; two circuits halve the series impedance and double the charging.
    r = 0.0188 * 100 / 2 / 2500
    x = 0.2738 * 100 / 2 / 2500
    b = 2 * math.pi * 50 * 12.92e-9 * 100 * 2 * 2500
    assert b == pytest.approx(2.0295, abs=1e-4)  # 203 Mvar of charging at 500 kV
    branch = solved_branches(build_net(three_buses()))[0]
    assert branch == pytest.approx([r, x, b, 1.0], rel=1e-9)


@pytest.mark.parametrize(("tap", "ratio"), [(0, 1.0), (1, 1.025), (-2, 0.95)])
def test_transformer_impedance_and_ratio(tap: int, ratio: float) -> None:
    # z = 12 % of 1500 MVA, referred to the 220 kV bus by (230/220)², to 100 MVA by 100/1500.
    z = 0.12 * (230 / 220) ** 2 * 100 / 1500
    r = 0.0018 * (230 / 220) ** 2 * 100 / 1500
    x = math.sqrt(z**2 - r**2)
    turns = 525 / 230 * 220 / 500 * ratio
    net = build_net(three_buses(trafos=(trafo("T", "B", "C", tap_position=tap),)))
    assert solved_branches(net)[1] == pytest.approx([r, x, 0.0, turns], rel=1e-9)


def test_ratings_are_the_normal_ones_and_the_emergency_rating_is_kept() -> None:
    net = build_net(three_buses())
    assert net.line.loc[0, ["max_i_ka", "max_i_emergency_ka", "parallel"]].tolist() == [2.356, 3.205, 2]
    # 1000 MW over the transformers: loading = 1000 / 1500 at about nominal current.
    net = build_net(three_buses(loads=(load("L", "C", 1000, power_factor=1),)))
    solve(net)
    current_ka = net.res_line.loc[0, "i_ka"]
    assert net.res_line.loc[0, "loading_percent"] == pytest.approx(100 * current_ka / (2 * 2.356))


def test_shunt_draws_its_reactive_power_at_nominal_voltage() -> None:
    net = build_net(three_buses(shunts=(shunt("R", "A", 120.0),), boundary=(boundary("A", v_set_pu=1.1),)))
    solve(net)
    assert net.res_shunt.loc[0, "q_mvar"] == pytest.approx(120 * 1.1**2)  # 145.2: it grows with V²


# --- what is connected ----------------------------------------------------------------------------


def full_example() -> Scenario:
    return three_buses(
        plants=(
            plant("coal", "B", "coal", 600),
            plant("water", "C", "hydro", 100),
            plant("pv", "C", "pv", 300),
            plant("wind", "C", "wind", 200),
        ),
        loads=(load("town", "C", 200),),
        exports=(export("out", "B"),),
        storages=(storage("battery", "C", 50),),
        settings={"scale": {"pv": 2, "load": 1.5, "export": 0.5, "storage": 3}},
    )


def test_elements_are_called_as_in_the_tables() -> None:
    net = build_net(full_example())
    names = {
        table: net[table].name.tolist() for table in ("bus", "line", "trafo", "ext_grid", "gen", "sgen", "load")
    }
    assert names == {
        "bus": ["A", "B", "C"],
        "line": ["A-B"],
        "trafo": ["T"],
        "ext_grid": ["A"],
        "gen": ["coal", "water"],
        "sgen": ["pv", "wind"],
        "load": ["town", "out"],
    }
    assert net.storage.name.tolist() == ["battery"]


def test_multipliers_and_reactive_power_of_loads() -> None:
    net = build_net(full_example())
    assert net.sgen.max_p_mw.tolist() == [600, 200]  # PV × 2
    assert net.storage.max_p_mw.tolist() == [150]
    # 200 MW × 1.5 at cos φ 0.8: tan φ = 0.75, of which a quarter is compensated: 300 × 0.75 × 0.75 = 168.75 Mvar.
    assert net.load.loc[0, ["p_mw", "q_mvar"]].tolist() == pytest.approx([300, 168.75])
    # 40,000 GWh / 8,760 h × 0.5 = 2,283.1 MW.
    assert net.load.loc[1, "p_mw"] == pytest.approx(40e6 / 8760 / 2)


def test_plants_hold_the_voltage_of_their_level_within_their_reactive_limits() -> None:
    net = build_net(
        three_buses(
            plants=(plant("coal", "B", "coal", 600), plant("water", "C", "hydro", 100)),
            settings={"grid": {"v_set_500_pu": 1.02, "v_set_220_pu": 1.04}},
        )
    )
    assert net.gen.vm_pu.tolist() == [1.02, 1.04]
    assert net.gen.loc[0, ["min_q_mvar", "max_q_mvar"]].tolist() == [-150, 300]  # −0.25 and 0.5 of 600 MW
    solve(net)
    assert net.res_bus.vm_pu.tolist()[1] == pytest.approx(1.02)


def test_plant_at_a_boundary_node_holds_the_boundary_voltage() -> None:
    example = three_buses(plants=(plant("coal", "A", "coal", 600),), boundary=(boundary("A", v_set_pu=1.05),))
    elements = elements_of(example)
    assert held_voltage_pu(elements.buses[0], elements, example.settings.grid) == 1.05
    solve(build_net(example))  # pandapower refuses two set points at one bus


def test_boundary_nodes_share_the_residual_by_weight() -> None:
    example = three_buses(
        boundary=(boundary("A", 0.75), boundary("B", 0.25)),
        loads=(load("L", "C", 400, power_factor=1),),
    )
    net = build_net(example)
    solve(net)
    total = 400 + net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()
    assert net.res_ext_grid.loc[0, "p_mw"] == pytest.approx(0.75 * total, abs=1e-4)
    assert net.res_gen.loc[0, "p_mw"] == pytest.approx(0.25 * total, abs=1e-4)


def test_converter_is_never_the_reference() -> None:
    example = three_buses(
        buses=(bus("H", 500, "hvdc"), bus("A", 500, "boundary"), bus("B", 500), bus("C", 220)),
        lines=(line("A-B", "A", "B"), line("H-A", "H", "A")),
        boundary=(boundary("A"),),
    )
    assert build_net(example).ext_grid.name.tolist() == ["A"]


# --- years ----------------------------------------------------------------------------------------


def dated_example(year: int) -> Scenario:
    """B and its transformer come in 2025; D is fed by a line that ends in 2025."""
    return scenario(
        year=year,
        buses=(bus("A", 500, "boundary"), bus("B", 500, in_service_from=2025), bus("C", 220), bus("D", 500)),
        lines=(line("A-B", "A", "B"), line("A-D", "A", "D", in_service_to=2025)),
        trafos=(trafo("T", "B", "C"),),
        boundary=(boundary("A"),),
    )


@pytest.mark.parametrize(
    ("year", "buses", "left_out"),
    [
        (2024, ["A", "D"], {"B": "not in service in 2024", "C": "not connected to A in 2024"}),
        (2025, ["A", "B", "C", "D"], {}),
        (2026, ["A", "B", "C"], {"D": "not connected to A in 2026"}),
    ],
)
def test_what_is_not_connected_in_a_year_is_left_out_and_named(
    year: int, buses: list[str], left_out: dict[str, str]
) -> None:
    example = dated_example(year)
    assert build_net(example).bus.name.tolist() == buses
    named = {item.name: item.reason for item in elements_of(example).left_out if item.table == "buses"}
    assert named == left_out


def test_branches_of_a_missing_bus_are_named_too() -> None:
    left_out = [str(item) for item in elements_of(dated_example(2024)).left_out]
    assert "lines.csv (A-B): bus B is not in service in 2024" in left_out
    assert "trafos.csv (T): bus B is not in service in 2024" in left_out


def test_unsound_network_is_refused() -> None:
    with pytest.raises(DataError, match=r"plants\.csv"):
        build_net(three_buses(buses=(bus("A", 500, "boundary"), bus("B", 500), bus("C", 220), bus("X", 220)),
                              plants=(plant("P", "X", "pv", 1),)))  # fmt: skip


# --- the Bijie tables -----------------------------------------------------------------------------

# Per unit of the peak (load, export: of the contract's mean) and of capacity; and the coal plants that are off.
SNAPSHOTS = {
    "winter evening": {"load": 1.00, "pv": 0.0, "wind": 0.40, "hydro": 0.6, "coal": 0.75, "export": 1.15},
    "spring noon": {"load": 0.55, "pv": 0.75, "wind": 0.45, "hydro": 0.2, "coal": 0.40, "export": 1.15},
    "wet summer day": {"load": 0.65, "pv": 0.5, "wind": 0.15, "hydro": 1.0, "coal": 0.50, "export": 1.15},
    "light-load night": {"load": 0.38, "pv": 0.0, "wind": 0.25, "hydro": 0.1, "coal": 0.35, "export": 0.80},
}
OFF_AT_NIGHT = ("C1", "C3", "C4", "C6", "C8", "C9")


def bijie(year: int = 2025) -> Scenario:
    """The built-in scenario in another year."""
    return load_scenario("plan-2025", [f"time.year={year}"])


def set_snapshot(net: pp.pandapowerNet, name: str) -> None:
    share = SNAPSHOTS[name]
    exports = net.load.name.str.startswith("EXP")
    net.load["scaling"] = np.where(exports, share["export"], share["load"])
    net.sgen["p_mw"] = net.sgen.max_p_mw * net.sgen.type.map(share)
    net.gen["p_mw"] = (net.gen.max_p_mw * net.gen.type.map(share)).fillna(0.0)
    net.gen["in_service"] = ~(net.gen.name.isin(OFF_AT_NIGHT) & (name == "light-load night"))


@pytest.fixture(scope="module")
def bijie_net() -> pp.pandapowerNet:
    return build_net(bijie())


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_voltages_keep_their_bands_in_four_snapshots(bijie_net: pp.pandapowerNet, name: str) -> None:
    limits = load_scenario().settings.limits
    set_snapshot(bijie_net, name)
    solve(bijie_net)
    v = bijie_net.res_bus.vm_pu
    at_500 = bijie_net.bus.vn_kv == 500
    assert v[at_500].between(limits.voltage_500.low_pu, limits.voltage_500.high_pu).all()
    assert v[~at_500].between(limits.voltage_220.low_pu, limits.voltage_220.high_pu).all()


def test_power_balances_in_a_snapshot(bijie_net: pp.pandapowerNet) -> None:
    set_snapshot(bijie_net, "spring noon")
    solve(bijie_net)
    fed_in = bijie_net.res_gen.p_mw.sum() + bijie_net.res_sgen.p_mw.sum() + bijie_net.res_ext_grid.p_mw.sum()
    losses = bijie_net.res_line.pl_mw.sum() + bijie_net.res_trafo.pl_mw.sum()
    assert fed_in == pytest.approx(bijie_net.res_load.p_mw.sum() + losses, abs=1e-3)


@pytest.mark.parametrize(
    ("year", "missing"),
    [(2024, {"JHH500", "JHH220", "WEIHE500", "JYZJ500"}), (2025, {"WEIHE500"}), (2026, set())],
)
def test_stations_appear_in_their_years(year: int, missing: set[str]) -> None:
    example = bijie(year)
    net = build_net(example)
    assert {row.bus_id for row in example.tables.buses} - set(net.bus.name) == missing
    assert ("WUSA500-SX500@2020" in set(net.line.name)) == (year < 2026)  # cut into Weihe in 2026
    set_snapshot(net, "winter evening")
    solve(net)
    assert net.res_bus.vm_pu.between(0.95, 1.10).all()


def test_line_reactors_go_with_their_lines() -> None:
    for year in (2024, 2025, 2026):
        elements = elements_of(bijie(year))
        lines = {row.line_id for row in elements.lines}
        reactors = [row for row in elements.shunts if row.kind == "line_reactor"]
        # Named R-<line>-<circuit>, at one end of that line.
        ends = {row.line_id: (row.from_bus, row.to_bus) for row in elements.lines}
        for row in reactors:
            name = row.shunt_id.removeprefix("R-").rpartition("-")[0]
            assert name in lines
            assert row.bus_id in ends[name]


def test_line_reactors_compensate_about_three_quarters_of_the_charging() -> None:
    tables = load_scenario().tables
    types = {row.line_type: row for row in tables.line_types}
    for row in tables.lines:
        banks = [s for s in tables.shunts if s.shunt_id.rpartition("-")[0] == f"R-{row.line_id}"]
        if row.vn_kv < 500 or row.length_km < 70:
            assert not banks
            continue
        charging = 2 * math.pi * 50 * types[row.line_type].c_nf_per_km * 1e-9 * row.length_km * 500**2
        assert len(banks) == row.circuits
        for bank in banks:
            assert 0.6 < bank.q_mvar / charging < 0.9, row.line_id
