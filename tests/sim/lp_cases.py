"""Rows for small cases: what a test does not name does not act on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from grid.model import GridModel
from sim.dispatch.limits import NetworkLimits, no_limits
from sim.dispatch.lp import solve
from sim.dispatch.model import DispatchCase

THINGS = ("coal", "hydros", "renewables", "storages", "loads", "channels", "flexibles")


def make_limits(case: DispatchCase, limit_mw: Any, rows: tuple[str, ...] = (), **reach: Any) -> NetworkLimits:
    """Return rows with limits ± ``limit_mw``; ``reach`` gives the flow per MW injected [rows × things]."""
    high = np.atleast_1d(np.asarray(limit_mw, dtype=float))
    sizes = {name: len(getattr(case, name)) for name in THINGS}
    given = {name: np.atleast_2d(np.asarray(reach.get(name, 0.0), dtype=float)) for name in THINGS}
    return NetworkLimits(
        rows=rows or tuple(f"row-{number}" for number in range(len(high))),
        low_mw=-high,
        high_mw=high,
        loss=np.zeros(len(high)),
        **{name: np.broadcast_to(given[name], (len(high), sizes[name])).copy() for name in THINGS},
    )


def random_limits(case: DispatchCase, seed: int, rows: int = 4, tightness: float = 0.6) -> NetworkLimits:
    """Return rows with random sensitivities; limits are a share of the flow of the unlimited dispatch."""
    draw = np.random.default_rng(seed)
    reach = {name: draw.uniform(-0.5, 0.5, (rows, len(getattr(case, name)))) for name in THINGS}
    free = make_limits(case, np.full(rows, np.inf), **reach)
    flow = flows_mw(case, solve(case, no_limits(case)), free)
    return make_limits(case, tightness * np.abs(flow).max(axis=0), **reach)


def flows_mw(case: DispatchCase, result: Any, limits: NetworkLimits) -> Any:
    """Return the flow of every row [hours × rows], from the result alone."""
    served = case.load_mw + result.shift_up_mw - result.shift_down_mw - result.shed_mw - result.unserved_mw
    return (
        result.coal_mw @ limits.coal.T
        + result.hydro_mw @ limits.hydros.T
        + result.renewable_mw @ limits.renewables.T
        + (result.discharge_mw - result.charge_mw) @ limits.storages.T
        - served @ limits.loads.T
        - result.export_mw @ limits.channels.T
        - result.flexible_mw @ limits.flexibles.T
        - result.loss_mw[:, None] * limits.loss
    )


def make_model(lines: list[tuple[int, int, float, float]], slack: dict[int, float] | None = None) -> GridModel:
    """Return a lossless grid of lines (from, to, reactance pu, limit MW) on 100 MVA and 220 kV."""
    slack = slack or {0: 1.0}
    buses, count = 1 + max(max(f, t) for f, t, _, _ in lines), len(lines)
    y = np.array([1.0 / (1j * x) for _, _, x, _ in lines])
    limit_ka = np.array([limit for *_, limit in lines]) / (np.sqrt(3.0) * 220.0)
    empty = np.zeros(0)
    return GridModel(
        sn_mva=100.0,
        buses=tuple(f"bus-{k}" for k in range(buses)),
        branches=tuple(f"line-{k}" for k in range(count)),
        controls=(),
        vn_kv=np.full(buses, 220.0),
        y_shunt_pu=np.zeros(buses, np.complex128),
        transit=np.zeros(buses, dtype=bool),
        from_bus=np.array([f for f, *_ in lines], dtype=np.int64),
        to_bus=np.array([t for _, t, *_ in lines], dtype=np.int64),
        y_ff_pu=y,
        y_ft_pu=-y,
        y_tf_pu=-y,
        y_tt_pu=y,
        limit_from_ka=limit_ka,
        limit_to_ka=limit_ka,
        is_trafo=np.zeros(count, dtype=np.bool_),
        control_bus=empty.astype(np.int64),
        v_set_pu=empty,
        q_min_mvar=empty,
        q_max_mvar=empty,
        slack_bus=np.array(list(slack), dtype=np.int64),
        slack_weight=np.array(list(slack.values())),
        slack_angle_deg=np.where(np.arange(len(slack)) == 0, 0.0, np.nan),
    )


def scattered(case: DispatchCase, model: GridModel, seed: int) -> dict[str, int]:
    """Return a random bus for everything in the case, by name."""
    draw = np.random.default_rng(seed)
    return {name: int(draw.integers(len(model.buses))) for kind in THINGS for name in getattr(case, kind)}
