"""A pandapower net → :class:`grid.model.GridModel`: two-port admittances, controls and slacks as arrays.

The conversion of elements to a π-model is pandapower's own (:func:`grid.tables.solver_tables`); the two-port
algebra, the grouping of sources by bus and the normalising of slack shares happen here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from grid.model import Complexes, GridModel, Injections
from grid.tables import SolverTables, solver_tables
from scenarios.records import Floats, Ints


def compile_net(net: Any) -> GridModel:
    """Return the compiled grid of a pandapower ``net``, which is not changed.

    Branches and buses out of service are left out; fused buses appear once, under the name of the first. The
    model's typical injections are the net's ``situations`` where it has that table, else those of its tables and
    multiples of them (they only serve as the points from which hours are started).

    Raises ``DataError`` when the net has elements that are not modelled, sources at one bus that disagree, or no
    angle reference at all.
    """
    tables = solver_tables(net)
    controls, v_set, q_min, q_max = _controls(tables)
    slacks, weight, angle = _slacks(tables)
    return GridModel(
        sn_mva=tables.sn_mva,
        buses=tables.buses,
        branches=tables.branches,
        controls=tuple(tables.buses[bus] for bus in controls),
        vn_kv=tables.vn_kv,
        y_shunt_pu=tables.y_shunt_pu,
        transit=tables.transit,
        from_bus=tables.from_bus,
        to_bus=tables.to_bus,
        **two_ports(tables),
        limit_from_ka=tables.limit_from_ka,
        limit_to_ka=tables.limit_to_ka,
        is_trafo=tables.is_trafo,
        control_bus=controls,
        v_set_pu=v_set,
        q_min_mvar=q_min,
        q_max_mvar=q_max,
        slack_bus=slacks,
        slack_weight=weight,
        slack_angle_deg=angle,
        typical_mva=_typical_mva(net, tables),
    )


def _typical_mva(net: Any, tables: SolverTables) -> Complexes:
    """Return the injections of the net's situations, else of its tables [points × buses]."""
    if "situations" not in net:
        return multiples_of(tables.p_mw + 1j * tables.q_mvar)
    rows = net["situations"][net["situations"].bus.isin(list(tables.bus_of))]
    mva = np.zeros((int(rows.situation.max()) + 1, len(tables.buses)), dtype=np.complex128)
    bus = [tables.bus_of[int(bus)] for bus in rows.bus]
    np.add.at(mva, (rows.situation.to_numpy(), bus), rows.p_mw.to_numpy() + 1j * rows.q_mvar.to_numpy())
    return mva


def multiples_of(mva: Complexes) -> Complexes:
    """Return injections [buses] as they are, and multiples of them where the load of a year lies [32 × buses]."""
    near = [share / 40 for share in range(26, 53) if share != 40]
    return np.outer([1.0, *near, 0.0, 0.25, 0.5, 1.4, 1.5], mva)


def tabled_injections(net: Any, model: GridModel) -> Injections:
    """Return one hour of injections as the net's own tables stand (the snapshot that ``runpp`` would solve)."""
    tables = solver_tables(net)
    return model.injections(tables.p_mw[None, :], tables.q_mvar[None, :])


def bus_positions(net: Any) -> dict[str, int]:
    """Return the model's row of every bus by name, also of fused buses, of which it lists the first."""
    tables = solver_tables(net)
    return {str(net.bus.at[bus, "name"]): row for bus, row in tables.bus_of.items()}


def two_ports(tables: SolverTables) -> dict[str, Complexes]:
    """Return the four admittances of each branch, per unit.

    Source: MATPOWER manual, eq. 3.2 (ideal tap with ratio τ·exp(jθ) at the from end of a π-model), with the series
    impedance and the shunt seen from each end kept apart as in ``pandapower.pypower.makeYbus.branch_vectors``.
    """
    y_from, y_to, tap = 1 / tables.z_from_pu, 1 / tables.z_to_pu, tables.tap
    return {
        "y_ff_pu": (y_from + tables.y_from_pu / 2) / np.abs(tap) ** 2,
        "y_ft_pu": -y_from / np.conj(tap),
        "y_tf_pu": -y_to / tap,
        "y_tt_pu": y_to + tables.y_to_pu / 2,
    }


def _controls(tables: SolverTables) -> tuple[Ints, Floats, Floats, Floats]:
    """Group the sources by bus: one set point, the sum of the reactive ranges."""
    buses, first, member = np.unique(tables.source_bus, return_index=True, return_inverse=True)
    v_set = tables.source_v_pu[first]
    q_min, q_max = np.zeros(len(buses)), np.zeros(len(buses))
    np.add.at(q_min, member, tables.source_q_min_mvar)
    np.add.at(q_max, member, tables.source_q_max_mvar)
    return buses.astype(np.int64), v_set, q_min, q_max


def _slacks(tables: SolverTables) -> tuple[Ints, Floats, Floats]:
    """Buses that share the residual: angle references first, weights summing to one over each island."""
    shares = np.isfinite(tables.source_angle_deg) | (tables.source_weight > 0)
    buses = np.unique(tables.source_bus[shares])
    angle, weight = np.full(len(buses), np.nan), np.zeros(len(buses))
    for bus, source_angle, source_weight in zip(
        tables.source_bus[shares], tables.source_angle_deg[shares], tables.source_weight[shares], strict=True
    ):
        k = int(np.searchsorted(buses, bus))
        angle[k] = source_angle if np.isfinite(source_angle) else angle[k]
        weight[k] += source_weight
    order = np.lexsort((buses, np.isnan(angle)))
    buses, angle, weight = buses[order], angle[order], weight[order]
    return buses.astype(np.int64), _normalised(weight, angle, _islands(tables)[buses]), angle


def _normalised(weight: Floats, angle: Floats, island: Ints) -> Floats:
    """Make weights sum to one in every island; where all are zero, its angle references share equally."""
    share = weight.copy()
    for label in np.unique(island):
        here = island == label
        if weight[here].sum() == 0:
            share[here] = np.isfinite(angle[here])
        total = share[here].sum()
        share[here] = share[here] / total if total > 0 else 0.0
    return share


def _islands(tables: SolverTables) -> Ints:
    size = len(tables.buses)
    graph = csr_matrix((np.ones(len(tables.from_bus)), (tables.from_bus, tables.to_bus)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    return np.asarray(label, dtype=np.int64)
