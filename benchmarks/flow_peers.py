"""Other programs behind one interface: all hours of a case → complex or absolute voltages [hours × buses].

Each function returns engines ready to run; building of models is left out of the time, as it is for ours. A program
that is not installed gives no engine and a line that says so.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pandapower as pp
import pandas as pd

from benchmarks.flow_cases import PLAIN, Case, load_rows
from grid.flow import solve_voltages
from grid.model import Complexes, Injections
from grid.summary import take
from grid.tables import SolverTables, solver_tables
from scenarios.records import Floats

TOLERANCE_PU = 1e-8
MAX_ITERATIONS = 30
SLICE_HOURS = {"pandapower": 48, "PyPSA": 12}
"""Hours that the slow programs solve; their time is scaled to all hours."""


class Engine(NamedTuple):
    """``run`` solves ``hours`` (from the first) and returns voltages."""

    name: str
    run: Callable[[], Complexes]
    hours: int


def peers(case: Case) -> list[Engine]:
    """Return the engines of all installed programs, and say which are not installed."""
    engines: list[Engine] = []
    for package, make in (("lightsim2grid", lightsim), ("power_grid_model", power_grid_model), ("pypsa", pypsa)):
        if find_spec(package) is None:
            print(f"{package} is not installed: skipped (pip install -e '.[bench]')")
        else:
            with warnings.catch_warnings():  # they repair pandapower's stored networks aloud
                warnings.simplefilter("ignore")
                engines += make(case)
    return [*engines, *pandapower_series(case)]


def _per_load(case: Case, values: Floats) -> Floats:
    """Power drawn by each load of the net [hours × loads], MW or Mvar."""
    rows = np.array(load_rows(case))
    return np.ascontiguousarray(np.where(rows >= 0, -values[:, rows], 0.0))


# --- lightsim2grid ---


def lightsim(case: Case) -> list[Engine]:
    """lightsim2grid's time series, Newton and chord (its fastest exact configuration), the year on two threads."""
    import lightsim2grid.lightsim2grid_cpp as cpp  # noqa: PLC0415 - an optional peer
    from lightsim2grid.network import init_from_pandapower  # noqa: PLC0415

    pp.runpp(case.net, lightsim2grid=False)
    grid = init_from_pandapower(case.net, pp_orig_file="pandapower_v3")
    p_mw, q_mvar = _per_load(case, case.injections.p_mw), _per_load(case, case.injections.q_mvar)
    machines, static = np.zeros((len(p_mw), len(grid.get_generators()))), np.zeros((len(p_mw), 0))
    start = grid.ac_pf(np.ones(len(case.net.bus), dtype=np.complex128), MAX_ITERATIONS, _tolerance(case))

    def part(chord: bool, hours: slice) -> Complexes:
        series = cpp.TimeSeriesCPP(grid)
        series.change_algorithm(cpp.AlgorithmType.NRSing_KLU)
        if chord:  # the list is a copy: it must be assigned as a whole
            settings = series.get_algo_config()
            settings.int_params = [settings.int_params[0], int(cpp.Chord), *settings.int_params[2:]]
            series.set_algo_config(settings)
        arrays = (machines[hours], static[hours], p_mw[hours], q_mvar[hours])
        series.compute_Vs(*arrays, start, MAX_ITERATIONS, _tolerance(case))
        return np.asarray(series.get_voltages())[:, : len(case.model.buses)]

    def split(chord: bool) -> Complexes:
        middle = len(p_mw) // 2
        with ThreadPoolExecutor(2) as pool:
            halves = pool.map(lambda hours: part(chord, hours), (slice(0, middle), slice(middle, None)))
        return np.vstack(list(halves))

    hours = len(p_mw)
    return [
        Engine("lightsim2grid Newton (KLU), 2 threads", lambda: split(False), hours),
        Engine("lightsim2grid chord (KLU), 2 threads", lambda: split(True), hours),
    ]


def _tolerance(case: Case) -> float:
    """lightsim2grid takes its tolerance in MVA."""
    return TOLERANCE_PU * case.model.sn_mva


# --- power-grid-model ---


