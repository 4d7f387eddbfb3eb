"""pandapower as the outside judge: its conversion as plain arrays, its power flow hour by hour, and a law checker.

Three things, none of which shares code with the batched solver:

* :func:`solver_tables`: a pandapower net → plain arrays of buses, branches and sources, through pandapower's own
  conversion, so that three-winding transformers, switches, fused buses and impedances are treated as there.
* :func:`solve`: the slow trusted twin, ``pandapower.runpp`` once for each hour.
* :func:`mismatch`: what is left over at each bus when a result is put into Kirchhoff's laws (complex numpy).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
import pandapower as pp
import pandas as pd
from pandapower.auxiliary import LoadflowNotConverged, _add_ppc_options
from pandapower.pd2ppc import _pd2ppc
from pandapower.pypower import idx_brch as br
from pandapower.pypower import idx_bus as bu
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from grid.model import Complexes, FlowOptions, FlowResult, FlowStatus, GridModel, Injections
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
    with _quiet():
        try:
            ppc, _ = _pd2ppc(net)
        except UserWarning as complaint:  # pandapower raises its objections to a net as warnings
            raise DataError(Problem("net", str(complaint))) from complaint
    return dict(ppc)


@contextmanager
def _quiet() -> Iterator[None]:
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


def admittance(model: GridModel) -> csr_matrix:
    """Return the bus admittance matrix of ``model`` in per unit [buses × buses]."""
    f, t = model.from_bus, model.to_bus
    size = len(model.buses)
    diagonal = np.arange(size)
    values = np.concatenate([model.y_ff_pu, model.y_ft_pu, model.y_tf_pu, model.y_tt_pu, model.y_shunt_pu])
    rows = np.concatenate([f, f, t, t, diagonal])
    columns = np.concatenate([f, t, f, t, diagonal])
    return csr_matrix((values, (rows, columns)), shape=(size, size))


def mismatch(model: GridModel, injections: Injections, result: FlowResult) -> Floats:
    """Return the largest complex power left over at any live bus in every solved hour, per unit [hours].

    Kirchhoff: ``V · conj(Y V)`` must equal schedule + share of the residual + reactive power of the controls.
    Hours that were not solved are NaN.
    """
    v = result.vm_pu * np.exp(1j * np.deg2rad(result.va_deg))
    live = np.isfinite(v)
    v = np.where(live, v, 0.0)
    flow = v * np.conj((admittance(model) @ v.T).T)
    given = injections.p_mw + 1j * injections.q_mvar
    given[:, model.slack_bus] += np.nan_to_num(result.slack_mw)
    given[:, model.control_bus] += 1j * np.nan_to_num(result.control_mvar)
    left = np.where(live, np.abs(flow - given / model.sn_mva), 0.0)
    return np.where(result.solved, left.max(axis=1), np.nan)


def solve(net: Any, model: GridModel, injections: Injections, options: FlowOptions | None = None) -> FlowResult:
    """Solve every hour with ``pandapower.runpp``: the slow trusted twin of ``grid.flow.solve``.

    Same contract. Differences that belong to pandapower: generators at a reactive limit are never released again,
    reference nodes have no reactive limits, and the search starts from a DC flow.
    """
    options = options or FlowOptions()
    judge = _Judge(net, model, options)
    hours = len(injections.p_mw)
    table = _empty(model, hours)
    messages = []
    for hour in range(hours):
        status, sentence = judge.hour(injections, hour, table)
        table["status"][hour] = status
        if status > FlowStatus.SOLVED_BY_FALLBACK:
            messages.append((hour, sentence))
    result = FlowResult(**table, messages=tuple(messages))
    object.__setattr__(result, "mismatch_pu", mismatch(model, injections, result))
    return result


def _empty(model: GridModel, hours: int) -> dict[str, Any]:
    def nan(*things: int) -> Floats:
        return np.full((hours, *things), np.nan)

    buses, branches = len(model.buses), len(model.branches)
    per_branch = ("p_from_mw", "q_from_mvar", "p_to_mw", "q_to_mvar", "loading")
    return {
        **{name: nan(buses) for name in ("vm_pu", "va_deg")},
        **{name: nan(branches) for name in per_branch},
        **{name: nan() for name in ("loss_mw", "mismatch_pu")},
        "slack_mw": nan(len(model.slack_bus)),
        "control_mvar": nan(len(model.control_bus)),
        "iterations": np.zeros(hours, dtype=np.int64),
        "status": np.zeros(hours, dtype=np.int64),
    }


class _Judge:
    """One net whose loads are replaced by one load per bus, so that any injection can be set."""

    def __init__(self, net: Any, model: GridModel, options: FlowOptions) -> None:
        self.model, self.options = model, options
        tables = solver_tables(net)
        self.net = deepcopy(net)
        self.home = {row: bus for bus, row in reversed(tables.bus_of.items())}
        self.carrying = [row for row in range(len(model.buses)) if row in self.home]
        self._replace_injections()
        self._replace_generators(tables)
        self.positions = [(bus, row) for bus, row in tables.bus_of.items()]
        self.supplied = supplied_buses(model)

    def _replace_injections(self) -> None:
        for kind in INJECTING:
            if len(self.net[kind]):
                self.net[kind] = self.net[kind].iloc[0:0]
        for row in self.carrying:
            pp.create_load(self.net, self.home[row], p_mw=0.0, q_mvar=0.0)

    def _replace_generators(self, tables: SolverTables) -> None:
        """One generator per control that is no reference; references stay external grids."""
        model = self.model
        self.net.ext_grid = self.net.ext_grid.iloc[0:0]
        angle = dict(zip(model.slack_bus.tolist(), model.slack_angle_deg.tolist(), strict=True))
        weight = dict(zip(model.slack_bus.tolist(), model.slack_weight.tolist(), strict=True))
        self.grids: list[tuple[int, int]] = []
        self.gens: list[tuple[int, int]] = []
        for control, row in enumerate(model.control_bus.tolist()):
            bus = self.home[row]
            if np.isfinite(angle.get(row, np.nan)):
                index = pp.create_ext_grid(self.net, bus, va_degree=angle[row], slack_weight=weight[row])
                self.grids.append((control, index))
            else:
                index = pp.create_gen(self.net, bus, p_mw=0.0, slack_weight=weight.get(row, 0.0))
                self.gens.append((control, index))

    def hour(self, injections: Injections, hour: int, table: dict[str, Any]) -> tuple[FlowStatus, str]:
        p_mw, q_mvar = injections.p_mw[hour], injections.q_mvar[hour]
        settings = [
            matrix[hour if len(matrix) > 1 else 0]
            for matrix in (injections.v_set_pu, injections.q_min_mvar, injections.q_max_mvar)
        ]
        if not (np.isfinite(p_mw).all() and np.isfinite(q_mvar).all() and not np.isnan(settings).any()):
            return FlowStatus.BAD_INPUT, FlowStatus.BAD_INPUT.sentence
        if np.any((p_mw != 0)[~self.supplied] | (q_mvar != 0)[~self.supplied]):
            return FlowStatus.ISLAND_WITHOUT_SOURCE, FlowStatus.ISLAND_WITHOUT_SOURCE.sentence
        self._write(p_mw, q_mvar, settings)
        try:
            self._run()
        except (LoadflowNotConverged, FloatingPointError) as error:
            return FlowStatus.NOT_CONVERGED, f"{FlowStatus.NOT_CONVERGED.sentence} ({error})"
        self._read(table, hour, p_mw, q_mvar)
        return FlowStatus.SOLVED, ""

    def _write(self, p_mw: Floats, q_mvar: Floats, settings: list[Floats]) -> None:
        v_set, q_min, q_max = settings
        self.net.load["p_mw"] = -p_mw[self.carrying]
        self.net.load["q_mvar"] = -q_mvar[self.carrying]
        for control, index in self.grids:
            self.net.ext_grid.at[index, "vm_pu"] = v_set[control]
        for control, index in self.gens:
            off = self.options.enforce_q_limits and q_min[control] == q_max[control]
            fixed = q_min[control] if off else 0.0
            row = self.carrying.index(int(self.model.control_bus[control]))
            self.net.load.iat[row, self.net.load.columns.get_loc("q_mvar")] -= fixed
            self.net.gen.loc[index, ["vm_pu", "min_q_mvar", "max_q_mvar", "in_service"]] = (
                v_set[control],
                max(q_min[control], -1e9),
                min(q_max[control], 1e9),
                not off,
            )

    def _run(self) -> None:
        with _quiet():
            pp.runpp(
                self.net,
                tolerance_mva=self.options.tolerance_pu / 10,
                max_iteration=50,
                enforce_q_lims=self.options.enforce_q_limits,
                distributed_slack=self.options.distributed_slack and len(self.model.slack_bus) > 1,
                calculate_voltage_angles=True,
                lightsim2grid=False,
            )

    def _read(self, table: dict[str, Any], hour: int, p_mw: Floats, q_mvar: Floats) -> None:
        model = self.model
        ppc = self.net["_ppc"]
        lookup = self.net["_pd2ppc_lookups"]["bus"]
        v = self._voltages(ppc, lookup)
        table["vm_pu"][hour], table["va_deg"][hour] = np.abs(v), np.rad2deg(np.angle(v))
        table["iterations"][hour] = int(ppc["iterations"])
        v = np.nan_to_num(v)
        s_from, s_to, loading = branch_powers(model, v)
        table["p_from_mw"][hour], table["q_from_mvar"][hour] = s_from.real, s_from.imag
        table["p_to_mw"][hour], table["q_to_mvar"][hour] = s_to.real, s_to.imag
        table["loading"][hour] = loading
        table["loss_mw"][hour] = (s_from + s_to).real.sum()
        extra = v * np.conj(admittance(model) @ v) * model.sn_mva - (p_mw + 1j * q_mvar)
        table["slack_mw"][hour] = extra.real[model.slack_bus]
        table["control_mvar"][hour] = extra.imag[model.control_bus]

    def _voltages(self, ppc: dict[str, Any], lookup: Ints) -> Complexes:
        """Voltages in the rows of the model; both conversions keep the same order of rows."""
        v = ppc["bus"][:, bu.VM] * np.exp(1j * np.deg2rad(ppc["bus"][:, bu.VA]))
        full = np.full(len(self.model.buses), np.nan + 0j)
        for bus, row in self.positions:
            full[row] = v[lookup[bus]]
        stars = [row for row in range(len(full)) if row not in self.home]
        solved = np.setdiff1d(np.arange(len(v)), lookup[self.net.bus.index.to_numpy()])
        full[stars] = v[solved]
        full[~self.supplied] = np.nan
        return full


def branch_powers(model: GridModel, v: Complexes) -> tuple[Complexes, Complexes, Floats]:
    """Return complex power into both ends (MVA) and loading (fraction) for bus voltages ``v`` [buses]."""
    v_from, v_to = v[model.from_bus], v[model.to_bus]
    i_from = model.y_ff_pu * v_from + model.y_ft_pu * v_to
    i_to = model.y_tf_pu * v_from + model.y_tt_pu * v_to
    base_from, base_to = (model.sn_mva / (SQRT3 * model.vn_kv[end]) for end in (model.from_bus, model.to_bus))
    loading = np.maximum(
        np.abs(i_from) * base_from / model.limit_from_ka, np.abs(i_to) * base_to / model.limit_to_ka
    )
    return v_from * np.conj(i_from) * model.sn_mva, v_to * np.conj(i_to) * model.sn_mva, loading


def supplied_buses(model: GridModel) -> Bools:
    """Return which buses are connected to an angle reference [buses] (graph search in scipy)."""
    size = len(model.buses)
    linked = np.abs(model.y_ft_pu) + np.abs(model.y_tf_pu) > 0
    graph = csr_matrix(
        (np.ones(int(linked.sum())), (model.from_bus[linked], model.to_bus[linked])), shape=(size, size)
    )
    _, label = connected_components(graph, directed=False)
    references = model.slack_bus[np.isfinite(model.slack_angle_deg)]
    return np.isin(label, label[references])
