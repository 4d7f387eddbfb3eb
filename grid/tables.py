"""A pandapower net → plain arrays: what its own solver would see, by pandapower's own conversion to a π-model.

Nets with elements that the batched solver does not model, or that contradict themselves, are refused here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandapower.auxiliary import _add_ppc_options
from pandapower.pd2ppc import _pd2ppc
from pandapower.pypower import idx_brch as br
from pandapower.pypower import idx_bus as bu

from grid.model import Complexes
from scenarios.errors import DataError, Problem
from scenarios.records import Bools, Floats, Ints, axes, record

REFUSED = ("dcline", "svc", "tcsc", "ssc", "vsc", "xward", "ward", "line_dc", "asymmetric_load", "asymmetric_sgen")
INJECTING = ("load", "sgen", "storage", "motor", "gen")
SQRT3 = np.sqrt(3.0)


@record
class SolverTables:
    """A pandapower net as plain arrays, in the π-model and the per-unit base ``sn_mva`` of its solver.

    ``bus_of`` maps each pandapower bus index to its row here (fused buses share one). ``tap`` is the complex ratio.
    ``p_mw``, ``q_mvar`` are scheduled generation − load as the net's tables stand. ``angle_deg`` of a source is NaN
    where it only holds voltage. ``transit`` marks buses without an element that could feed in or draw power, in
    service or not. ``weight`` is the unnormalised share of the residual active power.
    """

    sn_mva: float
    buses: tuple[str, ...]
    branches: tuple[str, ...]
    bus_of: dict[int, int]
    vn_kv: Floats = axes("buses")
    y_shunt_pu: Complexes = axes("buses", dtype=np.complex128)
    p_mw: Floats = axes("buses")
    q_mvar: Floats = axes("buses")
    transit: Bools = axes("buses", dtype=np.bool_)
    from_bus: Ints = axes("branches", dtype=np.int64)
    to_bus: Ints = axes("branches", dtype=np.int64)
    z_from_pu: Complexes = axes("branches", dtype=np.complex128)
    z_to_pu: Complexes = axes("branches", dtype=np.complex128)
    y_from_pu: Complexes = axes("branches", dtype=np.complex128)
    y_to_pu: Complexes = axes("branches", dtype=np.complex128)
    tap: Complexes = axes("branches", dtype=np.complex128)
    limit_from_ka: Floats = axes("branches")
    limit_to_ka: Floats = axes("branches")
    is_trafo: Bools = axes("branches", dtype=np.bool_)
    source_bus: Ints = axes("sources", dtype=np.int64)
    source_v_pu: Floats = axes("sources")
    source_q_min_mvar: Floats = axes("sources")
    source_q_max_mvar: Floats = axes("sources")
    source_weight: Floats = axes("sources")
    source_angle_deg: Floats = axes("sources")


def solver_tables(net: Any) -> SolverTables:
    """Return the pandapower ``net`` as plain arrays; the net itself is not changed.

    Raises ``DataError`` naming every element kind that the batched solver does not model.
    """
    _refuse_unmodelled(net)
    _refuse_contradictions(net)
    net = deepcopy(net)
    ppc = _converted(net)
    rows = _kept_buses(net, ppc)
    number = np.full(len(ppc["bus"]), -1)
    number[rows] = np.arange(len(rows))
    branch = ppc["branch"][:, : br.branch_cols]
    ends = number[branch[:, [br.F_BUS, br.T_BUS]].real.astype(np.int64)]
    on = (branch[:, br.BR_STATUS].real > 0) & (ends >= 0).all(axis=1)
    bus = ppc["bus"][rows]
    names, limits, is_trafo = _branch_elements(net)
    lookup = net["_pd2ppc_lookups"]["bus"]
    return SolverTables(
        sn_mva=float(net.sn_mva),
        buses=_bus_names(net, number),
        branches=tuple(_unique([name for name, keep in zip(names, on, strict=True) if keep])),
        bus_of={int(b): int(number[lookup[b]]) for b in net.bus.index if number[lookup[b]] >= 0},
        vn_kv=bus[:, bu.BASE_KV].copy(),
        y_shunt_pu=(bus[:, bu.GS] + 1j * bus[:, bu.BS]) / net.sn_mva,
        **_scheduled(ppc, number),
        transit=_transit(net, number),
        from_bus=ends[on, 0],
        to_bus=ends[on, 1],
        **_pi_model(branch[on]),
        limit_from_ka=limits[on, 0],
        limit_to_ka=limits[on, 1],
        is_trafo=is_trafo[on],
        **_sources(net, number),
    )


def _refuse_unmodelled(net: Any) -> None:
    present = [kind for kind in REFUSED if kind in net and len(net[kind])]
    if present:
        raise DataError(
            Problem(f"net.{kind}", f"{len(net[kind])} elements that the solver does not model", "replace them")
            for kind in present
        )
    load = net.load
    shares = [column for column in load.columns if column.startswith(("const_z", "const_i"))]
    if len(load) and np.any(load[shares].to_numpy(dtype=float) != 0):
        raise DataError(Problem("net.load", "voltage-dependent loads are not modelled", f"set {shares} to zero"))


def _refuse_contradictions(net: Any) -> None:
    """Refuse, all at once: no angle reference, set points that differ at one bus, reactive ranges upside down."""
    gens = net.gen[net.gen.in_service.astype(bool)]
    grids = net.ext_grid[net.ext_grid.in_service.astype(bool)]
    problems = []
    if not len(grids) and not gens["slack"].any():
        problems.append(Problem("net", "no external grid or slack generator in service", "add one per island"))
    held = pd.concat([grids[["bus", "vm_pu"]], gens[["bus", "vm_pu"]]]).astype(float)
    for bus, v_pu in held.groupby("bus")["vm_pu"]:
        if v_pu.max() - v_pu.min() > 1e-9:
            what = f"its sources hold {sorted(set(v_pu))} pu"
            problems.append(Problem(f"bus {net.bus.at[int(bus), 'name']}", what, "give them one set point"))
    if {"min_q_mvar", "max_q_mvar"} <= set(gens.columns):
        for index, gen in gens[gens["min_q_mvar"] > gens["max_q_mvar"]].iterrows():
            what = f"min_q_mvar {gen['min_q_mvar']} > max_q_mvar {gen['max_q_mvar']}"
            problems.append(Problem(f"net.gen {index}", what, "exchange them"))
    if problems:
        raise DataError(problems)


def _converted(net: Any) -> dict[str, Any]:
    """Run pandapower's conversion with the options of ``runpp`` (all angles, T-model of transformers)."""
    net["_options"] = {}
    _add_ppc_options(
        net,
        calculate_voltage_angles=True,
        trafo_model="t",
        check_connectivity=True,
        mode="pf",
        switch_rx_ratio=2,
        init_vm_pu="flat",
        init_va_degree="flat",
        enforce_q_lims=True,
        enforce_p_lims=False,
        recycle=None,
        voltage_depend_loads=False,
    )
    with quiet():
        try:
            ppc, _ = _pd2ppc(net)
        except UserWarning as complaint:  # pandapower raises its objections to a net as warnings
            raise DataError(Problem("net", str(complaint))) from complaint
    return dict(ppc)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what pandapower says about its own stored cases and tables, by name."""
    with warnings.catch_warnings():
        # its older stored networks lack a column that it introduced itself
        warnings.filterwarnings("ignore", message="tap_dependency_table is missing", category=DeprecationWarning)
        # its generator tables assign booleans into object columns (pandas)
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _kept_buses(net: Any, ppc: dict[str, Any]) -> Ints:
    """Rows of the converted bus table that exist: buses in service and the auxiliary ones that branches need."""
    lookup = net["_pd2ppc_lookups"]["bus"]
    named, serving = lookup[net.bus.index.to_numpy()], net.bus.in_service.to_numpy(dtype=bool)
    branch = ppc["branch"]
    on = branch[:, br.BR_STATUS].real > 0
    touched = branch[on][:, [br.F_BUS, br.T_BUS]].real.astype(np.int64).ravel()
    return np.union1d(named[serving], np.setdiff1d(touched, named))


def _bus_names(net: Any, number: Ints) -> tuple[str, ...]:
    lookup = net["_pd2ppc_lookups"]["bus"]
    names = [f"auxiliary {row}" for row in range(int(number.max()) + 1)]
    for index, name in reversed(list(zip(net.bus.index, net.bus["name"], strict=True))):
        row = number[lookup[index]]
        if row >= 0:
            names[row] = str(index) if name is None or pd.isna(name) else str(name)
    return tuple(_unique(names))


def _unique(names: list[str]) -> list[str]:
    """Append the position to every name that occurs more than once."""
    repeated = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    return [f"{name} #{position}" if name in repeated else name for position, name in enumerate(names)]


def _scheduled(ppc: dict[str, Any], number: Ints) -> dict[str, Any]:
    keep = number >= 0
    p_mw, q_mvar = -ppc["bus"][:, bu.PD], -ppc["bus"][:, bu.QD]
    on = ppc["gen"][:, 7] > 0
    np.add.at(p_mw, ppc["gen"][on, 0].astype(np.int64), ppc["gen"][on, 1])
    return {"p_mw": p_mw[keep], "q_mvar": q_mvar[keep]}


def _transit(net: Any, number: Ints) -> Bools:
    """Return which buses have no element that could feed in or draw power [buses]."""
    lookup = net["_pd2ppc_lookups"]["bus"]
    free = np.ones(int(number.max()) + 1, dtype=bool)
    for kind in (*INJECTING, "ext_grid"):
        at = number[lookup[net[kind]["bus"].to_numpy(dtype=np.int64)]]
        free[at[at >= 0]] = False
    return free


def _pi_model(branch: npt.NDArray[np.complex128]) -> dict[str, Any]:
    """Series impedance and total shunt admittance as seen from each end (they differ for some transformers)."""
    r, x, g, b = (branch[:, column].real for column in (br.BR_R, br.BR_X, br.BR_G, br.BR_B))
    dr, dx, dg, db = (branch[:, column].real for column in (br.BR_R_ASYM, br.BR_X_ASYM, br.BR_G_ASYM, br.BR_B_ASYM))
    ratio = np.where(branch[:, br.TAP].real == 0, 1.0, branch[:, br.TAP].real)
    return {
        "z_from_pu": r + 1j * x,
        "z_to_pu": r + dr + 1j * (x + dx),
        "y_from_pu": g + 1j * b,
        "y_to_pu": g + dg + 1j * (b + db),
        "tap": ratio * np.exp(1j * np.deg2rad(branch[:, br.SHIFT].real)),
    }


def _branch_elements(net: Any) -> tuple[list[str], Floats, Bools]:
    """Names, rated currents (kA, both ends) and transformer flags, in the order of the converted branch table."""
    names: list[str] = []
    limits: list[Floats] = []
    trafo: list[Bools] = []
    for kind, (first, last) in net["_pd2ppc_lookups"]["branch"].items():
        kind_names, kind_limits = _ELEMENTS[kind](net) if kind in _ELEMENTS else _unrated(kind, last - first)
        names += kind_names
        limits.append(np.where(np.isfinite(kind_limits) & (kind_limits > 0), kind_limits, np.inf))
        trafo.append(np.full(last - first, kind.startswith("trafo")))
    return names, np.vstack(limits), np.concatenate(trafo)


def _names(net: Any, kind: str, suffix: str = "") -> list[str]:
    table = net[kind]
    named = table["name"] if "name" in table else [None] * len(table)
    return [
        (f"{kind} {index}" if name is None or pd.isna(name) or name == "" else str(name)) + suffix
        for index, name in zip(table.index, named, strict=True)
    ]


def _line_elements(net: Any) -> tuple[list[str], Floats]:
    line = net.line
    rating = (line["max_i_ka"] * line["df"] * line["parallel"]).to_numpy(dtype=float)
    return _names(net, "line"), np.column_stack([rating, rating])


def _trafo_elements(net: Any) -> tuple[list[str], Floats]:
    trafo = net.trafo
    mva = (trafo["sn_mva"] * trafo["parallel"] * trafo["df"]).to_numpy(dtype=float)
    kv = trafo[["vn_hv_kv", "vn_lv_kv"]].to_numpy(dtype=float)
    return _names(net, "trafo"), mva[:, None] / (SQRT3 * kv)


def _trafo3w_elements(net: Any) -> tuple[list[str], Floats]:
    """Three branches per transformer between its terminals and its star point, which has no rating of its own."""
    names: list[str] = []
    limits = []
    for side in ("hv", "mv", "lv"):
        rating = (net.trafo3w[f"sn_{side}_mva"] / (SQRT3 * net.trafo3w[f"vn_{side}_kv"])).to_numpy(dtype=float)
        star = np.full(len(rating), np.inf)
        names += _names(net, "trafo3w", f" {side}")
        limits.append(np.column_stack([rating, star] if side == "hv" else [star, rating]))
    return names, np.vstack(limits)


_ELEMENTS = {"line": _line_elements, "trafo": _trafo_elements, "trafo3w": _trafo3w_elements}


def _unrated(kind: str, count: int) -> tuple[list[str], Floats]:
    return [f"{kind} {position}" for position in range(count)], np.full((count, 2), np.inf)


def _sources(net: Any, number: Ints) -> dict[str, Any]:
    """Elements that hold a voltage. Like ``runpp``, those that fix the angle have no reactive limits."""
    lookup = net["_pd2ppc_lookups"]["bus"]
    parts = [_ext_grids(net), _generators(net)]
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    bus = columns.pop("bus").astype(np.int64)
    rows = number[lookup[bus]] if len(bus) else bus
    known = rows >= 0
    return {"source_bus": rows[known], **{f"source_{key}": value[known] for key, value in columns.items()}}


def _ext_grids(net: Any) -> dict[str, Floats]:
    table = net.ext_grid[net.ext_grid.in_service.astype(bool)]
    return {
        "bus": table["bus"].to_numpy(dtype=float),
        "v_pu": table["vm_pu"].to_numpy(dtype=float),
        "q_min_mvar": np.full(len(table), -np.inf),
        "q_max_mvar": np.full(len(table), np.inf),
        "weight": table["slack_weight"].fillna(0.0).to_numpy(dtype=float),
        "angle_deg": table["va_degree"].fillna(0.0).to_numpy(dtype=float),
    }


def _generators(net: Any) -> dict[str, Floats]:
    table = net.gen[net.gen.in_service.astype(bool)]
    slack = table["slack"].to_numpy(dtype=bool)
    limits = {
        f"{side}_mvar": np.where(slack | table[column].isna(), worst, table[column].to_numpy(dtype=float))
        if column in table
        else np.full(len(table), worst)
        for side, column, worst in (("q_min", "min_q_mvar", -np.inf), ("q_max", "max_q_mvar", np.inf))
    }
    return {
        "bus": table["bus"].to_numpy(dtype=float),
        "v_pu": table["vm_pu"].to_numpy(dtype=float),
        **limits,
        "weight": table["slack_weight"].fillna(0.0).to_numpy(dtype=float),
        "angle_deg": np.where(slack, 0.0, np.nan),
    }
