"""Overloads after an outage in one hour → the least MW that must be moved to end them, by linear sensitivities.

Generation may be lowered, or load and export cut, at any bus; the surrounding grid balances at its nodes by their
weights. Each changes the flow in a branch by its transfer factor after the outage (PTDF, DC), so the least sum is
a linear programme:

    min Σ lowered + Σ cut + dear · Σ left      |F + PTDF · (cut − lowered)| ≤ limit + left

``F`` is the AC flow. A branch's limit in MW is what it would carry at its rated current with the power factor of
the hour, |F| / loading. Voltages are left out: the figure is an estimate for planning, not a switching order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grid.model import Complexes, GridModel
from grid.sensitivities import ptdf
from scenarios.errors import InvariantError
from scenarios.records import Floats

DEAR = 1e4
"""Price of an overload that stays, per MW, relative to one MW of relief: only what no relief can end stays."""
CUT = 1.001
"""Price of a MW of load or export cut, relative to generation lowered: between equals, generation goes first."""
LIGHT = 0.05
"""Below this loading the power factor says little; the branch then gets its rated apparent power."""


@dataclass(frozen=True, slots=True)
class Relief:
    """The least relief, MW: generation lowered, load and export cut, and what of the overloads no relief ends."""

    lowered_mw: float
    cut_mw: float
    left_mw: float

    @property
    def total_mw(self) -> float:
        """All power that is moved."""
        return self.lowered_mw + self.cut_mw


def least_relief(model: GridModel, v_pu: Complexes, given_mw: Floats, taken_mw: Floats) -> Relief:
    """Return the least relief of one hour with voltages ``v_pu`` [buses] (NaN where dark).

    ``given_mw`` [buses] may be lowered and ``taken_mw`` [buses] may be cut; ``model`` has the ratings to keep.
    """
    from scipy.optimize import linprog  # noqa: PLC0415  slow to import, and many years have nothing to relieve

    flow_mw, limit_mw = _flows_and_limits(model, v_pu)
    rated = np.isfinite(limit_mw) & np.isfinite(flow_mw)
    factors, size, rows = ptdf(model)[rated], len(model.buses), int(rated.sum())
    live = np.isfinite(v_pu)
    effect = np.hstack([-factors, factors, -np.eye(rows)])
    opposite = np.hstack([factors, -factors, -np.eye(rows)])
    most = np.concatenate([np.where(live, given_mw, 0.0), np.where(live, taken_mw, 0.0), np.full(rows, np.inf)])
    solution = linprog(
        np.concatenate([np.ones(size), np.full(size, CUT), np.full(rows, DEAR)]),
        A_ub=np.vstack([effect, opposite]),
        b_ub=np.concatenate([limit_mw[rated] - flow_mw[rated], limit_mw[rated] + flow_mw[rated]]),
        bounds=np.column_stack([np.zeros(len(most)), np.maximum(most, 0.0)]),
        method="highs",
    )
    if solution.status != 0:
        raise InvariantError(f"the programme of least relief has no solution: {solution.message}")
    return Relief(*(float(part.sum()) for part in np.split(solution.x, [size, 2 * size])))


def _flows_and_limits(model: GridModel, v_pu: Complexes) -> tuple[Floats, Floats]:
    """Return the active flow into the from end of each branch and its limit in the hour, both MW [branches]."""
    v_from, v_to = v_pu[model.from_bus], v_pu[model.to_bus]
    i_from = model.y_ff_pu * v_from + model.y_ft_pu * v_to
    i_to = model.y_tf_pu * v_from + model.y_tt_pu * v_to
    flow_mw = (v_from * np.conj(i_from)).real * model.sn_mva
    rated_mva = np.sqrt(3.0) * np.minimum(
        model.limit_from_ka * model.vn_kv[model.from_bus], model.limit_to_ka * model.vn_kv[model.to_bus]
    )
    loading = np.maximum(
        np.abs(i_from) * model.sn_mva / (np.sqrt(3.0) * model.vn_kv[model.from_bus] * model.limit_from_ka),
        np.abs(i_to) * model.sn_mva / (np.sqrt(3.0) * model.vn_kv[model.to_bus] * model.limit_to_ka),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        at_power_factor = np.abs(flow_mw) / loading
    return flow_mw, np.where(loading > LIGHT, at_power_factor, rated_mva)
