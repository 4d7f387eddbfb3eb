"""Networks and a year of injections that every power-flow engine can be given.

What was made equal, so that all solve the same equations:

* One angle reference: further external grids become generators that only hold voltage.
* One load per bus, with the sum of all that is injected there (generation as negative load), because that is the
  one kind of element that every peer can change by hour in a batch; generators only hold voltage, without limits.
* Parallel circuits become one; transformers are rated at their buses' voltages and have no magnetising branch
  (lightsim2grid knows the former not, and the latter elsewhere).
* power-grid-model 1.12 knows no buses that hold voltage: it is given the reactive power they turned out to need.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pandapower.toolbox

from grid.compile import compile_net, multiples_of, tabled_injections
from grid.flow import FlowOptions
from grid.model import GridModel, Injections
from grid.network import build_net
from grid.tables import INJECTING, solver_tables
from scenarios.load import load_scenario
from scenarios.records import Floats
from sim.pipeline import simulate
from sim.progress import Stages

PLAIN = FlowOptions(enforce_q_limits=False, distributed_slack=False)
LOWEST = {"case300": 0.6}
"""Share of the tabled load around which a case is varied, where it is not 0.85 (case300 has little to spare)."""


class Case(NamedTuple):
    """One network, its compiled model, and a year of injections; ``net`` has one load per bus, in order."""

    name: str
    net: Any
    model: GridModel
    injections: Injections


def make_case(name: str, hours: int) -> Case:
    """Return ``bijie`` with the hours of the default scenario, or a stored network with shapes of load."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # stored networks carry columns of older pandas
        return _bijie(hours) if name == "bijie" else _stored(name, hours)


def _stored(name: str, hours: int) -> Case:
    net = getattr(pn, name)()
    pp.toolbox.create_continuous_bus_index(net, start=0)
    whole = compile_net(net)
    base = tabled_injections(net, whole)
    _only_loads(net)
    model = replace(compile_net(net), typical_mva=multiples_of(base.p_mw[0] + 1j * base.q_mvar[0]))
    shape = _shape(hours, len(model.buses), LOWEST.get(name, 0.85))
    return Case(name, net, model, model.injections(base.p_mw * shape, base.q_mvar * shape))


def _shape(hours: int, buses: int, middle: float) -> Floats:
    """Daily and seasonal shape of all buses with 3 % noise at each (seeded) [hours × buses]."""
    rng = np.random.default_rng(7)
    hour = np.arange(hours)
    level = middle + 0.1 * np.cos(2 * np.pi * (hour - 19) / 24) + 0.04 * np.cos(2 * np.pi * hour / 8760)
    return np.asarray(level[:, None] * (1 + 0.03 * rng.standard_normal((hours, buses))))


def _bijie(hours: int) -> Case:
    scenario = load_scenario()
    given = simulate(scenario, Stages()).injections
    net = build_net(scenario)
    whole = compile_net(net)
    _only_loads(net)
    _single(net)
    pp.toolbox.create_continuous_bus_index(net, start=0)
    compiled = compile_net(net)
    assert compiled.buses == whole.buses
    model = replace(compiled, typical_mva=whole.typical_mva)
    p_mw, q_mvar = np.asarray(given.p_mw[:hours]), np.asarray(given.q_mvar[:hours])
    return Case("bijie", net, model, model.injections(p_mw.copy(), q_mvar.copy()))


def _only_loads(net: Any) -> None:
    """Leave one angle reference, one load per bus that can have power, and generators that only hold voltage."""
    carrying = sorted({int(bus) for kind in (*INJECTING, "ext_grid") for bus in net[kind].bus})
    for kind in ("load", "sgen", "storage"):
        net[kind] = net[kind].iloc[0:0]
    net.gen = net.gen[net.gen.in_service]
    net.gen["p_mw"] = 0.0
    taken = {int(net.ext_grid.bus.iloc[0])}
    for _, row in net.ext_grid.iloc[1:].iterrows():
        if row.in_service and int(row.bus) not in taken | set(net.gen.bus):
            pp.create_gen(net, int(row.bus), 0.0, vm_pu=float(row.vm_pu))
    net.ext_grid = net.ext_grid.iloc[:1]
    for bus in carrying:
        pp.create_load(net, bus, 0.0, 0.0)


def _single(net: Any) -> None:
    """Turn parallel circuits into one of the same admittance, and rate transformers at their buses' voltages.

    lightsim2grid refuses the column ``parallel``, takes no notice of rated voltages other than the buses', and puts
    the magnetising branch elsewhere (8e-6 pu): it is left out.
    """
    many = net.line["parallel"]
    for column in ("r_ohm_per_km", "x_ohm_per_km"):
        net.line[column] /= many
    for column in ("c_nf_per_km", "g_us_per_km", "max_i_ka"):
        net.line[column] *= many
    net.trafo["sn_mva"] *= net.trafo["parallel"]  # short-circuit voltages are shares of the rating
    net.trafo["i0_percent"] = net.trafo["pfe_kw"] = 0.0
    net.line["parallel"] = net.trafo["parallel"] = 1
    for side in ("hv", "lv"):
        net.trafo[f"vn_{side}_kv"] = net.bus.vn_kv.loc[net.trafo[f"{side}_bus"]].to_numpy()


def load_rows(case: Case) -> list[int]:
    """Return the model's row of the bus of each load (fused buses: the first load carries all, others nothing)."""
    row_of = solver_tables(case.net).bus_of
    rows = [row_of[int(bus)] for bus in case.net.load.bus]
    return [row if row not in rows[:number] else -1 for number, row in enumerate(rows)]
