"""The batched solver's method once more, slowly and plainly: one hour, dense complex numpy.

It documents and checks the kernels. Unknowns are (θ, ln V) of every bus; at an angle reference the place of θ is
taken by the residual active power λ, which the slacks of the island share:

    P_i(θ, V) = P_scheduled + share_i · λ          at every bus
    Q_i(θ, V) = Q_scheduled + fixed_i              at buses that hold no voltage
    V_i       = V_set                              at buses that do
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from grid.model import Complexes, FlowOptions, GridModel
from grid.reference import admittance, supplied_buses
from scenarios.records import Bools, Floats, Ints


class TwinHour(NamedTuple):
    """Solution of one hour: complex voltages (NaN: not supplied), slack shares and q of controls (pu)."""

    v: Complexes
    slack_pu: Floats
    control_pu: Floats
    iterations: int
    converged: bool


class _Case(NamedTuple):
    y: Complexes
    s: Complexes
    share: Floats
    reference: Bools
    control: Ints
    v_set: Floats


def solve_hour(model: GridModel, p_mw: Floats, q_mvar: Floats, options: FlowOptions) -> TwinHour:
    """Solve one hour of a model with one connected supplied island, set points and ranges as in the model."""
    case = _case(model, p_mw, q_mvar, options)
    q_min, q_max = model.q_min_mvar / model.sn_mva, model.q_max_mvar / model.sn_mva
    off = options.enforce_q_limits & (q_min == q_max)
    holds, fixed = ~off, np.where(off, q_min, 0.0)
    v, residual, iterations = _start(model, case), 0.0, 0
    for _ in range(30):
        v[case.control[holds]] *= (case.v_set / np.abs(v[case.control]))[holds]
        v, residual, more = _newton(case, (holds, fixed), v, residual)
        iterations += more
        if more > 30 or not options.enforce_q_limits:
            break
        change = _switch(case, v, (holds, fixed), (q_min, q_max, off))
        if not change:
            break
    made = (v * np.conj(case.y @ v) - case.s).imag[case.control]
    v = np.where(supplied_buses(model), v, np.nan)
    return TwinHour(v, case.share[model.slack_bus] * residual, made, iterations, more <= 30)


def _case(model: GridModel, p_mw: Floats, q_mvar: Floats, options: FlowOptions) -> _Case:
    size = len(model.buses)
    reference, share = np.zeros(size, dtype=bool), np.zeros(size)
    reference[model.slack_bus[np.isfinite(model.slack_angle_deg)][0]] = True
    share[model.slack_bus] = model.slack_weight
    if not options.distributed_slack:
        share = reference.astype(float)
    y = admittance(model).toarray()
    dead = ~supplied_buses(model)
    y[dead], y[:, dead] = 0.0, 0.0
    y[dead, dead] = 1.0
    scheduled: Complexes = np.asarray(p_mw + 1j * q_mvar, dtype=np.complex128) / model.sn_mva
    return _Case(y, scheduled, share, reference, model.control_bus, model.v_set_pu)


def _start(model: GridModel, case: _Case) -> Complexes:
    angle = np.deg2rad(np.nan_to_num(model.slack_angle_deg[0]))
    return np.full(len(case.s), np.exp(1j * angle))


def _newton(case: _Case, kind: tuple[Bools, Floats], v: Complexes, residual: float) -> tuple[Complexes, float, int]:
    """Full Newton with the Jacobian from outer products: ∂S/∂θ = j (diag S − A), ∂S/∂lnV = diag S + A."""
    holds, fixed = kind
    size = len(v)
    holding, extra = np.zeros(size, dtype=bool), np.zeros(size, dtype=complex)
    holding[case.control[holds]] = True
    extra[case.control[~holds]] = 1j * fixed[~holds]
    for iteration in range(40):
        flow = v * np.conj(case.y @ v)
        left = case.s + extra + case.share * residual - flow
        right = np.concatenate([left.real, np.where(holding, 0.0, left.imag)])
        if np.abs(right).max() < 1e-11:
            return v, residual, iteration
        part = v[:, None] * np.conj(case.y * v[None, :])
        by_angle, by_log = 1j * (np.diag(flow) - part), np.diag(flow) + part
        jacobian = np.block([[by_angle.real, by_log.real], [by_angle.imag, by_log.imag]])
        jacobian[:size, :size][:, case.reference] = -case.share[:, None]
        jacobian[size:, :size][:, case.reference] = 0.0
        rows = size + np.flatnonzero(holding)
        jacobian[rows] = 0.0
        jacobian[rows, rows] = 1.0
        step = np.linalg.solve(jacobian, right)
        residual += float(step[:size][case.reference][0])
        v = v * np.exp(step[size:] + 1j * np.where(case.reference, 0.0, step[:size]))
    return v, residual, 99


def _switch(
    case: _Case, v: Complexes, kind: tuple[Bools, Floats], limits: tuple[Floats, Floats, Bools], slack: float = 1e-7
) -> bool:
    """Hold at the limit what left its range, release what need not be held (in place); say whether any changed."""
    holds, fixed = kind
    q_min, q_max, off = limits
    made = (v * np.conj(case.y @ v) - case.s).imag[case.control]
    size = np.abs(v[case.control])
    over, under = holds & (made > q_max + slack), holds & (made < q_min - slack)
    held = ~holds & ~off
    at_max = held & (fixed == q_max)
    release = (at_max & (size > case.v_set + slack)) | (held & ~at_max & (size < case.v_set - slack))
    holds[over | under], holds[release] = False, True
    fixed[over], fixed[under] = q_max[over], q_min[under]
    return bool((over | under | release).any())