def power_grid_model(case: Case) -> list[Engine]:
    """power-grid-model's batch, Newton, two threads; held buses as loads with the reactive power they need."""
    import power_grid_model as pgm  # noqa: PLC0415 - an optional peer

    tables = solver_tables(case.net)
    q_mvar = case.injections.q_mvar + _reactive_of_controls(case)
    model = pgm.PowerGridModel(_pgm_input(pgm, tables, len(case.model.buses)), 50.0)
    buses, hours = len(case.model.buses), len(q_mvar)
    update = pgm.initialize_array("update", "sym_load", (hours, buses))
    update["id"] = 2 * buses + np.arange(buses)
    update["p_specified"], update["q_specified"] = -1e6 * case.injections.p_mw, -1e6 * q_mvar
    source = pgm.initialize_array("update", "source", (hours, 1))
    source["id"], source["u_ref"] = 10 * buses, float(case.injections.v_set_pu[0, _reference(case)])

    def run() -> Complexes:
        found = model.calculate_power_flow(
            update_data={"sym_load": update, "source": source},
            error_tolerance=TOLERANCE_PU,
            max_iterations=MAX_ITERATIONS,
            threading=2,
            output_component_types={"node": ["u_pu", "u_angle"]},  # complex voltages, as of the others
            continue_on_batch_error=True,
        )
        return np.asarray(found["node"]["u_pu"], dtype=np.complex128)

    return [Engine("power-grid-model Newton, 2 threads", run, hours)]


def _reference(case: Case) -> int:
    return int(np.flatnonzero(case.model.control_bus == case.model.slack_bus[0])[0])


def _reactive_of_controls(case: Case) -> Floats:
    """Reactive power that holds the voltages [hours × buses], Mvar: what the network draws beyond the schedule."""
    model, v = case.model, solve_voltages(case.model, case.injections, PLAIN).v_pu
    drawn = np.zeros((len(v), len(model.buses)), dtype=np.complex128)
    ends = [(model.from_bus, model.to_bus, model.y_ff_pu, model.y_ft_pu)]
    ends += [(model.to_bus, model.from_bus, model.y_tt_pu, model.y_tf_pu)]
    for own, other, y_own, y_other in ends:
        power = v[:, own] * np.conj(y_own * v[:, own] + y_other * v[:, other])
        np.add.at(drawn.T, own, power.T)
    drawn += np.abs(v) ** 2 * np.conj(model.y_shunt_pu)
    more = np.zeros_like(case.injections.q_mvar)
    held = model.control_bus
    more[:, held] = (drawn.imag * model.sn_mva - case.injections.q_mvar)[:, held]
    return more


def _pgm_input(pgm: Any, tables: SolverTables, buses: int) -> dict[str, Any]:
    """All nodes on 100 kV, so that ohms are per-unit values times one base; shunts of ends go to the buses."""
    base_v, base_va = 100e3, tables.sn_mva * 1e6
    ohm = base_v**2 / base_va
    node = pgm.initialize_array("input", "node", buses)
    node["id"], node["u_rated"] = np.arange(buses), base_v
    branch = pgm.initialize_array("input", "generic_branch", len(tables.from_bus))
    branch["id"] = 20 * buses + np.arange(len(branch))
    branch["from_node"], branch["to_node"] = tables.from_bus, tables.to_bus
    branch["from_status"] = branch["to_status"] = 1
    branch["r1"], branch["x1"] = tables.z_from_pu.real * ohm, tables.z_from_pu.imag * ohm
    branch["g1"] = branch["b1"] = 0.0
    branch["k"], branch["theta"] = np.abs(tables.tap), np.angle(tables.tap)
    branch["sn"] = base_va
    load = pgm.initialize_array("input", "sym_load", buses)
    load["id"], load["node"], load["status"], load["type"] = 2 * buses + np.arange(buses), node["id"], 1, 0
    load["p_specified"] = load["q_specified"] = 0.0
    shunt = pgm.initialize_array("input", "shunt", buses)
    y_bus = _all_shunts(tables, buses)
    shunt["id"], shunt["node"], shunt["status"] = 3 * buses + np.arange(buses), node["id"], 1
    shunt["g1"], shunt["b1"] = y_bus.real / ohm, y_bus.imag / ohm
    source = pgm.initialize_array("input", "source", 1)
    root = int(tables.source_bus[np.isfinite(tables.source_angle_deg)][0])
    source["id"], source["node"], source["status"], source["u_ref"] = 10 * buses, root, 1, 1.0
    source["sk"] = 1e30  # as good as ideal
    return {"node": node, "generic_branch": branch, "sym_load": load, "shunt": shunt, "source": source}


def _all_shunts(tables: SolverTables, buses: int) -> Complexes:
    """Shunts of buses and of the ends of branches together [buses], pu."""
    total = tables.y_shunt_pu.astype(np.complex128)
    np.add.at(total, tables.from_bus, tables.y_from_pu / 2 / np.abs(tables.tap) ** 2)
    np.add.at(total, tables.to_bus, tables.y_to_pu / 2)
    assert len(total) == buses
    return total


