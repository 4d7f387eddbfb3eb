"""Rows for small cases: what a test does not name does not act on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.dispatch.limits import NetworkLimits, no_limits
from sim.dispatch.model import DispatchCase

THINGS = ("coal", "hydros", "renewables", "storages", "loads", "channels")


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
    """Return rows with random sensitivities; limits are a share of the flow that the unlimited dispatch would have."""
    from sim.dispatch.lp import solve  # noqa: PLC0415  (numba and HiGHS only where they are needed)

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
        - result.loss_mw[:, None] * limits.loss
    )
