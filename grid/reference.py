"""pandapower as the outside judge: its power flow hour by hour, and a checker of Kirchhoff's laws.

Neither shares code with the batched solver:

* :func:`solve`: the slow trusted twin, ``pandapower.runpp`` once for each hour.
* :func:`mismatch`: what is left over at each bus when a result is put into Kirchhoff's laws (complex numpy).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pandapower as pp
from pandapower.auxiliary import LoadflowNotConverged
from pandapower.pypower import idx_bus as bu
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from grid.model import Complexes, FlowOptions, FlowResult, FlowStatus, GridModel, Injections
from grid.tables import INJECTING, SQRT3, SolverTables, quiet, solver_tables
from scenarios.records import Bools, Floats, Ints


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
        with quiet():
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