# --- PyPSA ---


def pypsa(case: Case) -> list[Engine]:
    """PyPSA's ``n.pf`` (Newton, one hour after the other) on a slice."""
    import pypsa as library  # noqa: PLC0415 - an optional peer

    logging.getLogger("pypsa").setLevel(logging.WARNING)
    hours = SLICE_HOURS["PyPSA"]
    names = [f"B{k}" for k in range(len(case.model.buses))]

    def build() -> Any:
        n = _pypsa_network(library, case, names, hours)
        n.pf(x_tol=TOLERANCE_PU)
        return n

    n = build()

    def run() -> Complexes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            n.pf(x_tol=TOLERANCE_PU)
        return np.asarray(n.buses_t.v_mag_pu[names], dtype=np.complex128)

    return [Engine(f"PyPSA pf ({hours} hours, scaled)", run, hours)]


def _pypsa_network(library: Any, case: Case, names: list[str], hours: int) -> Any:
    """All buses on 1 kV and all branches as transformers on 1 MVA, so that ohms and per-unit values are equal."""
    tables, model, part = solver_tables(case.net), case.model, take(case.injections, slice(0, hours))
    n = library.Network()
    n.set_snapshots(range(hours))
    held = dict(zip(model.control_bus.tolist(), part.v_set_pu[0].tolist(), strict=True))
    n.add("Bus", names, v_nom=1.0, v_mag_pu_set=[held.get(k, 1.0) for k in range(len(names))])
    branches = [f"T{k}" for k in range(len(tables.from_bus))]
    z = tables.z_from_pu / tables.sn_mva
    n.add(
        "Transformer",
        branches,
        bus0=[names[k] for k in tables.from_bus],
        bus1=[names[k] for k in tables.to_bus],
        model="pi",
        r=z.real,
        x=z.imag,
        s_nom=1.0,
        tap_ratio=np.abs(tables.tap),
        phase_shift=np.rad2deg(np.angle(tables.tap)),
    )
    y = _all_shunts(tables, len(names)) * tables.sn_mva
    n.add("ShuntImpedance", [f"S{k}" for k in range(len(names))], bus=names, g=y.real, b=y.imag)
    frame = {
        name: pd.DataFrame(-values, index=n.snapshots, columns=[f"L{k}" for k in range(len(names))])
        for name, values in (("p_set", part.p_mw), ("q_set", part.q_mvar))
    }
    n.add("Load", [f"L{k}" for k in range(len(names))], bus=names, **frame)
    root = int(model.slack_bus[0])
    kinds = ["Slack" if k == root else "PV" for k in model.control_bus.tolist()]
    n.add(
        "Generator", [f"G{k}" for k in model.control_bus], bus=[names[k] for k in model.control_bus], control=kinds
    )
    return n


# --- pandapower ---


def pandapower_series(case: Case) -> list[Engine]:
    """``pandapower.timeseries.run_timeseries`` (its numba solver) on a slice."""
    hours = min(SLICE_HOURS["pandapower"], len(case.injections.p_mw))
    part = take(case.injections, slice(0, hours))

    def run() -> Complexes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _run_timeseries(case, part)

    return [Engine(f"pandapower run_timeseries ({hours} hours, scaled)", run, hours)]


def _run_timeseries(case: Case, part: Injections) -> Complexes:
    from pandapower.control import ConstControl  # noqa: PLC0415 - slow to import
    from pandapower.timeseries import DFData, OutputWriter  # noqa: PLC0415
    from pandapower.timeseries.run_time_series import run_timeseries  # noqa: PLC0415

    net, loads = case.net, case.net.load.index
    net.controller = net.controller.iloc[0:0]
    for variable, values in (("p_mw", part.p_mw), ("q_mvar", part.q_mvar)):
        source = DFData(pd.DataFrame(_per_load(case, values), columns=loads))
        ConstControl(net, "load", variable, loads, profile_name=loads, data_source=source)
    writer = OutputWriter(net, range(len(part.p_mw)), output_path=None, log_variables=[("res_bus", "vm_pu")])
    run_timeseries(
        net,
        range(len(part.p_mw)),
        verbose=False,
        output_writer=writer,
        lightsim2grid=False,
        tolerance_mva=TOLERANCE_PU,  # pandapower compares it with the mismatch in per unit
        max_iteration=MAX_ITERATIONS,
        calculate_voltage_angles=True,
    )
    net.controller = net.controller.iloc[0:0]
    return np.asarray(writer.output["res_bus.vm_pu"], dtype=np.complex128)
