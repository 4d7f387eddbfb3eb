"""Networks and injections that the power-flow tests share."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandapower as pp
import pandapower.networks as pn

from grid.compile import compile_net, tabled_injections
from grid.model import GridModel, Injections

CASES = (
    "case9",
    "case14",
    "case30",
    "case39",
    "case57",
    "case118",
    "case_illinois200",
    "case300",
    "case1354pegase",
)


@cache
def case(name: str):
    """The net and its compiled model."""
    with warnings.catch_warnings():
        # pandapower's stored cases carry columns of older pandas
        warnings.simplefilter("ignore", (FutureWarning))
        net = getattr(pn, name)()
    return net, compile_net(net)


def varied(net, model: GridModel, hours: int, seed: int = 1, low: float = 0.75, high: float = 1.0) -> Injections:
    """The tabled injections, scaled hour by hour and bus by bus (3 %)."""
    base = tabled_injections(net, model)
    rng = np.random.default_rng(seed)
    level = rng.uniform(low, high, (hours, 1))
    each = 1 + 0.03 * rng.standard_normal((hours, len(model.buses)))
    return model.injections(base.p_mw * level * each, base.q_mvar * level * each)


def two_buses(**ext):
    """An ideal source and a load bus 100 km apart, on a base of 100 MVA and 100 kV (1 pu = 100 Ω)."""
    net = pp.create_empty_network(sn_mva=100.0)
    a, b = (pp.create_bus(net, 100.0, name=name) for name in "AB")
    pp.create_ext_grid(net, a, vm_pu=1.0, **ext)
    pp.create_line_from_parameters(net, a, b, 100.0, 0.0, 0.5, 0.0, 0.5, name="AB")  # x = 50 Ω = 0.5 pu
    return net


def ring(gens: int = 2):
    """Four buses in a ring with two references of unequal weight and a generator of bounded reactive power."""
    net = pp.create_empty_network(sn_mva=100.0)
    buses = [pp.create_bus(net, 220.0, name=f"B{k}") for k in range(4)]
    pp.create_ext_grid(net, buses[0], vm_pu=1.02, slack_weight=3.0)
    pp.create_gen(net, buses[2], p_mw=50.0, vm_pu=1.01, slack_weight=1.0, min_q_mvar=-20.0, max_q_mvar=20.0)
    for k in range(4):
        pp.create_line_from_parameters(net, buses[k], buses[(k + 1) % 4], 60.0, 0.05, 0.4, 9.0, 0.9, name=f"L{k}")
    pp.create_load(net, buses[1], 120.0, 60.0)
    pp.create_load(net, buses[3], 80.0, 30.0)
    return net
